//! The whole agent and its restore tests, by a clock that is moved by hand: when they begin, what they give way to, and who hears.

use crate::agent_clock::Day;
use crate::support::sql::Application;
use chrono::TimeDelta;
use dmbackup::agent::status::{Activity, Status};
use dmbackup::backup::outcome::Outcome;
use dmbackup::control::protocol::{Reply, Request};
use dmbackup::cycle::catalogue::Severity;
use dmbackup::icon::Icon;
use dmbackup::problem::Code;
use dmbackup::restore::outcome::{AGENT, RestoreReport, Task, Verdict};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use std::fs;

/// A test an hour, so that a morning shows what weeks are like.
const HOURLY: &str = "restore_test = '1 h'";

/// Lets so many minutes pass, at whose end a test begins; its verdict. `before` tests came to one before.
async fn tested_after(day: &mut Day, minutes: i64, before: usize) -> Verdict {
    let last = day.status.borrow().restore_test.last.as_ref().map(|last| last.id);
    day.pass(minutes, TimeDelta::zero()).await;
    let is_new = |status: &Status| status.restore_test.last.as_ref().map(|last| last.id) != last;
    let status = day.until(|status| status.activity == Activity::Waiting && is_new(status)).await;
    let tests = tests(day).await;
    assert_eq!(tests.iter().filter(|test| test.verdict().is_some()).count(), before + 1, "{tests:?}");
    status.restore_test.last.clone().unwrap().verdict
}

/// Every test in the journal, newest first; all of them the agent's.
async fn tests(day: &Day) -> Vec<RestoreReport> {
    let Reply::Restores { restores } = day.ask(Request::Restores { limit: 100 }).await else {
        panic!("the journal")
    };
    assert!(restores.iter().all(|report| report.task == Task::Test && report.by == AGENT), "{restores:?}");
    restores
}

async fn databases(day: &Day) -> Vec<String> {
    Application::connect(&day.server).await.databases().await
}

fn check(status: &Status, id: &str) -> Option<(Severity, Code)> {
    status.checks.iter().find(|check| check.id == id).map(|check| (check.severity, check.problem.code))
}

#[tokio::test(start_paused = true)]
async fn the_first_idle_half_hour_has_a_test_once_it_is_due_and_no_other() {
    let mut day = Day::begin_with("2018-06-13T09:25:00-03:00", HOURLY).await;
    day.next_hour(2).await;
    day.pass(20, TimeDelta::zero()).await;
    day.until(|status| status.activity == Activity::Waiting && status.restore_test.next_due.is_some()).await;
    assert_eq!(tests(&day).await, [], "not due");
    // Due at 10:25, with half an hour free.
    assert_eq!(tested_after(&mut day, 6, 0).await, Verdict::Passed);
    assert_eq!(databases(&day).await, ["MCDados"]);
    day.pass(2, TimeDelta::zero()).await;
    assert_eq!(tests(&day).await.len(), 1);
    let status = day.status.borrow().clone();
    assert_eq!((status.health, status.last_restore.is_none()), (None, true));
    // The next one is due at 11:26, but the hour before 12 is not half free any more at 11:40.
    day.next_hour(3).await;
    day.pass(40, TimeDelta::zero()).await;
    day.until(|status| status.activity == Activity::Waiting).await;
    assert_eq!(tests(&day).await.len(), 1);
    day.next_hour(4).await;
    assert_eq!(tested_after(&mut day, 1, 1).await, Verdict::Passed);
    day.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_test_gives_way_to_the_run_that_is_due_and_is_taken_up_again() {
    let mut day = Day::begin_with("2018-06-13T09:05:00-03:00", HOURLY).await;
    day.next_hour(2).await;
    let held = day.server.handle.instance().faults.held();
    day.server.handle.inject(Fault::at(StatementKind::CheckDb, Action::Hold { percent: 30.0 }).once());
    day.pass(6, TimeDelta::zero()).await;
    day.server.handle.held(held + 1).await;
    assert_eq!(day.next_hour(3).await.started_at.format("%H:%M").to_string(), "11:00");
    let stopped = tests(&day).await;
    assert_eq!(stopped[0].outcome, Some(Outcome::Cancelled), "{stopped:?}");
    assert_eq!(databases(&day).await, ["MCDados"], "nothing of it stays");
    // It took 54 minutes before it gave way: no hour has so long a time and more, and the best that there is must do.
    assert_eq!(tested_after(&mut day, 1, 0).await, Verdict::Passed);
    day.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_copy_alarms_like_a_failed_backup_until_another_one_is_proved() {
    let mut day = Day::begin_with("2018-06-13T09:05:00-03:00", HOURLY).await;
    day.next_hour(2).await;
    let newest = day.shop.path("terminal/MCDados.zip");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&newest, bytes).unwrap();
    assert_eq!(tested_after(&mut day, 6, 0).await, Verdict::Failed);
    let status = day.status.borrow().clone();
    assert_eq!(check(&status, "restore-test"), Some((Severity::Alert, Code::ArchiveDamaged)));
    assert_eq!(Icon::of(&status), Icon::Failed);
    assert_eq!(databases(&day).await, ["MCDados"]);
    // A new backup has replaced the damaged one by then.
    day.next_hour(3).await;
    assert_eq!(tested_after(&mut day, 12, 1).await, Verdict::Passed);
    let status = day.status.borrow().clone();
    assert_eq!((check(&status, "restore-test"), Icon::of(&status)), (None, Icon::Well));
    day.end().await;
}
