//! The agent while it waits: its resident memory after a backup, and how often it wakes up. Both are the kernel's figures,
//! from `/proc`.

use super::job::{AGENT, Works, run_in};
use super::measure::now;
use super::report::Figure;
use crate::shop::program;
use crate::steps::{self, Result, say};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Threads that were needed for the backup go away before this.
const SETTLE: Duration = Duration::from_secs(20);
/// How often the kernel's counters are read.
const TICK: Duration = Duration::from_millis(500);
/// What a cycle may wake up: itself, and one step of its timer on the way there.
const WAKES_A_CYCLE: u64 = 2;
/// Wake-ups that are no further apart than this belong together: a cycle asks the server, which takes a moment.
const TOGETHER: Duration = Duration::from_millis(1_600);

/// Watches an agent that has made its first backup for `secs` seconds.
///
/// # Errors
/// It does not start, makes no backup, or ends.
pub fn watch(works: &Works, secs: u64) -> Result<Vec<Figure>> {
    works.begin_anew(&works.terminal())?;
    let mut command = works.shop.agent(&program("release", AGENT));
    command.args(["run", "--json"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut agent = Watched::start(&mut command)?;
    wait_for_backup(&mut agent)?;
    // Otherwise the agent would do so by itself while it is watched.
    for side in [&["verify", "--all"][..], &["verify", "--all", "--terminal"]] {
        steps::run("have the kept backups read", works.shop.agent(&program("release", AGENT)).args(side))?;
    }
    thread::sleep(SETTLE);
    say(&format!("── watch the waiting agent for {secs} s"));
    let bursts = agent.bursts(Duration::from_secs(secs))?;
    let resident = agent.resident_mib()?;
    let threads = agent.status("Threads:")?;
    for burst in &bursts {
        say(&format!("   after {:5.1} s: {} wake-ups", burst.at.as_secs_f64(), burst.switches));
    }
    say(&format!("   {resident:.1} MiB resident, {threads} threads"));
    // A cycle may fall on both ends of the time that was watched.
    let most = WAKES_A_CYCLE * (secs / 60 + 1);
    let measured = format!("{} times in {secs} s", bursts.len());
    Ok(vec![
        Figure::at_most("waiting after a backup, resident", resident, 8.0, " MiB"),
        Figure {
            name: "waiting, awake".to_owned(),
            measured,
            asked: format!("≤ {most}: the minute's cycle and its timer"),
            met: bursts.len() as u64 <= most,
        },
    ])
}

/// Reads until the first run has ended, and goes on reading, so that the agent can go on printing.
fn wait_for_backup(agent: &mut Watched) -> Result<()> {
    let output = agent.child.stdout.take().ok_or("the agent prints nothing")?;
    let mut lines = BufReader::new(output).lines().map_while(std::io::Result::ok);
    let run = lines.find_map(|line| run_in(&line)).ok_or("the agent ended without a backup")?;
    thread::spawn(move || lines.for_each(drop));
    match run["outcome"].as_str() {
        Some("success") => Ok(()),
        _ => Err(format!("the first backup was no success: {run}")),
    }
}

/// A time at which the program was awake.
pub struct Burst {
    at: Duration,
    last: Duration,
    /// How often its threads were put on a processor.
    pub switches: u64,
}

/// A running program; ended with us.
pub struct Watched {
    /// Its process.
    pub child: Child,
}

impl Watched {
    /// Starts it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn().map_err(|error| format!("{}: {error}", steps::shown(command)))?;
        Ok(Self { child })
    }

    /// Its resident memory.
    ///
    /// # Errors
    /// It has ended.
    pub fn resident_mib(&self) -> Result<f64> {
        Ok(self.status("VmRSS:")? / 1024.0)
    }

    /// When it was awake within `time`.
    ///
    /// # Errors
    /// It has ended.
    pub fn bursts(&self, time: Duration) -> Result<Vec<Burst>> {
        let begun = now();
        let mut before = self.switches()?;
        let mut bursts: Vec<Burst> = Vec::new();
        while begun.elapsed() < time {
            thread::sleep(TICK);
            let now = self.switches()?;
            let of = |(thread, count): (&u64, &u64)| count - before.get(thread).unwrap_or(&0).min(count);
            let switches: u64 = now.iter().map(of).sum();
            before = now;
            if switches == 0 {
                continue;
            }
            let at = begun.elapsed();
            match bursts.last_mut() {
                Some(burst) if at - burst.last <= TOGETHER => {
                    burst.last = at;
                    burst.switches += switches;
                }
                Some(_) | None => bursts.push(Burst { at, last: at, switches }),
            }
        }
        Ok(bursts)
    }

    /// How often each thread was put on a processor.
    fn switches(&self) -> Result<BTreeMap<u64, u64>> {
        let folder = format!("/proc/{}/task", self.child.id());
        let threads = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
        let mut counts = BTreeMap::new();
        for thread in threads.flatten() {
            let Some(number) = thread.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A thread may have ended since.
            let Ok(text) = fs::read_to_string(thread.path().join("status")) else { continue };
            let kinds = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
            let count: f64 = kinds.iter().filter_map(|kind| value(&text, kind)).sum();
            counts.insert(number, count as u64);
        }
        Ok(counts)
    }

    fn status(&self, name: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        value(&text, name).ok_or_else(|| format!("{path} has no {name}"))
    }
}

fn value(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It ends in order; where it does not, it is ended.
        let _ = steps::output(Command::new("kill").arg(self.child.id().to_string()));
        let begun = now();
        while begun.elapsed() < Duration::from_secs(10) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
