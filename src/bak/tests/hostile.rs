//! No bytes make the checker panic or grow, and how a file is cut into pieces makes no difference.

use super::made::{Tape, database, first_page};
use super::*;
use proptest::prelude::*;

fn file() -> Vec<u8> {
    Tape::of(database(&[0, 1, 1_011])).bytes()
}

/// What is done to a file: bytes overwritten, moved, left out, or headers whose checksums are made to fit again.
#[derive(Clone, Debug)]
enum Blow {
    Overwrite(prop::sample::Index, Vec<u8>),
    Copy(prop::sample::Index, prop::sample::Index, usize),
    Cut(prop::sample::Index, usize),
    /// A field of a block's or stream's header, with a checksum that fits.
    Header(prop::sample::Index, prop::sample::Index, u8),
}

fn blow() -> impl Strategy<Value = Blow> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        (place(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, with)| Blow::Overwrite(at, with)),
        (place(), place(), 1usize..70_000).prop_map(|(from, to, count)| Blow::Copy(from, to, count)),
        (place(), 1usize..70_000).prop_map(|(at, count)| Blow::Cut(at, count)),
        (place(), place(), any::<u8>()).prop_map(|(which, field, value)| Blow::Header(which, field, value)),
    ]
}

/// The headers in the file: offset and length up to the checksum.
fn headers(file: &[u8]) -> Vec<(usize, usize)> {
    const BLOCKS: [&[u8; 4]; 9] =
        [b"TAPE", b"SFMB", b"SSET", b"VOLB", b"MSCI", b"MSDA", b"MSTL", b"MSLS", b"ESET"];
    const STREAMS: [&[u8; 4]; 5] = [b"RAID", b"SPAD", b"MQCI", b"MQDA", b"MQTL"];
    let of = |ids: &[&[u8; 4]], length: usize| {
        let found = |at: usize| ids.iter().any(|id| file[at..].starts_with(*id));
        (0..file.len() - 52).step_by(2).filter(|at| found(*at)).map(|at| (at, length)).collect::<Vec<_>>()
    };
    [of(&BLOCKS, 50), of(&STREAMS, 20)].concat()
}

fn strike(file: &mut Vec<u8>, blow: &Blow) {
    if file.len() < 100 {
        return;
    }
    match blow {
        Blow::Overwrite(at, with) => {
            let at = at.index(file.len());
            let count = with.len().min(file.len() - at);
            file[at..at + count].copy_from_slice(&with[..count]);
        }
        Blow::Copy(from, to, count) => {
            let (from, to) = (from.index(file.len()), to.index(file.len()));
            let count = (*count).min(file.len() - from.max(to));
            file.copy_within(from..from + count, to);
        }
        Blow::Cut(at, count) => {
            let at = at.index(file.len());
            file.drain(at..(at + count).min(file.len()));
        }
        Blow::Header(which, field, value) => {
            let headers = headers(file);
            let Some((at, length)) = headers.get(which.index(headers.len().max(1))).copied() else { return };
            file[at + field.index(length)] = *value;
            let sum = frame::xor_words(&file[at..at + length]);
            file[at + length..at + length + 2].copy_from_slice(&sum.to_le_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_any_size_make_the_same_examination(
        lengths in prop::collection::vec(prop_oneof![1usize..60, 1usize..20_000], 1..20),
        blows in prop::collection::vec(blow(), 0..3),
    ) {
        let mut file = file();
        blows.iter().for_each(|blow| strike(&mut file, blow));
        prop_assert_eq!(check_in_pieces(&file, &lengths), check(&file));
    }

    #[test]
    fn a_file_that_was_struck_never_makes_it_panic(blows in prop::collection::vec(blow(), 1..8)) {
        let mut file = file();
        blows.iter().for_each(|blow| strike(&mut file, blow));
        let examination = check(&file);
        prop_assert_eq!(examination.bytes, file.len() as u64);
        let _ = (examination.sentence(), examination.problem(Some("MCDados")));
        let Pages { allocated, protected, torn, unprotected, bad, .. } = examination.pages;
        prop_assert_eq!(allocated, protected + torn + unprotected);
        prop_assert!(bad <= allocated);
    }

    #[test]
    fn bytes_at_random_never_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
        begins in any::<bool>(),
    ) {
        let file = if begins { [b"TAPE", &bytes[..]].concat() } else { bytes };
        prop_assert_ne!(check(&file).verdict, Verdict::Good);
    }
}

#[test]
fn one_byte_at_a_time_makes_the_same_examination() {
    let file = file();
    assert_eq!(check_in_pieces(&file, &[1]), check(&file));
}

#[test]
fn every_flipped_bit_before_the_pages_is_found_where_something_protects_it() {
    let file = Tape::of(database(&[0])).bytes();
    let headers = headers(&file);
    let protected = |at: usize| headers.iter().any(|(from, length)| (*from..from + length + 2).contains(&at));
    for at in (0..first_page(&file) - 2).filter(|at| protected(*at)) {
        for bit in 0..8 {
            let mut flipped = file.clone();
            flipped[at] ^= 1 << bit;
            assert_ne!(check(&flipped).verdict, Verdict::Good, "bit {bit} of byte {at}");
        }
    }
}

/// An extent of free-space pages that claims to be the given one.
fn maps_at(extent: u32) -> [Page; 8] {
    std::array::from_fn(|slot| {
        let mut page = [0; PAGE_BYTES];
        page[..2].copy_from_slice(&[1, 11]);
        page[32..36].copy_from_slice(&(extent * 8 + slot as u32).to_le_bytes());
        page[36] = 1;
        page
    })
}

#[test]
fn memory_stays_small_whatever_the_file_claims() {
    // Maps of more intervals than are remembered, and between them pages without any map.
    let mut extents = database(&[0]);
    extents.extend((1..1_400).map(|interval| maps_at(interval * 1_011 + 500 * (interval % 2))));
    let file = Tape::of(extents).bytes();
    let mut checker = Checker::new();
    for piece in file.chunks(100_000) {
        checker.feed(piece);
        assert!(checker.held_bytes() < 400 * 1024, "{} bytes", checker.held_bytes());
    }
    let examination = checker.finish();
    assert_eq!(examination.verdict, Verdict::NotUnderstood);
    assert!(examination.pages.unjudged > 4_096);
}

#[test]
fn a_description_without_end_takes_no_memory_without_end() {
    let file = Tape::of(database(&[0])).bytes();
    let info = file.windows(4).position(|four| four == b"MQCI").unwrap();
    let mut endless = file[..info + 22].to_vec();
    endless[info + 8..info + 16].copy_from_slice(&u64::MAX.to_le_bytes());
    let sum = frame::xor_words(&endless[info..info + 20]);
    endless[info + 20..].copy_from_slice(&sum.to_le_bytes());
    let mut checker = Checker::new();
    checker.feed(&endless);
    for _ in 0..50 {
        checker.feed(&[0x41; 1 << 20]);
    }
    assert!(checker.held_bytes() <= 256 * 1024, "{} bytes", checker.held_bytes());
    assert_eq!(kinds(&checker.finish()), [FindingKind::Truncated]);
}
