//! What is still to be sent, and when it is tried again. Pure: bounded, in order, with growing pauses.

use super::channel::Channel;
use super::letter::{Letter, Signal};
use crate::config::AlertConfig;
use crate::journal::QueuedAlert;
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// The most that waits; beyond it the oldest is given up.
pub const MOST_WAITING: usize = 100;

/// Pauses after the first failure, the second, and so on; the last one is for all that follow.
const PAUSES_SECS: [u64; 7] = [5, 15, 60, 300, 900, 1800, 3600];

/// A notice that could not be sent for this long is given up: who reads it then, has seen the matter elsewhere.
const NOTICE_LIVES: TimeDelta = TimeDelta::hours(72);
/// A sign of life this late would tell something wrong.
const BEAT_LIVES: TimeDelta = TimeDelta::hours(1);

/// So many failures of one letter are told to people.
pub const FAILURES_TOLD: u32 = 3;

/// One letter for one way.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Orders them.
    pub number: u64,
    /// By which way.
    pub channel: Channel,
    /// What.
    pub letter: Letter,
    /// How often it was tried in vain.
    pub tries: u32,
    at: DateTime<FixedOffset>,
    not_before: Instant,
}

/// Everything that waits.
#[derive(Debug, Default)]
pub struct Queue {
    entries: Vec<Entry>,
    last: u64,
    sending: BTreeSet<Channel>,
}

impl Queue {
    /// The queue that an earlier process left. What cannot be read is left out.
    pub fn of(rows: Vec<QueuedAlert>, now: Instant) -> Self {
        let entry = |row: QueuedAlert| {
            let channel = Channel::from_name(&row.channel)?;
            let letter = serde_json::from_str(&row.message)
                .inspect_err(|cause| tracing::warn!(%cause, "a waiting alert cannot be read"))
                .ok()?;
            let QueuedAlert { number, tries, at, .. } = row;
            Some(Entry { number, channel, letter, tries, at, not_before: now })
        };
        let entries: Vec<_> = rows.into_iter().filter_map(entry).collect();
        let last = entries.iter().map(|entry| entry.number).max().unwrap_or_default();
        Self { entries, last, sending: BTreeSet::new() }
    }

    /// The same as rows.
    pub fn rows(&self) -> Vec<QueuedAlert> {
        let row = |entry: &Entry| {
            Some(QueuedAlert {
                number: entry.number,
                at: entry.at,
                channel: entry.channel.name().to_owned(),
                tries: entry.tries,
                message: serde_json::to_string(&entry.letter).ok()?,
            })
        };
        self.entries.iter().filter_map(row).collect()
    }

    /// Adds `letter` for every way of `config` that takes it; whether there is one.
    pub fn add(
        &mut self,
        letter: &Letter,
        config: &AlertConfig,
        at: DateTime<FixedOffset>,
        now: Instant,
    ) -> bool {
        let channels: Vec<_> = Channel::ALL
            .into_iter()
            .filter(|channel| channel.is_on(config) && channel.takes(letter))
            .collect();
        if matches!(letter, Letter::Beat { .. }) {
            // What an earlier sign told is outdated; one that was not tried yet still tells when the run began.
            self.entries.retain(|entry| match &entry.letter {
                Letter::Beat { signal, .. } => *signal == Signal::Start && entry.tries == 0,
                Letter::Notice { .. } => true,
            });
        }
        for channel in &channels {
            self.last += 1;
            let (number, letter) = (self.last, letter.clone());
            self.entries.push(Entry { number, channel: *channel, letter, tries: 0, at, not_before: now });
        }
        let surplus = self.entries.len().saturating_sub(MOST_WAITING);
        if surplus > 0 {
            tracing::warn!(surplus, "too many alerts wait; the oldest are given up");
            self.entries.drain(..surplus);
        }
        !channels.is_empty()
    }

    /// Other ways are configured, or the same ones otherwise: what waits for a way that is off is given up, and the rest is tried
    /// anew. Whether something was given up.
    pub fn configure(&mut self, config: &AlertConfig, now: Instant) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.channel.is_on(config));
        for entry in &mut self.entries {
            entry.not_before = now;
        }
        let given_up = before - self.entries.len();
        if given_up > 0 {
            tracing::warn!(given_up, "alerts for a way that is not configured any more are given up");
        }
        given_up > 0
    }

    /// Takes the letters that are due now, at most one for each way; each is on its way until [`sent`](Self::sent) or
    /// [`failed`](Self::failed) tells what came of it.
    pub fn take_due(&mut self, now: Instant) -> Vec<Entry> {
        let mut due = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.not_before <= now) {
            if self.sending.insert(entry.channel) {
                due.push(entry.clone());
            }
        }
        due
    }

    /// When something is due next, as long as nothing else happens.
    pub fn next_due(&self) -> Option<Instant> {
        let waits = self.entries.iter().filter(|entry| !self.sending.contains(&entry.channel));
        waits.map(|entry| entry.not_before).min()
    }

    /// A letter was sent.
    pub fn sent(&mut self, number: u64, channel: Channel) {
        self.sending.remove(&channel);
        self.entries.retain(|entry| entry.number != number);
    }

    /// A letter could not be sent; how often that was so. It is tried again after a pause, or given up.
    pub fn failed(&mut self, number: u64, channel: Channel, at: DateTime<FixedOffset>, now: Instant) -> u32 {
        self.sending.remove(&channel);
        let mut tries = 0;
        self.entries.retain_mut(|entry| {
            if entry.number != number {
                return true;
            }
            entry.tries = entry.tries.saturating_add(1);
            tries = entry.tries;
            entry.not_before = now + pause(entry.tries);
            let lives = match entry.letter {
                Letter::Beat { .. } => BEAT_LIVES,
                Letter::Notice { .. } => NOTICE_LIVES,
            };
            let is_old = at.signed_duration_since(entry.at) >= lives;
            if is_old {
                tracing::warn!(channel = channel.name(), tries, "an alert is given up");
            }
            !is_old
        });
        tries
    }

    /// Whether nothing is on its way, and everything that waits was tried.
    pub fn is_tried(&self) -> bool {
        self.sending.is_empty() && self.entries.iter().all(|entry| entry.tries > 0)
    }

    /// Whether a letter was tried in vain more than a few times.
    pub fn is_stuck(&self, channel: Channel) -> bool {
        self.entries.iter().any(|entry| entry.channel == channel && entry.tries >= FAILURES_TOLD)
    }
}

fn pause(tries: u32) -> Duration {
    let at = usize::try_from(tries).unwrap_or(usize::MAX).saturating_sub(1).min(PAUSES_SECS.len() - 1);
    Duration::from_secs(PAUSES_SECS[at])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{notice, shop};
    use super::*;
    use crate::agent::history::tests::at;
    use crate::config::{HeartbeatConfig, Secret, WebhookConfig};
    use crate::words::Language;
    use uuid::Uuid;

    fn config() -> AlertConfig {
        AlertConfig {
            webhook: Some(WebhookConfig { url: Secret::new("http://x") }),
            heartbeat: Some(HeartbeatConfig { url: Secret::new("http://y") }),
            ..AlertConfig::default()
        }
    }

    fn letter() -> Letter {
        Letter::of_notice(&notice(), &shop(), Language::Portuguese)
    }

    fn numbers(due: &[Entry]) -> Vec<u64> {
        due.iter().map(|entry| entry.number).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_way_sends_one_at_a_time_in_order() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!(queue.add(&letter(), &config(), at(9), now));
        assert!(queue.add(&letter(), &config(), at(9), now));
        assert!(queue.add(&Letter::start(Uuid::nil()), &config(), at(9), now));
        assert_eq!(numbers(&queue.take_due(now)), [1, 3]);
        assert!(queue.take_due(now).is_empty(), "both are on their way");
        queue.sent(1, Channel::Webhook);
        assert_eq!(numbers(&queue.take_due(now)), [2]);
        queue.sent(2, Channel::Webhook);
        queue.sent(3, Channel::Heartbeat);
        assert_eq!((queue.rows().len(), queue.next_due()), (0, None));
        assert!(!queue.add(&letter(), &AlertConfig::default(), at(9), now), "nobody is told");
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_after_growing_pauses_and_holds_up_no_other() {
        let (mut queue, mut now) = (Queue::default(), Instant::now());
        queue.add(&letter(), &config(), at(9), now);
        let mut pauses = Vec::new();
        for tries in 1..=9 {
            assert_eq!(numbers(&queue.take_due(now)), [1]);
            assert_eq!(queue.failed(1, Channel::Webhook, at(9), now), tries);
            let next = queue.next_due().unwrap();
            pauses.push((next - now).as_secs());
            assert!(queue.take_due(now).is_empty());
            now = next;
        }
        assert_eq!(pauses, [5, 15, 60, 300, 900, 1800, 3600, 3600, 3600]);
        assert!(queue.is_stuck(Channel::Webhook) && queue.is_tried());
        queue.failed(1, Channel::Webhook, at(9), now);
        queue.add(&letter(), &config(), at(9), now);
        assert_eq!(numbers(&queue.take_due(now)), [2]);
        assert!(!queue.is_tried());
    }

    #[tokio::test(start_paused = true)]
    async fn another_configuration_gives_up_what_has_no_way_and_tries_the_rest_at_once() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&letter(), &config(), at(9), now);
        queue.add(&Letter::start(Uuid::nil()), &config(), at(9), now);
        queue.take_due(now);
        for _ in 0..FAILURES_TOLD {
            queue.failed(1, Channel::Webhook, at(9), now);
            queue.failed(2, Channel::Heartbeat, at(9), now);
        }
        assert!(queue.take_due(now).is_empty());
        assert!(!queue.configure(&config(), now), "both ways are there");
        assert_eq!(numbers(&queue.take_due(now)), [1, 2]);
        let only_beats = AlertConfig { webhook: None, ..config() };
        assert!(queue.configure(&only_beats, now));
        assert!(!queue.is_stuck(Channel::Webhook), "nobody waits for it any more");
        assert!(queue.is_stuck(Channel::Heartbeat));
        queue.failed(1, Channel::Webhook, at(9), now);
        assert_eq!(queue.rows().iter().map(|row| row.number).collect::<Vec<_>>(), [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded_and_not_tried_for_ever() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for _ in 0..MOST_WAITING + 20 {
            queue.add(&letter(), &config(), at(0), now);
        }
        assert_eq!(queue.rows().len(), MOST_WAITING);
        assert_eq!(queue.rows()[0].number, 21);
        queue.take_due(now);
        queue.failed(21, Channel::Webhook, at(71), now);
        assert_eq!(queue.rows().len(), MOST_WAITING);
        queue.failed(21, Channel::Webhook, at(72), now);
        assert_eq!(queue.rows().len(), MOST_WAITING - 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_sign_of_life_gives_way_to_a_newer_one() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&Letter::start(Uuid::from_u128(1)), &config(), at(9), now);
        queue.add(&Letter::start(Uuid::from_u128(2)), &config(), at(9), now);
        assert_eq!(queue.rows().len(), 2, "neither was tried");
        queue.take_due(now);
        queue.failed(1, Channel::Heartbeat, at(9), now);
        let end = Letter::Beat { signal: Signal::Success, run: None, body: String::new() };
        queue.add(&end, &config(), at(9), now);
        assert_eq!(queue.rows().iter().map(|row| row.number).collect::<Vec<_>>(), [2, 3]);
        queue.take_due(now);
        queue.failed(2, Channel::Heartbeat, at(10), now);
        assert_eq!(queue.rows().len(), 1, "an hour late it would tell something wrong");
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_is_read_back_as_it_was() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&letter(), &config(), at(9), now);
        queue.take_due(now);
        queue.failed(1, Channel::Webhook, at(9), now);
        let mut rows = queue.rows();
        rows.push(QueuedAlert { number: 2, message: "nonsense".to_owned(), ..rows[0].clone() });
        rows.push(QueuedAlert { number: 3, channel: "pigeon".to_owned(), ..rows[0].clone() });
        let mut again = Queue::of(rows, now);
        assert_eq!(again.rows(), queue.rows());
        assert_eq!(numbers(&again.take_due(now)), [1], "a restart tries at once");
    }
}
