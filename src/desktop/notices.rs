//! Notices on the desktop: the agent decides what people are told and tells it in its status; here it is shown, once.

use crate::agent::status::Status;
use crate::cycle::catalogue::Severity;
use crate::notify::{Notice, Reach};
use crate::platform;
use crate::words::{Language, Words};
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::collections::BTreeSet;

/// What was told longer ago than this, before this program looked, is seen by the icon.
const NEW_FOR: TimeDelta = TimeDelta::hours(1);

/// Which notices were shown.
#[derive(Debug, Default)]
pub struct Notices {
    shown: BTreeSet<(DateTime<FixedOffset>, String)>,
}

impl Notices {
    /// The notices of `status` that are for people at this machine and have not been shown; they count as shown now.
    pub fn fresh(&mut self, status: &Status) -> Vec<Notice> {
        let key = |notice: &Notice| (notice.at, notice.topic.clone());
        let is_here = |notice: &&Notice| notice.reach != Reach::Outside;
        let is_new = |notice: &&Notice| status.now.signed_duration_since(notice.at) < NEW_FOR;
        let told = status.notices.iter().filter(is_here).filter(is_new);
        let fresh: Vec<_> = told.filter(|notice| !self.shown.contains(&key(notice))).cloned().collect();
        // What the agent has forgotten comes no more.
        self.shown =
            status.notices.iter().filter(|notice| self.shown.contains(&key(notice))).map(key).collect();
        self.shown.extend(fresh.iter().map(key));
        fresh
    }
}

/// Shows notices, one after the other; in a thread of its own, for the desktop may let itself be waited for. A desktop that shows
/// none is no fault: the icon tells the same.
pub fn show(notices: Vec<Notice>, language: Language) {
    if notices.is_empty() {
        return;
    }
    tokio::task::spawn_blocking(move || {
        for notice in notices {
            let (title, text) = (notice.title.get(language), text(&notice, language));
            let is_urgent = notice.severity == Severity::Alert;
            if let Err(error) = platform::show_notice(title, &text, is_urgent) {
                tracing::warn!(%error, topic = notice.topic, "a notice is not shown");
            }
        }
    });
}

/// Shows a line that is not urgent, and that no agent tells. A desktop that shows none is told of in the record.
pub fn show_line(words: Words, language: Language) {
    tokio::task::spawn_blocking(move || {
        if let Err(error) = platform::show_notice("DMBackup", words.get(language), false) {
            tracing::warn!(%error, "a notice is not shown");
        }
    });
}

fn text(notice: &Notice, language: Language) -> String {
    format!("{}\n{}", notice.sentence.get(language), notice.hint.get(language))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::at;
    use crate::agent::testing::status;

    fn notice(topic: &str, hour: i64, reach: Reach) -> Notice {
        Notice {
            topic: topic.to_owned(),
            at: at(hour),
            severity: Severity::Alert,
            reach,
            title: Words::same(topic),
            sentence: Words::same("what"),
            hint: Words::same("do this"),
            last_good: None,
        }
    }

    fn topics(notices: &[Notice]) -> Vec<&str> {
        notices.iter().map(|notice| notice.topic.as_str()).collect()
    }

    #[test]
    fn each_notice_is_shown_once_to_whom_it_is_for() {
        let mut notices = Notices::default();
        let old = notice("old", 12, Reach::Everybody);
        let (failed, letter) = (notice("failed", 14, Reach::Everybody), notice("letter", 14, Reach::Outside));
        let first = notice("first-backup", 14, Reach::Desktop);
        let status = Status { notices: vec![old, failed.clone(), letter, first], ..status() };
        assert_eq!(topics(&notices.fresh(&status)), ["failed", "first-backup"]);
        assert_eq!(notices.fresh(&status), []);
        let again = Notice { at: status.now, ..failed };
        let later = Status { notices: vec![again], ..status };
        assert_eq!(topics(&notices.fresh(&later)), ["failed"]);
        assert_eq!(notices.shown.len(), 1, "what the agent has forgotten is forgotten");
    }

    #[test]
    fn a_notice_says_what_is_so_and_what_to_do() {
        assert_eq!(text(&notice("failed", 14, Reach::Everybody), Language::English), "what\ndo this");
    }
}
