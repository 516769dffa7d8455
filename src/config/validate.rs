//! From merged values to domain types: every value passes its check, and whatever fails is told, all at once.

use super::finding::Finding;
use super::keys::{Key, Kind};
use super::merged::Merged;
use super::written::Written;
use super::{
    ArchiveName, BackupConfig, Config, DatabaseName, Shop, Terminal, alert, folders, head_office, login,
    units, update,
};
use crate::problem::Code;
use crate::schedule::Schedule;
use crate::words::{Language, Words};
use std::path::Path;
use std::time::Duration;

/// How much older than the schedule's longest interval the last good backup may be by default.
const TOO_OLD_MARGIN: Duration = Duration::from_secs(2 * 3600);

/// What validation may ask the world.
pub(super) struct World<'a> {
    /// The configuration's own path, from which relative ones are reckoned.
    pub path: &'a Path,
    /// The value of an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

/// The check of one configuration: what was found so far.
pub(super) struct Check<'a> {
    pub merged: &'a Merged,
    pub world: &'a World<'a>,
    pub findings: Vec<Finding>,
    pub warnings: Vec<Finding>,
    written: &'a Written,
}

/// Checks every value; the configuration is there if nothing is wrong.
pub(super) fn validate<'a>(
    written: &'a Written,
    merged: &'a Merged,
    world: &'a World<'a>,
) -> (Option<Config>, Check<'a>) {
    let mut check = Check { merged, world, written, findings: Vec::new(), warnings: Vec::new() };
    check.required(Key::Version, merged.integer(Key::Version));
    let shop = check.shop();
    let server = login::server(&mut check);
    let databases = check.databases();
    let archive_name = check.archive_name();
    let schedule = check.schedule();
    let backup = check.backup(schedule.as_ref());
    let terminal = check.terminal(backup.as_ref());
    let reopen_after = check.length(Key::ReopenAfter);
    let alert = alert::alert(&mut check);
    let head_office = head_office::head_office(&mut check, shop.as_ref());
    let update = update::update(&mut check);
    let language = merged.text(Key::Language).and_then(Language::from_tag).unwrap_or_default();
    let config = (|| {
        Some(Config {
            language,
            shop: shop?,
            server: server?,
            databases: databases?,
            archive_name: archive_name?,
            backup: backup?,
            terminal: terminal?,
            schedule: schedule?,
            reopen_after: Some(reopen_after?).filter(|length| !length.is_zero()),
            alert,
            head_office: head_office?,
            update: update?,
        })
    })();
    (config.filter(|_| check.findings.is_empty()), check)
}

impl Check<'_> {
    /// Tells that what stands at `key` is not what is expected.
    pub fn refuse(&mut self, key: Key, found: &str, expected: Words) {
        let line = self.merged.line(key);
        self.findings.push(Finding::new(Code::ConfigInvalid, key.path(), line, found, expected));
    }

    /// Tells that `key` is missing, unless it stands in the file and was refused already, or the file could not be read as a
    /// whole: then it may be there.
    pub fn missing(&mut self, key: Key, expected: Words) {
        if self.written.whole && !self.written.refused.contains(&key) {
            let line = self.merged.line(key);
            self.findings.push(Finding::new(Code::ConfigInvalid, key.path(), line, "", expected));
        }
    }

    /// Tells that `key` is odd, though it is in force.
    pub fn warn(&mut self, key: Key, found: &str, expected: Words) {
        let line = self.merged.line(key);
        self.warnings.push(Finding::new(Code::ConfigInvalid, key.path(), line, found, expected));
    }

    pub fn required<T>(&mut self, key: Key, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.missing(key, key.expected());
        }
        value
    }

    /// The text at `key`, trimmed; `None` where there is none or only blanks.
    pub fn text(&self, key: Key) -> Option<&str> {
        self.merged.text(key).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The text at `key` read by `read`; what it cannot read is refused. `None` where there is none.
    fn read<T>(&mut self, key: Key, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(key)?.to_owned();
        let value = read(&text);
        if value.is_none() {
            self.refuse(key, &text, key.expected());
        }
        value
    }

    fn shop(&mut self) -> Option<Shop> {
        let legal_name = self.required(Key::LegalName, self.text(Key::LegalName).map(str::to_owned));
        let cnpj = self.cnpj();
        let store = self.text(Key::Store).map(str::to_owned);
        let store = self.required(Key::Store, store);
        let trade_name = self.text(Key::TradeName).map(str::to_owned);
        let legal_name = legal_name?;
        Some(Shop {
            trade_name: trade_name.unwrap_or_else(|| legal_name.clone()),
            legal_name,
            cnpj,
            store: store?,
        })
    }

    fn cnpj(&mut self) -> Option<super::Cnpj> {
        use super::NotACnpj;
        let text = self.text(Key::Cnpj)?.to_owned();
        let expected = match text.parse() {
            Ok(cnpj) => return Some(cnpj),
            Err(NotACnpj::Length) => {
                crate::words!("os 14 caracteres do CNPJ", "the 14 characters of the CNPJ")
            }
            Err(NotACnpj::Character) => crate::words!(
                "só números e letras, e números nos dois dígitos verificadores",
                "digits and letters only, and digits for the two check digits"
            ),
            Err(NotACnpj::CheckDigits) => crate::words!(
                "um CNPJ cujos dígitos verificadores confiram (há um erro de digitação)",
                "a CNPJ whose check digits are right (there is a typing error)"
            ),
        };
        self.refuse(Key::Cnpj, &text, expected);
        None
    }

    fn databases(&mut self) -> Option<Vec<DatabaseName>> {
        let names = self.merged.list(Key::Databases);
        if names.len() != 1 {
            let found = format!("{names:?}");
            let expected = crate::words!(
                "exatamente um banco de dados; mais de um virá em outra versão",
                "exactly one database; more than one comes in a later version"
            );
            self.refuse(Key::Databases, &found, expected);
            return None;
        }
        let name = names[0].clone();
        match DatabaseName::new(&name) {
            Ok(name) => Some(vec![name]),
            Err(error) => {
                tracing::debug!(%error, "refused database name");
                let expected = crate::words!(
                    "um nome de banco de até 128 caracteres, sem espaços nas pontas, e não tempdb",
                    "a database's name of up to 128 characters, without blanks at its ends, and not tempdb"
                );
                self.refuse(Key::Databases, &format!("{name:?}"), expected);
                None
            }
        }
    }

    fn archive_name(&mut self) -> Option<ArchiveName> {
        use crate::slot::NotAFileName;
        let text = self.merged.text(Key::ArchiveName)?.to_owned();
        let expected = match ArchiveName::new(&text) {
            Ok(name) => return Some(name),
            Err(NotAFileName::Empty) => crate::words!("um nome de arquivo", "a file name"),
            Err(NotAFileName::TooLong) => {
                let most = ArchiveName::LONGEST_BYTES;
                crate::words!("um nome de até {most} bytes", "a name of up to {most} bytes")
            }
            Err(NotAFileName::Character(_)) => crate::words!(
                "um nome sem barras e sem os caracteres < > : \" | ? *",
                "a name without slashes and without the characters < > : \" | ? *"
            ),
            Err(NotAFileName::Edge) => crate::words!(
                "um nome que não comece nem termine com ponto ou espaço",
                "a name that neither begins nor ends with a dot or a blank"
            ),
            Err(NotAFileName::Device) => crate::words!(
                "outro nome: este é de um dispositivo do Windows",
                "another name: this one is a device of Windows"
            ),
            Err(NotAFileName::Taken) => crate::words!(
                "outro nome: este é de uma pasta do rodízio",
                "another name: this one is a folder of the rotation"
            ),
        };
        self.refuse(Key::ArchiveName, &text, expected);
        None
    }

    fn schedule(&mut self) -> Option<Schedule> {
        let text = self.merged.text(Key::Schedule)?.to_owned();
        match Schedule::parse(&text) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                self.refuse(
                    Key::Schedule,
                    if error.found.is_empty() { "\"\"" } else { &error.found },
                    error.expected,
                );
                None
            }
        }
    }

    /// The length of time at `key`; one that is none, or out of bounds, is refused.
    pub fn length(&mut self, key: Key) -> Option<Duration> {
        let Kind::Length(least, most) = key.row().kind else { return None };
        self.read(key, |text| units::parse_duration(text).filter(|length| (least..=most).contains(length)))
    }

    fn backup(&mut self, schedule: Option<&Schedule>) -> Option<BackupConfig> {
        let folder = match self.text(Key::BackupFolder) {
            Some(_) => folders::absolute(self, Key::BackupFolder),
            None => Some(crate::platform::backup_folder()),
        };
        let seen = match self.text(Key::FolderSeenByServer) {
            Some(_) => folders::seen_by_server(self),
            None => folder.as_ref().map(|folder| folder.display().to_string()),
        };
        let reserve_bytes = self.read(Key::Reserve, units::parse_bytes);
        let slots_floor = self.merged.integer(Key::SlotsFloor).and_then(|floor| u8::try_from(floor).ok());
        let retry_wait = self.length(Key::RetryWait);
        let too_old = self.too_old(schedule);
        let restore_test = self.length(Key::RestoreTest);
        Some(BackupConfig {
            folder: folder?,
            folder_seen_by_server: seen?,
            reserve_bytes: reserve_bytes?,
            slots_floor: slots_floor?,
            retry_wait: retry_wait?,
            too_old: too_old?,
            accept_shrunk: self.merged.boolean(Key::AcceptShrunk).unwrap_or_default(),
            restore_test: restore_test?,
        })
    }

    fn too_old(&mut self, schedule: Option<&Schedule>) -> Option<Duration> {
        let written = self.text(Key::TooOld).is_some();
        let too_old = self.length(Key::TooOld);
        let interval = schedule?.longest_gap().to_std().unwrap_or_default();
        if !written {
            return Some(interval + TOO_OLD_MARGIN);
        }
        let too_old = too_old?;
        if too_old < interval {
            let interval = units::duration_text(interval);
            let expected = crate::words!(
                "mais que o maior intervalo entre dois backups ({interval}), senão o aviso aparece todo dia",
                "more than the longest interval between two backups ({interval}), else the warning comes every day"
            );
            self.warn(Key::TooOld, &units::duration_text(too_old), expected);
        }
        Some(too_old)
    }

    fn terminal(&mut self, backup: Option<&BackupConfig>) -> Option<Terminal> {
        let local_only = self.merged.boolean(Key::LocalOnly).unwrap_or_default();
        let allow_same_volume = self.merged.boolean(Key::AllowSameVolume).unwrap_or_default();
        let written = self.text(Key::TerminalFolder).map(str::to_owned);
        match (written, local_only) {
            (None, true) => Some(Terminal::LocalOnly),
            (None, false) => {
                let expected = crate::words!(
                    "a pasta do terminal de backup, ou terminal.local_only = true se a loja só tem este computador",
                    "the backup terminal's folder, or terminal.local_only = true where the shop has only this computer"
                );
                self.missing(Key::TerminalFolder, expected);
                None
            }
            (Some(folder), true) => {
                let expected = crate::words!(
                    "ou terminal.folder, ou terminal.local_only = true, e não os dois",
                    "either terminal.folder or terminal.local_only = true, not both"
                );
                self.refuse(Key::TerminalFolder, &folder, expected);
                None
            }
            (Some(shown), false) => {
                let path = folders::absolute(self, Key::TerminalFolder)?;
                if backup.is_some_and(|backup| folders::overlap(&backup.folder, &path)) {
                    let expected = crate::words!(
                        "uma pasta fora da pasta de backup, e que não a contenha",
                        "a folder outside the backup folder, and not around it"
                    );
                    self.refuse(Key::TerminalFolder, &shown, expected);
                    return None;
                }
                Some(Terminal::Folder { path, allow_same_volume })
            }
        }
    }
}
