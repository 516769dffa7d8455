//! The one owner of the agent's state, and its one loop. It never waits for the world: whatever takes time is given to
//! [`Hands`] and comes back as a report.

use super::effect::{DeepCheck, Effect, Line, Loudness, Wanted};
use super::input::{Event, InForce, Input, Now, Ticket};
use super::state::State;
use super::status::Status;
use super::view::Facts;
use crate::backup::Manual;
use crate::backup::outcome::{RunId, RunReport};
use crate::clock::{Clock, JumpWatch};
use crate::config::Config;
use crate::control::protocol::{Reply, Request};
use crate::journal::{EventKind, Told};
use crate::notify::{Notice, Watcher};
use crate::problem::Problem;
use crate::restore::RestoreOrder;
use crate::words::Words;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Where an answer goes. A client that has hung up is no error.
pub type Answer = oneshot::Sender<Reply>;

/// A client's request on its way to the loop.
#[derive(Debug)]
pub struct Command {
    /// What is asked; the client may ask it.
    pub request: Request,
    /// Where the answer goes.
    pub answer: Answer,
}

/// Carries out what the agent decides. Every method returns at once; what comes of it is reported as an [`Event`].
pub trait Hands: Send {
    /// Begins a cycle, with the configuration in force.
    fn start_cycle(&mut self, in_force: Option<InForce>);
    /// Begins a run.
    fn start_run(&mut self, wanted: Wanted, config: Arc<Config>);
    /// Begins to make up copies.
    fn start_copies(&mut self, config: Arc<Config>);
    /// Begins a deep check.
    fn start_check(&mut self, order: DeepCheck, config: Arc<Config>);
    /// Begins a restore.
    fn start_restore(&mut self, order: RestoreOrder, config: Arc<Config>);
    /// Stops the run, the copying, the deep check or the restore that goes on.
    fn stop(&mut self);
    /// Answers from the journal or the folders.
    fn look_up(&mut self, request: Request, in_force: Option<InForce>, answer: Answer);
    /// Looks at the folder of a manual backup.
    fn survey(&mut self, manual: Manual, config: Arc<Config>, ticket: Ticket);
    /// Tells people a line.
    fn say(&mut self, line: Line);
    /// Tells people the end of a run.
    fn ended(&mut self, report: RunReport, loudness: Loudness);
    /// Tells people what is wrong.
    fn tell(&mut self, problem: Problem, loudness: Loudness);
    /// Keeps a report in the journal once more.
    fn keep(&mut self, report: RunReport);
    /// Writes down that something happened.
    fn note(&mut self, kind: EventKind, text: Words);
    /// Tells people outside the shop.
    fn notify(&mut self, notice: Notice);
    /// Remembers what people were told.
    fn remember(&mut self, told: Vec<Told>);
    /// From now on this configuration is in force: whatever comes next is told to whom it names.
    fn configure(&mut self, config: Arc<Config>);
}

/// The owner.
pub struct Owner<H> {
    /// What it knows.
    pub state: State,
    /// What never changes.
    pub facts: Facts,
    /// The shop's clock.
    pub clock: Arc<dyn Clock>,
    /// Says what people are to be told.
    pub watcher: Watcher,
    /// What the hands were told last to be in force.
    pub configured: Option<Arc<Config>>,
    /// What acts for it.
    pub hands: H,
    /// Where clients ask.
    pub requests: mpsc::Receiver<Command>,
    /// Where jobs report.
    pub reports: mpsc::UnboundedReceiver<Event>,
    /// Where everybody sees the status.
    pub status: watch::Sender<Arc<Status>>,
    /// Asks for the end.
    pub shutdown: CancellationToken,
}

impl<H: Hands> Owner<H> {
    /// Works until the end is asked for and the work that went on has ended. What is more urgent goes first: the end, then
    /// clients, then jobs, then time.
    pub async fn work(mut self) {
        let mut tickets = Tickets::default();
        let mut jumps = JumpWatch::start(self.clock.now());
        let mut ending = false;
        loop {
            let input = tokio::select! {
                biased;
                () = self.shutdown.cancelled(), if !ending => {
                    ending = true;
                    Input::Shutdown
                }
                Some(command) = self.requests.recv() => {
                    Input::Asked(command.request, tickets.keep(command.answer))
                }
                Some(event) = self.reports.recv() => Input::Reported(event),
                () = sleep_until(self.state.next_wake()) => Input::Tick(jumps.look(self.clock.now())),
            };
            let now = now(&*self.clock);
            let effects = self.state.step(input, &now);
            self.configure_hands();
            let finished = effects.contains(&Effect::Finish);
            effects.into_iter().for_each(|effect| self.carry_out(effect, &mut tickets));
            self.show(&now);
            if finished {
                return;
            }
        }
    }

    /// Before anything else is done or told: what a configuration brings to light is told to the people that it names.
    fn configure_hands(&mut self) {
        let Some(InForce { config, .. }) = &self.state.in_force else { return };
        if self.configured.as_ref().is_none_or(|before| !Arc::ptr_eq(before, config)) {
            self.configured = Some(Arc::clone(config));
            self.hands.configure(Arc::clone(config));
        }
    }

    /// Shows the status to everybody, and tells what in it is to be told.
    fn show(&mut self, now: &Now) {
        let mut status = self.state.status(&self.facts, now);
        // Before the first look at the world nothing is known to be well.
        if self.state.has_looked() {
            let before = self.watcher.told();
            for notice in self.watcher.look(&status, &self.state.known_well()) {
                self.hands.notify(notice);
            }
            let told = self.watcher.told();
            if told != before {
                self.hands.remember(told);
            }
        }
        status.notices = self.watcher.recent();
        self.status.send_replace(Arc::new(status));
    }

    fn carry_out(&mut self, effect: Effect, tickets: &mut Tickets) {
        match effect {
            Effect::StartCycle => self.hands.start_cycle(self.state.in_force()),
            Effect::StartRun(wanted, config) => self.hands.start_run(wanted, config),
            Effect::StartCopies(config) => self.hands.start_copies(config),
            Effect::StartCheck(order, config) => self.hands.start_check(order, config),
            Effect::StartRestore(order, config) => self.hands.start_restore(*order, config),
            Effect::Stop => self.hands.stop(),
            Effect::Answer(ticket, reply) => tickets.answer(ticket, reply),
            Effect::LookUp(request, ticket) => {
                if let Some(answer) = tickets.take(ticket) {
                    self.hands.look_up(request, self.state.in_force(), answer);
                }
            }
            Effect::Survey(manual, config, ticket) => self.hands.survey(manual, config, ticket),
            Effect::Say(line) => self.hands.say(line),
            Effect::Ended(report, loudness) => self.hands.ended(*report, loudness),
            Effect::Tell(problem, loudness) => self.hands.tell(problem, loudness),
            Effect::Keep(report) => self.hands.keep(*report),
            Effect::Note(kind, text) => self.hands.note(kind, text),
            Effect::Finish => {}
        }
    }
}

/// The time of an event that happens now.
pub fn now(clock: &dyn Clock) -> Now {
    Now { wall: clock.local_now(), zone: clock.zone(), steady: Instant::now(), fresh: RunId::new_v4() }
}

#[derive(Default)]
struct Tickets {
    waiting: HashMap<Ticket, Answer>,
    last: Ticket,
}

impl Tickets {
    fn keep(&mut self, answer: Answer) -> Ticket {
        self.last += 1;
        self.waiting.insert(self.last, answer);
        self.last
    }

    fn take(&mut self, ticket: Ticket) -> Option<Answer> {
        self.waiting.remove(&ticket)
    }

    fn answer(&mut self, ticket: Ticket, reply: Reply) {
        if let Some(answer) = self.take(ticket)
            && answer.send(reply).is_err()
        {
            tracing::debug!("a client hung up before its answer");
        }
    }
}

#[cfg(test)]
#[path = "owner_tests.rs"]
mod tests;
