//! The vocabulary of a restore: what is asked, where it is, what came of it. Plain data that the journal keeps, the status shows
//! and the control channel carries.

pub use super::checklist::{Item, Replacement};
pub use crate::journal::Side as Place;

use super::checklist;
use crate::backup::outcome::Outcome;
use crate::problem::{Code, Exit, Problem};
use crate::slot::Set;
use crate::sqlserver::{Defect, TableCount};
use crate::words;
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use uuid::Uuid;

/// Names one restore, whatever it does and wherever it is told.
pub type RestoreId = Uuid;

/// What is restored (PS1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// A place of the rotation: the newest, an hour, a weekday.
    Set {
        /// Which.
        set: Set,
        /// On which machine.
        place: Place,
    },
    /// A zip or a dump on any disk that the agent reads.
    File {
        /// Its path, absolute.
        path: PathBuf,
    },
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Restores under another name, beside the live database (PS7).
    Beside {
        /// From what.
        source: Source,
    },
    /// Puts a backup in the place of the live database.
    Replace {
        /// From what.
        source: Source,
        /// The name of the live database, typed by whoever wants that.
        confirm: String,
    },
    /// Puts a backup over the live database, where there is not the room for both.
    Overwrite {
        /// From what.
        source: Source,
        /// The name of the live database, typed by whoever wants that.
        confirm: String,
    },
    /// Goes on with a replacement that was cut short.
    Resume {
        /// As for the replacement.
        confirm: String,
    },
    /// Gives the live database's name back to the one that stepped aside.
    Undo {
        /// As for the replacement.
        confirm: String,
    },
    /// Ticks items of the checklist after a replacement (PS8).
    Tick {
        /// Which.
        items: Vec<Item>,
    },
    /// The whole checklist after a replacement is ticked: the old database is removed.
    Release {
        /// As for the replacement.
        confirm: String,
    },
    /// Removes a database that was restored beside.
    Drop {
        /// Its name.
        database: String,
    },
    /// Proves that the newest backup can be restored: beside, checked, counted, and removed again.
    Test,
}

/// Who asks for the tests that nobody asks for.
pub const AGENT: &str = "agent";

impl Task {
    /// Whether it changes what the shop works with: only an administrator may ask it.
    pub fn is_destructive(&self) -> bool {
        match self {
            Self::Beside { .. } | Self::Tick { .. } | Self::Drop { .. } | Self::Test => false,
            Self::Replace { .. }
            | Self::Overwrite { .. }
            | Self::Resume { .. }
            | Self::Undo { .. }
            | Self::Release { .. } => true,
        }
    }

    /// Whether it is a person's own restore, which the status tells as the last one; neither a test nor a mark on a list.
    pub fn is_told_as_last(&self) -> bool {
        match self {
            Self::Tick { .. } | Self::Test => false,
            Self::Beside { .. }
            | Self::Replace { .. }
            | Self::Overwrite { .. }
            | Self::Resume { .. }
            | Self::Undo { .. }
            | Self::Release { .. }
            | Self::Drop { .. } => true,
        }
    }

    /// From what it restores.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Beside { source } | Self::Replace { source, .. } | Self::Overwrite { source, .. } => {
                Some(source)
            }
            Self::Drop { .. }
            | Self::Resume { .. }
            | Self::Undo { .. }
            | Self::Tick { .. }
            | Self::Release { .. }
            | Self::Test => None,
        }
    }

    /// What it is called.
    pub fn words(&self) -> Words {
        match self {
            Self::Beside { .. } => words!("restauração ao lado", "restore beside"),
            Self::Replace { .. } => {
                words!("restauração no lugar do banco da loja", "restore in place of the shop's database")
            }
            Self::Overwrite { .. } => {
                words!("restauração por cima do banco da loja", "restore over the shop's database")
            }
            Self::Resume { .. } => words!("continuação da restauração", "restore resumed"),
            Self::Undo { .. } => words!("volta ao banco anterior", "return to the old database"),
            Self::Tick { items } => {
                let names = checklist::names(items);
                words!("conferência depois da restauração: {names}", "check after the restore: {names}")
            }
            Self::Release { .. } => {
                words!("liberação depois da restauração", "release after the restore")
            }
            Self::Drop { .. } => words!("remoção do banco restaurado", "removal of the restored database"),
            Self::Test => words!("teste de restauração", "restore test"),
        }
    }
}

/// Where a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Source, server, rights and space are looked at; nothing is made yet.
    Preparing,
    /// A safety backup of the live database is made and checked.
    Safeguarding,
    /// The dump is streamed out to where SQL Server reads it; hashes and pages are checked on the way.
    Extracting,
    /// SQL Server restores it.
    Restoring,
    /// SQL Server checks the restored database (DBCC CHECKDB).
    Checking,
    /// Its rows are counted.
    Counting,
    /// The restored database takes the live one's name, or gives it back.
    Exchanging,
    /// A database is removed.
    Removing,
    /// Over.
    Done,
}

impl Stage {
    /// What the status line says while it goes on.
    pub fn line(self) -> Words {
        match self {
            Self::Preparing => words!("Preparando restauração...", "Preparing the restore..."),
            Self::Safeguarding => {
                words!(
                    "Fazendo backup de segurança do banco atual...",
                    "Making a safety backup of the present database..."
                )
            }
            Self::Extracting => {
                words!("Conferindo e extraindo o backup...", "Checking and extracting the backup...")
            }
            Self::Restoring => words!("Restaurando backup...", "Restoring the backup..."),
            Self::Checking => {
                words!("Conferindo o banco restaurado...", "Checking the restored database...")
            }
            Self::Counting => words!("Contando registros...", "Counting rows..."),
            Self::Exchanging => words!("Trocando o banco de dados...", "Exchanging the database..."),
            Self::Removing => words!("Removendo banco restaurado...", "Removing the restored database..."),
            Self::Done => words!("Restauração concluída", "Restore done"),
        }
    }
}

/// How far a restore is. Unknown figures are `None`, never made up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestoreProgress {
    /// The stage that goes on.
    pub stage: Stage,
    /// Bytes of this stage that are done; 0 where it has none.
    pub done_bytes: u64,
    /// Bytes of this stage in all, where known.
    pub total_bytes: Option<u64>,
    /// Share of this stage that is done, 0 to 100.
    pub percent: Option<f32>,
    /// The server's own estimate of the time that is left.
    pub left_secs: Option<u64>,
}

/// Length of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTime {
    /// The stage.
    pub stage: Stage,
    /// Its length in milliseconds.
    pub millis: u64,
}

/// From what was restored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct From {
    /// The file, as people know it.
    pub shown: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Size of the dump in it.
    pub dump_bytes: u64,
    /// The database that was backed up.
    pub database: String,
    /// By which server.
    pub server: String,
    /// When the backup began, as far as it says so.
    pub begun: Option<DateTime<FixedOffset>>,
    /// What the check of the file said, just now.
    pub verdict: Option<Words>,
    /// Whether the hash of a manifest stood behind every byte.
    pub confirmed: bool,
}

/// Everything that is known of a restore; the journal's row and the answer to whoever waits for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestoreReport {
    /// Names the restore.
    pub id: RestoreId,
    /// What was asked.
    pub task: Task,
    /// Who asked, as the system names the user.
    pub by: String,
    /// When it began.
    pub started_at: DateTime<FixedOffset>,
    /// When it ended; `None` while it goes on.
    pub finished_at: Option<DateTime<FixedOffset>>,
    /// What came of it; `None` while it goes on.
    pub outcome: Option<Outcome>,
    /// The live database.
    pub database: String,
    /// From what; `None` before it was looked at.
    pub from: Option<From>,
    /// The database that was made or removed; `None` where there is none.
    pub target: Option<String>,
    /// The old database that is kept after a replacement, until the checklist is ticked.
    #[serde(default)]
    pub kept: Option<String>,
    /// The safety backup of the live database, made before it was replaced.
    #[serde(default)]
    pub safety: Option<String>,
    /// The stages that ended, with their lengths.
    pub stages: Vec<StageTime>,
    /// The rows of each table of the restored database.
    pub counts: Vec<TableCount>,
    /// How many tables' rows were compared with what the backup says of them; `None` where it says nothing.
    #[serde(default)]
    pub compared: Option<usize>,
    /// What DBCC CHECKDB found wrong with it.
    pub defects: Vec<Defect>,
    /// The statements that were sent to make and check it, in order.
    pub statements: Vec<String>,
    /// Everything that was wrong, the gravest first.
    pub problems: Vec<Problem>,
}

impl RestoreReport {
    /// Rows in all tables.
    pub fn rows(&self) -> u64 {
        self.counts.iter().map(|count| count.rows).sum()
    }

    /// What a restore test says; `None` for any other restore, and for one that came to no result: it goes on, gave way, was stopped
    /// or interrupted.
    pub fn verdict(&self) -> Option<Verdict> {
        if self.task != Task::Test {
            return None;
        }
        match self.outcome? {
            Outcome::Success | Outcome::Warning => Some(Verdict::Passed),
            Outcome::Cancelled | Outcome::Interrupted => None,
            Outcome::Failed => Some(self.problems.first().map_or(Verdict::NotMade, Verdict::of)),
        }
    }

    /// When it ended, or began where that is not known.
    pub fn ended_at(&self) -> DateTime<FixedOffset> {
        self.finished_at.unwrap_or(self.started_at)
    }
}

/// What a restore test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The backup was restored, and is whole.
    Passed,
    /// The backup cannot be restored, or not whole.
    Failed,
    /// There is not the room for a test.
    NoRoom,
    /// The test could not be carried out: it says nothing of the backup.
    NotMade,
}

impl Verdict {
    fn of(problem: &Problem) -> Self {
        match (problem.code, problem.exit()) {
            (Code::SpaceForeseen | Code::SpaceFull, _) => Self::NoRoom,
            (Code::RestoreRefused, _) | (_, Exit::Damaged) => Self::Failed,
            _ => Self::NotMade,
        }
    }

    /// In a few words.
    pub fn words(self) -> Words {
        match self {
            Self::Passed => words!("aprovado", "passed"),
            Self::Failed => words!("reprovado", "failed"),
            Self::NoRoom => words!("não feito, falta espaço em disco", "not made, for lack of disk space"),
            Self::NotMade => words!("não concluído", "not completed"),
        }
    }
}

/// A backup that can be restored from, as the file itself tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// What `restore --from` takes: `newest`, `09h`, `Segunda`, or a path.
    pub from: String,
    /// On which machine; `None` for a file on any other disk.
    pub place: Option<Place>,
    /// The file.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When the file was written, by the clock of whoever keeps it.
    pub modified: DateTime<FixedOffset>,
    /// When the backup began; `None` where it does not say.
    pub begun: Option<DateTime<FixedOffset>>,
    /// The database.
    pub database: Option<String>,
    /// The server that made it.
    pub server: Option<String>,
    /// Its place among the backups of its agent.
    pub sequence: Option<u64>,
    /// How it was checked, in words; `None` where that is not known.
    pub verified: Option<Words>,
    /// When it was checked.
    pub verified_at: Option<DateTime<FixedOffset>>,
    /// Why it cannot be described.
    pub problem: Option<Problem>,
}

/// What a restore would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Each step in words, in order.
    pub steps: Vec<Words>,
    /// The T-SQL, in order.
    pub statements: Vec<String>,
    /// The database that it would make or remove.
    pub target: Option<String>,
    /// Room that it needs for the dump, in bytes.
    pub dump_bytes: u64,
    /// Room that it needs for the restored files, in bytes; 0 where that is not known before.
    pub files_bytes: u64,
}
