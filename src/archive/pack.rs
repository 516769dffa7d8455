//! Packing: a dump into a zip, in one pass and in bounded memory.

use super::hash::Sha256Sum;
use super::level::Level;
use super::manifest::{MANIFEST_NAME, Manifest};
use super::pipeline::{self, Stop, Way};
use super::read_back::Seal;
use super::records::{Method, Modified};
use super::writer::{Content, ZipWriter};
use super::{ZipSink, problems};
use crate::problem::{Problem, Result};
use chrono::{DateTime, FixedOffset};
use std::io::Read;
use tokio_util::sync::CancellationToken;

/// How to pack.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// Name of the part's entry, see [`super::entry_name`].
    pub entry_name: String,
    /// How hard to compress.
    pub level: Level,
    /// Threads that compress; at least 1 and at most 3 are used. Packing takes about 14 MB with two, and never more
    /// than 23 MB.
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
    let way = Way { level: options.level, threads: options.threads, observe, progress, cancel };
    let (sha256, content) = pipeline::run(source, &mut zip, way).map_err(|stop| match stop {
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
