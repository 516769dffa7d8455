//! Real full disks: small tmpfs that fill in mid-run, and too little room foreseen.

use super::terminal::{make_up, must_warn_with};
use crate::destination::full_disk::mount;
use crate::support::child::{self, Guise};
use crate::support::shop::{Ear, Shop};
use crate::support::sqlserver::{DATABASE, StandIn};
use chrono::TimeDelta;
use dmbackup::backup::outcome::{Outcome, Phase, Progress};
use dmbackup::config::DatabaseName;
use dmbackup::journal::EventKind;
use dmbackup::problem::Code;
use dmbackup::slot::{Hour, Set};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::options::DatabaseOptions;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Runs `task` to its end below `parent`, so that nothing outlives the mounts.
pub fn block_on(parent: &str, task: impl Future<Output = ()>) {
    tempfile::env::override_temp_dir(Path::new(parent)).expect("first of all");
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(task);
}

/// A shop whose backup folder and whose terminal lie each on a disk of its own of so many MiB.
pub async fn shop_on_disks(standin: StandIn, reserve_bytes: u64, mib: u32) -> Shop {
    let size = format!("size={mib}m");
    Shop::open_with(standin, |config| {
        config.backup.reserve_bytes = reserve_bytes;
        let root = config.backup.folder.ancestors().nth(2).unwrap();
        for disk in ["servidor", "terminal"] {
            mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &root.join(disk));
        }
    })
    .await
}

/// Fills the disk of `disk` to its last byte, as another program may at any moment.
pub fn fill(disk: &Path) {
    let mut ballast = File::create(disk.join("lastro")).unwrap();
    for piece in [1 << 20, 1 << 12] {
        let error = loop {
            if let Err(error) = ballast.write_all(&vec![1; piece]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }
}

/// Hears a run, and fills `disk` as soon as something of `phase` is done.
fn filling(disk: PathBuf, phase: Phase) -> Arc<Ear> {
    once_in(phase, move || fill(&disk))
}

/// Hears a run, and does `what` as soon as something of `phase` is done.
pub fn once_in(phase: Phase, what: impl Fn() + Send + Sync + 'static) -> Arc<Ear> {
    let done = AtomicBool::new(false);
    let then = move |progress: &Progress| {
        if progress.phase == phase && progress.done_bytes > 0 && !done.swap(true, Ordering::SeqCst) {
            what();
        }
    };
    Arc::new(Ear { then: Some(Box::new(then)), ..Ear::default() })
}

pub async fn shop_with_a_large_database() -> Shop {
    let standin = StandIn::start_with(|options| options.database(DatabaseOptions::pages_mib("Grande", 24)));
    let mut shop = shop_on_disks(standin, 1 << 20, 128).await;
    let mut config = (*shop.world.config).clone();
    config.databases = vec![DatabaseName::new("Grande").unwrap()];
    shop.world.config = Arc::new(config);
    let pace = Action::Pace(Duration::from_millis(5));
    shop.standin.handle.instance().faults.inject(Fault::at(StatementKind::Backup, pace));
    shop
}

/// The child, which has mounts of its own: the backup folder's disk fills while SQL Server dumps, and while we pack.
pub fn fill_in_mid_run(parent: &str) {
    block_on(parent, async {
        let mut shop = shop_with_a_large_database().await;
        let disk = shop.path("servidor");
        shop.good_run().await;
        for phase in [Phase::Dumping, Phase::Packing] {
            let before = shop.snapshot();
            let ear = filling(disk.clone(), phase);
            let report = shop.run_with(Arc::clone(&ear), CancellationToken::new()).await;
            assert_eq!(report.outcome, Some(Outcome::Failed), "{phase:?}: {:?}", report.problems);
            assert_eq!(report.problems[0].code, Code::SpaceFull, "{phase:?}: {:?}", report.problems);
            assert_eq!(report.problems[0].exit() as u8, 8, "{phase:?}");
            assert_eq!(ear.phases.lock().unwrap().last(), Some(&phase), "it filled there");
            shop.assert_unchanged(&before);
            shop.standin.until_quiet().await;
            fs::remove_file(disk.join("lastro")).unwrap();
            shop.good_run().await;
        }
    });
}

/// The child, which has mounts of its own: the terminal's disk fills while the zip is copied.
pub fn fill_the_terminal(parent: &str) {
    block_on(parent, async {
        let mut shop = shop_with_a_large_database().await;
        shop.good_run().await;
        let disk = shop.path("terminal");
        let before = there(&shop);
        let ear = filling(disk.clone(), Phase::Packing);
        must_warn_with(&mut shop, Code::TerminalFull, ear).await;
        assert_eq!(there(&shop), before, "the copies of earlier backups");
        fs::remove_file(disk.join("lastro")).unwrap();
        make_up(&shop).await;
        shop.good_run().await;
    });
}

/// The child, which has mounts of its own: the terminal's disk is full before the run begins.
pub fn foresee_at_the_terminal(parent: &str) {
    block_on(parent, async {
        let mut shop = shop_on_disks(StandIn::start(), 1 << 20, 128).await;
        shop.good_run().await;
        let disk = shop.path("terminal");
        let before = there(&shop);
        fill(&disk);
        let ear = Arc::new(Ear::default());
        let report = must_warn_with(&mut shop, Code::TerminalFull, Arc::clone(&ear)).await;
        let problem = &report.problems[0];
        assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
        assert_eq!(problem.exit() as u8, 9, "the backup is good, but not everywhere");
        let shown = shop.terminal().display().to_string();
        let told = &problem.sentence.pt;
        assert!(told.contains("não cabe") && told.contains(&shown) && told.contains("faltam"), "{told}");
        assert!(problem.hint.pt.contains("Libere espaço"), "{}", problem.hint.pt);
        let copied = ear.told.lock().unwrap().iter().map(|progress| progress.copied_bytes).max();
        assert_eq!(copied, Some(0), "it was foreseen, and not found out");
        assert_eq!(there(&shop), before, "the copies of earlier backups");
        assert_eq!(released(&shop), Vec::<String>::new(), "nothing is given up in vain");
        fs::remove_file(disk.join("lastro")).unwrap();
        make_up(&shop).await;
        shop.good_run().await;
    });
}

/// What stands at the terminal.
fn there(shop: &Shop) -> BTreeMap<PathBuf, String> {
    let mut files = shop.snapshot();
    files.retain(|path, _| path.starts_with(shop.terminal()));
    files
}

/// The child, which has mounts of its own: what is foreseen not to fit costs nothing old; what may yield does.
pub fn foresee(parent: &str) {
    block_on(parent, async {
        let reserve = 16 << 20;
        let mut shop = shop_on_disks(StandIn::start(), reserve, 512).await;
        for _ in 0..8 {
            shop.good_run().await;
        }
        shop.clock.advance(TimeDelta::hours(13));
        let size = |path: &str| fs::metadata(shop.folder().join(path)).unwrap().len();
        let (bak, zip) = (size("MCDados.bak"), size("09h/MCDados.zip"));
        let health = shop.world.server.health(&DatabaseName::new(DATABASE).unwrap()).await.unwrap();
        let dump = health.database.unwrap().used_bytes.unwrap();
        let need = dump + dump * zip / bak * 11 / 10 + reserve;
        let disk = shop.path("servidor");
        // Of eight hours six must stay: the dump and two hours may yield, and a third one would be needed.
        leave_free(&shop, need - bak - 5 * zip / 2);
        let report = shop
            .must_fail(Code::SpaceForeseen, |shop| {
                assert_eq!(released(shop), Vec::<String>::new(), "nothing is given up in vain");
                leave_free(shop, need - bak - 3 * zip / 2);
            })
            .await;
        assert!(report.problems[0].sentence.pt.contains(&disk.display().to_string()), "{report:?}");
        let gone = ["MCDados.bak", "09h/MCDados.zip", "10h/MCDados.zip"];
        let events = released(&shop);
        assert_eq!(events.len(), gone.len(), "{events:?}");
        for (event, name) in events.iter().zip(gone) {
            let shown = shop.folder().join(name).display().to_string();
            assert!(event.starts_with(&format!("{shown} (")), "{event}");
        }
        for hour in 9..=16 {
            let set = Set::Hour(Hour::new(hour).unwrap());
            let stands = shop.folder().join(format!("{hour:02}h/MCDados.zip")).exists();
            assert_eq!(stands, hour > 10, "{hour} h: the oldest yield, the newest stay");
            shop.tested(&**shop.world.terminal.as_ref().unwrap(), set);
        }
        assert!(shop.folder().join("MCDados.bak").is_file(), "the new dump");
    });
}

/// Makes the backup folder's disk so large that so many bytes are free.
fn leave_free(shop: &Shop, bytes: u64) {
    let space = shop.world.local.space().unwrap();
    let size = space.total_bytes - space.free_bytes + bytes;
    mount(&["-o", &format!("remount,size={size}")], &shop.path("servidor"));
}

/// What the journal tells of released room, oldest first.
fn released(shop: &Shop) -> Vec<String> {
    let mut events = shop.world.journal.events(100).unwrap();
    events.retain(|event| event.kind == EventKind::Released);
    events.into_iter().rev().map(|event| event.text.pt).collect()
}

#[test]
fn a_disk_that_fills_in_mid_run_costs_the_run_and_nothing_older() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "run::full", parent.path());
}

#[test]
fn a_terminal_that_fills_in_mid_copy_costs_the_copy_and_nothing_older() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "run::full_terminal", parent.path());
}

#[test]
fn what_does_not_fit_is_foreseen_and_the_oldest_hours_yield_down_to_the_floor() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "run::foresee", parent.path());
}

#[test]
fn a_terminal_that_is_full_before_the_run_is_foreseen_and_costs_nothing_older() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "run::foresee_terminal", parent.path());
}
