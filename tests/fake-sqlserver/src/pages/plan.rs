//! Plans a data file before the first of its pages is written, since the maps that stand in front tell what comes behind: which
//! page holds what, which extents belong to which table. Then gives the pages, extent by extent.

use super::allocation::{ALLOCATED, Allocation, GAM_INTERVAL, IS_IAM, MIXED, Role, role};
use super::page::{Filler, Head, PAGE_BYTES, Page, PageKind, PageVerify};
use super::schema::Table;
use super::system::{CatalogueTable, Iam, Object, catalogue, write_boot, write_file_header, write_iam};
use super::{EXTENT_BYTES, EXTENT_PAGES};
use crate::le::{put, put_u16};
use crate::mtf::{ExtentId, FileInfo, FileKind, Identity, Lsn, PageSource};
use std::collections::BTreeMap;
use std::io;
use uuid::Uuid;

/// The page of the boot record, in the first extent behind the maps.
const BOOT_PAGE: u32 = 9;
/// Files grow in steps of this many pages: 8 MiB.
const GROWTH_PAGES: u32 = 1024;
/// Bytes of the part of the log that a backup takes.
const LOG_BYTES: usize = 16 * 1024;

/// What stands in pages besides rows.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub database: String,
    pub logical_name: String,
    pub log_name: String,
    pub data_path: String,
    pub log_path: String,
    pub log_file_bytes: u64,
    pub database_version: u16,
    pub compatibility: u8,
    pub identity: Identity,
    pub file_guid: Uuid,
    pub log_guid: Uuid,
}

impl Facts {
    /// The log record that changed a page last: some record before the checkpoint, always the same for a page.
    pub(crate) fn page_lsn(&self, page: u32) -> Lsn {
        let before = self.identity.first_lsn.file - 1;
        Lsn { file: before, block: 16 + page % 4000 * 8, slot: (page % 200) as u16 + 1 }
    }
}

/// How full the pages of a table are, in the PFS's classes 0–4, page by page.
#[derive(Clone, Debug)]
pub(crate) enum Fullness {
    /// Known for each page.
    Each(Vec<u8>),
    /// So many pages, all of them full.
    All(u32),
}

impl Fullness {
    fn pages(&self) -> u32 {
        match self {
            Self::Each(classes) => classes.len() as u32,
            Self::All(pages) => *pages,
        }
    }

    fn class(&self, index: u32) -> u8 {
        match self {
            Self::Each(classes) => classes.get(index as usize).copied().unwrap_or_default(),
            Self::All(_) => 4,
        }
    }

    /// The class of a page with `free` bytes left.
    pub(crate) fn class_of(free: usize) -> u8 {
        match (PAGE_BYTES - free) * 100 / PAGE_BYTES {
            0..=1 => 0,
            2..=50 => 1,
            51..=80 => 2,
            81..=95 => 3,
            _ => 4,
        }
    }
}

/// Where every page of the file is decided.
pub(crate) struct Plan {
    facts: Facts,
    verify: PageVerify,
    allocation: Allocation,
    fixed: BTreeMap<u32, Box<Page>>,
    iams: BTreeMap<u32, Iam>,
}

impl Plan {
    /// Plans a file of the catalogue of `objects` and of tables, whose objects are numbered as in `rows`.
    pub(crate) fn new(
        facts: Facts,
        verify: PageVerify,
        objects: &[Object],
        rows: &[(u32, Fullness)],
    ) -> io::Result<Self> {
        let plan = Self {
            facts,
            verify,
            allocation: Allocation::new(),
            fixed: BTreeMap::new(),
            iams: BTreeMap::new(),
        };
        let mut planner = Planner { plan, pool: Vec::new() };
        planner.open_pool();
        planner.plan.allocation.mark(BOOT_PAGE, ALLOCATED | MIXED | 4);
        planner.place_catalogue(objects)?;
        for (object, fullness) in rows {
            planner.place_rows(*object, fullness);
        }
        Ok(planner.finish())
    }

    fn write_page(&self, page: u32, out: &mut Page) -> bool {
        if let Some(fixed) = self.fixed.get(&page) {
            out.copy_from_slice(&fixed[..]);
        } else if let Some(iam) = self.iams.get(&page) {
            write_iam(iam, &self.facts, self.verify, out);
        } else if role(page) == Role::FileHeader {
            write_file_header(&self.facts, self.allocation.file_pages(), self.verify, out);
        } else if page == BOOT_PAGE {
            write_boot(&self.facts, page, self.verify, out);
        } else if self.allocation.write_map(page, self.facts.page_lsn(page), self.verify, out) {
        } else if self.allocation.pfs_of(page) & ALLOCATED == 0 {
            write_stale(page, &self.facts, self.verify, out);
        } else {
            return false;
        }
        true
    }
}

struct Planner {
    plan: Plan,
    /// Pages of the mixed extent that is being handed out, last one first.
    pool: Vec<u32>,
}

impl Planner {
    fn mixed_page(&mut self) -> u32 {
        loop {
            match self.pool.pop() {
                Some(page) => return page,
                None => self.open_pool(),
            }
        }
    }

    fn open_pool(&mut self) {
        let first = self.plan.allocation.take_extent();
        self.pool = (first..first + EXTENT_PAGES).rev().filter(|page| *page != BOOT_PAGE).collect();
    }

    fn place_catalogue(&mut self, objects: &[Object]) -> io::Result<()> {
        for CatalogueTable { object, table, records } in catalogue(objects)? {
            let mut records = records.into_iter().peekable();
            while records.peek().is_some() {
                let page = self.mixed_page();
                let mut bytes = Box::new([0; PAGE_BYTES]);
                let head = heap_head(object, &table, page, &self.plan.facts);
                let mut filler = Filler::new(&mut bytes, &head);
                while let Some(record) = records.next_if(|record| record.len() + 2 <= filler.free()) {
                    filler.push(&record);
                }
                filler.finish(self.plan.verify);
                self.plan.fixed.insert(page, bytes);
                self.plan.allocation.mark(page, ALLOCATED | MIXED);
            }
        }
        Ok(())
    }

    fn place_rows(&mut self, object: u32, fullness: &Fullness) {
        let mut map: Option<Iam> = None;
        let mut first = 0;
        for index in 0..fullness.pages() {
            if index % EXTENT_PAGES == 0 {
                first = self.plan.allocation.take_extent();
                map = Some(self.map_for(object, map, first));
            }
            self.plan.allocation.mark(first + index % EXTENT_PAGES, ALLOCATED | fullness.class(index));
        }
        if let Some(last) = map {
            self.plan.iams.insert(last.page, last);
            self.plan.allocation.leave_extent();
        }
    }

    /// Notes in the table's map that it owns an extent; beyond the map's interval it gets a new one.
    fn map_for(&mut self, object: u32, map: Option<Iam>, first_page: u32) -> Iam {
        let interval = first_page / GAM_INTERVAL;
        let extent = first_page / EXTENT_PAGES;
        let before = match map {
            Some(mut map) if map.interval == interval => {
                map.extents.push(extent);
                return map;
            }
            before => before,
        };
        let page = self.mixed_page();
        self.plan.allocation.mark(page, ALLOCATED | MIXED | IS_IAM);
        let (previous, sequence) =
            before.as_ref().map_or((0, 0), |before| (before.page, before.sequence + 1));
        if let Some(before) = before {
            self.plan.iams.insert(previous, Iam { next: page, ..before });
        }
        Iam { page, object, sequence, interval, extents: vec![extent], previous, next: 0 }
    }

    fn finish(mut self) -> Plan {
        let room = self.pool.iter().copied().min().map(|page| page / EXTENT_PAGES * EXTENT_PAGES);
        if let Some(first) = room {
            self.plan.allocation.has_room(first);
        }
        let used = self.plan.allocation.file_pages();
        self.plan.allocation.set_file_pages((used + used / 8).next_multiple_of(GROWTH_PAGES));
        self.plan
    }
}

/// The head of a page of a table without an index.
pub(crate) fn heap_head(object: u32, table: &Table, page: u32, facts: &Facts) -> Head {
    let fixed_bytes = table.layout().fixed_end as u16;
    Head { kind: PageKind::Data, object, index: 256, fixed_bytes, page, lsn: facts.page_lsn(page) }
}

/// A page that nobody owns any more: in real files such pages hold what stood there before, or nothing yet.
fn write_stale(page: u32, facts: &Facts, verify: PageVerify, out: &mut Page) {
    const FORMER_OBJECT: u32 = 97;
    out.fill(0);
    if page.is_multiple_of(2) {
        return;
    }
    let head = Head {
        kind: PageKind::Data,
        object: FORMER_OBJECT,
        index: 256,
        fixed_bytes: 8,
        page,
        lsn: facts.page_lsn(page),
    };
    let mut filler = Filler::new(out, &head);
    for row in 0..200_u32 {
        let [a, b, c, d] = (page.wrapping_mul(0x9e37_79b9) ^ row).to_le_bytes();
        filler.push(&[0x10, 0, 8, 0, a, b, c, d, 1, 0, 0]);
    }
    filler.finish(verify);
}

/// Gives the pages of the tables, in ascending order.
pub(crate) trait Rows: Send {
    /// Writes the next page of rows, which has number `page`.
    fn next_page(&mut self, page: u32, facts: &Facts, verify: PageVerify, out: &mut Page) -> io::Result<()>;
}

/// A planned file and its rows: what a backup reads.
pub(crate) struct Planned<R> {
    plan: Plan,
    rows: R,
    next_extent: u32,
}

impl<R: Rows> Planned<R> {
    pub(crate) fn new(plan: Plan, rows: R) -> Self {
        Self { plan, rows, next_extent: 0 }
    }
}

impl<R: Rows> PageSource for Planned<R> {
    fn files(&self) -> Vec<FileInfo> {
        let facts = &self.plan.facts;
        let data = FileInfo {
            file_id: 1,
            kind: FileKind::Data,
            logical_name: facts.logical_name.clone(),
            physical_name: facts.data_path.clone(),
            size_bytes: u64::from(self.plan.allocation.file_pages()) * PAGE_BYTES as u64,
            unique_id: facts.file_guid,
        };
        let log = FileInfo {
            file_id: 2,
            kind: FileKind::Log,
            logical_name: facts.log_name.clone(),
            physical_name: facts.log_path.clone(),
            size_bytes: facts.log_file_bytes,
            unique_id: facts.log_guid,
        };
        vec![data, log]
    }

    fn identity(&self) -> Identity {
        self.plan.facts.identity
    }

    fn total_pages(&self) -> u64 {
        self.plan.allocation.allocated_extents() * u64::from(EXTENT_PAGES)
    }

    fn next_extent(&mut self, out: &mut [u8; EXTENT_BYTES]) -> io::Result<Option<ExtentId>> {
        let Some(extent) = self.plan.allocation.extent_from(self.next_extent) else { return Ok(None) };
        self.next_extent = extent + 1;
        let first_page = extent * EXTENT_PAGES;
        let (pages, _) = out.as_chunks_mut::<PAGE_BYTES>();
        for (number, page) in (first_page..).zip(pages) {
            if !self.plan.write_page(number, page) {
                self.rows.next_page(number, &self.plan.facts, self.plan.verify, page)?;
            }
        }
        Ok(Some(ExtentId { file_id: 1, first_page }))
    }

    fn log(&mut self) -> Vec<u8> {
        log_bytes(&self.plan.facts)
    }
}

/// A stretch of log: blocks with a header like those of real files, and records whose contents nobody reads.
fn log_bytes(facts: &Facts) -> Vec<u8> {
    const BLOCK: usize = 8192;
    let mut log = vec![0; LOG_BYTES];
    for (number, block) in log.chunks_exact_mut(BLOCK).enumerate() {
        put(block, 0, &[0x50, 0, 0x25, 0]);
        put_u16(block, 4, BLOCK as u16 - 64);
        put_u16(block, 6, BLOCK as u16);
        put(block, 12, &facts.identity.first_lsn.bytes());
        for (index, word) in block[72..BLOCK - 64].chunks_exact_mut(8).enumerate() {
            let value = (index / 12 * 16 + number) as u64;
            word.copy_from_slice(&value.to_le_bytes());
        }
    }
    log
}
