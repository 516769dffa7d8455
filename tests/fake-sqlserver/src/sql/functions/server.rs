//! Functions that tell of the server, the session and its rights.

use super::{Function, Returns, function, integer_of, text_of};
use crate::database::Database;
use crate::error::Result;
use crate::security::{FIRST_LOGIN_ID, database_permission, database_role, server_permission, server_role};
use crate::sql::names::Path;
use crate::sql::scope::Scope;
use crate::value::{SqlType, Value};

const NAME: Returns = Returns::Is(SqlType::NVarChar(128));
const INT: Returns = Returns::Is(SqlType::Int);
const VARIANT: Returns = Returns::Is(SqlType::Variant);

/// The permission that came with SQL Server 2022.
const SINCE_2022: [&str; 2] = ["VIEW SERVER PERFORMANCE STATE", "VIEW SERVER SECURITY STATE"];
const YEAR_2022: u8 = 16;

pub(super) const FUNCTIONS: &[Function] = &[
    function("SERVERPROPERTY", 1, 1, VARIANT, server_property),
    function("DATABASEPROPERTYEX", 2, 2, VARIANT, database_property),
    function("FILEPROPERTY", 2, 2, INT, file_property),
    function("DB_ID", 0, 1, Returns::Is(SqlType::SmallInt), db_id),
    function("DB_NAME", 0, 1, NAME, db_name),
    function("SUSER_SNAME", 0, 1, NAME, login_of_sid),
    function("SUSER_SID", 0, 2, Returns::Is(SqlType::VarBinary(85)), sid_of_login),
    function("SUSER_NAME", 0, 1, NAME, |scope, _| Ok(scope.login.clone().into())),
    function("SUSER_ID", 0, 1, INT, login_id),
    function("ORIGINAL_LOGIN", 0, 0, NAME, |scope, _| Ok(scope.login.clone().into())),
    function("SYSTEM_USER", 0, 0, NAME, |scope, _| Ok(scope.login.clone().into())),
    function("USER_NAME", 0, 1, NAME, |scope, _| user_name(scope)),
    function("CURRENT_USER", 0, 0, NAME, |scope, _| user_name(scope)),
    function("SESSION_USER", 0, 0, NAME, |scope, _| user_name(scope)),
    function("USER", 0, 0, NAME, |scope, _| user_name(scope)),
    function("HOST_NAME", 0, 0, NAME, |scope, _| Ok(session(scope, |session| session.host.clone()))),
    function("APP_NAME", 0, 0, NAME, |scope, _| Ok(session(scope, |session| session.program.clone()))),
    function("SCHEMA_NAME", 0, 1, NAME, |_, _| Ok("dbo".into())),
    function("HAS_DBACCESS", 1, 1, INT, has_db_access),
    function("HAS_PERMS_BY_NAME", 3, 5, INT, has_permission),
    function("IS_SRVROLEMEMBER", 1, 2, INT, is_server_role_member),
    function("IS_MEMBER", 1, 1, INT, is_member),
    function("IS_ROLEMEMBER", 1, 2, INT, is_member),
    function("OBJECT_ID", 1, 2, INT, object_id),
];

fn session(scope: &Scope, tell: impl FnOnce(&crate::instance::Session) -> String) -> Value {
    scope.instance.state().sessions.get(&scope.spid).map(tell).into()
}

/// The name of the login with that identity; the session's own without one.
fn login_of_sid(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let sid = match arguments.first() {
        None => return Ok(scope.login.clone().into()),
        Some(Value::Bytes(sid)) => sid,
        Some(_) => return Ok(Value::Null),
    };
    let state = scope.instance.state();
    Ok(state.logins.iter().find(|login| login.sid == *sid).map(|login| login.name.clone()).into())
}

fn sid_of_login(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let name = text_of(arguments, 0).unwrap_or_else(|| scope.login.clone());
    let state = scope.instance.state();
    Ok(state.login(&name).map_or(Value::Null, |login| Value::Bytes(login.sid.clone())))
}

/// Only logins that exist by themselves have a number, not those who come in through a group.
fn login_id(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let name = text_of(arguments, 0).unwrap_or_else(|| scope.login.clone());
    let state = scope.instance.state();
    let id = (FIRST_LOGIN_ID..).zip(&state.logins).find(|(_, login)| login.name.eq_ignore_ascii_case(&name));
    Ok(id.map_or(Value::Null, |(id, _)| Value::Int(id)))
}

pub(super) fn global(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let state = scope.instance.state();
    let current = scope.current();
    Ok(match text_of(arguments, 0).unwrap_or_default().as_str() {
        "SPID" => Value::Int(scope.spid.into()),
        "VERSION" => state.identity.version_text().into(),
        "SERVERNAME" => state.identity.server_name().into(),
        "SERVICENAME" => state.identity.instance.clone().unwrap_or_else(|| "MSSQLSERVER".to_owned()).into(),
        "LANGUAGE" => "us_english".into(),
        "ROWCOUNT" => Value::Int(current.row_count),
        "ERROR" => Value::Int(current.error.into()),
        "TRANCOUNT" => Value::Int(current.transactions.into()),
        "IDENTITY" => current.identity.into(),
        "LOCK_TIMEOUT" => Value::Int(-1),
        "MAX_PRECISION" => Value::Int(38),
        "DATEFIRST" => Value::Int(7),
        "MICROSOFTVERSION" => {
            let (major, minor, build) = state.identity.version;
            Value::Int(i64::from(major) << 24 | i64::from(minor) << 16 | i64::from(build))
        }
        _ => Value::Int(0),
    })
}

fn server_property(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let state = scope.instance.state();
    let identity = &state.identity;
    let folder = |name: &str| {
        let folder = std::path::absolute(scope.instance.data().join(name)).unwrap_or_default();
        format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR)
    };
    Ok(match text_of(arguments, 0).unwrap_or_default().to_lowercase().as_str() {
        "productversion" => identity.product_version().into(),
        "productmajorversion" => identity.version.0.to_string().into(),
        "productminorversion" => identity.version.1.to_string().into(),
        "productbuild" => identity.version.2.to_string().into(),
        "productlevel" => "RTM".into(),
        "edition" => identity.edition.name().into(),
        "editionid" => Value::Int(identity.edition.id()),
        "engineedition" => Value::Int(identity.edition.engine()),
        "machinename" | "computernamephysicalnetbios" => identity.machine.clone().into(),
        "instancename" => identity.instance.clone().into(),
        "servername" => identity.server_name().into(),
        "collation" => "SQL_Latin1_General_CP1_CI_AS".into(),
        "instancedefaultdatapath" | "instancedefaultlogpath" => folder("DATA").into(),
        "instancedefaultbackuppath" => folder("Backup").into(),
        "isclustered" | "issingleuser" | "ishadrenabled" | "isfulltextinstalled" | "islocaldb" => {
            Value::Int(0)
        }
        "isintegratedsecurityonly" => Value::Int(0),
        "processid" => Value::Int(std::process::id().into()),
        "lcid" => Value::Int(1033),
        _ => Value::Null,
    })
}

fn database_property(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let state = scope.instance.state();
    let Ok(database) = state.database(&text_of(arguments, 0).unwrap_or_default()) else {
        return Ok(Value::Null);
    };
    Ok(match text_of(arguments, 1).unwrap_or_default().to_lowercase().as_str() {
        "status" => database.state.number_and_name().1.into(),
        "recovery" => database.recovery.number_and_name().1.into(),
        "updateability" => "READ_WRITE".into(),
        "useraccess" => database.access.number_and_name().1.into(),
        "collation" => "SQL_Latin1_General_CP1_CI_AS".into(),
        "version" => Value::Int(state.identity.database_version().into()),
        "istornpagedetectionenabled" => {
            Value::from(database.page_verify == crate::database::PageVerify::TornPageDetection)
        }
        "isinstandby" | "isautoclose" | "isautoshrink" => Value::Int(0),
        _ => Value::Null,
    })
}

/// Of the database that is the context.
fn file_property(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let id = scope.database_id();
    let state = scope.instance.state();
    let name = text_of(arguments, 0).unwrap_or_default();
    let files = state.database_by_id(id).map(Database::files);
    let file = files.into_iter().flatten().find(|file| file.name.eq_ignore_ascii_case(&name));
    Ok(match (file, text_of(arguments, 1).unwrap_or_default().to_lowercase().as_str()) {
        (Some(file), "spaceused") => Value::Int(file.used_pages as i64),
        (Some(file), "islogfile") => Value::from(file.log),
        (Some(file), "isprimaryfile") => Value::from(!file.log),
        (Some(_), "isreadonly") => Value::Int(0),
        _ => Value::Null,
    })
}

fn db_id(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    if arguments.is_empty() {
        return Ok(Value::Int(scope.database_id().into()));
    }
    let name = text_of(arguments, 0).unwrap_or_default();
    Ok(scope.instance.state().database(&name).ok().map(|database| i64::from(database.id)).into())
}

fn db_name(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let id = match integer_of(arguments, 0) {
        _ if arguments.is_empty() => scope.database_id(),
        Some(id) => i32::try_from(id).unwrap_or_default(),
        None => return Ok(Value::Null),
    };
    Ok(scope.instance.state().database_by_id(id).map(|database| database.name.clone()).into())
}

fn user_name(scope: &Scope) -> Result<Value> {
    let id = scope.database_id();
    let state = scope.instance.state();
    let user = state.database_by_id(id).and_then(|database| state.user(&scope.login, database));
    Ok(user.map(|user| user.name).into())
}

fn has_db_access(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let state = scope.instance.state();
    let Ok(database) = state.database(&text_of(arguments, 0).unwrap_or_default()) else {
        return Ok(Value::Null);
    };
    Ok(Value::from(database.check_usable().is_ok() && state.user(&scope.login, database).is_some()))
}

/// `HAS_PERMS_BY_NAME(securable, class, permission)`: null for what does not exist.
fn has_permission(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let (securable, class) = (text_of(arguments, 0), text_of(arguments, 1));
    let Some(permission) = text_of(arguments, 2) else { return Ok(Value::Null) };
    let state = scope.instance.state();
    match (securable, class.map(|class| class.to_uppercase())) {
        (None, None) => {
            let too_new = |name: &&str| SINCE_2022.contains(name) && state.identity.version.0 < YEAR_2022;
            let known = server_permission(&permission).filter(|name| !too_new(name));
            Ok(known.map(|name| Value::from(state.may(&scope.login, name))).unwrap_or(Value::Null))
        }
        (Some(name), Some(class)) if class == "DATABASE" => {
            let Some(path) = Path::parse(&name) else { return Ok(Value::Null) };
            let (Ok(database), Some(known)) =
                (state.database(&path.object), database_permission(&permission))
            else {
                return Ok(Value::Null);
            };
            Ok(Value::from(state.may_in(&scope.login, database, known)))
        }
        _ => Ok(Value::Null),
    }
}

fn is_server_role_member(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let role = text_of(arguments, 0).unwrap_or_default();
    let login = text_of(arguments, 1).unwrap_or_else(|| scope.login.clone());
    let state = scope.instance.state();
    let Some(login) = state.login(&login) else { return Ok(Value::Null) };
    if role.eq_ignore_ascii_case("public") {
        return Ok(Value::Int(1));
    }
    Ok(server_role(&role)
        .map(|role| login.is_sysadmin() || login.roles.contains(role))
        .map_or(Value::Null, Value::from))
}

/// Of the database that is the context.
fn is_member(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let role = text_of(arguments, 0).unwrap_or_default();
    let id = scope.database_id();
    let state = scope.instance.state();
    let user = state.database_by_id(id).and_then(|database| state.user(&scope.login, database));
    let Some(role) = database_role(&role) else { return Ok(Value::Null) };
    Ok(Value::from(user.is_some_and(|user| user.roles.contains(role))))
}

/// Whether a table of that name exists in the context's database, as any number that is not null.
fn object_id(scope: &Scope, arguments: &[Value]) -> Result<Value> {
    let Some(path) = text_of(arguments, 0).as_deref().and_then(Path::parse) else { return Ok(Value::Null) };
    let id = scope.database_id();
    let rows = {
        let state = scope.instance.state();
        let database = match &path.database {
            Some(name) => state.database(name).ok(),
            None => state.database_by_id(id),
        };
        database.map(|database| database.rows.clone())
    };
    let Some(rows) = rows else { return Ok(Value::Null) };
    let found = rusqlite::Connection::open(rows).and_then(|connection| {
        let query =
            "SELECT rowid FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE";
        connection.query_row(query, [&path.object], |row| row.get::<_, i64>(0))
    });
    Ok(found.ok().map(|number| number + 245_575_913).into())
}
