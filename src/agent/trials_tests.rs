//! When the next restore test is due, and what past ones say.

use super::*;
use crate::agent::history::tests::{at, problem};
use crate::cycle::catalogue::{Check, Severity};
use crate::restore::RestoreOrder;
use crate::restore::outcome::Task;
use uuid::Uuid;

const WEEK: Duration = Duration::from_secs(7 * 86_400);
const HOUR: TimeDelta = TimeDelta::hours(1);

/// A test that began at `hour` and took ten minutes.
fn test(hour: i64, outcome: Outcome, code: Option<Code>) -> RestoreReport {
    let order = RestoreOrder {
        id: Uuid::nil(),
        task: Task::Test,
        by: AGENT.to_owned(),
        begun: at(hour),
        login: None,
    };
    let ended = at(hour) + TimeDelta::minutes(10);
    let mut report = order.not_made("MCDados", ended, problem(code.unwrap_or(Code::Internal)));
    report.outcome = Some(outcome);
    report.problems = code.map(problem).into_iter().collect();
    report
}

fn after(tests: &[RestoreReport]) -> Trials {
    let mut trials = Trials::of(&[], Some(at(0)));
    tests.iter().for_each(|report| trials.ended(report.clone(), true));
    trials
}

/// Hours from midnight at which the next test is due.
fn due(tests: &[RestoreReport], now: i64) -> i64 {
    let due = after(tests).due_at(WEEK, at(now)).expect("one is due some day");
    due.signed_duration_since(at(0)).num_hours()
}

fn found(trials: &Trials, hour: i64) -> Vec<(Severity, Code)> {
    let mut health = crate::cycle::health::Health::default();
    let steady = Instant::now();
    health.observe(&trials.look(WEEK, at(hour)), at(hour), steady);
    let views = health.view(steady);
    views.into_iter().map(|view| (view.severity, view.problem.code)).collect()
}

#[test]
fn the_next_test_follows_from_what_the_last_one_said() {
    let passed = test(10, Outcome::Success, None);
    let table = [
        ("none yet: a day after the first backup", vec![], 24),
        ("passed: a week later", vec![passed.clone()], 10 + 7 * 24),
        (
            "passed, with something to tell",
            vec![test(10, Outcome::Warning, Some(Code::SqlError))],
            10 + 7 * 24,
        ),
        ("the backup failed: the next day", vec![test(10, Outcome::Failed, Some(Code::ArchiveDamaged))], 34),
        ("no room: the next day", vec![test(10, Outcome::Failed, Some(Code::SpaceForeseen))], 34),
        (
            "not carried out: an hour later",
            vec![test(10, Outcome::Failed, Some(Code::SqlConnectionLost))],
            11,
        ),
        (
            "twice: the next day",
            vec![
                test(10, Outcome::Failed, Some(Code::SqlConnectionLost)),
                test(11, Outcome::Failed, Some(Code::SqlStalled)),
            ],
            35,
        ),
        ("gave way: still due", vec![passed.clone(), test(200, Outcome::Cancelled, None)], 10 + 7 * 24),
        ("the machine died: not at once again", vec![passed, test(200, Outcome::Interrupted, None)], 201),
    ];
    for (why, tests, expected) in table {
        assert_eq!(due(&tests, 300), expected, "{why}");
    }
    assert_eq!(after(&[]).due_at(Duration::ZERO, at(300)), None, "tests are turned off");
    assert_eq!(Trials::default().due_at(WEEK, at(300)), None, "there is nothing to test");
}

#[test]
fn a_clock_that_was_set_back_makes_no_test_wait_for_ever() {
    assert_eq!(due(&[test(10_000, Outcome::Success, None)], 30), 30);
}

#[test]
fn a_test_begins_in_the_first_idle_half_hour() {
    let trials = after(&[]);
    let steady = Instant::now();
    let begins = |trials: &Trials, free: i64, gap: TimeDelta, hour: i64| {
        trials.is_time(WEEK, Some(TimeDelta::minutes(free)), gap, at(hour), steady)
    };
    assert!(!begins(&trials, 59, HOUR, 23), "not due");
    assert!(begins(&trials, 59, HOUR, 24));
    assert!(begins(&trials, 30, HOUR, 24));
    assert!(!begins(&trials, 29, HOUR, 24), "a run is due before");
    assert!(
        begins(&trials, 14, TimeDelta::minutes(15), 24),
        "where there is never half an hour, most of what there is"
    );
    assert!(trials.is_time(WEEK, None, HOUR, at(24), steady), "no run is due any more");
}

#[test]
fn one_that_gave_way_after_long_waits_for_a_longer_time() {
    let mut cancelled = test(200, Outcome::Cancelled, None);
    cancelled.finished_at = Some(at(200) + TimeDelta::minutes(40));
    let trials = after(&[test(10, Outcome::Success, None), cancelled]);
    let begins = |free: i64| {
        trials.is_time(WEEK, Some(TimeDelta::minutes(free)), TimeDelta::hours(10), at(201), Instant::now())
    };
    assert!(!begins(49));
    assert!(begins(50));
}

#[tokio::test(start_paused = true)]
async fn whoever_stopped_a_test_is_left_alone_for_half_a_day() {
    let mut trials = after(&[]);
    let now = Instant::now();
    trials.stopped(now);
    assert!(!trials.is_time(WEEK, None, HOUR, at(30), now + LEFT_ALONE - Duration::from_secs(1)));
    assert!(trials.is_time(WEEK, None, HOUR, at(30), now + LEFT_ALONE));
}

#[test]
fn a_backup_that_fails_is_an_alert_at_once_and_a_test_that_could_not_be_made_the_second_time() {
    let damaged = after(&[test(10, Outcome::Failed, Some(Code::ArchiveDamaged))]);
    assert!(damaged.is_alert());
    assert_eq!(found(&damaged, 11), [(Severity::Alert, Code::ArchiveDamaged)]);
    let text = damaged.problem().expect("a problem").sentence.pt;
    assert!(text.contains("reprovado no teste de restauração de 22/11/2026 10:10"), "{text}");

    let lost = test(10, Outcome::Failed, Some(Code::SqlConnectionLost));
    let mut trials = after(std::slice::from_ref(&lost));
    assert_eq!(found(&trials, 11), [(Severity::Warning, Code::SqlConnectionLost)]);
    trials.ended(lost, false);
    assert_eq!(found(&trials, 11), [(Severity::Alert, Code::SqlConnectionLost)]);
    trials.ended(test(12, Outcome::Success, None), false);
    assert_eq!(found(&trials, 13), []);

    let crowded = after(&[
        test(10, Outcome::Failed, Some(Code::SpaceForeseen)),
        test(34, Outcome::Failed, Some(Code::SpaceForeseen)),
    ]);
    assert_eq!(
        found(&crowded, 35),
        [(Severity::Warning, Code::SpaceForeseen)],
        "it says nothing of the backup"
    );
}

#[test]
fn ten_days_without_a_good_test_are_a_warning_whatever_the_cause() {
    let day = 24;
    let old = [(Severity::Warning, Code::RestoreTestMissing)];
    assert_eq!(found(&after(&[]), 10 * day), []);
    assert_eq!(found(&after(&[]), 10 * day + 1), old, "none since the first backup");
    let passed = after(&[test(day, Outcome::Success, None), test(9 * day, Outcome::Cancelled, None)]);
    assert_eq!(found(&passed, 11 * day), []);
    assert_eq!(found(&passed, 11 * day + 1), old);
    assert!(
        passed.look(Duration::ZERO, at(11 * day + 1)).problems().next().is_none(),
        "tests are turned off"
    );
    assert_eq!(Check::for_code(Code::RestoreTestMissing).id, CheckId::RestoreTestAge);
}

#[test]
fn people_read_the_day_and_the_result() {
    // 2026-11-22 is a Sunday.
    let view = after(&[test(10, Outcome::Success, None)]).view(WEEK, at(80));
    let tested = view.last.expect("a test");
    assert_eq!(tested.words(at(80)).pt, "domingo, aprovado");
    assert_eq!(tested.words(at(12)).en, "today, passed");
    assert_eq!(tested.words(at(30)).pt, "ontem, aprovado");
    assert_eq!(tested.words(at(24 * 7)).pt, "22/11/2026, aprovado");
    assert_eq!(view.next_due, Some(at(10 + 7 * 24) + TimeDelta::minutes(10)));
}
