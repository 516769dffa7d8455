//! Logins, users, roles and permissions, as far as backups ask for them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::pages::identity_of;

/// `principal_id` of the first login; the others follow in their order.
pub const FIRST_LOGIN_ID: i64 = 256;

/// Permissions on the whole server that are known here; any other name is unknown to `HAS_PERMS_BY_NAME` too.
const SERVER_PERMISSIONS: [&str; 16] = [
    "ADMINISTER BULK OPERATIONS",
    "ALTER ANY CONNECTION",
    "ALTER ANY DATABASE",
    "ALTER ANY LOGIN",
    "ALTER SERVER STATE",
    "ALTER SETTINGS",
    "CONNECT ANY DATABASE",
    "CONNECT SQL",
    "CONTROL SERVER",
    "CREATE ANY DATABASE",
    "SHUTDOWN",
    "VIEW ANY DATABASE",
    "VIEW ANY DEFINITION",
    "VIEW SERVER PERFORMANCE STATE",
    "VIEW SERVER SECURITY STATE",
    "VIEW SERVER STATE",
];

/// Permissions on one database that are known here.
const DATABASE_PERMISSIONS: [&str; 16] = [
    "ALTER",
    "ALTER ANY ROLE",
    "ALTER ANY USER",
    "BACKUP DATABASE",
    "BACKUP LOG",
    "CHECKPOINT",
    "CONNECT",
    "CONTROL",
    "CREATE TABLE",
    "DELETE",
    "EXECUTE",
    "INSERT",
    "SELECT",
    "UPDATE",
    "VIEW DATABASE STATE",
    "VIEW DEFINITION",
];

/// Permissions that contain others: the holder of the first holds all of the second.
const SERVER_COVERS: [(&str, &[&str]); 3] = [
    ("ALTER ANY DATABASE", &["CREATE ANY DATABASE", "VIEW ANY DATABASE"]),
    (
        "ALTER SERVER STATE",
        &["VIEW SERVER STATE", "VIEW SERVER PERFORMANCE STATE", "VIEW SERVER SECURITY STATE"],
    ),
    ("VIEW SERVER STATE", &["VIEW SERVER PERFORMANCE STATE", "VIEW SERVER SECURITY STATE"]),
];

/// What the members of a server role may do.
pub const SERVER_ROLES: [(&str, &[&str]); 4] = [
    ("sysadmin", &["CONTROL SERVER"]),
    ("dbcreator", &["ALTER ANY DATABASE"]),
    ("processadmin", &["ALTER ANY CONNECTION", "ALTER SERVER STATE"]),
    ("serveradmin", &["ALTER SERVER STATE", "ALTER SETTINGS", "SHUTDOWN"]),
];

/// What every login may do.
const EVERYBODY: [&str; 2] = ["CONNECT SQL", "VIEW ANY DATABASE"];

/// What the members of a database role may do.
pub const DATABASE_ROLES: [(&str, &[&str]); 4] = [
    ("db_owner", &["CONTROL"]),
    ("db_backupoperator", &["BACKUP DATABASE", "BACKUP LOG", "CHECKPOINT"]),
    ("db_datareader", &["SELECT"]),
    ("db_datawriter", &["INSERT", "UPDATE", "DELETE"]),
];

/// A permission's name as it is kept, if there is such a permission on servers.
pub fn server_permission(name: &str) -> Option<&'static str> {
    SERVER_PERMISSIONS.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

/// A permission's name as it is kept, if there is such a permission on databases.
pub fn database_permission(name: &str) -> Option<&'static str> {
    DATABASE_PERMISSIONS.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

/// A server role's name as it is kept, if there is such a role.
pub fn server_role(name: &str) -> Option<&'static str> {
    SERVER_ROLES.iter().map(|(role, _)| *role).find(|known| known.eq_ignore_ascii_case(name))
}

/// A database role's name as it is kept, if there is such a role.
pub fn database_role(name: &str) -> Option<&'static str> {
    DATABASE_ROLES.iter().map(|(role, _)| *role).find(|known| known.eq_ignore_ascii_case(name))
}

/// Why a login with the right password is refused all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginState {
    /// It is not
    Enabled,
    /// 18470
    Disabled,
    /// 18486
    Locked,
    /// 18487
    Expired,
    /// 18488
    MustChange,
}

/// Somebody who may log in.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Its name; `DOMAIN\name` for a Windows account
    pub name: String,
    /// `None` for a Windows account, which cannot log in with a password
    pub password: Option<String>,
    /// Whether it is refused though its password is right
    pub state: LoginState,
    /// The database that a session without a wish begins in
    pub default_database: String,
    /// Server roles
    pub roles: BTreeSet<&'static str>,
    /// Permissions granted one by one
    pub permissions: BTreeSet<&'static str>,
    /// What the users of databases know it by; 0x01 for `sa`
    pub sid: Vec<u8>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("name", &self.name)
            .field("state", &self.state)
            .field("roles", &self.roles)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

impl Login {
    /// A SQL login without any rights.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            sid: sid_of(&name),
            name,
            password: Some(password.into()),
            state: LoginState::Enabled,
            default_database: "master".to_owned(),
            roles: BTreeSet::new(),
            permissions: BTreeSet::new(),
        }
    }

    /// A SQL login that may do everything.
    pub fn sysadmin(name: impl Into<String>, password: impl Into<String>) -> Self {
        let mut login = Self::new(name, password);
        login.roles.insert("sysadmin");
        login
    }

    /// The same login with another identity, as a login of the same name has it on another server.
    pub fn with_sid(self, sid: impl Into<Vec<u8>>) -> Self {
        Self { sid: sid.into(), ..self }
    }

    /// The same login with one more permission; an unknown name changes nothing.
    pub fn with_permission(mut self, name: &str) -> Self {
        self.permissions.extend(server_permission(name));
        self
    }

    /// The same login in one more server role; an unknown name changes nothing.
    pub fn with_role(mut self, name: &str) -> Self {
        self.roles.extend(server_role(name));
        self
    }

    /// Whether it is a member of `sysadmin`.
    pub fn is_sysadmin(&self) -> bool {
        self.roles.contains("sysadmin")
    }

    /// Whether it holds the server permission `name`, itself or through what contains it.
    pub fn may(&self, name: &str) -> bool {
        let own = self.permissions.iter().copied().chain(EVERYBODY);
        let by_role = SERVER_ROLES
            .iter()
            .filter(|(role, _)| self.roles.contains(role))
            .flat_map(|(_, permissions)| permissions.iter().copied());
        own.chain(by_role).any(|held| covers(held, name))
    }
}

/// The identity that logins have that are there from the start: always the same for the same name, so that users still know
/// them after a restart.
fn sid_of(name: &str) -> Vec<u8> {
    if name.eq_ignore_ascii_case("sa") {
        return vec![1];
    }
    identity_of(&name.to_lowercase(), "login").to_bytes_le().to_vec()
}

fn covers(held: &str, wanted: &str) -> bool {
    held == "CONTROL SERVER"
        || held.eq_ignore_ascii_case(wanted)
        || SERVER_COVERS
            .iter()
            .filter(|(container, _)| *container == held)
            .any(|(_, contents)| contents.iter().any(|content| content.eq_ignore_ascii_case(wanted)))
}

/// What a login is inside one database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its name inside the database
    pub name: String,
    /// Database roles
    #[serde(deserialize_with = "known_roles")]
    pub roles: BTreeSet<&'static str>,
    /// Permissions granted one by one
    #[serde(deserialize_with = "known_permissions")]
    pub permissions: BTreeSet<&'static str>,
    /// The identity of its login; a login of the same name with another one is a stranger
    pub sid: Vec<u8>,
}

fn known_roles<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<&'static str>, D::Error> {
    Ok(Vec::<String>::deserialize(from)?.iter().filter_map(|name| database_role(name)).collect())
}

fn known_permissions<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<&'static str>, D::Error> {
    Ok(Vec::<String>::deserialize(from)?.iter().filter_map(|name| database_permission(name)).collect())
}

impl User {
    /// Whether it holds the database permission `name`.
    pub fn may(&self, name: &str) -> bool {
        let by_role = DATABASE_ROLES
            .iter()
            .filter(|(role, _)| self.roles.contains(role))
            .flat_map(|(_, permissions)| permissions.iter().copied());
        let held = |held: &str| held == "CONTROL" || held.eq_ignore_ascii_case(name);
        name.eq_ignore_ascii_case("CONNECT") || self.permissions.iter().copied().chain(by_role).any(held)
    }
}

/// The users of one database, by their names in lower case.
pub type Users = BTreeMap<String, User>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_contains_others() {
        let login = Login::new("caixa", "x").with_permission("view server state");
        assert!(login.may("VIEW SERVER STATE") && login.may("VIEW SERVER PERFORMANCE STATE"));
        assert!(!login.may("ALTER ANY CONNECTION"));
        let login = Login::new("caixa", "x").with_role("dbcreator");
        assert!(login.may("CREATE ANY DATABASE") && !login.may("CONTROL SERVER"));
        assert!(Login::sysadmin("sa", "x").may("SHUTDOWN"));
    }

    #[test]
    fn a_backup_operator_backs_up_and_reads_nothing() {
        let user = User { roles: BTreeSet::from(["db_backupoperator"]), ..User::default() };
        assert!(user.may("BACKUP DATABASE") && !user.may("SELECT"));
        let owner = User { roles: BTreeSet::from(["db_owner"]), ..User::default() };
        assert!(owner.may("BACKUP DATABASE") && owner.may("SELECT"));
    }
}
