//! From a zip or a loose dump to the file that SQL Server reads: streamed in bounded memory, with its hashes and pages checked on
//! the way. What a file says of itself is believed only where it can be checked; an entry's name is never a path.

use super::problems;
use crate::archive::{self, Depth, Manifest, TestReport};
use crate::bak::{Checker, Description, Examination};
use crate::durable::ReadSeek;
use crate::platform;
use crate::problem::{Problem, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, SeekFrom, Write};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// A dump describes itself within its first bytes: 1.5 KiB, and 1.2 KiB for each file of the database.
const HEAD_BYTES: u64 = 256 << 10;
/// Bytes read and written at once.
const PIECE_BYTES: usize = 256 << 10;

/// What a source is, before any of its content is believed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// The dump's entry; `None` for a loose dump.
    pub entry: Option<String>,
    /// Size of the dump in bytes, as recorded.
    pub dump_bytes: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// What the zip says of itself.
    pub manifest: Option<Manifest>,
    /// What the dump says of itself; `None` where only SQL Server can read it.
    pub description: Option<Description>,
}

/// A dump that was written out.
#[derive(Debug)]
pub(super) struct Extracted {
    /// What its check said.
    pub examination: Examination,
    /// Whether the hash of a manifest stands behind it.
    pub confirmed: bool,
}

/// Looks at a source: what it is, and which dump in it is that of `database`. Reads its directory and the dump's first bytes.
///
/// # Errors
/// What cannot be restored from: no dump in it, an entry that leads outside, encrypted, a damaged directory.
pub(super) fn look(reader: &mut dyn ReadSeek, database: &str) -> Result<Shape> {
    if !archive::is_zip(reader)? {
        let bytes = length(reader)?;
        let description = describe(&head_of_dump(reader)?);
        return Ok(Shape { entry: None, dump_bytes: bytes, bytes, manifest: None, description });
    }
    let report = archive::test(reader, Depth::Structure, &mut |_, _| {}, &CancellationToken::new())?;
    if let Some(entry) = report.entries.iter().find(|entry| escapes(&entry.name)) {
        return Err(problems::escaping_entry(&entry.name));
    }
    if let Some(problem) = report.problem() {
        return Err(problem.clone());
    }
    let chosen = choose(&report, database)?;
    if chosen.encrypted {
        return Err(problems::encrypted(&chosen.name));
    }
    let (entry, dump_bytes) = (chosen.name.clone(), chosen.bytes);
    let head = archive::read_head(reader, &entry, HEAD_BYTES)?;
    Ok(Shape {
        description: describe(&head),
        entry: Some(entry),
        dump_bytes,
        bytes: report.bytes,
        manifest: report.manifest,
    })
}

/// The entry with the dump of `database`: the one that the manifest says was checked, or the only one that is a dump by name.
fn choose<'r>(report: &'r TestReport, database: &str) -> Result<&'r archive::EntryReport> {
    let of_manifest = report.manifest.as_ref().map(|manifest| {
        let dumps = manifest.parts.iter().filter(|part| part.verdict.is_some());
        dumps.map(|part| part.name.as_str()).collect::<Vec<_>>()
    });
    let is_dump = |name: &str| match &of_manifest {
        Some(names) => names.contains(&name),
        None => name.to_lowercase().ends_with(".bak"),
    };
    let found: Vec<_> = report.entries.iter().filter(|entry| is_dump(&entry.name)).collect();
    let own = archive::entry_name(database).to_lowercase();
    match found.as_slice() {
        [] => Err(problems::no_dump()),
        [only] => Ok(only),
        several => several.iter().find(|entry| entry.name.to_lowercase() == own).copied().ok_or_else(|| {
            problems::several_dumps(&several.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>())
        }),
    }
}

/// Whether a name of an entry would lead outside of the folder that it is extracted to, on any system.
fn escapes(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    drive || name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..")
}

/// The first bytes of a loose dump.
pub(super) fn head_of_dump(reader: &mut dyn ReadSeek) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let read = reader
        .seek(SeekFrom::Start(0))
        .and_then(|_| Read::take(&mut *reader, HEAD_BYTES).read_to_end(&mut head));
    read.map_err(|cause| problems::unreadable(".bak", &cause))?;
    Ok(head)
}

/// What a dump that begins with `head` says of itself.
pub(super) fn describe(head: &[u8]) -> Option<Description> {
    let mut checker = Checker::new();
    checker.feed(head);
    checker.finish().description
}

fn length(reader: &mut dyn ReadSeek) -> Result<u64> {
    reader.seek(SeekFrom::End(0)).map_err(|cause| problems::unreadable(".bak", &cause))
}

/// Writes the dump of `shape` to the new file `target`, which SQL Server may read, and syncs it. `progress` hears of the bytes
/// that are written. The file is whoever calls to remove.
///
/// # Errors
/// The source is damaged or not what its manifest records; reading or writing fails; [`Code::RunCancelled`] soon after `cancel`.
///
/// [`Code::RunCancelled`]: crate::problem::Code::RunCancelled
pub(super) fn extract(
    reader: &mut dyn ReadSeek,
    shape: &Shape,
    target: &Path,
    progress: &mut dyn FnMut(u64),
    cancel: &CancellationToken,
) -> Result<Extracted> {
    let shown = target.display().to_string();
    let failed = |cause: io::Error| problems::cannot_stage(&shown, &cause);
    let mut options = OpenOptions::new();
    let file = platform::private(options.write(true).create_new(true)).open(target).map_err(failed)?;
    platform::share_like_folder(target).map_err(failed)?;
    let mut out = Out {
        file: BufWriter::with_capacity(PIECE_BYTES, file),
        checker: Checker::new(),
        done_bytes: 0,
        limit_bytes: shape.dump_bytes,
        progress,
    };
    let confirmed = match &shape.entry {
        Some(entry) => from_zip(reader, entry, &mut out, cancel).map_err(|stop| stop.problem(&shown))?,
        None => from_dump(reader, &mut out, cancel).map_err(|stop| stop.problem(&shown))?,
    };
    let Out { file, checker, .. } = out;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(Extracted { examination: checker.finish(), confirmed })
}

/// Why an extraction stopped.
enum Stop {
    Source(Problem),
    Target(io::Error),
}

impl Stop {
    fn problem(self, shown: &str) -> Problem {
        match self {
            Self::Source(problem) => problem,
            Self::Target(cause) => problems::cannot_stage(shown, &cause),
        }
    }
}

/// Where the dump goes: the file, the checker, whoever watches.
struct Out<'p> {
    file: BufWriter<File>,
    checker: Checker,
    done_bytes: u64,
    limit_bytes: u64,
    progress: &'p mut dyn FnMut(u64),
}

impl Out<'_> {
    fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        self.done_bytes += piece.len() as u64;
        if self.done_bytes > self.limit_bytes {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than it says"));
        }
        self.file.write_all(piece)?;
        self.checker.feed(piece);
        (self.progress)(self.done_bytes);
        Ok(())
    }
}

fn from_zip(
    reader: &mut dyn ReadSeek,
    entry: &str,
    out: &mut Out<'_>,
    cancel: &CancellationToken,
) -> Result<bool, Stop> {
    let stop = cancel.child_token();
    let mut failed = None;
    let mut observe = |name: &str, piece: &[u8]| {
        if name == entry
            && failed.is_none()
            && let Err(cause) = out.take(piece)
        {
            failed = Some(cause);
            stop.cancel();
        }
    };
    let tested = archive::test(reader, Depth::Content, &mut observe, &stop);
    if let Some(cause) = failed {
        return Err(Stop::Target(cause));
    }
    let report = match tested {
        Ok(report) => report,
        Err(_) if cancel.is_cancelled() => return Err(Stop::Source(problems::cancelled())),
        Err(problem) => return Err(Stop::Source(problem)),
    };
    match report.problem() {
        Some(problem) => Err(Stop::Source(problem.clone())),
        None => Ok(report.confirmed()),
    }
}

fn from_dump(reader: &mut dyn ReadSeek, out: &mut Out<'_>, cancel: &CancellationToken) -> Result<bool, Stop> {
    let unreadable = |cause: io::Error| Stop::Source(problems::unreadable(".bak", &cause));
    reader.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        if cancel.is_cancelled() {
            return Err(Stop::Source(problems::cancelled()));
        }
        match reader.read(&mut piece) {
            Ok(0) => return Ok(false),
            Ok(read) => out.take(&piece[..read]).map_err(Stop::Target)?,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(unreadable(cause)),
        }
    }
}

#[cfg(test)]
#[path = "extract_tests.rs"]
mod tests;
