//! One file, read from its first byte to its last.

use crate::archive::{Content, Inspection, Manifest, Sha256Sum, inspect_zip};
use crate::bak;
use crate::destination::{Destination, Identity, Name};
use crate::problem::{Code, Problem, Result};
use crate::words;
use tokio_util::sync::CancellationToken;

/// What reading one file found.
#[derive(Clone, Debug, PartialEq)]
pub struct FileCheck {
    /// What it says of itself, where that can be read.
    pub manifest: Option<Manifest>,
    /// SHA-256 of the file, where all of it could be read.
    pub sha256: Option<Sha256Sum>,
    /// Bytes of the dumps in it that were checked.
    pub checked_bytes: u64,
    /// What is wrong with it; `None` where it is sound.
    pub problem: Option<Problem>,
}

/// Reads `name` at `destination`; `None` where there is no such file. `told` hears of the bytes of its dumps that were
/// checked. Blocks.
///
/// A file that its own medium cannot read back is damaged; so is what is no zip.
///
/// # Errors
/// The destination is not there (any more), or is not ours; [`Code::RunCancelled`] soon after `cancel`;
/// [`Code::ArchiveNewer`] for a file of a later version, of which nothing can be said.
pub fn check_file(
    destination: &dyn Destination,
    identity: &Identity,
    name: &Name,
    told: &dyn Fn(u64),
    cancel: &CancellationToken,
) -> Result<Option<FileCheck>> {
    let Some(mut file) = destination.open(name)? else { return Ok(None) };
    match inspect_zip(&mut *file, told, cancel) {
        Ok(inspection) => Ok(Some(judge(inspection))),
        Err(problem) if matches!(problem.code, Code::RunCancelled | Code::ArchiveNewer) => Err(problem),
        Err(problem) => {
            // Is it the file, or the whole destination?
            destination.check(identity)?;
            Ok(Some(FileCheck { manifest: None, sha256: None, checked_bytes: 0, problem: Some(problem) }))
        }
    }
}

fn judge(inspection: Inspection) -> FileCheck {
    let Inspection { sha256, content, .. } = inspection;
    let (report, dumps) = match content {
        Content::Zip { report, dumps } => (report, dumps),
        Content::Dump(examination) => {
            let problem = examination.problem(None).unwrap_or_else(without_manifest);
            return FileCheck { manifest: None, sha256, checked_bytes: 0, problem: Some(problem) };
        }
    };
    let confirmed = report.confirmed();
    let checked_bytes = dumps.iter().map(|dump| dump.examination.bytes).sum();
    let worse = dumps.iter().find_map(|dump| {
        // The hash says that it is the dump of that day. What the check said then was accepted then; only if the same bytes are
        // judged worse now, something is wrong with this machine or with that judgement.
        let was_good = report
            .manifest
            .as_ref()
            .and_then(|manifest| manifest.part(&dump.name)?.verdict.as_ref())
            .is_some_and(|verdict| verdict.code == "good");
        let is_bad = dump.examination.verdict == bak::Verdict::Damaged;
        (was_good && is_bad).then(|| dump.examination.problem(None)).flatten()
    });
    let problem = report.problem().cloned().or(worse).or_else(|| (!confirmed).then(without_manifest));
    FileCheck { manifest: report.manifest, sha256, checked_bytes, problem }
}

fn without_manifest() -> Problem {
    Problem::new(
        Code::ArchiveDamaged,
        words!(
            "O arquivo não traz o manifesto que prova o seu conteúdo.",
            "The file does not carry the manifest that proves its content."
        ),
        words!(
            "Não foi este programa que o gravou assim: use o backup de outra hora ou de outro dia.",
            "This program did not write it like this: use the backup of another hour or of another day."
        ),
    )
}
