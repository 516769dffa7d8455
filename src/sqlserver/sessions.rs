//! Our own statements as the server sees them: which run, how they are ended, and that they have ended.

use super::errors::Failure;
use super::session::{Connection, Fields, Session};
use super::statements::{PROGRAM_REQUESTS, kill};
use super::{Server, errors};
use crate::problem::{Code, Problem, Result};
use crate::words;
use std::collections::HashSet;
use tokio::time::{Instant, sleep};

/// How the server calls the commands that last: ours that are still running, or being undone after KILL.
const LASTING_COMMANDS: [&str; 4] = ["BACKUP", "RESTORE", "DBCC", "KILLED"];
/// «Process ID n is not an active process ID.»
const KILL_NO_SUCH_SESSION: u32 = 6106;

impl Server {
    /// Ends every BACKUP and RESTORE that sessions of our program name still run, and waits for their end: what a crash
    /// left behind. Not to be called while a run of ours goes on. Gives the number of statements that it found.
    ///
    /// Without VIEW SERVER STATE nothing can be seen, and 0 is given.
    ///
    /// # Errors
    /// The server cannot be asked, or a statement does not end.
    pub async fn end_own_statements(&self) -> Result<u32> {
        let found = match self.own_statements().await {
            Ok(found) => found,
            Err(failure) => return Err(self.explain(&failure, self.subject()).await),
        };
        for session in &found {
            tracing::warn!(%session, "ending a statement that an earlier run of ours left in the server");
            if let Err(failure) = self.kill(*session).await {
                tracing::warn!(%session, cause = %failure, "it cannot be killed; waiting for its end");
            }
        }
        match self.await_end(None).await {
            Ok(true) => Ok(u32::try_from(found.len()).unwrap_or(u32::MAX)),
            Ok(false) => Err(still_running(&self.subject())),
            Err(failure) => Err(self.explain(&failure, self.subject()).await),
        }
    }

    async fn own_statements(&self) -> std::result::Result<HashSet<Session>, Failure> {
        own_statements(&mut self.open().await?, self.program()).await
    }

    /// Ends `session` from another connection, if it is seen to run a lasting statement of ours: its number may have been
    /// given to a stranger meanwhile.
    pub(super) async fn kill_own(&self, session: Session) -> std::result::Result<(), Failure> {
        if self.own_statements().await?.contains(&session) {
            self.kill(session).await
        } else {
            Err(Failure::Lost("the statement is not seen".into()))
        }
    }

    /// One that is gone already is no failure.
    async fn kill(&self, session: Session) -> std::result::Result<(), Failure> {
        match self.open().await?.rows(&kill(session.id), &[]).await {
            Err(failure) if failure.number() == Some(KILL_NO_SUCH_SESSION) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Waits until no lasting statement of ours is left: of session `only`, or of any. Kills a session of ours that goes
    /// on by itself. `false` when the time for an ending is over.
    pub(super) async fn await_end(&self, only: Option<Session>) -> std::result::Result<bool, Failure> {
        let limits = self.limits();
        let deadline = Instant::now() + limits.ending;
        let mut connection = self.open().await?;
        let mut told = HashSet::new();
        loop {
            let mut left = own_statements(&mut connection, self.program()).await?;
            left.retain(|session| only.is_none_or(|only| only == *session));
            if left.is_empty() {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            for session in left.into_iter().filter(|session| told.insert(*session)) {
                // Seen under our own program name, so it is ours even if its connection broke long ago.
                if let Err(failure) = self.kill(session).await {
                    tracing::debug!(%session, cause = %failure, "not killed");
                }
            }
            sleep(limits.look).await;
        }
    }
}

/// The sessions of `program`, but for the asking one, that run a lasting statement.
async fn own_statements(
    connection: &mut Connection,
    program: &str,
) -> std::result::Result<HashSet<Session>, Failure> {
    let mut found = HashSet::new();
    for row in connection.rows(&PROGRAM_REQUESTS, &[&program]).await? {
        let fields = Fields(&row);
        let command = fields.text("command")?.unwrap_or_default();
        if is_lasting(&command) {
            found.extend(Session::read(fields)?);
        }
    }
    Ok(found)
}

fn is_lasting(command: &str) -> bool {
    LASTING_COMMANDS
        .iter()
        .any(|lasting| command.get(..lasting.len()).is_some_and(|start| start.eq_ignore_ascii_case(lasting)))
}

fn still_running(subject: &errors::Subject) -> Problem {
    let server = &subject.server;
    Problem::new(
        Code::DatabaseBusy,
        words!(
            "Um backup anterior deste programa ainda está em andamento no SQL Server {server} e não termina.",
            "An earlier backup of this program still goes on in SQL Server {server} and does not end.",
        ),
        words!(
            "Espere alguns minutos; se continuar, reinicie o serviço do SQL Server ou chame o suporte.",
            "Wait a few minutes; if it goes on, restart the service of SQL Server or call support.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_statements_that_last_are_ours_to_end() {
        for command in
            ["BACKUP DATABASE", "RESTORE VERIFYONLY", "RESTORE HEADERON", "KILLED/ROLLBACK", "DBCC"]
        {
            assert!(is_lasting(command), "{command}");
        }
        for command in ["SELECT", "USE DATABASE", "", "BACK", "AWAITING COMMAND"] {
            assert!(!is_lasting(command), "{command}");
        }
    }
}
