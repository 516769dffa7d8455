//! Newer versions of the program (DM14): a notice that whoever publishes the program has signed is fetched now and then, and what it
//! says is shown. Nothing is installed; that nobody answers is no alarm.

mod fetch;
mod notice;
mod problems;

pub use notice::{Publisher, Version};

use crate::clock::Clock;
use crate::config::UpdateConfig;
use crate::kept::Kept;
use crate::problem::{Code, Problem, Result};
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use notice::{Notice, Seen};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Where it is kept how far notices have been seen, below the state folder.
const FILE: &str = "update.json";
/// After a look that told nothing, the next one comes this soon.
const AGAIN_AFTER: Duration = Duration::from_secs(3_600);

/// A version that is newer than the one that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVersion {
    /// `x.y.z`.
    pub version: String,
    /// What is new, for people.
    pub notes: Words,
    /// Until when this notice is to be believed.
    pub expires: DateTime<FixedOffset>,
}

/// What is known of newer versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// Why nobody looks; `None` where somebody does.
    pub off: Option<Problem>,
    /// When the last look was; `None` before the first.
    pub looked_at: Option<DateTime<FixedOffset>>,
    /// The newer version; `None` where there is none.
    pub newer: Option<NewVersion>,
    /// Why the last look told nothing.
    pub problem: Option<Problem>,
}

impl VersionView {
    /// What is known after a look at `now`, where `self` was known before: that nobody answers takes no knowledge away.
    pub fn after(&self, looked: Result<Option<NewVersion>>, now: DateTime<FixedOffset>) -> Self {
        let looked_at = Some(now);
        match looked {
            Ok(newer) => Self { off: None, looked_at, newer, problem: None },
            Err(problem) if problem.code == Code::UpdateUnreachable => {
                let newer = self.newer.clone().filter(|newer| newer.expires > now);
                Self { off: None, looked_at, newer, problem: Some(problem) }
            }
            Err(problem) => Self { off: None, looked_at, newer: None, problem: Some(problem) },
        }
    }
}

/// Looks for newer versions, on behalf of one agent.
#[derive(Debug)]
pub struct Lookout {
    publisher: Publisher,
    running: Version,
    /// How far notices have been seen: whoever puts forward an older one again finds no belief.
    seen: Kept<Seen>,
    clock: Arc<dyn Clock>,
    /// When the next look is due, and under which configuration that was reckoned.
    next: Mutex<Option<(UpdateConfig, Instant)>>,
    /// One look at a time; what the last one found.
    known: tokio::sync::Mutex<VersionView>,
}

impl Lookout {
    /// A lookout that believes `publisher`, and keeps in the state folder `state` how far it has seen.
    pub fn new(publisher: Publisher, state: &Path, clock: Arc<dyn Clock>) -> Self {
        Self {
            publisher,
            running: Version::running(),
            seen: Kept::at(state.join(FILE)),
            clock,
            next: Mutex::default(),
            known: tokio::sync::Mutex::default(),
        }
    }

    /// Why nobody is to look under this configuration; `None` where somebody is.
    pub fn off(&self, config: &UpdateConfig) -> Option<Problem> {
        if config.off {
            return Some(problems::off_by_configuration());
        }
        if self.publisher.is_nobody() {
            return Some(problems::off_by_build());
        }
        config.url.is_none().then(problems::off_by_default)
    }

    /// Whether it is time for a look; whoever is told so looks.
    pub fn is_due(&self, config: &UpdateConfig) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = next.as_ref().is_none_or(|(for_which, at)| for_which != config || *at <= now);
        if due {
            // Until the look has ended.
            *next = Some((config.clone(), now + config.interval));
        }
        due
    }

    /// Looks now.
    pub async fn look(&self, config: &UpdateConfig) -> VersionView {
        let mut known = self.known.lock().await;
        if let Some(off) = self.off(config) {
            *known = VersionView { off: Some(off), ..VersionView::default() };
            return known.clone();
        }
        let looked = self.ask(config.url.as_deref().unwrap_or_default()).await;
        let wait = if looked.is_ok() { config.interval } else { AGAIN_AFTER.min(config.interval) };
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((config.clone(), Instant::now() + wait));
        match &looked {
            Ok(newer) => tracing::debug!(?newer, "looked for a newer version"),
            // Away is away; a notice that cannot be believed is worth somebody's attention.
            Err(problem) if problem.code == Code::UpdateUnreachable => tracing::debug!(%problem, "no news"),
            Err(problem) => tracing::warn!(%problem, "the notice of versions is not believed"),
        }
        *known = known.after(looked, self.clock.local_now());
        known.clone()
    }

    async fn ask(&self, url: &str) -> Result<Option<NewVersion>> {
        let (url, publisher) = (url.to_owned(), self.publisher.clone());
        let fetched = tokio::task::spawn_blocking(move || {
            let (text, signature) = fetch::both(&url)?;
            Notice::read(&text, &signature, &publisher)
        });
        let notice = fetched.await.map_err(Problem::internal)??;
        let (kept, running, now) = (self.seen.clone(), self.running, self.clock.local_now());
        let judged = tokio::task::spawn_blocking(move || {
            let seen = kept.load();
            notice.judge(running, seen.as_ref(), now)?;
            let now_seen = notice.as_seen();
            if seen.as_ref() != Some(&now_seen) {
                kept.store(&now_seen);
            }
            Ok(notice.newer_than(running))
        });
        judged.await.map_err(Problem::internal)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    fn at(hour: u32) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(&format!("2026-11-22T{hour:02}:00:00-03:00")).unwrap()
    }

    #[test]
    fn what_was_known_stays_known_while_nobody_answers_but_not_when_it_is_not_believed() {
        let newer = NewVersion { version: "9.0.0".to_owned(), notes: Words::same("x"), expires: at(12) };
        let before = VersionView::default().after(Ok(Some(newer.clone())), at(9));
        let code = |code| Err(Problem::new(code, words!("a", "a"), words!("b", "b")));
        let away = before.after(code(Code::UpdateUnreachable), at(10));
        assert_eq!((away.newer.as_ref(), away.looked_at), (Some(&newer), Some(at(10))));
        assert_eq!(away.after(code(Code::UpdateUnreachable), at(13)).newer, None, "it has expired");
        assert_eq!(before.after(code(Code::UpdateSignature), at(10)).newer, None);
        assert_eq!(away.after(Ok(None), at(11)).problem, None);
    }
}
