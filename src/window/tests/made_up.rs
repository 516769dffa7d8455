//! A shop whose window is tested: thirty days of backups, files in the sets, a configuration.

use super::problems::real;
use crate::agent::history::tests::{at, run};
use crate::agent::status::{PendingView, RestoreTestView, Status, TestedView};
use crate::agent::testing::status;
use crate::backup::outcome::{CopyReport, Outcome, Phase, PhaseTime, RunReport};
use crate::config::{Finding, Origin, Setting};
use crate::control::protocol::{ConfigView, Place, SlotView};
use crate::problem::{Code, Problem};
use crate::restore::outcome::Verdict;
use crate::slot::Day;
use crate::words;
use crate::words::Words;
use chrono::{DateTime, FixedOffset, TimeDelta};

/// A run at an hour counted from the first day's midnight, with all its figures.
pub fn full_run(hour: i64, outcome: Outcome, codes: &[Code]) -> RunReport {
    let day = at(0) + TimeDelta::hours(hour);
    let copy = |root: &str, done| CopyReport {
        path: format!(r"{root}\{:02}h\MCDados.zip", hour.rem_euclid(24)),
        done,
        from_medium: Some(true),
        links_pending: false,
        bytes_per_sec: None,
    };
    let made = matches!(outcome, Outcome::Success | Outcome::Warning);
    let grown = u64::try_from(hour.rem_euclid(720)).unwrap_or_default();
    RunReport {
        hour: u8::try_from(hour.rem_euclid(24)).unwrap_or_default(),
        id: uuid::Uuid::from_u128(u128::from(hour.unsigned_abs()) + if hour < 0 { 1_000_000 } else { 1 }),
        sequence: u64::try_from(hour + 10_000).unwrap_or_default(),
        started_at: day,
        finished_at: Some(day + TimeDelta::minutes(3)),
        bak_bytes: if made { (600 << 20) + (grown << 17) } else { 0 },
        zip_bytes: if made { (120 << 20) + (grown << 15) } else { 0 },
        phases: vec![
            PhaseTime { phase: Phase::Preparing, millis: 900 },
            PhaseTime { phase: Phase::Dumping, millis: 61_000 + grown * 40 },
            PhaseTime { phase: Phase::Packing, millis: 75_000 },
            PhaseTime { phase: Phase::Confirming, millis: 20_000 },
        ],
        verdict: made.then(|| {
            words!(
                "nenhum erro encontrado (99 % das páginas protegidas)",
                "no error found (99 % of the pages protected)"
            )
        }),
        server: made.then(|| copy(r"D:\MBHSist\Backup", true)),
        terminal: made.then(|| copy(r"\\CAIXA02\MCBkp", outcome == Outcome::Success)),
        problems: codes.iter().map(|code| real(*code)).collect(),
        ..run(0, outcome, &[])
    }
}

/// Thirty days of a shop that opens from 8 to 20, newest first; some of it went wrong.
pub fn runs() -> Vec<RunReport> {
    let mut runs = Vec::new();
    for day in (-29..=0).rev() {
        for hour in (8..=20).rev().filter(|hour| day < 0 || *hour <= 14) {
            runs.push(match (day, hour) {
                (-3, 11) => full_run(day * 24 + hour, Outcome::Failed, &[Code::SqlServiceStopped]),
                (-12, 9) => full_run(day * 24 + hour, Outcome::Interrupted, &[Code::RunInterrupted]),
                (0, 10) => full_run(day * 24 + hour, Outcome::Warning, &[Code::TerminalMissing]),
                (-1, 16) => full_run(day * 24 + hour, Outcome::Cancelled, &[Code::RunCancelled]),
                _ => full_run(day * 24 + hour, Outcome::Success, &[]),
            });
        }
    }
    runs
}

/// The agent of that shop, waiting.
pub fn well() -> Status {
    let last = full_run(14, Outcome::Success, &[]);
    Status { last: Some(last.clone()), last_good: Some(last), restore_test: tested(None), ..status() }
}

/// What the restore test of last Wednesday says: that the backup passed it, or what was wrong.
pub fn tested(problem: Option<Problem>) -> RestoreTestView {
    let verdict = if problem.is_some() { Verdict::Failed } else { Verdict::Passed };
    let last =
        TestedView { id: uuid::Uuid::from_u128(11), at: at(-4 * 24 + 13), verdict, from: None, problem };
    RestoreTestView { last: Some(last), last_good: Some(at(-4 * 24 + 13)), next_due: Some(at(3 * 24 + 13)) }
}

/// The same agent in the middle of a backup.
pub fn working() -> Status {
    let running = crate::agent::testing::running(43.0);
    Status { activity: running.activity, line: running.line, run: running.run, ..well() }
}

/// What stands in the sets.
pub fn slots() -> Vec<SlotView> {
    let mut slots = Vec::new();
    let mut file = |set: String, made: DateTime<FixedOffset>| {
        for (place, root) in [(Place::Server, r"D:\MBHSist\Backup"), (Place::Terminal, r"\\CAIXA02\MCBkp")] {
            slots.push(SlotView {
                path: format!(r"{root}\{set}\MCDados.zip"),
                set: set.clone(),
                place,
                bytes: 131 << 20,
                modified: made,
                checked: None,
            });
        }
    };
    for hour in 8..=20 {
        let day = if hour <= 14 { 0 } else { -1 };
        file(format!("{hour:02}h"), at(day * 24 + hour) + TimeDelta::minutes(2));
    }
    for day in -5..=0 {
        let made = at(day * 24 + if day == 0 { 14 } else { 20 });
        file(Day::of(made).to_string(), made + TimeDelta::minutes(2));
    }
    slots
}

/// That shop while its terminal is switched off.
pub fn pending() -> Status {
    let last = full_run(14, Outcome::Warning, &[Code::TerminalMissing]);
    let unhealthy = crate::agent::testing::unhealthy(
        crate::cycle::catalogue::Severity::Warning,
        real(Code::TerminalMissing),
    );
    Status {
        last: Some(last.clone()),
        last_good: Some(last),
        pending: vec![
            PendingView { hour: 14, sequence: 10_014, extra: false },
            PendingView { hour: 13, sequence: 10_013, extra: false },
        ],
        restore_test: tested(None),
        ..unhealthy
    }
}

/// That shop with a SQL Server that is stopped.
pub fn stopped() -> Status {
    let failed = full_run(14, Outcome::Failed, &[Code::SqlServiceStopped]);
    let good = full_run(13, Outcome::Success, &[]);
    let unhealthy = crate::agent::testing::unhealthy(
        crate::cycle::catalogue::Severity::Alert,
        real(Code::SqlServiceStopped),
    );
    Status {
        line: words!("Backup não realizado", "Backup not made"),
        last: Some(failed),
        last_good: Some(good),
        retry_at: Some(at(14) + TimeDelta::minutes(10)),
        restore_test: tested(None),
        ..unhealthy
    }
}

/// That shop with names as long as they come, and everything wrong at once.
pub fn long() -> Status {
    let mut status = Status { restore_test: tested(Some(real(Code::ArchiveDamaged))), ..pending() };
    if let Some(subject) = &mut status.subject {
        subject.shop =
            "Drogaria e Perfumaria Nossa Senhora da Conceição Aparecida do Bairro Novo — Filial 12"
                .to_owned();
        subject.store = "12-ZONA-SUL".to_owned();
    }
    let checks = status.checks.clone();
    status.checks.extend(checks);
    status
}

/// A shop whose configuration is still to be written.
pub fn unconfigured() -> Status {
    let finding = |key: &str, line, expected: Words| Finding {
        problem: Problem::new(
            Code::ConfigInvalid,
            words!("Configuração, {key}: falta preencher.", "Configuration, {key}: still to be filled in."),
            expected.clone(),
        ),
        key: key.to_owned(),
        line,
        found: String::new(),
        expected,
    };
    let mut status = Status {
        line: words!("Validando configurações...", "Validating the configuration..."),
        subject: None,
        last: None,
        last_good: None,
        next_due: None,
        health: Some(crate::cycle::catalogue::Severity::Alert),
        ..status()
    };
    status.configuration.in_force = false;
    status.configuration.findings = vec![
        finding("shop.legal_name", Some(4), words!("Esperado: a razão social.", "Expected: the legal name.")),
        finding("backup.folder", None, words!("Esperado: uma pasta.", "Expected: a folder.")),
    ];
    status
}

/// The configuration in force.
pub fn configuration() -> ConfigView {
    let setting = |key: &str, value: &str, origin: Origin| Setting {
        key: key.to_owned(),
        value: value.to_owned(),
        origin,
    };
    let file = |line| Origin::File { line };
    ConfigView {
        path: "/etc/dmbackup/dmbackup.toml".to_owned(),
        settings: vec![
            setting("version", "1", file(1)),
            setting("language", "pt", Origin::Default),
            setting("shop.legal_name", "Farmácia Modelo e Perfumaria do Bairro Novo Ltda. ME", file(4)),
            setting("shop.trade_name", "Farmácia Modelo", file(5)),
            setting("shop.cnpj", "11.222.333/0001-81", file(6)),
            setting("server.host", ".", Origin::Default),
            setting("server.instance", "SQLEXPRESS", file(9)),
            setting("server.user", "dmbackup", file(10)),
            setting("server.password", "***", Origin::Environment { name: "DMBACKUP_SENHA".to_owned() }),
            setting("backup.databases", "MCDados", file(14)),
            setting("backup.folder", r"D:\MBHSist\Backup", file(15)),
            setting("backup.schedule", "0 * * * *", Origin::Default),
            setting("terminal.folder", r"\\CAIXA02\MCBkp", file(19)),
            setting("terminal.local_only", "false", Origin::Default),
            setting("alert.email.to", "dono@example.com, suporte@example.com", file(22)),
            setting("alert.email.host", "smtp.example.com", file(23)),
            setting("alert.email.password", "***", file(24)),
            setting("alert.heartbeat.url", "", Origin::Default),
        ],
    }
}
