//! Every statement that we send to SQL Server, as text. Pure: what is asked for goes in, a [`Statement`] comes out, and
//! only this module can make one, so nothing unquoted ever reaches the server.
//!
//! Values travel as parameters (`@P1`, `@P2`) wherever T-SQL takes them. BACKUP, RESTORE, KILL, USE and GRANT take none (or
//! only by ways that not every version has): there names stand in brackets with `]` doubled, texts in `N'…'` with `'` doubled.

mod restoring;

pub use restoring::{
    ALL_FILES, CARRIED, Change, DATABASE_IDENTITY, INSTANCE_PATHS, KEPT_ROW_COUNTS, ORPHANED_USERS, OTHERS,
    OWN_FILES, RESTORE_RIGHTS, Restoring, TABLES, change, check_database, count_rows, drop_database,
    join_user, restore, restore_over,
};

use std::borrow::Cow;
use std::fmt;

/// The longest identifier of SQL Server, in UTF-16 units (`sysname`).
pub const IDENTIFIER_UNITS: usize = 128;
/// The longest path that `TO DISK` and `FROM DISK` take, in UTF-16 units.
pub const DEVICE_UNITS: usize = 259;
/// The longest `NAME` of a backup set, in UTF-16 units; longer ones are cut.
const SET_NAME_UNITS: usize = 128;
/// The longest `DESCRIPTION` of a backup set, in UTF-16 units; longer ones are cut.
const SET_DESCRIPTION_UNITS: usize = 255;

/// The text of a statement that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement(Cow<'static, str>);

impl Statement {
    const fn fixed(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The T-SQL.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name or text that no quoting makes fit to stand in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unquotable {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It holds a NUL, at which parts of the server would cut it.
    #[error("it holds a NUL character")]
    Nul,
    /// It is longer than the server takes; the limit in UTF-16 units.
    #[error("it is longer than {0} characters")]
    TooLong(usize),
}

/// `name` in brackets, as T-SQL writes an identifier that may hold anything.
///
/// # Errors
/// Empty, longer than [`IDENTIFIER_UNITS`], or with a NUL.
pub fn identifier(name: &str) -> Result<String, Unquotable> {
    checked(name, IDENTIFIER_UNITS)?;
    Ok(format!("[{}]", name.replace(']', "]]")))
}

/// `text` as a Unicode literal, `N'…'`.
///
/// # Errors
/// A NUL in it.
pub fn literal(text: &str) -> Result<String, Unquotable> {
    if text.contains('\0') {
        return Err(Unquotable::Nul);
    }
    Ok(format!("N'{}'", text.replace('\'', "''")))
}

fn device(path: &str) -> Result<String, Unquotable> {
    checked(path, DEVICE_UNITS)?;
    literal(path)
}

fn checked(text: &str, limit_units: usize) -> Result<(), Unquotable> {
    if text.is_empty() {
        return Err(Unquotable::Empty);
    }
    if text.contains('\0') {
        return Err(Unquotable::Nul);
    }
    if text.encode_utf16().count() > limit_units {
        return Err(Unquotable::TooLong(limit_units));
    }
    Ok(())
}

/// `text` up to `limit_units` UTF-16 units, never through the middle of a character.
fn cut(text: &str, limit_units: usize) -> &str {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units > limit_units {
            return &text[..at];
        }
    }
    text
}

/// What a BACKUP writes, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump<'a> {
    /// The database.
    pub database: &'a str,
    /// The dump file, as the server's own machine sees it.
    pub device: &'a str,
    /// The name of the backup set, which HEADERONLY and msdb show.
    pub name: &'a str,
    /// The description of the backup set.
    pub description: &'a str,
    /// Overrides a server whose default is native compression.
    pub no_compression: bool,
    /// Goes on over bad pages: a rescue dump.
    pub continue_after_error: bool,
}

/// `BACKUP DATABASE … WITH COPY_ONLY, FORMAT, INIT, SKIP, CHECKSUM, …`: one whole copy in a file that is overwritten, which
/// leaves other products' differential chains alone.
///
/// # Errors
/// A name or path that cannot be quoted.
pub fn backup(dump: &Dump<'_>) -> Result<Statement, Unquotable> {
    let database = identifier(dump.database)?;
    let device = device(dump.device)?;
    let name = literal(cut(dump.name, SET_NAME_UNITS))?;
    let description = literal(cut(dump.description, SET_DESCRIPTION_UNITS))?;
    let mut text = format!(
        "BACKUP DATABASE {database} TO DISK = {device} \
         WITH COPY_ONLY, FORMAT, INIT, SKIP, CHECKSUM, STATS = 5, NAME = {name}, DESCRIPTION = {description}"
    );
    if dump.no_compression {
        text.push_str(", NO_COMPRESSION");
    }
    if dump.continue_after_error {
        text.push_str(", CONTINUE_AFTER_ERROR");
    }
    Ok(Statement(text.into()))
}

/// `RESTORE VERIFYONLY`: no rows; valid means that it ends without an error.
///
/// # Errors
/// A path that cannot be quoted.
pub fn verify_only(path: &str) -> Result<Statement, Unquotable> {
    Ok(Statement(format!("RESTORE VERIFYONLY FROM DISK = {} WITH CHECKSUM", device(path)?).into()))
}

/// `RESTORE HEADERONLY`: one row for each backup set in the file.
///
/// # Errors
/// A path that cannot be quoted.
pub fn header_only(path: &str) -> Result<Statement, Unquotable> {
    Ok(Statement(format!("RESTORE HEADERONLY FROM DISK = {}", device(path)?).into()))
}

/// `RESTORE FILELISTONLY`: one row for each file of the database in the backup.
///
/// # Errors
/// A path that cannot be quoted.
pub fn file_list_only(path: &str) -> Result<Statement, Unquotable> {
    Ok(Statement(format!("RESTORE FILELISTONLY FROM DISK = {}", device(path)?).into()))
}

/// This session. Columns `session_id` (smallint) and `login_time` (datetime): a number is given again to others, but not
/// with the same time. Needs no right.
pub const SESSION: Statement =
    Statement::fixed("SELECT session_id, login_time FROM sys.dm_exec_sessions WHERE session_id = @@SPID");

/// How far the request of session `@P1` (smallint) is. Columns `percent_complete` (real) and
/// `estimated_completion_time` (bigint, milliseconds). No row without VIEW SERVER STATE.
pub const PROGRESS: Statement = Statement::fixed(
    "SELECT percent_complete, estimated_completion_time FROM sys.dm_exec_requests WHERE session_id = @P1",
);

/// The requests that run in sessions of the program `@P1` (nvarchar), but for this one. Columns `session_id` (smallint),
/// `login_time` (datetime) and `command` (nvarchar). No row without VIEW SERVER STATE.
pub const PROGRAM_REQUESTS: Statement = Statement::fixed(
    "SELECT r.session_id, s.login_time, r.command FROM sys.dm_exec_requests AS r \
     JOIN sys.dm_exec_sessions AS s ON s.session_id = r.session_id \
     WHERE s.program_name = @P1 AND r.session_id <> @@SPID",
);

/// Ends a session and rolls back what it runs.
pub fn kill(session_id: i16) -> Statement {
    Statement(format!("KILL {session_id}").into())
}

/// What the server is. One row: `product_version`, `edition`, `machine_name`, `instance_name` (null for the default one),
/// `version_text` (nvarchar) and `engine_edition` (int; 4 = Express).
pub const SERVER: Statement = Statement::fixed(
    "SELECT CONVERT(nvarchar(128), SERVERPROPERTY(N'ProductVersion')) AS product_version, \
     CONVERT(nvarchar(128), SERVERPROPERTY(N'Edition')) AS edition, \
     CONVERT(int, SERVERPROPERTY(N'EngineEdition')) AS engine_edition, \
     CONVERT(nvarchar(128), SERVERPROPERTY(N'MachineName')) AS machine_name, \
     CONVERT(nvarchar(128), SERVERPROPERTY(N'InstanceName')) AS instance_name, \
     CONVERT(nvarchar(400), @@VERSION) AS version_text",
);

/// The server's option `@P1` (nvarchar). Column `value_in_use` (int).
pub const CONFIGURATION: Statement = Statement::fixed(
    "SELECT CONVERT(int, value_in_use) AS value_in_use FROM sys.configurations WHERE name = @P1",
);

/// The option of [`CONFIGURATION`] that says whether BACKUP compresses when it is not told.
pub const BACKUP_COMPRESSION_DEFAULT: &str = "backup compression default";

/// The state of database `@P1` (nvarchar). Columns `name`, `recovery_model_desc`, `page_verify_option_desc`,
/// `log_reuse_wait_desc` (nvarchar; null while the database is not open), `is_encrypted` (bit: TDE) and `state` (tinyint: 0 online, 1 restoring,
/// 2 recovering, 3 recovery pending, 4 suspect, 5 emergency, 6 offline). No row: it is missing.
pub const DATABASE: Statement = Statement::fixed(
    "SELECT name, state, recovery_model_desc, page_verify_option_desc, log_reuse_wait_desc, is_encrypted \
     FROM sys.databases WHERE name = @P1",
);

/// Makes `database` the context of the connection.
///
/// # Errors
/// A name that cannot be quoted.
pub fn use_database(database: &str) -> Result<Statement, Unquotable> {
    Ok(Statement(format!("USE {}", identifier(database)?).into()))
}

/// The files of the database that is the context. Columns `type` (tinyint: 0 data, 1 log, 2 FILESTREAM), `pages` and
/// `used_pages` (int, pages of 8 KiB; the latter null where the server does not tell).
pub const FILES: Statement = Statement::fixed(
    "SELECT type, size AS pages, FILEPROPERTY(name, N'SpaceUsed') AS used_pages FROM sys.database_files",
);

/// The number of pages of database `@P1` (nvarchar) that the server found bad and that nobody has mended: event types 1
/// (823 or 824), 2 (checksum), 3 (torn). Column `pages` (int).
pub const SUSPECT_PAGES: Statement = Statement::fixed(
    "SELECT COUNT(*) AS pages FROM msdb.dbo.suspect_pages \
     WHERE database_id = DB_ID(@P1) AND event_type IN (1, 2, 3)",
);

/// What this login may do, with database `@P1` (nvarchar) among others. One row of ints, 1 = yes, null = this version does
/// not know the right, but for `login_name` (nvarchar) and `login_id` (the id of the login of that name; null where a
/// Windows account comes in through a group and has none of its own).
pub const RIGHTS: Statement = Statement::fixed(
    "SELECT SUSER_SNAME() AS login_name, \
     SUSER_ID(SUSER_SNAME()) AS login_id, \
     HAS_DBACCESS(@P1) AS database_access, \
     HAS_PERMS_BY_NAME(QUOTENAME(@P1), N'DATABASE', N'BACKUP DATABASE') AS backup_database, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') AS create_any_database, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS view_server_state, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER PERFORMANCE STATE') AS view_server_performance_state, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY CONNECTION') AS alter_any_connection, \
     IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin",
);

/// The services of the instance and their accounts. Columns `servicename` and `service_account` (nvarchar). Needs
/// VIEW SERVER STATE; SQL Server 2008 R2 SP1 and later.
pub const SERVICES: Statement =
    Statement::fixed("SELECT servicename, service_account FROM sys.dm_server_services");

/// The last `@P2` (int) backups of database `@P1` (nvarchar), newest first, one row for each file. Columns
/// `backup_set_id` (int), `backup_start_date`, `backup_finish_date` (datetime, the server's local time), `type` (char),
/// `is_copy_only`, `has_backup_checksums`, `is_damaged` (bit), `backup_size` (numeric), `physical_device_name` (nvarchar).
pub const HISTORY: Statement = Statement::fixed(
    "SELECT TOP (@P2) s.backup_set_id, s.backup_start_date, s.backup_finish_date, s.type, s.is_copy_only, \
     s.has_backup_checksums, s.is_damaged, s.backup_size, f.physical_device_name \
     FROM msdb.dbo.backupset AS s \
     JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = s.media_set_id \
     WHERE s.database_name = @P1 ORDER BY s.backup_set_id DESC",
);

/// A right on the whole server that can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerRight {
    /// RESTORE VERIFYONLY, HEADERONLY and FILELISTONLY.
    CreateAnyDatabase,
    /// Seeing progress, other sessions and the service account.
    ViewServerState,
    /// KILL.
    AlterAnyConnection,
}

impl ServerRight {
    /// Its name in T-SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateAnyDatabase => "CREATE ANY DATABASE",
            Self::ViewServerState => "VIEW SERVER STATE",
            Self::AlterAnyConnection => "ALTER ANY CONNECTION",
        }
    }
}

/// Gives `login` a right on the whole server; the context must be `master`.
///
/// # Errors
/// A name that cannot be quoted.
pub fn grant_server(right: ServerRight, login: &str) -> Result<Statement, Unquotable> {
    Ok(Statement(format!("GRANT {} TO {}", right.name(), identifier(login)?).into()))
}

/// Lets `login` into the database that is the context.
///
/// # Errors
/// A name that cannot be quoted.
pub fn create_user(login: &str) -> Result<Statement, Unquotable> {
    let login = identifier(login)?;
    Ok(Statement(format!("CREATE USER {login} FOR LOGIN {login}").into()))
}

/// Lets the user `login` of the database that is the context back it up. `ALTER ROLE` exists from SQL Server 2012 (major
/// version 11) on.
///
/// # Errors
/// A name that cannot be quoted.
pub fn add_backup_operator(login: &str, server_major: u32) -> Result<Statement, Unquotable> {
    const ALTER_ROLE_SINCE: u32 = 11;
    let text = if server_major >= ALTER_ROLE_SINCE {
        format!("ALTER ROLE [db_backupoperator] ADD MEMBER {}", identifier(login)?)
    } else {
        checked(login, IDENTIFIER_UNITS)?;
        format!("EXEC sp_addrolemember N'db_backupoperator', {}", literal(login)?)
    };
    Ok(Statement(text.into()))
}

/// Makes a login for a Windows account, `DOMAIN\name`.
///
/// # Errors
/// A name that cannot be quoted.
pub fn create_windows_login(account: &str) -> Result<Statement, Unquotable> {
    Ok(Statement(format!("CREATE LOGIN {} FROM WINDOWS", identifier(account)?).into()))
}

#[cfg(test)]
#[path = "statements_tests.rs"]
mod tests;
