//! The reader of dumps: any bytes, also with their checksums made to fit, in pieces of any size.

use dmbackup::bak::{Checker, Examination, PAGE_BYTES, Page, page_checksum};

/// Types of blocks, whose header's checksum stands behind 50 bytes.
const BLOCKS: [&[u8; 4]; 9] =
    [b"TAPE", b"SFMB", b"SSET", b"VOLB", b"MSCI", b"MSDA", b"MSTL", b"MSLS", b"ESET"];
/// Types of streams, whose header's checksum stands behind 20.
const STREAMS: [&[u8; 4]; 5] = [b"RAID", b"SPAD", b"MQCI", b"MQDA", b"MQTL"];
/// Where a page has its checksum.
const PAGE_CHECKSUM: usize = 60;

/// The input as it is, and again so that changes behind a checksum are seen by what comes after it.
pub fn check(data: &[u8]) {
    hold(data);
    hold(&fitted(data));
}

fn hold(file: &[u8]) {
    let whole = examine(file, usize::MAX);
    assert_eq!(whole, examine(file, 1 + file.len() % 700), "how it is cut makes no difference");
    assert_eq!(whole.bytes, file.len() as u64);
    let pages = &whole.pages;
    assert_eq!(pages.allocated, pages.protected + pages.torn + pages.unprotected);
    assert!(pages.bad <= pages.allocated);
    assert!(!whole.sentence().pt.is_empty());
    let _ = whole.problem(Some("MCDados"));
}

fn examine(file: &[u8], piece_bytes: usize) -> Examination {
    let mut checker = Checker::new();
    file.chunks(piece_bytes).for_each(|piece| checker.feed(piece));
    checker.finish()
}

/// The file with checksums that fit, of headers and of the pages in streams of pages.
fn fitted(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for at in (0..file.len()).step_by(4) {
        let known = |ids: &[&[u8; 4]]| ids.iter().any(|id| file[at..].starts_with(*id));
        let length = match (known(&BLOCKS), known(&STREAMS)) {
            (true, _) => 50,
            (_, true) => 20,
            (false, false) => continue,
        };
        if file[at..].starts_with(b"MQDA") {
            fit_pages(&mut file[at..]);
        }
        if let Some(header) = file.get_mut(at..at + length + 2) {
            let words = header[..length].chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
            let sum = words.fold(0, |sum, word| sum ^ word);
            header[length..].copy_from_slice(&sum.to_le_bytes());
        }
    }
    file
}

/// Makes the pages of a stream fit, up to where another stream seems to begin.
fn fit_pages(stream: &mut [u8]) {
    const HEADER_BYTES: usize = 24;
    let Some(bytes) = stream.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
    else {
        return;
    };
    let pages = stream.get_mut(HEADER_BYTES..).unwrap_or_default().chunks_exact_mut(PAGE_BYTES);
    for page in pages.take(usize::try_from(bytes).unwrap_or(usize::MAX) / PAGE_BYTES) {
        let Ok(whole) = Page::try_from(&*page) else { continue };
        page[PAGE_CHECKSUM..PAGE_CHECKSUM + 4].copy_from_slice(&page_checksum(&whole).to_le_bytes());
    }
}
