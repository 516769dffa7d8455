//! Configuration in three shapes: as written (with lines), with defaults (and where each value came from), validated
//! ([`Config`], the only one that reaches the domain). All problems are found at once, each with its key, its line, what was
//! found and what is expected.

mod address;
mod alert;
mod cnpj;
mod file;
mod finding;
mod folders;
mod head_office;
mod keys;
mod login;
mod merged;
mod model;
mod reference;
mod secret;
mod settings;
mod units;
mod update;
mod validate;
mod written;

pub use crate::slot::ArchiveName;
pub use alert::{AlertConfig, EmailConfig, HeartbeatConfig, MailSecurity, TelegramConfig, WebhookConfig};
pub use cnpj::{Cnpj, NotACnpj};
pub use file::{Fingerprint, LARGEST_BYTES, fingerprint};
pub use finding::Finding;
pub use head_office::HeadOffice;
pub use keys::{KeyDoc, reference};
pub use merged::Origin;
pub use model::{
    BackupConfig, Config, DatabaseName, Encrypt, Login, NotADatabaseName, ServerConfig, Shop, Terminal,
};
pub use secret::Secret;
pub use settings::Setting;
pub use update::UpdateConfig;

use crate::problem::{Code, Problem};
use merged::Merged;
use std::path::{Path, PathBuf};
use validate::World;

/// A configuration that is in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// The same value by value, with where each came from.
    pub settings: Vec<Setting>,
    /// Stands for the content that was loaded; compare it with [`fingerprint`] to notice a change.
    pub fingerprint: Fingerprint,
    /// What is odd though it is in force.
    pub warnings: Vec<Finding>,
}

/// Loads the configuration at `path`. Blocks on its disk.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines; never empty.
pub fn load(path: &Path) -> Result<Loaded, Vec<Finding>> {
    let environment = |name: &str| std::env::var(name).ok();
    load_with(&World { path, environment: &environment }, crate::platform::is_elevated())
}

fn load_with(world: &World<'_>, elevated: bool) -> Result<Loaded, Vec<Finding>> {
    // Taken before reading: what changes in between is noticed the next time.
    let print = fingerprint(world.path);
    let text = file::read(world.path)?;
    let mut read = read(&text, world);
    if let Some(finding) = writable(world.path) {
        let list = if elevated { &mut read.findings } else { &mut read.warnings };
        list.push(finding);
    }
    read.findings.sort_by_key(|finding| finding.line.unwrap_or(u32::MAX));
    match (read.config, print) {
        (Some(config), Ok(fingerprint)) if read.findings.is_empty() => {
            Ok(Loaded { config, settings: read.settings, fingerprint, warnings: read.warnings })
        }
        _ if read.findings.is_empty() => Err(vec![file::vanished(world.path)]),
        _ => Err(read.findings),
    }
}

/// What a text says and what is wrong with it.
struct Read {
    config: Option<Config>,
    settings: Vec<Setting>,
    findings: Vec<Finding>,
    warnings: Vec<Finding>,
}

fn read(text: &str, world: &World<'_>) -> Read {
    let mut written = written::read(text);
    let mut findings = std::mem::take(&mut written.findings);
    let merged = Merged::of(&written);
    let (config, check) = validate::validate(&written, &merged, world);
    findings.extend(check.findings);
    let config = config.filter(|_| findings.is_empty());
    let settings =
        config.as_ref().map(|config| settings::of(config, &merged, world.path)).unwrap_or_default();
    Read { config, settings, findings, warnings: check.warnings }
}

/// Ordinary users must not write what tells a service with all rights where to write: it refuses. Whoever runs with rights
/// no greater than theirs is only warned.
fn writable(path: &Path) -> Option<Finding> {
    if !crate::platform::writable_by_ordinary_users(path).unwrap_or(true) {
        return None;
    }
    let shown = path.display().to_string();
    Some(Finding::of_file(Problem::new(
        Code::ConfigWritable,
        crate::words!(
            "Usuários comuns podem alterar a configuração {shown}, ou a pasta dela.",
            "Ordinary users may change the configuration {shown}, or its folder."
        ),
        crate::words!(
            "Deixe a gravação só para administradores (no Linux: chown root e chmod 644 no arquivo, 755 na pasta).",
            "Leave writing to administrators (on Linux: chown root and chmod 644 on the file, 755 on the folder)."
        ),
    )))
}

/// The files with secrets that the configuration `text` at `path` refers to, as far as it can be read.
fn secret_files(path: &Path, text: &str) -> Vec<PathBuf> {
    let merged = Merged::of(&written::read(text));
    let files = reference::ALL.iter().filter_map(|secret| merged.text(secret.file));
    files.map(|file| reference::path(path, file.trim())).collect()
}

/// Every secret that the configuration at `path` leads to, whatever is wrong with it, for whoever must keep them out of what is
/// shown. Blocks on its disk.
pub fn secrets(path: &Path) -> Vec<Secret> {
    // What cannot be read leads to none.
    let text = file::read(path).unwrap_or_default();
    reference::secrets(path, &Merged::of(&written::read(&text)))
}

/// Where the configuration is: where the user says, else the first of the system's places that has one, else the place where
/// one belongs.
pub fn find_path(explicit: Option<&Path>) -> PathBuf {
    let places = crate::platform::config_paths();
    let found = places.iter().find(|place| place.exists()).or(places.first());
    match explicit {
        Some(path) => absolute(path),
        None => found.cloned().unwrap_or_else(|| PathBuf::from("dmbackup.toml")),
    }
}

/// Where the agent keeps its state: where the user says, else the system's place.
pub fn state_path(explicit: Option<&Path>) -> PathBuf {
    explicit.map_or_else(crate::platform::state_folder, absolute)
}

/// `path` from the root, so that it means the same to whoever hears of it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod shipped;
#[cfg(test)]
mod tests;
