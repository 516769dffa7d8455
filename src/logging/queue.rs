//! The queue between those who log and the thread that writes.

use super::rolling::Rolling;
use super::system::EventLog;
use crate::clock::Clock;
use crate::platform::Level;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait. With a disk that hangs the rest is counted and dropped.
const LINES_WAITING: usize = 4096;

/// Longest line in bytes; what is longer is cut.
const LONGEST_LINE_BYTES: usize = 16 << 10;

/// Lines that are written at once.
const LINES_AT_ONCE: usize = 256;

/// What the thread is to do.
enum Item {
    /// A line for the file.
    Line(Vec<u8>),
    /// A text for the system's event log.
    Event(Level, String),
}

/// What both ends know.
#[derive(Debug, Default)]
struct Counts {
    /// Items that were put into the queue.
    taken: AtomicU64,
    /// Lines that found the queue full.
    dropped: AtomicU64,
    /// Items that are dealt with.
    done: Mutex<u64>,
    progress: Condvar,
}

/// The way to the thread that writes. Never blocks, never fails.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    sender: SyncSender<Item>,
    counts: Arc<Counts>,
}

impl Queue {
    /// Starts the thread that writes to `file` and `event_log`; it ends when the last [`Queue`] is gone.
    pub fn start(file: Rolling, clock: Arc<dyn Clock>, event_log: EventLog) -> Self {
        let (sender, receiver) = sync_channel(LINES_WAITING);
        let counts = Arc::new(Counts::default());
        let scribe = Scribe { file, clock, event_log, counts: counts.clone(), lost: 0 };
        // Without a thread the record stays empty: a program without a record is better than none.
        let _ =
            std::thread::Builder::new().name("dmbackup-log".to_owned()).spawn(|| scribe.write_all(receiver));
        Self { sender, counts }
    }

    /// Hands a text to the system's event log.
    pub fn event(&self, level: Level, text: String) {
        self.put(Item::Event(level, text));
    }

    fn put(&self, item: Item) {
        // Counted before it can be dealt with, so that `done` never overtakes `taken`.
        self.counts.taken.fetch_add(1, Ordering::AcqRel);
        if self.sender.try_send(item).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            self.counts.finish(1);
        }
    }

    /// Waits until everything put in so far is dealt with, or `patience` is over.
    pub fn flush(&self, patience: Duration) -> bool {
        let wanted = self.counts.taken.load(Ordering::Acquire);
        let done = self.counts.done.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.counts.progress.wait_timeout_while(done, patience, |done| *done < wanted);
        waited.is_ok_and(|(done, _)| *done >= wanted)
    }
}

impl Counts {
    fn finish(&self, items: u64) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) += items;
        self.progress.notify_all();
    }
}

impl MakeWriter<'_> for Queue {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line { queue: self.clone(), bytes: Vec::new() }
    }
}

/// One line while it is being formatted; put into the queue when it is dropped.
pub(super) struct Line {
    queue: Queue,
    bytes: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LONGEST_LINE_BYTES.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut line = std::mem::take(&mut self.bytes);
        if line.is_empty() {
            return;
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        self.queue.put(Item::Line(line));
    }
}

/// The thread's own things.
struct Scribe {
    file: Rolling,
    clock: Arc<dyn Clock>,
    event_log: EventLog,
    counts: Arc<Counts>,
    /// Lines that could not be written since the last one that could.
    lost: u64,
}

impl Scribe {
    fn write_all(mut self, items: Receiver<Item>) {
        while let Ok(first) = items.recv() {
            let mut batch = vec![first];
            batch.extend(items.try_iter().take(LINES_AT_ONCE - 1));
            let count = batch.len() as u64;
            self.write(batch);
            self.counts.finish(count);
        }
    }

    fn write(&mut self, batch: Vec<Item>) {
        let mut lines = Vec::new();
        let mut number = 0;
        for item in batch {
            match item {
                Item::Line(line) => {
                    lines.extend_from_slice(&line);
                    number += 1;
                }
                Item::Event(level, text) => (self.event_log)(level, &text),
            }
        }
        self.lost += self.counts.dropped.swap(0, Ordering::Relaxed);
        let now = self.clock.local_now();
        if self.lost > 0 {
            let lost = self.lost;
            let note = format!(
                "\n{} WARN dmbackup::logging: {lost} lines before this one could not be written\n",
                now.format("%Y-%m-%d %H:%M:%S%.3f %:z")
            );
            lines.splice(0..0, note.into_bytes());
        }
        if lines.is_empty() {
            return;
        }
        match self.file.write(now.date_naive(), &lines) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += number,
        }
    }
}
