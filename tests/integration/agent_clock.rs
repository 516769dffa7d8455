//! The whole agent by a clock that is set: back, forward, and across the changes of daylight saving time. Nothing here waits
//! for real time: tokio's clock is paused and moved by hand, with the clock on the wall as each test wants it.

use crate::support::agent::Shop;
use crate::support::shop::TestClock;
use crate::support::sqlserver::StandIn;
use crate::support::whole::sequences;
use chrono::{DateTime, TimeDelta};
use dmbackup::agent::owner::Command;
use dmbackup::agent::status::{Activity, Status};
use dmbackup::agent::{Agent, AgentOptions, Silence, enter};
use dmbackup::backup::outcome::{Outcome, RunReport, Trigger};
use dmbackup::clock::Clock;
use dmbackup::control::protocol::{Reply, Request};
use dmbackup::journal::{EventKind, Journal};
use dmbackup::update::Publisher;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Nothing that is awaited takes so long in real time.
const PATIENCE: Duration = Duration::from_secs(120);
const CYCLE: Duration = Duration::from_secs(60);

/// A shop whose agent works in this process, by a clock that the test moves.
pub struct Day {
    pub shop: Shop,
    pub clock: TestClock,
    agent: Agent,
    pub status: watch::Receiver<Arc<Status>>,
    shutdown: CancellationToken,
    pub server: StandIn,
    /// While it stands, paused time stands too, whatever the agent waits for.
    _still: mpsc::Sender<()>,
}

impl Day {
    /// An agent that begins at `time` and has made its first backup. It makes no restore tests, which have tests of their own.
    async fn begin(time: &str) -> Self {
        Self::begin_with(time, "restore_test = '0 s'").await
    }

    /// The same with these lines in `[backup]`.
    pub async fn begin_with(time: &str, backup: &str) -> Self {
        let (still, held) = mpsc::channel();
        // Once this thread gives up, time runs by itself, and whoever waits in vain says so.
        tokio::task::spawn_blocking(move || held.recv_timeout(PATIENCE).is_ok());
        let (server, shop, clock) = (StandIn::start(), Shop::new(), TestClock::at(time));
        shop.configure_with(server.handle.address().port(), backup);
        let own: Arc<dyn Clock> = Arc::new(clock.clone());
        let home = enter(shop.state(), Arc::clone(&own)).await.unwrap();
        let options = AgentOptions {
            config_path: shop.path("dmbackup.toml"),
            clock: own,
            audience: Arc::new(Silence),
            publisher: Publisher::default(),
        };
        let shutdown = CancellationToken::new();
        let agent = Agent::start(home, options, shutdown.clone()).await.unwrap();
        let status = agent.status();
        let mut day = Self { shop, clock, agent, status, shutdown, server, _still: still };
        let first = day.until_made(1).await;
        assert_eq!((first.trigger, first.outcome), (Trigger::First, Some(Outcome::Success)), "{first:?}");
        day
    }

    /// The first status that is as `wanted`.
    pub async fn until(&mut self, wanted: impl Fn(&Status) -> bool) -> Arc<Status> {
        let found = tokio::time::timeout(CYCLE / 2, self.status.wait_for(|status| wanted(status))).await;
        let found = found.map(|found| found.map(|status| Arc::clone(&status)));
        found.expect("the status that was waited for").expect("the agent lives")
    }

    /// The run with this number, once it has ended.
    pub async fn until_made(&mut self, sequence: u64) -> RunReport {
        let is_it = |run: &RunReport| run.sequence == sequence;
        let status = self
            .until(|status| status.activity == Activity::Waiting && status.last.as_ref().is_some_and(is_it))
            .await;
        status.last.clone().unwrap()
    }

    /// Lets so much time pass, by the clock on the wall too, and then sets that clock by `set`. The agent has nothing to do
    /// meanwhile but what is due at the end.
    pub async fn pass(&self, minutes: i64, set: TimeDelta) {
        let passed = TimeDelta::minutes(minutes);
        self.clock.advance(passed + set);
        tokio::time::advance(passed.to_std().unwrap()).await;
    }

    /// Lets the time pass until the next backup is due, and holds that it is made then.
    pub async fn next_hour(&mut self, sequence: u64) -> RunReport {
        let due = self.status.borrow().next_due.expect("a next backup");
        self.pass((due - self.clock.local_now()).num_minutes(), TimeDelta::zero()).await;
        assert_eq!(self.clock.local_now(), due);
        let run = self.until_made(sequence).await;
        assert_eq!((run.trigger, run.outcome), (Trigger::Schedule, Some(Outcome::Success)), "{run:?}");
        assert_eq!(run.started_at, due);
        run
    }

    /// Sets the clock ten minutes after a backup, and gives the one run that this brings about.
    async fn set(&mut self, by: TimeDelta, sequence: u64) -> RunReport {
        self.pass(10, by).await;
        let run = self.until_made(sequence).await;
        assert_eq!((run.trigger, run.outcome), (Trigger::CatchUp, Some(Outcome::Success)), "{run:?}");
        run
    }

    /// The number of each zip on both sides, all of which are whole.
    fn stands(&self) -> BTreeMap<PathBuf, u64> {
        sequences(&["servidor", "terminal"].map(|side| self.shop.path(side)))
    }

    pub async fn ask(&self, request: Request) -> Reply {
        let (answer, answered) = oneshot::channel();
        self.agent.commands().send(Command { request, answer }).await.unwrap();
        answered.await.unwrap()
    }

    /// Looks at everything once more: nothing is unhealthy, nothing goes on, and the number of runs is `runs`.
    async fn is_quiet(&mut self, runs: usize) {
        let Reply::Checks { checks } = self.ask(Request::Check).await else { panic!("a look") };
        assert_eq!(checks, [], "nothing is to be told");
        let Reply::Journal { runs: found } = self.ask(Request::Journal { limit: 100, outcome: None }).await
        else {
            panic!("the journal")
        };
        assert_eq!(found.len(), runs, "{found:?}");
        assert!(found.iter().all(|run| run.outcome == Some(Outcome::Success)), "{found:?}");
    }

    /// Ends the agent, and holds that nothing was given up for room: no clock made anything be removed.
    pub async fn end(self) {
        let Self { shop, clock, agent, shutdown, .. } = self;
        shutdown.cancel();
        agent.ended().await;
        let journal = Journal::open(&shop.state(), Arc::new(clock));
        let released = journal.events(1_000).unwrap();
        assert!(released.iter().all(|event| event.kind != EventKind::Released), "{released:?}");
    }
}

/// Holds that every name of `before` still stands, with what it held or with something newer.
fn assert_nothing_lost(before: &BTreeMap<PathBuf, u64>, now: &BTreeMap<PathBuf, u64>) {
    for (path, old) in before {
        assert!(
            now.get(path).is_some_and(|new| new >= old),
            "{}: {old} became {:?}",
            path.display(),
            now.get(path)
        );
    }
}

fn hours(day: &Day) -> Vec<String> {
    let mut files = day.shop.files("servidor");
    assert_eq!(files.iter().filter(|name| name.ends_with(".zip")).count(), day.shop.files("terminal").len());
    files.retain(|name| name.as_bytes()[0].is_ascii_digit());
    files.iter().map(|name| name[..2].to_owned()).collect()
}

fn time(text: &str) -> DateTime<chrono::FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_a_day_and_forth_again_stops_nothing_and_removes_nothing() {
    let mut day = Day::begin("2018-06-13T09:30:00-03:00").await;
    day.next_hour(2).await;
    day.next_hour(3).await;
    let before = day.stands();

    let caught_up = day.set(TimeDelta::days(-1), 4).await;
    assert_eq!(caught_up.started_at, time("2018-06-12T11:10:00-03:00"), "the new clock counts");
    assert_nothing_lost(&before, &day.stands());
    day.is_quiet(4).await;
    assert_eq!(day.next_hour(5).await.started_at, time("2018-06-12T12:00:00-03:00"));
    assert_eq!(hours(&day), ["09", "10", "11", "12"]);

    let before = day.stands();
    let caught_up = day.set(TimeDelta::days(1), 6).await;
    assert_eq!(caught_up.started_at, time("2018-06-13T12:10:00-03:00"));
    assert_nothing_lost(&before, &day.stands());
    day.is_quiet(6).await;
    day.next_hour(7).await;
    day.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_a_year_forward_brings_one_backup_and_removes_nothing() {
    let mut day = Day::begin("2018-06-13T09:30:00-03:00").await;
    for sequence in 2..=4 {
        day.next_hour(sequence).await;
    }
    let before = day.stands();
    let caught_up = day.set(TimeDelta::days(365), 5).await;
    assert_eq!(caught_up.started_at, time("2019-06-13T12:10:00-03:00"), "one for 8,760 missed hours");
    assert_nothing_lost(&before, &day.stands());
    assert_eq!(hours(&day), ["09", "10", "11", "12"], "old as they seem, they stay");
    day.is_quiet(5).await;
    day.next_hour(6).await;

    let before = day.stands();
    day.set(TimeDelta::days(-365), 7).await;
    assert_nothing_lost(&before, &day.stands());
    day.next_hour(8).await;
    day.is_quiet(8).await;
    day.end().await;
}

#[tokio::test(start_paused = true)]
async fn in_the_hour_that_daylight_saving_skips_nothing_is_due() {
    // At midnight before 2018-11-04 the clocks of São Paulo went to one o'clock.
    let mut day = Day::begin("2018-11-03T22:30:00-03:00").await;
    day.next_hour(2).await;
    let before = day.stands();
    let after = day.next_hour(3).await;
    assert_eq!(after.started_at, time("2018-11-04T01:00:00-02:00"), "an hour after 23 o'clock");
    assert_eq!(hours(&day), ["01", "22", "23"]);
    assert_nothing_lost(&before, &day.stands());
    let next = day.next_hour(4).await;
    assert_eq!(next.started_at, time("2018-11-04T02:00:00-02:00"));
    day.is_quiet(4).await;
    day.end().await;
}

#[tokio::test(start_paused = true)]
async fn in_the_hour_that_daylight_saving_repeats_the_second_backup_replaces_the_first() {
    // At midnight after 2018-02-17 the clocks of São Paulo went back to 23 o'clock.
    let mut day = Day::begin("2018-02-17T21:30:00-02:00").await;
    day.next_hour(2).await;
    let first = day.next_hour(3).await;
    assert_eq!(first.started_at, time("2018-02-17T23:00:00-02:00"));
    let before = day.stands();
    let second = day.next_hour(4).await;
    assert_eq!(second.started_at, time("2018-02-17T23:00:00-03:00"), "an hour later");
    assert_eq!((first.hour, second.hour), (23, 23));
    let slot = day.shop.path("servidor/23h/MCDados.zip");
    assert_eq!((before[&slot], day.stands()[&slot]), (3, 4));
    assert_eq!(hours(&day), ["21", "22", "23"]);
    assert_nothing_lost(&before, &day.stands());
    let next = day.next_hour(5).await;
    assert_eq!(next.started_at, time("2018-02-18T00:00:00-03:00"));
    day.is_quiet(5).await;
    day.end().await;
}
