//! What clients ask.

use super::{Stage, State, Wanted, Work};
use crate::agent::effect::Effect;
use crate::agent::input::{Now, Ticket};
use crate::agent::problems;
use crate::backup::outcome::{RunId, Trigger};
use crate::backup::{Aim, Manual};
use crate::control::protocol::{ConfigView, Reply, Request};
use crate::problem::Problem;
use crate::slot::Reason;
use std::path::PathBuf;
use std::sync::Arc;

impl State {
    pub(super) fn asked(&mut self, request: Request, ticket: Ticket, now: &Now, effects: &mut Vec<Effect>) {
        match request {
            Request::BackupNow { accept_shrunk } => {
                let reply = self.want(Aim::Rotation, accept_shrunk, now, effects);
                effects.push(Effect::Answer(ticket, reply));
            }
            Request::ExtraBackup { reason } => {
                let reply = match Reason::new(&reason) {
                    Ok(reason) => self.want(Aim::Extra(reason), false, now, effects),
                    Err(why) => Reply::Refused { problem: problems::not_a_reason(why) },
                };
                effects.push(Effect::Answer(ticket, reply));
            }
            Request::ManualBackup { folder, replace } => {
                self.manual_backup(PathBuf::from(folder), replace, ticket, effects);
            }
            Request::Cancel => {
                let reply = self.cancel(now, effects);
                effects.push(Effect::Answer(ticket, reply));
            }
            Request::Quit { password, stop_run } => self.quit(&password, stop_run, ticket, now, effects),
            Request::ApplicationOpened => {
                let reply = self.opened(now, effects);
                effects.push(Effect::Answer(ticket, reply));
            }
            Request::Verify { selection, side } => {
                let reply = self.want_check(selection, side, now, effects);
                effects.push(Effect::Answer(ticket, reply));
            }
            Request::Verified { id } => {
                let report = self.verified(id).map(Box::new);
                effects.push(Effect::Answer(ticket, Reply::Verified { report }));
            }
            Request::Check => self.check(ticket, effects),
            Request::Config => effects.push(Effect::Answer(ticket, self.config_reply())),
            Request::Restore { task, login, by } => {
                let reply = self.want_restore(task, login, by, now, effects);
                effects.push(Effect::Answer(ticket, reply));
            }
            Request::Slots
            | Request::Journal { .. }
            | Request::Events { .. }
            | Request::Run { .. }
            | Request::RestorePlan { .. }
            | Request::AlertTest { .. }
            | Request::RestoreSources { .. }
            | Request::Restores { .. }
            | Request::UpdateAddress { .. }
            | Request::CheckVersion
            | Request::RestoreReport { .. } => {
                effects.push(Effect::LookUp(request, ticket));
            }
            // The server answers these from the watch without asking us.
            Request::Status | Request::Watch => {
                let problem = Problem::internal("a status was asked of the loop");
                effects.push(Effect::Answer(ticket, Reply::Refused { problem }));
            }
        }
    }

    /// A run that a client wants: it begins now, joins one that does the same, or waits for its turn.
    pub(super) fn want(
        &mut self,
        aim: Aim,
        accept_shrunk: bool,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        if self.stage == Stage::Stopping {
            return Reply::Refused { problem: problems::ending() };
        }
        if let Work::Running(running) = &self.work
            && running.cancelling
        {
            return Reply::Refused { problem: problems::cancelling() };
        }
        if let Some(run) = self.same_as(&aim) {
            return Reply::Accepted { run, joined: true };
        }
        let (id, trigger) = (now.fresh, Trigger::Request);
        let wanted = Wanted { id, trigger, attempt: 1, begun: now.wall, accept_shrunk, aim };
        match self.begin_or_wait(wanted, now, effects) {
            Ok(run) => Reply::Accepted { run, joined: false },
            Err(problem) => Reply::Refused { problem },
        }
    }

    /// The chosen folder is looked at before anything is promised.
    fn manual_backup(&mut self, folder: PathBuf, replace: bool, ticket: Ticket, effects: &mut Vec<Effect>) {
        let looked = match &self.in_force {
            _ if self.stage == Stage::Stopping => Err(problems::ending()),
            None => Err(self.config_problem()),
            Some(_) if !folder.is_absolute() => Err(problems::not_absolute(&folder)),
            Some(in_force) => Ok(Arc::clone(&in_force.config)),
        };
        effects.push(match looked {
            Ok(config) => Effect::Survey(Manual { folder, replace, source: None }, config, ticket),
            Err(problem) => Effect::Answer(ticket, Reply::Refused { problem }),
        });
    }

    /// The chosen folder was looked at. Where a run for the rotation goes on, the manual backup is to be a copy of its backup.
    pub(super) fn surveyed(
        &mut self,
        ticket: Ticket,
        manual: Manual,
        problem: Option<Problem>,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) {
        let follows = matches!(&self.work, Work::Running(running) if running.wanted.is_rotation());
        let reply = match problem {
            Some(problem) => Reply::Refused { problem },
            None => {
                let mut reply = self.want(Aim::Manual(manual), false, now, effects);
                if let Reply::Accepted { joined, .. } = &mut reply {
                    *joined = follows;
                }
                reply
            }
        };
        effects.push(Effect::Answer(ticket, reply));
    }

    /// The run for the rotation that goes on or waits, where `aim` is the rotation; every other run is one of its own.
    fn same_as(&self, aim: &Aim) -> Option<RunId> {
        if *aim != Aim::Rotation {
            return None;
        }
        let running = match &self.work {
            Work::Running(running) => Some(&running.wanted),
            Work::Idle | Work::Copying | Work::Verifying | Work::Restoring(_) => None,
        };
        running.into_iter().chain(&self.waiting).find(|wanted| wanted.is_rotation()).map(|wanted| wanted.id)
    }

    fn cancel(&mut self, now: &Now, effects: &mut Vec<Effect>) -> Reply {
        if self.work != Work::Idle {
            if self.is_testing() {
                self.trials.stopped(now.steady);
            }
            self.stop_work(now, effects);
            Reply::Done
        } else if self.retry.take().is_some() {
            Reply::Done
        } else {
            Reply::Refused { problem: problems::nothing_to_cancel() }
        }
    }

    /// Stops the work that goes on, and what waits for its end.
    pub(super) fn stop_work(&mut self, now: &Now, effects: &mut Vec<Effect>) {
        match &mut self.work {
            Work::Running(running) => running.cancelling = true,
            Work::Restoring(restoring) => restoring.cancelling = true,
            Work::Idle | Work::Copying | Work::Verifying => {}
        }
        if self.work == Work::Verifying {
            self.stop_check();
        }
        effects.push(Effect::Stop);
        let database = self.database();
        if let Some(order) = self.waiting_restore.take() {
            self.last_restore = Some(order.not_made(&database, now.wall, problems::stopped()));
        }
        for wanted in std::mem::take(&mut self.waiting) {
            let report = wanted.not_made(&database, now.wall, problems::stopped());
            effects.push(Effect::Keep(Box::new(report)));
        }
    }

    fn check(&mut self, ticket: Ticket, effects: &mut Vec<Effect>) {
        // Whoever asks may just have mended what kept the copies from the terminal.
        self.copies_not_before = None;
        if self.stage == Stage::Stopping {
            effects.push(Effect::Answer(ticket, Reply::Refused { problem: problems::ending() }));
        } else if self.cycle.is_some() {
            self.next_lookers.push(ticket);
        } else {
            self.cycle = Some(vec![ticket]);
            effects.push(Effect::StartCycle);
        }
    }

    fn config_reply(&self) -> Reply {
        match &self.in_force {
            Some(in_force) => Reply::Config {
                config: ConfigView {
                    path: self.configuration.path.clone(),
                    settings: in_force.settings.clone(),
                },
            },
            None => Reply::Refused { problem: self.config_problem() },
        }
    }

    pub(super) fn config_problem(&self) -> Problem {
        let found = self.configuration.findings.first();
        found.map_or_else(problems::starting, |finding| finding.problem.clone())
    }
}
