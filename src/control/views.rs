//! What replies carry: plain values for whoever shows them.

use crate::config::Setting;
use crate::journal::Side;
use crate::problem::Problem;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// One file in a slot or another set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotView {
    /// `newest`, an hour such as `09h`, a weekday such as `Segunda`, or `extra`.
    pub set: String,
    /// Whether it stands in the backup folder or at the terminal.
    pub place: Side,
    /// The file's path, as people know it.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was made.
    pub modified: DateTime<FixedOffset>,
    /// What the last deep check of this very file said; `None` where it was not read again since it was made.
    #[serde(default)]
    pub checked: Option<CheckedView>,
}

/// What the last deep check said of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedView {
    /// When it was read.
    pub at: DateTime<FixedOffset>,
    /// What is wrong with it; `None` where it is sound.
    pub problem: Option<Problem>,
}

/// The configuration in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigView {
    /// The file.
    pub path: String,
    /// Every setting.
    pub settings: Vec<Setting>,
}
