//! The command line of the tray program.

use crate::cli;
use crate::problem::{Code, Problem, Result};
use crate::words;
use crate::words::Language;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, value_parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// The longest wait before the program comes back, in seconds.
const MOST_AFTER_SECS: u64 = 24 * 3_600;

/// What the program is started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The configuration's file; `None` for the system's place.
    pub config: Option<PathBuf>,
    /// The agent's state folder; `None` for the system's place.
    pub state: Option<PathBuf>,
    /// The reader's language.
    pub language: Language,
    /// Open the window.
    pub show: bool,
    /// Started by the system at logon, not with the store's application.
    pub minimized: bool,
    /// Wait for so many seconds first: a person has closed the program, and it is to come back.
    pub after_secs: u64,
    /// The store's application with its arguments; empty where none is to be run.
    pub with: Vec<OsString>,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Help or version: a text.
    Text(String),
    /// To work.
    Work(Options),
}

/// Reads a command line.
///
/// # Errors
/// [`Code::Usage`].
pub fn parse(args: &[OsString], language: Language) -> Result<Asked> {
    match command(language).try_get_matches_from(args) {
        Ok(mut matches) => Ok(Asked::Work(Options {
            config: matches.remove_one("config"),
            state: matches.remove_one("state"),
            language,
            show: matches.get_flag("show"),
            minimized: matches.get_flag("minimized"),
            after_secs: matches.remove_one("after").unwrap_or_default(),
            with: matches.remove_many("with").map(Iterator::collect).unwrap_or_default(),
        })),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Asked::Text(error.render().to_string()))
        }
        Err(error) => Err(Problem::new(
            Code::Usage,
            cli::sentence_of(&error),
            words!("Veja «dmbackup --help».", "See «dmbackup --help»."),
        )),
    }
}

fn command(language: Language) -> Command {
    let say = |pt: &'static str, en: &'static str| match language {
        Language::Portuguese => pt,
        Language::English => en,
    };
    let file = |id: &'static str, name, help| {
        Arg::new(id).long(id).value_name(name).value_parser(value_parser!(PathBuf)).help(help)
    };
    let flag = |id: &'static str, help| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("dmbackup")
        .version(env!("CARGO_PKG_VERSION"))
        .about(say(
            "Backup de hora em hora, conferido, ao lado do relógio",
            "Hourly, proved backups, beside the clock",
        ))
        .help_template(say("{about}\n\nUso: {usage}\n\n{all-args}", "{about}\n\nUsage: {usage}\n\n{all-args}"))
        .override_usage(say(
            "dmbackup [OPÇÕES] [--with COMANDO [ARGUMENTOS]...]",
            "dmbackup [OPTIONS] [--with COMMAND [ARGUMENTS]...]",
        ))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .next_help_heading(say("Opções", "Options"))
        .arg(file("config", say("ARQUIVO", "FILE"), say("Arquivo de configuração", "Configuration file")))
        .arg(file(
            "state",
            say("PASTA", "FOLDER"),
            say("Pasta de estado do agente", "State folder of the agent"),
        ))
        .arg(
            Arg::new("lang")
                .long("lang")
                .value_name(say("IDIOMA", "LANGUAGE"))
                .value_parser(["pt", "en"])
                .hide_possible_values(true)
                .help(say("Idioma: pt ou en", "Language: pt or en")),
        )
        .arg(flag("show", say("Abre a janela", "Open the window")))
        .arg(flag(
            "minimized",
            say("Início com o Windows: não conta como abertura do sistema da loja", "Start at logon: does not count as the store's application being opened"),
        ))
        .arg(Arg::new("after").long("after").value_parser(value_parser!(u64).range(..=MOST_AFTER_SECS)).hide(true))
        .arg(
            Arg::new("with")
                .long("with")
                .value_name(say("COMANDO", "COMMAND"))
                .num_args(1..)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString))
                .help(say(
                    "Garante o agente, abre o sistema da loja e termina com o código de saída dele; vem por último",
                    "See to the agent, run the store's application and end with its exit code; comes last",
                )),
        )
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help).help(say("Mostra esta ajuda", "Print this help")))
        .arg(Arg::new("version").short('V').long("version").action(ArgAction::Version).help(say("Mostra a versão", "Print the version")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&args, Language::Portuguese)
    }

    fn options(line: &str) -> Options {
        match read(line) {
            Ok(Asked::Work(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_behind_with_belongs_to_the_stores_application() {
        let options = options("dmbackup --state /s --with loja.exe --show -c x=1 --help");
        assert_eq!(options.with, ["loja.exe", "--show", "-c", "x=1", "--help"]);
        assert_eq!(options.state, Some(PathBuf::from("/s")));
        assert!(!options.show);
    }

    #[test]
    fn a_start_says_whether_it_is_an_opening() {
        assert!(!options("dmbackup").minimized);
        assert!(options("dmbackup --minimized --lang en").minimized);
        assert!(options("dmbackup --show").show);
        assert_eq!(options("dmbackup").after_secs, 0);
        assert_eq!(options("dmbackup --minimized --after 3600").after_secs, 3600);
    }

    #[test]
    fn mistakes_and_help_are_told_in_the_readers_language() {
        let problem = read("dmbackup --shwo").unwrap_err();
        assert_eq!(problem.code, Code::Usage);
        assert!(problem.sentence.pt.contains("--shwo") && problem.hint.pt.contains("dmbackup --help"));
        assert!(read("dmbackup --with").is_err());
        let Ok(Asked::Text(help)) = read("dmbackup --help") else { panic!("help is no work") };
        assert!(
            help.starts_with("Backup de hora em hora") && help.contains("Uso: dmbackup [OPÇÕES]"),
            "{help}"
        );
    }
}
