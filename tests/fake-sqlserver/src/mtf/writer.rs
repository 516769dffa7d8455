//! Writes a full backup of a database: TAPE, SFMB, then SSET, VOLB, MSCI, MSDA, MSTL…, MSLS, SFMB, ESET, ESET, SFMB.

use super::block::{Block, LOGICAL_BLOCK, SECTOR, Tape, VARIABLE, VARIABLE_END, append_text};
use super::catalogue::{Catalogue, FileEntry, Lsn};
use super::date;
use super::request::{DumpRequest, Recovery};
use crate::le::{put, put_u16, put_u32, put_u64};
use crate::pages::EXTENT_BYTES;
use chrono::NaiveDateTime;
use std::io::{self, Write};
use std::ops::ControlFlow;
use uuid::Uuid;

/// The vendor number of SQL Server.
const VENDOR: u16 = 0x1200;
/// The full-backup attribute of a set.
const NORMAL_BACKUP: u32 = 4;
/// Unused blocks that a log always announces, one a virtual log file.
const SPARE_LOG_BLOCKS: u64 = 3;
/// Flags of `RESTORE HEADERONLY`.
pub(crate) const FLAG_ALWAYS: u32 = 512;
pub(crate) const FLAG_CHECKSUM: u32 = 16;
pub(crate) const FLAG_COPY_ONLY: u32 = 1024;

/// What a file of the database is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Pages.
    Data,
    /// The transaction log.
    Log,
}

/// One file of the database.
#[derive(Clone, Debug)]
pub struct FileInfo {
    /// 1 for the primary data file, 2 for the log.
    pub file_id: u16,
    /// What it holds.
    pub kind: FileKind,
    /// The logical name.
    pub logical_name: String,
    /// The path on the server.
    pub physical_name: String,
    /// Bytes of the file, whatever of it is allocated.
    pub size_bytes: u64,
    /// Its identity.
    pub unique_id: Uuid,
}

/// What marks this database and its history, and stands in its pages as well as in the headers of its backups.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The database, over renames and restores.
    pub binding: Uuid,
    /// The branch of its history.
    pub fork: Uuid,
    /// The first log record that the backup needs: its checkpoint.
    pub first_lsn: Lsn,
    /// The log record after the last one in the backup.
    pub last_lsn: Lsn,
}

/// Eight pages that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtentId {
    /// The file.
    pub file_id: u16,
    /// The number of its first page.
    pub first_page: u32,
}

/// Where the pages of a backup come from. The pages are those of one data file, in ascending order, and of each extent
/// that its allocation maps call allocated there is exactly one.
pub trait PageSource: Send {
    /// The files of the database: one for data, one for the log.
    fn files(&self) -> Vec<FileInfo>;
    /// What marks the database.
    fn identity(&self) -> Identity;
    /// How many pages [`next_extent`](Self::next_extent) gives in all: a multiple of eight. Known before the first one.
    fn total_pages(&self) -> u64;
    /// Puts the pages of the next extent into `out`; `None` after the last one.
    fn next_extent(&mut self, out: &mut [u8; EXTENT_BYTES]) -> io::Result<Option<ExtentId>>;
    /// The part of the transaction log that makes the pages consistent; asked for when all extents are written.
    fn log(&mut self) -> Vec<u8>;
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub bytes: u64,
    /// Data pages in it.
    pub pages: u64,
    /// Log pages in it.
    pub log_pages: u64,
    /// `backup_size` in `msdb.dbo.backupset`.
    pub backup_bytes: u64,
    /// The identity of the backup set.
    pub set: Uuid,
    /// Its last log record.
    pub last_lsn: Lsn,
    /// When it was finished, as it stands in the file.
    pub finished: NaiveDateTime,
}

#[derive(Debug, thiserror::Error)]
#[error("the backup was stopped")]
struct Stopped;

/// Whether `error` means that the progress of [`write_backup`] asked to stop.
pub fn was_stopped(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Stopped>())
}

/// Writes a full backup to `out`, which must stand at its beginning. `progress` hears of pages done and pages in all after
/// each extent, and can stop the backup.
///
/// # Errors
/// Those of `out` and of `pages`; [`was_stopped`] tells a stop by `progress` apart.
pub fn write_backup(
    out: &mut dyn Write,
    request: &DumpRequest,
    pages: &mut dyn PageSource,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> io::Result<Written> {
    let mut out = io::BufWriter::with_capacity(16 * 1024, out);
    let mut dump = Dump::new(&mut out, request, &*pages);
    dump.opening()?;
    let written_pages = dump.data(pages, progress)?;
    let log = pages.log();
    dump.log(&log)?;
    let finished = request.finished.moment();
    dump.closing(finished)?;
    let written = Written {
        bytes: dump.tape.position(),
        pages: written_pages,
        log_pages: dump.log_pages(),
        backup_bytes: dump.catalogue.backup_bytes,
        set: dump.set,
        last_lsn: dump.catalogue.last_lsn,
        finished,
    };
    out.flush()?;
    Ok(written)
}

struct Dump<'a> {
    tape: Tape<'a>,
    request: &'a DumpRequest,
    catalogue: Catalogue,
    set: Uuid,
    media: Uuid,
    set_at: u64,
    log_bytes: u64,
    log_size: u64,
}

impl<'a> Dump<'a> {
    fn new(out: &'a mut dyn Write, request: &'a DumpRequest, pages: &dyn PageSource) -> Self {
        let files = pages.files();
        let log_size = files.iter().find(|file| file.kind == FileKind::Log).map_or(0, |file| file.size_bytes);
        Self {
            tape: Tape::new(out),
            request,
            catalogue: describe(request, files, pages.identity(), pages.total_pages()),
            set: Uuid::new_v4(),
            media: Uuid::new_v4(),
            set_at: 0,
            log_bytes: 0,
            log_size,
        }
    }

    fn opening(&mut self) -> io::Result<()> {
        self.tape_header()?;
        self.tape.filemark()?;
        self.set_at = self.tape.position();
        self.set_header()?;
        self.volume()?;
        let mut block = Block::new(*b"MSCI", 56);
        block.utf16();
        self.describing(block, LOGICAL_BLOCK)
    }

    fn family(&self) -> u32 {
        self.media.as_fields().0
    }

    fn tape_header(&mut self) -> io::Result<()> {
        let mut block = Block::new(*b"TAPE", 0x5e);
        block.attributes(0x0003_0000).put_u32(52, self.family()).put_u32(56, 5).put_u16(60, 1);
        block.put_u16(64, (SECTOR / 512) as u16).put_u16(66, 3).put_u16(84, LOGICAL_BLOCK as u16);
        block.put_u16(86, VENDOR).put(88, &date::encode(self.request.started)).put(93, &[1]);
        block.text(80, "Microsoft SQL Server\0\0");
        self.tape.loose_block(block)?;
        let mut families = [0; 32];
        put(&mut families, 0, &self.media.to_bytes_le());
        put(&mut families, 16, &[0xad, 0, 0, 0xf0]);
        let (number, count) = self.request.stripe.map_or((1, 1), |stripe| (stripe.number, stripe.count));
        for (at, value) in [(20, count), (22, number), (24, 1), (30, 1)] {
            put_u16(&mut families, at, value);
        }
        self.tape.stream(*b"RAID", &families)?;
        self.tape.end_block(SECTOR)
    }

    fn set_header(&mut self) -> io::Result<()> {
        let request = self.request;
        let mut block = Block::new(*b"SSET", 0x7a);
        block.put_u16(44, 21).put_u16(46, 0x64);
        block.put_u32(52, NORMAL_BACKUP).put_u16(60, VENDOR).put_u16(62, 1);
        block.put_u64(80, self.tape.position()).put(88, &date::encode(request.started));
        block.put(
            93,
            &[request.version.major, request.version.minor, request.zone_quarters.to_le_bytes()[0], 0, 2],
        );
        block.put(0x64, &self.set.to_bytes_le());
        block.text(64, &request.backup_name);
        if !request.description.is_empty() {
            block.text(68, &request.description);
        }
        block.text(76, &request.user);
        self.tape.set_block(block)?;
        self.tape.end_block(LOGICAL_BLOCK)
    }

    fn volume(&mut self) -> io::Result<()> {
        let mut block = Block::new(*b"VOLB", 73);
        block.put_u32(52, 2).put(68, &date::encode(self.request.started));
        block.text(56, "C:").text(60, "").text(64, &self.request.machine);
        self.tape.set_block(block)?;
        self.tape.end_block(LOGICAL_BLOCK)
    }

    fn describing(&mut self, block: Block, alignment: u64) -> io::Result<()> {
        self.tape.set_block(block)?;
        self.tape.stream(*b"MQCI", &self.catalogue.to_bytes())?;
        self.tape.end_block(alignment)
    }

    fn data(
        &mut self,
        pages: &mut dyn PageSource,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> io::Result<u64> {
        let total = pages.total_pages();
        let mut block = Block::new(*b"MSDA", 60);
        block.put_u16(58, 1);
        self.tape.set_block(block)?;
        self.tape.pad_before_pages()?;
        let mine = extents_of(self.request, total / 8);
        self.tape.stream_header(*b"MQDA", VARIABLE, 2 + mine * EXTENT_BYTES as u64)?;
        self.tape.write(&[0; 2])?;
        let mut extent = Box::new([0; EXTENT_BYTES]);
        let (mut done, mut written) = (0, 0);
        while pages.next_extent(&mut extent)?.is_some() {
            if is_mine(self.request, done) {
                self.tape.write(&extent[..])?;
                written += 1;
            }
            done += 1;
            if progress(8 * done, total).is_break() {
                return Err(io::Error::other(Stopped));
            }
        }
        if 8 * done != total {
            return Err(io::Error::other(format!("{total} pages were announced and {} came", 8 * done)));
        }
        self.tape.align_stream()?;
        self.tape.stream_header(*b"MQDA", VARIABLE_END, 0)?;
        self.tape.align_stream()?;
        self.tape.end_block(LOGICAL_BLOCK)?;
        Ok(8 * written)
    }

    fn log_pages(&self) -> u64 {
        self.log_bytes.div_ceil(8192)
    }

    /// Writes the log: one block with its bytes, and the blocks without bytes for the log's other parts.
    fn log(&mut self, log: &[u8]) -> io::Result<()> {
        self.log_bytes = log.len() as u64;
        let first = self.catalogue.first_lsn;
        let part = self.log_size / (SPARE_LOG_BLOCKS + 1) / 8192 * 8192;
        self.tape.set_block(log_block(
            first.file,
            part,
            0,
            Some((u64::from(first.block) * 512, self.log_bytes)),
        ))?;
        self.tape.pad_before_pages()?;
        let length = log.len().next_multiple_of(EXTENT_BYTES) as u64;
        self.tape.stream_header(*b"MQTL", 0, 2 + length)?;
        self.tape.write(&[0; 2])?;
        self.tape.write(log)?;
        self.tape.write(&vec![0; length as usize - log.len()])?;
        self.tape.align_stream()?;
        self.tape.end_block(LOGICAL_BLOCK)?;
        for number in 1..=SPARE_LOG_BLOCKS {
            self.tape.set_block(log_block(0, part, number, None))?;
            self.tape.end_block(LOGICAL_BLOCK)?;
        }
        self.catalogue.backup_bytes += length + (SPARE_LOG_BLOCKS + 1) * LOGICAL_BLOCK;
        Ok(())
    }

    fn closing(&mut self, finished: NaiveDateTime) -> io::Result<()> {
        self.complete_description(finished);
        let mut block = Block::new(*b"MSLS", 56);
        block.utf16();
        self.describing(block, SECTOR)?;
        self.tape.filemark()?;
        let first_end = self.tape.position();
        self.tape.loose_block(self.set_end(finished, 0))?;
        self.set_map()?;
        self.tape.loose_block(self.set_end(finished, first_end))?;
        self.tape.end_block(SECTOR)?;
        self.tape.filemark()
    }

    fn complete_description(&mut self, finished: NaiveDateTime) {
        let (set, copy_only, first) = (self.set, self.request.copy_only, self.catalogue.first_lsn);
        let log_bytes = self.log_bytes;
        self.catalogue.finished = Some(finished);
        for file in &mut self.catalogue.files {
            if file.log {
                file.backup_bytes = log_bytes;
                continue;
            }
            file.moment = file_time(finished);
            if !copy_only {
                // From now on this backup is what differential backups build on.
                (file.base_set, file.base_lsn) = (set, first);
            }
        }
    }

    fn set_end(&self, finished: NaiveDateTime, first_end: u64) -> Block {
        let mut block = Block::new(*b"ESET", 88);
        block
            .put_u32(52, NORMAL_BACKUP)
            .put_u64(60, first_end)
            .put_u16(78, 1)
            .put(80, &date::encode(finished));
        block
    }

    /// The first ESET carries the map of the set: where it is, what it is called, which volume it holds.
    fn set_map(&mut self) -> io::Result<()> {
        let from = self.tape.position() + super::block::STREAM_HEADER as u64;
        self.tape.pad(*b"OTCP", 0, from.next_multiple_of(SECTOR) - from)?;
        let map = set_map(self.family(), self.set_at, self.request, self.catalogue.backup_bytes);
        self.tape.stream(*b"TSMP", &map)?;
        self.tape.end_block(SECTOR)
    }
}

/// Which of the extents belong to the stripe that is written; all of them without stripes.
fn is_mine(request: &DumpRequest, extent: u64) -> bool {
    request
        .stripe
        .is_none_or(|stripe| extent % u64::from(stripe.count.max(1)) + 1 == u64::from(stripe.number))
}

fn extents_of(request: &DumpRequest, extents: u64) -> u64 {
    (0..extents).filter(|extent| is_mine(request, *extent)).count() as u64
}

fn describe(request: &DumpRequest, files: Vec<FileInfo>, identity: Identity, pages: u64) -> Catalogue {
    let mut flags = FLAG_ALWAYS;
    flags |= if request.checksum { FLAG_CHECKSUM } else { 0 };
    flags |= if request.copy_only { FLAG_COPY_ONLY } else { 0 };
    Catalogue {
        build: request.version.build,
        minor: request.version.minor,
        major: request.version.major,
        first_lsn: identity.first_lsn,
        last_lsn: identity.last_lsn,
        checkpoint_lsn: identity.first_lsn,
        base_lsn: Lsn::default(),
        created: Some(request.created),
        started: Some(request.started),
        finished: None,
        sort_order: 0,
        compatibility: request.compatibility,
        database_id: request.database_id,
        database_version: request.database_version,
        // SQL Server adds the 16 KiB of headers before the first page, and the log when it knows it.
        backup_bytes: pages * 8192 + 4 * SECTOR,
        database: request.database.clone(),
        server: request.server.clone(),
        locale: 0x0409,
        comparison_style: 196_609,
        binding: identity.binding,
        fork: identity.fork,
        base_set: Uuid::nil(),
        // Latin1_General_CI_AS.
        collation: 0x00d0_0409,
        flags,
        recovery: match request.recovery {
            Recovery::Full => 1,
            Recovery::BulkLogged => 2,
            Recovery::Simple => 3,
        },
        group: "PRIMARY".to_owned(),
        files: files.into_iter().map(|file| entry(file, request, pages)).collect(),
    }
}

fn entry(file: FileInfo, request: &DumpRequest, pages: u64) -> FileEntry {
    let log = file.kind == FileKind::Log;
    FileEntry {
        file_id: u32::from(file.file_id),
        log,
        logical_name: file.logical_name,
        physical_name: file.physical_name,
        size_bytes: file.size_bytes,
        max_size_bytes: if log { 0x200_0000_0000 } else { 0x1fff_ffff_e000 },
        growth_bytes: 64 << 20,
        unique_id: file.unique_id,
        backup_pages: if log { 0 } else { u32::try_from(pages).unwrap_or(u32::MAX) },
        backup_bytes: if log { 0 } else { pages * 8192 },
        base_lsn: Lsn::default(),
        base_set: Uuid::nil(),
        moment: if log { 0 } else { file_time(request.started) },
    }
}

/// 100-nanosecond steps since 1601, as Windows counts.
fn file_time(moment: NaiveDateTime) -> u64 {
    const FROM_1601_TO_1970_SECONDS: i64 = 11_644_473_600;
    u64::try_from(moment.and_utc().timestamp() + FROM_1601_TO_1970_SECONDS).unwrap_or_default() * 10_000_000
}

/// An MSTL block: a part of the log file and, for the one that has bytes in the backup, which bytes those are.
fn log_block(sequence: u32, part: u64, number: u64, bytes: Option<(u64, u64)>) -> Block {
    const DETAIL: usize = 92;
    const DETAIL_BYTES: usize = 504;
    let mut block = Block::new(*b"MSTL", DETAIL + DETAIL_BYTES);
    block.put_u16(58, 1);
    if let Some((from, length)) = bytes {
        block.put_u64(60, from).put_u64(68, from + length);
    }
    block.put_u16(76, 2).put_u16(80, DETAIL_BYTES as u16).put_u16(82, DETAIL as u16);
    block.put_u32(DETAIL, sequence).put_u64(DETAIL + 4, part).put_u64(DETAIL + 12, 8192 + number * part);
    block.put_u16(DETAIL + 20, 2).put_u16(DETAIL + 22, if sequence == 0 { 0 } else { 0x40 });
    block.put_u16(DETAIL + 34, 5);
    block
}

/// The payload of the `TSMP` stream: an entry for the set and one for its volume, each with its size in front.
fn set_map(family: u32, set_at: u64, request: &DumpRequest, backup_bytes: u64) -> Vec<u8> {
    let moment = date::encode(request.started);
    let mut set = vec![0; 0x5c];
    put_u16(&mut set, 2, 1);
    put_u32(&mut set, 8, NORMAL_BACKUP);
    put_u64(&mut set, 12, set_at);
    put_u16(&mut set, 0x1e, 1);
    put_u64(&mut set, 0x34, backup_bytes);
    put_u16(&mut set, 0x3c, 1);
    let mut text = |at: usize, value: &str| {
        let (size, offset) = append_text(&mut set, value);
        put_u16(&mut set, at, size);
        put_u16(&mut set, at + 2, if size == 0 && at == 0x44 { 0 } else { offset });
    };
    text(0x40, &request.backup_name);
    text(0x44, &request.description);
    text(0x4c, &request.user);
    put(&mut set, 0x50, &moment);
    put(&mut set, 0x55, &[request.zone_quarters.to_le_bytes()[0], 0x0e, 1, 2, 0, 2]);

    let mut volume = vec![0; 0x3e];
    put(&mut volume, 2, b"VOLB");
    put_u32(&mut volume, 6, 1);
    put_u64(&mut volume, 12, 1);
    put(&mut volume, 0x20, &[0x0e, 1, 2, 0, 2]);
    for (at, value) in [(0x28, "C:"), (0x30, request.machine.as_str())] {
        let (size, offset) = append_text(&mut volume, value);
        put_u16(&mut volume, at, size);
        put_u16(&mut volume, at + 2, offset);
    }
    put(&mut volume, 0x38, &moment);

    let mut map = vec![0; 8];
    put_u32(&mut map, 0, family);
    put_u16(&mut map, 4, 1);
    for mut entry in [set, volume] {
        let size = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        put_u16(&mut entry, 0, size);
        map.extend(entry);
    }
    map
}
