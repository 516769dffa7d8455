//! The 24 hours and the seven weekdays as a picture: what is there, how old, and what its check said.

use super::ui::{Cell, Filling};
use crate::agent::status::Status;
use crate::backup::outcome::{Outcome, RunReport};
use crate::control::protocol::{CheckedView, Place, SlotView};
use crate::slot::{Day, Hour};
use crate::words;
use crate::words::{Language, Words, bytes, moment};
use chrono::{DateTime, FixedOffset, TimeDelta};

/// The sets of one rotation: their short names, and a row of cells for each place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// Above the cells.
    pub names: Vec<String>,
    /// The name of each place, and its cells.
    pub rows: Vec<(String, Vec<Cell>)>,
}

/// What the pictures are made of.
pub struct Known<'a> {
    /// The agent's status.
    pub status: &'a Status,
    /// The files in the sets.
    pub slots: &'a [SlotView],
    /// The last runs, newest first.
    pub runs: &'a [RunReport],
    /// The reader's language.
    pub language: Language,
}

/// A set of a rotation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Hour(Hour),
    Day(Day),
}

impl Set {
    /// Its name on the disk and in the protocol.
    fn name(self) -> String {
        match self {
            Self::Hour(hour) => hour.folder(),
            Self::Day(day) => day.to_string(),
        }
    }

    fn short(self, language: Language) -> String {
        match (self, language) {
            (Self::Hour(hour), _) => format!("{:02}", hour.number()),
            (Self::Day(day), language) => day_name(day).get(language).chars().take(3).collect(),
        }
    }

    fn title(self, language: Language) -> String {
        match self {
            Self::Hour(hour) => hour.folder(),
            Self::Day(day) => day_name(day).get(language).to_owned(),
        }
    }

    /// Whether a run made a backup for it.
    fn is_of(self, run: &RunReport) -> bool {
        match self {
            Self::Hour(hour) => run.hour == hour.number(),
            Self::Day(day) => Day::of(run.started_at) == day,
        }
    }
}

/// A weekday as the pictures name it.
pub fn day_name(day: Day) -> Words {
    match day {
        Day::Segunda => words!("Segunda", "Monday"),
        Day::Terca => words!("Terça", "Tuesday"),
        Day::Quarta => words!("Quarta", "Wednesday"),
        Day::Quinta => words!("Quinta", "Thursday"),
        Day::Sexta => words!("Sexta", "Friday"),
        Day::Sabado => words!("Sábado", "Saturday"),
        Day::Domingo => words!("Domingo", "Sunday"),
    }
}

/// The 24 hours.
pub fn hours(known: &Known<'_>) -> Picture {
    picture(Hour::ALL.map(Set::Hour).as_slice(), known)
}

/// The seven weekdays.
pub fn weekdays(known: &Known<'_>) -> Picture {
    picture(Day::ALL.map(Set::Day).as_slice(), known)
}

fn picture(sets: &[Set], known: &Known<'_>) -> Picture {
    let Some(subject) = &known.status.subject else { return Picture::default() };
    let places = [Some(Place::Server), subject.terminal.as_ref().map(|_| Place::Terminal)];
    let row = |place| {
        let name = place_name(place).get(known.language).to_owned();
        (name, sets.iter().map(|set| cell(*set, place, known)).collect())
    };
    Picture {
        names: sets.iter().map(|set| set.short(known.language)).collect(),
        rows: places.into_iter().flatten().map(row).collect(),
    }
}

fn place_name(place: Place) -> Words {
    match place {
        Place::Server => words!("Servidor", "Server"),
        Place::Terminal => words!("Terminal", "Terminal"),
    }
}

fn cell(set: Set, place: Place, known: &Known<'_>) -> Cell {
    let name = set.name();
    let slot = known.slots.iter().find(|slot| slot.place == place && slot.set == name);
    let language = known.language;
    let where_ = format!("{}, {}", set.title(language), place_name(place).get(language));
    let is_pending = place == Place::Terminal && is_pending(set, slot, known);
    let waits = words!("ainda a copiar para o terminal", "still to be copied to the terminal");
    let Some(slot) = slot else {
        let state = if is_pending { waits } else { words!("vazio", "empty") };
        let label = format!("{where_}: {}", state.get(language));
        let filling = if is_pending { Filling::Pending } else { Filling::Empty };
        return Cell { filling, age: "".into(), label: label.clone().into(), details: label.into() };
    };
    let age = known.status.now.signed_duration_since(slot.modified);
    let run = maker(set, slot, known.runs);
    let warned = run.is_some_and(|run| run.outcome == Some(Outcome::Warning));
    let is_damaged = slot.checked.as_ref().is_some_and(|checked| checked.problem.is_some());
    let filling = match (is_damaged, is_pending, warned) {
        (true, _, _) => Filling::Damaged,
        (false, true, _) => Filling::Pending,
        (false, false, true) => Filling::Warned,
        (false, false, false) if age < TimeDelta::hours(24) => Filling::Fresh,
        (false, false, false) => Filling::Aged,
    };
    let when = moment(slot.modified, known.status.now, language);
    let mut lines = vec![format!("{where_}: {when} · {}", bytes(slot.bytes, language))];
    if is_pending {
        let Words { pt, en } = waits;
        let newer = words!("há um mais novo, {pt}", "there is a newer one, {en}");
        lines.push(newer.get(language).to_owned());
    }
    lines.extend(run.into_iter().flat_map(|run| verdict(run, language)));
    lines.extend(slot.checked.iter().map(|checked| read_again(checked, known.status.now, language)));
    lines.push(slot.path.clone());
    Cell {
        filling,
        age: short_age(age).into(),
        label: format!("{where_}: {when}").into(),
        details: lines.join("\n").into(),
    }
}

/// Whether the terminal still lacks a backup that belongs into this set.
fn is_pending(set: Set, slot: Option<&SlotView>, known: &Known<'_>) -> bool {
    let mut copies = known.status.pending.iter().filter(|copy| !copy.extra);
    match set {
        Set::Hour(hour) => copies.any(|copy| copy.hour == hour.number()),
        // A weekday's set holds the last of the day: what is older than it is not missing there.
        Set::Day(day) => {
            copies.filter_map(|copy| known.runs.iter().find(|run| run.sequence == copy.sequence)).any(|run| {
                Day::of(run.started_at) == day && slot.is_none_or(|slot| slot.modified < run.started_at)
            })
        }
    }
}

/// The run that made the file: the newest one for this set that began before the file was finished.
fn maker<'a>(set: Set, slot: &SlotView, runs: &'a [RunReport]) -> Option<&'a RunReport> {
    let is_good = |run: &&RunReport| match run.outcome {
        Some(Outcome::Success | Outcome::Warning) => true,
        Some(Outcome::Failed | Outcome::Cancelled | Outcome::Interrupted) | None => false,
    };
    // File systems of pen drives and shares tell times in steps of two seconds.
    let finished: DateTime<FixedOffset> = slot.modified + TimeDelta::seconds(2);
    runs.iter()
        .filter(is_good)
        .find(|run| set.is_of(run) && run.purpose.is_rotation() && run.started_at <= finished)
}

fn verdict(run: &RunReport, language: Language) -> Vec<String> {
    let verdict = run.verdict.as_ref().map(|verdict| {
        let Words { pt, en } = verdict;
        words!("Conferência: {pt}", "Check: {en}").get(language).to_owned()
    });
    let problems = run.problems.iter().map(|problem| problem.sentence.get(language).to_owned());
    verdict.into_iter().chain(problems).collect()
}

/// What the last deep check said of the file.
fn read_again(checked: &CheckedView, now: DateTime<FixedOffset>, language: Language) -> String {
    let when = moment(checked.at, now, language);
    match &checked.problem {
        None => {
            words!("Relido e conferido {when}", "Read again and confirmed {when}").get(language).to_owned()
        }
        Some(problem) => {
            let said = words!("DANIFICADO (relido {when}):", "DAMAGED (read again {when}):");
            format!("{} {}", said.get(language), problem.text(language))
        }
    }
}

/// An age in a few letters: `5m`, `7h`, `3d`.
fn short_age(age: TimeDelta) -> String {
    match age.num_minutes() {
        ..0 => "0m".to_owned(),
        minutes @ 0..60 => format!("{minutes}m"),
        minutes @ 60..2_880 => format!("{}h", minutes / 60),
        minutes => format!("{}d", (minutes / 1_440).min(999)),
    }
}
