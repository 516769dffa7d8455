//! `report`: one zip for support, with what is known of the program and its surroundings. It works with and without an agent,
//! changes nothing but that file, and holds neither secrets nor customers' data.

mod bundle;
mod facts;

use super::check;
use super::printer::Printer;
use crate::clock::{Clock, SystemClock};
use crate::config;
use crate::control::client::Client;
use crate::durable;
use crate::journal;
use crate::logging;
use crate::problem::{Code, Exit, Problem, Result};
use crate::words;
use crate::words::{Words, bytes};
use bundle::Bundle;
use std::io;
use std::path::{Path, PathBuf};

/// The most runs, and the most events, that are told.
const MOST_ROWS: u32 = crate::control::protocol::MAX_RUNS;

/// Gathers everything and writes it to `file`, or beside the user where none is named.
///
/// # Errors
/// The file cannot be written, or is there already.
pub async fn report(
    config: &Path,
    state: &Path,
    file: Option<PathBuf>,
    printer: &mut Printer,
) -> Result<Exit> {
    let path = target(file)?;
    let loaded = config::load(config);
    // A broken configuration has secrets too, and the log may hold them.
    let secrets = config::secrets(config);
    let in_force = loaded.as_ref().map(|loaded| loaded.config.secrets()).unwrap_or_default();
    let secrets = secrets.iter().chain(in_force).map(|secret| secret.expose().to_owned()).collect();
    let mut bundle = Bundle::new(secrets);
    match &loaded {
        Ok(loaded) => {
            let (settings, warnings) = (&loaded.settings, &loaded.warnings);
            let found = serde_json::json!({ "path": config, "settings": settings, "warnings": warnings });
            bundle.json(
                "config.json",
                words!("a configuração, sem senhas", "the configuration, without passwords"),
                &found,
            )?;
        }
        Err(findings) => {
            let found = serde_json::json!({ "path": config, "findings": findings });
            bundle.json(
                "config.json",
                words!("os erros da configuração", "the configuration's errors"),
                &found,
            )?;
        }
    }
    let client = Client::connect(state).await;
    let facts = facts::gather(config, state, loaded.as_ref().ok(), client.as_ref().ok()).await;
    bundle.json(
        "system.json",
        words!("programa, sistema, discos e SQL Server", "program, system, disks and SQL Server"),
        &facts,
    )?;
    match client {
        Ok(client) => of_the_agent(client, &mut bundle).await?,
        Err(problem) => {
            bundle.lack(problem.sentence);
            without_agent(config, state, &mut bundle).await?;
        }
    }
    bundle.logs(&state.join(logging::FOLDER));
    let written = bundle.zip(printer.language(), &SystemClock)?;
    durable::write_new(&path, &written).map_err(|error| not_written(&path, &error))?;
    tell(&path, written.len() as u64, &bundle, printer);
    Ok(Exit::Success)
}

/// Where the file goes: where the user says, into a folder that the user names, or into the current one.
fn target(file: Option<PathBuf>) -> Result<PathBuf> {
    let name = SystemClock.local_now().format("dmbackup-relatorio-%Y%m%d-%H%M%S.zip").to_string();
    let path = match file {
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file,
        None => PathBuf::from(name),
    };
    let path = std::path::absolute(&path).unwrap_or(path);
    if path.exists() { Err(not_written(&path, &io::ErrorKind::AlreadyExists.into())) } else { Ok(path) }
}

fn status_words() -> Words {
    words!("o que o agente faz", "what the agent does")
}

fn checks_words() -> Words {
    words!("o que está errado agora", "what is wrong now")
}

fn journal_words() -> Words {
    words!("o diário de backup", "the journal of runs")
}

fn events_words() -> Words {
    words!("outros acontecimentos do diário", "other events of the journal")
}

/// What the agent tells; a part that it does not tell is named as lacking.
async fn of_the_agent(mut client: Client, bundle: &mut Bundle) -> Result<()> {
    bundle.part("status.json", status_words(), client.status().await)?;
    bundle.part("checks.json", checks_words(), client.check().await)?;
    bundle.part("journal.json", journal_words(), client.journal(MOST_ROWS, None).await)?;
    bundle.part("events.json", events_words(), client.events(MOST_ROWS).await)
}

/// What can be known without it.
async fn without_agent(config: &Path, state: &Path, bundle: &mut Bundle) -> Result<()> {
    bundle.json("checks.json", checks_words(), &check::look_alone(config).await)?;
    match journal::peek(state, MOST_ROWS) {
        Ok((runs, events)) => {
            bundle.json("journal.json", journal_words(), &runs)?;
            bundle.json("events.json", events_words(), &events)
        }
        Err(problem) => {
            bundle.lack(problem.sentence);
            Ok(())
        }
    }
}

fn tell(path: &Path, length: u64, bundle: &Bundle, printer: &mut Printer) {
    if printer.is_json() {
        let (entries, missing) = (bundle.names(), bundle.missing());
        let told =
            serde_json::json!({ "path": path, "bytes": length, "entries": entries, "missing": missing });
        printer.document(&told);
        return;
    }
    let language = printer.language();
    let (shown, size) = (path.display(), bytes(length, language));
    printer
        .words(&words!("Relatório para o suporte: {shown} ({size})", "Report for support: {shown} ({size})"));
    bundle.lines(language).into_iter().for_each(|line| printer.line(line));
    printer.words(&words!(
        "Não há nele senhas nem dados de clientes. Envie o arquivo ao suporte.",
        "It holds neither passwords nor customers' data. Send the file to support."
    ));
}

fn not_written(path: &Path, error: &io::Error) -> Problem {
    let shown = path.display();
    let sentence = if error.kind() == io::ErrorKind::AlreadyExists {
        words!("O arquivo {shown} já existe.", "The file {shown} exists already.")
    } else {
        words!(
            "O relatório não pôde ser gravado em {shown}: {error}.",
            "The report cannot be written to {shown}: {error}."
        )
    };
    Problem::new(
        Code::ReportUnwritable,
        sentence,
        words!(
            "Indique outro arquivo, em uma pasta em que este usuário possa gravar.",
            "Name another file, in a folder that this user may write to."
        ),
    )
}
