//! What clients see of the agent: one plain value, whole each time. Nothing here is secret and nothing is a customer's.

use crate::backup::outcome::{Outcome, Phase, Progress, Purpose, RunId, RunReport, Trigger};
use crate::config::Finding;
use crate::cycle::catalogue::Severity;
use crate::cycle::health::CheckView;
use crate::head_office::AddressSent;
use crate::notify::Notice;
use crate::problem::Problem;
use crate::restore::outcome::{Replacement, RestoreId, RestoreProgress, RestoreReport, Stage, Task, Verdict};
use crate::update::VersionView;
use crate::verify::Place;
use crate::words;
use crate::words::{Language, Words, day};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the agent is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// It has just begun, and cleans up after its predecessor.
    #[default]
    Starting,
    /// It looks at the world.
    Checking,
    /// It waits for the next minute or for a request.
    Waiting,
    /// A backup runs.
    Running,
    /// Copies that the terminal lacks are made up.
    Copying,
    /// Kept backups are read again.
    Verifying,
    /// A backup is restored.
    Restoring,
    /// It is ending.
    Stopping,
}

/// Everything that a client can know without asking further.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the agent's program.
    pub program: String,
    /// Names the agent; also in the identity file of its folders.
    pub agent: Uuid,
    /// Its process.
    pub pid: u32,
    /// When it began.
    pub started_at: DateTime<FixedOffset>,
    /// The agent's time when the status was made; the shop's local time.
    pub now: DateTime<FixedOffset>,
    /// What it is doing.
    pub activity: Activity,
    /// The manual's status line.
    pub line: Words,
    /// The gravest of `checks`; `None` when all is well.
    pub health: Option<Severity>,
    /// What is unhealthy, causes first. What is not here is well.
    pub checks: Vec<CheckView>,
    /// The configuration: where it is, and what is wrong with it.
    pub configuration: ConfigurationView,
    /// What is backed up; `None` while no configuration has been valid yet.
    pub subject: Option<Subject>,
    /// The run that goes on.
    pub run: Option<RunningView>,
    /// Runs that begin when the one that goes on has ended, in this order.
    #[serde(default)]
    pub waiting: Vec<WaitingView>,
    /// When the store's application was opened last, and what was to be told then; `None` before the first time.
    #[serde(default)]
    pub opened: Option<OpenedView>,
    /// A person closed the program (DM4): whoever else stays beside a clock ends too, and holds no agent in its place.
    #[serde(default)]
    pub closed: bool,
    /// When a failed run is tried a second time.
    pub retry_at: Option<DateTime<FixedOffset>>,
    /// When the next backup is due; `None` while nothing is scheduled.
    pub next_due: Option<DateTime<FixedOffset>>,
    /// The last run that ended, whatever came of it.
    pub last: Option<RunReport>,
    /// The last run that made a good backup.
    pub last_good: Option<RunReport>,
    /// Backups that the terminal does not have yet, newest first.
    pub pending: Vec<PendingView>,
    /// Space in the backup folder, when it was last looked at.
    pub space: Option<SpaceView>,
    /// The deep check that goes on, or that waits for its turn.
    #[serde(default)]
    pub verify: Option<VerifyView>,
    /// The restore that goes on.
    #[serde(default)]
    pub restore: Option<RestoringView>,
    /// The last restore, whatever came of it.
    #[serde(default)]
    pub last_restore: Option<RestoreReport>,
    /// The replacement that stands until its checklist is ticked and somebody releases it (PS8).
    #[serde(default)]
    pub replacement: Option<Replacement>,
    /// What people were told lately, the oldest first. Whoever shows notices shows those that it has not shown yet.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// The head office (DM23); `None` where the store belongs to no chain.
    #[serde(default)]
    pub head_office: Option<HeadOfficeView>,
    /// What is known of newer versions (DM14).
    #[serde(default)]
    pub version: VersionView,
    /// What restore tests say.
    #[serde(default)]
    pub restore_test: RestoreTestView,
}

impl Status {
    /// How many backups wait for their turn, in words; `None` where none does.
    pub fn queue(&self) -> Option<Words> {
        match self.waiting.len() {
            0 => None,
            1 => Some(words!("1 backup na fila", "1 backup waiting")),
            count => Some(words!("{count} backups na fila", "{count} backups waiting")),
        }
    }
}

/// The head office of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadOfficeView {
    /// Its server, without secrets.
    pub server: String,
    /// The address that was told last; `None` where none was.
    pub last: Option<AddressSent>,
}

/// What restore tests say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreTestView {
    /// The last one that came to a result.
    pub last: Option<TestedView>,
    /// When the last one was passed.
    pub last_good: Option<DateTime<FixedOffset>>,
    /// From when on the next one is due; `None` where none is: tests are turned off, or there is nothing to test.
    pub next_due: Option<DateTime<FixedOffset>>,
}

/// A restore test that came to a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedView {
    /// Names it; the journal has the whole report.
    pub id: RestoreId,
    /// When it ended.
    pub at: DateTime<FixedOffset>,
    /// What it says.
    pub verdict: Verdict,
    /// The file that was tested.
    pub from: Option<String>,
    /// What was wrong; also what a passed test had to tell.
    pub problem: Option<Problem>,
}

impl TestedView {
    /// The day and the result: «domingo, aprovado».
    pub fn words(&self, now: DateTime<FixedOffset>) -> Words {
        let (pt, en) = (day(self.at, now, Language::Portuguese), day(self.at, now, Language::English));
        let Words { pt: pt_said, en: en_said } = self.verdict.words();
        words!("{pt}, {pt_said}", "{en}, {en_said}")
    }
}

/// The configuration as the agent sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationView {
    /// The file.
    pub path: String,
    /// Whether a valid configuration is in force: this file's, or the last good one's.
    pub in_force: bool,
    /// How many valid configurations have come into force since the agent began; another number means other values.
    #[serde(default)]
    pub revision: u64,
    /// What is wrong with the file, all at once.
    pub findings: Vec<Finding>,
}

/// What is backed up, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The shop's trade name.
    pub shop: String,
    /// Which store of the chain.
    pub store: String,
    /// The server, without secrets.
    pub server: String,
    /// The database.
    pub database: String,
    /// The backup folder.
    pub folder: String,
    /// The terminal's folder; `None` where explicitly local.
    pub terminal: Option<String>,
    /// The schedule as it was written.
    pub schedule: String,
}

/// The run that goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunningView {
    /// Names the run.
    pub id: RunId,
    /// What started it.
    pub trigger: Trigger,
    /// What it makes its backup for.
    #[serde(default)]
    pub purpose: Purpose,
    /// 1, or 2 for the second try after a failure.
    pub attempt: u8,
    /// Its slot, 0 to 23.
    pub hour: u8,
    /// When it began.
    pub started_at: DateTime<FixedOffset>,
    /// Where it is.
    pub phase: Phase,
    /// How far it is; `None` until the first figure.
    pub progress: Option<Progress>,
    /// Somebody asked for its end.
    pub cancelling: bool,
}

/// A run that waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    /// Names the run.
    pub id: RunId,
    /// What it will make its backup for.
    pub purpose: Purpose,
    /// When it was asked for.
    pub asked_at: DateTime<FixedOffset>,
}

/// An opening of the store's application (DM22). Whoever shows notices shows this one whenever `at` has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedView {
    /// When.
    pub at: DateTime<FixedOffset>,
    /// That the data are on one machine only; `None` where they are not.
    pub notice: Option<Problem>,
}

/// The restore that goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestoringView {
    /// Names the restore.
    pub id: RestoreId,
    /// What was asked.
    pub task: Task,
    /// Who asked.
    pub by: String,
    /// When it began.
    pub started_at: DateTime<FixedOffset>,
    /// Where it is.
    pub stage: Stage,
    /// How far it is; `None` until the first figure.
    pub progress: Option<RestoreProgress>,
    /// Somebody asked for its end.
    pub cancelling: bool,
}

/// A backup that the terminal does not have yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingView {
    /// Its slot's hour, 0 to 23.
    pub hour: u8,
    /// Its place among the backups.
    pub sequence: u64,
    /// It is an extra copy, outside the rotation.
    #[serde(default)]
    pub extra: bool,
}

/// Space in the backup folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceView {
    /// Bytes free on the volume.
    pub free_bytes: u64,
    /// Bytes of the volume.
    pub total_bytes: u64,
    /// How many hour slots fit, at the size of the last backup; `None` before the first.
    pub hours_that_fit: Option<u8>,
}

/// A deep check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyView {
    /// Names the one that a person asked for; `None` for the file whose turn it is.
    pub id: Option<RunId>,
    /// What is read; `None` while it waits for its turn.
    pub place: Option<Place>,
    /// Bytes of the dump in it that were checked.
    pub checked_bytes: u64,
}

/// What the status line says while a phase goes on (DM17 to DM19).
pub fn phase_line(phase: Phase, has_terminal: bool) -> Words {
    match phase {
        Phase::Preparing => words!("Preparando backup...", "Preparing the backup..."),
        Phase::Dumping => words!("Realizando backup...", "Making the backup..."),
        Phase::Packing => words!("Compactando backup...", "Compressing the backup..."),
        Phase::Confirming | Phase::Done if has_terminal => {
            words!("Copiando backup para o terminal...", "Copying the backup to the terminal...")
        }
        Phase::Confirming | Phase::Done => words!("Conferindo backup...", "Confirming the backup..."),
    }
}

/// The same for a manual backup (DM21), made from a dump of its own or as a copy.
pub fn manual_phase_line(phase: Phase, is_copy: bool) -> Words {
    match phase {
        Phase::Packing if is_copy => {
            words!("Copiando backup para a pasta escolhida...", "Copying the backup to the chosen folder...")
        }
        Phase::Confirming | Phase::Done => words!(
            "Conferindo backup na pasta escolhida; não remova o disco ainda...",
            "Confirming the backup in the chosen folder; do not remove the disk yet..."
        ),
        Phase::Preparing | Phase::Dumping | Phase::Packing => phase_line(phase, false),
    }
}

/// What the status line says at the end of a run (DM20).
pub fn end_line(report: &RunReport) -> Words {
    let at_terminal = report.terminal.as_ref().is_some_and(|copy| copy.done);
    match report.outcome {
        Some(Outcome::Success | Outcome::Warning) if report.manual.is_some() => {
            words!("Backup realizado com sucesso", "Backup made successfully")
        }
        Some(Outcome::Success | Outcome::Warning) if !report.purpose.is_rotation() => extra_line(report),
        Some(Outcome::Success | Outcome::Warning) if at_terminal => words!(
            "Backup realizado no servidor e copiado para o terminal de backup",
            "Backup made on the server and copied to the backup terminal"
        ),
        Some(Outcome::Success | Outcome::Warning) if report.terminal.is_some() => words!(
            "Backup realizado no servidor; a cópia para o terminal de backup ficou pendente",
            "Backup made on the server; the copy to the backup terminal is pending"
        ),
        Some(Outcome::Success | Outcome::Warning) => {
            words!("Backup realizado no servidor", "Backup made on the server")
        }
        Some(Outcome::Cancelled) => words!("Backup cancelado", "Backup cancelled"),
        Some(Outcome::Failed | Outcome::Interrupted) | None => {
            words!("Backup não realizado", "Backup not made")
        }
    }
}

/// What the status line says when an extra copy was made (CC12).
fn extra_line(report: &RunReport) -> Words {
    match &report.terminal {
        Some(copy) if !copy.done => words!(
            "Cópia de Segurança Realizada com Sucesso; a cópia para o terminal de backup ficou pendente",
            "Extra copy made; its copy at the backup terminal is pending"
        ),
        Some(_) | None => words!("Cópia de Segurança Realizada com Sucesso", "Extra copy made"),
    }
}
