//! «Diário»: the runs as they are listed, and which are wanted.

use super::ui::{Mood, Run};
use crate::backup::outcome::{Outcome, RunReport};
use crate::cli::report;
use crate::words;
use crate::words::{Language, bytes, date_time, duration};

/// What can be asked for, in the order of the list of filters; the first is everything.
pub const FILTERS: [Option<Outcome>; 6] = [
    None,
    Some(Outcome::Success),
    Some(Outcome::Warning),
    Some(Outcome::Failed),
    Some(Outcome::Cancelled),
    Some(Outcome::Interrupted),
];

/// The names of the filters.
pub fn filters(language: Language) -> Vec<String> {
    let name = |filter: &Option<Outcome>| match filter {
        None => words!("Todos", "All"),
        Some(outcome) => report::outcome(Some(*outcome)),
    };
    FILTERS.iter().map(|filter| name(filter).get(language).to_owned()).collect()
}

/// A run in the list.
pub fn row(run: &RunReport, language: Language) -> Run {
    let mut parts = vec![report::trigger(run.trigger).get(language).to_owned()];
    parts.extend(report::length(run).map(|length| duration(length, language)));
    if run.zip_bytes > 0 {
        parts.push(bytes(run.zip_bytes, language));
    }
    let problem = run.problems.first().map(|problem| problem.sentence.get(language).to_owned());
    Run {
        id: run.id.to_string().into(),
        mood: mood(run.outcome),
        when: date_time(run.started_at, language).into(),
        outcome: report::outcome(run.outcome).get(language).into(),
        note: problem.unwrap_or_else(|| parts.join(" · ")).into(),
        details: report::lines(run, language).join("\n").into(),
    }
}

fn mood(outcome: Option<Outcome>) -> Mood {
    match outcome {
        Some(Outcome::Success) => Mood::Well,
        Some(Outcome::Warning) => Mood::Warning,
        Some(Outcome::Failed) => Mood::Failed,
        Some(Outcome::Cancelled | Outcome::Interrupted) => Mood::Unreachable,
        None => Mood::Working,
    }
}
