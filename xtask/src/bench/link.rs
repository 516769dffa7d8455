//! A terminal behind a slow link, as real as one machine can have it: a second network namespace, joined by a pair of virtual
//! cards of which each sends only so much (token bucket), and a file server behind them, whose share is mounted here (SFTP
//! without encryption, by `sshfs`). What the agent writes goes through the kernel's file system layer, TCP and the shaped cards.
//! Needs root, and no module but what Debian's kernel has.

use super::job::Works;
use super::measure::now;
use super::report::Figure;
use crate::steps::{Result, say};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const NAMESPACE: &str = "dmbackup-bench";
/// The two ends; the addresses are those that are kept for benchmarks.
const NEAR: (&str, &str) = ("dmbnear", "198.18.0.1");
const FAR: (&str, &str) = ("dmbfar", "198.18.0.2");
const SUBNET: &str = "198.18.0.0/30";
/// How TCP finds its pace, on both sides: what Windows and Debian come with. This machine may be set to another, such as BBR, which
/// stalls where both directions are full.
const CONGESTION_CONTROL: &str = "cubic";
const PORT: &str = "4022";
const SFTP_SERVER: &str = "/usr/lib/openssh/sftp-server";

/// Measures one backup to a terminal behind a link of `mbit` Mbit/s each way.
///
/// # Errors
/// The link cannot be made (which needs root), or the backup failed.
pub fn measure(works: &Works, mbit: u32) -> Result<Vec<Figure>> {
    say(&format!(
        "── a share behind a link of {mbit} Mbit/s each way: sshfs and TCP over shaped virtual cards"
    ));
    let link = Link::open(&works.shop.path("link"), mbit)?;
    works.begin_anew(&link.mount.join("MCBkp"))?;
    let watched = Watch::over(link.far.clone());
    let job = works.backup();
    let sizes = watched.end();
    let job = job?;
    let needed = job.zip_bytes as f64 * 8.0 / (f64::from(mbit) * 1e6);
    let begun = sizes.first().map(|(at, _)| *at).ok_or("nothing came to the terminal")?;
    let written = sizes.iter().find(|(_, bytes)| *bytes >= job.zip_bytes).map(|(at, _)| *at - begun);
    let written = written.ok_or("not all of it came to the terminal")?.as_secs_f64();
    say(&format!(
        "   {:.1} MiB at level {}: {needed:.1} s for the link alone, written after {written:.1} s, read back and done after {:.1} s, peak {:.1} MiB",
        job.zip_bytes as f64 / f64::from(1 << 20),
        job.level.map_or_else(|| "?".to_owned(), |level| level.to_string()),
        job.cost.wall_secs,
        job.cost.peak_mib
    ));
    let name = |what: &str| format!("over {mbit} Mbit/s, {what}, against what the link alone needs");
    Ok(vec![
        Figure::at_most(&name("until written"), written / needed, 1.10, ""),
        Figure::at_most(&name("with read-back"), job.cost.wall_secs / needed, 1.30, ""),
        Figure::at_most(&format!("peak memory over {mbit} Mbit/s"), job.cost.peak_mib, 32.0, " MiB"),
    ])
}

/// The link and what stands behind it; gone when dropped.
struct Link {
    /// The folder of the file server.
    far: PathBuf,
    /// Where it is mounted here.
    mount: PathBuf,
    server: Option<Child>,
}

impl Link {
    fn open(root: &Path, mbit: u32) -> Result<Self> {
        let link = Self { far: root.join("far"), mount: root.join("mount"), server: None };
        // What a run that was killed left.
        link.close();
        for folder in [&link.far, &link.mount] {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        link.connect(mbit).map_err(|failure| format!("{failure}\nA link of our own needs root."))?;
        link.mounted()
    }

    fn connect(&self, mbit: u32) -> Result<()> {
        let inside = |words: &str| format!("ip netns exec {NAMESPACE} {words}");
        let governed = |card: &str, address: &str| {
            format!("ip route replace {SUBNET} dev {card} src {address} congctl {CONGESTION_CONTROL}")
        };
        let shaped = |card: &str| {
            format!("tc qdisc add dev {card} root tbf rate {mbit}mbit burst 128kb latency 100ms")
        };
        for line in [
            format!("ip netns add {NAMESPACE}"),
            format!("ip link add {} type veth peer name {} netns {NAMESPACE}", NEAR.0, FAR.0),
            format!("ip addr add {}/30 dev {}", NEAR.1, NEAR.0),
            format!("ip link set {} up", NEAR.0),
            inside(&format!("ip addr add {}/30 dev {}", FAR.1, FAR.0)),
            inside(&format!("ip link set {} up", FAR.0)),
            shaped(NEAR.0),
            inside(&shaped(FAR.0)),
            governed(NEAR.0, NEAR.1),
            inside(&governed(FAR.0, FAR.1)),
        ] {
            quietly(&line)?;
        }
        Ok(())
    }

    fn mounted(mut self) -> Result<Self> {
        let listen = format!("TCP-LISTEN:{PORT},bind={},reuseaddr,nodelay,fork", FAR.1);
        let server = Command::new("ip")
            .args(["netns", "exec", NAMESPACE, "socat", &listen, &format!("EXEC:{SFTP_SERVER}")])
            .stdin(Stdio::null())
            .spawn();
        self.server = Some(server.map_err(|error| format!("socat: {error}"))?);
        let share = format!("{}:{}", FAR.1, self.far.display());
        let port = format!("directport={PORT}");
        let begun = now();
        loop {
            // The server needs a moment until it listens.
            let done = quietly(&format!("sshfs -o {port} {share} {}", self.mount.display()));
            match done {
                Ok(()) => return Ok(self),
                Err(failure) if begun.elapsed() > Duration::from_secs(5) => return Err(failure),
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn close(&self) {
        // Each of them may be gone already.
        let _ = quietly(&format!("umount {}", self.mount.display()));
        let _ = quietly(&format!("ip netns del {NAMESPACE}"));
        let _ = quietly(&format!("ip link del {}", NEAR.0));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Runs a command of plain words, whose output only matters where it fails.
fn quietly(line: &str) -> Result<()> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let output = Command::new(program).args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{line}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Sees how the largest file below a folder grows.
struct Watch {
    over: std::sync::Arc<AtomicBool>,
    thread: thread::JoinHandle<Vec<(Instant, u64)>>,
}

impl Watch {
    fn over(folder: PathBuf) -> Self {
        let over = std::sync::Arc::new(AtomicBool::new(false));
        let ends = std::sync::Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut sizes: Vec<(Instant, u64)> = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                let grown = largest_zip(&folder);
                let grown = grown.filter(|bytes| sizes.last().is_none_or(|(_, last)| last != bytes));
                sizes.extend(grown.map(|bytes| (now(), bytes)));
                thread::sleep(Duration::from_millis(10));
            }
            sizes
        });
        Self { over, thread }
    }

    fn end(self) -> Vec<(Instant, u64)> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn largest_zip(folder: &Path) -> Option<u64> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let sizes = entries.filter_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return largest_zip(&path);
        }
        let is_zip = path.to_str().is_some_and(|name| name.contains(".zip"));
        is_zip.then(|| path.metadata().map_or(0, |file| file.len()))
    });
    sizes.max()
}
