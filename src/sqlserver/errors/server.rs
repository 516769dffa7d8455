//! The server's own error numbers as sentences. Facts: `sys.messages` and «Errors worth a sentence of their own» of the
//! project's page on SQL Server. What stands in a text of the server is used only where a person can use it.

use super::{ServerError, Subject, database, device, file, login};
use crate::problem::{Code, Problem};
use crate::sqlserver::statements::identifier;
use crate::words;

/// The problem of an error of the server.
pub(super) fn problem(error: &ServerError, subject: &Subject) -> Problem {
    device::problem(error, subject)
        .or_else(|| login::login(error.number, subject))
        .or_else(|| login::rights(error, subject))
        .or_else(|| database::unavailable(error.number, subject))
        .or_else(|| database::damage(error, subject))
        .or_else(|| database::busy(error.number, subject))
        .or_else(|| file::backup_file(error.number, subject))
        .or_else(|| file::no_room(error, subject))
        .or_else(|| file::restore_target(error.number, subject))
        .or_else(|| stopped(error.number, subject))
        .unwrap_or_else(|| unknown(error))
}

/// A name in brackets for a T-SQL line that a person is to run; as it is where it cannot be quoted.
pub(super) fn bracketed(name: &str) -> String {
    identifier(name).unwrap_or_else(|_| name.to_owned())
}

fn stopped(number: u32, subject: &Subject) -> Option<Problem> {
    let (server, database) = (&subject.server, subject.database_shown());
    let again = words!(
        "O programa tenta de novo sozinho; se acontecer outra vez, envie o registro (log) ao suporte.",
        "The program tries again by itself; if it happens again, send the log to support.",
    );
    let (code, sentence, hint) = match number {
        3204 => (
            Code::SqlKilled,
            words!(
                "O SQL Server interrompeu a operação com o banco de dados «{database}» antes do fim.",
                "SQL Server aborted the operation on the database “{database}” before its end.",
            ),
            again,
        ),
        596 => (
            Code::SqlKilled,
            words!(
                "A sessão deste programa foi encerrada dentro do SQL Server {server} (comando KILL).",
                "This program's session was ended inside SQL Server {server} (command KILL).",
            ),
            again,
        ),
        6005 | 17142 | 17187 | 18401 | 18451 => (
            Code::SqlUnreachable,
            words!(
                "O SQL Server {server} está iniciando ou sendo encerrado e ainda não atende.",
                "SQL Server {server} is starting or shutting down and does not serve yet.",
            ),
            words!(
                "Espere alguns minutos; o programa tenta de novo sozinho.",
                "Wait a few minutes; the program tries again by itself."
            ),
        ),
        3021 => (
            Code::SqlError,
            words!(
                "O SQL Server não faz backup nem restauração dentro de uma transação.",
                "SQL Server neither backs up nor restores inside a transaction.",
            ),
            words!(
                "Desligue a opção «implicit transactions» do servidor para este login e envie o registro (log) ao suporte.",
                "Turn off the server's option “implicit transactions” for this login and send the log to support.",
            ),
        ),
        3013 | 3041 => (
            Code::SqlError,
            words!(
                "O SQL Server não concluiu o backup do banco de dados «{database}».",
                "SQL Server did not complete the backup of the database “{database}”.",
            ),
            words!(
                "O motivo está no registro de erros do SQL Server e no Visualizador de Eventos da máquina dele.",
                "The reason is in the error log of SQL Server and in the Event Viewer of its machine.",
            ),
        ),
        1844 => (
            Code::SqlError,
            words!(
                "Esta edição do SQL Server não comprime backups.",
                "This edition of SQL Server does not compress backups.",
            ),
            words!(
                "Desligue a compressão padrão com: EXEC sp_configure 'backup compression default', 0; RECONFIGURE;",
                "Turn the default compression off with: EXEC sp_configure 'backup compression default', 0; RECONFIGURE;",
            ),
        ),
        _ => return None,
    };
    Some(Problem::new(code, sentence, hint))
}

fn unknown(error: &ServerError) -> Problem {
    const SHOWN_CHARACTERS: usize = 300;
    let number = error.number;
    let text: String = error
        .message
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(SHOWN_CHARACTERS)
        .collect();
    Problem::new(
        Code::SqlError,
        words!(
            "O SQL Server recusou a operação com o erro {number}: «{text}»",
            "SQL Server refused the operation with error {number}: “{text}”",
        ),
        words!(
            "Se o erro continuar, envie o registro (log) ao suporte.",
            "If the error goes on, send the log to support.",
        ),
    )
}
