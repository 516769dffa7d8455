//! The command line: a client of the agent, and (`run`) the agent without a desktop.

mod alert;
mod args;
mod backup;
mod check;
mod completions;
mod config;
mod console;
mod exit_codes;
mod grant;
pub mod head_office;
mod help;
mod inspect;
mod lists;
mod man;
mod printer;
mod question;
mod quit;
pub mod report;
pub mod restore;
mod run;
mod status;
mod support;
mod usage;
mod verify;
pub mod version;

use crate::problem::{Exit, Problem, Result};
use crate::words;
use crate::words::{Language, Words};
use args::{Cli, Verb};
use clap::FromArgMatches;
use printer::Printer;
use std::ffi::OsString;
use std::process::ExitCode;
use usage::Refused;

/// The environment variable with the language, where `--lang` does not say it.
const LANGUAGE_VARIABLE: &str = "DMBACKUP_LANG";

/// Does what the command line says; the exit code tells what came of it.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let language = language(&args);
    let json = args.iter().any(|arg| arg == "--json");
    let mut printer = Printer::standard(language, json);
    let exit = match parse(&args, language) {
        Ok(cli) => perform(cli, printer),
        Err(Refused::Shown(text)) => {
            printer.line(text.trim_end());
            Exit::Success
        }
        Err(Refused::Wrong(problem)) => refuse(&problem, &mut printer),
    };
    ExitCode::from(exit as u8)
}

fn parse(args: &[OsString], language: Language) -> Result<Cli, Refused> {
    let parsed = help::command(language).try_get_matches_from(args);
    let cli = parsed.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.map_err(|error| usage::explain(&error, language))
}

fn refuse(problem: &Problem, printer: &mut Printer) -> Exit {
    printer.problem(problem);
    problem.exit()
}

/// The language that `args`, the environment or the system ask for. It is needed before the command line is read: to say
/// what is wrong with it.
pub fn language(args: &[OsString]) -> Language {
    let text = |arg: &OsString| arg.to_str().map(str::to_owned);
    let behind = args.iter().skip_while(|arg| *arg != "--lang").nth(1).and_then(text);
    let joined = args.iter().filter_map(text).find_map(|arg| arg.strip_prefix("--lang=").map(str::to_owned));
    behind
        .or(joined)
        .or_else(|| std::env::var(LANGUAGE_VARIABLE).ok())
        .or_else(sys_locale::get_locale)
        .and_then(|tag| Language::from_tag(&tag))
        .unwrap_or_default()
}

fn perform(cli: Cli, mut printer: Printer) -> Exit {
    let mut runtime = if matches!(cli.verb, Verb::Run(_)) {
        crate::platform::share_one_heap();
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    match runtime.worker_threads(2).enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(dispatch(cli, printer));
            // A folder that does not answer may hold a thread for ever; nobody waits for it.
            runtime.shutdown_background();
            exit
        }
        Err(cause) => refuse(&Problem::internal(cause), &mut printer),
    }
}

async fn dispatch(cli: Cli, mut printer: Printer) -> Exit {
    let config_path = crate::config::find_path(cli.common.config.as_deref());
    let state = crate::config::state_path(cli.common.state.as_deref());
    let (language, json) = (printer.language(), printer.is_json());
    let done = match cli.verb {
        Verb::Run(args) => {
            let done = run::run(config_path, state, args.once, printer).await;
            printer = Printer::standard(language, json);
            done
        }
        Verb::Status(args) => status::show(&state, args.watch, &mut printer).await,
        Verb::Check => check::check(&config_path, &state, &mut printer).await,
        Verb::Backup(args) => backup::begin(&state, args, &mut printer).await,
        Verb::Manual(args) => backup::manual(&state, args, &mut printer).await,
        Verb::Cancel => backup::cancel(&state, &mut printer).await,
        Verb::Quit(args) => quit::quit(&state, &args, &mut printer).await,
        Verb::Opened => quit::opened(&state, &mut printer).await,
        Verb::Verify(args) => verify::run(&state, args, &mut printer).await,
        Verb::Slots => lists::slots(&state, &mut printer).await,
        Verb::Restore(args) => restore::run(&state, args, &mut printer).await,
        Verb::Journal(args) => {
            lists::journal(&state, args.limit, args.outcome.map(Into::into), &mut printer).await
        }
        Verb::Inspect(args) => inspect::run(&args.file, &mut printer).await,
        Verb::Alert(args) => alert::run(&state, args, &mut printer).await,
        Verb::Config(verb) => config::run(verb, &config_path, &state, &mut printer).await,
        Verb::Report(args) => support::report(&config_path, &state, args.file, &mut printer).await,
        Verb::Grant(args) => grant::run(&args, &config_path, &mut printer).await,
        Verb::HeadOffice(verb) => head_office::run(verb, &state, &mut printer).await,
        Verb::Version(args) => version::run(args, &state, &mut printer).await,
        Verb::ExitCodes => Ok(tell_exit_codes(&mut printer)),
        Verb::Completions(args) => Ok(completions::print(args.shell, &mut printer)),
        Verb::Man => tell_page(&mut printer),
        Verb::Help(args) => tell_help(&args.command, &mut printer),
    };
    done.unwrap_or_else(|problem| refuse(&problem, &mut printer))
}

/// What is wrong with a command line, in words, for the other programs.
pub fn sentence_of(error: &clap::Error) -> Words {
    usage::sentence(error.kind(), error)
}

fn tell_exit_codes(printer: &mut Printer) -> Exit {
    if printer.is_json() {
        printer.document(&serde_json::json!({ "exit_codes": exit_codes::rows() }));
    } else {
        printer.line(exit_codes::table(printer.language()));
    }
    Exit::Success
}

fn tell_page(printer: &mut Printer) -> Result<Exit> {
    let page = man::page(printer.language())?;
    printer.line(page.trim_end());
    Ok(Exit::Success)
}

fn tell_help(words: &[String], printer: &mut Printer) -> Result<Exit> {
    let text = help::of(words, printer.language()).ok_or_else(|| {
        let name = words.join(" ");
        usage::problem(words!("Não existe o comando «{name}».", "There is no command “{name}”."))
    })?;
    printer.line(text.trim_end());
    Ok(Exit::Success)
}
