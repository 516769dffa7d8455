//! The desktop around a program: its screen, its session, other programs.

use super::super::Level;
use super::local::{runtime_folder, short_name};
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

pub fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty()))
}

/// A runtime folder belongs to a user, who may have several screens.
pub fn session_file(state: &Path, name: &str) -> io::Result<PathBuf> {
    let screen = std::env::var("DISPLAY").or_else(|_| std::env::var("WAYLAND_DISPLAY")).unwrap_or_default();
    let screen: String = screen.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    Ok(runtime_folder()?.join(format!("{}-{screen}.{name}", short_name(state))))
}

pub fn start_apart(command: &mut Command) -> io::Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    // Its end must be awaited by somebody, or its entry stays with the system.
    std::thread::Builder::new().name("wait".to_owned()).spawn(move || {
        if let Err(error) = child.wait() {
            tracing::debug!(%error, "the end of a program was not seen");
        }
    })?;
    Ok(())
}

pub fn show_folder(path: &Path) -> io::Result<()> {
    start_apart(Command::new("xdg-open").arg(path))
}

pub fn tell(level: Level, text: &str) {
    let written = match level {
        Level::Information => writeln!(io::stdout().lock(), "{text}"),
        Level::Warning | Level::Error => writeln!(io::stderr().lock(), "{text}"),
    };
    if let Err(error) = written {
        tracing::debug!(%error, "nobody reads");
    }
}

pub fn exit_like(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
