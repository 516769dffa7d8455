//! Spoils backup files in the ways that happen: bits that flip, ends that are missing, the wrong file. Each returns where it
//! did its work, so that a test can say what it expects.

use super::walk::{Fault, Item, READ_BYTES, Walker};
use crate::pages::{PAGE_BYTES, Track};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Where to do damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this page of the data file.
    Page(u32),
    /// In the header of the first block of this kind, such as `SSET`.
    Block([u8; 4]),
    /// In the header of the first stream of this kind, such as `MQDA`.
    Stream([u8; 4]),
    /// In the zeros at the end of the first block.
    Padding,
    /// In the transaction log.
    Log,
}

/// Flips one bit at `place` of the file at `path`: bit `bit` of what lies there, counted from its beginning and beyond its end
/// from the beginning again. Returns the offset of the byte.
///
/// # Errors
/// The file has no such place, or cannot be read or written.
pub fn flip_bit(path: impl AsRef<Path>, place: Place, bit: u64) -> io::Result<u64> {
    let (from, length) = find(path.as_ref(), place)?;
    let at = from + bit / 8 % length.max(1);
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte)?;
    byte[0] ^= 1 << (bit % 8);
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&byte)?;
    Ok(at)
}

/// Cuts the file at `path` off after `bytes`.
///
/// # Errors
/// The file cannot be written.
pub fn truncate(path: impl AsRef<Path>, bytes: u64) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(bytes)
}

/// Overwrites `bytes` from offset `from` with zeros, as a lost write leaves them.
///
/// # Errors
/// The file cannot be written.
pub fn zero(path: impl AsRef<Path>, from: u64, bytes: usize) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(from))?;
    file.write_all(&vec![0; bytes])
}

/// Where `place` begins in the file at `path`, and how many bytes it has.
///
/// # Errors
/// The file has no such place, or is already damaged before it.
pub fn find(path: &Path, place: Place) -> io::Result<(u64, u64)> {
    let search = || -> Result<Option<(u64, u64)>, Fault> {
        let mut walker = Walker::new(BufReader::with_capacity(READ_BYTES, File::open(path)?))?;
        while let Some(item) = walker.step()? {
            if let Some(found) = within(&item, place, &mut walker)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    };
    search()
        .map_err(io::Error::other)?
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("the file has no {place:?}")))
}

fn within<R: Read + Seek>(
    item: &Item,
    place: Place,
    walker: &mut Walker<R>,
) -> Result<Option<(u64, u64)>, Fault> {
    const STREAM_HEADER: u64 = 22;
    Ok(match (item, place) {
        (Item::Block(block), Place::Block(kind)) if block.kind == kind => Some((block.at, 52)),
        (Item::Stream(stream), Place::Stream(id)) if stream.id == id => Some((stream.at, STREAM_HEADER)),
        (Item::Stream(stream), Place::Padding) if stream.id == *b"SPAD" => {
            Some((stream.at + STREAM_HEADER, stream.length))
        }
        (Item::Stream(stream), Place::Log) if stream.id == *b"MQTL" => {
            Some((stream.at + STREAM_HEADER, stream.length))
        }
        (Item::Stream(stream), Place::Page(number)) if stream.id == *b"MQDA" && stream.length > 2 => {
            page(number, stream.at + STREAM_HEADER, walker)?
        }
        (Item::Block(_) | Item::Stream(_), _) => None,
    })
}

fn page<R: Read + Seek>(number: u32, from: u64, walker: &mut Walker<R>) -> Result<Option<(u64, u64)>, Fault> {
    let mut at = from + walker.read(&mut [0; 2])? as u64;
    let mut track = Track::default();
    let mut bytes = Box::new([0; PAGE_BYTES]);
    while walker.read(&mut bytes[..])? == PAGE_BYTES {
        if track.next(&mut bytes).number == number {
            return Ok(Some((at, PAGE_BYTES as u64)));
        }
        at += PAGE_BYTES as u64;
    }
    Ok(None)
}
