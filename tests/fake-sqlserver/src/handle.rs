//! What tests do to a running server, beside being its clients.

use std::collections::BTreeSet;
use std::io;

use crate::clock;
use crate::contents;
use crate::database::{Damage, DatabaseState, PageVerify, RecoveryModel};
use crate::error::{Result, SqlError};
use crate::fault::Fault;
use crate::history::SuspectPage;
use crate::identity::Edition;
use crate::instance::{Request, Session};
use crate::security::{Login, User, database_permission, database_role};
use crate::server::Handle;

/// A BACKUP that is running.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningBackup {
    /// The session
    pub spid: u16,
    /// What it executes, with its progress
    pub request: Request,
}

impl Handle {
    /// Lets something go wrong from now on.
    pub fn inject(&self, fault: Fault) {
        self.instance().faults.inject(fault);
    }

    /// Takes back all faults that have not happened.
    pub fn clear_faults(&self) {
        self.instance().faults.clear();
    }

    /// Lets all statements go on that a [`Hold`](crate::fault::Action::Hold) has stopped.
    pub fn release(&self) {
        self.instance().faults.release();
    }

    /// Completes when so many statements, counted from the start, have been stopped by a hold.
    pub async fn held(&self, count: u64) {
        while self.instance().faults.held() < count {
            tokio::task::yield_now().await;
        }
    }

    /// Who is logged in.
    pub fn sessions(&self) -> Vec<Session> {
        self.instance().state().sessions.values().cloned().collect()
    }

    /// The BACKUPs that are running.
    pub fn running_backups(&self) -> Vec<RunningBackup> {
        let running = |session: Session| {
            let request = session.request.filter(|request| request.command.starts_with("BACKUP"))?;
            Some(RunningBackup { spid: session.spid, request })
        };
        self.sessions().into_iter().filter_map(running).collect()
    }

    /// The RESTORE DATABASEs that are running.
    pub fn running_restores(&self) -> Vec<RunningBackup> {
        let running = |session: Session| {
            let request = session.request.filter(|request| request.command == "RESTORE DATABASE")?;
            Some(RunningBackup { spid: session.spid, request })
        };
        self.sessions().into_iter().filter_map(running).collect()
    }

    /// Completes when a running RESTORE DATABASE or DBCC CHECKDB has come to `percent`.
    pub async fn restore_reached(&self, percent: f64) {
        let mut progress = self.instance().restore_percent.subscribe();
        // The sender lives as long as the instance, which this handle keeps.
        let _ = progress.wait_for(|reached| *reached >= percent).await;
    }

    /// Completes when a running backup has come to `percent`.
    pub async fn backup_reached(&self, percent: f64) {
        let mut progress = self.instance().backup_percent.subscribe();
        // The sender lives as long as the instance, which this handle keeps.
        let _ = progress.wait_for(|reached| *reached >= percent).await;
    }

    /// Cuts the connections of all sessions without a word, as a server does that dies. What a BACKUP has written stays.
    pub fn drop_sessions(&self) {
        self.instance().state().sessions.values().for_each(|session| session.cut.cancel());
    }

    /// Changes the state of a database.
    ///
    /// # Errors
    /// 911: there is no such database.
    pub fn set_state(&self, database: &str, state: DatabaseState) -> Result<()> {
        self.instance().state().database_mut(database)?.state = state;
        Ok(())
    }

    /// Changes how a database protects its pages.
    ///
    /// # Errors
    /// 911: there is no such database.
    pub fn set_page_verify(&self, database: &str, verify: PageVerify) -> Result<()> {
        self.instance().state().database_mut(database)?.page_verify = verify;
        Ok(())
    }

    /// Changes the recovery model of a database.
    ///
    /// # Errors
    /// 911: there is no such database.
    pub fn set_recovery(&self, database: &str, recovery: RecoveryModel) -> Result<()> {
        self.instance().state().database_mut(database)?.recovery = recovery;
        Ok(())
    }

    /// Changes how large the log of a database is, and how much of it is in use.
    ///
    /// # Errors
    /// 911: there is no such database.
    pub fn set_log_bytes(&self, database: &str, bytes: u64, used_bytes: u64) -> Result<()> {
        let mut state = self.instance().state();
        let size = &mut state.database_mut(database)?.size;
        (size.log_bytes, size.log_used_bytes) = (bytes, used_bytes);
        Ok(())
    }

    /// Makes a page of a database bad, or all good again.
    ///
    /// # Errors
    /// 911: there is no such database.
    pub fn set_damage(&self, database: &str, damage: Damage) -> Result<()> {
        self.instance().state().database_mut(database)?.damage = damage;
        Ok(())
    }

    /// Puts a page into `msdb.dbo.suspect_pages`, as a query that met it would have.
    ///
    /// # Errors
    /// 911: there is no such database.
    pub fn suspect_page(&self, database: &str, page: u32, event_type: i64) -> Result<()> {
        let mut state = self.instance().state();
        let database_id = state.database(database)?.id;
        let updated = clock::now().naive_local();
        state.suspect_pages.push(SuspectPage { database_id, page, event_type, error_count: 1, updated });
        Ok(())
    }

    /// Changes the edition.
    pub fn set_edition(&self, edition: Edition) {
        self.instance().state().identity.edition = edition;
    }

    /// Changes the account that the service runs as; `None` for the one that installations have.
    pub fn set_service_account(&self, account: Option<String>) {
        self.instance().state().service_account = account;
    }

    /// Changes `backup compression default`.
    pub fn set_compression_default(&self, on: bool) {
        self.instance().state().compression_default = on;
    }

    /// Adds a login, or puts it in the place of the one that has its name.
    pub fn set_login(&self, login: Login) {
        let mut state = self.instance().state();
        state.logins.retain(|known| !known.name.eq_ignore_ascii_case(&login.name));
        state.logins.push(login);
    }

    /// Lets a login into a database, with these roles and permissions and no others; unknown names change nothing.
    ///
    /// # Errors
    /// 911: there is no such database.
    pub fn set_user(&self, database: &str, login: &str, roles: &[&str], permissions: &[&str]) -> Result<()> {
        let roles: BTreeSet<_> = roles.iter().filter_map(|role| database_role(role)).collect();
        let permissions: BTreeSet<_> =
            permissions.iter().filter_map(|name| database_permission(name)).collect();
        let mut state = self.instance().state();
        let known = state.login(login).map(|login| login.sid.clone());
        let sid = known.unwrap_or_else(|| Login::new(login, "").sid);
        let user = User { name: login.to_owned(), roles, permissions, sid };
        state.database_mut(database)?.users.insert(login.to_lowercase(), user);
        Ok(())
    }

    /// Keeps a login out of a database.
    ///
    /// # Errors
    /// 911: there is no such database.
    pub fn remove_user(&self, database: &str, login: &str) -> Result<()> {
        self.instance().state().database_mut(database)?.users.remove(&login.to_lowercase());
        Ok(())
    }

    /// Takes a database away.
    pub fn remove_database(&self, database: &str) {
        self.instance().state().databases.retain(|known| !known.is_named(database));
    }

    /// Deletes rows of a database until about `share` of them is left (0–1).
    ///
    /// # Errors
    /// 911: there is no such database; 823 when its rows cannot be changed.
    pub fn shrink(&self, database: &str, share: f64) -> Result<()> {
        let (known, identity) = {
            let state = self.instance().state();
            (state.database(database)?.clone(), state.identity.clone())
        };
        let measured = shrink_rows(&known.rows, share).and_then(|()| contents::measure(&known, &identity));
        let size = measured.map_err(|error| SqlError::new(823, error.to_string()).class(24))?;
        self.instance().state().database_mut(database)?.size = size;
        Ok(())
    }
}

fn shrink_rows(file: &std::path::Path, share: f64) -> io::Result<()> {
    let connection = contents::open_rows(file)?;
    let kept = (share.clamp(0.0, 1.0) * 1000.0) as i64;
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(tables).map_err(io::Error::other)?;
    let names: rusqlite::Result<Vec<String>> =
        statement.query_map([], |row| row.get(0)).and_then(Iterator::collect);
    for name in names.map_err(io::Error::other)? {
        let table = crate::sql::compile::quoted(&name);
        let sql = format!("DELETE FROM {table} WHERE rowid % 1000 >= ?1");
        connection.execute(&sql, [kept]).map_err(io::Error::other)?;
    }
    Ok(())
}
