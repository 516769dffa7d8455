//! The check of backup files against files that real servers wrote, where the environment variable `DMBACKUP_REAL_BAK` names
//! a folder of them. They belong to others and are no part of the project; without them these tests say so and pass. How much
//! damage to them is found is measured in `damage/files.rs`.

use dmbackup::bak::{Checker, Examination, FindingKind, Verdict};
use dmbackup::problem::Code;
use std::ops::Range;
use std::path::PathBuf;

/// A real file, and what is known of it without this program.
pub struct Real {
    pub name: &'static str,
    verdict: Verdict,
    pub database: Option<&'static str>,
    major: u8,
    version: u16,
    /// Share of the pages in use that have checksums.
    pub percent: f64,
}

const fn real(name: &'static str, database: &'static str, major: u8, version: u16, percent: f64) -> Real {
    Real { name, verdict: Verdict::Good, database: Some(database), major, version, percent }
}

const REAL: [Real; 7] = [
    real("northwind_mikhail.bak", "Northwind", 10, 655, 99.57),
    real("pubs_dwipnandi.bak", "pubs", 11, 706, 99.42),
    real("backup_andrei.bak", "MindBox", 14, 869, 99.28),
    real("database_ravindu.bak", "Database", 13, 852, 69.67),
    real("northwind_xandelima.bak", "Northwind", 9, 611, 0.0),
    Real { verdict: Verdict::Damaged, ..real("northwind_cconocimientos.bak", "Northwind", 12, 782, 99.61) },
    Real {
        name: "northwind_guilderm.bak",
        verdict: Verdict::NotUnderstood,
        database: None,
        major: 0,
        version: 0,
        percent: 0.0,
    },
];

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("DMBACKUP_REAL_BAK").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: DMBACKUP_REAL_BAK names no folder of real backup files");
    }
    folder
}

/// The real files that are good by themselves, with their bytes.
pub fn good_files() -> Vec<(&'static Real, Vec<u8>)> {
    let Some(folder) = folder() else { return Vec::new() };
    let good = REAL.iter().filter(|real| real.verdict == Verdict::Good);
    good.map(|real| (real, std::fs::read(folder.join(real.name)).unwrap())).collect()
}

fn check(file: &[u8]) -> Examination {
    let mut checker = Checker::new();
    checker.feed(file);
    checker.finish()
}

fn is_found(file: &[u8]) -> bool {
    check(file).verdict != Verdict::Good
}

#[test]
fn every_real_file_gets_the_verdict_that_it_deserves() {
    let Some(folder) = folder() else { return };
    for real in &REAL {
        let name = real.name;
        let examination = dmbackup::bak::examine(&folder.join(name)).unwrap();
        assert_eq!(examination.verdict, real.verdict, "{name}: {examination:?}");
        assert_eq!(examination.bytes, folder.join(name).metadata().unwrap().len(), "{name}");
        assert_eq!(examination.pages.bad, 0, "{name}");
        assert_eq!(examination.pages.unjudged, 0, "{name}");
        let percent = examination.protected_percent().unwrap_or_default();
        assert!((percent - real.percent).abs() < 0.01, "{name}: {percent} %");
    }
}

#[test]
fn real_files_are_described() {
    let Some(folder) = folder() else { return };
    for real in &REAL {
        let name = real.name;
        let description = dmbackup::bak::examine(&folder.join(name)).unwrap().description;
        let Some(database) = real.database else {
            assert_eq!(description, None, "{name}");
            continue;
        };
        let found = description.unwrap();
        assert_eq!(found.database, database, "{name}");
        assert_eq!((found.build.major, found.database_version), (real.major, real.version), "{name}");
        assert_eq!(found.software, "Microsoft SQL Server", "{name}");
        assert!(found.server.starts_with(&found.machine) && !found.machine.is_empty(), "{name}");
        assert_eq!(found.name.trim_start_matches(database), "-Full Database Backup", "{name}");
        assert!(found.created < found.started && found.started <= found.finished, "{name}");
        assert!(!found.checksums && !found.copy_only, "{name}");
        let [data, log] = &found.files[..] else { panic!("{name}: {:?}", found.files) };
        assert!(data.path.ends_with(".mdf") && !data.log && data.pages > 0, "{name}");
        assert!(log.path.ends_with(".ldf") && log.log && log.pages == 0, "{name}");
        assert!(log.logical_name.ends_with("_log"), "{name}");
    }
}

#[test]
fn the_problems_of_real_files_have_their_codes() {
    let Some(folder) = folder() else { return };
    let problem = |name: &str| dmbackup::bak::examine(&folder.join(name)).unwrap().problem(Some("northwind"));
    assert_eq!(problem("northwind_mikhail.bak"), None);
    assert_eq!(problem("northwind_cconocimientos.bak").unwrap().code, Code::BackupStripe);
    assert_eq!(problem("northwind_guilderm.bak").unwrap().code, Code::BackupNotUnderstood);
    assert_eq!(problem("pubs_dwipnandi.bak").unwrap().code, Code::BackupOtherDatabase);
}

#[test]
fn a_real_file_is_checked_alike_in_pieces_of_any_size() {
    let mut random = fastrand::Rng::with_seed(1);
    for (real, file) in good_files() {
        let whole = check(&file);
        for largest in [7, 100, 5_000, 100_000] {
            let mut checker = Checker::new();
            let mut rest = &file[..];
            while !rest.is_empty() {
                let (piece, others) = rest.split_at(random.usize(1..=largest).min(rest.len()));
                checker.feed(piece);
                rest = others;
            }
            assert_eq!(checker.finish(), whole, "{} in pieces of up to {largest} bytes", real.name);
        }
    }
}

/// Flips `count` single bits in bytes that are drawn from `places`; the share that is found.
fn found_flips(file: &[u8], count: u32, random: &mut fastrand::Rng, places: &[Range<usize>]) -> f64 {
    let mut file = file.to_vec();
    let mut found = 0;
    for _ in 0..count {
        let range = places[random.usize(..places.len())].clone();
        let (at, bit) = (random.usize(range), 1 << random.u32(..8));
        file[at] ^= bit;
        found += u32::from(is_found(&file));
        file[at] ^= bit;
    }
    f64::from(found) / f64::from(count)
}

#[test]
fn every_flipped_bit_in_headers_padding_and_pages_with_checksums_is_found() {
    let mut random = fastrand::Rng::with_seed(4);
    for (real, file) in good_files() {
        const BLOCKS: [&[u8; 4]; 8] =
            [b"TAPE", b"SFMB", b"SSET", b"VOLB", b"MSCI", b"MSDA", b"MSTL", b"ESET"];
        let headers: Vec<Range<usize>> = places(&file, &BLOCKS)
            .filter(|at| at % 512 == 0)
            .map(|at| at..at + 52)
            .chain(places(&file, &[b"SPAD"]).map(|at| at..at + 100))
            .chain(places(&file, &[b"MQDA", b"MQCI", b"APAD"]).map(|at| at..at + 22))
            .collect();
        let share = found_flips(&file, 300, &mut random, &headers);
        assert_eq!(share, 1.0, "{}: headers and padding", real.name);
        // The pages of the maps and the system's tables at the front are in use in every database.
        let page = places(&file, &[b"MQDA"]).next().unwrap() + 24;
        for number in [0, 1, 2, 3, 9, 10, 12] {
            let start = page + number * 8192;
            if u16::from_le_bytes([file[start + 4], file[start + 5]]) & 0x200 != 0 {
                let page = start..start + 8192;
                let share = found_flips(&file, 20, &mut random, &[page]);
                assert_eq!(share, 1.0, "{}: page {number}", real.name);
            }
        }
    }
}

/// Where one of the tags stands at a multiple of four.
fn places(file: &[u8], tags: &[&[u8; 4]]) -> impl Iterator<Item = usize> {
    let found = |at: &usize| tags.iter().any(|tag| file[*at..].starts_with(*tag));
    (0..file.len()).step_by(4).filter(found).collect::<Vec<_>>().into_iter()
}

#[test]
fn damage_to_a_real_file_is_told_by_its_kind() {
    let Some((_, file)) = good_files().into_iter().next() else { return };
    let kinds = |file: &[u8]| check(file).findings.iter().map(|finding| finding.kind).collect::<Vec<_>>();
    let page = places(&file, &[b"MQDA"]).next().unwrap() + 24;
    let flipped = |at: usize| {
        let mut file = file.clone();
        file[at] ^= 1;
        kinds(&file)
    };
    assert_eq!(flipped(page + 9 * 8192 + 4_000), [FindingKind::PageChecksum]);
    assert_eq!(flipped(20), [FindingKind::BlockHeader]);
    assert_eq!(flipped(page - 10), [FindingKind::StreamHeader]);
    assert_eq!(flipped(file.len() - 600), [FindingKind::Padding]);
    assert_eq!(kinds(&[&file[..], b"more"].concat()), [FindingKind::Trailing]);
    let mut shorter = file.clone();
    shorter.drain(page..page + 65_536);
    assert_eq!(check(&shorter).verdict, Verdict::Damaged);
}
