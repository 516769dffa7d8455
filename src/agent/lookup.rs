//! What clients ask of the journal and of the folders: answered beside the loop.

use super::ground::Ground;
use super::input::InForce;
use super::patience::blocking;
use super::problems;
use crate::clock::Zone;
use crate::control::protocol::{CheckedView, MAX_RUNS, Place, Reply, Request, SlotView};
use crate::destination::{Destination, Name, Stat};
use crate::journal::CheckedFile;
use crate::problem::{Problem, Result};
use crate::slot::{ArchiveName, extra};
use std::sync::Arc;

/// The answer to a question that the loop has no answer to.
pub async fn answer(request: Request, in_force: Option<InForce>, ground: &Arc<Ground>) -> Reply {
    let answered = match request {
        Request::Slots => slots(in_force, ground).await,
        Request::Journal { limit, outcome } => {
            let journal = ground.home().journal.clone();
            blocking(move || journal.runs(limit.min(MAX_RUNS), outcome))
                .await
                .map(|runs| Reply::Journal { runs })
        }
        Request::Run { id } => {
            let journal = ground.home().journal.clone();
            blocking(move || journal.run(id)).await.map(|run| Reply::Run { run: run.map(Box::new) })
        }
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
