//! Restores: never two jobs at once. One is asked for while nothing else goes on, or while copies are made up or kept backups
//! read, which are stopped for it; runs that become due meanwhile wait for its end.

use super::retesting::testing_line;
use super::{Stage, State, Work};
use crate::agent::effect::Effect;
use crate::agent::input::Now;
use crate::agent::problems;
use crate::backup::outcome::Outcome;
use crate::control::protocol::{LoginTyped, Reply};
use crate::restore::outcome::{RestoreId, RestoreProgress, RestoreReport, Stage as Step, Task};
use crate::restore::{RestoreOrder, TypedLogin};
use crate::words;
use crate::words::Words;
use std::sync::Arc;

/// The restore that goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Restoring {
    /// What was asked.
    pub order: RestoreOrder,
    /// Where it is.
    pub stage: Step,
    /// How far it is.
    pub progress: Option<RestoreProgress>,
    /// Somebody asked for its end.
    pub cancelling: bool,
    /// It was stopped for something that goes before.
    pub gives_way: bool,
}

impl Restoring {
    /// Stops it for something that goes before.
    pub(super) fn give_way(&mut self, effects: &mut Vec<Effect>) {
        if !self.cancelling {
            effects.push(Effect::Stop);
        }
        self.cancelling = true;
        self.gives_way = true;
    }

    fn line(&self) -> Words {
        match self.order.task {
            Task::Test => testing_line(),
            Task::Tick { .. } => words!("Marcando a conferência...", "Ticking the checklist..."),
            Task::Beside { .. }
            | Task::Replace { .. }
            | Task::Overwrite { .. }
            | Task::Resume { .. }
            | Task::Undo { .. }
            | Task::Release { .. }
            | Task::Drop { .. } => self.stage.line(),
        }
    }
}

impl State {
    /// A restore that a client wants.
    pub(super) fn want_restore(
        &mut self,
        task: Task,
        login: Option<LoginTyped>,
        by: String,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        let problem = match &self.work {
            _ if self.stage == Stage::Stopping => problems::ending(),
            _ if self.in_force.is_none() => self.config_problem(),
            Work::Running(_) => problems::backup_goes_on(),
            Work::Restoring(restoring) if task == Task::Test || !restoring.order.is_test() => {
                problems::restore_goes_on()
            }
            Work::Restoring(_) | Work::Copying | Work::Verifying
                if !self.waiting.is_empty() || self.waiting_restore.is_some() =>
            {
                problems::backup_goes_on()
            }
            Work::Restoring(_) | Work::Idle | Work::Copying | Work::Verifying => {
                let login = login.map(|login| TypedLogin {
                    user: login.user,
                    password: crate::config::Secret::new(login.password.expose()),
                });
                let restore: RestoreId = now.fresh;
                let order = RestoreOrder { id: restore, task, by, begun: now.wall, login };
                self.begin_restore_or_wait(order, effects);
                return Reply::RestoreBegun { restore };
            }
        };
        Reply::Refused { problem }
    }

    fn begin_restore_or_wait(&mut self, order: RestoreOrder, effects: &mut Vec<Effect>) {
        match &mut self.work {
            Work::Restoring(restoring) => restoring.give_way(effects),
            Work::Copying | Work::Verifying => effects.push(Effect::Stop),
            Work::Idle | Work::Running(_) => {
                self.begin_restore(order, effects);
                return;
            }
        }
        self.waiting_restore = Some(Box::new(order));
    }

    pub(super) fn begin_restore(&mut self, order: RestoreOrder, effects: &mut Vec<Effect>) {
        let Some(in_force) = &self.in_force else { return };
        effects.push(Effect::StartRestore(Box::new(order.clone()), Arc::clone(&in_force.config)));
        let stage = Step::Preparing;
        let restoring = Restoring { order, stage, progress: None, cancelling: false, gives_way: false };
        let line = restoring.line();
        self.work = Work::Restoring(Box::new(restoring));
        self.say(line, false, effects);
    }

    /// Begins the restore that waited for the end of what was stopped for it; `false` where there is none.
    pub(super) fn begin_waiting_restore(&mut self, now: &Now, effects: &mut Vec<Effect>) -> bool {
        let Some(mut order) = self.waiting_restore.take() else { return false };
        order.begun = now.wall;
        self.begin_restore(*order, effects);
        true
    }

    pub(super) fn restore_stage(&mut self, stage: Step, effects: &mut Vec<Effect>) {
        if let Work::Restoring(restoring) = &mut self.work {
            restoring.stage = stage;
            restoring.progress = None;
            // The first was said when it began; of the end the report tells.
            if !matches!(stage, Step::Preparing | Step::Done) && !restoring.order.is_test() {
                self.say(stage.line(), false, effects);
            }
        }
    }

    pub(super) fn restore_progress(&mut self, progress: RestoreProgress) {
        if let Work::Restoring(restoring) = &mut self.work {
            restoring.progress = Some(progress);
        }
    }

    pub(super) fn restore_ended(&mut self, report: RestoreReport, now: &Now, effects: &mut Vec<Effect>) {
        if !matches!(self.work, Work::Restoring(_)) {
            return;
        }
        let Work::Restoring(restoring) = std::mem::take(&mut self.work) else { return };
        if restoring.order.is_test() {
            self.test_ended(report, restoring.gives_way, now, effects);
        } else {
            self.say(end_line(&report), false, effects);
            if report.task.is_told_as_last() {
                self.last_restore = Some(report);
            }
        }
        if self.stage == Stage::Stopping {
            effects.push(Effect::Finish);
        } else {
            self.plan_next(now);
            if !self.begin_waiting_restore(now, effects) {
                self.begin_next(now, effects);
            }
        }
    }
}

/// What the status line says at the end of a restore.
fn end_line(report: &RestoreReport) -> Words {
    let Words { pt, en } = report.task.words();
    let target = report.target.as_deref().unwrap_or_default();
    match report.outcome {
        Some(Outcome::Success | Outcome::Warning) if target.is_empty() => {
            words!("Feito: {pt}", "Done: {en}")
        }
        Some(Outcome::Success | Outcome::Warning) => {
            words!("Feito: {pt} ({target})", "Done: {en} ({target})")
        }
        Some(Outcome::Cancelled) => words!("Cancelado: {pt}", "Cancelled: {en}"),
        Some(Outcome::Failed | Outcome::Interrupted) | None => words!("Falhou: {pt}", "Failed: {en}"),
    }
}
