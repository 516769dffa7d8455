//! What is fuzzed, as ordinary tests: the corpus, and thousands of small changes of it from a fixed seed, through the same
//! functions. `cargo xtask fuzz` searches further.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use fastrand::Rng;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A target's name and function, and how many changed inputs it gets here.
type Target = (&'static str, fn(&[u8]), u32);

const TARGETS: [Target; 6] = [
    ("config", targets::config::check, 1_000),
    ("control", targets::control::check, 10_000),
    ("manifest", targets::manifest::check, 10_000),
    ("mtf", targets::mtf::check, 300),
    ("tds", targets::tds::check, 2_000),
    ("zip", targets::zip::check, 2_000),
];

/// Changed inputs are not longer.
const MAX_BYTES: usize = 100_000;

fn folder(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(below)
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> =
        fs::read_dir(folder("corpus").join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Runs the corpus of a target, then changes of it.
fn smoke(name: &str) {
    let (_, check, changes) = TARGETS.into_iter().find(|(target, ..)| *target == name).unwrap();
    let corpus = corpus(name);
    assert!(corpus.len() >= 3, "tests/fuzz/corpus/{name} has {} files", corpus.len());
    check(&[]);
    corpus.iter().for_each(|input| check(input));
    let mut random = Rng::with_seed(20_220_628);
    for _ in 0..changes {
        check(&changed(&corpus, &mut random));
    }
}

/// A file of the corpus with one to four changes.
fn changed(corpus: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut input = corpus[random.usize(..corpus.len())].clone();
    for _ in 0..random.usize(1..=4) {
        let at = random.usize(..=input.len());
        let count = random.usize(1..=16).min(input.len() - at);
        match random.u8(..7) {
            0 => input[at..at + count].iter_mut().for_each(|byte| *byte ^= 1 << random.u8(..8)),
            1 => input[at..at + count].iter_mut().for_each(|byte| *byte = random.u8(..)),
            2 => input[at..at + count].fill(if random.bool() { 0xff } else { 0 }),
            3 => drop(input.drain(at..at + count)),
            4 => input.truncate(at),
            5 => {
                let other = &corpus[random.usize(..corpus.len())];
                let from = random.usize(..=other.len());
                let piece = &other[from..other.len().min(from + random.usize(..=200))];
                drop(input.splice(at..at + count, piece.iter().copied()));
            }
            _ => drop(input.splice(at..at, (0..count).map(|_| random.u8(..)).collect::<Vec<_>>())),
        }
    }
    input.truncate(MAX_BYTES);
    input
}

#[test]
fn configurations_of_any_bytes_are_loaded_or_refused() {
    smoke("config");
}

#[test]
fn frames_of_any_bytes_are_read_or_refused() {
    smoke("control");
}

#[test]
fn manifests_of_any_bytes_are_read_or_refused() {
    smoke("manifest");
}

#[test]
fn dumps_of_any_bytes_are_examined() {
    smoke("mtf");
}

#[test]
fn answers_of_any_bytes_are_understood_or_a_problem() {
    smoke("tds");
}

#[test]
fn zips_of_any_bytes_are_inspected_or_refused() {
    smoke("zip");
}

/// What `cargo xtask fuzz` runs is what is run here, and nothing large has crept into the repository.
#[test]
fn every_target_has_a_program_a_corpus_and_a_smoke_test() {
    let names = |folder: PathBuf| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let here: BTreeSet<_> = TARGETS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(names(folder("fuzz_targets")), here);
    assert_eq!(names(folder("corpus")), here);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    assert!(here.iter().all(|name| manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\""))));
    let bytes: usize = here.iter().flat_map(|name| corpus(name)).map(|input| input.len()).sum();
    assert!(bytes < 400 << 10, "the corpus takes {bytes} bytes");
}
