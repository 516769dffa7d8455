//! SQL Server: connect, statements, errors as problems.
//!
//! [`Server`] is what the other rooms know: it opens connections as they are needed, bounds every wait, and gives
//! [`Problem`]s. No statement of ours is ever left running: `supervise.rs` sees to that.

mod backup;
mod browser;
mod connect;
pub mod errors;
mod exchange;
mod grant;
mod head_office;
mod health;
mod history;
mod judge;
mod restore;
mod rights;
mod session;
mod sessions;
pub mod statements;
mod supervise;
mod verify;
mod wire;

pub use backup::{BackupDone, BackupRequest};
pub use exchange::{Broken, Carried, Occupant, Seat};
pub use grant::GrantPlan;
pub use head_office::{AtHeadOffice, Submission};
pub use health::{DatabaseFacts, DatabaseState, Health, PageVerify, RecoveryModel, ServerFacts, Version};
pub use history::BackupRecord;
pub use restore::{
    DatabaseIdentity, Defect, InstancePaths, OwnFile, RestoreRequest, RestoreRights, TableCount,
};
pub use rights::{Right, Rights};
pub use session::Connection;
pub use supervise::DumpProgress;
pub use verify::{BackupFile, BackupHeader};

use crate::config::{Login, ServerConfig};
use crate::platform::{self, ServiceState};
use crate::problem::{Code, Problem, Result};
use crate::words;
use connect::Entry;
use errors::{Failure, Subject};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long the waits for SQL Server are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Opening a connection, and again logging in.
    pub connect: Duration,
    /// The answer to anything but what has a wait of its own below.
    pub answer: Duration,
    /// A database is renamed, opened, closed or removed.
    pub change: Duration,
    /// The rows of one table are counted.
    pub count: Duration,
    /// Silence of a running BACKUP or RESTORE before it counts as stalled: no byte from the server and no change of its
    /// percentage.
    pub stall: Duration,
    /// Between two looks at a running BACKUP or RESTORE.
    pub look: Duration,
    /// For a statement that was told to end, until it has ended.
    pub ending: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            answer: Duration::from_secs(30),
            change: Duration::from_secs(120),
            count: Duration::from_secs(1_800),
            stall: Duration::from_secs(600),
            look: Duration::from_millis(500),
            ending: Duration::from_secs(60),
        }
    }
}

/// A SQL Server that we may connect to. Cheap to clone; holds no connection.
#[derive(Clone, Debug)]
pub struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ServerConfig,
    program: String,
    entry: Entry,
    limits: Limits,
    turn: Arc<Mutex<()>>,
}

impl Server {
    /// The server of `config`. `program` is the name that our sessions carry there, by which they are found again after a
    /// crash: `DMBackup` and a short id of the agent.
    pub fn new(config: &ServerConfig, program: &str) -> Self {
        Self::with_limits(config, program, Limits::default())
    }

    /// The same with other waits.
    pub fn with_limits(config: &ServerConfig, program: &str, limits: Limits) -> Self {
        Self::entering(config, program, Entry::default(), limits)
    }

    fn entering(config: &ServerConfig, program: &str, entry: Entry, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            program: program.to_owned(),
            entry,
            limits,
            turn: Arc::default(),
        }))
    }

    /// How it is reached.
    pub fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    /// The name that our sessions carry.
    pub fn program(&self) -> &str {
        &self.0.program
    }

    fn limits(&self) -> Limits {
        self.0.limits
    }

    async fn take_turn(&self) -> supervise::Turn {
        self.0.turn.clone().lock_owned().await
    }

    /// A logged-in connection.
    ///
    /// # Errors
    /// A problem that tells a stopped service, a machine that cannot be reached, a failed secure connection and a refused
    /// login apart.
    pub async fn connect(&self) -> Result<Connection> {
        match self.open().await {
            Ok(connection) => Ok(connection),
            Err(failure) => Err(self.explain(&failure, self.subject()).await),
        }
    }

    async fn open(&self) -> std::result::Result<Connection, Failure> {
        let Limits { connect, answer, .. } = self.limits();
        let Inner { config, program, entry, .. } = &*self.0;
        Box::pin(connect::connect(config, program, entry, connect, answer)).await
    }

    /// The problem of a connection that could not be opened: where nobody answers, the service manager may know why.
    async fn explain(&self, failure: &Failure, subject: Subject) -> Problem {
        let silent = matches!(failure, Failure::Refused | Failure::Unreachable(_) | Failure::NoBrowser);
        if silent
            && self.0.config.service.is_some()
            && platform::service_state(&subject.service).await == ServiceState::Stopped
        {
            tracing::warn!(service = %subject.service, cause = %failure, "the service is stopped");
            return service_stopped(&subject);
        }
        failure.problem(&subject)
    }

    /// What our problems are about.
    fn subject(&self) -> Subject {
        let config = &self.0.config;
        Subject {
            server: config.display(),
            service: connect::service_name(config),
            login: match &config.login {
                Login::Integrated => platform::user_name(),
                Login::Sql { user, .. } => user.clone(),
            },
            ..Subject::default()
        }
    }
}

fn service_stopped(subject: &Subject) -> Problem {
    let (server, service) = (&subject.server, &subject.service);
    Problem::new(
        Code::SqlServiceStopped,
        words!(
            "O serviço «{service}» do SQL Server {server} está parado.",
            "The service “{service}” of SQL Server {server} is stopped.",
        ),
        words!(
            "Inicie o serviço «{service}» e deixe a inicialização dele como automática.",
            "Start the service “{service}” and let it start automatically.",
        ),
    )
}
