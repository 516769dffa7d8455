//! Threads that prove a growing copy while its writer goes on: some settle what was written, others read back what is settled.
//! On a link a request for reading waits behind all that is queued for writing, and the word that something is settled behind
//! all that is read: with one grain at a time either way would be idle most of the time.

use super::busy::Busy;
use super::grains::{GRAIN_BYTES, Grains, Reading, Sum};
use crate::destination::{ReadAlong, Settle};
use crate::problem::{Problem, Result};
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

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
    /// With the order of the job.
    sums: Vec<(u64, Sum)>,
    /// Something came from a cache.
    cached: bool,
}

/// What is not settled yet.
#[derive(Debug, Default)]
struct Unsettled {
    state: Mutex<Portions>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Portions {
    count: usize,
    /// One could not be settled: nobody is to wait for the others.
    failed: bool,
}

impl Unsettled {
    fn state(&self) -> MutexGuard<'_, Portions> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more, once there are fewer than `most`; whether it is worth while.
    fn add(&self, most: usize) -> bool {
        let full = |portions: &mut Portions| portions.count >= most && !portions.failed;
        let mut state = self.changed.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        !state.failed
    }

    fn ended(&self, failed: bool) {
        let mut state = self.state();
        state.count -= 1;
        state.failed |= failed;
        drop(state);
        self.changed.notify_all();
    }
}

/// The threads. A grain that is read holds its bytes, one that is settled none.
pub struct Readers {
    unsettled: Arc<Unsettled>,
    /// At most so many portions are settled at once.
    most_unsettled: usize,
    to_settle: Option<Sender<Vec<Job>>>,
    settlers: Vec<JoinHandle<Result<()>>>,
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<Result<Read>>>,
    handed: u64,
}

impl Readers {
    /// Starts a thread for each of `handles` and of `settlers`; `told` hears of each piece that was read, `busy` of the time that
    /// settling takes.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(
        handles: Vec<Box<dyn ReadAlong>>,
        settlers: Vec<Box<dyn Settle>>,
        told: &Told,
        busy: &Busy,
    ) -> Result<Self> {
        let (jobs, receiver) = channel();
        let (to_settle, unsettled) = channel();
        let mut readers = Self {
            unsettled: Arc::default(),
            most_unsettled: settlers.len(),
            to_settle: Some(to_settle),
            settlers: Vec::new(),
            jobs: Some(jobs.clone()),
            threads: Vec::new(),
            handed: 0,
        };
        let to_settle = Arc::new(Mutex::new(unsettled));
        for settler in settlers {
            let (busy, unsettled) = (busy.clone(), Arc::clone(&readers.unsettled));
            let (to_settle, jobs) = (Arc::clone(&to_settle), jobs.clone());
            readers
                .settlers
                .push(thread("settle", move || settle(settler, &busy, &unsettled, &to_settle, &jobs))?);
        }
        let receiver = Arc::new(Mutex::new(receiver));
        for handle in handles {
            let (told, jobs) = (Arc::clone(told), Arc::clone(&receiver));
            readers.threads.push(thread("read-back", move || read(handle, &*told, &jobs))?);
        }
        Ok(readers)
    }

    /// Whether something that was handed over is not settled yet.
    pub fn is_settling(&self) -> bool {
        self.unsettled.state().count > 0
    }

    /// Has `range`, which begins at a grain's beginning and was written, settled and then read back. Waits while as many such
    /// ranges are on their way as there are settlers.
    ///
    /// # Errors
    /// Settling failed before.
    pub fn settle(&mut self, range: Range<u64>) -> Result<()> {
        let grains = self.grains(range);
        let worth_while = self.unsettled.add(self.most_unsettled);
        let sent =
            worth_while && self.to_settle.as_ref().is_some_and(|settlers| settlers.send(grains).is_ok());
        if sent { Ok(()) } else { self.end_settling() }
    }

    /// Waits until what was handed over is settled; nothing more is taken for settling.
    ///
    /// # Errors
    /// Those of settling.
    pub fn end_settling(&mut self) -> Result<()> {
        self.to_settle = None;
        let ended: Vec<_> = self.settlers.drain(..).map(JoinHandle::join).collect();
        ended
            .into_iter()
            .try_for_each(|settled| settled.unwrap_or_else(|_| Err(Problem::internal("thread «settle»"))))
    }

    /// Has `range`, which begins at a grain's beginning and is settled, read back.
    pub fn hand(&mut self, range: Range<u64>) {
        for job in self.grains(range) {
            if let Some(jobs) = &self.jobs {
                // Readers that have all failed tell why at the end.
                let _failed = jobs.send(job);
            }
        }
    }

    fn grains(&mut self, range: Range<u64>) -> Vec<Job> {
        let mut jobs = Vec::new();
        let mut start = range.start;
        while start < range.end {
            let end = (start + GRAIN_BYTES).min(range.end);
            jobs.push(Job { order: self.handed, range: start..end });
            self.handed += 1;
            start = end;
        }
        jobs
    }

    /// Waits until everything was read; the sums, and whether all of it came from the medium. A grain that was handed over
    /// twice counts as it was the second time.
    ///
    /// # Errors
    /// Those of settling and of reading.
    pub fn end(mut self) -> Result<(Grains, bool)> {
        let settled = self.end_settling();
        self.jobs = None;
        let mut all = Read::default();
        // All of them, before any failure is told: whoever hears of one may remove the copy.
        let ended: Vec<_> = self.threads.drain(..).map(JoinHandle::join).collect();
        settled?;
        for read in ended {
            let read = read.unwrap_or_else(|_| Err(Problem::internal("thread «read-back»")))?;
            all.sums.extend(read.sums);
            all.cached |= read.cached;
        }
        all.sums.sort_unstable_by_key(|(order, _)| *order);
        let mut grains = Grains::default();
        grains.take(all.sums.into_iter().map(|(_, sum)| sum));
        Ok((grains, !all.cached))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // Nobody asks any more whether it failed.
        let _unwanted = self.end_settling();
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Its handle must be gone before the copy is removed. What it read is not wanted any more.
            let _unwanted = thread.join();
        }
    }
}

fn thread<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
    let started = std::thread::Builder::new().name(name.into()).spawn(work);
    started.map_err(|error| Problem::internal(format!("thread «{name}»: {error}")))
}

fn settle(
    mut settler: Box<dyn Settle>,
    busy: &Busy,
    unsettled: &Unsettled,
    to_settle: &Mutex<Receiver<Vec<Job>>>,
    settled: &Sender<Job>,
) -> Result<()> {
    loop {
        let next = to_settle.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(jobs) = next else { return Ok(()) };
        let done = busy.during(|| settler.settle());
        unsettled.ended(done.is_err());
        done?;
        for job in jobs {
            // Readers that have all failed tell why at the end.
            let _failed = settled.send(job);
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
        all.sums.extend(reading.sums().map(|sum| (order, sum)));
        all.cached |= !read.from_medium;
    }
}
