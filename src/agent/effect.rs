//! What the agent wants done in the world.

use super::input::Ticket;
use crate::backup::outcome::{Outcome, RunId, RunReport, Trigger};
use crate::backup::{Aim, Manual};
use crate::config::Config;
use crate::control::protocol::{Reply, Request};
use crate::journal::{EventKind, Side};
use crate::problem::{Code, Problem};
use crate::restore::RestoreOrder;
use crate::slot::Hour;
use crate::verify::Selection;
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use std::sync::Arc;

/// What is to be done in the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Begin a cycle.
    StartCycle,
    /// Begin this run with this configuration.
    StartRun(Wanted, Arc<Config>),
    /// Begin to make up the copies that the terminal lacks.
    StartCopies(Arc<Config>),
    /// Begin a deep check of kept backups.
    StartCheck(DeepCheck, Arc<Config>),
    /// Begin this restore with this configuration.
    StartRestore(Box<RestoreOrder>, Arc<Config>),
    /// Stop the work that goes on: a run, the copying, a deep check, a restore.
    Stop,
    /// Answer a client.
    Answer(Ticket, Reply),
    /// Let a client's question be answered by whoever can read it: the journal, the folders.
    LookUp(Request, Ticket),
    /// Look at the folder that a person chose for a manual backup, and report.
    Survey(Manual, Arc<Config>, Ticket),
    /// Tell people this line, now.
    Say(Line),
    /// A run ended: tell people.
    Ended(Box<RunReport>, Loudness),
    /// Something is wrong that no run found: tell people.
    Tell(Problem, Loudness),
    /// Keep this report in the journal once more: something was added to it.
    Keep(Box<RunReport>),
    /// Write down that this happened.
    Note(EventKind, Words),
    /// The agent's work is over.
    Finish,
}

/// Which kept backups are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeepCheck {
    /// The one whose turn it is.
    Due,
    /// Those that a person named.
    Wanted {
        /// Which.
        selection: Selection,
        /// On which side; `None` for both.
        side: Option<Side>,
        /// What was read since then need not be read again.
        since: DateTime<FixedOffset>,
    },
}

/// A line of the status, as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub words: Words,
    /// It comes again every minute.
    pub routine: bool,
}

/// How loudly people are told of the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Who looks, sees it.
    Quiet,
    /// It will be tried again, or is a Warning.
    Warning,
    /// Protection is lost: somebody must act.
    Alert,
}

/// A run that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Its name.
    pub id: RunId,
    /// What starts it.
    pub trigger: Trigger,
    /// 1, or 2 for the second try.
    pub attempt: u8,
    /// When it begins.
    pub begun: DateTime<FixedOffset>,
    /// A person confirms that a shrunk database is right.
    pub accept_shrunk: bool,
    /// What it is for.
    pub aim: Aim,
}

impl Wanted {
    /// Its slot: the local hour in which it begins, 0 to 23.
    pub fn hour(&self) -> u8 {
        Hour::of(self.begun).number()
    }

    /// Whether it is for the rotation.
    pub fn is_rotation(&self) -> bool {
        self.aim == Aim::Rotation
    }

    /// The report of a run of which nothing is known yet; it has no place among the backups.
    pub fn announced(&self, database: &str) -> RunReport {
        RunReport {
            attempt: self.attempt,
            database: database.to_owned(),
            ..RunReport::begun(self.id, self.trigger, self.aim.purpose(), self.begun)
        }
    }

    /// The report of a run that ended at `at`, because of `problem`, before it had begun.
    pub fn not_made(&self, database: &str, at: DateTime<FixedOffset>, problem: Problem) -> RunReport {
        let cancelled = problem.code == Code::RunCancelled;
        RunReport {
            finished_at: Some(at),
            outcome: Some(if cancelled { Outcome::Cancelled } else { Outcome::Failed }),
            problems: vec![problem],
            ..self.announced(database)
        }
    }
}
