//! How far notices have been seen, in the state folder: whoever puts forward an older one again finds no belief.

use super::Version;
use crate::durable::{read_bounded, write_atomically};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// The file's name below the state folder.
const FILE: &str = "update.json";
/// Longest record that is read, in bytes.
const LONGEST_RECORD: u64 = 4 << 10;

/// What was seen last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub version: Version,
    pub issued: DateTime<FixedOffset>,
}

/// Remembers it.
#[derive(Clone, Debug)]
pub struct Memory {
    path: PathBuf,
}

impl Memory {
    /// The memory in the state folder `state`.
    pub fn of(state: &Path) -> Self {
        Self { path: state.join(FILE) }
    }

    /// What was seen last; `None` where nothing was, or where that cannot be read any more. Blocks on its disk.
    pub(super) fn seen(&self) -> Option<Seen> {
        let read = || -> io::Result<Option<Seen>> {
            let bytes = read_bounded(&self.path, LONGEST_RECORD)?;
            Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
        };
        read().unwrap_or_else(|cause| {
            tracing::warn!(%cause, "which versions were seen is not known any more");
            None
        })
    }

    /// Remembers `seen`, where that is not known already.
    pub(super) fn keep(&self, seen: &Seen) {
        if self.seen().as_ref() == Some(seen) {
            return;
        }
        let written = serde_json::to_vec(seen)
            .map_err(io::Error::from)
            .and_then(|bytes| write_atomically(&self.path, &bytes));
        if let Err(cause) = written {
            tracing::warn!(%cause, "which versions were seen is not kept");
        }
    }
}
