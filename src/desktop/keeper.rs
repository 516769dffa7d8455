//! Keeps an agent at work, and listens to it. Where an agent answers, it is only listened to; where none does, this process
//! holds one itself, also when the process that held it has ended meanwhile.

use crate::agent::{Agent, AgentOptions, Silence, enter};
use crate::clock::{Clock, SystemClock};
use crate::control::link::{self, Link};
use crate::logging::{self, Logging};
use crate::problem::{Code, Problem, Result};
use crate::update::Publisher;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Between two looks for an agent.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Between two looks at what only a person can mend.
const LOOK_AGAIN_AFTER_PROBLEM: Duration = Duration::from_secs(15);

/// Keeps an agent at work.
pub struct Keeper {
    /// The agent's configuration.
    pub config: PathBuf,
    /// The agent's state folder.
    pub state: PathBuf,
    /// Who hears of the agent.
    pub link: watch::Sender<Link>,
    /// The end of the program: asked for from outside, or because a person closed the agent.
    pub end: CancellationToken,
}

/// The agent in this process.
struct Held {
    ended: JoinHandle<()>,
    _logging: Logging,
}

impl Keeper {
    /// Works until the end of the program; an agent of this process has ended then.
    pub async fn keep(self) {
        let mut held: Option<Held> = None;
        while !self.end.is_cancelled() {
            let followed = tokio::select! {
                () = self.end.cancelled() => break,
                followed = link::follow(&self.state, &self.link) => followed,
            };
            let Err(problem) = followed;
            if self.link.borrow().status().is_some_and(|status| status.closed) {
                // Whoever closed the agent closed the program, wherever it runs.
                self.end.cancel();
                break;
            }
            let wait = self.make_up(problem, &mut held).await;
            tokio::select! {
                () = self.end.cancelled() => {}
                () = sleep(wait) => {}
            }
        }
        if let Some(held) = held
            && let Err(cause) = held.ended.await
        {
            tracing::error!(%cause, "the agent's watch fell");
        }
    }

    /// No agent answers: holds one in this process where none is held; how long to wait before it is looked for.
    async fn make_up(&self, problem: Problem, held: &mut Option<Held>) -> Duration {
        if problem.code != Code::AgentMissing {
            link::lose(&self.link, problem);
            return LOOK_AGAIN_AFTER_PROBLEM;
        }
        if held.as_ref().is_some_and(|held| !held.ended.is_finished()) {
            // It is ending, or its channel could not be opened; its own record tells.
            link::lose(&self.link, problem);
            return LOOK_AGAIN;
        }
        match self.start().await {
            Ok(started) => {
                *held = Some(started);
                Duration::ZERO
            }
            // Another process was faster, and will answer in a moment; or it hangs, and what it said last is true no more.
            Err(running) if running.code == Code::AgentRunning => {
                if self.link.borrow().status().is_some() {
                    link::lose(&self.link, problem);
                }
                LOOK_AGAIN
            }
            Err(problem) => {
                link::lose(&self.link, problem);
                LOOK_AGAIN_AFTER_PROBLEM
            }
        }
    }

    async fn start(&self) -> Result<Held> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let home = enter(self.state.clone(), Arc::clone(&clock)).await?;
        // Only whoever holds the state keeps its record.
        let logging = Logging::start(&home.path.join(logging::FOLDER), Arc::clone(&clock));
        let options = AgentOptions {
            config_path: self.config.clone(),
            clock,
            audience: Arc::new(Silence),
            publisher: Publisher::built_in(),
        };
        let agent = Agent::start(home, options, self.end.clone()).await?;
        Ok(Held { ended: tokio::spawn(agent.ended()), _logging: logging })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::problem;
    use crate::agent::testing::status;

    #[tokio::test]
    async fn an_agent_that_hangs_in_another_process_is_not_shown_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let _other = enter(folder.path().to_owned(), Arc::new(SystemClock)).await.unwrap();
        let keeper = Keeper {
            config: folder.path().join("dmbackup.toml"),
            state: folder.path().to_owned(),
            link: watch::Sender::new(Link::Starting),
            end: CancellationToken::new(),
        };
        assert_eq!(keeper.make_up(problem(Code::AgentMissing), &mut None).await, LOOK_AGAIN);
        assert_eq!(*keeper.link.borrow(), Link::Starting, "it may have begun a moment ago");
        keeper.link.send_replace(Link::Reached(Arc::new(status())));
        assert_eq!(keeper.make_up(problem(Code::AgentMissing), &mut None).await, LOOK_AGAIN);
        assert_eq!(*keeper.link.borrow(), Link::Lost(problem(Code::AgentMissing)));
    }
}
