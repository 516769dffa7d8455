//! File systems without second names; everything else is proved by the suite of all destinations.

use super::*;
use crate::problem::Code;
use crate::slot::Hour;
use std::io::Write;
use tempfile::TempDir;

struct Disk {
    folder: Folder,
    _places: [TempDir; 2],
}

fn slot() -> Name {
    Name::zip(Set::Hour(Hour::ALL[9]), &ArchiveName::default())
}

fn newest() -> Name {
    Name::zip(Set::Newest, &ArchiveName::default())
}

/// A claimed folder whose file system refuses hard links as vfat does, with a slot of `new` and a newest of `old`.
fn without_hard_links(kind: Kind, copy: fn(&Path, &Path) -> io::Result<u64>) -> Disk {
    let [root, state] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let ledger = Arc::new(Ledger::open(state.path()));
    let mut folder = Folder::new(kind, root.path(), ArchiveName::default(), ledger);
    folder.calls = Calls { hard_link: |_, _| Err(io::ErrorKind::Unsupported.into()), copy };
    folder.claim(&Identity { shop: String::new(), agent: Uuid::from_u128(1) }).unwrap();
    for (name, content) in [(slot(), "new"), (newest(), "old")] {
        let mut staged = folder.stage(&name).unwrap();
        staged.write_all(content.as_bytes()).unwrap();
        staged.publish().unwrap();
    }
    Disk { folder, _places: [root, state] }
}

impl Disk {
    fn newest(&self) -> String {
        fs::read_to_string(self.folder.path_of(&newest())).unwrap()
    }

    fn is_clean(&self) -> bool {
        !self.folder.root.join(newest().partial()).exists() && self.folder.ledger.recorded().is_empty()
    }
}

#[test]
fn where_there_are_no_second_names_a_verified_copy_is_made() {
    let disk = without_hard_links(Kind::Terminal, |from, to| fs::copy(from, to));
    assert_eq!(disk.folder.has_hard_links(), None);
    assert_eq!(disk.folder.link(&slot(), &newest()).unwrap(), Linked::Copied);
    assert_eq!(disk.folder.has_hard_links(), Some(false));
    assert_eq!(disk.newest(), "new");
    let [one, two] = [slot(), newest()].map(|name| disk.folder.stat(&name).unwrap().unwrap().same_as);
    assert_ne!(one, two, "it takes its own room");
    assert!(platform::is_kept_secret(&disk.folder.path_of(&newest())).unwrap());
    assert!(disk.is_clean());
}

#[test]
fn a_copy_that_is_not_equal_replaces_nothing() {
    for (kind, code) in [(Kind::Server, Code::BackupReadBack), (Kind::Terminal, Code::TerminalIo)] {
        let disk = without_hard_links(kind, |_, to| fs::write(to, "nev").map(|()| 3));
        assert_eq!(disk.folder.link(&slot(), &newest()).unwrap_err().code, code);
        assert_eq!(disk.newest(), "old");
        assert!(disk.is_clean());
    }
}

#[test]
fn a_copy_that_fails_replaces_nothing_and_leaves_nothing() {
    let disk = without_hard_links(Kind::Terminal, |_, to| {
        fs::write(to, "n")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!(disk.folder.link(&slot(), &newest()).unwrap_err().code, Code::TerminalFull);
    assert_eq!(disk.newest(), "old");
    assert!(disk.is_clean());
}
