//! `run`: the agent without a desktop. What happens is printed as it happens, in the manual's words.

use super::console::{Console, Said};
use super::printer::Printer;
use crate::agent::effect::Line;
use crate::agent::owner::Command;
use crate::agent::status::{Activity, Status};
use crate::agent::{Agent, AgentOptions, Audience, enter};
use crate::backup::outcome::RunReport;
use crate::clock::{Clock, SystemClock};
use crate::control::protocol::Request;
use crate::logging::{self, Logging};
use crate::platform;
use crate::problem::{Exit, Result};
use crate::update::Publisher;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Runs the agent until its end is asked for, or until the first backup has ended where `once`.
///
/// # Errors
/// An agent runs already, or the state folder cannot be used.
pub async fn run(config_path: PathBuf, state_path: PathBuf, once: bool, printer: Printer) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let home = enter(state_path, Arc::clone(&clock)).await?;
    // Only whoever holds the state keeps its record.
    let _logging = Logging::start(&home.path.join(logging::FOLDER), Arc::clone(&clock));
    let (console, said) = Console::open(printer, Arc::clone(&clock));
    let shutdown = CancellationToken::new();
    let voice = Voice { said: said.clone(), end: once.then(|| shutdown.clone()) };
    let options =
        AgentOptions { config_path, clock, audience: Arc::new(voice), publisher: Publisher::built_in() };
    let agent = Agent::start(home, options, shutdown.clone()).await?;
    let once_ended = once.then(|| Once { commands: agent.commands(), end: shutdown.clone(), asked: false });
    let watching = tokio::spawn(watch(agent.status(), said, once_ended));
    let listening = tokio::spawn(end_when_asked(shutdown));
    agent.ended().await;
    listening.abort();
    // Ends by itself: the agent's status is gone.
    if let Err(cause) = watching.await {
        tracing::error!(%cause, "the console's watch fell");
    }
    let first = tokio::task::spawn_blocking(move || console.close()).await.ok().flatten();
    Ok(if once { first.unwrap_or(Exit::Cancelled) } else { Exit::Success })
}

async fn end_when_asked(shutdown: CancellationToken) {
    match platform::end_asked_for().await {
        Ok(()) => shutdown.cancel(),
        Err(error) => tracing::error!(%error, "signals cannot be heard"),
    }
}

/// Tells the console what the agent tells people.
#[derive(Debug)]
struct Voice {
    said: Sender<Said>,
    /// Ends the agent after the first backup.
    end: Option<CancellationToken>,
}

impl Audience for Voice {
    fn line(&self, line: &Line) {
        say(&self.said, Said::Line(line.clone()));
    }

    fn ended(&self, report: &RunReport) {
        say(&self.said, Said::Ended(Box::new(report.clone())));
        if let Some(end) = &self.end {
            end.cancel();
        }
    }
}

fn say(said: &Sender<Said>, what: Said) {
    // The console has fallen; the agent goes on without it.
    let _fallen = said.send(what);
}

/// Tells the console how the status changes.
async fn watch(mut status: watch::Receiver<Arc<Status>>, said: Sender<Said>, once: Option<Once>) {
    let mut once = once;
    loop {
        let now = Arc::clone(&status.borrow_and_update());
        if let Some(once) = &mut once {
            once.look(&now);
        }
        say(&said, Said::Status(now));
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Sees to it that there is a first backup to end after.
struct Once {
    commands: mpsc::Sender<Command>,
    end: CancellationToken,
    asked: bool,
}

impl Once {
    fn look(&mut self, status: &Status) {
        if !status.configuration.in_force && !status.configuration.findings.is_empty() {
            // Without a valid configuration there will be none.
            self.end.cancel();
        } else if status.activity == Activity::Waiting && !self.asked {
            // The past says that none is due now.
            self.asked = true;
            let (answer, _) = oneshot::channel();
            let request = Request::BackupNow { accept_shrunk: false };
            if self.commands.try_send(Command { request, answer }).is_err() {
                self.end.cancel();
            }
        }
    }
}
