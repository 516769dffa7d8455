//! One page of a data file: its header, its checksum, its torn-page bits. Offsets and rules are those of
//! `docs/bak-format.md`; all numbers are little-endian.

/// Bytes of a page.
pub const PAGE_BYTES: usize = 8192;

/// A page as it stands in the file.
pub type Page = [u8; PAGE_BYTES];

const SECTOR_BYTES: usize = 512;
const TYPE: usize = 1;
const FLAGS: usize = 4;
const PAGE_ID: usize = 32;
const FILE_ID: usize = 36;
const STORED_SUM: usize = 60;

const FLAG_TORN_BITS: u16 = 0x0100;
const FLAG_CHECKSUM: u16 = 0x0200;
const FLAG_ENCRYPTED: u16 = 0x0800;

/// The type of the pages with which SQL Server fills up the last transfer of a large backup; they belong to no file.
const TYPE_FILLER: u8 = 0x65;
pub(super) const TYPE_FREE_SPACE: u8 = 11;
pub(super) const TYPE_EXTENTS: u8 = 8;
pub(super) const TYPE_FILE_HEADER: u8 = 15;

/// The checksum that a page with the flag 0x200 carries in its bytes 60 to 63: each sector's 128 words are XORed, sector
/// *i*'s result is rotated left by 15 − *i*, and those are XORed; the stored checksum itself counts as zero.
pub fn page_checksum(page: &Page) -> u32 {
    let (sectors, _) = page.as_chunks::<SECTOR_BYTES>();
    let sum =
        sectors.iter().zip((0..16).rev()).fold(0, |sum, (sector, turn)| sum ^ fold(sector).rotate_left(turn));
    // XOR and rotation distribute over each other, so the field's share is taken out afterwards.
    sum ^ u32_at(page, STORED_SUM).rotate_left(15)
}

/// XORs the words of a sector in sixteen lanes, which the compiler turns into vector registers.
fn fold(sector: &[u8; SECTOR_BYTES]) -> u32 {
    let mut lanes = [0u32; 16];
    let (rows, _) = sector.as_chunks::<64>();
    for row in rows {
        let (words, _) = row.as_chunks::<4>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane ^= u32::from_le_bytes(*word);
        }
    }
    lanes.iter().fold(0, |sum, lane| sum ^ lane)
}

/// Whether the last byte of each sector but the first ends in the two bits that the page's torn-bits field begins with:
/// they alternate from write to write, so a page of which only a part was written shows both patterns.
fn torn_bits_agree(page: &Page) -> bool {
    let pattern = page[STORED_SUM] & 3;
    (2..=16).all(|sector| page[sector * SECTOR_BYTES - 1] & 3 == pattern)
}

/// How a page protects itself, and whether it holds what it promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// A checksum over the whole page.
    Checksum {
        /// Recomputed and equal.
        good: bool,
    },
    /// A checksum that does not fit, on a page that says that it is encrypted: we cannot tell.
    Encrypted,
    /// Two bits a sector, which only show a page that was written in part.
    TornBits {
        /// All sectors carry the same bits.
        good: bool,
    },
    /// Nothing.
    None,
}

impl Protection {
    fn of(page: &Page) -> Self {
        let flags = u16_at(page, FLAGS);
        if flags & FLAG_CHECKSUM != 0 {
            let good = page_checksum(page) == u32_at(page, STORED_SUM);
            if !good && flags & FLAG_ENCRYPTED != 0 { Self::Encrypted } else { Self::Checksum { good } }
        } else if flags & FLAG_TORN_BITS != 0 {
            Self::TornBits { good: torn_bits_agree(page) }
        } else {
            Self::None
        }
    }

    /// Whether the page proves itself damaged.
    pub(super) fn is_bad(self) -> bool {
        matches!(self, Self::Checksum { good: false } | Self::TornBits { good: false })
    }
}

/// Which page of which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageId {
    pub file: u16,
    pub page: u32,
}

/// What is remembered of a page while its extent is not complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// What the header says, where there is one.
    pub id: Option<PageId>,
    /// The header's page type; 0 where there is no header.
    pub kind: u8,
    pub protection: Protection,
}

impl Seen {
    pub(super) const NOTHING: Self = Self { id: None, kind: 0, protection: Protection::None };

    pub(super) fn of(page: &Page) -> Self {
        let protection = Protection::of(page);
        let kind = if page[0] == 1 { page[TYPE] } else { 0 };
        let id = match kind {
            0 | TYPE_FILLER.. => None,
            _ => Some(PageId { file: u16_at(page, FILE_ID), page: u32_at(page, PAGE_ID) }),
        };
        Self { id, kind, protection }
    }

    pub(super) fn is_filler(&self) -> bool {
        self.kind == TYPE_FILLER
    }

    /// Whether it is the given page, going by its header.
    pub(super) fn is(&self, file: u16, page: u32) -> bool {
        self.id == Some(PageId { file, page })
    }
}

/// The page as it was before torn-page bits were put into its sectors; other pages as they are.
pub(super) fn without_torn_bits(page: &Page) -> Page {
    let mut plain = *page;
    let flags = u16_at(page, FLAGS);
    if flags & FLAG_TORN_BITS != 0 && flags & FLAG_CHECKSUM == 0 {
        let saved = u32_at(page, STORED_SUM);
        for sector in 1..16 {
            let last = &mut plain[sector * SECTOR_BYTES + SECTOR_BYTES - 1];
            *last = *last & !3 | (saved >> (2 * sector)) as u8 & 3;
        }
    }
    plain
}

fn u16_at(page: &Page, at: usize) -> u16 {
    u16::from_le_bytes([page[at], page[at + 1]])
}

fn u32_at(page: &Page, at: usize) -> u32 {
    u32::from_le_bytes([page[at], page[at + 1], page[at + 2], page[at + 3]])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The rule word by word, as it is written in the documentation.
    fn checksum_by_the_book(page: &Page) -> u32 {
        let mut words: Vec<u32> =
            page.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
        words[15] = 0;
        (0..16).fold(0, |sum, sector| {
            let part = words[sector * 128..][..128].iter().fold(0, |part, word| part ^ word);
            sum ^ part.rotate_left(15 - sector as u32)
        })
    }

    /// A page with a header and made-up contents; its protection is put on by [`protect`].
    pub(in crate::bak) fn page_of(kind: u8, file: u16, id: u32) -> Page {
        let mut random = fastrand::Rng::with_seed(u64::from(id) << 8 | u64::from(kind));
        let mut page = [0; PAGE_BYTES];
        random.fill(&mut page[96..]);
        page[0] = 1;
        page[TYPE] = kind;
        page[PAGE_ID..][..4].copy_from_slice(&id.to_le_bytes());
        page[FILE_ID..][..2].copy_from_slice(&file.to_le_bytes());
        page
    }

    /// Puts a checksum on a page.
    pub(in crate::bak) fn protect(mut page: Page) -> Page {
        page[FLAGS..][..2].copy_from_slice(&FLAG_CHECKSUM.to_le_bytes());
        let sum = checksum_by_the_book(&page);
        page[STORED_SUM..][..4].copy_from_slice(&sum.to_le_bytes());
        page
    }

    /// Puts torn-page bits on a page.
    fn tear_proof(mut page: Page, pattern: u8) -> Page {
        page[FLAGS..][..2].copy_from_slice(&FLAG_TORN_BITS.to_le_bytes());
        let mut saved = u32::from(pattern);
        for sector in 1..16 {
            let last = &mut page[sector * SECTOR_BYTES + SECTOR_BYTES - 1];
            saved |= u32::from(*last & 3) << (2 * sector);
            *last = *last & !3 | pattern;
        }
        page[STORED_SUM..][..4].copy_from_slice(&saved.to_le_bytes());
        page
    }

    #[test]
    fn the_fast_checksum_is_the_one_of_the_book() {
        for id in 0..200 {
            let page = page_of(1, 1, id);
            assert_eq!(page_checksum(&page), checksum_by_the_book(&page));
        }
        assert_eq!(page_checksum(&[0; PAGE_BYTES]), 0);
    }

    #[test]
    fn every_flipped_bit_of_a_protected_page_is_noticed() {
        let page = protect(page_of(1, 1, 77));
        assert_eq!(Seen::of(&page).protection, Protection::Checksum { good: true });
        for bit in 0..PAGE_BYTES * 8 {
            let mut flipped = page;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let seen = Seen::of(&flipped);
            assert_ne!(seen.protection, Protection::Checksum { good: true }, "bit {bit}");
        }
    }

    #[test]
    fn torn_bits_show_a_half_written_page_and_can_be_taken_out_again() {
        let plain = page_of(TYPE_EXTENTS, 1, 2);
        let (old, new) = (tear_proof(plain, 1), tear_proof(plain, 2));
        assert_eq!(Seen::of(&new).protection, Protection::TornBits { good: true });
        assert_eq!(without_torn_bits(&new)[96..], plain[96..]);
        let mut torn = new;
        torn[4096..].copy_from_slice(&old[4096..]);
        assert_eq!(Seen::of(&torn).protection, Protection::TornBits { good: false });
    }

    #[test]
    fn a_page_that_says_it_is_encrypted_is_not_called_damaged() {
        let mut page = protect(page_of(1, 1, 9));
        page[FLAGS + 1] |= (FLAG_ENCRYPTED >> 8) as u8;
        assert_eq!(Seen::of(&page).protection, Protection::Encrypted);
        assert!(!Protection::Encrypted.is_bad());
    }
}
