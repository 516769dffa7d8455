//! What past restore tests say about the next one, and about the health of the whole. Pure.

use super::status::{RestoreTestView, TestedView};
use crate::backup::outcome::Outcome;
use crate::cycle::catalogue::CheckId;
use crate::cycle::health::Look;
use crate::problem::{Code, Problem};
use crate::restore::outcome::{AGENT, RestoreReport, Verdict};
use crate::words;
use crate::words::{Language, Words, date_time};
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::time::Duration;
use tokio::time::Instant;

/// The first test comes so long after the first backup: whoever sets a shop up is not to be disturbed by it.
const FIRST_AFTER: TimeDelta = TimeDelta::days(1);
/// A test that did not come to a good end is made again after this long …
const AGAIN_AFTER: TimeDelta = TimeDelta::days(1);
/// … and one that merely could not be carried out, the first time after this long.
const SOON_AFTER: TimeDelta = TimeDelta::hours(1);
/// Beyond the time at which a test is due, this long without a good one is too long.
const MARGIN: TimeDelta = TimeDelta::days(3);
/// No test begins when the next run is due sooner than this.
const FREE: TimeDelta = TimeDelta::minutes(30);
/// After a person stopped a test, none begins by itself for this long.
const LEFT_ALONE: Duration = Duration::from_secs(12 * 3_600);

/// What is remembered of restore tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trials {
    /// The last one that came to a result.
    last: Option<RestoreReport>,
    last_good: Option<DateTime<FixedOffset>>,
    /// The last one that came to none, since the last that did.
    unfinished: Option<RestoreReport>,
    /// Tests in a row that could not be carried out.
    not_made: u32,
    first_backup: Option<DateTime<FixedOffset>>,
    /// A person asked for one that gave way.
    asked_for: bool,
    not_before: Option<Instant>,
}

impl Trials {
    /// What `reports`, newest first, tell; the shop's first backup was made at `first_backup`.
    pub fn of(reports: &[RestoreReport], first_backup: Option<DateTime<FixedOffset>>) -> Self {
        let mut trials = Self { first_backup, ..Self::default() };
        reports.iter().rev().for_each(|report| trials.ended(report.clone(), false));
        trials
    }

    /// A good backup was made.
    pub fn backed_up(&mut self, at: DateTime<FixedOffset>) {
        self.first_backup.get_or_insert(at);
    }

    /// A test ended; where it gave way to something else, whoever asked for it is not forgotten.
    pub fn ended(&mut self, report: RestoreReport, gave_way: bool) {
        let Some(verdict) = report.verdict() else {
            self.asked_for |= gave_way && report.by != AGENT;
            self.unfinished = Some(report);
            return;
        };
        self.asked_for = false;
        self.unfinished = None;
        self.not_made = if verdict == Verdict::NotMade { self.not_made.saturating_add(1) } else { 0 };
        if verdict == Verdict::Passed {
            self.last_good = Some(report.ended_at());
        }
        self.last = Some(report);
    }

    /// A person stopped a test.
    pub fn stopped(&mut self, now: Instant) {
        self.asked_for = false;
        self.not_before = Some(now + LEFT_ALONE);
    }

    /// When the next test is due by itself; `None` while there is nothing to test, or where tests are turned off (`every` is zero).
    pub fn due_at(&self, every: Duration, now: DateTime<FixedOffset>) -> Option<DateTime<FixedOffset>> {
        if every.is_zero() {
            return None;
        }
        let every = TimeDelta::from_std(every).unwrap_or(TimeDelta::MAX);
        let (since, wait) = match (&self.last, self.last.as_ref().and_then(RestoreReport::verdict)) {
            (Some(last), Some(Verdict::Passed)) => (last.ended_at(), every),
            (Some(last), Some(Verdict::NotMade)) if self.not_made == 1 => (last.ended_at(), SOON_AFTER),
            (Some(last), _) => (last.ended_at(), AGAIN_AFTER.min(every)),
            (None, _) => (self.first_backup?, FIRST_AFTER.min(every)),
        };
        // Of a test whose end nobody saw, the machine may have died: not at once again.
        let interrupted =
            self.unfinished.as_ref().filter(|report| report.outcome == Some(Outcome::Interrupted));
        let again = interrupted.map(|report| (report.started_at, SOON_AFTER.min(every)));
        let due = [Some((since, wait)), again].into_iter().flatten().map(|(since, wait)| {
            // What lies in the future belongs to a clock that was set.
            if since > now { now } else { since.checked_add_signed(wait).unwrap_or(since) }
        });
        due.max()
    }

    /// Whether a test is to begin now, where the next run is due after `free` and none waits longer than `longest_gap` for the next.
    pub fn is_time(
        &self,
        every: Duration,
        free: Option<TimeDelta>,
        longest_gap: TimeDelta,
        now: DateTime<FixedOffset>,
        steady: Instant,
    ) -> bool {
        let due = self.asked_for || self.due_at(every, now).is_some_and(|at| at <= now);
        let left_alone = self.not_before.is_some_and(|instant| steady < instant);
        due && !left_alone && free.is_none_or(|free| free >= self.needs(longest_gap))
    }

    /// The free time that a test needs: half an hour, or what the last one took and a quarter more; but no more than there ever is.
    fn needs(&self, longest_gap: TimeDelta) -> TimeDelta {
        let took = self.unfinished.as_ref().or(self.last.as_ref()).map(|report| {
            let took = report.ended_at().signed_duration_since(report.started_at).max(TimeDelta::zero());
            took + took / 4
        });
        FREE.max(took.unwrap_or_default()).min(longest_gap - longest_gap / 8)
    }

    /// What the tests say about health at `now`.
    pub fn look(&self, every: Duration, now: DateTime<FixedOffset>) -> Look {
        let mut look = Look::default();
        look.ask(&[CheckId::RestoreTest, CheckId::RestoreTestAge]);
        if let Some(last) = &self.last
            && let Some(problem) = self.problem_of(last)
        {
            let check = if self.is_alert() { CheckId::RestoreTest } else { CheckId::RestoreTestAge };
            look.note_for(check, problem);
        }
        self.age_problem(every, now).into_iter().for_each(|problem| look.note(problem));
        look
    }

    /// Whether a person must hear of the last test: the backup failed it, or it could not be carried out twice in a row.
    pub fn is_alert(&self) -> bool {
        match self.last.as_ref().and_then(RestoreReport::verdict) {
            Some(Verdict::Failed) => true,
            Some(Verdict::NotMade) => self.not_made >= 2,
            Some(Verdict::Passed | Verdict::NoRoom) | None => false,
        }
    }

    /// What the last test found.
    pub fn problem(&self) -> Option<Problem> {
        self.last.as_ref().and_then(|last| self.problem_of(last))
    }

    fn problem_of(&self, last: &RestoreReport) -> Option<Problem> {
        let verdict = last.verdict().filter(|verdict| *verdict != Verdict::Passed)?;
        let cause = last.problems.first()?;
        let Words { pt, en } = &cause.sentence;
        let (pt_at, en_at) =
            (date_time(last.ended_at(), Language::Portuguese), date_time(last.ended_at(), Language::English));
        let sentence = match verdict {
            Verdict::Failed => words!(
                "O backup foi reprovado no teste de restauração de {pt_at}: {pt}",
                "The backup failed the restore test of {en_at}: {en}"
            ),
            Verdict::NoRoom | Verdict::NotMade | Verdict::Passed => words!(
                "O teste de restauração de {pt_at} não pôde ser feito: {pt}",
                "The restore test of {en_at} could not be made: {en}"
            ),
        };
        let hint = if verdict == Verdict::Failed { failed_hint() } else { cause.hint.clone() };
        Some(Problem::new(cause.code, sentence, hint))
    }

    fn age_problem(&self, every: Duration, now: DateTime<FixedOffset>) -> Option<Problem> {
        if every.is_zero() {
            return None;
        }
        let limit = TimeDelta::from_std(every).ok()?.checked_add(&MARGIN)?;
        let since = self.last_good.or(self.first_backup)?;
        let (days, waited) = (limit.num_days(), now.signed_duration_since(since));
        let hint = words!(
            "Peça um com «dmbackupctl restore --test --wait» quando o servidor estiver livre, e veja o que o impede.",
            "Ask for one by “dmbackupctl restore --test --wait” when the server is free, and see what keeps it from being made."
        );
        (waited > limit).then(|| {
            let sentence = if self.last_good.is_some() {
                words!(
                    "Há mais de {days} dias nenhum backup passa por um teste de restauração.",
                    "For more than {days} days no backup has passed a restore test."
                )
            } else {
                words!(
                    "Nenhum backup passou ainda por um teste de restauração, e o primeiro tem mais de {days} dias.",
                    "No backup has passed a restore test yet, and the first one is more than {days} days old."
                )
            };
            Problem::new(Code::RestoreTestMissing, sentence, hint)
        })
    }

    /// What clients see of it.
    pub fn view(&self, every: Duration, now: DateTime<FixedOffset>) -> RestoreTestView {
        RestoreTestView {
            last: self.last.as_ref().and_then(|last| {
                Some(TestedView {
                    id: last.id,
                    at: last.ended_at(),
                    verdict: last.verdict()?,
                    from: last.from.as_ref().map(|from| from.shown.clone()),
                    problem: last.problems.first().cloned(),
                })
            }),
            last_good: self.last_good,
            next_due: self.due_at(every, now),
        }
    }
}

fn failed_hint() -> Words {
    words!(
        "Faça um backup agora («Realizar Backup») e peça outro teste: dmbackupctl restore --test --wait. Se for reprovado de novo, chame o suporte.",
        "Make a backup now and ask for another test: dmbackupctl restore --test --wait. If it fails again, call support."
    )
}

#[cfg(test)]
#[path = "trials_tests.rs"]
mod tests;
