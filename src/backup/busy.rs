//! For how long a medium was waited for, by whatever threads: a time in which two of them waited counts once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A clock that runs while somebody waits.
#[derive(Clone, Debug, Default)]
pub struct Busy(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: usize,
    since: Option<Instant>,
    total: Duration,
}

impl Busy {
    /// Runs while `work` does.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let _waits = Waits::begin(self);
        work()
    }

    /// The time so far; a wait that goes on is not counted yet.
    pub fn total(&self) -> Duration {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits, until it is dropped.
struct Waits<'a>(&'a Busy);

impl<'a> Waits<'a> {
    fn begin(busy: &'a Busy) -> Self {
        let mut state = busy.lock();
        state.waiting += 1;
        state.since.get_or_insert_with(Instant::now);
        Self(busy)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.waiting -= 1;
        if state.waiting == 0 {
            let waited = state.since.take().map_or(Duration::ZERO, |since| since.elapsed());
            state.total += waited;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_time_in_which_two_wait_counts_once_and_one_in_which_nobody_waits_not_at_all() {
        let second = Duration::from_secs(1);
        let busy = Busy::default();
        let first = Waits::begin(&busy);
        tokio::time::advance(second).await;
        let other = Waits::begin(&busy);
        tokio::time::advance(second).await;
        drop(first);
        assert_eq!(busy.total(), Duration::ZERO, "one still waits");
        tokio::time::advance(second).await;
        drop(other);
        tokio::time::advance(second).await;
        assert_eq!(busy.total(), 3 * second);
        busy.clone().during(|| ());
        assert_eq!(busy.total(), 3 * second);
    }
}
