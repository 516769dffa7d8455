//! The minute's checks as declared values: what each is called, how grave it is, what explains it away, and how long it must
//! last before it is shown. A check is healthy or it has a [`Problem`](crate::problem::Problem); its code says which check it
//! belongs to.

mod check;

pub use check::Check;

use crate::problem::Code;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How grave an unhealthy check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Backups are made and are good; somebody should look at this some day.
    Notice,
    /// Backups are made, but not everywhere, not whole, or not for long.
    Warning,
    /// Protection is lost, or is about to be.
    Alert,
}

/// Names a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckId {
    /// The service of SQL Server runs (DM10).
    Service,
    /// SQL Server answers.
    Server,
    /// Login and rights.
    Access,
    /// Rights without which a backup is made all the same.
    LesserRights,
    /// The database is there and open.
    Database,
    /// The server reports no damage.
    Damage,
    /// The database did not shrink.
    Shrunk,
    /// The database's options, log and size are as they should be.
    Options,
    /// The configuration is there and valid (DM11, DM12).
    Configuration,
    /// Nothing in the configuration is odd.
    ConfigurationOdd,
    /// The backup folder is there, ours, writable.
    Folder,
    /// The backup folder is closed to other users.
    FolderRights,
    /// The next backup fits.
    Space,
    /// Slots did not have to yield.
    Yielded,
    /// The terminal is there, ours, writable (DM7).
    Terminal,
    /// The terminal is another machine.
    TerminalApart,
    /// There is a terminal (DM22).
    LocalOnly,
    /// The terminal has every backup.
    Pending,
    /// There is a good backup and it is recent, whatever the cause (DM15).
    LastBackup,
    /// The last run was a full success.
    LastRun,
    /// The last run and its second try were made (4D6).
    SecondFailure,
    /// Backup files are whole.
    Files,
    /// What stands in the slots is whole, as far as deep checks have read it.
    Slots,
    /// The journal can be written.
    Journal,
    /// What people are to be told gets out of the shop.
    Alerts,
    /// The clock goes as clocks go.
    Clock,
    /// No restore waits for a person's word.
    Restore,
    /// The last restore test was passed.
    RestoreTest,
    /// There is a passed restore test, and it is recent; it could be made.
    RestoreTestAge,
    /// The program itself.
    Program,
}

const AT_ONCE: Duration = Duration::ZERO;
const A_RESTART: Duration = Duration::from_secs(90);

const REACHING: &[CheckId] = &[CheckId::Configuration, CheckId::Service, CheckId::Server];
const ASKING: &[CheckId] = &[CheckId::Configuration, CheckId::Service, CheckId::Server, CheckId::Access];
const CAUSES: &[CheckId] = &[
    CheckId::Configuration,
    CheckId::Service,
    CheckId::Server,
    CheckId::Access,
    CheckId::Database,
    CheckId::Damage,
    CheckId::Folder,
    CheckId::Space,
];

static PROGRAM: Check = Check {
    id: CheckId::Program,
    name: "program",
    title: ("Programa", "Program"),
    severity: Severity::Alert,
    depends_on: &[],
    must_last: AT_ONCE,
    looked_at_each_cycle: false,
    codes: &[
        Code::Internal,
        Code::Usage,
        Code::ReportUnwritable,
        Code::ManualMissing,
        Code::ManualPlace,
        Code::ManualReadOnly,
        Code::ManualIo,
        Code::ManualFull,
        Code::ManualFileLimit,
        Code::ManualReplace,
        Code::RunCancelled,
        Code::RunInterrupted,
        Code::RestoreRefused,
        Code::RestoreDamaged,
        Code::RestoreRows,
        Code::RestoreChecklist,
        Code::AgentMissing,
        Code::AgentRunning,
        Code::AgentState,
        Code::AgentVersion,
        Code::AgentForbidden,
        Code::AgentPassword,
        Code::AgentRunGoesOn,
        Code::AgentNotNow,
        Code::AgentProtocol,
        Code::AlertNotConfigured,
        Code::HeadOfficeOff,
        Code::HeadOfficeCertificate,
        Code::HeadOfficeAddress,
        Code::HeadOfficeStatement,
        Code::HeadOfficeUnknownStore,
        Code::UpdateOff,
        Code::UpdateUnreachable,
        Code::UpdateNotice,
        Code::UpdateSignature,
        Code::UpdateExpired,
        Code::UpdateOld,
        Code::NoDisplay,
        Code::DesktopProgram,
    ],
};

/// Every check, causes before what they explain: the first unhealthy one is what people should read first.
pub static CATALOGUE: [Check; 29] = [
    Check {
        id: CheckId::Configuration,
        name: "configuration",
        title: ("Configuração", "Configuration"),
        severity: Severity::Alert,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[
            Code::ConfigMissing,
            Code::ConfigUnreadable,
            Code::ConfigSyntax,
            Code::ConfigInvalid,
            Code::ConfigSecret,
        ],
    },
    Check {
        id: CheckId::Service,
        name: "service",
        title: ("Serviço do SQL Server", "SQL Server service"),
        severity: Severity::Alert,
        depends_on: &[CheckId::Configuration],
        must_last: A_RESTART,
        looked_at_each_cycle: true,
        codes: &[Code::SqlServiceStopped],
    },
    Check {
        id: CheckId::Server,
        name: "server",
        title: ("Conexão com o SQL Server", "Connection to SQL Server"),
        severity: Severity::Alert,
        depends_on: &[CheckId::Configuration, CheckId::Service],
        must_last: A_RESTART,
        looked_at_each_cycle: true,
        codes: &[
            Code::SqlUnreachable,
            Code::SqlTls,
            Code::SqlConnectionLost,
            Code::SqlStalled,
            Code::SqlKilled,
            Code::SqlError,
        ],
    },
    Check {
        id: CheckId::Access,
        name: "access",
        title: ("Login e permissões", "Login and rights"),
        severity: Severity::Alert,
        depends_on: REACHING,
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::SqlLogin, Code::SqlRights],
    },
    Check {
        id: CheckId::Database,
        name: "database",
        title: ("Banco de dados", "Database"),
        severity: Severity::Alert,
        depends_on: ASKING,
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[
            Code::DatabaseMissing,
            Code::DatabaseOffline,
            Code::DatabaseRestoring,
            Code::DatabaseUnavailable,
            Code::DatabaseBusy,
            Code::DatabaseLogFull,
        ],
    },
    Check {
        id: CheckId::Damage,
        name: "damage",
        title: ("Integridade do banco de dados", "Integrity of the database"),
        severity: Severity::Alert,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::DatabaseDamaged],
    },
    Check {
        id: CheckId::Folder,
        name: "folder",
        title: ("Pasta de backup", "Backup folder"),
        severity: Severity::Alert,
        depends_on: &[CheckId::Configuration],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[
            Code::FolderMissing,
            Code::FolderReadOnly,
            Code::FolderServerRights,
            Code::FolderDevice,
            Code::FolderIdentity,
            Code::FolderLocked,
            Code::FolderIo,
        ],
    },
    Check {
        id: CheckId::Space,
        name: "space",
        title: ("Espaço em disco", "Disk space"),
        severity: Severity::Alert,
        depends_on: &[CheckId::Configuration, CheckId::Folder],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::SpaceFull, Code::SpaceForeseen],
    },
    Check {
        id: CheckId::Files,
        name: "files",
        title: ("Arquivo de backup", "Backup file"),
        severity: Severity::Alert,
        depends_on: &[CheckId::Damage],
        must_last: AT_ONCE,
        looked_at_each_cycle: false,
        codes: &[
            Code::BackupDamaged,
            Code::BackupTruncated,
            Code::BackupOtherDatabase,
            Code::BackupStripe,
            Code::BackupNotABackup,
            Code::BackupReadBack,
            Code::ArchiveDamaged,
            Code::ArchiveMismatch,
            Code::ArchiveNewer,
        ],
    },
    Check {
        id: CheckId::Slots,
        name: "slots",
        title: ("Backups guardados", "Kept backups"),
        severity: Severity::Alert,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::SlotDamaged],
    },
    Check {
        id: CheckId::SecondFailure,
        name: "second-failure",
        title: ("Backup não realizado", "Backup not made"),
        severity: Severity::Alert,
        depends_on: CAUSES,
        must_last: AT_ONCE,
        looked_at_each_cycle: false,
        codes: &[],
    },
    Check {
        id: CheckId::LastBackup,
        name: "last-backup",
        title: ("Último backup", "Last backup"),
        severity: Severity::Alert,
        depends_on: CAUSES,
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::BackupNone, Code::BackupTooOld],
    },
    Check {
        id: CheckId::Restore,
        name: "restore",
        title: ("Restauração em aberto", "Open restore"),
        severity: Severity::Alert,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::RestoreInterrupted],
    },
    Check {
        id: CheckId::RestoreTest,
        name: "restore-test",
        title: ("Teste de restauração", "Restore test"),
        severity: Severity::Alert,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: false,
        codes: &[],
    },
    Check {
        id: CheckId::LastRun,
        name: "last-run",
        title: ("Última execução", "Last run"),
        severity: Severity::Warning,
        depends_on: CAUSES,
        must_last: AT_ONCE,
        looked_at_each_cycle: false,
        codes: &[Code::BackupNotUnderstood, Code::RunsCancelled],
    },
    Check {
        id: CheckId::RestoreTestAge,
        name: "restore-test-age",
        title: ("Último teste de restauração", "Last restore test"),
        severity: Severity::Warning,
        depends_on: &[CheckId::RestoreTest],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::RestoreTestMissing],
    },
    Check {
        id: CheckId::Shrunk,
        name: "shrunk",
        title: ("Tamanho do banco de dados", "Size of the database"),
        severity: Severity::Warning,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: false,
        codes: &[Code::DatabaseShrank],
    },
    Check {
        id: CheckId::Terminal,
        name: "terminal",
        title: ("Terminal de backup", "Backup terminal"),
        severity: Severity::Warning,
        depends_on: &[CheckId::Configuration],
        must_last: A_RESTART,
        looked_at_each_cycle: true,
        codes: &[
            Code::TerminalMissing,
            Code::TerminalIdentity,
            Code::TerminalReadOnly,
            Code::TerminalFull,
            Code::TerminalIo,
        ],
    },
    Check {
        id: CheckId::Pending,
        name: "pending",
        title: ("Cópias para o terminal", "Copies for the terminal"),
        severity: Severity::Warning,
        depends_on: &[CheckId::Configuration, CheckId::Terminal],
        must_last: A_RESTART,
        looked_at_each_cycle: true,
        codes: &[Code::TerminalPending],
    },
    Check {
        id: CheckId::TerminalApart,
        name: "terminal-apart",
        title: ("Terminal de backup em outra máquina", "Backup terminal on another machine"),
        severity: Severity::Warning,
        depends_on: &[CheckId::Configuration],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::TerminalSameVolume],
    },
    Check {
        id: CheckId::LocalOnly,
        name: "local-only",
        title: ("Segunda cópia", "Second copy"),
        severity: Severity::Warning,
        depends_on: &[CheckId::Configuration],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::LocalOnly],
    },
    Check {
        id: CheckId::Yielded,
        name: "yielded",
        title: ("Horários liberados por falta de espaço", "Slots released for lack of space"),
        severity: Severity::Warning,
        depends_on: &[CheckId::Space],
        must_last: AT_ONCE,
        looked_at_each_cycle: false,
        codes: &[Code::SpaceYielded],
    },
    Check {
        id: CheckId::Journal,
        name: "journal",
        title: ("Diário de backup", "Backup journal"),
        severity: Severity::Warning,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::Journal],
    },
    Check {
        id: CheckId::Options,
        name: "options",
        title: ("Opções do banco de dados", "Options of the database"),
        severity: Severity::Warning,
        depends_on: ASKING,
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::DatabasePageVerify, Code::DatabaseLogLarge, Code::DatabaseNearLimit],
    },
    Check {
        id: CheckId::LesserRights,
        name: "lesser-rights",
        title: ("Permissões complementares no SQL Server", "Lesser rights in SQL Server"),
        severity: Severity::Notice,
        depends_on: ASKING,
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::SqlRightsLimited],
    },
    Check {
        id: CheckId::FolderRights,
        name: "folder-rights",
        title: ("Permissões da pasta de backup", "Rights of the backup folder"),
        severity: Severity::Notice,
        depends_on: &[CheckId::Folder],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::FolderOpen],
    },
    Check {
        id: CheckId::ConfigurationOdd,
        name: "configuration-odd",
        title: ("Configuração a rever", "Configuration to look over"),
        severity: Severity::Warning,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::ConfigWritable],
    },
    Check {
        id: CheckId::Alerts,
        name: "alerts",
        title: ("Avisos", "Alerts"),
        severity: Severity::Warning,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::AlertUnsent],
    },
    Check {
        id: CheckId::Clock,
        name: "clock",
        title: ("Relógio do computador", "Clock of the computer"),
        severity: Severity::Notice,
        depends_on: &[],
        must_last: AT_ONCE,
        looked_at_each_cycle: true,
        codes: &[Code::ClockJump],
    },
];

#[cfg(test)]
mod tests;
