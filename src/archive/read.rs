//! Opening zips through the `zip` crate, which shares no code with the writer. Whatever the bytes, what is read and kept
//! is bounded.

use super::manifest::{MANIFEST_NAME, Manifest};
use super::problems;
use crate::durable::ReadSeek;
use crate::problem::{Problem, Result};
use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;
use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config};
use zip::result::ZipError;

/// A directory of ours has some hundred bytes. This is what opening a zip may read at most, so that one with millions of
/// entries costs no memory.
const OPENING_BYTES: u64 = 2 << 20;

/// A zip that is open.
pub(super) type Open<'r> = ZipArchive<Budgeted<'r>>;

/// The manifest of a zip; `None` for a zip without one, which another program made. Reads the directory and the manifest
/// only.
///
/// # Errors
///
/// [`Code::ArchiveDamaged`](crate::problem::Code::ArchiveDamaged) for anything that is no whole zip,
/// [`Code::ArchiveNewer`](crate::problem::Code::ArchiveNewer) for a format of a later version,
/// [`Code::FolderIo`](crate::problem::Code::FolderIo) if reading fails.
pub fn read_manifest(reader: &mut dyn ReadSeek) -> Result<Option<Manifest>> {
    manifest_of(&mut open(reader)?)
}

/// The first bytes of the content of `entry`, at most `limit_bytes`.
///
/// # Errors
///
/// As [`read_manifest`]; also where there is no such entry.
pub fn read_head(reader: &mut dyn ReadSeek, entry: &str, limit_bytes: u64) -> Result<Vec<u8>> {
    let mut archive = open(reader)?;
    let content = archive.by_name(entry).map_err(unreadable)?;
    let mut head = Vec::new();
    content.take(limit_bytes).read_to_end(&mut head).map_err(|cause| problems::unreadable(&cause))?;
    Ok(head)
}

/// Opens a zip that begins at the reader's first byte.
pub(super) fn open(reader: &mut dyn ReadSeek) -> Result<Open<'_>> {
    let left = Rc::new(Cell::new(OPENING_BYTES));
    let budgeted = Budgeted { inner: reader, left: Rc::clone(&left) };
    let config = Config { archive_offset: ArchiveOffset::Known(0) };
    let archive = ZipArchive::with_config(config, budgeted).map_err(unreadable)?;
    left.set(u64::MAX);
    Ok(archive)
}

/// The manifest of an open zip.
pub(super) fn manifest_of(archive: &mut Open) -> Result<Option<Manifest>> {
    match archive.by_name(MANIFEST_NAME) {
        Ok(entry) => Manifest::read(entry).map(Some),
        Err(ZipError::FileNotFound) => Ok(None),
        Err(cause) => Err(unreadable(cause)),
    }
}

/// What the `zip` crate says, for people.
pub(super) fn unreadable(cause: ZipError) -> Problem {
    problems::unreadable(&io::Error::from(cause))
}

/// A reader from which only so much may be read.
pub(super) struct Budgeted<'r> {
    inner: &'r mut dyn ReadSeek,
    left: Rc<Cell<u64>>,
}

impl Read for Budgeted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left
            .set(left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "too large a directory"))?);
        Ok(read)
    }
}

impl Seek for Budgeted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
