//! The vocabulary of a run: what started it, its phases and their progress, what came of it. Plain data that the journal
//! keeps, the status shows and the control channel carries.

use crate::problem::Problem;
use crate::slot::Hour;
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one run, whatever it does and wherever it is told.
pub type RunId = Uuid;

/// What started a run (4D1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The first one, as soon as the configuration is valid (DM6).
    First,
    /// The schedule (DM7).
    Schedule,
    /// An hour that was missed is made up, once (DM15).
    CatchUp,
    /// A person or a program asked for it (DM8).
    Request,
}

/// What a run makes its backup for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Purpose {
    /// For the rotation: the hour, the newest, the weekday.
    #[default]
    Rotation,
    /// To be kept outside the rotation (CC3).
    Extra {
        /// Why, in a person's words.
        reason: String,
    },
    /// For a folder that a person chose (DM21).
    Manual {
        /// The folder.
        folder: String,
    },
}

impl Purpose {
    /// Whether it counts in the rotation: for the schedule, and for the age of the last good backup.
    pub fn is_rotation(&self) -> bool {
        *self == Self::Rotation
    }
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Space, rights and destinations are looked at; nothing is made yet.
    Preparing,
    /// SQL Server writes the dump (DM17).
    Dumping,
    /// The dump is read once: checked, compressed, copied (DM18, DM19).
    Packing,
    /// What was written is read back and takes its good names.
    Confirming,
    /// Over.
    Done,
}

impl Phase {
    /// The phases in order.
    pub const ALL: [Phase; 5] = [Self::Preparing, Self::Dumping, Self::Packing, Self::Confirming, Self::Done];
}

/// How far a run is. Unknown figures are `None`, never made up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The phase that goes on.
    pub phase: Phase,
    /// Bytes of this phase that are done.
    pub done_bytes: u64,
    /// Bytes of this phase in all, where known.
    pub total_bytes: Option<u64>,
    /// Share of this phase that is done, 0 to 100; SQL Server's own figure while dumping, where it may be asked.
    pub percent: Option<f32>,
    /// Bytes that the terminal has, while packing and confirming.
    pub copied_bytes: u64,
    /// Estimate of the time that the whole run still needs.
    pub left_secs: Option<u64>,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Made, checked, and everywhere where it belongs.
    Success,
    /// Made, but not everywhere or not whole.
    Warning,
    /// Not made.
    Failed,
    /// Stopped by a person or by the end of the program.
    Cancelled,
    /// The program ended in mid-run; found at the next start.
    Interrupted,
}

/// Length of one phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// Its length in milliseconds.
    pub millis: u64,
}

/// Where a copy of the backup is, or why it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyReport {
    /// The file's path as shown to people.
    pub path: String,
    /// Whether the copy stands there, read back and under its good name.
    pub done: bool,
    /// Whether reading back went to the medium, not to a cache; `None` where the copy was not read back.
    pub from_medium: Option<bool>,
    /// Links for the newest and the weekday that are still to be made there.
    pub links_pending: bool,
    /// Bytes that the destination took per second of the time in which it was waited for; `None` where that is not known.
    #[serde(default)]
    pub bytes_per_sec: Option<u64>,
}

/// Everything that is known of a run; the journal's row and the answer to whoever waits for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Names the run.
    pub id: RunId,
    /// Orders the backups; never goes back, whatever the clock does.
    pub sequence: u64,
    /// What started it.
    pub trigger: Trigger,
    /// What it makes its backup for.
    #[serde(default)]
    pub purpose: Purpose,
    /// 1, or 2 for the second try after a failure.
    pub attempt: u8,
    /// The local hour in which it began: its slot, 0 to 23, where it is made for the rotation.
    pub hour: u8,
    /// When it began.
    pub started_at: DateTime<FixedOffset>,
    /// When it ended; `None` while it goes on.
    pub finished_at: Option<DateTime<FixedOffset>>,
    /// What came of it; `None` while it goes on.
    pub outcome: Option<Outcome>,
    /// The database.
    pub database: String,
    /// The phases that ended, with their lengths.
    pub phases: Vec<PhaseTime>,
    /// Level of compression, 1 to 9; `None` before packing.
    #[serde(default)]
    pub level: Option<u8>,
    /// Size of the dump in bytes.
    pub bak_bytes: u64,
    /// Size of the zip in bytes.
    pub zip_bytes: u64,
    /// SHA-256 of the dump, hexadecimal; empty while unknown.
    pub bak_sha256: String,
    /// SHA-256 of the zip, hexadecimal; empty while unknown.
    pub zip_sha256: String,
    /// What the check of the dump said, in words; `None` before it.
    pub verdict: Option<Words>,
    /// The copy in the backup folder.
    pub server: Option<CopyReport>,
    /// The copy at the terminal; `None` where none is configured.
    pub terminal: Option<CopyReport>,
    /// The copy in the folder that a person chose; `None` where none was.
    #[serde(default)]
    pub manual: Option<CopyReport>,
    /// Everything that was wrong, the gravest first.
    pub problems: Vec<Problem>,
}

impl RunReport {
    /// The report of a first try that began at `started_at`, of which nothing is known yet; it has no place among the backups.
    pub fn begun(id: RunId, trigger: Trigger, purpose: Purpose, started_at: DateTime<FixedOffset>) -> Self {
        Self {
            id,
            sequence: 0,
            trigger,
            purpose,
            attempt: 1,
            hour: Hour::of(started_at).number(),
            started_at,
            finished_at: None,
            outcome: None,
            database: String::new(),
            phases: Vec::new(),
            level: None,
            bak_bytes: 0,
            zip_bytes: 0,
            bak_sha256: String::new(),
            zip_sha256: String::new(),
            verdict: None,
            server: None,
            terminal: None,
            manual: None,
            problems: Vec::new(),
        }
    }

    /// Notes that the terminal has the backup now, under all of its names. What was wrong when the run ended stays told.
    pub fn arrived(&mut self) {
        if let Some(copy) = &mut self.terminal {
            copy.done = true;
            copy.links_pending = false;
        }
    }
}
