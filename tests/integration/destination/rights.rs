//! Folders without rights, mounts that are read-only, and mounts that go away.

use super::full_disk::mount;
use super::*;
use crate::support::child::{self, Guise};
use dmbackup::destination::{Claims, enter};
use dmbackup::problem::Code;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The child, an ordinary user: root may write everywhere.
pub fn use_folders_without_rights(_: &str) {
    let (parent, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = parent.path().join("Backup");
    for (kind, read_only) in [(Kind::Server, Code::FolderReadOnly), (Kind::Terminal, Code::TerminalReadOnly)]
    {
        let destination = folder(kind, &root, state.path());
        set_mode(parent.path(), 0o555);
        assert_eq!(destination.claim(&identity()).unwrap_err().code, read_only, "it cannot be made");
        set_mode(parent.path(), 0o755);
        destination.claim(&identity()).unwrap();
        destination.check(&identity()).unwrap();
        store(&destination, &slot(9), b"old").unwrap();
        assert_eq!(mode(&root), 0o700, "made for its owner only");
        assert_eq!(mode(&root.join("09h")), 0o700);
        assert_eq!(mode(&root.join("09h/MCDados.zip")), 0o600);
        assert_eq!(destination.caveats(), []);

        set_mode(&root, 0o555);
        let problem = destination.check(&identity()).unwrap_err();
        assert_eq!(problem.code, read_only);
        assert!(problem.sentence.pt.contains(&root.display().to_string()), "{}", problem.sentence.pt);
        assert_eq!(destination.caveats()[0].code, Code::FolderOpen);
        assert_eq!(destination.link(&slot(9), &newest()).unwrap_err().code, read_only);
        assert_eq!(destination.stage(&newest()).map(drop).unwrap_err().code, read_only);
        set_mode(&root, 0o700);
        set_mode(&root.join("09h"), 0o500);
        assert_eq!(store(&destination, &slot(9), b"new").unwrap_err().code, read_only);
        set_mode(&root.join("09h"), 0o700);
        assert_eq!(content(&destination, &slot(9)).unwrap(), b"old");
        store(&destination, &slot(9), b"new").unwrap();
        fs::remove_dir_all(&root).unwrap();
    }
}

/// The child, which has mounts of its own.
pub fn use_a_read_only_mount(parent: &str) {
    let parent = Path::new(parent);
    let (root, state) = (parent.join("disk"), parent.join("state"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&state).unwrap();
    mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], &root);
    let destination = folder(Kind::Server, &root, &state);
    destination.claim(&identity()).unwrap();
    destination.check(&identity()).unwrap();
    store(&destination, &slot(9), b"old").unwrap();
    mount(&["-o", "remount,bind,ro"], &root);
    // Also for root, whom no mode stops.
    assert_eq!(destination.check(&identity()).unwrap_err().code, Code::FolderReadOnly);
    assert_eq!(store(&destination, &slot(9), b"new").unwrap_err().code, Code::FolderReadOnly);
    assert_eq!(content(&destination, &slot(9)).unwrap(), b"old");
    mount(&["-o", "remount,bind,rw"], &root);
    store(&destination, &slot(9), b"new").unwrap();
}

/// The child, which has mounts of its own.
pub fn lose_the_mount_in_mid_copy(parent: &str) {
    let parent = Path::new(parent);
    let (root, disk, state) = (parent.join("terminal"), parent.join("disk"), parent.join("state"));
    for folder in [&root, &disk, &state] {
        fs::create_dir(folder).unwrap();
    }
    let show = || mount(&["--bind", disk.to_str().unwrap()], &root);
    show();
    let claims = Claims::open(&state);
    let destination = folder(Kind::Terminal, &root, &state);
    enter(&destination, &identity(), &claims).unwrap();
    store(&destination, &slot(9), b"old").unwrap();
    let mut staged = destination.stage(&slot(9)).unwrap();
    staged.write_all(b"half a copy").unwrap();
    let gone = Command::new("umount").arg("--lazy").arg(&root).status().unwrap();
    assert!(gone.success());

    let _ = staged.seal();
    let problem = staged.publish().unwrap_err();
    assert_eq!(problem.code, Code::TerminalMissing, "{problem}");
    assert_eq!(files_below(&root), Vec::<PathBuf>::new(), "nothing is written below the mount point");
    assert_eq!(enter(&destination, &identity(), &claims).unwrap_err().code, Code::TerminalIdentity);
    assert_eq!(store(&destination, &slot(9), b"new").unwrap_err().code, Code::TerminalIdentity);
    assert_eq!(files_below(&root), Vec::<PathBuf>::new());

    show();
    assert!(files_below(&root).iter().any(|path| is_partial(path)), "what was begun lies there");
    enter(&destination, &identity(), &claims).unwrap();
    assert_eq!(destination.scrub().unwrap().len(), 1, "and was not forgotten");
    assert_eq!(content(&destination, &slot(9)).unwrap(), b"old");
    store(&destination, &slot(9), b"new").unwrap();
}

#[test]
fn folders_without_rights_are_told_and_what_we_make_is_private() {
    child::perform(Guise::OrdinaryUser, "destination::rights", Path::new(""));
}

#[test]
fn a_read_only_mount_is_told_even_to_root() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "destination::read_only", parent.path());
}

#[test]
fn a_terminal_that_vanishes_in_mid_copy_is_missed_cleaned_up_and_used_again() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "destination::vanish", parent.path());
}
