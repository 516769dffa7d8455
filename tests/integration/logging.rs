//! The record of a whole process: on a full disk, and in a panic.

use crate::destination::full_disk::mount;
use crate::support::child::{self, Guise};
use dmbackup::clock::SystemClock;
use dmbackup::logging::Logging;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn start(folder: &Path) -> Logging {
    Logging::start(folder, Arc::new(SystemClock))
}

/// Everything that the record in `folder` says, whatever the day is.
fn record(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// The child, which has mounts of its own.
pub fn write_to_a_full_disk(parent: &str) {
    let disk = Path::new(parent);
    mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], disk);
    let logging = start(&disk.join("log"));
    tracing::info!(target: "dmbackup::test", "room");
    assert!(logging.flush(PATIENCE));
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![0; 2 << 20]).unwrap_err();
    for number in 0..500 {
        tracing::info!(target: "dmbackup::test", number, "{}", "x".repeat(1000));
    }
    assert!(logging.flush(PATIENCE), "a full disk stops nobody");
    fs::remove_file(&ballast).unwrap();
    tracing::info!(target: "dmbackup::test", "room again");
    drop(logging);
    let told = record(&disk.join("log"));
    assert!(told.contains("dmbackup::test: room\n"), "what was written stays");
    let lost = told.lines().find(|line| line.contains("could not be written")).unwrap();
    let words: Vec<_> = lost.split(' ').collect();
    let at = words.iter().position(|word| *word == "lines").unwrap();
    // The last page of the file still took a few.
    assert!((400..=500).contains(&words[at - 1].parse::<u32>().unwrap()), "{lost}");
    assert!(told.ends_with("dmbackup::test: room again\n"));
}

/// The child: panics where nobody looks.
pub fn panic_in_a_thread(folder: &str) {
    let folder = Path::new(folder).join("log");
    let first = start(&folder);
    let second = start(&folder.join("other"));
    std::thread::spawn(|| panic!("algo que não devia acontecer")).join().unwrap_err();
    let told = record(&folder);
    assert!(
        told.contains("ERROR dmbackup::panic: ") && told.contains("algo que não devia acontecer"),
        "{told}"
    );
    assert!(told.contains("tests/integration/logging.rs:"), "{told}");
    drop((first, second));
    assert!(!folder.join("other").exists(), "one process has one record");
}

#[test]
fn a_full_disk_stops_nobody_who_logs_and_is_told_once_there_is_room() {
    let disk = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "logging::full", disk.path());
}

#[test]
fn a_panic_is_written_before_the_program_ends() {
    let folder = tempfile::tempdir().unwrap();
    child::perform(Guise::Ourselves, "logging::panic", folder.path());
}
