//! Folders that SQL Server's account or we may not write, whole runs.

use super::full_disk::{block_on, shop_on_disks};
use super::terminal::{make_up, must_warn};
use crate::destination::full_disk::mount;
use crate::support::child::{self, Guise, Running};
use crate::support::shop::Shop;
use crate::support::sqlserver::{LIMITS, PROGRAM, StandIn};
use dmbackup::problem::Code;
use dmbackup::sqlserver::Server;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

/// The group of `nobody`, as which an ordinary user's child runs.
const NOBODY: u32 = 65_534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The child, an ordinary user: SQL Server under an account of its own, until it is killed.
pub fn serve(_: &str) {
    let standin = StandIn::start();
    println!("port {}", standin.handle.address().port());
    loop {
        std::thread::park();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_sql_servers_account_may_not_write_is_told_with_the_command_that_mends_it() {
    if !rustix::process::geteuid().is_root() {
        // Without root there is no second account that SQL Server could have.
        return;
    }
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let mut other = Running::start_as(Guise::OrdinaryUser, "run::serve", Path::new(""));
    let port = other.wait_for_value("port ");
    let mut config = shop.standin.config("sa");
    config.port = Some(port.parse().unwrap());
    shop.world.server = Server::with_limits(&config, PROGRAM, LIMITS);
    // The way to the folder is open; the folder is ours alone.
    set_mode(&shop.path(""), 0o755);
    let folder = shop.folder();
    let report = shop
        .must_fail(Code::FolderServerRights, |shop| {
            // What the hint says, but for the account's name: the stand-in tells that of a service.
            chown(shop.folder(), None, Some(NOBODY)).unwrap();
            set_mode(&shop.folder(), 0o2770);
        })
        .await;
    let problem = &report.problems[0];
    let folder = folder.display().to_string();
    for words in [&problem.sentence.pt, &problem.sentence.en] {
        assert!(words.contains(&folder) && words.contains("mssql"), "{words}");
    }
    for words in [&problem.hint.pt, &problem.hint.en] {
        let command = format!("sudo chgrp mssql '{folder}' && sudo chmod 2770 '{folder}'");
        assert!(words.contains(&command), "{words}");
    }
    other.kill();
}

/// The child, which has mounts of its own.
pub fn use_read_only_disks(parent: &str) {
    block_on(parent, async {
        let mut shop = shop_on_disks(StandIn::start(), 1 << 20, 128).await;
        shop.good_run().await;
        let (server, terminal) = (shop.path("servidor"), shop.path("terminal"));
        mount(&["-o", "remount,bind,ro"], &server);
        shop.must_fail(Code::FolderReadOnly, |_| mount(&["-o", "remount,bind,rw"], &server)).await;
        mount(&["-o", "remount,bind,ro"], &terminal);
        must_warn(&mut shop, Code::TerminalReadOnly).await;
        mount(&["-o", "remount,bind,rw"], &terminal);
        make_up(&shop).await;
        shop.good_run().await;
    });
}

/// The child, an ordinary user: root may write everywhere.
pub fn use_folders_without_rights(_: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut shop = Shop::open().await;
        shop.good_run().await;
        let (server, terminal) = (shop.folder(), shop.terminal());
        set_mode(&server, 0o500);
        let report = shop.must_fail(Code::FolderReadOnly, |shop| set_mode(&shop.folder(), 0o700)).await;
        assert!(report.problems[0].sentence.pt.contains(&server.display().to_string()), "{report:?}");
        set_mode(&terminal, 0o500);
        must_warn(&mut shop, Code::TerminalReadOnly).await;
        set_mode(&terminal, 0o700);
        make_up(&shop).await;
        shop.good_run().await;
    });
}

#[test]
fn read_only_disks_are_told_even_to_root() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "run::read_only", parent.path());
}

#[test]
fn folders_that_an_ordinary_user_may_not_write_are_told() {
    child::perform(Guise::OrdinaryUser, "run::rights", Path::new(""));
}
