//! The agent: it keeps backups coming. One owner of state with one loop ([`owner`]), a pure mind ([`state`]), hands that do
//! what takes time ([`jobs`]), and the status that clients see ([`status`]).

mod checking;
mod cycle;
pub mod effect;
mod ground;
pub mod history;
mod home;
pub mod input;
mod jobs;
mod lookup;
pub mod owner;
mod password;
mod patience;
mod problems;
pub mod state;
pub mod status;
mod survey;
#[cfg(test)]
pub(crate) mod testing;
pub mod trials;
pub mod view;

pub use home::Home;
pub use jobs::{Audience, Silence};
#[cfg(test)]
pub(crate) use problems::{run_goes_on, stopped, wrong_password};

use crate::alert::Postman;
use crate::clock::Clock;
use crate::control::server::{self, Desk, Limits};
use crate::cycle::configuration::ConfigWatch;
use crate::head_office::AddressSent;
use crate::journal::{EventKind, QueuedAlert, Told};
use crate::logging;
use crate::notify::Watcher;
use crate::problem::{Problem, Result};
use crate::restore::{self, outcome::RestoreReport};
use crate::update::Publisher;
use crate::words;
use crate::words::Words;
use cycle::Round;
use ground::Ground;
use history::History;
use input::News;
use jobs::Workers;
use owner::{Command, Owner, now};
use patience::blocking;
use state::State;
use status::Status;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use trials::Trials;
use view::Facts;

/// Requests that may wait for the loop; it takes them faster than clients can ask.
const REQUESTS: usize = 64;
/// Runs that the history is made of at the start.
const REMEMBERED_RUNS: u32 = 20;
/// Restores among which the last one is looked for that was no test, and tests that the next one follows from.
const REMEMBERED_RESTORES: u32 = 50;

/// What an agent is started with.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// The configuration's file, which need not exist yet.
    pub config_path: PathBuf,
    /// The shop's clock.
    pub clock: Arc<dyn Clock>,
    /// Who hears what is told to people as it happens.
    pub audience: Arc<dyn Audience>,
    /// Whose notices of newer versions are believed.
    pub publisher: Publisher,
}

/// Enters the state folder `path`, which is made where it is missing: one agent at a time holds it.
///
/// # Errors
/// [`Code::AgentRunning`](crate::problem::Code::AgentRunning) while another agent holds it,
/// [`Code::AgentState`](crate::problem::Code::AgentState) where it cannot be used.
pub async fn enter(path: PathBuf, clock: Arc<dyn Clock>) -> Result<Home> {
    blocking(move || Home::enter(&path, clock)).await
}

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    status: watch::Receiver<Arc<Status>>,
    commands: mpsc::Sender<Command>,
    work: tokio::task::JoinHandle<()>,
}

impl Agent {
    /// Starts the agent that has entered `home`: finds what the last process left, opens the control channel and begins to
    /// work. It ends some time after `shutdown`: a run that goes on is stopped first, and cleaned up.
    ///
    /// # Errors
    /// What should not happen: the journal, the configuration and the channel may be broken, and the agent tells so.
    pub async fn start(home: Home, options: AgentOptions, shutdown: CancellationToken) -> Result<Self> {
        let AgentOptions { config_path, clock, audience, publisher } = options;
        let home = Arc::new(home);
        let begun = {
            let (home, clock, config_path) = (Arc::clone(&home), Arc::clone(&clock), config_path.clone());
            blocking(move || Ok(Begun::begin(config_path, &home, &*clock))).await?
        };
        let Begun { history, watch, news, interrupted, last_restore, trials, unsent, told, address_sent } =
            begun;
        let listener = server::open(&home.path);
        let own: Vec<_> = listener.as_ref().err().cloned().into_iter().collect();

        let at = now(&*clock);
        let facts = Facts { agent: home.agent, pid: std::process::id(), started_at: at.wall };
        let mut state = State::new(config_path.display().to_string(), history, &at);
        state.configure(news);
        state.remember_restores(last_restore, restore::standing(&home.restores), trials);
        state.remember_address(address_sent);
        let (commands, requests) = mpsc::channel(REQUESTS);
        let (reports, reported) = mpsc::unbounded_channel();
        let status = watch::Sender::new(Arc::new(state.status(&facts, &at)));
        let seen = status.subscribe();

        let ground = Arc::new(Ground::new(Arc::clone(&home), Arc::clone(&clock), publisher));
        let (journal, log_folder) = (home.journal.clone(), home.path.join(logging::FOLDER));
        let (alerts, postman) = Postman::new(unsent, journal, Arc::clone(&clock), log_folder);
        let sending = tokio::spawn(postman.work());
        let round = Round::new(Arc::clone(&ground), Arc::clone(&clock), watch, own, alerts.clone());
        let hands = Workers::new(ground, round, Arc::clone(&clock), audience, alerts, reports);
        let hang_up = CancellationToken::new();
        let desk = Desk { commands: commands.clone(), status: seen.clone() };
        let serving = listener
            .ok()
            .map(|listener| tokio::spawn(server::serve(listener, desk, Limits::default(), hang_up.clone())));
        let watcher = Watcher::new(told);
        let owner = Owner {
            state,
            facts,
            clock,
            watcher,
            configured: None,
            hands,
            requests,
            reports: reported,
            status,
            shutdown,
        };
        let work = tokio::spawn(async move {
            note(&home, EventKind::Started, words!("o agente iniciou", "the agent started")).await;
            for run in interrupted {
                tracing::warn!(%run, "the last process ended in the middle of this run");
            }
            owner.work().await;
            hang_up.cancel();
            if let Some(serving) = serving
                && let Err(cause) = serving.await
            {
                tracing::error!(%cause, "the control channel fell");
            }
            if let Err(cause) = sending.await {
                tracing::error!(%cause, "the task of the alerts fell");
            }
            note(&home, EventKind::Stopped, words!("o agente encerrou", "the agent ended")).await;
        });
        Ok(Self { status: seen, commands, work })
    }

    /// The status now and whenever it changes.
    pub fn status(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// Where whoever holds the agent may ask it directly.
    pub fn commands(&self) -> mpsc::Sender<Command> {
        self.commands.clone()
    }

    /// Waits until the agent has ended.
    pub async fn ended(self) {
        if let Err(cause) = self.work.await {
            tracing::error!(%cause, "the agent's loop fell");
        }
    }
}

/// What is there at the start.
struct Begun {
    history: History,
    watch: ConfigWatch,
    news: News,
    interrupted: Vec<uuid::Uuid>,
    last_restore: Option<RestoreReport>,
    trials: Trials,
    /// Alerts that are still to be sent.
    unsent: Vec<QueuedAlert>,
    told: Vec<Told>,
    address_sent: Option<AddressSent>,
}

impl Begun {
    fn begin(config_path: PathBuf, home: &Home, clock: &dyn Clock) -> Self {
        let journal = &home.journal;
        let told = |what: &str, problem: Problem| {
            tracing::error!(%problem, "the journal does not tell {what}");
        };
        let interrupted = journal.interrupt_unfinished(clock.local_now()).unwrap_or_else(|problem| {
            told("which runs were interrupted", problem);
            Vec::new()
        });
        let runs = journal.runs(REMEMBERED_RUNS, None).unwrap_or_else(|problem| {
            told("the last runs", problem);
            Vec::new()
        });
        let last_good = journal.last_good().unwrap_or_else(|problem| {
            told("the last good run", problem);
            None
        });
        let cut = journal.interrupt_unfinished_restores(clock.local_now(), &restore::interrupted());
        if let Err(problem) = cut {
            told("which restores were interrupted", problem);
        }
        let restores = journal.restores(REMEMBERED_RESTORES).unwrap_or_else(|problem| {
            told("the last restores", problem);
            Vec::new()
        });
        let unsent = journal.alerts().unwrap_or_else(|problem| {
            told("which alerts are to be sent", problem);
            Vec::new()
        });
        let past = journal.told().unwrap_or_else(|problem| {
            told("what people were told", problem);
            Vec::new()
        });
        let tests = journal.restore_tests(REMEMBERED_RESTORES).unwrap_or_else(|problem| {
            told("the last restore tests", problem);
            Vec::new()
        });
        let first = journal.first_good().unwrap_or_else(|problem| {
            told("the first backup", problem);
            None
        });
        let mut watch = ConfigWatch::new(config_path);
        let news = watch.look();
        Self {
            history: History::of(&runs, last_good),
            interrupted: interrupted.iter().map(|run| run.id).collect(),
            watch,
            news,
            last_restore: restores.into_iter().find(|report| report.task.is_told_as_last()),
            trials: Trials::of(&tests, first.map(|run| run.started_at)),
            unsent,
            told: past,
            address_sent: home.head_office.load(),
        }
    }
}

async fn note(home: &Arc<Home>, kind: EventKind, text: Words) {
    let home = Arc::clone(home);
    if let Err(problem) = blocking(move || home.journal.event(kind, &text)).await {
        tracing::warn!(%problem, "an event is not journalled");
    }
}
