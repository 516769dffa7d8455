//! Why and that a running statement has to stop.

use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;

/// Why a statement stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The client sent an attention
    Attention,
    /// Another session killed this one
    Killed,
    /// The client hung up, or the server stops
    Gone,
}

/// Tells a statement, which runs on a thread of its own, that it has to stop.
#[derive(Debug, Default)]
pub struct Cancel {
    token: CancellationToken,
    reason: OnceLock<Reason>,
}

impl Cancel {
    /// Stops the statement. The first reason counts.
    pub fn cancel(&self, reason: Reason) {
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }

    /// The reason to stop, if there is one.
    pub fn reason(&self) -> Option<Reason> {
        if self.token.is_cancelled() { self.reason.get().copied() } else { None }
    }

    /// Completes when there is a reason to stop.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}
