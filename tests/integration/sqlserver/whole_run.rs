//! A whole run, as the agent makes it, against the stand-in and, where `DMBACKUP_TEST_SQLSERVER` names one with a folder that
//! both use, a real server.

use crate::support::shop::{Ear, TestClock, world};
use crate::support::sqlserver::targets;
use dmbackup::archive;
use dmbackup::backup::outcome::{Outcome, Trigger};
use dmbackup::backup::{self, Aim, Order, World};
use dmbackup::destination::Name;
use dmbackup::slot::{Hour, Set};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A shop in `root` whose backups go to `folder`, which the server knows as `seen` where that is not empty.
fn shop(root: &Path, database: &str, folder: &Path, seen: &str) -> (dmbackup::config::Config, TestClock) {
    fs::create_dir(root.join("terminal")).unwrap();
    let text = format!(
        "version = 1\n[shop]\nlegal_name = 'Farmácia Teste Ltda.'\n\
         [server]\nhost = '127.0.0.1'\nlogin = 'sql'\nuser = 'sa'\npassword = '${{PATH}}'\nservice = ''\n\
         [backup]\ndatabases = ['{database}']\nfolder = '{}'\nreserve = '1 MB'\n{}\
         [terminal]\nfolder = '{}'\nallow_same_volume = true\n",
        folder.display(),
        if seen.is_empty() { String::new() } else { format!("folder_seen_by_server = '{seen}'\n") },
        root.join("terminal").join("MCBkp").display(),
    );
    let path = root.join("dmbackup.toml");
    fs::write(&path, text).unwrap();
    let config = dmbackup::config::load(&path).unwrap_or_else(|findings| panic!("{findings:?}")).config;
    (config, TestClock::at("2022-06-29T12:30:00Z"))
}

async fn run(world: &World, sequence: u64) {
    let order = Order {
        id: Uuid::new_v4(),
        sequence,
        trigger: Trigger::Request,
        attempt: 1,
        begun: world.clock.local_now(),
        accept_shrunk: true,
        aim: Aim::Rotation,
    };
    let ear = Arc::new(Ear::default());
    let report = Box::pin(backup::run(order, world, ear, CancellationToken::new())).await;
    // A server may have its reasons for a warning, as a login with more rights than a backup needs.
    let made = [Some(Outcome::Success), Some(Outcome::Warning)];
    assert!(made.contains(&report.outcome), "{:?}", report.problems);
    assert!(report.terminal.as_ref().is_some_and(|copy| copy.done), "{:?}", report.problems);
    let hour = Set::Hour(Hour::new(report.hour).unwrap());
    for side in [Some(&world.local), world.terminal.as_ref()].into_iter().flatten() {
        for set in [hour, Set::Newest] {
            let path = side.path_of(&Name::zip(set, &world.config.archive_name));
            let inspection = archive::inspect(&path, &|_| (), &CancellationToken::new()).unwrap();
            assert_eq!(inspection.problem(), None, "{}", path.display());
            assert!(inspection.confirmed(), "{}", path.display());
            let manifest = archive::read_manifest(&mut fs::File::open(&path).unwrap()).unwrap().unwrap();
            assert_eq!(manifest.sequence, sequence, "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_leaves_a_whole_backup_on_both_sides_and_the_next_takes_its_place() {
    for target in targets() {
        let Some((folder, seen)) = target.share() else { continue };
        target.clear_share();
        let root = tempfile::tempdir().unwrap();
        let (mut config, clock) = shop(root.path(), target.database.as_str(), &folder, &seen);
        config.server = target.server.config().clone();
        let state = root.path().join("estado");
        fs::create_dir(&state).unwrap();
        let world = world(config, target.server.clone(), &state, &clock);
        run(&world, 1).await;
        clock.advance(chrono::TimeDelta::hours(1));
        run(&world, 2).await;
        assert!(folder.join("MCDados.bak").is_file(), "the dump stands beside its zip");
        let left: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()).collect();
        assert!(
            left.iter().all(|path| path.extension().is_none_or(|extension| extension != "partial")),
            "left half-made: {left:?}"
        );
        assert_eq!(target.server.end_own_statements().await, Ok(0));
        drop(world);
        target.clear_share();
    }
}
