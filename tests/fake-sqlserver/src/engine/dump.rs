//! Writes the dump of a BACKUP: progress, faults, and the errors of the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use chrono::NaiveDateTime;
use uuid::Uuid;

use super::Engine;
use super::damage::{self, Spoiled};
use super::faults::BackupFaults;
use super::progress::{Of, Progress};
use crate::clock;
use crate::contents::{self, Origin};
use crate::database::{Database, PAGE_BYTES};
use crate::error::SqlError;
use crate::identity::Identity;
use crate::mtf::{DumpRequest, PageSource, read_header, was_stopped, write_backup};
use crate::os_error::as_windows;
use crate::session::cancel::Reason;
use crate::session::output::{Failure, Output, Stopped};

/// How a given file is copied.
const COPY_BYTES: usize = 64 << 10;

/// Where and how to dump.
pub(super) struct Dump<'a> {
    /// The device as the statement names it
    pub device: &'a str,
    /// The file behind it
    pub path: &'a Path,
    /// What is in the file already may go
    pub overwrite: bool,
    /// A message after so many percent
    pub stats: u8,
    /// A bad page ends it
    pub stop_on_damage: bool,
    /// What is to go wrong
    pub faults: BackupFaults,
}

/// What was dumped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DumpReport {
    pub data_pages: u64,
    pub log_pages: u64,
    pub backup_bytes: u64,
    pub set: Uuid,
    pub finished: NaiveDateTime,
    pub damaged: bool,
}

/// Why a dump was not finished.
#[derive(Debug)]
pub(super) enum DumpFault {
    /// 3201, 3202 or whatever else the device's trouble is
    Device(SqlError),
    /// A page's checksum is wrong
    BadPage {
        /// Its number
        page: u32,
    },
    /// It was told to stop, or the connection was cut on demand
    Stopped(Failure),
}

/// Writes the dump. A file that this statement has made goes away again when it fails, but not when a fault on demand plays
/// the server's sudden death.
pub(super) fn write(
    engine: &Engine,
    database: &Database,
    identity: &Identity,
    request: &DumpRequest,
    dump: Dump<'_>,
    out: &mut Output,
) -> Result<DumpReport, DumpFault> {
    let existed = dump.path.exists();
    let file = open(&dump)?;
    let mut progress = Progress::new(engine, Of::Backup, dump.stats, dump.faults.clone(), out);
    let written = match &database.origin {
        Origin::File(given) => copy_given(given, file, &dump, &mut progress),
        Origin::Rows | Origin::Synthetic { .. } => {
            write_pages(database, identity, request, file, &dump, &mut progress)
        }
    };
    let died = progress.died;
    if let Some(failure) = progress.failure.take() {
        let died = died || failure == Failure::Stopped(Stopped(Reason::Died));
        if !died && !existed {
            remove(dump.path);
        }
        return Err(DumpFault::Stopped(failure));
    }
    if written.is_err() && !existed {
        remove(dump.path);
    }
    let report = written?;
    spoil(&dump).map_err(|error| write_failed(&dump, &error))?;
    Ok(report)
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, path = %path.display(), "what was left of a failed dump stays");
    }
}

fn open(dump: &Dump<'_>) -> Result<File, DumpFault> {
    if !dump.overwrite && std::fs::metadata(dump.path).is_ok_and(|metadata| metadata.len() > 0) {
        return Err(DumpFault::Device(crate::sql::batch::unsupported(
            "BACKUP into a file that holds another",
        )));
    }
    let opened = OpenOptions::new().write(true).create(true).truncate(true).open(dump.path);
    opened.map_err(|error| {
        tracing::info!(%error, path = %dump.path.display(), "cannot open the device");
        let (code, text) = as_windows(&error, true);
        let text =
            format!("Cannot open backup device '{}'. Operating system error {code}({text}).", dump.device);
        DumpFault::Device(SqlError::new(3201, text))
    })
}

fn write_failed(dump: &Dump<'_>, error: &io::Error) -> DumpFault {
    let (code, text) = as_windows(error, true);
    let text = format!("Write on \"{}\" failed: {code}({text})", dump.device);
    DumpFault::Device(SqlError::new(3202, text))
}

/// A file, which may be full before the disk is.
pub(super) struct DumpFile {
    pub file: File,
    pub room_bytes: Option<u64>,
}

impl Write for DumpFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room_bytes.map_or(bytes.len(), |room| usize::try_from(room).unwrap_or(usize::MAX));
        if room == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = self.file.write(&bytes[..bytes.len().min(room)])?;
        if let Some(room) = &mut self.room_bytes {
            *room -= written as u64;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn write_pages(
    database: &Database,
    identity: &Identity,
    request: &DumpRequest,
    file: File,
    dump: &Dump<'_>,
    progress: &mut Progress<'_>,
) -> Result<DumpReport, DumpFault> {
    let unreadable = |error: &io::Error| {
        let text = format!("Nonrecoverable I/O error occurred on file \"{}\": {error}.", database.name);
        DumpFault::Device(SqlError::new(3271, text))
    };
    let pages =
        contents::page_source(database, identity, database.backups).map_err(|error| unreadable(&error))?;
    let Some(pages) = pages else { return Err(unreadable(&io::ErrorKind::NotFound.into())) };
    let mut pages = Spoiled::new(pages, database, dump.stop_on_damage);
    let mut file = DumpFile { file, room_bytes: dump.faults.disk_full };
    let mut each = |done: u64, total: u64| progress.step(done, total);
    let written = write_backup(&mut file, request, &mut pages as &mut dyn PageSource, &mut each)
        .and_then(|written| file.file.sync_all().map(|()| written));
    let written = written.map_err(|error| match damage::bad_page(&error) {
        Some(page) => DumpFault::BadPage { page },
        None if was_stopped(&error) => DumpFault::Stopped(Failure::Several(Vec::new())),
        None => write_failed(dump, &error),
    })?;
    Ok(DumpReport {
        data_pages: written.pages,
        log_pages: written.log_pages,
        backup_bytes: written.backup_bytes,
        set: written.set,
        finished: written.finished,
        damaged: pages.spoiled(),
    })
}

fn copy_given(
    given: &Path,
    file: File,
    dump: &Dump<'_>,
    progress: &mut Progress<'_>,
) -> Result<DumpReport, DumpFault> {
    let unreadable = |error: io::Error| {
        DumpFault::Device(SqlError::new(
            3271,
            format!("The given dump {} cannot be read: {error}.", given.display()),
        ))
    };
    let mut source = File::open(given).map_err(unreadable)?;
    let total = source.metadata().map_err(unreadable)?.len();
    let mut file = DumpFile { file, room_bytes: dump.faults.disk_full };
    let mut buffer = vec![0; COPY_BYTES];
    let mut done = 0;
    loop {
        let count = source.read(&mut buffer).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count]).map_err(|error| write_failed(dump, &error))?;
        done += count as u64;
        if progress.step(done, total).is_break() {
            return Err(DumpFault::Stopped(Failure::Several(Vec::new())));
        }
    }
    file.file.sync_all().map_err(|error| write_failed(dump, &error))?;
    let header = read_header(given).ok();
    Ok(DumpReport {
        data_pages: total / PAGE_BYTES,
        log_pages: 1,
        backup_bytes: header.as_ref().map_or(total, |header| header.backup_bytes),
        set: header.map_or_else(Uuid::new_v4, |header| header.set),
        finished: clock::now().naive_local(),
        damaged: false,
    })
}

/// «Processed n pages …» for each file.
pub(super) fn processed(database: &str, files: [(&String, u64); 2], out: &mut Output) -> Result<(), Failure> {
    for (file, pages) in files {
        let text = format!("Processed {pages} pages for database '{database}', file '{file}' on file 1.");
        out.info(&SqlError::new(4035, text).class(0))?;
    }
    Ok(())
}

/// «… successfully processed n pages …», and the statement's end.
pub(super) fn successfully(
    statement: &str,
    pages: u64,
    started: NaiveDateTime,
    finished: NaiveDateTime,
    out: &mut Output,
) -> Result<(), Failure> {
    let seconds = finished.signed_duration_since(started).num_milliseconds().max(1) as f64 / 1000.0;
    let rate = pages as f64 * 8192.0 / 1_048_576.0 / seconds;
    let text = format!(
        "{statement} successfully processed {pages} pages in {seconds:.3} seconds ({rate:.3} MB/sec)."
    );
    out.info(&SqlError::new(3014, text).class(0))?;
    out.done(None);
    Ok(())
}

/// The faults that befall a dump which the server calls a success.
fn spoil(dump: &Dump<'_>) -> io::Result<()> {
    if dump.faults.truncate.is_none() && dump.faults.flips.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().read(true).write(true).open(dump.path)?;
    for (byte, bit) in &dump.faults.flips {
        let length = i64::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let at = if *byte < 0 { length + byte } else { *byte };
        let at = u64::try_from(at).ok().filter(|at| *at < length.unsigned_abs());
        let at = at.ok_or_else(|| io::Error::other("the dump has no such byte"))?;
        let mut value = [0];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut value)?;
        value[0] ^= 1 << (bit % 8);
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&value)?;
    }
    if let Some(bytes) = dump.faults.truncate {
        file.set_len(bytes)?;
    }
    file.sync_all()
}
