//! Exchanging one database for another by name: who is in it, the one seat of SINGLE_USER, and what goes over from the one to
//! the other.
//!
//! Nobody is thrown out: SINGLE_USER is asked for WITH NO_WAIT from a connection whose context is the database, and that
//! connection is the seat. It is given back whatever happens; a server that lost us lets everybody in again at the next start
//! ([`Server::let_everybody_in`]).

use super::Server;
use super::errors::Failure;
use super::restore::RestoreRequest;
use super::session::{Connection, Fields};
use super::statements::{
    CARRIED, Change, ORPHANED_USERS, OTHERS, Statement, Unquotable, change, join_user, kill, use_database,
};
use super::supervise::{DumpProgress, Unfinished, supervise_on};
use crate::problem::{Problem, Result};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often whoever sits in the one seat is asked out before a repair gives up until later.
const REPAIRS: u32 = 3;

/// Somebody who is connected to a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occupant {
    /// The session.
    pub session_id: i64,
    /// Its machine.
    pub host: String,
    /// Its program.
    pub program: String,
    /// Its login.
    pub login: String,
}

/// What goes over from a database to the one that takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The login that owns it; `None` where that login is gone.
    pub owner: Option<String>,
    /// What its log keeps: `FULL`, `BULK_LOGGED`, `SIMPLE`.
    pub recovery: String,
    /// As which version of the server it behaves.
    pub compatibility: u8,
    /// READ_COMMITTED_SNAPSHOT.
    pub read_committed_snapshot: bool,
    /// TRUSTWORTHY.
    pub trustworthy: bool,
}

impl Carried {
    /// The changes that make a database as this one was, but for its owner, who comes last: whoever is not the owner any more may
    /// not change it.
    pub fn changes(&self) -> Vec<Change<'_>> {
        vec![
            Change::Recovery(&self.recovery),
            Change::Compatibility(self.compatibility),
            Change::ReadCommittedSnapshot(self.read_committed_snapshot),
            Change::Trustworthy(self.trustworthy),
        ]
    }
}

/// The one seat in a database that lets in nobody else. Dropped without [`Seat::leave`], the database stays closed until
/// [`Server::let_everybody_in`].
#[derive(Debug)]
pub struct Seat {
    server: Server,
    connection: Connection,
}

impl Seat {
    /// Makes a change from the seat.
    ///
    /// # Errors
    /// What the server says.
    pub async fn change(&mut self, database: &str, wanted: Change<'_>) -> Result<()> {
        let done = changed(&mut self.connection, change(database, wanted), self.server.limits().change).await;
        self.server.told(done, Some(database)).await
    }

    /// Lets everybody in again.
    ///
    /// # Errors
    /// What the server says.
    pub async fn leave(mut self, database: &str) -> Result<()> {
        self.change(database, Change::MultiUser).await
    }
}

/// A RESTORE over a database that did not end well.
#[derive(Debug)]
pub struct Broken {
    /// Why.
    pub problem: Problem,
    /// The server itself said so; where it did not, nobody knows how far it came.
    pub answered: bool,
}

/// Runs a RESTORE over a database: from the seat in it, or, where it is not open and nobody can be in it, from a connection of its
/// own. Nobody can stop it any more: what it has begun cannot be given up without loss.
///
/// # Errors
/// What the server says, the loss of the connection, or a stall; no statement is left running.
async fn overwrite(
    server: &Server,
    connection: Connection,
    request: &RestoreRequest,
    progress: &(dyn Fn(DumpProgress) + Send + Sync),
) -> std::result::Result<(), Broken> {
    let subject = server.subject().on_database(&request.database).on_device(&request.device_path);
    let statement = match request.over() {
        Ok(statement) => statement,
        Err(cause) => {
            return Err(Broken { problem: Failure::from(cause).problem(&subject), answered: true });
        }
    };
    let turn = server.take_turn().await;
    let (stall, never) = (server.limits().stall, CancellationToken::new());
    match supervise_on(connection, server, turn, statement, stall, progress, &never).await {
        Ok(done) => {
            tracing::info!(database = request.database, took = ?done.took, "SQL Server overwrote the database");
            Ok(())
        }
        Err(unfinished) => {
            let answered = match &unfinished {
                Unfinished::Failed(failure) => failure.number().is_some(),
                Unfinished::Cancelled => false,
            };
            Err(Broken { problem: server.explain_unfinished(unfinished, subject).await, answered })
        }
    }
}

impl Seat {
    /// Gives the seat up for a RESTORE over the database.
    ///
    /// # Errors
    /// As the server says; no statement is left running.
    pub async fn overwrite(
        self,
        request: &RestoreRequest,
        progress: &(dyn Fn(DumpProgress) + Send + Sync),
    ) -> std::result::Result<(), Broken> {
        let Self { server, connection } = self;
        overwrite(&server, connection, request, progress).await
    }
}

impl Server {
    /// Runs a RESTORE over a database that is not open: nobody can be in it.
    ///
    /// # Errors
    /// As the server says; no statement is left running.
    pub async fn overwrite_closed(
        &self,
        request: &RestoreRequest,
        progress: &(dyn Fn(DumpProgress) + Send + Sync),
    ) -> std::result::Result<(), Broken> {
        match self.open().await {
            Ok(connection) => overwrite(self, connection, request, progress).await,
            Err(failure) => {
                let problem = self.explain(&failure, self.about(Some(&request.database))).await;
                Err(Broken { problem, answered: true })
            }
        }
    }

    /// Who else is in `database`. Only where VIEW SERVER STATE is held does an empty answer mean nobody.
    ///
    /// # Errors
    /// The server cannot be asked, or does not tell.
    pub async fn others(&self, database: &str) -> Result<Vec<Occupant>> {
        let asked = async { others(&mut self.open().await?, database).await };
        self.told(asked.await, Some(database)).await
    }

    /// Takes the one seat in `database`.
    ///
    /// # Errors
    /// [`Code::DatabaseBusy`](crate::problem::Code::DatabaseBusy) while others are in: nothing was changed then.
    pub async fn take_seat(&self, database: &str) -> Result<Seat> {
        let taken = async {
            let mut connection = self.open().await?;
            connection.rows(&use_database(database)?, &[]).await?;
            changed(&mut connection, change(database, Change::SingleUser), self.limits().change).await?;
            Ok::<_, Failure>(Seat { server: self.clone(), connection })
        };
        self.told(taken.await, Some(database)).await
    }

    /// Makes a change of `database`.
    ///
    /// # Errors
    /// What the server says.
    pub async fn change(&self, database: &str, wanted: Change<'_>) -> Result<()> {
        let done =
            async { changed(&mut self.open().await?, change(database, wanted), self.limits().change).await };
        self.told(done.await, Some(database)).await
    }

    /// Opens a database that an earlier process of ours left closed. Whoever took the one seat meanwhile is put out of it:
    /// nobody works in a database that lets in nobody else.
    ///
    /// # Errors
    /// It cannot be opened now.
    pub async fn let_everybody_in(&self, database: &str) -> Result<()> {
        let mut last = None;
        for _ in 0..REPAIRS {
            let tried = async {
                let mut connection = self.open().await?;
                match changed(&mut connection, change(database, Change::MultiUser), self.limits().change)
                    .await
                {
                    Ok(()) => Ok(()),
                    Err(failure) => {
                        for other in others(&mut connection, database).await? {
                            if let Ok(id) = i16::try_from(other.session_id) {
                                connection.rows(&kill(id), &[]).await?;
                            }
                        }
                        Err(failure)
                    }
                }
            };
            match tried.await {
                Ok(()) => return Ok(()),
                Err(failure) => last = Some(failure),
            }
        }
        match last {
            Some(failure) => Err(self.explain(&failure, self.about(Some(database))).await),
            None => Ok(()),
        }
    }

    /// What goes over from `database`; `None` where there is none.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn carried(&self, database: &str) -> Result<Option<Carried>> {
        let asked = async {
            let row = self.open().await?.row(&CARRIED, &[&database]).await?;
            row.as_ref().map(|row| carried(Fields(row))).transpose()
        };
        self.told(asked.await, Some(database)).await
    }

    /// Joins the users of `database` whose login is gone to the logins of the same name; gives their names.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn join_orphaned_users(&self, database: &str) -> Result<Vec<String>> {
        let joined = async {
            let mut connection = self.open().await?;
            connection.rows(&use_database(database)?, &[]).await?;
            let mut names = Vec::new();
            for row in &connection.rows(&ORPHANED_USERS, &[]).await? {
                let name = Fields(row).text("name")?.unwrap_or_default();
                connection.rows(&join_user(&name)?, &[]).await?;
                names.push(name);
            }
            Ok::<_, Failure>(names)
        };
        self.told(joined.await, Some(database)).await
    }
}

/// Makes a change, of which the answer must come `within` this time.
async fn changed(
    connection: &mut Connection,
    statement: std::result::Result<Statement, Unquotable>,
    within: Duration,
) -> std::result::Result<(), Failure> {
    connection.rows_within(&statement?, &[], within).await.map(drop)
}

async fn others(connection: &mut Connection, database: &str) -> std::result::Result<Vec<Occupant>, Failure> {
    let rows = connection.rows(&OTHERS, &[&database]).await?;
    rows.iter().map(|row| occupant(Fields(row))).collect()
}

fn occupant(row: Fields<'_>) -> std::result::Result<Occupant, Failure> {
    Ok(Occupant {
        session_id: row.int("session_id")?.unwrap_or_default(),
        host: row.text("host_name")?.unwrap_or_default(),
        program: row.text("program_name")?.unwrap_or_default(),
        login: row.text("login_name")?.unwrap_or_default(),
    })
}

fn carried(row: Fields<'_>) -> std::result::Result<Carried, Failure> {
    let level = row.int("compatibility_level")?.and_then(|level| u8::try_from(level).ok());
    Ok(Carried {
        owner: row.text("owner_name")?,
        recovery: row.text("recovery_model_desc")?.unwrap_or_default(),
        compatibility: level.ok_or_else(|| Failure::Garbled("no compatibility level".into()))?,
        read_committed_snapshot: row.flag("is_read_committed_snapshot_on")?,
        trustworthy: row.flag("is_trustworthy_on")?,
    })
}
