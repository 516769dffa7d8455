//! What can go wrong with the file, told apart by what is to be done about it.

use crate::problem::{Code, Problem};
use crate::words;
use crate::words::Words;
use rusqlite::ErrorCode;
use std::io;
use std::path::Path;

/// Why the file could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is damaged, or is none of ours.
    Corrupt,
    /// A newer version of the program wrote it.
    Newer,
    /// The disk is full.
    Full,
    /// It, its folder or its file system may not be written.
    Unwritable,
    /// Another program holds it.
    Busy,
    /// Anything else that the medium or SQLite says.
    Medium,
}

impl Failure {
    /// The failure behind an error of SQLite.
    pub fn of(error: &rusqlite::Error) -> Self {
        tracing::warn!(%error, "the journal's file cannot be used");
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::Unwritable
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            // A table or column that is missing or of another kind: the schema is not what its number says.
            Some(ErrorCode::Unknown) | None => Self::Corrupt,
            Some(_) => Self::Medium,
        }
    }

    /// The failure behind an error of the file system.
    pub fn of_file(error: &io::Error) -> Self {
        tracing::warn!(%error, "the journal's file cannot be used");
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::Full;
        }
        Self::Unwritable
    }

    /// Whether the file is to be set aside and a new one begun.
    pub const fn is_for_good(self) -> bool {
        match self {
            Self::Corrupt | Self::Newer => true,
            Self::Full | Self::Unwritable | Self::Busy | Self::Medium => false,
        }
    }

    /// The failure in words.
    pub fn problem(self, path: &Path) -> Problem {
        let path = path.display();
        let (why, hint) = match self {
            Self::Full => (words!("o disco está cheio", "its disk is full"), free_space()),
            Self::Unwritable => (
                words!("o programa não pode gravar nele", "the program may not write to it"),
                words!(
                    "Dê ao usuário do programa o direito de gravar na pasta de estado.",
                    "Give the program's user the right to write to the state folder.",
                ),
            ),
            Self::Busy => (
                words!("outro programa o mantém aberto", "another program holds it"),
                words!("Feche o programa que abriu o diário.", "Close the program that opened the journal."),
            ),
            Self::Corrupt => (words!("o arquivo está danificado", "the file is damaged"), see_to_the_disk()),
            Self::Newer => (
                words!(
                    "uma versão mais nova do programa o gravou",
                    "a newer version of the program wrote it"
                ),
                words!(
                    "Instale a versão mais nova do programa.",
                    "Install the newer version of the program."
                ),
            ),
            Self::Medium => {
                (words!("falha ao ler ou gravar", "reading or writing failed"), see_to_the_disk())
            }
        };
        let Words { pt, en } = why;
        Problem::new(
            Code::Journal,
            words!(
                "O diário de backup ({path}) não está sendo gravado: {pt}. Os backups continuam.",
                "The backup journal ({path}) is not being written: {en}. Backups go on.",
            ),
            hint,
        )
    }
}

/// The notice that the file was set aside as `aside`.
pub fn begun_anew(failure: Failure, aside: &Path) -> Problem {
    let aside = aside.display();
    let Words { pt, en } = match failure {
        Failure::Newer => {
            words!("era de uma versão mais nova do programa", "was of a newer version of the program")
        }
        Failure::Corrupt | Failure::Full | Failure::Unwritable | Failure::Busy | Failure::Medium => {
            words!("estava danificado", "was damaged")
        }
    };
    Problem::new(
        Code::Journal,
        words!(
            "O diário de backup {pt}; foi guardado como {aside} e um novo foi iniciado. Os backups continuam.",
            "The backup journal {en}; it was kept as {aside} and a new one was begun. Backups go on.",
        ),
        see_to_the_disk(),
    )
}

fn free_space() -> Words {
    words!("Libere espaço no disco da pasta de estado.", "Free space on the disk of the state folder.")
}

fn see_to_the_disk() -> Words {
    words!(
        "Os backups não dependem do diário. Se isto se repetir, verifique o disco.",
        "The backups do not depend on the journal. If this happens again, see to the disk.",
    )
}
