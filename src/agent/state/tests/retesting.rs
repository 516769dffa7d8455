//! Restore tests: when they begin, what they give way to, and who hears of them.

use super::*;
use crate::restore::outcome::{AGENT, Task};

/// An agent of a shop with a backup, whose test is due.
fn due() -> Story {
    let mut story = Story::begin(5, &[run(9, Outcome::Success, &[])]);
    story.state.trials = Trials::of(&[], Some(at(9) - TimeDelta::days(2)));
    story
}

fn tests_begun(effects: &[Effect]) -> usize {
    let is_test = |effect: &&Effect| matches!(effect, Effect::StartRestore(order, _) if order.task == Task::Test && order.by == AGENT);
    effects.iter().filter(is_test).count()
}

fn test_ends(story: &mut Story, outcome: Outcome, code: Option<Code>) -> Vec<Effect> {
    let Work::Restoring(restoring) = &story.state.work else { panic!("a test goes on") };
    let mut report =
        restoring.order.clone().not_made("MCDados", story.wall, problem(code.unwrap_or(Code::RunCancelled)));
    report.outcome = Some(outcome);
    if code.is_none() && outcome == Outcome::Success {
        report.problems.clear();
    }
    story.step(Input::Reported(Event::RestoreEnded(Box::new(report))))
}

#[test]
fn a_test_begins_by_itself_where_half_an_hour_is_free_and_not_again_once_it_is_passed() {
    let mut story = due();
    assert_eq!(tests_begun(&story.cycle()), 1);
    test_ends(&mut story, Outcome::Success, None);
    assert_eq!(story.state.last_restore, None, "it is no restore of the shop's");
    assert_eq!(tests_begun(&story.pass(60).cycle()), 0);

    let mut late = due();
    late.pass(26 * 60);
    assert_eq!(tests_begun(&late.cycle()), 0, "in 29 minutes a run is due");
    let mut away = due();
    assert_eq!(away.tick(), [Effect::StartCycle]);
    assert_eq!(tests_begun(&away.cycle_ends(&[Code::SqlUnreachable])), 0, "no server");
}

#[test]
fn a_test_gives_way_to_the_run_that_is_due_and_is_taken_up_again_behind_it() {
    let mut story = due();
    story.cycle();
    story.pass(3_300);
    assert_eq!(story.cycle(), [Effect::Stop], "the hour strikes");
    assert_eq!(begun(&test_ends(&mut story, Outcome::Cancelled, None)), Some((Trigger::Schedule, 1)));
    story.run_ends(Outcome::Success, &[]);
    assert_eq!(tests_begun(&story.pass(60).cycle()), 1, "taken up again");
}

#[test]
fn a_test_gives_way_to_what_people_ask_for() {
    let mut story = due();
    story.cycle();
    let asked = story.backup_now();
    assert!(matches!(asked[..], [Effect::Stop, Effect::Answer(_, Reply::Accepted { .. })]), "{asked:?}");
    let task = Task::Drop { database: "x".to_owned() };
    let restore = Input::Asked(Request::Restore { task, login: None, by: "ana".to_owned() }, 3);
    assert_eq!(refusal(&story.step(restore)), Some(Code::AgentNotNow), "the backup goes first");
    assert_eq!(begun(&test_ends(&mut story, Outcome::Cancelled, None)), Some((Trigger::Request, 1)));

    let mut story = due();
    story.cycle();
    let task = Task::Drop { database: "x".to_owned() };
    let restore = Input::Asked(Request::Restore { task, login: None, by: "ana".to_owned() }, 3);
    let asked = story.step(restore);
    assert!(matches!(asked[..], [Effect::Stop, Effect::Answer(3, Reply::RestoreBegun { .. })]), "{asked:?}");
    let ended = test_ends(&mut story, Outcome::Cancelled, None);
    assert!(matches!(&ended[..], [Effect::StartRestore(order, _)] if order.by == "ana"), "{ended:?}");
}

#[test]
fn a_person_may_ask_for_a_test_and_one_that_gave_way_is_not_forgotten() {
    let mut story = Story::begin(5, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    let ask = || Input::Asked(Request::Restore { task: Task::Test, login: None, by: "ana".to_owned() }, 3);
    let asked = story.step(ask());
    assert!(matches!(&asked[0], Effect::StartRestore(order, _) if order.by == "ana"), "{asked:?}");
    assert_eq!(refusal(&story.step(ask())), Some(Code::AgentNotNow), "one at a time");
    story.backup_now();
    test_ends(&mut story, Outcome::Cancelled, None);
    story.run_ends(Outcome::Success, &[]);
    assert_eq!(tests_begun(&story.pass(60).cycle()), 1, "the agent takes it up");
}

#[test]
fn whoever_stops_a_test_is_obeyed_and_the_end_of_the_program_needs_no_leave() {
    let mut story = due();
    story.cycle();
    assert_eq!(story.step(Input::Asked(Request::Cancel, 4)), [Effect::Stop, Effect::Answer(4, Reply::Done)]);
    test_ends(&mut story, Outcome::Cancelled, None);
    assert_eq!(tests_begun(&story.pass(60).cycle()), 0);

    let mut story = due();
    story.cycle();
    let password = Typed::new(story.wall.format("%d%m%Y").to_string());
    let quit = story.step(Input::Asked(Request::Quit { password, stop_run: false }, 5));
    assert_eq!(reply(&quit), Some(&Reply::Done));
    assert!(test_ends(&mut story, Outcome::Cancelled, None).contains(&Effect::Finish));
}

#[test]
fn a_failed_test_alarms_like_a_failed_backup() {
    let mut story = due();
    story.cycle();
    let ended = test_ends(&mut story, Outcome::Failed, Some(Code::ArchiveDamaged));
    assert!(
        matches!(&ended[..], [Effect::Tell(problem, Loudness::Alert)] if problem.code == Code::ArchiveDamaged)
    );
    let told = story.state.health.view(story.steady);
    assert_eq!(told.iter().map(|check| check.id.as_str()).collect::<Vec<_>>(), ["restore-test"]);
    story.pass(60).cycle();
    assert_eq!(story.state.health.view(story.steady).len(), 1, "until another one is passed");
    story.pass(24 * 3_600);
    while tests_begun(&story.cycle()) == 0 {
        if matches!(story.state.work, Work::Running(_)) {
            story.run_ends(Outcome::Success, &[]);
        }
        story.pass(60);
    }
    test_ends(&mut story, Outcome::Success, None);
    assert!(story.state.health.view(story.steady).is_empty());
}
