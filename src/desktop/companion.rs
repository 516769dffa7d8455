//! `--with`: the store's application with the backup beside it (DM1).

use super::act::{Hand, not_started};
use super::args::Options;
use crate::platform::{self, Level};
use crate::problem::Result;
use std::process::{Command, ExitCode};

/// Sees to the tray program and runs the store's application; its exit code is ours. Backups must not keep a shop from
/// working: where the tray program does not start, the application does all the same, and that is told once it has ended.
///
/// # Errors
/// The application cannot be started.
pub fn run(options: &Options) -> Result<ExitCode> {
    let hand = Hand::new(options.clone());
    let started = hand.start_tray();
    let Some((program, args)) = options.with.split_first() else { return Ok(ExitCode::SUCCESS) };
    let status = Command::new(program)
        .args(args)
        .status()
        .map_err(|cause| not_started(&program.to_string_lossy(), &cause))?;
    if let Err(problem) = started {
        tracing::error!(%problem, "the tray program does not start");
        platform::tell(Level::Error, &problem.text(options.language));
    }
    Ok(platform::exit_like(status))
}
