//! The tray program: it stays beside the clock (DM1, DM2), holds the agent unless another process does, and shows what the
//! agent says of itself. It is a client even of the agent in its own process.
//!
//! [`view`] says what is to be seen and [`icon`](crate::icon) draws it, both pure; [`keeper`] keeps an agent at work and listens to it;
//! [`act`] does what people choose; `notices` shows what the agent tells people; [`companion`] runs the store's application (`--with`);
//! `opening` tells the agent of it; `bar` knows double clicks and missing trays; `back` waits to come back after a closing.

mod act;
pub mod args;
mod back;
mod bar;
mod companion;
mod keeper;
mod notices;
mod opening;
mod program;
pub mod view;

use crate::cli;
use crate::platform::{self, Level};
use crate::problem::{Code, Exit, Problem};
use crate::words;
use crate::words::Language;
use args::Asked;
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what the command line says; the exit code tells what came of it.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let language = cli::language(&args);
    let done = match args::parse(&args, language) {
        Ok(Asked::Text(text)) => {
            platform::tell(Level::Information, text.trim_end());
            Ok(Exit::Success)
        }
        Ok(Asked::Work(options)) if !options.with.is_empty() => {
            return companion::run(&options).unwrap_or_else(|problem| refuse(&problem, language));
        }
        Ok(Asked::Work(options)) => program::run(options),
        Err(problem) => Err(problem),
    };
    done.map_or_else(|problem| refuse(&problem, language), |exit| ExitCode::from(exit as u8))
}

fn refuse(problem: &Problem, language: Language) -> ExitCode {
    platform::tell(Level::Error, &problem.text(language));
    ExitCode::from(problem.exit() as u8)
}

/// There is no screen for this program.
fn no_display() -> Problem {
    Problem::new(
        Code::NoDisplay,
        words!(
            "Não há tela aqui: o DMBackup fica ao lado do relógio e precisa de um ambiente gráfico.",
            "There is no screen here: DMBackup stays beside the clock and needs a desktop."
        ),
        words!(
            "Sem tela, execute «dmbackupctl run»; ele faz os mesmos backups.",
            "Without a screen run «dmbackupctl run»; it makes the same backups."
        ),
    )
}
