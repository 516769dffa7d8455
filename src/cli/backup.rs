//! `backup`, `manual` and `cancel`.

use super::args::{BackupArgs, ManualArgs};
use super::printer::Printer;
use super::question::{can_ask, is_confirmed};
use super::{report, usage};
use crate::agent::status::Status;
use crate::backup::outcome::{RunId, RunReport};
use crate::control::client::{Accepted, Client};
use crate::problem::{Code, Exit, Result};
use crate::words;
use crate::words::Words;
use serde::Serialize;
use std::path::Path;

/// What `backup` prints for programs when it does not wait.
#[derive(Debug, Serialize)]
struct Begun {
    run: RunId,
    joined: bool,
}

/// Asks for a backup, or for an extra copy; waits for its end where that is asked.
///
/// # Errors
/// There is no agent, it says no, or it ends while we wait.
pub async fn begin(state: &Path, args: BackupArgs, printer: &mut Printer) -> Result<Exit> {
    let mut client = Client::connect(state).await?;
    let accepted = match args.reason {
        Some(reason) => client.extra_backup(reason).await?,
        None => client.backup_now(args.accept_shrunk).await?,
    };
    let joined =
        words!("Um backup já está em andamento; acompanhando.", "A backup goes on already; joined it.");
    report_on(state, accepted, &joined, args.wait, printer).await
}

/// Asks for a backup in a folder that a person chose. Where what stands there would have to go first, a person at a terminal is
/// asked.
///
/// # Errors
/// As [`begin`]; what is foreseen of the folder.
pub async fn manual(state: &Path, args: ManualArgs, printer: &mut Printer) -> Result<Exit> {
    let folder = path_of(&args.folder)?;
    let mut client = Client::connect(state).await?;
    let mut asked = client.manual_backup(folder.clone(), args.replace).await;
    if let Err(problem) = &asked
        && problem.code == Code::ManualReplace
        && can_ask(printer)
    {
        let Words { pt, en } = &problem.sentence;
        let question = words!("{pt} Apagar isso antes?", "{en} Delete that first?");
        if is_confirmed(&question, printer) {
            asked = client.manual_backup(folder, true).await;
        }
    }
    let joined = words!(
        "Um backup já está em andamento; o resultado dele será copiado para a pasta escolhida.",
        "A backup goes on already; its result will be copied to the chosen folder."
    );
    report_on(state, asked?, &joined, args.wait, printer).await
}

/// The folder's full path, as the agent must be told it.
fn path_of(folder: &Path) -> Result<String> {
    let shown = folder.display();
    let full = std::path::absolute(folder).ok().and_then(|path| path.to_str().map(str::to_owned));
    full.ok_or_else(|| {
        usage::problem(words!("«{shown}» não serve como pasta.", "“{shown}” will not do as a folder."))
    })
}

/// Tells that a run was begun or joined; waits for its end where `wait`.
async fn report_on(
    state: &Path,
    accepted: Accepted,
    joined: &Words,
    wait: bool,
    printer: &mut Printer,
) -> Result<Exit> {
    if !printer.is_json() {
        let begun = words!("Backup iniciado.", "Backup begun.");
        printer.words(if accepted.joined { joined } else { &begun });
    } else if !wait {
        printer.document(&Begun { run: accepted.run, joined: accepted.joined });
    }
    if !wait {
        return Ok(Exit::Success);
    }
    let report = follow(state, accepted.run, printer).await?;
    if printer.is_json() {
        printer.document(&report);
    } else {
        report::lines(&report, printer.language()).iter().for_each(|line| printer.line(line));
    }
    Ok(report::exit(&report))
}

/// Shows how a run goes on until it has ended.
async fn follow(state: &Path, run: RunId, printer: &mut Printer) -> Result<RunReport> {
    let mut statuses = Client::connect(state).await?.watch().await?;
    let mut said = Words::same("");
    loop {
        let status = statuses.next().await?;
        if let Some(last) = status.last.as_ref().filter(|last| last.id == run) {
            show(&status, &mut said, printer);
            return Ok(last.clone());
        }
        if status.run.as_ref().is_some_and(|running| running.id == run) {
            show(&status, &mut said, printer);
        } else if status.waiting.iter().any(|waiting| waiting.id == run) {
            // What it waits for is shown meanwhile.
            show(&status, &mut said, printer);
        } else if let Some(ended) = ended(state, run).await? {
            return Ok(ended);
        }
    }
}

/// What the journal says of a run that the status does not show: another may have begun and ended between two looks.
async fn ended(state: &Path, run: RunId) -> Result<Option<RunReport>> {
    let found = Client::connect(state).await?.run(run).await?;
    Ok(found.filter(|report| report.outcome.is_some()))
}

fn show(status: &Status, said: &mut Words, printer: &mut Printer) {
    if printer.is_json() {
        return;
    }
    let line = status.line.get(printer.language()).to_owned();
    if status.line != *said {
        said.clone_from(&status.line);
        printer.line(&line);
    }
    if let Some(progress) = status.run.as_ref().and_then(|running| running.progress) {
        printer.transient(&report::bar(&progress, printer.language()));
    }
}

/// Stops the backup that goes on.
///
/// # Errors
/// There is no agent, or it says no: nothing goes on, or this user may not.
pub async fn cancel(state: &Path, printer: &mut Printer) -> Result<Exit> {
    Client::connect(state).await?.cancel().await?;
    if printer.is_json() {
        printer.document(&serde_json::json!({ "cancelled": true }));
    } else {
        printer.words(&words!("O backup está sendo cancelado.", "The backup is being cancelled."));
    }
    Ok(Exit::Success)
}
