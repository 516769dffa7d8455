//! Taking the time, the processor's time and the memory of a program, with GNU time, which knows all three of a process and
//! its children.

use crate::steps::{Result, shown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What one run of a program took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Time on the wall, in seconds.
    pub wall_secs: f64,
    /// Time of the processor, user and system, in seconds.
    pub cpu_secs: f64,
    /// Peak of the resident memory of the largest process, in MiB.
    pub peak_mib: f64,
}

/// Runs `command`, whose output nobody wants, to its end.
///
/// # Errors
/// It could not be started or did not succeed.
pub fn run(command: &mut Command, notes: &Path) -> Result<Cost> {
    output(command, notes).map(|(cost, _)| cost)
}

/// The same, with what it printed.
///
/// # Errors
/// As [`run`].
pub fn output(command: &mut Command, notes: &Path) -> Result<(Cost, String)> {
    let mut timed = Command::new("time");
    timed.arg("--format=%U %S %M").arg("--output").arg(notes);
    timed.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(name, value),
            None => timed.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    let begun = now();
    let output = timed.stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let wall_secs = begun.elapsed().as_secs_f64();
    let output = output.map_err(|error| format!("{}: {error}", shown(command)))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        return Err(format!("{} ended with {}\n{printed}{told}", shown(command), output.status));
    }
    let text = std::fs::read_to_string(notes).map_err(|error| format!("{}: {error}", notes.display()))?;
    let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [user, system, peak_kib] = figures[..] else {
        return Err(format!("GNU time said: {text}"));
    };
    let cost = Cost { wall_secs, cpu_secs: user + system, peak_mib: peak_kib / 1024.0 };
    Ok((cost, String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// The value in the middle; of an even number, the lower one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// Now, for lengths of time on the wall.
#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
pub fn now() -> Instant {
    Instant::now()
}
