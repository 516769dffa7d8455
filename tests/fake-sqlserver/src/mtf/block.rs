//! Blocks and streams, the two kinds of headers of the Microsoft Tape Format, and the tape that they are written to.

use crate::le::{put, put_u16, put_u32, put_u64, utf16, xor_words};
use std::io::{self, Write};

/// Bytes of the header that all blocks share.
pub(crate) const BLOCK_HEADER: usize = 52;
/// Bytes of a stream's header.
pub(crate) const STREAM_HEADER: usize = 22;
/// The unit of logical addresses, and what blocks of a set are aligned to.
pub(crate) const LOGICAL_BLOCK: u64 = 1024;
/// What TAPE, soft filemarks and ESET are aligned to since SQL Server 2012; older servers use 512 and 1,024.
pub(crate) const SECTOR: u64 = 4096;
/// Bytes before the five-character kind of each operating system: Windows NT, version 1.
const OS: [u8; 2] = [0x0e, 0x01];

/// Media format attributes of a stream.
pub(crate) const VARIABLE: u16 = 0x0002;
/// The last, empty part of a stream of variable length.
pub(crate) const VARIABLE_END: u16 = 0x0006;
/// A pad that aligns the stream after it.
pub(crate) const ALIGNING: u16 = 0x0080;

/// A block being put together: its whole header part, up to the first stream.
pub(crate) struct Block {
    bytes: Vec<u8>,
}

impl Block {
    /// A block whose fixed fields end at offset `fixed`; texts come after them.
    pub(crate) fn new(kind: [u8; 4], fixed: usize) -> Self {
        let mut bytes = vec![0; fixed.max(BLOCK_HEADER)];
        put(&mut bytes, 0, &kind);
        put(&mut bytes, 10, &OS);
        Self { bytes }
    }

    pub(crate) fn attributes(&mut self, attributes: u32) -> &mut Self {
        self.put_u32(4, attributes)
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        put(&mut self.bytes, at, bytes);
        self
    }

    pub(crate) fn put_u16(&mut self, at: usize, value: u16) -> &mut Self {
        put_u16(&mut self.bytes, at, value);
        self
    }

    pub(crate) fn put_u32(&mut self, at: usize, value: u32) -> &mut Self {
        put_u32(&mut self.bytes, at, value);
        self
    }

    pub(crate) fn put_u64(&mut self, at: usize, value: u64) -> &mut Self {
        put_u64(&mut self.bytes, at, value);
        self
    }

    /// Appends a text; its size and offset go to `at`. The string type of the block becomes UTF-16.
    pub(crate) fn text(&mut self, at: usize, text: &str) -> &mut Self {
        let (size, offset) = append_text(&mut self.bytes, text);
        self.put_u16(at, size).put_u16(at + 2, offset).put(48, &[2])
    }

    /// The block's texts are UTF-16, though it has none in its header part.
    pub(crate) fn utf16(&mut self) -> &mut Self {
        self.put(48, &[2])
    }

    fn finish(mut self, logical: u64, control: u32, whole: bool) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let first_stream = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX);
        self.put_u16(8, first_stream);
        if whole {
            self.put_u64(20, logical).put_u32(36, control);
        }
        let sum = xor_words(&self.bytes[..50]);
        self.put_u16(50, sum);
        self.bytes
    }
}

/// Appends `text` in UTF-16; returns its size and where it begins, both in bytes. An empty text has no place.
pub(crate) fn append_text(bytes: &mut Vec<u8>, text: &str) -> (u16, u16) {
    let encoded = utf16(text);
    let offset = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&encoded);
    (u16::try_from(encoded.len()).unwrap_or(u16::MAX), offset)
}

/// The file as it grows: it knows its position, which alignment, addresses and filemarks depend on.
pub(crate) struct Tape<'a> {
    out: &'a mut dyn Write,
    position: u64,
    set_began: Option<u64>,
    control: u32,
    filemarks: Vec<u64>,
}

impl<'a> Tape<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, position: 0, set_began: None, control: 0, filemarks: Vec::new() }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Writes a block that stands outside of a set's addresses (TAPE, ESET).
    pub(crate) fn loose_block(&mut self, block: Block) -> io::Result<()> {
        self.write(&block.finish(0, 0, false))
    }

    /// Writes a block of the set: the first one opens the set; addresses and control ids count from it.
    pub(crate) fn set_block(&mut self, block: Block) -> io::Result<()> {
        let began = *self.set_began.get_or_insert(self.position);
        let bytes = block.finish((self.position - began) / LOGICAL_BLOCK, self.control, true);
        self.control += 1;
        self.write(&bytes)
    }

    /// Writes a stream's header; `length` bytes must follow.
    pub(crate) fn stream_header(&mut self, id: [u8; 4], media: u16, length: u64) -> io::Result<()> {
        let mut header = [0; STREAM_HEADER];
        put(&mut header, 0, &id);
        put_u16(&mut header, 6, media);
        put_u64(&mut header, 8, length);
        let sum = xor_words(&header[..20]);
        put_u16(&mut header, 20, sum);
        self.write(&header)
    }

    /// Fills up to the next four bytes, where the next stream begins.
    pub(crate) fn align_stream(&mut self) -> io::Result<()> {
        self.zeros(self.position.next_multiple_of(4) - self.position)
    }

    /// Writes a whole stream and aligns what follows.
    pub(crate) fn stream(&mut self, id: [u8; 4], payload: &[u8]) -> io::Result<()> {
        self.stream_header(id, 0, payload.len() as u64)?;
        self.write(payload)?;
        self.align_stream()
    }

    /// Ends a block: an `SPAD` stream of zeros up to a multiple of `alignment`.
    pub(crate) fn end_block(&mut self, alignment: u64) -> io::Result<()> {
        let from = self.position + STREAM_HEADER as u64;
        self.pad(*b"SPAD", 0, from.next_multiple_of(alignment) - from)
    }

    /// Writes a pad such that the payload behind the next stream header and two more bytes is aligned to a sector.
    pub(crate) fn pad_before_pages(&mut self) -> io::Result<()> {
        let from = self.position + STREAM_HEADER as u64;
        let data = from + STREAM_HEADER as u64 + 2;
        self.pad(*b"APAD", ALIGNING, data.next_multiple_of(SECTOR) - data)?;
        self.align_stream()
    }

    /// Writes a pad stream of `length` zeros.
    pub(crate) fn pad(&mut self, id: [u8; 4], media: u16, length: u64) -> io::Result<()> {
        self.stream_header(id, media, length)?;
        self.zeros(length)
    }

    /// Writes a soft filemark: a block that lists where the earlier ones stand, newest first.
    pub(crate) fn filemark(&mut self) -> io::Result<()> {
        const FIRST: usize = 72;
        let places = (SECTOR as usize - FIRST) / 8;
        let mut block = Block::new(*b"SFMB", SECTOR as usize);
        block.attributes(0x8000_0000);
        block.put_u32(52, u32::try_from(places).unwrap_or_default());
        block.put_u32(56, u32::try_from(self.filemarks.len()).unwrap_or_default());
        block.put_u32(60, FIRST as u32);
        for (index, place) in self.filemarks.iter().rev().take(places).enumerate() {
            block.put_u64(FIRST + 8 * index, *place);
        }
        self.filemarks.push(self.position);
        self.loose_block(block)
    }

    fn zeros(&mut self, mut count: u64) -> io::Result<()> {
        const ZEROS: [u8; 4096] = [0; 4096];
        while count > 0 {
            let part = count.min(ZEROS.len() as u64);
            self.write(&ZEROS[..part as usize])?;
            count -= part;
        }
        Ok(())
    }
}
