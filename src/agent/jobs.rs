//! The agent's hands: what takes time runs in tasks of its own, which report to the loop.

use super::checking::{self, Hanging};
use super::cycle::Round;
use super::effect::{DeepCheck, Line, Loudness, Wanted};
use super::ground::Ground;
use super::input::{Event, InForce, Ticket};
use super::lookup;
use super::owner::{Answer, Hands};
use super::patience::{STOP_PATIENCE, blocking, no_answer, unless_given_up};
use super::problems;
use super::status::PendingView;
use super::survey;
use crate::alert::Alerts;
use crate::backup::outcome::{Phase, Progress, RunReport};
use crate::backup::{MadeUp, Manual, Monitor, Order, copy_pending, run};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::protocol::Request;
use crate::journal::{EventKind, Journal, PendingCopy, Told};
use crate::notify::Notice;
use crate::platform;
use crate::problem::{Problem, Result};
use crate::restore::outcome::{RestoreProgress, Stage};
use crate::restore::{self, RestoreOrder, carry_out};
use crate::verify;
use crate::words::{Language, Words};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Hears what the agent tells people as it happens. Called from the agent's loop: it must return at once.
pub trait Audience: Send + Sync + fmt::Debug {
    /// A line of the status.
    fn line(&self, line: &Line);
    /// A run ended.
    fn ended(&self, report: &RunReport);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence;

impl Audience for Silence {
    fn line(&self, _: &Line) {}
    fn ended(&self, _: &RunReport) {}
}

/// The hands of a real agent.
#[derive(Debug)]
pub struct Workers {
    ground: Arc<Ground>,
    round: Arc<Round>,
    clock: Arc<dyn Clock>,
    audience: Arc<dyn Audience>,
    alerts: Alerts,
    reports: UnboundedSender<Event>,
    tasks: TaskTracker,
    stop: CancellationToken,
    hanging: Hanging,
    language: Language,
}

impl Workers {
    /// Hands that report to `reports`.
    pub fn new(
        ground: Arc<Ground>,
        round: Round,
        clock: Arc<dyn Clock>,
        audience: Arc<dyn Audience>,
        alerts: Alerts,
        reports: UnboundedSender<Event>,
    ) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let language = Language::default();
        Self {
            ground,
            round: Arc::new(round),
            clock,
            audience,
            alerts,
            reports,
            tasks,
            stop,
            hanging: Hanging::default(),
            language,
        }
    }

    /// Runs a job and reports what it makes; a job that panics reports what `fallen` makes of it.
    fn start(
        &self,
        job: impl Future<Output = Event> + Send + 'static,
        fallen: impl FnOnce(Problem) -> Event + Send + 'static,
    ) {
        let reports = self.reports.clone();
        self.tasks.spawn(async move {
            let event = tokio::spawn(job).await.unwrap_or_else(|cause| {
                tracing::error!(%cause, "a job of the agent fell");
                fallen(Problem::internal(cause))
            });
            // Nobody listens any more once the loop has ended.
            let _ended = reports.send(event);
            tokio::spawn(rest());
        });
    }

    fn reporter(&self) -> Arc<Reporter> {
        Arc::new(Reporter { reports: self.reports.clone(), last: Mutex::new(None) })
    }
}

/// What the loop does with the end of a job takes less than this.
const REST_AFTER: Duration = Duration::from_millis(500);

/// Has the agent take little room until the next cycle: for the code of a cycle or of another job, which is most of what it
/// holds, a shop's machine has better use in the meantime.
async fn rest() {
    tokio::time::sleep(REST_AFTER).await;
    match platform::hand_back_memory() {
        Ok(code_bytes) => tracing::trace!(code_bytes, "memory is handed back"),
        Err(error) => tracing::debug!(%error, "memory cannot be handed back"),
    }
}

impl Hands for Workers {
    fn start_cycle(&mut self, in_force: Option<InForce>) {
        let (round, reports) = (Arc::clone(&self.round), self.reports.clone());
        let job = async move {
            let report = round.go(in_force, &reports).await;
            Event::CycleEnded(Box::new(report))
        };
        self.start(job, |_| Event::CycleEnded(Box::default()));
    }

    fn start_run(&mut self, wanted: Wanted, config: Arc<Config>) {
        self.stop = CancellationToken::new();
        if wanted.is_rotation() {
            self.alerts.started(wanted.id);
        }
        let job = Job {
            ground: Arc::clone(&self.ground),
            clock: Arc::clone(&self.clock),
            config,
            wanted: wanted.clone(),
        };
        let fallen = job.clone();
        let (monitor, stop) = (self.reporter(), self.stop.clone());
        self.start(async move { Event::RunEnded(Box::new(job.run(monitor, stop).await)) }, move |problem| {
            Event::RunEnded(Box::new(fallen.not_made(problem)))
        });
    }

    fn start_copies(&mut self, config: Arc<Config>) {
        self.stop = CancellationToken::new();
        let (ground, monitor, stop) = (Arc::clone(&self.ground), self.reporter(), self.stop.clone());
        let journal = ground.home().journal.clone();
        let job = async move {
            let before = journal.pending().unwrap_or_default();
            let made_up = match ground.ready_to_write(&config).await {
                Ok((standing, _turn)) => {
                    let world = &standing.world;
                    let given_up =
                        || world.terminal.as_ref().map(|terminal| no_answer(&**terminal, STOP_PATIENCE));
                    unless_given_up(&stop, copy_pending(world, monitor, stop.clone()))
                        .await
                        .unwrap_or_else(|| MadeUp { problem: given_up(), ..MadeUp::default() })
                }
                Err(problem) => MadeUp { problem: Some(problem), ..MadeUp::default() },
            };
            // What cannot be read now is as it was; the next cycle looks again.
            let pending = journal.pending().unwrap_or_else(|_| before.clone());
            let arrived = arrived(&before, &pending, &made_up.lost);
            if let Err(problem) = journal.arrived(&arrived) {
                tracing::warn!(%problem, "that copies were made up is not journalled with their runs");
            }
            Event::CopiesEnded { problem: made_up.problem, arrived, pending: pending_views(&pending) }
        };
        self.start(job, |problem| Event::CopiesEnded {
            problem: Some(problem),
            arrived: Vec::new(),
            pending: Vec::new(),
        });
    }

    fn start_check(&mut self, order: DeepCheck, config: Arc<Config>) {
        self.stop = CancellationToken::new();
        let (ground, reports) = (Arc::clone(&self.ground), self.reports.clone());
        let job = checking::check(order, config, ground, reports, self.hanging.clone(), self.stop.clone());
        self.start(async move { Event::CheckEnded(job.await) }, |problem| {
            Event::CheckEnded(Some(verify::Report { read: Vec::new(), problems: vec![problem] }))
        });
    }

    fn start_restore(&mut self, order: RestoreOrder, config: Arc<Config>) {
        self.stop = CancellationToken::new();
        let (ground, clock, fallen) = (Arc::clone(&self.ground), Arc::clone(&self.clock), order.clone());
        let (monitor, stop) = (self.reporter(), self.stop.clone());
        let database = config.database().map(|name| name.as_str().to_owned()).unwrap_or_default();
        let (named, at, reports) = (database.clone(), Arc::clone(&clock), self.reports.clone());
        let job = async move {
            let ready = stop.run_until_cancelled(ground.workshop(&config)).await;
            let report = match ready.unwrap_or_else(|| Err(problems::stopped())) {
                Ok((shop, _turn)) => carry_out(order, &shop, monitor, stop).await,
                Err(problem) => {
                    let report = order.not_made(&named, at.local_now(), problem);
                    if let Err(problem) = ground.home().journal.keep_restore(&report) {
                        tracing::warn!(%problem, "the journal does not keep this restore");
                    }
                    report
                }
            };
            // Nobody listens any more once the loop has ended.
            let _ended = reports.send(Event::Standing(restore::standing(&ground.home().restores)));
            Event::RestoreEnded(Box::new(report))
        };
        self.start(job, move |problem| {
            Event::RestoreEnded(Box::new(fallen.not_made(&database, clock.local_now(), problem)))
        });
    }

    fn stop(&mut self) {
        self.stop.cancel();
    }

    fn look_up(&mut self, request: Request, in_force: Option<InForce>, answer: Answer) {
        if let Request::AlertTest { channel } = request {
            return self.alerts.try_out(channel, answer);
        }
        let (ground, reports) = (Arc::clone(&self.ground), self.reports.clone());
        self.tasks.spawn(async move {
            let reply = lookup::answer(request, in_force, &ground, &reports).await;
            // The client may have hung up.
            let _gone = answer.send(reply);
        });
    }

    fn survey(&mut self, manual: Manual, config: Arc<Config>, ticket: Ticket) {
        let (ground, asked) = (Arc::clone(&self.ground), manual.clone());
        let job = async move {
            let problem = survey::look(&ground, &config, &manual.folder, manual.replace).await.err();
            Event::Surveyed { ticket, manual, problem }
        };
        self.start(job, move |problem| Event::Surveyed { ticket, manual: asked, problem: Some(problem) });
    }

    fn say(&mut self, line: Line) {
        if line.routine {
            tracing::debug!(line = line.words.en, "status");
        } else {
            tracing::info!(line = line.words.en, "status");
        }
        self.audience.line(&line);
    }

    fn ended(&mut self, report: RunReport, loudness: Loudness) {
        // What is logged as a warning or an error also reaches the system's event log.
        if let Some(problem) = report.problems.first() {
            let (run, code, text) = (report.id, problem.code, problem.text(self.language));
            match loudness {
                Loudness::Quiet => {}
                Loudness::Warning => tracing::warn!(%run, %code, "{text}"),
                Loudness::Alert => tracing::error!(%run, %code, "{text}"),
            }
        }
        self.audience.ended(&report);
        if report.purpose.is_rotation() {
            // The first failure is tried once more.
            let is_final = loudness == Loudness::Alert || report.attempt > 1;
            self.alerts.ended(report, is_final);
        }
    }

    fn tell(&mut self, problem: Problem, loudness: Loudness) {
        // As at the end of a run: warnings and errors also reach the system's event log.
        let (code, text) = (problem.code, problem.text(self.language));
        match loudness {
            Loudness::Quiet => tracing::info!(%code, "{text}"),
            Loudness::Warning => tracing::warn!(%code, "{text}"),
            Loudness::Alert => tracing::error!(%code, "{text}"),
        }
    }

    fn keep(&mut self, report: RunReport) {
        if let Err(problem) = self.ground.home().journal.finish(&report) {
            tracing::warn!(%problem, "what was added to a run is not journalled");
        }
    }

    fn note(&mut self, kind: EventKind, text: Words) {
        tracing::info!(?kind, text = text.en, "noted");
        if let Err(problem) = self.ground.home().journal.event(kind, &text) {
            tracing::warn!(%problem, "an event is not journalled");
        }
    }

    fn notify(&mut self, notice: Notice) {
        tracing::info!(topic = notice.topic, text = notice.sentence.en, "people are told");
        self.alerts.tell(notice);
    }

    fn remember(&mut self, told: Vec<Told>) {
        self.alerts.remember(told);
    }

    fn configure(&mut self, config: Arc<Config>) {
        self.language = config.language;
        self.alerts.configure(config);
    }
}

/// What the terminal lacks, for clients.
pub fn pending_views(pending: &[PendingCopy]) -> Vec<PendingView> {
    pending
        .iter()
        .map(|copy| PendingView { hour: copy.hour, sequence: copy.sequence, extra: copy.extra })
        .collect()
}

/// The places among the backups of those that the terminal lacked `before` and has now.
fn arrived(before: &[PendingCopy], pending: &[PendingCopy], lost: &[PendingCopy]) -> Vec<u64> {
    let is_there = |copy: &&PendingCopy| !pending.contains(copy) && !lost.contains(copy);
    before.iter().filter(is_there).map(|copy| copy.sequence).collect()
}

/// One run and everything that it needs.
#[derive(Clone, Debug)]
struct Job {
    ground: Arc<Ground>,
    clock: Arc<dyn Clock>,
    config: Arc<Config>,
    wanted: Wanted,
}

impl Job {
    async fn run(self, monitor: Arc<dyn Monitor>, stop: CancellationToken) -> RunReport {
        // Kept before anything else: a run that was wanted must not be gone without a trace.
        self.keep(self.wanted.announced(&self.database()), Journal::begin).await;
        let ready = async {
            let (standing, turn) = self.ground.ready_to_write(&self.config).await?;
            let ground = Arc::clone(&self.ground);
            let sequence = blocking(move || Ok(ground.next_sequence())).await?;
            Ok((standing, turn, sequence))
        };
        let ready = stop.run_until_cancelled(ready).await.unwrap_or_else(|| Err(problems::stopped()));
        match ready {
            Ok((standing, _turn, sequence)) => {
                let order = Order {
                    id: self.wanted.id,
                    sequence,
                    trigger: self.wanted.trigger,
                    attempt: self.wanted.attempt,
                    begun: self.wanted.begun,
                    accept_shrunk: self.wanted.accept_shrunk,
                    aim: self.wanted.aim.clone(),
                };
                run(order, &standing.world, monitor, stop).await
            }
            Err(problem) => {
                let report = self.not_made(problem);
                self.keep(report.clone(), Journal::finish).await;
                report
            }
        }
    }

    async fn keep(&self, report: RunReport, how: fn(&Journal, &RunReport) -> Result<()>) {
        let journal = self.ground.home().journal.clone();
        if let Err(problem) = blocking(move || how(&journal, &report)).await {
            tracing::warn!(%problem, "the journal does not keep this run");
        }
    }

    fn database(&self) -> String {
        self.config.database().map(|name| name.as_str().to_owned()).unwrap_or_default()
    }

    /// The report of a run that did not even begin.
    fn not_made(&self, problem: Problem) -> RunReport {
        self.wanted.not_made(&self.database(), self.clock.local_now(), problem)
    }
}

/// Tells the loop how a run goes on, no more often than people can see.
#[derive(Debug)]
struct Reporter {
    reports: UnboundedSender<Event>,
    last: Mutex<Option<(Part, Instant)>>,
}

/// What figures are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Run(Phase),
    Restore(Stage),
}

/// Between two figures of the same phase.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

impl Reporter {
    fn is_time(&self, part: Part) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let wait = last.is_some_and(|(before, at)| before == part && now - at < PROGRESS_EVERY);
        if !wait {
            *last = Some((part, now));
        }
        !wait
    }
}

impl restore::Monitor for Reporter {
    fn stage(&self, stage: Stage) {
        // Nobody listens any more once the loop has ended.
        let _ended = self.reports.send(Event::RestoreStage(stage));
    }

    fn progress(&self, progress: RestoreProgress) {
        if self.is_time(Part::Restore(progress.stage)) {
            let _ended = self.reports.send(Event::RestoreProgress(progress));
        }
    }
}

impl Monitor for Reporter {
    fn phase(&self, phase: Phase) {
        // Nobody listens any more once the loop has ended.
        let _ended = self.reports.send(Event::Phase(phase));
    }

    fn progress(&self, progress: Progress) {
        if self.is_time(Part::Run(progress.phase)) {
            let _ended = self.reports.send(Event::Progress(progress));
        }
    }
}
