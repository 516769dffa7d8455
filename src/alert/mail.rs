//! Letters by e-mail. There is no mail without TLS.

use super::channel::Channel;
use super::letter::Letter;
use super::{problems, redact};
use crate::config::{EmailConfig, MailSecurity, Secret};
use crate::platform;
use crate::problem::{Problem, Result};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, SmtpTransport};
use lettre::{Address, Transport};
use std::time::Duration;
use uuid::Uuid;

/// Each answer of the server comes within this time.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Sends a notice.
///
/// # Errors
/// The server is not reached, its certificate is not good, or it refuses.
pub fn send(letter: &Letter, email: &EmailConfig) -> Result<()> {
    let Letter::Notice { subject, text, .. } = letter else { return Ok(()) };
    let message = message(subject, text, email)?;
    let transport = transport(email).map_err(|error| unsent(&error, email))?;
    transport.send(&message).map(drop).map_err(|error| unsent(&error, email))
}

fn message(subject: &str, text: &str, email: &EmailConfig) -> Result<Message> {
    let domain = email.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let id = Uuid::new_v4();
    // Whoever is on holiday need not tell a machine so (RFC 3834).
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut builder = Message::builder()
        .from(mailbox(&email.from)?)
        .subject(subject)
        .message_id(Some(format!("<{id}@{domain}>")))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .header(ContentType::TEXT_PLAIN);
    for address in &email.to {
        builder = builder.to(mailbox(address)?);
    }
    builder.body(text.to_owned()).map_err(Problem::internal)
}

fn mailbox(address: &str) -> Result<Mailbox> {
    let parsed: Result<Address, _> = address.parse();
    let address = parsed.map_err(|error| {
        tracing::debug!(%error, "an address of a mail cannot be read");
        let (pt, en) = ("um endereço de e-mail não é válido", "an e-mail address is not valid");
        problems::failed(Channel::Email, pt, en)
    })?;
    Ok(Mailbox::new(None, address))
}

fn transport(email: &EmailConfig) -> Result<SmtpTransport, Error> {
    let tls = TlsParameters::new(email.host.clone())?;
    let tls = match email.security {
        MailSecurity::StartTls => Tls::Required(tls),
        MailSecurity::Tls => Tls::Wrapper(tls),
    };
    let mut builder = SmtpTransport::builder_dangerous(&email.host)
        .port(email.port)
        .tls(tls)
        .hello_name(ClientId::Domain(platform::host_name()))
        .timeout(Some(ANSWER_WITHIN));
    if let Some((user, password)) = &email.login {
        builder = builder
            .credentials(Credentials::new(user.clone(), password.expose().to_owned()))
            .authentication(vec![Mechanism::Plain, Mechanism::Login]);
    }
    Ok(builder.build())
}

fn unsent(error: &Error, email: &EmailConfig) -> Problem {
    if error.is_timeout() {
        let within = ANSWER_WITHIN.as_secs();
        let pt = format!("o servidor não respondeu em {within} segundos");
        let en = format!("the server did not answer within {within} seconds");
        return problems::failed(Channel::Email, &pt, &en);
    }
    let secrets: Vec<&Secret> = email.login.iter().map(|(_, password)| password).collect();
    let words = redact::quoted(&error.to_string(), secrets);
    problems::failed(Channel::Email, &words, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_says_from_whom_to_whom_and_that_a_machine_wrote_it() {
        let email = EmailConfig {
            host: "smtp.example".to_owned(),
            port: 587,
            security: MailSecurity::StartTls,
            login: None,
            from: "loja@example.com".to_owned(),
            to: vec!["a@example.com".to_owned(), "b@example.com".to_owned()],
        };
        let message = message("DMBackup: não realizado", "Linha um.\nLinha dois.", &email).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        assert!(text.contains("From: loja@example.com\r\n"), "{text}");
        assert!(text.contains("To: a@example.com, b@example.com\r\n"), "{text}");
        assert!(
            text.contains("Auto-Submitted: auto-generated\r\n") && text.contains("@example.com>\r\n"),
            "{text}"
        );
        assert!(text.contains("Linha um.\r\nLinha dois."), "{text}");
        assert_eq!(message.envelope().to().len(), 2);
    }
}
