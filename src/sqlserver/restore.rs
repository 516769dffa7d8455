//! RESTORE beside the live database, its proof by DBCC CHECKDB and by counting, and its removal.

use super::errors::{Failure, Subject};
use super::health::ServerFacts;
use super::session::{Connection, Fields};
use super::statements::{
    self, ALL_FILES, DATABASE_IDENTITY, INSTANCE_PATHS, KEPT_ROW_COUNTS, OWN_FILES, RESTORE_RIGHTS,
    Restoring, TABLES, count_rows, use_database,
};
use super::supervise::{DumpProgress, supervise, supervise_within};
use super::{Server, errors};
use crate::config::{Login, Secret};
use crate::problem::{Code, Problem, Result};
use crate::words;
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// DBCC may be silent for long where the server does not tell how far it is: many times the silence of a RESTORE.
const CHECK_STALLS: u32 = 12;
/// The rows that the server keeps count of are told within this time, or not at all: a backup waits for them.
const KEPT_WITHIN: Duration = Duration::from_secs(5);
/// The most things that CHECKDB finds wrong which are kept.
const MOST_DEFECTS: usize = 20;
/// `master` in `sys.master_files`.
const MASTER: i64 = 1;

/// What is to be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreRequest {
    /// The database that is made.
    pub database: String,
    /// The dump file, as the server's own machine sees it.
    pub device_path: String,
    /// Each file of the database: its logical name and where it goes.
    pub moves: Vec<(String, String)>,
    /// The backup carries checksums, which are to be checked.
    pub checksum: bool,
    /// Overwrites a database of this name.
    pub replace: bool,
}

impl RestoreRequest {
    fn statement(&self) -> std::result::Result<statements::Statement, statements::Unquotable> {
        statements::restore(&self.restoring())
    }

    fn restoring(&self) -> Restoring<'_> {
        Restoring {
            database: &self.database,
            device: &self.device_path,
            moves: &self.moves,
            checksum: self.checksum,
            replace: self.replace,
        }
    }

    /// The same from the seat in the database that is overwritten.
    pub(super) fn over(&self) -> std::result::Result<statements::Statement, statements::Unquotable> {
        statements::restore_over(&self.restoring())
    }

    /// That statement as it will be sent.
    pub fn text_over(&self) -> String {
        self.over().map_or_else(|cause| format!("-- {cause}"), |statement| statement.to_string())
    }

    /// The statement as it will be sent, for whoever wants to see it first.
    pub fn text(&self) -> String {
        self.statement().map_or_else(|cause| format!("-- {cause}"), |statement| statement.to_string())
    }
}

/// Something that DBCC CHECKDB finds wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// The server's number for it.
    pub error: i64,
    /// The server's own words.
    pub text: String,
}

/// The rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableCount {
    /// `schema.table`.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// A database, told from another one that bears its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseIdentity {
    /// Its number in the server, which is given again once it is gone.
    pub id: i64,
    /// When it was created, restored or last renamed, by the server's clock.
    pub created: NaiveDateTime,
    /// Whether it is open.
    pub online: bool,
    /// Whether only one session is let in.
    pub single_user: bool,
}

impl DatabaseIdentity {
    /// Whether this is still the database that `other` was.
    pub fn is_the_same_as(&self, other: &Self) -> bool {
        (self.id, self.created) == (other.id, other.created)
    }
}

/// Where an instance makes the files of new databases, as its own machine names the folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancePaths {
    /// Data.
    pub data: String,
    /// Logs.
    pub log: String,
    /// The files of every database, none of which may be taken.
    pub taken: Vec<String>,
}

/// A file of a database, where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnFile {
    /// What the database calls it.
    pub name: String,
    /// Its path, as the server's own machine names it.
    pub path: String,
    /// It holds the log.
    pub log: bool,
    /// Its size.
    pub bytes: u64,
}

/// What the login may do for a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreRights {
    /// Making a database.
    pub create: bool,
    /// Changing the live one: its name, who is let in. `None` where there is none of that name.
    pub alter: Option<bool>,
    /// Seeing who is connected.
    pub see_others: bool,
}

impl Server {
    /// The same server for another login of its own.
    pub fn for_login(&self, user: &str, password: Secret) -> Self {
        let mut config = self.config().clone();
        config.login = Login::Sql { user: user.to_owned(), password };
        Self::with_limits(&config, self.program(), self.limits())
    }

    /// What the server is.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn facts(&self) -> Result<ServerFacts> {
        let asked = async { ServerFacts::ask(&mut self.open().await?).await };
        self.told(asked.await, None).await
    }

    /// Restores. `progress` hears how far it is; `cancel` stops it with [`Code::RunCancelled`]. Whether it is stopped, fails
    /// or stalls, no statement of it is left running; a database that it had begun is left, to be dropped.
    ///
    /// # Errors
    /// What SQL Server said, the loss of the connection, a stall, or the cancellation.
    pub async fn restore(
        &self,
        request: &RestoreRequest,
        progress: &(dyn Fn(DumpProgress) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<()> {
        let subject = self.subject().on_database(&request.database).on_device(&request.device_path);
        let statement = request.statement().map_err(|cause| Failure::from(cause).problem(&subject))?;
        let span = tracing::info_span!("sql_restore", database = %request.database);
        async {
            match supervise(self, statement, progress, cancel).await {
                Ok(done) => {
                    tracing::info!(took = ?done.took, "SQL Server restored the backup");
                    Ok(())
                }
                Err(unfinished) => Err(self.explain_unfinished(unfinished, subject).await),
            }
        }
        .instrument(span)
        .await
    }

    /// Has the server check all of a database (DBCC CHECKDB): empty where nothing is wrong; at most 20 things.
    ///
    /// # Errors
    /// It could not be checked, or the cancellation.
    pub async fn check_database(
        &self,
        database: &str,
        progress: &(dyn Fn(DumpProgress) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<Vec<Defect>> {
        let subject = self.subject().on_database(database);
        let statement =
            statements::check_database(database).map_err(|cause| Failure::from(cause).problem(&subject))?;
        let stall = self.limits().stall * CHECK_STALLS;
        match supervise_within(self, statement, stall, progress, cancel).await {
            Ok(done) => {
                let read = done.rows.iter().take(MOST_DEFECTS).map(|row| defect(Fields(row)));
                let defects = read.collect::<std::result::Result<Vec<_>, Failure>>();
                tracing::info!(database, took = ?done.took, found = done.rows.len(), "DBCC CHECKDB");
                defects.map_err(|failure| failure.problem(&subject))
            }
            Err(unfinished) => Err(self.explain_unfinished(unfinished, subject).await),
        }
    }

    /// Counts the rows of every table of `database`.
    ///
    /// # Errors
    /// The server cannot be asked, or [`Code::RunCancelled`].
    pub async fn count_rows(&self, database: &str, cancel: &CancellationToken) -> Result<Vec<TableCount>> {
        let counted = cancel.run_until_cancelled(self.counts(database));
        match counted.await {
            Some(counted) => self.told(counted, Some(database)).await,
            None => Err(super::backup::cancelled()),
        }
    }

    /// The rows of every table of `database` as the server keeps these numbers: at once, and without reading a table.
    ///
    /// # Errors
    /// The server does not tell soon, or [`Code::RunCancelled`].
    pub async fn kept_row_counts(
        &self,
        database: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<TableCount>> {
        let asked = async {
            let mut connection = self.open().await?;
            connection.rows(&use_database(database)?, &[]).await?;
            let rows = connection.rows_within(&KEPT_ROW_COUNTS, &[], KEPT_WITHIN).await?;
            let count = |row| {
                let fields = Fields(row);
                let schema = fields.text("schema_name")?.unwrap_or_default();
                let table = fields.text("table_name")?.unwrap_or_default();
                let rows = fields.size("row_count")?.unwrap_or_default();
                Ok(TableCount { table: format!("{schema}.{table}"), rows })
            };
            rows.iter().map(count).collect::<std::result::Result<Vec<_>, Failure>>()
        };
        match cancel.run_until_cancelled(asked).await {
            Some(told) => self.told(told, Some(database)).await,
            None => Err(super::backup::cancelled()),
        }
    }

    async fn counts(&self, database: &str) -> std::result::Result<Vec<TableCount>, Failure> {
        let mut connection = self.open().await?;
        connection.rows(&use_database(database)?, &[]).await?;
        let mut counts = Vec::new();
        for row in &connection.rows(&TABLES, &[]).await? {
            let fields = Fields(row);
            let schema = fields.text("schema_name")?.unwrap_or_default();
            let table = fields.text("table_name")?.unwrap_or_default();
            let counted =
                connection.rows_within(&count_rows(&schema, &table)?, &[], self.limits().count).await?;
            let rows = counted.first().map(|row| Fields(row).size("row_count")).transpose()?.flatten();
            counts.push(TableCount { table: format!("{schema}.{table}"), rows: rows.unwrap_or_default() });
        }
        Ok(counts)
    }

    /// Removes `database` and its files. `false` where there is none of that name. Whether it may go is the caller's to know.
    ///
    /// # Errors
    /// [`Code::DatabaseBusy`] while somebody is in it; no right; no answer.
    pub async fn drop_database(&self, database: &str) -> Result<bool> {
        let dropped = async {
            let mut connection = self.open().await?;
            if identity(&mut connection, database).await?.is_none() {
                return Ok(false);
            }
            let statement = statements::drop_database(database)?;
            connection.rows_within(&statement, &[], self.limits().change).await?;
            tracing::info!(database, "dropped");
            Ok::<_, Failure>(true)
        };
        self.told(dropped.await, Some(database)).await
    }

    /// Which database bears this name now; `None` where none does.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn database_identity(&self, database: &str) -> Result<Option<DatabaseIdentity>> {
        let asked = async { identity(&mut self.open().await?, database).await };
        self.told(asked.await, Some(database)).await
    }

    /// Where the instance makes the files of new databases. Before SQL Server 2012 it does not tell, and they go where
    /// `master` is.
    ///
    /// # Errors
    /// The server cannot be asked, or tells of no folder.
    pub async fn instance_paths(&self) -> Result<InstancePaths> {
        let asked = async { paths(&mut self.open().await?).await };
        self.told(asked.await, None).await
    }

    /// The files of `database`; none where there is no such database.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn own_files(&self, database: &str) -> Result<Vec<OwnFile>> {
        let asked = async {
            let rows = self.open().await?.rows(&OWN_FILES, &[&database]).await?;
            rows.iter().map(|row| own_file(Fields(row))).collect::<std::result::Result<Vec<_>, Failure>>()
        };
        self.told(asked.await, Some(database)).await
    }

    /// What the login may do for a restore of `database`.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn restore_rights(&self, database: &str) -> Result<RestoreRights> {
        let asked = async {
            let row = self.open().await?.row(&RESTORE_RIGHTS, &[&database]).await?;
            let row = row.ok_or_else(|| Failure::Garbled("no row about rights".into()))?;
            let fields = Fields(&row);
            let all = fields.flag("sysadmin")?;
            let alter = fields.int("alter_database")?.map(|may| may != 0);
            Ok::<_, Failure>(RestoreRights {
                create: all || fields.flag("create_any_database")?,
                alter: if all { Some(true) } else { alter },
                see_others: all || fields.flag("view_server_state")?,
            })
        };
        self.told(asked.await, Some(database)).await
    }

    /// What the server told, or why it did not as a problem about `database`.
    pub(super) async fn told<T>(
        &self,
        asked: std::result::Result<T, Failure>,
        database: Option<&str>,
    ) -> Result<T> {
        match asked {
            Ok(told) => Ok(told),
            Err(failure) => Err(self.explain(&failure, self.about(database)).await),
        }
    }

    pub(super) fn about(&self, database: Option<&str>) -> Subject {
        match database {
            Some(database) => self.subject().on_database(database),
            None => self.subject(),
        }
    }

    /// Refuses a login that may not restore, before anything is made.
    ///
    /// # Errors
    /// [`Code::SqlRights`], naming the right.
    pub fn require_create(&self, rights: RestoreRights) -> Result<()> {
        if rights.create { Ok(()) } else { Err(lacks(&self.subject(), "CREATE ANY DATABASE")) }
    }

    /// Refuses a login that may not exchange `database` for another, before anything is made.
    ///
    /// # Errors
    /// [`Code::SqlRights`], naming the right.
    pub fn require_exchange(&self, rights: RestoreRights, database: &str) -> Result<()> {
        self.require_create(rights)?;
        let subject = self.subject().on_database(database);
        match rights {
            RestoreRights { see_others: false, .. } => Err(lacks(&subject, "VIEW SERVER STATE")),
            RestoreRights { alter: None, .. } => Err(errors::database_missing(&subject)),
            RestoreRights { alter: Some(false), .. } => Err(lacks(&subject, "ALTER ANY DATABASE")),
            RestoreRights { alter: Some(true), .. } => Ok(()),
        }
    }
}

fn lacks(subject: &Subject, right: &str) -> Problem {
    let login = &subject.login;
    Problem::new(
        Code::SqlRights,
        words!(
            "O login «{login}» não tem a permissão {right}, sem a qual esta restauração não pode ser feita.",
            "The login “{login}” lacks the right {right}, without which this restore cannot be made.",
        ),
        words!(
            "Dê um login de administrador do SQL Server só para esta restauração (--admin-user, --admin-password-file); nada foi alterado.",
            "Give a login of an administrator of SQL Server for this one restore (--admin-user, --admin-password-file); nothing was touched.",
        ),
    )
}

async fn identity(
    connection: &mut Connection,
    database: &str,
) -> std::result::Result<Option<DatabaseIdentity>, Failure> {
    const ONLINE: i64 = 0;
    const SINGLE: i64 = 1;
    let Some(row) = connection.row(&DATABASE_IDENTITY, &[&database]).await? else { return Ok(None) };
    let fields = Fields(&row);
    let odd = || Failure::Garbled("a database without a number or a date".into());
    Ok(Some(DatabaseIdentity {
        id: fields.int("database_id")?.ok_or_else(odd)?,
        created: fields.when("create_date")?.ok_or_else(odd)?,
        online: fields.int("state")? == Some(ONLINE),
        single_user: fields.int("user_access")? == Some(SINGLE),
    }))
}

async fn paths(connection: &mut Connection) -> std::result::Result<InstancePaths, Failure> {
    let told = connection.row(&INSTANCE_PATHS, &[]).await?;
    let told = |column| match &told {
        Some(row) => Fields(row).text(column),
        None => Ok(None),
    };
    let (mut data, mut log) = (told("data_path")?, told("log_path")?);
    let mut taken = Vec::new();
    for row in &connection.rows(&ALL_FILES, &[]).await? {
        let fields = Fields(row);
        let Some(path) = fields.text("physical_name")? else { continue };
        if fields.int("database_id")? == Some(MASTER) {
            let folder = path.rfind(['\\', '/']).map(|at| path[..=at].to_owned());
            let place = if fields.int("type")? == Some(1) { &mut log } else { &mut data };
            *place = place.take().or(folder);
        }
        taken.push(path);
    }
    match (data, log) {
        (Some(data), Some(log)) => Ok(InstancePaths { data, log, taken }),
        (Some(data), None) => Ok(InstancePaths { log: data.clone(), data, taken }),
        (None, _) => Err(Failure::Garbled("the instance tells of no folder for databases".into())),
    }
}

fn own_file(row: Fields<'_>) -> std::result::Result<OwnFile, Failure> {
    Ok(OwnFile {
        name: row.text("name")?.unwrap_or_default(),
        path: row.text("physical_name")?.unwrap_or_default(),
        log: row.int("type")? == Some(1),
        bytes: row.size("bytes")?.unwrap_or_default(),
    })
}

fn defect(row: Fields<'_>) -> std::result::Result<Defect, Failure> {
    Ok(Defect {
        error: row.int("Error")?.unwrap_or_default(),
        text: row.text("MessageText")?.unwrap_or_default(),
    })
}
