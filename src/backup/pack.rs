//! The one pass over the dump (DM18, DM19): page checks, hash and Deflate from one reading, while the terminal's copy follows
//! the zip as it grows. The verdict falls before the manifest is written, so that the backup carries it.

use super::dump::{Dumped, Seen, Stamp};
use super::growth::{End, Growth, Tracked};
use super::outcome::{Phase, Progress};
use super::prepare::Prepared;
use super::run::{Run, blocking, cancelled};
use super::target::Target;
use super::terminal::TerminalCopy;
use super::verdict::{self, Acceptance, Arbitration};
use super::{describe, level};
use crate::archive::{self, Level, Manifest, PackOptions, Part, PartDigest};
use crate::bak::{Checker, Examination};
use crate::destination::Staged;
use crate::problem::{Code, Problem, Result};
use crate::sqlserver::Server;
use crate::words::Words;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// A zip that is written but has not taken its name.
pub(super) struct Packed {
    pub dumped: Dumped,
    /// What was read of the dump.
    pub seen: Seen,
    pub staged: Box<dyn Staged>,
    pub zip: archive::Packed,
    pub terminal: Option<TerminalCopy>,
    /// The time for which the backup folder was waited for.
    pub writing: Duration,
    /// Whether it may replace the weekday's set: a dump that is damaged or ends early may not, whatever the server says of it.
    /// One that is not understood may: that the server verified it is all that can be had of its kind.
    pub fit_for_weekday: bool,
}

/// What the blocking pass hands back.
struct Pass {
    staged: Box<dyn Staged>,
    stamp: Stamp,
    zip: archive::Packed,
    writing: Duration,
    verdict: Words,
    warning: Option<Problem>,
}

/// Packs the dump.
///
/// # Errors
/// The dump is refused, the backup folder's disk failed or is full, or somebody stopped the run. What was begun on both
/// sides is removed again.
pub(super) async fn pack(run: &mut Run<'_>, prepared: &Prepared, dumped: Dumped) -> Result<Packed> {
    let (target, zip_bytes) = (run.target.clone(), prepared.zip_bytes);
    let staged = blocking(move || target.stage(zip_bytes)).await?;
    let level = level::choose(run, prepared);
    let growth = Arc::new(Growth::default());
    let terminal = follow(run, prepared, &growth, &*staged);
    let copied = terminal.as_ref().map(TerminalCopy::meter);
    let job = Job {
        dump: dumped.staged.path().to_owned(),
        seen_by_server: dumped.seen_by_server.clone(),
        database: run.world.database()?.as_str().to_owned(),
        manifest: describe::manifest(run, prepared, dumped.rows.clone())?,
        opaque_is_normal: prepared.opaque_is_normal,
        server: run.world.server.clone(),
        cancel: run.cancel.clone(),
        growth: Arc::clone(&growth),
        target: run.target.clone(),
        options: options_of(run, level, &dumped)?,
    };
    let (meter, since) = run.meter();
    let total = dumped.bytes;
    let progress = move |done: u64| {
        let copied_bytes = copied.as_ref().map_or(0, |copied| copied());
        meter.tell(
            since,
            Progress {
                phase: Phase::Packing,
                done_bytes: done,
                total_bytes: Some(total),
                percent: None,
                copied_bytes,
                left_secs: None,
            },
        );
    };
    match blocking(move || job.work(staged, &progress)).await {
        Ok(pass) => {
            growth.end(End::Finished);
            note(run, &pass);
            let fit_for_weekday = !pass.warning.as_ref().is_some_and(is_damage);
            if let Some(warning) = pass.warning {
                run.warn(warning);
            }
            let Pass { staged, stamp, zip, writing, .. } = pass;
            let seen = Seen { stamp, sha256: zip.part.sha256 };
            Ok(Packed { dumped, seen, staged, zip, terminal, writing, fit_for_weekday })
        }
        Err(problem) => {
            growth.end(End::Abandoned);
            if let Some(copy) = terminal {
                discard(copy).await;
            }
            Err(problem)
        }
    }
}

/// Ends a terminal's copy that is not wanted any more.
pub(super) async fn discard(copy: TerminalCopy) {
    if let Err(problem) = copy.discard().await {
        tracing::warn!(%problem, "the unfinished copy at the terminal");
    }
}

fn follow(
    run: &mut Run<'_>,
    prepared: &Prepared,
    growth: &Arc<Growth>,
    staged: &dyn Staged,
) -> Option<TerminalCopy> {
    let terminal = Arc::clone(prepared.terminal.as_ref()?);
    let name = run.target.name()?.clone();
    let started = File::open(staged.path())
        .map_err(|error| run.world.local.explain(&error))
        .and_then(|source| TerminalCopy::start(terminal, name, Arc::clone(growth), Box::new(source)));
    started.map_err(|problem| run.warn(problem)).ok()
}

fn options_of(run: &Run<'_>, level: Level, dumped: &Dumped) -> Result<PackOptions> {
    let world = run.world;
    Ok(PackOptions {
        entry_name: archive::entry_name(world.database()?.as_str()),
        level,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        modified: run.order.begun,
        total_bytes: Some(dumped.bytes),
        source_shown: dumped.staged.path().display().to_string(),
        sink_shown: run.target.path(),
    })
}

fn note(run: &mut Run<'_>, pass: &Pass) {
    run.report.zip_bytes = pass.zip.seal.bytes;
    run.report.bak_sha256 = pass.zip.part.sha256.to_string();
    run.report.verdict = Some(pass.verdict.clone());
}

fn is_damage(problem: &Problem) -> bool {
    matches!(problem.code, Code::BackupDamaged | Code::BackupTruncated)
}

/// What was written, and what is thought of it.
struct Written {
    stamp: Stamp,
    zip: archive::Packed,
    writing: Duration,
    verdict: Words,
    warning: Option<Problem>,
}

struct Job {
    dump: PathBuf,
    seen_by_server: String,
    database: String,
    manifest: Manifest,
    opaque_is_normal: bool,
    server: Server,
    cancel: CancellationToken,
    growth: Arc<Growth>,
    target: Target,
    options: PackOptions,
}

impl Job {
    /// Runs on a blocking thread: reads the dump once.
    fn work(self, mut staged: Box<dyn Staged>, progress: &(dyn Fn(u64) + Sync)) -> Result<Pass> {
        match self.write(&mut *staged, progress) {
            Ok(Written { stamp, zip, writing, verdict, warning }) => {
                Ok(Pass { staged, stamp, zip, writing, verdict, warning })
            }
            Err(problem) => {
                if let Err(left) = staged.discard() {
                    tracing::warn!(problem = %left, "an unfinished zip stays until the next start");
                }
                Err(problem)
            }
        }
    }

    fn write(&self, staged: &mut dyn Staged, progress: &(dyn Fn(u64) + Sync)) -> Result<Written> {
        let unreadable = |error| describe::dump_unreadable(&self.dump, &error);
        let mut source = File::open(&self.dump).map_err(unreadable)?;
        // Before the first byte is read: what changes from then on is noticed.
        let stamp = Stamp::of(&source.metadata().map_err(unreadable)?);
        let checker = Mutex::new(Some(Checker::new()));
        let mut observe = |bytes: &[u8]| {
            if let Some(checker) = lock(&checker).as_mut() {
                checker.feed(bytes);
            }
        };
        let mut judged = None;
        let mut manifest = |part: &PartDigest| {
            let checker = lock(&checker).take().ok_or_else(|| Problem::internal("two dumps in one zip"))?;
            let (words, warning) = self.judge(&checker.finish())?;
            let mut manifest = self.manifest.clone();
            manifest.parts.push(Part::new(part, Some(describe::verdict(&words, warning.as_ref()))));
            judged = Some((words, warning));
            Ok(manifest)
        };
        let mut sink = Tracked::new(staged, &self.growth);
        let packed = archive::pack(
            &mut source,
            &mut sink,
            &self.options,
            &mut observe,
            progress,
            &mut manifest,
            &self.cancel,
        );
        let writing = sink.busy();
        let zip = packed.map_err(|problem| {
            let explained = sink.failure().and_then(|error| self.target.explain_write(&error));
            explained.unwrap_or(problem)
        })?;
        let (verdict, warning) = judged.ok_or_else(|| Problem::internal("a zip without a verdict"))?;
        Ok(Written { stamp, zip, writing, verdict, warning })
    }

    /// The verdict on the dump: the reader's, or SQL Server's where the reader is not sure.
    fn judge(&self, examination: &Examination) -> Result<(Words, Option<Problem>)> {
        let database = &self.database;
        let server_says = match verdict::arbitration(examination, database) {
            Arbitration::NotNeeded => None,
            Arbitration::Needed => {
                Some(Handle::current().block_on(self.server.verify_only(&self.seen_by_server, &self.cancel)))
            }
        };
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        match verdict::acceptance(examination, database, server_says.as_ref(), self.opaque_is_normal) {
            Acceptance::Accepted { words, warning } => Ok((words, warning)),
            Acceptance::Refused(problem) => Err(problem),
        }
    }
}

fn lock(checker: &Mutex<Option<Checker>>) -> MutexGuard<'_, Option<Checker>> {
    checker.lock().unwrap_or_else(PoisonError::into_inner)
}
