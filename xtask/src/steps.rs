//! Steps: a command with a heading, whose failure names it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a command of ours ends.
pub type Result<T, E = String> = std::result::Result<T, E>;

/// Prints a line for the person who watches.
#[expect(clippy::print_stdout, reason = "the one place where xtask prints")]
pub fn say(line: &str) {
    println!("{line}");
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a step to its end.
///
/// # Errors
/// The step could not be started or did not succeed.
pub fn run(title: &str, command: &mut Command) -> Result<()> {
    say(&format!("── {title}"));
    let status = command.status().map_err(|error| format!("{title}: {}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{title}: {} ended with {status}", shown(command))) }
}

/// What a command prints, where it succeeds.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name is on the path.
pub fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// A command as a person would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
