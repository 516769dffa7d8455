//! A run, told to people: what came of it, where the files are, how long each part took.

use crate::backup::outcome::{CopyReport, Outcome, Phase, PhaseTime, Progress, Purpose, RunReport, Trigger};
use crate::problem::{Exit, Problem};
use crate::slot::extra;
use crate::words;
use crate::words::{Language, Words, bytes, date_time, decimal, duration};
use std::time::Duration;

/// The exit code of whoever waited for this run.
pub fn exit(report: &RunReport) -> Exit {
    let first = report.problems.first().map(Problem::exit);
    match report.outcome {
        Some(Outcome::Success) => Exit::Success,
        Some(Outcome::Warning) => Exit::Warning,
        Some(Outcome::Cancelled) => Exit::Cancelled,
        Some(Outcome::Failed | Outcome::Interrupted) | None => first.unwrap_or(Exit::Internal),
    }
}

/// What came of a run, in a word or two.
pub fn outcome(outcome: Option<Outcome>) -> Words {
    match outcome {
        Some(Outcome::Success) => words!("Sucesso", "Success"),
        Some(Outcome::Warning) => words!("Sucesso com avisos", "Success with warnings"),
        Some(Outcome::Failed) => words!("Falhou", "Failed"),
        Some(Outcome::Cancelled) => words!("Cancelado", "Cancelled"),
        Some(Outcome::Interrupted) => words!("Interrompido", "Interrupted"),
        None => words!("Em andamento", "Going on"),
    }
}

/// What started a run.
pub fn trigger(trigger: Trigger) -> Words {
    match trigger {
        Trigger::First => words!("primeiro backup", "first backup"),
        Trigger::Schedule => words!("horário", "schedule"),
        Trigger::CatchUp => words!("horário perdido", "missed hour"),
        Trigger::Request => words!("a pedido", "on request"),
    }
}

/// One line for a list: `22/11/2026 09:00  09h  Sucesso`.
pub fn short(report: &RunReport, language: Language) -> String {
    let when = date_time(report.started_at, language);
    let place = match &report.purpose {
        Purpose::Rotation => format!("{:02}h", report.hour),
        Purpose::Extra { .. } => extra::FOLDER.to_owned(),
        Purpose::Manual { .. } => "manual".to_owned(),
    };
    format!("{when}  {place}  {}", outcome(report.outcome).get(language))
}

/// Everything that a person wants to know of a run that ended, one line each.
pub fn lines(report: &RunReport, language: Language) -> Vec<String> {
    let mut lines = vec![headline(report, language)];
    if let Purpose::Extra { reason } = &report.purpose {
        lines.push(words!("motivo: {reason}", "reason: {reason}").get(language).to_owned());
    }
    lines.extend(files(report).into_iter().map(|words| words.get(language).to_owned()));
    lines.extend(sizes(report, language));
    lines.extend(parts(&report.phases, language));
    if let Some(verdict) = &report.verdict {
        let Words { pt, en } = verdict;
        lines.push(words!("conferência: {pt}", "check: {en}").get(language).to_owned());
    }
    if report.manual.as_ref().is_some_and(|copy| copy.done) {
        let safe = words!(
            "O disco já pode ser removido: tudo foi gravado nele e relido.",
            "The disk may be removed now: everything was written to it and read back."
        );
        lines.push(safe.get(language).to_owned());
    }
    lines.extend(report.problems.iter().map(|problem| format!("! {}", problem.text(language))));
    lines
}

fn headline(report: &RunReport, language: Language) -> String {
    let mut line = format!("{}  ({}", short(report, language), trigger(report.trigger).get(language));
    if report.attempt > 1 {
        line.push_str(words!(", segunda tentativa", ", second try").get(language));
    }
    line.push(')');
    if let Some(length) = length(report) {
        line.push_str(&format!("  {}", duration(length, language)));
    }
    line
}

/// How long a run took, as its clock shows it; its phases know better where there are any.
pub fn length(report: &RunReport) -> Option<Duration> {
    if !report.phases.is_empty() {
        return Some(report.phases.iter().map(|part| Duration::from_millis(part.millis)).sum());
    }
    report.finished_at?.signed_duration_since(report.started_at).to_std().ok()
}

fn files(report: &RunReport) -> Vec<Words> {
    let server = report.server.as_ref().map(|copy| {
        let Words { pt, en } = place(copy);
        words!("no servidor: {pt}", "on the server: {en}")
    });
    let terminal = report.terminal.as_ref().map(|copy| {
        let Words { pt, en } = place(copy);
        words!("no terminal: {pt}", "at the terminal: {en}")
    });
    let manual = report.manual.as_ref().map(|copy| {
        let Words { pt, en } = place(copy);
        words!("na pasta escolhida: {pt}", "in the chosen folder: {en}")
    });
    [server, terminal, manual].into_iter().flatten().collect()
}

fn place(copy: &CopyReport) -> Words {
    let path = &copy.path;
    match (copy.done, copy.from_medium) {
        (false, _) => words!("{path} — pendente", "{path} — pending"),
        (true, Some(true)) => words!("{path} — relido do disco", "{path} — read back from the medium"),
        (true, Some(false)) => {
            words!(
                "{path} — relido (o sistema pode ter usado o cache)",
                "{path} — read back (perhaps from a cache)"
            )
        }
        (true, None) => Words::same(path),
    }
}

fn sizes(report: &RunReport, language: Language) -> Option<String> {
    if report.zip_bytes == 0 || report.bak_bytes == 0 {
        return None;
    }
    let share = report.zip_bytes as f64 * 100.0 / report.bak_bytes as f64;
    let (bak, zip) = (bytes(report.bak_bytes, language), bytes(report.zip_bytes, language));
    let share = decimal(&format!("{share:.1}"), language);
    let level = report.level.map_or_else(
        || Words::same(""),
        |level| words!(", nível {level} de compressão", ", compression level {level}"),
    );
    let level = level.get(language);
    let sizes = words!("tamanho: {bak} → {zip} ({share} %{level})", "size: {bak} → {zip} ({share} %{level})");
    Some(sizes.get(language).to_owned())
}

fn parts(phases: &[PhaseTime], language: Language) -> Option<String> {
    let parts: Vec<_> = phases
        .iter()
        .map(|part| {
            let time = duration(Duration::from_millis(part.millis), language);
            format!("{} {time}", part_name(part.phase).get(language))
        })
        .collect();
    let name = words!("tempo:", "time:");
    (!parts.is_empty()).then(|| format!("{} {}", name.get(language), parts.join(" · ")))
}

fn part_name(phase: Phase) -> Words {
    match phase {
        Phase::Preparing => words!("preparar", "prepare"),
        Phase::Dumping => words!("SQL Server", "SQL Server"),
        Phase::Packing => words!("conferir, compactar e copiar", "check, compress and copy"),
        Phase::Confirming => words!("reler e publicar", "read back and publish"),
        Phase::Done => words!("fim", "end"),
    }
}

/// A bar with its figures: `[#####-----]  50 %  1,2 GB de 2,4 GB  faltam 20 s`.
pub fn bar(progress: &Progress, language: Language) -> String {
    const CELLS: usize = 24;
    let mut text = String::new();
    if let Some(percent) = progress.percent.filter(|percent| percent.is_finite()) {
        let percent = percent.clamp(0.0, 100.0);
        let full = ((f64::from(percent) / 100.0) * CELLS as f64).round() as usize;
        let (done, left) = ("#".repeat(full), "-".repeat(CELLS - full));
        text.push_str(&format!("[{done}{left}] {percent:3.0} %  "));
    }
    let done = bytes(progress.done_bytes, language);
    match progress.total_bytes {
        Some(total) => {
            let total = bytes(total, language);
            text.push_str(words!("{done} de {total}", "{done} of {total}").get(language));
        }
        None if progress.done_bytes > 0 => text.push_str(&done),
        None => {}
    }
    if let Some(left) = progress.left_secs {
        let left = duration(Duration::from_secs(left), language);
        text.push_str(words!("  faltam {left}", "  {left} left").get(language));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::{problem, run};
    use crate::problem::Code;

    fn progress(percent: Option<f32>) -> Progress {
        Progress {
            phase: Phase::Packing,
            done_bytes: 1 << 30,
            total_bytes: Some(2 << 30),
            percent,
            copied_bytes: 0,
            left_secs: Some(20),
        }
    }

    #[test]
    fn a_run_that_was_made_tells_where_and_how_long() {
        let mut report = run(9, Outcome::Success, &[]);
        report.bak_bytes = 64 << 20;
        report.zip_bytes = 16 << 20;
        report.level = Some(6);
        report.phases = vec![
            PhaseTime { phase: Phase::Dumping, millis: 1_200 },
            PhaseTime { phase: Phase::Packing, millis: 2_000 },
        ];
        let copy = |path: &str, done| CopyReport {
            path: path.to_owned(),
            done,
            from_medium: Some(true),
            links_pending: false,
            bytes_per_sec: None,
        };
        report.server = Some(copy("/b/09h/MCDados.zip", true));
        report.terminal = Some(copy("/t/09h/MCDados.zip", false));
        assert_eq!(
            lines(&report, Language::Portuguese),
            [
                "22/11/2026 09:00  09h  Sucesso  (horário)  3,2 s",
                "no servidor: /b/09h/MCDados.zip — relido do disco",
                "no terminal: /t/09h/MCDados.zip — pendente",
                "tamanho: 64.0 MB → 16.0 MB (25,0 %, nível 6 de compressão)".replace(".0", ",0").as_str(),
                "tempo: SQL Server 1,2 s · conferir, compactar e copiar 2,0 s",
            ]
        );
        assert_eq!(exit(&report), Exit::Success);
    }

    #[test]
    fn the_exit_code_is_the_gravest_problems_own() {
        assert_eq!(exit(&run(9, Outcome::Failed, &[Code::SqlLogin, Code::Journal])), Exit::Access);
        assert_eq!(exit(&run(9, Outcome::Warning, &[Code::TerminalMissing])), Exit::Warning);
        assert_eq!(exit(&run(9, Outcome::Cancelled, &[Code::RunCancelled])), Exit::Cancelled);
        let text = lines(&run(9, Outcome::Failed, &[Code::SqlLogin]), Language::Portuguese);
        assert_eq!(
            text.last().unwrap(),
            &format!("! {}", problem(Code::SqlLogin).text(Language::Portuguese))
        );
    }

    #[test]
    fn a_bar_stays_a_bar_whatever_the_figure() {
        let half = bar(&progress(Some(50.0)), Language::Portuguese);
        assert_eq!(half, "[############------------]  50 %  1,0 GB de 2,0 GB  faltam 20 s");
        for odd in [f32::NAN, f32::INFINITY, -1.0, 250.0] {
            assert!(bar(&progress(Some(odd)), Language::English).contains("1.0 GB of 2.0 GB"));
        }
        assert!(!bar(&progress(None), Language::English).contains('['));
    }
}
