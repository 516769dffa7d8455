//! The packing: one thread reads, hashes and shows the dump to the observer, several compress, the caller's thread writes
//! in order.
//!
//! A fixed number of jobs circulates among them, each with room for one block before and after compression: that is the
//! whole memory, and what slows the reader down when the others do not follow. Whoever stops drops its ends of the channels;
//! the others find nobody there and stop too, so that every error ends every thread.

use super::deflate::{self, BLOCK_BYTES, BlockPacker, Mismatch};
use super::hash::Sha256Sum;
use super::level::Level;
use super::manifest::{MANIFEST_NAME, Manifest};
use super::read_back::Seal;
use super::records::{Method, Modified};
use super::writer::{Content, ZipWriter};
use super::{ZipSink, problems};
use crate::problem::{Problem, Result};
use chrono::{DateTime, FixedOffset};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};
use tokio_util::sync::CancellationToken;

/// Blocks at the beginning from which it is told whether the dump is compressed already.
const SAMPLE_BLOCKS: usize = 4;
/// More threads than this are not of use: one thread hashes.
const MAX_THREADS: usize = 16;

/// How to pack.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// Name of the part's entry, see [`super::entry_name`].
    pub entry_name: String,
    /// How hard to compress.
    pub level: Level,
    /// Threads that compress; at least 1 and at most 16 are used. Each needs about 5 MB.
    pub threads: usize,
    /// Time that the entries carry.
    pub modified: DateTime<FixedOffset>,
    /// Size of the source in bytes, where known. Without it, or from about 4 GiB on, the entry is made with 64-bit sizes,
    /// which a few old readers do not know.
    pub total_bytes: Option<u64>,
    /// Path of the source as shown to people.
    pub source_shown: String,
    /// Path of the zip as shown to people.
    pub sink_shown: String,
}

/// What was read and what stands for it in the zip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartDigest {
    /// Name of the entry.
    pub entry_name: String,
    /// Size of the source in bytes.
    pub bytes: u64,
    /// SHA-256 of the source.
    pub sha256: Sha256Sum,
    /// CRC-32 of the source.
    pub crc32: u32,
    /// How it stands in the zip.
    pub method: Method,
    /// Its size in the zip in bytes.
    pub packed_bytes: u64,
    /// CRC-32 of what stands in the zip.
    pub packed_crc32: u32,
}

/// A zip that was written, but neither synced nor read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The part.
    pub part: PartDigest,
    /// The manifest that stands in the zip.
    pub manifest: Manifest,
    /// Length and CRC-32 of the zip as it must be read back.
    pub seal: Seal,
}

/// Packs `source` into a zip in the empty `sink`: one entry with all its bytes, then `manifest.json`.
///
/// Each byte is read once; `observe` sees each of them, in order. `progress` is told the source bytes that are done, from
/// the calling thread. `manifest` is asked once the source has been read to its end; it describes the part with
/// [`super::Part::new`]. What was compressed is inflated and compared with what was read before it is written. Neither
/// syncs nor reads back: that is [`super::ReadBack`]'s part.
///
/// # Errors
///
/// [`Code::RunCancelled`](crate::problem::Code::RunCancelled) soon after `cancel`;
/// [`FolderIo`](crate::problem::Code::FolderIo) or [`SpaceFull`](crate::problem::Code::SpaceFull) when reading or writing
/// fails; [`ArchiveMismatch`](crate::problem::Code::ArchiveMismatch) when this machine computes wrongly; what `manifest`
/// returns. What stands in `sink` is then of no use.
pub fn pack(
    source: &mut (dyn Read + Send),
    sink: &mut dyn ZipSink,
    options: &PackOptions,
    observe: &mut (dyn FnMut(&[u8]) + Send),
    progress: &(dyn Fn(u64) + Sync),
    manifest: &mut dyn FnMut(&PartDigest) -> Result<Manifest>,
    cancel: &CancellationToken,
) -> Result<Packed> {
    let sink_failed = |cause| problems::sink_failed(&options.sink_shown, &cause);
    let modified = Modified::of(options.modified);
    let mut zip =
        ZipWriter::begin(sink, modified, &options.entry_name, options.total_bytes).map_err(sink_failed)?;
    let (sha256, content) =
        run(source, &mut zip, options, observe, progress, cancel).map_err(|stop| match stop {
            Stop::Cancelled => problems::cancelled(),
            Stop::Source(cause) => problems::source_failed(&options.source_shown, &cause),
            Stop::Sink(cause) => sink_failed(cause),
            Stop::Mismatch => problems::mismatch(),
            Stop::Thread(cause) => Problem::internal(cause),
            Stop::Gone => Problem::internal("packing"),
        })?;
    let (packed_bytes, packed_crc32) = zip.end_part(content).map_err(sink_failed)?;
    let Content { method, bytes, crc32 } = content;
    let entry_name = options.entry_name.clone();
    let part = PartDigest { entry_name, bytes, sha256, crc32, method, packed_bytes, packed_crc32 };

    let manifest = manifest(&part)?;
    if !manifest.describes(&part) {
        return Err(Problem::internal("manifest.json"));
    }
    zip.add_stored(MANIFEST_NAME, &manifest.to_json()?).map_err(sink_failed)?;
    let seal = zip.finish().map_err(sink_failed)?;
    Ok(Packed { part, manifest, seal })
}

/// Why packing stopped before its end.
#[derive(Debug)]
enum Stop {
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
            input: vec![0; BLOCK_BYTES],
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

/// Starts the threads and writes what they make; returns what was read.
fn run(
    source: &mut (dyn Read + Send),
    zip: &mut ZipWriter,
    options: &PackOptions,
    observe: &mut (dyn FnMut(&[u8]) + Send),
    progress: &(dyn Fn(u64) + Sync),
    cancel: &CancellationToken,
) -> Result<(Sha256Sum, Content), Stop> {
    let threads = options.threads.clamp(1, MAX_THREADS);
    // One for each worker and one that waits for it, one with the reader, one with the writer.
    let jobs = (2 * threads + 2).max(SAMPLE_BLOCKS + 1);
    let (to_reader, free) = sync_channel(jobs);
    let (to_workers, queue) = sync_channel(jobs);
    let (to_writer, done) = sync_channel(jobs);
    for _ in 0..jobs {
        to_reader.send(Job::empty()).map_err(|_| Stop::Gone)?;
    }
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let reader = Reader { source, observe, cancel, free, to_workers, bytes: 0, sha: Sha256::new() };
        let reader = start(scope, "pack-read", move || reader.run())?;
        for _ in 0..threads {
            let (queue, to_writer) = (&queue, to_writer.clone());
            start(scope, "pack", move || work(queue, &to_writer, options.level))?;
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
    bytes: u64,
    sha: Sha256,
}

impl Reader<'_> {
    /// Sends the whole source to the workers. Always one block ahead, because the final one must know that it is.
    fn run(mut self) -> Result<Source, Stop> {
        let mut ahead = VecDeque::new();
        while ahead.len() < SAMPLE_BLOCKS
            && let Some(job) = self.next()?
        {
            ahead.push_back(job);
        }
        let method = match deflate::is_incompressible(ahead.iter().map(Job::data)) {
            true => Method::Stored,
            false => Method::Deflated,
        };
        let mut number = 0;
        while let Some(job) = ahead.pop_front() {
            if ahead.is_empty() {
                ahead.extend(self.next()?);
            }
            let job = Job { number, method, last: ahead.is_empty(), ..job };
            self.to_workers.send(job).map_err(|_| Stop::Gone)?;
            number += 1;
        }
        Ok(Source { bytes: self.bytes, sha256: Sha256Sum(self.sha.finalize().into()), method })
    }

    /// The next block; `None` at the end.
    fn next(&mut self) -> Result<Option<Job>, Stop> {
        let mut job = self.free.recv().map_err(|_| Stop::Gone)?;
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        job.read = fill(self.source, &mut job.input).map_err(Stop::Source)?;
        self.bytes += job.read as u64;
        self.sha.update(job.data());
        (self.observe)(job.data());
        Ok(if job.read == 0 { None } else { Some(job) })
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
