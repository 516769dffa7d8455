//! Where backups stand: the port [`Destination`] with its promises, and its implementation [`Folder`] (a local disk, a
//! share, a mounted disk). Everything here is blocking, and may block for as long as a share takes to answer: call it from
//! threads that may wait.
//!
//! At its start an agent enters each destination ([`enter`]), takes the backup folder's lock, ends a dump of its own that still
//! runs in the server, and scrubs. A terminal that was away is entered and scrubbed when it is back, before the next copy.

mod asker;
mod claim;
mod folder;
mod identity;
mod name;
mod outside;
mod problems;
pub mod space;
mod staged;

pub use asker::{Asker, PATIENCE, blocking, no_answer};
pub use claim::{Claims, enter};
pub use folder::Folder;
pub use identity::{Identity, Mark, agent_id};
pub use name::{Name, NotAName};
#[cfg(test)]
pub(crate) use outside::replace;
pub use outside::{Outside, scrub_outside, silent};
pub use problems::explain;

pub use crate::durable::ReadSeek;
pub use crate::platform::{FileId, Place, ReadBack, Space, VolumeId};

use crate::problem::{Problem, Result};
use crate::slot::{ArchiveName, Set};
use chrono::{DateTime, Utc};
use std::any::Any;
use std::fmt;
use std::io::{self, Read, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Which of the two a destination is; it decides the codes and words of its problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The backup folder on the server: without it there is no backup.
    Server,
    /// The terminal's folder: a backup without it is a Warning.
    Terminal,
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its length.
    pub bytes: u64,
    /// When it was last written, by the clock of whoever keeps it.
    pub modified: DateTime<Utc>,
    /// Names its content: two names with the same are one file, and take its room once. `None` where the file system
    /// does not tell.
    pub same_as: Option<FileId>,
}

/// How a link came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// A second name of the same file; it takes no room.
    Hard,
    /// A copy that was read back, where the file system has no second names.
    Copied,
    /// It was the same file already.
    AlreadySame,
}

/// How far a terminal is from the server's own disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// On another machine.
    OtherMachine,
    /// On another disk of the same machine.
    SameMachine,
    /// On the same volume.
    SameVolume,
}

/// Holds a destination for one agent; let go when dropped or when the process ends.
pub struct LockGuard {
    _held: Box<dyn Any + Send + Sync>,
}

impl LockGuard {
    /// A guard whose lock is held by `held`.
    pub fn holding(held: impl Any + Send + Sync) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockGuard")
    }
}

/// A place for backups. What every implementation promises, and one suite proves on each:
///
/// 1. A name holds a whole file or none. What is being made stands under [`Name::partial`] until [`Staged::publish`], which
///    replaces in one step: a reader, a crash, a power cut finds the old file or the new one, whole.
/// 2. Once `publish`, `link` or `remove` has returned, what it did outlives a power cut.
/// 3. Only what was recorded in the ledger before it was made is ever scrubbed. Files of other programs are never
///    overwritten or removed: what stands in the way of a first claim is moved aside, once.
/// 4. A failed operation leaves every good name as it was, and what it had begun is removed now or, if that fails too, by
///    the next [`scrub`](Self::scrub).
/// 5. Errors of the medium are never swallowed, a failed sync least of all; each becomes a [`Problem`] with the code of its
///    [`Kind`].
/// 6. Nothing is written where the identity is missing or another agent's: [`check`](Self::check) says so.
/// 7. Files and folders are made without rights for everybody.
pub trait Destination: Send + Sync + fmt::Debug {
    /// Which of the two it is.
    fn kind(&self) -> Kind;

    /// Its name for people: the path.
    fn shown(&self) -> String;

    /// The path of `name` for people, and for a program on the same machine.
    fn path_of(&self, name: &Name) -> PathBuf;

    /// Whose it is, by its identity file.
    ///
    /// # Errors
    /// The folder is missing, does not answer, or its identity cannot be read.
    fn mark(&self) -> Result<Mark>;

    /// Whether it is there, ours and writable. Writes nothing.
    ///
    /// # Errors
    /// `FolderMissing`, `FolderIdentity`, `FolderReadOnly`, `FolderIo`, or the terminal's codes for the same.
    fn check(&self, id: &Identity) -> Result<()>;

    /// What is not as it should be, but hinders nothing: rights for everybody.
    fn caveats(&self) -> Vec<Problem>;

    /// Makes it ours at its first configuration: makes the folder (its parent must exist), moves what another program left
    /// under our names to `anterior/`, and writes the identity last. Returns what was moved. Of one that is ours already
    /// nothing is changed; one that is another agent's is refused.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    fn claim(&self, id: &Identity) -> Result<Vec<PathBuf>>;

    /// Takes it for this process. A share that has no locks is taken without one.
    ///
    /// # Errors
    /// `FolderLocked` while another agent holds it.
    fn lock(&self) -> Result<LockGuard>;

    /// Removes what was recorded as under construction and never finished, and returns it. Only under the lock, while
    /// nothing is staged, and once [`check`](Self::check) said that it is ours.
    ///
    /// # Errors
    /// What could not be removed; it stays recorded.
    fn scrub(&self) -> Result<Vec<PathBuf>>;

    /// Begins a file that will take `name`; makes the folders on the way.
    ///
    /// # Errors
    /// Those of making a file.
    fn stage(&self, name: &Name) -> Result<Box<dyn Staged>>;

    /// Prepares for another program (SQL Server) to write the file that will take `name`: records and clears the partial
    /// name, and returns its path. Afterwards [`adopt`](Self::adopt) or [`abandon`](Self::abandon).
    ///
    /// # Errors
    /// Those of clearing the name.
    fn expect(&self, name: &Name) -> Result<PathBuf>;

    /// Takes over what another program wrote under the partial name of `name`.
    ///
    /// # Errors
    /// It is not there, or cannot be read by us.
    fn adopt(&self, name: &Name) -> Result<Box<dyn Staged>>;

    /// Removes what another program may have begun under the partial name of `name`.
    ///
    /// # Errors
    /// It cannot be removed (yet); it stays recorded.
    fn abandon(&self, name: &Name) -> Result<()>;

    /// Opens a finished file, so that it may still be replaced meanwhile; `None` where there is none.
    ///
    /// # Errors
    /// Those of opening.
    fn open(&self, name: &Name) -> Result<Option<Box<dyn ReadSeek>>>;

    /// What is known of a finished file; `None` where there is none.
    ///
    /// # Errors
    /// The destination does not answer.
    fn stat(&self, name: &Name) -> Result<Option<Stat>>;

    /// The places of the rotation that are filled, in the order of [`Set::all`].
    ///
    /// # Errors
    /// The destination does not answer.
    fn sets(&self, archive: &ArchiveName) -> Result<Vec<(Set, Stat)>>;

    /// The extra copies, outside the rotation; the youngest name first.
    ///
    /// # Errors
    /// The destination does not answer.
    fn extras(&self) -> Result<Vec<(Name, Stat)>>;

    /// Gives the finished file `from` the further name `to`, replacing what stood there. Where the file system has no second
    /// names a copy is made and read back, which takes as long as writing it did.
    ///
    /// # Errors
    /// There is no `from`; those of linking and copying. `to` is what it was then.
    fn link(&self, from: &Name, to: &Name) -> Result<Linked>;

    /// Whether a second name takes no room, as far as is known: `None` before the first [`link`](Self::link).
    fn has_hard_links(&self) -> Option<bool>;

    /// Removes a name. One that is not there is no error. Whether it may go is the caller's to know.
    ///
    /// # Errors
    /// Those of removing.
    fn remove(&self, name: &Name) -> Result<()>;

    /// The room on its volume.
    ///
    /// # Errors
    /// The destination does not answer.
    fn space(&self) -> Result<Space>;

    /// Its volume.
    ///
    /// # Errors
    /// The destination does not answer.
    fn volume(&self) -> Result<VolumeId>;

    /// Whose disk it is on. May ask the resolver: not for the minute's cycle.
    ///
    /// # Errors
    /// The destination does not answer.
    fn place(&self) -> Result<Place>;

    /// An error met while reading or writing one of its files, as a problem of this destination.
    fn explain(&self, error: &io::Error) -> Problem;
}

/// Reads back what is settled of a file that still grows.
pub trait ReadAlong: Send {
    /// Reads `range`, whose beginning is a multiple of 1 MiB, from the medium, past the cache where the system allows, and
    /// hands each piece to `sink`.
    ///
    /// # Errors
    /// Those of reading; so much is not there.
    fn read_back(&mut self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack>;
}

/// Settles what was written of a file that still grows, beside its writer.
pub trait Settle: Send {
    /// Waits until what was written before is where a [`ReadAlong`] finds it: on the disk, or with the machine that has the
    /// share. Durable it is only by [`Staged::seal`].
    ///
    /// # Errors
    /// The medium failed, or is full. The file is lost then.
    fn settle(&mut self) -> Result<()>;

    /// Whether settling costs no more than an answer from the machine that has the share, so that it may be done for each piece,
    /// and for several at once. A disk is slowed down by it.
    fn costs_nothing(&self) -> bool;
}

/// A file under construction. Dropped without [`publish`](Self::publish) it is discarded.
pub trait Staged: Read + Write + Seek + Send {
    /// Where it stands while it is made: for a second handle that follows its growth.
    fn path(&self) -> &Path;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// The medium failed, or is full. The file is lost then: no later call succeeds.
    fn seal(&mut self) -> Result<()>;

    /// Seals the file where that was not done, and reads it from its medium, past the cache where the system allows, and hands each piece to `sink`.
    ///
    /// # Errors
    /// Those of reading.
    fn read_back(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack>;

    /// A second handle that reads back what is settled while more is written; `None` where there is none such.
    fn read_along(&self) -> Option<Box<dyn ReadAlong>> {
        None
    }

    /// A second handle that settles what was written while more is written; `None` where there is none such.
    ///
    /// # Errors
    /// Those of a second handle.
    fn settler(&self) -> Result<Option<Box<dyn Settle>>> {
        Ok(None)
    }

    /// Gives it its name, replacing in one step what had it. Seals it first where that was not done.
    ///
    /// # Errors
    /// Those of renaming; the name keeps its old file then, and this one is discarded. Where it was the folder's sync that
    /// failed, the name holds the new file, whole, and may hold the old one again after a power cut.
    fn publish(self: Box<Self>) -> Result<()>;

    /// Removes it.
    ///
    /// # Errors
    /// It could not be removed; the next scrub will.
    fn discard(self: Box<Self>) -> Result<()>;

    /// Lets go of it where it is: whoever waited for it has given it up, and another may have begun a file under its partial
    /// name meanwhile. Unless somebody has, the next scrub removes it.
    fn leave(self: Box<Self>);
}

/// How far `terminal` is from `server`. May ask the resolver: not for the minute's cycle.
///
/// # Errors
/// One of them does not answer.
pub fn apart(server: &dyn Destination, terminal: &dyn Destination) -> Result<Apart> {
    // The disk first: the volumes of cloned machines bear the same number.
    Ok(match terminal.place()? {
        Place::Other(_) => Apart::OtherMachine,
        Place::ThisMachine if server.volume()? == terminal.volume()? => Apart::SameVolume,
        Place::ThisMachine => Apart::SameMachine,
    })
}
