//! The «Diário de backup»: every run and attempt and what came of it, what happened besides, which copies the terminal still
//! lacks. One SQLite file in the state folder.
//!
//! A journal never stops a backup. What cannot be written is kept in memory, told as a [`Problem`], and written as soon as it
//! can be; a file that is damaged, or of a newer version, is set aside and a new one begun.

mod alerts;
mod checked;
mod failure;
mod restores;
mod rows;
mod schema;
mod store;

pub use alerts::{QueuedAlert, Told};
pub use checked::{CheckedFile, Side};
#[cfg(test)]
pub(crate) use failure::Failure;

use crate::backup::outcome::{Outcome, RunId, RunReport};
use crate::clock::Clock;
use crate::problem::{Code, Problem, Result};
use crate::restore::outcome::{RestoreId, RestoreReport};
use crate::words;
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Change, Store, Wanted};

/// What an [`Event`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The agent started.
    Started,
    /// The agent ended in order.
    Stopped,
    /// Somebody tried to close the program with a password (DM4). Never the typed text.
    Password,
    /// A file yielded its room.
    Released,
    /// Leftovers of an interrupted run were removed.
    Scrubbed,
    /// A destination was configured for the first time, and what was moved aside there.
    Claimed,
    /// A rescue dump of a damaged database was made.
    Rescued,
    /// A copy that the terminal lacked was made up.
    CopiedLater,
    /// A copy that the terminal lacked can never be made: a person removed its file from the server.
    CopyLost,
    /// A deep check found a damaged file.
    Damaged,
    /// A damaged file was replaced by its whole twin of the other side.
    Mended,
    /// The machine slept, or its clock was set.
    ClockJumped,
    /// The configuration changed, or its new state is refused.
    Configuration,
    /// The head office of the chain was told this server's address.
    AddressSent,
    /// The journal itself: set aside and begun anew.
    Journal,
}

/// Something that happened besides the runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: DateTime<FixedOffset>,
    /// About what.
    pub kind: EventKind,
    /// What.
    pub text: Words,
}

/// A backup that the terminal does not have yet, or not under all of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PendingCopy {
    /// Its hour slot, 0 to 23.
    pub hour: u8,
    /// Its run's sequence number.
    pub sequence: u64,
    /// It is an extra copy, outside the rotation (CC3).
    pub extra: bool,
}

/// The journal of one agent; clones are the same journal. Its calls block for a moment, and up to a second where another
/// program holds the file.
#[derive(Clone, Debug)]
pub struct Journal {
    store: Arc<Mutex<Store>>,
    clock: Arc<dyn Clock>,
}

impl Journal {
    /// The journal in the state folder `state`. Never fails: see [`problem`](Self::problem).
    pub fn open(state: &Path, clock: Arc<dyn Clock>) -> Self {
        let mut store = Store::new(state);
        store.settle(clock.local_now());
        Self { store: Arc::new(Mutex::new(store)), clock }
    }

    /// What is wrong with it: it cannot be written now, or was begun anew since the last run ended.
    pub fn problem(&self) -> Option<Problem> {
        self.lock().problem()
    }

    /// Writes that a run began.
    ///
    /// # Errors
    /// It is kept in memory only, for now.
    pub fn begin(&self, report: &RunReport) -> Result<()> {
        self.change(Change::Run(Box::new(report.clone())))
    }

    /// Writes how far a run is.
    ///
    /// # Errors
    /// It is kept in memory only, for now.
    pub fn update(&self, report: &RunReport) -> Result<()> {
        self.change(Change::Run(Box::new(report.clone())))
    }

    /// Writes what came of a run.
    ///
    /// # Errors
    /// It is kept in memory only, for now.
    pub fn finish(&self, report: &RunReport) -> Result<()> {
        let written = self.change(Change::Run(Box::new(report.clone())));
        if written.is_ok() {
            self.lock().forget_notice();
        }
        written
    }

    /// Writes that something happened, now.
    ///
    /// # Errors
    /// It is kept in memory only, for now.
    pub fn event(&self, kind: EventKind, text: &Words) -> Result<()> {
        self.change(Change::Event(Event { at: self.clock.local_now(), kind, text: text.clone() }))
    }

    /// The last events, newest first.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn events(&self, limit: u32) -> Result<Vec<Event>> {
        self.lock().events(limit)
    }

    /// The last runs, newest first, of all outcomes or of one.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn runs(&self, limit: u32, outcome: Option<Outcome>) -> Result<Vec<RunReport>> {
        self.lock().runs(limit, Wanted { outcomes: outcome.as_slice(), only_rotation: false })
    }

    /// One run; `None` for one that it does not know.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn run(&self, id: RunId) -> Result<Option<RunReport>> {
        self.lock().run(id)
    }

    /// The last run, whatever came of it; also one that goes on.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn last(&self) -> Result<Option<RunReport>> {
        Ok(self.lock().runs(1, Wanted::default())?.pop())
    }

    /// The last run that made a backup for the rotation: Success or Warning.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn last_good(&self) -> Result<Option<RunReport>> {
        let good = Wanted { outcomes: &[Outcome::Success, Outcome::Warning], only_rotation: true };
        Ok(self.lock().runs(1, good)?.pop())
    }

    /// Size in bytes of the last dump that became a backup.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn last_database_bytes(&self) -> Result<Option<u64>> {
        Ok(self.last_good()?.map(|report| report.bak_bytes).filter(|bytes| *bytes > 0))
    }

    /// Ends the runs that an earlier process left unfinished as [`Outcome::Interrupted`], and returns them, newest first. To
    /// be called at the start, under the agent's lock.
    ///
    /// # Errors
    /// It cannot be read now; or what was read could not be written, and is kept in memory.
    pub fn interrupt_unfinished(&self, now: DateTime<FixedOffset>) -> Result<Vec<RunReport>> {
        let mut unfinished = self.lock().unfinished()?;
        for report in &mut unfinished {
            report.finished_at = Some(now);
            report.outcome = Some(Outcome::Interrupted);
            report.problems.insert(0, interrupted(report));
            self.change(Change::Run(Box::new(report.clone())))?;
        }
        Ok(unfinished)
    }

    /// The highest number of a backup that it knows; 0 where it knows none.
    ///
    /// # Errors
    /// It cannot be read now, and never could be.
    pub fn sequence(&self) -> Result<u64> {
        self.lock().sequence()
    }

    /// Writes how far a restore is, and at last what came of it.
    ///
    /// # Errors
    /// It is kept in memory only, for now.
    pub fn keep_restore(&self, report: &RestoreReport) -> Result<()> {
        self.change(Change::Restore(Box::new(report.clone())))
    }

    /// The last restores, newest first.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn restores(&self, limit: u32) -> Result<Vec<RestoreReport>> {
        self.lock().restores(limit)
    }

    /// The last restore tests, newest first.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn restore_tests(&self, limit: u32) -> Result<Vec<RestoreReport>> {
        self.lock().restore_tests(limit)
    }

    /// The first run that it knows of which made a backup for the rotation.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn first_good(&self) -> Result<Option<RunReport>> {
        self.lock().first_good()
    }

    /// One restore; `None` for one that it does not know.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn restore(&self, id: RestoreId) -> Result<Option<RestoreReport>> {
        self.lock().restore(id)
    }

    /// Ends the restores that an earlier process left unfinished as [`Outcome::Interrupted`], with `problem`, and returns them.
    /// To be called at the start, under the agent's lock.
    ///
    /// # Errors
    /// It cannot be read now; or what was read could not be written, and is kept in memory.
    pub fn interrupt_unfinished_restores(
        &self,
        now: DateTime<FixedOffset>,
        problem: &Problem,
    ) -> Result<Vec<RestoreReport>> {
        let mut unfinished = self.lock().unfinished_restores()?;
        for report in &mut unfinished {
            report.finished_at = Some(now);
            report.outcome = Some(Outcome::Interrupted);
            report.problems.insert(0, problem.clone());
            self.keep_restore(report)?;
        }
        Ok(unfinished)
    }

    /// The number of the next backup: higher than every one before it in this journal, and than `floor`, the highest that
    /// stands in a backup's own manifest. So the order holds even where the journal was lost.
    pub fn next_sequence(&self, floor: u64) -> u64 {
        let mut store = self.lock();
        let next = store.next_sequence(floor);
        if let Err(problem) = store.change(Change::Sequence(next), self.clock.local_now()) {
            tracing::warn!(%problem, "the sequence number is kept in memory");
        }
        next
    }

    /// Writes which backups the terminal lacks.
    ///
    /// # Errors
    /// It is kept in memory only, for now.
    pub fn set_pending(&self, pending: &[PendingCopy]) -> Result<()> {
        self.change(Change::Pending(pending.to_vec()))
    }

    /// Which backups the terminal lacks, the newest first.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn pending(&self) -> Result<Vec<PendingCopy>> {
        self.lock().pending()
    }

    /// Writes of the runs whose backups have these places among all that the terminal has their copies now.
    ///
    /// # Errors
    /// They cannot be read now; or what was read could not be written, and is kept in memory.
    pub fn arrived(&self, sequences: &[u64]) -> Result<()> {
        let mut runs = self.lock().runs_at(sequences)?;
        for run in &mut runs {
            run.arrived();
            self.change(Change::Run(Box::new(run.clone())))?;
        }
        Ok(())
    }

    /// Writes what a deep check found, in place of what the one before found there.
    ///
    /// # Errors
    /// It is kept in memory only, for now.
    pub fn checked(&self, file: &CheckedFile) -> Result<()> {
        self.change(Change::Checked(file.clone()))
    }

    /// What the last deep check of each place found, in no order that matters.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn checked_files(&self) -> Result<Vec<CheckedFile>> {
        self.lock().checked_files()
    }

    /// Writes which alerts are still to be sent.
    ///
    /// # Errors
    /// They are kept in memory only, for now.
    pub fn set_alerts(&self, queue: &[QueuedAlert]) -> Result<()> {
        self.change(Change::Alerts(queue.to_vec()))
    }

    /// Which alerts are still to be sent, the oldest first.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn alerts(&self) -> Result<Vec<QueuedAlert>> {
        self.lock().alerts()
    }

    /// Writes what people were told of.
    ///
    /// # Errors
    /// It is kept in memory only, for now.
    pub fn set_told(&self, told: &[Told]) -> Result<()> {
        self.change(Change::Told(told.to_vec()))
    }

    /// What people were told of.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn told(&self) -> Result<Vec<Told>> {
        self.lock().told()
    }

    fn change(&self, change: Change) -> Result<()> {
        self.lock().change(change, self.clock.local_now())
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // Nothing panics under this lock; if it did, the file would still be whole.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the journal in the state folder `state` tells, for whoever holds no agent's lock: nothing is written, made or mended.
/// The last `limit` runs and events, newest first.
///
/// # Errors
/// There is none, it cannot be read, or it is damaged or of another version.
pub fn peek(state: &Path, limit: u32) -> Result<(Vec<RunReport>, Vec<Event>)> {
    store::peek(state, limit)
}

fn interrupted(report: &RunReport) -> Problem {
    let hour = report.hour;
    Problem::new(
        Code::RunInterrupted,
        words!(
            "O programa terminou no meio do backup das {hour:02}h (o computador foi desligado, ou o programa foi encerrado).",
            "The program ended in the middle of the backup of {hour:02}h (the machine went off, or the program was ended).",
        ),
        words!(
            "Os backups anteriores estão inteiros; o próximo backup será feito normalmente.",
            "The earlier backups are whole; the next backup will be made as usual.",
        ),
    )
}

#[cfg(test)]
mod tests;
