//! Walks through a file of the Microsoft Tape Format from block to block and from stream to stream, and holds everything that is
//! known of its structure against it. It knows nothing of the writer, so that real files prove it and it proves the writer.

use crate::le::{u16_at, u32_at, u64_at, xor_words};
use std::io::{self, Read, Seek, SeekFrom};

const BLOCK_HEADER: u64 = 52;
const STREAM_HEADER: u64 = 22;
const LOGICAL_BLOCK: u64 = 1024;
/// What a block's header part may have at most; a soft filemark of 4,096 bytes is the largest seen.
const MOST_HEADER: u64 = 64 * 1024;

/// How much of a file is read at a time.
pub(crate) const READ_BYTES: usize = 256 * 1024;

/// What is wrong with a file, and where.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file ends too early.
    #[error("the file ends at {0}, within a block")]
    Truncated(u64),
    /// Something at this offset is not as it must be.
    #[error("at {at}: {what}")]
    Wrong {
        /// Offset in bytes.
        at: u64,
        /// What must be.
        what: &'static str,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What the walk meets.
#[derive(Clone, Debug)]
pub enum Item {
    /// A block, as far as its first stream.
    Block(Block),
    /// A stream, whose payload can be read with [`Walker::read`] until the next step.
    Stream(Stream),
}

/// The header part of a block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Such as `SSET`.
    pub kind: [u8; 4],
    /// Offset in the file.
    pub at: u64,
    /// All bytes up to the first stream.
    pub bytes: Vec<u8>,
}

/// The header of a stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Such as `MQDA`.
    pub id: [u8; 4],
    /// Offset of its header in the file.
    pub at: u64,
    /// Bytes of its payload.
    pub length: u64,
    /// Its media attributes.
    pub media: u16,
}

/// Goes through a file.
pub struct Walker<R> {
    file: R,
    length: u64,
    at: u64,
    in_block: bool,
    payload_left: u64,
    order: Order,
}

impl<R: Read + Seek> Walker<R> {
    /// Begins at the first byte of `file`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn new(mut file: R) -> Result<Self, Fault> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { file, length, at: 0, in_block: false, payload_left: 0, order: Order::default() })
    }

    /// Bytes of the file.
    pub fn file_length(&self) -> u64 {
        self.length
    }

    /// The next block or stream; `None` at the end of a whole file.
    ///
    /// # Errors
    /// The first fault; nothing may be asked for after it.
    pub fn step(&mut self) -> Result<Option<Item>, Fault> {
        self.skip_payload()?;
        if self.in_block {
            return self.stream().map(|stream| Some(Item::Stream(stream)));
        }
        if self.at == self.length {
            self.order.end(self.at)?;
            return Ok(None);
        }
        self.block().map(|block| Some(Item::Block(block)))
    }

    /// Reads payload of the present stream; how many bytes came, 0 at its end.
    ///
    /// # Errors
    /// The file cannot be read, or ends.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let wanted = self.payload_left.min(out.len() as u64) as usize;
        self.file.read_exact(&mut out[..wanted]).map_err(|error| self.shorter(error))?;
        self.at += wanted as u64;
        self.payload_left -= wanted as u64;
        Ok(wanted)
    }

    fn shorter(&self, error: io::Error) -> Fault {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Fault::Truncated(self.length)
        } else {
            Fault::Io(error)
        }
    }

    fn take(&mut self, bytes: u64) -> Result<Vec<u8>, Fault> {
        if self.length.saturating_sub(self.at) < bytes {
            return Err(Fault::Truncated(self.length));
        }
        let mut taken = vec![0; bytes as usize];
        self.file.read_exact(&mut taken).map_err(|error| self.shorter(error))?;
        self.at += bytes;
        Ok(taken)
    }

    fn block(&mut self) -> Result<Block, Fault> {
        let at = self.at;
        let mut bytes = self.take(BLOCK_HEADER)?;
        must(at > 0 || bytes.starts_with(b"TAPE"), at, "a tape header")?;
        must(xor_words(&bytes[..50]) == u16_at(&bytes, 50).unwrap_or_default(), at, "a block's checksum")?;
        let first_stream = u64::from(u16_at(&bytes, 8).unwrap_or_default());
        must((BLOCK_HEADER..=MOST_HEADER).contains(&first_stream), at, "the offset of the first stream")?;
        bytes.extend(self.take(first_stream - BLOCK_HEADER)?);
        let kind = [bytes[0], bytes[1], bytes[2], bytes[3]];
        let block = Block { kind, at, bytes };
        self.order.block(&block)?;
        self.in_block = kind != *b"SFMB";
        Ok(block)
    }

    fn stream(&mut self) -> Result<Stream, Fault> {
        self.align()?;
        let at = self.at;
        let header = self.take(STREAM_HEADER)?;
        must(xor_words(&header[..20]) == u16_at(&header, 20).unwrap_or_default(), at, "a stream's checksum")?;
        let length = u64_at(&header, 8).unwrap_or_default();
        if self.length - self.at < length {
            return Err(Fault::Truncated(self.length));
        }
        let id = [header[0], header[1], header[2], header[3]];
        self.payload_left = length;
        self.in_block = id != *b"SPAD";
        if matches!(&id, b"SPAD" | b"APAD" | b"OTCP") {
            self.zeros(at)?;
        }
        Ok(Stream { id, at, length, media: u16_at(&header, 6).unwrap_or_default() })
    }

    fn zeros(&mut self, at: u64) -> Result<(), Fault> {
        let mut piece = [0; 4096];
        loop {
            let count = self.read(&mut piece)?;
            must(piece[..count].iter().all(|byte| *byte == 0), at, "the zeros of a pad")?;
            if count == 0 {
                return Ok(());
            }
        }
    }

    fn skip_payload(&mut self) -> Result<(), Fault> {
        self.at += self.payload_left;
        self.payload_left = 0;
        self.file.seek(SeekFrom::Start(self.at))?;
        Ok(())
    }

    fn align(&mut self) -> Result<(), Fault> {
        let gap = self.at.next_multiple_of(4) - self.at;
        self.take(gap).map(|_| ())
    }
}

fn must(holds: bool, at: u64, what: &'static str) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::Wrong { at, what }) }
}

/// What must come after what, and what blocks say of their own place.
#[derive(Default)]
struct Order {
    last: Option<[u8; 4]>,
    set_began: u64,
    set_blocks: u32,
    filemarks: Vec<u64>,
    filemark_bytes: u64,
    first_end: u64,
}

impl Order {
    fn block(&mut self, block: &Block) -> Result<(), Fault> {
        let number = |at| u64_at(&block.bytes, at).unwrap_or(u64::MAX);
        let follows: &[Option<&[u8; 4]>] = match &block.kind {
            b"TAPE" => &[None],
            b"SFMB" => &[Some(b"TAPE"), Some(b"MSLS"), Some(b"ESET")],
            b"SSET" => &[Some(b"SFMB")],
            b"VOLB" => &[Some(b"SSET")],
            b"MSCI" => &[Some(b"VOLB")],
            b"MSDA" => &[Some(b"MSCI"), Some(b"MSDA")],
            b"MSTL" => &[Some(b"MSDA"), Some(b"MSTL")],
            b"MSLS" => &[Some(b"MSTL")],
            b"ESET" => &[Some(b"SFMB"), Some(b"ESET")],
            _ => return Err(Fault::Wrong { at: block.at, what: "a known block" }),
        };
        must(follows.contains(&self.last.as_ref()), block.at, "the order of blocks")?;
        match &block.kind {
            b"TAPE" => self.filemark_bytes = 512 * u64::from(u16_at(&block.bytes, 64).unwrap_or_default()),
            b"SFMB" => self.filemark(block)?,
            b"ESET" => {
                // SQL Server 2005 tells where the map in the first one is, its successors where the first one itself is.
                let second = self.last == Some(*b"ESET");
                let holds =
                    if second { (self.first_end..block.at).contains(&number(60)) } else { number(60) == 0 };
                must(holds, block.at, "where an ESET says the set's map is")?;
                self.first_end = block.at;
            }
            b"SSET" => {
                must(number(80) == block.at, block.at, "where an SSET says it is")?;
                (self.set_began, self.set_blocks) = (block.at, 0);
                self.in_set(block)?;
            }
            _ => self.in_set(block)?,
        }
        self.last = Some(block.kind);
        Ok(())
    }

    fn in_set(&mut self, block: &Block) -> Result<(), Fault> {
        let place = u64_at(&block.bytes, 20).and_then(|logical| logical.checked_mul(LOGICAL_BLOCK));
        must(place == Some(block.at - self.set_began), block.at, "a logical address")?;
        must(u32_at(&block.bytes, 36) == Some(self.set_blocks), block.at, "a control id")?;
        self.set_blocks += 1;
        Ok(())
    }

    fn filemark(&mut self, block: &Block) -> Result<(), Fault> {
        must(block.bytes.len() as u64 == self.filemark_bytes, block.at, "the size of a filemark")?;
        must(
            u32_at(&block.bytes, 56) == Some(self.filemarks.len() as u32),
            block.at,
            "the number of filemarks",
        )?;
        // Since SQL Server 2008 a filemark says itself where its list begins.
        let says_where = u32_at(&block.bytes, 4) == Some(0x8000_0000);
        let list = if says_where { u32_at(&block.bytes, 60).unwrap_or_default() as usize } else { 60 };
        for (index, place) in self.filemarks.iter().rev().enumerate() {
            let Some(listed) = u64_at(&block.bytes, list + 8 * index) else { break };
            must(listed == *place, block.at, "where earlier filemarks are")?;
        }
        self.filemarks.push(block.at);
        Ok(())
    }

    fn end(&self, at: u64) -> Result<(), Fault> {
        if self.filemarks.len() >= 3 && self.last == Some(*b"SFMB") {
            Ok(())
        } else {
            Err(Fault::Truncated(at))
        }
    }
}
