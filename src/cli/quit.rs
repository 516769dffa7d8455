//! `quit` and `opened`: the end of the agent by a person's wish (DM4), and the opening of the store's application (DM22).

use super::args::QuitArgs;
use super::printer::Printer;
use super::question::{can_ask, is_confirmed};
use super::usage;
use crate::agent::status::Status;
use crate::control::client::Client;
use crate::control::protocol::Typed;
use crate::platform;
use crate::problem::{Code, Exit, Problem, Result};
use crate::words;
use std::io::{BufRead, Read};
use std::path::Path;

/// Nothing that is typed as a password is longer, in bytes.
const LONGEST_PASSWORD: u64 = 256;

/// Ends the agent, and waits until it has ended.
///
/// # Errors
/// There is no agent, it says no, or no password was given.
pub async fn quit(state: &Path, args: &QuitArgs, printer: &mut Printer) -> Result<Exit> {
    let mut client = Client::connect(state).await?;
    let status = client.status().await?;
    let password = if args.password_stdin { from_stdin()? } else { typed(&status, printer)? };
    let mut asked = client.quit(password.clone(), args.stop).await;
    if let Err(problem) = &asked
        && problem.code == Code::AgentRunGoesOn
        && !args.password_stdin
        && can_ask(printer)
    {
        let question = words!(
            "Um backup está em andamento. Parar o backup e fechar o programa?",
            "A backup goes on. Stop it and close the program?"
        );
        if is_confirmed(&question, printer) {
            asked = client.quit(password, true).await;
        }
    }
    asked?;
    until_gone(state).await;
    if printer.is_json() {
        printer.document(&serde_json::json!({ "ended": true }));
    } else {
        printer.words(&words!("O programa foi fechado.", "The program has ended."));
    }
    Ok(Exit::Success)
}

/// Asks at the terminal, without showing what is typed.
fn typed(status: &Status, printer: &mut Printer) -> Result<Typed> {
    if !can_ask(printer) {
        return Err(usage::problem(words!(
            "A senha não pode ser pedida aqui: não há um terminal (use --password-stdin).",
            "The password cannot be asked for here: there is no terminal (use --password-stdin)."
        )));
    }
    let today = status.now.format("%d/%m/%Y");
    let prompt = words!(
        "Senha (a data, ddmmaaaa; hoje no servidor: {today}): ",
        "Password (the date, ddmmyyyy; today on the server: {today}): "
    );
    // The library begins to hide what is typed only after its prompt.
    let _silent = platform::silent_keyboard().map_err(|cause| unread(&cause))?;
    rpassword::prompt_password(prompt.get(printer.language())).map(Typed::new).map_err(|cause| unread(&cause))
}

fn from_stdin() -> Result<Typed> {
    let mut line = String::new();
    let mut bounded = std::io::stdin().lock().take(LONGEST_PASSWORD);
    bounded.read_line(&mut line).map_err(|cause| unread(&cause))?;
    Ok(Typed::new(line))
}

fn unread(cause: &std::io::Error) -> Problem {
    usage::problem(words!("A senha não pôde ser lida: {cause}.", "The password cannot be read: {cause}."))
}

/// Waits until the agent hangs up: it may have a run to stop first.
async fn until_gone(state: &Path) {
    let Ok(client) = Client::connect(state).await else { return };
    let Ok(mut statuses) = client.watch().await else { return };
    while statuses.next().await.is_ok() {}
}

/// Tells the agent that the store's application was opened, and prints what its user is to be told.
///
/// # Errors
/// There is no agent, or it says no.
pub async fn opened(state: &Path, printer: &mut Printer) -> Result<Exit> {
    let notice = Client::connect(state).await?.application_opened().await?;
    if printer.is_json() {
        printer.document(&serde_json::json!({ "notice": notice }));
    } else if let Some(problem) = &notice {
        printer.line(problem.text(printer.language()));
    } else {
        printer.words(&words!("Nada a avisar.", "Nothing to tell."));
    }
    Ok(notice.map_or(Exit::Success, |problem| problem.exit()))
}
