//! `msdb`'s memory of backups.

use chrono::NaiveDateTime;
use uuid::Uuid;

/// One row of `msdb.dbo.backupset` with its files.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupSet {
    /// `backup_set_id` and `media_set_id`
    pub id: i64,
    /// The database
    pub database: String,
    /// `NAME = …`
    pub name: Option<String>,
    /// `DESCRIPTION = …`
    pub description: Option<String>,
    /// Who made it
    pub user: String,
    /// When it began
    pub started: NaiveDateTime,
    /// When it ended
    pub finished: NaiveDateTime,
    /// `COPY_ONLY`
    pub copy_only: bool,
    /// `CHECKSUM`
    pub checksums: bool,
    /// Made over damage with CONTINUE_AFTER_ERROR
    pub damaged: bool,
    /// Bytes of the dump
    pub bytes: u64,
    /// The files
    pub devices: Vec<String>,
    /// Its identity
    pub uuid: Uuid,
    /// The recovery model of its database
    pub recovery: String,
}

/// One row of `msdb.dbo.restorehistory`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRecord {
    /// `restore_history_id`
    pub id: i64,
    /// `restore_date`
    pub date: NaiveDateTime,
    /// `destination_database_name`
    pub database: String,
    /// `user_name`
    pub user: String,
    /// `backup_set_id`
    pub set: i64,
    /// `replace`
    pub replace: bool,
    /// `recovery`
    pub recovery: bool,
}

/// One row of `msdb.dbo.suspect_pages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspectPage {
    /// `database_id`
    pub database_id: i32,
    /// `page_id`
    pub page: u32,
    /// `event_type`: 1 for 823 and 824, 2 for a bad checksum, 3 for a torn page, 4, 5 and 7 for mended ones
    pub event_type: i64,
    /// `error_count`
    pub error_count: i64,
    /// `last_update_date`
    pub updated: NaiveDateTime,
}
