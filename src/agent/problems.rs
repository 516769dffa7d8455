//! What the agent itself tells people that is wrong.

use crate::problem::{Code, Problem};
use crate::slot::Reason;
use crate::slot::extra::NotAReason;
use crate::words;
use crate::words::{Language, duration};
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::path::Path;
use std::time::Duration;

/// The agent ends: it takes nothing on.
pub fn ending() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("O agente está sendo encerrado.", "The agent is ending."),
        words!("Tente de novo quando ele for aberto.", "Try again when it has been started."),
    )
}

/// The run that goes on is being stopped: nothing can join it.
pub fn cancelling() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("O backup em andamento está sendo cancelado.", "The backup that goes on is being cancelled."),
        words!("Aguarde alguns segundos e peça de novo.", "Wait a few seconds and ask again."),
    )
}

/// A run that was stopped before it had begun.
pub fn stopped() -> Problem {
    Problem::new(
        Code::RunCancelled,
        words!("O backup foi interrompido a pedido.", "The backup was stopped on request."),
        words!(
            "Nada foi alterado: os backups anteriores continuam como estavam.",
            "Nothing changed: the earlier backups stay as they were."
        ),
    )
}

/// As many runs as may wait are waiting already.
pub fn too_many_waiting() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("Já há backups demais esperando a vez.", "Too many backups are waiting for their turn."),
        words!("Aguarde o fim deles e peça de novo.", "Wait until they have ended, and ask again."),
    )
}

/// The password is not the date of the agent's day.
pub fn wrong_password(now: DateTime<FixedOffset>) -> Problem {
    let today = now.format("%d/%m/%Y");
    Problem::new(
        Code::AgentPassword,
        words!("Senha incorreta.", "Wrong password."),
        words!(
            "A senha é a data, sem as barras (ddmmaaaa); hoje no servidor: {today}.",
            "The password is the date without its slashes (ddmmyyyy); today on the server: {today}."
        ),
    )
}

/// So many passwords were wrong that the next one has to wait.
pub fn too_many_guesses(wait: Duration) -> Problem {
    let secs = wait.as_secs().max(1);
    Problem::new(
        Code::AgentPassword,
        words!("Senhas incorretas demais.", "Too many wrong passwords."),
        words!("Tente de novo em {secs} segundos.", "Try again in {secs} seconds."),
    )
}

/// The program is not closed while a backup is made, unless somebody says so.
pub fn run_goes_on() -> Problem {
    Problem::new(
        Code::AgentRunGoesOn,
        words!(
            "Um backup está em andamento; o programa continua aberto.",
            "A backup goes on; the program stays open."
        ),
        words!(
            "Aguarde o fim do backup, ou confirme que ele deve ser parado (--stop); ele será refeito quando o programa for aberto.",
            "Wait for its end, or confirm that it is to be stopped (--stop); it is made up when the program starts again."
        ),
    )
}

/// Another deep check was asked for, and goes on or waits.
pub fn another_check() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!(
            "Outra conferência dos backups já foi pedida e ainda não terminou.",
            "Another check of the kept backups was asked for and has not ended."
        ),
        words!(
            "Aguarde o fim dela, ou cancele-a com «dmbackupctl cancel».",
            "Wait for its end, or cancel it with “dmbackupctl cancel”."
        ),
    )
}

/// A folder that is not named from the root on: the agent's own folder means nothing to whoever asks.
pub fn not_absolute(folder: &Path) -> Problem {
    let shown = folder.display();
    Problem::new(
        Code::Usage,
        words!("«{shown}» não é um caminho completo.", "«{shown}» is not a full path."),
        words!(
            "Indique a pasta desde a raiz ou a letra do disco, por exemplo E:\\ ou /media/pendrive.",
            "Name the folder from the root or the drive's letter, such as E:\\ or /media/pendrive."
        ),
    )
}

/// A text that cannot be the reason of an extra copy.
pub fn not_a_reason(why: NotAReason) -> Problem {
    let longest = Reason::LONGEST_CHARS;
    let sentence = match why {
        NotAReason::Empty => words!("Falta o motivo da cópia extra.", "The extra copy needs a reason."),
        NotAReason::TooLong => words!(
            "O motivo da cópia extra tem mais de {longest} letras.",
            "The reason of the extra copy has more than {longest} letters."
        ),
        NotAReason::Control => words!(
            "O motivo da cópia extra tem quebras de linha ou outros caracteres de controle.",
            "The reason of the extra copy has line breaks or other control characters."
        ),
    };
    Problem::new(
        Code::Usage,
        sentence,
        words!(
            "Diga em poucas palavras para que ela é, por exemplo «antes da atualização»; sem dados de clientes.",
            "Say in a few words what it is for, such as «before the update»; without customers' data."
        ),
    )
}

/// A backup goes on: nothing is restored beside it.
pub fn backup_goes_on() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("Um backup está em andamento.", "A backup is being made."),
        words!("Aguarde o fim dele e peça de novo.", "Wait until it has ended, and ask again."),
    )
}

/// A restore goes on already.
pub fn restore_goes_on() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("Uma restauração já está em andamento.", "A restore goes on already."),
        words!("Aguarde o fim dela e peça de novo.", "Wait until it has ended, and ask again."),
    )
}

/// A disk or share that does not answer.
pub fn silent_disk() -> Problem {
    Problem::new(
        Code::FolderIo,
        words!(
            "O disco ou a pasta indicada não responde.",
            "The disk or folder that was named does not answer."
        ),
        words!("Confira se ele está ligado e tente de novo.", "Check that it is connected and try again."),
    )
}

/// There is nothing to stop.
pub fn nothing_to_cancel() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("Nenhum backup está em andamento.", "No backup is being made."),
        words!("Não há nada a cancelar.", "There is nothing to cancel."),
    )
}

/// There is no configuration yet.
pub fn starting() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("O agente ainda está iniciando.", "The agent is still starting."),
        words!("Aguarde alguns segundos e peça de novo.", "Wait a few seconds and ask again."),
    )
}

/// The machine's clock was set back by this much.
pub fn clock_set_back(by: TimeDelta) -> Problem {
    let by = by.to_std().unwrap_or_default();
    let (pt, en) = (duration(by, Language::Portuguese), duration(by, Language::English));
    Problem::new(
        Code::ClockJump,
        words!("O relógio do computador foi atrasado em {pt}.", "The computer's clock was set back by {en}."),
        words!(
            "Confira data e hora; os backups continuam e nada é apagado por causa do relógio.",
            "Check date and time; backups go on and nothing is deleted because of the clock."
        ),
    )
}
