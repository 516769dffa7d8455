//! `head-office`: «Atualizar IP» for chains (DM23).

use super::args::HeadOfficeVerb;
use super::printer::Printer;
use crate::control::client::Client;
use crate::head_office::AddressReport;
use crate::problem::{Exit, Result};
use crate::words;
use crate::words::{Language, date_time};
use std::path::Path;

/// Has the agent do what the command line says; shows old and new.
///
/// # Errors
/// There is no agent, or it says no: no head office is configured, or what stands in the way.
pub async fn run(verb: HeadOfficeVerb, state: &Path, printer: &mut Printer) -> Result<Exit> {
    let HeadOfficeVerb::Update(args) = verb;
    let report = Client::connect(state).await?.update_address(args.dry_run).await?;
    if printer.is_json() {
        printer.document(&report);
    } else {
        lines(&report, printer.language()).into_iter().for_each(|line| printer.line(line));
    }
    Ok(Exit::Success)
}

/// Old and new, and whether it was sent, for people.
pub fn lines(report: &AddressReport, language: Language) -> Vec<String> {
    let AddressReport { server, address, .. } = report;
    let before = match &report.previous {
        Some(sent) => {
            let (old, when) = (&sent.address, date_time(sent.at, language));
            words!("IP anterior: {old} (enviado em {when})", "Old address: {old} (sent {when})")
        }
        None => words!("IP anterior: nenhum foi enviado", "Old address: none was sent"),
    };
    let now = words!("IP atual:    {address}", "New address: {address}");
    let done = match report.sent {
        true => words!("Enviado à matriz ({server}).", "Sent to the head office ({server})."),
        false => words!(
            "A matriz ({server}) respondeu; nada foi enviado.",
            "The head office ({server}) answered; nothing was sent."
        ),
    };
    [before, now, done].iter().map(|words| words.get(language).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::at;
    use crate::head_office::AddressSent;

    #[test]
    fn old_and_new_are_shown_in_both_languages() {
        let server = "matriz,1433".to_owned();
        let previous = AddressSent { at: at(9), server: server.clone(), address: "192.168.0.4".to_owned() };
        let first =
            AddressReport { server, previous: None, address: "10.0.0.7".to_owned(), sent: false, at: at(10) };
        assert_eq!(
            lines(&first, Language::Portuguese),
            [
                "IP anterior: nenhum foi enviado",
                "IP atual:    10.0.0.7",
                "A matriz (matriz,1433) respondeu; nada foi enviado.",
            ]
        );
        let second = AddressReport { previous: Some(previous), sent: true, ..first };
        assert_eq!(
            lines(&second, Language::English),
            [
                "Old address: 192.168.0.4 (sent 2026-11-22 09:00)",
                "New address: 10.0.0.7",
                "Sent to the head office (matriz,1433).",
            ]
        );
    }
}
