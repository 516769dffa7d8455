//! What stands at a destination, as the files themselves tell it: a backup describes itself, so that nothing here needs the
//! journal.

use crate::archive::{self, Manifest};
use crate::destination::{Destination, Name, Stat};
use crate::problem::Result;
use crate::slot::{ArchiveName, Set};
use std::io;

/// One file of the rotation.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its place in the rotation.
    pub set: Set,
    /// Size and age on the disk.
    pub stat: Stat,
    /// What it says of itself; `None` where it is none of ours or cannot be read.
    pub manifest: Option<Manifest>,
}

impl Held {
    /// Its place among the backups; 0 for a file that does not say.
    pub fn sequence(&self) -> u64 {
        self.manifest.as_ref().map_or(0, |manifest| manifest.sequence)
    }
}

/// Reads every file of the rotation at `destination`, the newest backup first.
///
/// # Errors
/// The destination cannot be read. A single unreadable file is told as one without a manifest.
pub fn read(destination: &dyn Destination, archive: &ArchiveName) -> Result<Vec<Held>> {
    let mut held = Vec::new();
    for set in Set::all() {
        let name = Name::zip(set, archive);
        if let Some(stat) = destination.stat(&name)? {
            held.push(Held { set, stat, manifest: manifest(destination, &name) });
        }
    }
    held.sort_by_key(|held| std::cmp::Reverse(held.sequence()));
    Ok(held)
}

fn manifest(destination: &dyn Destination, name: &Name) -> Option<Manifest> {
    let read = || match destination.open(name)? {
        Some(mut file) => archive::read_manifest(&mut *file),
        // It was there a moment ago.
        None => Err(destination.explain(&io::ErrorKind::NotFound.into())),
    };
    // One stumble of a disk or a share must not hide a backup.
    read()
        .or_else(|_stumbled| read())
        .inspect_err(|problem| tracing::warn!(%name, %problem, "a file of the rotation cannot be read"))
        .ok()
        .flatten()
}

/// The highest sequence number that stands anywhere among `held`.
pub fn highest_sequence(held: &[Held]) -> u64 {
    held.iter().map(Held::sequence).max().unwrap_or(0)
}

/// Size in bytes of the dump in the newest weekday's set: what the next dump is compared with, since a weekday is never
/// replaced by a database that shrank without a person's word.
pub fn usual_dump_bytes(held: &[Held]) -> Option<u64> {
    held.iter()
        .filter(|held| matches!(held.set, Set::Day(_)))
        .max_by_key(|held| held.sequence())
        .and_then(|held| held.manifest.as_ref())
        .map(Manifest::dump_bytes)
}
