//! Carries out what a session asks for, statement by statement, on a thread that may wait.

mod backup;
mod calls;
mod checkdb;
mod damage;
mod databases;
mod dump;
mod faults;
mod ordinary;
mod progress;
mod refill;
mod restore;
mod restoring;
mod security;
mod transaction;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::clock;
use crate::error::{Result, SqlError};
use crate::instance::{Instance, Request};
use crate::session::Admitted;
use crate::session::output::{Failure, Output};
use crate::sql::batch::{self, Action, Dbcc, Statement};
use crate::sql::scope::Scope;
use crate::sql::store::{Store, Variables};
use crate::tds::rpc::{Call, TransactionRequest};
use crate::tds::token::Change;

/// What a message asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// A batch of statements
    Batch(String),
    /// Procedure calls
    Calls(Vec<Call>),
    /// A transaction's begin or end
    Transaction(TransactionRequest),
}

/// What a statement does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The next statement of the batch
    Statement,
    /// Nothing: the batch is over
    End,
}

/// A statement that was prepared for being executed many times.
#[derive(Debug, Clone)]
struct Prepared {
    text: String,
    declaration: String,
}

/// One session's engine.
#[derive(Debug)]
pub struct Engine {
    scope: Arc<Scope>,
    runtime: Handle,
    store: Option<Store>,
    first_database: i32,
    prepared: BTreeMap<i64, Prepared>,
    no_count: bool,
    xact_abort: bool,
    transaction: u64,
}

impl Engine {
    /// The engine of a session that has just come in. Must be called inside the server's runtime.
    pub fn new(instance: Arc<Instance>, admitted: &Admitted) -> Self {
        Self {
            scope: Scope::new(instance, admitted.spid, admitted.login.clone(), admitted.database_id),
            runtime: Handle::current(),
            store: None,
            first_database: admitted.database_id,
            prepared: BTreeMap::new(),
            no_count: false,
            xact_abort: false,
            transaction: u64::from(admitted.spid) << 32,
        }
    }

    /// Does `work` and says what comes of it, up to but without the end of the answer.
    pub fn run(&mut self, work: Work, reset: bool, out: &mut Output) {
        if reset && let Err(failure) = self.reset(out) {
            self.fail(failure, out);
            return;
        }
        match work {
            Work::Batch(text) => {
                self.batch(&text, &mut Variables::new(), out);
            }
            Work::Calls(calls) => calls.into_iter().for_each(|call| self.call(call, out)),
            Work::Transaction(request) => {
                if let Err(failure) = self.transaction_request(request, out) {
                    self.fail(failure, out);
                }
            }
        }
        self.instance().update_session(self.scope.spid, |session| {
            session.request = None;
            if session.transactions == 0 {
                session.uses.clear();
            }
        });
        out.ensure_done();
    }

    fn instance(&self) -> &Arc<Instance> {
        &self.scope.instance
    }

    /// Runs all statements of a text; whether all went well.
    fn batch(&mut self, text: &str, variables: &mut Variables, out: &mut Output) -> bool {
        match batch::parse(text) {
            Ok(statements) => self.statements(&statements, variables, out).1,
            Err(error) => {
                out.begin(0, 1);
                self.fail(error.into(), out);
                false
            }
        }
    }

    /// Runs statements one after the other: whether the batch goes on after them, and whether all went well.
    fn statements(
        &mut self,
        statements: &[Statement],
        variables: &mut Variables,
        out: &mut Output,
    ) -> (Next, bool) {
        let mut well = true;
        for statement in statements {
            let command = command(&statement.action);
            out.begin(command.0, statement.line);
            self.show_request(command.1);
            let result = self.statement(statement, variables, out);
            match result {
                Ok(Next::Statement) => {
                    if !matches!(statement.action, Action::If(..) | Action::Block(_)) {
                        self.scope.current().error = 0;
                    }
                }
                Ok(Next::End) => return (Next::End, well),
                Err(failure) => {
                    well = false;
                    if self.fail(failure, out) == Next::End {
                        return (Next::End, well);
                    }
                }
            }
        }
        (Next::Statement, well)
    }

    /// Says what went wrong; whether the batch can go on.
    fn fail(&mut self, failure: Failure, out: &mut Output) -> Next {
        let errors = match failure {
            Failure::Stopped(stopped) => {
                out.stopped(stopped);
                self.roll_back_if_open();
                return Next::End;
            }
            Failure::Sql(error) => vec![error],
            Failure::Several(errors) => errors,
        };
        for error in &errors {
            out.error(error);
        }
        out.failed();
        self.scope.current().error = errors.last().map_or(0, |error| error.number);
        let fatal = errors.iter().any(ends_batch) || self.xact_abort;
        if fatal {
            self.roll_back_if_open();
            Next::End
        } else {
            Next::Statement
        }
    }

    fn show_request(&self, command: &'static str) {
        let database_id = self.scope.database_id();
        let started = clock::now().naive_local();
        self.instance().update_session(self.scope.spid, |session| {
            session.request = Some(Request { command, started, percent: 0.0, remaining_ms: 0, database_id });
        });
    }

    /// The session's rows, opened when they are first needed.
    fn store(&mut self) -> Result<&mut Store> {
        match &mut self.store {
            Some(store) => Ok(store),
            empty => Ok(empty.insert(Store::open(&self.scope)?)),
        }
    }

    /// A pool hands the connection to somebody else: the session is to be as new.
    fn reset(&mut self, out: &mut Output) -> std::result::Result<(), Failure> {
        self.roll_back_if_open();
        self.store = None;
        self.no_count = false;
        self.xact_abort = false;
        self.prepared.clear();
        self.enter_database(self.first_database);
        out.environment(Change::Reset)?;
        Ok(())
    }

    fn enter_database(&self, id: i32) {
        self.scope.current().database_id = id;
        self.instance().update_session(self.scope.spid, |session| session.database_id = id);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.roll_back_if_open();
    }
}

/// The statement as DONE and as `sys.dm_exec_requests` name it.
fn command(action: &Action) -> (u16, &'static str) {
    use crate::sql::batch::media::RestoreKind;
    use sqlparser::ast::Statement as Sql;
    match action {
        Action::Sql(statement) => {
            if let Sql::Query(_) = **statement {
                (0xc1, "SELECT")
            } else if let Sql::Insert(_) = **statement {
                (0xc3, "INSERT")
            } else if let Sql::Delete(_) = **statement {
                (0xc4, "DELETE")
            } else if let Sql::Update(_) = **statement {
                (0xc5, "UPDATE")
            } else {
                (0xc6, "CREATE TABLE")
            }
        }
        Action::Backup(backup) if backup.log => (235, "BACKUP LOG"),
        Action::Backup(_) => (228, "BACKUP DATABASE"),
        Action::Restore(restore) => match restore.kind {
            RestoreKind::VerifyOnly => (229, "RESTORE VERIFYONLY"),
            RestoreKind::HeaderOnly => (229, "RESTORE HEADERONLY"),
            RestoreKind::FileListOnly => (229, "RESTORE FILELISTONLY"),
        },
        Action::RestoreDatabase(_) => (229, "RESTORE DATABASE"),
        Action::Kill(_) => (0, "KILL"),
        Action::Dbcc(Dbcc::CheckDb(_)) => (0, "DBCC TABLE CHECK"),
        Action::Dbcc(Dbcc::LogSpace | Dbcc::Silent) => (0, "DBCC"),
        Action::Use(_) => (0, "USE DATABASE"),
        Action::Security(_) => (0, "GRANT"),
        Action::Transaction(_) => (0, "BEGIN TRANSACTION"),
        Action::Execute(_) => (0xe0, "EXECUTE"),
        Action::AlterDatabase(_) | Action::AlterOwner { .. } => (0, "ALTER DATABASE"),
        Action::DropDatabase { .. } => (0, "DROP DATABASE"),
        Action::Declare(_)
        | Action::SetVariable(..)
        | Action::SetOption(_)
        | Action::Print(_)
        | Action::If(..)
        | Action::Block(_)
        | Action::Checkpoint => (0, "SELECT"),
    }
}

/// Whether the server gives the whole batch up after this error, and not only the statement.
fn ends_batch(error: &SqlError) -> bool {
    error.class >= 20
        || error.class == 15
        || matches!(error.number, 137 | 207 | 208 | 241 | 245 | 1205 | 8114 | 40510)
}
