//! The manual backup (DM21): onto a disk that may be too small, write-protected, or pulled out.

use super::full_disk::{block_on, fill, once_in, shop_with_a_large_database};
use crate::destination::full_disk::mount;
use crate::support::child::{self, Guise};
use crate::support::shop::{Ear, Shop};
use dmbackup::archive;
use dmbackup::backup::outcome::{Outcome, Phase, Purpose, RunReport};
use dmbackup::backup::{self, Aim, Manual};
use dmbackup::problem::Code;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A folder for the shop's manual backups.
fn pen(shop: &Shop) -> PathBuf {
    let pen = shop.path("pen");
    fs::create_dir_all(&pen).unwrap();
    pen
}

async fn manual_with(shop: &mut Shop, manual: Manual, ear: Arc<Ear>, cancel: CancellationToken) -> RunReport {
    let mut order = shop.order();
    order.aim = Aim::Manual(manual);
    backup::run(order, &shop.world, ear, cancel).await
}

async fn manual(shop: &mut Shop, manual: Manual) -> RunReport {
    manual_with(shop, manual, Arc::default(), CancellationToken::new()).await
}

fn into(folder: &Path) -> Manual {
    Manual { folder: folder.to_owned(), replace: false, source: None }
}

/// The names in a folder with what their zips say of themselves: their run's sequence number.
fn backups(folder: &Path) -> Vec<(String, u64)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mut file = fs::File::open(entry.path()).unwrap();
            let manifest = archive::read_manifest(&mut file).ok().flatten();
            (entry.file_name().into_string().unwrap(), manifest.map_or(0, |manifest| manifest.sequence))
        })
        .collect();
    found.sort();
    found
}

fn names(found: &[(&str, u64)]) -> Vec<(String, u64)> {
    found.iter().map(|(name, sequence)| ((*name).to_owned(), *sequence)).collect()
}

#[track_caller]
fn assert_failed(report: &RunReport, code: Code) {
    assert_eq!(report.outcome, Some(Outcome::Failed), "{:?}", report.problems);
    assert_eq!(report.problems[0].code, code, "{:?}", report.problems);
    assert!(report.manual.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_backup_is_written_only_where_a_person_chose() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let (before, pen) = (shop.snapshot(), pen(&shop));
    for sequence in 2..4 {
        let report = manual(&mut shop, into(&pen)).await;
        assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
        assert_eq!(report.purpose, Purpose::Manual { folder: pen.display().to_string() });
        assert_eq!((report.server, report.terminal), (None, None));
        assert_eq!(report.manual.unwrap().path, pen.join("MCDados.zip").display().to_string());
        assert_eq!(report.sequence, sequence);
    }
    assert_eq!(backups(&pen), names(&[("MCDados.anterior.zip", 2), ("MCDados.zip", 3)]));
    let inspected = archive::inspect(&pen.join("MCDados.zip"), &|_| (), &CancellationToken::new()).unwrap();
    assert!(inspected.confirmed() && inspected.problem().is_none());
    shop.assert_unchanged(&before);
    assert_eq!(shop.world.journal.last_good().unwrap().unwrap().sequence, 1);
    assert_eq!(shop.world.journal.pending().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_run_made_is_copied_and_compared() {
    let mut shop = Shop::open().await;
    let made = shop.good_run().await;
    let (before, pen) = (shop.snapshot(), pen(&shop));
    let copy = |source: &RunReport| Manual { source: Some(Box::new(source.clone())), ..into(&pen) };
    let ear = Arc::new(Ear::default());
    let report = manual_with(&mut shop, copy(&made), Arc::clone(&ear), CancellationToken::new()).await;
    assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
    assert_eq!((&report.zip_sha256, &report.verdict), (&made.zip_sha256, &made.verdict));
    assert!(!ear.phases.lock().unwrap().contains(&Phase::Dumping), "without a dump of its own");
    assert_eq!(backups(&pen), names(&[("MCDados.zip", 1)]));
    assert_eq!(
        fs::read(pen.join("MCDados.zip")).unwrap(),
        fs::read(shop.folder().join("MCDados.zip")).unwrap()
    );

    let mut other = made.clone();
    other.zip_sha256 = "0".repeat(64);
    assert_failed(&manual(&mut shop, copy(&other)).await, Code::ManualIo);
    other.hour = (other.hour + 5) % 24;
    assert_failed(&manual(&mut shop, copy(&other)).await, Code::ManualIo);
    assert_eq!(backups(&pen), names(&[("MCDados.zip", 1)]), "and nothing half-made");
    shop.assert_unchanged(&before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_a_failed_dump_leave_the_disk_as_it_was() {
    let mut shop = Shop::open().await;
    let (before, pen) = (shop.snapshot(), pen(&shop));
    manual(&mut shop, into(&pen)).await;
    for phase in [Phase::Packing, Phase::Confirming] {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let ear = once_in(phase, move || stop.cancel());
        let report = manual_with(&mut shop, into(&pen), ear, cancel).await;
        assert_eq!(report.outcome, Some(Outcome::Cancelled), "{phase:?}: {:?}", report.problems);
        assert_eq!(backups(&pen), names(&[("MCDados.zip", 1)]), "{phase:?}");
        shop.standin.until_quiet().await;
    }
    shop.log_in_as("nobody");
    assert_eq!(manual(&mut shop, into(&pen)).await.outcome, Some(Outcome::Failed));
    assert_eq!(backups(&pen), names(&[("MCDados.zip", 1)]));
    shop.assert_unchanged(&before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_the_rotation_or_none_at_all_is_refused_before_the_dump() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let below = shop.terminal().join("pen");
    fs::create_dir(&below).unwrap();
    for (folder, code) in [
        (shop.folder(), Code::ManualPlace),
        (below, Code::ManualPlace),
        (shop.path("sem disco"), Code::ManualMissing),
    ] {
        let ear = Arc::new(Ear::default());
        let report = manual_with(&mut shop, into(&folder), Arc::clone(&ear), CancellationToken::new()).await;
        assert_failed(&report, code);
        assert_eq!(*ear.phases.lock().unwrap(), [Phase::Preparing]);
    }
}

/// The child, which has mounts of its own: a disk with room for one backup, and one that fills.
pub fn use_small_disks(parent: &str) {
    block_on(parent, async {
        let mut shop = shop_with_a_large_database().await;
        let zip_bytes = shop.good_run().await.zip_bytes;
        let (before, pen) = (shop.snapshot(), pen(&shop));
        // Room for one and a half.
        let size = format!("size={}k", zip_bytes * 3 / 2 / 1024);
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &pen);
        let first = manual(&mut shop, into(&pen)).await;
        assert_eq!(first.outcome, Some(Outcome::Success), "{:?}", first.problems);
        let sequence = first.sequence;

        assert_failed(&manual(&mut shop, into(&pen)).await, Code::ManualReplace);
        assert_eq!(backups(&pen), names(&[("MCDados.zip", sequence)]), "nobody said that it may go");
        let replaced = manual(&mut shop, Manual { replace: true, ..into(&pen) }).await;
        assert_eq!(replaced.outcome, Some(Outcome::Success), "{:?}", replaced.problems);
        assert_eq!(backups(&pen), names(&[("MCDados.zip", replaced.sequence)]));

        fs::remove_file(pen.join("MCDados.zip")).unwrap();
        let disk = pen.clone();
        let filling = once_in(Phase::Packing, move || fill(&disk));
        let full = manual_with(&mut shop, into(&pen), filling, CancellationToken::new()).await;
        assert_failed(&full, Code::ManualFull);
        assert_eq!(full.problems[0].exit() as u8, 8);
        assert_eq!(backups(&pen), names(&[("lastro", 0)]), "nothing half-made");
        assert_failed(&manual(&mut shop, into(&pen)).await, Code::ManualFull);
        fs::remove_file(pen.join("lastro")).unwrap();

        mount(&["-o", "remount,ro"], &pen);
        assert_failed(&manual(&mut shop, into(&pen)).await, Code::ManualReadOnly);
        mount(&["-o", "remount,rw"], &pen);
        assert_eq!(manual(&mut shop, into(&pen)).await.outcome, Some(Outcome::Success));
        shop.assert_unchanged(&before);
    });
}

/// The child, which has mounts of its own: the disk goes away in mid-copy, and while SQL Server still dumps.
pub fn pull_the_disk_out(parent: &str) {
    block_on(parent, async {
        let mut shop = shop_with_a_large_database().await;
        shop.good_run().await;
        let (before, pen) = (shop.snapshot(), pen(&shop));
        for phase in [Phase::Dumping, Phase::Packing, Phase::Confirming] {
            mount(&["-t", "tmpfs", "-o", "size=64m", "tmpfs"], &pen);
            let disk = pen.clone();
            let pulling = once_in(phase, move || {
                assert!(Command::new("umount").arg("-l").arg(&disk).status().unwrap().success());
            });
            let report = manual_with(&mut shop, into(&pen), pulling, CancellationToken::new()).await;
            assert_failed(&report, Code::ManualMissing);
            assert_eq!(backups(&pen), [], "{phase:?}: nothing below the mount point");
            shop.standin.until_quiet().await;
        }
        shop.assert_unchanged(&before);
        shop.good_run().await;
    });
}

#[test]
fn small_and_write_protected_disks_are_told_and_keep_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "run::manual", folder.path());
}

#[test]
fn a_disk_that_is_pulled_out_costs_nothing_but_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "run::manual_pulled", folder.path());
}
