//! What was measured, as two tables: the ways with their figures, and each figure beside what is asked of it.

use super::measure::{Cost, median};
use crate::steps::say;

/// A way to make a zip, or a whole job, with what each round of it took.
#[derive(Debug)]
pub struct Way {
    /// Its name in the table.
    pub name: String,
    /// What each round took.
    pub costs: Vec<Cost>,
    /// Size of what it read, in bytes.
    pub bytes: u64,
    /// Size of its zip, in bytes.
    pub zip_bytes: u64,
}

impl Way {
    /// A way that nobody has gone yet.
    pub fn new(name: &str, bytes: u64) -> Self {
        Self { name: name.to_owned(), costs: Vec::new(), bytes, zip_bytes: 0 }
    }

    /// How many times smaller its zip is.
    pub fn ratio(&self) -> f64 {
        self.bytes as f64 / self.zip_bytes as f64
    }

    /// The time on the wall against `other`'s in the same round, the median of all rounds.
    pub fn against(&self, other: &Self) -> f64 {
        let rounds = self.costs.iter().zip(&other.costs);
        median(rounds.map(|(ours, theirs)| ours.wall_secs / theirs.wall_secs))
    }

    /// The highest peak of memory of all rounds, in MiB.
    pub fn peak_mib(&self) -> f64 {
        self.costs.iter().map(|cost| cost.peak_mib).fold(0.0, f64::max)
    }

    /// Time on the wall for each GiB that it read, the median of all rounds, in seconds.
    pub fn secs_per_gib(&self) -> f64 {
        median(self.costs.iter().map(|cost| cost.wall_secs)) * f64::from(1 << 30) / self.bytes as f64
    }

    fn row(&self) -> [String; 6] {
        let middle = |of: fn(&Cost) -> f64| median(self.costs.iter().map(of));
        [
            self.name.clone(),
            format!("{:.2}", middle(|cost| cost.wall_secs)),
            format!("{:.2}", middle(|cost| cost.cpu_secs)),
            format!("{:.1}", self.peak_mib()),
            format!("{:.1}", self.zip_bytes as f64 / f64::from(1 << 20)),
            format!("{:.3}", self.ratio()),
        ]
    }
}

/// A figure beside what is asked.
#[derive(Debug)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// What came out.
    pub measured: String,
    /// What is asked.
    pub asked: String,
    /// Whether it is met.
    pub met: bool,
}

impl Figure {
    /// A figure that must be `most` at most.
    pub fn at_most(name: &str, value: f64, most: f64, unit: &str) -> Self {
        let digits = if most < 10.0 { 2 } else { 1 };
        Self {
            name: name.to_owned(),
            measured: format!("{value:.digits$}{unit}"),
            asked: format!("≤ {most:.digits$}{unit}"),
            met: value <= most,
        }
    }

    /// The same figure, which also asks for a compression ratio of `least`.
    pub fn with_ratio(mut self, ratio: f64, least: f64) -> Self {
        self.measured.push_str(&format!(" at ratio {ratio:.3}"));
        self.asked.push_str(&format!(" at ratio ≥ {least:.3}"));
        self.met &= ratio >= least;
        self
    }

    fn row(&self) -> [String; 4] {
        let verdict = if self.met { "PASS" } else { "MISS" };
        [self.name.clone(), self.measured.clone(), self.asked.clone(), verdict.to_owned()]
    }
}

/// Prints the ways in their order.
pub fn tell_ways(ways: &[&Way]) {
    let rows: Vec<_> = ways.iter().map(|way| way.row()).collect();
    table(["way", "wall s", "CPU s", "peak MiB", "zip MiB", "ratio"], &rows);
}

/// Prints the figures; how many were missed.
pub fn tell_figures(figures: &[Figure]) -> usize {
    let rows: Vec<_> = figures.iter().map(Figure::row).collect();
    table(["figure", "measured", "asked", ""], &rows);
    figures.iter().filter(|figure| !figure.met).count()
}

/// Prints a table that is Markdown as well.
fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) {
    let head = head.map(str::to_owned);
    let all = || std::iter::once(&head).chain(rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    say("");
    say(&line(&head));
    say(&format!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|")));
    rows.iter().for_each(|row| say(&line(row)));
}
