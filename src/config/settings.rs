//! The configuration in force, value by value, as people may see it (DM24).

use super::keys::Key;
use super::merged::{Merged, Origin};
use super::reference::{self, Reference};
use super::{
    Config, EmailConfig, Encrypt, HeadOffice, Login, MailSecurity, TelegramConfig, Terminal, secret, units,
};
use crate::words::Language;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One value in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its key in full.
    pub key: String,
    /// The value as it may be shown: a secret is `***`, one that is not set is empty.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Every key with its value, in the order of the shipped file.
pub(super) fn of(config: &Config, merged: &Merged, path: &Path) -> Vec<Setting> {
    let setting = |key: &Key| Setting {
        key: key.path().to_owned(),
        value: shown(*key, config),
        origin: origin(*key, merged, path),
    };
    Key::ALL.iter().map(setting).collect()
}

/// Where a value came from; a secret from where the file refers to.
fn origin(key: Key, merged: &Merged, path: &Path) -> Origin {
    let Some(secret) = Reference::of(key) else { return merged.origin(key) };
    let variable = merged.text(key).map(str::trim).and_then(reference::variable);
    let file = merged.text(secret.file).map(str::trim).filter(|file| !file.is_empty());
    match (variable, file) {
        (Some(name), _) => Origin::Environment { name: name.to_owned() },
        (None, Some(file)) => Origin::SecretFile { path: reference::path(path, file).display().to_string() },
        (None, None) => Origin::Default,
    }
}

/// The value in force at `key`.
fn shown(key: Key, config: &Config) -> String {
    let (shop, server, backup) = (&config.shop, &config.server, &config.backup);
    let alert = &config.alert;
    let office = |show: fn(&HeadOffice) -> String| config.head_office.as_ref().map(show).unwrap_or_default();
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let email = |show: fn(&EmailConfig) -> String| alert.email.as_ref().map(show).unwrap_or_default();
    let telegram =
        |show: fn(&TelegramConfig) -> String| alert.telegram.as_ref().map(show).unwrap_or_default();
    let hidden = |is_there| if is_there { secret::HIDDEN.to_owned() } else { String::new() };
    match key {
        Key::Version => "1".to_owned(),
        Key::Language => match config.language {
            Language::Portuguese => "pt".to_owned(),
            Language::English => "en".to_owned(),
        },
        Key::LegalName => shop.legal_name.clone(),
        Key::TradeName => shop.trade_name.clone(),
        Key::Cnpj => shop.cnpj.as_ref().map(ToString::to_string).unwrap_or_default(),
        Key::Store => shop.store.clone(),
        Key::Host => server.host.clone(),
        Key::Instance => optional(&server.instance),
        Key::Port => server.port.map(|port| port.to_string()).unwrap_or_default(),
        Key::Encrypt => match server.encrypt {
            Encrypt::Off => "off".to_owned(),
            Encrypt::Login => "login".to_owned(),
            Encrypt::On => "on".to_owned(),
        },
        Key::TrustCertificate => server.trust_server_certificate.to_string(),
        Key::Login => match &server.login {
            Login::Integrated => "integrated".to_owned(),
            Login::Sql { .. } => "sql".to_owned(),
        },
        Key::User => match &server.login {
            Login::Integrated => String::new(),
            Login::Sql { user, .. } => user.clone(),
        },
        Key::Password => match &server.login {
            Login::Integrated => String::new(),
            Login::Sql { .. } => secret::HIDDEN.to_owned(),
        },
        // Its path is the origin of the password.
        Key::PasswordFile => String::new(),
        Key::Service => optional(&server.service),
        Key::Databases => config.databases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Key::ArchiveName => config.archive_name.to_string(),
        Key::BackupFolder => backup.folder.display().to_string(),
        Key::FolderSeenByServer => backup.folder_seen_by_server.clone(),
        Key::Schedule => config.schedule.to_string(),
        Key::RetryWait => units::duration_text(backup.retry_wait),
        Key::Reserve => units::bytes_text(backup.reserve_bytes),
        Key::SlotsFloor => backup.slots_floor.to_string(),
        Key::TooOld => units::duration_text(backup.too_old),
        Key::AcceptShrunk => backup.accept_shrunk.to_string(),
        Key::RestoreTest => units::duration_text(backup.restore_test),
        Key::TerminalFolder => match &config.terminal {
            Terminal::LocalOnly => String::new(),
            Terminal::Folder { path, .. } => path.display().to_string(),
        },
        Key::LocalOnly => matches!(config.terminal, Terminal::LocalOnly).to_string(),
        Key::AllowSameVolume => match config.terminal {
            Terminal::LocalOnly => false.to_string(),
            Terminal::Folder { allow_same_volume, .. } => allow_same_volume.to_string(),
        },
        Key::ReopenAfter => units::duration_text(config.reopen_after.unwrap_or_default()),
        Key::MailTo => email(|email| email.to.join(", ")),
        Key::MailHost => email(|email| email.host.clone()),
        Key::MailSecurity => email(|email| match email.security {
            MailSecurity::StartTls => "starttls".to_owned(),
            MailSecurity::Tls => "tls".to_owned(),
        }),
        Key::MailPort => email(|email| email.port.to_string()),
        Key::MailUser => {
            email(|email| email.login.as_ref().map(|(user, _)| user.clone()).unwrap_or_default())
        }
        Key::MailPassword => {
            email(|email| email.login.as_ref().map(|_| secret::HIDDEN.to_owned()).unwrap_or_default())
        }
        Key::MailFrom => email(|email| email.from.clone()),
        Key::WebhookUrl => hidden(alert.webhook.is_some()),
        Key::TelegramChat => telegram(|telegram| telegram.chat.clone()),
        Key::TelegramToken => hidden(alert.telegram.is_some()),
        Key::TelegramBaseUrl => telegram(|telegram| telegram.base_url.clone()),
        Key::HeartbeatUrl => hidden(alert.heartbeat.is_some()),
        // The path of a secret's file is the origin of the secret.
        Key::MailPasswordFile | Key::WebhookUrlFile | Key::TelegramTokenFile | Key::HeartbeatUrlFile => {
            String::new()
        }
        Key::OfficeServer => office(|office| office.server.display()),
        Key::OfficeDatabase => office(|office| office.database.to_string()),
        Key::OfficeUser => office(HeadOffice::user),
        Key::OfficePassword => office(|_| secret::HIDDEN.to_owned()),
        Key::OfficePasswordFile => String::new(),
        Key::OfficeCertificate => office(|office| {
            office.certificate.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
        }),
        Key::OfficeStatement => office(|office| office.statement.clone()),
        Key::UpdateUrl => optional(&config.update.url),
        Key::UpdateInterval => units::duration_text(config.update.interval),
        Key::UpdateOff => config.update.off.to_string(),
    }
}
