//! What is whole is accepted, and every damage gets the error that SQL Server has for it.

use super::damage::{Place, find, flip_bit, truncate};
use super::*;
use crate::pages::{Database, Synthetic};
use chrono::NaiveDate;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn backup(change: impl FnOnce(&mut DumpRequest)) -> (TempDir, PathBuf) {
    let noon = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap().and_hms_opt(12, 0, 0).unwrap();
    let mut request = DumpRequest::new("MCDados", noon);
    change(&mut request);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("MCDados.bak");
    let mut pages = Synthetic::new(&Database::new("MCDados"), 1, 7).unwrap();
    let mut file = std::fs::File::create(&path).unwrap();
    write_backup(&mut file, &request, &mut pages, &mut |_, _| ControlFlow::Continue(())).unwrap();
    (folder, path)
}

fn error_number(path: &Path) -> Option<u32> {
    verify(path, true).err().map(|fault| fault.number())
}

#[test]
fn a_whole_backup_is_accepted() {
    let (_folder, path) = backup(|_| {});
    verify(&path, true).unwrap();
    verify(&path, false).unwrap();
}

#[test]
fn every_bit_of_a_page_in_use_counts() {
    let (_folder, path) = backup(|_| {});
    for bit in [0, 33, 96 * 8, 60 * 8, 8191 * 8 + 7] {
        flip_bit(&path, Place::Page(40), bit).unwrap();
        let fault = verify(&path, true).unwrap_err();
        assert!(matches!(fault, VerifyFault::PageDamaged { file: 1, page: 40, .. }), "{fault}");
        flip_bit(&path, Place::Page(40), bit).unwrap();
    }
    verify(&path, true).unwrap();
}

#[test]
fn a_page_that_nobody_uses_is_not_judged() {
    let (_folder, path) = backup(|_| {});
    flip_bit(&path, Place::Page(13), 1000).unwrap();
    verify(&path, true).unwrap();
}

#[test]
fn damaged_headers_and_missing_ends_have_their_errors() {
    let cases: [(Place, u32); 7] = [
        (Place::Block(*b"TAPE"), 3241),
        (Place::Block(*b"SSET"), 3242),
        (Place::Block(*b"MSDA"), 3242),
        (Place::Stream(*b"MQDA"), 3242),
        (Place::Block(*b"MSLS"), 3242),
        (Place::Block(*b"ESET"), 3242),
        (Place::Padding, 3189),
    ];
    for (place, number) in cases {
        let (_folder, path) = backup(|_| {});
        flip_bit(&path, place, 101).unwrap();
        assert_eq!(error_number(&path), Some(number), "{place:?}");
    }
}

#[test]
fn wherever_a_file_is_cut_it_is_refused() {
    let (_folder, path) = backup(|_| {});
    let whole = std::fs::read(&path).unwrap();
    let (log, _) = find(&path, Place::Log).unwrap();
    let cuts = [0, 1, 51, 4095, 4096, 8192, 9000, 16_384, 700_000, log, log + 70_000, whole.len() as u64 - 1];
    for cut in cuts {
        std::fs::write(&path, &whole).unwrap();
        truncate(&path, cut).unwrap();
        let number = error_number(&path);
        let expected = if cut == 0 { 3254 } else { 3203 };
        assert_eq!(number, Some(expected), "cut at {cut}");
    }
}

#[test]
fn an_extent_that_the_map_announces_and_the_file_lacks_is_missed() {
    let (_folder, path) = backup(|request| request.checksum = false);
    flip_bit(&path, Place::Page(2), 8 * (194 + 10)).unwrap();
    assert_eq!(verify(&path, false).unwrap_err().number(), 3189);
}

#[test]
fn one_stripe_of_two_is_not_enough() {
    let (_folder, path) = backup(|request| request.stripe = Some(Stripe { number: 1, count: 2 }));
    assert_eq!(error_number(&path), Some(3132));
    let (_second, other) = backup(|request| request.stripe = Some(Stripe { number: 2, count: 2 }));
    assert_eq!(read_header(&other).unwrap().stripe, Stripe { number: 2, count: 2 });
}

#[test]
fn checksums_cannot_be_verified_where_there_are_none() {
    let (_folder, path) = backup(|request| request.checksum = false);
    verify(&path, false).unwrap();
    assert_eq!(error_number(&path), Some(3187));
}

#[test]
fn what_is_no_backup_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bak");
    assert_eq!(error_number(&path), Some(3201));
    std::fs::write(&path, vec![b'x'; 10_000]).unwrap();
    assert_eq!(error_number(&path), Some(3241));
    std::fs::write(&path, b"MSSQLBAK and what only SQL Server can read").unwrap();
    assert_eq!(error_number(&path), None);
}

#[test]
fn real_files_are_judged_as_their_server_would() {
    let Some(folder) = std::env::var_os("DMBACKUP_REAL_BAK").map(PathBuf::from) else { return };
    // All of them were made without checksums, and one is the first stripe of two.
    let made_without = Some(3187);
    let cases = [
        ("backup_andrei.bak", made_without, None),
        ("database_ravindu.bak", made_without, None),
        ("northwind_guilderm.bak", None, None),
        ("northwind_mikhail.bak", made_without, None),
        ("northwind_xandelima.bak", made_without, None),
        ("pubs_dwipnandi.bak", made_without, None),
        ("northwind_cconocimientos.bak", Some(3132), Some(3132)),
    ];
    for (name, with_checksum, without) in cases {
        let path = folder.join(name);
        if !path.exists() {
            println!("skipped: {name} is not in the folder");
            continue;
        }
        assert_eq!(error_number(&path), with_checksum, "{name}");
        assert_eq!(verify(&path, false).err().map(|fault| fault.number()), without, "{name}");
    }
}

#[test]
fn no_bytes_whatever_make_a_reader_panic() {
    let (_folder, path) = backup(|_| {});
    let whole = std::fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..300 {
        let mut spoilt = whole.clone();
        for _ in 0..random.usize(1..20) {
            // Headers, maps and the catalogue are where bytes mean something.
            let at = random.usize(..if round % 2 == 0 { 100_000 } else { whole.len() });
            spoilt[at] = random.u8(..);
        }
        std::fs::write(&path, &spoilt).unwrap();
        let _ = read_header(&path);
        let _ = verify(&path, true);
        let _ = crate::pages::read_rows(&path);
    }
}
