//! What SQL Server itself says of a backup file: whether it is whole, and what is in it.

use super::Server;
use super::errors::Failure;
use super::session::Fields;
use super::statements::{self, Statement, Unquotable};
use super::supervise::supervise;
use crate::problem::Result;
use chrono::NaiveDateTime;
use tiberius::Row;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// One backup set in a file, as `RESTORE HEADERONLY` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupHeader {
    /// Its place in the file, from 1.
    pub position: i64,
    /// What it is: 1 = whole database.
    pub backup_type: i64,
    /// The name of the set.
    pub name: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// The server that made it.
    pub server: Option<String>,
    /// The machine of that server.
    pub machine: Option<String>,
    /// Major version of the server that made it.
    pub version_major: i64,
    /// When it was begun, by that server's clock.
    pub started_at: Option<NaiveDateTime>,
    /// When it ended, by that server's clock.
    pub finished_at: Option<NaiveDateTime>,
    /// Its size in bytes.
    pub bytes: Option<u64>,
    /// Whether it leaves differential chains alone.
    pub copy_only: bool,
    /// Whether it carries checksums.
    pub has_checksums: bool,
    /// Whether it was made over bad pages.
    pub damaged: bool,
}

/// One file of the database in a backup, as `RESTORE FILELISTONLY` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    /// Its logical name, which MOVE takes.
    pub logical_name: String,
    /// Where it lay.
    pub physical_name: String,
    /// `D` data, `L` log, `S` FILESTREAM.
    pub kind: String,
    /// Its size in bytes when the backup was made.
    pub bytes: u64,
}

impl Server {
    /// Has SQL Server read a backup file whole and check it (`RESTORE VERIFYONLY … WITH CHECKSUM`). That it passes does
    /// not prove the data good: only a restore with DBCC CHECKDB does.
    ///
    /// # Errors
    /// A `backup.*` code when the server refuses the file; other codes when it could not be asked.
    pub async fn verify_only(&self, device_path: &str, cancel: &CancellationToken) -> Result<()> {
        self.restore_rows(statements::verify_only(device_path), device_path, cancel).await.map(drop)
    }

    /// The backup sets in a file.
    ///
    /// # Errors
    /// As [`Server::verify_only`].
    pub async fn header_only(
        &self,
        device_path: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<BackupHeader>> {
        let rows = self.restore_rows(statements::header_only(device_path), device_path, cancel).await?;
        self.read(&rows, device_path, header)
    }

    /// The files of the database in a backup.
    ///
    /// # Errors
    /// As [`Server::verify_only`].
    pub async fn file_list_only(
        &self,
        device_path: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<BackupFile>> {
        let rows = self.restore_rows(statements::file_list_only(device_path), device_path, cancel).await?;
        self.read(&rows, device_path, file)
    }

    async fn restore_rows(
        &self,
        statement: std::result::Result<Statement, Unquotable>,
        device_path: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<Row>> {
        let subject = self.subject().on_device(device_path);
        let statement = statement.map_err(|cause| Failure::from(cause).problem(&subject))?;
        let span = tracing::info_span!("sql_restore", device = device_path);
        async {
            match supervise(self, statement, &|_| {}, cancel).await {
                Ok(done) => {
                    tracing::debug!(took = ?done.took, "SQL Server read the backup");
                    Ok(done.rows)
                }
                Err(unfinished) => Err(self.explain_unfinished(unfinished, subject).await),
            }
        }
        .instrument(span)
        .await
    }

    fn read<T>(
        &self,
        rows: &[Row],
        device_path: &str,
        read: fn(Fields<'_>) -> std::result::Result<T, Failure>,
    ) -> Result<Vec<T>> {
        rows.iter()
            .map(|row| {
                read(Fields(row)).map_err(|failure| failure.problem(&self.subject().on_device(device_path)))
            })
            .collect()
    }
}

fn header(row: Fields<'_>) -> std::result::Result<BackupHeader, Failure> {
    Ok(BackupHeader {
        position: row.int("Position")?.unwrap_or_default(),
        backup_type: row.int("BackupType")?.unwrap_or_default(),
        name: row.text("BackupName")?,
        database: row.text("DatabaseName")?,
        server: row.text("ServerName")?,
        machine: row.text("MachineName")?,
        version_major: row.int("SoftwareVersionMajor")?.unwrap_or_default(),
        started_at: row.when("BackupStartDate")?,
        finished_at: row.when("BackupFinishDate")?,
        bytes: row.size("BackupSize")?,
        copy_only: row.flag("IsCopyOnly")?,
        has_checksums: row.flag("HasBackupChecksums")?,
        damaged: row.flag("IsDamaged")?,
    })
}

fn file(row: Fields<'_>) -> std::result::Result<BackupFile, Failure> {
    Ok(BackupFile {
        logical_name: row.text("LogicalName")?.unwrap_or_default(),
        physical_name: row.text("PhysicalName")?.unwrap_or_default(),
        kind: row.text("Type")?.unwrap_or_default().trim_end().to_owned(),
        bytes: row.size("Size")?.unwrap_or_default(),
    })
}
