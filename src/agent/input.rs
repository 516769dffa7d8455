//! What happens to the agent: the end of the program, requests, reports of its jobs, the passing of time.

use super::status::{PendingView, SpaceView};
use crate::backup::Manual;
use crate::backup::outcome::{Phase, Progress, RunId, RunReport};
use crate::clock::{Passage, Zone};
use crate::control::protocol::Request;
pub use crate::cycle::configuration::{InForce, News};
use crate::cycle::health::Look;
use crate::cycle::step::Step;
use crate::head_office::AddressSent;
use crate::problem::Problem;
use crate::restore::outcome::{Replacement, RestoreProgress, RestoreReport, Stage};
use crate::update::VersionView;
use crate::verify::{self, Place};
use chrono::{DateTime, FixedOffset};
use tokio::time::Instant;

/// Names a client's request until it is answered.
pub type Ticket = u64;

/// The time of an event, by both clocks, and a fresh name for a run that it may begin.
#[derive(Clone, Debug)]
pub struct Now {
    /// The shop's local time.
    pub wall: DateTime<FixedOffset>,
    /// The rules of the shop's time zone.
    pub zone: Zone,
    /// Goes on whatever happens to the time of day.
    pub steady: Instant,
    /// A name that no run has yet.
    pub fresh: RunId,
}

/// What happens to the agent.
#[derive(Debug)]
pub enum Input {
    /// It is to end.
    Shutdown,
    /// A client asks.
    Asked(Request, Ticket),
    /// A job reports.
    Reported(Event),
    /// Time went by.
    Tick(Passage),
}

/// What jobs report.
#[derive(Debug)]
pub enum Event {
    /// The cycle is at this step.
    Step(Step),
    /// The step went well.
    StepDone(Step),
    /// The cycle was gone through.
    CycleEnded(Box<CycleReport>),
    /// A phase of the run began.
    Phase(Phase),
    /// It went on.
    Progress(Progress),
    /// The run ended.
    RunEnded(Box<RunReport>),
    /// A kept backup is being read.
    CheckGoesOn {
        /// Which.
        place: Place,
        /// Bytes of its dump that were checked.
        checked_bytes: u64,
    },
    /// The deep check ended; `None` where nothing was due.
    CheckEnded(Option<verify::Report>),
    /// The folder of a manual backup was looked at.
    Surveyed {
        /// Whose request it answers.
        ticket: Ticket,
        /// What is wanted.
        manual: Manual,
        /// Why it cannot be, as things stand.
        problem: Option<Problem>,
    },
    /// A stage of the restore began.
    RestoreStage(Stage),
    /// It went on.
    RestoreProgress(RestoreProgress),
    /// The restore ended.
    RestoreEnded(Box<RestoreReport>),
    /// The replacement that stands and waits for its checklist, as it is recorded now.
    Standing(Option<Replacement>),
    /// The head office was told this server's address.
    AddressSent(AddressSent),
    /// A newer version was looked for, or it is known why not.
    VersionLooked(Box<VersionView>),
    /// The making up of copies ended.
    CopiesEnded {
        /// The places among the backups of those that the terminal has now, whole and under all of their names.
        arrived: Vec<u64>,
        /// What stopped it; `None` where the terminal has everything now.
        problem: Option<Problem>,
        /// What the terminal lacks now, newest first.
        pending: Vec<PendingView>,
    },
}

/// What a cycle found.
#[derive(Debug, Default)]
pub struct CycleReport {
    /// What is healthy and what is not.
    pub look: Look,
    /// What became of the configuration.
    pub configuration: News,
    /// Space in the backup folder; `None` where it could not be asked.
    pub space: Option<SpaceView>,
    /// What the terminal lacks, newest first; `None` where the journal does not tell.
    pub pending: Option<Vec<PendingView>>,
}
