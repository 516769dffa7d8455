//! «Atualizar IP» (DM23) as it is seen: why it is off, that it goes on, old and new.

use super::ui::Mood;
use crate::cli;
use crate::control::link::Link;
use crate::head_office::{self, AddressReport};
use crate::problem::Result;
use crate::words;
use crate::words::Language;

/// What became of the last press of the button.
#[derive(Debug, Default)]
pub struct Address {
    busy: bool,
    answer: Option<Result<AddressReport>>,
}

impl Address {
    /// It was pressed.
    pub fn ask(&mut self) {
        *self = Self { busy: true, answer: None };
    }

    /// The agent has answered.
    pub fn answered(&mut self, answer: Result<AddressReport>) {
        *self = Self { busy: false, answer: Some(answer) };
    }

    /// Whether it goes on.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// What is shown below the buttons; `None` before the first press.
    pub fn shown(&self, language: Language) -> Option<(Mood, String)> {
        if self.busy {
            let line = words!("Enviando o IP à matriz…", "Sending the address to the head office…");
            return Some((Mood::Working, line.get(language).to_owned()));
        }
        Some(match self.answer.as_ref()? {
            Ok(report) => (Mood::Well, cli::head_office::lines(report, language).join("\n")),
            Err(problem) => (Mood::Failed, problem.text(language)),
        })
    }
}

/// Why the button cannot be pressed; empty where it can, and where no agent is reached.
pub fn off(link: &Link, language: Language) -> String {
    let Some(status) = link.status().filter(|status| status.head_office.is_none()) else {
        return String::new();
    };
    if status.configuration.in_force {
        return head_office::not_configured().text(language);
    }
    let words = words!(
        "«Atualizar IP» espera uma configuração válida; veja em «Config. APP» o que falta.",
        "«Update IP» waits for a valid configuration; see under «Configuration» what is missing."
    );
    words.get(language).to_owned()
}
