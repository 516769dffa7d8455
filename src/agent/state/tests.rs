//! The mind alone: what it wants done when this or that happens.

use super::*;
use crate::agent::effect::{Loudness, Wanted};
use crate::agent::history::tests::{at, problem, run};
use crate::agent::input::{Event, InForce, News};
use crate::agent::testing::config;
use crate::backup::Aim;
use crate::backup::outcome::{CopyReport, Outcome, RunId, RunReport};
use crate::clock::{Passage, Zone};
use crate::config::Finding;
use crate::control::protocol::{Request, Typed};
use crate::journal::EventKind;
use crate::problem::Code;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod restoring;
mod retesting;
mod telling;
mod verifying;

/// A state and the time that goes by in its tests.
struct Story {
    state: State,
    wall: DateTime<FixedOffset>,
    steady: Instant,
    runs: u128,
}

impl Story {
    /// An agent that wakes at `minute` past nine, with these past runs, newest first.
    fn begin(minute: i64, past: &[RunReport]) -> Self {
        let wall = at(9) + TimeDelta::minutes(minute);
        let steady = Instant::now();
        let good = past.iter().find(|run| run.outcome == Some(Outcome::Success)).cloned();
        let mut story = Self {
            state: State::new("f.toml".to_owned(), History::of(past, good), &Self::now_at(wall, steady, 0)),
            wall,
            steady,
            runs: 100,
        };
        story.state.configure(News::Valid(Self::in_force(Terminal::LocalOnly)));
        // Deep checks in idle time have tests of their own.
        story.state.verifying.not_before = Some(steady + Duration::from_secs(1_000_000));
        story
    }

    fn in_force(terminal: Terminal) -> InForce {
        InForce { config: Arc::new(config(terminal)), settings: Vec::new(), warnings: Vec::new() }
    }

    fn now_at(wall: DateTime<FixedOffset>, steady: Instant, fresh: u128) -> Now {
        Now { wall, zone: Zone::of(*wall.offset()), steady, fresh: RunId::from_u128(fresh) }
    }

    fn pass(&mut self, seconds: i64) -> &mut Self {
        self.wall += TimeDelta::seconds(seconds);
        self.steady += Duration::from_secs(seconds.unsigned_abs());
        self
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.runs += 1;
        let now = Self::now_at(self.wall, self.steady, self.runs);
        let effects = self.state.step(input, &now);
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Say(_))).collect()
    }

    fn tick(&mut self) -> Vec<Effect> {
        self.step(Input::Tick(Passage::Steady))
    }

    /// A whole cycle that finds everything well.
    fn cycle(&mut self) -> Vec<Effect> {
        assert_eq!(self.tick(), [Effect::StartCycle]);
        self.cycle_ends(&[])
    }

    fn cycle_ends(&mut self, codes: &[Code]) -> Vec<Effect> {
        let mut report = CycleReport::default();
        report.look.ask(&[CheckId::Service, CheckId::Server, CheckId::Terminal]);
        codes.iter().for_each(|code| report.look.note(problem(*code)));
        self.step(Input::Reported(Event::CycleEnded(Box::new(report))))
    }

    fn run_ends(&mut self, outcome: Outcome, codes: &[Code]) -> Vec<Effect> {
        let mut report = run(0, outcome, codes);
        if let Work::Running(running) = &self.state.work {
            report.started_at = running.wanted.begun;
            report.purpose = running.wanted.aim.purpose();
        }
        report.finished_at = Some(self.wall);
        self.step(Input::Reported(Event::RunEnded(Box::new(report))))
    }

    fn backup_now(&mut self) -> Vec<Effect> {
        self.step(Input::Asked(Request::BackupNow { accept_shrunk: false }, 1))
    }
}

/// The run that effects begin.
fn begun(effects: &[Effect]) -> Option<(Trigger, u8)> {
    effects.iter().find_map(|effect| match effect {
        Effect::StartRun(wanted, _) => Some((wanted.trigger, wanted.attempt)),
        Effect::StartCycle
        | Effect::StartCopies(_)
        | Effect::StartCheck(..)
        | Effect::StartRestore(..)
        | Effect::Stop
        | Effect::Answer(..)
        | Effect::LookUp(..)
        | Effect::Survey(..)
        | Effect::Say(_)
        | Effect::Ended(..)
        | Effect::Tell(..)
        | Effect::Keep(_)
        | Effect::Note(..)
        | Effect::Finish => None,
    })
}

fn reply(effects: &[Effect]) -> Option<&Reply> {
    effects.iter().find_map(|effect| if let Effect::Answer(_, reply) = effect { Some(reply) } else { None })
}

fn refusal(effects: &[Effect]) -> Option<Code> {
    reply(effects).and_then(
        |reply| {
            if let Reply::Refused { problem } = reply { Some(problem.code) } else { None }
        },
    )
}

fn loudness(effects: &[Effect]) -> Option<Loudness> {
    effects.iter().find_map(|effect| if let Effect::Ended(_, loud) = effect { Some(*loud) } else { None })
}

#[test]
fn what_the_first_cycle_begins_follows_from_the_past() {
    let good = |hour| run(hour, Outcome::Success, &[]);
    let table = [
        ("nothing yet: the first backup by itself (DM6)", 20, vec![], Some((Trigger::First, 1))),
        ("this hour is done", 20, vec![good(9)], None),
        ("this hour was missed: one catch-up", 20, vec![good(8)], Some((Trigger::CatchUp, 1))),
        ("a week was missed: one catch-up", 20, vec![good(0)], Some((Trigger::CatchUp, 1))),
        ("the full hour struck just now", 1, vec![good(8)], Some((Trigger::Schedule, 1))),
        ("this hour failed before we were ended", 20, vec![run(9, Outcome::Failed, &[Code::SqlLogin])], None),
        ("a person stopped it", 20, vec![run(9, Outcome::Cancelled, &[Code::RunCancelled])], None),
        (
            "we were killed in mid-run: made up",
            20,
            vec![run(9, Outcome::Interrupted, &[Code::RunInterrupted]), good(8)],
            Some((Trigger::CatchUp, 1)),
        ),
    ];
    for (why, minute, past, expected) in table {
        assert_eq!(begun(&Story::begin(minute, &past).cycle()), expected, "{why}");
    }
}

#[test]
fn a_cycle_starts_again_every_minute_and_at_the_hour() {
    let mut story = Story::begin(58, &[run(9, Outcome::Success, &[])]);
    story.pass(-20).cycle();
    assert_eq!(story.state.next_wake(), story.steady + CYCLE);
    story.pass(10);
    assert!(story.tick().is_empty(), "not yet");
    story.pass(50);
    story.cycle();
    story.pass(60);
    story.cycle();
    assert_eq!(story.state.next_wake() - story.steady, Duration::from_secs(20), "at ten sharp");
    story.pass(20);
    assert_eq!(begun(&story.cycle()), Some((Trigger::Schedule, 1)));
}

#[test]
fn a_second_request_joins_the_run_that_goes_on() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    let first = story.backup_now();
    assert_eq!(begun(&first), Some((Trigger::Request, 1)));
    let Some(Reply::Accepted { run, joined: false }) = reply(&first) else { panic!("{first:?}") };
    let second = story.backup_now();
    assert_eq!(reply(&second), Some(&Reply::Accepted { run: *run, joined: true }));
    assert_eq!(begun(&second), None);
    story.pass(60 * 60);
    assert_eq!(begun(&story.cycle()), None, "not even the schedule begins a second one");
    story.run_ends(Outcome::Success, &[]);
    story.pass(60);
    assert_eq!(begun(&story.cycle()), Some((Trigger::CatchUp, 1)), "the hour that passed meanwhile");
}

#[test]
fn a_failed_run_is_tried_once_more_and_the_second_failure_is_an_alert() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.backup_now();
    let ended = story.run_ends(Outcome::Failed, &[Code::FolderServerRights]);
    assert_eq!(loudness(&ended), Some(Loudness::Warning));
    assert_eq!(story.state.retry.as_ref().unwrap().shown, story.wall + TimeDelta::minutes(10));
    for _ in 0..9 {
        story.pass(60);
        assert_eq!(begun(&story.cycle()), None);
    }
    story.pass(60);
    assert_eq!(begun(&story.cycle()), Some((Trigger::Request, 2)));
    let ended = story.run_ends(Outcome::Failed, &[Code::FolderServerRights]);
    assert_eq!(loudness(&ended), Some(Loudness::Alert));
    assert!(story.state.retry.is_none(), "no third try");
    assert!(story.state.health.is_unhealthy(CheckId::SecondFailure));
    story.pass(60);
    assert_eq!(begun(&story.cycle()), None);
}

#[test]
fn a_second_try_that_falls_due_during_a_cycle_waits_for_its_end() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.backup_now();
    story.run_ends(Outcome::Failed, &[Code::SqlUnreachable]);
    story.pass(599);
    assert_eq!(story.tick(), [Effect::StartCycle]);
    story.pass(30);
    assert!(story.state.next_wake() > story.steady, "it does not spin");
    assert_eq!(begun(&story.cycle_ends(&[])), Some((Trigger::Request, 2)));
}

#[test]
fn the_next_hour_takes_the_place_of_a_second_try() {
    let mut story = Story::begin(55, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.backup_now();
    story.run_ends(Outcome::Failed, &[Code::SqlUnreachable]);
    story.pass(300);
    assert_eq!(begun(&story.cycle()), Some((Trigger::Schedule, 1)));
    assert!(story.state.retry.is_none());
    let ended = story.run_ends(Outcome::Failed, &[Code::SqlUnreachable]);
    assert_eq!(loudness(&ended), Some(Loudness::Alert), "the second failure in a row");
}

#[test]
fn cancel_stops_the_run_or_the_second_try_and_else_says_that_there_is_nothing() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    let cancel = || Input::Asked(Request::Cancel, 2);
    assert_eq!(refusal(&story.step(cancel())), Some(Code::AgentNotNow));
    story.backup_now();
    assert_eq!(story.step(cancel()), [Effect::Stop, Effect::Answer(2, Reply::Done)]);
    assert_eq!(refusal(&story.backup_now()), Some(Code::AgentNotNow), "nobody joins a run that ends");
    assert_eq!(loudness(&story.run_ends(Outcome::Cancelled, &[Code::RunCancelled])), Some(Loudness::Quiet));
    assert!(story.state.retry.is_none());
    story.backup_now();
    story.run_ends(Outcome::Failed, &[Code::SqlLogin]);
    assert_eq!(story.step(cancel()), [Effect::Answer(2, Reply::Done)]);
    assert!(story.state.retry.is_none());
}

#[test]
fn pending_copies_are_made_up_when_the_terminal_is_well_and_give_way_to_a_run() {
    let terminal = Terminal::Folder { path: PathBuf::from("/t"), allow_same_volume: false };
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.state.configure(News::Valid(Story::in_force(terminal)));
    story.state.pending = vec![PendingView { hour: 9, sequence: 1, extra: false }];
    story.tick();
    assert!(story.cycle_ends(&[Code::TerminalMissing]).is_empty());
    story.pass(60);
    assert!(matches!(story.cycle()[..], [Effect::StartCopies(_)]));

    let asked = story.backup_now();
    assert!(matches!(asked[..], [Effect::Stop, Effect::Answer(_, Reply::Accepted { joined: false, .. })]));
    let left = vec![PendingView { hour: 9, sequence: 1, extra: false }];
    let stopped =
        Event::CopiesEnded { problem: Some(problem(Code::RunCancelled)), arrived: Vec::new(), pending: left };
    assert_eq!(begun(&story.step(Input::Reported(stopped))), Some((Trigger::Request, 1)));
    story.run_ends(Outcome::Success, &[]);
    story.pass(60);
    assert!(story.cycle().is_empty(), "copies that failed wait a while");
    for _ in 0..9 {
        story.pass(60);
        story.cycle();
    }
    assert_eq!(story.state.work, Work::Copying);
}

#[test]
fn an_extra_copy_waits_for_its_turn_and_leaves_the_schedule_alone() {
    let extra = |reason: &str| Input::Asked(Request::ExtraBackup { reason: reason.to_owned() }, 7);
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    assert_eq!(refusal(&story.step(extra(" "))), Some(Code::Usage));
    story.backup_now();
    let asked = story.step(extra("balanço"));
    let Some(Reply::Accepted { run: first, joined: false }) = reply(&asked) else { panic!("{asked:?}") };
    let first = *first;
    assert_eq!(begun(&asked), None);
    assert_eq!(begun(&story.run_ends(Outcome::Success, &[])), Some((Trigger::Request, 1)));
    let scheduled = story.state.history.last_begun();
    let Work::Running(running) = &story.state.work else { panic!("it runs") };
    assert_eq!(running.wanted.id, first);

    let asked = story.backup_now();
    assert!(matches!(reply(&asked), Some(Reply::Accepted { joined: false, .. })), "another kind: {asked:?}");
    assert!(matches!(reply(&story.backup_now()), Some(Reply::Accepted { joined: true, .. })));
    let failed = story.run_ends(Outcome::Failed, &[Code::SqlLogin]);
    assert!(story.state.retry.is_none(), "whoever asked is told");
    assert_eq!(loudness(&failed), Some(Loudness::Warning));
    assert_eq!(begun(&failed), Some((Trigger::Request, 1)), "the one that waited");
    assert_eq!(story.state.history.last_good.as_ref().map(|good| good.hour), Some(0));
    assert!(story.state.history.last_begun() >= scheduled);
}

#[test]
fn a_stop_is_for_everything_that_waits_too_and_is_written_down() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.backup_now();
    for _ in 0..4 {
        story.step(Input::Asked(Request::ExtraBackup { reason: "x".to_owned() }, 7));
    }
    let more = story.step(Input::Asked(Request::ExtraBackup { reason: "x".to_owned() }, 7));
    assert_eq!(refusal(&more), Some(Code::AgentNotNow));
    let stopped = story.step(Input::Asked(Request::Cancel, 2));
    let kept =
        |effect: &&Effect| matches!(effect, Effect::Keep(run) if run.outcome == Some(Outcome::Cancelled));
    assert_eq!(stopped.iter().filter(kept).count(), 4, "{stopped:?}");
    assert_eq!(begun(&story.run_ends(Outcome::Cancelled, &[Code::RunCancelled])), None);
}

/// A full path, as the system has them.
const PEN: &str = if cfg!(windows) { r"E:\backup" } else { "/pen" };

#[test]
fn a_manual_backup_is_a_copy_of_the_run_that_went_on_when_it_was_asked_for() {
    let asked = || Request::ManualBackup { folder: PEN.to_owned(), replace: false };
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    let relative = Request::ManualBackup { folder: "pen".to_owned(), replace: false };
    assert_eq!(refusal(&story.step(Input::Asked(relative, 6))), Some(Code::Usage));

    let surveyed = |story: &mut Story, code: Option<Code>| {
        let effects = story.step(Input::Asked(asked(), 6));
        let [Effect::Survey(manual, _, ticket)] = &effects[..] else { panic!("{effects:?}") };
        let (manual, ticket, problem) = (manual.clone(), *ticket, code.map(problem));
        story.step(Input::Reported(Event::Surveyed { ticket, manual, problem }))
    };
    let refused = surveyed(&mut story, Some(Code::ManualReplace));
    assert_eq!(refusal(&refused), Some(Code::ManualReplace));

    // Nothing goes on: a dump of its own.
    let begun_now = surveyed(&mut story, None);
    assert_eq!(begun(&begun_now), Some((Trigger::Request, 1)));
    assert!(matches!(reply(&begun_now), Some(Reply::Accepted { joined: false, .. })));
    story.run_ends(Outcome::Success, &[]);

    story.backup_now();
    let waits = surveyed(&mut story, None);
    assert!(matches!(reply(&waits), Some(Reply::Accepted { joined: true, .. })), "{waits:?}");
    assert_eq!(begun(&waits), None, "never two runs at once");
    assert_eq!(source(&story.run_ends(Outcome::Failed, &[Code::SqlLogin])), Some(None), "a dump of its own");
    story.run_ends(Outcome::Success, &[]);

    story.backup_now();
    surveyed(&mut story, None);
    let mut made = run(9, Outcome::Success, &[]);
    let path = "/backup/09h/MCDados.zip".to_owned();
    made.server = Some(CopyReport {
        path,
        done: true,
        from_medium: Some(true),
        links_pending: false,
        bytes_per_sec: None,
    });
    let copied = story.step(Input::Reported(Event::RunEnded(Box::new(made.clone()))));
    assert_eq!(source(&copied), Some(Some(Box::new(made))));
}

/// The run that the manual backup which effects begin is a copy of.
fn source(effects: &[Effect]) -> Option<Option<Box<RunReport>>> {
    effects.iter().find_map(|effect| {
        let Effect::StartRun(Wanted { aim: Aim::Manual(manual), .. }, _) = effect else { return None };
        Some(manual.source.clone())
    })
}

fn quit(password: &str, stop_run: bool) -> Input {
    Input::Asked(Request::Quit { password: Typed::new(password), stop_run }, 4)
}

#[test]
fn the_right_password_ends_the_program_and_a_wrong_one_does_not() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    let wrong = story.step(quit("21112026", false));
    assert_eq!(refusal(&wrong), Some(Code::AgentPassword));
    let [Effect::Note(EventKind::Password, text), Effect::Answer(..)] = &wrong[..] else {
        panic!("{wrong:?}")
    };
    assert!(!text.pt.contains("2111"), "never what was typed: {text:?}");
    let Some(Reply::Refused { problem }) = reply(&wrong) else { panic!("{wrong:?}") };
    assert_eq!(problem.sentence.pt, "Senha incorreta.");
    assert!(problem.hint.pt.ends_with("hoje no servidor: 22/11/2026."), "{problem}");
    assert!(!story.state.closed);
    let right = story.step(quit("22112026", false));
    assert!(
        matches!(right[..], [Effect::Answer(4, Reply::Done), Effect::Note(..), Effect::Finish]),
        "{right:?}"
    );
    assert!(story.state.closed, "whoever watches learns that a person wanted it");
}

#[test]
fn with_a_run_in_progress_closing_asks_first() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.backup_now();
    assert_eq!(refusal(&story.step(quit("22112026", false))), Some(Code::AgentRunGoesOn));
    assert_eq!(refusal(&story.step(quit("1", true))), Some(Code::AgentPassword));
    let confirmed = story.step(quit("22112026", true));
    assert!(matches!(confirmed[..], [Effect::Answer(4, Reply::Done), Effect::Note(..), Effect::Stop]));
    let ended = story.run_ends(Outcome::Cancelled, &[Code::RunCancelled]);
    assert!(matches!(ended[..], [Effect::Keep(_), Effect::Ended(..), Effect::Finish]), "{ended:?}");
}

#[test]
fn guesses_have_to_wait_and_are_not_even_looked_at() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    for _ in 0..5 {
        story.step(quit("1", false));
    }
    let barred = story.step(quit("22112026", false));
    let [Effect::Note(EventKind::Password, text), Effect::Answer(..)] = &barred[..] else {
        panic!("{barred:?}")
    };
    assert!(text.pt.starts_with("fechar: tentativa recusada"), "every attempt is journalled: {text:?}");
    assert_eq!(refusal(&barred), Some(Code::AgentPassword));
    story.pass(30);
    assert!(story.step(quit("22112026", false)).contains(&Effect::Finish));
}

#[test]
fn whoever_opens_the_application_hears_that_the_data_are_on_one_machine() {
    let opened = || Input::Asked(Request::ApplicationOpened, 3);
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    let told = story.step(opened());
    let Some(Reply::Opened { notice: Some(problem) }) = reply(&told) else { panic!("{told:?}") };
    assert_eq!(problem.code, Code::LocalOnly);
    assert_eq!(story.state.opened.as_ref().map(|opened| opened.at), Some(story.wall));
    let terminal = Terminal::Folder { path: PathBuf::from("/t"), allow_same_volume: false };
    story.state.configure(News::Valid(Story::in_force(terminal)));
    assert_eq!(reply(&story.step(opened())), Some(&Reply::Opened { notice: None }));
    story.tick();
    story.cycle_ends(&[Code::TerminalSameVolume]);
    let told = story.step(opened());
    let Some(Reply::Opened { notice: Some(problem) }) = reply(&told) else { panic!("{told:?}") };
    assert_eq!(problem.code, Code::TerminalSameVolume);
}

#[test]
fn the_end_of_the_program_waits_for_the_end_of_the_run_and_lets_it_be_made_up() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.backup_now();
    assert_eq!(story.step(Input::Shutdown), [Effect::Stop]);
    assert_eq!(refusal(&story.backup_now()), Some(Code::AgentNotNow));
    story.pass(90);
    assert!(story.tick().is_empty(), "no cycle begins any more");
    assert!(story.state.next_wake() > story.steady, "it does not spin");
    let ended = story.run_ends(Outcome::Cancelled, &[Code::RunCancelled]);
    let [Effect::Keep(kept), Effect::Ended(..), Effect::Finish] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!(kept.outcome, Some(Outcome::Cancelled));
    assert_eq!(kept.problems[1].code, Code::RunInterrupted);
    assert_eq!(Story::begin(20, &[]).step(Input::Shutdown), [Effect::Finish], "nothing goes on");
}

#[test]
fn a_broken_configuration_is_told_and_the_last_good_one_stays_in_force() {
    let finding = Finding {
        key: "server.port".to_owned(),
        line: Some(3),
        found: "x".to_owned(),
        expected: Words::same("a number"),
        problem: problem(Code::ConfigInvalid),
    };
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.state.configure(News::Broken(vec![finding.clone()]));
    assert_eq!(begun(&story.backup_now()), Some((Trigger::Request, 1)));

    let now = Story::now_at(story.wall, story.steady, 1);
    let mut never = State::new("f.toml".to_owned(), History::default(), &now);
    never.configure(News::Broken(vec![finding]));
    let asked = never.step(Input::Asked(Request::BackupNow { accept_shrunk: false }, 1), &now);
    assert_eq!(refusal(&asked), Some(Code::ConfigInvalid));
}

#[test]
fn a_look_is_answered_by_a_cycle_that_began_after_it_was_asked() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    assert_eq!(story.tick(), [Effect::StartCycle]);
    assert!(story.step(Input::Asked(Request::Check, 5)).is_empty());
    assert_eq!(
        story.cycle_ends(&[Code::SqlServiceStopped]),
        [Effect::StartCycle],
        "it asked too late for this one"
    );
    let answered = story.cycle_ends(&[Code::SqlServiceStopped]);
    let Some(Reply::Checks { checks }) = reply(&answered) else { panic!("{answered:?}") };
    assert_eq!(checks[0].id, "service");
}

#[test]
fn a_clock_that_is_set_back_is_told_until_the_next_run_and_stops_nothing() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    story.cycle();
    story.wall -= TimeDelta::days(1);
    story.steady += CYCLE;
    let effects = story.step(Input::Tick(Passage::Back(TimeDelta::days(1))));
    assert_eq!(effects, [Effect::StartCycle]);
    assert_eq!(begun(&story.cycle_ends(&[])), Some((Trigger::CatchUp, 1)));
    assert!(story.state.health.is_unhealthy(CheckId::Clock));
    story.run_ends(Outcome::Success, &[]);
    assert!(!story.state.health.is_unhealthy(CheckId::Clock));
}

#[test]
fn each_valid_configuration_has_a_number_of_its_own() {
    let mut story = Story::begin(0, &[]);
    let revision = |story: &Story| story.state.configuration.revision;
    let first = revision(&story);
    story.state.configure(News::Unchanged);
    story.state.configure(News::Broken(Vec::new()));
    assert_eq!(revision(&story), first, "the values are those of before");
    story.state.configure(News::Valid(Story::in_force(Terminal::LocalOnly)));
    assert!(revision(&story) > first);
}
