//! A chosen folder: what is kept there, what is left there, and what is told of it.

use super::*;
use crate::problem::Code;
use std::io::Write;

struct Disk {
    root: tempfile::TempDir,
    outside: Outside,
}

fn disk() -> Disk {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("estado");
    fs::create_dir(&state).unwrap();
    fs::create_dir(root.path().join("pen")).unwrap();
    let outside =
        Outside::new(&root.path().join("pen"), &ArchiveName::default(), Arc::new(Ledger::open(&state)));
    Disk { root, outside }
}

impl Disk {
    fn files(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.root.path().join("pen")).unwrap().map(Result::unwrap);
        let read = |entry: fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        };
        let mut files: Vec<_> = entries.map(read).collect();
        files.sort();
        files
    }

    fn write(&self, text: &str) {
        let mut staged = self.outside.stage(text.len() as u64, false).unwrap();
        staged.write_all(text.as_bytes()).unwrap();
        self.outside.publish(staged).unwrap();
    }
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn the_file_before_is_kept_and_the_one_before_that_is_not() {
    let disk = disk();
    disk.write("one");
    assert_eq!(disk.files(), pairs(&[("MCDados.zip", "one")]));
    disk.write("two");
    disk.write("three");
    assert_eq!(disk.files(), pairs(&[("MCDados.anterior.zip", "two"), ("MCDados.zip", "three")]));
}

#[test]
fn an_unfinished_file_leaves_everything_as_it_was() {
    let disk = disk();
    disk.write("one");
    let mut staged = disk.outside.stage(3, false).unwrap();
    staged.write_all(b"two").unwrap();
    drop(staged);
    assert_eq!(disk.files(), pairs(&[("MCDados.zip", "one")]));
}

#[test]
fn a_name_that_cannot_be_taken_gives_the_old_one_back() {
    let disk = disk();
    disk.write("one");
    let staged = disk.outside.stage(3, false).unwrap();
    fs::remove_file(staged.path()).unwrap();
    assert_eq!(disk.outside.publish(staged).unwrap_err().code, Code::ManualMissing);
    assert_eq!(disk.files(), pairs(&[("MCDados.zip", "one")]));
}

#[test]
fn what_a_dead_process_left_is_removed_at_the_next_start_and_nothing_else() {
    let disk = disk();
    disk.write("one");
    std::mem::forget(disk.outside.stage(3, false).unwrap());
    assert_eq!(disk.files().len(), 2);
    let ledger = Ledger::open(&disk.root.path().join("estado"));
    assert_eq!(scrub_outside(&ledger).len(), 1);
    assert_eq!(disk.files(), pairs(&[("MCDados.zip", "one")]));
    assert!(ledger.recorded().is_empty());
}

#[test]
fn what_a_dead_process_left_on_a_disk_that_is_away_waits_for_it() {
    let disk = disk();
    std::mem::forget(disk.outside.stage(3, false).unwrap());
    let (pen, away) = (disk.root.path().join("pen"), disk.root.path().join("away"));
    fs::rename(&pen, &away).unwrap();
    let ledger = Ledger::open(&disk.root.path().join("estado"));
    assert!(scrub_outside(&ledger).is_empty());
    fs::rename(&away, &pen).unwrap();
    assert_eq!(scrub_outside(&ledger).len(), 1);
}

#[test]
fn a_folder_of_a_rotation_is_refused_whoever_it_belongs_to() {
    let disk = disk();
    fs::write(disk.root.path().join(identity::FILE), "{}").unwrap();
    assert_eq!(disk.outside.foresee(0, true).unwrap_err().code, Code::ManualPlace);
}

#[test]
fn a_folder_that_is_missing_or_a_file_is_told() {
    let disk = disk();
    fs::remove_dir(disk.root.path().join("pen")).unwrap();
    assert_eq!(disk.outside.foresee(0, false).unwrap_err().code, Code::ManualMissing);
    fs::write(disk.root.path().join("pen"), "x").unwrap();
    assert_eq!(disk.outside.foresee(0, false).unwrap_err().code, Code::ManualMissing);
}

#[test]
fn what_does_not_fit_is_foreseen() {
    let problem = disk().outside.foresee(u64::MAX / 2, true).unwrap_err();
    // A file system of 4 GiB files says so first.
    assert!(matches!(problem.code, Code::ManualFull | Code::ManualFileLimit), "{problem}");
}

#[test]
fn as_little_as_possible_has_to_go() {
    let found = Found { free_bytes: 10, previous_bytes: Some(8), older_bytes: Some(5) };
    let table = [
        (0, Room::Enough),
        (10, Room::Enough),
        (11, Room::WithoutOlder),
        (15, Room::WithoutOlder),
        (16, Room::WithoutBoth),
        (23, Room::WithoutBoth),
        (24, Room::Missing { bytes: 1 }),
    ];
    for (zip_bytes, room) in table {
        assert_eq!(found.room(zip_bytes), room, "{zip_bytes}");
    }
    let alone = Found { free_bytes: 10, ..Found::default() };
    assert_eq!(alone.room(11), Room::Missing { bytes: 1 });
}

#[test]
fn each_error_of_a_chosen_disk_has_its_code() {
    let table = [
        (io::ErrorKind::StorageFull, Code::ManualFull),
        (io::ErrorKind::ReadOnlyFilesystem, Code::ManualReadOnly),
        (io::ErrorKind::PermissionDenied, Code::ManualReadOnly),
        (io::ErrorKind::FileTooLarge, Code::ManualFileLimit),
        (io::ErrorKind::UnexpectedEof, Code::ManualIo),
    ];
    for (kind, code) in table {
        assert_eq!(explain("/pen", &kind.into()).code, code, "{kind}");
    }
}

/// A disk in FAT32 takes files of up to 4 GiB less one byte: what is larger is foreseen, before anything has to go for it.
#[test]
fn a_zip_that_no_fat32_disk_takes_is_foreseen_and_one_that_just_fits_is_not() {
    let mut disk = disk();
    disk.write("antes");
    disk.outside.largest_file_bytes = |_| Ok(Some(u32::MAX.into()));
    let most = u64::from(u32::MAX);
    for replace in [false, true] {
        let problem = disk.outside.foresee(most + 1, replace).unwrap_err();
        assert_eq!(problem.code, Code::ManualFileLimit, "{problem}");
        assert!(problem.hint.pt.contains("exFAT ou NTFS"), "{problem}");
        assert!(disk.outside.stage(most + 1, replace).is_err());
    }
    let allowed = disk.outside.foresee(most, false).map_err(|problem| problem.code);
    assert_ne!(allowed, Err(Code::ManualFileLimit), "another reason may stand, such as a full disk");
    assert_eq!(disk.files(), pairs(&[("MCDados.zip", "antes")]));
    disk.outside.largest_file_bytes = |_| Ok(None);
    let unlimited = disk.outside.foresee(most + 1, false).map_err(|problem| problem.code);
    assert_ne!(unlimited, Err(Code::ManualFileLimit));
}
