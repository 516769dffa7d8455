//! Tables that tests print: what was tried, what came of it, how often.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Counts what came of each trial: rows by what was tried, in the order of their names.
#[derive(Default)]
pub struct Table {
    rows: BTreeMap<(String, String), BTreeMap<String, usize>>,
}

impl Table {
    /// Counts one trial of `what` in the way `how`, of which `outcome` came.
    pub fn count(&mut self, what: &str, how: &str, outcome: &str) {
        let row = self.rows.entry((what.to_owned(), how.to_owned())).or_default();
        *row.entry(outcome.to_owned()).or_default() += 1;
    }

    /// The table as text under a heading.
    pub fn shown(&self, heading: [&str; 3]) -> String {
        let cells = |row: &(String, String)| [row.0.chars().count(), row.1.chars().count()];
        let mut widths = [heading[0].chars().count(), heading[1].chars().count()];
        for row in self.rows.keys() {
            let cells = cells(row);
            widths = [widths[0].max(cells[0]), widths[1].max(cells[1])];
        }
        let mut text = String::new();
        let mut line = |what: &str, how: &str, came: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{what:<w0$} │ {how:<w1$} │ {came}", w0 = widths[0], w1 = widths[1]);
        };
        line(heading[0], heading[1], heading[2]);
        for ((what, how), outcomes) in &self.rows {
            let came: Vec<_> =
                outcomes.iter().map(|(outcome, count)| format!("{outcome} ×{count}")).collect();
            line(what, how, &came.join(", "));
        }
        text
    }
}

/// How many trials the checks draw: `usual`, or what the environment variable says: a number, or `all`.
pub fn trials(variable: &str, usual: usize) -> usize {
    match std::env::var(variable) {
        Ok(all) if all == "all" => usize::MAX,
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{variable} is neither a number nor `all`")),
        Err(_) => usual,
    }
}

/// The seed that trials are drawn with: always the same, unless `DMBACKUP_TEST_SEED` says another.
pub fn seed() -> u64 {
    std::env::var("DMBACKUP_TEST_SEED").map_or(2022, |seed| seed.parse().expect("a number"))
}
