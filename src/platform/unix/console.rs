//! The terminal at which a person types.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io;

/// See [`platform::silent_keyboard`](crate::platform::silent_keyboard).
#[derive(Debug)]
pub struct SilentKeyboard {
    terminal: File,
    before: Termios,
}

impl SilentKeyboard {
    pub fn new() -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for SilentKeyboard {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(&self.terminal, OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "the terminal does not show what is typed any more; «stty echo» helps");
        }
    }
}
