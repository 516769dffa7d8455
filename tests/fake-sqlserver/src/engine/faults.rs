//! Faults that befall a statement before it begins.

use std::time::Duration;

use super::Engine;
use crate::fault::{Action, StatementKind};
use crate::mtf::Stripe;
use crate::session::output::{Failure, Output, Silence};
use crate::sql::batch;

/// How many bytes of an answer reach the client before the connection is cut: part of the first token.
const SEVERED_BYTES: u64 = 9;

/// What is to befall a BACKUP while it runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct BackupFaults {
    /// Waits so long for each percent
    pub pace: Option<Duration>,
    /// Falls silent at this percentage
    pub stall: Option<f64>,
    /// Cuts the connection at this percentage
    pub drop: Option<f64>,
    /// Waits at this percentage until it is released
    pub hold: Option<f64>,
    /// The disk is full after so many bytes
    pub disk_full: Option<u64>,
    /// The file is cut to so many bytes afterwards
    pub truncate: Option<u64>,
    /// These bits are turned over afterwards
    pub flips: Vec<(i64, u8)>,
    /// Only this file of a striped set is written
    pub stripe: Option<Stripe>,
}

impl Engine {
    /// Lets happen what is to happen to this statement, and gives back what a BACKUP has to see to itself.
    pub(super) fn befall(
        &self,
        statement: &batch::Action,
        out: &mut Output,
    ) -> std::result::Result<BackupFaults, Failure> {
        let kind = statement.kind();
        self.instance().faults.note(kind, || {
            if let batch::Action::Sql(sql) = statement { sql.to_string() } else { kind.to_string() }
        });
        let during = matches!(kind, StatementKind::Backup | StatementKind::Restore | StatementKind::CheckDb);
        let mut faults = BackupFaults::default();
        for action in self.instance().faults.befall(kind) {
            match action {
                Action::Cut => return Err(out.hang_up().into()),
                Action::Lose => out.keep_silent(Silence::Cut),
                Action::Mute => out.keep_silent(Silence::Endless),
                Action::Delay(time) => Self::wait(Some(time), out)?,
                Action::Stall { percent } if during => faults.stall = Some(percent),
                Action::Stall { .. } => Self::wait(None, out)?,
                Action::Drop { percent } if during => faults.drop = Some(percent),
                Action::Drop { percent } => out.sever_after(if percent > 0.0 { SEVERED_BYTES } else { 0 }),
                Action::Hold { percent } if during => faults.hold = Some(percent),
                Action::Hold { .. } => self.hold(out)?,
                Action::Error(error) => return Err(error.into()),
                Action::Pace(time) => faults.pace = Some(time),
                Action::DiskFull { bytes } => faults.disk_full = Some(bytes),
                Action::Truncate { bytes } => faults.truncate = Some(bytes),
                Action::Flip { byte, bit } => faults.flips.push((byte, bit)),
                Action::Stripe(stripe) => faults.stripe = Some(stripe),
            }
        }
        Ok(faults)
    }

    /// Waits until the test that let it be held releases it.
    pub(super) fn hold(&self, out: &Output) -> std::result::Result<(), Failure> {
        const GLANCE: Duration = Duration::from_millis(5);
        let faults = &self.instance().faults;
        let holding = faults.hold();
        while faults.is_held(holding) {
            Self::wait(Some(GLANCE), out)?;
        }
        Ok(())
    }

    /// Waits, for ever without a time, until it is told to stop.
    pub(super) fn wait(time: Option<Duration>, out: &Output) -> std::result::Result<(), Failure> {
        out.cancel().wait(time);
        Ok(out.check()?)
    }
}
