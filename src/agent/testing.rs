//! Statuses for the tests of whoever shows them.

use super::history::tests::{at, run};
use super::status::{Activity, ConfigurationView, RestoreTestView, RunningView, SpaceView, Status, Subject};
use crate::backup::outcome::{Outcome, Phase, Progress, Purpose, RunReport, Trigger};
use crate::cycle::catalogue::Severity;
use crate::cycle::health::CheckView;
use crate::problem::Problem;
use crate::update::VersionView;
use crate::words;
use crate::words::Words;
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
