//! `slots` and `journal`: what stands where, and what came of the runs.

use super::printer::Printer;
use super::report;
use crate::backup::outcome::{Outcome, RunReport};
use crate::control::client::Client;
use crate::control::protocol::{CheckedView, Place, SlotView};
use crate::problem::{Exit, Result};
use crate::words;
use crate::words::{Language, bytes, date_time, duration};
use std::path::Path;

/// Lists what stands in the slots.
///
/// # Errors
/// There is no agent, or it cannot read its folder.
pub async fn slots(state: &Path, printer: &mut Printer) -> Result<Exit> {
    let (slots, terminal_problem) = Client::connect(state).await?.slots().await?;
    if printer.is_json() {
        printer.document(&serde_json::json!({ "slots": slots, "terminal_problem": terminal_problem }));
    } else {
        for (place, name) in [
            (Place::Server, words!("No servidor:", "On the server:")),
            (Place::Terminal, words!("No terminal:", "At the terminal:")),
        ] {
            let here: Vec<_> = slots.iter().filter(|slot| slot.place == place).collect();
            if !here.is_empty() || place == Place::Server {
                printer.words(&name);
                let language = printer.language();
                here.into_iter().for_each(|slot| printer.line(slot_line(slot, language)));
            }
        }
        if let Some(problem) = &terminal_problem {
            printer.problem(problem);
        }
    }
    Ok(terminal_problem.map_or(Exit::Success, |problem| problem.exit()))
}

fn slot_line(slot: &SlotView, language: Language) -> String {
    let newest = words!("mais novo", "newest");
    let set = if slot.set == "newest" { newest.get(language) } else { &slot.set };
    let (when, size) = (date_time(slot.modified, language), bytes(slot.bytes, language));
    let checked = slot.checked.as_ref().map(|checked| checked_words(checked, language)).unwrap_or_default();
    format!("  {set:<10} {when}  {size:>9}  {}{checked}", slot.path)
}

fn checked_words(checked: &CheckedView, language: Language) -> String {
    let at = date_time(checked.at, language);
    let words = match checked.problem {
        None => words!("  relido e conferido em {at}", "  read again and confirmed {at}"),
        Some(_) => words!("  DANIFICADO (relido em {at})", "  DAMAGED (read again {at})"),
    };
    words.get(language).to_owned()
}

/// Lists the last runs.
///
/// # Errors
/// There is no agent, or it cannot read its journal.
pub async fn journal(
    state: &Path,
    limit: u32,
    outcome: Option<Outcome>,
    printer: &mut Printer,
) -> Result<Exit> {
    let runs = Client::connect(state).await?.journal(limit, outcome).await?;
    if printer.is_json() {
        printer.document(&serde_json::json!({ "runs": runs }));
    } else if runs.is_empty() {
        printer.words(&words!("O diário de backup está vazio.", "The journal is empty."));
    } else {
        let language = printer.language();
        runs.iter().flat_map(|run| run_lines(run, language)).for_each(|line| printer.line(line));
    }
    Ok(Exit::Success)
}

fn run_lines(run: &RunReport, language: Language) -> Vec<String> {
    let mut line = report::short(run, language);
    if let Some(length) = report::length(run) {
        line.push_str(&format!("  {}", duration(length, language)));
    }
    if run.zip_bytes > 0 {
        line.push_str(&format!("  {}", bytes(run.zip_bytes, language)));
    }
    let problems = run.problems.iter().map(|problem| format!("    ! {}", problem.text(language)));
    std::iter::once(line).chain(problems).collect()
}
