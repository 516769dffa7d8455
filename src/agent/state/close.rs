//! The end of the program by a person's wish (DM4), and the opening of the store's application (DM22).

use super::{Stage, State, Work};
use crate::agent::effect::Effect;
use crate::agent::input::{Now, Ticket};
use crate::agent::status::OpenedView;
use crate::agent::{password, problems};
use crate::config::Terminal;
use crate::control::protocol::{Reply, Typed};
use crate::cycle::catalogue::{Check, CheckId};
use crate::cycle::probe;
use crate::journal::EventKind;
use crate::problem::Problem;
use crate::words;
use crate::words::Words;

impl State {
    /// Ends the agent where the password is right, and a run that goes on may be stopped.
    pub(super) fn quit(
        &mut self,
        typed: &Typed,
        stop_run: bool,
        ticket: Ticket,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) {
        let refused = if self.stage == Stage::Stopping {
            None
        } else {
            self.refuse_to_quit(typed, stop_run, now, effects)
        };
        match refused {
            Some(problem) => effects.push(Effect::Answer(ticket, Reply::Refused { problem })),
            None => {
                effects.push(Effect::Answer(ticket, Reply::Done));
                if self.stage != Stage::Stopping {
                    note(words!("fechar: senha correta", "close: the password is right"), effects);
                    self.closed = true;
                    self.shut_down(now, effects);
                }
            }
        }
    }

    fn refuse_to_quit(
        &mut self,
        typed: &Typed,
        stop_run: bool,
        now: &Now,
        effects: &mut Vec<Effect>,
    ) -> Option<Problem> {
        if let Some(wait) = self.guesses.wait(now.steady) {
            let text = words!(
                "fechar: tentativa recusada, senhas incorretas demais",
                "close: the attempt is refused, too many wrong passwords"
            );
            note(text, effects);
            return Some(problems::too_many_guesses(wait));
        }
        if !password::is_right(typed.expose(), now.wall, &now.zone) {
            self.guesses.note_wrong(now.steady);
            note(words!("fechar: senha incorreta", "close: wrong password"), effects);
            return Some(problems::wrong_password(now.wall));
        }
        self.guesses.forget();
        let running = matches!(self.work, Work::Running(_))
            || (matches!(self.work, Work::Restoring(_)) && !self.is_testing())
            || !self.waiting.is_empty();
        if running && !stop_run {
            let text = words!(
                "fechar: senha correta, mas um backup está em andamento",
                "close: the password is right, but a backup goes on"
            );
            note(text, effects);
            return Some(problems::run_goes_on());
        }
        None
    }

    /// The store's application was opened: whoever opened it is told where the data are on one machine only.
    pub(super) fn opened(&mut self, now: &Now, effects: &mut Vec<Effect>) -> Reply {
        let notice = self.one_machine_only();
        if let Some(problem) = &notice {
            self.say(problem.sentence.clone(), false, effects);
        }
        self.opened = Some(OpenedView { at: now.wall, notice: notice.clone() });
        Reply::Opened { notice }
    }

    /// Where the application starts the agent, it was opened before the first look at the world: only now it is known what
    /// its user is to be told.
    pub(super) fn look_at_opening_again(&mut self, effects: &mut Vec<Effect>) {
        let Some(at) = self.opened.as_ref().filter(|opened| opened.notice.is_none()).map(|opened| opened.at)
        else {
            return;
        };
        if let Some(problem) = self.one_machine_only() {
            self.say(problem.sentence.clone(), false, effects);
            self.opened = Some(OpenedView { at, notice: Some(problem) });
        }
    }

    fn one_machine_only(&self) -> Option<Problem> {
        match self.in_force.as_ref()?.config.terminal {
            Terminal::LocalOnly => Some(probe::local_only()),
            Terminal::Folder { .. } => {
                let apart = Check::of(CheckId::TerminalApart).name;
                self.health
                    .everything()
                    .into_iter()
                    .find(|check| check.id == apart)
                    .map(|check| check.problem)
            }
        }
    }
}

fn note(text: Words, effects: &mut Vec<Effect>) {
    effects.push(Effect::Note(EventKind::Password, text));
}
