//! The way from the dump to the zip: one thread reads, hashes and shows the dump to the observer, several compress, the
//! caller's thread writes in order.
//!
//! A fixed number of jobs circulates among them, each with room for one block before and after compression: that is the
//! whole memory, and what slows the reader down when the others do not follow. Whoever stops drops its ends of the channels;
//! the others find nobody there and stop too, so that every error ends every thread.

use super::deflate::{self, BLOCK_BYTES, BlockPacker, Mismatch};
use super::hash::Sha256Sum;
use super::level::Level;
use super::records::Method;
use super::writer::{Content, ZipWriter};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};
use tokio_util::sync::CancellationToken;

/// Blocks on their way at once: one with each of three workers, one with the reader, one with the writer; with fewer
/// workers, some wait. Each takes 2 MiB, and as much again where the data hardly shrink.
const JOBS: usize = 5;
/// More threads do not compress: a shop's machine has other work, its disk does not read faster, and memory is bounded.
const MAX_THREADS: usize = 3;
/// Blocks at the beginning from which it is told whether the dump is compressed already.
const SAMPLE_BLOCKS: usize = 2;

/// Why packing stopped before its end.
#[derive(Debug)]
pub(super) enum Stop {
    Cancelled,
    Source(io::Error),
    Sink(io::Error),
    Mismatch,
    /// A thread could not be started, or panicked.
    Thread(String),
    /// Another thread stopped first, and knows why.
    Gone,
}

/// One block on its way.
struct Job {
    number: u64,
    last: bool,
    method: Method,
    /// One byte longer than a block, which tells whether another follows.
    input: Vec<u8>,
    read: usize,
    output: Vec<u8>,
    packed: usize,
    crc: crc32fast::Hasher,
}

impl Job {
    fn empty() -> Self {
        Self {
            number: 0,
            last: false,
            method: Method::Stored,
            input: vec![0; BLOCK_BYTES + 1],
            read: 0,
            output: Vec::new(),
            packed: 0,
            crc: crc32fast::Hasher::new(),
        }
    }

    fn data(&self) -> &[u8] {
        &self.input[..self.read]
    }

    /// What goes into the zip.
    fn result(&self) -> &[u8] {
        match self.method {
            Method::Stored => self.data(),
            Method::Deflated => &self.output[..self.packed],
        }
    }
}

/// How to go along the way, and who is told.
pub(super) struct Way<'a> {
    pub level: Level,
    pub threads: usize,
    pub observe: &'a mut (dyn FnMut(&[u8]) + Send),
    pub progress: &'a (dyn Fn(u64) + Sync),
    pub cancel: &'a CancellationToken,
}

/// Starts the threads and writes what they make; returns what was read.
pub(super) fn run(
    source: &mut (dyn Read + Send),
    zip: &mut ZipWriter,
    way: Way,
) -> Result<(Sha256Sum, Content), Stop> {
    let Way { level, threads, observe, progress, cancel } = way;
    let (to_reader, free) = sync_channel(JOBS);
    let (to_workers, queue) = sync_channel(JOBS);
    let (to_writer, done) = sync_channel(JOBS);
    for _ in 0..JOBS {
        to_reader.send(Job::empty()).map_err(|_| Stop::Gone)?;
    }
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let reader = Reader::new(source, observe, cancel, free, to_workers);
        let reader = start(scope, "pack-read", move || reader.run())?;
        for _ in 0..threads.clamp(1, MAX_THREADS) {
            let (queue, to_writer) = (&queue, to_writer.clone());
            start(scope, "pack", move || work(queue, &to_writer, level))?;
        }
        drop(to_writer);
        let written = write(zip, done, to_reader, progress, cancel);
        let read = reader.join().map_err(|_| Stop::Thread("pack-read".to_owned()))?;
        match (read, written) {
            (Ok(read), Ok((bytes, crc32))) if read.bytes == bytes => {
                Ok((read.sha256, Content { method: read.method, bytes, crc32 }))
            }
            (Ok(_), Ok(_)) => Err(Stop::Gone),
            (Err(Stop::Gone) | Ok(_), Err(stop)) | (Err(stop), _) => Err(stop),
        }
    })
}

fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    body: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Stop> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.spawn_scoped(scope, body).map_err(|cause| Stop::Thread(cause.to_string()))
}

/// A source that was read to its end.
struct Source {
    bytes: u64,
    sha256: Sha256Sum,
    method: Method,
}

/// Reads the source.
struct Reader<'a> {
    source: &'a mut (dyn Read + Send),
    observe: &'a mut (dyn FnMut(&[u8]) + Send),
    cancel: &'a CancellationToken,
    free: Receiver<Job>,
    to_workers: SyncSender<Job>,
    /// The first byte of the next block, which was read to see whether there is one.
    ahead: Option<u8>,
    number: u64,
    bytes: u64,
    sha: Sha256,
}

impl<'a> Reader<'a> {
    fn new(
        source: &'a mut (dyn Read + Send),
        observe: &'a mut (dyn FnMut(&[u8]) + Send),
        cancel: &'a CancellationToken,
        free: Receiver<Job>,
        to_workers: SyncSender<Job>,
    ) -> Self {
        let sha = Sha256::new();
        Self { source, observe, cancel, free, to_workers, ahead: None, number: 0, bytes: 0, sha }
    }

    /// Sends the whole source to the workers; even an empty one is a block.
    fn run(mut self) -> Result<Source, Stop> {
        let mut sample = vec![self.next()?];
        while sample.len() < SAMPLE_BLOCKS && sample.iter().all(|job| !job.last) {
            sample.push(self.next()?);
        }
        let method = match deflate::is_incompressible(sample.iter().map(Job::data)) {
            true => Method::Stored,
            false => Method::Deflated,
        };
        let mut over = false;
        for job in sample {
            over = self.send(job, method)?;
        }
        while !over {
            let job = self.next()?;
            over = self.send(job, method)?;
        }
        Ok(Source { bytes: self.bytes, sha256: Sha256Sum(self.sha.finalize().into()), method })
    }

    /// The next block.
    fn next(&mut self) -> Result<Job, Stop> {
        let mut job = self.free.recv().map_err(|_| Stop::Gone)?;
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let kept = self.ahead.take();
        job.input[0] = kept.unwrap_or_default();
        let begin = usize::from(kept.is_some());
        let filled = begin + fill(self.source, &mut job.input[begin..]).map_err(Stop::Source)?;
        job.last = filled <= BLOCK_BYTES;
        job.read = filled.min(BLOCK_BYTES);
        job.number = self.number;
        self.number += 1;
        self.ahead = (!job.last).then(|| job.input[BLOCK_BYTES]);
        self.bytes += job.read as u64;
        self.sha.update(job.data());
        (self.observe)(job.data());
        Ok(job)
    }

    /// Hands a block to the workers; whether it was the last.
    fn send(&self, mut job: Job, method: Method) -> Result<bool, Stop> {
        let last = job.last;
        job.method = method;
        self.to_workers.send(job).map_err(|_| Stop::Gone)?;
        Ok(last)
    }
}

/// Reads until `buffer` is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(filled)
}

/// Compresses jobs until there are no more.
fn work(queue: &Mutex<Receiver<Job>>, to_writer: &SyncSender<Result<Job, Stop>>, level: Level) {
    let mut packer = BlockPacker::new(level);
    loop {
        let Some(mut job) = queue.lock().ok().and_then(|queue| queue.recv().ok()) else { return };
        // A job that disappeared in a panic would be waited for for ever.
        let result = catch_unwind(AssertUnwindSafe(|| compress(packer.as_mut().map_err(|m| *m)?, &mut job)));
        let result = match result {
            Ok(Ok(())) => Ok(job),
            Ok(Err(Mismatch)) => Err(Stop::Mismatch),
            Err(_panic) => Err(Stop::Thread("pack".to_owned())),
        };
        if to_writer.send(result).is_err() {
            return;
        }
    }
}

fn compress(packer: &mut BlockPacker, job: &mut Job) -> Result<(), Mismatch> {
    job.crc.reset();
    job.crc.update(&job.input[..job.read]);
    match job.method {
        Method::Stored => Ok(()),
        Method::Deflated => {
            if job.output.is_empty() {
                // Fresh zeroed memory costs nothing until it is touched.
                job.output = vec![0; packer.room(BLOCK_BYTES)];
            }
            job.packed = packer.pack(&job.input[..job.read], job.last, &mut job.output)?;
            Ok(())
        }
    }
}

/// Writes the jobs in order of their numbers and gives them back to the reader; returns size and CRC-32 of the source.
fn write(
    zip: &mut ZipWriter,
    done: Receiver<Result<Job, Stop>>,
    to_reader: SyncSender<Job>,
    progress: &(dyn Fn(u64) + Sync),
    cancel: &CancellationToken,
) -> Result<(u64, u32), Stop> {
    let mut early = BTreeMap::new();
    let mut crc = crc32fast::Hasher::new();
    let mut next = 0;
    for job in done {
        let job = job?;
        early.insert(job.number, job);
        while let Some(job) = early.remove(&next) {
            if cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            zip.write(job.result()).map_err(Stop::Sink)?;
            crc.combine(&job.crc);
            next += 1;
            progress(crc.total_len());
            // Nobody waits for it any more once the source has been read to its end.
            let _ended = to_reader.send(job);
        }
    }
    Ok((crc.total_len(), crc.finalize()))
}
