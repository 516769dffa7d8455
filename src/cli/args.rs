//! The command line as it is typed. The comments here are the English help; `help.rs` has the Portuguese one.

use crate::alert::Channel;
use crate::backup::outcome::Outcome;
use crate::restore::outcome::Item;
use crate::slot::Set;
use crate::words::Language;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Hourly, proved backups of a shop's SQL Server
#[derive(Debug, Parser)]
#[command(name = "dmbackupctl", version, disable_help_flag = true, disable_help_subcommand = true)]
#[command(disable_version_flag = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What is to be done.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// Configuration file; without it, the system's place for it
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// State folder of the agent; without it, the system's place for it
    #[arg(long, global = true, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Language of what is printed: pt or en
    #[arg(long, global = true, value_name = "LANGUAGE", hide_possible_values = true)]
    pub lang: Option<Lang>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// Print this help, or that of a command
    #[arg(short, long, global = true, action = ArgAction::Help)]
    pub help: Option<bool>,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    pub version: Option<bool>,
}

/// A language, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Portuguese.
    Pt,
    /// English.
    En,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Pt => Self::Portuguese,
            Lang::En => Self::English,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the agent here, without a desktop, until Ctrl-C or SIGTERM
    Run(RunArgs),
    /// Show what the agent does and what is wrong
    Status(StatusArgs),
    /// Look at everything now; the exit code tells the gravest problem
    Check,
    /// Make a backup now, or join the one that goes on
    Backup(BackupArgs),
    /// Make a backup on an external drive or pen drive
    Manual(ManualArgs),
    /// Stop the backup that goes on
    Cancel,
    /// End the agent; asks for the password, which is the server's date
    Quit(QuitArgs),
    /// Tell the agent that the store's application was opened
    Opened,
    /// List the backups in the slots, here and at the terminal
    Slots,
    /// Read kept backups again, whole; a damaged one is mended from the other side
    Verify(VerifyArgs),
    /// Restore a backup beside the live database, list what can be restored, or remove what was restored
    Restore(RestoreArgs),
    /// Show the last runs and what came of them
    Journal(JournalArgs),
    /// Examine a .zip or .bak file, without an agent and without SQL Server
    Inspect(InspectArgs),
    /// Try the ways on which people are told that something is wrong
    Alert(AlertArgs),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Gather everything for support into one zip, without passwords and customers' data
    Report(ReportArgs),
    /// Show or give the rights in SQL Server that the login lacks
    Grant(GrantArgs),
    /// For chains: tell the head office by which address this server is reached
    #[command(subcommand)]
    HeadOffice(HeadOfficeVerb),
    /// Show the version, and a newer one where there is one
    Version(VersionArgs),
    /// List the exit codes of this program
    ExitCodes,
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page of this program, for man
    Man,
    /// Print this help, or that of a command
    Help(HelpArgs),
}

/// Of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// End after the first backup; the exit code is that backup's
    #[arg(long)]
    pub once: bool,
}

/// Of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Go on showing it until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

/// Of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Wait for its end; the exit code is that backup's
    #[arg(long)]
    pub wait: bool,
    /// Confirm that a database that shrank by more than half is right
    #[arg(long, conflicts_with = "keep")]
    pub accept_shrunk: bool,
    /// Make an extra copy, outside the rotation, that is kept until somebody removes it
    #[arg(long, requires = "reason")]
    pub keep: bool,
    /// Why the extra copy is made, in a few words; they stand in its file's name
    #[arg(long, value_name = "TEXT", requires = "keep")]
    pub reason: Option<String>,
}

/// Of `manual`.
#[derive(Debug, Args)]
pub struct ManualArgs {
    /// The folder, on the drive
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Delete the backup that is there first, where both do not fit
    #[arg(long)]
    pub replace: bool,
    /// Wait for its end; the exit code is that backup's
    #[arg(long)]
    pub wait: bool,
}

/// Of `quit`.
#[derive(Debug, Args)]
pub struct QuitArgs {
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
    /// Stop a backup that goes on, without asking
    #[arg(long)]
    pub stop: bool,
}

/// Of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// All of them; without --all and --slot, the newest
    #[arg(long, conflicts_with = "slot")]
    pub all: bool,
    /// One slot: an hour such as 09h, a weekday such as Segunda, or newest
    #[arg(long, value_name = "SLOT")]
    pub slot: Option<Set>,
    /// Only at the terminal; without it, here and at the terminal
    #[arg(long)]
    pub terminal: bool,
}

/// Of `restore`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["list", "from", "drop", "past", "resume", "undo", "release", "test", "tick"]))]
pub struct RestoreArgs {
    /// List what can be restored from; with --from, the backups in that file or folder
    #[arg(long)]
    pub list: bool,
    /// Restore from this, beside the live database: newest, an hour (09h), a weekday (Segunda), or a file
    #[arg(long, value_name = "BACKUP")]
    pub from: Option<String>,
    /// Take the terminal's copy of an hour or weekday
    #[arg(long, requires = "from")]
    pub terminal: bool,
    /// Put it in the place of the shop's database: a safety backup first, then the exchange by name
    #[arg(long, requires = "from")]
    pub replace: bool,
    /// Restore it over the shop's database, only where the disk has not the room for both; a safety backup first
    #[arg(long, requires = "replace")]
    pub overwrite: bool,
    /// The name of the shop's database, as a confirmation; without it, it is asked for
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Go on with a replacement that was cut short
    #[arg(long, conflicts_with_all = ["list", "from", "drop", "past"])]
    pub resume: bool,
    /// Return to the database that was replaced
    #[arg(long, conflicts_with_all = ["list", "from", "drop", "past", "resume"])]
    pub undo: bool,
    /// Tick items of the checklist after a replacement: vendas, fiscal, compras, usuarios, lancamentos; or tudo, all at once
    #[arg(long, value_name = "ITEM", value_delimiter = ',', hide_possible_values = true,
        conflicts_with_all = ["list", "from", "drop", "past", "resume", "undo"])]
    pub tick: Vec<Ticked>,
    /// End a replacement whose checklist is ticked: the old database is removed
    #[arg(long, conflicts_with_all = ["list", "from", "drop", "past", "resume", "undo", "tick"])]
    pub release: bool,
    /// Remove a database that a restore of this program made
    #[arg(long, value_name = "NAME", conflicts_with_all = ["list", "from"])]
    pub drop: Option<String>,
    /// Prove now that the newest backup can be restored: beside, checked, counted, removed; it comes by itself every week
    #[arg(long, conflicts_with_all = ["list", "from", "drop", "past", "resume", "undo", "release", "tick"])]
    pub test: bool,
    /// Show the last restores and what came of them
    #[arg(long, conflicts_with_all = ["list", "from", "drop"])]
    pub past: bool,
    /// Only print what would be done, and the T-SQL
    #[arg(long, conflicts_with_all = ["list", "past"])]
    pub dry_run: bool,
    /// Wait for its end; the exit code is that restore's
    #[arg(long)]
    pub wait: bool,
    /// SQL login of an administrator, for this restore only
    #[arg(long, value_name = "LOGIN", requires = "admin_password_file")]
    pub admin_user: Option<String>,
    /// File whose first line is the administrator's password
    #[arg(long, value_name = "FILE", requires = "admin_user")]
    pub admin_password_file: Option<PathBuf>,
}

/// An item of the checklist after a replacement, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ticked {
    /// A sale lowers the stock.
    Vendas,
    /// The sequence of NFC-e and NF-e is right.
    Fiscal,
    /// A purchase can be entered.
    Compras,
    /// Users can log in.
    #[value(alias = "usuários")]
    Usuarios,
    /// The last entries are the expected ones.
    #[value(alias = "lançamentos")]
    Lancamentos,
    /// All of them at once, by whoever knows.
    #[value(alias = "all")]
    Tudo,
}

impl Ticked {
    /// The items that are meant.
    pub fn items(self) -> Vec<Item> {
        match self {
            Self::Vendas => vec![Item::Vendas],
            Self::Fiscal => vec![Item::Fiscal],
            Self::Compras => vec![Item::Compras],
            Self::Usuarios => vec![Item::Usuarios],
            Self::Lancamentos => vec![Item::Lancamentos],
            Self::Tudo => Item::ALL.into(),
        }
    }
}

/// Of `journal`.
#[derive(Debug, Args)]
pub struct JournalArgs {
    /// How many runs at most
    #[arg(long, value_name = "NUMBER", default_value_t = 20, hide_default_value = true)]
    pub limit: u32,
    /// Only runs that ended so: success, warning, failed, cancelled or interrupted
    #[arg(long, value_name = "OUTCOME", hide_possible_values = true)]
    pub outcome: Option<Ended>,
}

/// An outcome, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ended {
    /// Made and everywhere.
    Success,
    /// Made, with something to know.
    Warning,
    /// Not made.
    Failed,
    /// Stopped.
    Cancelled,
    /// Cut short by the end of the program.
    Interrupted,
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Success => Self::Success,
            Ended::Warning => Self::Warning,
            Ended::Failed => Self::Failed,
            Ended::Cancelled => Self::Cancelled,
            Ended::Interrupted => Self::Interrupted,
        }
    }
}

/// Of `alert`.
#[derive(Debug, Args)]
pub struct AlertArgs {
    /// Send a trial by this way (email, webhook, telegram, heartbeat); without one, by all that are configured
    #[arg(long, value_name = "WAY", required = true, num_args = 0..=1, hide_possible_values = true)]
    pub test: Option<Option<Way>>,
}

/// A way, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// By e-mail.
    Email,
    /// To a web server.
    Webhook,
    /// To a chat.
    Telegram,
    /// A sign of life.
    Heartbeat,
}

impl From<Way> for Channel {
    fn from(way: Way) -> Self {
        match way {
            Way::Email => Self::Email,
            Way::Webhook => Self::Webhook,
            Way::Telegram => Self::Telegram,
            Way::Heartbeat => Self::Heartbeat,
        }
    }
}

/// Of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The file: a .zip of this program, or a .bak of SQL Server
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell: bash, zsh, fish or powershell
    #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
    pub shell: Shell,
}

/// A shell that completes words, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "PowerShell is its name")]
pub enum Shell {
    /// Of most Linux systems.
    Bash,
    /// Of macOS.
    Zsh,
    /// The friendly one.
    Fish,
    /// Of Windows.
    #[value(name = "powershell")]
    PowerShell,
}

/// Of `help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// The command, such as `status` or `config show`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Of `config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigVerb {
    /// Read the file and tell everything that is wrong with it
    Check,
    /// Show every setting, and where its value comes from
    Show(ShowArgs),
}

/// Of `config show`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct ShowArgs {
    /// Ask the agent for what is in force, instead of reading the file
    #[arg(long)]
    pub in_force: bool,
}

/// Of `head-office`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum HeadOfficeVerb {
    /// Find this server's address and send it; shows old and new
    Update(UpdateAddressArgs),
}

/// Of `head-office update`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct UpdateAddressArgs {
    /// Only find the address and try the login; send nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Of `version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct VersionArgs {
    /// Look for a newer one now; the exit code tells what stood in the way
    #[arg(long)]
    pub check: bool,
}

/// Of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The zip, or a folder for it; without it, the current folder
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Of `grant`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("action").required(true).args(["print", "apply"]))]
pub struct GrantArgs {
    /// Print the T-SQL for an administrator to run
    #[arg(long)]
    pub print: bool,
    /// Run it, as the administrator named below or as the configured login
    #[arg(long)]
    pub apply: bool,
    /// SQL login of an administrator, such as sa
    #[arg(long, value_name = "LOGIN", requires = "admin_password_file")]
    pub admin_user: Option<String>,
    /// File whose first line is the administrator's password
    #[arg(long, value_name = "FILE", requires = "admin_user")]
    pub admin_password_file: Option<PathBuf>,
}
