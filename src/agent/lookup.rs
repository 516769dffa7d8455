//! What clients ask of the journal and of the folders: answered beside the loop.

use super::ground::Ground;
use super::input::{Event, InForce};
use super::patience::{PATIENCE, blocking};
use super::problems;
use crate::clock::Zone;
use crate::control::protocol::{
    CheckedView, MAX_REPLY_BYTES, MAX_RUNS, Place, Reply, Request, SlotView, first_that_fit,
};
use crate::destination::{Destination, Name, Stat};
use crate::head_office::{self, AddressReport, AddressSent};
use crate::journal::{CheckedFile, EventKind};
use crate::problem::{Problem, Result};
use crate::restore::{self, outcome::Task};
use crate::slot::{ArchiveName, extra};
use crate::words;
use crate::words::Words;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

/// As many of the newest rows as an answer holds.
fn fitting<T: Serialize>(rows: Vec<T>) -> Result<Vec<T>> {
    first_that_fit(rows, MAX_REPLY_BYTES)
}

/// The answer to a question that the loop has no answer to.
pub async fn answer(
    request: Request,
    in_force: Option<InForce>,
    ground: &Arc<Ground>,
    reports: &UnboundedSender<Event>,
) -> Reply {
    let answered = match request {
        Request::Slots => slots(in_force, ground).await,
        Request::Journal { limit, outcome } => {
            let journal = ground.home().journal.clone();
            blocking(move || fitting(journal.runs(limit.min(MAX_RUNS), outcome)?))
                .await
                .map(|runs| Reply::Journal { runs })
        }
        Request::Events { limit } => {
            let journal = ground.home().journal.clone();
            blocking(move || fitting(journal.events(limit.min(MAX_RUNS))?))
                .await
                .map(|events| Reply::Events { events })
        }
        Request::Run { id } => {
            let journal = ground.home().journal.clone();
            blocking(move || journal.run(id)).await.map(|run| Reply::Run { run: run.map(Box::new) })
        }
        Request::RestoreSources { path } => sources(path, in_force, ground).await,
        Request::RestorePlan { task } => plan(task, in_force, ground).await,
        Request::Restores { limit } => {
            let journal = ground.home().journal.clone();
            blocking(move || fitting(journal.restores(limit.min(MAX_RUNS))?))
                .await
                .map(|restores| Reply::Restores { restores })
        }
        Request::RestoreReport { id } => {
            let journal = ground.home().journal.clone();
            let found = blocking(move || journal.restore(id)).await;
            found.map(|restore| Reply::RestoreReport { restore: restore.map(Box::new) })
        }
        Request::CheckVersion => check_version(in_force, ground, reports).await,
        Request::UpdateAddress { dry_run } => update_address(dry_run, in_force, ground, reports).await,
        Request::Status
        | Request::Watch
        | Request::Check
        | Request::BackupNow { .. }
        | Request::ExtraBackup { .. }
        | Request::ManualBackup { .. }
        | Request::Quit { .. }
        | Request::ApplicationOpened
        | Request::Verify { .. }
        | Request::Verified { .. }
        | Request::Cancel
        | Request::Restore { .. }
        | Request::AlertTest { .. }
        | Request::Config => Err(Problem::internal("a question for the loop was looked up")),
    };
    answered.unwrap_or_else(|problem| Reply::Refused { problem })
}

async fn slots(in_force: Option<InForce>, ground: &Arc<Ground>) -> Result<Reply> {
    let in_force = in_force.ok_or_else(problems::starting)?;
    let standing = ground.stand(&in_force.config).await?;
    let world = &standing.world;
    let zone = ground.clock().zone();
    let journal = world.journal.clone();
    // A journal that cannot be read says nothing of checks; its own check says why.
    let checked = blocking(move || journal.checked_files()).await.unwrap_or_default();
    let list = |place, destination: &Arc<dyn Destination>| {
        let (destination, archive) = (Arc::clone(destination), world.config.archive_name.clone());
        let (zone, checked) = (zone.clone(), checked.clone());
        move || list(place, &*destination, &archive, &zone, &checked)
    };
    let mut slots = ground.local_asker().ask(&*world.local, list(Place::Server, &world.local)).await?;
    let mut problem = None;
    if let Some(terminal) = &world.terminal {
        match ground.terminal_asker().ask(&**terminal, list(Place::Terminal, terminal)).await {
            Ok(more) => slots.extend(more),
            Err(unreachable) => problem = Some(unreachable),
        }
    }
    Ok(Reply::Slots { slots, terminal_problem: problem })
}

/// What can be restored from: of both sides, or at a path on any disk.
async fn sources(path: Option<PathBuf>, in_force: Option<InForce>, ground: &Arc<Ground>) -> Result<Reply> {
    if let Some(path) = path {
        let zone = ground.clock().zone();
        let described = blocking(move || restore::describe(&path, &zone));
        let sources = timeout(PATIENCE, described).await.unwrap_or_else(|_| Err(problems::silent_disk()))?;
        return Ok(Reply::RestoreSources { sources, terminal_problem: None });
    }
    let in_force = in_force.ok_or_else(problems::starting)?;
    let world = ground.workshop_to_look(&in_force.config).await?.world;
    let here = world.clone();
    let local = ground.local_asker().ask(&*world.local, move || restore::list(Place::Server, &here));
    let mut sources = local.await?;
    let mut problem = None;
    if let Some(terminal) = world.terminal.clone() {
        let there = world.clone();
        let asked = ground.terminal_asker().ask(&*terminal, move || restore::list(Place::Terminal, &there));
        match asked.await {
            Ok(more) => sources.extend(more),
            Err(unreachable) => problem = Some(unreachable),
        }
    }
    Ok(Reply::RestoreSources { sources, terminal_problem: problem })
}

async fn plan(task: Task, in_force: Option<InForce>, ground: &Arc<Ground>) -> Result<Reply> {
    let in_force = in_force.ok_or_else(problems::starting)?;
    let shop = ground.workshop_to_look(&in_force.config).await?;
    let plan = restore::foresee(&task, &shop, ground.clock().local_now()).await?;
    Ok(Reply::RestorePlan { plan: Box::new(plan) })
}

/// DM14, as soon as a person asks.
async fn check_version(
    in_force: Option<InForce>,
    ground: &Arc<Ground>,
    reports: &UnboundedSender<Event>,
) -> Result<Reply> {
    let in_force = in_force.ok_or_else(problems::starting)?;
    let version = ground.lookout().look(&in_force.config.update).await;
    // Nobody listens any more once the loop has ended.
    let _ended = reports.send(Event::VersionLooked(Box::new(version.clone())));
    Ok(Reply::Version { version: Box::new(version) })
}

/// DM23. One at a time: two that overlap would each tell the other's address as the old one.
async fn update_address(
    dry_run: bool,
    in_force: Option<InForce>,
    ground: &Arc<Ground>,
    reports: &UnboundedSender<Event>,
) -> Result<Reply> {
    let in_force = in_force.ok_or_else(problems::starting)?;
    let _turn = ground.head_office_turn().await;
    let home = ground.home();
    let report = head_office::update(&in_force.config, &home.head_office, &**ground.clock(), dry_run).await?;
    if report.sent {
        // Nobody listens any more once the loop has ended.
        let _ended = reports.send(Event::AddressSent(report.as_sent()));
        let (home, text) = (Arc::clone(home), words_of(&report));
        if let Err(problem) = blocking(move || home.journal.event(EventKind::AddressSent, &text)).await {
            tracing::warn!(%problem, "that the address was sent is not journalled");
        }
    }
    Ok(Reply::AddressUpdated { report })
}

fn words_of(report: &AddressReport) -> Words {
    let AddressReport { server, address, previous, .. } = report;
    match previous {
        Some(AddressSent { address: old, .. }) => words!(
            "IP enviado à matriz ({server}): {address} (antes {old})",
            "address sent to the head office ({server}): {address} (before {old})"
        ),
        None => words!(
            "IP enviado à matriz ({server}): {address}",
            "address sent to the head office ({server}): {address}"
        ),
    }
}

fn list(
    place: Place,
    destination: &dyn Destination,
    archive: &ArchiveName,
    zone: &Zone,
    checked: &[CheckedFile],
) -> Result<Vec<SlotView>> {
    let sets = destination.sets(archive)?.into_iter();
    let sets = sets.map(|(set, stat)| (set.to_string(), Name::zip(set, archive), stat));
    let extras = destination.extras()?.into_iter();
    let extras = extras.map(|(name, stat)| (extra::FOLDER.to_owned(), name, stat));
    let all = sets.chain(extras);
    Ok(all
        .map(|(set, name, stat)| SlotView {
            set,
            place,
            path: destination.path_of(&name).display().to_string(),
            bytes: stat.bytes,
            modified: zone.local(stat.modified),
            checked: last_check(place, &name, &stat, checked),
        })
        .collect())
}

/// What the last deep check of this very file said.
fn last_check(place: Place, name: &Name, stat: &Stat, checked: &[CheckedFile]) -> Option<CheckedView> {
    let name = name.to_string();
    let row = checked.iter().find(|row| row.side == place && row.file == name)?;
    let is_of_it = row.is_of(stat.bytes, stat.modified);
    is_of_it.then(|| CheckedView { at: row.at, problem: row.problem.clone() })
}
