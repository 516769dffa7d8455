//! The deep check: asked for by a person, or the one file whose turn it is while nothing else goes on. It gives way to every run,
//! and what a person asked for goes on behind it where it was.

use super::{Stage, State, Work};
use crate::agent::effect::{DeepCheck, Effect};
use crate::agent::input::Now;
use crate::agent::problems;
use crate::agent::status::VerifyView;
use crate::backup::outcome::RunId;
use crate::control::protocol::Reply;
use crate::cycle::step::Step;
use crate::journal::Side;
use crate::problem::{Code, Problem};
use crate::verify::{Place, Report, Selection};
use crate::words;
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Where nothing is due, the folders are looked through again after this long.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(3_600);

/// No file is begun in idle time when the next run is due this soon.
const LEAVE_FREE: TimeDelta = TimeDelta::minutes(2);

/// A deep check that a person asked for.
#[derive(Clone, Debug)]
pub struct WantedCheck {
    id: RunId,
    selection: Selection,
    side: Option<Side>,
    /// What was read since then need not be read again.
    since: DateTime<FixedOffset>,
    so_far: Report,
    stopped: bool,
}

/// What the agent knows of deep checks.
#[derive(Debug, Default)]
pub struct Verifying {
    wanted: Option<WantedCheck>,
    last: Option<(RunId, Report)>,
    /// Until then nobody looks what is due.
    pub(super) not_before: Option<Instant>,
    place: Option<(Place, u64)>,
}

impl State {
    /// A person wants a deep check: it begins as soon as nothing else goes on.
    pub(super) fn want_check(
        &mut self,
        selection: Selection,
        side: Option<Side>,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        if self.stage == Stage::Stopping {
            return Reply::Refused { problem: problems::ending() };
        }
        if self.in_force.is_none() {
            return Reply::Refused { problem: self.config_problem() };
        }
        if let Some(wanted) = &self.verifying.wanted {
            return if (wanted.selection, wanted.side) == (selection, side) {
                Reply::Accepted { run: wanted.id, joined: true }
            } else {
                Reply::Refused { problem: problems::another_check() }
            };
        }
        let (id, since) = (now.fresh, now.wall);
        self.verifying.wanted =
            Some(WantedCheck { id, selection, side, since, so_far: Report::default(), stopped: false });
        match self.work {
            Work::Idle => self.begin_check(effects),
            // The file that is read in idle time waits for another hour.
            Work::Verifying => effects.push(Effect::Stop),
            Work::Running(_) | Work::Copying | Work::Restoring(_) => {}
        }
        Reply::Accepted { run: id, joined: false }
    }

    /// Begins a deep check where one is wanted, or where it is time to look what is due; whether it did.
    pub(super) fn begin_check_if_any(&mut self, now: &Now, effects: &mut Vec<Effect>) -> bool {
        let free = self.next_due.is_none_or(|due| due.signed_duration_since(now.wall) > LEAVE_FREE);
        let is_time = self.verifying.not_before.is_none_or(|instant| instant <= now.steady);
        let begins = self.work == Work::Idle && (self.verifying.wanted.is_some() || (free && is_time));
        if begins {
            self.begin_check(effects);
        }
        begins
    }

    fn begin_check(&mut self, effects: &mut Vec<Effect>) {
        let Some(in_force) = &self.in_force else { return };
        let order = match &self.verifying.wanted {
            Some(wanted) => {
                DeepCheck::Wanted { selection: wanted.selection, side: wanted.side, since: wanted.since }
            }
            None => DeepCheck::Due,
        };
        let config = Arc::clone(&in_force.config);
        self.work = Work::Verifying;
        self.verifying.place = None;
        effects.push(Effect::StartCheck(order, config));
        if self.verifying.wanted.is_some() {
            let line = words!("Conferindo os backups guardados...", "Checking the kept backups...");
            self.say(line, false, effects);
        }
    }

    /// A file is being read.
    pub(super) fn check_goes_on(&mut self, place: Place, checked_bytes: u64) {
        if self.work == Work::Verifying {
            self.verifying.place = Some((place, checked_bytes));
        }
    }

    /// The deep check that went on has ended; `None` where nothing was due.
    pub(super) fn check_ended(&mut self, report: Option<Report>, now: &Now, effects: &mut Vec<Effect>) {
        if self.work != Work::Verifying {
            return;
        }
        self.work = Work::Idle;
        self.verifying.place = None;
        match self.verifying.wanted.take() {
            Some(wanted) => self.wanted_check_ended(wanted, report.unwrap_or_default(), effects),
            None => {
                if report.is_none() {
                    self.verifying.not_before = Some(now.steady + LOOK_AGAIN_AFTER);
                }
                self.say_step(Step::Waiting.line(), effects);
            }
        }
        if self.stage == Stage::Stopping {
            effects.push(Effect::Finish);
        } else if !self.begin_waiting_restore(now, effects) {
            self.begin_next(now, effects);
        }
    }

    fn wanted_check_ended(&mut self, mut wanted: WantedCheck, mut report: Report, effects: &mut Vec<Effect>) {
        let gives_way = !wanted.stopped && self.stage != Stage::Stopping && is_cut_short(&report);
        if gives_way {
            report.problems.retain(|problem| problem.code != Code::RunCancelled);
        }
        wanted.so_far.read.append(&mut report.read);
        for problem in report.problems {
            if !wanted.so_far.problems.contains(&problem) {
                wanted.so_far.problems.push(problem);
            }
        }
        if gives_way {
            self.verifying.wanted = Some(wanted);
            return;
        }
        let line = match wanted.so_far.problem() {
            None => words!("Backups guardados conferidos", "Kept backups checked"),
            Some(_) => words!("Conferência dos backups com avisos", "Kept backups checked, with warnings"),
        };
        self.verifying.last = Some((wanted.id, wanted.so_far));
        self.say(line, false, effects);
    }

    /// A person stops the deep check that was asked for.
    pub(super) fn stop_check(&mut self) {
        if let Some(wanted) = &mut self.verifying.wanted {
            wanted.stopped = true;
        }
    }

    /// What came of the deep check with this name; `None` while it goes on, and for one that is not the last.
    pub(super) fn verified(&self, id: RunId) -> Option<Report> {
        self.verifying.last.as_ref().filter(|(last, _)| *last == id).map(|(_, report)| report.clone())
    }

    /// The deep check that goes on or waits, for clients.
    pub(in crate::agent) fn verify_view(&self) -> Option<VerifyView> {
        let id = self.verifying.wanted.as_ref().map(|wanted| wanted.id);
        let place = self.verifying.place.clone();
        (id.is_some() || place.is_some()).then(|| VerifyView {
            id,
            checked_bytes: place.as_ref().map_or(0, |(_, bytes)| *bytes),
            place: place.map(|(place, _)| place),
        })
    }
}

fn is_cut_short(report: &Report) -> bool {
    report.problems.iter().any(|problem: &Problem| problem.code == Code::RunCancelled)
}
