//! The system's views and msdb's tables, made from what the instance knows at the moment of the statement.
//!
//! Each has the columns that backups and their surroundings ask for, with the real names and types; a column that is missing
//! here is refused (207) as any unknown one.

mod databases;
mod history;
mod objects;
mod principals;
mod sessions;

pub use databases::log_space_of_all;
pub use objects::{UserTable, partition_id, user_tables_of};

use crate::database::{Database, MSDB};
use crate::error::{Result, SqlError};
use crate::sql::names::Path;
use crate::sql::scope::Scope;
use crate::tds::token::Column;
use crate::value::{SqlType, Value};

/// A view's contents.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Its columns
    pub columns: Vec<Column>,
    /// Its rows
    pub rows: Vec<Vec<Value>>,
}

/// The view of that name as the session sees it; `None` when there is none of that name.
///
/// # Errors
/// What the session is not allowed to see: 300 and 297, or 229.
pub fn rows(scope: &Scope, path: &Path) -> Result<Option<Rows>> {
    let object = path.object.to_lowercase();
    if path.is_in("sys") {
        return sys(scope, path, &object);
    }
    if path.is_in("information_schema") {
        return objects::information_schema(scope, path, &object);
    }
    let in_msdb = match &path.database {
        Some(name) => name.eq_ignore_ascii_case("msdb"),
        None => scope.database_id() == MSDB,
    };
    let dbo = path.schema.as_deref().is_none_or(|schema| schema.eq_ignore_ascii_case("dbo"));
    Ok(if in_msdb && dbo { history::table(scope, &object) } else { None })
}

fn sys(scope: &Scope, path: &Path, object: &str) -> Result<Option<Rows>> {
    Ok(Some(match object {
        "databases" => databases::databases(scope),
        "master_files" => databases::master_files(scope),
        "database_files" => databases::database_files(scope, path)?,
        "configurations" => databases::configurations(scope),
        "dm_db_log_space_usage" => databases::log_space(scope)?,
        "dm_exec_requests" => sessions::requests(scope),
        "dm_exec_sessions" => sessions::sessions(scope),
        "dm_exec_connections" => sessions::connections(scope)?,
        "dm_tran_locks" => sessions::locks(scope)?,
        "dm_server_services" => sessions::services(scope)?,
        "dm_os_sys_info" => sessions::system_info(scope)?,
        "server_principals" | "sql_logins" => principals::server_principals(scope),
        "server_permissions" => principals::server_permissions(scope),
        "server_role_members" => principals::server_role_members(scope),
        "database_principals" => principals::database_principals(scope, path)?,
        "database_permissions" => principals::database_permissions(scope, path)?,
        "database_role_members" => principals::database_role_members(scope, path)?,
        "tables" | "objects" => objects::tables(scope, path)?,
        "columns" => objects::columns(scope, path)?,
        "indexes" => objects::indexes(scope, path)?,
        "partitions" => objects::partitions(scope, path)?,
        "dm_db_partition_stats" => objects::partition_stats(scope, path)?,
        "schemas" => objects::schemas(),
        _ => return Ok(None),
    }))
}

fn columns(described: &[(&str, SqlType)]) -> Vec<Column> {
    described.iter().map(|(name, sql_type)| Column::new(*name, *sql_type)).collect()
}

/// `sysname`
const NAME: SqlType = SqlType::NVarChar(128);
/// The descriptions beside numbers, `nvarchar(60)`
const DESCRIPTION: SqlType = SqlType::NVarChar(60);

/// 300 and 297: the view needs a permission of the server.
fn need(scope: &Scope, permission: &str) -> Result<()> {
    if scope.may(permission) {
        return Ok(());
    }
    let text = format!("{permission} permission was denied on object 'server', database 'master'.");
    Err(SqlError::new(300, text).class(14))
}

/// What the database of the view, or the context's, is asked for.
fn with_database<T>(scope: &Scope, path: &Path, tell: impl FnOnce(&Database) -> T) -> Result<T> {
    let current = scope.database_id();
    let state = scope.instance.state();
    let database = match &path.database {
        Some(name) => Some(state.database(name)?),
        None => state.database_by_id(current),
    };
    let Some(database) = database else { return Err(crate::error::no_object(&path.to_string())) };
    state.check_entry(&scope.login, scope.spid, database)?;
    Ok(tell(database))
}
