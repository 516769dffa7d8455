//! What both twins speak of.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};

/// The state of a service, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// It runs.
    Running,
    /// It is on its way up.
    Starting,
    /// It does not run, or is on its way down.
    Stopped,
    /// There is no service of this name.
    Missing,
    /// The system does not tell.
    Unknown,
}

/// How grave a line in the system's event log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The owner would care.
    Information,
    /// Odd, but the data are protected.
    Warning,
    /// Protection is lost.
    Error,
}

/// Names a volume among those that are mounted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VolumeId(pub u64);

/// Names a file's content among those that exist now, whatever its names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// Its volume.
    pub volume: VolumeId,
    /// Its number on that volume.
    pub index: u128,
}

/// The machine whose disk holds a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A disk of this machine, or a share of its own.
    ThisMachine,
    /// A share of another machine, by the name that the path or mount gives it.
    Other(String),
}

/// Room on a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// What this user may still fill, in bytes.
    pub free_bytes: u64,
    /// The whole volume, in bytes.
    pub total_bytes: u64,
}

/// A drive that a person can put a backup on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drive {
    /// Where its files are.
    pub path: PathBuf,
    /// Its own name; empty where it has none.
    pub name: String,
    /// Whether it can be taken away.
    pub removable: bool,
    /// Room on it; `None` where it does not tell.
    pub space: Option<Space>,
}

/// What reading back told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadBack {
    /// Bytes read.
    pub bytes: u64,
    /// Whether they came from beyond this machine's cache, all of them.
    pub from_medium: bool,
}

/// Who is at the other end of a local connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The system's own name of the user: uid or SID. Names one user among all, so limits can be kept by it.
    pub id: String,
    /// The user's name as people read it.
    pub name: String,
    /// Its process, where the system tells.
    pub process: Option<u32>,
    /// An administrator's rights in force: root, or an elevated token.
    pub elevated: bool,
    /// The same user as we are.
    pub ourselves: bool,
}

/// A connection through a named pipe.
pub type SqlPipe = Box<dyn Pipe>;

/// What a [`SqlPipe`] can do.
pub trait Pipe: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug> Pipe for T {}
