//! BACKUP: one whole, checked copy of a database in a file that SQL Server writes (DM17).

use super::Server;
use super::errors::{Failure, Subject};
use super::statements::{self, Dump};
use super::supervise::{DumpProgress, Unfinished, supervise};
use crate::config::DatabaseName;
use crate::problem::{Code, Problem, Result};
use crate::words;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// What is to be backed up, and whereto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupRequest {
    /// The database.
    pub database: DatabaseName,
    /// The dump file, as the server's own machine sees it. Overwritten.
    pub device_path: String,
    /// The name of the backup set; cut at 128 characters.
    pub name: String,
    /// The description of the backup set; cut at 255 characters.
    pub description: String,
    /// Goes on over bad pages: the rescue dump of a damaged database.
    pub continue_after_error: bool,
    /// Overrides a server whose default is native compression: such a dump can neither be checked offline nor zipped.
    pub no_compression: bool,
}

/// A backup that SQL Server says it has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupDone {
    /// The session that made it.
    pub session_id: i16,
    /// How long it took.
    pub took: Duration,
}

impl Server {
    /// Makes a backup. `progress` hears about twice a second how far it is. `cancel` stops it, with
    /// [`Code::RunCancelled`]; whether it is stopped, fails, stalls or is dropped, nothing of it is left running in the
    /// server.
    ///
    /// # Errors
    /// What SQL Server said, the loss of the connection, a stall, or the cancellation.
    pub async fn backup(
        &self,
        request: &BackupRequest,
        progress: &(dyn Fn(DumpProgress) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<BackupDone> {
        let subject = self.subject().on_database(request.database.as_str()).on_device(&request.device_path);
        let statement = statements::backup(&Dump {
            database: request.database.as_str(),
            device: &request.device_path,
            name: &request.name,
            description: &request.description,
            no_compression: request.no_compression,
            continue_after_error: request.continue_after_error,
        })
        .map_err(|cause| Failure::from(cause).problem(&subject))?;
        let span =
            tracing::info_span!("sql_backup", database = %request.database, device = %request.device_path);
        async {
            match supervise(self, statement, progress, cancel).await {
                Ok(done) => {
                    tracing::info!(session_id = done.session_id, took = ?done.took, "SQL Server made the backup");
                    Ok(BackupDone { session_id: done.session_id, took: done.took })
                }
                Err(unfinished) => Err(self.explain_unfinished(unfinished, subject).await),
            }
        }
        .instrument(span)
        .await
    }

    /// The problem of a statement that did not end well. Where the operating system refused the dump file, the account
    /// that needs the right is asked for.
    pub(super) async fn explain_unfinished(&self, unfinished: Unfinished, subject: Subject) -> Problem {
        match unfinished {
            Unfinished::Cancelled => cancelled(),
            Unfinished::Failed(failure) => {
                let subject = match failure.number() {
                    Some(3201 | 3634) => subject.served_by(self.service_account().await),
                    Some(_) | None => subject,
                };
                self.explain(&failure, subject).await
            }
        }
    }
}

pub(super) fn cancelled() -> Problem {
    Problem::new(
        Code::RunCancelled,
        words!("O backup foi interrompido a pedido.", "The backup was stopped on request."),
        words!(
            "Nada ficou pela metade; os backups anteriores continuam guardados.",
            "Nothing was left half-made; the earlier backups are still there.",
        ),
    )
}
