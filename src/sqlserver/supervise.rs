//! BACKUP and RESTORE under watch. The statement runs on a connection and in a task of its own; whoever waits sees its
//! progress from a second connection, may stop it, and notices when it stalls. However the waiting ends, be it that its
//! future is dropped, the statement is ended in the server too: the project's promise that none is left running.

use super::Server;
use super::errors::Failure;
use super::session::{Connection, Fields, Session};
use super::statements::{PROGRESS, Statement};
use super::wire::Activity;
use std::time::Duration;
use tiberius::Row;
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How far a BACKUP or RESTORE is. Without the right VIEW SERVER STATE the server does not tell: both are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DumpProgress {
    /// Share that is done, 0 to 100, by the server's own count.
    pub percent: Option<f32>,
    /// The server's estimate of the time that is left.
    pub left: Option<Duration>,
}

/// A statement that ended well.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) session_id: i16,
    pub(super) took: Duration,
    pub(super) rows: Vec<Row>,
}

/// A statement that did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// It failed.
    Failed(Failure),
    /// Whoever waits did not want it any more.
    Cancelled,
}

impl From<Failure> for Unfinished {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Runs `statement` until it ends, stalls, or `cancel` says stop; `progress` hears how far it is about twice a second.
pub(super) async fn supervise(
    server: &Server,
    statement: Statement,
    progress: &(dyn Fn(DumpProgress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<Done, Unfinished> {
    supervise_within(server, statement, server.limits().stall, progress, cancel).await
}

/// The same for a statement that may be silent for as long as `stall`.
pub(super) async fn supervise_within(
    server: &Server,
    statement: Statement,
    stall: Duration,
    progress: &(dyn Fn(DumpProgress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<Done, Unfinished> {
    let (turn, connection) = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Unfinished::Cancelled),
        begun = async { Ok::<_, Failure>((server.take_turn().await, server.open().await?)) } => begun?,
    };
    supervise_on(connection, server, turn, statement, stall, progress, cancel).await
}

/// The same on a connection that is open already, for a statement whose turn it is.
pub(super) async fn supervise_on(
    mut connection: Connection,
    server: &Server,
    turn: Turn,
    statement: Statement,
    stall: Duration,
    progress: &(dyn Fn(DumpProgress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<Done, Unfinished> {
    let begun = Instant::now();
    let session = connection.session().await?;
    let mut watch = Watch::new(server.clone(), session.id, connection.activity());
    let mut running = Running::start(server.clone(), connection, session, statement, turn);
    tracing::debug!(%session, "statement started");
    loop {
        tokio::select! {
            biased;
            outcome = running.outcome() => match outcome {
                Ok(rows) => return Ok(Done { session_id: session.id, took: begun.elapsed(), rows }),
                Err(failure) => {
                    if !failure.leaves_connection_usable() {
                        running.end().await;
                    }
                    return Err(failure.into());
                }
            },
            () = cancel.cancelled() => {
                running.end().await;
                return Err(Unfinished::Cancelled);
            }
            seen = watch.next() => {
                progress(seen);
                let quiet = watch.quiet();
                if quiet >= stall {
                    tracing::error!(%session, ?quiet, "no sign of life");
                    running.end().await;
                    return Err(Failure::Stalled(stall).into());
                }
            }
        }
    }
}

/// Looks at a running statement from a second connection.
struct Watch {
    server: Server,
    session_id: i16,
    connection: Option<Connection>,
    /// Cleared when the server refuses to tell: it will not change its mind.
    may_ask: bool,
    activity: Activity,
    received_bytes: u64,
    percent: Option<f32>,
    last_sign: Instant,
}

impl Watch {
    fn new(server: Server, session_id: i16, activity: Activity) -> Self {
        Self {
            server,
            session_id,
            connection: None,
            may_ask: true,
            received_bytes: activity.received_bytes(),
            activity,
            percent: None,
            last_sign: Instant::now(),
        }
    }

    /// The next look. Nothing of it is an error: what cannot be seen is `None`.
    async fn next(&mut self) -> DumpProgress {
        sleep(self.server.limits().look).await;
        let seen = if self.may_ask { self.look().await } else { DumpProgress::default() };
        let received_bytes = self.activity.received_bytes();
        if received_bytes != self.received_bytes || (seen.percent.is_some() && seen.percent != self.percent) {
            self.last_sign = Instant::now();
        }
        self.received_bytes = received_bytes;
        self.percent = seen.percent.or(self.percent);
        seen
    }

    /// How long neither the percentage moved nor a byte arrived.
    fn quiet(&self) -> Duration {
        self.last_sign.elapsed()
    }

    async fn look(&mut self) -> DumpProgress {
        match self.ask().await {
            Ok(seen) => seen,
            Err(failure) => {
                tracing::debug!(cause = %failure, "progress cannot be seen");
                self.may_ask = failure.number().is_none();
                self.connection = None;
                DumpProgress::default()
            }
        }
    }

    async fn ask(&mut self) -> Result<DumpProgress, Failure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(self.server.open().await?),
        };
        let Some(row) = connection.row(&PROGRESS, &[&self.session_id]).await? else {
            return Ok(DumpProgress::default());
        };
        let fields = Fields(&row);
        let percent = fields.real("percent_complete")?.map(|percent| percent.clamp(0.0, 100.0) as f32);
        let left = fields.int("estimated_completion_time")?.and_then(|millis| u64::try_from(millis).ok());
        // Zero means that the server has no estimate (yet).
        Ok(DumpProgress { percent, left: left.filter(|millis| *millis > 0).map(Duration::from_millis) })
    }
}

/// One lasting statement at a time: the turn goes on until the statement has ended in the server, so that its successor meets
/// neither a busy database nor a file that is still being undone.
pub(super) type Turn = OwnedMutexGuard<()>;

/// A statement that runs in the server. Dropped before it is over, it is ended in the background.
struct Running {
    server: Server,
    session: Session,
    /// Tells the task to ask the server by Attention to stop.
    stop: CancellationToken,
    task: Option<JoinHandle<Result<Vec<Row>, Failure>>>,
    turn: Option<Turn>,
}

impl Running {
    fn start(
        server: Server,
        mut connection: Connection,
        session: Session,
        statement: Statement,
        turn: Turn,
    ) -> Self {
        let stop = CancellationToken::new();
        let told = stop.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                outcome = connection.run_unbounded(&statement) => return outcome,
                () = told.cancelled() => {}
            }
            connection.attention().await;
            Err(Failure::Lost("stopped by Attention".into()))
        });
        Self { server, session, stop, task: Some(task), turn: Some(turn) }
    }

    /// The statement's own end. Cancel-safe.
    async fn outcome(&mut self) -> Result<Vec<Row>, Failure> {
        let Some(task) = &mut self.task else {
            return Err(Failure::Lost("its outcome was already told".into()));
        };
        let outcome = task.await.unwrap_or_else(|error| Err(Failure::Lost(error.to_string())));
        self.task = None;
        outcome
    }

    /// Ends the statement, if it has not ended, and waits until the server says so. If this waiting is dropped, the ending
    /// goes on.
    async fn end(mut self) {
        if let Some(ending) = self.ending() {
            // The task neither panics nor is aborted; nothing is lost if it were.
            drop(tokio::spawn(ending).await);
        }
    }

    fn ending(&mut self) -> Option<impl Future<Output = ()> + use<>> {
        let turn = self.turn.take()?;
        let (server, session, stop) = (self.server.clone(), self.session, self.stop.clone());
        let task = self.task.take();
        Some(async move {
            end(&server, session, task, &stop).await;
            drop(turn);
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.task.is_none() {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => drop(self.ending().map(|ending| runtime.spawn(ending))),
            // Without a runtime the connection can only be dropped, at which the server aborts.
            Err(_) => self.task.iter().for_each(JoinHandle::abort),
        }
    }
}

/// Ends `session`: KILL from a second connection; where that is not possible, Attention on its own; at last the
/// connection is dropped. Then waits until the server has no request of it any more. Bounded.
async fn end(
    server: &Server,
    session: Session,
    task: Option<JoinHandle<Result<Vec<Row>, Failure>>>,
    stop: &CancellationToken,
) {
    if let Some(mut task) = task {
        match server.kill_own(session).await {
            Ok(()) => tracing::info!(%session, "statement killed"),
            Err(cause) => {
                tracing::info!(%session, %cause, "not killed, asking it to stop");
                stop.cancel();
            }
        }
        if timeout(server.limits().ending, &mut task).await.is_err() {
            tracing::warn!(%session, "the statement does not answer, dropping its connection");
            task.abort();
        }
    }
    match server.await_end(Some(session)).await {
        Ok(true) => tracing::debug!(%session, "nothing of it runs in the server"),
        Ok(false) => tracing::error!(%session, "the server still runs our statement"),
        Err(cause) => tracing::warn!(%session, %cause, "cannot see whether our statement ended"),
    }
}
