//! Who is told when something is wrong: e-mail, a webhook, Telegram, a heartbeat. What nobody configured is off.

use super::keys::Key;
use super::reference::{self, Reference};
use super::validate::Check;
use super::{Secret, secret};

/// The longest address of a web server that is taken, in bytes.
const LONGEST_URL: usize = 2048;

/// The most people who get an e-mail.
const MOST_ADDRESSES: usize = 20;

/// The ways out of the shop for alerts; each is there only where it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertConfig {
    /// By e-mail.
    pub email: Option<EmailConfig>,
    /// As JSON to a web server.
    pub webhook: Option<WebhookConfig>,
    /// To a chat of Telegram.
    pub telegram: Option<TelegramConfig>,
    /// A sign of life with each backup, whose absence somebody else notices.
    pub heartbeat: Option<HeartbeatConfig>,
}

/// A mail server and who gets the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailConfig {
    /// The server's name, which its certificate must carry.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: MailSecurity,
    /// User and password; `None` for a server that asks for none.
    pub login: Option<(String, Secret)>,
    /// The sender's address.
    pub from: String,
    /// Who gets it; never empty.
    pub to: Vec<String>,
}

/// How the connection to a mail server is encrypted. There is none without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// It begins in clear and changes over before anything is said (port 587).
    StartTls,
    /// From the first byte on (port 465).
    Tls,
}

/// A web server that takes alerts as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Its address: a secret, since whoever knows it may write there as a rule.
    pub url: Secret,
}

/// A bot of Telegram and the chat that it writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelegramConfig {
    /// Where the bot interface is.
    pub base_url: String,
    /// The bot's token.
    pub token: Secret,
    /// The chat's number, or `@name` of a channel.
    pub chat: String,
}

/// A service in healthchecks' manner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatConfig {
    /// Its address; `/start` and `/fail` come behind it.
    pub url: Secret,
}

impl AlertConfig {
    /// Every secret in it.
    pub fn secrets(&self) -> Vec<&Secret> {
        let mail = self.email.iter().filter_map(|email| email.login.as_ref()).map(|(_, password)| password);
        let webhook = self.webhook.iter().map(|webhook| &webhook.url);
        let telegram = self.telegram.iter().map(|telegram| &telegram.token);
        let heartbeat = self.heartbeat.iter().map(|heartbeat| &heartbeat.url);
        mail.chain(webhook).chain(telegram).chain(heartbeat).collect()
    }

    /// Whether nobody is told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is configured; what is wrong with it is told.
pub(super) fn alert(check: &mut Check<'_>) -> AlertConfig {
    AlertConfig {
        email: email(check),
        webhook: url(check, &reference::WEBHOOK_URL).map(|url| WebhookConfig { url }),
        telegram: telegram(check),
        heartbeat: url(check, &reference::HEARTBEAT_URL).map(|url| HeartbeatConfig { url }),
    }
}

fn email(check: &mut Check<'_>) -> Option<EmailConfig> {
    let texts = [Key::MailHost, Key::MailUser, Key::MailPassword, Key::MailPasswordFile, Key::MailFrom];
    let to: Vec<String> =
        check.merged.list(Key::MailTo).iter().map(|address| address.trim().to_owned()).collect();
    if to.is_empty() && texts.into_iter().all(|key| check.text(key).is_none()) {
        return None;
    }
    let host = check.text(Key::MailHost).map(str::to_owned);
    match &host {
        None => check.missing(
            Key::MailHost,
            crate::words!(
                "o servidor de e-mail, por exemplo \"smtp.gmail.com\"",
                "the mail server, such as \"smtp.gmail.com\""
            ),
        ),
        Some(host) if !is_host(host) => {
            let expected =
                crate::words!("o nome de uma máquina, sem porta", "a machine's name, without a port");
            check.refuse(Key::MailHost, host, expected);
        }
        Some(_) => {}
    }
    addresses(check, &to);
    let user = check.text(Key::MailUser).map(str::to_owned);
    let login = match &user {
        Some(user) => {
            reference::read(check, &reference::MAIL_PASSWORD).map(|password| (user.clone(), password))
        }
        None => {
            if reference::MAIL_PASSWORD.is_written(check) {
                let expected = crate::words!(
                    "o usuário do servidor de e-mail, ou nenhuma senha",
                    "the user at the mail server, or no password"
                );
                check.missing(Key::MailUser, expected);
            }
            None
        }
    };
    let from = from(check, user.as_deref(), &to);
    let security = match check.merged.text(Key::MailSecurity) {
        Some("tls") => MailSecurity::Tls,
        Some(_) | None => MailSecurity::StartTls,
    };
    let usual = if security == MailSecurity::Tls { 465 } else { 587 };
    let port = check.merged.integer(Key::MailPort).and_then(|port| u16::try_from(port).ok()).unwrap_or(usual);
    Some(EmailConfig { host: host?, port, security, login, from: from?, to })
}

fn addresses(check: &mut Check<'_>, to: &[String]) {
    if to.is_empty() {
        let expected = crate::words!(
            "quem recebe os avisos, como [\"dono@loja.com.br\"]",
            "who gets the alerts, such as [\"owner@shop.com\"]"
        );
        check.missing(Key::MailTo, expected);
    } else if to.len() > MOST_ADDRESSES {
        let (found, expected) = (
            to.len().to_string(),
            crate::words!("no máximo {MOST_ADDRESSES} endereços", "at most {MOST_ADDRESSES} addresses"),
        );
        check.refuse(Key::MailTo, &found, expected);
    }
    if let Some(wrong) = to.iter().find(|address| !is_address(address)) {
        check.refuse(Key::MailTo, wrong, crate::words!("endereços de e-mail", "e-mail addresses"));
    }
}

/// The sender: as written, else the user at the server where that is an address, else who gets the mail.
fn from(check: &mut Check<'_>, user: Option<&str>, to: &[String]) -> Option<String> {
    let Some(written) = check.text(Key::MailFrom).map(str::to_owned) else {
        let user = user.filter(|user| is_address(user));
        return user.or(to.first().map(String::as_str)).map(str::to_owned);
    };
    if is_address(&written) {
        return Some(written);
    }
    check.refuse(Key::MailFrom, &written, crate::words!("um endereço de e-mail", "an e-mail address"));
    None
}

fn telegram(check: &mut Check<'_>) -> Option<TelegramConfig> {
    let chat = check.text(Key::TelegramChat).map(str::to_owned);
    if chat.is_none() && !reference::TELEGRAM_TOKEN.is_written(check) {
        return None;
    }
    if chat.is_none() {
        let expected = crate::words!(
            "o número da conversa, ou \"@nome\" de um canal",
            "the chat's number, or \"@name\" of a channel"
        );
        check.missing(Key::TelegramChat, expected);
    }
    let token = reference::read(check, &reference::TELEGRAM_TOKEN);
    if let Some(token) = &token
        && !token.expose().chars().all(|c| c.is_ascii_alphanumeric() || ":_-".contains(c))
    {
        let expected = crate::words!(
            "o token como o BotFather o dá: números, «:» e letras",
            "the token as BotFather gives it: digits, «:» and letters"
        );
        check.refuse(Key::TelegramToken, secret::HIDDEN, expected);
    }
    let base_url = check.text(Key::TelegramBaseUrl).unwrap_or_default().trim_end_matches('/').to_owned();
    if !is_url(&base_url) {
        check.refuse(Key::TelegramBaseUrl, &base_url, an_address());
    }
    Some(TelegramConfig { base_url, token: token?, chat: chat? })
}

fn url(check: &mut Check<'_>, reference: &Reference) -> Option<Secret> {
    if !reference.is_written(check) {
        return None;
    }
    let secret = reference::read(check, reference)?;
    let url = Secret::new(secret.expose().trim());
    if !is_url(url.expose()) {
        check.refuse(reference.variable, secret::HIDDEN, an_address());
        return None;
    }
    Some(url)
}

fn an_address() -> crate::words::Words {
    crate::words!(
        "um endereço que comece com https:// (ou http://, na própria rede)",
        "an address that begins with https:// (or http://, within the own network)"
    )
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    !host.is_empty() && text.len() <= LONGEST_URL && text.chars().all(|c| c.is_ascii_graphic())
}

fn is_host(text: &str) -> bool {
    text.len() <= 255 && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    text.len() <= 254
        && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && is_host(host))
        && text.chars().all(|c| c.is_ascii_graphic() && !"<>,;\"()".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_people_and_of_servers_are_told_from_other_texts() {
        for good in ["dono@loja.com.br", "a.b+c@localhost", "x@127.0.0.1"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "dono", "@loja", "dono@", "a b@loja", "a@b@c", "<a@b>", "a@b,c@d", "a@b\r\nX: y"] {
            assert!(!is_address(bad), "{bad:?}");
        }
        for good in ["https://hc-ping.com/abc", "http://127.0.0.1:8000", "https://x?y=z"] {
            assert!(is_url(good), "{good}");
        }
        for bad in ["", "hc-ping.com/abc", "ftp://x/y", "https://", "https:///x", "https://a b", "http://é"]
        {
            assert!(!is_url(bad), "{bad:?}");
        }
    }
}
