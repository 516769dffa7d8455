//! The agent, killed with SIGKILL at every step of a restore over the live database, whose disk really has not the room for two: the
//! next start names what was left, and resume or undo ends it with every row of the backup, or of before.

use super::kills::{ask, newest, start, until, until_held};
use crate::destination::full_disk::mount;
use crate::run::full_disk::block_on;
use crate::support::agent::Shop;
use crate::support::child::{self, Guise};
use crate::support::sql::Application;
use crate::support::sqlserver::StandIn;
use dmbackup::agent::status::Activity;
use dmbackup::restore::outcome::Task;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const LIVE: &str = "MCDados";

#[test]
fn killed_at_any_step_of_an_overwriting_it_is_named_and_ended_by_resume_or_undo() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "restore::overwrite_kill", parent.path());
}

/// Leaves half of the room that the restored files would need beside the live ones on the server's disk.
fn narrow(shop: &Shop, disk: &Path) {
    let ballast = disk.join("lastro");
    if ballast.exists() {
        fs::remove_file(&ballast).unwrap();
    }
    let plan = shop.ctl(&["restore", "--from", "newest", "--dry-run", "--json"]).json();
    let files = plan["files_bytes"].as_u64().unwrap();
    let told = rustix::fs::statvfs(disk).unwrap();
    let free = told.f_bavail * told.f_frsize;
    assert!(free > files, "there would be room: {free} of {files}");
    // A file without holes, so that the disk is as full as it says.
    let mut file = File::create(&ballast).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(1), free - files / 2), &mut file).unwrap();
}

async fn closed(standin: &StandIn) -> Vec<String> {
    let mut application = Application::connect(standin).await;
    application.rows("SELECT name FROM sys.databases WHERE state <> 0 OR user_access <> 0").await
}

async fn contents(standin: &StandIn) -> Vec<Vec<String>> {
    Application::connect(standin).await.contents(LIVE).await
}

/// The child, which has mounts of its own.
pub fn kill_while_it_overwrites(parent: &str) {
    block_on(parent, async {
        let mut disk = PathBuf::new();
        let standin = StandIn::start_with(|options| {
            fs::create_dir_all(&options.data).unwrap();
            mount(&["-t", "tmpfs", "-o", "size=256m", "tmpfs"], &options.data);
            disk.clone_from(&options.data);
            options
        });
        let shop = Shop::new();
        shop.configure(standin.handle.address().port());
        let mut agent = start(&shop);
        let dumped = contents(&standin).await;
        // From now on its files really lie on that disk.
        let said = shop.ctl(&["restore", "--from", "newest", "--replace", "--confirm", LIVE, "--wait"]);
        assert_eq!(said.exit, 0, "{said:?}");
        assert_eq!(shop.ctl(&["restore", "--tick", "tudo"]).exit, 0);
        assert_eq!(shop.ctl(&["restore", "--release", "--confirm", LIVE, "--wait"]).exit, 0);
        Application::connect(&standin).await.run("DELETE FROM MCDados.dbo.VENDAS").await;
        let live = contents(&standin).await;
        let overwrite = || Task::Overwrite { source: newest(), confirm: LIVE.to_owned() };
        narrow(&shop, &disk);
        let refused = shop.ctl(&["restore", "--from", "newest", "--replace", "--confirm", LIVE, "--wait"]);
        assert_eq!(refused.exit, 8, "no room for both: {refused:?}");

        // Where the database is in doubt afterwards; before the RESTORE it is as it was.
        for (kind, percent, doubtful) in [
            (StatementKind::Backup, 30.0, false),
            (StatementKind::HeaderOnly, 0.0, false),
            (StatementKind::VerifyOnly, 0.0, false),
            (StatementKind::Alter, 0.0, false),
            (StatementKind::Restore, 0.0, true),
            (StatementKind::Restore, 60.0, true),
            (StatementKind::CheckDb, 30.0, true),
        ] {
            for verb in ["--resume", "--undo"] {
                let title = format!("{kind:?} at {percent} %, {verb}");
                let before = standin.handle.instance().faults.held();
                standin.handle.inject(Fault::at(kind, Action::Hold { percent }));
                ask(&shop, overwrite()).await;
                until_held(&standin, before).await;
                agent.kill();
                standin.handle.drop_sessions();
                standin.handle.clear_faults();
                standin.handle.release();
                agent = start(&shop);
                assert!(shop.ctl(&["check"]).exit >= 0);
                let status = until(&shop, |status| status.activity == Activity::Waiting);
                let named = status.checks.iter().any(|check| check.id == "restore");
                assert_eq!(named, doubtful, "{title}: {:?}", status.checks);
                let said = shop.ctl(&["restore", verb, "--confirm", LIVE, "--wait"]);
                if !doubtful {
                    assert_eq!(said.exit, 13, "{title}: nothing had begun: {said:?}");
                } else if verb == "--resume" {
                    assert_eq!(said.exit, 0, "{title}: {said:?}");
                    assert_eq!(closed(&standin).await, Vec::<String>::new(), "{title}");
                    assert!(contents(&standin).await == dumped, "{title}: the backup's rows");
                    let said = shop.ctl(&["restore", "--undo", "--confirm", LIVE, "--wait"]);
                    assert_eq!(said.exit, 0, "{title}: {said:?}");
                } else {
                    assert_eq!(said.exit, 0, "{title}: {said:?}");
                }
                assert_eq!(closed(&standin).await, Vec::<String>::new(), "{title}");
                assert!(contents(&standin).await == live, "{title}: back to what was there");
                assert!(!shop.files("servidor").iter().any(|path| path.ends_with(".partial")), "{title}");
            }
        }
        let said = shop.ctl(&[
            "restore",
            "--from",
            "newest",
            "--replace",
            "--overwrite",
            "--confirm",
            LIVE,
            "--wait",
        ]);
        assert_eq!(said.exit, 0, "{said:?}");
        assert!(said.out.contains("backup de segurança:"), "{said:?}");
        assert!(contents(&standin).await == dumped);
        assert_eq!(agent.terminate().code(), Some(0));
    });
}
