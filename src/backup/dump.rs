//! The dump (DM17): SQL Server writes `.MCDados.bak.partial`, which takes its good name only once it was checked.

use super::describe;
use super::outcome::{Phase, Progress};
use super::prepare::Prepared;
use super::rescue;
use super::rows;
use super::run::{Run, blocking, cancelled};
use crate::archive::{Sha256Sum, TableRows};
use crate::destination::{Destination, Name, Staged};
use crate::problem::{Code, Result};
use crate::sqlserver::{BackupRequest, DumpProgress};
use sha2::{Digest, Sha256};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// A dump that SQL Server has finished, under the name of something unfinished.
pub(super) struct Dumped {
    /// The file; dropped without being published it is removed.
    pub staged: Box<dyn Staged>,
    /// The same file as SQL Server names it.
    pub seen_by_server: String,
    /// Its size.
    pub bytes: u64,
    /// The rows of the tables around it.
    pub rows: Vec<TableRows>,
}

/// What the one reading of a dump found: by it a later look knows the same file again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub stamp: Stamp,
    pub sha256: Sha256Sum,
}

/// Length and date of a file: while they stay, nobody has written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub fn of(file: &Metadata) -> Self {
        Self { bytes: file.len(), modified: file.modified().ok() }
    }
}

impl Dumped {
    /// Gives the dump its good name, where it is still what was `seen`. That costs nothing as long as nobody has written to it; else
    /// it is read again, for some systems date a file only after it was closed. Its zip was read back, and stands already.
    ///
    /// # Errors
    /// [`Code::BackupReadBack`] where it is another: it is removed, and the name keeps the dump that it had. Those of renaming.
    pub fn publish(self, seen: &Seen) -> Result<()> {
        let Self { mut staged, .. } = self;
        let now = std::fs::metadata(staged.path()).map(|file| Stamp::of(&file)).ok();
        if now != Some(seen.stamp) {
            let mut sum = Sha256::new();
            staged.read_back(&mut |bytes| sum.update(bytes))?;
            if Sha256Sum(sum.finalize().into()) != seen.sha256 {
                let problem = describe::dump_changed(staged.path());
                if let Err(left) = staged.discard() {
                    tracing::warn!(problem = %left, "a damaged dump stays until the next start");
                }
                return Err(problem);
            }
        }
        staged.publish()
    }
}

/// The name under which SQL Server writes; gone again unless [`Expected::adopt`] takes the file over.
struct Expected {
    local: Arc<dyn Destination>,
    name: Name,
    path: PathBuf,
    adopted: bool,
}

impl Expected {
    fn reserve(local: Arc<dyn Destination>, name: Name) -> Result<Self> {
        let path = local.expect(&name)?;
        Ok(Self { local, name, path, adopted: false })
    }

    fn adopt(mut self, seen_by_server: String) -> Result<Dumped> {
        let staged = self.local.adopt(&self.name)?;
        self.adopted = true;
        let bytes = std::fs::metadata(&self.path)
            .map(|file| file.len())
            .map_err(|error| describe::dump_unreadable(&self.path, &error))?;
        Ok(Dumped { staged, seen_by_server, bytes, rows: Vec::new() })
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        if self.adopted {
            return;
        }
        if let Err(problem) = self.local.abandon(&self.name) {
            tracing::warn!(%problem, "an unfinished dump stays until the next start");
        }
    }
}

/// `folder` and `file` joined the way the server's own system writes paths.
pub fn join_as_server(folder: &str, file: &str) -> String {
    let separator = if folder.contains('\\') || folder.get(1..2) == Some(":") { '\\' } else { '/' };
    format!("{}{separator}{file}", folder.trim_end_matches(separator))
}

/// The path of `partial`, which lies below `folder`, as SQL Server names it.
pub fn as_server_sees(partial: &Path, folder: &Path, seen_by_server: &str) -> String {
    let below = partial.strip_prefix(folder).unwrap_or(partial);
    below.iter().fold(seen_by_server.to_owned(), |path, part| join_as_server(&path, &part.to_string_lossy()))
}

/// Has SQL Server write the dump.
///
/// # Errors
/// What the server says; where it reports damage, a rescue dump was tried besides.
pub(super) async fn dump(run: &mut Run<'_>, prepared: &Prepared) -> Result<Dumped> {
    let name = Name::bak(run.world.archive());
    let before = rows::count(run).await;
    match write(run, prepared, name, false).await {
        Ok(mut dumped) => {
            dumped.rows = rows::around(before, rows::count(run).await);
            run.report.bak_bytes = dumped.bytes;
            prepared.compare_size(run, dumped.bytes);
            Ok(dumped)
        }
        Err(problem) if problem.code == Code::DatabaseDamaged => {
            rescue::rescue(run, prepared).await;
            Err(problem)
        }
        Err(problem) => Err(problem),
    }
}

/// Has SQL Server write a dump that may take `name`, past damaged pages where `continue_after_error` says so.
///
/// # Errors
/// What the server says, or [`Code::RunCancelled`].
pub(super) async fn write(
    run: &Run<'_>,
    prepared: &Prepared,
    name: Name,
    continue_after_error: bool,
) -> Result<Dumped> {
    let world = run.world;
    let local = Arc::clone(&world.local);
    let expected = blocking(move || Expected::reserve(local, name)).await?;
    let backup = &world.config.backup;
    let seen_by_server = as_server_sees(&expected.path, &backup.folder, &backup.folder_seen_by_server);
    let request = BackupRequest {
        database: world.database()?.clone(),
        device_path: seen_by_server.clone(),
        name: format!("DMBackup {}", run.order.sequence),
        description: run.order.id.to_string(),
        continue_after_error,
        no_compression: prepared.no_compression,
    };
    let told = progress(run, expected.path.clone(), prepared.dump_bytes);
    let written = world.server.backup(&request, &told, &run.cancel).await;
    let outcome = if run.cancel.is_cancelled() { written.and(Err(cancelled())) } else { written.map(drop) };
    blocking(move || outcome.and_then(|()| expected.adopt(seen_by_server))).await
}

fn progress(run: &Run<'_>, path: PathBuf, foreseen: u64) -> impl Fn(DumpProgress) + Send + Sync + use<> {
    let (meter, since) = run.meter();
    move |told: DumpProgress| {
        // Some systems give the file its full length first: it is shown, and never taken for the share that is done.
        let done_bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
        meter.tell(
            since,
            Progress {
                phase: Phase::Dumping,
                done_bytes,
                total_bytes: Some(foreseen.max(done_bytes)),
                percent: told.percent,
                copied_bytes: 0,
                left_secs: None,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_as_the_server_writes_them() {
        assert_eq!(join_as_server(r"C:\MBHSist\Backup", "a.bak"), r"C:\MBHSist\Backup\a.bak");
        assert_eq!(join_as_server(r"C:\MBHSist\Backup\", "a.bak"), r"C:\MBHSist\Backup\a.bak");
        assert_eq!(join_as_server("D:", "a.bak"), r"D:\a.bak");
        assert_eq!(join_as_server(r"\\caixa2\MCBkp", "a.bak"), r"\\caixa2\MCBkp\a.bak");
        assert_eq!(join_as_server("/var/opt/backup/", "a.bak"), "/var/opt/backup/a.bak");
    }
}
