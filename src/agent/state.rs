//! The agent's mind: pure. Something happens, the state changes, and [`Effect`]s say what is to be done in the world. Never two
//! runs at once; a second request joins the one that goes on.

mod ask;
mod close;
mod restoring;
mod retesting;
mod time;
mod verifying;
mod work;

pub use restoring::Restoring;
pub use time::CYCLE;
pub use work::COPIES_WAIT;

use super::effect::{Effect, Line, Wanted};
use super::history::History;
use super::input::{CycleReport, Event, InForce, Input, News, Now, Ticket};
use super::password::Guesses;
use super::problems;
use super::status::{ConfigurationView, OpenedView, PendingView, SpaceView};
use super::trials::Trials;
use crate::backup::outcome::{Phase, Progress, Trigger};
use crate::config::Terminal;
use crate::control::protocol::Reply;
use crate::cycle::catalogue::CheckId;
use crate::cycle::health::{Health, Look};
use crate::cycle::step::Step;
use crate::head_office::AddressSent;
use crate::restore::RestoreOrder;
use crate::restore::outcome::{Replacement, RestoreReport};
use crate::update::VersionView;
use crate::words;
use crate::words::Words;
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::collections::{BTreeSet, VecDeque};
use tokio::time::Instant;
use verifying::Verifying;

/// The run that goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// What was wanted.
    pub wanted: Wanted,
    /// Where it is.
    pub phase: Phase,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Somebody asked for its end.
    pub cancelling: bool,
}

/// The agent's one piece of work. A cycle goes on beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Work {
    /// Nothing.
    #[default]
    Idle,
    /// A run.
    Running(Box<Running>),
    /// Copies are made up.
    Copying,
    /// Kept backups are read again.
    Verifying,
    /// A restore.
    Restoring(Box<Restoring>),
}

/// Where the agent is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// No cycle has ended yet.
    #[default]
    Starting,
    /// It works.
    Ready,
    /// It ends as soon as its work has.
    Stopping,
}

/// The second try of a failed run (4D6).
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// When, by the steady clock.
    pub due: Instant,
    /// When, for people.
    pub shown: DateTime<FixedOffset>,
    /// What started the first try.
    pub trigger: Trigger,
    /// As for the first try.
    pub accept_shrunk: bool,
}

/// Everything that the agent knows.
#[derive(Debug)]
pub struct State {
    pub(super) stage: Stage,
    pub(super) work: Work,
    /// Runs that were asked for meanwhile, and begin when the work has ended, in this order.
    pub(super) waiting: VecDeque<Wanted>,
    /// A restore that was asked for while copies were made up or kept backups read.
    pub(super) waiting_restore: Option<Box<RestoreOrder>>,
    pub(super) last_restore: Option<RestoreReport>,
    pub(super) replacement: Option<Replacement>,
    pub(super) trials: Trials,
    pub(super) step: Option<Step>,
    pub(super) line: Words,
    pub(super) history: History,
    pub(super) health: Health,
    pub(super) in_force: Option<InForce>,
    pub(super) configuration: ConfigurationView,
    pub(super) retry: Option<Retry>,
    pub(super) next_due: Option<DateTime<FixedOffset>>,
    pub(super) pending: Vec<PendingView>,
    pub(super) space: Option<SpaceView>,
    verifying: Verifying,
    /// A cycle goes on, and these clients wait for its end.
    cycle: Option<Vec<Ticket>>,
    /// Clients that asked while it went on, and want a look that began after they asked.
    next_lookers: Vec<Ticket>,
    next_cycle: Instant,
    due_wake: Option<Instant>,
    copies_not_before: Option<Instant>,
    set_back: Option<TimeDelta>,
    guesses: Guesses,
    pub(super) opened: Option<OpenedView>,
    pub(super) closed: bool,
    has_looked: bool,
    pub(super) address_sent: Option<AddressSent>,
    pub(super) version: VersionView,
}

impl State {
    /// An agent that has just begun, with what the journal tells.
    pub fn new(config_path: String, history: History, now: &Now) -> Self {
        Self {
            stage: Stage::Starting,
            work: Work::Idle,
            waiting: VecDeque::new(),
            waiting_restore: None,
            last_restore: None,
            replacement: None,
            trials: Trials::default(),
            step: None,
            line: words!("Iniciando...", "Starting..."),
            history,
            health: Health::default(),
            in_force: None,
            configuration: ConfigurationView { path: config_path, ..ConfigurationView::default() },
            retry: None,
            next_due: None,
            pending: Vec::new(),
            space: None,
            verifying: Verifying::default(),
            cycle: None,
            next_lookers: Vec::new(),
            next_cycle: now.steady,
            due_wake: None,
            copies_not_before: None,
            set_back: None,
            guesses: Guesses::default(),
            opened: None,
            closed: false,
            has_looked: false,
            address_sent: None,
            version: VersionView::default(),
        }
    }

    /// Takes in what happened and says what is to be done.
    pub fn step(&mut self, input: Input, now: &Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Shutdown => self.shut_down(now, &mut effects),
            Input::Asked(request, ticket) => self.asked(request, ticket, now, &mut effects),
            Input::Reported(event) => self.reported(event, now, &mut effects),
            Input::Tick(passage) => self.tick(passage, now, &mut effects),
        }
        effects
    }

    /// The last restore and the restore tests, as the journal tells them, and the replacement that stands.
    pub fn remember_restores(
        &mut self,
        last: Option<RestoreReport>,
        replacement: Option<Replacement>,
        trials: Trials,
    ) {
        self.last_restore = last;
        self.replacement = replacement;
        self.trials = trials;
    }

    /// Whether it has looked at the world since it began.
    pub fn has_looked(&self) -> bool {
        self.has_looked
    }

    /// The checks that were looked at since it began, and are well.
    pub fn known_well(&self) -> BTreeSet<CheckId> {
        self.health.known_well()
    }

    /// The address that the head office was told last.
    pub fn remember_address(&mut self, sent: Option<AddressSent>) {
        self.address_sent = sent;
    }

    /// The configuration in force.
    pub fn in_force(&self) -> Option<InForce> {
        self.in_force.clone()
    }

    /// Puts a configuration in force, or notes why it cannot be.
    pub fn configure(&mut self, news: News) {
        match news {
            News::Unchanged => {}
            News::Valid(in_force) => {
                self.configuration.in_force = true;
                self.configuration.revision += 1;
                self.configuration.findings = Vec::new();
                self.in_force = Some(in_force);
            }
            News::Broken(findings) => self.configuration.findings = findings,
        }
    }

    pub(super) fn shut_down(&mut self, now: &Now, effects: &mut Vec<Effect>) {
        let first = self.stage != Stage::Stopping;
        self.stage = Stage::Stopping;
        self.retry = None;
        if self.work == Work::Idle {
            effects.push(Effect::Finish);
        } else {
            self.stop_work(now, effects);
        }
        if first {
            self.say(words!("Encerrando...", "Ending..."), false, effects);
        }
    }

    fn reported(&mut self, event: Event, now: &Now, effects: &mut Vec<Effect>) {
        match event {
            Event::Step(step) => {
                self.step = Some(step);
                self.say_step(step.line(), effects);
            }
            Event::StepDone(step) => {
                if let Some(words) = step.done() {
                    self.say_step(words, effects);
                }
            }
            Event::Surveyed { ticket, manual, problem } => {
                self.surveyed(ticket, manual, problem, now, effects);
            }
            Event::CycleEnded(report) => self.cycle_ended(*report, now, effects),
            Event::Phase(phase) => self.phase(phase, effects),
            Event::Progress(progress) => {
                if let Work::Running(running) = &mut self.work {
                    running.progress = Some(progress);
                }
            }
            Event::RunEnded(report) => self.run_ended(*report, now, effects),
            Event::CheckGoesOn { place, checked_bytes } => self.check_goes_on(place, checked_bytes),
            Event::CheckEnded(report) => self.check_ended(report, now, effects),
            Event::RestoreStage(stage) => self.restore_stage(stage, effects),
            Event::RestoreProgress(progress) => self.restore_progress(progress),
            Event::RestoreEnded(report) => self.restore_ended(*report, now, effects),
            Event::Standing(replacement) => self.replacement = replacement,
            Event::AddressSent(sent) => self.address_sent = Some(sent),
            Event::VersionLooked(version) => self.version_looked(*version, effects),
            Event::CopiesEnded { problem, arrived, pending } => {
                self.history.arrived(&arrived);
                self.copies_ended(problem, pending, now, effects);
            }
        }
    }

    /// A newer version is told once, as it is found; the status goes on showing it.
    fn version_looked(&mut self, version: VersionView, effects: &mut Vec<Effect>) {
        let before = std::mem::replace(&mut self.version, version);
        if let Some(newer) = &self.version.newer
            && before.newer.as_ref().map(|before| &before.version) != Some(&newer.version)
            && self.work == Work::Idle
        {
            let number = &newer.version;
            let line = words!("Há uma versão nova: {number}", "There is a newer version: {number}");
            self.say(line, false, effects);
        }
    }

    fn cycle_ended(&mut self, mut report: CycleReport, now: &Now, effects: &mut Vec<Effect>) {
        self.configure(report.configuration);
        self.add_own_checks(&mut report.look, now);
        self.health.observe(&report.look, now.wall, now.steady);
        self.space = report.space.or(self.space);
        self.pending = report.pending.unwrap_or_else(|| std::mem::take(&mut self.pending));
        self.step = None;
        if !std::mem::replace(&mut self.has_looked, true) {
            self.look_at_opening_again(effects);
        }
        for ticket in self.cycle.take().unwrap_or_default() {
            let checks = self.health.everything();
            effects.push(Effect::Answer(ticket, Reply::Checks { checks }));
        }
        if self.stage == Stage::Stopping {
            return;
        }
        self.stage = Stage::Ready;
        if !self.next_lookers.is_empty() {
            self.cycle = Some(std::mem::take(&mut self.next_lookers));
            effects.push(Effect::StartCycle);
        }
        self.decide(&report.look, now, effects);
    }

    /// The database's name; empty while no configuration is in force.
    fn database(&self) -> String {
        let name = self.in_force.as_ref().and_then(|in_force| in_force.config.database());
        name.map(|name| name.as_str().to_owned()).unwrap_or_default()
    }

    fn has_terminal(&self) -> bool {
        self.in_force.as_ref().is_some_and(|in_force| match in_force.config.terminal {
            Terminal::LocalOnly => false,
            Terminal::Folder { .. } => true,
        })
    }

    /// What no probe can see: the past, the clock.
    fn add_own_checks(&self, look: &mut Look, now: &Now) {
        if let Some(in_force) = &self.in_force {
            look.extend(self.history.look(in_force.config.backup.too_old, now.wall));
            look.extend(self.trials.look(in_force.config.backup.restore_test, now.wall));
        }
        look.ask(&[CheckId::Clock]);
        if let Some(by) = self.set_back {
            look.note(problems::clock_set_back(by));
        }
    }

    fn say_step(&mut self, words: Words, effects: &mut Vec<Effect>) {
        if self.work == Work::Idle && self.stage != Stage::Stopping {
            self.say(words, true, effects);
        }
    }

    fn say(&mut self, words: Words, routine: bool, effects: &mut Vec<Effect>) {
        self.line = words.clone();
        effects.push(Effect::Say(Line { words, routine }));
    }
}

#[cfg(test)]
mod tests;
