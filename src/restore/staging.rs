//! The file in the backup folder that SQL Server restores from. Its service account may use that folder, since it writes the
//! dumps there; the name is recorded before it is made, and gone at the end or at the next start.

use crate::backup::{World, as_server_sees};
use crate::destination::{Destination, Name};
use crate::problem::{Problem, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// Whose partial name the file bears; no backup is ever called so.
const NAME: &str = "restauracao.bak";

/// The name under which the dump lies for SQL Server. Dropped, it is removed.
pub(super) struct Staging {
    local: Arc<dyn Destination>,
    name: Name,
    /// The file.
    pub path: PathBuf,
    /// The same as SQL Server names it.
    pub seen_by_server: String,
}

impl Staging {
    /// Records and clears the name. Blocks.
    ///
    /// # Errors
    /// Those of the backup folder.
    pub fn reserve(world: &World) -> Result<Self> {
        let name = Name::new(NAME).map_err(Problem::internal)?;
        let local = Arc::clone(&world.local);
        let path = local.expect(&name)?;
        let backup = &world.config.backup;
        let seen_by_server = as_server_sees(&path, &backup.folder, &backup.folder_seen_by_server);
        Ok(Self { local, name, path, seen_by_server })
    }

    /// The path that it would have, for whoever only asks.
    pub fn foreseen(world: &World) -> String {
        let backup = &world.config.backup;
        let partial = Name::new(NAME).map(|name| name.partial()).unwrap_or_default();
        as_server_sees(&backup.folder.join(partial), &backup.folder, &backup.folder_seen_by_server)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(problem) = self.local.abandon(&self.name) {
            tracing::warn!(%problem, "an extracted dump stays until the next start");
        }
    }
}
