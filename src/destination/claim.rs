//! Entering a destination: claimed once, at its first configuration; afterwards it must carry our identity.

use super::{Destination, Identity, Kind, Mark, identity, problems};
use crate::durable;
use crate::platform;
use crate::problem::Result;
use crate::slot::{ArchiveName, Set};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where what another program left is moved.
const ANTERIOR: &str = "anterior";

/// The destinations that an agent has claimed, kept in its state folder: one that is known must carry its identity, so
/// that the empty folder below an unmounted share is not taken for a new destination.
#[derive(Debug)]
pub struct Claims {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug)]
enum Known {
    These(BTreeSet<String>),
    /// The record was there and cannot be read: everything may have been claimed.
    Unreadable,
}

impl Claims {
    const FILE: &str = "destinations.json";
    const LONGEST_BYTES: u64 = 1 << 20;

    /// The record in the state folder `state`.
    pub fn open(state: &Path) -> Self {
        let path = state.join(Self::FILE);
        let known = match durable::read_bounded(&path, Self::LONGEST_BYTES) {
            Ok(None) => Known::These(BTreeSet::new()),
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_or(Known::Unreadable, Known::These),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "the record of destinations cannot be read");
                Known::Unreadable
            }
        };
        Self { path, known: Mutex::new(known) }
    }

    fn is_known(&self, destination: &dyn Destination) -> bool {
        match &*self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            Known::These(these) => these.contains(&key(destination)),
            Known::Unreadable => true,
        }
    }

    /// Keeps that `destination` is claimed. One that cannot be kept is claimed again, which changes nothing.
    fn keep(&self, destination: &dyn Destination) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut these = match &*known {
            Known::These(these) => these.clone(),
            Known::Unreadable => BTreeSet::new(),
        };
        these.insert(key(destination));
        let written = serde_json::to_vec_pretty(&these)
            .map_err(io::Error::from)
            .and_then(|bytes| durable::write_atomically(&self.path, &bytes));
        if let Err(error) = written {
            tracing::error!(path = %self.path.display(), %error, "the record of destinations cannot be written");
        }
        *known = Known::These(these);
    }
}

fn key(destination: &dyn Destination) -> String {
    let kind = match destination.kind() {
        Kind::Server => "server",
        Kind::Terminal => "terminal",
    };
    format!("{kind} {}", destination.shown())
}

/// Enters a destination: one that this agent never used is claimed, one that it did must be there, ours and writable.
/// Returns what the claim moved aside.
///
/// # Errors
/// As [`Destination::check`] and [`Destination::claim`].
pub fn enter(destination: &dyn Destination, id: &Identity, claims: &Claims) -> Result<Vec<PathBuf>> {
    let known = claims.is_known(destination);
    // An empty identity file is a person's word that the folder is to be taken.
    if known && destination.mark()? != Mark::Offered {
        return destination.check(id).map(|()| Vec::new());
    }
    let moved = destination.claim(id)?;
    destination.check(id)?;
    claims.keep(destination);
    Ok(moved)
}

/// Claims the folder `root`. See [`Destination::claim`].
pub(super) fn claim_folder(
    kind: Kind,
    root: &Path,
    archive: &ArchiveName,
    id: &Identity,
) -> Result<Vec<PathBuf>> {
    let shown = root.display().to_string();
    let explain = |error: io::Error| problems::explain(kind, &shown, &error);
    // Its parent must exist: a path below a disk that is not there is not made up.
    platform::make_private_folder(root).map_err(explain)?;
    platform::can_write_folder(root).map_err(explain)?;
    match Mark::of_folder(root).map_err(explain)? {
        Mark::Of(found) if found.agent == id.agent => return Ok(Vec::new()),
        Mark::Of(found) => return Err(problems::of_another(kind, &shown, Some(&found.shop))),
        Mark::Unreadable => return Err(problems::of_another(kind, &shown, None)),
        Mark::Offered | Mark::Absent => {}
    }
    let moved = move_aside(root, archive).map_err(explain)?;
    let mark = root.join(identity::FILE);
    durable::remove_durably(&mark).map_err(explain)?;
    match durable::write_new(&mark, &id.written()) {
        // Two agents at once: the other one was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(problems::of_another(kind, &shown, None))
        }
        written => written.map(|()| moved).map_err(explain),
    }
}

/// Moves everything that bears our archive's name and is not ours to `anterior/`, under the same folders there.
fn move_aside(root: &Path, archive: &ArchiveName) -> io::Result<Vec<PathBuf>> {
    let mut moved = Vec::new();
    let folders = Set::all().map(|set| set.folder());
    for folder in folders {
        let from = folder.as_ref().map_or_else(|| root.to_owned(), |folder| root.join(folder));
        let found = match fs::read_dir(&from) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let aside =
            folder.as_ref().map_or_else(|| root.join(ANTERIOR), |folder| root.join(ANTERIOR).join(folder));
        for entry in found {
            let entry = entry?;
            if bears_name(&entry.file_name(), archive) && !entry.file_type()?.is_dir() {
                moved.push(move_into(&entry.path(), root, &aside)?);
            }
        }
        if !moved.is_empty() {
            platform::sync_folder(&from)?;
        }
    }
    Ok(moved)
}

/// Whether a file is named `<archive>.<something>`, as a file system that ignores case sees it.
fn bears_name(file: &OsStr, archive: &ArchiveName) -> bool {
    let (file, archive) = (file.to_string_lossy().to_lowercase(), archive.as_str().to_lowercase());
    file.strip_prefix(&archive).is_some_and(|rest| rest.starts_with('.'))
}

fn move_into(file: &Path, root: &Path, aside: &Path) -> io::Result<PathBuf> {
    platform::make_folder_inside(&root.join(ANTERIOR))?;
    platform::make_folder_inside(aside)?;
    let (stem, extension) = (file.file_stem().unwrap_or_default(), file.extension().unwrap_or_default());
    let (stem, extension) = (stem.to_string_lossy(), extension.to_string_lossy());
    let mut number = 1_u32;
    loop {
        let name = if number == 1 {
            format!("{stem}.{extension}")
        } else {
            format!("{stem} ({number}).{extension}")
        };
        let target = aside.join(name);
        match platform::rename_new(file, &target) {
            Ok(()) => {
                platform::sync_folder(aside)?;
                return Ok(target);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            Err(error) => return Err(error),
        }
    }
}
