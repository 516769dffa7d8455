//! The acceptance tests against a server that they know by `DMBACKUP_TEST_SQLSERVER` only, as they know a real one: here it is
//! the stand-in, over TCP. Where no real server is at hand nothing else would take this way.

use crate::support::sqlserver::{PASSWORD, StandIn};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// The tests that take a real server.
const ACCEPTANCE: [&str; 3] = ["sqlserver::acceptance::", "sqlserver::whole_run::", "sqlserver::replacing::"];

/// The folder that the tests and the server share, and the server's name for it.
fn shared(root: &Path) -> String {
    let (folder, seen) = (root.join("comum"), root.join("como o servidor a vê"));
    fs::create_dir(&folder).unwrap();
    symlink(&folder, &seen).unwrap();
    format!("folder={};seen={}", folder.display(), seen.display())
}

#[test]
fn the_acceptance_tests_take_a_server_by_its_address() {
    let server = StandIn::start();
    let root = tempfile::tempdir().unwrap();
    let address = server.handle.address();
    let named = format!(
        "server={},{};user=sa;password={PASSWORD};{}",
        address.ip(),
        address.port(),
        shared(root.path())
    );
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(ACCEPTANCE).env("DMBACKUP_TEST_SQLSERVER", named);
    let said = tests.output().unwrap();
    let text = [said.stdout, said.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(said.status.success(), "{text}");
    for of in ACCEPTANCE {
        assert!(text.contains(&format!("test {of}")), "none of {of} was run: {text}");
    }
}
