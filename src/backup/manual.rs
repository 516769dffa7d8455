//! The manual backup (DM21): a zip in a folder that a person chose. It is made from a dump of its own, by the way of every other
//! run; or, where a run was going on when it was asked for, it is a copy of what that run made and verified.

use super::outcome::{CopyReport, Phase, Progress, RunReport};
use super::run::{Run, blocking, cancelled};
use super::target::Target;
use crate::archive::Sha256Sum;
use crate::destination::{Destination, Name, ReadBack, Staged};
use crate::problem::{Code, Problem, Result};
use crate::slot::{Hour, Set};
use crate::words;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// What a person asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Manual {
    /// The chosen folder.
    pub folder: PathBuf,
    /// What stands there may be deleted first, where both do not fit.
    pub replace: bool,
    /// The run for the rotation whose verified backup is copied; `None` for a dump of its own.
    pub source: Option<Box<RunReport>>,
}

/// A copy that is written, but neither read back nor under its name.
pub(super) struct Copied {
    staged: Box<dyn Staged>,
    /// Of what was written, hexadecimal.
    sha256: String,
}

/// Looks whether a zip of `zip_bytes` can be made in the chosen folder; nothing for every other run.
///
/// # Errors
/// As [`Outside::foresee`](crate::destination::Outside::foresee).
pub(super) async fn foresee(run: &Run<'_>, zip_bytes: u64) -> Result<()> {
    let Target::Outside { folder, replace } = run.target.clone() else { return Ok(()) };
    blocking(move || folder.foresee(zip_bytes, replace)).await
}

/// Copies the backup that `source` made into the chosen folder.
///
/// # Errors
/// The backup is not there any more; the chosen disk failed or is full; somebody stopped the run. Nothing is left there then.
pub(super) async fn copy(run: &mut Run<'_>, source: RunReport) -> Result<Copied> {
    let set = Hour::new(source.hour).map(Set::Hour).ok_or_else(|| Problem::internal("a run of no hour"))?;
    let (local, name) = (Arc::clone(&run.world.local), Name::zip(set, run.world.archive()));
    let (target, total) = (run.target.clone(), source.zip_bytes);
    let tell = teller(run, Phase::Packing, total);
    let copied = blocking(move || {
        let mut from = local.open(&name)?.ok_or_else(gone)?;
        let mut staged = target.stage(total)?;
        let written = write(&mut *from, &mut *staged, &*local, &target, &tell);
        finish(staged, written)
    });
    let (staged, sha256) = copied.await?;
    if sha256 != source.zip_sha256 {
        // Dropped, the copy is removed.
        return Err(gone());
    }
    run.report.bak_bytes = source.bak_bytes;
    run.report.bak_sha256 = source.bak_sha256;
    run.report.zip_bytes = source.zip_bytes;
    run.report.verdict = source.verdict;
    // What was wrong with that backup is wrong with its copy; that it is not everywhere is not.
    source.problems.into_iter().filter(|problem| is_of_the_content(problem.code)).for_each(|it| run.warn(it));
    Ok(Copied { staged, sha256 })
}

fn is_of_the_content(code: Code) -> bool {
    matches!(
        code,
        Code::BackupDamaged | Code::BackupTruncated | Code::BackupNotUnderstood | Code::DatabaseShrank
    )
}

fn write(
    from: &mut dyn Read,
    staged: &mut dyn Staged,
    local: &dyn Destination,
    target: &Target,
    tell: &dyn Fn(u64) -> Result<()>,
) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done_bytes = 0;
    loop {
        tell(done_bytes)?;
        let count = from.read(&mut buffer).map_err(|error| local.explain(&error))?;
        if count == 0 {
            return Ok(hex(hash));
        }
        hash.update(&buffer[..count]);
        staged
            .write_all(&buffer[..count])
            .map_err(|error| target.explain_write(&error).unwrap_or_else(|| local.explain(&error)))?;
        done_bytes += count as u64;
    }
}

/// Reads the copy back from its disk and gives it its name.
///
/// # Errors
/// What is read is not what was written; the disk failed; somebody stopped the run.
pub(super) async fn confirm(run: &mut Run<'_>, copied: Copied) -> Result<()> {
    let Copied { mut staged, sha256 } = copied;
    let (target, tell) = (run.target.clone(), teller(run, Phase::Confirming, run.report.zip_bytes));
    let expected = sha256.clone();
    let read = blocking(move || {
        let mut hash = Sha256::new();
        let (mut done_bytes, mut told) = (0, Ok(()));
        let read = staged.seal().and_then(|()| {
            staged.read_back(&mut |bytes| {
                hash.update(bytes);
                done_bytes += bytes.len() as u64;
                if told.is_ok() {
                    told = tell(done_bytes);
                }
            })
        });
        let read = read.and_then(|read| told.map(|()| read));
        let same = hex(hash) == expected;
        let read = read.and_then(|read| if same { Ok(read) } else { Err(differs(&target.path())) });
        let (staged, read) = finish(staged, read)?;
        target.publish(staged).map(|()| read)
    });
    let read = read.await?;
    run.report.zip_sha256 = sha256;
    note_made(run, read);
    Ok(())
}

/// Tells where the manual backup stands.
pub(super) fn note_made(run: &mut Run<'_>, read: ReadBack) {
    run.report.manual = Some(CopyReport {
        path: run.target.path(),
        done: true,
        from_medium: Some(read.from_medium),
        links_pending: false,
        bytes_per_sec: None,
    });
}

/// The staged file with what was made of it; discarded where that failed.
fn finish<T>(staged: Box<dyn Staged>, made: Result<T>) -> Result<(Box<dyn Staged>, T)> {
    match made {
        Ok(made) => Ok((staged, made)),
        Err(problem) => {
            if let Err(left) = staged.discard() {
                tracing::warn!(problem = %left, "an unfinished manual backup stays until the next start");
            }
            Err(problem)
        }
    }
}

/// Tells how far `phase` is, and whether to stop.
fn teller(run: &Run<'_>, phase: Phase, total_bytes: u64) -> impl Fn(u64) -> Result<()> + Send + use<> {
    let (meter, since) = run.meter();
    let cancel = run.cancel.clone();
    move |done_bytes| {
        let total_bytes = Some(total_bytes);
        let figures =
            Progress { phase, done_bytes, total_bytes, percent: None, copied_bytes: 0, left_secs: None };
        meter.tell(since, figures);
        if cancel.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }
}

fn hex(hash: Sha256) -> String {
    Sha256Sum(hash.finalize().into()).to_string()
}

fn gone() -> Problem {
    Problem::new(
        Code::ManualIo,
        words!(
            "O backup que seria copiado para a pasta escolhida não está mais no lugar.",
            "The backup that was to be copied to the chosen folder is not there any more."
        ),
        words!("Peça o backup manual de novo.", "Ask for the manual backup again."),
    )
}

fn differs(path: &str) -> Problem {
    Problem::new(
        Code::BackupReadBack,
        words!(
            "O que foi lido de volta de {path} não é o que foi gravado; a cópia foi descartada.",
            "What was read back from {path} is not what was written; the copy was discarded."
        ),
        words!(
            "Esse disco ou o cabo dele está falhando: use outro disco.",
            "That disk or its cable is failing: use another disk."
        ),
    )
}
