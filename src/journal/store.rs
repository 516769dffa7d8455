//! The file, and what waits in memory to be written to it.

use super::failure::{Failure, begun_anew};
use super::{CheckedFile, Event, EventKind, PendingCopy, QueuedAlert, Told, alerts, restores, rows, schema};
use crate::backup::outcome::{Outcome, RunId, RunReport};
use crate::problem::{Problem, Result};
use crate::restore::outcome::{RestoreId, RestoreReport, Task};
use chrono::{DateTime, FixedOffset};
use rusqlite::Connection;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file's name below the state folder.
const FILE: &str = "journal.sqlite";

/// What waits in memory at most while the file cannot be written; beyond it the oldest is lost.
const MOST_WAITING: usize = 1000;

/// Something to be written.
#[derive(Clone, Debug)]
pub enum Change {
    Run(Box<RunReport>),
    Event(Event),
    Pending(Vec<PendingCopy>),
    Sequence(u64),
    Checked(CheckedFile),
    Restore(Box<RestoreReport>),
    Alerts(Vec<QueuedAlert>),
    Told(Vec<Told>),
}

/// Which runs are looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Only those that ended so; all where it is empty.
    pub outcomes: &'a [Outcome],
    /// Only those that were made for the rotation.
    pub only_rotation: bool,
}

impl Wanted<'_> {
    fn has(self, report: &RunReport) -> bool {
        let ended = self.outcomes.is_empty()
            || report.outcome.is_some_and(|outcome| self.outcomes.contains(&outcome));
        ended && (!self.only_rotation || report.purpose.is_rotation())
    }
}

/// The journal's file, opened anew at each use until it can be.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Option<Connection>,
    waiting: Waiting,
    /// The highest sequence number that was ever read here or given out.
    highest: Option<u64>,
    failure: Option<Failure>,
    notice: Option<Problem>,
}

/// What could not be written yet. It is newer than everything in the file.
#[derive(Debug, Default)]
struct Waiting {
    runs: Vec<RunReport>,
    events: Vec<Event>,
    pending: Option<Vec<PendingCopy>>,
    sequence: Option<u64>,
    checked: Vec<CheckedFile>,
    restores: Vec<RestoreReport>,
    alerts: Option<Vec<QueuedAlert>>,
    told: Option<Vec<Told>>,
}

impl Waiting {
    fn add(&mut self, change: Change) {
        match change {
            Change::Run(report) => {
                match self.runs.iter_mut().find(|other| other.id == report.id) {
                    Some(older) => *older = *report,
                    None => self.runs.push(*report),
                }
                keep_last(&mut self.runs);
            }
            Change::Event(event) => {
                self.events.push(event);
                keep_last(&mut self.events);
            }
            Change::Pending(pending) => self.pending = Some(pending),
            Change::Alerts(queue) => self.alerts = Some(queue),
            Change::Told(told) => self.told = Some(told),
            Change::Restore(report) => {
                match self.restores.iter_mut().find(|other| other.id == report.id) {
                    Some(older) => *older = *report,
                    None => self.restores.push(*report),
                }
                keep_last(&mut self.restores);
            }
            Change::Sequence(last) => self.sequence = self.sequence.max(Some(last)),
            Change::Checked(file) => {
                self.checked.retain(|other| !is_same_place(other, &file));
                self.checked.push(file);
                keep_last(&mut self.checked);
            }
        }
    }

    fn write(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let transaction = connection.transaction()?;
        for report in &self.runs {
            rows::put_run(&transaction, report)?;
        }
        for event in &self.events {
            rows::put_event(&transaction, event)?;
        }
        for report in &self.restores {
            restores::put(&transaction, report)?;
        }
        if let Some(pending) = &self.pending {
            rows::put_pending(&transaction, pending)?;
        }
        if let Some(queue) = &self.alerts {
            alerts::put_queued(&transaction, queue)?;
        }
        if let Some(told) = &self.told {
            alerts::put_told(&transaction, told)?;
        }
        if let Some(last) = self.sequence {
            rows::put_sequence(&transaction, last)?;
        }
        for file in &self.checked {
            rows::put_checked(&transaction, file)?;
        }
        transaction.commit()
    }
}

fn is_same_place(one: &CheckedFile, other: &CheckedFile) -> bool {
    (one.side, &one.file) == (other.side, &other.file)
}

fn keep_last<T>(list: &mut Vec<T>) {
    let surplus = list.len().saturating_sub(MOST_WAITING);
    list.drain(..surplus);
}

impl Store {
    pub fn new(state: &Path) -> Self {
        Self {
            path: state.join(FILE),
            connection: None,
            waiting: Waiting::default(),
            highest: None,
            failure: None,
            notice: None,
        }
    }

    pub fn problem(&self) -> Option<Problem> {
        self.failure.map(|failure| failure.problem(&self.path)).or_else(|| self.notice.clone())
    }

    pub fn forget_notice(&mut self) {
        self.notice = None;
    }

    /// Writes `change`, with everything that waits.
    pub fn change(&mut self, change: Change, now: DateTime<FixedOffset>) -> Result<()> {
        self.waiting.add(change);
        self.settle(now);
        self.failure.map_or(Ok(()), |failure| Err(failure.problem(&self.path)))
    }

    /// Opens the file where it is not, and writes what waits. A file that is of no use is set aside, once; a second one that
    /// fails at once is the medium's doing.
    pub fn settle(&mut self, now: DateTime<FixedOffset>) {
        self.failure = match self.write() {
            Err(failure) if failure.is_for_good() => match self.set_aside(failure, now) {
                Ok(()) => self.write().err(),
                Err(error) => Some(Failure::of_file(&error)),
            },
            written => written.err(),
        };
    }

    fn write(&mut self) -> std::result::Result<(), Failure> {
        let connection = connected(&mut self.connection, &self.path)?;
        if let Err(error) = self.waiting.write(connection) {
            let failure = Failure::of(&error);
            // Opened anew at the next use: its folder may have been exchanged meanwhile.
            self.connection = None;
            return Err(failure);
        }
        // What waits for `runs` lies in the file now.
        self.waiting = Waiting::default();
        Ok(())
    }

    /// Renames the file and its companions, which SQLite would take for the new file's and so go first; says so in the new
    /// one.
    fn set_aside(&mut self, failure: Failure, now: DateTime<FixedOffset>) -> io::Result<()> {
        self.connection = None;
        let aside = free_name(&self.path, if failure == Failure::Newer { "newer" } else { "corrupt" });
        for ending in ["-wal", "-shm", "-journal"] {
            match fs::rename(companion(&self.path, ending), companion(&aside, ending)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        fs::rename(&self.path, &aside)?;
        let notice = begun_anew(failure, &aside);
        tracing::error!(aside = %aside.display(), ?failure, "the journal was set aside");
        self.waiting.add(Change::Event(Event {
            at: now,
            kind: EventKind::Journal,
            text: notice.sentence.clone(),
        }));
        self.notice = Some(notice);
        Ok(())
    }

    /// What `query` finds in the file. A failure is kept, and is the answer only where memory knows nothing (`known`).
    fn read<T: Default>(
        &mut self,
        known: bool,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let found = connected(&mut self.connection, &self.path)
            .and_then(|connection| query(connection).map_err(|error| Failure::of(&error)));
        match found {
            Ok(found) => Ok(found),
            Err(failure) => {
                self.connection = None;
                self.failure = Some(failure);
                if known { Ok(T::default()) } else { Err(failure.problem(&self.path)) }
            }
        }
    }

    pub fn runs(&mut self, limit: u32, wanted: Wanted<'_>) -> Result<Vec<RunReport>> {
        let waiting = self.waiting.runs.iter().rev().filter(|report| wanted.has(report));
        let mut found: Vec<_> = waiting.cloned().collect();
        let more = limit.saturating_add(u32::try_from(self.waiting.runs.len()).unwrap_or(u32::MAX));
        let mut written = self.read(!found.is_empty(), |connection| rows::runs(connection, more, wanted))?;
        written.retain(|report| !self.waiting.runs.iter().any(|newer| newer.id == report.id));
        found.append(&mut written);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    pub fn run(&mut self, id: RunId) -> Result<Option<RunReport>> {
        match self.waiting.runs.iter().find(|report| report.id == id) {
            Some(report) => Ok(Some(report.clone())),
            None => self.read(false, |connection| rows::run(connection, id)),
        }
    }

    /// The runs whose backups have these places among all.
    pub fn runs_at(&mut self, sequences: &[u64]) -> Result<Vec<RunReport>> {
        if sequences.is_empty() {
            return Ok(Vec::new());
        }
        let is_wanted = |report: &&RunReport| sequences.contains(&report.sequence);
        let mut found: Vec<_> = self.waiting.runs.iter().filter(is_wanted).cloned().collect();
        let mut written = self.read(!found.is_empty(), |connection| rows::runs_at(connection, sequences))?;
        written.retain(|report| !self.waiting.runs.iter().any(|newer| newer.id == report.id));
        found.append(&mut written);
        Ok(found)
    }

    pub fn unfinished(&mut self) -> Result<Vec<RunReport>> {
        let mut unfinished = self.read(!self.waiting.runs.is_empty(), rows::unfinished)?;
        unfinished.retain(|report| !self.waiting.runs.iter().any(|newer| newer.id == report.id));
        let waiting = self.waiting.runs.iter().rev().filter(|report| report.outcome.is_none());
        Ok(waiting.cloned().chain(unfinished).collect())
    }

    pub fn restores(&mut self, limit: u32) -> Result<Vec<RestoreReport>> {
        let mut found: Vec<_> = self.waiting.restores.iter().rev().cloned().collect();
        let mut written = self.read(!found.is_empty(), |connection| restores::last(connection, limit))?;
        written.retain(|report| !found.iter().any(|newer| newer.id == report.id));
        found.append(&mut written);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    pub fn restore_tests(&mut self, limit: u32) -> Result<Vec<RestoreReport>> {
        let waiting = self.waiting.restores.iter().rev().filter(|report| report.task == Task::Test);
        let mut found: Vec<_> = waiting.cloned().collect();
        let mut written = self.read(!found.is_empty(), |connection| restores::tests(connection, limit))?;
        written.retain(|report| !found.iter().any(|newer| newer.id == report.id));
        found.append(&mut written);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    pub fn first_good(&mut self) -> Result<Option<RunReport>> {
        self.read(false, rows::first_good)
    }

    pub fn restore(&mut self, id: RestoreId) -> Result<Option<RestoreReport>> {
        match self.waiting.restores.iter().find(|report| report.id == id) {
            Some(report) => Ok(Some(report.clone())),
            None => self.read(false, |connection| restores::one(connection, id)),
        }
    }

    pub fn unfinished_restores(&mut self) -> Result<Vec<RestoreReport>> {
        let mut unfinished = self.read(!self.waiting.restores.is_empty(), restores::unfinished)?;
        unfinished.retain(|report| !self.waiting.restores.iter().any(|newer| newer.id == report.id));
        let waiting = self.waiting.restores.iter().rev().filter(|report| report.outcome.is_none());
        Ok(waiting.cloned().chain(unfinished).collect())
    }

    pub fn events(&mut self, limit: u32) -> Result<Vec<Event>> {
        let mut found: Vec<_> = self.waiting.events.iter().rev().cloned().collect();
        found.append(&mut self.read(!found.is_empty(), |connection| rows::events(connection, limit))?);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    pub fn pending(&mut self) -> Result<Vec<PendingCopy>> {
        match &self.waiting.pending {
            Some(pending) => {
                let mut pending = pending.clone();
                pending.sort_by_key(|copy| std::cmp::Reverse(copy.sequence));
                Ok(pending)
            }
            None => self.read(false, rows::pending),
        }
    }

    pub fn alerts(&mut self) -> Result<Vec<QueuedAlert>> {
        match &self.waiting.alerts {
            Some(queue) => Ok(queue.clone()),
            None => self.read(false, alerts::queued),
        }
    }

    pub fn told(&mut self) -> Result<Vec<Told>> {
        match &self.waiting.told {
            Some(told) => Ok(told.clone()),
            None => self.read(false, alerts::told),
        }
    }

    pub fn checked_files(&mut self) -> Result<Vec<CheckedFile>> {
        let mut found = self.waiting.checked.clone();
        let mut written = self.read(!found.is_empty(), rows::checked_files)?;
        written.retain(|file| !found.iter().any(|newer| is_same_place(newer, file)));
        found.append(&mut written);
        Ok(found)
    }

    /// The highest sequence number that is known. A failure is the answer only where none ever was: the order must not begin
    /// anew because the file cannot be read for a moment.
    pub fn sequence(&mut self) -> Result<u64> {
        let waiting = self.waiting.runs.iter().map(|report| report.sequence).chain(self.waiting.sequence);
        let known = waiting.chain(self.highest).max();
        let written = match self.read(false, rows::sequence) {
            Err(problem) if known.is_none() => return Err(problem),
            Ok(written) => Some(written),
            Err(_kept) => None,
        };
        self.highest = known.max(written);
        Ok(self.highest.unwrap_or_default())
    }

    /// Gives out the next sequence number, above `floor`.
    pub fn next_sequence(&mut self, floor: u64) -> u64 {
        let next = self.sequence().unwrap_or_default().max(floor).saturating_add(1);
        self.highest = Some(next);
        next
    }
}

/// Reads the file without changing anything.
pub fn peek(state: &Path, limit: u32) -> Result<(Vec<RunReport>, Vec<Event>)> {
    let path = state.join(FILE);
    let read = schema::open_to_read(&path).and_then(|connection| {
        let runs = rows::runs(&connection, limit, Wanted::default())?;
        Ok((runs, rows::events(&connection, limit)?))
    });
    read.map_err(|error| Failure::of(&error).problem(&path))
}

fn connected<'a>(
    connection: &'a mut Option<Connection>,
    path: &Path,
) -> std::result::Result<&'a mut Connection, Failure> {
    match connection {
        Some(connection) => Ok(connection),
        None => Ok(connection.insert(schema::open(path)?)),
    }
}

/// SQLite's name for a file that belongs to `path`.
fn companion(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The first free name for a file that is set aside; the last one is used again and again where a disk damages file after
/// file.
fn free_name(path: &Path, why: &str) -> PathBuf {
    const MOST_ASIDE: u32 = 9;
    let name = |number: u32| path.with_file_name(format!("{FILE}.{why}-{number}"));
    (1..MOST_ASIDE).map(name).find(|name| !name.exists()).unwrap_or_else(|| name(MOST_ASIDE))
}
