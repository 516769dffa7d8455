//! «Restaurar…»: which backup, where to, and what can be done once it is restored (PS1, PS3, PS7, PS8).

use super::sets;
use super::ui::{BackupFile, Mood, Restored, Restoring, Ticking};
use crate::agent::status::Status;
use crate::backup::outcome::Outcome;
use crate::cli::{report, restore};
use crate::control::protocol::{LoginTyped, Place, Source, Typed};
use crate::problem::{Code, Problem, Result};
use crate::restore::outcome::{Item, Listed, RestoreId, RestoreReport, Task};
use crate::slot::Set;
use crate::words;
use crate::words::{Language, Words, bytes, date_time, moment};
use chrono::{DateTime, FixedOffset};
use std::path::PathBuf;

/// What a person has found and chosen so far.
#[derive(Clone, Debug, Default)]
pub struct Guide {
    files: Vec<Listed>,
    /// Why the list is not whole.
    problem: Option<Problem>,
    /// The folder on another disk whose backups are listed; the agent's own places where `None`.
    pub folder: Option<PathBuf>,
    /// The list was asked for, and is not there yet.
    pub looking: bool,
    chosen: Option<usize>,
    /// A restore was asked for, and the agent has not answered yet.
    asked: bool,
    refused: Option<Problem>,
    past: Vec<RestoreReport>,
}

impl Guide {
    /// Takes the list; what was chosen stays chosen as long as it is the same backup.
    pub fn listed(&mut self, answer: Result<(Vec<Listed>, Option<Problem>)>) {
        self.looking = false;
        let before = self.chosen.take().and_then(|at| self.files.get(at).cloned());
        match answer {
            Ok((files, problem)) => (self.files, self.problem) = (files, problem),
            Err(problem) => (self.files, self.problem) = (Vec::new(), Some(problem)),
        }
        self.chosen = before.and_then(|before| self.files.iter().position(|listed| is_same(listed, &before)));
    }

    /// Chooses a line of the list.
    pub fn choose(&mut self, at: usize) {
        self.chosen = (at < self.files.len()).then_some(at);
    }

    /// The line that is chosen.
    pub fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    /// The lines of the list.
    pub fn files(&self, now: DateTime<FixedOffset>, language: Language) -> Vec<BackupFile> {
        self.files.iter().map(|listed| file(listed, now, language)).collect()
    }

    /// Why the list is not whole; empty where it is.
    pub fn files_problem(&self, language: Language) -> String {
        self.problem.as_ref().map(|problem| problem.text(language)).unwrap_or_default()
    }

    /// What is to be asked of the agent; `None` while nothing is chosen that could be restored. `name` is the shop's database as
    /// it was typed, the one to be removed, or an item of the checklist.
    pub fn task(&self, what: Restoring, name: &str) -> Option<Task> {
        let confirm = name.to_owned();
        Some(match what {
            Restoring::Beside => Task::Beside { source: self.source()? },
            Restoring::Replace => Task::Replace { source: self.source()?, confirm },
            Restoring::Resume => Task::Resume { confirm },
            Restoring::Undo => Task::Undo { confirm },
            Restoring::Tick => Task::Tick { items: vec![Item::named(name)?] },
            Restoring::Release => Task::Release { confirm },
            Restoring::Drop => Task::Drop { database: confirm },
        })
    }

    fn source(&self) -> Option<Source> {
        let listed = self.files.get(self.chosen?).filter(|listed| listed.problem.is_none())?;
        Some(match (listed.place, listed.from.parse::<Set>()) {
            (Some(place), Ok(set)) => Source::Set { set, place },
            (Some(_) | None, Ok(_) | Err(_)) => Source::File { path: PathBuf::from(&listed.path) },
        })
    }

    /// The agent is asked.
    pub fn ask(&mut self) {
        self.asked = true;
        self.refused = None;
    }

    /// The agent's answer.
    pub fn answered(&mut self, answer: Result<RestoreId>) {
        self.asked = false;
        self.refused = answer.err();
    }

    /// Why the agent does not restore; empty where it said nothing of the kind.
    pub fn refusal(&self, language: Language) -> String {
        self.refused.as_ref().map(|problem| problem.text(language)).unwrap_or_default()
    }

    /// Forgets what the agent refused: the page is opened anew.
    pub fn forget(&mut self) {
        self.refused = None;
    }

    /// Whether nothing else can be asked for now.
    pub fn is_busy(&self, status: Option<&Status>) -> bool {
        self.asked || status.is_some_and(|status| status.restore.is_some())
    }

    /// Takes the restores that were made, newest first.
    pub fn remember(&mut self, past: Vec<RestoreReport>) {
        self.past = past;
    }

    /// Whether the agent tells of a restore that is not remembered yet.
    pub fn is_behind(&self, status: &Status) -> bool {
        status
            .last_restore
            .as_ref()
            .is_some_and(|last| self.past.iter().all(|report| report.id != last.id || report != last))
    }

    /// The databases beside that this program made and nobody removed, newest first.
    pub fn beside(&self) -> Vec<String> {
        let mut gone: Vec<&str> = Vec::new();
        let mut there = Vec::new();
        for (task, target) in self.past.iter().filter(|report| is_done(report)).filter_map(targeted) {
            match task {
                Task::Beside { .. } | Task::Undo { .. } if !gone.contains(&target) => {
                    there.push(target.to_owned());
                    gone.push(target);
                }
                Task::Drop { .. } => gone.push(target),
                Task::Beside { .. }
                | Task::Undo { .. }
                | Task::Replace { .. }
                | Task::Overwrite { .. }
                | Task::Resume { .. }
                | Task::Tick { .. }
                | Task::Release { .. }
                | Task::Test => {}
            }
        }
        there
    }

    /// How things stand after the last restore.
    pub fn restored(&self, status: &Status, language: Language) -> Restored {
        let cut = status.checks.iter().find(|check| check.problem.code == Code::RestoreInterrupted);
        let standing = status.replacement.as_ref();
        let restored = Restored {
            cut: cut.map(|check| check.problem.sentence.get(language)).unwrap_or_default().into(),
            safety: standing.and_then(|standing| standing.safety.as_deref()).unwrap_or_default().into(),
            replaced: standing.is_some(),
            all_ticked: standing.is_some_and(|standing| standing.missing.is_empty()),
            kept: standing.and_then(|standing| standing.kept.as_deref()).unwrap_or_default().into(),
            ..Restored::default()
        };
        let Some(last) = &status.last_restore else { return restored };
        Restored {
            mood: mood(last.outcome),
            line: headline(last, status.now, language).into(),
            details: restore::facts(last, language).join("\n").into(),
            ..restored
        }
    }

    /// The checklist after the replacement that stands; empty where none does.
    pub fn checklist(&self, status: &Status, language: Language) -> Vec<Ticking> {
        let Some(standing) = &status.replacement else { return Vec::new() };
        let line = |item: Item| Ticking {
            name: item.name().into(),
            text: sentence(item.words().get(language)).into(),
            ticked: standing.ticked.contains(&item),
        };
        Item::ALL.map(line).into()
    }
}

/// `text` with a capital letter.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The login that was typed; `None` where there is none.
pub fn login(user: &str, password: &str) -> Option<LoginTyped> {
    let user = user.trim();
    (!user.is_empty()).then(|| LoginTyped { user: user.to_owned(), password: Typed::new(password) })
}

fn is_same(one: &Listed, other: &Listed) -> bool {
    (&one.path, one.place, one.begun, one.bytes) == (&other.path, other.place, other.begun, other.bytes)
}

fn is_done(report: &RestoreReport) -> bool {
    match report.outcome {
        Some(Outcome::Success | Outcome::Warning) => true,
        Some(Outcome::Failed | Outcome::Cancelled | Outcome::Interrupted) | None => false,
    }
}

fn targeted(report: &RestoreReport) -> Option<(&Task, &str)> {
    report.target.as_deref().map(|target| (&report.task, target))
}

fn mood(outcome: Option<Outcome>) -> Mood {
    match outcome {
        Some(Outcome::Success) => Mood::Well,
        Some(Outcome::Warning) => Mood::Warning,
        Some(Outcome::Failed | Outcome::Interrupted) => Mood::Failed,
        Some(Outcome::Cancelled) | None => Mood::Unreachable,
    }
}

/// `Sucesso: restauração ao lado, hoje às 14:05`.
fn headline(report: &RestoreReport, now: DateTime<FixedOffset>, language: Language) -> String {
    let (outcome, task) = (report::outcome(report.outcome), report.task.words());
    let when = moment(report.started_at, now, language);
    format!("{}: {}, {when}", outcome.get(language), task.get(language))
}

fn file(listed: &Listed, now: DateTime<FixedOffset>, language: Language) -> BackupFile {
    let when = moment(listed.begun.unwrap_or(listed.modified), now, language);
    let place = match listed.place {
        Some(Place::Server) => words!("no servidor", "on the server"),
        Some(Place::Terminal) => words!("no terminal", "at the terminal"),
        None => words!("no disco escolhido", "on the chosen disk"),
    };
    let place = place.get(language);
    let title = format!("{}, {place} — {when}", name(listed, language));
    if let Some(problem) = &listed.problem {
        return BackupFile { title: title.into(), note: problem.text(language).into(), broken: true };
    }
    let mut parts = vec![bytes(listed.bytes, language)];
    parts.extend(listed.database.clone());
    parts.extend(listed.server.clone());
    let checked = match (&listed.verified, listed.verified_at) {
        (Some(Words { pt, en }), Some(at)) => {
            let at = date_time(at, language);
            words!("conferido em {at}: {pt}", "checked on {at}: {en}")
        }
        (Some(_) | None, Some(_) | None) => {
            words!("não conferido por este programa", "not checked by this program")
        }
    };
    parts.push(checked.get(language).to_owned());
    BackupFile { title: title.into(), note: parts.join(" · ").into(), broken: false }
}

/// The name of the set, or the file.
fn name(listed: &Listed, language: Language) -> String {
    match (listed.place, listed.from.parse::<Set>()) {
        (Some(_), Ok(Set::Newest)) => words!("O mais novo", "The newest").get(language).to_owned(),
        (Some(_), Ok(Set::Day(day))) => sets::day_name(day).get(language).to_owned(),
        (Some(_), Ok(set @ Set::Hour(_))) => set.to_string(),
        (Some(_) | None, Ok(_) | Err(_)) => {
            listed.path.rsplit(['/', '\\']).next().unwrap_or(&listed.path).to_owned()
        }
    }
}
