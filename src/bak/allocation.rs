//! Which pages and extents are in use: the maps that a data file carries of itself. A free-space page (PFS) tells of 8,088
//! pages which are in use; an extent map (GAM) tells of 63,904 extents of eight pages which are in use.

use super::page::{Page, TYPE_EXTENTS, TYPE_FREE_SPACE, without_torn_bits};

/// Pages of an extent.
pub(super) const EXTENT_PAGES: u32 = 8;
/// Extents that one PFS page describes (8,088 pages).
const PFS_EXTENTS: u32 = 1_011;
/// Extents that one GAM page describes (511,232 pages).
pub(super) const GAM_EXTENTS: u32 = 63_904;

const PFS_BYTES_AT: usize = 100;
const PFS_IN_USE: u8 = 0x40;
const GAM_BITS_AT: usize = 194;
const GAM_BYTES: usize = GAM_EXTENTS as usize / 8;

/// The pages in use of one PFS interval, one byte for each extent.
#[derive(Clone)]
pub(super) struct PageMap {
    interval: u32,
    extents: Box<[u8; PFS_EXTENTS as usize]>,
}

impl PageMap {
    /// Whether `page` is where a PFS page stands: page 1, then every 8,088th.
    pub(super) fn stands_at(page: u32) -> bool {
        page == 1 || page != 0 && page.is_multiple_of(PFS_EXTENTS * EXTENT_PAGES)
    }

    /// Reads PFS page number `id`.
    pub(super) fn read(page: &Page, id: u32) -> Self {
        let mut extents = Box::new([0; PFS_EXTENTS as usize]);
        let (bytes, _) = page[PFS_BYTES_AT..].as_chunks::<{ EXTENT_PAGES as usize }>();
        for (extent, bytes) in extents.iter_mut().zip(bytes) {
            *extent = bytes
                .iter()
                .enumerate()
                .fold(0, |bits, (page, byte)| bits | u8::from(byte & PFS_IN_USE != 0) << page);
        }
        Self { interval: id / (PFS_EXTENTS * EXTENT_PAGES), extents }
    }

    /// The extent in which the PFS page of `interval` stands.
    pub(super) fn home(&self) -> u32 {
        self.interval * PFS_EXTENTS
    }

    pub(super) fn covers(&self, extent: u32) -> bool {
        extent / PFS_EXTENTS == self.interval
    }

    /// The pages in use of an extent that the map covers, the first page in the lowest bit.
    pub(super) fn in_use(&self, extent: u32) -> u8 {
        self.extents[(extent % PFS_EXTENTS) as usize]
    }
}

/// The page maps that are remembered: those of the last 192 intervals (11.8 GiB of data file, more than a database of the
/// free edition may have) in 195 KiB. They are needed while their own interval streams by and, after that, for the pages
/// that the backup copied a second time.
#[derive(Default)]
pub(super) struct PageMaps {
    maps: Vec<PageMap>,
    oldest: usize,
    last_hit: std::cell::Cell<usize>,
}

impl PageMaps {
    const REMEMBERED: usize = 192;

    pub(super) fn insert(&mut self, map: PageMap) {
        if let Some(known) = self.maps.iter_mut().find(|known| known.interval == map.interval) {
            *known = map;
        } else if self.maps.len() < Self::REMEMBERED {
            self.maps.push(map);
        } else {
            self.maps[self.oldest] = map;
            self.oldest = (self.oldest + 1) % Self::REMEMBERED;
        }
    }

    /// Bytes on the heap, for tests.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.maps.capacity() * size_of::<PageMap>() + self.maps.len() * PFS_EXTENTS as usize
    }

    pub(super) fn get(&self, extent: u32) -> Option<&PageMap> {
        let recent = self.maps.get(self.last_hit.get()).filter(|map| map.covers(extent));
        recent.or_else(|| {
            let found = self.maps.iter().position(|map| map.covers(extent))?;
            self.last_hit.set(found);
            self.maps.get(found)
        })
    }
}

/// The extents in use of one GAM interval.
pub(super) struct ExtentMap {
    interval: u32,
    /// A set bit is an extent that is free.
    free: Box<[u8; GAM_BYTES]>,
}

impl ExtentMap {
    /// Whether `page` is where a GAM page stands: page 2, then every 511,232nd.
    pub(super) fn stands_at(page: u32) -> bool {
        page == 2 || page != 0 && page.is_multiple_of(GAM_EXTENTS * EXTENT_PAGES)
    }

    /// Reads GAM page number `id`.
    pub(super) fn read(page: &Page, id: u32) -> Self {
        let mut free = Box::new([0; GAM_BYTES]);
        free.copy_from_slice(&without_torn_bits(page)[GAM_BITS_AT..][..GAM_BYTES]);
        Self { interval: id / (GAM_EXTENTS * EXTENT_PAGES), free }
    }

    /// The first extent of the interval, in which the GAM page stands.
    pub(super) fn home(&self) -> u32 {
        self.interval * GAM_EXTENTS
    }

    pub(super) fn covers(&self, extent: u32) -> bool {
        extent / GAM_EXTENTS == self.interval
    }

    /// The first extent in use at or after `extent`, within the interval.
    pub(super) fn next_in_use(&self, extent: u32) -> Option<u32> {
        let from = extent.checked_sub(self.home())?;
        let mut at = from as usize / 8;
        let mut free = self.free.get(at)? | (1u8 << (from % 8)).wrapping_sub(1);
        while free == 0xff {
            at += 1;
            free = *self.free.get(at)?;
        }
        Some(self.home() + at as u32 * 8 + free.trailing_ones())
    }

    /// Whether an extent that the map covers is in use.
    pub(super) fn is_in_use(&self, extent: u32) -> bool {
        let at = extent.wrapping_sub(self.home());
        self.free.get(at as usize / 8).is_some_and(|free| free >> (at % 8) & 1 == 0)
    }

    /// How many extents from `from` up to but without `to` are in use, within the interval.
    pub(super) fn count_in_use(&self, from: u32, to: u32) -> u64 {
        let clip = |extent: u32| extent.saturating_sub(self.home()).min(GAM_EXTENTS);
        (clip(from)..clip(to)).filter(|at| self.free[*at as usize / 8] >> (at % 8) & 1 == 0).count() as u64
    }

    /// The extent after the last one that the map covers.
    pub(super) fn end(&self) -> u32 {
        self.home().saturating_add(GAM_EXTENTS)
    }
}

/// A map that was met in the extent that is streaming by; it counts once it is known which extent that is.
pub(super) enum Met {
    Pages(PageMap),
    Extents(ExtentMap),
}

impl Met {
    /// Reads the map that a page is, going by its type and its number.
    pub(super) fn read(page: &Page, kind: u8, id: u32) -> Option<Self> {
        match kind {
            TYPE_FREE_SPACE if PageMap::stands_at(id) => Some(Self::Pages(PageMap::read(page, id))),
            TYPE_EXTENTS if ExtentMap::stands_at(id) => Some(Self::Extents(ExtentMap::read(page, id))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::page_of;
    use super::*;

    fn gam(in_use: &[u32], id: u32) -> ExtentMap {
        let mut page = page_of(TYPE_EXTENTS, 1, id);
        page[GAM_BITS_AT..][..GAM_BYTES].fill(0xff);
        for extent in in_use {
            let at = (extent % GAM_EXTENTS) as usize;
            page[GAM_BITS_AT + at / 8] &= !(1 << (at % 8));
        }
        ExtentMap::read(&page, id)
    }

    #[test]
    fn the_extent_map_finds_and_counts_what_is_in_use() {
        let map = gam(&[0, 1, 9, 700, 63_903], 2);
        let walk: Vec<u32> =
            std::iter::successors(map.next_in_use(0), |at| map.next_in_use(at + 1)).collect();
        assert_eq!(walk, [0, 1, 9, 700, 63_903]);
        assert_eq!(map.count_in_use(1, 701), 3);
        assert_eq!(map.count_in_use(0, u32::MAX), 5);
        assert_eq!(map.next_in_use(u32::MAX), None);
    }

    #[test]
    fn later_intervals_count_from_their_own_first_extent() {
        let map = gam(&[63_904, 63_910], 511_232);
        assert_eq!(map.home(), 63_904);
        assert_eq!(map.next_in_use(63_905), Some(63_910));
        assert_eq!(map.next_in_use(5), None);
        assert_eq!(map.count_in_use(0, map.end()), 2);
        assert!(map.covers(127_807) && !map.covers(127_808));
    }

    #[test]
    fn the_page_map_tells_which_pages_of_an_extent_are_in_use() {
        let mut page = page_of(TYPE_FREE_SPACE, 1, 8_088);
        page[PFS_BYTES_AT..].fill(0x24);
        page[PFS_BYTES_AT + 17] = 0x44;
        page[PFS_BYTES_AT + 20] = 0x60;
        let map = PageMap::read(&page, 8_088);
        assert_eq!(map.home(), 1_011);
        assert!(map.covers(1_013) && !map.covers(1_010));
        assert_eq!(map.in_use(1_013), 0b0001_0010);
        assert_eq!(map.in_use(1_014), 0);
    }

    #[test]
    fn only_so_many_page_maps_are_remembered() {
        let page = page_of(TYPE_FREE_SPACE, 1, 1);
        let mut maps = PageMaps::default();
        for interval in 0..500u32 {
            maps.insert(PageMap::read(&page, (interval * 8_088).max(1)));
        }
        assert_eq!(maps.maps.len(), PageMaps::REMEMBERED);
        assert!(maps.get(499 * 1_011).is_some() && maps.get(308 * 1_011).is_some());
        assert!(maps.get(307 * 1_011).is_none());
    }
}
