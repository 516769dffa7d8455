//! From what the agent knows to what clients see.

use super::effect::Wanted;
use super::input::Now;
use super::state::{Restoring, Running, Stage, State, Work};
use super::status::{Activity, HeadOfficeView, RestoringView, RunningView, Status, Subject, WaitingView};
use crate::config::{Config, Terminal};
use crate::cycle::health::worst;
use crate::head_office;
use chrono::{DateTime, FixedOffset};
use uuid::Uuid;

/// What of the status never changes while the agent lives.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Names the agent.
    pub agent: Uuid,
    /// Its process.
    pub pid: u32,
    /// When it began.
    pub started_at: DateTime<FixedOffset>,
}

impl State {
    /// The status at `now`.
    pub fn status(&self, facts: &Facts, now: &Now) -> Status {
        let checks = self.health.view(now.steady);
        Status {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            agent: facts.agent,
            pid: facts.pid,
            started_at: facts.started_at,
            now: now.wall,
            activity: self.activity(),
            line: self.line.clone(),
            health: worst(&checks),
            checks,
            configuration: self.configuration.clone(),
            subject: self.in_force.as_ref().map(|in_force| subject(&in_force.config)),
            run: match &self.work {
                Work::Running(running) => Some(running_view(running)),
                Work::Idle | Work::Copying | Work::Verifying | Work::Restoring(_) => None,
            },
            restore: match &self.work {
                Work::Restoring(restoring) => Some(restoring_view(restoring)),
                Work::Idle | Work::Copying | Work::Verifying | Work::Running(_) => None,
            },
            last_restore: self.last_restore.clone(),
            replacement: self.replacement.clone(),
            restore_test: self.trials.view(self.test_every(), now.wall),
            waiting: self.waiting.iter().map(waiting_view).collect(),
            opened: self.opened.clone(),
            closed: self.closed,
            retry_at: self.retry.as_ref().map(|retry| retry.shown),
            next_due: self.next_due,
            last: self.history.last.clone(),
            last_good: self.history.last_good.clone(),
            pending: self.pending.clone(),
            space: self.space,
            verify: self.verify_view(),
            notices: Vec::new(),
            head_office: self.head_office_view(),
            version: self.version.clone(),
        }
    }

    fn head_office_view(&self) -> Option<HeadOfficeView> {
        let office = self.in_force.as_ref()?.config.head_office.as_ref()?;
        Some(HeadOfficeView { server: head_office::shown(office), last: self.address_sent.clone() })
    }

    fn activity(&self) -> Activity {
        match (self.stage, &self.work) {
            (Stage::Stopping, _) => Activity::Stopping,
            (Stage::Starting | Stage::Ready, Work::Running(_)) => Activity::Running,
            (Stage::Starting | Stage::Ready, Work::Copying) => Activity::Copying,
            (Stage::Starting | Stage::Ready, Work::Verifying) => Activity::Verifying,
            (Stage::Starting | Stage::Ready, Work::Restoring(_)) => Activity::Restoring,
            (Stage::Starting, Work::Idle) => Activity::Starting,
            (Stage::Ready, Work::Idle) if self.step.is_some() => Activity::Checking,
            (Stage::Ready, Work::Idle) => Activity::Waiting,
        }
    }
}

fn subject(config: &Config) -> Subject {
    Subject {
        shop: config.shop.trade_name.clone(),
        store: config.shop.store.clone(),
        server: config.server.display(),
        database: config.database().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        folder: config.backup.folder.display().to_string(),
        terminal: match &config.terminal {
            Terminal::LocalOnly => None,
            Terminal::Folder { path, .. } => Some(path.display().to_string()),
        },
        schedule: config.schedule.to_string(),
    }
}

fn waiting_view(wanted: &Wanted) -> WaitingView {
    WaitingView { id: wanted.id, purpose: wanted.aim.purpose(), asked_at: wanted.begun }
}

fn restoring_view(restoring: &Restoring) -> RestoringView {
    RestoringView {
        id: restoring.order.id,
        task: restoring.order.task.clone(),
        by: restoring.order.by.clone(),
        started_at: restoring.order.begun,
        stage: restoring.stage,
        progress: restoring.progress,
        cancelling: restoring.cancelling,
    }
}

fn running_view(running: &Running) -> RunningView {
    RunningView {
        id: running.wanted.id,
        trigger: running.wanted.trigger,
        purpose: running.wanted.aim.purpose(),
        attempt: running.wanted.attempt,
        hour: running.wanted.hour(),
        started_at: running.wanted.begun,
        phase: running.phase,
        progress: running.progress,
        cancelling: running.cancelling,
    }
}
