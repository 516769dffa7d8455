//! Secrets by reference: a variable of the environment or a file of its own; never written in the configuration itself.

use super::finding::Finding;
use super::keys::Key;
use super::merged::Merged;
use super::validate::Check;
use super::{Secret, file, secret};
use crate::problem::{Code, Problem};
use std::path::{Path, PathBuf};

/// The two keys that may refer to a secret, and what the secret is called.
#[derive(Debug)]
pub(super) struct Reference {
    /// Names the variable: `"${NAME}"`.
    pub variable: Key,
    /// Names the file.
    pub file: Key,
    /// «a senha», «da senha».
    pt: (&'static str, &'static str),
    /// “the password”, “password's”.
    en: (&'static str, &'static str),
}

const ADDRESS_PT: (&str, &str) = ("o endereço", "do endereço");
const ADDRESS_EN: (&str, &str) = ("the address", "address's");

/// The password at SQL Server.
pub(super) const SERVER_PASSWORD: Reference = Reference {
    variable: Key::Password,
    file: Key::PasswordFile,
    pt: ("a senha", "da senha"),
    en: ("the password", "password's"),
};
/// The password at the mail server.
pub(super) const MAIL_PASSWORD: Reference = Reference {
    variable: Key::MailPassword,
    file: Key::MailPasswordFile,
    pt: ("a senha", "da senha"),
    en: ("the password", "password's"),
};
/// The webhook's address, which as a rule lets in whoever knows it.
pub(super) const WEBHOOK_URL: Reference =
    Reference { variable: Key::WebhookUrl, file: Key::WebhookUrlFile, pt: ADDRESS_PT, en: ADDRESS_EN };
/// The token of the Telegram bot.
pub(super) const TELEGRAM_TOKEN: Reference = Reference {
    variable: Key::TelegramToken,
    file: Key::TelegramTokenFile,
    pt: ("o token", "do token"),
    en: ("the token", "token's"),
};
/// The heartbeat's address.
pub(super) const HEARTBEAT_URL: Reference =
    Reference { variable: Key::HeartbeatUrl, file: Key::HeartbeatUrlFile, pt: ADDRESS_PT, en: ADDRESS_EN };

/// The password at the head office's SQL Server.
pub(super) const HEAD_OFFICE_PASSWORD: Reference = Reference {
    variable: Key::OfficePassword,
    file: Key::OfficePasswordFile,
    pt: ("a senha", "da senha"),
    en: ("the password", "password's"),
};

/// Every secret that the configuration may refer to.
pub(super) const ALL: [&Reference; 6] =
    [&SERVER_PASSWORD, &MAIL_PASSWORD, &WEBHOOK_URL, &TELEGRAM_TOKEN, &HEARTBEAT_URL, &HEAD_OFFICE_PASSWORD];

impl Reference {
    /// The reference that `key` is the first key of.
    pub fn of(key: Key) -> Option<&'static Self> {
        ALL.into_iter().find(|reference| reference.variable == key)
    }

    /// Whether either key is written.
    pub fn is_written(&self, check: &Check<'_>) -> bool {
        check.text(self.variable).is_some() || check.text(self.file).is_some()
    }

    /// The last part of the first key.
    fn name(&self) -> &'static str {
        last(self.variable)
    }

    fn file_name(&self) -> &'static str {
        last(self.file)
    }
}

fn last(key: Key) -> &'static str {
    key.path().rsplit('.').next().unwrap_or_default()
}

/// The secret that `reference` leads to; where it leads to none, that is told.
pub(super) fn read(check: &mut Check<'_>, reference: &Reference) -> Option<Secret> {
    let (variable, file) = (check.text(reference.variable), check.text(reference.file));
    let (pt, en) = (reference.pt.0, reference.en.0);
    let (by_variable, by_file) = (reference.variable.path(), reference.file.path());
    match (variable.map(str::to_owned), file.map(str::to_owned)) {
        (Some(written), None) => from_environment(check, reference, &written),
        (None, Some(_)) => from_file(check, reference),
        (Some(_), Some(file)) => {
            let expected = crate::words!(
                "{pt} de um só lugar: {by_variable} ou {by_file}",
                "{en} from one place: {by_variable} or {by_file}"
            );
            check.refuse(reference.file, &file, expected);
            None
        }
        (None, None) => {
            let expected = crate::words!(
                "o arquivo com {pt}, ou {by_variable} = \"${{NOME_DA_VARIAVEL}}\"",
                "the file with {en}, or {by_variable} = \"${{NAME_OF_VARIABLE}}\""
            );
            check.missing(reference.file, expected);
            None
        }
    }
}

/// The variable that `${NAME}` refers to; `None` for a text that is no reference.
pub(super) fn variable(reference: &str) -> Option<&str> {
    let name = reference.strip_prefix("${")?.strip_suffix('}')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

fn from_environment(check: &mut Check<'_>, reference: &Reference, written: &str) -> Option<Secret> {
    let (pt, en) = (reference.pt.0, reference.en.0);
    let Some(name) = variable(written) else {
        let (key, file) = (reference.name(), reference.file_name());
        let expected = crate::words!(
            "{pt} por referência, nunca escrita aqui: {key} = \"${{NOME_DA_VARIAVEL}}\", ou {file}",
            "{en} by reference, never written here: {key} = \"${{NAME_OF_VARIABLE}}\", or {file}"
        );
        check.refuse(reference.variable, secret::HIDDEN, expected);
        return None;
    };
    match (check.world.environment)(name) {
        Some(value) if !value.is_empty() => Some(Secret::new(value)),
        Some(_) | None => {
            let expected = crate::words!(
                "a variável de ambiente {name} com {pt}, no ambiente do programa",
                "the environment variable {name} with {en}, in the program's environment"
            );
            let (line, found) = (check.merged.line(reference.variable), format!("${{{name}}}"));
            let key = reference.variable.path();
            check.findings.push(Finding::new(Code::ConfigSecret, key, line, &found, expected));
            None
        }
    }
}

/// The secrets that every reference of the configuration at `config` leads to, and those that are written in it against the rule.
pub(super) fn secrets(config: &Path, merged: &Merged) -> Vec<Secret> {
    let mut found = Vec::new();
    for reference in ALL {
        let written = merged.text(reference.variable).map(str::trim);
        found.extend(written.and_then(|written| match variable(written) {
            Some(name) => std::env::var(name).ok(),
            None => Some(written.to_owned()),
        }));
        let file = merged.text(reference.file).map(|file| path(config, file.trim()));
        // What this user cannot read cannot be looked for either.
        found.extend(file.and_then(|file| file::read_secret(&file).ok()).map(|secret| secret.to_string()));
    }
    found.retain(|secret| !secret.trim().is_empty());
    found.iter().map(|secret| Secret::new(secret.trim())).collect()
}

/// The file that a key names, beside the configuration at `config` where it is relative.
pub(super) fn path(config: &Path, written: &str) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(written)
}

fn from_file(check: &mut Check<'_>, reference: &Reference) -> Option<Secret> {
    let path = path(check.world.path, check.text(reference.file)?);
    let shown = path.display().to_string();
    let (this_pt, of_pt) = reference.pt;
    let (this_en, of_en) = reference.en;
    let problem = match (crate::platform::is_kept_secret(&path), file::read_secret(&path)) {
        (Ok(true), Ok(secret)) if !secret.is_empty() => return Some(Secret::new(secret.as_str())),
        (Ok(true), Ok(_)) => Problem::new(
            Code::ConfigSecret,
            crate::words!("O arquivo {of_pt}, {shown}, está vazio.", "The {of_en} file, {shown}, is empty."),
            crate::words!("Escreva {this_pt} na primeira linha.", "Write {this_en} into its first line."),
        ),
        (Ok(false), _) => Problem::new(
            Code::ConfigSecret,
            crate::words!(
                "O arquivo {of_pt}, {shown}, pode ser lido por outros usuários.",
                "The {of_en} file, {shown}, may be read by other users."
            ),
            crate::words!(
                "Deixe-o só para o dono: chmod 600 '{shown}' (no Windows, as permissões só para administradores).",
                "Leave it to its owner only: chmod 600 '{shown}' (on Windows, rights for administrators only)."
            ),
        ),
        (Err(error), _) | (_, Err(error)) => {
            tracing::debug!(path = shown, %error, "a secret's file cannot be read");
            Problem::new(
                Code::ConfigSecret,
                crate::words!(
                    "Não foi possível ler o arquivo {of_pt}, {shown}.",
                    "The {of_en} file, {shown}, cannot be read."
                ),
                crate::words!(
                    "Crie-o com {this_pt} na primeira linha, legível só para o usuário do programa (chmod 600).",
                    "Make it with {this_en} in its first line, readable by the program's user only (chmod 600)."
                ),
            )
        }
    };
    let (line, key) = (check.merged.line(reference.file), reference.file.path().to_owned());
    check.findings.push(Finding { line, key, ..Finding::of_file(problem) });
    None
}
