//! `version`: which version this is, and whether there is a newer one (DM14).

use super::args::VersionArgs;
use super::printer::Printer;
use crate::control::client::Client;
use crate::problem::{Code, Exit, Problem, Result};
use crate::update::{NewVersion, VersionView};
use crate::words;
use crate::words::{Language, date_time};
use std::path::Path;

/// Tells what is known of versions; looks anew where that is asked.
///
/// # Errors
/// A look is asked for, and there is no agent, or it says no.
pub async fn run(args: VersionArgs, state: &Path, printer: &mut Printer) -> Result<Exit> {
    let (agent, view) = match Client::connect(state).await {
        Ok(mut client) => {
            let view =
                if args.check { client.check_version().await? } else { client.status().await?.version };
            (Some(client.agent().program.clone()), Some(view))
        }
        Err(problem) if problem.code == Code::AgentMissing && !args.check => (None, None),
        Err(problem) => return Err(problem),
    };
    let program = env!("CARGO_PKG_VERSION");
    if printer.is_json() {
        printer.document(&serde_json::json!({ "program": program, "agent": agent, "version": view }));
    } else {
        printer.line(format_args!("DMBackup {program}"));
        if let Some(agent) = agent.filter(|agent| agent != program) {
            printer.words(&words!("Agente em execução: {agent}", "Running agent: {agent}"));
        }
        let lines = view.as_ref().map(|view| lines(view, printer.language())).unwrap_or_default();
        lines.into_iter().for_each(|line| printer.line(line));
    }
    let in_the_way = view.as_ref().and_then(in_the_way).filter(|_| args.check);
    Ok(in_the_way.map_or(Exit::Success, Problem::exit))
}

/// Why nothing is known.
fn in_the_way(view: &VersionView) -> Option<&Problem> {
    view.off.as_ref().or(view.problem.as_ref())
}

/// The newer version with its notes, for people.
pub fn found(newer: &NewVersion, language: Language) -> Vec<String> {
    let number = &newer.version;
    let head = words!("Há uma versão nova: {number}", "There is a newer version: {number}");
    let notes = newer.notes.get(language).lines().map(|line| format!("  {line}"));
    std::iter::once(head.get(language).to_owned()).chain(notes).collect()
}

/// What is known of newer versions, for people.
pub fn lines(view: &VersionView, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(view.newer.iter().flat_map(|newer| found(newer, language)));
    if let Some(problem) = in_the_way(view) {
        lines.push(problem.text(language));
    }
    if let Some(at) = view.looked_at {
        let when = date_time(at, language);
        let words = match view.newer.is_none() && view.problem.is_none() {
            true => words!(
                "Não há versão mais nova (visto em {when}).",
                "There is no newer version (seen {when})."
            ),
            false => words!("Última procura: {when}", "Last look: {when}"),
        };
        lines.push(words.get(language).to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::{at, problem};
    use crate::words::Words;

    #[test]
    fn a_newer_version_is_shown_with_its_notes_and_why_nothing_is_known_in_words() {
        let newer =
            NewVersion { version: "9.1.0".to_owned(), notes: Words::same("um\ndois"), expires: at(20) };
        let found = VersionView { newer: Some(newer), looked_at: Some(at(9)), ..VersionView::default() };
        assert_eq!(
            lines(&found, Language::Portuguese),
            ["Há uma versão nova: 9.1.0", "  um", "  dois", "Última procura: 22/11/2026 09:00"]
        );
        let none = VersionView { looked_at: Some(at(9)), ..VersionView::default() };
        assert_eq!(lines(&none, Language::English), ["There is no newer version (seen 2026-11-22 09:00)."]);
        let off = VersionView { off: Some(problem(Code::UpdateOff)), ..VersionView::default() };
        assert_eq!(lines(&off, Language::English), ["update.off hint"]);
        assert!(lines(&VersionView::default(), Language::English).is_empty());
    }
}
