//! What the past runs say about the next one, and about the health of the whole. Pure.

use crate::backup::outcome::{Outcome, RunReport};
use crate::cycle::catalogue::{Check, CheckId};
use crate::cycle::health::Look;
use crate::problem::{Code, Exit, Problem};
use crate::words;
use crate::words::{Language, date_time};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use std::time::Duration;

/// So many cancelled runs in a row are no accident.
const CANCELLED_TOO_OFTEN: u32 = 3;

/// What is remembered of the past runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The last run that ended.
    pub last: Option<RunReport>,
    /// The last run that made a good backup.
    pub last_good: Option<RunReport>,
    /// The last run that nobody stopped: what it found stays true until the next.
    telling: Option<RunReport>,
    /// When the last run began that needs no making up.
    begun: Option<DateTime<Utc>>,
    /// Failed runs since the last one that was made.
    failures: u32,
    /// Cancelled runs since the last one that was not.
    cancelled: u32,
    /// The end of the program cut the last run short, and it is to be made up once.
    cut_short: bool,
}

impl History {
    /// The history in `runs`, newest first.
    pub fn of(runs: &[RunReport], last_good: Option<RunReport>) -> Self {
        let mut history = Self { last_good, ..Self::default() };
        runs.iter().rev().filter(|run| run.outcome.is_some()).for_each(|run| history.ended(run.clone()));
        history
    }

    /// A run for the rotation began.
    pub fn began(&mut self, at: DateTime<Utc>) {
        self.begun = Some(at);
    }

    /// A run ended. One that was not made for the rotation says nothing about it.
    pub fn ended(&mut self, run: RunReport) {
        if !run.purpose.is_rotation() {
            self.last = Some(run);
            return;
        }
        let cut_short = was_cut_short(&run);
        // One that is cut short again and again must not begin again for ever.
        if !cut_short || self.cut_short {
            self.begun = Some(run.started_at.to_utc());
        }
        self.cut_short = cut_short && !self.cut_short;
        self.cancelled = match run.outcome {
            Some(Outcome::Cancelled) => self.cancelled.saturating_add(1),
            Some(Outcome::Success | Outcome::Warning | Outcome::Failed | Outcome::Interrupted) | None => 0,
        };
        match run.outcome {
            Some(Outcome::Success | Outcome::Warning) => {
                self.failures = 0;
                self.last_good = Some(run.clone());
            }
            Some(Outcome::Failed) => self.failures = self.failures.saturating_add(1),
            Some(Outcome::Cancelled | Outcome::Interrupted) | None => {}
        }
        if run.outcome != Some(Outcome::Cancelled) {
            self.telling = Some(run.clone());
        }
        self.last = Some(run);
    }

    /// The backups at these places among all have reached the terminal since their runs ended.
    pub fn arrived(&mut self, sequences: &[u64]) {
        let runs = [&mut self.last, &mut self.last_good, &mut self.telling].into_iter().flatten();
        runs.filter(|run| sequences.contains(&run.sequence)).for_each(RunReport::arrived);
    }

    /// When the last run began, as far as the schedule is concerned: one that the end of the program cut short is made up.
    pub fn last_begun(&self) -> Option<DateTime<Utc>> {
        self.begun
    }

    /// Whether the last failure is one that a person must hear of (4D6): the second in a row, or one that trying again cannot
    /// mend.
    pub fn is_alert(&self) -> bool {
        let grave = |run: &RunReport| {
            run.outcome == Some(Outcome::Failed)
                && run.problems.first().is_some_and(|problem| {
                    problem.exit() == Exit::Damaged || problem.code == Code::SpaceForeseen
                })
        };
        self.failures >= 2 || self.telling.as_ref().is_some_and(grave)
    }

    /// What the past says about health at `now`, where a good backup may be `too_old` at most.
    pub fn look(&self, too_old: Duration, now: DateTime<FixedOffset>) -> Look {
        let mut look = Look::default();
        look.ask(&[CheckId::LastBackup, CheckId::LastRun, CheckId::SecondFailure]);
        if let Some(problem) = self.age_problem(too_old, now) {
            look.note(problem);
        }
        let check = if self.is_alert() { CheckId::SecondFailure } else { CheckId::LastRun };
        self.found().for_each(|problem| look.note_for(check, problem.clone()));
        if self.cancelled >= CANCELLED_TOO_OFTEN {
            look.note(cancelled_too_often(self.cancelled));
        }
        look
    }

    /// What the last run found that is still true, as far as anybody knows. What hinders no backup is looked at anew in each
    /// cycle, and may be mended by now.
    fn found(&self) -> impl Iterator<Item = &Problem> {
        let made = self.telling.as_ref().is_some_and(|run| run.outcome == Some(Outcome::Warning));
        let problems = self.telling.iter().flat_map(|run| match run.outcome {
            Some(Outcome::Warning | Outcome::Failed | Outcome::Interrupted) => run.problems.as_slice(),
            Some(Outcome::Success | Outcome::Cancelled) | None => &[],
        });
        problems.filter(move |problem| !(made && Check::for_code(problem.code).looked_at_each_cycle))
    }

    /// «Último bom backup há mais de N horas», whatever the cause. A good backup in the future belongs to a clock that was
    /// set, and has no age.
    fn age_problem(&self, too_old: Duration, now: DateTime<FixedOffset>) -> Option<Problem> {
        let hours = too_old.as_secs().div_ceil(3_600);
        let hint = words!(
            "Veja o que impede o backup, corrija e use «Realizar Backup».",
            "See what keeps the backup from being made, mend it, and ask for a backup now."
        );
        let Some(good) = &self.last_good else {
            self.last.as_ref()?;
            let sentence = words!("Ainda não há nenhum bom backup.", "There is no good backup yet.");
            return Some(Problem::new(Code::BackupNone, sentence, hint));
        };
        let made = good.finished_at.unwrap_or(good.started_at);
        let limit = TimeDelta::from_std(too_old).unwrap_or(TimeDelta::MAX);
        (now.signed_duration_since(made) > limit).then(|| {
            let (pt, en) = (date_time(made, Language::Portuguese), date_time(made, Language::English));
            let sentence = words!(
                "Último bom backup há mais de {hours} horas: {pt}.",
                "The last good backup is more than {hours} hours old: {en}."
            );
            Problem::new(Code::BackupTooOld, sentence, hint)
        })
    }
}

/// Whether a run ended because the program did: it is made up at the next start.
pub fn was_cut_short(run: &RunReport) -> bool {
    run.outcome == Some(Outcome::Interrupted)
        || run.problems.iter().any(|problem| problem.code == Code::RunInterrupted)
}

fn cancelled_too_often(times: u32) -> Problem {
    Problem::new(
        Code::RunsCancelled,
        words!(
            "Os últimos {times} backups foram parados antes do fim.",
            "The last {times} backups were stopped before their end."
        ),
        words!(
            "Veja quem os para, e por quê; deixe o próximo ir até o fim. O computador não deve ser desligado durante um backup.",
            "See who stops them, and why; let the next one go on to its end. The computer must not be shut down during a backup."
        ),
    )
}

/// What is added to the report of a run that was stopped because the program ends.
pub fn cut_short() -> Problem {
    Problem::new(
        Code::RunInterrupted,
        words!(
            "O programa foi encerrado durante o backup.",
            "The program was ended while the backup was being made."
        ),
        words!(
            "Nada foi alterado; o backup será refeito quando o programa for aberto de novo.",
            "Nothing was changed; the backup is made up when the program starts again."
        ),
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::backup::outcome::{Purpose, Trigger};
    use crate::words::Words;
    use uuid::Uuid;

    pub fn at(hour: i64) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339("2026-11-22T00:00:00-03:00").unwrap() + TimeDelta::hours(hour)
    }

    pub fn problem(code: Code) -> Problem {
        Problem::new(code, Words::same(code.id()), Words::same("hint"))
    }

    pub fn run(hour: i64, outcome: Outcome, codes: &[Code]) -> RunReport {
        let id = Uuid::from_u128(u128::try_from(hour).unwrap() + 1);
        RunReport {
            sequence: 1,
            finished_at: Some(at(hour) + TimeDelta::minutes(3)),
            outcome: Some(outcome),
            database: "MCDados".to_owned(),
            problems: codes.iter().map(|code| problem(*code)).collect(),
            ..RunReport::begun(id, Trigger::Schedule, Purpose::Rotation, at(hour))
        }
    }

    fn found(history: &History, now: i64) -> Vec<Code> {
        history.look(Duration::from_secs(3 * 3_600), at(now)).problems().map(|problem| problem.code).collect()
    }

    #[test]
    fn a_run_that_was_cut_short_is_made_up_but_not_for_ever() {
        let mut history = History::default();
        history.ended(run(8, Outcome::Success, &[]));
        history.ended(run(9, Outcome::Interrupted, &[Code::RunInterrupted]));
        assert_eq!(history.last_begun(), Some(at(8).to_utc()));
        history.ended(run(9, Outcome::Cancelled, &[Code::RunCancelled, Code::RunInterrupted]));
        assert_eq!(history.last_begun(), Some(at(9).to_utc()), "the second time it waits for the next hour");
    }

    #[test]
    fn a_run_that_a_person_stopped_is_not_made_up() {
        let mut history = History::default();
        history.ended(run(9, Outcome::Cancelled, &[Code::RunCancelled]));
        assert_eq!(history.last_begun(), Some(at(9).to_utc()));
        assert_eq!(found(&history, 9), [Code::BackupNone]);
    }

    #[test]
    fn three_cancelled_runs_in_a_row_are_told_until_one_is_not() {
        let mut history = History::default();
        history.ended(run(7, Outcome::Success, &[]));
        for hour in [8, 9, 10] {
            assert!(found(&history, 9).is_empty());
            history.ended(run(hour, Outcome::Cancelled, &[Code::RunCancelled]));
        }
        assert_eq!(found(&history, 10), [Code::RunsCancelled]);
        history.ended(run(11, Outcome::Success, &[]));
        assert!(found(&history, 11).is_empty());
    }

    #[test]
    fn the_second_failure_is_an_alert_and_a_success_ends_it() {
        let mut history = History::default();
        history.ended(run(8, Outcome::Success, &[]));
        history.ended(run(9, Outcome::Failed, &[Code::FolderServerRights]));
        assert!(!history.is_alert());
        history.ended(run(9, Outcome::Failed, &[Code::FolderServerRights]));
        assert!(history.is_alert());
        assert_eq!(found(&history, 9), [Code::FolderServerRights]);
        history.ended(run(10, Outcome::Success, &[]));
        assert!(!history.is_alert());
        assert!(found(&history, 10).is_empty());
    }

    #[test]
    fn what_each_cycle_looks_at_does_not_stay_with_the_run_that_found_it() {
        let mut history = History::default();
        history.ended(run(9, Outcome::Warning, &[Code::TerminalMissing, Code::BackupNotUnderstood]));
        assert_eq!(found(&history, 9), [Code::BackupNotUnderstood]);
        history.ended(run(9, Outcome::Failed, &[Code::SqlLogin, Code::TerminalMissing]));
        assert_eq!(found(&history, 9), [Code::SqlLogin, Code::TerminalMissing]);
    }

    #[test]
    fn damage_is_an_alert_at_the_first_sight() {
        let mut history = History::default();
        history.ended(run(9, Outcome::Failed, &[Code::DatabaseDamaged]));
        assert!(history.is_alert());
    }

    #[test]
    fn the_age_of_the_last_good_backup_is_told_whatever_the_cause() {
        let history = History::of(&[run(9, Outcome::Success, &[])], Some(run(9, Outcome::Success, &[])));
        assert!(found(&history, 12).is_empty());
        assert_eq!(found(&history, 13), [Code::BackupTooOld]);
        assert!(found(&history, 2).is_empty(), "a clock that was set back makes nothing old");
        let text = history.look(Duration::from_secs(3 * 3_600), at(13));
        let sentence = &text.problems().next().unwrap().sentence;
        assert_eq!(sentence.pt, "Último bom backup há mais de 3 horas: 22/11/2026 09:03.");
    }
}
