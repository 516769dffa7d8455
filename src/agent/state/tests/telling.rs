//! What people are told of what the mind knows, and of what it does not know yet.

use super::*;
use crate::agent::view::Facts;
use crate::notify::Watcher;
use uuid::Uuid;

impl Story {
    /// The topics that people are told now.
    fn tells(&self, watcher: &mut Watcher) -> Vec<String> {
        let now = Self::now_at(self.wall, self.steady, 0);
        let facts = Facts { agent: Uuid::nil(), pid: 1, started_at: self.wall };
        let status = self.state.status(&facts, &now);
        let notices = watcher.look(&status, &self.state.known_well());
        notices.into_iter().map(|notice| notice.topic).collect()
    }

    /// A cycle that looks at these checks too and finds these problems.
    fn sees(&mut self, checks: &[CheckId], codes: &[Code]) {
        assert!(self.tick().contains(&Effect::StartCycle));
        let mut report = CycleReport::default();
        report.look.ask(checks);
        codes.iter().for_each(|code| report.look.note(problem(*code)));
        self.step(Input::Reported(Event::CycleEnded(Box::new(report))));
    }
}

/// A run of the ninth hour whose copy for the terminal is pending.
fn pending_run() -> RunReport {
    let copy = CopyReport {
        path: "/t/09h/MCDados.zip".to_owned(),
        done: false,
        from_medium: None,
        links_pending: false,
        bytes_per_sec: None,
    };
    let mut made = run(9, Outcome::Warning, &[Code::TerminalMissing]);
    made.terminal = Some(copy);
    made.sequence = 7;
    made
}

#[test]
fn nothing_is_told_as_mended_because_the_server_went_away() {
    let past = [run(9, Outcome::Success, &[])];
    let mut story = Story::begin(20, &past);
    let mut watcher = Watcher::default();
    let server = [CheckId::Service, CheckId::Server, CheckId::Access];
    for _ in 0..16 {
        story.sees(&server, &[Code::DatabaseOffline]);
        story.tells(&mut watcher);
        story.pass(60);
    }
    assert!(watcher.told().iter().any(|told| told.topic == "database" && told.open));
    for _ in 0..3 {
        story.sees(&[], &[Code::SqlUnreachable]);
        assert_eq!(story.tells(&mut watcher), [""; 0]);
        story.pass(60);
    }
    story.sees(&[CheckId::Server, CheckId::Access, CheckId::Database], &[]);
    assert_eq!(story.tells(&mut watcher), ["recovered"]);
}

#[test]
fn a_start_before_the_server_is_up_tells_nothing_as_mended() {
    let past = [run(9, Outcome::Success, &[])];
    let mut story = Story::begin(20, &past);
    let mut watcher = Watcher::default();
    story.sees(&[CheckId::Server], &[Code::DatabaseDamaged]);
    assert_eq!(story.tells(&mut watcher), ["damage"]);

    let mut story = Story::begin(30, &past);
    let mut watcher = Watcher::new(watcher.told());
    story.sees(&[], &[Code::SqlUnreachable]);
    assert_eq!(story.tells(&mut watcher), [""; 0], "nobody has looked at the database");
    story.pass(60);
    story.sees(&[CheckId::Server, CheckId::Damage], &[]);
    assert_eq!(story.tells(&mut watcher), ["recovered"]);
}

#[test]
fn an_opening_before_the_first_look_is_told_once_it_is_known_what() {
    let mut story = Story::begin(20, &[run(9, Outcome::Success, &[])]);
    let terminal = Terminal::Folder { path: PathBuf::from("/t"), allow_same_volume: false };
    story.state.configure(News::Valid(Story::in_force(terminal)));
    let told = story.step(Input::Asked(Request::ApplicationOpened, 3));
    assert_eq!(reply(&told), Some(&Reply::Opened { notice: None }), "nobody has looked yet");
    let opened_at = story.wall;
    story.pass(5).tick();
    story.cycle_ends(&[Code::TerminalSameVolume]);
    let opened = story.state.opened.clone().unwrap();
    assert_eq!((opened.at, opened.notice.map(|it| it.code)), (opened_at, Some(Code::TerminalSameVolume)));
    assert_eq!(story.tells(&mut Watcher::default()), ["terminal-apart", "opened"]);
}

#[test]
fn copies_that_were_made_up_stand_in_the_last_run_and_no_others_do() {
    let terminal = Terminal::Folder { path: PathBuf::from("/t"), allow_same_volume: false };
    let copied = |arrived: Vec<u64>| {
        let mut story = Story::begin(20, &[pending_run()]);
        story.state.configure(News::Valid(Story::in_force(terminal.clone())));
        story.state.history.last_good = Some(pending_run());
        story.state.pending = vec![PendingView { hour: 9, sequence: 7, extra: false }];
        assert!(matches!(story.cycle()[..], [Effect::StartCopies(_)]));
        let ended = Event::CopiesEnded { problem: None, arrived, pending: Vec::new() };
        story.step(Input::Reported(ended));
        let history = &story.state.history;
        [&history.last, &history.last_good].map(|run| run.as_ref().unwrap().terminal.as_ref().unwrap().done)
    };
    assert_eq!(copied(vec![7, 6]), [true, true]);
    assert_eq!(copied(vec![6]), [false, false]);
}
