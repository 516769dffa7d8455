//! Writes a full backup of a database: TAPE, SFMB, then SSET, VOLB, MSCI, MSDA, MSTL…, MSLS, SFMB, ESET, ESET, SFMB.

use super::block::{Block, LOGICAL_BLOCK, SECTOR, STREAM_HEADER, Tape, VARIABLE, VARIABLE_END};
use super::catalogue::{Catalogue, Lsn};
use super::date;
use super::describe::{describe, file_time, log_block, log_parts, set_map};
use super::request::DumpRequest;
use crate::le::{put, put_u16};
use crate::pages::{EXTENT_BYTES, PageVerify};
use chrono::NaiveDateTime;
use std::io::{self, Write};
use std::ops::ControlFlow;
use uuid::Uuid;

/// The vendor number of SQL Server.
const VENDOR: u16 = 0x1200;
/// The full-backup attribute of a set.
pub(super) const NORMAL_BACKUP: u32 = 4;
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
    /// The database option `PAGE_VERIFY`.
    pub page_verify: PageVerify,
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
        let parts = log_parts(self.log_size);
        let bytes = (u64::from(first.block) * 512, self.log_bytes);
        self.tape.set_block(log_block(first.file, parts[0], Some(bytes)))?;
        self.tape.pad_before_pages()?;
        let length = log.len().next_multiple_of(EXTENT_BYTES) as u64;
        self.tape.stream_header(*b"MQTL", 0, 2 + length)?;
        self.tape.write(&[0; 2])?;
        self.tape.write(log)?;
        self.tape.write(&vec![0; length as usize - log.len()])?;
        self.tape.align_stream()?;
        self.tape.end_block(LOGICAL_BLOCK)?;
        for part in &parts[1..] {
            self.tape.set_block(log_block(0, *part, None))?;
            self.tape.end_block(LOGICAL_BLOCK)?;
        }
        self.catalogue.backup_bytes += length + parts.len() as u64 * LOGICAL_BLOCK;
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
                file.backup_pages = u32::try_from(log_bytes.div_ceil(8192)).unwrap_or(u32::MAX);
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
        let from = self.tape.position() + STREAM_HEADER as u64;
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
