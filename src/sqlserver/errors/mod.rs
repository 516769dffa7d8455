//! What goes wrong between us and SQL Server: a [`Failure`] says how, a [`Subject`] says on what, and together they make
//! the [`Problem`] that a person reads. The texts live in the files beside.

mod database;
mod device;
mod file;
mod login;
mod server;
mod transport;

pub(super) use database::{
    damage_hint, database_missing, database_offline, database_recovering, database_restoring,
    database_suspect,
};

use super::statements::Unquotable;
use crate::problem::Problem;
use std::fmt;
use std::io;
use std::time::Duration;

/// An error that the server itself reported. Of several only the first reaches us, which is the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// Its number, as in `sys.messages`.
    pub number: u32,
    /// Its state: which place in the server raised it.
    pub state: u8,
    /// Its class (severity): 11 to 16 are mistakes of the caller, from 20 on the session is over.
    pub class: u8,
    /// Its text, in the language of the login.
    pub message: String,
}

impl From<&tiberius::error::TokenError> for ServerError {
    fn from(token: &tiberius::error::TokenError) -> Self {
        Self {
            number: token.code(),
            state: token.state(),
            class: token.class(),
            message: token.message().to_owned(),
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (class {}, state {}): {}", self.number, self.class, self.state, self.message)
    }
}

/// How a secure connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFailure {
    /// No common version or cipher, or the server hung up in the handshake, as servers before their TLS 1.2 update do.
    NoCommonVersion,
    /// The server's certificate is not trusted.
    Certificate,
    /// One side demands encryption and the other one does not have it.
    LevelRefused,
}

/// What went wrong, before it is known on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server answered with an error.
    Server(ServerError),
    /// The name of the machine is not known.
    UnknownHost,
    /// The machine answers, but nobody listens there.
    Refused,
    /// The machine did not answer within this time.
    Unreachable(Duration),
    /// SQL Server Browser did not tell the port of the instance.
    NoBrowser,
    /// The secure connection failed; with the library's own words.
    Tls(TlsFailure, String),
    /// The server took the connection, but did not finish the login within this time.
    LoginStalled(Duration),
    /// The connection broke in mid-request; with the library's own words.
    Lost(String),
    /// The server gave no sign of life within this time.
    Stalled(Duration),
    /// The server said something that we do not understand; with the library's own words.
    Garbled(String),
    /// This system has no Windows login to offer.
    NoIntegratedLogin,
    /// A configured name cannot stand in a statement.
    Unquotable(Unquotable),
}

impl From<Unquotable> for Failure {
    fn from(cause: Unquotable) -> Self {
        Self::Unquotable(cause)
    }
}

/// The part of a connection's life in which an error of the library arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Handshake and login.
    Login,
    /// After it.
    Work,
}

impl Failure {
    /// What an error of the library means at this stage.
    pub fn of(error: &tiberius::error::Error, stage: Stage) -> Self {
        use tiberius::error::Error;
        match error {
            Error::Server(token) => Self::Server(token.into()),
            Error::Tls(text) => Self::Tls(tls_failure(text), text.clone()),
            Error::Io { kind, message } => match stage {
                Stage::Login => login_failure(*kind, message),
                Stage::Work => Self::Lost(message.clone()),
            },
            Error::Protocol(text) if text.contains("encryption level") => {
                Self::Tls(TlsFailure::LevelRefused, text.to_string())
            }
            // The library's words for a connection that ended between two packets or was left in mid-answer.
            Error::Protocol(text) if text.contains("DONE token") || text.contains("connection was left") => {
                Self::Lost(text.to_string())
            }
            Error::Protocol(_)
            | Error::Encoding(_)
            | Error::Conversion(_)
            | Error::Utf8
            | Error::Utf16
            | Error::ParseInt(_)
            | Error::Routing { .. }
            | Error::BulkInput(_) => Self::Garbled(error.to_string()),
        }
    }

    /// What an error in opening a connection means, of which nothing was heard for `waited`.
    pub fn of_opening(error: &io::Error, waited: Duration) -> Self {
        const NOBODY_THERE: [io::ErrorKind; 4] = [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::ConnectionAborted,
            // A pipe that does not exist.
            io::ErrorKind::NotFound,
        ];
        if NOBODY_THERE.contains(&error.kind()) { Self::Refused } else { Self::Unreachable(waited) }
    }

    /// The number of the server's error, where it is one.
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Server(error) => Some(error.number),
            Self::UnknownHost
            | Self::Refused
            | Self::Unreachable(_)
            | Self::NoBrowser
            | Self::Tls(..)
            | Self::LoginStalled(_)
            | Self::Lost(_)
            | Self::Stalled(_)
            | Self::Garbled(_)
            | Self::NoIntegratedLogin
            | Self::Unquotable(_) => None,
        }
    }

    /// Whether the connection on which it arose may still serve: only after an error that the server reported and that
    /// did not end the session.
    pub fn leaves_connection_usable(&self) -> bool {
        const ENDS_SESSION: u8 = 20;
        matches!(self, Self::Server(error) if error.class < ENDS_SESSION)
            || matches!(self, Self::Unquotable(_))
    }

    /// The problem that a person reads. The cause goes to the log.
    pub fn problem(&self, subject: &Subject) -> Problem {
        let problem = match self {
            Self::Server(error) => server::problem(error, subject),
            Self::UnknownHost
            | Self::Refused
            | Self::Unreachable(_)
            | Self::NoBrowser
            | Self::Tls(..)
            | Self::LoginStalled(_)
            | Self::Lost(_)
            | Self::Stalled(_)
            | Self::Garbled(_)
            | Self::NoIntegratedLogin
            | Self::Unquotable(_) => transport::problem(self, subject),
        };
        tracing::warn!(code = %problem.code, server = %subject.server, cause = %self, "SQL Server");
        problem
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(error) => write!(f, "error {error}"),
            Self::UnknownHost => f.write_str("the name of the host is not known"),
            Self::Refused => f.write_str("the connection was refused"),
            Self::Unreachable(waited) => write!(f, "no connection within {waited:?}"),
            Self::NoBrowser => f.write_str("SQL Server Browser did not tell the port"),
            Self::Tls(how, text) => write!(f, "TLS: {how:?}: {text}"),
            Self::LoginStalled(waited) => write!(f, "the login was not finished within {waited:?}"),
            Self::Lost(text) => write!(f, "the connection broke: {text}"),
            Self::Stalled(waited) => write!(f, "no sign of life within {waited:?}"),
            Self::Garbled(text) => write!(f, "not understood: {text}"),
            Self::NoIntegratedLogin => f.write_str("no integrated login on this system"),
            Self::Unquotable(cause) => write!(f, "a name cannot be quoted: {cause}"),
        }
    }
}

fn tls_failure(text: &str) -> TlsFailure {
    let lower = text.to_ascii_lowercase();
    if ["certifica", "self-signed", "self signed", "unknownissuer", "trust"]
        .iter()
        .any(|word| lower.contains(word))
        || windows_code(text).is_some_and(is_about_a_certificate)
    {
        TlsFailure::Certificate
    } else {
        TlsFailure::NoCommonVersion
    }
}

/// The number in an error of Windows, whose words come in the system's language, or not at all.
fn windows_code(text: &str) -> Option<u32> {
    let (_, code) = text.rsplit_once("(os error ")?;
    Some(code.split(')').next()?.parse::<i32>().ok()?.cast_unsigned())
}

/// Those of the facility for certificates (`0x800B….`, as `CERT_E_UNTRUSTEDROOT`), and `SEC_E_WRONG_PRINCIPAL`,
/// `SEC_E_UNTRUSTED_ROOT`, `SEC_E_CERT_UNKNOWN`, `SEC_E_CERT_EXPIRED` (winerror.h).
const fn is_about_a_certificate(code: u32) -> bool {
    matches!(code, 0x800B_0000..=0x800B_FFFF | 0x8009_0322 | 0x8009_0325 | 0x8009_0327 | 0x8009_0328)
}

/// The library reports most failures of the handshake as I/O errors: alerts and bad records as invalid data, an empty
/// store of roots as not found, and an old server that hangs up as the end of the stream.
fn login_failure(kind: io::ErrorKind, message: &str) -> Failure {
    let lower = message.to_ascii_lowercase();
    if kind == io::ErrorKind::NotFound && lower.contains("certificate") {
        Failure::Tls(TlsFailure::Certificate, message.to_owned())
    } else if kind == io::ErrorKind::InvalidData || lower.contains("handshake") {
        Failure::Tls(tls_failure(message), message.to_owned())
    } else {
        Failure::Lost(message.to_owned())
    }
}

/// What an operation was about: the names that the sentences need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The server as shown to people, without secrets.
    pub server: String,
    /// The name of the service, as the system's service manager has it.
    pub service: String,
    /// The login as shown to people: the SQL login's name, or the Windows account.
    pub login: String,
    /// The database, where one is concerned.
    pub database: Option<String>,
    /// The dump file as the server sees it, where one is concerned.
    pub device: Option<String>,
    /// The account that the service runs under, where the server told it.
    pub service_account: Option<String>,
}

impl Subject {
    /// The same about a database.
    pub fn on_database(mut self, name: &str) -> Self {
        self.database = Some(name.to_owned());
        self
    }

    /// The same about a dump file.
    pub fn on_device(mut self, path: &str) -> Self {
        self.device = Some(path.to_owned());
        self
    }

    /// The same with the account of the service, where it is known.
    pub fn served_by(mut self, account: Option<String>) -> Self {
        self.service_account = account;
        self
    }

    fn database_shown(&self) -> &str {
        self.database.as_deref().unwrap_or("?")
    }

    fn device_shown(&self) -> &str {
        self.device.as_deref().unwrap_or("?")
    }
}

#[cfg(test)]
mod tests;
