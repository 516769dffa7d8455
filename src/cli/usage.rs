//! What is wrong with the command line, in the reader's words.

use super::help;
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::{Language, Words};
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What clap makes of a command line that is no command.
#[derive(Debug)]
pub enum Refused {
    /// Help or version was asked for.
    Shown(String),
    /// It is wrong.
    Wrong(Problem),
}

/// Reads clap's error.
pub fn explain(error: &clap::Error, language: Language) -> Refused {
    let kind = error.kind();
    if matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Refused::Shown(help::rendered(&error.render().to_string(), language));
    }
    Refused::Wrong(problem(sentence(kind, error)))
}

/// A command line that is wrong in this way.
pub fn problem(sentence: Words) -> Problem {
    let hint = words!("Veja «dmbackupctl help».", "See “dmbackupctl help”.");
    Problem::new(Code::Usage, sentence, hint)
}

/// What is wrong.
pub fn sentence(kind: ErrorKind, error: &clap::Error) -> Words {
    let told = |kind| error.get(kind).map(text).unwrap_or_default();
    let arg = told(ContextKind::InvalidArg);
    match kind {
        ErrorKind::InvalidSubcommand => {
            let name = told(ContextKind::InvalidSubcommand);
            words!("Não existe o comando «{name}».", "There is no command “{name}”.")
        }
        ErrorKind::UnknownArgument => {
            words!("O argumento «{arg}» não é conhecido aqui.", "The argument “{arg}” is not known here.")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = told(ContextKind::InvalidValue);
            if value.is_empty() {
                words!("Falta o valor de «{arg}».", "“{arg}” needs a value.")
            } else {
                words!("«{value}» não serve para «{arg}».", "“{value}” will not do for “{arg}”.")
            }
        }
        ErrorKind::MissingRequiredArgument => {
            words!("Falta o argumento «{arg}».", "The argument “{arg}” is missing.")
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            words!("Falta o comando.", "The command is missing.")
        }
        ErrorKind::ArgumentConflict => {
            let other = told(ContextKind::PriorArg);
            words!("«{arg}» não combina com «{other}».", "“{arg}” does not go with “{other}”.")
        }
        ErrorKind::InvalidUtf8 => {
            words!("Um argumento não é texto (UTF-8).", "An argument is not text (UTF-8).")
        }
        ErrorKind::NoEquals
        | ErrorKind::TooManyValues
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::Io
        | ErrorKind::Format
        | _ => {
            let text = error.kind().as_str().unwrap_or("?");
            words!("Linha de comando errada ({text}).", "The command line is wrong ({text}).")
        }
    }
}

fn text(value: &ContextValue) -> String {
    if let ContextValue::Strings(list) = value { list.join(" ") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(line: &str) -> String {
        let command = help::command(Language::Portuguese);
        let error = command.try_get_matches_from(line.split(' ')).unwrap_err();
        match explain(&error, Language::Portuguese) {
            Refused::Wrong(problem) => {
                assert_eq!(problem.exit() as u8, 2);
                problem.sentence.pt
            }
            Refused::Shown(text) => panic!("{text}"),
        }
    }

    #[test]
    fn mistakes_are_told_in_portuguese() {
        assert_eq!(wrong("dmbackupctl"), "Falta o comando.");
        assert_eq!(wrong("dmbackupctl estatus"), "Não existe o comando «estatus».");
        assert_eq!(wrong("dmbackupctl status --wach"), "O argumento «--wach» não é conhecido aqui.");
        assert_eq!(wrong("dmbackupctl journal --limit x"), "«x» não serve para «--limit <NÚMERO>».");
        assert_eq!(wrong("dmbackupctl inspect"), "Falta o argumento «<ARQUIVO>».");
        assert_eq!(wrong("dmbackupctl --lang"), "Falta o valor de «--lang <IDIOMA>».");
        assert!(wrong("dmbackupctl grant").starts_with("Falta o argumento"));
    }

    #[test]
    fn help_and_version_are_no_mistakes() {
        for line in ["dmbackupctl --help", "dmbackupctl status -h", "dmbackupctl -V"] {
            let command = help::command(Language::Portuguese);
            let error = command.try_get_matches_from(line.split(' ')).unwrap_err();
            assert!(matches!(explain(&error, Language::Portuguese), Refused::Shown(_)), "{line}");
        }
    }
}
