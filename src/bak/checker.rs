//! The push reader: takes the file in pieces of any size and walks its chain of blocks and streams. What stands in the
//! blocks is looked at in `content.rs`, the pages in `data.rs`.

use super::data::DataPages;
use super::description::Description;
use super::examination::{Examination, Pages};
use super::finding::{FindingKind, Findings};
use super::frame::{BLOCK_BYTES, BlockHeader, BlockKind, STREAM_BYTES, StreamHeader};
use super::order::Place;
use super::page::PAGE_BYTES;

/// Of a description no more than this is kept; real ones take 1.5 KiB and 1.2 KiB for each file of the database.
const DESCRIPTION_BYTES: usize = 128 * 1024;
/// The logical block of every file that was seen, in bytes.
pub(super) const LOGICAL_BLOCK_BYTES: u64 = 1024;

/// Checks a backup file while it streams by, once and from its first byte on. Its memory is bounded, less than half a
/// MiB whatever the file says; no bytes make it panic; and how the file is cut into pieces makes no difference.
pub struct Checker {
    step: Step,
    /// Offset in the file of the next byte.
    pub(super) position: u64,
    /// What the present step collects: a header, a description or a page.
    pub(super) buffer: Vec<u8>,
    pub(super) findings: Findings,
    pub(super) description: Description,
    /// Whether the description tells of the database.
    pub(super) described: bool,
    /// The pages of the present set.
    pub(super) data: Option<DataPages>,
    /// The counts of the sets that ended.
    pub(super) pages: Pages,
    pub(super) place: Place,
    pub(super) block: Block,
    /// Offset at which the present set began, and the number of its next block.
    pub(super) set_offset: u64,
    pub(super) next_control: u32,
    pub(super) sets: u32,
    pub(super) logical_block: u64,
    pub(super) filemarks: u32,
    pub(super) newest_filemark: u64,
}

/// What the next bytes are.
#[derive(Clone, Copy)]
enum Step {
    /// A block's header.
    BlockHeader,
    /// The block up to its first stream; so many bytes in all.
    BlockBody(usize),
    /// Zeros up to the next stream's header.
    Gap,
    /// A stream's header.
    StreamHeader,
    /// A stream's contents; so many bytes are left.
    Payload(Payload, u64),
    /// The thread is lost: nothing that follows can be told.
    Lost,
}

/// What a stream holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    /// Zeros before the next stream.
    Pad,
    /// Zeros up to the end of the block.
    EndPad,
    /// Over how many files the backup is split.
    Stripes,
    /// The description of the database.
    Info,
    /// Pages; so many bytes come before the first.
    Pages(usize),
    /// What is not looked into.
    Skip,
}

/// The block that is being read.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) header: BlockHeader,
    pub(super) offset: u64,
    /// A stream was met that may go on otherwise than we think.
    pub(super) strange: bool,
}

impl Default for Checker {
    fn default() -> Self {
        Self::new()
    }
}

impl Checker {
    /// A checker at the first byte of a file.
    pub fn new() -> Self {
        let header =
            BlockHeader { kind: BlockKind::Unknown, attributes: 0, first_stream: 0, address: 0, control: 0 };
        Self {
            step: Step::BlockHeader,
            position: 0,
            buffer: Vec::with_capacity(PAGE_BYTES),
            findings: Findings::default(),
            description: Description { stripes: 1, stripe: 1, ..Description::default() },
            described: false,
            data: None,
            pages: Pages::default(),
            place: Place::Start,
            block: Block { header, offset: 0, strange: false },
            set_offset: 0,
            next_control: 0,
            sets: 0,
            logical_block: LOGICAL_BLOCK_BYTES,
            filemarks: 0,
            newest_filemark: 0,
        }
    }

    /// Takes the next bytes of the file, however many.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match self.step {
                Step::BlockHeader => self.collect(bytes, BLOCK_BYTES, Self::block_header),
                Step::BlockBody(length) => self.collect(bytes, length, Self::block_body),
                Step::Gap => self.gap(bytes),
                Step::StreamHeader => self.collect(bytes, STREAM_BYTES, Self::stream_header),
                Step::Payload(payload, left) => self.payload(bytes, payload, left),
                Step::Lost => self.skip(bytes.len()),
            };
            bytes = &bytes[taken..];
        }
    }

    /// The file has ended: what came of it.
    pub fn finish(mut self) -> Examination {
        self.check_end();
        self.end_set();
        let description = self.described.then_some(self.description);
        Examination::new(self.position, description, self.findings.sorted(), self.pages)
    }

    /// A whole backup ends behind its last filemark, and nowhere else.
    fn check_end(&mut self) {
        let kind = match (self.step, self.place) {
            (Step::Lost, _) => return,
            (Step::BlockHeader, Place::Start) => start_kind(&self.buffer).unwrap_or(FindingKind::Truncated),
            (Step::BlockHeader, Place::Complete) if self.buffer.is_empty() => return,
            (Step::BlockHeader, Place::Complete) => FindingKind::Trailing,
            // Where blocks were unknown to us, so may the end be.
            (Step::BlockHeader, _) if self.buffer.is_empty() && self.is_of_unknown_make() => return,
            _ => FindingKind::Truncated,
        };
        self.findings.note(kind, self.position);
    }

    /// Bytes on the heap that the file made it take, for tests.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.buffer.capacity() + self.data.as_ref().map_or(0, DataPages::held_bytes)
    }

    fn is_of_unknown_make(&self) -> bool {
        self.findings.has(FindingKind::UnknownBlock) || self.findings.has(FindingKind::BlockOrder)
    }

    fn skip(&mut self, count: usize) -> usize {
        self.position += count as u64;
        count
    }

    /// Fills the buffer up to `wanted` bytes and then goes on with `done`.
    fn collect(&mut self, bytes: &[u8], wanted: usize, done: fn(&mut Self)) -> usize {
        let taken = wanted.saturating_sub(self.buffer.len()).min(bytes.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        self.position += taken as u64;
        if self.buffer.len() >= wanted {
            done(self);
        }
        taken
    }

    fn lose(&mut self, kind: FindingKind, offset: u64) {
        // After a stream of an unknown make it may be us who went astray.
        self.findings.note(if self.block.strange { FindingKind::UnknownStream } else { kind }, offset);
        self.buffer.clear();
        self.step = Step::Lost;
    }

    fn block_header(&mut self) {
        let offset = self.position - BLOCK_BYTES as u64;
        if self.place == Place::Start
            && let Some(kind) = start_kind(&self.buffer)
        {
            return self.lose(kind, 0);
        }
        let Some(header) = BlockHeader::read(&self.buffer) else {
            let trailing = self.place == Place::Complete;
            return self
                .lose(if trailing { FindingKind::Trailing } else { FindingKind::BlockHeader }, offset);
        };
        self.block = Block { header, offset, strange: false };
        self.step = Step::BlockBody(header.first_stream);
        if self.buffer.len() >= header.first_stream {
            self.block_body();
        }
    }

    fn block_body(&mut self) {
        let body = std::mem::take(&mut self.buffer);
        self.enter_block(&body);
        self.buffer = body;
        if self.block.header.kind == BlockKind::Filemark {
            self.buffer.clear();
            self.step = Step::BlockHeader;
        } else {
            self.next_stream();
        }
    }

    fn next_stream(&mut self) {
        self.buffer.clear();
        self.step = if self.gap_bytes() == 0 { Step::StreamHeader } else { Step::Gap };
    }

    /// How many zeros stand before the next stream, which begins at a multiple of four.
    fn gap_bytes(&self) -> usize {
        (self.position.wrapping_neg() % 4) as usize
    }

    fn gap(&mut self, bytes: &[u8]) -> usize {
        let taken = self.gap_bytes().min(bytes.len());
        self.check_zeros(&bytes[..taken]);
        self.skip(taken);
        if self.gap_bytes() == 0 {
            self.step = Step::StreamHeader;
        }
        taken
    }

    fn check_zeros(&mut self, bytes: &[u8]) {
        if let Some(at) = bytes.iter().position(|byte| *byte != 0) {
            let count = bytes.iter().filter(|byte| **byte != 0).count() as u64;
            self.findings.add(FindingKind::Padding, self.position + at as u64, None, count);
        }
    }

    fn stream_header(&mut self) {
        let offset = self.position - STREAM_BYTES as u64;
        let Some(header) = StreamHeader::read(&self.buffer) else {
            return self.lose(FindingKind::StreamHeader, offset);
        };
        self.buffer.clear();
        let payload = self.enter_stream(header, offset);
        self.step = Step::Payload(payload, header.length);
        if header.length == 0 {
            self.end_payload(payload);
        }
    }

    fn payload(&mut self, bytes: &[u8], payload: Payload, left: u64) -> usize {
        let here = &bytes[..usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len())];
        let (taken, payload) = match payload {
            Payload::Pad | Payload::EndPad => {
                self.check_zeros(here);
                (self.skip(here.len()), payload)
            }
            Payload::Skip => (self.skip(here.len()), payload),
            Payload::Stripes | Payload::Info => {
                let room = DESCRIPTION_BYTES.saturating_sub(self.buffer.len());
                self.buffer.extend_from_slice(&here[..here.len().min(room)]);
                (self.skip(here.len()), payload)
            }
            Payload::Pages(0) => (self.take_pages(here), payload),
            Payload::Pages(before) => {
                let taken = self.skip(before.min(here.len()));
                (taken, Payload::Pages(before - taken))
            }
        };
        let left = left - taken as u64;
        self.step = Step::Payload(payload, left);
        if left == 0 {
            self.end_payload(payload);
        }
        taken
    }

    fn end_payload(&mut self, payload: Payload) {
        self.leave_stream(payload);
        self.next_stream();
        if payload == Payload::EndPad {
            self.step = Step::BlockHeader;
        }
    }

    /// Takes pages, from the given bytes themselves where whole ones lie in them.
    fn take_pages(&mut self, bytes: &[u8]) -> usize {
        if self.buffer.is_empty() && bytes.len() >= PAGE_BYTES {
            let (pages, _) = bytes.as_chunks::<PAGE_BYTES>();
            for page in pages {
                self.take_page(page, self.position);
                self.position += PAGE_BYTES as u64;
            }
            return pages.len() * PAGE_BYTES;
        }
        let taken = (PAGE_BYTES - self.buffer.len()).min(bytes.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        self.position += taken as u64;
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(page) = buffer.first_chunk() {
            self.take_page(page, self.position - PAGE_BYTES as u64);
            buffer.clear();
        }
        self.buffer = buffer;
        taken
    }
}

/// What a file is that does not begin with `TAPE`, going by its first bytes; `None` for one that does.
fn start_kind(bytes: &[u8]) -> Option<FindingKind> {
    if bytes.starts_with(b"TAPE") {
        None
    } else if bytes.starts_with(b"MSSQLBAK") {
        Some(FindingKind::NativeCompression)
    } else {
        Some(FindingKind::NotABackup)
    }
}
