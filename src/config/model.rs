//! The validated configuration: every value that the domain sees has passed its check.

use super::{AlertConfig, ArchiveName, Cnpj, HeadOffice, Secret, UpdateConfig};
use crate::schedule::Schedule;
use crate::words::Language;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that the agent is told by its configuration file.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The language of the shop's people, where a client does not ask for its own.
    pub language: Language,
    /// Whose backups these are (DM13).
    pub shop: Shop,
    /// How SQL Server is reached.
    pub server: ServerConfig,
    /// The databases, in the order of their backup. Exactly one in this version.
    pub databases: Vec<DatabaseName>,
    /// The name of the dump and the zip, without their endings.
    pub archive_name: ArchiveName,
    /// Where the backups are made and how they are treated.
    pub backup: BackupConfig,
    /// Where they are copied to.
    pub terminal: Terminal,
    /// When they are due.
    pub schedule: Schedule,
    /// How long after a person closed it the program starts again by itself; `None` for never.
    pub reopen_after: Option<Duration>,
    /// Who is told when something is wrong.
    pub alert: AlertConfig,
    /// Where this store's address is told to; `None` where the store belongs to no chain.
    pub head_office: Option<HeadOffice>,
    /// How newer versions are looked for.
    pub update: UpdateConfig,
}

impl Config {
    /// The database that is backed up: the first of [`Config::databases`], of which a validated configuration has one.
    pub fn database(&self) -> Option<&DatabaseName> {
        self.databases.first()
    }

    /// Every secret in it, for whoever must keep them out of what is shown.
    pub fn secrets(&self) -> Vec<&Secret> {
        let head_office = self.head_office.iter().map(|office| &office.server);
        let logins = std::iter::once(&self.server).chain(head_office).map(|server| &server.login);
        logins.filter_map(Login::secret).chain(self.alert.secrets()).collect()
    }
}

/// The shop, as it is named in manifests and on screens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// Razão social. Never empty.
    pub legal_name: String,
    /// Nome fantasia; the legal name where none is given.
    pub trade_name: String,
    /// CNPJ, where given.
    pub cnpj: Option<Cnpj>,
    /// Which store of the chain: a short name or number. Never empty; part of the identity of a backup folder.
    pub store: String,
}

/// How SQL Server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Name or address of the machine; `.`, `(local)` and `localhost` are this one.
    pub host: String,
    /// Name of the instance; `None` for the default one, or where the port says it.
    pub instance: Option<String>,
    /// TCP port; `None` for 1433, or what SQL Browser answers for a named instance.
    pub port: Option<u16>,
    /// What travels encrypted.
    pub encrypt: Encrypt,
    /// Whether a certificate that nobody vouches for is good enough.
    pub trust_server_certificate: bool,
    /// Who we are to SQL Server.
    pub login: Login,
    /// The service to look after on this machine; `None` where SQL Server runs elsewhere or is not to be looked after.
    pub service: Option<String>,
}

impl ServerConfig {
    /// Whether SQL Server runs on this machine, as far as the name says it.
    pub fn is_local(&self) -> bool {
        super::address::is_local(&self.host)
    }

    /// The server as people write it, without any secret: `.\SQLEXPRESS`, `loja-servidor,1433`.
    pub fn display(&self) -> String {
        let instance = self.instance.as_ref().map(|name| format!("\\{name}")).unwrap_or_default();
        let port = self.port.map(|port| format!(",{port}")).unwrap_or_default();
        format!("{}{instance}{port}", self.host)
    }
}

/// What of the conversation with SQL Server travels encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encrypt {
    /// Nothing, not even the password: only for servers that know no TLS at all.
    Off,
    /// Only the login.
    Login,
    /// Everything.
    On,
}

/// Who we are to SQL Server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The Windows account under which the program runs.
    Integrated,
    /// A login of SQL Server's own.
    Sql {
        /// Its name.
        user: String,
        /// Its password.
        password: Secret,
    },
}

impl Login {
    /// The password, where there is one.
    fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Integrated => None,
            Self::Sql { password, .. } => Some(password),
        }
    }
}

/// Where backups are made and how they are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupConfig {
    /// The backup folder, absolute.
    pub folder: PathBuf,
    /// The same folder as SQL Server's own machine (or container) names it.
    pub folder_seen_by_server: String,
    /// Bytes of the backup volume that must stay free.
    pub reserve_bytes: u64,
    /// How many hour slots are kept even when space is short, 1 to 24.
    pub slots_floor: u8,
    /// How long a failed run waits before its second try.
    pub retry_wait: Duration,
    /// How old the last good backup may become before it is a problem.
    pub too_old: Duration,
    /// Whether a database that shrank by more than half is taken as it is, so that its backup replaces the weekday's set too.
    pub accept_shrunk: bool,
    /// How often the newest backup is restored to prove that it can be; zero for never.
    pub restore_test: Duration,
}

/// Where backups are copied to (DM19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Nowhere: the shop has one computer, and is told that its data are on one machine only (DM22).
    LocalOnly,
    /// To a folder of another machine.
    Folder {
        /// The folder, absolute: a share or where it is mounted.
        path: PathBuf,
        /// For trials: a folder on the server's own volume is taken for a terminal.
        allow_same_volume: bool,
    },
}

/// The name of a database, as SQL Server takes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct DatabaseName(String);

/// Why a text cannot name a database that we back up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADatabaseName {
    /// Nothing stands there.
    #[error("it is empty")]
    Empty,
    /// Longer than the 128 characters of SQL Server's `sysname`.
    #[error("it is longer than {} characters", DatabaseName::LONGEST)]
    TooLong,
    /// A control character, or a blank at an end, which SQL Server drops or nobody sees.
    #[error("it has a control character, or a blank at one end")]
    Character,
    /// `tempdb`, which SQL Server makes anew at each start and never backs up.
    #[error("tempdb cannot be backed up")]
    Tempdb,
}

impl DatabaseName {
    /// Longest name, in units of UTF-16 as SQL Server counts them.
    pub const LONGEST: usize = 128;

    /// The name, if SQL Server takes it and can back it up.
    pub fn new(name: &str) -> Result<Self, NotADatabaseName> {
        if name.is_empty() {
            return Err(NotADatabaseName::Empty);
        }
        if name.encode_utf16().count() > Self::LONGEST {
            return Err(NotADatabaseName::TooLong);
        }
        if name.chars().any(char::is_control) || name.trim() != name {
            return Err(NotADatabaseName::Character);
        }
        if name.eq_ignore_ascii_case("tempdb") {
            return Err(NotADatabaseName::Tempdb);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name itself, unquoted.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DatabaseName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
