//! Letters to web servers: a webhook, Telegram's bots, the heartbeat. Each has a client of its own, for as long as it is sent.

use super::channel::Channel;
use super::letter::{Letter, Signal};
use super::{problems, redact};
use crate::config::{HeartbeatConfig, Secret, TelegramConfig, WebhookConfig};
use crate::platform;
use crate::problem::{Problem, Result};
use serde_json::json;
use std::time::Duration;
use ureq::Agent;

/// From the beginning of a request to its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Until a server is reached.
const REACH_WITHIN: Duration = Duration::from_secs(15);
/// The longest text that Telegram takes is 4096 characters.
const LONGEST_TELEGRAM: usize = 4_000;
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Sends a notice to a webhook, as JSON.
///
/// # Errors
/// It did not answer, or not well.
pub fn post(letter: &Letter, webhook: &WebhookConfig) -> Result<()> {
    let Letter::Notice { subject, text, topic, severity, at, shop } = letter else { return Ok(()) };
    let (program, version) = ("DMBackup", env!("CARGO_PKG_VERSION"));
    let body = json!({
        "program": program, "version": version, "topic": topic, "severity": severity, "at": at, "subject": subject,
        "text": text, "shop": shop,
    });
    request(Channel::Webhook, webhook.url.expose(), JSON, body.to_string(), &webhook.url)
}

/// Sends a notice to a chat of Telegram.
///
/// # Errors
/// As [`post`].
pub fn telegram(letter: &Letter, telegram: &TelegramConfig) -> Result<()> {
    let Letter::Notice { subject, text, .. } = letter else { return Ok(()) };
    let text: String = format!("{subject}\n\n{text}").chars().take(LONGEST_TELEGRAM).collect();
    let (base, token) = (&telegram.base_url, telegram.token.expose());
    let body = json!({ "chat_id": telegram.chat, "text": text, "disable_web_page_preview": true });
    let url = Secret::new(format!("{base}/bot{token}/sendMessage"));
    request(Channel::Telegram, url.expose(), JSON, body.to_string(), &telegram.token)
}

/// Sends a sign of life.
///
/// # Errors
/// As [`post`].
pub fn beat(letter: &Letter, heartbeat: &HeartbeatConfig) -> Result<()> {
    let Letter::Beat { signal, body, .. } = letter else { return Ok(()) };
    let url = Secret::new(address_of(*signal, heartbeat.url.expose()));
    request(Channel::Heartbeat, url.expose(), PLAIN, body.clone(), &heartbeat.url)
}

/// The signal stands behind the path, before what may follow a question mark.
fn address_of(signal: Signal, url: &str) -> String {
    let behind = match signal {
        Signal::Success => return url.to_owned(),
        Signal::Start => "start",
        Signal::Fail => "fail",
        Signal::Log => "log",
    };
    let (path, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    format!("{}/{behind}{query}", path.trim_end_matches('/'))
}

fn request(channel: Channel, url: &str, kind: &str, body: String, secret: &Secret) -> Result<()> {
    let config = Agent::config_builder()
        .tls_config(platform::web_tls())
        .timeout_global(Some(ANSWER_WITHIN))
        .timeout_connect(Some(REACH_WITHIN))
        .http_status_as_error(false)
        // Whoever is sent elsewhere is told so: a secret does not follow.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("DMBackup/", env!("CARGO_PKG_VERSION")))
        .build();
    let answer = Agent::new_with_config(config).post(url).content_type(kind).send(body);
    match answer.map(|answer| answer.status().as_u16()) {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(problems::refused(channel, status)),
        Err(error) => Err(unanswered(channel, &error, secret)),
    }
}

fn unanswered(channel: Channel, error: &ureq::Error, secret: &Secret) -> Problem {
    if matches!(error, ureq::Error::Timeout(_)) {
        let within = ANSWER_WITHIN.as_secs();
        let (pt, en) = (
            format!("o servidor não respondeu em {within} segundos"),
            format!("the server did not answer within {within} seconds"),
        );
        return problems::failed(channel, &pt, &en);
    }
    if matches!(error, ureq::Error::HostNotFound) {
        let (pt, en) = ("o endereço do servidor não foi encontrado", "the server's address was not found");
        return problems::failed(channel, pt, en);
    }
    if matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_)) {
        let (pt, en) = ("o endereço configurado não é válido", "the configured address is not valid");
        return problems::failed(channel, pt, en);
    }
    let words = redact::quoted(&error.to_string(), [secret]);
    problems::failed(channel, &words, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_stands_behind_the_path() {
        let url = "https://hc-ping.com/abc";
        assert_eq!(address_of(Signal::Success, url), url);
        assert_eq!(address_of(Signal::Start, url), "https://hc-ping.com/abc/start");
        assert_eq!(address_of(Signal::Fail, "http://x/abc/?a=b"), "http://x/abc/fail?a=b");
        assert_eq!(address_of(Signal::Log, "http://x"), "http://x/log");
    }

    #[test]
    fn an_error_that_repeats_the_address_tells_no_secret() {
        let url = Secret::new("https://hooks.example/T0/B1/tok3n");
        let bad = ureq::Error::BadUri(url.expose().to_owned());
        let other = ureq::Error::RequireHttpsOnly(url.expose().to_owned());
        for error in [bad, other] {
            let problem = unanswered(Channel::Webhook, &error, &url);
            assert!(!format!("{problem:?}").contains("tok3n"), "{problem:?}");
        }
    }
}
