//! The agent, killed with SIGKILL at random moments of its runs: every name holds a whole old or a whole new file, the next
//! start tells the run as Interrupted and leaves nothing half-made, and the next run works.

use crate::support::agent::{AgentProcess, Shop};
use crate::support::sqlserver::{StandIn, lasting_requests_of};
use crate::support::whole::{Inspector, files_below, is_partial};
use dmbackup::agent::status::Status;
use dmbackup::backup::outcome::{Outcome, Phase, RunId, RunReport};
use dmbackup::control::client::{Client, Watch};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::options::{DatabaseOptions, Options};
use fake_sqlserver::security::Login;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// Kills that met a run which had begun and not ended.
const KILLS: usize = 200;
/// From so many kills on, some must have met each phase that lasts.
const MANY: usize = 100;
/// Agents at once, each with its own folders, all of one SQL Server.
const LANES: usize = 8;
/// So many kills, and then a run that is let through.
const KILLS_IN_A_ROW: usize = 8;
/// Nothing that is waited for takes so long.
const SOON: Duration = Duration::from_secs(60);
/// Phases that a kill waits for, and how many milliseconds it then tarries at most: about as long as the phase lasts. The
/// first one is over so soon that few kills fall there.
const MOMENTS: [(Phase, u64); 7] = [
    (Phase::Preparing, 60),
    (Phase::Dumping, 20),
    (Phase::Dumping, 150),
    (Phase::Packing, 10),
    (Phase::Packing, 60),
    (Phase::Confirming, 10),
    (Phase::Confirming, 60),
];

/// A shop whose agent is killed again and again.
struct Lane<'a> {
    standin: &'a StandIn,
    shop: Shop,
    database: String,
    random: fastrand::Rng,
    /// The sequence of each zip when it was last looked at.
    stood: BTreeMap<PathBuf, u64>,
    inspector: Inspector,
    tally: Tally,
}

/// What a soak counts.
#[derive(Debug, Default)]
struct Tally {
    /// Kills that met a run, by the phase in which it was last heard of.
    kills: HashMap<Phase, usize>,
    /// Runs by their outcome.
    outcomes: HashMap<Outcome, usize>,
    /// Runs that were killed before they were in the journal.
    untold: usize,
    /// How often the folders were looked at.
    looks: usize,
    /// Names that held a whole file when they were looked at.
    whole: usize,
}

impl Tally {
    fn kills(&self) -> usize {
        self.kills.values().sum()
    }

    fn add(mut self, other: Self) -> Self {
        other.kills.into_iter().for_each(|(phase, count)| *self.kills.entry(phase).or_default() += count);
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.untold += other.untold;
        self.looks += other.looks;
        self.whole += other.whole;
        self
    }
}

/// What `cargo xtask soak` prints.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases = Phase::ALL.map(|phase| (format!("{phase:?}"), self.kills.get(&phase)));
        let outcomes = [Outcome::Success, Outcome::Interrupted]
            .map(|outcome| (format!("{outcome:?}"), self.outcomes.get(&outcome)));
        let line = |counts: &[(String, Option<&usize>)]| {
            let shown = counts.iter().filter_map(|(name, count)| Some(format!("{name} {}", (*count)?)));
            shown.collect::<Vec<_>>().join(", ")
        };
        let Self { untold, looks, whole, .. } = self;
        writeln!(f, "kills in mid-run: {} ({})", self.kills(), line(&phases))?;
        writeln!(f, "runs: {}; killed before they were told of: {untold}", line(&outcomes))?;
        writeln!(
            f,
            "looks at both folders: {looks}; whole files behind good names: {whole}; anything else: none"
        )?;
        let runs_let_through = self.outcomes.get(&Outcome::Success).copied().unwrap_or_default();
        write!(
            f,
            "after each of {runs_let_through} successes: nothing half-made, no statement left running, newest is newest"
        )
    }
}

/// How long a soak goes on.
#[derive(Clone, Copy, Debug)]
struct Aim {
    kills: usize,
    /// Ends it even where there were fewer kills.
    until: Option<Instant>,
}

impl Aim {
    /// What `cargo xtask soak` asks for, or what suits a test.
    fn asked() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
        let kills = number("DMBACKUP_SOAK_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
        let minutes = number("DMBACKUP_SOAK_MINUTES");
        Self { kills, until: minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes)) }
    }

    /// The part of one lane.
    fn share(self) -> Self {
        Self { kills: self.kills.div_ceil(LANES), ..self }
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|end| Instant::now() >= end)
    }
}

/// A run that was killed, and where it was when it was last heard of.
struct Killed {
    run: RunId,
    phase: Option<Phase>,
}

impl<'a> Lane<'a> {
    fn new(standin: &'a StandIn, number: usize, seed: u64) -> Self {
        let shop = Shop::new();
        let database = database(number);
        let port = standin.handle.address().port();
        shop.configure_with(port, &format!("databases = ['{database}']"));
        let random = fastrand::Rng::with_seed(seed.wrapping_add(number as u64));
        Self {
            standin,
            shop,
            database,
            random,
            stood: BTreeMap::new(),
            inspector: Inspector::default(),
            tally: Tally::default(),
        }
    }

    /// Kills until as many runs were Interrupted as are wanted, or the time is over.
    async fn go(mut self, aim: Aim) -> Tally {
        self.let_through(&[]).await;
        let mut interrupted = 0;
        while interrupted < aim.kills && !aim.is_over() {
            let mut killed = Vec::new();
            for _ in 0..KILLS_IN_A_ROW.min(aim.kills - interrupted) {
                killed.push(self.kill_once().await);
                self.assert_whole();
            }
            interrupted += self.let_through(&killed).await;
        }
        self.tally
    }

    /// Starts the agent, asks for a backup, and kills it at some moment of the run.
    async fn kill_once(&mut self) -> Killed {
        let (phase, tarry) = MOMENTS[self.random.usize(..MOMENTS.len())];
        let tarry = Duration::from_micros(self.random.u64(..tarry * 1_000));
        let (agent, mut client) = self.start().await;
        let run = client.backup_now(false).await.unwrap().run;
        let mut watch = client.watch().await.unwrap();
        let mut seen = None;
        if phase != Phase::Preparing {
            seen = until(&mut watch, |status| {
                let now = phase_of(status, run);
                has_ended(status, run) || now.is_some_and(|now| at(now) >= at(phase))
            })
            .await
            .map(|status| phase_of(&status, run))
            .unwrap_or_default();
        }
        // The moment is the test: what comes meanwhile is only noted.
        let listening = async {
            while let Ok(status) = watch.next().await {
                seen = phase_of(&status, run);
            }
        };
        let _moment = tokio::time::timeout(tarry, listening).await;
        agent.kill();
        Killed { run, phase: seen }
    }

    /// Starts the agent and lets a run end, which must be a success. Each of `killed` must be told as what it was; gives how
    /// many were Interrupted.
    async fn let_through(&mut self, killed: &[Killed]) -> usize {
        let (agent, mut client) = self.start().await;
        let mut interrupted = 0;
        for killed in killed {
            let report = client.run(killed.run).await.unwrap();
            interrupted += usize::from(self.note(killed, report.as_ref()));
        }
        let run = client.backup_now(false).await.unwrap().run;
        let mut watch = client.watch().await.unwrap();
        let status = until(&mut watch, |status| has_ended(status, run)).await.expect("the agent lives");
        let report = status.last.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
        *self.tally.outcomes.entry(Outcome::Success).or_default() += 1;
        let partial = files_below(&self.shop.path("")).into_iter().find(|path| is_partial(path));
        assert_eq!(partial, None, "left half-made");
        let program = format!("DMBackup {}", &status.agent.simple().to_string()[..8]);
        assert_eq!(lasting_requests_of(&self.standin.handle, &program), 0, "left running");
        assert_eq!(agent.terminate().code(), Some(0));
        self.assert_whole();
        for side in ["servidor", "terminal"] {
            let newest = self.stood.get(&self.shop.path(side).join("MCDados.zip"));
            assert_eq!(newest, Some(&report.sequence), "{side}");
        }
        interrupted
    }

    /// Whether the journal tells a killed run as Interrupted. Otherwise it had ended, or had not begun.
    fn note(&mut self, killed: &Killed, report: Option<&RunReport>) -> bool {
        match report.map(|report| report.outcome) {
            Some(Some(outcome @ (Outcome::Interrupted | Outcome::Success))) => {
                *self.tally.outcomes.entry(outcome).or_default() += 1;
                let met = outcome == Outcome::Interrupted;
                if met {
                    *self.tally.kills.entry(killed.phase.unwrap_or(Phase::Preparing)).or_default() += 1;
                }
                met
            }
            None => {
                let begun = killed.phase.is_some_and(|phase| phase != Phase::Preparing);
                assert!(!begun, "a run that was in {:?} is not in the journal", killed.phase);
                self.tally.untold += 1;
                false
            }
            Some(other) => panic!("killed in {:?}, told as {other:?}: {report:?}", killed.phase),
        }
    }

    async fn start(&self) -> (AgentProcess, Client) {
        let agent = self.shop.run();
        let state = self.shop.state();
        let connecting = async {
            loop {
                match Client::connect(&state).await {
                    Ok(client) => break client,
                    // It answers once it is there; there is no event before that.
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let client = tokio::time::timeout(SOON, connecting).await.expect("the agent answers");
        (agent, client)
    }

    /// Holds that every good name holds a whole file: the one that stood there, or a newer one.
    fn assert_whole(&mut self) {
        let sides = ["servidor", "terminal"].map(|side| self.shop.path(side));
        let now = self.inspector.sequences(&sides, &self.database);
        let before = std::mem::replace(&mut self.stood, now);
        for (path, old) in &before {
            let now = self.stood.get(path);
            assert!(now.is_some_and(|now| now >= old), "{}: {old} became {now:?}", path.display());
        }
        assert!(self.shop.path("servidor/MCDados.bak").is_file());
        self.tally.looks += 1;
        self.tally.whole += self.stood.len() + 1;
    }
}

/// The first status of which `holds` is true; `None` where the agent ended.
async fn until(watch: &mut Watch, holds: impl Fn(&Status) -> bool) -> Option<Status> {
    let watching = async {
        loop {
            match watch.next().await {
                Ok(status) if holds(&status) => break Some(status),
                Ok(_) => {}
                Err(_) => break None,
            }
        }
    };
    tokio::time::timeout(SOON, watching).await.expect("what was awaited of the agent")
}

/// The database of a lane: SQL Server makes one dump of a database at a time.
fn database(lane: usize) -> String {
    format!("Loja {lane}")
}

fn phase_of(status: &Status, run: RunId) -> Option<Phase> {
    status.run.as_ref().filter(|running| running.id == run).map(|running| running.phase)
}

fn has_ended(status: &Status, run: RunId) -> bool {
    status.last.as_ref().is_some_and(|last| last.id == run)
}

/// A phase's place in the order.
fn at(phase: Phase) -> Option<usize> {
    Phase::ALL.iter().position(|other| *other == phase)
}

#[test]
fn an_agent_killed_at_any_moment_of_a_run_leaves_whole_files_and_the_next_one_goes_on() {
    let seed = std::env::var("DMBACKUP_TEST_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("moments drawn with DMBACKUP_TEST_SEED={seed}");
    let aim = Aim::asked();
    let standin = StandIn::start_with(|options| {
        let options = options.login(Login::sysadmin("dmbackup", "abre-te sésamo"));
        let small = |number| DatabaseOptions::rows(database(number), 200);
        (0..LANES).map(small).fold(options, Options::database)
    });
    // A small database, dumped slowly enough to be met.
    let pace = Action::Pace(Duration::from_millis(1));
    standin.handle.instance().faults.inject(Fault::at(StatementKind::Backup, pace));
    let lane = |number: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Lane::new(&standin, number, seed).go(aim.share()))
    };
    let tally = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|number| scope.spawn(move || lane(number))).collect();
        let tallies = lanes.into_iter().map(|lane| lane.join().expect("a lane that holds"));
        tallies.fold(Tally::default(), Tally::add)
    });
    println!("{tally}");
    assert!(aim.is_over() || tally.kills() >= aim.kills, "{tally}");
    for phase in [Phase::Dumping, Phase::Packing, Phase::Confirming] {
        let kills = tally.kills.get(&phase).copied().unwrap_or_default();
        assert!(tally.kills() < MANY || kills >= 5, "{phase:?}: {tally}");
    }
}
