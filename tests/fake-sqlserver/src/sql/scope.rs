//! What a session's statements can see of the session and its server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::instance::Instance;

/// What changes from statement to statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// The database that is the context
    pub database_id: i32,
    /// `@@TRANCOUNT`
    pub transactions: u32,
    /// `@@ROWCOUNT`
    pub row_count: i64,
    /// `@@ERROR`
    pub error: i32,
    /// `@@IDENTITY`
    pub identity: Option<i64>,
}

/// A session as its statements see it.
#[derive(Debug)]
pub struct Scope {
    /// The server
    pub instance: Arc<Instance>,
    /// `@@SPID`
    pub spid: u16,
    /// The login's name
    pub login: String,
    current: Mutex<Current>,
}

impl Scope {
    /// The scope of session `spid` of `login`, which begins in `database_id`.
    pub fn new(instance: Arc<Instance>, spid: u16, login: String, database_id: i32) -> Arc<Self> {
        let current = Current { database_id, transactions: 0, row_count: 0, error: 0, identity: None };
        Arc::new(Self { instance, spid, login, current: Mutex::new(current) })
    }

    /// What changes, for a moment.
    pub fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the database that is the context.
    pub fn database_id(&self) -> i32 {
        self.current().database_id
    }

    /// The name of the database that is the context.
    pub fn database_name(&self) -> String {
        let id = self.database_id();
        self.instance.state().database_by_id(id).map(|database| database.name.clone()).unwrap_or_default()
    }

    /// Whether the login holds the server permission `permission`.
    pub fn may(&self, permission: &str) -> bool {
        self.instance.state().may(&self.login, permission)
    }
}
