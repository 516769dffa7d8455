//! The restore test: in the first idle half hour once it is due. It gives way to everything that people or the schedule want, and is
//! taken up again later.

use super::{State, Work};
use crate::agent::effect::{Effect, Loudness};
use crate::agent::input::Now;
use crate::cycle::catalogue::CheckId;
use crate::cycle::health::Look;
use crate::restore::RestoreOrder;
use crate::restore::outcome::{AGENT, RestoreReport, Task, Verdict};
use crate::words;
use crate::words::Words;
use std::time::Duration;

impl State {
    /// How often the configuration in force wants a test; zero for never.
    pub(in crate::agent) fn test_every(&self) -> Duration {
        self.in_force.as_ref().map(|in_force| in_force.config.backup.restore_test).unwrap_or_default()
    }

    /// Whether a test goes on.
    pub(super) fn is_testing(&self) -> bool {
        matches!(&self.work, Work::Restoring(restoring) if restoring.order.is_test())
    }

    /// Begins a test where one is due and there is the time for it; whether it did.
    pub(super) fn begin_test_if_due(&mut self, look: &Look, now: &Now, effects: &mut Vec<Effect>) -> bool {
        let Some(in_force) = &self.in_force else { return false };
        let free = self.next_due.map(|due| due.signed_duration_since(now.wall));
        let longest_gap = in_force.config.schedule.longest_gap();
        let begins = self.work == Work::Idle
            && self.retry.is_none()
            && self.history.last_good.is_some()
            && look.is_well(CheckId::Server)
            && self.trials.is_time(self.test_every(), free, longest_gap, now.wall, now.steady);
        if begins {
            let by = AGENT.to_owned();
            let order = RestoreOrder { id: now.fresh, task: Task::Test, by, begun: now.wall, login: None };
            self.begin_restore(order, effects);
        }
        begins
    }

    /// A test ended: what it says is told as the end of a run is.
    pub(super) fn test_ended(
        &mut self,
        report: RestoreReport,
        gave_way: bool,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) {
        let line = end_line(&report);
        let has_result = report.verdict().is_some();
        self.trials.ended(report, gave_way);
        if has_result {
            let mut found = Look::default();
            self.add_own_checks(&mut found, now);
            self.health.observe(&found, now.wall, now.steady);
            if let Some(problem) = self.trials.problem() {
                let loudness = if self.trials.is_alert() { Loudness::Alert } else { Loudness::Warning };
                effects.push(Effect::Tell(problem, loudness));
            }
        }
        self.say(line, false, effects);
    }
}

/// What the status line says while a test goes on.
pub(super) fn testing_line() -> Words {
    words!("Testando a restauração do backup...", "Testing whether the backup restores...")
}

fn end_line(report: &RestoreReport) -> Words {
    let Words { pt, en } = match report.verdict() {
        Some(verdict @ (Verdict::Passed | Verdict::Failed | Verdict::NoRoom | Verdict::NotMade)) => {
            verdict.words()
        }
        None => words!("interrompido, será retomado", "stopped, to be taken up again"),
    };
    words!("Teste de restauração: {pt}", "Restore test: {en}")
}
