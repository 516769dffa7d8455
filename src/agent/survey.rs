//! What a person is told at once of a folder that was chosen for a manual backup (DM21), before anything is made: whether it is
//! there, may be written, and has room.

use super::ground::Ground;
use super::patience::{PATIENCE, blocking};
use crate::config::Config;
use crate::destination::{Outside, silent};
use crate::problem::Result;
use std::path::Path;
use std::sync::Arc;
use tokio::time::timeout;

/// A new zip may be larger than the last one by this share of it.
const GROWTH_PERCENT: u64 = 10;

/// Looks at `folder`, for a zip as large as the last one with something to spare.
///
/// # Errors
/// As [`Outside::foresee`]; `manual.missing` where it does not answer.
pub async fn look(ground: &Arc<Ground>, config: &Arc<Config>, folder: &Path, replace: bool) -> Result<()> {
    let home = Arc::clone(ground.home());
    let outside = Outside::new(folder, &config.archive_name, Arc::clone(&home.ledger));
    let shown = outside.shown();
    let looking = blocking(move || {
        // A journal that cannot be read leaves the size unknown: the run foresees it by the database.
        let last = home.journal.last_good().ok().flatten().map_or(0, |run| run.zip_bytes);
        outside.foresee(last.saturating_add(last / 100 * GROWTH_PERCENT), replace)
    });
    timeout(PATIENCE, looking).await.unwrap_or_else(|_| Err(silent(&shown, PATIENCE.as_secs())))
}
