//! Deep checks: when they begin, and what they give way to.

use super::*;
use crate::agent::effect::DeepCheck;
use crate::journal::Side;
use crate::slot::Set;
use crate::verify::{self, Place, Selection};

fn read(set: &str) -> verify::Report {
    let place = Place { side: Side::Server, sets: vec![set.to_owned()], path: set.to_owned() };
    let read =
        verify::Read { place, bytes: 1, checked_bytes: 1, problem: None, mended: false, not_mended: None };
    verify::Report { read: vec![read], problems: Vec::new() }
}

fn verify_all() -> Input {
    Input::Asked(Request::Verify { selection: Selection::All, side: None }, 3)
}

fn check_ended(report: Option<verify::Report>) -> Input {
    Input::Reported(Event::CheckEnded(report))
}

#[test]
fn kept_backups_are_read_in_idle_time_one_a_cycle_and_not_shortly_before_a_run() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.state.verifying.not_before = None;
    assert!(matches!(story.cycle()[..], [Effect::StartCheck(DeepCheck::Due, _)]));
    assert!(story.step(check_ended(Some(read("09h")))).is_empty());
    story.pass(60);
    assert!(matches!(story.cycle()[..], [Effect::StartCheck(DeepCheck::Due, _)]));
    story.step(check_ended(None));
    story.pass(60);
    assert!(story.cycle().is_empty(), "nothing was due: it looks again in an hour");
    let until_ten = (at(10) - story.wall).num_seconds();
    assert_eq!(begun(&story.pass(until_ten).cycle()), Some((Trigger::Schedule, 1)));
    story.run_ends(Outcome::Success, &[]);
    let shortly_before = 58 * 60 + 30 - (story.wall - at(10)).num_seconds();
    assert!(story.pass(shortly_before).cycle().is_empty(), "a minute and a half before the next run");
}

#[test]
fn a_check_gives_way_to_a_run_and_what_a_person_wanted_goes_on_behind_it() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    let asked = story.step(verify_all());
    let Some(Reply::Accepted { run: id, joined: false }) = reply(&asked) else { panic!("{asked:?}") };
    let id = *id;
    assert!(matches!(asked[0], Effect::StartCheck(DeepCheck::Wanted { selection: Selection::All, .. }, _)));
    assert!(matches!(reply(&story.step(verify_all())), Some(Reply::Accepted { joined: true, .. })));
    let other = Request::Verify { selection: Selection::One(Set::Newest), side: None };
    assert_eq!(refusal(&story.step(Input::Asked(other, 4))), Some(Code::AgentNotNow));

    assert!(matches!(story.backup_now()[..], [Effect::Stop, Effect::Answer(..)]));
    let mut cut_short = read("09h");
    cut_short.problems.push(problem(Code::RunCancelled));
    assert_eq!(begun(&story.step(check_ended(Some(cut_short)))), Some((Trigger::Request, 1)));
    assert_eq!(story.state.verified(id), None, "it has not ended");
    story.run_ends(Outcome::Success, &[]);
    story.pass(60);
    assert!(matches!(story.cycle()[..], [Effect::StartCheck(DeepCheck::Wanted { .. }, _)]));
    story.step(check_ended(Some(read("10h"))));
    let report = story.state.verified(id).expect("it has ended");
    assert_eq!(report.read.iter().map(|read| read.place.path.as_str()).collect::<Vec<_>>(), ["09h", "10h"]);
    assert_eq!(report.problem(), None);
}

#[test]
fn a_check_that_a_person_stops_ends_and_says_so() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    let asked = story.step(verify_all());
    let Some(Reply::Accepted { run: id, .. }) = reply(&asked) else { panic!("{asked:?}") };
    let id = *id;
    assert!(story.step(Input::Asked(Request::Cancel, 5)).contains(&Effect::Stop));
    let mut stopped = verify::Report::default();
    stopped.problems.push(problem(Code::RunCancelled));
    story.step(check_ended(Some(stopped)));
    let report = story.state.verified(id).expect("it has ended");
    assert_eq!(report.problem().map(|problem| problem.code), Some(Code::RunCancelled));
    assert_eq!(story.state.work, Work::Idle);
}
