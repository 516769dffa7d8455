//! The loop: what goes first, and that it ends.

use super::*;
use crate::agent::history::History;
use crate::agent::history::tests::{at, problem};
use crate::agent::input::{CycleReport, News};
use crate::agent::testing::config;
use crate::clock::Zone;
use crate::config::Terminal;
use crate::problem::Code;
use chrono::{DateTime, Utc};
use std::sync::Mutex;
use std::time::Duration;
use uuid::Uuid;

/// A clock on the wall that goes on with tokio's, which tests pause.
#[derive(Debug)]
struct Wall {
    begun: Instant,
}

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        at(9).to_utc() + self.begun.elapsed()
    }

    fn zone(&self) -> Zone {
        Zone::of(*at(9).offset())
    }
}

/// Writes down what it is told to do.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<&'static str>>>);

impl Notes {
    fn write(&self, note: &'static str) {
        self.0.lock().unwrap().push(note);
    }

    fn read(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Hands for Notes {
    fn start_cycle(&mut self, _: Option<InForce>) {
        self.write("cycle");
    }
    fn start_run(&mut self, _: Wanted, _: Arc<Config>) {
        self.write("run");
    }
    fn start_copies(&mut self, _: Arc<Config>) {
        self.write("copies");
    }
    fn start_check(&mut self, _: DeepCheck, _: Arc<Config>) {
        self.write("check");
    }
    fn start_restore(&mut self, _: RestoreOrder, _: Arc<Config>) {
        self.write("restore");
    }
    fn stop(&mut self) {
        self.write("stop");
    }
    fn look_up(&mut self, _: Request, _: Option<InForce>, _: Answer) {
        self.write("look up");
    }
    fn survey(&mut self, _: Manual, _: Arc<Config>, _: Ticket) {
        self.write("survey");
    }
    fn say(&mut self, line: Line) {
        if line.words.en.starts_with("Waiting") {
            self.write("waiting");
        }
    }
    fn ended(&mut self, _: RunReport, _: Loudness) {
        self.write("ended");
    }
    fn tell(&mut self, _: Problem, _: Loudness) {
        self.write("tell");
    }
    fn keep(&mut self, _: RunReport) {
        self.write("keep");
    }
    fn note(&mut self, _: EventKind, _: Words) {
        self.write("note");
    }
    fn notify(&mut self, _: Notice) {
        self.write("notify");
    }
    fn remember(&mut self, _: Vec<Told>) {
        self.write("remember");
    }
    fn configure(&mut self, _: Arc<Config>) {
        self.write("configure");
    }
}

struct Stage {
    notes: Notes,
    requests: mpsc::Sender<Command>,
    reports: mpsc::UnboundedSender<Event>,
    shutdown: CancellationToken,
    owner: Owner<Notes>,
}

fn stage() -> Stage {
    let clock = Arc::new(Wall { begun: Instant::now() });
    let (requests, asked) = mpsc::channel(8);
    let (reports, reported) = mpsc::unbounded_channel();
    let now = now(&*clock);
    let state = State::new("f.toml".to_owned(), History::default(), &now);
    let facts = Facts { agent: Uuid::nil(), pid: 1, started_at: now.wall };
    let status = watch::Sender::new(Arc::new(state.status(&facts, &now)));
    let (notes, shutdown) = (Notes::default(), CancellationToken::new());
    let owner = Owner {
        state,
        facts,
        clock,
        watcher: Watcher::default(),
        configured: None,
        hands: notes.clone(),
        requests: asked,
        reports: reported,
        status,
        shutdown: shutdown.clone(),
    };
    Stage { notes, requests, reports, shutdown, owner }
}

fn cycle_ended() -> Event {
    Event::CycleEnded(Box::<CycleReport>::default())
}

#[tokio::test(start_paused = true)]
async fn clients_go_before_jobs_and_jobs_before_time() {
    let stage = stage();
    let (answer, answered) = oneshot::channel();
    // All three are ready before the loop begins: the tick is due, a job has reported, a client has asked.
    stage.reports.send(cycle_ended()).unwrap();
    stage.requests.send(Command { request: Request::Slots, answer }).await.unwrap();
    let work = tokio::spawn(stage.owner.work());
    settle().await;
    assert_eq!(stage.notes.read(), ["look up", "waiting", "cycle"]);
    drop(answered);
    stage.shutdown.cancel();
    work.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_end_goes_before_everything() {
    let stage = stage();
    let (answer, answered) = oneshot::channel();
    stage.requests.send(Command { request: Request::Cancel, answer }).await.unwrap();
    stage.reports.send(cycle_ended()).unwrap();
    stage.shutdown.cancel();
    stage.owner.work().await;
    assert!(stage.notes.read().is_empty());
    assert!(answered.await.is_err(), "a client that waits learns that the agent is gone");
}

#[tokio::test(start_paused = true)]
async fn the_cycle_comes_back_every_minute() {
    let stage = stage();
    let work = tokio::spawn(stage.owner.work());
    for minute in 0..3 {
        settle().await;
        assert_eq!(stage.notes.read(), ["cycle"], "minute {minute}");
        stage.reports.send(cycle_ended()).unwrap();
        settle().await;
        assert_eq!(stage.notes.read(), ["waiting"]);
        tokio::time::advance(Duration::from_secs(59)).await;
        settle().await;
        assert!(stage.notes.read().is_empty());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    stage.shutdown.cancel();
    work.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_new_configuration_brings_to_light_is_told_to_whom_it_names() {
    let stage = stage();
    let config = Arc::new(config(Terminal::LocalOnly));
    let valid = || InForce { config: Arc::clone(&config), settings: Vec::new(), warnings: Vec::new() };
    let work = tokio::spawn(stage.owner.work());
    settle().await;
    let ended = || {
        let mut report = CycleReport { configuration: News::Valid(valid()), ..CycleReport::default() };
        report.look.note(problem(Code::DatabaseDamaged));
        Event::CycleEnded(Box::new(report))
    };
    stage.reports.send(ended()).unwrap();
    settle().await;
    assert_eq!(stage.notes.read(), ["cycle", "configure", "run", "notify", "remember"]);
    stage.reports.send(ended()).unwrap();
    settle().await;
    assert!(!stage.notes.read().contains(&"configure"), "it is the same");
    work.abort();
}

/// Lets the loop run until it has nothing to do; paused time stands still meanwhile.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn commands_are_answered_while_a_cycle_never_ends() {
    let stage = stage();
    let work = tokio::spawn(stage.owner.work());
    tokio::time::advance(Duration::from_secs(600)).await;
    let (answer, answered) = oneshot::channel();
    stage.requests.send(Command { request: Request::Cancel, answer }).await.unwrap();
    let Reply::Refused { problem } = answered.await.unwrap() else { panic!("there is nothing to cancel") };
    assert_eq!(problem.code, Code::AgentNotNow);
    assert_eq!(stage.notes.read(), ["cycle"], "no second cycle beside the first");
    stage.shutdown.cancel();
    work.await.unwrap();
}
