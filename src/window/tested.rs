//! The last restore test: whether what is kept can be restored, and since when that is known.

use super::ui::{Mood, Tested};
use crate::agent::status::{Status, TestedView};
use crate::problem::{Code, Problem};
use crate::restore::outcome::Verdict;
use crate::words;
use crate::words::{Language, Words, moment};

/// What the first page says of it; an empty line where there is nothing that could be tested.
pub fn tested(status: &Status, language: Language) -> Tested {
    let overdue = status.checks.iter().map(|check| &check.problem).find(|problem| is_overdue(problem));
    let (mood, line) = match &status.restore_test.last {
        Some(last) => of_last(last, status, overdue.is_some()),
        None => match without(status, overdue.is_some()) {
            Some(shown) => shown,
            None => return Tested::default(),
        },
    };
    let failed = status.restore_test.last.as_ref().filter(|last| last.verdict != Verdict::Passed);
    // What the large line goes on with is not told twice.
    let above = status.checks.iter().find(|check| check.explained_by.is_none());
    let is_above = |problem: &&Problem| above.is_some_and(|check| check.problem.code == problem.code);
    let wrong = failed.and_then(|last| last.problem.as_ref()).or(overdue).filter(|it| !is_above(it));
    let more = wrong.map(|problem| problem.text(language)).unwrap_or_default();
    Tested { mood, line: line.get(language).into(), more: more.into() }
}

fn is_overdue(problem: &Problem) -> bool {
    problem.code == Code::RestoreTestMissing
}

fn of_last(last: &TestedView, status: &Status, overdue: bool) -> (Mood, Words) {
    let Words { pt, en } = last.words(status.now);
    let mood = match last.verdict {
        Verdict::Passed if overdue => Mood::Warning,
        Verdict::Passed => Mood::Well,
        Verdict::Failed => Mood::Failed,
        Verdict::NoRoom | Verdict::NotMade => Mood::Warning,
    };
    let line = if overdue {
        words!(
            "Último teste de restauração: {pt}. O próximo está atrasado.",
            "Last restore test: {en}. The next one is overdue."
        )
    } else {
        words!("Último teste de restauração: {pt}", "Last restore test: {en}")
    };
    (mood, line)
}

/// Nothing was tested yet.
fn without(status: &Status, overdue: bool) -> Option<(Mood, Words)> {
    status.last_good.as_ref()?;
    if overdue {
        let line = words!(
            "Nenhum teste de restauração ainda. O primeiro está atrasado.",
            "No restore test yet. The first one is overdue."
        );
        return Some((Mood::Warning, line));
    }
    let line = match status.restore_test.next_due {
        None => words!(
            "Testes de restauração desligados na configuração (backup.restore_test).",
            "Restore tests are turned off in the configuration (backup.restore_test)."
        ),
        Some(due) if due > status.now => {
            let pt = moment(due, status.now, Language::Portuguese);
            let en = moment(due, status.now, Language::English);
            words!(
                "Nenhum teste de restauração ainda. O primeiro: {pt}.",
                "No restore test yet. The first one: {en}."
            )
        }
        Some(_) => words!(
            "Nenhum teste de restauração ainda. O primeiro será feito quando o servidor estiver livre.",
            "No restore test yet. The first one is made when the server is free."
        ),
    };
    Some((Mood::Unreachable, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::{at, problem};
    use crate::agent::status::RestoreTestView;
    use crate::agent::testing::{status, unhealthy};
    use crate::cycle::catalogue::Severity;
    use uuid::Uuid;

    /// At 14:05 on a Sunday.
    fn after(verdict: Option<Verdict>, hours_ago: i64) -> Status {
        let last = verdict.map(|verdict| TestedView {
            id: Uuid::from_u128(5),
            at: at(14 - hours_ago),
            verdict,
            from: None,
            problem: (verdict != Verdict::Passed).then(|| problem(Code::ArchiveDamaged)),
        });
        let restore_test = RestoreTestView { last_good: None, next_due: Some(at(24 + 15)), last };
        Status { restore_test, ..status() }
    }

    fn overdue(status: Status) -> Status {
        told(Code::RestoreTestMissing, status)
    }

    fn told(code: Code, status: Status) -> Status {
        let told = unhealthy(Severity::Warning, problem(code));
        let checks = told.checks.into_iter().chain(status.checks).collect();
        Status { checks, health: told.health, ..status }
    }

    fn off(status: Status) -> Status {
        let restore_test = RestoreTestView { next_due: None, ..status.restore_test };
        Status { restore_test, ..status }
    }

    #[test]
    fn each_state_of_the_restore_tests_has_its_words_and_its_look() {
        let due = Status { now: at(24 + 16), ..after(None, 0) };
        let unmade = Status { last_good: None, ..off(after(None, 0)) };
        let table = [
            (
                after(Some(Verdict::Passed), 24),
                Mood::Well,
                "Último teste de restauração: ontem, aprovado",
                "",
            ),
            (
                after(Some(Verdict::Failed), 24),
                Mood::Failed,
                "Último teste de restauração: ontem, reprovado",
                "archive.damaged hint",
            ),
            (
                after(Some(Verdict::NoRoom), 72),
                Mood::Warning,
                "Último teste de restauração: quinta-feira, não feito, falta espaço em disco",
                "archive.damaged hint",
            ),
            (
                after(Some(Verdict::NotMade), 2),
                Mood::Warning,
                "Último teste de restauração: hoje, não concluído",
                "archive.damaged hint",
            ),
            (
                overdue(after(Some(Verdict::Passed), 24 * 11)),
                Mood::Warning,
                "Último teste de restauração: 11/11/2026, aprovado. O próximo está atrasado.",
                "",
            ),
            (
                told(Code::SqlServiceStopped, overdue(after(Some(Verdict::Passed), 24 * 11))),
                Mood::Warning,
                "Último teste de restauração: 11/11/2026, aprovado. O próximo está atrasado.",
                "restore.test-missing hint",
            ),
            (
                told(Code::ArchiveDamaged, after(Some(Verdict::Failed), 24)),
                Mood::Failed,
                "Último teste de restauração: ontem, reprovado",
                "",
            ),
            (
                after(None, 0),
                Mood::Unreachable,
                "Nenhum teste de restauração ainda. O primeiro: amanhã às 15:00.",
                "",
            ),
            (
                due,
                Mood::Unreachable,
                "Nenhum teste de restauração ainda. O primeiro será feito quando o servidor estiver livre.",
                "",
            ),
            (
                overdue(after(None, 0)),
                Mood::Warning,
                "Nenhum teste de restauração ainda. O primeiro está atrasado.",
                "",
            ),
            (
                off(after(None, 0)),
                Mood::Unreachable,
                "Testes de restauração desligados na configuração (backup.restore_test).",
                "",
            ),
            (unmade, Mood::default(), "", ""),
        ];
        for (status, mood, line, more) in table {
            let shown = tested(&status, Language::Portuguese);
            assert_eq!((shown.mood, shown.line.as_str(), shown.more.as_str()), (mood, line, more));
        }
        let english = tested(&after(Some(Verdict::Passed), 24), Language::English);
        assert_eq!(english.line, "Last restore test: yesterday, passed");
    }
}
