//! What a run is for, and under which names its backup stands.

use super::links::Linking;
use super::manual::Manual;
use super::outcome::{Purpose, RunReport};
use super::run::Order;
use crate::destination::Name;
use crate::slot::{ArchiveName, Day, Hour, Reason, Set};

/// What a run makes its backup for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Aim {
    /// For the rotation.
    #[default]
    Rotation,
    /// To be kept outside the rotation, for this reason (CC3). No slot is touched; it never yields its room.
    Extra(Reason),
    /// For a folder that a person chose (DM21). Nothing else is written, but for the dump while it is made.
    Manual(Manual),
}

impl Aim {
    /// The same, as it is told.
    pub fn purpose(&self) -> Purpose {
        match self {
            Self::Rotation => Purpose::Rotation,
            Self::Extra(reason) => Purpose::Extra { reason: reason.to_string() },
            Self::Manual(manual) => Purpose::Manual { folder: manual.folder.display().to_string() },
        }
    }
}

impl Order {
    /// The slot of the hour in which it began.
    pub(super) fn hour_set(&self) -> Set {
        Set::Hour(Hour::of(self.begun))
    }

    /// The run whose backup it copies, where it is not made from a dump of its own.
    pub(super) fn copies(&self) -> Option<Box<RunReport>> {
        match &self.aim {
            Aim::Rotation | Aim::Extra(_) => None,
            Aim::Manual(manual) => manual.source.clone(),
        }
    }

    /// The further names that a zip named `from` takes; the weekday's where it is fit for it.
    pub(super) fn linking(&self, from: Name, archive: &ArchiveName, fit_for_weekday: bool) -> Linking {
        let sets: &[Set] = match &self.aim {
            Aim::Rotation if fit_for_weekday => &[Set::Newest, Set::Day(Day::of(self.begun))],
            Aim::Rotation => &[Set::Newest],
            Aim::Extra(_) | Aim::Manual(_) => &[],
        };
        Linking { from, to: sets.iter().map(|set| Name::zip(*set, archive)).collect() }
    }
}
