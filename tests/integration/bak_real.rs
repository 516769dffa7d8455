//! The check of backup files against files that real servers wrote, where the environment variable `DMBACKUP_REAL_BAK` names
//! a folder of them. They belong to others and are no part of the project; without them these tests say so and pass. What is
//! known of seven of them is held where they are there; every other `*.bak` is taken as it is found. How much damage to them
//! is found is measured in `damage/files.rs`.

use dmbackup::bak::{Checker, Examination, FindingKind, Verdict};
use dmbackup::problem::Code;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A real file, and what is known of it without this program.
struct Real {
    name: &'static str,
    verdict: Verdict,
    database: Option<&'static str>,
    major: u8,
    version: u16,
    /// Share of the pages in use that have checksums.
    percent: f64,
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

/// Those of the known files that are there, with their paths.
fn known() -> Vec<(&'static Real, PathBuf)> {
    let Some(folder) = folder() else { return Vec::new() };
    let known: Vec<_> = REAL.iter().map(|real| (real, folder.join(real.name))).collect();
    let (there, missing): (Vec<_>, Vec<_>) = known.into_iter().partition(|(_, path)| path.exists());
    missing.iter().for_each(|(real, _)| println!("skipped: {} is not in the folder", real.name));
    there
}

/// A file that this program calls good.
pub struct Good {
    pub name: String,
    pub database: String,
    /// Share of the pages in use that have checksums.
    pub percent: f64,
    pub bytes: Vec<u8>,
}

/// Longer files take too long to be damaged thousands of times.
const MAX_BYTES: u64 = 64 << 20;

/// The files of the folder that are good by themselves, in the order of their names.
pub fn good_files() -> Vec<Good> {
    let Some(folder) = folder() else { return Vec::new() };
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("bak")));
    paths.sort();
    paths.iter().filter_map(|path| good(path)).collect()
}

fn good(path: &Path) -> Option<Good> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    if path.metadata().unwrap().len() > MAX_BYTES {
        println!("skipped: {name} is too long");
        return None;
    }
    let bytes = std::fs::read(path).unwrap();
    let examination = check(&bytes);
    let percent = examination.protected_percent().unwrap_or_default();
    match (examination.verdict, examination.description) {
        (Verdict::Good, Some(description)) => {
            Some(Good { name, database: description.database, percent, bytes })
        }
        (verdict, _) => {
            println!("skipped: {name} is {verdict:?} by itself");
            None
        }
    }
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
    for (real, path) in known() {
        let name = real.name;
        let examination = dmbackup::bak::examine(&path).unwrap();
        assert_eq!(examination.verdict, real.verdict, "{name}: {examination:?}");
        assert_eq!(examination.bytes, path.metadata().unwrap().len(), "{name}");
        assert_eq!(examination.pages.bad, 0, "{name}");
        assert_eq!(examination.pages.unjudged, 0, "{name}");
        let percent = examination.protected_percent().unwrap_or_default();
        assert!((percent - real.percent).abs() < 0.01, "{name}: {percent} %");
    }
}

#[test]
fn real_files_are_described() {
    for (real, path) in known() {
        let name = real.name;
        let description = dmbackup::bak::examine(&path).unwrap().description;
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
    for (real, path) in known() {
        let expected = match real.name {
            "northwind_mikhail.bak" => None,
            "northwind_cconocimientos.bak" => Some(Code::BackupStripe),
            "northwind_guilderm.bak" => Some(Code::BackupNotUnderstood),
            "pubs_dwipnandi.bak" => Some(Code::BackupOtherDatabase),
            _ => continue,
        };
        let problem = dmbackup::bak::examine(&path).unwrap().problem(Some("northwind"));
        assert_eq!(problem.map(|problem| problem.code), expected, "{}", real.name);
    }
}

#[test]
fn a_real_file_is_checked_alike_in_pieces_of_any_size() {
    let mut random = fastrand::Rng::with_seed(1);
    for Good { name, bytes: file, .. } in good_files() {
        let whole = check(&file);
        for largest in [7, 100, 5_000, 100_000] {
            let mut checker = Checker::new();
            let mut rest = &file[..];
            while !rest.is_empty() {
                let (piece, others) = rest.split_at(random.usize(1..=largest).min(rest.len()));
                checker.feed(piece);
                rest = others;
            }
            assert_eq!(checker.finish(), whole, "{name} in pieces of up to {largest} bytes");
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
    for Good { name, bytes: file, .. } in good_files() {
        const BLOCKS: [&[u8; 4]; 8] =
            [b"TAPE", b"SFMB", b"SSET", b"VOLB", b"MSCI", b"MSDA", b"MSTL", b"ESET"];
        let headers: Vec<Range<usize>> = places(&file, &BLOCKS)
            .filter(|at| at % 512 == 0)
            .map(|at| at..at + 52)
            .chain(places(&file, &[b"SPAD"]).map(|at| at..at + 100))
            .chain(places(&file, &[b"MQDA", b"MQCI", b"APAD"]).map(|at| at..at + 22))
            .collect();
        let share = found_flips(&file, 300, &mut random, &headers);
        assert_eq!(share, 1.0, "{name}: headers and padding");
        // The pages of the maps and the system's tables at the front are in use in every database.
        let page = places(&file, &[b"MQDA"]).next().unwrap() + 24;
        for number in [0, 1, 2, 3, 9, 10, 12] {
            let start = page + number * 8192;
            if u16::from_le_bytes([file[start + 4], file[start + 5]]) & 0x200 != 0 {
                let page = start..start + 8192;
                let share = found_flips(&file, 20, &mut random, &[page]);
                assert_eq!(share, 1.0, "{name}: page {number}");
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
    let known = good_files().into_iter().find(|good| good.name == "northwind_mikhail.bak");
    let Some(Good { bytes: file, .. }) = known else { return };
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
