//! Which damage, and which thing never seen, leads to which verdict.

use super::made::{EXTENT_BYTES, Extent, Tape, database, extent_of, first_page, release};
use super::*;
use FindingKind as K;

/// Extents in three PFS intervals and in two GAM intervals.
const FAR: [u32; 8] = [0, 1, 2, 1_011, 1_015, 63_693, 63_904, 63_910];

fn at(extents: &[u32], extent: u32) -> usize {
    extents.iter().position(|other| *other == extent).unwrap()
}

/// The findings over a database of the extents `FAR`, changed.
fn changed(change: impl FnOnce(&mut Vec<Extent>)) -> Vec<K> {
    let mut extents = database(&FAR);
    change(&mut extents);
    found(&Tape::of(extents))
}

#[test]
fn a_whole_file_is_good_whichever_intervals_its_pages_lie_in() {
    let examination = check(&Tape::of(database(&FAR)).bytes());
    assert_eq!(examination.findings, []);
    assert_eq!(examination.verdict, Verdict::Good);
    assert_eq!(examination.pages, Pages { allocated: 64, protected: 64, ..Pages::default() });
    assert_eq!(examination.sentence().pt, "nenhum erro encontrado (100 % das páginas protegidas)");
    assert_eq!(examination.description.as_ref().unwrap().database, "MCDados");
    assert_eq!(examination.problem(Some("mcdados")), None);
}

#[test]
fn the_file_of_another_database_is_refused() {
    let examination = check(&Tape::of(database(&[0])).bytes());
    let problem = examination.problem(Some("Estoque")).unwrap();
    assert_eq!(problem.code, Code::BackupOtherDatabase);
    assert!(problem.sentence.pt.contains("«MCDados», não de «Estoque»"), "{problem}");
}

#[test]
fn a_flipped_bit_in_any_page_in_use_is_found_in_every_interval() {
    for extent in 0..FAR.len() {
        for slot in 0..8 {
            let kinds = changed(|extents| extents[extent][slot][5_000] ^= 0x10);
            assert_eq!(kinds.first(), Some(&K::PageChecksum), "page {slot} of extent {}", FAR[extent]);
        }
    }
}

#[test]
fn pages_that_are_not_in_use_are_not_judged() {
    let kinds = changed(|extents| {
        release(&mut extents[0], 13);
        extents[1][5] = [0xee; PAGE_BYTES];
    });
    assert_eq!(kinds, []);
    // Not even where their old bytes are whole pages of another place.
    let kinds = changed(|extents| {
        (16..24).for_each(|page| release(&mut extents[0], page));
        extents[2] = extents[1];
    });
    assert_eq!(kinds, []);
}

#[test]
fn an_extent_that_is_in_use_and_not_there_is_left_to_the_server() {
    for missing in [1, 2, 1_015, 63_910] {
        let kinds = changed(|extents| _ = extents.remove(at(&FAR, missing)));
        assert_eq!(kinds, [K::ExtentMissing], "extent {missing}");
    }
    // Without the extent that holds an allocation page, what it tells of is not judged either.
    let kinds = changed(|extents| _ = extents.remove(at(&FAR, 63_904)));
    assert_eq!(kinds, [K::ExtentMissing, K::AllocationUnknown]);
}

#[test]
fn extents_that_were_taken_into_use_while_the_backup_began_are_left_to_the_server() {
    // The maps know nothing of them: in the middle, at the end of the file, and where the map expects others.
    for extra in [3, 4, 1_012, 63_700, 63_950] {
        let kinds = changed(|extents| {
            let place = FAR.iter().position(|extent| *extent > extra).unwrap_or(FAR.len());
            extents.insert(place, extent_of(extra, &FAR, 1));
        });
        assert_eq!(kinds, [K::ExtentExtra], "extent {extra}");
    }
}

#[test]
fn exchanged_extents_are_noticed() {
    let kinds = changed(|extents| extents.swap(2, 4));
    assert!(kinds.contains(&K::ExtentOrder), "{kinds:?}");
}

#[test]
fn a_few_pages_that_were_copied_too_early_are_left_to_the_server_and_a_hole_is_damage() {
    let kinds = changed(|extents| extents[2][3] = [0; PAGE_BYTES]);
    assert_eq!(kinds, [K::PageRace]);
    let kinds = changed(|extents| extents[2] = [[0; PAGE_BYTES]; 8]);
    assert_eq!(kinds, [K::PagesLost]);
    let kinds = changed(|extents| {
        let (left, right) = extents.split_at_mut(2);
        left[1][6..].swap_with_slice(&mut right[0][6..]);
    });
    assert!(kinds.iter().any(|kind| matches!(kind, K::PagesLost | K::PageRace)), "{kinds:?}");
}

#[test]
fn what_changed_during_the_backup_stands_in_a_second_region_and_is_judged_there_too() {
    let mut tape = Tape::of(database(&FAR));
    tape.regions.push(vec![database(&FAR)[0], database(&FAR)[4]]);
    assert_eq!(found(&tape), []);
    tape.regions[1][1][2][700] ^= 1;
    assert_eq!(found(&tape), [K::PageChecksum]);
}

#[test]
fn pages_that_fill_up_the_last_transfer_belong_to_no_file() {
    let mut filler = [0; PAGE_BYTES];
    filler[..2].copy_from_slice(&[1, 0x65]);
    assert_eq!(changed(|extents| extents.push([filler; 8])), []);
}

#[test]
fn fewer_pages_than_announced_are_left_to_the_server() {
    let mut tape = Tape::of(database(&FAR));
    tape.announced = 64;
    assert_eq!(found(&tape), []);
    tape.announced = 72;
    assert_eq!(found(&tape), [K::ExtentMissing]);
}

#[test]
fn what_was_never_seen_is_not_condemned() {
    let tape = || Tape::of(database(&FAR));
    let differential = Tape { set_attributes: 8, ..tape() };
    assert_eq!(found(&differential), [K::NotFull]);
    let stream = Tape { stream: Some(*b"XYZW"), ..tape() };
    assert_eq!(found(&stream), [K::UnknownStream]);
    let block = Tape { block: Some(*b"MSFS"), ..tape() };
    assert_eq!(found(&block), [K::UnknownBlock]);
    let twice = Tape { sets: 2, ..tape() };
    assert_eq!(found(&twice), [K::SeveralSets]);
    let log_only = Tape { regions: Vec::new(), ..tape() };
    assert_eq!(found(&log_only), [K::BlockOrder, K::NotFull]);
    let mut second_file = tape();
    second_file.regions.push(vec![extent_of(0, &[0], 3)]);
    assert_eq!(found(&second_file), [K::SeveralFiles]);
    second_file.regions = vec![[database(&FAR), vec![extent_of(1, &[0, 1], 3)]].concat()];
    assert_eq!(found(&second_file), [K::SeveralFiles]);
}

#[test]
fn encrypted_pages_are_left_to_the_server() {
    let kinds = changed(|extents| {
        for page in extents.as_flattened_mut() {
            page[5] |= 0x08;
            page[96..].iter_mut().for_each(|byte| *byte ^= 0x5a);
        }
    });
    assert!(kinds.contains(&K::Encrypted), "{kinds:?}");
    assert!(kinds.iter().all(|kind| kind.verdict() == Verdict::NotUnderstood), "{kinds:?}");
}

#[test]
fn one_stripe_of_two_is_reported_as_such_and_its_pages_are_judged() {
    let mut tape = Tape::of(database(&FAR).into_iter().step_by(2).collect());
    tape.stripes = 2;
    assert_eq!(found(&tape)[0], K::Stripe);
    tape.regions[0][1][4][100] ^= 1;
    assert_eq!(found(&tape)[..2], [K::Stripe, K::PageChecksum]);
    let problem = check(&tape.bytes()).problem(None).unwrap();
    assert_eq!(problem.code, Code::BackupStripe);
}

#[test]
fn pages_may_come_before_their_allocation_page() {
    let mut extents = database(&FAR);
    extents[4][2][900] ^= 4;
    extents.swap(3, 4);
    let tape = Tape { stripes: 2, ..Tape::of(extents) };
    let examination = check(&tape.bytes());
    assert_eq!(kinds(&examination), [K::Stripe, K::PageChecksum]);
    assert_eq!(examination.pages.allocated, 64);
}

#[test]
fn what_is_no_backup_is_told_from_what_is_cut_short() {
    let code = |bytes: &[u8]| check(bytes).problem(Some("MCDados")).unwrap().code;
    assert_eq!(code(b""), Code::BackupNotABackup);
    assert_eq!(
        code(b"PK\x03\x04 and so on, for more than fifty-two bytes of a zip file"),
        Code::BackupNotABackup
    );
    assert_eq!(code(&[0; 100_000]), Code::BackupNotABackup);
    assert_eq!(code(b"TAPE"), Code::BackupTruncated);
    let mut native = vec![0xa5; 10_000];
    native[..8].copy_from_slice(b"MSSQLBAK");
    assert_eq!(code(&native), Code::BackupNotUnderstood);
    assert_eq!(code(&native[..20]), Code::BackupNotUnderstood);
}

#[test]
fn every_cut_is_found() {
    let file = Tape::of(database(&[0])).bytes();
    let page = first_page(&file);
    let lengths =
        (4..page).chain((page..page + EXTENT_BYTES).step_by(1_009)).chain(page + EXTENT_BYTES..file.len());
    for length in lengths {
        let examination = check(&file[..length]);
        assert_eq!(examination.findings[0].kind, K::Truncated, "{length} of {} bytes", file.len());
    }
}

#[test]
fn bytes_left_out_or_put_in_are_found() {
    let file = Tape::of(database(&[0, 1])).bytes();
    let page = first_page(&file);
    for (from, to) in [(page, page + EXTENT_BYTES), (512, 1_024), (page - 4, page), (600, 601)] {
        let shorter = [&file[..from], &file[to..]].concat();
        assert_eq!(check(&shorter).verdict, Verdict::Damaged, "without {from}..{to}");
        let longer = [&file[..to], &file[from..]].concat();
        assert_eq!(check(&longer).verdict, Verdict::Damaged, "with {from}..{to} twice");
    }
    let longer = [&file[..], &[0; 1_024]].concat();
    assert_eq!(kinds(&check(&longer)), [K::Trailing]);
    let longer = [&file[..], &[0; 10]].concat();
    assert_eq!(kinds(&check(&longer)), [K::Trailing]);
}
