//! What is told when: stories of statuses, with the clock of each.

use super::*;
use crate::agent::history::tests::{at, problem, run};
use crate::agent::status::OpenedView;
use crate::agent::testing::status;
use crate::backup::outcome::Outcome;
use crate::cycle::catalogue::CATALOGUE;

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

/// What the agent tells that has looked at everything: what is not shown is well.
fn look(watcher: &mut Watcher, status: &Status) -> Vec<Notice> {
    watcher.look(status, &CATALOGUE.iter().map(|check| check.id).chain([CheckId::Program]).collect())
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
        let notices = look(&mut Watcher::default(), &at_minute(*minute, unhealthy));
        assert_eq!(topics(&notices), *expected, "{minute} {unhealthy:?}");
    }
}

#[test]
fn a_cause_that_another_one_explains_is_not_told_but_the_failure_is() {
    let mut status = at_minute(600, &[(CheckId::Space, Code::SpaceForeseen, 0), FAILED]);
    status.checks.iter_mut().for_each(|view| view.explained_by = Some("folder".to_owned()));
    assert_eq!(topics(&look(&mut Watcher::default(), &status)), ["second-failure"]);
}

#[test]
fn what_another_check_explains_by_now_is_not_over() {
    let database: Unhealthy = (CheckId::Database, Code::DatabaseOffline, 0);
    let mut watcher = Watcher::default();
    assert_eq!(topics(&look(&mut watcher, &at_minute(20, &[database]))), ["database"]);
    let mut stopped = at_minute(30, &[database, (CheckId::Server, Code::SqlUnreachable, 29)]);
    stopped.checks[0].explained_by = Some("server".to_owned());
    assert_eq!(look(&mut watcher, &stopped), [], "the server says nothing of the database");
    let remembered = watcher.told().into_iter().find(|told| told.topic == "database").unwrap();
    assert!(remembered.open && remembered.since == Some(at(0)), "{remembered:?}");
    assert_eq!(topics(&look(&mut watcher, &at_minute(40, &[]))), ["recovered"]);
}

#[test]
fn what_nobody_has_looked_at_since_the_start_is_not_over() {
    let damage = (CheckId::Damage, Code::DatabaseDamaged, 0);
    let mut watcher = Watcher::default();
    look(&mut watcher, &at_minute(0, &[damage, FAILED]));
    let mut watcher = Watcher::new(watcher.told());
    // The server is not up yet: only the past is known.
    let past = BTreeSet::from([CheckId::SecondFailure]);
    let over = watcher.look(&at_minute(10, &[]), &past);
    assert_eq!(over[0].sentence.en, "Back to normal: Backup not made.");
    assert!(over[0].hint.en.contains("Integrity of the database"), "it stays open: {over:?}");
    assert_eq!(watcher.look(&at_minute(11, &[]), &past), []);
    assert_eq!(topics(&look(&mut watcher, &at_minute(12, &[]))), ["recovered"]);
}

#[test]
fn what_was_so_before_the_machine_was_off_must_be_so_for_a_while_once_it_is_on_again() {
    let mut watcher = Watcher::default();
    look(&mut watcher, &at_minute(0, &[TERMINAL, (CheckId::Server, Code::SqlUnreachable, 0)]));
    let mut watcher = Watcher::new(watcher.told());
    let morning = 3 * DAY;
    let away = [
        (CheckId::Terminal, Code::TerminalMissing, morning),
        (CheckId::Server, Code::SqlUnreachable, morning),
    ];
    assert_eq!(look(&mut watcher, &at_minute(morning, &away)), [], "both are just being turned on");
    assert_eq!(look(&mut watcher, &at_minute(morning + 14, &away)), []);
    assert_eq!(topics(&look(&mut watcher, &at_minute(morning + 15, &away))), ["terminal", "server"]);
}

#[test]
fn what_goes_on_is_told_again_after_a_day_and_its_end_once() {
    let mut watcher = Watcher::default();
    let mut told = Vec::new();
    for minute in (0..=2 * DAY).step_by(5) {
        told.extend(
            look(&mut watcher, &at_minute(minute, &[FAILED]))
                .into_iter()
                .map(|notice| (minute, notice.topic)),
        );
    }
    let again: Vec<_> = told.iter().map(|(minute, topic)| (*minute, topic.as_str())).collect();
    assert_eq!(again, [(0, "second-failure"), (DAY, "second-failure"), (2 * DAY, "second-failure")]);
    let over = look(&mut watcher, &at_minute(2 * DAY + 5, &[]));
    assert_eq!(topics(&over), ["recovered"]);
    assert_eq!(over[0].sentence.pt, "Voltou ao normal: Backup não realizado.");
    assert_eq!(over[0].hint.en, "There is nothing to do.");
    assert_eq!(look(&mut watcher, &at_minute(2 * DAY + 10, &[])), []);
}

#[test]
fn what_comes_and_goes_is_told_once_an_hour_at_most() {
    let mut watcher = Watcher::default();
    let mut count = 0;
    for minute in 0..180 {
        let unhealthy: &[_] = if minute % 2 == 0 { &[FAILED] } else { &[] };
        let notices = look(&mut watcher, &at_minute(minute, unhealthy));
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
    look(&mut watcher, &at_minute(0, &[FAILED, damage]));
    let over = look(&mut watcher, &at_minute(5, &[damage]));
    assert_eq!(topics(&over), ["recovered"]);
    assert!(over[0].hint.pt.contains("Integridade do banco de dados"), "{over:?}");
}

#[test]
fn a_restart_forgets_neither_what_was_told_nor_since_when_the_terminal_is_missing() {
    let mut watcher = Watcher::default();
    look(&mut watcher, &at_minute(0, &[FAILED, TERMINAL]));
    let mut watcher = Watcher::new(watcher.told());
    // The agent's own memory begins anew.
    let missing = (CheckId::Terminal, Code::TerminalMissing, DAY);
    let failed = (CheckId::SecondFailure, Code::SqlLogin, 10);
    assert_eq!(
        look(&mut watcher, &at_minute(10, &[failed, (CheckId::Terminal, Code::TerminalMissing, 10)])),
        []
    );
    assert_eq!(topics(&look(&mut watcher, &at_minute(DAY, &[missing]))), ["terminal", "recovered"]);
}

#[test]
fn a_clock_that_is_set_back_neither_shouts_nor_is_silent_for_ever() {
    let mut watcher = Watcher::default();
    look(&mut watcher, &at_minute(3 * DAY, &[FAILED]));
    assert_eq!(look(&mut watcher, &at_minute(0, &[FAILED])), []);
    assert_eq!(topics(&look(&mut watcher, &at_minute(DAY, &[FAILED]))), ["second-failure"]);
}

#[test]
fn only_the_first_backup_is_told() {
    let mut watcher = Watcher::default();
    assert_eq!(look(&mut watcher, &status()), [], "whoever has backups hears of none");
    let mut watcher = Watcher::default();
    look(&mut watcher, &Status { last: None, last_good: None, ..status() });
    let notices = look(&mut watcher, &status());
    assert_eq!(topics(&notices), ["first-backup"]);
    assert_eq!(notices[0].reach, Reach::Desktop);
    let next = Status { last_good: Some(run(15, Outcome::Success, &[])), ..status() };
    assert_eq!(look(&mut watcher, &next), []);
}

#[test]
fn an_opening_of_the_application_is_a_notice_where_the_data_are_on_one_machine() {
    let opened = |hour, notice: Option<Code>| {
        let opened = OpenedView { at: at(hour), notice: notice.map(problem) };
        Status { opened: Some(opened), now: at(hour), ..status() }
    };
    let mut watcher = Watcher::default();
    let first = look(&mut watcher, &opened(8, Some(Code::LocalOnly)));
    assert_eq!(topics(&first), ["opened"], "whoever opens the application may start the agent with it");
    assert_eq!(topics(&look(&mut watcher, &opened(9, Some(Code::LocalOnly)))), ["opened"]);
    assert_eq!(look(&mut watcher, &opened(9, Some(Code::LocalOnly))), []);
    let soon = Status { now: at(9) + TimeDelta::minutes(20), ..opened(9, Some(Code::LocalOnly)) };
    let mut again = soon.clone();
    again.opened.as_mut().unwrap().at = soon.now;
    assert_eq!(look(&mut watcher, &again), [], "once an hour is enough");
    assert_eq!(topics(&look(&mut watcher, &opened(11, Some(Code::LocalOnly)))), ["opened"]);
    assert_eq!(look(&mut watcher, &opened(13, None)), []);
}

#[test]
fn the_last_notices_stay_to_be_seen() {
    let mut watcher = Watcher::default();
    for day in 0..20 {
        look(&mut watcher, &at_minute(day * DAY, &[FAILED]));
    }
    assert_eq!(watcher.recent().len(), MOST_RECENT);
    assert_eq!(watcher.recent().last().unwrap().at, at(19 * 24));
}
