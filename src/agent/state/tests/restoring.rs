//! Restores beside runs, copies and the end of the program.

use super::*;
use crate::restore::outcome::Task;

fn restore() -> Input {
    let task = Task::Drop { database: "x".to_owned() };
    Input::Asked(Request::Restore { task, login: None, by: "ana".to_owned() }, 3)
}

fn restored(story: &Story, outcome: Outcome) -> Input {
    let Work::Restoring(restoring) = &story.state.work else { panic!("a restore goes on") };
    let mut report = restoring.order.clone().not_made("MCDados", story.wall, problem(Code::Internal));
    report.outcome = Some(outcome);
    Input::Reported(Event::RestoreEnded(Box::new(report)))
}

#[test]
fn a_restore_and_a_run_never_go_on_at_once() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    let effects = story.step(restore());
    assert!(effects.iter().any(|effect| matches!(effect, Effect::StartRestore(..))), "{effects:?}");
    assert_eq!(refusal(&story.step(restore())), Some(Code::AgentNotNow));
    let asked = story.backup_now();
    assert_eq!(begun(&asked), None, "the run waits: {asked:?}");
    story.pass(3_600);
    assert_eq!(begun(&story.cycle()), None, "and so does one that is due");
    let ended = restored(&story, Outcome::Success);
    let effects = story.step(ended);
    assert_eq!(begun(&effects), Some((Trigger::Request, 1)));
    assert_eq!(story.state.last_restore.as_ref().map(|report| report.by.as_str()), Some("ana"));
    assert_eq!(refusal(&story.step(restore())), Some(Code::AgentNotNow), "a run goes on");
}

#[test]
fn a_restore_can_be_stopped_and_the_end_of_the_program_waits_for_it() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.step(restore());
    assert_eq!(story.step(Input::Asked(Request::Cancel, 4)), [Effect::Stop, Effect::Answer(4, Reply::Done)]);
    let effects = story.step(Input::Shutdown);
    assert!(effects.contains(&Effect::Stop) && !effects.contains(&Effect::Finish));
    let ended = restored(&story, Outcome::Cancelled);
    assert!(story.step(ended).contains(&Effect::Finish));
}

#[test]
fn copies_give_way_to_a_restore() {
    let terminal = Terminal::Folder { path: PathBuf::from("/t"), allow_same_volume: false };
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.state.configure(News::Valid(Story::in_force(terminal)));
    story.state.pending = vec![PendingView { hour: 9, sequence: 1, extra: false }];
    story.cycle();
    assert_eq!(story.state.work, Work::Copying);
    let effects = story.step(restore());
    assert!(
        matches!(effects[..], [Effect::Stop, Effect::Answer(3, Reply::RestoreBegun { .. })]),
        "{effects:?}"
    );
    let stopped = Event::CopiesEnded {
        problem: Some(problem(Code::RunCancelled)),
        arrived: Vec::new(),
        pending: Vec::new(),
    };
    let effects = story.step(Input::Reported(stopped));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::StartRestore(..))), "{effects:?}");
}
