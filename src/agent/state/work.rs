//! The run and the copying: how they begin, go on and end.

use super::{Retry, Running, Stage, State, Wanted, Work};
use crate::agent::effect::{Effect, Loudness};
use crate::agent::history::cut_short;
use crate::agent::input::Now;
use crate::agent::problems;
use crate::agent::status::{PendingView, end_line, manual_phase_line, phase_line};
use crate::backup::Aim;
use crate::backup::outcome::{Outcome, Phase, RunId, RunReport};
use crate::cycle::health::Look;
use crate::problem::{Exit, Problem};
use crate::words;
use crate::words::{Language, Words, date_time};
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;

/// Copies that could not be made up are tried again after this long.
pub const COPIES_WAIT: Duration = Duration::from_secs(600);

/// The most runs that may wait for their turn.
const MOST_WAITING: usize = 4;

impl State {
    /// Begins a run, or lets it wait for its turn: for the end of another, or of the copying, which is stopped.
    pub(super) fn begin_or_wait(
        &mut self,
        wanted: Wanted,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) -> Result<RunId, Problem> {
        if self.in_force.is_none() {
            return Err(self.config_problem());
        }
        let id = wanted.id;
        match &mut self.work {
            Work::Idle => self.begin(wanted, now, effects),
            Work::Running(_) | Work::Restoring(_) | Work::Copying | Work::Verifying
                if self.waiting.len() >= MOST_WAITING =>
            {
                return Err(problems::too_many_waiting());
            }
            Work::Restoring(restoring) if restoring.order.is_test() => {
                restoring.give_way(effects);
                self.waiting.push_back(wanted);
            }
            Work::Running(_) | Work::Restoring(_) => self.waiting.push_back(wanted),
            Work::Copying | Work::Verifying => {
                if self.waiting.is_empty() {
                    effects.push(Effect::Stop);
                }
                self.waiting.push_back(wanted);
            }
        }
        Ok(id)
    }

    /// Begins a run. Nothing else goes on.
    fn begin(&mut self, wanted: Wanted, now: &Now, effects: &mut Vec<Effect>) {
        let Some(in_force) = &self.in_force else { return };
        effects.push(Effect::StartRun(wanted.clone(), Arc::clone(&in_force.config)));
        if wanted.is_rotation() {
            self.retry = None;
            self.history.began(wanted.begun.to_utc());
        }
        self.work = Work::Running(Box::new(Running {
            wanted,
            phase: Phase::Preparing,
            progress: None,
            cancelling: false,
        }));
        self.say(phase_line(Phase::Preparing, self.has_terminal()), false, effects);
        self.plan_next(now);
    }

    /// Begins what has waited longest, at the end of what it waited for. Its time is that of its beginning.
    pub(super) fn begin_next(&mut self, now: &Now, effects: &mut Vec<Effect>) {
        if let Some(mut wanted) = self.waiting.pop_front() {
            wanted.begun = now.wall;
            self.begin(wanted, now, effects);
        }
    }

    pub(super) fn phase(&mut self, phase: Phase, effects: &mut Vec<Effect>) {
        let has_terminal = self.has_terminal();
        if let Work::Running(running) = &mut self.work {
            running.phase = phase;
            running.progress = None;
            let line = match &running.wanted.aim {
                Aim::Rotation | Aim::Extra(_) => phase_line(phase, has_terminal),
                Aim::Manual(manual) => manual_phase_line(phase, manual.source.is_some()),
            };
            // The first was said when the run began; of the end the report tells.
            if !matches!(phase, Phase::Preparing | Phase::Done) {
                self.say(line, false, effects);
            }
        }
    }

    pub(super) fn run_ended(&mut self, mut report: RunReport, now: &Now, effects: &mut Vec<Effect>) {
        let Work::Running(running) = &self.work else { return };
        let wanted = running.wanted.clone();
        self.work = Work::Idle;
        if self.stage == Stage::Stopping && report.outcome == Some(Outcome::Cancelled) {
            report.problems.push(cut_short());
            effects.push(Effect::Keep(Box::new(report.clone())));
        }
        if report.outcome == Some(Outcome::Failed) && wanted.attempt == 1 && wanted.is_rotation() {
            self.plan_second_try(&wanted, now);
        }
        self.set_back = None;
        self.pass_on(&report);
        if report.purpose.is_rotation() && matches!(report.outcome, Some(Outcome::Success | Outcome::Warning))
        {
            self.trials.backed_up(report.started_at);
        }
        self.history.ended(report.clone());
        let mut look = Look::default();
        self.add_own_checks(&mut look, now);
        self.health.observe(&look, now.wall, now.steady);
        self.say(self.words_of_the_end(&report), false, effects);
        let loudness = self.loudness(&report);
        effects.push(Effect::Ended(Box::new(report), loudness));
        if self.stage == Stage::Stopping {
            effects.push(Effect::Finish);
        } else {
            self.plan_next(now);
            self.begin_next(now, effects);
        }
    }

    /// Manual backups that were asked for while a run for the rotation went on are copies of what it made.
    fn pass_on(&mut self, report: &RunReport) {
        let made = report.purpose.is_rotation() && report.server.as_ref().is_some_and(|copy| copy.done);
        for wanted in self.waiting.iter_mut().filter(|_| made) {
            if let Aim::Manual(manual) = &mut wanted.aim
                && manual.source.is_none()
            {
                manual.source = Some(Box::new(report.clone()));
            }
        }
    }

    fn plan_second_try(&mut self, failed: &Wanted, now: &Now) {
        let Some(in_force) = &self.in_force else { return };
        let wait = in_force.config.backup.retry_wait;
        if self.stage != Stage::Stopping {
            self.retry = Some(Retry {
                due: now.steady + wait,
                shown: now.wall + TimeDelta::from_std(wait).unwrap_or(TimeDelta::zero()),
                trigger: failed.trigger,
                accept_shrunk: failed.accept_shrunk,
            });
        }
    }

    fn words_of_the_end(&self, report: &RunReport) -> Words {
        let end = end_line(report);
        match &self.retry {
            Some(retry) if report.outcome == Some(Outcome::Failed) && report.purpose.is_rotation() => {
                let Words { pt, en } = end;
                let pt_at = date_time(retry.shown, Language::Portuguese);
                let en_at = date_time(retry.shown, Language::English);
                words!("{pt}; nova tentativa em {pt_at}", "{en}; next try at {en_at}")
            }
            Some(_) | None => end,
        }
    }

    fn loudness(&self, report: &RunReport) -> Loudness {
        match report.outcome {
            Some(Outcome::Failed) if report.purpose.is_rotation() && self.history.is_alert() => {
                Loudness::Alert
            }
            Some(Outcome::Failed | Outcome::Warning | Outcome::Interrupted) => Loudness::Warning,
            Some(Outcome::Success | Outcome::Cancelled) | None => Loudness::Quiet,
        }
    }

    pub(super) fn copies_ended(
        &mut self,
        problem: Option<Problem>,
        pending: Vec<PendingView>,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) {
        if self.work != Work::Copying {
            return;
        }
        self.work = Work::Idle;
        self.pending = pending;
        self.copies_not_before = problem.as_ref().map(|_| now.steady + COPIES_WAIT);
        match problem {
            None => {
                let done = words!(
                    "Cópias pendentes feitas no terminal de backup",
                    "Pending copies made at the backup terminal"
                );
                self.say(done, false, effects);
            }
            // What is merely away is shown by the checks; a damaged backup is shown by nothing else.
            Some(problem) if problem.exit() == Exit::Damaged => self.say(problem.sentence, false, effects),
            Some(_) => {}
        }
        if self.stage == Stage::Stopping {
            effects.push(Effect::Finish);
        } else if !self.begin_waiting_restore(now, effects) {
            self.begin_next(now, effects);
        }
    }
}
