//! Logins, users, roles and permissions.

use super::{DESCRIPTION, NAME, Rows, columns, with_database};
use crate::error::Result;
use crate::security::{DATABASE_ROLES, FIRST_LOGIN_ID, Login, SERVER_ROLES, User};
use crate::sql::names::Path;
use crate::sql::scope::Scope;
use crate::value::{SqlType, Value};

/// Numbers of the roles begin here.
const FIRST_SERVER_ROLE: i64 = 3;
const FIRST_DATABASE_ROLE: i64 = 16_384;
const FIRST_USER: i64 = 5;

fn principal_columns() -> Vec<crate::tds::token::Column> {
    columns(&[
        ("name", NAME),
        ("principal_id", SqlType::Int),
        ("sid", SqlType::VarBinary(85)),
        ("type", SqlType::Char(1)),
        ("type_desc", DESCRIPTION),
        ("is_disabled", SqlType::Bit),
        ("is_fixed_role", SqlType::Bit),
        ("default_database_name", NAME),
    ])
}

fn principal(
    name: &str,
    id: i64,
    sid: &[u8],
    kind: (&str, &str),
    disabled: bool,
    role: bool,
    database: Option<&str>,
) -> Vec<Value> {
    vec![
        name.into(),
        Value::Int(id),
        Value::Bytes(sid.to_vec()),
        kind.0.into(),
        kind.1.into(),
        Value::from(disabled),
        Value::from(role),
        database.map(str::to_owned).into(),
    ]
}

/// The identity of a role of databases: its number, behind what all of them have in common.
fn role_sid(id: i64) -> Vec<u8> {
    let mut sid = vec![1, 5, 0, 0, 0, 0, 0, 9, 4, 0, 0, 0];
    sid.extend((id as u32).to_le_bytes());
    sid
}

fn logins(scope: &Scope) -> Vec<Login> {
    scope.instance.state().logins.clone()
}

pub(super) fn server_principals(scope: &Scope) -> Rows {
    let mut rows = Vec::new();
    for (id, login) in (FIRST_LOGIN_ID..).zip(logins(scope)) {
        let kind = if login.password.is_some() { ("S", "SQL_LOGIN") } else { ("U", "WINDOWS_LOGIN") };
        let disabled = login.state == crate::security::LoginState::Disabled;
        rows.push(principal(
            &login.name,
            id,
            &login.sid,
            kind,
            disabled,
            false,
            Some(&login.default_database),
        ));
    }
    for (id, (role, _)) in (FIRST_SERVER_ROLE..).zip(SERVER_ROLES) {
        rows.push(principal(role, id, &[id as u8], ("R", "SERVER_ROLE"), false, true, None));
    }
    Rows { columns: principal_columns(), rows }
}

fn permission_columns() -> Vec<crate::tds::token::Column> {
    columns(&[
        ("class", SqlType::TinyInt),
        ("class_desc", DESCRIPTION),
        ("major_id", SqlType::Int),
        ("minor_id", SqlType::Int),
        ("grantee_principal_id", SqlType::Int),
        ("grantor_principal_id", SqlType::Int),
        ("type", SqlType::Char(4)),
        ("permission_name", NAME),
        ("state", SqlType::Char(1)),
        ("state_desc", DESCRIPTION),
    ])
}

fn permission(class: (i64, &str), grantee: i64, name: &str) -> Vec<Value> {
    let initials: String = name.split(' ').filter_map(|word| word.chars().next()).take(4).collect();
    vec![
        Value::Int(class.0),
        class.1.into(),
        Value::Int(0),
        Value::Int(0),
        Value::Int(grantee),
        Value::Int(1),
        initials.into(),
        name.into(),
        "G".into(),
        "GRANT".into(),
    ]
}

pub(super) fn server_permissions(scope: &Scope) -> Rows {
    let mut rows = Vec::new();
    for (id, login) in (FIRST_LOGIN_ID..).zip(logins(scope)) {
        rows.push(permission((100, "SERVER"), id, "CONNECT SQL"));
        rows.extend(login.permissions.iter().map(|name| permission((100, "SERVER"), id, name)));
    }
    Rows { columns: permission_columns(), rows }
}

fn member_columns() -> Vec<crate::tds::token::Column> {
    columns(&[("role_principal_id", SqlType::Int), ("member_principal_id", SqlType::Int)])
}

pub(super) fn server_role_members(scope: &Scope) -> Rows {
    let mut rows = Vec::new();
    for (member, login) in (FIRST_LOGIN_ID..).zip(logins(scope)) {
        for (role, (name, _)) in (FIRST_SERVER_ROLE..).zip(SERVER_ROLES) {
            if login.roles.contains(name) {
                rows.push(vec![Value::Int(role), Value::Int(member)]);
            }
        }
    }
    Rows { columns: member_columns(), rows }
}

fn users(scope: &Scope, path: &Path) -> Result<Vec<(i64, User)>> {
    let logins = logins(scope);
    with_database(scope, path, |database| {
        let owner = logins.iter().find(|login| login.name.eq_ignore_ascii_case(&database.owner));
        let sid = owner.map(|login| login.sid.clone()).unwrap_or_default();
        let dbo = User { name: "dbo".to_owned(), roles: ["db_owner"].into(), sid, ..User::default() };
        [(1, dbo)].into_iter().chain((FIRST_USER..).zip(database.users.values().cloned())).collect()
    })
}

pub(super) fn database_principals(scope: &Scope, path: &Path) -> Result<Rows> {
    let mut rows = Vec::new();
    for (id, user) in users(scope, path)? {
        rows.push(principal(&user.name, id, &user.sid, ("S", "SQL_USER"), false, false, None));
    }
    for (id, (role, _)) in (FIRST_DATABASE_ROLE..).zip(DATABASE_ROLES) {
        rows.push(principal(role, id, &role_sid(id), ("R", "DATABASE_ROLE"), false, true, None));
    }
    Ok(Rows { columns: principal_columns(), rows })
}

pub(super) fn database_permissions(scope: &Scope, path: &Path) -> Result<Rows> {
    let mut rows = Vec::new();
    for (id, user) in users(scope, path)? {
        rows.push(permission((0, "DATABASE"), id, "CONNECT"));
        rows.extend(user.permissions.iter().map(|name| permission((0, "DATABASE"), id, name)));
    }
    Ok(Rows { columns: permission_columns(), rows })
}

pub(super) fn database_role_members(scope: &Scope, path: &Path) -> Result<Rows> {
    let mut rows = Vec::new();
    for (member, user) in users(scope, path)? {
        for (role, (name, _)) in (FIRST_DATABASE_ROLE..).zip(DATABASE_ROLES) {
            if user.roles.contains(name) {
                rows.push(vec![Value::Int(role), Value::Int(member)]);
            }
        }
    }
    Ok(Rows { columns: member_columns(), rows })
}
