//! What is unhealthy, since when, and what explains it. Pure: looks go in, views come out.

use super::catalogue::{CATALOGUE, Check, CheckId, Severity};
use crate::problem::{Code, Problem};
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// An unhealthy check, as clients see it. A check that is not in the list is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// The check's stable name.
    pub id: String,
    /// What it is called.
    pub title: Words,
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong and what to do.
    pub problem: Problem,
    /// Since when.
    pub since: DateTime<FixedOffset>,
    /// The check that is the cause of this one, where that is unhealthy too.
    pub explained_by: Option<String>,
}

/// What one look at the world found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    asked: BTreeSet<CheckId>,
    found: Vec<(CheckId, Problem)>,
}

impl Look {
    /// These checks were looked at; healthy, unless a problem is noted.
    pub fn ask(&mut self, checks: &[CheckId]) {
        self.asked.extend(checks);
    }

    /// A problem, noted for the check that its code belongs to.
    pub fn note(&mut self, problem: Problem) {
        self.note_for(Check::for_code(problem.code).id, problem);
    }

    /// A problem, noted for a check whatever its code.
    pub fn note_for(&mut self, check: CheckId, problem: Problem) {
        self.asked.insert(check);
        self.found.push((check, problem));
    }

    /// Notes what an answer says: nothing when it is good, its problem otherwise.
    pub fn answer<T>(&mut self, answer: Result<T, Problem>) -> Option<T> {
        answer.map_err(|problem| self.note(problem)).ok()
    }

    /// Adds what another look found.
    pub fn extend(&mut self, other: Look) {
        self.asked.extend(other.asked);
        self.found.extend(other.found);
    }

    /// The problems, in the order in which they were noted.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter().map(|(_, problem)| problem)
    }

    /// Whether a check was looked at and found well.
    pub fn is_well(&self, check: CheckId) -> bool {
        self.asked.contains(&check) && self.found.iter().all(|(id, _)| *id != check)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Unhealthy {
    problem: Problem,
    since: DateTime<FixedOffset>,
    begun: Instant,
    /// The check was healthy before, so a short fault is given time.
    was_well: bool,
}

/// Remembers what is unhealthy from look to look.
#[derive(Clone, Debug, Default)]
pub struct Health {
    unhealthy: BTreeMap<(CheckId, Code), Unhealthy>,
    known_well: BTreeSet<CheckId>,
}

impl Health {
    /// Takes in a look at the world. Checks that were not looked at stay as they were.
    pub fn observe(&mut self, look: &Look, wall: DateTime<FixedOffset>, steady: Instant) {
        self.unhealthy.retain(|(check, code), _| {
            !look.asked.contains(check)
                || look.found.iter().any(|(id, problem)| id == check && problem.code == *code)
        });
        for (check, problem) in &look.found {
            let was_well = self.known_well.contains(check);
            self.unhealthy
                .entry((*check, problem.code))
                .and_modify(|entry| entry.problem = problem.clone())
                .or_insert_with(|| Unhealthy {
                    problem: problem.clone(),
                    since: wall,
                    begun: steady,
                    was_well,
                });
        }
        for check in &look.asked {
            if look.is_well(*check) {
                self.known_well.insert(*check);
            }
        }
    }

    /// What clients are shown: causes first, and of each check only what has lasted long enough.
    pub fn view(&self, steady: Instant) -> Vec<CheckView> {
        self.views(|check, entry| !entry.was_well || steady.duration_since(entry.begun) >= check.must_last)
    }

    /// What somebody sees who asked for a look: also what has not lasted yet.
    pub fn everything(&self) -> Vec<CheckView> {
        self.views(|_, _| true)
    }

    fn views(&self, wanted: impl Fn(&Check, &Unhealthy) -> bool) -> Vec<CheckView> {
        let mut shown: Vec<(usize, CheckView)> = self
            .unhealthy
            .iter()
            .filter(|((id, _), entry)| wanted(Check::of(*id), entry))
            .map(|((id, _), entry)| (rank(*id), self.show(Check::of(*id), entry)))
            .collect();
        shown.sort_by_key(|(rank, view)| (view.explained_by.is_some(), *rank));
        shown.into_iter().map(|(_, view)| view).collect()
    }

    /// The checks that were looked at and are well. What is unhealthy is not, though it may be too young to be shown; nor is
    /// what nobody has looked at yet.
    pub fn known_well(&self) -> BTreeSet<CheckId> {
        self.known_well.iter().copied().filter(|check| !self.is_unhealthy(*check)).collect()
    }

    /// Whether a check is unhealthy, shown or not.
    pub fn is_unhealthy(&self, check: CheckId) -> bool {
        self.unhealthy.range((check, Code::ALL[0])..).next().is_some_and(|((id, _), _)| *id == check)
    }

    fn show(&self, check: &Check, entry: &Unhealthy) -> CheckView {
        let cause = check.depends_on.iter().find(|cause| self.is_unhealthy(**cause));
        CheckView {
            id: check.name.to_owned(),
            title: check.title(),
            severity: check.severity,
            problem: entry.problem.clone(),
            since: entry.since,
            explained_by: cause.map(|cause| Check::of(*cause).name.to_owned()),
        }
    }
}

/// The gravest severity among `checks`; `None` when all is well.
pub fn worst(checks: &[CheckView]) -> Option<Severity> {
    checks.iter().map(|check| check.severity).max()
}

fn rank(id: CheckId) -> usize {
    CATALOGUE.iter().position(|check| check.id == id).unwrap_or(CATALOGUE.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use std::time::Duration;

    fn problem(code: Code) -> Problem {
        Problem::new(code, Words::same(code.id()), Words::same("hint"))
    }

    fn wall(minute: i64) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339("2026-11-22T10:00:00-03:00").unwrap() + TimeDelta::minutes(minute)
    }

    fn look(asked: &[CheckId], codes: &[Code]) -> Look {
        let mut look = Look::default();
        look.ask(asked);
        codes.iter().for_each(|code| look.note(problem(*code)));
        look
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_keeps_the_instant_at_which_it_began_until_it_is_mended() {
        let mut health = Health::default();
        let now = Instant::now();
        health.observe(&look(&[], &[Code::SqlLogin]), wall(0), now);
        health.observe(&look(&[], &[Code::SqlLogin]), wall(5), now);
        assert_eq!(health.view(now)[0].since, wall(0));
        health.observe(&look(&[CheckId::Access], &[]), wall(6), now);
        assert!(health.view(now).is_empty());
        health.observe(&look(&[], &[Code::SqlLogin]), wall(7), now);
        assert_eq!(health.view(now)[0].since, wall(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_restart_of_the_server_is_no_fault_but_a_server_that_was_never_seen_is_one() {
        let now = Instant::now();
        let later = now + Duration::from_secs(120);
        let mut never = Health::default();
        never.observe(&look(&[], &[Code::SqlServiceStopped]), wall(0), now);
        assert_eq!(never.view(now).len(), 1);

        let mut restarted = Health::default();
        restarted.observe(&look(&[CheckId::Service], &[]), wall(0), now);
        restarted.observe(&look(&[], &[Code::SqlServiceStopped]), wall(1), now);
        assert!(restarted.view(now).is_empty());
        assert_eq!(restarted.everything().len(), 1);
        assert_eq!(restarted.view(later).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_looked_at_and_is_well_is_known_to_be_well() {
        let now = Instant::now();
        let mut health = Health::default();
        health.observe(&look(&[CheckId::Service, CheckId::Damage], &[Code::SqlUnreachable]), wall(0), now);
        assert_eq!(health.known_well(), BTreeSet::from([CheckId::Service, CheckId::Damage]));
        health.observe(&look(&[], &[Code::SqlServiceStopped]), wall(1), now);
        assert!(health.view(now).iter().all(|check| check.id != "service"), "it may be a restart");
        assert_eq!(health.known_well(), BTreeSet::from([CheckId::Damage]), "but nobody knows it to be well");
    }

    #[tokio::test(start_paused = true)]
    async fn the_cause_comes_first_and_explains_the_others() {
        let now = Instant::now();
        let mut health = Health::default();
        health.observe(
            &look(&[], &[Code::BackupTooOld, Code::SqlUnreachable, Code::LocalOnly]),
            wall(0),
            now,
        );
        let view = health.view(now);
        let ids: Vec<_> =
            view.iter().map(|check| (check.id.as_str(), check.explained_by.as_deref())).collect();
        assert_eq!(ids, [("server", None), ("local-only", None), ("last-backup", Some("server"))]);
        assert_eq!(worst(&view), Some(Severity::Alert));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_looked_at_stays_as_it_was() {
        let now = Instant::now();
        let mut health = Health::default();
        health.observe(&look(&[], &[Code::DatabasePageVerify]), wall(0), now);
        health.observe(&look(&[CheckId::Service], &[Code::SqlUnreachable]), wall(1), now);
        let ids: Vec<_> = health.view(now).into_iter().map(|check| check.id).collect();
        assert_eq!(ids, ["server", "options"]);
    }
}
