//! `check`: the agent looks at everything now; without an agent this program does, and changes nothing.

use super::printer::Printer;
use super::status;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Terminal};
use crate::control::client::Client;
use crate::cycle::catalogue::CheckId;
use crate::cycle::configuration::{ConfigWatch, News};
use crate::cycle::health::{CheckView, Health, Look};
use crate::cycle::probe;
use crate::destination::{Kind, explain};
use crate::platform;
use crate::problem::{Code, Exit, Problem, Result};
use crate::sqlserver::Server;
use crate::words;
use std::path::Path;
use tokio::time::Instant;

/// Looks at everything; the exit code is that of the first problem, which is the cause of the others.
///
/// # Errors
/// The agent is there but does not answer, or is of another version.
pub async fn check(config: &Path, state: &Path, printer: &mut Printer) -> Result<Exit> {
    let (checks, by_agent) = match Client::connect(state).await {
        Ok(mut client) => (client.check().await?, true),
        Err(problem) if problem.code == Code::AgentMissing => (look_alone(config).await, false),
        Err(problem) => return Err(problem),
    };
    if printer.is_json() {
        printer.document(&serde_json::json!({ "checks": checks, "by_agent": by_agent }));
    } else {
        if !by_agent {
            printer.words(&words!(
                "O agente não está em execução; verificando sem ele.",
                "No agent is running; looking without it."
            ));
        }
        if checks.is_empty() {
            printer.words(&words!("Tudo certo.", "Everything is well."));
        }
        let language = printer.language();
        checks.iter().for_each(|check| printer.line(status::line_of(check, language)));
    }
    Ok(checks.first().map_or(Exit::Success, |check| check.problem.exit()))
}

/// What a person can know before the agent is started. Nothing is written anywhere.
pub async fn look_alone(config: &Path) -> Vec<CheckView> {
    let mut look = Look::default();
    let news = ConfigWatch::new(config.to_owned()).look();
    look.extend(probe::configuration(&news, None));
    if let News::Valid(in_force) = news {
        let config = &in_force.config;
        look.extend(probe::service(&config.server).await.0);
        if let Some(database) = config.database() {
            look.extend(probe::server(&Server::new(&config.server, "DMBackup check"), database).await.0);
        }
        look.extend(folders(config));
    }
    let mut health = Health::default();
    health.observe(&look, SystemClock.local_now(), Instant::now());
    health.everything()
}

fn folders(config: &Config) -> Look {
    let mut look = Look::default();
    look.ask(&[CheckId::Folder, CheckId::Terminal]);
    look.answer(folder(Kind::Server, &config.backup.folder));
    if let Terminal::Folder { path, .. } = &config.terminal {
        look.answer(folder(Kind::Terminal, path));
    }
    look.extend(probe::terminal_apart(config, "", None));
    look
}

fn folder(kind: Kind, path: &Path) -> Result<(), Problem> {
    let shown = path.display().to_string();
    platform::can_write_folder(path).map_err(|error| explain(kind, &shown, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::printer::tests::Paper;

    #[tokio::test]
    async fn without_an_agent_it_looks_itself_and_tells_the_cause_first() {
        let folder = tempfile::tempdir().unwrap();
        let paper = Paper::default();
        let mut printer = paper.printer(false, false);
        let config = folder.path().join("missing.toml");
        let exit = check(&config, folder.path(), &mut printer).await.unwrap();
        assert_eq!(exit, Exit::Configuration);
        assert!(paper.text().contains("verificando sem ele"), "{}", paper.text());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
    }
}
