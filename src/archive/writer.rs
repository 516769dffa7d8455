//! Writes one zip to a file that can be sought: a part whose data come in pieces, then small entries. The part's local
//! header is written as a placeholder and repaired once CRC and sizes are known, so that no data descriptor stands behind
//! the data: old readers refuse it, and readers that stream lose the next entry.

use super::records::{self, Entry, Method, Modified};
use super::{Seal, ZipSink};
use std::io::{self, SeekFrom};

/// Inputs from this size on may not fit into the 32-bit fields, some growth and the headers included.
const ZIP64_FROM_BYTES: u64 = u32::MAX as u64 - (64 << 20);

/// A zip while it is written. Expects an empty sink.
pub(super) struct ZipWriter<'s> {
    sink: &'s mut dyn ZipSink,
    modified: Modified,
    entries: Vec<Entry>,
    /// Bytes written so far.
    position: u64,
    /// Of everything behind the first local header.
    crc: crc32fast::Hasher,
}

/// What stands for an entry in the zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub method: Method,
    /// Size in bytes.
    pub bytes: u64,
    /// CRC-32 of the content.
    pub crc32: u32,
}

impl<'s> ZipWriter<'s> {
    /// Begins a zip whose entries are all modified at `modified`, with the part `name` of `total_bytes`, where known.
    pub(super) fn begin(
        sink: &'s mut dyn ZipSink,
        modified: Modified,
        name: &str,
        total_bytes: Option<u64>,
    ) -> io::Result<Self> {
        let zip64 = total_bytes.is_none_or(|bytes| bytes >= ZIP64_FROM_BYTES);
        let mut writer =
            Self { sink, modified, entries: Vec::new(), position: 0, crc: crc32fast::Hasher::new() };
        let entry = writer.entry(name, Content { method: Method::Stored, bytes: 0, crc32: 0 }, 0, zip64);
        let placeholder = vec![0; records::local_header(&entry).len()];
        writer.sink.seek(SeekFrom::Start(0))?;
        writer.sink.write_all(&placeholder)?;
        writer.position = placeholder.len() as u64;
        writer.entries.push(entry);
        Ok(writer)
    }

    /// Writes a piece of the part's data, as they stand in the zip.
    pub(super) fn write(&mut self, packed: &[u8]) -> io::Result<()> {
        self.crc.update(packed);
        self.position += packed.len() as u64;
        self.sink.write_all(packed)
    }

    /// Ends the part: repairs its local header. Returns bytes and CRC-32 of its data, as they stand in the zip.
    pub(super) fn end_part(&mut self, content: Content) -> io::Result<(u64, u32)> {
        let packed_bytes = self.crc.total_len();
        let [part] = self.entries.as_mut_slice() else {
            return Err(io::Error::other("the part was already ended"));
        };
        if !part.zip64 && packed_bytes.max(content.bytes) >= u64::from(u32::MAX) {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the file grew beyond 4 GiB while it was read",
            ));
        }
        let Content { method, bytes, crc32 } = content;
        *part = Entry { method, bytes, crc32, packed_bytes, ..part.clone() };
        let header = records::local_header(part);
        self.sink.seek(SeekFrom::Start(0))?;
        self.sink.write_all(&header)?;
        self.sink.seek(SeekFrom::Start(self.position))?;
        Ok((packed_bytes, self.crc.clone().finalize()))
    }

    /// Adds an entry whose data are `data`, stored.
    pub(super) fn add_stored(&mut self, name: &str, data: &[u8]) -> io::Result<()> {
        let bytes = data.len() as u64;
        let content = Content { method: Method::Stored, bytes, crc32: crc32fast::hash(data) };
        let entry = self.entry(name, content, bytes, false);
        self.write(&records::local_header(&entry))?;
        self.write(data)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes the directory and ends the zip.
    pub(super) fn finish(mut self) -> io::Result<Seal> {
        let directory = records::directory(&self.entries, self.position);
        self.write(&directory)?;
        self.sink.flush()?;
        let mut crc = crc32fast::Hasher::new();
        if let Some(first) = self.entries.first() {
            crc.update(&records::local_header(first));
        }
        crc.combine(&self.crc);
        Ok(Seal { bytes: self.position, crc32: crc.finalize() })
    }

    fn entry(&self, name: &str, content: Content, packed_bytes: u64, zip64: bool) -> Entry {
        let Content { method, bytes, crc32 } = content;
        let (modified, offset) = (self.modified, self.position);
        Entry { name: name.to_owned(), method, modified, crc32, packed_bytes, bytes, offset, zip64 }
    }
}
