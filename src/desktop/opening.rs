//! The agent hears that the store's application was opened (DM22), also where it has no ear for that at first.

use crate::problem::Result;
use std::time::Duration;
use tokio::time::sleep;

/// Pauses after the first try, the second, and so on; after the last one it is given up: whoever opened the application has
/// worked with it for a while.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(300),
];

/// Tells the agent by `tell` until it has heard.
pub async fn tell_until_heard<T: Future<Output = Result<()>>>(mut tell: impl FnMut() -> T) {
    for pause in PAUSES.map(Some).into_iter().chain([None]) {
        let Err(problem) = tell().await else { return };
        tracing::warn!(%problem, "the agent does not hear that the application was opened");
        if let Some(pause) = pause {
            sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::problem;
    use crate::problem::Code;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn an_opening_that_is_refused_is_told_again_for_a_while() {
        for (refusals, tries, seconds) in [(0, 1, 0), (1, 2, 1), (3, 4, 21), (100, 6, 381)] {
            let (begun, mut told) = (Instant::now(), 0);
            tell_until_heard(|| {
                told += 1;
                let heard = if told > refusals { Ok(()) } else { Err(problem(Code::AgentNotNow)) };
                async { heard }
            })
            .await;
            assert_eq!((told, begun.elapsed().as_secs()), (tries, seconds), "{refusals} refusals");
        }
    }
}
