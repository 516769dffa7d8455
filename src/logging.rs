//! The program's own record: `tracing` into one file a day, the last 30 kept; warnings and errors of ours also into the
//! system's event log.
//!
//! Whoever logs never waits and never fails: lines go through a bounded queue to a thread of their own. What cannot be written
//! (a full disk, a queue that is full because the disk hangs) is counted, and the record says so once it can. Secrets are
//! never written: [`Secret`](crate::config::Secret) does not print itself.
//!
//! INFO is what the owner would care about, WARN is odd but protected, ERROR means that protection is lost; the minute's
//! routine is DEBUG. The environment variable [`FILTER_VARIABLE`] asks for more or less, as `RUST_LOG` does elsewhere.

mod queue;
mod rolling;
mod system;

use crate::clock::Clock;
use queue::Queue;
use rolling::Rolling;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use system::SystemLog;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;

/// The folder of the record, below the state folder.
pub const FOLDER: &str = "log";

/// How many files are kept, one a day.
pub const FILES_KEPT: usize = 30;

/// The environment variable with a filter in the syntax of `RUST_LOG`: `debug`, `dmbackup::sqlserver=trace,warn`.
pub const FILTER_VARIABLE: &str = "DMBACKUP_LOG";

/// What is logged where nobody asks for something else.
const USUAL_FILTER: &str = "warn,dmbackup=info";

/// How long the end of the program waits for the last lines.
const FLUSH_PATIENCE: Duration = Duration::from_secs(2);

/// The record, while it is kept. When it is dropped, the last lines are written.
#[derive(Debug)]
#[must_use = "the last lines are written when it is dropped"]
pub struct Logging {
    queue: Queue,
}

impl Logging {
    /// Keeps the record of this process in `folder`, which is made if it is missing (its parent must exist). A second call
    /// in one process, or one where somebody else keeps a record, changes nothing.
    pub fn start(folder: &Path, clock: Arc<dyn Clock>) -> Self {
        let (filter, refused) = filter(std::env::var(FILTER_VARIABLE).ok().as_deref());
        let (subscriber, logging) = record(folder, clock, filter, crate::platform::event_log);
        if tracing::subscriber::set_global_default(subscriber).is_ok() {
            note_panics(logging.queue.clone());
        }
        if let Some(error) = refused {
            tracing::warn!(%error, variable = FILTER_VARIABLE, "the filter of the log cannot be read; the usual one is in force");
        }
        logging
    }

    /// Waits until what was logged so far is written, or `patience` is over. Whether it is written.
    pub fn flush(&self, patience: Duration) -> bool {
        self.queue.flush(patience)
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.flush(FLUSH_PATIENCE);
    }
}

/// The end of the newest file of the record in `folder`: whole lines, at most `most_bytes`. Blocks on its disk.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn end_of_newest(folder: &Path, most_bytes: u64) -> io::Result<String> {
    let files = fs::read_dir(folder)?.filter_map(io::Result::ok).map(|entry| entry.path());
    let newest = files.filter(|path| path.extension().is_some_and(|ending| ending == "log")).max();
    let mut file = File::open(newest.ok_or(io::ErrorKind::NotFound)?)?;
    let from = file.metadata()?.len().saturating_sub(most_bytes);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most_bytes).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = if from == 0 { 0 } else { text.find('\n').map_or(0, |at| at + 1) };
    Ok(text[whole..].to_owned())
}

/// The filter that `asked` says, or the usual one, with what is wrong with `asked`.
fn filter(asked: Option<&str>) -> (EnvFilter, Option<ParseError>) {
    match asked
        .map(str::trim)
        .filter(|asked| !asked.is_empty())
        .map(|asked| EnvFilter::builder().parse(asked))
    {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(USUAL_FILTER), Some(error)),
        None => (EnvFilter::new(USUAL_FILTER), None),
    }
}

/// The subscriber that keeps a record, and its end.
fn record(
    folder: &Path,
    clock: Arc<dyn Clock>,
    filter: EnvFilter,
    event_log: system::EventLog,
) -> (impl Subscriber + Send + Sync, Logging) {
    let queue = Queue::start(Rolling::new(folder, FILES_KEPT), clock.clone(), event_log);
    let file = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_timer(WallTime(clock))
        .with_writer(queue.clone());
    let system = SystemLog::new(queue.clone());
    let subscriber = tracing_subscriber::registry().with(filter).with(file).with(system);
    (subscriber, Logging { queue })
}

/// Times as the clock on the wall shows them, with their offset.
struct WallTime(Arc<dyn Clock>);

impl FormatTime for WallTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", self.0.local_now().format("%Y-%m-%d %H:%M:%S%.3f %:z"))
    }
}

/// A panic ends a release at once: what is known of it is written first.
fn note_panics(queue: Queue) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(target: "dmbackup::panic", "{panic}");
        queue.flush(FLUSH_PATIENCE);
        before(panic);
    }));
}

#[cfg(test)]
mod tests;
