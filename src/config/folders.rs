//! Folders in the configuration: absolute, plain, and not one inside the other.

use super::keys::Key;
use super::validate::Check;
use crate::words::Words;
use std::path::{Component, Path, PathBuf};

/// The folder at `key`, absolute on this system.
pub(super) fn absolute(check: &mut Check<'_>, key: Key) -> Option<PathBuf> {
    let text = check.text(key)?.to_owned();
    let path = PathBuf::from(&text);
    match objection(&text, &path) {
        Some(expected) => {
            check.refuse(key, &text, expected);
            None
        }
        None => Some(path),
    }
}

fn objection(text: &str, path: &Path) -> Option<Words> {
    if text.chars().any(char::is_control) {
        return Some(crate::words!(
            "um caminho sem caracteres de controle; escreva-o entre aspas simples",
            "a path without control characters; write it in single quotes"
        ));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Some(crate::words!("um caminho sem «..»", "a path without “..”"));
    }
    if !path.is_absolute() {
        let example = crate::platform::backup_folder().display().to_string();
        return Some(crate::words!(
            "o caminho completo de uma pasta desta máquina, como '{example}'",
            "the full path of a folder of this machine, such as '{example}'"
        ));
    }
    None
}

/// The backup folder as SQL Server sees it: absolute on whatever system it runs.
pub(super) fn seen_by_server(check: &mut Check<'_>) -> Option<String> {
    let text = check.text(Key::FolderSeenByServer)?.to_owned();
    let bytes = text.as_bytes();
    let drive = bytes.len() >= 3
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'\\' | b'/');
    let absolute = text.starts_with('/') || text.starts_with(r"\\") || drive;
    if absolute && !text.chars().any(char::is_control) {
        return Some(text);
    }
    let expected = crate::words!(
        "um caminho completo na máquina do SQL Server, como 'D:\\Backup' ou '/var/opt/mssql/backup'",
        "a full path on SQL Server's machine, such as 'D:\\Backup' or '/var/opt/mssql/backup'"
    );
    check.refuse(Key::FolderSeenByServer, &text, expected);
    None
}

/// Whether the folders are the same or one lies inside the other, by their names: letters count as equal whatever their
/// case, for they are on Windows and on shares. (Links and mounts are the destination's to notice.)
pub(super) fn overlap(one: &Path, other: &Path) -> bool {
    let parts = |path: &Path| -> Vec<String> {
        path.components().map(|part| part.as_os_str().to_string_lossy().to_lowercase()).collect()
    };
    parts(one).iter().zip(&parts(other)).all(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_overlap_by_their_parts_and_not_by_their_letters() {
        let overlap = |one: &str, other: &str| super::overlap(Path::new(one), Path::new(other));
        assert!(overlap("/srv/Backup", "/srv/Backup"));
        assert!(overlap("/srv/Backup", "/srv/backup/terminal/"));
        assert!(overlap("/srv/Backup/x", "/srv"));
        assert!(!overlap("/srv/Backup", "/srv/Backup2"));
        assert!(!overlap("/srv/a", "/srv/b"));
    }
}
