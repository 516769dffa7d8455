//! The journal on full disks, without rights, held by another process, and killed.

use crate::destination::full_disk::mount;
use crate::support::child::{self, Guise, Running};
use chrono::{DateTime, FixedOffset};
use dmbackup::backup::outcome::{Outcome, Purpose, RunReport, Trigger};
use dmbackup::clock::{Clock, SystemClock};
use dmbackup::journal::{EventKind, Journal};
use dmbackup::problem::Code;
use dmbackup::words::Words;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

fn open(state: &Path) -> Journal {
    Journal::open(state, Arc::new(SystemClock))
}

fn now() -> DateTime<FixedOffset> {
    SystemClock.local_now()
}

fn report(sequence: u64, outcome: Option<Outcome>) -> RunReport {
    RunReport {
        sequence,
        finished_at: outcome.map(|_| now()),
        outcome,
        database: "MCDados".to_owned(),
        ..RunReport::begun(Uuid::new_v4(), Trigger::Schedule, Purpose::Rotation, now())
    }
}

/// The child, which has mounts of its own.
pub fn write_to_a_full_disk(parent: &str) {
    let disk = Path::new(parent);
    mount(&["-t", "tmpfs", "-o", "size=2m", "tmpfs"], disk);
    let ballast = disk.join("ballast");
    // Full before the first run: nothing can be made.
    fs::write(&ballast, vec![0; 4 << 20]).unwrap_err();
    let journal = open(disk);
    let problem = journal.problem().unwrap();
    assert_eq!(problem.code, Code::Journal);
    assert!(problem.sentence.pt.contains("o disco está cheio"), "{}", problem.sentence.pt);
    let first = report(1, Some(Outcome::Success));
    journal.finish(&first).unwrap_err();
    assert_eq!(journal.last().unwrap().as_ref(), Some(&first));
    fs::remove_file(&ballast).unwrap();
    journal.event(EventKind::Started, &Words::same("room again")).unwrap();
    assert_eq!(journal.problem(), None);
    drop(journal);

    // Full in mid-use: what was written stays, what is not yet is remembered.
    let journal = open(disk);
    assert_eq!(journal.runs(10, None).unwrap(), std::slice::from_ref(&first));
    fs::write(&ballast, vec![0; 4 << 20]).unwrap_err();
    let mut refused = 0;
    for sequence in 2..60 {
        let mut big = report(sequence, Some(Outcome::Success));
        big.zip_sha256 = "x".repeat(9_000);
        refused += u32::from(journal.finish(&big).is_err());
    }
    assert!(refused > 0, "the disk is full");
    assert_eq!(journal.last().unwrap().unwrap().sequence, 59);
    assert_eq!(journal.runs(100, None).unwrap().len(), 59);
    fs::remove_file(&ballast).unwrap();
    journal.event(EventKind::Stopped, &Words::same("")).unwrap();
    assert_eq!(journal.problem(), None);
    drop(journal);
    let kept: Vec<u64> = open(disk).runs(100, None).unwrap().iter().map(|run| run.sequence).collect();
    assert_eq!(kept, (1..60).rev().collect::<Vec<_>>());
}

/// The child, an ordinary user: root may write everywhere.
pub fn write_without_rights(_: &str) {
    let state = tempfile::tempdir().unwrap();
    let first = report(1, Some(Outcome::Success));
    open(state.path()).finish(&first).unwrap();
    let file = state.path().join("journal.sqlite");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    let journal = open(state.path());
    assert_eq!(journal.problem().unwrap().code, Code::Journal);
    let second = report(2, Some(Outcome::Success));
    journal.finish(&second).unwrap_err();
    assert_eq!(journal.last().unwrap().as_ref(), Some(&second));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    journal.event(EventKind::Started, &Words::same("")).unwrap();
    assert_eq!(open(state.path()).runs(9, None).unwrap(), [second, first]);
}

/// The child: holds the file until it is killed.
pub fn hold_the_file(state: &str) {
    let held = rusqlite::Connection::open(Path::new(state).join("journal.sqlite")).unwrap();
    held.execute_batch("BEGIN EXCLUSIVE").unwrap();
    println!("held");
    loop {
        std::thread::park();
    }
}

/// The child: writes run after run until it is killed.
pub fn write_until_killed(state: &str) {
    let journal = open(Path::new(state));
    journal.interrupt_unfinished(now()).unwrap();
    println!("ready");
    loop {
        let mut run = report(journal.next_sequence(0), None);
        journal.begin(&run).unwrap();
        run.outcome = Some(Outcome::Success);
        journal.finish(&run).unwrap();
        println!("written");
    }
}

#[test]
fn a_full_disk_stops_no_run_and_loses_none() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "journal::full", parent.path());
}

#[test]
fn a_file_that_may_not_be_written_is_told_and_caught_up_with() {
    child::perform(Guise::OrdinaryUser, "journal::rights", Path::new(""));
}

#[test]
fn another_process_that_holds_the_file_delays_and_loses_nothing() {
    let state = tempfile::tempdir().unwrap();
    let journal = open(state.path());
    let mut holder = Running::start("journal::hold", state.path());
    holder.wait_for("held");
    let run = report(1, Some(Outcome::Success));
    assert_eq!(journal.finish(&run).unwrap_err().code, Code::Journal);
    assert_eq!(journal.problem().unwrap().code, Code::Journal);
    holder.kill();
    journal.event(EventKind::Started, &Words::same("")).unwrap();
    assert_eq!(journal.problem(), None);
    assert_eq!(open(state.path()).last().unwrap(), Some(run));
}

#[test]
fn a_journal_killed_at_any_moment_is_whole_and_counts_on() {
    let state = tempfile::tempdir().unwrap();
    let mut last = 0;
    let mut random = fastrand::Rng::with_seed(1_900);
    for _ in 0..50 {
        let mut child = Running::start("journal::kill", state.path());
        child.wait_for("ready");
        for _ in 0..random.u8(0..3) {
            child.wait_for("written");
        }
        std::thread::sleep(Duration::from_micros(random.u64(0..60_000)));
        child.kill();
        let journal = open(state.path());
        assert_eq!(journal.problem(), None);
        let newest = journal.last().unwrap().map_or(0, |run| run.sequence);
        assert!(newest >= last, "runs were lost: {newest} after {last}");
        last = newest;
        let unfinished = journal.interrupt_unfinished(now()).unwrap();
        assert!(unfinished.len() <= 1, "one run at a time");
        assert!(journal.next_sequence(0) > last);
    }
    assert!(last > 20, "hardly anything was written: {last}");
}
