//! The integration tests, one binary. Those that need kills, mounts, other users or a shell are for Unix only.
#[cfg(all(test, unix))]
mod agent_clock;
#[cfg(all(test, unix))]
mod agent_close;
#[cfg(all(test, unix))]
mod agent_control;
#[cfg(all(test, unix))]
mod agent_manual;
#[cfg(all(test, unix))]
mod agent_runs;
#[cfg(test)]
mod bak_real;
#[cfg(all(test, unix))]
mod config;
#[cfg(all(test, unix))]
mod damage;
#[cfg(feature = "tray")]
#[cfg(all(test, unix))]
mod desktop;
#[cfg(all(test, unix))]
mod destination;
#[cfg(all(test, target_os = "linux"))]
mod faults;
#[cfg(test)]
mod fuzz;
#[cfg(all(test, unix))]
mod journal;
#[cfg(all(test, unix))]
mod kills;
#[cfg(all(test, unix))]
mod logging;
#[cfg(all(test, unix))]
mod manual;
#[cfg(all(test, unix))]
mod run;
#[cfg(all(test, unix))]
mod service;
#[cfg(all(test, unix))]
mod shells;
#[cfg(test)]
mod sqlserver;
#[cfg(test)]
mod standin_files;
#[cfg(test)]
mod support;
#[cfg(test)]
mod verify;
