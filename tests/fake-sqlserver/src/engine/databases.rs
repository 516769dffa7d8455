//! ALTER DATABASE, ALTER AUTHORIZATION and DROP DATABASE.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Engine;
use super::refill::{remove, remove_rows};
use crate::database::{Database, DatabaseState, PAGE_BYTES, UserAccess};
use crate::error::{Result, SqlError};
use crate::instance::{Instance, Session, State};
use crate::session::output::{Failure, Output};
use crate::sql::batch::databases::{AlterDatabase, DatabaseChange, DatabaseOption, Termination};

type Outcome<T> = std::result::Result<T, Failure>;

/// How often it is looked whether others have gone.
const GLANCE: Duration = Duration::from_millis(5);

/// A database that one session has for itself; given back when this is dropped.
pub(super) struct Hold {
    instance: Arc<Instance>,
    database: i32,
    spid: u16,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(database) = self.instance.state().database_by_id_mut(self.database)
            && database.held_by == Some(self.spid)
        {
            database.held_by = None;
        }
    }
}

/// The cause, and that the statement failed.
fn altered_not(cause: SqlError) -> Failure {
    Failure::Several(vec![cause, SqlError::new(5069, "ALTER DATABASE statement failed.")])
}

/// 5011
fn may_not_alter(name: &str) -> SqlError {
    let text = format!(
        "User does not have permission to alter database '{name}', the database does not exist, or the database is not in a \
         state that allows access checks."
    );
    SqlError::new(5011, text).class(14).state(5)
}

impl Engine {
    /// Takes a database that nobody else is in.
    ///
    /// # Errors
    /// 3101: somebody is.
    pub(super) fn hold_alone(&self, id: i32) -> Result<Hold> {
        let mut state = self.instance().state();
        let free = state.others_in(id, self.scope.spid).is_empty();
        let hold = if free { self.hold_in(&mut state, id) } else { None };
        hold.ok_or_else(|| {
            SqlError::new(3101, "Exclusive access could not be obtained because the database is in use.")
        })
    }

    /// Takes the database, whoever is in it; `None` while another session has it.
    fn hold_in(&self, state: &mut State, id: i32) -> Option<Hold> {
        let database = state.database_by_id_mut(id)?;
        if database.held_by.is_some() || database.backed_up_by.is_some() {
            return None;
        }
        database.held_by = Some(self.scope.spid);
        Some(Hold { instance: Arc::clone(self.instance()), database: id, spid: self.scope.spid })
    }

    pub(super) fn alter_database(&mut self, alter: &AlterDatabase, out: &mut Output) -> Outcome<()> {
        if self.scope.current().transactions > 0 {
            let text = "ALTER DATABASE statement not allowed within multi-statement transaction.";
            return Err(SqlError::new(226, text).state(6).into());
        }
        let name = alter.database.clone().unwrap_or_else(|| self.scope.database_name());
        let database = {
            let state = self.instance().state();
            let known = state.database(&name).ok().filter(|database| {
                state.may(&self.scope.login, "ALTER ANY DATABASE")
                    || state.may_in(&self.scope.login, database, "ALTER")
            });
            known.cloned().ok_or_else(|| altered_not(may_not_alter(&name)))?
        };
        if database.state == DatabaseState::Restoring {
            let text = "ALTER DATABASE is not permitted while a database is in the Restoring state.";
            return Err(altered_not(SqlError::new(5052, text)));
        }
        match &alter.change {
            DatabaseChange::Set(options, termination) => {
                self.set_options(&database, options, *termination, out)?;
            }
            DatabaseChange::Name(new) => self.rename(&database, new, out)?,
            DatabaseChange::File { path: Some(_), .. } => {
                return Err(crate::sql::batch::unsupported("ALTER DATABASE MODIFY FILE (FILENAME)").into());
            }
            DatabaseChange::File { name, new_name, bytes, path: None } => {
                self.modify_file(&database, name, new_name.as_deref(), *bytes, out)?;
            }
        }
        self.instance().keep()?;
        out.done(None);
        Ok(())
    }

    fn set_options(
        &mut self,
        database: &Database,
        options: &[DatabaseOption],
        termination: Termination,
        out: &mut Output,
    ) -> Outcome<()> {
        for option in options {
            check_option(&self.instance().state(), database, *option).map_err(altered_not)?;
        }
        let hold = self.await_others(database, options, termination, out)?;
        {
            let mut state = self.instance().state();
            let known = state.database_by_id_mut(database.id);
            let known = known.ok_or_else(|| altered_not(may_not_alter(&database.name)))?;
            options.iter().for_each(|option| apply(known, *option));
        }
        drop(hold);
        Ok(())
    }

    /// Waits until nobody is in the database who may not be, or sends them away. `None` where others do not matter.
    fn await_others(
        &self,
        database: &Database,
        options: &[DatabaseOption],
        termination: Termination,
        out: &mut Output,
    ) -> Outcome<Option<Hold>> {
        let spid = self.scope.spid;
        let busy = || {
            let text = format!(
                "ALTER DATABASE failed because a lock could not be placed on database '{}'. Try again later.",
                database.name
            );
            altered_not(SqlError::new(5061, text))
        };
        let disturbs = |state: &State, other: &Session| {
            let known = state.database_by_id(database.id);
            let owner = known.is_some_and(|known| state.may_administer(&other.login, known));
            options.iter().any(|option| option.excludes(database, owner))
        };
        let began = Instant::now();
        let mut hold = None;
        let mut told = false;
        loop {
            {
                let mut state = self.instance().state();
                let others = state.others_in(database.id, spid);
                let single =
                    state.database_by_id(database.id).is_some_and(|d| d.access == UserAccess::Single);
                if single && hold.is_none() && !others.is_empty() {
                    let text = format!(
                        "Changes to the state or options of database '{}' cannot be made at this time. The database is in \
                         single-user mode, and a user is currently connected to it.",
                        database.name
                    );
                    return Err(altered_not(SqlError::new(5064, text)));
                }
                let victims: Vec<_> = others.into_iter().filter(|other| disturbs(&state, other)).collect();
                let victims: Vec<_> = victims.into_iter().map(|victim| victim.kill.clone()).collect();
                if victims.is_empty() {
                    let needs = options.iter().any(|option| option.excludes(database, false));
                    if needs && hold.is_none() {
                        hold = Some(self.hold_in(&mut state, database.id).ok_or_else(busy)?);
                    }
                    break;
                }
                match termination {
                    Termination::NoWait => {
                        let text = format!(
                            "Database state cannot be changed while other users are using the database '{}'",
                            database.name
                        );
                        return Err(altered_not(SqlError::new(5070, text).state(2)));
                    }
                    Termination::Rollback { after } if began.elapsed() >= Duration::from_secs(after) => {
                        if hold.is_none() {
                            hold = Some(self.hold_in(&mut state, database.id).ok_or_else(busy)?);
                        }
                        victims.iter().for_each(tokio_util::sync::CancellationToken::cancel);
                    }
                    Termination::Rollback { .. } | Termination::Wait => {}
                }
            }
            if hold.is_some() && !told {
                told = true;
                out.info(&rolling_back(0))?;
            }
            Self::wait(Some(GLANCE), out)?;
        }
        if told {
            out.info(&rolling_back(100))?;
        }
        Ok(hold)
    }

    fn rename(&mut self, database: &Database, new: &str, out: &mut Output) -> Outcome<()> {
        if database.is_system() {
            let text = format!("Cannot change the name of the system database {}.", database.name);
            return Err(SqlError::new(5047, text).into());
        }
        database.check_usable()?;
        {
            let mut state = self.instance().state();
            if state.databases.iter().any(|other| other.id != database.id && other.is_named(new)) {
                let text = format!("Database '{new}' already exists. Choose a different database name.");
                return Err(SqlError::new(1801, text).state(3).into());
            }
            let alone = state.others_in(database.id, self.scope.spid).is_empty();
            let hold = if alone { self.hold_in(&mut state, database.id) } else { None };
            let known = state.database_by_id_mut(database.id);
            match (hold, known) {
                (Some(hold), Some(known)) => {
                    new.clone_into(&mut known.name);
                    known.created = crate::clock::now().naive_local();
                    drop(state);
                    drop(hold);
                }
                (hold, _) => {
                    drop(state);
                    drop(hold);
                    let text = "The database could not be exclusively locked to perform the operation.";
                    return Err(SqlError::new(5030, text).state(2).into());
                }
            }
        }
        out.info(&has_been_set("database", new))?;
        Ok(())
    }

    fn modify_file(
        &mut self,
        database: &Database,
        name: &str,
        new_name: Option<&str>,
        bytes: Option<u64>,
        out: &mut Output,
    ) -> Outcome<()> {
        {
            let mut state = self.instance().state();
            let known = state.database_by_id_mut(database.id);
            let known = known.ok_or_else(|| altered_not(may_not_alter(&database.name)))?;
            let log = known.log_file.name.eq_ignore_ascii_case(name);
            if !log && !known.data_file.name.eq_ignore_ascii_case(name) {
                let text = format!("MODIFY FILE failed. File '{name}' does not exist.");
                return Err(altered_not(SqlError::new(5041, text)));
            }
            if let Some(bytes) = bytes {
                let now = if log { known.size.log_bytes } else { known.size.file_pages * PAGE_BYTES };
                if bytes <= now {
                    let text = "MODIFY FILE failed. Specified size is less than or equal to current size.";
                    return Err(altered_not(SqlError::new(5039, text)));
                }
                if log {
                    known.size.log_bytes = bytes;
                } else {
                    known.size.file_pages = bytes / PAGE_BYTES;
                }
            }
            if let Some(new) = new_name {
                let file = if log { &mut known.log_file } else { &mut known.data_file };
                new.clone_into(&mut file.name);
            }
        }
        if let Some(new) = new_name {
            out.info(&has_been_set("file", new))?;
        }
        Ok(())
    }

    /// `ALTER AUTHORIZATION ON DATABASE::… TO …`
    pub(super) fn alter_owner(&mut self, database: &str, owner: &str, out: &mut Output) -> Outcome<()> {
        let cannot_find = |what: &str, name: &str| {
            let text = format!(
                "Cannot find the {what} '{name}', because it does not exist or you do not have permission."
            );
            SqlError::new(15151, text)
        };
        {
            let mut state = self.instance().state();
            let caller = &self.scope.login;
            let known = state.database(database).ok();
            let known = known.filter(|known| state.may_in(caller, known, "CONTROL"));
            let known = known.ok_or_else(|| cannot_find("database", database))?;
            known.check_usable()?;
            let own = caller.eq_ignore_ascii_case(owner);
            let login = state.login(owner).filter(|_| own || state.may(caller, "CONTROL SERVER"));
            let login = login.ok_or_else(|| cannot_find("principal", owner))?;
            if known.users.values().any(|user| user.sid == login.sid) {
                let text = "The proposed new database owner is already a user or aliased in the database.";
                return Err(SqlError::new(15110, text).into());
            }
            let owner = login.name.clone();
            state.database_mut(database)?.owner = owner;
        }
        self.instance().keep()?;
        out.done(None);
        Ok(())
    }

    pub(super) fn drop_databases(
        &mut self,
        names: &[String],
        if_exists: bool,
        out: &mut Output,
    ) -> Outcome<()> {
        if self.scope.current().transactions > 0 {
            let text = "DROP DATABASE statement cannot be used inside a user transaction.";
            return Err(SqlError::new(574, text).state(0).into());
        }
        for name in names {
            let known = self.instance().state().database(name).is_ok();
            if known || !if_exists {
                self.drop_database(name)?;
            }
        }
        out.done(None);
        Ok(())
    }

    fn drop_database(&self, name: &str) -> Result<()> {
        let gone = {
            let mut state = self.instance().state();
            let known = state.database(name).ok();
            let known = known.filter(|known| state.may_administer(&self.scope.login, known));
            let known = known.ok_or_else(|| {
                let text = format!(
                    "Cannot drop the database '{name}', because it does not exist or you do not have permission."
                );
                SqlError::new(3701, text).class(11)
            })?;
            if known.is_system() {
                let text = format!("Cannot drop the database '{name}' because it is a system database.");
                return Err(SqlError::new(3708, text));
            }
            let in_use = |state: u8| {
                let text = format!("Cannot drop database \"{name}\" because it is currently in use.");
                SqlError::new(3702, text).state(state)
            };
            if self.scope.database_id() == known.id {
                return Err(in_use(4));
            }
            let id = known.id;
            let free = state.others_in(id, self.scope.spid).is_empty()
                && known.held_by.is_none()
                && known.backed_up_by.is_none();
            if !free {
                return Err(in_use(3));
            }
            let at = state.databases.iter().position(|database| database.id == id);
            at.map(|at| state.databases.remove(at))
        };
        // Before it is kept: on a full disk that makes room.
        if let Some(gone) = gone {
            remove_rows(&gone.rows);
            // The files of a database that is offline stay, as if it had been detached.
            if gone.state != DatabaseState::Offline {
                remove(&gone.data_file.path);
                remove(&gone.log_file.path);
            }
        }
        self.instance().keep()
    }
}

/// 5021
fn has_been_set(what: &str, name: &str) -> SqlError {
    SqlError::new(5021, format!("The {what} name '{name}' has been set.")).class(0)
}

/// 5060
fn rolling_back(percent: u8) -> SqlError {
    let text = format!(
        "Nonqualified transactions are being rolled back. Estimated rollback completion: {percent}%."
    );
    SqlError::new(5060, text).class(0)
}

impl DatabaseOption {
    /// Whether it cannot be set while another session is in the database, one of an owner or not.
    fn excludes(self, database: &Database, owner: bool) -> bool {
        match self {
            Self::Access(UserAccess::Single) | Self::Offline => true,
            Self::Access(UserAccess::Restricted) => !owner,
            Self::SnapshotReads(on) => on != database.snapshot_reads,
            Self::Access(UserAccess::Multi) | Self::Online | Self::Recovery(_) | Self::PageVerify(_) => false,
            Self::Compatibility(_) | Self::Trustworthy(_) | Self::AsItIs => false,
        }
    }
}

/// Whether the database can have the option.
fn check_option(state: &State, database: &Database, option: DatabaseOption) -> Result<()> {
    let refused = |name: &str| {
        let text = format!("Option '{name}' cannot be set in database '{}'.", database.name);
        Err(SqlError::new(5058, text))
    };
    match option {
        DatabaseOption::Offline if database.is_system() => refused("OFFLINE"),
        DatabaseOption::Access(access) if database.is_system() && access != UserAccess::Multi => {
            refused(access.number_and_name().1)
        }
        DatabaseOption::Online | DatabaseOption::Offline => Ok(()),
        DatabaseOption::Compatibility(level) => {
            database.check_usable()?;
            let most = i64::from(state.identity.compatibility());
            let valid: Vec<i64> = (100..=most).step_by(10).collect();
            if valid.contains(&level) {
                return Ok(());
            }
            let valid: Vec<String> = valid.iter().map(i64::to_string).collect();
            let (last, others) = valid.split_last().map_or((String::new(), &[][..]), |(l, o)| (l.clone(), o));
            let text = format!(
                "Valid values of the database compatibility level are {}, or {last}.",
                others.join(", ")
            );
            Err(SqlError::new(15048, text))
        }
        DatabaseOption::Trustworthy(_) if database.is_system() => refused("TRUSTWORTHY"),
        DatabaseOption::Access(_)
        | DatabaseOption::Recovery(_)
        | DatabaseOption::PageVerify(_)
        | DatabaseOption::SnapshotReads(_)
        | DatabaseOption::Trustworthy(_)
        | DatabaseOption::AsItIs => database.check_usable(),
    }
}

fn apply(database: &mut Database, option: DatabaseOption) {
    match option {
        DatabaseOption::Online => database.state = DatabaseState::Online,
        DatabaseOption::Offline => database.state = DatabaseState::Offline,
        DatabaseOption::Access(access) => database.access = access,
        DatabaseOption::Recovery(model) => database.recovery = model,
        DatabaseOption::PageVerify(verify) => database.page_verify = verify,
        DatabaseOption::Compatibility(level) => {
            database.compatibility = u8::try_from(level).unwrap_or(database.compatibility);
        }
        DatabaseOption::SnapshotReads(on) => database.snapshot_reads = on,
        DatabaseOption::Trustworthy(on) => database.trustworthy = on,
        DatabaseOption::AsItIs => {}
    }
}
