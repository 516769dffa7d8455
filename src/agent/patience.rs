//! How long whatever was asked or stopped is waited for.

pub use crate::destination::{PATIENCE, blocking, no_answer};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What was stopped and has not ended after this long is given up: a run waits for it.
pub const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Awaits `work`; `None` where it has not ended [`STOP_PATIENCE`] after it was stopped. Whatever hangs then, on a share as a
/// rule, hangs alone.
pub async fn unless_given_up<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    let given_up = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_PATIENCE).await;
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = given_up => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_when_it_is_stopped_is_given_up_and_not_before() {
        let stop = CancellationToken::new();
        assert_eq!(unless_given_up(&stop, async { 7 }).await, Some(7));
        let long = tokio::time::sleep(STOP_PATIENCE * 100);
        assert_eq!(unless_given_up(&stop, long).await, Some(()), "nobody stopped it");
        stop.cancel();
        let (_never, waits) = tokio::sync::oneshot::channel::<()>();
        assert_eq!(unless_given_up(&stop, waits).await, None);
    }
}
