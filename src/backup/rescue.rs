//! The rescue dump: when SQL Server itself reports damage, the slots are frozen, and once a day everything that can still be
//! read is dumped `WITH CONTINUE_AFTER_ERROR` into `resgate/`, never into a slot.

use super::dump;
use super::prepare::Prepared;
use super::run::{Run, blocking};
use crate::destination::Name;
use crate::journal::EventKind;
use crate::problem::{Problem, Result};
use crate::words::Words;
use std::sync::Arc;

/// The folder of the rescue dumps, below the backup folder.
const FOLDER: &str = "resgate";

/// Makes today's rescue dump, where there is none yet. That it could not be made is one more problem of the run, after the
/// damage itself.
pub(super) async fn rescue(run: &mut Run<'_>, prepared: &Prepared) {
    match make(run, prepared).await {
        Ok(Some(file)) => {
            tracing::warn!(%file, "rescue dump made");
            let kept = run.world.journal.event(EventKind::Rescued, &Words::same(file));
            if let Err(problem) = kept {
                run.warn(problem);
            }
        }
        Ok(None) => tracing::debug!("today's rescue dump stands already"),
        Err(problem) => run.warn(problem),
    }
}

async fn make(run: &Run<'_>, prepared: &Prepared) -> Result<Option<String>> {
    let day = run.order.begun.format("%Y-%m-%d");
    let name = Name::new(&format!("{FOLDER}/{}-{day}.bak", run.world.archive().as_str()))
        .map_err(Problem::internal)?;
    let (local, looked_for) = (Arc::clone(&run.world.local), name.clone());
    if blocking(move || local.stat(&looked_for)).await?.is_some() {
        return Ok(None);
    }
    let shown = run.world.local.path_of(&name).display().to_string();
    let dumped = dump::write(run, prepared, name, true).await?;
    blocking(move || dumped.staged.publish()).await?;
    Ok(Some(shown))
}
