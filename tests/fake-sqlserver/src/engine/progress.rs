//! How far a long statement is: told to its client, to `sys.dm_exec_requests`, to tests that wait for it.

use std::ops::ControlFlow;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Engine;
use super::faults::BackupFaults;
use crate::error::SqlError;
use crate::session::output::{Failure, Output, Stopped};

/// Whose progress it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// BACKUP
    Backup,
    /// RESTORE DATABASE
    Restore,
    /// DBCC CHECKDB, which says nothing of it to its client
    Check,
}

/// The progress of one statement, and the faults that befall it on the way.
pub(super) struct Progress<'a> {
    engine: &'a Engine,
    out: &'a mut Output,
    of: Of,
    stats: u8,
    faults: BackupFaults,
    began: Instant,
    percent: f64,
    told: u64,
    /// Why it has to stop
    pub failure: Option<Failure>,
    /// It stops because the server plays dead
    pub died: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        of: Of,
        stats: u8,
        faults: BackupFaults,
        out: &'a mut Output,
    ) -> Self {
        let progress = Self {
            engine,
            out,
            of,
            stats: stats.max(1),
            faults,
            began: Instant::now(),
            percent: 0.0,
            told: 0,
            failure: None,
            died: false,
        };
        progress.watched().send_replace(0.0);
        progress
    }

    fn watched(&self) -> &watch::Sender<f64> {
        match self.of {
            Of::Backup => &self.engine.instance().backup_percent,
            Of::Restore | Of::Check => &self.engine.instance().restore_percent,
        }
    }

    pub(super) fn step(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        match self.try_step(done, total) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                self.failure = Some(failure);
                ControlFlow::Break(())
            }
        }
    }

    pub(super) fn try_step(&mut self, done: u64, total: u64) -> Result<(), Failure> {
        self.out.check()?;
        let percent = done as f64 * 100.0 / total.max(1) as f64;
        if let Some(pace) = self.faults.pace {
            let time = pace.mul_f64((percent - self.percent).clamp(0.0, 100.0));
            Engine::wait(Some(time), self.out)?;
        }
        self.percent = percent;
        self.show();
        if self.faults.drop.is_some_and(|at| percent >= at) {
            self.died = true;
            return Err(self.out.hang_up().into());
        }
        if self.faults.stall.is_some_and(|at| percent >= at) {
            Engine::wait(None, self.out)?;
        }
        if self.faults.hold.is_some_and(|at| percent >= at) {
            self.faults.hold = None;
            self.engine.hold(self.out)?;
        }
        Ok(self.tell()?)
    }

    fn show(&self) {
        let elapsed_ms = self.began.elapsed().as_millis() as f64;
        let remaining_ms = (elapsed_ms * (100.0 - self.percent) / self.percent.max(0.1)) as i64;
        let percent = self.percent as f32;
        self.engine.instance().update_session(self.engine.scope.spid, |session| {
            if let Some(request) = &mut session.request {
                request.percent = percent;
                request.remaining_ms = remaining_ms;
            }
        });
        self.watched().send_replace(self.percent);
    }

    /// «N percent processed.» whenever another `STATS` percent are.
    fn tell(&mut self) -> Result<(), Stopped> {
        let whole = self.percent as u64;
        if self.of == Of::Check || whole / u64::from(self.stats) <= self.told / u64::from(self.stats) {
            return Ok(());
        }
        self.told = whole;
        self.out.info(&SqlError::new(3211, format!("{whole} percent processed.")).class(0))?;
        self.out.step()
    }
}
