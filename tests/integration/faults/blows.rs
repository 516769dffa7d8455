//! One fault at one statement: what it is, of which statements it can befall any, and which of all are tried.

use fake_sqlserver::error::SqlError;
use fake_sqlserver::fault::{Action, Fault, Met, StatementKind};
use std::collections::BTreeMap;

/// What befalls a statement.
#[derive(Clone, Debug)]
pub struct Blow {
    pub kind: StatementKind,
    /// How many statements of this kind come before.
    pub after: u32,
    pub text: String,
    pub action: Action,
}

impl Blow {
    pub fn how(&self) -> String {
        match &self.action {
            Action::Drop { percent } if *percent > 0.0 => "cut in the middle".to_owned(),
            Action::Drop { .. } => "cut before the answer".to_owned(),
            Action::Cut => "cut before it began".to_owned(),
            Action::Lose => "done, and cut".to_owned(),
            Action::Mute => "done, and silence".to_owned(),
            Action::Stall { .. } => "silence".to_owned(),
            Action::Error(error) => format!("error {}", error.number),
            other @ (Action::Delay(_)
            | Action::Pace(_)
            | Action::DiskFull { .. }
            | Action::Truncate { .. }
            | Action::Flip { .. }
            | Action::Hold { .. }
            | Action::Stripe(_)) => format!("{other:?}"),
        }
    }

    pub fn fault(&self) -> Fault {
        Fault::at(self.kind, self.action.clone()).after(self.after).once()
    }
}

/// An error on demand.
pub fn error(number: i32, class: u8) -> Action {
    Action::Error(SqlError::new(number, format!("Error {number} on demand.")).class(class))
}

/// A statement in a few words: its kind, and the table that it asks.
pub fn short(met: &Met) -> String {
    let words: Vec<_> = met.text.split_whitespace().collect();
    let table = words.iter().position(|word| *word == "FROM").and_then(|at| words.get(at + 1));
    match (met.kind, table) {
        (StatementKind::Select, Some(table)) => format!("SELECT … FROM {table}"),
        (StatementKind::Select, None) => words.iter().take(2).copied().collect::<Vec<_>>().join(" "),
        (kind, _) => kind.to_string(),
    }
}

/// Every fault of `faults_of` its kind that each of the statements `met` can meet.
pub fn blows_of(met: &[Met], faults_of: impl Fn(StatementKind) -> Vec<Action>) -> Vec<Blow> {
    let mut before = BTreeMap::<String, u32>::new();
    let mut blows = Vec::new();
    for statement in met {
        let after = before.entry(statement.kind.to_string()).or_default();
        blows.extend(faults_of(statement.kind).into_iter().map(|action| Blow {
            kind: statement.kind,
            after: *after,
            text: short(statement),
            action,
        }));
        *after += 1;
    }
    blows
}

/// So many of `blows`: of each statement in turn one.
pub fn drawn(mut blows: Vec<Blow>, count: usize, random: &mut fastrand::Rng) -> Vec<Blow> {
    random.shuffle(&mut blows);
    let mut seen = BTreeMap::<(String, u32), usize>::new();
    let mut ranked: Vec<_> = blows
        .into_iter()
        .map(|blow| {
            let rank = seen.entry((blow.kind.to_string(), blow.after)).or_default();
            *rank += 1;
            (*rank, blow)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().take(count).map(|(_, blow)| blow).collect()
}
