//! The promises of a destination, on every implementation; damage, kills, full disks and missing rights.

mod faults;
pub mod full_disk;
pub mod kill;
mod model;
pub mod rights;
mod suite;

use dmbackup::destination::{Destination, Folder, Identity, Kind, Name};
use dmbackup::durable::Ledger;
use dmbackup::slot::{ArchiveName, Day, Hour, Set};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

pub fn identity() -> Identity {
    Identity { shop: "Farmácia São João".to_owned(), agent: Uuid::from_u128(7) }
}

pub fn slot(hour: u8) -> Name {
    Name::zip(Set::Hour(Hour::new(hour).unwrap()), &ArchiveName::default())
}

pub fn newest() -> Name {
    Name::zip(Set::Newest, &ArchiveName::default())
}

pub fn monday() -> Name {
    Name::zip(Set::Day(Day::Segunda), &ArchiveName::default())
}

pub fn bak() -> Name {
    Name::bak(&ArchiveName::default())
}

/// The folder `root` with its ledger in `state`.
pub fn folder(kind: Kind, root: &Path, state: &Path) -> Folder {
    Folder::new(kind, root, ArchiveName::default(), Arc::new(Ledger::open(state)))
}

/// Stages, seals, reads back and publishes `content`.
pub fn store(destination: &dyn Destination, name: &Name, content: &[u8]) -> dmbackup::problem::Result<()> {
    let mut staged = destination.stage(name)?;
    for piece in content.chunks(10_000) {
        staged.write_all(piece).map_err(|error| destination.explain(&error))?;
    }
    staged.seal()?;
    let mut got = Vec::new();
    staged.read_back(&mut |piece| got.extend_from_slice(piece))?;
    if got != content {
        staged.discard()?;
        return Err(destination.explain(&std::io::ErrorKind::InvalidData.into()));
    }
    staged.publish()
}

pub fn content(destination: &dyn Destination, name: &Name) -> Option<Vec<u8>> {
    let mut file = destination.open(name).unwrap()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

/// Every file below `root`, relative to it, but for identity and lock.
pub fn files_below(root: &Path) -> Vec<PathBuf> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                walk(root, &path, found);
            } else if ![".dmbackup-id", ".dmbackup-lock"].contains(&name.as_str()) {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    if root.is_dir() {
        walk(root, root, &mut found);
    }
    found.sort();
    found
}

pub fn is_partial(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".partial")
}
