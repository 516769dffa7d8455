//! The integration tests, one binary.
#[cfg(test)]
mod agent_clock;
#[cfg(test)]
mod agent_close;
#[cfg(test)]
mod agent_control;
#[cfg(test)]
mod agent_runs;
#[cfg(test)]
mod bak_real;
#[cfg(test)]
mod config;
#[cfg(feature = "tray")]
#[cfg(test)]
mod desktop;
#[cfg(test)]
mod destination;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod logging;
#[cfg(test)]
mod manual;
#[cfg(test)]
mod run;
#[cfg(test)]
mod service;
#[cfg(test)]
mod sqlserver;
#[cfg(test)]
mod standin_files;
#[cfg(test)]
mod support;
#[cfg(test)]
mod verify;
