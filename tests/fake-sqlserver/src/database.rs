//! A database as the server's catalogue knows it.

use std::path::PathBuf;

use chrono::NaiveDateTime;

use crate::contents::Origin;
use crate::error::SqlError;
use crate::security::Users;

/// `sys.databases.state`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// One database.
#[derive(Debug, Clone)]
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
    /// The session whose BACKUP runs
    pub backed_up_by: Option<u16>,
}

impl Database {
    /// Whether this is its name; names do not tell upper from lower case.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.to_lowercase()
    }

    /// Its data file and its log.
    pub fn files(&self) -> [DatabaseFile; 2] {
        let folder = r"C:\Program Files\Microsoft SQL Server\MSSQL16.SQLEXPRESS\MSSQL\DATA";
        let (name, size) = (&self.name, &self.size);
        [
            DatabaseFile {
                id: 1,
                log: false,
                name: name.clone(),
                path: format!(r"{folder}\{name}.mdf"),
                pages: size.file_pages,
                used_pages: size.used_pages,
            },
            DatabaseFile {
                id: 2,
                log: true,
                name: format!("{name}_log"),
                path: format!(r"{folder}\{name}_log.ldf"),
                pages: size.log_bytes / PAGE_BYTES,
                used_pages: size.log_used_bytes / PAGE_BYTES,
            },
        ]
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
