//! The ways, by name, and how one letter goes by one of them.

use super::letter::Letter;
use super::{mail, problems, web};
use crate::config::AlertConfig;
use crate::problem::{Problem, Result};
use crate::words;
use crate::words::Words;
use serde::{Deserialize, Serialize};

/// A way out of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By e-mail.
    Email,
    /// As JSON to a web server.
    Webhook,
    /// To a chat of Telegram.
    Telegram,
    /// A sign of life in healthchecks' manner.
    Heartbeat,
}

impl Channel {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Email, Self::Webhook, Self::Telegram, Self::Heartbeat];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Telegram => "telegram",
            Self::Heartbeat => "heartbeat",
        }
    }

    /// The way with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// What people call it.
    pub fn title(self) -> Words {
        match self {
            Self::Email => words!("e-mail", "e-mail"),
            Self::Webhook => words!("webhook", "webhook"),
            Self::Telegram => words!("Telegram", "Telegram"),
            Self::Heartbeat => words!("sinal de vida", "heartbeat"),
        }
    }

    /// Whether it is configured.
    pub fn is_on(self, config: &AlertConfig) -> bool {
        match self {
            Self::Email => config.email.is_some(),
            Self::Webhook => config.webhook.is_some(),
            Self::Telegram => config.telegram.is_some(),
            Self::Heartbeat => config.heartbeat.is_some(),
        }
    }

    /// Whether a letter is for it: signs of life are for the heartbeat, and nothing else is but a trial.
    pub fn takes(self, letter: &Letter) -> bool {
        match letter {
            Letter::Beat { .. } => self == Self::Heartbeat,
            Letter::Notice { .. } => self != Self::Heartbeat,
        }
    }

    /// Sends `letter`. Blocks until it is sent or not: with a bound on each answer that it waits for.
    ///
    /// # Errors
    /// Why it is not sent, without any secret.
    pub fn send(self, letter: &Letter, config: &AlertConfig) -> Result<()> {
        let off = || Err(problems::not_configured(self));
        match self {
            Self::Email => config.email.as_ref().map_or_else(off, |email| mail::send(letter, email)),
            Self::Webhook => config.webhook.as_ref().map_or_else(off, |webhook| web::post(letter, webhook)),
            Self::Telegram => {
                config.telegram.as_ref().map_or_else(off, |telegram| web::telegram(letter, telegram))
            }
            Self::Heartbeat => {
                config.heartbeat.as_ref().map_or_else(off, |heartbeat| web::beat(letter, heartbeat))
            }
        }
    }
}

/// Sends `letter` by `channel` in a thread that may wait.
///
/// # Errors
/// As [`Channel::send`].
pub async fn send(channel: Channel, letter: Letter, config: AlertConfig) -> Result<()> {
    let sent = tokio::task::spawn_blocking(move || channel.send(&letter, &config)).await;
    sent.unwrap_or_else(|cause| Err(Problem::internal(cause)))
}
