//! Which pages of a data file are in use, and the maps in the file that say so: PFS (a byte a page, every 8,088 pages), GAM
//! and SGAM (a bit an extent, every 511,232 pages) and the maps of changed extents behind them.

use super::EXTENT_PAGES;
use super::page::{Filler, Head, Page, PageKind, PageVerify};
use crate::mtf::Lsn;

/// Pages that one PFS page covers.
pub(crate) const PFS_INTERVAL: u32 = 8088;
/// Pages that one GAM page covers.
pub(crate) const GAM_INTERVAL: u32 = 511_232;
/// Extents that one GAM page covers.
pub(crate) const GAM_EXTENTS: u32 = GAM_INTERVAL / EXTENT_PAGES;
/// Where the bytes of a PFS page begin.
pub(crate) const PFS_AT: usize = 100;
/// Where the bits of a GAM, SGAM, IAM or change map begin.
pub(crate) const BITMAP_AT: usize = 194;
/// Bytes of such a bitmap.
pub(crate) const BITMAP_BYTES: usize = GAM_EXTENTS as usize / 8;
/// PFS: the page is allocated.
pub(crate) const ALLOCATED: u8 = 0x40;
/// PFS: the page belongs to a mixed extent.
pub(crate) const MIXED: u8 = 0x20;
/// PFS: the page is an index allocation map.
pub(crate) const IS_IAM: u8 = 0x10;
/// PFS: more than 95 % of the page is used.
pub(crate) const FULL: u8 = 0x04;
/// The object number that the file's own pages carry.
pub(crate) const FILE_OBJECT: u32 = 99;

/// What the place of a page in the file says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    FileHeader,
    Pfs,
    Gam,
    Sgam,
    Reserved,
    Changed,
    Bulk,
    Ordinary,
}

/// The role of page number `page`.
pub(crate) fn role(page: u32) -> Role {
    match (page, page % GAM_INTERVAL) {
        (0, _) => Role::FileHeader,
        (1, _) => Role::Pfs,
        (2, _) => Role::Gam,
        (3, _) => Role::Sgam,
        (4 | 5, _) => Role::Reserved,
        (_, 0) => Role::Gam,
        (_, 1) => Role::Sgam,
        (_, 2..=5) => Role::Reserved,
        (_, 6) => Role::Changed,
        (_, 7) => Role::Bulk,
        (page, _) if page.is_multiple_of(PFS_INTERVAL) => Role::Pfs,
        _ => Role::Ordinary,
    }
}

/// The use of every page and extent of a file.
#[derive(Debug)]
pub(crate) struct Allocation {
    pfs: Vec<u8>,
    extents: Vec<bool>,
    mixed_with_room: Vec<u32>,
    next: u32,
}

impl Allocation {
    pub(crate) fn new() -> Self {
        Self { pfs: Vec::new(), extents: Vec::new(), mixed_with_room: Vec::new(), next: 0 }
    }

    /// Allocates the next extent that is free for rows and returns its first page.
    pub(crate) fn take_extent(&mut self) -> u32 {
        loop {
            let extent = self.next;
            self.next += 1;
            self.reach(self.next);
            if !self.extents[extent as usize] {
                self.extents[extent as usize] = true;
                return extent * EXTENT_PAGES;
            }
        }
    }

    /// Leaves the next extent free, if it is.
    pub(crate) fn leave_extent(&mut self) {
        self.next += 1;
        self.reach(self.next);
    }

    /// Sets the PFS byte of a page in an extent that was taken.
    pub(crate) fn mark(&mut self, page: u32, byte: u8) {
        self.pfs[page as usize] = byte;
    }

    /// Notes that a mixed extent still has pages to give.
    pub(crate) fn has_room(&mut self, first_page: u32) {
        self.mixed_with_room.push(first_page / EXTENT_PAGES);
    }

    /// Sets the size of the file; the pages beyond what was taken are free.
    pub(crate) fn set_file_pages(&mut self, pages: u32) {
        self.reach(pages / EXTENT_PAGES);
    }

    /// Makes the file at least so long. Extents that hold its own maps are allocated from the first.
    fn reach(&mut self, extents: u32) {
        for extent in self.extents.len() as u32..extents {
            let pages = extent * EXTENT_PAGES..(extent + 1) * EXTENT_PAGES;
            self.extents.push(pages.clone().any(|page| role(page) != Role::Ordinary));
            self.pfs.extend(pages.map(|page| match role(page) {
                Role::Ordinary | Role::Reserved => 0,
                Role::FileHeader | Role::Pfs | Role::Gam | Role::Sgam | Role::Changed | Role::Bulk => {
                    ALLOCATED | FULL
                }
            }));
        }
    }

    /// Pages of the file.
    pub(crate) fn file_pages(&self) -> u32 {
        self.pfs.len() as u32
    }

    /// The PFS byte of a page; 0 beyond the file's end.
    pub(crate) fn pfs_of(&self, page: u32) -> u8 {
        self.pfs.get(page as usize).copied().unwrap_or_default()
    }

    /// How many extents are allocated.
    pub(crate) fn allocated_extents(&self) -> u64 {
        self.extents.iter().filter(|taken| **taken).count() as u64
    }

    /// The first allocated extent at or after extent number `from`.
    pub(crate) fn extent_from(&self, from: u32) -> Option<u32> {
        let rest = self.extents.get(from as usize..)?;
        Some(from + rest.iter().position(|taken| *taken)? as u32)
    }

    /// Writes the map page that stands at `page`, if one does.
    pub(crate) fn write_map(&self, page: u32, lsn: Lsn, verify: PageVerify, out: &mut Page) -> bool {
        let interval = page / GAM_INTERVAL * GAM_EXTENTS;
        let mut map = |kind, lsn, verify, bits: &Bitmap| {
            let head = Head { kind, object: FILE_OBJECT, index: 0, fixed_bytes: 90, page, lsn };
            write_bitmap(&head, &[0; 90], bits, verify, out);
        };
        match role(page) {
            Role::Pfs => self.write_pfs(page, lsn, verify, out),
            Role::Gam => map(PageKind::Gam, lsn, verify, &self.allocated(interval).inverted()),
            Role::Sgam => {
                let rooms = self.mixed_with_room.iter().filter_map(|extent| extent.checked_sub(interval));
                map(PageKind::Sgam, lsn, verify, &Bitmap::of(rooms));
            }
            Role::Changed => map(PageKind::Changed, lsn, verify, &self.allocated(interval)),
            // Nothing was ever written here by a bulk operation, so the page has no checksum yet: as in all real files.
            Role::Bulk => map(PageKind::Bulk, Lsn::default(), PageVerify::None, &Bitmap::of([])),
            Role::Reserved => out.fill(0),
            Role::FileHeader | Role::Ordinary => return false,
        }
        true
    }

    /// The allocated ones of the extents from number `first` on.
    fn allocated(&self, first: u32) -> Bitmap {
        let taken = self.extents.iter().skip(first as usize).zip(0..GAM_EXTENTS);
        Bitmap::of(taken.filter_map(|(taken, extent)| taken.then_some(extent)))
    }

    fn write_pfs(&self, page: u32, lsn: Lsn, verify: PageVerify, out: &mut Page) {
        const RECORD: usize = 4 + PFS_INTERVAL as usize;
        let mut record = [0; RECORD];
        record[2..4].copy_from_slice(&(RECORD as u16).to_le_bytes());
        let first = page / PFS_INTERVAL * PFS_INTERVAL;
        for (offset, byte) in record[4..].iter_mut().enumerate() {
            *byte = self.pfs_of(first + offset as u32);
        }
        let head = Head { kind: PageKind::Pfs, object: FILE_OBJECT, index: 0, fixed_bytes: 0, page, lsn };
        let mut filler = Filler::new(out, &head);
        filler.push(&record);
        filler.finish(verify);
    }
}

/// A bit for each extent of an interval.
pub(crate) struct Bitmap(Box<[u8; BITMAP_BYTES]>);

impl Bitmap {
    /// The bitmap in which the bits of these extents are set; extents beyond the interval have none.
    pub(crate) fn of(extents: impl IntoIterator<Item = u32>) -> Self {
        let mut bits = Box::new([0; BITMAP_BYTES]);
        for extent in extents {
            if let Some(byte) = bits.get_mut(extent as usize / 8) {
                *byte |= 1 << (extent % 8);
            }
        }
        Self(bits)
    }

    fn inverted(mut self) -> Self {
        for byte in self.0.iter_mut() {
            *byte = !*byte;
        }
        self
    }
}

/// Writes a page of two records: a small one of 90 bytes, and a bitmap.
pub(crate) fn write_bitmap(head: &Head, first: &[u8; 90], bits: &Bitmap, verify: PageVerify, out: &mut Page) {
    let mut small = [0; 94];
    small[2] = 94;
    small[4..].copy_from_slice(first);
    let mut bitmap = [0; 4 + BITMAP_BYTES];
    bitmap[2..4].copy_from_slice(&(4 + BITMAP_BYTES as u16).to_le_bytes());
    bitmap[4..].copy_from_slice(&bits.0[..]);
    let mut filler = Filler::new(out, head);
    filler.push(&small);
    filler.push(&bitmap);
    filler.finish(verify);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_stand_where_sql_server_has_them() {
        let roles = [
            (0, Role::FileHeader),
            (1, Role::Pfs),
            (2, Role::Gam),
            (3, Role::Sgam),
            (5, Role::Reserved),
            (6, Role::Changed),
            (7, Role::Bulk),
            (8, Role::Ordinary),
            (8_088, Role::Pfs),
            (8_089, Role::Ordinary),
            (511_232, Role::Gam),
            (511_233, Role::Sgam),
            (511_238, Role::Changed),
            (511_239, Role::Bulk),
            (1_022_464, Role::Gam),
        ];
        for (page, expected) in roles {
            assert_eq!(role(page), expected, "page {page}");
        }
    }

    #[test]
    fn extents_with_maps_are_never_given_to_rows() {
        let mut allocation = Allocation::new();
        let taken: Vec<u32> = (0..70_000).map(|_| allocation.take_extent()).collect();
        assert_eq!(taken[0], 8);
        assert!(taken.is_sorted());
        assert!(!taken.contains(&8_088) && !taken.contains(&511_232));
        assert_eq!(allocation.pfs_of(8_088), ALLOCATED | FULL);
        assert_eq!(allocation.allocated_extents(), u64::from(allocation.file_pages() / 8));
    }
}
