//! How a server and a database are: asked in a few short statements, told as facts, and judged in `judge.rs`.

use super::Server;
use super::errors::Failure;
use super::judge::judge;
use super::rights::Rights;
use super::session::{Connection, Fields};
use super::statements::{
    BACKUP_COMPRESSION_DEFAULT, CONFIGURATION, DATABASE, FILES, SERVER, SUSPECT_PAGES, use_database,
};
use crate::config::DatabaseName;
use crate::problem::{Problem, Result};
use serde::Serialize;
use std::fmt;

/// Size of a page of SQL Server.
const PAGE_BYTES: u64 = 8_192;
/// `SERVERPROPERTY('EngineEdition')` of Express.
const ENGINE_EXPRESS: i64 = 4;
const GIB: u64 = 1 << 30;

/// Everything that is known of a server and a database, and what is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The server.
    pub facts: ServerFacts,
    /// The database; `None` where it does not exist.
    pub database: Option<DatabaseFacts>,
    /// What the login may do.
    pub rights: Rights,
    /// What is wrong, the gravest first.
    pub problems: Vec<Problem>,
}

/// A version of SQL Server: 16.0.1000 is SQL Server 2022.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Version {
    /// 9 = 2005, 10 = 2008 (10.50 = 2008 R2), 11 = 2012, 12 = 2014, 13 = 2016, 14 = 2017, 15 = 2019, 16 = 2022.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Build.
    pub build: u32,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| number.trim().parse().ok());
        Some(Self {
            major: numbers.next()??,
            minor: numbers.next()??,
            build: numbers.next().flatten().unwrap_or_default(),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// What a server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerFacts {
    /// Its version.
    pub version: Version,
    /// Its edition, in the server's words.
    pub edition: String,
    /// The number of its engine's edition; 4 = Express.
    pub engine_edition: i64,
    /// Its machine.
    pub machine: String,
    /// Its instance; `None` for the default one.
    pub instance: Option<String>,
    /// Whether BACKUP compresses when it is not told: then it must be told not to.
    pub compression_default: bool,
    /// The server's own line about itself, with its operating system.
    pub version_text: String,
}

impl ServerFacts {
    /// Whether it is the free edition, which limits sizes and has neither compression nor an Agent.
    pub fn is_express(&self) -> bool {
        self.engine_edition == ENGINE_EXPRESS
    }

    /// How large the data files of one database may become: 10 GiB on Express since 2008 R2, 4 GiB before.
    pub fn size_limit_bytes(&self) -> Option<u64> {
        const R2: (u32, u32) = (10, 50);
        let limit = if (self.version.major, self.version.minor) >= R2 { 10 * GIB } else { 4 * GIB };
        self.is_express().then_some(limit)
    }

    /// Asks the server.
    pub(super) async fn ask(connection: &mut Connection) -> std::result::Result<Self, Failure> {
        let row = connection.row(&SERVER, &[]).await?;
        let row = row.ok_or_else(|| Failure::Garbled("no row about the server".into()))?;
        let compression = connection.row(&CONFIGURATION, &[&BACKUP_COMPRESSION_DEFAULT]).await?;
        let fields = Fields(&row);
        Ok(Self {
            version: Version::parse(&fields.text("product_version")?.unwrap_or_default()).unwrap_or_default(),
            edition: fields.text("edition")?.unwrap_or_default(),
            engine_edition: fields.int("engine_edition")?.unwrap_or_default(),
            machine: fields.text("machine_name")?.unwrap_or_default(),
            instance: fields.text("instance_name")?,
            // Editions and versions without compression have no such option.
            compression_default: match &compression {
                Some(row) => Fields(row).flag("value_in_use")?,
                None => false,
            },
            version_text: fields.text("version_text")?.unwrap_or_default(),
        })
    }
}

/// The state of a database, as `sys.databases` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseState {
    /// Open.
    Online,
    /// Being restored.
    Restoring,
    /// Being recovered: it opens by itself when that is over.
    Recovering,
    /// Its recovery could not begin.
    RecoveryPending,
    /// Its recovery failed.
    Suspect,
    /// Opened by an administrator for repair.
    Emergency,
    /// Taken offline.
    Offline,
    /// A state that we do not know.
    Other,
}

impl DatabaseState {
    fn of(number: Option<i64>) -> Self {
        match number {
            Some(0) => Self::Online,
            Some(1) => Self::Restoring,
            Some(2) => Self::Recovering,
            Some(3) => Self::RecoveryPending,
            Some(4) => Self::Suspect,
            Some(5) => Self::Emergency,
            Some(6) => Self::Offline,
            _ => Self::Other,
        }
    }
}

/// How a database protects its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageVerify {
    /// By a checksum: every bad page is found.
    Checksum,
    /// By bits that show half-written pages only.
    TornPage,
    /// Not at all.
    None,
    /// The server does not tell.
    Unknown,
}

impl PageVerify {
    fn of(text: Option<&str>) -> Self {
        match text {
            Some("CHECKSUM") => Self::Checksum,
            Some("TORN_PAGE_DETECTION") => Self::TornPage,
            Some("NONE") => Self::None,
            _ => Self::Unknown,
        }
    }
}

/// What a database keeps in its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryModel {
    /// Everything, until a backup of the log.
    Full,
    /// Nearly everything, until a backup of the log.
    BulkLogged,
    /// Only what is under way.
    Simple,
    /// The server does not tell.
    Unknown,
}

impl RecoveryModel {
    fn of(text: Option<&str>) -> Self {
        match text {
            Some("FULL") => Self::Full,
            Some("BULK_LOGGED") => Self::BulkLogged,
            Some("SIMPLE") => Self::Simple,
            _ => Self::Unknown,
        }
    }
}

/// What a database is. Figures are `None` where the server does not tell: the database is closed, or a right is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatabaseFacts {
    /// Its name as the server writes it.
    pub name: String,
    /// Its state.
    pub state: DatabaseState,
    /// How it protects its pages.
    pub page_verify: PageVerify,
    /// What it keeps in its log.
    pub recovery_model: RecoveryModel,
    /// What its log waits for before it can be truncated, in the server's words.
    pub log_waits_for: Option<String>,
    /// Whether its files are encrypted (TDE): nobody but a server with its key reads its backups.
    pub encrypted: bool,
    /// Size of its data files.
    pub data_bytes: Option<u64>,
    /// What of them is in use: close to the size of the next backup.
    pub used_bytes: Option<u64>,
    /// Size of its log files.
    pub log_bytes: Option<u64>,
    /// How large its data files may become on this edition; `None` without a limit.
    pub size_limit_bytes: Option<u64>,
    /// Pages that the server found bad and nobody mended.
    pub suspect_pages: Option<u64>,
}

impl DatabaseFacts {
    async fn ask(
        connection: &mut Connection,
        database: &str,
        server: &ServerFacts,
    ) -> std::result::Result<Option<Self>, Failure> {
        let Some(row) = connection.row(&DATABASE, &[&database]).await? else { return Ok(None) };
        let fields = Fields(&row);
        let state = DatabaseState::of(fields.int("state")?);
        let files = match state {
            DatabaseState::Online => told(files(connection, database).await)?,
            DatabaseState::Restoring
            | DatabaseState::Recovering
            | DatabaseState::RecoveryPending
            | DatabaseState::Suspect
            | DatabaseState::Emergency
            | DatabaseState::Offline
            | DatabaseState::Other => None,
        };
        Ok(Some(Self {
            name: fields.text("name")?.unwrap_or_else(|| database.to_owned()),
            state,
            page_verify: PageVerify::of(fields.text("page_verify_option_desc")?.as_deref()),
            recovery_model: RecoveryModel::of(fields.text("recovery_model_desc")?.as_deref()),
            log_waits_for: fields.text("log_reuse_wait_desc")?,
            encrypted: fields.flag("is_encrypted")?,
            data_bytes: files.as_ref().map(|files| files.data_bytes),
            used_bytes: files.as_ref().and_then(|files| files.used_bytes),
            log_bytes: files.as_ref().map(|files| files.log_bytes),
            size_limit_bytes: server.size_limit_bytes(),
            suspect_pages: told(suspect_pages(connection, database).await)?,
        }))
    }
}

/// What the server refused to tell is unknown, not an error; a connection that failed is one.
fn told<T>(asked: std::result::Result<T, Failure>) -> std::result::Result<Option<T>, Failure> {
    match asked {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.leaves_connection_usable() => {
            tracing::debug!(cause = %failure, "the server does not tell");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

struct Files {
    data_bytes: u64,
    used_bytes: Option<u64>,
    log_bytes: u64,
}

async fn files(connection: &mut Connection, database: &str) -> std::result::Result<Files, Failure> {
    const DATA: i64 = 0;
    const LOG: i64 = 1;
    connection.rows(&use_database(database)?, &[]).await?;
    let mut files = Files { data_bytes: 0, used_bytes: Some(0), log_bytes: 0 };
    for row in &connection.rows(&FILES, &[]).await? {
        let fields = Fields(row);
        let bytes = fields.size("pages")?.unwrap_or_default().saturating_mul(PAGE_BYTES);
        match fields.int("type")? {
            Some(DATA) => {
                let used = fields.size("used_pages")?.map(|pages| pages.saturating_mul(PAGE_BYTES));
                files.data_bytes = files.data_bytes.saturating_add(bytes);
                files.used_bytes = files.used_bytes.zip(used).map(|(sum, used)| sum.saturating_add(used));
            }
            Some(LOG) => files.log_bytes = files.log_bytes.saturating_add(bytes),
            _ => {}
        }
    }
    Ok(files)
}

async fn suspect_pages(connection: &mut Connection, database: &str) -> std::result::Result<u64, Failure> {
    let row = connection.row(&SUSPECT_PAGES, &[&database]).await?;
    Ok(row.as_ref().map(|row| Fields(row).size("pages")).transpose()?.flatten().unwrap_or_default())
}

impl Server {
    /// How the server and `database` are, and what is wrong with them: state, rights, damage, sizes, settings.
    ///
    /// # Errors
    /// No connection, or a login that is refused.
    pub async fn health(&self, database: &DatabaseName) -> Result<Health> {
        let asked = async {
            let mut connection = self.open().await?;
            let facts = ServerFacts::ask(&mut connection).await?;
            let found = DatabaseFacts::ask(&mut connection, database.as_str(), &facts).await?;
            let open = found.as_ref().is_some_and(|found| found.state == DatabaseState::Online);
            let rights = Rights::ask(&mut connection, database.as_str(), open).await?;
            Ok::<_, Failure>((facts, found, rights))
        };
        let subject = self.subject().on_database(database.as_str());
        match asked.await {
            Ok((facts, found, rights)) => {
                let problems = judge(&facts, found.as_ref(), &rights, &subject);
                Ok(Health { facts, database: found, rights, problems })
            }
            Err(failure) => Err(self.explain(&failure, subject).await),
        }
    }

    /// The number of bad pages of `database` that the server knows of.
    ///
    /// # Errors
    /// The server cannot be asked, or the login may not read `msdb`.
    pub async fn suspect_pages(&self, database: &DatabaseName) -> Result<u64> {
        let asked = async { suspect_pages(&mut self.open().await?, database.as_str()).await };
        match asked.await {
            Ok(pages) => Ok(pages),
            Err(failure) => Err(self.explain(&failure, self.subject().on_database(database.as_str())).await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_server_are_read_and_ordered() {
        assert_eq!(Version::parse("10.50.6560.0"), Some(Version { major: 10, minor: 50, build: 6560 }));
        assert_eq!(Version::parse("16.0.1000.6").unwrap().to_string(), "16.0.1000");
        assert!(Version::parse("15.0.2000.5") > Version::parse("10.50.1600.1"));
        assert_eq!(Version::parse("dezesseis"), None);
        assert_eq!(Version::parse(""), None);
    }
}
