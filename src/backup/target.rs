//! Where the zip of a run is written: a name at the backup folder, or the folder that a person chose.

use super::aim::Aim;
use super::run::{Order, World};
use crate::destination::{Destination, Name, Outside, Staged};
use crate::problem::{Problem, Result};
use std::io;
use std::sync::Arc;

/// Where the zip of a run is written.
#[derive(Clone)]
pub(super) enum Target {
    /// In the backup folder, under this name.
    Here(Arc<dyn Destination>, Name),
    /// In a folder that a person chose.
    Outside {
        /// The folder.
        folder: Arc<Outside>,
        /// What stands there may go first, where both do not fit.
        replace: bool,
    },
}

impl Target {
    /// That of `order`.
    pub fn of(order: &Order, world: &World) -> Self {
        let name = match &order.aim {
            Aim::Rotation => Name::zip(order.hour_set(), world.archive()),
            Aim::Extra(reason) => Name::extra(order.begun, order.sequence, reason),
            Aim::Manual(manual) => {
                let folder = Outside::new(&manual.folder, world.archive(), Arc::clone(&world.ledger));
                return Self::Outside { folder: Arc::new(folder), replace: manual.replace };
            }
        };
        Self::Here(Arc::clone(&world.local), name)
    }

    /// The name that the terminal's copy takes too; `None` where the terminal gets none.
    pub fn name(&self) -> Option<&Name> {
        match self {
            Self::Here(_, name) => Some(name),
            Self::Outside { .. } => None,
        }
    }

    /// The zip's path for people.
    pub fn path(&self) -> String {
        match self {
            Self::Here(destination, name) => destination.path_of(name).display().to_string(),
            Self::Outside { folder, .. } => folder.path().display().to_string(),
        }
    }

    /// The folder's name for people.
    pub fn shown(&self) -> String {
        match self {
            Self::Here(destination, _) => destination.shown(),
            Self::Outside { folder, .. } => folder.shown(),
        }
    }

    /// Begins a zip of about `zip_bytes`.
    pub fn stage(&self, zip_bytes: u64) -> Result<Box<dyn Staged>> {
        match self {
            Self::Here(destination, name) => destination.stage(name),
            Self::Outside { folder, replace } => folder.stage(zip_bytes, *replace),
        }
    }

    /// Gives the zip its name.
    pub fn publish(&self, staged: Box<dyn Staged>) -> Result<()> {
        match self {
            Self::Here(..) => staged.publish(),
            Self::Outside { folder, .. } => folder.publish(staged),
        }
    }

    /// What a failed write means, where the packing's own words about the backup folder do not fit.
    pub fn explain_write(&self, error: &io::Error) -> Option<Problem> {
        match self {
            Self::Here(..) => None,
            Self::Outside { folder, .. } => Some(folder.explain(error)),
        }
    }
}
