//! Statuses for the tests of whoever shows them, and a configuration for those of the agent.

use super::history::tests::{at, run};
use super::status::{Activity, ConfigurationView, RestoreTestView, RunningView, SpaceView, Status, Subject};
use crate::backup::outcome::{Outcome, Phase, Progress, Purpose, RunReport, Trigger};
use crate::config::{
    AlertConfig, ArchiveName, BackupConfig, Config, DatabaseName, Encrypt, Login, ServerConfig, Shop,
    Terminal, UpdateConfig,
};
use crate::cycle::catalogue::Severity;
use crate::cycle::health::CheckView;
use crate::problem::Problem;
use crate::schedule::Schedule;
use crate::update::VersionView;
use crate::words;
use crate::words::{Language, Words};
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// An agent at work in a shop, at 14:05, after its backup of 14:00.
pub fn status() -> Status {
    let last = RunReport { bak_bytes: 640 << 20, zip_bytes: 131 << 20, ..run(14, Outcome::Success, &[]) };
    Status {
        program: "1.2.3".to_owned(),
        agent: Uuid::from_u128(1),
        pid: 7,
        started_at: at(8),
        now: at(14) + chrono::TimeDelta::minutes(5),
        activity: Activity::Waiting,
        line: words!("Aguardando tarefas...", "Waiting for tasks..."),
        health: None,
        checks: Vec::new(),
        configuration: ConfigurationView {
            path: "/etc/dmbackup/dmbackup.toml".to_owned(),
            in_force: true,
            revision: 1,
            findings: Vec::new(),
        },
        subject: Some(Subject {
            shop: "Farmácia Modelo".to_owned(),
            store: "1".to_owned(),
            server: r".\SQLEXPRESS".to_owned(),
            database: "MCDados".to_owned(),
            folder: r"D:\MBHSist\Backup".to_owned(),
            terminal: Some(r"\\CAIXA02\MCBkp".to_owned()),
            schedule: "hourly".to_owned(),
        }),
        run: None,
        waiting: Vec::new(),
        opened: None,
        closed: false,
        retry_at: None,
        next_due: Some(at(15)),
        last: Some(last.clone()),
        last_good: Some(last),
        pending: Vec::new(),
        space: Some(SpaceView { free_bytes: 80 << 30, total_bytes: 200 << 30, hours_that_fit: Some(24) }),
        verify: None,
        restore: None,
        last_restore: None,
        replacement: None,
        notices: Vec::new(),
        head_office: None,
        version: VersionView::default(),
        restore_test: RestoreTestView::default(),
    }
}

/// The second try comes after ten minutes, a good backup is too old after three hours, backups are due at each full hour.
pub fn config(terminal: Terminal) -> Config {
    Config {
        language: Language::Portuguese,
        shop: Shop {
            legal_name: "Farmácia Ltda".to_owned(),
            trade_name: "Farmácia".to_owned(),
            cnpj: None,
            store: "1".to_owned(),
        },
        server: ServerConfig {
            host: "localhost".to_owned(),
            instance: None,
            port: None,
            encrypt: Encrypt::On,
            trust_server_certificate: true,
            login: Login::Integrated,
            service: None,
        },
        databases: vec![DatabaseName::new("MCDados").unwrap()],
        archive_name: ArchiveName::default(),
        backup: BackupConfig {
            folder: PathBuf::from("/backup"),
            folder_seen_by_server: "/backup".to_owned(),
            reserve_bytes: 0,
            slots_floor: 6,
            retry_wait: Duration::from_secs(600),
            too_old: Duration::from_secs(3 * 3_600),
            accept_shrunk: false,
            restore_test: Duration::from_secs(7 * 86_400),
        },
        terminal,
        schedule: Schedule::parse("0 * * * *").unwrap(),
        reopen_after: None,
        alert: AlertConfig::default(),
        head_office: None,
        update: UpdateConfig { url: None, interval: Duration::from_secs(86_400), off: false },
    }
}

/// The agent of [`status`] in the middle of a backup.
pub fn running(percent: f32) -> Status {
    let progress = Progress {
        phase: Phase::Packing,
        done_bytes: 275 << 20,
        total_bytes: Some(640 << 20),
        percent: Some(percent),
        copied_bytes: 50 << 20,
        left_secs: Some(42),
    };
    Status {
        activity: Activity::Running,
        line: words!("Compactando backup...", "Compressing the backup..."),
        run: Some(RunningView {
            id: Uuid::from_u128(99),
            trigger: Trigger::Request,
            purpose: Purpose::default(),
            attempt: 1,
            hour: 14,
            started_at: at(14),
            phase: Phase::Packing,
            progress: Some(progress),
            cancelling: false,
        }),
        ..status()
    }
}

/// The agent of [`status`] with something unhealthy.
pub fn unhealthy(severity: Severity, problem: Problem) -> Status {
    let check = CheckView {
        id: "test".to_owned(),
        title: Words::same("test"),
        severity,
        problem,
        since: at(13),
        explained_by: None,
    };
    Status { health: Some(severity), checks: vec![check], ..status() }
}
