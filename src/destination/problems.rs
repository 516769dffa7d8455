//! The problems of a destination in words: the backup folder's are failures, the terminal's are warnings.

use super::Kind;
use crate::platform;
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::Words;
use std::io;

/// An error of reading, writing, renaming or syncing at the destination `shown`.
pub fn explain(kind: Kind, shown: &str, error: &io::Error) -> Problem {
    tracing::warn!(?kind, destination = shown, %error, "the destination failed");
    let kind_of_error = error.kind();
    if matches!(kind_of_error, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        full(kind, shown)
    } else if matches!(kind_of_error, io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) {
        read_only(kind, shown)
    } else if kind_of_error == io::ErrorKind::FileTooLarge {
        too_large(kind, shown)
    } else if platform::is_gone(error) {
        missing(kind, shown)
    } else {
        failed(kind, shown, error)
    }
}

/// It is not there, or its machine does not answer.
pub fn missing(kind: Kind, shown: &str) -> Problem {
    match kind {
        Kind::Server => Problem::new(
            Code::FolderMissing,
            words!("A pasta de backup não existe: {shown}.", "The backup folder does not exist: {shown}."),
            words!(
                "Crie a pasta, ligue o disco, ou corrija o caminho na configuração (backup.folder).",
                "Make the folder, plug in the disk, or correct the path in the configuration (backup.folder).",
            ),
        ),
        Kind::Terminal => Problem::new(
            Code::TerminalMissing,
            words!(
                "O terminal de backup não responde ou a pasta não existe: {shown}.",
                "The backup terminal does not answer or its folder does not exist: {shown}.",
            ),
            words!(
                "Verifique se o terminal está ligado e na rede, e se a pasta está compartilhada; a cópia será feita quando \
                 ele voltar.",
                "See that the terminal is on and in the network, and that its folder is shared; the copy will be made once \
                 it is back.",
            ),
        ),
    }
}

/// It is there, but does not let us write.
pub fn read_only(kind: Kind, shown: &str) -> Problem {
    let user = platform::user_name();
    let hint = words!(
        "Dê ao usuário {user} o direito de gravar na pasta, e verifique se o disco não está protegido contra gravação.",
        "Give the user {user} the right to write to the folder, and see that the disk is not write-protected.",
    );
    match kind {
        Kind::Server => Problem::new(
            Code::FolderReadOnly,
            words!(
                "O programa não pode gravar na pasta de backup: {shown}.",
                "The program cannot write to the backup folder: {shown}.",
            ),
            hint,
        ),
        Kind::Terminal => Problem::new(
            Code::TerminalReadOnly,
            words!(
                "O programa não pode gravar na pasta do terminal: {shown}.",
                "The program cannot write to the terminal's folder: {shown}.",
            ),
            hint,
        ),
    }
}

/// Its disk is full.
pub fn full(kind: Kind, shown: &str) -> Problem {
    let hint = words!(
        "Libere espaço nesse disco (os backups anteriores foram mantidos) ou use um disco maior.",
        "Free space on that disk (the earlier backups were kept) or use a larger one.",
    );
    match kind {
        Kind::Server => Problem::new(
            Code::SpaceFull,
            words!(
                "O disco da pasta de backup está cheio: {shown}.",
                "The disk of the backup folder is full: {shown}."
            ),
            hint,
        ),
        Kind::Terminal => Problem::new(
            Code::TerminalFull,
            words!("O disco do terminal está cheio: {shown}.", "The terminal's disk is full: {shown}."),
            hint,
        ),
    }
}

/// Its file system takes no file of that size.
fn too_large(kind: Kind, shown: &str) -> Problem {
    Problem::new(
        io_code(kind),
        words!(
            "O sistema de arquivos de {shown} não aceita um arquivo deste tamanho.",
            "The file system of {shown} does not take a file of this size.",
        ),
        words!(
            "Discos em FAT32 vão só até 4 GB por arquivo: formate em NTFS ou exFAT, ou use outro disco.",
            "FAT32 disks end at 4 GB a file: format it as NTFS or exFAT, or use another disk.",
        ),
    )
}

/// Reading or writing failed.
pub fn failed(kind: Kind, shown: &str, error: &io::Error) -> Problem {
    // The system's own words, without the number that follows them.
    let cause = error.to_string();
    let cause = cause.split(" (os error").next().unwrap_or_default().to_owned();
    match kind {
        Kind::Server => Problem::new(
            Code::FolderIo,
            words!(
                "Falha ao ler ou gravar na pasta de backup {shown}: {cause}.",
                "Reading or writing in the backup folder {shown} failed: {cause}.",
            ),
            words!(
                "Verifique o disco: ele pode estar com defeito. Os backups anteriores foram mantidos.",
                "See to the disk: it may be failing. The earlier backups were kept.",
            ),
        ),
        Kind::Terminal => Problem::new(
            Code::TerminalIo,
            words!(
                "Falha ao ler ou gravar no terminal de backup {shown}: {cause}.",
                "Reading or writing at the backup terminal {shown} failed: {cause}.",
            ),
            words!(
                "Verifique o terminal, seu disco e a rede; a cópia será tentada de novo.",
                "See to the terminal, its disk and the network; the copy will be tried again.",
            ),
        ),
    }
}

/// Its identity file is missing.
pub fn unmarked(kind: Kind, shown: &str) -> Problem {
    Problem::new(
        identity_code(kind),
        words!(
            "A pasta {shown} não traz mais a identificação deste backup; nada foi gravado nela. O compartilhamento pode \
             estar desmontado, ou o disco foi trocado.",
            "The folder {shown} no longer carries the identity of this backup; nothing was written there. The share may be \
             unmounted, or the disk was exchanged.",
        ),
        offer_hint(),
    )
}

/// It carries another agent's identity, or one that cannot be read.
pub fn of_another(kind: Kind, shown: &str, shop: Option<&str>) -> Problem {
    let (of_pt, of_en) = match shop {
        Some(shop) => {
            (format!("de outro backup (loja «{shop}»)"), format!("another backup's (shop «{shop}»)"))
        }
        None => ("ilegível".to_owned(), "unreadable".to_owned()),
    };
    Problem::new(
        identity_code(kind),
        words!(
            "A identificação da pasta {shown} é {of_pt}; nada foi gravado nela.",
            "The identity of the folder {shown} is {of_en}; nothing was written there.",
        ),
        offer_hint(),
    )
}

fn offer_hint() -> Words {
    let file = super::identity::FILE;
    words!(
        "Corrija o caminho na configuração. Se esta pasta deve passar a ser usada por este backup, troque o arquivo {file} \
         dela por um vazio: o que já está lá será movido para «anterior», nada é apagado.",
        "Correct the path in the configuration. If this folder is to be used by this backup from now on, replace its file \
         {file} by an empty one: what is there will be moved to «anterior», nothing is deleted.",
    )
}

/// Another agent holds it.
pub fn locked(shown: &str) -> Problem {
    Problem::new(
        Code::FolderLocked,
        words!(
            "Outro programa de backup já usa a pasta {shown}.",
            "Another backup program already uses the folder {shown}.",
        ),
        words!(
            "Encerre o outro, ou dê a cada um a sua pasta de backup.",
            "End the other one, or give each a backup folder of its own.",
        ),
    )
}

/// Everybody may read it.
pub fn open_to_everybody(shown: &str) -> Problem {
    Problem::new(
        Code::FolderOpen,
        words!(
            "Qualquer usuário pode ler a pasta {shown}, e os backups contêm dados de clientes.",
            "Every user may read the folder {shown}, and backups hold customers' data.",
        ),
        words!(
            "Retire os direitos de «todos» na pasta; bastam os do administrador e do SQL Server.",
            "Take the rights of «everybody» from the folder; the administrator's and SQL Server's are enough.",
        ),
    )
}

/// A copy that was read back is not what was copied.
pub fn copy_differs(kind: Kind, path: &str) -> Problem {
    let code = match kind {
        Kind::Server => Code::BackupReadBack,
        Kind::Terminal => Code::TerminalIo,
    };
    Problem::new(
        code,
        words!(
            "A cópia {path}, relida do disco, não é igual ao original; foi descartada.",
            "The copy {path}, read back from its disk, is not equal to the original; it was discarded.",
        ),
        words!(
            "Verifique esse disco e seus cabos: ele pode estar com defeito.",
            "See to that disk and its cables: it may be failing.",
        ),
    )
}

/// What is to be linked or adopted is not there.
pub fn no_such_file(kind: Kind, path: &str) -> Problem {
    Problem::new(
        io_code(kind),
        words!("O arquivo {path} não existe.", "The file {path} does not exist."),
        words!(
            "Outro programa pode tê-lo removido; o próximo backup o refaz.",
            "Another program may have removed it; the next backup makes it again.",
        ),
    )
}

const fn io_code(kind: Kind) -> Code {
    match kind {
        Kind::Server => Code::FolderIo,
        Kind::Terminal => Code::TerminalIo,
    }
}

const fn identity_code(kind: Kind) -> Code {
    match kind {
        Kind::Server => Code::FolderIdentity,
        Kind::Terminal => Code::TerminalIdentity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_a_medium_has_the_code_of_its_kind() {
        let table = [
            (io::ErrorKind::StorageFull, Code::SpaceFull, Code::TerminalFull),
            (io::ErrorKind::QuotaExceeded, Code::SpaceFull, Code::TerminalFull),
            (io::ErrorKind::ReadOnlyFilesystem, Code::FolderReadOnly, Code::TerminalReadOnly),
            (io::ErrorKind::PermissionDenied, Code::FolderReadOnly, Code::TerminalReadOnly),
            (io::ErrorKind::FileTooLarge, Code::FolderIo, Code::TerminalIo),
            (io::ErrorKind::UnexpectedEof, Code::FolderIo, Code::TerminalIo),
        ];
        for (error, server, terminal) in table {
            assert_eq!(explain(Kind::Server, "/b", &error.into()).code, server, "{error}");
            assert_eq!(explain(Kind::Terminal, "/t", &error.into()).code, terminal, "{error}");
        }
    }

    #[test]
    fn the_sentence_names_the_folder_and_the_cause() {
        let problem =
            explain(Kind::Server, r"D:\Backup", &io::Error::other("cyclic redundancy check (os error 23)"));
        assert_eq!(
            problem.sentence.pt,
            r"Falha ao ler ou gravar na pasta de backup D:\Backup: cyclic redundancy check."
        );
        assert!(of_another(Kind::Terminal, "/t", Some("Loja 2")).sentence.pt.contains("«Loja 2»"));
    }
}
