//! What can be wrong with an archive, in the words that people read. Causes go to the log.

use crate::problem::{Code, Problem};
use crate::words;
use crate::words::Words;
use std::io;

/// Reading the dump failed.
pub(super) fn source_failed(path: &str, cause: &io::Error) -> Problem {
    tracing::error!(path, %cause, "the dump cannot be read");
    Problem::new(
        Code::FolderIo,
        words!("Falha ao ler o arquivo «{path}»: {cause}.", "Reading the file “{path}” failed: {cause}."),
        words!(
            "Verifique o disco dessa pasta; os backups já feitos não foram alterados.",
            "Check the disk of that folder; the backups made so far were not touched."
        ),
    )
}

/// Writing the zip failed.
pub(super) fn sink_failed(path: &str, cause: &io::Error) -> Problem {
    tracing::error!(path, %cause, "the zip cannot be written");
    if matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Problem::new(
            Code::SpaceFull,
            words!(
                "O disco encheu enquanto «{path}» era gravado.",
                "The disk became full while “{path}” was being written."
            ),
            words!(
                "Libere espaço nesse disco; os backups já feitos não foram alterados.",
                "Free some space on that disk; the backups made so far were not touched."
            ),
        );
    }
    Problem::new(
        Code::FolderIo,
        words!("Falha ao gravar o arquivo «{path}»: {cause}.", "Writing the file “{path}” failed: {cause}."),
        words!(
            "Verifique o disco e as permissões dessa pasta; os backups já feitos não foram alterados.",
            "Check the disk and the permissions of that folder; the backups made so far were not touched."
        ),
    )
}

/// Somebody stopped the work.
pub(super) fn cancelled() -> Problem {
    Problem::new(
        Code::RunCancelled,
        words!("O trabalho foi interrompido a pedido.", "The work was stopped on request."),
        words!("Nenhum backup já feito foi alterado.", "No backup made so far was touched."),
    )
}

/// What was compressed does not inflate to what was read.
pub(super) fn mismatch() -> Problem {
    tracing::error!("a compressed block does not inflate to what was read");
    Problem::new(
        Code::ArchiveMismatch,
        words!(
            "O conteúdo compactado não confere com o que foi lido: a memória ou o processador desta máquina falhou.",
            "What was compressed is not what was read: this machine's memory or processor is at fault."
        ),
        words!(
            "Reinicie a máquina e faça outro backup; se repetir, mande testar a memória (RAM).",
            "Restart the machine and make another backup; if it happens again, have its memory (RAM) tested."
        ),
    )
}

/// The file that is read fails as such: its disk, its network.
pub(super) fn unreadable(cause: &io::Error) -> Problem {
    // Readers of zips and of their contents report damage as these kinds; the rest is the medium.
    if matches!(
        cause.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
    ) {
        tracing::warn!(%cause, "damaged archive");
        return damaged(&words!("o conteúdo não confere ({cause})", "its content is not right ({cause})"));
    }
    tracing::error!(%cause, "an archive cannot be read");
    Problem::new(
        Code::FolderIo,
        words!("Falha ao ler o backup: {cause}.", "Reading the backup failed: {cause}."),
        words!("Verifique o disco ou a rede onde ele está.", "Check the disk or the network where it is."),
    )
}

/// The zip is damaged or none of ours; `what` goes on after a colon.
pub(super) fn damaged(what: &Words) -> Problem {
    let Words { pt, en } = what;
    Problem::new(
        Code::ArchiveDamaged,
        words!("O arquivo de backup está danificado: {pt}.", "The backup file is damaged: {en}."),
        words!(
            "Não restaure a partir dele: use o de outra hora, de outro dia ou a cópia do outro computador.",
            "Do not restore from it: use that of another hour, of another day, or the copy on the other computer."
        ),
    )
}
