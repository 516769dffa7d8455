//! The pages of the data file as they stream by: which extent is which, which pages are in use, and whether those are sound.
//!
//! A full backup holds the extents in use in ascending order, and it is by that order that a restore puts them in their
//! places. So the extent map tells which extent must come next, and the headers of its pages must agree. Pages that are
//! not in use hold old bytes, even headers of other pages, and are asked only when the expected extent does not fit.

use super::allocation::{EXTENT_PAGES, ExtentMap, GAM_EXTENTS, Met, PageMap, PageMaps};
use super::examination::Pages;
use super::finding::{FindingKind, Findings};
use super::page::{PAGE_BYTES, Page, Protection, Seen, TYPE_FILE_HEADER};

/// So many pages in use may be blank or old because the server wrote them only after they were copied. More are a hole.
const RACE_PAGES: u64 = 4;
/// So many pages wait for their allocation page.
const WAITING_PAGES: usize = 4096;
const SLOTS: usize = EXTENT_PAGES as usize;
/// Page numbers have 32 bits.
const EXTENTS: u32 = 1 << 29;

/// A page whose PFS page has not come yet.
#[derive(Clone, Copy)]
struct Waiting {
    page: u32,
    seen: Seen,
    offset: u64,
}

/// How well the pages of the current extent would stand at some place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Every page that is in use there is the right one.
    Holds,
    /// No page is in use there.
    Unused,
    /// Some pages in use are wrong; so many are right.
    Fails(u32),
    /// It is not known which pages are in use there; so many say that they are from there.
    Unknown(u32),
}

/// Takes the pages of the data streams one after the other.
pub(super) struct DataPages {
    counts: Pages,
    maps: PageMaps,
    extents: Option<ExtentMap>,
    /// The extent that is coming in.
    slots: [Seen; SLOTS],
    filled: usize,
    met: Vec<(u32, Met)>,
    offset: u64,
    /// The data file of this backup, by its first page.
    file: Option<u16>,
    /// The first stream of pages is the copy of the database; later ones hold what changed while it was made.
    region: u32,
    last: Option<u32>,
    other_file: bool,
    /// A stripe holds only some of the extents.
    striped: bool,
    waiting: Vec<Waiting>,
    stray: Option<(u64, u32)>,
    strays: u64,
    streamed: u64,
}

impl DataPages {
    pub(super) fn new(striped: bool) -> Self {
        Self {
            counts: Pages::default(),
            maps: PageMaps::default(),
            extents: None,
            slots: [Seen::NOTHING; SLOTS],
            filled: 0,
            met: Vec::new(),
            offset: 0,
            file: None,
            region: 0,
            last: None,
            other_file: false,
            striped,
            waiting: Vec::new(),
            stray: None,
            strays: 0,
            streamed: 0,
        }
    }

    /// A block of pages begins.
    pub(super) fn begin_region(&mut self) {
        self.region = self.region.saturating_add(1);
        self.last = None;
        self.other_file = false;
        self.filled = 0;
    }

    /// The block of pages ends at `offset`: nothing that the extent map calls used may be left over.
    pub(super) fn end_region(&mut self, offset: u64, findings: &mut Findings) {
        self.drop_part(offset, findings);
        if self.region == 1 && !self.striped {
            let from = self.last.map_or(0, |last| last + 1);
            self.note_missing(from, EXTENTS, offset, findings);
        }
    }

    /// A stream of pages ends: an extent never goes on in the next one.
    pub(super) fn end_stream(&mut self, offset: u64, findings: &mut Findings) {
        self.drop_part(offset, findings);
    }

    /// Pages of the database's first copy, filler left out.
    pub(super) fn streamed(&self) -> u64 {
        self.streamed
    }

    /// Takes the page that stands at `offset`.
    pub(super) fn page(&mut self, page: &Page, offset: u64, findings: &mut Findings) {
        let seen = Seen::of(page);
        if let Some(id) = seen.id
            && seen.kind == TYPE_FILE_HEADER
            && id.page == 0
            && self.filled == 0
        {
            self.other_file = *self.file.get_or_insert(id.file) != id.file;
        }
        if self.other_file {
            findings.note(FindingKind::SeveralFiles, offset);
            return;
        }
        if self.filled == 0 {
            self.offset = offset;
            self.met.clear();
        }
        if let Some(id) = seen.id
            && id.page % EXTENT_PAGES == self.filled as u32
            && !seen.protection.is_bad()
            && seen.protection != Protection::Encrypted
            && let Some(map) = Met::read(page, seen.kind, id.page)
        {
            self.met.push((id.page / EXTENT_PAGES, map));
        }
        self.slots[self.filled] = seen;
        self.filled += 1;
        if self.filled == SLOTS {
            self.filled = 0;
            self.extent(findings);
        }
    }

    /// What was counted, once everything has come.
    pub(super) fn finish(mut self, findings: &mut Findings) -> Pages {
        if let Some((offset, page)) = self.stray {
            let kind = if self.strays > RACE_PAGES { FindingKind::PagesLost } else { FindingKind::PageRace };
            findings.add(kind, offset, Some(page), self.strays);
        }
        if let Some(first) = self.waiting.first() {
            let count = self.waiting.len() as u64;
            findings.add(FindingKind::AllocationUnknown, first.offset, Some(first.page), count);
            self.counts.unjudged += count;
        }
        self.counts
    }

    /// Bytes on the heap, for tests.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        let met: usize = self.met.iter().map(|_| PAGE_BYTES).sum();
        self.maps.held_bytes() + met + self.waiting.capacity() * size_of::<Waiting>()
    }

    fn drop_part(&mut self, offset: u64, findings: &mut Findings) {
        if self.filled > 0 {
            self.filled = 0;
            findings.note(FindingKind::UnknownStream, offset);
        }
    }

    fn extent(&mut self, findings: &mut Findings) {
        if self.slots.iter().all(Seen::is_filler) {
            return;
        }
        if self.region == 1 {
            self.streamed += u64::from(EXTENT_PAGES);
        }
        if self.is_of_another_file() {
            return findings.note(FindingKind::SeveralFiles, self.offset);
        }
        match self.place() {
            Some(extent) => {
                self.follow(extent, findings);
                self.judge_extent(extent, findings);
            }
            None => {
                findings.add(FindingKind::AllocationUnknown, self.offset, None, u64::from(EXTENT_PAGES));
                self.counts.unjudged += u64::from(EXTENT_PAGES);
            }
        }
    }

    /// Whether all headers in the extent name another data file, and none of the pages is damaged.
    fn is_of_another_file(&self) -> bool {
        let ours = self.file;
        let mut headers =
            self.slots.iter().enumerate().filter_map(|(slot, seen)| Some((slot, seen, seen.id?)));
        let foreign = |(slot, seen, id): (usize, &Seen, super::page::PageId)| {
            ours.is_some_and(|ours| ours != id.file)
                && id.page % EXTENT_PAGES == slot as u32
                && !seen.protection.is_bad()
        };
        headers.next().is_some_and(foreign) && headers.all(foreign)
    }

    /// Which extent it is that came in; `None` if nothing tells.
    fn place(&self) -> Option<u32> {
        let expected = self.expected();
        let fit = expected.map(|extent| self.fit(extent));
        if fit == Some(Fit::Holds) {
            return expected;
        }
        // A page of free space in its own place names its extent by itself.
        let home = self.met.iter().find_map(|(extent, map)| match map {
            Met::Pages(map) if map.home() == *extent => Some(*extent),
            Met::Pages(_) | Met::Extents(_) => None,
        });
        if home.is_some() || fit == Some(Fit::Unused) {
            return home.or(expected);
        }
        let named = self.named(expected);
        match (fit, named.map(|extent| self.fit(extent))) {
            (_, Some(Fit::Holds)) => named,
            (Some(Fit::Fails(ours)), Some(Fit::Fails(theirs))) if ours >= theirs => expected,
            (Some(Fit::Unknown(ours)), Some(Fit::Unknown(theirs) | Fit::Fails(theirs))) if ours >= theirs => {
                expected
            }
            (Some(Fit::Fails(0)), Some(Fit::Unused)) if self.agree_on(named) => named,
            (Some(Fit::Fails(_)), Some(Fit::Unused)) => expected,
            (_, Some(Fit::Unused | Fit::Fails(_) | Fit::Unknown(_))) => named,
            (_, None) => expected,
        }
    }

    /// The extent that must come next, as far as the extent map goes.
    fn expected(&self) -> Option<u32> {
        if self.region != 1 || self.striped {
            return None;
        }
        let Some(last) = self.last else { return Some(0) };
        let map = self.extents.as_ref().filter(|map| map.covers(last))?;
        Some(map.next_in_use(last + 1).unwrap_or(map.end())).filter(|extent| *extent < EXTENTS)
    }

    /// The extent that most pages name in their headers, another than `except`.
    fn named(&self, except: Option<u32>) -> Option<u32> {
        let base = |slot: usize| {
            let id = self.slots[slot].id?;
            let fits = self.file.is_none_or(|file| file == id.file) && id.page % EXTENT_PAGES == slot as u32;
            Some(id.page / EXTENT_PAGES).filter(|extent| fits && Some(*extent) != except)
        };
        let votes = |extent: &u32| (0..SLOTS).filter(|slot| base(*slot) == Some(*extent)).count();
        (0..SLOTS).filter_map(base).max_by_key(votes)
    }

    /// Whether all pages that have a header say that they are from `extent`, and none of them is damaged.
    fn agree_on(&self, extent: Option<u32>) -> bool {
        self.slots.iter().zip(0..).all(|(seen, slot)| {
            let page = extent.map(|extent| extent * EXTENT_PAGES + slot);
            seen.id.is_none_or(|id| Some(id.page) == page) && !seen.protection.is_bad()
        })
    }

    fn fit(&self, extent: u32) -> Fit {
        let right = |slot: u32| {
            let file = self.file.or(self.slots[0].id.map(|id| id.file)).unwrap_or(1);
            self.slots[slot as usize].is(file, extent * EXTENT_PAGES + slot)
        };
        let Some(in_use) = self.in_use(extent) else {
            return Fit::Unknown((0..EXTENT_PAGES).filter(|slot| right(*slot)).count() as u32);
        };
        let found = (0..EXTENT_PAGES).filter(|slot| in_use >> slot & 1 == 1 && right(*slot)).count() as u32;
        match in_use.count_ones() {
            0 => Fit::Unused,
            all if all == found => Fit::Holds,
            _ => Fit::Fails(found),
        }
    }

    fn in_use(&self, extent: u32) -> Option<u8> {
        let met = self.met.iter().find_map(|(_, map)| match map {
            Met::Pages(map) if map.covers(extent) && map.home() == extent => Some(map.in_use(extent)),
            Met::Pages(_) | Met::Extents(_) => None,
        });
        met.or_else(|| Some(self.maps.get(extent)?.in_use(extent)))
    }

    /// Goes on to `extent`: what was left out, what came out of order, and the maps that stand in it.
    fn follow(&mut self, extent: u32, findings: &mut Findings) {
        if self.region == 1 {
            if self.last.is_some_and(|last| extent <= last) {
                if !self.striped {
                    findings.note_page(FindingKind::ExtentOrder, self.offset, extent * EXTENT_PAGES);
                }
            } else {
                if !self.striped {
                    self.note_missing(self.last.map_or(0, |last| last + 1), extent, self.offset, findings);
                }
                self.last = Some(extent);
            }
        }
        for (named, map) in std::mem::take(&mut self.met) {
            match map {
                Met::Pages(map) if named == extent => self.adopt(map, findings),
                Met::Extents(map) if named == extent && self.region == 1 => self.extents = Some(map),
                Met::Pages(_) | Met::Extents(_) => {}
            }
        }
        if self.region == 1 && !self.striped {
            self.check_map(extent, findings);
        }
    }

    /// Checks that the extent map calls the extent used. An extent that holds a map itself is copied in any case.
    fn check_map(&mut self, extent: u32, findings: &mut Findings) {
        let page = extent * EXTENT_PAGES;
        let holds_map = extent == 0 || PageMap::stands_at(page) || ExtentMap::stands_at(page);
        let kind = match self.extents.as_ref().filter(|map| map.covers(extent)) {
            Some(map) if map.is_in_use(extent) || holds_map => return,
            Some(_) => FindingKind::ExtentExtra,
            // Without an extent map nobody can say whether something is missing.
            None => FindingKind::AllocationUnknown,
        };
        findings.note_page(kind, self.offset, page);
    }

    fn note_missing(&mut self, from: u32, to: u32, offset: u64, findings: &mut Findings) {
        let Some(map) = &self.extents else { return };
        let mut missing = map.count_in_use(from, to);
        // A later interval begins with the extent of its maps.
        if to > map.end() && to < EXTENTS {
            let skipped = (to / GAM_EXTENTS).saturating_sub(map.end() / GAM_EXTENTS);
            missing += u64::from(skipped) + u64::from(!to.is_multiple_of(GAM_EXTENTS));
        }
        if missing > 0 {
            findings.add(FindingKind::ExtentMissing, offset, None, missing);
        }
    }

    fn adopt(&mut self, map: PageMap, findings: &mut Findings) {
        let (ready, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|waiting| map.covers(waiting.page / EXTENT_PAGES));
        self.waiting = waiting;
        for Waiting { page, seen, offset } in ready {
            let extent = page / EXTENT_PAGES;
            if map.in_use(extent) >> (page % EXTENT_PAGES) & 1 == 1 {
                self.judge(seen, page, offset, findings);
            }
        }
        self.maps.insert(map);
    }

    fn judge_extent(&mut self, extent: u32, findings: &mut Findings) {
        let in_use = self.in_use(extent);
        for slot in 0..EXTENT_PAGES {
            let page = extent * EXTENT_PAGES + slot;
            let offset = self.offset + u64::from(slot) * PAGE_BYTES as u64;
            let seen = self.slots[slot as usize];
            match in_use {
                Some(bits) if bits >> slot & 1 == 1 => self.judge(seen, page, offset, findings),
                Some(_) => {}
                // The maps themselves are always in use.
                None if PageMap::stands_at(page) || ExtentMap::stands_at(page) => {
                    self.judge(seen, page, offset, findings);
                }
                None => self.wait(Waiting { page, seen, offset }, findings),
            }
        }
    }

    fn wait(&mut self, waiting: Waiting, findings: &mut Findings) {
        // What was copied a second time comes without its map, unless we remember it: only a bad page is worth a word.
        let told = self.region == 1 || waiting.seen.protection.is_bad();
        if self.region == 1 && self.waiting.len() < WAITING_PAGES {
            self.waiting.push(waiting);
        } else {
            self.counts.unjudged += 1;
            if told {
                findings.note_page(FindingKind::AllocationUnknown, waiting.offset, waiting.page);
            }
        }
    }

    /// Judges a page in use.
    fn judge(&mut self, seen: Seen, page: u32, offset: u64, findings: &mut Findings) {
        self.counts.allocated += 1;
        let right = seen.id.is_some_and(|id| id.page == page && self.file.is_none_or(|file| file == id.file));
        match seen.protection {
            Protection::Checksum { good } => {
                self.counts.protected += 1;
                if !good {
                    self.counts.bad += 1;
                    findings.note_page(FindingKind::PageChecksum, offset, page);
                }
            }
            Protection::TornBits { good } => {
                self.counts.torn += 1;
                if !good {
                    self.counts.bad += 1;
                    findings.note_page(FindingKind::PageTorn, offset, page);
                }
            }
            Protection::Encrypted => {
                self.counts.unprotected += 1;
                findings.note_page(FindingKind::Encrypted, offset, page);
            }
            Protection::None => self.counts.unprotected += 1,
        }
        if !right && !seen.protection.is_bad() {
            self.strays += 1;
            self.stray.get_or_insert((offset, page));
        }
    }
}
