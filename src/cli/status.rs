//! `status`: what the agent does and what is wrong.

use super::printer::Printer;
use super::report;
use crate::agent::status::{Activity, PendingView, Status, Subject};
use crate::control::client::Client;
use crate::cycle::catalogue::Severity;
use crate::cycle::health::CheckView;
use crate::problem::{Exit, Result};
use crate::slot::extra;
use crate::words;
use crate::words::{Language, bytes, date_time};
use std::path::Path;

/// Shows the status once, or until nobody reads any more or the agent ends.
///
/// # Errors
/// There is no agent, or it says no.
pub async fn show(state: &Path, watch: bool, printer: &mut Printer) -> Result<Exit> {
    let mut client = Client::connect(state).await?;
    if !watch {
        print(&client.status().await?, printer);
        return Ok(Exit::Success);
    }
    let mut statuses = client.watch().await?;
    let mut shown = Vec::new();
    while printer.is_open() {
        let status = statuses.next().await?;
        if printer.is_json() {
            printer.document(&status);
        } else {
            refresh(&status, &mut shown, printer);
        }
    }
    Ok(Exit::Success)
}

fn print(status: &Status, printer: &mut Printer) {
    if printer.is_json() {
        printer.document(status);
    } else {
        lines(status, printer.language()).into_iter().for_each(|line| printer.line(line));
    }
}

/// On a terminal the whole picture anew; elsewhere only what changed.
fn refresh(status: &Status, shown: &mut Vec<String>, printer: &mut Printer) {
    let lines = lines(status, printer.language());
    if lines == *shown {
        return;
    }
    printer.clear_screen();
    let terminal = printer.is_terminal();
    lines.iter().filter(|line| terminal || !shown.contains(*line)).for_each(|line| printer.line(line));
    *shown = lines;
}

/// The status for people.
pub fn lines(status: &Status, language: Language) -> Vec<String> {
    let mut lines = vec![headline(status, language), format!("  {}", activity(status, language))];
    let mut row =
        |name: &words::Words, value: String| lines.push(format!("  {:<18} {value}", name.get(language)));
    if let Some(report) = &status.last {
        row(&words!("Último backup:", "Last backup:"), report::short(report, language));
    }
    if let Some(report) = status.last_good.as_ref().filter(|good| status.last.as_ref() != Some(*good)) {
        row(&words!("Último bom backup:", "Last good backup:"), report::short(report, language));
    }
    if let Some(restore) = &status.last_restore {
        row(&words!("Última restauração:", "Last restore:"), super::restore::short(restore, language));
    }
    if let Some(standing) = &status.replacement {
        let title = super::restore::checklist_title();
        let (pt, en) = (title.pt, title.en);
        row(&words!("{pt}:", "{en}:"), standing.next().get(language).to_owned());
        if let Some(kept) = standing.kept.as_ref().or(standing.safety.as_ref()) {
            row(&words!("Banco anterior:", "Old database:"), kept.clone());
        }
    }
    if let Some(tested) = &status.restore_test.last {
        let said = tested.words(status.now).get(language).to_owned();
        row(&words!("Último teste de restauração:", "Last restore test:"), said);
    }
    if let Some(at) = status.retry_at {
        row(&words!("Nova tentativa:", "Second try:"), date_time(at, language));
    }
    if let Some(at) = status.next_due {
        row(&words!("Próximo backup:", "Next backup:"), date_time(at, language));
    }
    row(&words!("Hoje no servidor:", "Server's date:"), status.now.format("%d/%m/%Y").to_string());
    if let Some(subject) = &status.subject {
        row(&words!("Pasta de backup:", "Backup folder:"), folder(subject, status, language));
        let none = words!("nenhum (backup local)", "none (local backup)");
        let terminal = subject.terminal.clone().unwrap_or_else(|| none.get(language).to_owned());
        row(&words!("Terminal:", "Terminal:"), terminal);
    }
    if let Some(newer) = &status.version.newer {
        let number = &newer.version;
        let value = words!("{number} (veja «dmbackupctl version»)", "{number} (see “dmbackupctl version”)");
        row(&words!("Versão nova:", "Newer version:"), value.get(language).to_owned());
    }
    if !status.pending.is_empty() {
        let name = |copy: &PendingView| {
            if copy.extra { extra::FOLDER.to_owned() } else { format!("{:02}h", copy.hour) }
        };
        let hours: Vec<_> = status.pending.iter().map(name).collect();
        row(&words!("Cópias pendentes:", "Pending copies:"), hours.join(", "));
    }
    lines.extend(findings(status, language));
    lines.extend(checks(&status.checks, language));
    lines
}

fn headline(status: &Status, language: Language) -> String {
    let program = &status.program;
    match &status.subject {
        Some(subject) => {
            let Subject { shop, store, server, database, .. } = subject;
            let words = words!(
                "DMBackup {program} — {shop} (loja {store}) — {database} em {server}",
                "DMBackup {program} — {shop} (store {store}) — {database} on {server}"
            );
            words.get(language).to_owned()
        }
        None => format!("DMBackup {program}"),
    }
}

fn activity(status: &Status, language: Language) -> String {
    let line = status.line.get(language);
    if let Some(progress) = status.restore.as_ref().and_then(|restore| restore.progress) {
        return format!("{line}  {}", super::restore::bar(&progress, language));
    }
    match status.run.as_ref().and_then(|run| run.progress) {
        Some(progress) if status.activity == Activity::Running => {
            format!("{line}  {}", report::bar(&progress, language))
        }
        Some(_) | None => line.to_owned(),
    }
}

fn folder(subject: &Subject, status: &Status, language: Language) -> String {
    let Some(space) = status.space else { return subject.folder.clone() };
    let path = &subject.folder;
    let free = bytes(space.free_bytes, language);
    let words = match space.hours_that_fit {
        Some(hours) => {
            words!(
                "{path} ({free} livres, cabem {hours} horários)",
                "{path} ({free} free, {hours} hours fit)"
            )
        }
        None => words!("{path} ({free} livres)", "{path} ({free} free)"),
    };
    words.get(language).to_owned()
}

fn findings(status: &Status, language: Language) -> Vec<String> {
    let configuration = &status.configuration;
    if configuration.findings.is_empty() {
        return Vec::new();
    }
    let path = &configuration.path;
    let head = if configuration.in_force {
        words!(
            "A configuração {path} tem erros; continua valendo a última boa:",
            "The configuration {path} has errors; the last good one stays in force:"
        )
    } else {
        words!("A configuração {path} tem erros:", "The configuration {path} has errors:")
    };
    let found =
        configuration.findings.iter().map(|finding| format!("  ! {}", finding.problem.text(language)));
    std::iter::once(head.get(language).to_owned()).chain(found).collect()
}

/// The checks that are unhealthy, causes first. Those of the configuration are told by its findings; what was said once is
/// not said again.
fn checks(checks: &[CheckView], language: Language) -> Vec<String> {
    let shown: Vec<_> = checks.iter().filter(|check| check.id != "configuration").collect();
    let said_before = |at: usize| shown[..at].iter().any(|other| other.problem == shown[at].problem);
    shown
        .iter()
        .enumerate()
        .map(|(at, check)| if said_before(at) { head_of(check, language) } else { line_of(check, language) })
        .collect()
}

/// One unhealthy check, with what is wrong and what to do.
pub fn line_of(check: &CheckView, language: Language) -> String {
    format!("{}: {}", head_of(check, language), check.problem.text(language))
}

/// One unhealthy check: how grave, which, since when.
fn head_of(check: &CheckView, language: Language) -> String {
    let since = date_time(check.since, language);
    let since = match &check.explained_by {
        None => words!("desde {since}", "since {since}"),
        Some(_) => words!("desde {since}, consequência", "since {since}, a consequence"),
    };
    let (grave, title) = (severity(check.severity), &check.title);
    format!("{} · {} ({})", grave.get(language), title.get(language), since.get(language))
}

fn severity(severity: Severity) -> words::Words {
    match severity {
        Severity::Notice => words!("nota", "note"),
        Severity::Warning => words!("AVISO", "WARNING"),
        Severity::Alert => words!("ALERTA", "ALERT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::{at, problem};
    use crate::problem::Code;

    fn check(id: &str, code: Code, cause: Option<&str>) -> CheckView {
        CheckView {
            id: id.to_owned(),
            title: words::Words::same(id),
            severity: Severity::Alert,
            problem: problem(code),
            since: at(9),
            explained_by: cause.map(str::to_owned),
        }
    }

    #[test]
    fn a_cause_is_told_in_full_and_its_consequences_are_not_told_again() {
        let list = [
            check("server", Code::SqlLogin, None),
            check("last-run", Code::SqlLogin, Some("server")),
            check("configuration", Code::ConfigInvalid, None),
        ];
        assert_eq!(
            checks(&list, Language::Portuguese),
            [
                "ALERTA · server (desde 22/11/2026 09:00): sql.login hint",
                "ALERTA · last-run (desde 22/11/2026 09:00, consequência)",
            ]
        );
    }
}
