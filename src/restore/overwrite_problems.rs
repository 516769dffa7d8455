//! What can be wrong with a restore over the live database, in the words that people read.

use super::record::{Over, Overwrite};
use crate::problem::{Code, Problem};
use crate::words;

/// More tables than these are not named.
const NAMED: usize = 5;

/// There is room for the better way.
pub(super) fn room_for_both(live: &str) -> Problem {
    Problem::new(
        Code::RestoreRefused,
        words!(
            "Há espaço para os dois bancos: não é preciso restaurar por cima de «{live}».",
            "There is room for both databases: “{live}” need not be overwritten.",
        ),
        words!(
            "Use «restore --replace» sem --overwrite: o banco atual fica guardado até a conferência, e volta com «--undo» na hora. Nada foi alterado.",
            "Use “restore --replace” without --overwrite: the present database is kept until the checklist is ticked, and “--undo” returns to it at once. Nothing was touched.",
        ),
    )
}

/// There is no database to overwrite.
pub(super) fn nothing_there(live: &str) -> Problem {
    Problem::new(
        Code::RestoreRefused,
        words!(
            "O banco de dados «{live}» não existe: não há o que sobrescrever.",
            "The database “{live}” does not exist: there is nothing to overwrite.",
        ),
        words!(
            "Use «restore --replace» sem --overwrite: o backup é restaurado com o nome dele.",
            "Use “restore --replace” without --overwrite: the backup is restored under its name.",
        ),
    )
}

/// Somebody worked in the database after the safety backup had begun.
pub(super) fn changed_meanwhile(live: &str, tables: &[&str]) -> Problem {
    let named = tables.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if tables.len() > NAMED { ", …" } else { "" };
    Problem::new(
        Code::DatabaseBusy,
        words!(
            "Alguém trabalhou no banco de dados «{live}» depois que o backup de segurança começou, e isso se perderia: {named}{more}.",
            "Somebody worked in the database “{live}” after the safety backup had begun, and that would be lost: {named}{more}.",
        ),
        words!(
            "Feche o sistema em todos os computadores e restaure de novo. Nada foi alterado.",
            "Close the application on every computer and restore again. Nothing was touched.",
        ),
    )
}

/// An overwriting was cut short.
pub(super) fn unfinished(over: &Overwrite) -> Problem {
    let Overwrite { live, safety, .. } = over;
    let safety = safety.display();
    let sentence = match over.standing {
        Over::Undoing => words!(
            "A volta de «{live}» ao backup de segurança foi interrompida: o banco pode estar pela metade, fora do ar ou com os dados errados.",
            "The return of “{live}” to the safety backup was cut short: the database may be half-made, closed, or hold the wrong data.",
        ),
        Over::Defective => words!(
            "O banco de dados «{live}» tem erros desde que um backup foi restaurado por cima dele.",
            "The database “{live}” has errors since a backup was restored over it.",
        ),
        Over::Ready | Over::Overwriting | Over::Overwritten => words!(
            "A restauração por cima do banco de dados «{live}» foi interrompida: ele pode estar pela metade, fora do ar ou com os dados errados.",
            "The restore over the database “{live}” was cut short: it may be half-made, closed, or hold the wrong data.",
        ),
    };
    Problem::new(
        Code::RestoreInterrupted,
        sentence,
        words!(
            "Não use o sistema. «dmbackupctl restore --resume» restaura o backup de novo; «dmbackupctl restore --undo» traz o banco de antes, do backup de segurança {safety}.",
            "Do not use the system. “dmbackupctl restore --resume” restores the backup once more; “dmbackupctl restore --undo” brings back what was there, from the safety backup {safety}.",
        ),
    )
}

/// CHECKDB found something wrong in the database that was overwritten.
pub(super) fn defects(live: &str, found: usize) -> Problem {
    Problem::new(
        Code::RestoreDamaged,
        words!(
            "O backup foi restaurado por cima de «{live}», mas a conferência do SQL Server (DBCC CHECKDB) encontrou {found} erro(s).",
            "The backup was restored over “{live}”, but the check of SQL Server (DBCC CHECKDB) found {found} error(s).",
        ),
        words!(
            "Não use o sistema. «dmbackupctl restore --undo» traz de volta o banco de antes; depois restaure o backup de outra hora.",
            "Do not use the system. “dmbackupctl restore --undo” brings back what was there; then restore the backup of another hour.",
        ),
    )
}
