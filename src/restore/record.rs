//! What restores have made in the server and are about to make: a small file in the state folder, written before each step, by
//! which the next start knows what to end, and by which a database is known to be ours to remove.

use super::outcome::{Item, Replacement, RestoreId, Source};
use super::problems;
use crate::durable::{read_bounded, write_atomically};
use crate::problem::Result;
use crate::sqlserver::{Carried, DatabaseIdentity, OwnFile};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const FILE: &str = "restores.json";
/// Longest record that is read; ours have some hundred bytes a database.
const LONGEST_BYTES: u64 = 1 << 20;
/// The most databases that are remembered; the oldest are forgotten, and stay.
const MOST_MADE: usize = 500;

/// A database that a restore is about to make: there was none of its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Making {
    pub restore: RestoreId,
    pub database: String,
}

/// A database that a restore made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub restore: RestoreId,
    pub database: String,
    pub identity: DatabaseIdentity,
}

/// How far an exchange of databases is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// The restored database stands beside, proved and prepared.
    Ready,
    /// Names are being changed.
    Exchanging,
    /// The restored database bears the live one's name; the old one is kept.
    Exchanged,
}

/// An exchange of the live database for a restored one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exchange {
    pub restore: RestoreId,
    /// The name of the shop's database.
    pub live: String,
    /// The name of the restored one while it stands beside.
    pub restored: String,
    /// The name of the old one while it is kept.
    pub kept: String,
    /// What goes over; `None` where there was no live database.
    pub carried: Option<Carried>,
    pub standing: Standing,
    /// Which database the kept one is, to be removed when the checklist is ticked.
    pub kept_identity: Option<DatabaseIdentity>,
}

/// How far an overwriting of the live database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Over {
    /// All is ready, and nothing is touched yet.
    Ready,
    /// The backup is being restored over it: what it holds is not known.
    Overwriting,
    /// SQL Server found errors in what was restored over it.
    Defective,
    /// It is what the backup held, and is proved.
    Overwritten,
    /// The safety backup is being restored over it: what it holds is not known.
    Undoing,
}

/// An overwriting of the live database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Overwrite {
    pub restore: RestoreId,
    /// The name of the shop's database.
    pub live: String,
    /// What is restored over it.
    pub source: Source,
    /// The safety backup of what was there, verified.
    pub safety: PathBuf,
    /// What goes over; `None` where the server did not tell.
    pub carried: Option<Carried>,
    /// Where its files lay, and lie again.
    pub files: Vec<OwnFile>,
    pub standing: Over,
}

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Book {
    pub making: Option<Making>,
    pub made: Vec<Made>,
    /// Databases of restore tests, to be removed by whoever comes across them.
    pub passing: Vec<Made>,
    pub exchange: Option<Exchange>,
    pub overwrite: Option<Overwrite>,
    /// What of the checklist is ticked after the replacement that stands.
    pub ticked: Vec<Item>,
}

impl Book {
    /// A replacement begins, or is over: nothing is ticked.
    pub fn set_exchange(&mut self, exchange: Option<Exchange>) {
        self.exchange = exchange;
        self.ticked.clear();
    }

    /// The same of one that overwrites.
    pub fn set_overwrite(&mut self, overwrite: Option<Overwrite>) {
        self.overwrite = overwrite;
        self.ticked.clear();
    }

    /// Whether a replacement waits for a person's word.
    pub fn is_taken(&self) -> bool {
        self.exchange.is_some() || self.overwrite.is_some()
    }

    /// Ticks `items`.
    pub fn tick(&mut self, items: &[Item]) {
        self.ticked.extend(items);
        self.ticked.sort_unstable();
        self.ticked.dedup();
    }

    /// The replacement that stands.
    pub fn standing(&self) -> Option<Replacement> {
        if let Some(over) = self.overwrite.as_ref().filter(|over| over.standing == Over::Overwritten) {
            let safety = Some(over.safety.display().to_string());
            return Some(Replacement { safety, ..Replacement::new(None, &self.ticked) });
        }
        let exchange = self.exchange.as_ref().filter(|exchange| exchange.standing == Standing::Exchanged)?;
        let kept = exchange.kept_identity.map(|_| exchange.kept.clone());
        Some(Replacement::new(kept, &self.ticked))
    }

    /// Whether something stands in it that [`recover`](super::recover) ends.
    pub fn is_left(&self) -> bool {
        let exchanging = |exchange: &Exchange| exchange.standing == Standing::Exchanging;
        // It may let in nobody but a session that is gone.
        let closed = |over: &Overwrite| match over.standing {
            Over::Ready | Over::Overwriting | Over::Undoing => true,
            Over::Defective | Over::Overwritten => false,
        };
        self.making.is_some()
            || !self.passing.is_empty()
            || self.exchange.as_ref().is_some_and(exchanging)
            || self.overwrite.as_ref().is_some_and(closed)
    }
}

/// The record of one agent's restores.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    book: Mutex<Book>,
    /// Held by the restore that is at work.
    turn: tokio::sync::Mutex<()>,
}

impl Records {
    /// The record in the state folder `state`, as an earlier process left it. One that cannot be read is set aside: what it knew is
    /// not removed by us any more.
    pub fn open(state: &Path) -> Self {
        let path = state.join(FILE);
        let book = read(&path).unwrap_or_else(|cause| {
            let aside = path.with_extension("damaged");
            tracing::error!(%cause, path = %path.display(), "the record of restores cannot be read; it is set aside");
            if let Err(cause) = std::fs::rename(&path, &aside) {
                tracing::error!(%cause, "nor can it be set aside");
            }
            Book::default()
        });
        Self { path, book: Mutex::new(book), turn: tokio::sync::Mutex::default() }
    }

    /// The leave to restore, for as long as it is kept: one restore at a time.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The same, where no restore is at work.
    pub(super) fn try_turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.turn.try_lock().ok()
    }

    /// What it says now.
    pub(super) fn read(&self) -> Book {
        self.lock().clone()
    }

    /// Changes it, durably: once this has returned, the change outlives a power cut. Blocks on the state folder's disk.
    ///
    /// # Errors
    /// It cannot be written; it is as it was then.
    pub(super) fn change(&self, change: impl FnOnce(&mut Book)) -> Result<()> {
        let mut book = self.lock();
        let mut next = book.clone();
        change(&mut next);
        let surplus = next.made.len().saturating_sub(MOST_MADE);
        next.made.drain(..surplus);
        let text = serde_json::to_vec_pretty(&next).map_err(crate::problem::Problem::internal)?;
        write_atomically(&self.path, &text)
            .map_err(|cause| problems::no_record(&self.path.display().to_string(), &cause))?;
        *book = next;
        Ok(())
    }

    /// A database of this name that a restore made.
    pub(super) fn made(&self, database: &str) -> Option<Made> {
        self.lock().made.iter().rev().find(|made| made.database == database).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        // Nothing panics under this lock; if it did, the book is whole all the same.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> io::Result<Book> {
    match read_bounded(path, LONGEST_BYTES)? {
        Some(bytes) => Ok(serde_json::from_slice(&bytes)?),
        None => Ok(Book::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    fn making() -> Making {
        Making { restore: RestoreId::from_u128(7), database: "x".to_owned() }
    }

    #[test]
    fn what_was_recorded_is_known_to_the_next_process() {
        let state = tempfile::tempdir().unwrap();
        let records = Records::open(state.path());
        assert_eq!(records.read(), Book::default());
        records.change(|book| book.making = Some(making())).unwrap();
        drop(records);
        let records = Records::open(state.path());
        assert_eq!(records.read().making, Some(making()));
        assert_eq!(records.made("x"), None, "it is only about to be made");
    }

    #[test]
    fn a_record_of_before_there_were_ticks_is_read() {
        let state = tempfile::tempdir().unwrap();
        let old = r#"{
          "making": null, "made": [], "passing": [],
          "exchange": {
            "restore": "00000000-0000-0000-0000-000000000007", "live": "L", "restored": "R", "kept": "K",
            "carried": null, "standing": "exchanged",
            "kept_identity": { "id": 7, "created": "2026-11-22T14:00:00", "online": true, "single_user": false }
          }
        }"#;
        std::fs::write(state.path().join(FILE), old).unwrap();
        let records = Records::open(state.path());
        assert_eq!(records.read().standing(), Some(Replacement::new(Some("K".to_owned()), &[])));
        records.change(|book| book.tick(&[Item::Fiscal, Item::Vendas, Item::Fiscal])).unwrap();
        let again = Records::open(state.path());
        assert_eq!(again.read().ticked, [Item::Vendas, Item::Fiscal]);
        again.change(|book| book.set_exchange(None)).unwrap();
        assert_eq!(again.read(), Book::default(), "the next replacement begins with none ticked");
    }

    #[test]
    fn a_record_that_cannot_be_written_stops_what_was_about_to_be_done() {
        let state = tempfile::tempdir().unwrap();
        let records = Records::open(state.path());
        std::fs::create_dir_all(state.path().join(FILE).join("in the way")).unwrap();
        let problem = records.change(|book| book.making = Some(making())).unwrap_err();
        assert_eq!(problem.code, Code::AgentState);
        assert_eq!(records.read(), Book::default());
    }

    #[test]
    fn a_damaged_record_is_set_aside_and_nothing_is_called_ours() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join(FILE), b"{\"made\": 7").unwrap();
        assert_eq!(Records::open(state.path()).read(), Book::default());
        assert!(state.path().join("restores.damaged").exists());
    }
}
