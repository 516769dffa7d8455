//! The console at which a person types.

use super::handles::succeeded;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::System::Console::{CONSOLE_MODE, ENABLE_ECHO_INPUT, GetConsoleMode, SetConsoleMode};

/// See [`platform::silent_keyboard`](crate::platform::silent_keyboard).
#[derive(Debug)]
pub struct SilentKeyboard {
    console: File,
    before: CONSOLE_MODE,
}

impl SilentKeyboard {
    #[expect(unsafe_code, reason = "the console's mode has no safe binding")]
    pub fn new() -> io::Result<Self> {
        let console = OpenOptions::new().read(true).write(true).open("CONIN$")?;
        let mut before = 0;
        // SAFETY: the handle is open, and `before` lives through the call.
        succeeded(unsafe { GetConsoleMode(console.as_raw_handle(), &raw mut before) })?;
        let silent = Self { console, before };
        silent.set(before & !ENABLE_ECHO_INPUT)?;
        Ok(silent)
    }

    #[expect(unsafe_code, reason = "the console's mode has no safe binding")]
    fn set(&self, mode: CONSOLE_MODE) -> io::Result<()> {
        // SAFETY: the handle is open.
        succeeded(unsafe { SetConsoleMode(self.console.as_raw_handle(), mode) })
    }
}

impl Drop for SilentKeyboard {
    fn drop(&mut self) {
        if let Err(error) = self.set(self.before) {
            tracing::warn!(%error, "the console does not show what is typed any more");
        }
    }
}
