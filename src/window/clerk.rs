//! Talks to the agent on threads of its own, so that the window never waits: requests go in, news come out.

use crate::agent::status::Status;
use crate::alert::Channel;
use crate::backup::outcome::{Outcome, RunId, RunReport};
use crate::control::client::{Accepted, Client};
use crate::control::link::{self, Link};
use crate::control::protocol::{ConfigView, LoginTyped, MAX_RUNS, SlotView, Typed};
use crate::head_office::AddressReport;
use crate::platform::{self, Drive, Space};
use crate::problem::{Problem, Result};
use crate::restore::outcome::{Listed, RestoreId, RestoreReport, Task};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

/// The most past restores that are looked at.
const MOST_PAST: u32 = 20;
/// Between two looks for an agent.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What the window asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// «Realizar Backup».
    Backup,
    /// «Parar».
    Stop,
    /// What stands in the sets, and the last runs.
    Refresh,
    /// The journal, or those of its runs that ended so.
    Journal(Option<Outcome>),
    /// The configuration.
    Config,
    /// A backup in this folder; what stands there may go first.
    Manual(String, bool),
    /// What came of a run.
    Run(RunId),
    /// The drives of this machine.
    Drives,
    /// How much is free in a folder.
    Space(String),
    /// What can be restored from: in the agent's places, or in a folder.
    Sources(Option<PathBuf>),
    /// The restores that were made.
    Restores,
    /// A restore, or what follows one, as the login that was typed.
    Restore(Task, Option<LoginTyped>),
    /// «Atualizar IP».
    UpdateAddress,
    /// A trial on a way on which people are told.
    TestAlert(Channel),
    /// The end of the agent; a run that goes on may be stopped.
    Quit(Typed, bool),
}

/// What the window learns.
#[derive(Debug)]
pub enum News {
    /// What is known of the agent.
    Link(Link),
    /// What stands in the sets, and why the terminal could not be looked at.
    Slots(Vec<SlotView>, Option<Problem>),
    /// The last runs, newest first.
    Runs(Vec<RunReport>),
    /// The journal that was asked for.
    Journal(Result<Vec<RunReport>>),
    /// The configuration in force.
    Config(ConfigView),
    /// What came of «Realizar Backup» or «Parar».
    Done(Result<()>),
    /// Whether the manual backup was taken on.
    Manual(Result<Accepted>),
    /// A run that was asked for; `None` where the journal does not know it.
    Run(RunId, Option<Box<RunReport>>),
    /// The drives of this machine.
    Drives(Vec<Drive>),
    /// How much is free in this folder.
    Space(String, io::Result<Space>),
    /// What can be restored from, and why the terminal could not be looked at.
    Sources(Result<(Vec<Listed>, Option<Problem>)>),
    /// The restores that were made, newest first.
    Restores(Vec<RestoreReport>),
    /// Whether the restore was taken on.
    Restore(Result<RestoreId>),
    /// What came of «Atualizar IP».
    AddressUpdated(Result<AddressReport>),
    /// What came of a trial.
    AlertTested(Channel, Result<()>),
    /// Whether the agent ends.
    Quit(Result<()>),
}

/// Who hears the news; called on any thread.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Works until nobody can ask any more.
pub async fn work(state: PathBuf, mut asks: mpsc::UnboundedReceiver<Ask>, tell: Tell) {
    let following = tokio::spawn(follow(state.clone(), Arc::clone(&tell)));
    while let Some(ask) = asks.recv().await {
        let (state, tell) = (state.clone(), Arc::clone(&tell));
        // One that takes long holds up no other.
        tokio::spawn(async move { answer(state, ask, &tell).await });
    }
    following.abort();
}

/// Follows the agent, and looks at the sets and the journal anew whenever a run has ended or a copy was made.
async fn follow(state: PathBuf, tell: Tell) {
    let (links, mut link) = watch::channel(Link::Starting);
    let following = async {
        loop {
            let Err(problem) = link::follow(&state, &links).await;
            link::lose(&links, problem);
            sleep(LOOK_AGAIN).await;
        }
    };
    let telling = async {
        let mut seen = None;
        while link.changed().await.is_ok() {
            let now = link.borrow_and_update().clone();
            let made = now.status().map(made_so_far);
            tell(News::Link(now));
            if made.is_some() && made != seen {
                seen = made;
                tokio::spawn(refresh(state.clone(), Arc::clone(&tell)));
            }
        }
    };
    tokio::join!(following, telling);
}

/// Changes whenever the sets may have.
fn made_so_far(status: &Status) -> (Option<RunId>, usize, bool) {
    (status.last.as_ref().map(|last| last.id), status.pending.len(), status.configuration.in_force)
}

async fn refresh(state: PathBuf, tell: Tell) {
    tokio::join!(answer_or_log(look_at_sets(&state, &tell)), answer_or_log(look_at_runs(&state, &tell)));
}

async fn answer_or_log(answer: impl Future<Output = Result<()>>) {
    if let Err(problem) = answer.await {
        tracing::debug!(%problem, "not answered; the next change asks again");
    }
}

async fn look_at_sets(state: &Path, tell: &Tell) -> Result<()> {
    let (slots, problem) = Client::connect(state).await?.slots().await?;
    tell(News::Slots(slots, problem));
    Ok(())
}

async fn look_at_runs(state: &Path, tell: &Tell) -> Result<()> {
    let runs = Client::connect(state).await?.journal(MAX_RUNS, None).await?;
    tell(News::Runs(runs));
    Ok(())
}

async fn answer(state: PathBuf, ask: Ask, tell: &Tell) {
    let news = match ask {
        Ask::Refresh => return refresh(state, Arc::clone(tell)).await,
        Ask::Backup => News::Done(backup(&state).await),
        Ask::Stop => News::Done(stop(&state).await),
        Ask::Journal(outcome) => News::Journal(journal(&state, outcome).await),
        Ask::Manual(folder, replace) => News::Manual(manual(&state, folder, replace).await),
        Ask::UpdateAddress => News::AddressUpdated(update_address(&state).await),
        Ask::TestAlert(channel) => News::AlertTested(channel, test_alert(&state, channel).await),
        Ask::Quit(password, stop_run) => News::Quit(quit(&state, password, stop_run).await),
        Ask::Sources(folder) => News::Sources(sources(&state, folder).await),
        Ask::Restore(task, login) => News::Restore(restore(&state, task, login).await),
        Ask::Restores => match restores(&state).await {
            Ok(restores) => News::Restores(restores),
            Err(problem) => return tracing::debug!(%problem, "no restores to show"),
        },
        Ask::Config => match config(&state).await {
            Ok(config) => News::Config(config),
            Err(problem) => return tracing::debug!(%problem, "no configuration to show"),
        },
        Ask::Run(id) => match run(&state, id).await {
            Ok(run) => News::Run(id, run.map(Box::new)),
            Err(problem) => return tracing::debug!(%problem, "the run is not told"),
        },
        Ask::Drives => News::Drives(aside(platform::drives).await.unwrap_or_default()),
        Ask::Space(folder) => {
            let path = PathBuf::from(&folder);
            let space = aside(move || platform::space(&path)).await;
            News::Space(folder, space.unwrap_or_else(|| Err(io::ErrorKind::Other.into())))
        }
    };
    tell(news);
}

/// Asks a disk: one that does not answer, such as a share whose machine is off, holds a thread that nobody waits for.
async fn aside<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::task::spawn_blocking(ask).await {
        Ok(answer) => Some(answer),
        Err(error) => {
            tracing::error!(%error, "a disk was not asked");
            None
        }
    }
}

async fn backup(state: &Path) -> Result<()> {
    Client::connect(state).await?.backup_now(false).await.map(drop)
}

async fn stop(state: &Path) -> Result<()> {
    Client::connect(state).await?.cancel().await
}

async fn journal(state: &Path, outcome: Option<Outcome>) -> Result<Vec<RunReport>> {
    Client::connect(state).await?.journal(MAX_RUNS, outcome).await
}

async fn config(state: &Path) -> Result<ConfigView> {
    Client::connect(state).await?.config().await
}

async fn manual(state: &Path, folder: String, replace: bool) -> Result<Accepted> {
    Client::connect(state).await?.manual_backup(folder, replace).await
}

async fn run(state: &Path, id: RunId) -> Result<Option<RunReport>> {
    Client::connect(state).await?.run(id).await
}

async fn sources(state: &Path, folder: Option<PathBuf>) -> Result<(Vec<Listed>, Option<Problem>)> {
    Client::connect(state).await?.restore_sources(folder).await
}

async fn restore(state: &Path, task: Task, login: Option<LoginTyped>) -> Result<RestoreId> {
    Client::connect(state).await?.restore(task, login).await
}

async fn restores(state: &Path) -> Result<Vec<RestoreReport>> {
    Client::connect(state).await?.restores(MOST_PAST).await
}

async fn update_address(state: &Path) -> Result<AddressReport> {
    Client::connect(state).await?.update_address(false).await
}

async fn test_alert(state: &Path, channel: Channel) -> Result<()> {
    Client::connect(state).await?.alert_test(channel).await
}

async fn quit(state: &Path, password: Typed, stop_run: bool) -> Result<()> {
    Client::connect(state).await?.quit(password, stop_run).await
}
