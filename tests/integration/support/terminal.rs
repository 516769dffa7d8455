//! A terminal with somebody at it: the command line on a real pseudo-terminal, by `script` of util-linux.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than anything here takes, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that runs on a terminal of its own.
pub struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    screen: Receiver<Vec<u8>>,
    /// Everything that stood on the screen so far.
    shown: String,
    /// How much of it was waited for.
    seen: usize,
}

impl Terminal {
    /// Runs a line of the shell.
    pub fn run(line: &str) -> Self {
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--flush", "--command", line, "/dev/null"]);
        command.env("TERM", "dumb").env("SHELL", "/bin/sh");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script (util-linux)");
        let (mut output, keys) = (child.stdout.take().unwrap(), child.stdin.take());
        let (said, screen) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(count) = output.read(&mut piece) {
                if count == 0 || said.send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, screen, shown: String::new(), seen: 0 }
    }

    /// Waits until `text` stands on the screen, behind what was waited for before.
    pub fn wait_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let piece = self.screen.recv_timeout(PATIENCE);
            let piece =
                piece.unwrap_or_else(|_| panic!("«{text}» was waited for; on the screen: {}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let keys = self.keys.as_mut().expect("a keyboard");
        keys.write_all(format!("{line}\n").as_bytes()).unwrap();
        keys.flush().unwrap();
    }

    /// Waits until the command ends: everything that stood on the screen, and its exit code.
    pub fn ended(mut self) -> (String, Option<i32>) {
        while let Ok(piece) = self.screen.recv_timeout(PATIENCE) {
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
        // Only now: a keyboard that is pulled out types an end of file.
        self.keys = None;
        (self.shown, self.child.wait().unwrap().code())
    }
}
