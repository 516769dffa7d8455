//! `inspect FILE`: what a file is, whether it is whole, and what stands in it, without a server.

use super::hash::Sha256Sum;
use super::problems;
use super::testing::{self, Depth, TestReport};
use crate::bak::{Checker, Examination};
use crate::durable::ReadSeek;
use crate::problem::{Problem, Result};
use crate::words;
use crate::words::Words;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Bytes read at once.
const PIECE_BYTES: usize = 256 << 10;

/// A file that was inspected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, if all of it was read.
    pub sha256: Option<Sha256Sum>,
    /// What it is.
    pub content: Content,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A zip.
    Zip {
        /// What its test said.
        report: TestReport,
        /// The dumps in it.
        dumps: Vec<Dump>,
    },
    /// A dump, or something that is none: then the examination says so.
    Dump(Examination),
}

/// A dump in a zip.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dump {
    /// Name of its entry.
    pub name: String,
    /// What its check said.
    pub examination: Examination,
}

impl Inspection {
    /// The gravest thing that is wrong.
    pub fn problem(&self) -> Option<Problem> {
        match &self.content {
            Content::Dump(examination) => examination.problem(None),
            Content::Zip { report, dumps } => {
                let database = report.manifest.as_ref().map(|manifest| manifest.database.as_str());
                let of_dumps = || dumps.iter().find_map(|dump| dump.examination.problem(database));
                report.problem().cloned().or_else(of_dumps)
            }
        }
    }

    /// Whether the hashes of a manifest stand behind its content. A dump alone proves itself only to SQL Server.
    pub fn confirmed(&self) -> bool {
        match &self.content {
            Content::Zip { report, .. } => report.confirmed(),
            Content::Dump(_) => false,
        }
    }

    /// The result for people, one sentence for the file and one for each dump in it.
    pub fn sentences(&self) -> Vec<Words> {
        match &self.content {
            Content::Dump(examination) => vec![examination.sentence()],
            Content::Zip { report, dumps } => {
                let of_dumps = dumps.iter().map(|Dump { name, examination }| {
                    let Words { pt, en } = examination.sentence();
                    words!("{name}: {pt}", "{name}: {en}")
                });
                [report.sentence()].into_iter().chain(of_dumps).collect()
            }
        }
    }
}

/// Inspects the file at `path`: a zip, or a dump. Reads all of it; `progress` hears of the bytes of dumps that were
/// checked, packed or not. Blocks.
///
/// # Errors
///
/// [`Code::FolderIo`](crate::problem::Code::FolderIo) if it cannot be read,
/// [`Code::ArchiveDamaged`](crate::problem::Code::ArchiveDamaged) for a zip without a readable directory,
/// [`Code::ArchiveNewer`](crate::problem::Code::ArchiveNewer) for one of a later version,
/// [`Code::RunCancelled`](crate::problem::Code::RunCancelled) soon after `cancel`.
pub fn inspect(path: &Path, progress: &dyn Fn(u64), cancel: &CancellationToken) -> Result<Inspection> {
    let failed = |cause| problems::source_failed(&path.display().to_string(), &cause);
    let mut file = File::open(path).map_err(failed)?;
    if is_zip(&mut file)? {
        inspect_zip(&mut file, progress, cancel)
    } else {
        dump(path, file, progress, cancel)
    }
}

/// Whether a file begins as a zip does; leaves it at its beginning.
///
/// # Errors
///
/// [`Code::FolderIo`](crate::problem::Code::FolderIo) if reading fails.
pub fn is_zip(mut file: &mut dyn ReadSeek) -> Result<bool> {
    let mut magic = Vec::new();
    let read =
        file.rewind().and_then(|()| (&mut file).take(4).read_to_end(&mut magic)).and_then(|_| file.rewind());
    read.map_err(|cause| problems::unreadable(&cause))?;
    Ok([b"PK\x03\x04", b"PK\x05\x06"].iter().any(|known| magic == *known))
}

/// Inspects an open zip: every byte of it, and every page of the dumps in it; `progress` hears of the bytes of dumps that were
/// checked. Blocks.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_zip(
    reader: &mut dyn ReadSeek,
    progress: &dyn Fn(u64),
    cancel: &CancellationToken,
) -> Result<Inspection> {
    let mut dumps: Vec<(String, Checker)> = Vec::new();
    let mut done = 0;
    let mut observe = |name: &str, piece: &[u8]| {
        if !name.to_lowercase().ends_with(".bak") {
            return;
        }
        if dumps.last().is_none_or(|(last, _)| last != name) {
            dumps.push((name.to_owned(), Checker::new()));
        }
        if let Some((_, checker)) = dumps.last_mut() {
            checker.feed(piece);
        }
        done += piece.len() as u64;
        progress(done);
    };
    let report = testing::test(reader, Depth::Content, &mut observe, cancel)?;
    let dumps =
        dumps.into_iter().map(|(name, checker)| Dump { name, examination: checker.finish() }).collect();
    Ok(Inspection { bytes: report.bytes, sha256: report.sha256, content: Content::Zip { report, dumps } })
}

fn dump(
    path: &Path,
    mut file: File,
    progress: &dyn Fn(u64),
    cancel: &CancellationToken,
) -> Result<Inspection> {
    let mut checker = Checker::new();
    let mut sha = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut done = 0;
    loop {
        if cancel.is_cancelled() {
            return Err(problems::cancelled());
        }
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => {
                sha.update(&piece[..read]);
                checker.feed(&piece[..read]);
                done += read as u64;
                progress(done);
            }
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(problems::source_failed(&path.display().to_string(), &cause)),
        }
    }
    let sha256 = Some(Sha256Sum(sha.finalize().into()));
    Ok(Inspection { bytes: done, sha256, content: Content::Dump(checker.finish()) })
}
