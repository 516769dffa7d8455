//! What is told when: stories of statuses, with the clock of each.

use super::*;
use crate::agent::history::tests::{at, problem, run};
use crate::agent::status::OpenedView;
use crate::agent::testing::status;
use crate::backup::outcome::Outcome;

/// A check with its problem, unhealthy since these minutes past midnight.
type Unhealthy = (CheckId, Code, i64);

/// At these minutes past midnight, what is unhealthy then, and what is told.
type Case<'a> = (i64, &'a [Unhealthy], &'a [&'a str]);

/// An agent at `minutes` past midnight in which these checks are unhealthy, since these minutes.
fn at_minute(minutes: i64, unhealthy: &[Unhealthy]) -> Status {
    let view = |(check, code, since): &Unhealthy| CheckView {
        id: Check::of(*check).name.to_owned(),
        title: Check::of(*check).title(),
        severity: Check::of(*check).severity,
        problem: problem(*code),
        since: at(0) + TimeDelta::minutes(*since),
        explained_by: None,
    };
    let checks = unhealthy.iter().map(view).collect();
    Status { now: at(0) + TimeDelta::minutes(minutes), checks, ..status() }
}

fn topics(notices: &[Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.topic.as_str()).collect()
}

const DAY: i64 = 24 * 60;
const FAILED: Unhealthy = (CheckId::SecondFailure, Code::SqlLogin, 0);
const TERMINAL: Unhealthy = (CheckId::Terminal, Code::TerminalMissing, 0);

#[test]
fn each_matter_is_told_when_it_has_lasted_long_enough() {
    let missing_since_noon = (CheckId::Terminal, Code::TerminalMissing, 12 * 60);
    let table: &[Case<'_>] = &[
        (600, &[], &[]),
        (600, &[FAILED], &["second-failure"]),
        (600, &[(CheckId::Damage, Code::DatabaseDamaged, 600)], &["damage"]),
        (600, &[(CheckId::Slots, Code::SlotDamaged, 600)], &["slots"]),
        (600, &[(CheckId::LastBackup, Code::BackupTooOld, 600)], &["last-backup"]),
        (600, &[(CheckId::LastBackup, Code::BackupNone, 0)], &[]),
        (600, &[(CheckId::LastRun, Code::RunsCancelled, 600)], &["last-run"]),
        (600, &[(CheckId::LastRun, Code::BackupNotUnderstood, 0)], &[]),
        (DAY - 1, &[TERMINAL], &[]),
        (DAY, &[TERMINAL], &["terminal"]),
        (DAY, &[missing_since_noon], &[]),
        (600, &[(CheckId::Server, Code::SqlUnreachable, 590)], &[]),
        (600, &[(CheckId::Server, Code::SqlUnreachable, 585)], &["server"]),
        (600, &[(CheckId::LocalOnly, Code::LocalOnly, 600)], &["local-only"]),
        (
            600,
            &[(CheckId::Options, Code::DatabaseLogLarge, 0), (CheckId::Pending, Code::TerminalPending, 0)],
            &[],
        ),
        (600, &[(CheckId::Alerts, Code::AlertUnsent, 0)], &[]),
    ];
    for (minute, unhealthy, expected) in table {
        let notices = Watcher::default().look(&at_minute(*minute, unhealthy));
        assert_eq!(topics(&notices), *expected, "{minute} {unhealthy:?}");
    }
}

#[test]
fn a_cause_that_another_one_explains_is_not_told_but_the_failure_is() {
    let mut status = at_minute(600, &[(CheckId::Space, Code::SpaceForeseen, 0), FAILED]);
    status.checks.iter_mut().for_each(|view| view.explained_by = Some("folder".to_owned()));
    assert_eq!(topics(&Watcher::default().look(&status)), ["second-failure"]);
}

#[test]
fn what_goes_on_is_told_again_after_a_day_and_its_end_once() {
    let mut watcher = Watcher::default();
    let mut told = Vec::new();
    for minute in (0..=2 * DAY).step_by(5) {
        told.extend(
            watcher.look(&at_minute(minute, &[FAILED])).into_iter().map(|notice| (minute, notice.topic)),
        );
    }
    let again: Vec<_> = told.iter().map(|(minute, topic)| (*minute, topic.as_str())).collect();
    assert_eq!(again, [(0, "second-failure"), (DAY, "second-failure"), (2 * DAY, "second-failure")]);
    let over = watcher.look(&at_minute(2 * DAY + 5, &[]));
    assert_eq!(topics(&over), ["recovered"]);
    assert_eq!(over[0].sentence.pt, "Voltou ao normal: Backup não realizado.");
    assert_eq!(over[0].hint.en, "There is nothing to do.");
    assert_eq!(watcher.look(&at_minute(2 * DAY + 10, &[])), []);
}

#[test]
fn what_comes_and_goes_is_told_once_an_hour_at_most() {
    let mut watcher = Watcher::default();
    let mut count = 0;
    for minute in 0..180 {
        let unhealthy: &[_] = if minute % 2 == 0 { &[FAILED] } else { &[] };
        let notices = watcher.look(&at_minute(minute, unhealthy));
        count += notices.iter().filter(|notice| notice.topic == "second-failure").count();
        let ends = notices.iter().filter(|notice| notice.topic == "recovered").count();
        assert!(ends == 0 || minute % 60 == 1, "{minute}: its end is told only where it was told itself");
    }
    assert_eq!(count, 3);
}

#[test]
fn the_end_of_one_matter_names_those_that_go_on() {
    let mut watcher = Watcher::default();
    let damage = (CheckId::Damage, Code::DatabaseDamaged, 0);
    watcher.look(&at_minute(0, &[FAILED, damage]));
    let over = watcher.look(&at_minute(5, &[damage]));
    assert_eq!(topics(&over), ["recovered"]);
    assert!(over[0].hint.pt.contains("Integridade do banco de dados"), "{over:?}");
}

#[test]
fn a_restart_forgets_neither_what_was_told_nor_since_when_the_terminal_is_missing() {
    let mut watcher = Watcher::default();
    watcher.look(&at_minute(0, &[FAILED, TERMINAL]));
    let mut watcher = Watcher::new(watcher.told());
    // The agent's own memory begins anew.
    let missing = (CheckId::Terminal, Code::TerminalMissing, DAY);
    let failed = (CheckId::SecondFailure, Code::SqlLogin, 10);
    assert_eq!(watcher.look(&at_minute(10, &[failed, (CheckId::Terminal, Code::TerminalMissing, 10)])), []);
    assert_eq!(topics(&watcher.look(&at_minute(DAY, &[missing]))), ["terminal", "recovered"]);
}

#[test]
fn a_clock_that_is_set_back_neither_shouts_nor_is_silent_for_ever() {
    let mut watcher = Watcher::default();
    watcher.look(&at_minute(3 * DAY, &[FAILED]));
    assert_eq!(watcher.look(&at_minute(0, &[FAILED])), []);
    assert_eq!(topics(&watcher.look(&at_minute(DAY, &[FAILED]))), ["second-failure"]);
}

#[test]
fn only_the_first_backup_is_told() {
    let mut watcher = Watcher::default();
    assert_eq!(watcher.look(&status()), [], "whoever has backups hears of none");
    let mut watcher = Watcher::default();
    watcher.look(&Status { last: None, last_good: None, ..status() });
    let notices = watcher.look(&status());
    assert_eq!(topics(&notices), ["first-backup"]);
    assert_eq!(notices[0].reach, Reach::Desktop);
    let next = Status { last_good: Some(run(15, Outcome::Success, &[])), ..status() };
    assert_eq!(watcher.look(&next), []);
}

#[test]
fn an_opening_of_the_application_is_a_notice_where_the_data_are_on_one_machine() {
    let opened = |hour, notice: Option<Code>| {
        let opened = OpenedView { at: at(hour), notice: notice.map(problem) };
        Status { opened: Some(opened), now: at(hour), ..status() }
    };
    let mut watcher = Watcher::default();
    assert_eq!(watcher.look(&opened(8, Some(Code::LocalOnly))), [], "it was opened before the first look");
    assert_eq!(topics(&watcher.look(&opened(9, Some(Code::LocalOnly)))), ["opened"]);
    assert_eq!(watcher.look(&opened(9, Some(Code::LocalOnly))), []);
    let soon = Status { now: at(9) + TimeDelta::minutes(20), ..opened(9, Some(Code::LocalOnly)) };
    let mut again = soon.clone();
    again.opened.as_mut().unwrap().at = soon.now;
    assert_eq!(watcher.look(&again), [], "once an hour is enough");
    assert_eq!(topics(&watcher.look(&opened(11, Some(Code::LocalOnly)))), ["opened"]);
    assert_eq!(watcher.look(&opened(13, None)), []);
}

#[test]
fn the_last_notices_stay_to_be_seen() {
    let mut watcher = Watcher::default();
    for day in 0..20 {
        watcher.look(&at_minute(day * DAY, &[FAILED]));
    }
    assert_eq!(watcher.recent().len(), MOST_RECENT);
    assert_eq!(watcher.recent().last().unwrap().at, at(19 * 24));
}
