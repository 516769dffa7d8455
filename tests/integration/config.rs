//! The configuration and the rights of those who read it.

use crate::support::child::{self, Guise};
use dmbackup::config::{Finding, Loaded, load};
use dmbackup::problem::Code;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A configuration that is in order, with its password in a file, in a folder that only its owner may enter.
fn shop(parent: &Path) -> PathBuf {
    let text = "version = 1\n[shop]\nlegal_name = \"Farmácia\"\n[server]\nuser = \"sa\"\npassword_file = \"senha\"\n\
                [backup]\nfolder = \"/srv/Backup\"\n[terminal]\nlocal_only = true\n";
    let path = parent.join("dmbackup.toml");
    fs::write(&path, text).unwrap();
    fs::write(parent.join("senha"), "abre-te").unwrap();
    set(&parent.join("senha"), 0o600);
    set(&path, 0o644);
    set(parent, 0o755);
    path
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn codes(loaded: Result<Loaded, Vec<Finding>>) -> Vec<Code> {
    let findings = loaded.map(|loaded| loaded.warnings).unwrap_or_else(|findings| findings);
    findings.iter().map(|finding| finding.problem.code).collect()
}

/// The child, an ordinary user.
pub fn read_without_rights(_: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = shop(folder.path());
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.warnings, []);

    set(&path, 0o666);
    assert_eq!(
        load(&path).unwrap().warnings[0].problem.code,
        Code::ConfigWritable,
        "only a warning for oneself"
    );
    set(&path, 0o000);
    assert_eq!(codes(load(&path)), [Code::ConfigUnreadable]);
    set(&path, 0o644);
    set(folder.path(), 0o000);
    assert_eq!(codes(load(&path)), [Code::ConfigUnreadable]);
    set(folder.path(), 0o755);

    for mode in [0o640, 0o604, 0o644] {
        set(&folder.path().join("senha"), mode);
        assert_eq!(codes(load(&path)), [Code::ConfigSecret], "{mode:o}");
    }
    set(&folder.path().join("senha"), 0o000);
    assert_eq!(codes(load(&path)), [Code::ConfigSecret]);
    set(&folder.path().join("senha"), 0o400);
    assert_eq!(load(&path).unwrap().config, loaded.config);
}

/// The child, an administrator as services are.
pub fn refuse_what_others_may_write(folder: &str) {
    let folder = Path::new(folder);
    let path = shop(folder);
    assert_eq!(load(&path).unwrap().warnings, []);
    set(&path, 0o666);
    assert_eq!(codes(load(&path)), [Code::ConfigWritable]);
    set(&path, 0o644);
    set(folder, 0o777);
    assert_eq!(codes(load(&path)), [Code::ConfigWritable], "who may write the folder may replace the file");
    set(folder, 0o1777);
    assert_eq!(load(&path).unwrap().warnings, []);
}

#[test]
fn an_ordinary_user_is_told_what_may_not_be_read_and_warned_of_what_others_may_write() {
    child::perform(Guise::OrdinaryUser, "config::rights", Path::new("/"));
}

#[test]
fn a_service_refuses_a_configuration_that_ordinary_users_may_write() {
    let folder = tempfile::tempdir().unwrap();
    // Root of mounts of its own, also where the tests are an ordinary user's.
    child::perform(Guise::OwnMounts, "config::service", folder.path());
}

#[test]
fn a_pipe_in_place_of_the_configuration_is_told_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dmbackup.toml");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert_eq!(codes(load(&path)), [Code::ConfigUnreadable]);
    assert!(dmbackup::config::fingerprint(&path).is_err());
}
