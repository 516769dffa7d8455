//! «Backup Manual» (DM21): which folder was chosen, and what came of the backup there.

use super::doing;
use super::ui::{Drive, Mood};
use crate::agent::status::Status;
use crate::backup::outcome::{Outcome, RunId, RunReport};
use crate::cli::report;
use crate::control::client::Accepted;
use crate::platform;
use crate::problem::{Code, Problem, Result};
use crate::words;
use crate::words::{Language, Words, bytes};
use std::io;

/// A manual backup, from choosing the folder to its end.
#[derive(Clone, Debug, Default)]
pub struct Errand {
    /// The folder; empty while none is chosen.
    pub folder: String,
    /// The backup was asked for, and the agent has not answered yet.
    asked: bool,
    /// The run that makes it.
    run: Option<RunId>,
    /// Nobody knows of that run any more.
    lost: bool,
    /// What stands in the folder would have to go first: a person has to confirm that.
    pub must_confirm: bool,
    result: Option<(Mood, String)>,
}

/// What the page shows of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// It goes on.
    pub busy: bool,
    /// What is being done.
    pub line: String,
    /// How far, 0 to 1; below 0 where that is not known.
    pub share: f32,
    /// What came of it.
    pub result: Option<(Mood, String)>,
}

impl Errand {
    /// Another folder.
    pub fn choose(&mut self, folder: String) {
        if self.is_idle() {
            *self = Self { folder, ..Self::default() };
        }
    }

    /// The backup is asked for.
    pub fn ask(&mut self) {
        self.asked = true;
        self.result = None;
    }

    /// The agent's answer.
    pub fn answered(&mut self, answer: Result<Accepted>, language: Language) {
        self.asked = false;
        self.must_confirm = false;
        self.lost = false;
        match answer {
            Ok(accepted) => self.run = Some(accepted.run),
            Err(problem) => {
                self.must_confirm = problem.code == Code::ManualReplace;
                self.result = Some(if self.must_confirm {
                    (Mood::Warning, to_confirm(problem).text(language))
                } else {
                    (Mood::Failed, problem.text(language))
                });
            }
        }
    }

    /// Takes in what the agent tells of the run; the run that is to be looked up, where it tells nothing.
    pub fn follow(&mut self, status: &Status, language: Language) -> Option<RunId> {
        let run = self.run?;
        if let Some(last) = status.last.as_ref().filter(|last| last.id == run) {
            self.told(last, language);
            return None;
        }
        if tells(status, run) {
            if self.lost {
                (self.lost, self.result) = (false, None);
            }
            return None;
        }
        (!self.lost).then_some(run)
    }

    /// The journal does not know the run: where the agent does not either, such as after its restart, it is not made.
    pub fn unknown(&mut self, run: RunId, status: Option<&Status>, language: Language) {
        let Some(status) = status.filter(|status| self.run == Some(run) && !tells(status, run)) else {
            return;
        };
        if status.last.as_ref().is_some_and(|last| last.id == run) {
            return;
        }
        self.lost = true;
        self.result = Some((Mood::Failed, not_made().get(language).to_owned()));
    }

    /// A run, as the journal knows it.
    pub fn told(&mut self, run: &RunReport, language: Language) {
        if self.run != Some(run.id) || run.outcome.is_none() {
            return;
        }
        (self.run, self.lost) = (None, false);
        let path = run.manual.as_ref().map(|copy| copy.path.clone()).unwrap_or_default();
        let problems: Vec<_> = run.problems.iter().map(|problem| problem.text(language)).collect();
        self.result = Some(match run.outcome {
            Some(Outcome::Success) => (Mood::Well, made(&path, language)),
            Some(Outcome::Warning) => {
                (Mood::Warning, format!("{}\n{}", made(&path, language), problems.join("\n")))
            }
            Some(Outcome::Failed | Outcome::Cancelled | Outcome::Interrupted) | None => {
                let outcome = report::outcome(run.outcome);
                (Mood::Failed, format!("{}. {}", outcome.get(language), problems.join("\n")))
            }
        });
    }

    /// What the page shows while the agent is at `status`; `None` where none answers.
    pub fn shown(&self, status: Option<&Status>, language: Language) -> Shown {
        let running =
            status.and_then(|status| status.run.as_ref()).filter(|running| Some(running.id) == self.run);
        let line = match (running, status) {
            (Some(_), Some(status)) => status.line.get(language).to_owned(),
            _ if self.is_idle() => String::new(),
            _ => words!("Aguardando o backup em andamento…", "Waiting for the backup that goes on…")
                .get(language)
                .to_owned(),
        };
        Shown {
            busy: !self.is_idle(),
            line,
            share: running.and_then(|running| running.progress).and_then(doing::share).unwrap_or(-1.0),
            result: self.result.clone(),
        }
    }

    fn is_idle(&self) -> bool {
        !self.asked && (self.run.is_none() || self.lost)
    }
}

/// Whether the agent tells of a run that goes on or waits.
fn tells(status: &Status, run: RunId) -> bool {
    status.run.as_ref().is_some_and(|running| running.id == run)
        || status.waiting.iter().any(|waiting| waiting.id == run)
}

/// What is said of a run that nobody knows any more.
fn not_made() -> Words {
    words!(
        "O backup manual não foi feito: o agente foi reiniciado antes de começá-lo. Faça-o de novo.",
        "The manual backup was not made: the agent was restarted before it began. Make it again."
    )
}

/// The same with a hint that leads to the button of this page, not to the command line.
fn to_confirm(problem: Problem) -> Problem {
    let hint = words!(
        "Libere espaço, use outro disco, ou confirme que isso pode ser apagado antes.",
        "Free space, use another disk, or confirm that this may be deleted first."
    );
    Problem { hint, ..problem }
}

fn made(path: &str, language: Language) -> String {
    words!("Backup realizado com sucesso\n{path}", "Backup made successfully\n{path}")
        .get(language)
        .to_owned()
}

/// The drives of this machine, the removable ones first.
pub fn drives(mut drives: Vec<platform::Drive>, language: Language) -> Vec<Drive> {
    drives.sort_by_key(|drive| (!drive.removable, drive.path.clone()));
    let row = |drive: platform::Drive| {
        let kind = if drive.removable {
            words!("Unidade removível", "Removable drive")
        } else {
            words!("Disco deste computador", "Disk of this computer")
        };
        let kind = kind.get(language);
        let name = if drive.name.is_empty() { kind.to_owned() } else { format!("{} — {kind}", drive.name) };
        Drive {
            path: drive.path.display().to_string().into(),
            name: name.into(),
            note: free(drive.space, language).into(),
        }
    };
    drives.into_iter().map(row).collect()
}

/// How much is free in a folder.
pub fn free(space: Option<platform::Space>, language: Language) -> String {
    let Some(space) = space else { return String::new() };
    let free = bytes(space.free_bytes, language);
    words!("{free} livres", "{free} free").get(language).to_owned()
}

/// What a folder says of itself once it is chosen.
pub fn note(space: io::Result<platform::Space>, language: Language) -> String {
    match space {
        Ok(space) => free(Some(space), language),
        Err(cause) => {
            let problem: Problem = Problem::new(
                Code::FolderMissing,
                words!("A pasta não pode ser lida: {cause}.", "The folder cannot be read: {cause}."),
                words!("Escolha outra pasta.", "Choose another folder."),
            );
            problem.text(language)
        }
    }
}
