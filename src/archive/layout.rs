//! How a zip of ours lies in its file: local headers and data one behind the other from the first byte on, then the
//! directory, and nothing else. Walking along it accounts for every byte of the file, which no reader of zips does.

use super::hash::Sha256Sum;
use super::problems;
use super::records::{self, Entry, LOCAL_BYTES};
use crate::durable::ReadSeek;
use crate::problem::{Problem, Result};
use crate::words;
use sha2::{Digest, Sha256};
use std::io::SeekFrom;
use tokio_util::sync::CancellationToken;

/// More entries than any zip of ours will have.
const MAX_ENTRIES: usize = 1000;
/// Bytes read at once.
const PIECE_BYTES: usize = 256 << 10;

/// What lies in a file.
#[derive(Debug)]
pub(super) struct Layout {
    /// The entries in their order.
    pub entries: Vec<Laid>,
    /// SHA-256 of the whole file, if all of it was read.
    pub sha256: Option<Sha256Sum>,
}

/// An entry that lies in a file.
#[derive(Debug)]
pub(super) struct Laid {
    /// The entry, as its local header and the directory agree.
    pub entry: Entry,
    /// CRC-32 of its data as they lie there, if they were read.
    pub packed_crc32: Option<u32>,
}

/// Walks along a zip of ours; with `deep`, through the data too. Fails at the first byte that this version would not have
/// written.
pub(super) fn walk(reader: &mut dyn ReadSeek, deep: bool, cancel: &CancellationToken) -> Result<Layout> {
    let file_bytes = reader.seek(SeekFrom::End(0)).map_err(|cause| problems::unreadable(&cause))?;
    let mut walker = Walker { reader, file_bytes, position: 0, sha: deep.then(Sha256::new), cancel };
    walker.seek(0)?;
    let mut laid = Vec::new();
    while let Some(entry) = walker.local_header()? {
        if laid.len() == MAX_ENTRIES {
            return Err(walker.altered());
        }
        let packed_crc32 = walker.data(entry.packed_bytes)?;
        laid.push(Laid { entry, packed_crc32 });
    }
    let entries: Vec<_> = laid.iter().map(|laid| laid.entry.clone()).collect();
    walker.directory(&entries)?;
    let sha256 = walker.sha.map(|sha| Sha256Sum(sha.finalize().into()));
    Ok(Layout { entries: laid, sha256 })
}

struct Walker<'r> {
    reader: &'r mut dyn ReadSeek,
    file_bytes: u64,
    position: u64,
    sha: Option<Sha256>,
    cancel: &'r CancellationToken,
}

impl Walker<'_> {
    /// The local header here; `None` where the directory begins instead.
    fn local_header(&mut self) -> Result<Option<Entry>> {
        let at = self.position;
        let mut header = vec![0; LOCAL_BYTES];
        if self.left() < header.len() as u64 {
            return Err(self.altered());
        }
        self.peek(&mut header)?;
        let rest = header.first_chunk().and_then(records::local_rest);
        let Some(rest) = rest else { return Ok(None) };
        header.resize(LOCAL_BYTES + rest, 0);
        if self.left() < header.len() as u64 {
            return Err(self.altered());
        }
        self.take(&mut header)?;
        match records::read_local(&header, at) {
            Some(entry) => Ok(Some(entry)),
            None => Err(altered(at)),
        }
    }

    /// Goes over the data here; with their CRC-32 where the walk is deep.
    fn data(&mut self, bytes: u64) -> Result<Option<u32>> {
        if self.left() < bytes {
            return Err(self.altered());
        }
        if self.sha.is_none() {
            self.seek(self.position + bytes)?;
            return Ok(None);
        }
        let mut crc = crc32fast::Hasher::new();
        let mut piece = vec![0; PIECE_BYTES];
        while crc.total_len() < bytes {
            if self.cancel.is_cancelled() {
                return Err(problems::cancelled());
            }
            let len = usize::try_from(bytes - crc.total_len()).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            self.take(&mut piece[..len])?;
            crc.update(&piece[..len]);
        }
        Ok(Some(crc.finalize()))
    }

    /// Compares what is left of the file with the directory that belongs there.
    fn directory(&mut self, entries: &[Entry]) -> Result<()> {
        let expected = records::directory(entries, self.position);
        if self.left() != expected.len() as u64 {
            return Err(self.altered());
        }
        let at = self.position;
        let mut found = vec![0; expected.len()];
        self.take(&mut found)?;
        match expected.iter().zip(&found).position(|(one, other)| one != other) {
            None => Ok(()),
            Some(offset) => Err(altered(at + offset as u64)),
        }
    }

    fn left(&self) -> u64 {
        self.file_bytes.saturating_sub(self.position)
    }

    fn take(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.reader.read_exact(buffer).map_err(|cause| problems::unreadable(&cause))?;
        self.position += buffer.len() as u64;
        if let Some(sha) = &mut self.sha {
            sha.update(buffer);
        }
        Ok(())
    }

    fn peek(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.reader.read_exact(buffer).map_err(|cause| problems::unreadable(&cause))?;
        self.seek(self.position)
    }

    fn seek(&mut self, to: u64) -> Result<()> {
        self.reader.seek(SeekFrom::Start(to)).map_err(|cause| problems::unreadable(&cause))?;
        self.position = to;
        Ok(())
    }

    fn altered(&self) -> Problem {
        altered(self.position)
    }
}

fn altered(at: u64) -> Problem {
    problems::damaged(&words!(
        "o registro do zip no byte {at} foi alterado",
        "the zip's record at byte {at} was altered"
    ))
}
