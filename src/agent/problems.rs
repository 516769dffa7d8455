//! What the agent itself tells people that is wrong.

use crate::problem::{Code, Problem};
use crate::words;
use crate::words::{Language, duration};
use chrono::TimeDelta;

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
