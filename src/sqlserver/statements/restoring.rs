//! The statements of a restore: beside the live database, its proof, and the exchange by name.

use super::{Statement, Unquotable, device, identifier, literal};

/// What a RESTORE reads and makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoring<'a> {
    /// The database that is made.
    pub database: &'a str,
    /// The dump file, as the server's own machine sees it.
    pub device: &'a str,
    /// Each file of the database: its logical name and where it goes.
    pub moves: &'a [(String, String)],
    /// The backup carries checksums, which are to be checked. The server refuses to check what is not there.
    pub checksum: bool,
    /// Overwrites a database of this name.
    pub replace: bool,
}

/// `RESTORE DATABASE … WITH MOVE …, CHECKSUM, STATS = 5`.
///
/// # Errors
/// A name or path that cannot be quoted.
pub fn restore(restoring: &Restoring<'_>) -> Result<Statement, Unquotable> {
    let database = identifier(restoring.database)?;
    let device = device(restoring.device)?;
    let mut text = format!("RESTORE DATABASE {database} FROM DISK = {device} WITH ");
    for (logical, target) in restoring.moves {
        text.push_str(&format!("MOVE {} TO {}, ", literal(logical)?, super::device(target)?));
    }
    if restoring.checksum {
        text.push_str("CHECKSUM, ");
    }
    text.push_str("STATS = 5");
    if restoring.replace {
        text.push_str(", REPLACE");
    }
    Ok(Statement(text.into()))
}

/// The same over a database whose context the session is: it leaves that in the same batch, so that nobody gets in between.
///
/// # Errors
/// A name or path that cannot be quoted.
pub fn restore_over(restoring: &Restoring<'_>) -> Result<Statement, Unquotable> {
    let Statement(text) = restore(restoring)?;
    Ok(Statement(format!("USE [master]; {text}").into()))
}

/// The files of database `@P1` (nvarchar), also of one that is being restored. Columns `name` and `physical_name` (nvarchar), `type`
/// (tinyint: 0 data, 1 log) and `bytes` (bigint).
pub const OWN_FILES: Statement = Statement::fixed(
    "SELECT name, physical_name, type, CAST(size AS bigint) * 8192 AS bytes FROM sys.master_files \
     WHERE database_id = DB_ID(@P1) ORDER BY file_id",
);

/// `DBCC CHECKDB`: one row for each thing that is wrong with the database.
///
/// # Errors
/// A name that cannot be quoted.
pub fn check_database(database: &str) -> Result<Statement, Unquotable> {
    let database = identifier(database)?;
    Ok(Statement(format!("DBCC CHECKDB ({database}) WITH TABLERESULTS, NO_INFOMSGS, ALL_ERRORMSGS").into()))
}

/// Removes a database and its files.
///
/// # Errors
/// A name that cannot be quoted.
pub fn drop_database(database: &str) -> Result<Statement, Unquotable> {
    Ok(Statement(format!("DROP DATABASE {}", identifier(database)?).into()))
}

/// Where the instance makes the files of new databases. Columns `data_path` and `log_path` (nvarchar); null before SQL
/// Server 2012.
pub const INSTANCE_PATHS: Statement = Statement::fixed(
    "SELECT CONVERT(nvarchar(260), SERVERPROPERTY(N'InstanceDefaultDataPath')) AS data_path, \
     CONVERT(nvarchar(260), SERVERPROPERTY(N'InstanceDefaultLogPath')) AS log_path",
);

/// The files of every database that may be seen. Columns `type` (tinyint: 0 data, 1 log), `database_id` (int) and
/// `physical_name` (nvarchar).
pub const ALL_FILES: Statement = Statement::fixed(
    "SELECT database_id, type, physical_name FROM sys.master_files ORDER BY database_id, file_id",
);

/// Who database `@P1` (nvarchar) is, apart from its name. Columns `database_id` (int), `create_date` (datetime: when it was
/// created, restored or last renamed), `state` (tinyint, as for `DATABASE`) and `user_access` (tinyint: 0 multi, 1 single,
/// 2 restricted).
pub const DATABASE_IDENTITY: Statement = Statement::fixed(
    "SELECT database_id, create_date, state, user_access FROM sys.databases WHERE name = @P1",
);

/// What goes over from a database to the one that takes its place. Columns `owner_name` (nvarchar; null for an owner without
/// a login), `recovery_model_desc` (nvarchar), `compatibility_level` (tinyint), `is_read_committed_snapshot_on` and
/// `is_trustworthy_on` (bit).
pub const CARRIED: Statement = Statement::fixed(
    "SELECT SUSER_SNAME(owner_sid) AS owner_name, recovery_model_desc, compatibility_level, \
     is_read_committed_snapshot_on, is_trustworthy_on FROM sys.databases WHERE name = @P1",
);

/// The tables of the database that is the context. Columns `schema_name` and `table_name` (nvarchar).
pub const TABLES: Statement = Statement::fixed(
    "SELECT s.name AS schema_name, t.name AS table_name FROM sys.tables AS t \
     JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name",
);

/// The number of rows of a table of the database that is the context, counted. Column `row_count` (bigint).
///
/// # Errors
/// A name that cannot be quoted.
pub fn count_rows(schema: &str, table: &str) -> Result<Statement, Unquotable> {
    let (schema, table) = (identifier(schema)?, identifier(table)?);
    Ok(Statement(format!("SELECT COUNT_BIG(*) AS row_count FROM {schema}.{table}").into()))
}

/// The rows of the tables of the database that is the context, as the server keeps these numbers. Columns `schema_name` and
/// `table_name` (nvarchar), `row_count` (bigint).
pub const KEPT_ROW_COUNTS: Statement = Statement::fixed(
    "SELECT s.name AS schema_name, t.name AS table_name, SUM(p.rows) AS row_count FROM sys.tables AS t \
     JOIN sys.schemas AS s ON s.schema_id = t.schema_id JOIN sys.partitions AS p ON p.object_id = t.object_id \
     WHERE t.is_ms_shipped = 0 AND p.index_id IN (0, 1) GROUP BY s.name, t.name",
);

/// The sessions of people and programs in database `@P1` (nvarchar), but for this one: those whose context it is, and those
/// that work in it from another one. Columns `session_id` (smallint), `host_name`, `program_name` and `login_name`
/// (nvarchar). Without VIEW SERVER STATE one sees only oneself, or nothing.
pub const OTHERS: Statement = Statement::fixed(
    "SELECT DISTINCT s.session_id, s.host_name, s.program_name, s.login_name FROM sys.dm_exec_sessions AS s \
     JOIN sys.dm_tran_locks AS l ON l.request_session_id = s.session_id \
     WHERE l.resource_type = N'DATABASE' AND l.resource_database_id = DB_ID(@P1) \
     AND s.is_user_process = 1 AND s.session_id <> @@SPID",
);

/// The users of the database that is the context whose login is gone, and for whose name there is a login: those that an
/// other server's backup brings along. Column `name` (nvarchar).
pub const ORPHANED_USERS: Statement = Statement::fixed(
    "SELECT name FROM sys.database_principals WHERE type = N'S' AND principal_id > 4 AND sid IS NOT NULL \
     AND SUSER_SNAME(sid) IS NULL AND SUSER_ID(name) IS NOT NULL ORDER BY name",
);

/// Joins user `name` of the database that is the context to the login of the same name.
///
/// # Errors
/// A name that cannot be quoted.
pub fn join_user(name: &str) -> Result<Statement, Unquotable> {
    let name = identifier(name)?;
    Ok(Statement(format!("ALTER USER {name} WITH LOGIN = {name}").into()))
}

/// A change of a database that is made in one short statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Lets one session in, this one; fails (5070) while others are in, and throws nobody out.
    SingleUser,
    /// Lets everybody in again.
    MultiUser,
    /// Gives it this name.
    Name(&'a str),
    /// Gives it to this login.
    Owner(&'a str),
    /// What its log keeps: `FULL`, `BULK_LOGGED` or `SIMPLE`.
    Recovery(&'a str),
    /// As which version of the server it behaves.
    Compatibility(u8),
    /// Whether readers see the last committed version of a row and wait for nobody.
    ReadCommittedSnapshot(bool),
    /// Whether its code may reach beyond it.
    Trustworthy(bool),
}

/// Makes a change of `database`.
///
/// # Errors
/// A name that cannot be quoted.
pub fn change(database: &str, change: Change<'_>) -> Result<Statement, Unquotable> {
    let name = identifier(database)?;
    let switch = |on: bool| if on { "ON" } else { "OFF" };
    let text = match change {
        Change::SingleUser => format!("ALTER DATABASE {name} SET SINGLE_USER WITH NO_WAIT"),
        Change::MultiUser => format!("ALTER DATABASE {name} SET MULTI_USER WITH NO_WAIT"),
        Change::Name(new) => format!("ALTER DATABASE {name} MODIFY NAME = {}", identifier(new)?),
        Change::Owner(login) => format!("ALTER AUTHORIZATION ON DATABASE::{name} TO {}", identifier(login)?),
        Change::Recovery(model) => {
            // A word of T-SQL and no name: only the three that there are.
            let known = ["FULL", "BULK_LOGGED", "SIMPLE"].into_iter().find(|known| *known == model);
            format!("ALTER DATABASE {name} SET RECOVERY {}", known.unwrap_or("FULL"))
        }
        Change::Compatibility(level) => format!("ALTER DATABASE {name} SET COMPATIBILITY_LEVEL = {level}"),
        Change::ReadCommittedSnapshot(on) => {
            format!("ALTER DATABASE {name} SET READ_COMMITTED_SNAPSHOT {} WITH NO_WAIT", switch(on))
        }
        Change::Trustworthy(on) => format!("ALTER DATABASE {name} SET TRUSTWORTHY {}", switch(on)),
    };
    Ok(Statement(text.into()))
}

/// What this login may do for a restore, with database `@P1` (nvarchar) among others. One row of ints, 1 = yes, null = this
/// version does not know the right, or there is no such database.
pub const RESTORE_RIGHTS: Statement = Statement::fixed(
    "SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') AS create_any_database, \
     HAS_PERMS_BY_NAME(QUOTENAME(@P1), N'DATABASE', N'ALTER') AS alter_database, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS view_server_state, \
     IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin",
);
