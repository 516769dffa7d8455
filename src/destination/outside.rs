//! A folder that a person chose for one manual backup (DM21): an external drive, a pen drive. It is no [`Destination`]: it
//! carries no identity, belongs to nobody, and may be pulled out at any time. Only the zip is written there, and the file that it
//! takes the place of is kept as `MCDados.anterior.zip` where there is room.
//!
//! [`Destination`]: super::Destination

mod problems;

use super::staged::{Owner, StagedFile, StagedPlace};
use super::{Name, Space, Staged, VolumeId, identity};
use crate::durable::{self, Ledger};
use crate::platform;
use crate::problem::{Problem, Result};
use crate::slot::{ArchiveName, Set};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub(super) use problems::explain;
#[cfg(test)]
pub(crate) use problems::replace;
pub use problems::silent;

/// The chosen folder.
#[derive(Debug)]
pub struct Outside {
    root: PathBuf,
    name: Name,
    zip: PathBuf,
    older: PathBuf,
    place: StagedPlace,
    /// Its volume, once it was looked at: a folder whose disk went away is another one.
    volume: OnceLock<VolumeId>,
    /// The largest file that its file system takes. Tests have another than their machine's.
    largest_file_bytes: fn(&Path) -> io::Result<Option<u64>>,
}

/// What a backup finds there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    free_bytes: u64,
    /// `MCDados.zip`, which would be kept.
    previous_bytes: Option<u64>,
    /// `MCDados.anterior.zip`, whose place it would take.
    older_bytes: Option<u64>,
}

/// What goes before the zip is written, and what it frees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// Nothing: all of it fits side by side.
    Enough,
    /// The file before the last one.
    WithoutOlder,
    /// Both: the new file will be the only one.
    WithoutBoth,
    /// Not even so.
    Missing {
        /// What is missing then.
        bytes: u64,
    },
}

impl Found {
    /// What has to go for `zip_bytes` (pure).
    fn room(&self, zip_bytes: u64) -> Room {
        let with_older = self.free_bytes.saturating_add(self.older_bytes.unwrap_or(0));
        let with_both = with_older.saturating_add(self.previous_bytes.unwrap_or(0));
        if zip_bytes <= self.free_bytes {
            Room::Enough
        } else if zip_bytes <= with_older {
            Room::WithoutOlder
        } else if zip_bytes <= with_both {
            Room::WithoutBoth
        } else {
            Room::Missing { bytes: zip_bytes - with_both }
        }
    }
}

impl Outside {
    /// The folder `root`, for a zip that is named after `archive`.
    pub fn new(root: &Path, archive: &ArchiveName, ledger: Arc<Ledger>) -> Self {
        let name = Name::zip(Set::Newest, archive);
        let zip = name.below(root);
        Self {
            older: root.join(format!("{archive}.anterior.zip")),
            zip,
            name,
            place: StagedPlace {
                owner: Owner::Nobody,
                shown: root.display().to_string(),
                root: root.to_owned(),
                ledger,
            },
            root: root.to_owned(),
            volume: OnceLock::new(),
            largest_file_bytes: platform::largest_file_bytes,
        }
    }

    /// Its name for people: the path.
    pub fn shown(&self) -> String {
        self.place.shown.clone()
    }

    /// Where the zip will stand.
    pub fn path(&self) -> &Path {
        &self.zip
    }

    /// Whether a zip of `zip_bytes` (0: not known) can be made there now. Writes nothing. `replace`: a person confirms that what
    /// stands there may go first, where both do not fit.
    ///
    /// # Errors
    /// `manual.missing`, `manual.place`, `manual.read-only`, `manual.file-limit`, `manual.full`, `manual.replace`.
    pub fn foresee(&self, zip_bytes: u64, replace: bool) -> Result<()> {
        let found = self.explained(self.look())?;
        if let Some(owner) = self.explained(self.owner())? {
            return Err(problems::of_the_rotation(&self.shown(), &owner.display().to_string()));
        }
        self.explained(platform::can_write_folder(&self.root))?;
        let largest = self.explained((self.largest_file_bytes)(&self.root))?;
        if let Some(largest) = largest.filter(|largest| zip_bytes > *largest) {
            return Err(problems::file_limit(&self.shown(), zip_bytes, largest));
        }
        match found.room(zip_bytes) {
            Room::Enough => Ok(()),
            Room::WithoutOlder | Room::WithoutBoth if replace => Ok(()),
            Room::WithoutOlder => Err(problems::replace(&self.shown(), &[&self.older])),
            Room::WithoutBoth if found.older_bytes.is_some() => {
                Err(problems::replace(&self.shown(), &[&self.older, &self.zip]))
            }
            Room::WithoutBoth => Err(problems::replace(&self.shown(), &[&self.zip])),
            Room::Missing { bytes } => Err(problems::does_not_fit(&self.shown(), bytes)),
        }
    }

    /// Begins the zip, after what has to go has gone.
    ///
    /// # Errors
    /// As [`foresee`](Self::foresee), and those of making a file.
    pub fn stage(&self, zip_bytes: u64, replace: bool) -> Result<Box<dyn Staged>> {
        self.foresee(zip_bytes, replace)?;
        let going: &[&PathBuf] = match self.explained(self.look())?.room(zip_bytes) {
            Room::Enough | Room::Missing { .. } => &[],
            Room::WithoutOlder => &[&self.older],
            Room::WithoutBoth => &[&self.older, &self.zip],
        };
        for path in going {
            tracing::warn!(file = %path.display(), "removed on request, to make room for the manual backup");
            self.explained(durable::remove_durably(path))?;
        }
        let staged = self.explained(StagedFile::begin(self.place.clone(), &self.name))?;
        Ok(Box::new(staged))
    }

    /// Gives the finished zip its name; what had it becomes `MCDados.anterior.zip`.
    ///
    /// # Errors
    /// Those of renaming; what had the name has it again then.
    pub fn publish(&self, staged: Box<dyn Staged>) -> Result<()> {
        let kept = match platform::rename_over(&self.zip, &self.older) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(self.explain(&error)),
        };
        let published = staged.publish();
        if published.is_err()
            && kept
            && let Err(error) = platform::rename_new(&self.older, &self.zip)
        {
            tracing::warn!(%error, folder = self.place.shown, "the file before stays under its other name");
        }
        published
    }

    /// An error met while reading or writing there.
    pub fn explain(&self, error: &io::Error) -> Problem {
        self.place.explain(error)
    }

    fn explained<T>(&self, result: io::Result<T>) -> Result<T> {
        result.map_err(|error| self.explain(&error))
    }

    fn look(&self) -> io::Result<Found> {
        if !fs::metadata(&self.root)?.is_dir() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let volume = platform::volume_id(&self.root)?;
        if *self.volume.get_or_init(|| volume) != volume {
            return Err(io::ErrorKind::NotFound.into());
        }
        let Space { free_bytes, .. } = platform::space(&self.root)?;
        Ok(Found { free_bytes, previous_bytes: length(&self.zip)?, older_bytes: length(&self.older)? })
    }

    /// The folder of a rotation, of this agent or of another, in which it lies.
    fn owner(&self) -> io::Result<Option<PathBuf>> {
        let path = fs::canonicalize(&self.root)?;
        Ok(path.ancestors().find(|folder| folder.join(identity::FILE).exists()).map(Path::to_owned))
    }
}

fn length(path: &Path) -> io::Result<Option<u64>> {
    match fs::symlink_metadata(path) {
        Ok(data) => Ok(Some(data.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes what an earlier process left half-made in chosen folders, and returns it. What lies on a disk that is not there now
/// stays recorded. Only at the start, while nothing is made.
pub fn scrub_outside(ledger: &Ledger) -> Vec<PathBuf> {
    let mut removed = Vec::new();
    for path in ledger.recorded() {
        let Some(folder) = path.parent().filter(|folder| folder.is_dir()) else { continue };
        // What lies in a folder of a rotation is for that one's own scrub.
        let of_a_rotation =
            folder.ancestors().take(Name::MOST_PARTS).any(|it| it.join(identity::FILE).exists());
        if of_a_rotation || !path.exists() {
            continue;
        }
        match ledger.scrub(&path) {
            Ok(paths) => removed.extend(paths),
            Err(error) => tracing::warn!(path = %path.display(), %error, "left for the next start"),
        }
    }
    removed
}

#[cfg(test)]
mod tests;
