//! A real full disk: a small tmpfs.

use super::*;
use crate::support::child::{self, Guise};
use dmbackup::problem::Code;
use std::process::Command;

pub fn mount(arguments: &[&str], at: &Path) {
    let status = Command::new("mount").args(arguments).arg(at).status().expect("mount (util-linux)");
    assert!(status.success(), "mount {arguments:?} failed: this test needs root or user namespaces");
}

/// The child, which has mounts of its own.
pub fn fill_a_small_disk(parent: &str) {
    let parent = Path::new(parent);
    let (disk, state) = (parent.join("disk"), parent.join("state"));
    fs::create_dir(&disk).unwrap();
    fs::create_dir(&state).unwrap();
    mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], &disk);
    for (kind, code) in [(Kind::Server, Code::SpaceFull), (Kind::Terminal, Code::TerminalFull)] {
        let root = disk.join("Backup");
        let destination = folder(kind, &root, &state);
        destination.claim(&identity()).unwrap();
        destination.check(&identity()).unwrap();
        let old = vec![1; 300_000];
        store(&destination, &slot(9), &old).unwrap();
        destination.link(&slot(9), &newest()).unwrap();
        assert!(destination.space().unwrap().total_bytes == 1 << 20);

        let problem = store(&destination, &slot(9), &vec![2; 900_000]).unwrap_err();
        assert_eq!(problem.code, code);
        assert!(content(&destination, &slot(9)).unwrap() == old);
        assert!(content(&destination, &newest()).unwrap() == old);
        assert!(
            !files_below(&root).iter().any(|path| is_partial(path)),
            "the partial file gave its room back"
        );
        store(&destination, &slot(9), &vec![3; 600_000]).unwrap();
        fs::remove_dir_all(&root).unwrap();
    }
    ledger_on_a_full_disk(&disk, parent);
}

/// The state folder's disk is full: names go unrecorded, and backups go on.
fn ledger_on_a_full_disk(disk: &Path, parent: &Path) {
    let state = disk.join("state");
    fs::create_dir(&state).unwrap();
    let root = parent.join("Backup");
    let destination = folder(Kind::Server, &root, &state);
    destination.claim(&identity()).unwrap();
    fs::write(disk.join("ballast"), vec![0; 2 << 20]).unwrap_err();
    for hour in 0..24 {
        store(&destination, &slot(hour), b"whole").unwrap();
    }
    fs::remove_file(disk.join("ballast")).unwrap();
    std::mem::forget(destination.stage(&slot(9)).unwrap());
    let next = folder(Kind::Server, &root, &state);
    next.check(&identity()).unwrap();
    assert_eq!(next.scrub().unwrap().len(), 1, "with room again, names are recorded again");
}

#[test]
fn a_full_disk_is_told_leaves_the_old_files_and_gives_its_room_back() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "destination::full", parent.path());
}
