//! Tasks in a process of their own, so that it can be killed, run as another user, or be given mounts of its own: the test
//! binary calls itself, with [`perform_the_task_of_a_child_process`] as its only test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// What a task does with its one argument: a folder, as a rule. A panic fails the process.
type Task = fn(&str);

/// Every task, by name.
const TASKS: &[(&str, Task)] = &[
    ("config::rights", crate::config::read_without_rights),
    ("config::service", crate::config::refuse_what_others_may_write),
    ("destination::kill", crate::destination::kill::write_until_killed),
    ("destination::full", crate::destination::full_disk::fill_a_small_disk),
    ("destination::read_only", crate::destination::rights::use_a_read_only_mount),
    ("destination::vanish", crate::destination::rights::lose_the_mount_in_mid_copy),
    ("destination::rights", crate::destination::rights::use_folders_without_rights),
    #[cfg(target_os = "linux")]
    ("faults::disks", crate::faults::disks::fill_at_each_step),
    ("journal::full", crate::journal::write_to_a_full_disk),
    ("journal::rights", crate::journal::write_without_rights),
    ("journal::hold", crate::journal::hold_the_file),
    ("journal::kill", crate::journal::write_until_killed),
    ("logging::full", crate::logging::write_to_a_full_disk),
    ("logging::panic", crate::logging::panic_in_a_thread),
    ("restore::overwrite_kill", crate::restore::overwrite_kills::kill_while_it_overwrites),
    ("run::foresee", crate::run::full_disk::foresee),
    ("run::foresee_terminal", crate::run::full_disk::foresee_at_the_terminal),
    ("run::full", crate::run::full_disk::fill_in_mid_run),
    ("run::full_terminal", crate::run::full_disk::fill_the_terminal),
    ("run::manual", crate::run::manual::use_small_disks),
    ("run::manual_pulled", crate::run::manual::pull_the_disk_out),
    ("run::read_only", crate::run::rights::use_read_only_disks),
    ("run::rights", crate::run::rights::use_folders_without_rights),
    ("run::serve", crate::run::rights::serve),
];

const TASK: &str = "DMBACKUP_TEST_TASK";
const ARGUMENT: &str = "DMBACKUP_TEST_ARGUMENT";

/// Does nothing in the tests' own process.
#[test]
fn perform_the_task_of_a_child_process() {
    let Ok(task) = std::env::var(TASK) else { return };
    let argument = std::env::var(ARGUMENT).unwrap();
    let (_, perform) = TASKS.iter().find(|(name, _)| *name == task).expect("a task of this name");
    perform(&argument);
}

/// With whose rights and in whose mounts a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guise {
    /// As the tests themselves.
    Ourselves,
    /// As an ordinary user: `nobody` where the tests are root's, else as they are.
    OrdinaryUser,
    /// As the administrator of mounts of its own, which go away with it.
    OwnMounts,
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn command(guise: Guise, task: &str, argument: &Path) -> Command {
    // The binary may lie where an ordinary user must not look: it is run through a handle.
    let exe = File::open(std::env::current_exe().unwrap()).unwrap();
    let prefix: &[&str] = match guise {
        Guise::Ourselves => &[],
        Guise::OrdinaryUser if is_root() => &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        Guise::OrdinaryUser => &[],
        Guise::OwnMounts if is_root() => &["unshare", "--mount"],
        Guise::OwnMounts => &["unshare", "--user", "--map-root-user", "--mount"],
    };
    let mut words = prefix.iter().copied().chain(["/proc/self/fd/0"]);
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .args(["--exact", "support::child::perform_the_task_of_a_child_process", "--nocapture"])
        .env(TASK, task)
        .env(ARGUMENT, argument)
        .stdin(exe);
    command
}

/// Performs `task` to its end, which must be a good one.
pub fn perform(guise: Guise, task: &str, argument: &Path) {
    let output: Output = command(guise, task, argument)
        .output()
        .unwrap_or_else(|error| panic!("{guise:?} needs setpriv and unshare (util-linux): {error}"));
    assert!(
        output.status.success(),
        "{task} as {guise:?} failed ({}); where this machine allows no mounts, the test cannot be made:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// A task that goes on until it is killed, with the lines that it prints.
pub struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// Starts `task` as the tests themselves.
    pub fn start(task: &str, argument: &Path) -> Self {
        Self::start_as(Guise::Ourselves, task, argument)
    }

    /// Starts `task`.
    pub fn start_as(guise: Guise, task: &str, argument: &Path) -> Self {
        let mut child = command(guise, task, argument).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits until it prints `line`.
    pub fn wait_for(&mut self, line: &str) {
        let mut read = String::new();
        while !read.trim_end().ends_with(line) {
            read.clear();
            assert!(self.lines.read_line(&mut read).unwrap() > 0, "the task ended before it said {line:?}");
        }
    }

    /// Waits until it prints a line with `key`; what follows in that line.
    pub fn wait_for_value(&mut self, key: &str) -> String {
        loop {
            let mut read = String::new();
            assert!(self.lines.read_line(&mut read).unwrap() > 0, "the task ended before it said {key:?}");
            // The test harness may have begun the line.
            if let Some((_, value)) = read.split_once(key) {
                return value.trim().to_owned();
            }
        }
    }

    /// Kills it with SIGKILL. It must have been alive: a task that ended by itself had something to say.
    pub fn kill(mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "the task ended by itself: {ended:?}");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
