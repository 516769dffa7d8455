//! Threads that read back what stands already of a growing copy. Several grains are read at once: on a link a request for reading
//! waits behind all that is queued for writing, and one after the other they would use a third of the way back.

use super::grains::{GRAIN_BYTES, Grains, Reading};
use crate::destination::ReadAlong;
use crate::problem::{Problem, Result};
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How many grains are read at once. On a share over SSH at 100 Mbit/s, whose queue holds a third of a second of writing, four keep
/// three quarters of the way back busy, where one keeps a quarter; each holds a MiB.
pub const READERS: usize = 4;

/// Is told of each piece that was read, with its length.
pub type Told = Arc<dyn Fn(u64) + Send + Sync>;

/// A grain to be read, and which one it is in the order in which they were handed over.
struct Job {
    order: u64,
    range: Range<u64>,
}

/// What a thread has read.
#[derive(Default)]
struct Read {
    grains: Vec<(u64, Reading)>,
    /// Something came from a cache.
    cached: bool,
}

/// The threads.
pub struct Readers {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<Result<Read>>>,
    handed: u64,
}

impl Readers {
    /// Starts a thread for each of `handles`; `told` hears of each piece that was read.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(handles: Vec<Box<dyn ReadAlong>>, told: &Told) -> Result<Self> {
        let (sender, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut readers = Self { jobs: Some(sender), threads: Vec::new(), handed: 0 };
        for handle in handles {
            let (told, jobs) = (Arc::clone(told), Arc::clone(&receiver));
            let thread = std::thread::Builder::new()
                .name("read-back".into())
                .spawn(move || read(handle, &*told, &jobs))
                .map_err(|error| Problem::internal(format!("thread «read-back»: {error}")))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Has `range`, which begins at a grain's beginning and is sealed, read back.
    pub fn hand(&mut self, range: Range<u64>) {
        let mut start = range.start;
        while start < range.end {
            let end = (start + GRAIN_BYTES).min(range.end);
            if let Some(jobs) = &self.jobs {
                // Readers that have all failed tell why at the end.
                let _failed = jobs.send(Job { order: self.handed, range: start..end });
            }
            self.handed += 1;
            start = end;
        }
    }

    /// Waits until everything was read; the sums, and whether all of it came from the medium. A grain that was handed over
    /// twice counts as it was the second time.
    ///
    /// # Errors
    /// Those of reading.
    pub fn end(mut self) -> Result<(Grains, bool)> {
        self.jobs = None;
        let mut all = Read::default();
        // All of them, before any failure is told: whoever hears of one may remove the copy.
        let ended: Vec<_> = self.threads.drain(..).map(JoinHandle::join).collect();
        for read in ended {
            let read = read.unwrap_or_else(|_| Err(Problem::internal("thread «read-back»")))?;
            all.grains.extend(read.grains);
            all.cached |= read.cached;
        }
        all.grains.sort_unstable_by_key(|(order, _)| *order);
        let mut grains = Grains::default();
        all.grains.into_iter().for_each(|(_, reading)| grains.take(reading));
        Ok((grains, !all.cached))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Its handle must be gone before the copy is removed. What it read is not wanted any more.
            let _unwanted = thread.join();
        }
    }
}

fn read(mut handle: Box<dyn ReadAlong>, told: &dyn Fn(u64), jobs: &Mutex<Receiver<Job>>) -> Result<Read> {
    let mut all = Read::default();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { order, range }) = next else { return Ok(all) };
        let mut reading = Reading::from(range.start / GRAIN_BYTES);
        let read = handle.read_back(range, &mut |piece| {
            reading.feed(piece);
            told(piece.len() as u64);
        })?;
        all.grains.push((order, reading));
        all.cached |= !read.from_medium;
    }
}
