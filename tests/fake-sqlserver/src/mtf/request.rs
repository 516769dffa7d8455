//! What a BACKUP statement and its server say about the dump to be written.

use chrono::NaiveDateTime;
use std::fmt;
use std::sync::Arc;

/// The server's product version: SQL Server 2022 is 16.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// 16 for SQL Server 2022.
    pub major: u8,
    /// Mostly 0; 50 for 2008 R2.
    pub minor: u8,
    /// 1000 for the first release of 2022.
    pub build: u16,
}

/// The recovery model of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The log is truncated at checkpoints.
    Simple,
    /// The log grows until it is backed up.
    Full,
    /// As full, but bulk operations are logged as extents.
    BulkLogged,
}

impl Recovery {
    /// The name in `sys.databases` and in `RESTORE HEADERONLY`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Full => "FULL",
            Self::BulkLogged => "BULK-LOGGED",
        }
    }
}

/// One of several files over which a backup is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripe {
    /// 1 for the first.
    pub number: u16,
    /// How many there are.
    pub count: u16,
}

/// When the backup was finished, which stands in the blocks after the data.
#[derive(Clone)]
pub enum Finish {
    /// At this moment, whatever the writing takes.
    At(NaiveDateTime),
    /// Asked for when the data are written.
    Asked(Arc<dyn Fn() -> NaiveDateTime + Send + Sync>),
}

impl Finish {
    pub(crate) fn moment(&self) -> NaiveDateTime {
        match self {
            Self::At(moment) => *moment,
            Self::Asked(ask) => ask(),
        }
    }
}

impl fmt::Debug for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(moment) => write!(f, "At({moment})"),
            Self::Asked(_) => f.write_str("Asked"),
        }
    }
}

/// What stands in the headers of a dump. All moments are the server's wall clock.
#[derive(Clone, Debug)]
pub struct DumpRequest {
    /// The database's name.
    pub database: String,
    /// The database's number on its server (`DB_ID`).
    pub database_id: u16,
    /// `@@SERVERNAME`.
    pub server: String,
    /// The machine's name.
    pub machine: String,
    /// The login that made the backup.
    pub user: String,
    /// `NAME = …`; SQL Server leaves it empty where the statement has none.
    pub backup_name: String,
    /// `DESCRIPTION = …`.
    pub description: String,
    /// `COPY_ONLY`: leaves the chain of differential backups alone.
    pub copy_only: bool,
    /// `CHECKSUM`.
    pub checksum: bool,
    /// When the BACKUP statement began.
    pub started: NaiveDateTime,
    /// When it ended.
    pub finished: Finish,
    /// When the database was created.
    pub created: NaiveDateTime,
    /// The server's offset from UTC in quarters of an hour; −12 is Brasília.
    pub zone_quarters: i8,
    /// The server's version.
    pub version: ServerVersion,
    /// The database's internal version; 957 is SQL Server 2022.
    pub database_version: u16,
    /// The compatibility level, 100–160.
    pub compatibility: u8,
    /// The recovery model.
    pub recovery: Recovery,
    /// `None` for a backup into one file.
    pub stripe: Option<Stripe>,
}

impl DumpRequest {
    /// A dump of `database` as SQL Server 2022 Express on the machine `CAIXA1` makes it at `started`; all fields can be
    /// changed afterwards.
    pub fn new(database: &str, started: NaiveDateTime) -> Self {
        Self {
            database: database.to_owned(),
            database_id: 5,
            server: "CAIXA1\\SQLEXPRESS".to_owned(),
            machine: "CAIXA1".to_owned(),
            user: "sa".to_owned(),
            backup_name: String::new(),
            description: String::new(),
            copy_only: false,
            checksum: true,
            started,
            finished: Finish::At(started),
            created: started - chrono::TimeDelta::days(400),
            zone_quarters: -12,
            version: ServerVersion { major: 16, minor: 0, build: 1000 },
            database_version: 957,
            compatibility: 160,
            recovery: Recovery::Simple,
            stripe: None,
        }
    }
}
