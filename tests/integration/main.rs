//! The integration tests, one binary. Those that need kills, mounts, other users or a shell are for Unix only.

#![cfg_attr(
    windows,
    expect(dead_code, reason = "what several tests share is mostly shared by those for Unix")
)]

#[cfg(unix)]
#[cfg(test)]
mod agent_clock;
#[cfg(unix)]
#[cfg(test)]
mod agent_close;
#[cfg(unix)]
#[cfg(test)]
mod agent_control;
#[cfg(unix)]
#[cfg(test)]
mod agent_manual;
#[cfg(unix)]
#[cfg(test)]
mod agent_report;
#[cfg(unix)]
#[cfg(test)]
mod agent_retest;
#[cfg(unix)]
#[cfg(test)]
mod agent_runs;
#[cfg(unix)]
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod bak_real;
#[cfg(unix)]
#[cfg(test)]
mod config;
#[cfg(unix)]
#[cfg(test)]
mod damage;
#[cfg(all(feature = "tray", feature = "window"))]
#[cfg(unix)]
#[cfg(test)]
mod desktop;
#[cfg(unix)]
#[cfg(test)]
mod destination;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fuzz;
#[cfg(unix)]
#[cfg(test)]
mod head_office;
#[cfg(unix)]
#[cfg(test)]
mod journal;
#[cfg(unix)]
#[cfg(test)]
mod kills;
#[cfg(unix)]
#[cfg(test)]
mod language;
#[cfg(unix)]
#[cfg(test)]
mod logging;
#[cfg(unix)]
#[cfg(test)]
mod manual;
#[cfg(unix)]
#[cfg(test)]
mod questions;
#[cfg(unix)]
#[cfg(test)]
mod restore;
#[cfg(unix)]
#[cfg(test)]
mod run;
#[cfg(unix)]
#[cfg(test)]
mod service;
#[cfg(unix)]
#[cfg(test)]
mod shells;
#[cfg(test)]
mod sqlserver;
#[cfg(test)]
mod standin_files;
#[cfg(test)]
mod support;
#[cfg(unix)]
#[cfg(test)]
mod update;
#[cfg(unix)]
#[cfg(test)]
mod verify;
