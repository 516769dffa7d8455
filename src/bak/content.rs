//! What stands in the blocks and streams that the reader walks along: order and place of the blocks, descriptions, filemarks.

use super::checker::{Checker, LOGICAL_BLOCK_BYTES, Payload};
use super::data::DataPages;
use super::description::Description;
use super::finding::FindingKind;
use super::frame::{BlockKind, MEDIA_VARIABLE_END, StreamHeader, StreamKind, u16_at, u32_at, u64_at};
use super::order::Place;
use super::page::{PAGE_BYTES, Page};

/// Bytes before the first page of a stream; their meaning is unknown.
const PAGES_PREFIX_BYTES: usize = 2;
/// Attribute of a filemark that says itself where its list begins; older ones have it at a fixed place.
const FILEMARK_HAS_OFFSET: u32 = 0x8000_0000;
const FILEMARK_OLD_OFFSET: usize = 60;

impl Checker {
    fn note_unless(&mut self, holds: bool, kind: FindingKind) {
        if !holds {
            self.findings.note(kind, self.block.offset);
        }
    }

    /// Takes a block's header and what stands before its first stream.
    pub(super) fn enter_block(&mut self, body: &[u8]) {
        let kind = self.block.header.kind;
        let (place, usual) = self.place.after(kind);
        self.place = place;
        self.note_unless(usual, FindingKind::BlockOrder);
        if kind == BlockKind::Set {
            self.begin_set();
        }
        self.check_address();
        match kind {
            BlockKind::Tape => {
                self.description.read_tape(body);
                let logical = u16_at(body, 84).map(u64::from);
                self.logical_block = logical.filter(|bytes| *bytes > 0).unwrap_or(LOGICAL_BLOCK_BYTES);
            }
            BlockKind::Set if self.sets == 1 => {
                let full = self.description.read_set(body);
                self.note_unless(full, FindingKind::NotFull);
                let in_place = u64_at(body, 80) == Some(self.block.offset);
                self.note_unless(in_place, FindingKind::Filemark);
            }
            BlockKind::Volume if self.sets == 1 => self.description.read_volume(body),
            BlockKind::Data => {
                let striped = self.description.stripes > 1;
                self.data.get_or_insert_with(|| DataPages::new(striped)).begin_region();
            }
            BlockKind::Log => self.note_unless(self.data.is_some(), FindingKind::NotFull),
            BlockKind::Filemark => self.filemark(body),
            BlockKind::Unknown => self.note_unless(false, FindingKind::UnknownBlock),
            BlockKind::Set | BlockKind::Volume | BlockKind::Info | BlockKind::Summary | BlockKind::SetEnd => {
            }
        }
    }

    fn begin_set(&mut self) {
        self.end_set();
        self.sets = self.sets.saturating_add(1);
        self.set_offset = self.block.offset;
        self.next_control = 0;
        self.note_unless(self.sets == 1, FindingKind::SeveralSets);
    }

    /// The present set is over: what its pages amount to.
    pub(super) fn end_set(&mut self) {
        let Some(data) = self.data.take() else { return };
        let cut = self.findings.has(FindingKind::Truncated) || self.findings.is_lost();
        let comparable =
            self.sets == 1 && self.description.stripes <= 1 && !self.findings.has(FindingKind::SeveralFiles);
        let missing = self.description.announced_pages().saturating_sub(data.streamed());
        if !cut && comparable && missing > 0 {
            self.findings.add(FindingKind::ExtentMissing, self.set_offset, None, missing.div_ceil(8));
        }
        let counts = data.finish(&mut self.findings);
        self.pages = self.pages.plus(counts);
    }

    /// A block of a set says how far from the set's begin it stands and which one it is; bytes that are missing show here.
    fn check_address(&mut self) {
        let header = self.block.header;
        let addressed = self.place.is_addressed();
        if header.kind != BlockKind::Unknown {
            let (address, control) =
                if addressed { (self.block.offset - self.set_offset, self.next_control) } else { (0, 0) };
            let in_place =
                header.address.checked_mul(self.logical_block) == Some(address) && header.control == control;
            self.note_unless(in_place, FindingKind::BlockPlace);
        }
        if addressed {
            self.next_control = header.control.wrapping_add(1);
        }
    }

    /// A filemark lists the places of the earlier ones, newest first, and the rest of it is zero.
    fn filemark(&mut self, body: &[u8]) {
        let list = match self.block.header.attributes & FILEMARK_HAS_OFFSET {
            0 => Some(FILEMARK_OLD_OFFSET),
            _ => u32_at(body, FILEMARK_OLD_OFFSET).map(|offset| offset as usize),
        };
        let entries = list.and_then(|list| body.get(list..)).unwrap_or_default();
        let earlier = self.filemarks as usize;
        let count = u32_at(body, 56) == Some(self.filemarks);
        let newest = earlier == 0 || u64_at(entries, 0) == Some(self.newest_filemark);
        let rest = entries.get(earlier * 8..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
        self.note_unless(count && newest && rest, FindingKind::Filemark);
        self.filemarks = self.filemarks.saturating_add(1);
        self.newest_filemark = self.block.offset;
    }

    /// Takes a stream's header, and says what to do with what follows.
    pub(super) fn enter_stream(&mut self, header: StreamHeader, offset: u64) -> Payload {
        self.block.strange |= !header.usual;
        if !header.usual || header.kind == StreamKind::Unknown {
            self.findings.note(FindingKind::UnknownStream, offset);
        }
        match header.kind {
            StreamKind::EndPad => Payload::EndPad,
            StreamKind::Pad => Payload::Pad,
            StreamKind::Stripes if header.usual => Payload::Stripes,
            StreamKind::Info if header.usual => Payload::Info,
            StreamKind::Data if header.usual => self.enter_pages(header, offset),
            StreamKind::Stripes
            | StreamKind::Info
            | StreamKind::Data
            | StreamKind::Log
            | StreamKind::Catalogue
            | StreamKind::Unknown => Payload::Skip,
        }
    }

    /// Streams of pages are looked into only where they have the form that we know: two bytes, then whole pages.
    fn enter_pages(&mut self, header: StreamHeader, offset: u64) -> Payload {
        if header.length == 0 && header.media == MEDIA_VARIABLE_END {
            return Payload::Skip;
        }
        let whole = header
            .length
            .checked_sub(PAGES_PREFIX_BYTES as u64)
            .is_some_and(|length| length.is_multiple_of(PAGE_BYTES as u64));
        if whole && self.block.header.kind == BlockKind::Data {
            return Payload::Pages(PAGES_PREFIX_BYTES);
        }
        self.findings.note(FindingKind::UnknownStream, offset);
        Payload::Skip
    }

    pub(super) fn take_page(&mut self, page: &Page, offset: u64) {
        if let Some(data) = &mut self.data {
            data.page(page, offset, &mut self.findings);
        }
    }

    /// A stream is over.
    pub(super) fn leave_stream(&mut self, payload: Payload) {
        match payload {
            Payload::Stripes => {
                self.description.read_stripes(&self.buffer);
                self.note_unless(self.description.stripes <= 1, FindingKind::Stripe);
            }
            Payload::Info if self.sets == 1 => self.take_info(),
            Payload::Pages(_) => {
                if let Some(data) = &mut self.data {
                    data.end_stream(self.position, &mut self.findings);
                }
            }
            Payload::EndPad if self.place == Place::Data => {
                if let Some(data) = &mut self.data {
                    data.end_region(self.position, &mut self.findings);
                }
            }
            Payload::EndPad | Payload::Info | Payload::Pad | Payload::Skip => {}
        }
    }

    /// The database is described twice: as it was when the backup began, and when it was finished.
    fn take_info(&mut self) {
        let agrees = if self.described {
            let mut last = Description::default();
            last.read_info(&self.buffer) && self.description.conclude(&last)
        } else {
            self.described = self.description.read_info(&self.buffer);
            self.described
        };
        self.note_unless(agrees, FindingKind::Description);
    }
}
