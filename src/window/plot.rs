//! The last 30 days: sizes, durations, failures.

use super::ui::Day;
use crate::backup::outcome::{Outcome, RunReport};
use crate::cli::report;
use crate::words;
use crate::words::{Language, bytes, duration};
use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
use std::time::Duration;

/// How many days are shown.
const DAYS: i64 = 30;

#[derive(Clone, Debug, Default)]
struct Tally {
    made: u32,
    failed: u32,
    largest_bytes: u64,
    longest: Duration,
}

impl Tally {
    fn add(&mut self, run: &RunReport) {
        match run.outcome {
            Some(Outcome::Success | Outcome::Warning) => {
                self.made += 1;
                self.largest_bytes = self.largest_bytes.max(run.zip_bytes);
                self.longest = self.longest.max(report::length(run).unwrap_or_default());
            }
            Some(Outcome::Failed | Outcome::Interrupted) => self.failed += 1,
            Some(Outcome::Cancelled) | None => {}
        }
    }

    fn text(&self, language: Language) -> String {
        let Self { made, failed, .. } = self;
        let (size, time) = (bytes(self.largest_bytes, language), duration(self.longest, language));
        let words = match (made, failed) {
            (0, 0) => words!("nenhum backup", "no backup"),
            (0, failed) => words!("nenhum backup, {failed} falha(s)", "no backup, {failed} failure(s)"),
            (made, 0) => {
                words!("{made} backup(s), até {size} em {time}", "{made} backup(s), up to {size} in {time}")
            }
            (made, failed) => words!(
                "{made} backup(s), até {size} em {time}; {failed} falha(s)",
                "{made} backup(s), up to {size} in {time}; {failed} failure(s)"
            ),
        };
        words.get(language).to_owned()
    }
}

/// The days up to `now`, the oldest first, and all of them in a sentence. `runs` are the newest first.
pub fn plot(runs: &[RunReport], now: DateTime<FixedOffset>, language: Language) -> (Vec<Day>, String) {
    let today = now.date_naive();
    let dates = (0..DAYS).rev().map(|ago| today - TimeDelta::days(ago));
    let of_day = |date: NaiveDate| {
        let mut tally = Tally::default();
        let here =
            runs.iter().filter(|run| run.started_at.with_timezone(&now.timezone()).date_naive() == date);
        here.for_each(|run| tally.add(run));
        (date, tally)
    };
    let tallies: Vec<_> = dates.map(of_day).collect();
    let largest = tallies.iter().map(|(_, tally)| tally.largest_bytes).max().unwrap_or_default();
    let longest = tallies.iter().map(|(_, tally)| tally.longest).max().unwrap_or_default();
    let days = tallies.iter().map(|(date, tally)| {
        let label = match language {
            Language::Portuguese => date.format("%d/%m/%Y").to_string(),
            Language::English => date.format("%Y-%m-%d").to_string(),
        };
        Day {
            details: format!("{label}: {}", tally.text(language)).into(),
            label: label.into(),
            size: share(tally.largest_bytes as f64, largest as f64),
            length: share(tally.longest.as_secs_f64(), longest.as_secs_f64()),
            failed: tally.failed > 0,
            any: tally.made > 0,
        }
    });
    let mut all = Tally::default();
    for (_, tally) in &tallies {
        all.made += tally.made;
        all.failed += tally.failed;
        all.largest_bytes = all.largest_bytes.max(tally.largest_bytes);
        all.longest = all.longest.max(tally.longest);
    }
    let text = all.text(language);
    let summary = words!("Em 30 dias: {text}.", "In 30 days: {text}.");
    (days.collect(), summary.get(language).to_owned())
}

fn share(part: f64, whole: f64) -> f32 {
    if whole > 0.0 { (part / whole) as f32 } else { 0.0 }
}
