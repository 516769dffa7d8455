//! A database as the server's catalogue knows it.

use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock;
use crate::contents::Origin;
use crate::error::SqlError;
use crate::identity::Identity;
use crate::pages::identity_of;
use crate::security::Users;

/// `sys.databases.state`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatabaseState {
    /// 0
    Online,
    /// 1
    Restoring,
    /// 2
    Recovering,
    /// 3
    RecoveryPending,
    /// 4
    Suspect,
    /// 5
    Emergency,
    /// 6
    Offline,
}

impl DatabaseState {
    /// `state` and `state_desc`
    pub fn number_and_name(self) -> (i64, &'static str) {
        match self {
            Self::Online => (0, "ONLINE"),
            Self::Restoring => (1, "RESTORING"),
            Self::Recovering => (2, "RECOVERING"),
            Self::RecoveryPending => (3, "RECOVERY_PENDING"),
            Self::Suspect => (4, "SUSPECT"),
            Self::Emergency => (5, "EMERGENCY"),
            Self::Offline => (6, "OFFLINE"),
        }
    }
}

/// `sys.databases.page_verify_option`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageVerify {
    /// 0
    None,
    /// 1
    TornPageDetection,
    /// 2
    Checksum,
}

impl PageVerify {
    /// `page_verify_option` and `page_verify_option_desc`
    pub fn number_and_name(self) -> (i64, &'static str) {
        match self {
            Self::None => (0, "NONE"),
            Self::TornPageDetection => (1, "TORN_PAGE_DETECTION"),
            Self::Checksum => (2, "CHECKSUM"),
        }
    }
}

/// `sys.databases.recovery_model`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoveryModel {
    /// 1
    Full,
    /// 2
    BulkLogged,
    /// 3
    Simple,
}

impl RecoveryModel {
    /// `recovery_model` and `recovery_model_desc`
    pub fn number_and_name(self) -> (i64, &'static str) {
        match self {
            Self::Full => (1, "FULL"),
            Self::BulkLogged => (2, "BULK_LOGGED"),
            Self::Simple => (3, "SIMPLE"),
        }
    }
}

/// `sys.databases.user_access`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserAccess {
    /// 0
    Multi,
    /// 1: one session at a time
    Single,
    /// 2: owners, `dbcreator` and `sysadmin` only
    Restricted,
}

impl UserAccess {
    /// `user_access` and `user_access_desc`
    pub fn number_and_name(self) -> (i64, &'static str) {
        match self {
            Self::Multi => (0, "MULTI_USER"),
            Self::Single => (1, "SINGLE_USER"),
            Self::Restricted => (2, "RESTRICTED_USER"),
        }
    }
}

/// Number of `master`.
pub const MASTER: i32 = 1;
/// Number of `tempdb`.
pub const TEMPDB: i32 = 2;
/// Number of `model`.
pub const MODEL: i32 = 3;
/// Number of `msdb`.
pub const MSDB: i32 = 4;
/// The first number of a user's database.
pub const FIRST_USER_DATABASE: i32 = 5;

/// Bytes of a page.
pub const PAGE_BYTES: u64 = 8192;
/// Bytes of a log file that nobody has filled.
const NEW_LOG_BYTES: u64 = 8 << 20;

/// What a database's files measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Pages of the data file
    pub file_pages: u64,
    /// Pages of it that are in use: about those of the next backup
    pub used_pages: u64,
    /// Bytes of the log file
    pub log_bytes: u64,
    /// Bytes of it that are in use
    pub log_used_bytes: u64,
    /// SQLite's pages when the others were counted; 0 before
    pub measured_sqlite_pages: u64,
}

/// Whether a database has a bad page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Damage {
    /// None
    None,
    /// Some page of rows
    SomePage,
    /// The page of this number
    Page(u32),
}

impl Default for Size {
    /// A new database's: 8 MiB each, nearly empty.
    fn default() -> Self {
        Self {
            file_pages: 1024,
            used_pages: 336,
            log_bytes: NEW_LOG_BYTES,
            log_used_bytes: NEW_LOG_BYTES / 20,
            measured_sqlite_pages: 0,
        }
    }
}

/// A file of a database, as `sys.database_files` and `sys.master_files` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFile {
    /// `file_id`: 1 for the data, 2 for the log
    pub id: i64,
    /// It is the log
    pub log: bool,
    /// `name`
    pub name: String,
    /// `physical_name`
    pub path: String,
    /// `size`, in pages
    pub pages: u64,
    /// Pages in use
    pub used_pages: u64,
}

/// What a file of a database is called, inside and outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileName {
    /// The logical name
    pub name: String,
    /// The path
    pub path: String,
}

/// A page that the database was restored with though it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadPage {
    /// Its number
    pub page: u32,
    /// The table whose rows were on it, where that is known
    pub table: Option<String>,
}

/// One database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Database {
    /// `database_id`
    pub id: i32,
    /// Its name
    pub name: String,
    /// The login that owns it
    pub owner: String,
    /// When it was created
    pub created: NaiveDateTime,
    /// Whether and why it cannot be used
    pub state: DatabaseState,
    /// How pages are protected
    pub page_verify: PageVerify,
    /// What becomes of the log
    pub recovery: RecoveryModel,
    /// `compatibility_level`
    pub compatibility: u8,
    /// Its users
    pub users: Users,
    /// Where its rows are
    pub rows: PathBuf,
    /// Where its dump comes from
    pub origin: Origin,
    /// What its files measure
    pub size: Size,
    /// Whether and where a page is bad
    pub damage: Damage,
    /// How many backups it has had
    pub backups: u32,
    /// Who may come in
    pub access: UserAccess,
    /// `is_read_committed_snapshot_on`
    pub snapshot_reads: bool,
    /// `is_trustworthy_on`
    pub trustworthy: bool,
    /// The data file
    pub data_file: FileName,
    /// The log
    pub log_file: FileName,
    /// What marks it, over renames and restores
    pub binding: Uuid,
    /// What its backups have in common, and a backup of another database has not
    pub fork: Uuid,
    /// Pages that a RESTORE took over bad
    pub bad_pages: Vec<BadPage>,
    /// All of it is there: nothing but recovery is left to do where it is restoring
    pub whole: bool,
    /// The session whose BACKUP runs
    #[serde(skip)]
    pub backed_up_by: Option<u16>,
    /// The session whose RESTORE, ALTER or DROP runs
    #[serde(skip)]
    pub held_by: Option<u16>,
}

impl Database {
    /// Whether this is its name; names do not tell upper from lower case.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.to_lowercase()
    }

    /// A new database: its rows will be in `rows`, its files are said to be in `folder`.
    pub fn new(id: i32, name: &str, owner: &str, rows: PathBuf, folder: &Path, identity: &Identity) -> Self {
        let file = |logical: String, ending: &str| FileName {
            path: folder.join(format!("{logical}.{ending}")).display().to_string(),
            name: logical,
        };
        Self {
            id,
            name: name.to_owned(),
            owner: owner.to_owned(),
            created: clock::now().naive_local(),
            state: DatabaseState::Online,
            page_verify: PageVerify::Checksum,
            recovery: RecoveryModel::Simple,
            compatibility: identity.compatibility(),
            users: Users::new(),
            rows,
            origin: Origin::Rows,
            size: Size::default(),
            damage: Damage::None,
            backups: 0,
            access: UserAccess::Multi,
            snapshot_reads: false,
            trustworthy: false,
            data_file: file(name.to_owned(), "mdf"),
            log_file: file(format!("{name}_log"), "ldf"),
            binding: identity_of(name, "binding"),
            fork: identity_of(name, "fork"),
            bad_pages: Vec::new(),
            whole: true,
            backed_up_by: None,
            held_by: None,
        }
    }

    /// Its data file and its log.
    pub fn files(&self) -> [DatabaseFile; 2] {
        let size = &self.size;
        [
            DatabaseFile {
                id: 1,
                log: false,
                name: self.data_file.name.clone(),
                path: self.data_file.path.clone(),
                pages: size.file_pages,
                used_pages: size.used_pages,
            },
            DatabaseFile {
                id: 2,
                log: true,
                name: self.log_file.name.clone(),
                path: self.log_file.path.clone(),
                pages: size.log_bytes / PAGE_BYTES,
                used_pages: size.log_used_bytes / PAGE_BYTES,
            },
        ]
    }

    /// 824: a page of it cannot be read.
    pub fn bad_page(&self, page: u32) -> SqlError {
        let text = format!(
            "SQL Server detected a logical consistency-based I/O error: incorrect checksum. It occurred during a read of page \
             (1:{page}) in database ID {} at offset {:#018x} in file '{}'.  Additional messages in the SQL Server error log or \
             operating system error log may provide more detail. This is a severe error condition that threatens database \
             integrity and must be corrected immediately. Complete a full database consistency check (DBCC CHECKDB). This error \
             can be caused by many factors; for more information, see SQL Server Books Online.",
            self.id,
            u64::from(page) * PAGE_BYTES,
            self.data_file.path
        );
        SqlError::new(824, text).class(24).state(2)
    }

    /// Whether it belongs to the server itself.
    pub fn is_system(&self) -> bool {
        self.id < FIRST_USER_DATABASE
    }

    /// Whether logins without a user of their own may enter.
    pub fn has_guest(&self) -> bool {
        matches!(self.id, MASTER | TEMPDB | MSDB)
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// 926, 927, 942, 945: the one that belongs to its state.
    pub fn check_usable(&self) -> Result<(), SqlError> {
        let name = &self.name;
        match self.state {
            DatabaseState::Online | DatabaseState::Emergency => Ok(()),
            DatabaseState::Restoring => Err(SqlError::new(
                927,
                format!("Database '{name}' cannot be opened. It is in the middle of a restore."),
            )
            .class(14)
            .state(2)),
            DatabaseState::Recovering => Err(SqlError::new(
                922,
                format!("Database '{name}' is being recovered. Waiting until recovery is finished."),
            )
            .class(14)),
            DatabaseState::Suspect => Err(SqlError::new(
                926,
                format!(
                    "Database '{name}' cannot be opened. It has been marked SUSPECT by recovery. See the SQL Server \
                     errorlog for more information."
                ),
            )
            .class(14)),
            DatabaseState::Offline => {
                Err(SqlError::new(942, format!("Database '{name}' cannot be opened because it is offline."))
                    .class(14)
                    .state(4))
            }
            DatabaseState::RecoveryPending => Err(SqlError::new(
                945,
                format!(
                    "Database '{name}' cannot be opened due to inaccessible files or insufficient memory or disk \
                     space.  See the SQL Server errorlog for details."
                ),
            )
            .class(14)
            .state(2)),
        }
    }
}
