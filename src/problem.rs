//! What the user reads when something is wrong: a stable [`Code`], a sentence with what failed and on what, and a hint with
//! what to do; and the exit code that belongs to it. The cause chain goes to the log, never to the user.

use crate::words::{Language, Words};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The result of what can fail with a [`Problem`].
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// Exit codes of the programs: stable, documented by `dmbackupctl help exit-codes` and in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Exit {
    /// Done, everything well.
    Success = 0,
    /// An error of ours that should not happen.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is missing or wrong.
    Configuration = 3,
    /// SQL Server cannot be reached: its service is stopped, the network, TLS, a dropped connection, a stall.
    Server = 4,
    /// SQL Server refused the login, or the login lacks a right.
    Access = 5,
    /// The database is missing, offline, restoring, or cannot be opened.
    Database = 6,
    /// The backup folder is missing, read-only, not ours, or its disk fails.
    Folder = 7,
    /// Not enough space.
    Space = 8,
    /// The backup is good but not everywhere or not whole: it is a Warning.
    Warning = 9,
    /// Data are damaged: the database, or a backup file.
    Damaged = 10,
    /// Somebody stopped it.
    Cancelled = 11,
    /// No agent is running, or it does not answer.
    NoAgent = 12,
    /// The agent refused: not allowed to this user, wrong password, or not possible now.
    Refused = 13,
    /// Another agent already holds this state or this folder.
    AlreadyRunning = 14,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $exit:ident;)*) => {
        /// The stable code of a problem. Its text form (`sql.login`) never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The stable text form.
            pub const fn id(self) -> &'static str {
                match self { $(Code::$name => $id,)* }
            }

            /// The exit code of a program that ends because of it.
            pub const fn exit(self) -> Exit {
                match self { $(Code::$name => Exit::$exit,)* }
            }
        }
    };
}

codes! {
    /// An error of ours, or one that this version does not know.
    Internal = "internal", Internal;
    /// The command line is wrong.
    Usage = "usage", Usage;
    /// There is no configuration file.
    ConfigMissing = "config.missing", Configuration;
    /// The configuration cannot be read.
    ConfigUnreadable = "config.unreadable", Configuration;
    /// The configuration is not TOML, too large, or not text.
    ConfigSyntax = "config.syntax", Configuration;
    /// A key has a value that is not valid, is unknown, or is missing.
    ConfigInvalid = "config.invalid", Configuration;
    /// Ordinary users may write the configuration.
    ConfigWritable = "config.writable", Configuration;
    /// A secret that the configuration refers to cannot be read.
    ConfigSecret = "config.secret", Configuration;
    /// The service of SQL Server is stopped.
    SqlServiceStopped = "sql.service-stopped", Server;
    /// SQL Server cannot be reached.
    SqlUnreachable = "sql.unreachable", Server;
    /// No common version of TLS, or a certificate that is not trusted.
    SqlTls = "sql.tls", Server;
    /// The connection dropped.
    SqlConnectionLost = "sql.connection-lost", Server;
    /// SQL Server did not answer in time.
    SqlStalled = "sql.stalled", Server;
    /// The statement or its session was ended inside SQL Server, not by us.
    SqlKilled = "sql.killed", Server;
    /// SQL Server reported an error without a sentence of its own here.
    SqlError = "sql.error", Server;
    /// The login is refused.
    SqlLogin = "sql.login", Access;
    /// The login lacks a right.
    SqlRights = "sql.rights", Access;
    /// The login lacks a right without which a backup is made, but something around it does not work.
    SqlRightsLimited = "sql.rights-limited", Warning;
    /// The database does not exist.
    DatabaseMissing = "database.missing", Database;
    /// The database is offline.
    DatabaseOffline = "database.offline", Database;
    /// The database is being restored.
    DatabaseRestoring = "database.restoring", Database;
    /// The database cannot be opened: recovery pending, suspect, inaccessible.
    DatabaseUnavailable = "database.unavailable", Database;
    /// The database is busy with another backup or file operation.
    DatabaseBusy = "database.busy", Database;
    /// The server reports that the database is damaged.
    DatabaseDamaged = "database.damaged", Damaged;
    /// The database shrank by more than half since the last backup.
    DatabaseShrank = "database.shrank", Warning;
    /// PAGE_VERIFY is not CHECKSUM.
    DatabasePageVerify = "database.page-verify", Warning;
    /// The transaction log is large and is never truncated.
    DatabaseLogLarge = "database.log-large", Warning;
    /// The database nears the size that the edition allows.
    DatabaseNearLimit = "database.near-limit", Warning;
    /// The transaction log is full.
    DatabaseLogFull = "database.log-full", Database;
    /// The backup folder does not exist.
    FolderMissing = "folder.missing", Folder;
    /// The backup folder cannot be written by this program.
    FolderReadOnly = "folder.read-only", Folder;
    /// The service account of SQL Server cannot write to the backup folder.
    FolderServerRights = "folder.server-rights", Folder;
    /// SQL Server cannot open or write the dump file.
    FolderDevice = "folder.device", Folder;
    /// The folder belongs to another agent, or lost its identity file.
    FolderIdentity = "folder.identity", Folder;
    /// Another agent uses the folder right now.
    FolderLocked = "folder.locked", AlreadyRunning;
    /// Reading or writing failed.
    FolderIo = "folder.io", Folder;
    /// The folder may be read by everybody.
    FolderOpen = "folder.open", Warning;
    /// A disk is full.
    SpaceFull = "space.full", Space;
    /// It was foreseen that the next backup does not fit.
    SpaceForeseen = "space.foreseen", Space;
    /// Old slots had to yield to make room.
    SpaceYielded = "space.yielded", Warning;
    /// The terminal's folder does not exist or its machine does not answer.
    TerminalMissing = "terminal.missing", Warning;
    /// The terminal's folder belongs to another agent, or carries no identity file.
    TerminalIdentity = "terminal.identity", Warning;
    /// The terminal's folder is on the volume or machine of the server.
    TerminalSameVolume = "terminal.same-volume", Warning;
    /// The terminal's folder cannot be written.
    TerminalReadOnly = "terminal.read-only", Warning;
    /// The terminal's disk is full.
    TerminalFull = "terminal.full", Warning;
    /// The terminal vanished in mid-copy, or reading back found other bytes.
    TerminalIo = "terminal.io", Warning;
    /// The folder chosen for a manual backup does not exist, does not answer, or its disk was removed.
    ManualMissing = "manual.missing", Folder;
    /// The folder chosen for a manual backup lies in a folder of the rotation.
    ManualPlace = "manual.place", Folder;
    /// The folder chosen for a manual backup cannot be written.
    ManualReadOnly = "manual.read-only", Folder;
    /// The disk chosen for a manual backup failed, or was removed in mid-copy.
    ManualIo = "manual.io", Folder;
    /// The disk chosen for a manual backup is full, or will be.
    ManualFull = "manual.full", Space;
    /// A file of that size does not go onto the disk chosen for a manual backup (FAT32).
    ManualFileLimit = "manual.file-limit", Space;
    /// What stands on the disk chosen for a manual backup would have to go first, and nobody said that it may.
    ManualReplace = "manual.replace", Refused;
    /// The report for support cannot be written, or its file is there already.
    ReportUnwritable = "report.unwritable", Folder;
    /// There are backups that the terminal does not have yet.
    TerminalPending = "terminal.pending", Warning;
    /// Configured without a terminal: the data are on one machine only.
    LocalOnly = "terminal.local-only", Warning;
    /// The backup file is damaged.
    BackupDamaged = "backup.damaged", Damaged;
    /// The backup file is cut short.
    BackupTruncated = "backup.truncated", Damaged;
    /// The backup file is of another database.
    BackupOtherDatabase = "backup.other-database", Damaged;
    /// The backup file is one stripe of several.
    BackupStripe = "backup.stripe", Damaged;
    /// The backup file is not a SQL Server backup.
    BackupNotABackup = "backup.not-a-backup", Damaged;
    /// The backup file is of a kind that only SQL Server can check.
    BackupNotUnderstood = "backup.not-understood", Warning;
    /// What was read back is not what was written.
    BackupReadBack = "backup.read-back", Folder;
    /// SQL Server refuses to restore the backup there.
    RestoreRefused = "restore.refused", Refused;
    /// The restored database has errors.
    RestoreDamaged = "restore.damaged", Damaged;
    /// The restored database does not hold the rows that were backed up.
    RestoreRows = "restore.rows", Damaged;
    /// Something of the checklist after a replacement is not ticked.
    RestoreChecklist = "restore.checklist", Refused;
    /// The last good restore test is too long ago.
    RestoreTestMissing = "restore.test-missing", Warning;
    /// The program ended in the middle of a restore.
    RestoreInterrupted = "restore.interrupted", Warning;
    /// The zip is damaged or is none of ours.
    ArchiveDamaged = "archive.damaged", Damaged;
    /// The zip was made by a newer version of the program.
    ArchiveNewer = "archive.newer", Refused;
    /// What was compressed does not inflate to what was read: memory or processor are at fault.
    ArchiveMismatch = "archive.mismatch", Damaged;
    /// The last good backup is older than the configured hours.
    BackupTooOld = "backup.too-old", Warning;
    /// There is no good backup yet.
    BackupNone = "backup.none", Warning;
    /// A deep check found that a backup which stands is damaged.
    SlotDamaged = "slot.damaged", Damaged;
    /// Somebody stopped the run.
    RunCancelled = "run.cancelled", Cancelled;
    /// The program ended in mid-run.
    RunInterrupted = "run.interrupted", Internal;
    /// Several runs in a row were stopped by people or by the end of the program.
    RunsCancelled = "run.cancelled-often", Warning;
    /// An alert cannot be sent; it is tried again.
    AlertUnsent = "alert.unsent", Warning;
    /// A way to send alerts is not configured.
    AlertNotConfigured = "alert.not-configured", Configuration;
    /// The journal cannot be used; backups go on.
    Journal = "journal", Warning;
    /// The clock was set, or the last run lies in the future.
    ClockJump = "clock.jump", Warning;
    /// No agent answers.
    AgentMissing = "agent.missing", NoAgent;
    /// An agent already runs for this state.
    AgentRunning = "agent.running", AlreadyRunning;
    /// The state folder cannot be used.
    AgentState = "agent.state", Folder;
    /// Agent and client do not understand each other's version.
    AgentVersion = "agent.version", NoAgent;
    /// This user may not do this.
    AgentForbidden = "agent.forbidden", Refused;
    /// The password is wrong.
    AgentPassword = "agent.password", Refused;
    /// A backup goes on, and nobody said that it may be stopped.
    AgentRunGoesOn = "agent.run-goes-on", Refused;
    /// Not possible in the present state (nothing to cancel, for example).
    AgentNotNow = "agent.not-now", Refused;
    /// The client sent something that the agent does not understand.
    AgentProtocol = "agent.protocol", Usage;
    /// The store belongs to no chain: there is no head office in the configuration.
    HeadOfficeOff = "head-office.off", Refused;
    /// The certificates that vouch for the head office cannot be read.
    HeadOfficeCertificate = "head-office.certificate", Configuration;
    /// The way to the head office is no matter of addresses.
    HeadOfficeAddress = "head-office.address", Configuration;
    /// The head office refused the statement that takes the address.
    HeadOfficeStatement = "head-office.statement", Refused;
    /// The statement changed no row at the head office: it does not know this store.
    HeadOfficeUnknownStore = "head-office.unknown-store", Refused;
    /// Newer versions are not looked for.
    UpdateOff = "update.off", Refused;
    /// The notice of versions cannot be reached.
    UpdateUnreachable = "update.unreachable", Warning;
    /// What is at the notice's address is none, or one that this version does not understand.
    UpdateNotice = "update.notice", Warning;
    /// The notice of versions is not signed by the program's publisher.
    UpdateSignature = "update.signature", Refused;
    /// The notice of versions has expired.
    UpdateExpired = "update.expired", Warning;
    /// The notice of versions is older than what is known already.
    UpdateOld = "update.old", Refused;
    /// There is no screen for a program of the desktop.
    NoDisplay = "desktop.no-display", Usage;
    /// A program of the desktop cannot be started.
    DesktopProgram = "desktop.program", Internal;
}

impl Code {
    /// The code with this text form; `None` for one that this version does not know.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id() == id)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// A code that a newer agent knows and we do not reads as [`Code::Internal`]: its sentence still reaches the user.
impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        Ok(Self::from_id(&id).unwrap_or(Self::Internal))
    }
}

/// Something that is wrong, in words that a shopkeeper understands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// What failed, on what.
    pub sentence: Words,
    /// What to do.
    pub hint: Words,
}

impl Problem {
    /// A problem with its sentence and hint.
    pub fn new(code: Code, sentence: Words, hint: Words) -> Self {
        Self { code, sentence, hint }
    }

    /// An error of ours that should not happen; `what` names it for support.
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::new(
            Code::Internal,
            crate::words!("Erro interno do programa: {what}.", "Internal error of the program: {what}."),
            crate::words!(
                "Envie o registro (log) ao suporte; os backups já feitos não foram alterados.",
                "Send the log to support; the backups made so far were not touched.",
            ),
        )
    }

    /// The exit code of a program that ends because of it.
    pub fn exit(&self) -> Exit {
        self.code.exit()
    }

    /// Sentence and hint in `language`, as printed on a terminal.
    pub fn text(&self, language: Language) -> String {
        format!("{} {}", self.sentence.get(language), self.hint.get(language))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {} {}", self.code, self.sentence.en, self.hint.en)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_ids_are_unique_and_read_back() {
        for code in Code::ALL {
            assert_eq!(Code::from_id(code.id()), Some(*code), "{code}");
        }
    }

    #[test]
    fn a_code_of_a_newer_version_keeps_its_sentence() {
        let json = r#"{"code":"future.thing","sentence":{"pt":"Olá","en":"Hello"},"hint":{"pt":"","en":""}}"#;
        let problem: Problem = serde_json::from_str(json).unwrap();
        assert_eq!(problem.code, Code::Internal);
        assert_eq!(problem.sentence.pt, "Olá");
    }
}
