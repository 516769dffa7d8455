//! What a human surface knows of the agent while it follows it.

use super::client::{Client, Watch};
use crate::agent::status::Status;
use crate::problem::{Problem, Result};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// What is known of the agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// The agent has not answered yet.
    Starting,
    /// The agent answers.
    Reached(Arc<Status>),
    /// No agent answers, and why.
    Lost(Problem),
}

impl Link {
    /// The status, where the agent answers.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Reached(status) => Some(status),
            Self::Starting | Self::Lost(_) => None,
        }
    }
}

/// Follows the agent with this state folder, and tells `link` each status, until it hangs up; why it did.
///
/// # Errors
/// Always, at last; [`Code::AgentMissing`](crate::problem::Code::AgentMissing) where none answered at all.
pub async fn follow(state: &Path, link: &watch::Sender<Link>) -> Result<std::convert::Infallible> {
    let mut statuses: Watch = Client::connect(state).await?.watch().await?;
    loop {
        let status = statuses.next().await?;
        link.send_replace(Link::Reached(Arc::new(status)));
    }
}

/// Tells `link` that no agent answers.
pub fn lose(link: &watch::Sender<Link>, problem: Problem) {
    tracing::debug!(%problem, "no agent answers");
    link.send_replace(Link::Lost(problem));
}
