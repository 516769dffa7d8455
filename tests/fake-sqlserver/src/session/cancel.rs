//! Why and that a running statement has to stop.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Why a statement stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The client sent an attention
    Attention,
    /// Another session killed this one
    Killed,
    /// The client hung up
    Gone,
    /// The server dies, or plays dead: nothing is tidied up
    Died,
}

/// Tells a statement, which runs on a thread of its own, that it has to stop.
#[derive(Debug, Default)]
pub struct Cancel {
    token: CancellationToken,
    reason: Mutex<Option<Reason>>,
    told: Condvar,
}

impl Cancel {
    /// Stops the statement. The first reason counts.
    pub fn cancel(&self, reason: Reason) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        self.told.notify_all();
        self.token.cancel();
    }

    /// The reason to stop, if there is one.
    pub fn reason(&self) -> Option<Reason> {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when there is a reason to stop.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// Waits for a reason to stop, for ever or so long. Needs no runtime, which may be going down just then.
    pub fn wait(&self, time: Option<Duration>) {
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        match time {
            None => drop(self.told.wait_while(reason, |reason| reason.is_none())),
            Some(time) => drop(self.told.wait_timeout_while(reason, time, |reason| reason.is_none())),
        }
    }
}

/// Stops the statement when it is dropped: nobody looks after it any more.
#[derive(Debug)]
pub struct Abandon(pub Arc<Cancel>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.cancel(Reason::Died);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_counts() {
        let cancel = Cancel::default();
        assert_eq!(cancel.reason(), None);
        cancel.cancel(Reason::Attention);
        cancel.cancel(Reason::Killed);
        assert_eq!(cancel.reason(), Some(Reason::Attention));
    }

    #[test]
    fn whoever_waits_is_woken() {
        let cancel = Arc::new(Cancel::default());
        let waiting = Arc::clone(&cancel);
        let thread = std::thread::spawn(move || waiting.wait(None));
        drop(Abandon(cancel));
        thread.join().unwrap();
    }
}
