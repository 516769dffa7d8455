//! What SQL Server's own book (`msdb`) says of the backups that were made, by whomever.

use super::Server;
use super::errors::Failure;
use super::session::Fields;
use super::statements::HISTORY;
use crate::config::DatabaseName;
use crate::problem::Result;
use chrono::NaiveDateTime;

/// One file of one backup in the server's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupRecord {
    /// Numbers the backup among those of its server.
    pub set_id: i64,
    /// When it was begun, by the server's clock.
    pub started_at: Option<NaiveDateTime>,
    /// When it ended, by the server's clock.
    pub finished_at: Option<NaiveDateTime>,
    /// `D` whole, `I` differential, `L` log.
    pub kind: String,
    /// Whether it left differential chains alone, as ours do.
    pub copy_only: bool,
    /// Whether it carries checksums, as ours do.
    pub has_checksums: bool,
    /// Whether it was made over bad pages.
    pub damaged: bool,
    /// Its size in bytes.
    pub bytes: Option<u64>,
    /// The file, as the server named it.
    pub device_path: String,
}

impl Server {
    /// The last `limit` backups of `database`, newest first.
    ///
    /// # Errors
    /// The server cannot be asked, or the login may not read `msdb`.
    pub async fn history(&self, database: &DatabaseName, limit: u16) -> Result<Vec<BackupRecord>> {
        let asked = async {
            let mut connection = self.open().await?;
            let rows = connection.rows(&HISTORY, &[&database.as_str(), &i32::from(limit)]).await?;
            rows.iter().map(|row| record(Fields(row))).collect::<std::result::Result<_, Failure>>()
        };
        match asked.await {
            Ok(records) => Ok(records),
            Err(failure) => Err(self.explain(&failure, self.subject().on_database(database.as_str())).await),
        }
    }
}

fn record(row: Fields<'_>) -> std::result::Result<BackupRecord, Failure> {
    Ok(BackupRecord {
        set_id: row.int("backup_set_id")?.unwrap_or_default(),
        started_at: row.when("backup_start_date")?,
        finished_at: row.when("backup_finish_date")?,
        kind: row.text("type")?.unwrap_or_default(),
        copy_only: row.flag("is_copy_only")?,
        has_checksums: row.flag("has_backup_checksums")?,
        damaged: row.flag("is_damaged")?,
        bytes: row.size("backup_size")?,
        device_path: row.text("physical_device_name")?.unwrap_or_default(),
    })
}
