//! Bad pages: the database's own, and how BACKUP WITH CHECKSUM meets them.

use std::io;

use crate::database::{Damage, Database};
use crate::mtf::{ExtentId, FileInfo, Identity, PageSource};
use crate::pages::{EXTENT_BYTES, PAGE_BYTES, is_intact};

/// `m_type` of a page that holds rows.
const DATA_PAGE: u8 = 1;
/// Where in a page a bit is turned over: among its rows.
const BAD_BYTE: usize = 200;

#[derive(Debug, thiserror::Error)]
#[error("page {0} is bad")]
struct BadPage(u32);

/// The number of the page that ended the dump, if it was one.
pub(super) fn bad_page(error: &io::Error) -> Option<u32> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<BadPage>()).map(|bad| bad.0)
}

/// The pages of a database, with one of them bad if that is so.
pub(super) struct Spoiled {
    pages: Box<dyn PageSource>,
    damage: Damage,
    check: bool,
    given_pages: u64,
    spoiled: bool,
}

impl Spoiled {
    /// `pages` as `database` has them; with `check` a page whose checksum is wrong ends the dump.
    pub(super) fn new(pages: Box<dyn PageSource>, database: &Database, check: bool) -> Self {
        Self { pages, damage: database.damage, check, given_pages: 0, spoiled: false }
    }

    /// Whether a bad page went into the dump.
    pub(super) fn spoiled(&self) -> bool {
        self.spoiled
    }

    /// Whether this page is the bad one. «Some page» is one of rows in the second half.
    fn is_bad(&self, number: u32, page: &[u8; PAGE_BYTES]) -> bool {
        match self.damage {
            Damage::None => false,
            Damage::Page(bad) => bad == number,
            Damage::SomePage => {
                let late = self.given_pages * 2 >= self.pages.total_pages();
                !self.spoiled && late && page[1] == DATA_PAGE && is_intact(page).is_some()
            }
        }
    }
}

impl PageSource for Spoiled {
    fn files(&self) -> Vec<FileInfo> {
        self.pages.files()
    }

    fn identity(&self) -> Identity {
        self.pages.identity()
    }

    fn total_pages(&self) -> u64 {
        self.pages.total_pages()
    }

    fn next_extent(&mut self, out: &mut [u8; EXTENT_BYTES]) -> io::Result<Option<ExtentId>> {
        let Some(extent) = self.pages.next_extent(out)? else { return Ok(None) };
        if self.damage != Damage::None {
            let (pages, _) = out.as_chunks_mut::<PAGE_BYTES>();
            for (number, page) in (extent.first_page..).zip(pages) {
                if self.is_bad(number, page) {
                    page[BAD_BYTE] ^= 0x10;
                    self.spoiled = true;
                }
                if self.check && is_intact(page) == Some(false) {
                    return Err(io::Error::other(BadPage(number)));
                }
            }
        }
        self.given_pages += (EXTENT_BYTES / PAGE_BYTES) as u64;
        Ok(Some(extent))
    }

    fn log(&mut self) -> Vec<u8> {
        self.pages.log()
    }
}
