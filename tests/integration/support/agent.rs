//! A shop in a folder of its own, its agent as a process, and the command line as its people use it.

use super::sqlserver::PASSWORD;
use dmbackup::agent::status::Status;
use dmbackup::control::client::Client;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const CTL: &str = env!("CARGO_BIN_EXE_dmbackupctl");

/// Longer than anything here takes, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(180);

/// The folders and the configuration of one shop.
pub struct Shop {
    root: TempDir,
    /// Where its programs look for others, first.
    programs: Option<PathBuf>,
    /// What stands in their environment besides.
    variables: Vec<(&'static str, OsString)>,
}

impl Shop {
    /// A shop without a configuration.
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        // Its folders keep others out; the way to them is open, as on a real machine.
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        for folder in ["servidor", "terminal"] {
            fs::create_dir(root.path().join(folder)).unwrap();
            fs::set_permissions(root.path().join(folder), Permissions::from_mode(0o700)).unwrap();
        }
        Self { root, programs: None, variables: Vec::new() }
    }

    /// Has its programs find those in `folder` before the system's.
    pub fn find_programs_in(&mut self, folder: PathBuf) {
        self.programs = Some(folder);
    }

    /// Has a variable stand in the environment of its programs.
    pub fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.push((name, value.into()));
    }

    /// A path below its folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// The agent's state folder.
    pub fn state(&self) -> PathBuf {
        self.path("estado")
    }

    /// Configures it for the SQL Server at this port of this machine.
    pub fn configure(&self, port: u16) {
        self.configure_with(port, "");
    }

    /// The same, with more lines in `[backup]`.
    pub fn configure_with(&self, port: u16, backup: &str) {
        let root = self.root.path().display();
        fs::write(self.path("senha.txt"), PASSWORD).unwrap();
        fs::set_permissions(self.path("senha.txt"), Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "version = 1\n[shop]\nlegal_name = 'Farmácia São José Ltda'\n\
             [server]\nhost = '127.0.0.1'\nport = {port}\nuser = 'sa'\npassword_file = 'senha.txt'\nservice = ''\n\
             [backup]\nfolder = '{root}/servidor'\nreserve = '0 MB'\n{backup}\n\
             [terminal]\nfolder = '{root}/terminal'\nallow_same_volume = true\n"
        );
        fs::write(self.path("dmbackup.toml"), text).unwrap();
    }

    /// The command line with these words, as the tests' own user.
    pub fn ctl(&self, words: &[&str]) -> Said {
        Said::of(self.command(&[], words).output())
    }

    /// The command line as an ordinary user of the machine. Only root's tests can tell users apart.
    pub fn ctl_as_nobody(&self, words: &[&str]) -> Said {
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        Said::of(self.command(&nobody, words).output())
    }

    /// The command line with these words, and `typed` on its standard input.
    pub fn ctl_typing(&self, words: &[&str], typed: &str) -> Said {
        // Everywhere else standard input is the handle through which the program is run.
        let mut command = Command::new(CTL);
        command.args(self.command(&[], words).get_args());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not read hangs up.
        let _unread = child.stdin.take().unwrap().write_all(typed.as_bytes());
        Said::of(child.wait_with_output())
    }

    /// Starts the agent.
    pub fn run(&self) -> AgentProcess {
        self.run_with(&[])
    }

    /// Starts the agent with more words.
    pub fn run_with(&self, words: &[&str]) -> AgentProcess {
        let words: Vec<_> = ["run"].iter().chain(words).copied().collect();
        let mut child = self.command(&[], &words).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        AgentProcess { child, lines, heard: Vec::new() }
    }

    /// Waits until the agent's status is as `wanted`; that status.
    pub fn until(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        self.within(PATIENCE, wanted).expect("the status that was waited for")
    }

    /// Waits for `patience` at most until the agent's status is as `wanted`; that status.
    pub fn within(&self, patience: Duration, wanted: impl Fn(&Status) -> bool) -> Option<Status> {
        let looking = async {
            let mut watch = Client::connect(&self.state()).await.unwrap().watch().await.unwrap();
            loop {
                let status = watch.next().await.unwrap();
                if wanted(&status) {
                    return status;
                }
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let patient = async { tokio::time::timeout(patience, looking).await };
        runtime.block_on(patient).ok()
    }

    /// The paths below a folder, relative to it, sorted: of the files, without those of the agent's own.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let root = self.path(folder);
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&root).unwrap().display().to_string());
                }
            }
        }
        found.retain(|path| !path.starts_with(".dmbackup-"));
        found.sort();
        found
    }

    /// The command line with these words, started by the program and its words in `prefix` where there are any.
    pub fn command(&self, prefix: &[&str], words: &[&str]) -> Command {
        // The program may lie where an ordinary user must not look: it is run through a handle.
        let mut line = prefix.iter().copied().chain(["/proc/self/fd/0"]);
        let mut command = Command::new(line.next().unwrap());
        command.args(line).args(["--lang", "pt", "--config"]).arg(self.path("dmbackup.toml"));
        command.arg("--state").arg(self.state()).args(words).stdin(File::open(CTL).unwrap());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.programs {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let folders = std::iter::once(folder.clone()).chain(std::env::split_paths(&path));
            command.env("PATH", std::env::join_paths(folders).unwrap());
        }
        command
    }
}

/// What a command said, and its exit code.
#[derive(Debug)]
pub struct Said {
    /// The exit code.
    pub exit: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    fn of(output: std::io::Result<Output>) -> Self {
        let Output { status, stdout, stderr } = output.unwrap();
        Self {
            exit: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// The one JSON document that it printed.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// An agent in a process of its own; killed when it is dropped.
pub struct AgentProcess {
    child: Child,
    lines: BufReader<ChildStdout>,
    heard: Vec<String>,
}

impl AgentProcess {
    /// Reads what it prints until a line contains `text`; that line.
    pub fn wait_for(&mut self, text: &str) -> String {
        assert!(self.says(text), "the agent ended before it said «{text}»:\n{}", self.heard.concat());
        self.heard.last().cloned().unwrap_or_default()
    }

    /// Reads what it prints until a line contains `text`; false where it ends without.
    pub fn says(&mut self, text: &str) -> bool {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            self.heard.push(line);
            if self.heard.last().is_some_and(|line| line.contains(text)) {
                return true;
            }
        }
    }

    /// Waits until it ends by itself; everything that it printed, and its exit code.
    pub fn ended(mut self) -> (String, Option<i32>) {
        let mut said = self.heard.concat();
        self.lines.read_to_string(&mut said).unwrap();
        (said, self.child.wait().unwrap().code())
    }

    /// Asks it to end, as a service manager does, and waits for it.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().unwrap()
    }

    /// Kills it without a warning.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}
