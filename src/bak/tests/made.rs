//! Small backup files, made here: a database of a few extents anywhere in its data file, and the tape around it.

use super::super::frame::xor_words;
use super::super::page::tests::{page_of, protect};
use super::super::page::{PAGE_BYTES, Page};

pub(super) type Extent = [Page; 8];

const PFS_INTERVAL: u32 = 8_088;
const GAM_INTERVAL: u32 = 511_232;

/// The extents of a database in which just these extents are in use, all their pages in use and protected.
pub(super) fn database(extents: &[u32]) -> Vec<Extent> {
    extents.iter().map(|extent| extent_of(*extent, extents, 1)).collect()
}

pub(super) fn extent_of(extent: u32, in_use: &[u32], file: u16) -> Extent {
    std::array::from_fn(|slot| {
        let id = extent * 8 + slot as u32;
        let page = if id == 0 {
            page_of(15, file, id)
        } else if id == 1 || id.is_multiple_of(PFS_INTERVAL) {
            free_space_page(id, in_use, file)
        } else if id == 2 || id.is_multiple_of(GAM_INTERVAL) {
            extent_page(id, in_use, file)
        } else {
            page_of(1, file, id)
        };
        protect(page)
    })
}

/// A PFS page that calls all pages of the extents in use.
fn free_space_page(id: u32, in_use: &[u32], file: u16) -> Page {
    let mut page = page_of(11, file, id);
    page[96..].fill(0);
    let first = id / PFS_INTERVAL * PFS_INTERVAL;
    for used in in_use.iter().flat_map(|extent| extent * 8..extent * 8 + 8) {
        if (first..first + PFS_INTERVAL).contains(&used) {
            page[100 + (used - first) as usize] = 0x44;
        }
    }
    page
}

/// A GAM page that calls the extents in use.
fn extent_page(id: u32, in_use: &[u32], file: u16) -> Page {
    let mut page = page_of(8, file, id);
    page[194..194 + 7_988].fill(0xff);
    let first = id / GAM_INTERVAL * (GAM_INTERVAL / 8);
    for at in in_use.iter().filter_map(|extent| extent.checked_sub(first)).filter(|at| *at < GAM_INTERVAL / 8)
    {
        page[194 + at as usize / 8] &= !(1 << (at % 8));
    }
    page
}

/// Calls a page unused in the PFS page that stands in `home`.
pub(super) fn release(home: &mut Extent, page: u32) {
    let pfs = usize::from(page < PFS_INTERVAL);
    let mut changed = home[pfs];
    changed[100 + (page % PFS_INTERVAL) as usize] = 0;
    home[pfs] = protect(changed);
}

/// What differs from an ordinary backup file.
pub(super) struct Tape {
    pub regions: Vec<Vec<Extent>>,
    pub stripes: u16,
    pub set_attributes: u32,
    pub sets: usize,
    /// Another stream in front of each stream of pages.
    pub stream: Option<[u8; 4]>,
    /// Another block in front of the log.
    pub block: Option<[u8; 4]>,
    pub database: &'static str,
    pub announced: u32,
}

impl Tape {
    pub(super) fn of(extents: Vec<Extent>) -> Self {
        Self {
            regions: vec![extents],
            stripes: 1,
            set_attributes: 4,
            sets: 1,
            stream: None,
            block: None,
            database: "MCDados",
            announced: 0,
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Out::default();
        let mut tape = vec![0; 140];
        put(&mut tape, 84, &1024u16.to_le_bytes());
        out.block(*b"TAPE", tape);
        let mut raid = [0; 32];
        raid[20..22].copy_from_slice(&self.stripes.to_le_bytes());
        raid[22] = 1;
        out.stream(*b"RAID", 0, &raid);
        out.end_block();
        out.filemark();
        for _ in 0..self.sets {
            self.set(&mut out);
        }
        out.bytes
    }

    fn set(&self, out: &mut Out) {
        out.begin_set();
        let mut set = vec![0; 128];
        put(&mut set, 52, &self.set_attributes.to_le_bytes());
        put(&mut set, 80, &(out.bytes.len() as u64).to_le_bytes());
        out.block(*b"SSET", set);
        out.end_block();
        out.block(*b"VOLB", vec![0; 80]);
        out.end_block();
        out.block(*b"MSCI", vec![0; 56]);
        out.stream(*b"MQCI", 0, &self.info());
        out.end_block();
        for region in &self.regions {
            out.block(*b"MSDA", vec![0; 60]);
            if let Some(id) = self.stream {
                out.stream(id, 0, b"?");
            }
            let pages: Vec<u8> =
                [0u8; 2].into_iter().chain(region.as_flattened().as_flattened().iter().copied()).collect();
            out.stream(*b"MQDA", 2, &pages);
            out.stream(*b"MQDA", 6, &[]);
            out.end_block();
        }
        if let Some(id) = self.block {
            out.block(id, vec![0; 60]);
            out.end_block();
        }
        out.block(*b"MSTL", vec![0; 128]);
        out.stream(*b"MQTL", 0, &[7; 514]);
        out.end_block();
        out.block(*b"MSLS", vec![0; 56]);
        out.stream(*b"MQCI", 0, &self.info());
        out.end_block();
        out.end_set();
        out.filemark();
        for _ in 0..2 {
            out.block(*b"ESET", vec![0; 88]);
            out.end_block();
        }
        out.filemark();
    }

    fn info(&self) -> Vec<u8> {
        let mut info = vec![0; 0x100];
        let name: Vec<u8> = self.database.encode_utf16().flat_map(u16::to_le_bytes).collect();
        put(&mut info, 0, b"SCIN\x00\x01");
        put(&mut info, 0x68, &[name.len() as u8, 0, 0x80, 0]);
        put(&mut info, 0x80, &name);
        let mut file = vec![0; 0x80];
        put(&mut file, 0, b"SFIN\x80");
        put(&mut file, 0x14, &[1]);
        put(&mut file, 0x18, &self.announced.to_le_bytes());
        put(&mut file, 0x24, &[1]);
        info.extend(file);
        info
    }
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    bytes[at..at + what.len()].copy_from_slice(what);
}

#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    set: Option<(usize, u32)>,
    filemarks: Vec<u64>,
}

impl Out {
    fn begin_set(&mut self) {
        self.set = Some((self.bytes.len(), 0));
    }

    fn end_set(&mut self) {
        self.set = None;
    }

    fn block(&mut self, kind: [u8; 4], mut block: Vec<u8>) {
        put(&mut block, 0, &kind);
        let length = block.len() as u16;
        put(&mut block, 8, &length.to_le_bytes());
        if let Some((begin, control)) = &mut self.set {
            put(&mut block, 20, &((self.bytes.len() - *begin) as u64 / 1024).to_le_bytes());
            put(&mut block, 36, &control.to_le_bytes());
            *control += 1;
        }
        let sum = xor_words(&block[..50]);
        put(&mut block, 50, &sum.to_le_bytes());
        self.bytes.extend(block);
    }

    fn stream(&mut self, id: [u8; 4], media: u16, payload: &[u8]) {
        let mut header = [0; 22];
        put(&mut header, 0, &id);
        put(&mut header, 6, &media.to_le_bytes());
        put(&mut header, 8, &(payload.len() as u64).to_le_bytes());
        let sum = xor_words(&header[..20]);
        put(&mut header, 20, &sum.to_le_bytes());
        self.bytes.extend(header);
        self.bytes.extend(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn end_block(&mut self) {
        // Sets begin behind a filemark of 512 bytes, at half a logical block.
        let begin = self.set.map_or(0, |(begin, _)| begin);
        let from = self.bytes.len() + 22 - begin;
        let pad = from.next_multiple_of(1024) - from;
        self.stream(*b"SPAD", 0, &vec![0; pad]);
    }

    fn filemark(&mut self) {
        let mut block = vec![0; 512];
        put(&mut block, 4, &0x8000_0000u32.to_le_bytes());
        put(&mut block, 52, &55u32.to_le_bytes());
        put(&mut block, 56, &(self.filemarks.len() as u32).to_le_bytes());
        put(&mut block, 60, &72u32.to_le_bytes());
        for (index, place) in self.filemarks.iter().rev().enumerate() {
            put(&mut block, 72 + 8 * index, &place.to_le_bytes());
        }
        self.filemarks.push(self.bytes.len() as u64);
        self.block(*b"SFMB", block);
    }
}

/// Where the first page of the first region stands in a file of [`Tape`].
pub(super) fn first_page(file: &[u8]) -> usize {
    file.windows(4).position(|four| four == b"MQDA").map_or(0, |at| at + 24)
}

pub(super) const EXTENT_BYTES: usize = 8 * PAGE_BYTES;
