//! The desktop around a program: its screen, its session, other programs.

use super::super::Level;
use super::local::short_name;
use super::session::session_of;
use super::wide::wide;
use std::io::{self, Write};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use windows_sys::Win32::System::Console::GetConsoleWindow;
use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS, ExitProcess};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    MB_ICONERROR, MB_ICONINFORMATION, MB_ICONWARNING, MB_OK, MB_SETFOREGROUND, MessageBoxW,
};

/// Services live in session 0, which nobody sees.
pub fn has_display() -> bool {
    session_of(std::process::id()).is_none_or(|session| session != 0)
}

/// A user may have several sessions, at the screen and by remote desktop.
pub fn session_file(state: &Path, name: &str) -> io::Result<PathBuf> {
    let own = std::env::var_os("LOCALAPPDATA").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = own.join("DMBackup");
    std::fs::create_dir_all(&folder)?;
    let session = session_of(std::process::id()).unwrap_or_default();
    Ok(folder.join(format!("{}-{session}.{name}", short_name(state))))
}

pub fn start_apart(command: &mut Command) -> io::Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP).spawn().map(drop)
}

pub fn show_folder(path: &Path) -> io::Result<()> {
    start_apart(Command::new("explorer.exe").arg(path))
}

pub fn tell(level: Level, text: &str) {
    let icon = match level {
        Level::Information => MB_ICONINFORMATION,
        Level::Warning => MB_ICONWARNING,
        Level::Error => MB_ICONERROR,
    };
    if has_console() {
        if let Err(error) = writeln!(io::stderr().lock(), "{text}") {
            tracing::debug!(%error, "nobody reads");
        }
        return;
    }
    let (text, title) = (wide(text), wide("DMBackup"));
    #[expect(unsafe_code, reason = "message boxes have no safe binding")]
    // SAFETY: both texts end with zero and outlive the call.
    unsafe {
        MessageBoxW(std::ptr::null_mut(), text.as_ptr(), title.as_ptr(), MB_OK | MB_SETFOREGROUND | icon);
    }
}

fn has_console() -> bool {
    #[expect(unsafe_code, reason = "consoles have no safe binding")]
    // SAFETY: takes nothing.
    let window = unsafe { GetConsoleWindow() };
    !window.is_null()
}

pub fn exit_like(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or(1);
    if let Ok(code) = u8::try_from(code) {
        return ExitCode::from(code);
    }
    // Rust's own exit codes have eight bits.
    #[expect(unsafe_code, reason = "whole exit codes have no safe binding")]
    // SAFETY: ends the process; nothing of this program is left to be done.
    unsafe {
        ExitProcess(code.cast_unsigned())
    }
}
