//! The state folder: entered by one agent at a time, and what an agent finds and keeps there.

use crate::clock::Clock;
use crate::destination::{Claims, agent_id};
use crate::durable::{Ledger, LockFile};
use crate::head_office;
use crate::journal::Journal;
use crate::platform;
use crate::problem::{Code, Problem, Result};
use crate::restore::Records;
use crate::words;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

const LOCK: &str = "lock";

/// The state folder of this agent. Another agent may enter once it is dropped.
#[derive(Debug)]
pub struct Home {
    /// The folder.
    pub path: PathBuf,
    /// Names the agent.
    pub agent: Uuid,
    /// Every run and what came of it.
    pub journal: Journal,
    /// Names under construction.
    pub ledger: Arc<Ledger>,
    /// What restores have made in the server.
    pub restores: Arc<Records>,
    /// The destinations that were configured.
    pub claims: Claims,
    /// What the head office was told last.
    pub head_office: head_office::Memory,
    _lock: LockFile,
}

impl Home {
    /// Enters the state folder `path`, and makes it where it is missing. Blocks on its disk.
    ///
    /// # Errors
    /// [`Code::AgentRunning`] while another agent is in it, [`Code::AgentState`] where it cannot be used.
    pub fn enter(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let lock = take(path).map_err(|cause| unusable(path, &cause))?;
        let Some(lock) = lock else { return Err(taken(path)) };
        Ok(Self {
            path: path.to_owned(),
            agent: agent_id(path)?,
            journal: Journal::open(path, clock),
            ledger: Arc::new(Ledger::open(path)),
            restores: Arc::new(Records::open(path)),
            claims: Claims::open(path),
            head_office: head_office::memory(path),
            _lock: lock,
        })
    }
}

fn take(path: &Path) -> io::Result<Option<LockFile>> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    platform::make_private_folder(path)?;
    LockFile::take(&path.join(LOCK))
}

fn taken(path: &Path) -> Problem {
    let shown = path.display();
    Problem::new(
        Code::AgentRunning,
        words!(
            "O agente de backup já está em execução (estado em {shown}).",
            "The backup agent is already running (state in {shown})."
        ),
        words!(
            "Não é preciso abrir outro. Para ver o que ele faz: «dmbackupctl status».",
            "There is no need for another. To see what it does: «dmbackupctl status»."
        ),
    )
}

fn unusable(path: &Path, cause: &io::Error) -> Problem {
    tracing::error!(path = %path.display(), %cause, "the state folder cannot be used");
    let shown = path.display();
    Problem::new(
        Code::AgentState,
        words!(
            "A pasta de estado {shown} não pode ser usada: {cause}.",
            "The state folder {shown} cannot be used: {cause}."
        ),
        words!(
            "Verifique se ela existe, se este usuário pode gravar nela e se há espaço, ou indique outra com --state.",
            "Check that it exists, that this user may write to it and that there is space, or name another with --state."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn enter(path: &Path) -> Result<Home> {
        Home::enter(path, Arc::new(SystemClock))
    }

    #[test]
    fn one_agent_enters_and_keeps_its_name_for_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a/b/state");
        let first = enter(&state).unwrap();
        assert_eq!(enter(&state).unwrap_err().code, Code::AgentRunning);
        let agent = first.agent;
        drop(first);
        assert_eq!(enter(&state).unwrap().agent, agent);
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        fs::write(&state, "x").unwrap();
        assert_eq!(enter(&state).unwrap_err().code, Code::AgentState);
    }
}
