//! The end of a run: what was written is read back and takes its good names. On the server first: the slot is renamed into
//! place, then the newest and the weekday are linked, then the dump becomes `MCDados.bak`; the terminal follows.

use super::aim::Aim;
use super::along::rate;
use super::dump::{Dumped, Seen};
use super::grains::{Grains, Reading};
use super::links::{self, Linking};
use super::manual;
use super::outcome::{CopyReport, Phase, Progress};
use super::pack::{self, Packed};
use super::pending;
use super::run::{Run, blocking, cancelled};
use super::terminal::{Copied, Publish, TerminalCopy};
use crate::archive::{self, Seal, Sha256Sum};
use crate::destination::{ReadBack, Staged};
use crate::problem::{Code, Problem, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Reads back, publishes, links.
///
/// # Errors
/// The server's side failed or somebody stopped the run: nothing took a new name. A terminal that failed is a Warning.
pub(super) async fn confirm(run: &mut Run<'_>, packed: Packed) -> Result<()> {
    let Packed { dumped, seen, staged, zip, terminal, writing, fit_for_weekday } = packed;
    let read_back = read_back(run, staged, zip.seal, terminal.as_ref()).await;
    let Confirmed { staged, sha256, grains, read, sealing } = match read_back {
        Ok(read) => read,
        Err(problem) => return give_up(terminal, problem).await,
    };
    let bytes_per_sec = rate(zip.seal.bytes, writing + sealing);
    let linking = linking(run, fit_for_weekday);
    if let Err(problem) = publish(run, staged, linking.as_ref(), read, bytes_per_sec).await {
        return give_up(terminal, problem).await;
    }
    run.report.zip_sha256 = sha256.to_string();
    keep_dump(run, dumped, seen).await;
    if let Some(linking) = linking {
        finish_terminal(run, terminal, grains, linking).await;
    }
    Ok(())
}

/// The zip on the server, read back.
struct Confirmed {
    staged: Box<dyn Staged>,
    sha256: Sha256Sum,
    /// For the comparison with a copy elsewhere; empty where there is none.
    grains: Grains,
    read: ReadBack,
    /// The time for which the backup folder was waited for.
    sealing: Duration,
}

async fn give_up(terminal: Option<TerminalCopy>, problem: Problem) -> Result<()> {
    if let Some(copy) = terminal {
        pack::discard(copy).await;
    }
    Err(problem)
}

async fn read_back(
    run: &Run<'_>,
    mut staged: Box<dyn Staged>,
    seal: Seal,
    terminal: Option<&TerminalCopy>,
) -> Result<Confirmed> {
    let (meter, since) = run.meter();
    let copied = terminal.map(TerminalCopy::meter);
    let cancel: CancellationToken = run.cancel.clone();
    let shown = run.target.shown();
    blocking(move || {
        let mut compared = archive::ReadBack::new(seal);
        // Only a copy elsewhere is compared by them.
        let mut grains = copied.is_some().then(|| Reading::from(0));
        let mut done_bytes = 0;
        let mut told = |bytes: &[u8]| {
            compared.feed(bytes);
            if let Some(grains) = &mut grains {
                grains.feed(bytes);
            }
            done_bytes += bytes.len() as u64;
            meter.tell(
                since,
                Progress {
                    phase: Phase::Confirming,
                    done_bytes,
                    total_bytes: Some(seal.bytes),
                    percent: None,
                    copied_bytes: copied.as_ref().map_or(0, |copied| copied()),
                    left_secs: None,
                },
            );
        };
        let begun = Instant::now();
        let sealed = staged.seal();
        let sealing = begun.elapsed();
        let read = sealed.and_then(|()| staged.read_back(&mut told));
        let stopped = if cancel.is_cancelled() { Err(cancelled()) } else { Ok(()) };
        let read = read
            .and_then(|read| Ok((compared.finish(&shown)?, read)))
            .and_then(|read| stopped.map(|()| read));
        match read {
            Ok((sha256, read)) => {
                let grains = grains.map(Reading::finish).unwrap_or_default();
                Ok(Confirmed { staged, sha256, grains, read, sealing })
            }
            Err(problem) => {
                if let Err(left) = staged.discard() {
                    tracing::warn!(problem = %left, "an unfinished zip stays until the next start");
                }
                Err(problem)
            }
        }
    })
    .await
}

/// The names of this backup, where it takes one in the backup folder: the weekday only where the dump is fit for it, and a database that shrank was confirmed.
fn linking(run: &Run<'_>, fit_for_weekday: bool) -> Option<Linking> {
    let shrank = run.report.problems.iter().any(|problem| problem.code == Code::DatabaseShrank);
    let accepted = run.order.accept_shrunk || run.world.config.backup.accept_shrunk;
    let from = run.target.name()?.clone();
    Some(run.order.linking(from, run.world.archive(), fit_for_weekday && (!shrank || accepted)))
}

async fn publish(
    run: &mut Run<'_>,
    staged: Box<dyn Staged>,
    linking: Option<&Linking>,
    read: ReadBack,
    bytes_per_sec: Option<u64>,
) -> Result<()> {
    let local = Arc::clone(&run.world.local);
    let (target, names) = (run.target.clone(), linking.cloned());
    let link_problem = blocking(move || {
        target.publish(staged)?;
        Ok(names.and_then(|names| links::make(&*local, &names)))
    })
    .await?;
    if linking.is_none() {
        manual::note_made(run, read);
        return Ok(());
    }
    run.report.server = Some(CopyReport {
        path: run.target.path(),
        done: true,
        from_medium: Some(read.from_medium),
        links_pending: link_problem.is_some(),
        bytes_per_sec,
    });
    if let Some(problem) = link_problem {
        run.warn(problem);
    }
    Ok(())
}

/// The dump of the rotation becomes `MCDados.bak`, unless it is not what was packed any more; another's is not kept. The zip stands already, so that a failure here is a
/// Warning.
async fn keep_dump(run: &mut Run<'_>, dumped: Dumped, seen: Seen) {
    let is_newest = run.order.aim == Aim::Rotation;
    let kept =
        blocking(move || if is_newest { dumped.publish(&seen) } else { dumped.staged.discard() }).await;
    if let Err(problem) = kept {
        run.warn(problem);
    }
}

async fn finish_terminal(run: &mut Run<'_>, copy: Option<TerminalCopy>, grains: Grains, links: Linking) {
    let Some(terminal) = run.world.terminal.clone() else { return };
    let path = terminal.path_of(&links.from).display().to_string();
    let done = match copy {
        Some(copy) => {
            let (meter, since) = run.meter();
            let total = run.report.zip_bytes;
            let told = |copy: &TerminalCopy| {
                meter.tell(
                    since,
                    Progress {
                        phase: Phase::Confirming,
                        done_bytes: copy.read_back_bytes(),
                        total_bytes: Some(total),
                        percent: None,
                        copied_bytes: copy.copied_bytes(),
                        left_secs: None,
                    },
                );
            };
            copy.finish(Publish { grains, links }, &run.cancel, told).await.map_err(Some)
        }
        // Why there was no copy is a problem of the run already.
        None => Err(None),
    };
    match done {
        Ok(Copied { report, unnamed }) => {
            pending::done(run, report.links_pending);
            run.report.terminal = Some(report);
            if let Some(problem) = unnamed {
                run.warn(problem);
            }
        }
        Err(problem) => {
            run.report.terminal = Some(CopyReport {
                path,
                done: false,
                from_medium: None,
                links_pending: true,
                bytes_per_sec: None,
            });
            if let Some(problem) = problem {
                run.warn(problem);
            }
            pending::note(run);
        }
    }
}
