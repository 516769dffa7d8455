//! One page: a header of 96 bytes, records from there on, and at the end of the page an array of two-byte slots that grows
//! downwards and says where each record begins.

use crate::le::{put, put_u16, put_u32, u16_at, u32_at};
use crate::mtf::Lsn;

/// Bytes of a page.
pub const PAGE_BYTES: usize = 8192;
/// A page.
pub type Page = [u8; PAGE_BYTES];

/// Bytes of the header; the first record lies behind it.
pub(crate) const HEADER_BYTES: usize = 96;
/// The most bytes that a record may have.
pub(crate) const MOST_RECORD_BYTES: usize = 8060;

const FLAG_TORN: u16 = 0x100;
const FLAG_CHECKSUM: u16 = 0x200;
const CHECKSUM_AT: usize = 60;

/// The kinds of pages that the stand-in writes, with their numbers in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageKind {
    Data = 1,
    Gam = 8,
    Sgam = 9,
    Iam = 10,
    Pfs = 11,
    Boot = 13,
    FileHeader = 15,
    Changed = 16,
    Bulk = 17,
}

/// The database option `PAGE_VERIFY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageVerify {
    /// Each page carries a checksum.
    #[default]
    Checksum,
    /// Each page carries two bits of each of its sectors, as before SQL Server 2005.
    TornPage,
    /// Pages carry nothing.
    None,
}

/// What stands in the header of a page besides what follows from its records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub kind: PageKind,
    /// The number of the object, or 99 for the file's own pages.
    pub object: u32,
    /// 0 for the file's own pages and IAM, 256 for a table's rows.
    pub index: u16,
    /// Bytes of the fixed part of the records.
    pub fixed_bytes: u16,
    pub page: u32,
    pub lsn: Lsn,
}

/// Puts records into a page.
pub(crate) struct Filler<'a> {
    page: &'a mut Page,
    slots: usize,
    end: usize,
}

impl<'a> Filler<'a> {
    /// Begins the page anew: everything in it becomes zero but the header.
    pub(crate) fn new(page: &'a mut Page, head: &Head) -> Self {
        page.fill(0);
        page[0] = 1;
        page[1] = head.kind as u8;
        page[2] = if head.kind == PageKind::Data { 4 } else { 0 };
        put_u16(page, 6, head.index);
        put_u16(page, 14, head.fixed_bytes);
        put_u32(page, 24, head.object);
        put_u32(page, 32, head.page);
        put_u16(page, 36, 1);
        put(page, 40, &head.lsn.bytes());
        Self { page, slots: 0, end: HEADER_BYTES }
    }

    /// Bytes left for records and their slots.
    pub(crate) fn free(&self) -> usize {
        PAGE_BYTES - 2 * self.slots - self.end
    }

    /// Appends a record; false, and nothing is changed, where it does not fit.
    #[inline]
    pub(crate) fn push(&mut self, record: &[u8]) -> bool {
        if record.len() + 2 > self.free() {
            return false;
        }
        put(self.page, self.end, record);
        self.slots += 1;
        put_u16(self.page, PAGE_BYTES - 2 * self.slots, self.end as u16);
        self.end += record.len();
        true
    }

    /// Completes the header and protects the page. The number of slots, at most 4,048, and all offsets fit 16 bits.
    pub(crate) fn finish(self, verify: PageVerify) {
        let free = self.free() as u16;
        put_u16(self.page, 22, self.slots as u16);
        put_u16(self.page, 28, free);
        put_u16(self.page, 30, self.end as u16);
        protect(self.page, verify);
    }
}

/// Protects a page as the database's option says.
pub(crate) fn protect(page: &mut Page, verify: PageVerify) {
    let flags = u16_at(page, 4).unwrap_or_default() & !(FLAG_TORN | FLAG_CHECKSUM);
    match verify {
        PageVerify::Checksum => {
            put_u16(page, 4, flags | FLAG_CHECKSUM);
            let sum = checksum(page);
            put_u32(page, CHECKSUM_AT, sum);
        }
        PageVerify::TornPage => {
            put_u16(page, 4, flags | FLAG_TORN);
            tear_bits(page);
        }
        PageVerify::None => put_u16(page, 4, flags),
    }
}

/// Moves the lowest two bits of the last byte of each 512-byte sector but the first into the header and puts the same pattern in
/// their place, so that sectors of different writes betray themselves.
fn tear_bits(page: &mut Page) {
    const PATTERN: u32 = 0b10;
    let mut kept = PATTERN;
    for sector in 1..16 {
        let byte = &mut page[512 * sector + 511];
        kept |= u32::from(*byte & 3) << (2 * sector);
        *byte = *byte & !3 | PATTERN as u8;
    }
    put_u32(page, CHECKSUM_AT, kept);
}

/// Puts the bits of a page with torn-page protection back where they belong; whether all sectors are of the same write.
pub(crate) fn mend_torn_bits(page: &mut Page) -> bool {
    if u16_at(page, 4).unwrap_or_default() & FLAG_TORN == 0 {
        return true;
    }
    let kept = u32_at(page, CHECKSUM_AT).unwrap_or_default();
    let mut one_write = true;
    for sector in 1..16 {
        let byte = &mut page[512 * sector + 511];
        one_write &= u32::from(*byte & 3) == kept & 3;
        *byte = *byte & !3 | (kept >> (2 * sector) & 3) as u8;
    }
    one_write
}

/// The checksum of a page: each sector of 512 bytes is folded by exclusive-or into a word, the words are rotated by their
/// distance to the last sector and folded in turn. The checksum's own field counts as zero.
pub fn checksum(page: &Page) -> u32 {
    let mut sum = 0;
    for (sector, bytes) in page.chunks_exact(512).enumerate() {
        let mut folded = fold(bytes);
        if sector == 0 {
            folded ^= u32_at(page, CHECKSUM_AT).unwrap_or_default();
        }
        sum ^= folded.rotate_left(15 - sector as u32);
    }
    sum
}

#[inline]
fn fold(sector: &[u8]) -> u32 {
    let wide = sector.chunks_exact(8).fold(0_u64, |sum, bytes| {
        sum ^ u64::from_le_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ])
    });
    (wide ^ wide >> 32) as u32
}

/// What the header of a page says, for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub kind: u8,
    pub flags: u16,
    pub object: u32,
    pub slots: usize,
    pub page: u32,
}

/// Reads the header of a page.
pub(crate) fn seen(page: &Page) -> Seen {
    Seen {
        kind: page[1],
        flags: u16_at(page, 4).unwrap_or_default(),
        object: u32_at(page, 24).unwrap_or_default(),
        slots: usize::from(u16_at(page, 22).unwrap_or_default()),
        page: u32_at(page, 32).unwrap_or_default(),
    }
}

/// The object that the page says it belongs to.
pub(crate) fn object_of(page: &Page) -> u32 {
    seen(page).object
}

/// Whether nothing was ever written there, or what was has been lost.
pub(crate) fn is_missing(page: &Page) -> bool {
    page[..HEADER_BYTES].iter().all(|byte| *byte == 0)
}

/// Whether the page's checksum agrees with its bytes; `None` if it has none.
pub(crate) fn is_intact(page: &Page) -> Option<bool> {
    let protected = u16_at(page, 4).unwrap_or_default() & FLAG_CHECKSUM != 0;
    protected.then(|| u32_at(page, CHECKSUM_AT) == Some(checksum(page)))
}

/// The record in slot `index`, up to the end of the page's records.
pub(crate) fn record(page: &Page, index: usize) -> Option<&[u8]> {
    let at = usize::from(u16_at(page, PAGE_BYTES.checked_sub(2 * (index + 1))?)?);
    page.get(at..PAGE_BYTES).filter(|_| at >= HEADER_BYTES)
}
