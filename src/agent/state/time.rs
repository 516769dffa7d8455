//! The passing of time: cycles, the schedule, the second try.

use super::{Stage, State, Wanted, Work};
use crate::agent::effect::Effect;
use crate::agent::input::Now;
use crate::backup::Aim;
use crate::backup::outcome::Trigger;
use crate::clock::Passage;
use crate::cycle::catalogue::CheckId;
use crate::cycle::health::Look;
use crate::cycle::step::Step;
use crate::schedule::Due;
use crate::words;
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// From the beginning of one cycle to the next (DM9).
pub const CYCLE: Duration = Duration::from_secs(60);
/// A clock that is set back by more than this is told to people.
const CLOCK_SET_BACK: TimeDelta = TimeDelta::minutes(5);

impl State {
    /// When the next tick is wanted.
    pub fn next_wake(&self) -> Instant {
        if self.cycle.is_some() {
            // The end of the cycle that goes on will see what is due.
            return self.next_cycle;
        }
        let retry = self.retry.as_ref().map(|retry| retry.due);
        [self.due_wake, retry].into_iter().flatten().fold(self.next_cycle, Instant::min)
    }

    pub(super) fn tick(&mut self, passage: Passage, now: &Now, effects: &mut Vec<Effect>) {
        match passage {
            Passage::Steady => {}
            Passage::Forward(by) => {
                tracing::info!(seconds = by.num_seconds(), "the time of day leapt forward")
            }
            Passage::Back(by) => {
                tracing::warn!(seconds = by.num_seconds(), "the clock was set back");
                if by > CLOCK_SET_BACK {
                    self.set_back = Some(by);
                }
            }
        }
        if now.steady < self.next_wake() {
            return;
        }
        // Also while it ends: whoever watches hears of it each minute, and the loop waits for the minute.
        self.next_cycle = now.steady + CYCLE;
        self.due_wake = None;
        if self.cycle.is_none() && self.stage != Stage::Stopping {
            self.cycle = Some(Vec::new());
            effects.push(Effect::StartCycle);
        }
    }

    /// At the end of a cycle: what is to be done now, and when next.
    pub(super) fn decide(&mut self, look: &Look, now: &Now, effects: &mut Vec<Effect>) {
        let due = self.plan_next(now);
        let Some(config) = self.in_force.as_ref().map(|in_force| Arc::clone(&in_force.config)) else {
            self.wait(effects);
            return;
        };
        if self.is_held_up() || !self.waiting.is_empty() || self.waiting_restore.is_some() {
            return;
        }
        if let Some((trigger, attempt, accept_shrunk)) = self.wanted_now(due, now) {
            let (id, aim) = (now.fresh, Aim::Rotation);
            let wanted = Wanted { id, trigger, attempt, begun: now.wall, accept_shrunk, aim };
            if let Err(problem) = self.begin_or_wait(wanted, now, effects) {
                tracing::error!(%problem, "a due run cannot begin");
            }
        } else if self.copies_can_be_made(look, now) {
            self.work = Work::Copying;
            let line = words!(
                "Copiando backups pendentes para o terminal...",
                "Copying pending backups to the terminal..."
            );
            self.say(line, false, effects);
            effects.push(Effect::StartCopies(config));
        } else if !self.begin_test_if_due(look, now, effects)
            && !self.begin_check_if_any(now, effects)
            && self.work == Work::Idle
        {
            self.wait(effects);
        }
    }

    /// Whether work goes on that gives way to nothing.
    fn is_held_up(&self) -> bool {
        match &self.work {
            Work::Running(_) => true,
            Work::Restoring(restoring) => !restoring.order.is_test(),
            Work::Idle | Work::Copying | Work::Verifying => false,
        }
    }

    fn wait(&mut self, effects: &mut Vec<Effect>) {
        self.say(Step::Waiting.line(), true, effects);
    }

    /// Reads the schedule; remembers when to wake for it.
    pub(super) fn plan_next(&mut self, now: &Now) -> Option<Due> {
        let in_force = self.in_force.as_ref()?;
        let wall = now.wall.to_utc();
        let due = in_force.config.schedule.due(self.history.last_begun(), wall, &now.zone);
        let next = match due {
            Due::Now { .. } => Some(wall),
            Due::At(at) => Some(at),
            Due::Never => None,
        };
        self.next_due = next.map(|at| now.zone.local(at));
        self.due_wake = next
            .and_then(|at| at.signed_duration_since(wall).to_std().ok())
            .filter(|wait| !wait.is_zero())
            .and_then(|wait| now.steady.checked_add(wait));
        Some(due)
    }

    fn wanted_now(&self, due: Option<Due>, now: &Now) -> Option<(Trigger, u8, bool)> {
        match due {
            Some(Due::Now { trigger }) => Some((trigger, 1, false)),
            Some(Due::At(_) | Due::Never) | None => self
                .retry
                .as_ref()
                .filter(|retry| retry.due <= now.steady)
                .map(|retry| (retry.trigger, 2, retry.accept_shrunk)),
        }
    }

    fn copies_can_be_made(&self, look: &Look, now: &Now) -> bool {
        self.work == Work::Idle
            && !self.pending.is_empty()
            && look.is_well(CheckId::Terminal)
            && self.copies_not_before.is_none_or(|instant| instant <= now.steady)
    }
}
