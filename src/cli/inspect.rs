//! `inspect FILE`: what a file is and whether it is whole, without an agent and without SQL Server.

use super::printer::Printer;
use crate::archive::{Content, Inspection, Manifest, inspect};
use crate::bak::Description;
use crate::problem::{Exit, Problem, Result};
use crate::words;
use crate::words::{Language, Words, bytes, date_time};
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between two figures on a terminal.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// Inspects `path`.
///
/// # Errors
/// It cannot be read, or somebody stopped it.
pub async fn run(path: &Path, printer: &mut Printer) -> Result<Exit> {
    let inspection = read(path, printer).await?;
    let problem = inspection.problem();
    if printer.is_json() {
        let confirmed = inspection.confirmed();
        let document = serde_json::json!({
            "file": path, "inspection": inspection, "confirmed": confirmed, "problem": problem,
        });
        printer.document(&document);
    } else {
        tell(path, &inspection, printer);
        if let Some(problem) = &problem {
            printer.problem(problem);
        }
    }
    Ok(problem.as_ref().map_or(Exit::Success, Problem::exit))
}

async fn read(path: &Path, printer: &mut Printer) -> Result<Inspection> {
    let cancel = CancellationToken::new();
    let (done, mut progress) = watch::channel(0_u64);
    let mut work = {
        let (path, cancel) = (path.to_owned(), cancel.clone());
        tokio::task::spawn_blocking(move || {
            inspect(
                &path,
                &|bytes| {
                    done.send_replace(bytes);
                },
                &cancel,
            )
        })
    };
    let asked_to_end = crate::platform::end_asked_for();
    tokio::pin!(asked_to_end);
    let mut ending = false;
    let mut tick = tokio::time::interval(PROGRESS_EVERY);
    loop {
        tokio::select! {
            ended = &mut work => {
                printer.clear();
                return ended.unwrap_or_else(|cause| Err(Problem::internal(cause)));
            }
            asked = &mut asked_to_end, if !ending => {
                ending = true;
                if asked.is_ok() {
                    cancel.cancel();
                }
            }
            _ = tick.tick() => printer.transient(&bytes(*progress.borrow_and_update(), printer.language())),
        }
    }
}

fn tell(path: &Path, inspection: &Inspection, printer: &mut Printer) {
    let language = printer.language();
    printer.line(format_args!("{}  {}", path.display(), bytes(inspection.bytes, language)));
    if let Some(sha256) = &inspection.sha256 {
        printer.line(format_args!("  SHA-256 {sha256}"));
    }
    match &inspection.content {
        Content::Zip { report, dumps } => {
            if let Some(manifest) = &report.manifest {
                printer.line(format_args!("  {}", made(manifest, language)));
            }
            for entry in &report.entries {
                printer.line(format_args!("  {}  {}", entry.name, bytes(entry.bytes, language)));
            }
            let found = dumps.iter().filter_map(|dump| dump.examination.description.as_ref());
            found.for_each(|description| describe(description, printer));
        }
        Content::Dump(examination) => {
            if let Some(description) = &examination.description {
                describe(description, printer);
            }
        }
    }
    inspection.sentences().iter().for_each(|words| printer.line(format_args!("  {}", words.get(language))));
}

/// What a zip says of its making.
fn made(manifest: &Manifest, language: Language) -> String {
    let Manifest { database, server, shop, sequence, .. } = manifest;
    let at = date_time(manifest.begun, language);
    let words: Words = words!(
        "backup nº {sequence} de {database} em {server}, {at} — {shop}",
        "backup no. {sequence} of {database} on {server}, {at} — {shop}"
    );
    words.get(language).to_owned()
}

/// What a dump says of itself.
fn describe(description: &Description, printer: &mut Printer) {
    let language = printer.language();
    let Description { database, server, machine, software, build, started, .. } = description;
    let at = started.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
    let product = build
        .product()
        .map(str::to_owned)
        .unwrap_or_else(|| format!("{}.{}.{}", build.major, build.minor, build.build));
    let words = words!(
        "banco {database} de {server} ({machine}), {product}, feito por {software} {at}",
        "database {database} of {server} ({machine}), {product}, made by {software} {at}"
    );
    printer.line(format_args!("  {}", words.get(language)));
    for file in &description.files {
        printer.line(format_args!(
            "    {}  {}  {}",
            file.logical_name,
            file.path,
            bytes(file.bytes, language)
        ));
    }
}
