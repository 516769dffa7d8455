//! One restore from beginning to end: what is asked, what every step may see and tell, and what the next start ends.

use super::beside::Stay;
use super::outcome::{Replacement, RestoreId, RestoreProgress, RestoreReport, Stage, StageTime, Task};
use super::record::{Made, Making, Records};
use super::{beside, exchange, overwrite, problems, replace, retest};
use crate::backup::World;
use crate::backup::outcome::Outcome;
use crate::config::Secret;
use crate::journal::EventKind;
use crate::platform;
use crate::problem::{Code, Problem, Result};
use crate::sqlserver::{DumpProgress, Server};
use crate::words;
use chrono::{DateTime, FixedOffset};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Hears how a restore goes on. Called often and from several threads: it must return at once.
pub trait Monitor: Send + Sync {
    /// A stage began.
    fn stage(&self, stage: Stage);
    /// The stage went on.
    fn progress(&self, progress: RestoreProgress);
}

/// A SQL login that was typed for one restore. Never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedLogin {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// What is asked of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreOrder {
    /// Names the restore.
    pub id: RestoreId,
    /// What is to be done.
    pub task: Task,
    /// Who asks, as the system names the user.
    pub by: String,
    /// When it begins, by the shop's clock.
    pub begun: DateTime<FixedOffset>,
    /// As whom it speaks to the server; `None` for the configured login.
    pub login: Option<TypedLogin>,
}

impl RestoreOrder {
    /// The report of a restore that ended at `at`, because of `problem`, before it had begun.
    pub fn not_made(self, database: &str, at: DateTime<FixedOffset>, problem: Problem) -> RestoreReport {
        let cancelled = problem.code == Code::RunCancelled;
        let mut report = self.report(database);
        report.finished_at = Some(at);
        report.outcome = Some(if cancelled { Outcome::Cancelled } else { Outcome::Failed });
        report.problems = vec![if cancelled { self.cancelled() } else { problem }];
        report
    }

    /// Whether it is a restore test, which gives way to everything else.
    pub fn is_test(&self) -> bool {
        self.task == Task::Test
    }

    fn cancelled(&self) -> Problem {
        if self.is_test() { retest::stopped() } else { problems::cancelled() }
    }

    fn report(&self, database: &str) -> RestoreReport {
        RestoreReport {
            id: self.id,
            task: self.task.clone(),
            by: self.by.clone(),
            started_at: self.begun,
            finished_at: None,
            outcome: None,
            database: database.to_owned(),
            from: None,
            target: None,
            kept: None,
            safety: None,
            stages: Vec::new(),
            counts: Vec::new(),
            compared: None,
            defects: Vec::new(),
            statements: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// What a restore works with.
#[derive(Clone)]
pub struct Workshop {
    /// The configuration, the server, the folders, the journal, the clock.
    pub world: World,
    /// What restores have made.
    pub records: Arc<Records>,
    /// The highest number among the backups that stand there, where the journal was lost.
    pub sequence_floor: u64,
}

/// Does what is asked and tells everything of it. Never panics, never leaves a statement running, and nothing half-made that the
/// next start would not remove; a problem of the journal is told, and stops nothing.
pub async fn carry_out(
    order: RestoreOrder,
    shop: &Workshop,
    monitor: Arc<dyn Monitor>,
    cancel: CancellationToken,
) -> RestoreReport {
    let task = order.task.clone();
    let _turn = shop.records.turn().await;
    let mut work = Work::begin(order, shop, monitor, cancel);
    let end = match recover_as(shop, &work.server).await {
        Ok(()) => match &task {
            Task::Beside { source } => beside::make(&mut work, source, Stay::Kept).await.map(drop),
            Task::Test => retest::test(&mut work).await,
            Task::Replace { source, confirm } => replace::replace(&mut work, source, confirm).await,
            Task::Overwrite { source, confirm } => {
                Box::pin(overwrite::overwrite(&mut work, source, confirm)).await
            }
            Task::Resume { confirm } => replace::resume(&mut work, confirm).await,
            Task::Undo { confirm } => replace::undo(&mut work, confirm).await,
            Task::Tick { items } => replace::tick(&mut work, items).await,
            Task::Release { confirm } => replace::release(&mut work, confirm).await,
            Task::Drop { database } => beside::remove(&mut work, database).await,
        },
        Err(problem) => Err(problem),
    };
    work.finish(end)
}

/// What was cut short and waits for a person's word: named in the status until `--resume` or `--undo` ends it.
pub fn unfinished(records: &Records) -> Option<Problem> {
    replace::unfinished(&records.read())
}

/// The replacement that stands and waits for its checklist.
pub fn standing(records: &Records) -> Option<Replacement> {
    records.read().standing()
}

/// Ends what an earlier process left in the server: a database that it had only begun is removed, and an exchange of names is
/// brought to one of its ends. To be called once none of our
/// statements runs there any more.
///
/// # Errors
/// The server does not answer, or refuses: to be called again.
pub async fn recover(shop: &Workshop) -> Result<()> {
    recover_as(shop, &shop.world.server).await
}

/// The same as the login of `server`: what an administrator's login has begun, ours may not be allowed to end.
async fn recover_as(shop: &Workshop, server: &Server) -> Result<()> {
    exchange::settle(shop, server).await?;
    overwrite::settle(shop, server).await?;
    let book = shop.records.read();
    if let Some(making) = book.making {
        remove_begun(shop, server, making).await?;
    }
    for made in book.passing {
        match remove_passing(shop, server, &made).await {
            Ok(true) => note_removed(shop, &made.database),
            Ok(false) => {}
            // Somebody looks into it: that must not keep a backup from being made. It stays recorded.
            Err(problem) if problem.code == Code::DatabaseBusy => {
                tracing::warn!(%problem, database = made.database, "the database of a restore test stays for now");
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok(())
}

/// Whether there is something to [`recover`] from.
pub fn has_left(records: &Records) -> bool {
    records.read().is_left()
}

/// The same while the process goes on, as soon as the server answers again: after a restore that it had left in the middle. Nothing
/// is done while a restore is at work, or where nothing was left.
///
/// # Errors
/// As [`recover`].
pub async fn end_left(shop: &Workshop) -> Result<()> {
    match shop.records.try_turn() {
        Some(_turn) if has_left(&shop.records) => recover(shop).await,
        Some(_) | None => Ok(()),
    }
}

/// Removes a database that a restore had only begun. One that somebody looks into stays recorded, as those of restore tests do.
///
/// # Errors
/// The server does not answer, or refuses; the record cannot be written.
async fn remove_begun(shop: &Workshop, server: &Server, Making { restore, database }: Making) -> Result<()> {
    let (removed, waits) = match server.drop_database(&database).await {
        Ok(removed) => (removed, None),
        Err(problem) if problem.code == Code::DatabaseBusy => {
            tracing::warn!(%problem, database, "what a restore had begun stays for now");
            (false, server.database_identity(&database).await?)
        }
        Err(problem) => return Err(problem),
    };
    let waits = waits.map(|identity| Made { restore, database: database.clone(), identity });
    let gone = database.clone();
    exchange::change(shop, move |book| {
        book.making = None;
        book.made.retain(|made| made.database != gone);
        book.passing.extend(waits);
    })
    .await?;
    if removed {
        note_removed(shop, &database);
    }
    Ok(())
}

/// Removes the database of a restore test, where it is still the one that was made. Whether it was there.
///
/// # Errors
/// Somebody is in it, the server does not answer, or the record cannot be written.
pub(super) async fn remove_passing(shop: &Workshop, server: &Server, made: &Made) -> Result<bool> {
    let is_ours =
        server.database_identity(&made.database).await?.is_some_and(|now| now.is_the_same_as(&made.identity));
    let removed = is_ours && server.drop_database(&made.database).await?;
    let database = made.database.clone();
    exchange::change(shop, move |book| book.passing.retain(|made| made.database != database)).await?;
    Ok(removed)
}

fn note_removed(shop: &Workshop, database: &str) {
    tracing::warn!(database, "a restore was cut short; what it had begun is removed");
    let text = words!(
        "o banco «{database}», de uma restauração interrompida, foi removido",
        "the database “{database}” of a restore that was cut short was removed"
    );
    if let Err(problem) = shop.world.journal.event(EventKind::Scrubbed, &text) {
        tracing::warn!(%problem, "the clean-up is not journalled");
    }
}

/// A restore under way: what every step may see and tell.
pub(super) struct Work<'a> {
    pub order: RestoreOrder,
    pub shop: &'a Workshop,
    /// The server, as whoever was typed for this restore.
    pub server: Server,
    pub cancel: CancellationToken,
    pub report: RestoreReport,
    monitor: Arc<dyn Monitor>,
    stage: Option<(Stage, Instant)>,
}

impl<'a> Work<'a> {
    pub fn begin(
        order: RestoreOrder,
        shop: &'a Workshop,
        monitor: Arc<dyn Monitor>,
        cancel: CancellationToken,
    ) -> Self {
        let world = &shop.world;
        let server = match &order.login {
            Some(login) => world.server.for_login(&login.user, login.password.clone()),
            None => world.server.clone(),
        };
        let database = world.database().map(|name| name.as_str().to_owned()).unwrap_or_default();
        let report = order.report(&database);
        let mut work = Self { order, shop, server, cancel, report, monitor, stage: None };
        work.note_journal();
        tracing::info!(restore = %work.order.id, task = ?work.order.task, by = work.order.by, "restore begins");
        work.enter(Stage::Preparing);
        work
    }

    /// Ends the stage that goes on and begins `stage`.
    pub fn enter(&mut self, stage: Stage) {
        self.leave();
        self.monitor.stage(stage);
        self.stage = (stage != Stage::Done).then(|| (stage, Instant::now()));
        self.note_journal();
    }

    fn leave(&mut self) {
        if let Some((stage, since)) = self.stage.take() {
            let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.report.stages.push(StageTime { stage, millis });
        }
    }

    /// Whoever watches, for work in another thread.
    pub fn monitor(&self) -> Arc<dyn Monitor> {
        Arc::clone(&self.monitor)
    }

    /// Tells the server's own figures of `stage`.
    pub fn told_by_server(&self, stage: Stage) -> impl Fn(DumpProgress) + Send + Sync + use<> {
        let monitor = self.monitor();
        move |told: DumpProgress| {
            monitor.progress(RestoreProgress {
                stage,
                done_bytes: 0,
                total_bytes: None,
                percent: told.percent,
                left_secs: told.left.map(|left| left.as_secs()),
            });
        }
    }

    /// Notes something that makes the restore a Warning.
    pub fn warn(&mut self, problem: Problem) {
        tracing::warn!(restore = %self.order.id, code = %problem.code, %problem, "restore goes on");
        if !self.report.problems.contains(&problem) {
            self.report.problems.push(problem);
        }
    }

    /// Ends the restore here where somebody wants it to stop.
    ///
    /// # Errors
    /// [`Code::RunCancelled`].
    pub fn stop_if_cancelled(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(problems::cancelled()) } else { Ok(()) }
    }

    fn note_journal(&mut self) {
        let kept = self.shop.world.journal.keep_restore(&self.report);
        if let Err(problem) = kept {
            self.warn(problem);
        }
    }

    pub fn finish(mut self, end: Result<()>) -> RestoreReport {
        self.leave();
        let outcome = match end {
            Ok(()) if self.report.problems.is_empty() => Outcome::Success,
            Ok(()) => Outcome::Warning,
            Err(problem) => {
                let cancelled = problem.code == Code::RunCancelled;
                let told = if cancelled { self.order.cancelled() } else { problem };
                self.report.problems.insert(0, told);
                if cancelled { Outcome::Cancelled } else { Outcome::Failed }
            }
        };
        self.report.outcome = Some(outcome);
        self.report.finished_at = Some(self.shop.world.clock.local_now());
        self.note_journal();
        let codes: Vec<_> = self.report.problems.iter().map(|problem| problem.code.id()).collect();
        tracing::info!(restore = %self.order.id, ?outcome, ?codes, "restore ends");
        self.monitor.stage(Stage::Done);
        self.report
    }
}

/// Work that was stopped and has not ended after this long is given up: a backup waits for it, and what hangs, on a share as a rule,
/// hangs alone.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);

/// Awaits work that may hang.
///
/// # Errors
/// Its own; and [`Code::RunCancelled`] where it was given up.
pub(super) async fn until_given_up<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let given_up = async {
        cancel.cancelled().await;
        tokio::time::sleep(GIVEN_UP_AFTER).await;
    };
    tokio::select! {
        biased;
        done = work => done,
        () = given_up => Err(problems::cancelled()),
    }
}

/// Carries out blocking work in a thread of its own, which stands back for everything else.
///
/// # Errors
/// The work's own problem, or an internal one where the thread fell.
pub(super) async fn standing_back<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (done, ended) = oneshot::channel();
    let thread = std::thread::Builder::new().name("restore-test".to_owned());
    let started = thread.spawn(move || {
        platform::stand_back();
        // Nobody listens any more where it was given up.
        let _given_up = done.send(work());
    });
    started.map_err(Problem::internal)?;
    ended.await.unwrap_or_else(|_| Err(Problem::internal("thread «restore-test» fell")))
}

/// Carries out blocking work away from the loop.
///
/// # Errors
/// The work's own problem, or an internal one where it panicked.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Problem::internal(error)))
}
