//! The shop in which the manual's commands are run. The manual's folders ([`PLACES`]) are folders below a scratch one; what is
//! printed has the manual's names again.

use super::TYPED;
use super::page::{Step, agrees};
use crate::support::sqlserver::DATABASE;
use fake_sqlserver::options::{DatabaseOptions, Options};
use fake_sqlserver::security::Login;
use fake_sqlserver::server::{Handle, Server};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use tempfile::TempDir;

/// The machine's folders that the manual speaks of.
const PLACES: [&str; 5] = ["/etc/dmbackup", "/var/opt", "/mnt", "/usr/local", "/media"];

/// Shows the exit code of the command before it.
pub const ASK_FOR_EXIT: &str = "echo $?";

/// Goes on in the background.
const AGENT: &str = "dmbackupctl run";

/// Longer than anything here takes, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shop with SQL Server, a terminal, and nothing of the program's but its command line.
pub struct Shop {
    root: TempDir,
    server: Handle,
    /// What the command before ended with.
    exit: i32,
    agent: Option<Agent>,
}

impl Shop {
    /// As it is before the manual's first page.
    pub fn open() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["bin", "etc", "var/opt/mssql", "mnt/terminal", "media", "usr/local/bin"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let options = Options::new(root.path().join("var/opt/mssql/data"))
            .login(Login::sysadmin("sa", TYPED))
            .database(DatabaseOptions::rows(DATABASE, 200));
        let server = Server::start(options).unwrap();
        let program = env!("CARGO_BIN_EXE_dmbackupctl");
        let root_path = root.path().display();
        let script = format!(
            "#!/bin/sh\nexec '{program}' --config '{root_path}/etc/dmbackup/dmbackup.toml' --state '{root_path}/state' \"$@\"\n"
        );
        let wrapper = root.path().join("bin/dmbackupctl");
        fs::write(&wrapper, script).unwrap();
        fs::set_permissions(&wrapper, Permissions::from_mode(0o755)).unwrap();
        Self { root, server, exit: 0, agent: None }
    }

    /// Does a step; `asks_for_exit` where the next one is [`ASK_FOR_EXIT`], so that this one may fail.
    ///
    /// # Errors
    /// It did not do what is shown.
    pub fn perform(&mut self, step: &Step, asks_for_exit: bool) -> Result<(), String> {
        match step {
            Step::Command { line, printed } if line == AGENT => self.start_agent(printed),
            Step::Command { line, printed } => self.command(line, printed, asks_for_exit),
            Step::Hidden(line) => self.command(line, &["…".to_owned()], false),
            Step::File { path, text } => self.write(path, text),
            Step::Sql(text) => self.sql(text),
            Step::Fault(text) => {
                if text == "nenhuma" {
                    self.server.clear_faults();
                } else {
                    self.server.inject(text.parse().map_err(|error| format!("{text}: {error}"))?);
                }
                Ok(())
            }
        }
    }

    /// Ends the agent in order.
    pub fn close(mut self) {
        let agent = self.agent.take().expect("the manual starts the agent");
        assert_eq!(agent.terminate(), Some(0), "the agent ends in order");
    }

    /// A text with this machine's folders for the manual's.
    fn here(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for place in PLACES {
            text = text.replace(place, &format!("{}{place}", self.root.path().display()));
        }
        text
    }

    /// A text with the manual's folders for this machine's.
    fn there(&self, text: &str) -> String {
        text.replace(&self.root.path().display().to_string(), "")
    }

    fn shell(&self, line: &str) -> Command {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command
            .arg("-c")
            .arg(format!("(exit {}); {}", self.exit, self.here(line)))
            .current_dir(self.root.path())
            .env("PATH", format!("{}:{path}", self.root.path().join("bin").display()))
            .env("DMBACKUP_LANG", "pt")
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.root.path());
        command
    }

    fn command(&mut self, line: &str, shown: &[String], may_fail: bool) -> Result<(), String> {
        let mut command = self.shell(&format!("{{ {line}\n}} 2>&1"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Most commands ask for nothing, and may have ended before they are told it.
        let _unheard = child.stdin.take().map(|mut input| writeln!(input, "{TYPED}"));
        let output = child.wait_with_output().unwrap();
        self.exit = output.status.code().unwrap_or(-1);
        let printed = self.there(&String::from_utf8_lossy(&output.stdout));
        if self.exit != 0 && !may_fail {
            return Err(format!("`{line}` ended with {}:\n{printed}", self.exit));
        }
        // An exit code is that code and no other.
        let same = if line == ASK_FOR_EXIT {
            shown.concat().trim() == printed.trim()
        } else {
            agrees(shown, &printed)
        };
        if same { Ok(()) } else { Err(differs(line, shown, &printed)) }
    }

    fn write(&self, path: &str, text: &str) -> Result<(), String> {
        let port = self.server.address().port();
        // The stand-in is at another port, has no certificate that anybody vouches for and no service; the terminal's
        // folder is on the same disk.
        let mut text = self.here(text);
        if path.ends_with("/dmbackup.toml") {
            let server =
                format!("[server]\nport = {port}\ntrust_server_certificate = true\nservice = \"\"\n");
            text = text.replace("[server]\n", &server).replace("host = \".\"", "host = \"127.0.0.1\"");
            text = text.replace("[terminal]\n", "[terminal]\nallow_same_volume = true\n");
        }
        fs::write(self.here(path), text).map_err(|error| format!("{path}: {error}"))
    }

    fn sql(&self, text: &str) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = batch(self.server.address(), self.here(text));
        runtime.block_on(async {
            tokio::time::timeout(PATIENCE, answer).await.map_err(|_| "no answer".to_owned())?
        })
    }

    fn start_agent(&mut self, shown: &[String]) -> Result<(), String> {
        let agent = Agent::start(self.shell(&format!("exec {AGENT} 2>&1")));
        let mut printed = String::new();
        let done = loop {
            match agent.lines.recv_timeout(PATIENCE) {
                Ok(line) => printed.push_str(&(self.there(&line) + "\n")),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break false,
            }
            if agrees(shown, &printed) {
                break true;
            }
        };
        self.agent = Some(agent);
        if done { Ok(()) } else { Err(differs(AGENT, shown, &printed)) }
    }
}

fn differs(line: &str, shown: &[String], printed: &str) -> String {
    format!("`{line}` printed\n{printed}\nand the manual shows\n{}", shown.join("\n"))
}

/// Runs a batch as the administrator.
async fn batch(address: std::net::SocketAddr, text: String) -> Result<(), String> {
    use tokio_util::compat::TokioAsyncWriteCompatExt;
    let mut settings = tiberius::Config::new();
    settings.authentication(tiberius::AuthMethod::sql_server("sa", TYPED));
    settings.trust_cert();
    let wire = tokio::net::TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let client = tiberius::Client::connect(settings, wire.compat_write()).await;
    let mut client = client.map_err(|error| error.to_string())?;
    let answer = async { client.simple_query(text).await?.into_results().await };
    answer.await.map(|_| ()).map_err(|error| error.to_string())
}

/// The agent in the background; ends with us.
struct Agent {
    child: Child,
    lines: Receiver<String>,
}

impl Agent {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = channel();
        // Goes on reading for as long as the agent prints, so that it never has to wait.
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).for_each(|line| {
                let _nobody_listens = said.send(line);
            });
        });
        Self { child, lines }
    }

    fn terminate(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}
