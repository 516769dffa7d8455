//! Where a restore reads: the sets of server and terminal, what was kept outside the rotation, and files on any disk. Everything
//! here blocks.

use super::outcome::{Listed, Place, Source};
use super::{extract, problems};
use crate::archive::{self, Manifest};
use crate::backup::World;
use crate::backup::contents::{self, Held};
use crate::clock::Zone;
use crate::destination::{Destination, Name};
use crate::durable::ReadSeek;
use crate::platform;
use crate::problem::{Problem, Result};
use chrono::{DateTime, Utc};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most files of one folder that are listed.
const MOST_FILES: usize = 1_000;

/// A source that is open.
pub(super) struct Opened {
    pub reader: Box<dyn ReadSeek>,
    /// The file, as people know it.
    pub shown: String,
}

/// Opens `source`.
///
/// # Errors
/// There is nothing, or it cannot be read.
pub(super) fn open(source: &Source, world: &World) -> Result<Opened> {
    match source {
        Source::Set { set, place } => {
            let destination = destination(*place, world)?;
            let name = Name::zip(*set, world.archive());
            let shown = destination.path_of(&name).display().to_string();
            let reader = destination.open(&name)?.ok_or_else(|| problems::no_source(&shown))?;
            Ok(Opened { reader, shown })
        }
        Source::File { path } => open_file(path),
    }
}

fn destination(place: Place, world: &World) -> Result<Arc<dyn Destination>> {
    match place {
        Place::Server => Ok(Arc::clone(&world.local)),
        Place::Terminal => world.terminal.clone().ok_or_else(problems::no_terminal),
    }
}

fn open_file(path: &Path) -> Result<Opened> {
    if !path.is_absolute() {
        return Err(problems::relative(path));
    }
    let shown = path.display().to_string();
    // Not a pipe or a device, which would be waited for.
    let data = fs::metadata(path).map_err(|cause| missing_or(&shown, &cause))?;
    if !data.is_file() {
        return Err(problems::no_source(&shown));
    }
    let file = platform::open_shared(path).map_err(|cause| missing_or(&shown, &cause))?;
    Ok(Opened { reader: Box::new(file), shown })
}

fn missing_or(shown: &str, cause: &std::io::Error) -> Problem {
    if cause.kind() == std::io::ErrorKind::NotFound {
        problems::no_source(shown)
    } else {
        problems::unreadable(shown, cause)
    }
}

/// Every backup of one side: the rotation, the newest first, then what is kept outside of it.
///
/// # Errors
/// That side does not answer.
pub fn list(place: Place, world: &World) -> Result<Vec<Listed>> {
    let zone = world.clock.zone();
    let destination = destination(place, world)?;
    let held = contents::read(&*destination, world.archive())?;
    let mut listed: Vec<Listed> =
        held.iter().map(|held| of_set(held, place, &*destination, world, &zone)).collect();
    for (name, _) in destination.extras()? {
        let extra = of_file(&destination.path_of(&name), &zone);
        listed.extend(extra.map(|extra| Listed { place: Some(place), ..extra }));
    }
    Ok(listed)
}

/// The backup at `path`, or every zip and dump in the folder `path`.
///
/// # Errors
/// There is nothing, or it cannot be read.
pub fn describe(path: &Path, zone: &Zone) -> Result<Vec<Listed>> {
    if !path.is_absolute() {
        return Err(problems::relative(path));
    }
    let shown = path.display().to_string();
    let data = fs::metadata(path).map_err(|cause| missing_or(&shown, &cause))?;
    Ok(if data.is_dir() { of_folder(path, zone) } else { of_file(path, zone).into_iter().collect() })
}

fn of_set(held: &Held, place: Place, destination: &dyn Destination, world: &World, zone: &Zone) -> Listed {
    let path = destination.path_of(&Name::zip(held.set, world.archive()));
    let mut listed = blank(held.set.to_string(), &path, held.stat.bytes, held.stat.modified, zone);
    listed.place = Some(place);
    match &held.manifest {
        Some(manifest) => tell(&mut listed, manifest),
        None => listed.problem = Some(problems::no_manifest(&listed.path)),
    }
    listed
}

fn of_folder(folder: &Path, zone: &Zone) -> Vec<Listed> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let backup = |path: &PathBuf| {
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        ending.is_some_and(|ending| ending == "zip" || ending == "bak")
    };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(backup).take(MOST_FILES).collect();
    paths.sort();
    let mut listed: Vec<_> = paths.iter().filter_map(|path| of_file(path, zone)).collect();
    listed.sort_by_key(|listed| std::cmp::Reverse(listed.begun.unwrap_or(listed.modified)));
    listed
}

fn of_file(path: &Path, zone: &Zone) -> Option<Listed> {
    let data = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let modified = data.modified().map_or(DateTime::UNIX_EPOCH, DateTime::<Utc>::from);
    let mut listed = blank(path.display().to_string(), path, data.len(), modified, zone);
    let described = open_file(path).and_then(|mut opened| {
        if archive::is_zip(&mut *opened.reader)? {
            match archive::read_manifest(&mut *opened.reader)? {
                Some(manifest) => tell(&mut listed, &manifest),
                None => listed.problem = Some(problems::no_manifest(&listed.path)),
            }
        } else {
            let head = extract::head_of_dump(&mut *opened.reader)?;
            if let Some(description) = extract::describe(&head) {
                listed.database = Some(description.database);
                listed.server = Some(description.server);
                let started = description.started.and_then(|wall| zone.instants(wall).first().copied());
                listed.begun = started.map(|at| zone.local(at));
            }
        }
        Ok(())
    });
    if let Err(problem) = described {
        listed.problem = Some(problem);
    }
    Some(listed)
}

fn blank(from: String, path: &Path, bytes: u64, modified: DateTime<Utc>, zone: &Zone) -> Listed {
    Listed {
        from,
        place: None,
        path: path.display().to_string(),
        bytes,
        modified: zone.local(modified),
        begun: None,
        database: None,
        server: None,
        sequence: None,
        verified: None,
        verified_at: None,
        problem: None,
    }
}

fn tell(listed: &mut Listed, manifest: &Manifest) {
    let verdict = manifest.parts.iter().find_map(|part| part.verdict.as_ref());
    listed.begun = Some(manifest.begun);
    listed.database = Some(manifest.database.clone());
    listed.server = Some(manifest.server.clone());
    listed.sequence = Some(manifest.sequence);
    listed.verified = verdict.map(|verdict| verdict.text.clone());
    listed.verified_at = verdict.map(|_| manifest.finished);
}
