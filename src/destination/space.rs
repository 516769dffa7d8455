//! Room for the next backup: foreseen before a run, with what yields for it and how many hours fit. Pure.

use crate::slot::{Hour, SlotAge, yield_order};
use chrono::{DateTime, Utc};

/// What the next backup needs at one destination, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// The dump that SQL Server will write; 0 at the terminal.
    pub dump_bytes: u64,
    /// The zip.
    pub zip_bytes: u64,
    /// What is to stay free besides.
    pub reserve_bytes: u64,
}

impl Need {
    /// All of it.
    pub fn total_bytes(&self) -> u64 {
        self.dump_bytes.saturating_add(self.zip_bytes).saturating_add(self.reserve_bytes)
    }
}

/// The dump of the last backup, `MCDados.bak`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldDump {
    /// Its size.
    pub bytes: u64,
    /// Whether the zip of the same backup was verified and stands: only then may the dump yield.
    pub zip_verified: bool,
}

/// One hour's backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldHour {
    /// The hour whose slot it stands in.
    pub hour: Hour,
    /// Its run's sequence number.
    pub sequence: u64,
    /// When its run began.
    pub begun: DateTime<Utc>,
    /// Its size.
    pub bytes: u64,
    /// Whether it is still to be copied to the terminal.
    pub pending: bool,
    /// Whether the newest or a weekday is a second name of the same file: then the hour's name takes no room of its own, and
    /// to remove it would free nothing.
    pub shared: bool,
}

/// What stands at one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Present {
    /// The old dump, where there is one.
    pub dump: Option<OldDump>,
    /// The filled hours, in any order.
    pub hours: Vec<HeldHour>,
    /// Bytes of the newest and the weekdays' sets that are no second names of an hour's file.
    pub other_sets_bytes: u64,
}

/// Something that yields its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The old dump, whose zip stands.
    Dump {
        /// The room that it frees.
        bytes: u64,
    },
    /// An hour's backup.
    Hour {
        /// Its slot.
        hour: Hour,
        /// The room that it frees.
        bytes: u64,
    },
}

impl Release {
    /// The room that it frees.
    pub const fn bytes(&self) -> u64 {
        match self {
            Self::Dump { bytes } | Self::Hour { bytes, .. } => *bytes,
        }
    }
}

/// What was foreseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whether the next backup fits, once `releases` have yielded.
    pub fits: bool,
    /// What has to yield, in this order; empty where it fits without, and where it does not fit even so: nothing is given up
    /// for a backup that cannot be made.
    pub releases: Vec<Release>,
    /// What is still missing where it does not fit, beyond everything that may yield.
    pub missing_bytes: u64,
    /// How many hours' backups of this size the volume holds in the long run, 0 to 24, beside the dump, the zip being made,
    /// the weekdays' sets and the reserve.
    pub hours_that_fit: u8,
}

/// Foresees the next backup at one destination with `free_bytes` left.
///
/// What yields, in this order: the old dump, whose zip is verified; then the oldest hours of [`yield_order`], down to `floor`
/// hours. Never the newest, never one that is still to be copied, never a weekday's set.
pub fn plan(need: &Need, free_bytes: u64, present: &Present, now: DateTime<Utc>, floor: u8) -> Plan {
    let missing = need.total_bytes().saturating_sub(free_bytes);
    let hours_that_fit = hours_that_fit(need, free_bytes, present);
    let mut releases = Vec::new();
    let mut freed = 0_u64;
    for release in may_yield(present, now, floor) {
        if freed >= missing {
            break;
        }
        freed = freed.saturating_add(release.bytes());
        releases.push(release);
    }
    if freed >= missing {
        return Plan { fits: true, releases, missing_bytes: 0, hours_that_fit };
    }
    Plan { fits: false, releases: Vec::new(), missing_bytes: missing - freed, hours_that_fit }
}

/// Everything that may yield, in order.
fn may_yield(present: &Present, now: DateTime<Utc>, floor: u8) -> Vec<Release> {
    let dump = present.dump.filter(|dump| dump.zip_verified).map(|dump| Release::Dump { bytes: dump.bytes });
    let ages: Vec<SlotAge> = present
        .hours
        .iter()
        .map(|held| SlotAge {
            hour: held.hour,
            sequence: held.sequence,
            begun: held.begun,
            // One whose file has another name must stand for the same reason as one to be copied.
            pending: held.pending || held.shared,
        })
        .collect();
    let hours = yield_order(&ages, now, floor).into_iter().filter_map(|hour| {
        let held = present.hours.iter().find(|held| held.hour == hour)?;
        Some(Release::Hour { hour, bytes: held.bytes })
    });
    dump.into_iter().chain(hours).filter(|release| release.bytes() > 0).collect()
}

/// Weekdays' sets that in the long run are files of their own: today's is a second name of the newest hour.
const OTHER_WEEKDAYS: u64 = 6;

/// Hours in all.
const HOURS: u64 = 24;

fn hours_that_fit(need: &Need, free_bytes: u64, present: &Present) -> u8 {
    let dump = present.dump.map_or(0, |dump| dump.bytes);
    let hours = present.hours.iter().fold(0_u64, |sum, held| sum.saturating_add(held.bytes));
    let ours = dump.saturating_add(hours).saturating_add(present.other_sets_bytes);
    // The old dump yields before any hour does, so one dump is enough; one zip more is under construction.
    let fixed = need.total_bytes().saturating_add(need.zip_bytes.saturating_mul(OTHER_WEEKDAYS));
    let left = free_bytes.saturating_add(ours).saturating_sub(fixed);
    let fit = left.checked_div(need.zip_bytes).unwrap_or(HOURS).min(HOURS);
    u8::try_from(fit).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
