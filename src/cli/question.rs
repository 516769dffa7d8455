//! What is asked of a person at a terminal. Where there is none, nothing is asked.

use super::printer::Printer;
use crate::words::{Language, Words};
use std::io::{BufRead, IsTerminal};

/// Whether somebody can be asked: a person reads what is printed, and types what is read.
pub fn can_ask(printer: &Printer) -> bool {
    !printer.is_json() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and whether the answer is yes. No answer is no.
pub fn is_confirmed(question: &Words, printer: &mut Printer) -> bool {
    let language = printer.language();
    let keys = match language {
        Language::Portuguese => "[s/N]",
        Language::English => "[y/N]",
    };
    printer.clear();
    printer.complain(&format!("{} {keys}", question.get(language)));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && is_yes(&answer)
}

fn is_yes(answer: &str) -> bool {
    ["s", "sim", "y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for yes in ["s\n", "Sim\r\n", " y ", "YES"] {
            assert!(is_yes(yes), "{yes}");
        }
        for no in ["", "\n", "n", "não", "talvez", "ss"] {
            assert!(!is_yes(no), "{no}");
        }
    }
}
