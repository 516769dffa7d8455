//! One run from beginning to end. Each [`State`] carries what the phases before it made, so that a phase can only begin with
//! what it needs; [`Run`] carries what every phase tells: the report, the progress, the wish to stop.

use super::aim::Aim;
use super::estimate::Estimate;
use super::outcome::{Outcome, Phase, PhaseTime, Progress, RunId, RunReport, Trigger};
use super::prepare::Prepared;
use super::target::Target;
use super::{confirm, dump, manual, pack, prepare};
use crate::clock::Clock;
use crate::config::{Config, DatabaseName};
pub(super) use crate::destination::blocking;
use crate::destination::{Asker, Destination, Identity, Kind};
use crate::durable::Ledger;
use crate::journal::Journal;
use crate::problem::{Code, Problem, Result};
use crate::slot::ArchiveName;
use crate::sqlserver::Server;
use crate::words;
use chrono::{DateTime, FixedOffset};
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Hears how a run goes on. Called often and from several threads: it must return at once.
pub trait Monitor: Send + Sync {
    /// A phase began.
    fn phase(&self, phase: Phase);
    /// The phase went on.
    fn progress(&self, progress: Progress);
}

/// What is asked of a run.
#[derive(Clone, Debug)]
pub struct Order {
    /// Names the run.
    pub id: RunId,
    /// Its place among the backups.
    pub sequence: u64,
    /// What started it.
    pub trigger: Trigger,
    /// 1, or 2 for the second try after a failure.
    pub attempt: u8,
    /// When it began, by the shop's clock: its hour is its slot.
    pub begun: DateTime<FixedOffset>,
    /// A person confirms that a database which shrank by more than half is right, so that the weekday may be replaced.
    pub accept_shrunk: bool,
    /// What it is for.
    pub aim: Aim,
}

/// What a run works with.
#[derive(Clone)]
pub struct World {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// The server.
    pub server: Server,
    /// The backup folder.
    pub local: Arc<dyn Destination>,
    /// The terminal's folder; `None` where the shop has chosen to do without.
    pub terminal: Option<Arc<dyn Destination>>,
    /// Who asks the terminal before a run writes there: the same for everybody, so that one that hangs holds up one thread.
    pub terminal_asker: Arc<Asker>,
    /// The journal.
    pub journal: Journal,
    /// Whose backups these are.
    pub identity: Identity,
    /// The shop's clock.
    pub clock: Arc<dyn Clock>,
    /// Names under construction, also in folders that are no destination.
    pub ledger: Arc<Ledger>,
}

impl World {
    /// The database of this agent; the configuration holds exactly one.
    pub fn database(&self) -> Result<&DatabaseName> {
        self.config.databases.first().ok_or_else(|| Problem::internal("no database is configured"))
    }

    /// The name of the zip.
    pub fn archive(&self) -> &ArchiveName {
        &self.config.archive_name
    }
}

/// The states of a run, with what each needs.
enum State {
    Preparing,
    Dumping(Prepared),
    Packing(Prepared, dump::Dumped),
    Confirming(Box<pack::Packed>),
    /// A manual backup copies what another run made.
    Copying(Box<RunReport>),
    ConfirmingCopy(Box<manual::Copied>),
    Done,
}

impl State {
    const fn phase(&self) -> Phase {
        match self {
            Self::Preparing => Phase::Preparing,
            Self::Dumping(_) => Phase::Dumping,
            Self::Packing(..) | Self::Copying(_) => Phase::Packing,
            Self::Confirming(_) | Self::ConfirmingCopy(_) => Phase::Confirming,
            Self::Done => Phase::Done,
        }
    }

    async fn advance(self, run: &mut Run<'_>) -> Result<Self> {
        run.stop_if_cancelled()?;
        match self {
            Self::Preparing => match run.order.copies() {
                Some(source) => {
                    manual::foresee(run, source.zip_bytes).await?;
                    Ok(Self::Copying(source))
                }
                None => Ok(Self::Dumping(prepare::prepare(run).await?)),
            },
            Self::Dumping(prepared) => {
                let dumped = dump::dump(run, &prepared).await?;
                Ok(Self::Packing(prepared, dumped))
            }
            Self::Packing(prepared, dumped) => {
                let packed = pack::pack(run, &prepared, dumped).await?;
                Ok(Self::Confirming(Box::new(packed)))
            }
            Self::Confirming(packed) => {
                confirm::confirm(run, *packed).await?;
                Ok(Self::Done)
            }
            Self::Copying(source) => Ok(Self::ConfirmingCopy(Box::new(manual::copy(run, *source).await?))),
            Self::ConfirmingCopy(copied) => {
                manual::confirm(run, *copied).await?;
                Ok(Self::Done)
            }
            Self::Done => Ok(Self::Done),
        }
    }
}

/// Makes one backup and tells everything of it. Never panics, never leaves a statement running or a file half-made; a
/// problem of the journal is told, and stops nothing.
pub async fn run(
    order: Order,
    world: &World,
    monitor: Arc<dyn Monitor>,
    cancel: CancellationToken,
) -> RunReport {
    let mut run = Run::begin(order, world, monitor, cancel);
    let mut state = State::Preparing;
    let end = loop {
        run.enter(state.phase());
        if matches!(state, State::Done) {
            break Ok(());
        }
        match Box::pin(state.advance(&mut run)).await {
            Ok(next) => state = next,
            Err(problem) => break Err(problem),
        }
    };
    run.finish(end)
}

/// A run under way: what every phase may see and tell.
pub(super) struct Run<'a> {
    pub order: Order,
    pub world: &'a World,
    pub cancel: CancellationToken,
    pub report: RunReport,
    /// Where its zip is written.
    pub target: Target,
    meter: Arc<Meter>,
    phase: Option<(Phase, Instant)>,
}

/// Turns figures of a phase into [`Progress`] with an estimate.
pub(super) struct Meter {
    monitor: Arc<dyn Monitor>,
    estimate: Estimate,
}

impl Meter {
    /// Tells how far `phase` is, which began at `since`.
    pub fn tell(&self, since: Instant, mut progress: Progress) {
        let share = progress.percent.map(|percent| f64::from(percent) / 100.0).or_else(|| {
            progress
                .total_bytes
                .filter(|total| *total > 0)
                .map(|total| progress.done_bytes as f64 / total as f64)
        });
        progress.percent = share.map(|share| (share.clamp(0.0, 1.0) * 100.0) as f32);
        progress.left_secs = self.estimate.left_secs(progress.phase, share, since.elapsed());
        self.monitor.progress(progress);
    }
}

impl<'a> Run<'a> {
    fn begin(order: Order, world: &'a World, monitor: Arc<dyn Monitor>, cancel: CancellationToken) -> Self {
        let usual = world.journal.last_good().ok().flatten().map(|last| last.phases).unwrap_or_default();
        let meter = Arc::new(Meter { monitor, estimate: Estimate::from_last(usual) });
        let report = RunReport {
            sequence: order.sequence,
            attempt: order.attempt,
            database: world.config.databases.first().map(|name| name.as_str().to_owned()).unwrap_or_default(),
            ..RunReport::begun(order.id, order.trigger, order.aim.purpose(), order.begun)
        };
        let target = Target::of(&order, world);
        let mut run = Self { target, order, world, cancel, report, meter, phase: None };
        run.note_journal(world.journal.begin(&run.report));
        tracing::info!(run = %run.order.id, slot = run.report.hour, trigger = ?run.order.trigger, "run begins");
        run
    }

    /// Ends the phase that goes on and begins `phase`.
    fn enter(&mut self, phase: Phase) {
        self.leave();
        self.meter.monitor.phase(phase);
        if phase != Phase::Done {
            self.phase = Some((phase, Instant::now()));
        }
        let kept = self.world.journal.update(&self.report);
        self.note_journal(kept);
    }

    fn leave(&mut self) {
        if let Some((phase, since)) = self.phase.take() {
            let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.report.phases.push(PhaseTime { phase, millis });
        }
    }

    /// The meter, and when the phase that goes on began.
    pub fn meter(&self) -> (Arc<Meter>, Instant) {
        (Arc::clone(&self.meter), self.phase.map_or_else(Instant::now, |(_, since)| since))
    }

    /// Notes something that makes the run a Warning.
    pub fn warn(&mut self, problem: Problem) {
        tracing::warn!(run = %self.order.id, code = %problem.code, %problem, "run goes on");
        if !self.report.problems.contains(&problem) {
            self.report.problems.push(problem);
        }
    }

    /// Ends the run here where somebody wants it to stop.
    ///
    /// # Errors
    /// [`Code::RunCancelled`].
    pub fn stop_if_cancelled(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }

    /// Asks a destination before anything is made. A terminal that never answers does not hold up the run.
    ///
    /// # Errors
    /// The question's own; [`Code::RunCancelled`]; that the terminal does not answer.
    pub async fn ask<T: Send + 'static>(
        &self,
        destination: &Arc<dyn Destination>,
        question: impl FnOnce(&dyn Destination) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let asked = Arc::clone(destination);
        let answer = async {
            match destination.kind() {
                Kind::Server => blocking(move || question(&*asked)).await,
                Kind::Terminal => {
                    let asker = &self.world.terminal_asker;
                    // To read what a slow share holds takes a while.
                    asker.ask_long(&**destination, move || question(&*asked)).await
                }
            }
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.cancel.cancelled() => Err(cancelled()),
        }
    }

    fn note_journal(&mut self, kept: Result<()>) {
        if let Err(problem) = kept {
            self.warn(problem);
        }
    }

    fn finish(mut self, end: Result<()>) -> RunReport {
        self.leave();
        let outcome = match end {
            Ok(()) if self.report.problems.is_empty() => Outcome::Success,
            Ok(()) => Outcome::Warning,
            Err(problem) => {
                let outcome =
                    if problem.code == Code::RunCancelled { Outcome::Cancelled } else { Outcome::Failed };
                self.report.problems.insert(0, problem);
                outcome
            }
        };
        self.report.outcome = Some(outcome);
        self.report.finished_at = Some(self.world.clock.local_now());
        let kept = self.world.journal.finish(&self.report);
        if let Err(problem) = kept {
            tracing::warn!(%problem, "the journal does not keep this run");
            if outcome == Outcome::Success {
                self.report.outcome = Some(Outcome::Warning);
            }
            self.report.problems.push(problem);
        }
        let RunReport { outcome, bak_bytes, zip_bytes, .. } = &self.report;
        let codes: Vec<_> = self.report.problems.iter().map(|problem| problem.code.id()).collect();
        match outcome {
            Some(Outcome::Failed) => {
                tracing::error!(run = %self.order.id, slot = self.report.hour, ?codes, "run failed");
            }
            Some(Outcome::Success | Outcome::Warning | Outcome::Cancelled | Outcome::Interrupted) | None => {
                tracing::info!(run = %self.order.id, slot = self.report.hour, ?outcome, bak_bytes, zip_bytes, ?codes, "run ends");
            }
        }
        self.report
    }
}

/// The problem of a run that somebody stopped.
pub(super) fn cancelled() -> Problem {
    Problem::new(
        Code::RunCancelled,
        words!("O backup foi interrompido a pedido.", "The backup was stopped on request."),
        words!(
            "Nada foi alterado: os backups anteriores continuam como estavam. O próximo será feito no horário normal.",
            "Nothing changed: the earlier backups stay as they were. The next one is made at its usual time.",
        ),
    )
}
