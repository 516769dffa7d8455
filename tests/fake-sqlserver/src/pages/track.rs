//! Tells which page of the data file is which while a backup's pages go by. A page that nobody uses may say anything of itself;
//! but extents come in the order of the GAM, which goes in front of them.

use super::EXTENT_PAGES;
use super::allocation::{ALLOCATED, BITMAP_AT, GAM_EXTENTS, GAM_INTERVAL, PFS_AT, PFS_INTERVAL, Role, role};
use super::page::{Page, PageKind, mend_torn_bits};
use std::collections::VecDeque;

/// Where a page belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number in the file.
    pub number: u32,
    /// Whether the PFS calls it allocated.
    pub used: bool,
    /// Whether its torn-page bits, if it has them, are all of one write.
    pub one_write: bool,
}

/// Tells which pages of a whole data file are in use while they go by in their order.
#[derive(Default)]
pub(crate) struct FreeSpace {
    pfs: Vec<u8>,
    first: u32,
}

impl FreeSpace {
    /// Whether the PFS that covers page `number` calls it allocated; takes the page itself where it is one.
    pub(crate) fn is_used(&mut self, number: u32, page: &Page) -> bool {
        if role(number) == Role::Pfs {
            self.pfs = page[PFS_AT..PFS_AT + PFS_INTERVAL as usize].to_vec();
            self.first = number / PFS_INTERVAL * PFS_INTERVAL;
        }
        let byte = number.checked_sub(self.first).and_then(|offset| self.pfs.get(offset as usize));
        number == 0 || byte.is_some_and(|byte| byte & ALLOCATED != 0)
    }
}

/// Follows the pages of one data file.
#[derive(Default)]
pub(crate) struct Track {
    seen: u64,
    extent: u32,
    upcoming: VecDeque<u32>,
    intervals: u32,
    lost: bool,
    pfs: Vec<u8>,
    pfs_first: u32,
}

impl Track {
    /// Takes the next page, and puts bits that protect it from being torn back into their places.
    pub(crate) fn next(&mut self, page: &mut Page) -> Place {
        let one_write = mend_torn_bits(page);
        let within = (self.seen % u64::from(EXTENT_PAGES)) as u32;
        if within == 0 {
            self.extent = self.upcoming.pop_front().unwrap_or_else(|| {
                self.intervals += 1;
                (self.intervals - 1).saturating_mul(GAM_EXTENTS)
            });
        }
        self.seen += 1;
        let number = self.extent.saturating_mul(EXTENT_PAGES).saturating_add(within);
        match role(number) {
            Role::Gam => {
                self.lost |= page[1] != PageKind::Gam as u8;
                let first = number / GAM_INTERVAL * GAM_EXTENTS;
                let allocated =
                    |extent: &u32| page[BITMAP_AT + *extent as usize / 8] >> (extent % 8) & 1 == 0;
                self.upcoming = (1..GAM_EXTENTS).filter(allocated).map(|extent| first + extent).collect();
            }
            Role::Pfs => {
                self.pfs = page[PFS_AT..PFS_AT + PFS_INTERVAL as usize].to_vec();
                self.pfs_first = number / PFS_INTERVAL * PFS_INTERVAL;
            }
            Role::FileHeader | Role::Sgam | Role::Reserved | Role::Changed | Role::Bulk | Role::Ordinary => {}
        }
        let byte = number.checked_sub(self.pfs_first).and_then(|offset| self.pfs.get(offset as usize));
        // The file header goes in front of the first PFS.
        Place { number, one_write, used: number == 0 || byte.is_some_and(|byte| byte & ALLOCATED != 0) }
    }

    /// Whether every extent that the GAM announced has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.seen > 0
            && self.seen.is_multiple_of(u64::from(EXTENT_PAGES))
            && self.upcoming.is_empty()
            && !self.lost
    }
}
