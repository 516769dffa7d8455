//! What the last deep check found, place by place.

use crate::problem::Problem;
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

/// On which side a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// In the backup folder on the server.
    Server,
    /// At the terminal.
    Terminal,
}

/// What the last deep check of one place found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedFile {
    /// On which side it stands.
    pub side: Side,
    /// Its name there, with `/` between the parts: `09h/MCDados.zip`.
    pub file: String,
    /// When it was read.
    pub at: DateTime<FixedOffset>,
    /// Its length in bytes when it was read.
    pub bytes: u64,
    /// When it was last written, by the clock of whoever keeps it.
    pub modified: DateTime<Utc>,
    /// What is wrong with it; `None` where it is sound.
    pub problem: Option<Problem>,
}

impl CheckedFile {
    /// Whether a file with this length and date is the one that was read: what replaced it has not been read yet.
    pub fn is_of(&self, bytes: u64, modified: DateTime<Utc>) -> bool {
        (self.bytes, self.modified) == (bytes, modified)
    }
}
