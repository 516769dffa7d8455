//! The command line of the window's program. People start it from the icon beside the clock; these words are between programs.

use super::ui::Page;
use crate::cli;
use crate::problem::{Code, Problem, Result};
use crate::words;
use crate::words::Language;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, value_parser};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the window is opened for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The name of a page; another one opens the first.
    pub page: String,
    /// Something to be told; empty as a rule.
    pub message: String,
}

impl Wish {
    /// The page.
    pub fn page(&self) -> Page {
        match self.page.as_str() {
            "journal" => Page::Journal,
            "config" => Page::Config,
            "restore" => Page::Restore,
            "manual" => Page::Manual,
            "about" => Page::About,
            "close" => Page::Close,
            _ => Page::Home,
        }
    }
}

/// What a start of the program is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The agent's state folder; `None` for the system's place.
    pub state: Option<PathBuf>,
    /// What to open.
    pub wish: Wish,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Help or version: a text.
    Text(String),
    /// A window.
    Window(Options),
}

/// Reads a command line.
///
/// # Errors
/// [`Code::Usage`].
pub fn parse(args: &[OsString], language: Language) -> Result<Asked> {
    match command(language).try_get_matches_from(args) {
        Ok(mut matches) => {
            let page = matches.remove_one("page").unwrap_or_else(|| "home".to_owned());
            let message = matches.remove_one("message").unwrap_or_default();
            Ok(Asked::Window(Options { state: matches.remove_one("state"), wish: Wish { page, message } }))
        }
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Asked::Text(error.render().to_string()))
        }
        Err(error) => Err(Problem::new(
            Code::Usage,
            cli::sentence_of(&error),
            words!("Veja «dmbackup-window --help».", "See «dmbackup-window --help»."),
        )),
    }
}

fn command(language: Language) -> Command {
    let say = |pt: &'static str, en: &'static str| match language {
        Language::Portuguese => pt,
        Language::English => en,
    };
    let path = |id: &'static str, name, help| {
        Arg::new(id).long(id).value_name(name).value_parser(value_parser!(PathBuf)).help(help)
    };
    let text = |id: &'static str, name, help| Arg::new(id).long(id).value_name(name).help(help);
    Command::new("dmbackup-window")
        .version(env!("CARGO_PKG_VERSION"))
        .about(say("A janela «Gerenciador de Backup»", "The window «Gerenciador de Backup»"))
        .help_template(say(
            "{about}\n\nUso: {usage}\n\n{all-args}",
            "{about}\n\nUsage: {usage}\n\n{all-args}",
        ))
        .override_usage(say("dmbackup-window [OPÇÕES]", "dmbackup-window [OPTIONS]"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .next_help_heading(say("Opções", "Options"))
        .arg(path("config", say("ARQUIVO", "FILE"), say("Aceito e não usado", "Taken and not used")))
        .arg(path(
            "state",
            say("PASTA", "FOLDER"),
            say("Pasta de estado do agente", "State folder of the agent"),
        ))
        .arg(
            text("lang", say("IDIOMA", "LANGUAGE"), say("Idioma: pt ou en", "Language: pt or en"))
                .value_parser(["pt", "en"])
                .hide_possible_values(true),
        )
        .arg(text(
            "page",
            say("PÁGINA", "PAGE"),
            say(
                "home, journal, config, manual, restore, about ou close",
                "home, journal, config, manual, restore, about or close",
            ),
        ))
        .arg(text("message", say("TEXTO", "TEXT"), say("Um aviso a mostrar", "Something to be told")))
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help(say("Mostra esta ajuda", "Print this help")),
        )
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help(say("Mostra a versão", "Print the version")),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&args, Language::Portuguese)
    }

    #[test]
    fn a_start_says_what_it_wants_to_see() {
        let Ok(Asked::Window(options)) = read("dmbackup-window --config x --state /s --page close --lang en")
        else {
            panic!("a window is asked for")
        };
        assert_eq!(options.state, Some(PathBuf::from("/s")));
        assert_eq!(options.wish.page(), Page::Close);
        let Ok(Asked::Window(plain)) = read("dmbackup-window") else { panic!("a window is asked for") };
        assert_eq!(plain.wish.page(), Page::Home);
        assert!(matches!(read("dmbackup-window --help"), Ok(Asked::Text(_))));
        assert_eq!(read("dmbackup-window --pgae x").unwrap_err().code, Code::Usage);
    }

    #[test]
    fn a_page_of_another_version_opens_the_first() {
        let wish = Wish { page: "later".to_owned(), message: String::new() };
        assert_eq!(wish.page(), Page::Home);
    }
}
