//! What clients ask.

use super::{Stage, State, Wanted, Work};
use crate::agent::effect::Effect;
use crate::agent::input::{Now, Ticket};
use crate::agent::problems;
use crate::backup::outcome::Trigger;
use crate::control::protocol::{ConfigView, Reply, Request};
use crate::problem::Problem;

impl State {
    pub(super) fn asked(&mut self, request: Request, ticket: Ticket, now: &Now, effects: &mut Vec<Effect>) {
        match request {
            Request::BackupNow { accept_shrunk } => {
                let reply = self.backup_now(accept_shrunk, now, effects);
                effects.push(Effect::Answer(ticket, reply));
            }
            Request::Cancel => {
                let reply = self.cancel(effects);
                effects.push(Effect::Answer(ticket, reply));
            }
            Request::Check => self.check(ticket, effects),
            Request::Config => effects.push(Effect::Answer(ticket, self.config_reply())),
            Request::Slots | Request::Journal { .. } | Request::Run { .. } => {
                effects.push(Effect::LookUp(request, ticket));
            }
            // The server answers these from the watch without asking us.
            Request::Status | Request::Watch => {
                let problem = Problem::internal("a status was asked of the loop");
                effects.push(Effect::Answer(ticket, Reply::Refused { problem }));
            }
        }
    }

    fn backup_now(&mut self, accept_shrunk: bool, now: &Now, effects: &mut Vec<Effect>) -> Reply {
        if self.stage == Stage::Stopping {
            return Reply::Refused { problem: problems::ending() };
        }
        match &mut self.work {
            Work::Running(running) if running.cancelling => {
                Reply::Refused { problem: problems::cancelling() }
            }
            Work::Running(running) => Reply::Accepted { run: running.wanted.id, joined: true },
            Work::Copying(Some(next)) => Reply::Accepted { run: next.id, joined: true },
            Work::Idle | Work::Copying(None) => {
                let wanted = Wanted {
                    id: now.fresh,
                    trigger: Trigger::Request,
                    attempt: 1,
                    begun: now.wall,
                    accept_shrunk,
                };
                match self.begin(wanted, now, effects) {
                    Ok(run) => Reply::Accepted { run, joined: false },
                    Err(problem) => Reply::Refused { problem },
                }
            }
        }
    }

    fn cancel(&mut self, effects: &mut Vec<Effect>) -> Reply {
        match &mut self.work {
            Work::Running(running) => {
                running.cancelling = true;
                effects.push(Effect::Stop);
                Reply::Done
            }
            Work::Copying(next) => {
                *next = None;
                effects.push(Effect::Stop);
                Reply::Done
            }
            Work::Idle if self.retry.take().is_some() => Reply::Done,
            Work::Idle => Reply::Refused { problem: problems::nothing_to_cancel() },
        }
    }

    fn check(&mut self, ticket: Ticket, effects: &mut Vec<Effect>) {
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
