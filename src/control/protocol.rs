//! The vocabulary of the control channel; how it stands in frames is `frames.rs`. A client and an agent of different versions
//! understand each other as long as their ranges of protocol versions meet; a request that the agent does not know is answered, by
//! name.

pub use super::frames::{Unreadable, codec, decode, decode_request, encode, first_that_fit};
pub use super::views::{CheckedView, ConfigView, SlotView};
use crate::agent::status::Status;
use crate::alert::Channel;
use crate::backup::outcome::{Outcome, RunId, RunReport};
use crate::cycle::health::CheckView;
use crate::head_office::AddressReport;
pub use crate::journal::Side as Place;
use crate::journal::{Event, Side};
use crate::problem::{Code, Problem, Result};
use crate::restore::outcome::{Listed, Plan, RestoreId, RestoreReport, Task};
use crate::update::VersionView;
use crate::verify::{self, Selection};
use crate::words;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroize;

pub use crate::restore::outcome::Source;

/// The protocol that this version speaks. It rises when an older reader could misunderstand.
pub const PROTOCOL: u32 = 1;
/// The oldest protocol that this version still speaks.
pub const OLDEST_PROTOCOL: u32 = 1;
/// Each side must have said hello within this time.
pub const HELLO_WITHIN: Duration = Duration::from_secs(2);
/// The largest frame that a client may send.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// The largest frame that an agent may send.
pub const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;
/// The most runs that one [`Request::Journal`] returns: a month of hours; fewer where their problems are so long that a reply cannot
/// hold as many.
pub const MAX_RUNS: u32 = 750;

/// What each side says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The newest protocol that it speaks.
    pub protocol: u32,
    /// The oldest protocol that it speaks.
    pub oldest: u32,
    /// The version of its program, for people.
    pub program: String,
}

impl Hello {
    /// What this version says.
    pub fn ours() -> Self {
        Self { protocol: PROTOCOL, oldest: OLDEST_PROTOCOL, program: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// The newest protocol that both speak.
    ///
    /// # Errors
    /// [`Code::AgentVersion`] where there is none, naming both versions.
    pub fn common(&self, other: &Hello) -> Result<u32> {
        let newest = self.protocol.min(other.protocol);
        if newest >= self.oldest && newest >= other.oldest {
            return Ok(newest);
        }
        let (ours, theirs) = (&self.program, &other.program);
        Err(Problem::new(
            Code::AgentVersion,
            words!(
                "Este programa (versão {ours}) e o agente (versão {theirs}) não falam o mesmo protocolo.",
                "This program (version {ours}) and the agent (version {theirs}) do not speak the same protocol."
            ),
            words!(
                "Instale a mesma versão dos dois e reinicie o agente.",
                "Install the same version of both and restart the agent."
            ),
        ))
    }
}

/// The agent's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "greeting", rename_all = "snake_case")]
pub enum Greeting {
    /// It listens.
    Hello(Hello),
    /// It does not, and says why.
    Refused {
        /// Why.
        problem: Problem,
    },
}

/// What a client asks; also the agent's only commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The status, once.
    Status,
    /// The status now and whenever it changes, until the client hangs up.
    Watch,
    /// Looks at the world now and tells all that is unhealthy.
    Check,
    /// Makes a backup now, or joins the one that goes on (DM8).
    BackupNow {
        /// A person confirms that a database which shrank by more than half is right.
        #[serde(default)]
        accept_shrunk: bool,
    },
    /// Makes an extra copy, outside the rotation (CC3): a run of its own, which waits for the one that goes on.
    ExtraBackup {
        /// Why, in a few words; at most [`Reason::LONGEST_CHARS`](crate::slot::Reason::LONGEST_CHARS) characters.
        reason: String,
    },
    /// Makes a backup in a folder that a person chose (DM21): from a dump of its own, or, where a run for the rotation goes on, as a
    /// copy of what that one makes. Refused at once for what is foreseen: [`Code::ManualReplace`] where what stands there would
    /// have to go first.
    ManualBackup {
        /// The folder's full path.
        folder: String,
        /// A person confirms that what stands there may be deleted first, where both do not fit.
        #[serde(default)]
        replace: bool,
    },
    /// Stops the run that goes on (4D2) and those that wait for its end, or a second try that waits.
    Cancel,
    /// Ends the agent (DM4). Refused with [`Code::AgentPassword`] for the wrong password, and with [`Code::AgentRunGoesOn`] while
    /// a backup is made that nobody said may be stopped.
    Quit {
        /// The agent's date as `ddmmaaaa`.
        password: Typed,
        /// A person confirms that the run may be stopped.
        #[serde(default)]
        stop_run: bool,
    },
    /// The store's application was opened (DM22): what is to be told then is answered, and shown in the status.
    ApplicationOpened,
    /// Reads kept backups again, whole; or joins the deep check that does so already.
    Verify {
        /// Which.
        selection: Selection,
        /// On which side; `None` for both.
        #[serde(default)]
        side: Option<Side>,
    },
    /// What came of a deep check.
    Verified {
        /// Which.
        id: RunId,
    },
    /// What stands in the slots, here and at the terminal.
    Slots,
    /// The last runs, newest first.
    Journal {
        /// At most this many; never more than [`MAX_RUNS`].
        limit: u32,
        /// Only those that ended so.
        #[serde(default)]
        outcome: Option<Outcome>,
    },
    /// What happened besides the runs, newest first.
    Events {
        /// At most this many; never more than [`MAX_RUNS`].
        limit: u32,
    },
    /// One run.
    Run {
        /// Which.
        id: RunId,
    },
    /// Tries a way on which people are told, and answers [`Reply::Done`] once a letter got out.
    AlertTest {
        /// Which.
        channel: Channel,
    },
    /// The configuration in force, and where each value comes from.
    Config,
    /// Restores, or removes or ends what a restore made. What changes the shop's own database is for administrators, or for
    /// whoever types an administrator's login of SQL Server.
    Restore {
        /// What is to be done.
        task: Task,
        /// The login as which it is done, typed for this one restore; without it the configured one.
        #[serde(default)]
        login: Option<LoginTyped>,
        /// Who asks. The agent itself fills it in.
        #[serde(skip)]
        by: String,
    },
    /// What a restore would do, and the T-SQL.
    RestorePlan {
        /// What would be done.
        task: Task,
    },
    /// What can be restored from: on both sides, or the backups at a path on any disk.
    RestoreSources {
        /// A file or a folder.
        #[serde(default)]
        path: Option<PathBuf>,
    },
    /// The last restores, newest first.
    Restores {
        /// At most this many; never more than [`MAX_RUNS`].
        limit: u32,
    },
    /// One restore.
    RestoreReport {
        /// Which.
        id: RestoreId,
    },
    /// Tells the chain's head office by which address it is reached from here (DM23).
    UpdateAddress {
        /// Only finds the address, and tries the login.
        #[serde(default)]
        dry_run: bool,
    },
    /// Looks for a newer version now (DM14).
    CheckVersion,
}

/// A login of SQL Server that somebody typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginTyped {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: Typed,
}

/// What somebody typed as a password: never printed, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Typed(String);

impl Typed {
    /// Keeps what was typed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Request {
    /// Whether only whoever sits at the machine may ask it; everything else is for every local user.
    pub fn needs_hands(&self) -> bool {
        match self {
            Self::BackupNow { .. }
            | Self::ExtraBackup { .. }
            | Self::Verify { .. }
            | Self::ManualBackup { .. }
            | Self::Cancel
            | Self::AlertTest { .. }
            | Self::Quit { .. }
            | Self::Restore { .. }
            | Self::UpdateAddress { .. }
            | Self::CheckVersion
            | Self::RestorePlan { .. } => true,
            // The agent reads where the client itself may not.
            Self::RestoreSources { path } => path.is_some(),
            Self::Status
            | Self::Watch
            | Self::Check
            | Self::ApplicationOpened
            | Self::Slots
            | Self::Journal { .. }
            | Self::Events { .. }
            | Self::Run { .. }
            | Self::Verified { .. }
            | Self::Restores { .. }
            | Self::RestoreReport { .. }
            | Self::Config => false,
        }
    }

    /// Whether only an administrator may ask it.
    pub fn needs_administrator(&self) -> bool {
        match self {
            Self::Restore { task, login, .. } => task.is_destructive() && login.is_none(),
            Self::Status
            | Self::Watch
            | Self::Check
            | Self::BackupNow { .. }
            | Self::ExtraBackup { .. }
            | Self::Cancel
            | Self::Quit { .. }
            | Self::ApplicationOpened
            | Self::Slots
            | Self::Journal { .. }
            | Self::Events { .. }
            | Self::Run { .. }
            | Self::Verify { .. }
            | Self::Verified { .. }
            | Self::ManualBackup { .. }
            | Self::AlertTest { .. }
            | Self::RestorePlan { .. }
            | Self::RestoreSources { .. }
            | Self::Restores { .. }
            | Self::RestoreReport { .. }
            | Self::UpdateAddress { .. }
            | Self::CheckVersion
            | Self::Config => false,
        }
    }

    /// The same, asked by `name`: the journal tells who restored.
    pub fn asked_by(mut self, name: &str) -> Self {
        if let Self::Restore { by, .. } = &mut self {
            name.clone_into(by);
        }
        self
    }
}

/// What the agent answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// To [`Request::Status`] and [`Request::Watch`].
    Status {
        /// The status.
        status: Box<Status>,
    },
    /// To [`Request::Check`].
    Checks {
        /// What is unhealthy, causes first.
        checks: Vec<CheckView>,
    },
    /// To [`Request::BackupNow`], [`Request::ExtraBackup`], [`Request::ManualBackup`] and [`Request::Verify`].
    Accepted {
        /// The run that was begun or joined, or that waits for its turn.
        run: RunId,
        /// It went on already. Of a manual backup: it will be a copy of what the run that goes on makes.
        joined: bool,
    },
    /// To [`Request::Cancel`]: it will end. To [`Request::Quit`]: the agent ends, once its run has.
    Done,
    /// To [`Request::ApplicationOpened`].
    Opened {
        /// That the data are on one machine only; `None` where they are not.
        notice: Option<Problem>,
    },
    /// To [`Request::Verified`].
    Verified {
        /// What it found; `None` while it goes on, and for one that is not the last.
        report: Option<Box<verify::Report>>,
    },
    /// To [`Request::Slots`].
    Slots {
        /// What stands in each place, the newest first.
        slots: Vec<SlotView>,
        /// Why the terminal could not be looked at.
        #[serde(default)]
        terminal_problem: Option<Problem>,
    },
    /// To [`Request::Journal`].
    Journal {
        /// The runs, newest first.
        runs: Vec<RunReport>,
    },
    /// To [`Request::Events`].
    Events {
        /// The events, newest first.
        events: Vec<Event>,
    },
    /// To [`Request::Run`].
    Run {
        /// The run; `None` where the journal does not know it.
        run: Option<Box<RunReport>>,
    },
    /// To [`Request::Config`].
    Config {
        /// The configuration in force.
        config: ConfigView,
    },
    /// To [`Request::Restore`].
    RestoreBegun {
        /// The restore that was begun.
        restore: RestoreId,
    },
    /// To [`Request::RestorePlan`].
    RestorePlan {
        /// What it would do.
        plan: Box<Plan>,
    },
    /// To [`Request::RestoreSources`].
    RestoreSources {
        /// What stands in each place.
        sources: Vec<Listed>,
        /// Why the terminal could not be looked at.
        #[serde(default)]
        terminal_problem: Option<Problem>,
    },
    /// To [`Request::Restores`].
    Restores {
        /// The restores, newest first.
        restores: Vec<RestoreReport>,
    },
    /// To [`Request::RestoreReport`].
    RestoreReport {
        /// The restore; `None` where the journal does not know it.
        restore: Option<Box<RestoreReport>>,
    },
    /// To [`Request::UpdateAddress`].
    AddressUpdated {
        /// Old and new.
        report: AddressReport,
    },
    /// To [`Request::CheckVersion`].
    Version {
        /// What is known now.
        version: Box<VersionView>,
    },
    /// The agent does not do it, and says why.
    Refused {
        /// Why.
        problem: Problem,
    },
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
