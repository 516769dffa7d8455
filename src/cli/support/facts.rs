//! What is known of the program, the machine and the server.

use crate::clock::{Clock, SystemClock};
use crate::config::{Loaded, Terminal};
use crate::control::client::Client;
use crate::platform::{self, Space};
use crate::problem::{Code, Problem, Result};
use crate::sqlserver::{Server, ServerFacts};
use crate::words;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// A folder that has not answered after this long is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything.
#[derive(Debug, Serialize)]
pub struct Facts {
    program: &'static str,
    /// The version that the agent says of itself; `None` without one.
    agent: Option<String>,
    system: String,
    architecture: &'static str,
    machine: String,
    user: String,
    elevated: bool,
    /// With the offset of the time zone.
    now: String,
    config: PathBuf,
    state: PathBuf,
    volumes: Vec<Volume>,
    sql_server: Option<SqlServer>,
    sql_server_problem: Option<Problem>,
}

#[derive(Debug, Serialize)]
struct Volume {
    path: PathBuf,
    space: Option<Space>,
    largest_file_bytes: Option<u64>,
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct SqlServer {
    version: String,
    edition: String,
    machine: String,
    instance: Option<String>,
    text: String,
}

/// Looks at everything, each for a bounded time.
pub async fn gather(config: &Path, state: &Path, loaded: Option<&Loaded>, agent: Option<&Client>) -> Facts {
    let mut folders = vec![state.to_owned()];
    if let Some(Loaded { config, .. }) = loaded {
        folders.push(config.backup.folder.clone());
        match &config.terminal {
            Terminal::LocalOnly => {}
            Terminal::Folder { path, .. } => folders.push(path.clone()),
        }
    }
    let mut volumes = Vec::new();
    for path in folders {
        volumes.push(volume(path).await);
    }
    let (sql_server, sql_server_problem) = match loaded.map(server) {
        Some(asked) => match asked.await {
            Ok(found) => (Some(found), None),
            Err(problem) => (None, Some(problem)),
        },
        None => (None, None),
    };
    Facts {
        program: env!("CARGO_PKG_VERSION"),
        agent: agent.map(|agent| agent.agent().program.clone()),
        system: platform::system_name(),
        architecture: std::env::consts::ARCH,
        machine: platform::host_name(),
        user: platform::user_name(),
        elevated: platform::is_elevated(),
        now: SystemClock.local_now().to_rfc3339(),
        config: config.to_owned(),
        state: state.to_owned(),
        volumes,
        sql_server,
        sql_server_problem,
    }
}

async fn volume(path: PathBuf) -> Volume {
    let asked = path.clone();
    let looking = tokio::task::spawn_blocking(move || {
        platform::space(&asked).and_then(|space| Ok((space, platform::largest_file_bytes(&asked)?)))
    });
    match timeout(PATIENCE, looking).await {
        Ok(Ok(Ok((space, largest_file_bytes)))) => {
            Volume { path, space: Some(space), largest_file_bytes, problem: None }
        }
        Ok(Ok(Err(error))) => unknown(path, error.to_string()),
        Ok(Err(fallen)) => unknown(path, fallen.to_string()),
        Err(_) => unknown(path, "no answer".to_owned()),
    }
}

fn unknown(path: PathBuf, problem: String) -> Volume {
    Volume { path, space: None, largest_file_bytes: None, problem: Some(problem) }
}

async fn server(loaded: &Loaded) -> Result<SqlServer> {
    let config = &loaded.config;
    let database = config.database().ok_or_else(|| {
        Problem::new(
            Code::DatabaseMissing,
            words!("Nenhum banco de dados está configurado.", "No database is configured."),
            words!("Veja backup.databases.", "See backup.databases."),
        )
    })?;
    let health = Server::new(&config.server, "DMBackup report").health(database).await?;
    let ServerFacts { version, edition, machine, instance, version_text, .. } = health.facts;
    Ok(SqlServer { version: version.to_string(), edition, machine, instance, text: version_text })
}
