//! What a run is for, and under which names its backup stands.

use super::links::Linking;
use super::outcome::Purpose;
use super::run::Order;
use crate::destination::Name;
use crate::slot::{ArchiveName, Day, Hour, Reason, Set};

/// What a run makes its backup for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Aim {
    /// For the rotation.
    #[default]
    Rotation,
    /// To be kept outside the rotation, for this reason (CC3). No slot is touched; it never yields its room.
    Extra(Reason),
}

impl Aim {
    /// The same, as it is told.
    pub fn purpose(&self) -> Purpose {
        match self {
            Self::Rotation => Purpose::Rotation,
            Self::Extra(reason) => Purpose::Extra { reason: reason.to_string() },
        }
    }
}

impl Order {
    /// The name that its zip takes, in the backup folder and at the terminal.
    pub(super) fn zip(&self, archive: &ArchiveName) -> Name {
        match &self.aim {
            Aim::Rotation => Name::zip(Set::Hour(Hour::of(self.begun)), archive),
            Aim::Extra(reason) => Name::extra(self.begun, self.sequence, reason),
        }
    }

    /// The further names that it takes; the weekday's where it is fit for it.
    pub(super) fn linking(&self, archive: &ArchiveName, fit_for_weekday: bool) -> Linking {
        let sets: &[Set] = match &self.aim {
            Aim::Rotation if fit_for_weekday => &[Set::Newest, Set::Day(Day::of(self.begun))],
            Aim::Rotation => &[Set::Newest],
            Aim::Extra(_) => &[],
        };
        let to = sets.iter().map(|set| Name::zip(*set, archive)).collect();
        Linking { from: self.zip(archive), to }
    }
}
