//! Sentences for a backup file that is not good, or that cannot be restored where it was meant to be.

use super::{ServerError, Subject, device};
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::Words;

/// What to do about a backup file that is not good.
pub(super) fn another_backup() -> Words {
    words!(
        "Não use este arquivo; use o backup de outra hora ou de outro dia, e faça um novo agora.",
        "Do not use this file; use the backup of another hour or day, and make a new one now.",
    )
}

/// The problem of a backup file, or `None` for any other error.
pub(super) fn backup_file(number: u32, subject: &Subject) -> Option<Problem> {
    let device = subject.device_shown();
    let (code, sentence) = match number {
        3241 => (
            Code::BackupNotABackup,
            words!(
                "O arquivo «{device}» não é um backup que o SQL Server consiga ler.",
                "The file “{device}” is not a backup that SQL Server can read.",
            ),
        ),
        3242 => (
            Code::BackupNotABackup,
            words!(
                "O arquivo «{device}» não está no formato de backup do SQL Server.",
                "The file “{device}” is not in the format of SQL Server's backups.",
            ),
        ),
        3254 => (
            Code::BackupNotABackup,
            words!(
                "O arquivo «{device}» está vazio: não há nenhum backup nele.",
                "The file “{device}” is empty: there is no backup in it.",
            ),
        ),
        3256 => (
            Code::BackupTruncated,
            words!(
                "O backup em «{device}» está incompleto: foi interrompido enquanto era feito.",
                "The backup in “{device}” is incomplete: it was stopped while it was made.",
            ),
        ),
        3132 => (
            Code::BackupStripe,
            words!(
                "O arquivo «{device}» é só uma das partes de um backup dividido em vários arquivos.",
                "The file “{device}” is only one part of a backup that was split into several files.",
            ),
        ),
        3183 => (
            Code::BackupDamaged,
            words!(
                "O arquivo de backup «{device}» tem uma página danificada.",
                "The backup file “{device}” has a damaged page.",
            ),
        ),
        3189 => (
            Code::BackupDamaged,
            words!(
                "O arquivo de backup «{device}» está danificado.",
                "The backup file “{device}” is damaged."
            ),
        ),
        3154 => (
            Code::BackupOtherDatabase,
            words!(
                "O arquivo «{device}» é o backup de outro banco de dados.",
                "The file “{device}” is the backup of another database.",
            ),
        ),
        _ => return None,
    };
    Some(Problem::new(code, sentence, another_backup()))
}

/// The problem of a restore that finds no room for its files, or `None` for any other error.
pub(super) fn no_room(error: &ServerError, subject: &Subject) -> Option<Problem> {
    let (server, database) = (&subject.server, subject.database_shown());
    let (code, sentence, hint) = match error.number {
        3257 => (
            Code::SpaceForeseen,
            words!(
                "O banco restaurado não cabe no disco de dados do SQL Server {server}.",
                "The restored database does not fit on the data disk of SQL Server {server}.",
            ),
            words!(
                "Libere espaço nesse disco e tente de novo; nada foi alterado.",
                "Free space on that disk and try again; nothing was touched.",
            ),
        ),
        1101 | 1105 => (
            Code::SpaceFull,
            words!(
                "O SQL Server {server} não tem mais espaço para o banco de dados «{database}» no disco de dados dele.",
                "SQL Server {server} has no more room for the database “{database}” on its data disk.",
            ),
            words!("Libere espaço nesse disco e tente de novo.", "Free space on that disk and try again."),
        ),
        5149 if device::is_full(&error.message) => (
            Code::SpaceFull,
            words!(
                "O disco de dados do SQL Server {server} encheu enquanto um arquivo do banco de dados «{database}» crescia.",
                "The data disk of SQL Server {server} became full while a file of the database “{database}” grew.",
            ),
            words!("Libere espaço nesse disco e tente de novo.", "Free space on that disk and try again."),
        ),
        _ => return None,
    };
    Some(Problem::new(code, sentence, hint))
}

/// The problem of a restore that the server refuses, or `None` for any other error.
pub(super) fn restore_target(number: u32, subject: &Subject) -> Option<Problem> {
    let (server, database, device) = (&subject.server, subject.database_shown(), subject.device_shown());
    let (sentence, hint) = match number {
        3169 => (
            words!(
                "O backup «{device}» foi feito em um SQL Server mais novo que {server} e não pode ser restaurado nele.",
                "The backup “{device}” was made by a SQL Server newer than {server} and cannot be restored there.",
            ),
            words!(
                "Restaure em um SQL Server da mesma versão ou mais novo.",
                "Restore it on a SQL Server of the same version or a newer one.",
            ),
        ),
        3159 => (
            words!(
                "O final do log do banco de dados «{database}» ainda não está em nenhum backup e seria perdido.",
                "The tail of the log of the database “{database}” is in no backup yet and would be lost.",
            ),
            words!(
                "Faça antes um backup do log, ou restaure com outro nome, ao lado do banco atual.",
                "Back up the log first, or restore under another name, beside the present database.",
            ),
        ),
        1827 => (
            words!(
                "O banco restaurado passaria do tamanho que esta edição do SQL Server aceita.",
                "The restored database would be larger than this edition of SQL Server allows.",
            ),
            words!(
                "Restaure em um SQL Server de outra edição, ou chame o suporte.",
                "Restore it on a SQL Server of another edition, or call support.",
            ),
        ),
        1801 => (
            words!(
                "Já existe um banco de dados «{database}» no SQL Server {server}.",
                "There is a database “{database}” in SQL Server {server} already.",
            ),
            words!("Espere um segundo e tente de novo.", "Wait a second and try again."),
        ),
        5133 | 5110 | 5120 | 5123 => (
            words!(
                "O SQL Server não consegue criar um arquivo do banco restaurado na pasta dele.",
                "SQL Server cannot make a file of the restored database in its folder.",
            ),
            words!(
                "Confira a pasta padrão de dados do SQL Server, as permissões e o espaço nela.",
                "Check the default data folder of SQL Server, its rights and its space.",
            ),
        ),
        1834 => (
            words!(
                "Um dos arquivos do banco restaurado já é usado por outro banco de dados.",
                "One of the files of the restored database is already used by another database.",
            ),
            words!(
                "Escolha outro nome ou outra pasta para o banco restaurado.",
                "Choose another name or folder for the restored database."
            ),
        ),
        3156 => (
            words!(
                "Um arquivo do banco não pode ser restaurado no lugar de onde veio.",
                "A file of the database cannot be restored to the place it came from.",
            ),
            words!(
                "Escolha outra pasta para os arquivos do banco restaurado.",
                "Choose another folder for the files of the restored database."
            ),
        ),
        3234 => (
            words!(
                "O backup «{device}» não contém um dos arquivos pedidos do banco.",
                "The backup “{device}” does not hold one of the database's files that were asked for.",
            ),
            words!(
                "Leia de novo a lista de arquivos do backup.",
                "Read the list of the backup's files again."
            ),
        ),
        _ => return None,
    };
    Some(Problem::new(Code::RestoreRefused, sentence, hint))
}
