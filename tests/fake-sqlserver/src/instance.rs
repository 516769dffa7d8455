//! The instance: everything that sessions share.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::NaiveDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::contents;
use crate::database::{Database, Size, UserAccess};
use crate::error::{Result, SqlError, no_database};
use crate::fault::Faults;
use crate::history::{BackupSet, RestoreRecord, SuspectPage};
use crate::identity::Identity;
use crate::kept;
use crate::security::{Login, User};

/// The first session number that users get; the lower ones are the server's own.
pub const FIRST_USER_SESSION: u16 = 51;

/// A request that a session is executing, as `sys.dm_exec_requests` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// `SELECT`, `BACKUP DATABASE`, …
    pub command: &'static str,
    /// When it began
    pub started: NaiveDateTime,
    /// 0–100, for BACKUP and RESTORE
    pub percent: f32,
    /// Milliseconds until it is probably done
    pub remaining_ms: i64,
    /// The database that is its context
    pub database_id: i32,
}

/// A logged-in session.
#[derive(Debug, Clone)]
pub struct Session {
    /// `@@SPID`
    pub spid: u16,
    /// The login's name
    pub login: String,
    /// The client's machine
    pub host: String,
    /// The client's program
    pub program: String,
    /// The client's library
    pub interface: String,
    /// The client's process
    pub process: u32,
    /// When it logged in
    pub login_time: NaiveDateTime,
    /// The database that is its context
    pub database_id: i32,
    /// Databases besides its context that its statement or open transaction uses
    pub uses: BTreeSet<i32>,
    /// Open transactions
    pub transactions: u32,
    /// What it executes
    pub request: Option<Request>,
    /// Ends it with error 596
    pub kill: CancellationToken,
    /// Ends it without a word, as the server's death does
    pub cut: CancellationToken,
}

impl Session {
    /// Whether it holds a lock on the database.
    pub fn is_in(&self, database: i32) -> bool {
        self.database_id == database || self.uses.contains(&database)
    }
}

/// What changes.
#[derive(Debug)]
pub struct State {
    /// Who may log in
    pub logins: Vec<Login>,
    /// The databases, system's first
    pub databases: Vec<Database>,
    /// Names of databases that were made at a start, kept so that they are not made again once they have gone
    pub made: Vec<String>,
    /// Who is logged in
    pub sessions: BTreeMap<u16, Session>,
    /// `msdb.dbo.backupset` and its like
    pub history: Vec<BackupSet>,
    /// `msdb.dbo.restorehistory`
    pub restores: Vec<RestoreRecord>,
    /// `msdb.dbo.suspect_pages`
    pub suspect_pages: Vec<SuspectPage>,
    /// Name, version and edition
    pub identity: Identity,
    /// The account that the service runs as; `None` is shown as this process's user
    pub service_account: Option<String>,
    /// `backup compression default`
    pub compression_default: bool,
}

impl State {
    /// The login of that name.
    pub fn login(&self, name: &str) -> Option<&Login> {
        self.logins.iter().find(|login| login.name.eq_ignore_ascii_case(name))
    }

    /// The database of that name.
    ///
    /// # Errors
    /// 911 when there is none.
    pub fn database(&self, name: &str) -> Result<&Database> {
        self.databases.iter().find(|database| database.is_named(name)).ok_or_else(|| no_database(name))
    }

    /// The database of that name, to be changed.
    ///
    /// # Errors
    /// 911 when there is none.
    pub fn database_mut(&mut self, name: &str) -> Result<&mut Database> {
        self.databases.iter_mut().find(|database| database.is_named(name)).ok_or_else(|| no_database(name))
    }

    /// The database of that number, to be changed.
    pub fn database_by_id_mut(&mut self, id: i32) -> Option<&mut Database> {
        self.databases.iter_mut().find(|database| database.id == id)
    }

    /// Other sessions that hold a lock on the database.
    pub fn others_in(&self, database: i32, spid: u16) -> Vec<&Session> {
        let others = self.sessions.values().filter(|session| session.spid != spid);
        others.filter(|session| session.is_in(database)).collect()
    }

    /// Whether the session `spid` of `login` may come into the database now.
    ///
    /// # Errors
    /// Those of its state, 916 for a stranger, 924 while its only seat is taken, 923 where it is not for everybody.
    pub fn check_entry(&self, login: &str, spid: u16, database: &Database) -> Result<()> {
        database.check_usable()?;
        let name = &database.name;
        if self.user(login, database).is_none() {
            return Err(crate::sql::store::not_entered(login, name));
        }
        if database.held_by.is_some_and(|holder| holder != spid) {
            let text = format!("Database '{name}' is in transition. Try the statement later.");
            return Err(SqlError::new(952, text));
        }
        match database.access {
            UserAccess::Single if !self.others_in(database.id, spid).is_empty() => {
                let text = format!("Database '{name}' is already open and can only have one user at a time.");
                Err(SqlError::new(924, text).class(14))
            }
            UserAccess::Restricted if !self.may_administer(login, database) => {
                let text = format!(
                    "Database '{name}' is in restricted mode. Only the database owner and members of the dbcreator and \
                     sysadmin roles can access it."
                );
                Err(SqlError::new(923, text).class(14))
            }
            UserAccess::Multi | UserAccess::Single | UserAccess::Restricted => Ok(()),
        }
    }

    /// Whether `login` owns the database, or may change any.
    pub fn may_administer(&self, login: &str, database: &Database) -> bool {
        self.may(login, "ALTER ANY DATABASE") || self.may_in(login, database, "CONTROL")
    }

    /// The database of that number.
    pub fn database_by_id(&self, id: i32) -> Option<&Database> {
        self.databases.iter().find(|database| database.id == id)
    }

    /// Whether `login` holds the server permission `permission`.
    pub fn may(&self, login: &str, permission: &str) -> bool {
        self.login(login).is_some_and(|login| login.may(permission))
    }

    /// What `login` is inside `database`; `None` when it has no business there.
    pub fn user(&self, login: &str, database: &Database) -> Option<User> {
        let known = self.login(login)?;
        if known.is_sysadmin() || database.owner.eq_ignore_ascii_case(login) {
            return Some(User { name: "dbo".to_owned(), roles: ["db_owner"].into(), ..User::default() });
        }
        let own = database.users.values().find(|user| user.sid == known.sid).cloned();
        own.or_else(|| database.has_guest().then(|| User { name: "guest".to_owned(), ..User::default() }))
    }

    /// Whether `login` holds `permission` in `database`.
    pub fn may_in(&self, login: &str, database: &Database, permission: &str) -> bool {
        self.user(login, database).is_some_and(|user| user.may(permission))
    }
}

/// One SQL Server.
#[derive(Debug)]
pub struct Instance {
    /// Where its files are
    data: PathBuf,
    /// Faults that are waiting to happen
    pub faults: Faults,
    /// When it was started
    pub started: NaiveDateTime,
    state: Mutex<State>,
    /// How far the backup is that was last heard of, in percent; for tests that wait for it
    pub backup_percent: watch::Sender<f64>,
    /// The same for RESTORE and DBCC CHECKDB
    pub restore_percent: watch::Sender<f64>,
}

impl Instance {
    /// An instance whose files are in `data`.
    pub fn new(data: &Path, state: State) -> Arc<Self> {
        Arc::new(Self {
            data: data.to_owned(),
            faults: Faults::default(),
            started: clock::now().naive_local(),
            state: Mutex::new(state),
            backup_percent: watch::Sender::new(0.0),
            restore_percent: watch::Sender::new(0.0),
        })
    }

    /// Where its files are.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Counts anew what the files of a database measure, roughly and quickly.
    pub fn refresh_size(&self, id: i32) {
        let Some(database) = self.state().database_by_id(id).cloned() else { return };
        let size = contents::estimate(&database);
        if let Some(database) = self.state().databases.iter_mut().find(|database| database.id == id) {
            database.size = Size {
                log_bytes: database.size.log_bytes,
                log_used_bytes: database.size.log_used_bytes,
                ..size
            };
        }
    }

    /// Writes down which databases there are and how, for the next start.
    ///
    /// # Errors
    /// 823: the disk's own.
    pub fn keep(&self) -> Result<()> {
        let state = self.state();
        kept::save(&self.data, &state.made, &state.databases).map_err(|error| {
            if error.kind() == io::ErrorKind::StorageFull {
                let text = "Could not allocate space for object 'sys.sysdbreg' in database 'master' because the \
                            'PRIMARY' filegroup is full.";
                return SqlError::new(1105, text).class(17).state(2);
            }
            SqlError::new(823, format!("The stand-in's own storage failed: {error}")).class(24)
        })
    }

    /// What changes, for a moment: nobody may wait while holding it.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a session under the lowest free number.
    pub fn enter(&self, mut session: Session) -> u16 {
        let mut state = self.state();
        let spid = (FIRST_USER_SESSION..=i16::MAX as u16)
            .find(|spid| !state.sessions.contains_key(spid))
            .unwrap_or(FIRST_USER_SESSION);
        session.spid = spid;
        state.sessions.insert(spid, session);
        spid
    }

    /// A session is over.
    pub fn leave(&self, spid: u16) {
        self.state().sessions.remove(&spid);
    }

    /// Changes a session's entry.
    pub fn update_session(&self, spid: u16, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.state().sessions.get_mut(&spid) {
            change(session);
        }
    }
}
