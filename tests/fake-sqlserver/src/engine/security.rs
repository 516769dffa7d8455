//! GRANT, CREATE USER, ALTER ROLE and their like.

use super::Engine;
use crate::database::MASTER;
use crate::error::{Result, SqlError};
use crate::instance::State;
use crate::security::{
    Login, LoginState, User, database_permission, database_role, server_permission, server_role,
};
use crate::sql::batch::security::Security;

impl Engine {
    pub(super) fn security(&mut self, statement: &Security) -> Result<()> {
        let context = self.scope.database_id();
        let caller = self.scope.login.clone();
        let mut state = self.instance().state();
        match statement {
            Security::Permission { grant, permissions, principals } => {
                for permission in permissions {
                    for principal in principals {
                        change_permission(&mut state, &caller, context, *grant, permission, principal)?;
                    }
                }
                Ok(())
            }
            Security::CreateLogin { name, password, sid } => {
                need_on_server(&state, &caller, "ALTER ANY LOGIN")?;
                if state.login(name).is_some() {
                    return Err(SqlError::new(
                        15025,
                        format!("The server principal '{name}' already exists."),
                    ));
                }
                if password.is_none() && !name.contains('\\') {
                    let text = format!(
                        "'{name}' is not a valid Windows NT name. Give the complete name: <domain\\username>."
                    );
                    return Err(SqlError::new(15407, text));
                }
                let mut login = Login::new(name.clone(), "");
                login.password = password.clone();
                login.state = LoginState::Enabled;
                // A login that is made anew is another one than that which had the name before.
                login.sid = sid.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_bytes_le().to_vec());
                state.logins.push(login);
                Ok(())
            }
            Security::DropLogin(name) => {
                need_on_server(&state, &caller, "ALTER ANY LOGIN")?;
                state.login(name).ok_or_else(|| no_principal("drop the login", name, 15151))?;
                state.logins.retain(|login| !login.name.eq_ignore_ascii_case(name));
                Ok(())
            }
            Security::CreateUser { name, login } => create_user(&mut state, &caller, context, name, login),
            Security::MapUser { name, login } => map_user(&mut state, &caller, context, name, login),
            Security::DropUser(name) => {
                need_in_database(&state, &caller, context, "ALTER ANY USER", "drop the user", name)?;
                let database = context_mut(&mut state, context)?;
                let before = database.users.len();
                database.users.retain(|_, user| !user.name.eq_ignore_ascii_case(name));
                if database.users.len() == before {
                    return Err(no_principal("drop the user", name, 15151));
                }
                Ok(())
            }
            Security::Role { server: true, role, add, member } => {
                server_member(&mut state, &caller, role, *add, member)
            }
            Security::Role { server: false, role, add, member } => {
                database_member(&mut state, &caller, context, role, *add, member)
            }
        }
    }
}

/// 15151: the principal does not exist, or the caller may not do that to it.
fn no_principal(what: &str, name: &str, number: i32) -> SqlError {
    SqlError::new(
        number,
        format!("Cannot {what} '{name}', because it does not exist or you do not have permission."),
    )
}

/// 15247 for whoever lacks the permission.
fn need_on_server(state: &State, caller: &str, permission: &str) -> Result<()> {
    if state.may(caller, permission) {
        return Ok(());
    }
    Err(SqlError::new(15247, "User does not have permission to perform this action."))
}

fn need_in_database(
    state: &State,
    caller: &str,
    database: i32,
    permission: &str,
    what: &str,
    name: &str,
) -> Result<()> {
    let allowed =
        state.database_by_id(database).is_some_and(|database| state.may_in(caller, database, permission));
    if allowed { Ok(()) } else { Err(no_principal(what, name, 15151)) }
}

fn context_mut(state: &mut State, id: i32) -> Result<&mut crate::database::Database> {
    let found = state.databases.iter_mut().find(|database| database.id == id);
    found.ok_or_else(|| crate::error::no_database("?"))
}

/// The user of that name in the database.
fn user_mut<'a>(state: &'a mut State, database: i32, name: &str) -> Result<Option<&'a mut User>> {
    Ok(context_mut(state, database)?.users.values_mut().find(|user| user.name.eq_ignore_ascii_case(name)))
}

fn change_permission(
    state: &mut State,
    caller: &str,
    context: i32,
    grant: bool,
    permission: &str,
    principal: &str,
) -> Result<()> {
    if let Some(permission) = server_permission(permission) {
        if context != MASTER {
            let text =
                "Permissions at the server scope can only be granted when the current database is master";
            return Err(SqlError::new(4621, text));
        }
        if !state.may(caller, "CONTROL SERVER") {
            let text = "Grantor does not have GRANT permission.";
            return Err(SqlError::new(4613, text));
        }
        let login = state.logins.iter_mut().find(|login| login.name.eq_ignore_ascii_case(principal));
        let login = login.ok_or_else(|| no_principal("find the login", principal, 15151))?;
        if grant {
            login.permissions.insert(permission);
        } else {
            login.permissions.remove(permission);
        }
        return Ok(());
    }
    let Some(permission) = database_permission(permission) else {
        return Err(crate::error::syntax(permission));
    };
    need_in_database(state, caller, context, "CONTROL", "find the user", principal)?;
    let user = user_mut(state, context, principal)?
        .ok_or_else(|| no_principal("find the user", principal, 15151))?;
    if grant {
        user.permissions.insert(permission);
    } else {
        user.permissions.remove(permission);
    }
    Ok(())
}

fn create_user(state: &mut State, caller: &str, context: i32, name: &str, login: &str) -> Result<()> {
    need_in_database(state, caller, context, "ALTER ANY USER", "find the user", name)?;
    let known = state.login(login).map(|login| login.sid.clone());
    let Some(sid) = known else {
        let text = format!("'{login}' is not a valid login or you do not have permission.");
        return Err(SqlError::new(15007, text));
    };
    let database = context_mut(state, context)?;
    if database.users.values().any(|user| user.name.eq_ignore_ascii_case(name)) {
        let text = format!("User, group, or role '{name}' already exists in the current database.");
        return Err(SqlError::new(15023, text));
    }
    if database.users.values().any(|user| user.sid == sid) {
        return Err(SqlError::new(15063, "The login already has an account under a different user name."));
    }
    database.users.insert(name.to_lowercase(), User { name: name.to_owned(), sid, ..User::default() });
    Ok(())
}

/// An orphaned user gets a login again.
fn map_user(state: &mut State, caller: &str, context: i32, name: &str, login: &str) -> Result<()> {
    need_in_database(state, caller, context, "ALTER ANY USER", "alter the user", name)?;
    let Some(sid) = state.login(login).map(|login| login.sid.clone()) else {
        let text = format!("'{login}' is not a valid login or you do not have permission.");
        return Err(SqlError::new(15007, text));
    };
    let taken = context_mut(state, context)?
        .users
        .values()
        .any(|user| user.sid == sid && !user.name.eq_ignore_ascii_case(name));
    if taken {
        return Err(SqlError::new(15063, "The login already has an account under a different user name."));
    }
    let user = user_mut(state, context, name)?;
    user.ok_or_else(|| no_principal("alter the user", name, 15151))?.sid = sid;
    Ok(())
}

fn server_member(state: &mut State, caller: &str, role: &str, add: bool, member: &str) -> Result<()> {
    let known = server_role(role).filter(|_| state.may(caller, "CONTROL SERVER"));
    let role = known.ok_or_else(|| no_principal("alter the server role", role, 15151))?;
    let login = state.logins.iter_mut().find(|login| login.name.eq_ignore_ascii_case(member));
    let login = login.ok_or_else(|| no_principal("add the principal", member, 15151))?;
    if add {
        login.roles.insert(role);
    } else {
        login.roles.remove(role);
    }
    Ok(())
}

fn database_member(
    state: &mut State,
    caller: &str,
    context: i32,
    role: &str,
    add: bool,
    member: &str,
) -> Result<()> {
    let allowed = state
        .database_by_id(context)
        .is_some_and(|database| state.may_in(caller, database, "ALTER ANY ROLE"));
    let known = database_role(role).filter(|_| allowed);
    let role = known.ok_or_else(|| no_principal("alter the role", role, 15151))?;
    let user = user_mut(state, context, member)?;
    let user = user.ok_or_else(|| no_principal("add the principal", member, 15151))?;
    if add {
        user.roles.insert(role);
    } else {
        user.roles.remove(role);
    }
    Ok(())
}
