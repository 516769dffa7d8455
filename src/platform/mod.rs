//! The whole list of differences between the systems. Each function stands here once, with its promise; `system` is one
//! of two twins, `unix` or `windows`, with the same names and signatures. No `cfg` of a system stands anywhere else.

mod beside;
mod kinds;
mod medium;
mod screen;

#[cfg(unix)]
#[path = "unix/mod.rs"]
mod system;
#[cfg(windows)]
#[path = "windows/mod.rs"]
mod system;

#[cfg(feature = "tray")]
pub use screen::Tray;
pub use screen::{Bitmap, MenuEntry, TrayEvent, TrayLook};

pub use beside::{Medium, Settler};
pub use kinds::{Drive, FileId, Level, Peer, Place, ReadBack, ServiceState, Space, SqlPipe, VolumeId};

use interprocess::local_socket::tokio::{Listener, Stream};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

// ---- services ----

/// What the system's service manager says of the service `name` (a Windows service, a systemd unit). Bounded in time; no
/// service manager, or one that does not answer, is [`ServiceState::Unknown`].
pub async fn service_state(name: &str) -> ServiceState {
    system::service_state(name).await
}

/// Asks the service manager to start the service `name`; returns once it is asked, not once the service runs.
///
/// # Errors
/// The service manager's refusal: no right, no such service, no service manager.
pub async fn start_service(name: &str) -> io::Result<()> {
    system::start_service(name).await
}

/// The name of the service of SQL Server's instance `instance` (`None`: the default one) on this machine, unless somebody
/// changed it.
pub fn sql_service(instance: Option<&str>) -> String {
    system::sql_service(instance)
}

// ---- threads ----

/// Has the calling thread stand back for everything else that wants processor or disk, until it ends. Best effort: where the
/// system refuses, the thread goes on as it was.
pub fn stand_back() {
    system::stand_back();
}

// ---- web servers ----

/// How TLS is spoken with web servers, by the certificates that this machine trusts. Reads their list, which is long: not to be
/// kept.
pub fn web_tls() -> ureq::tls::TlsConfig {
    system::web_tls()
}

// ---- who and where we are ----

/// This machine's name, as its neighbours on the network know it.
pub fn host_name() -> String {
    system::host_name()
}

/// The operating system with its version, as its maker names it.
pub fn system_name() -> String {
    system::system_name()
}

/// A number that names this installation of the system, and outlives a change of its name: `/etc/machine-id`, Windows'
/// `MachineGuid`. Not a secret; `None` where the system has none.
pub fn machine_id() -> Option<String> {
    system::machine_id()
}

/// The name of the user whose rights this process has; a number or SID where it has no name.
pub fn user_name() -> String {
    system::user_name()
}

/// Whether this process may do what only an administrator may: root, or an elevated token.
pub fn is_elevated() -> bool {
    system::is_elevated()
}

/// Where a configuration may lie, in the order in which it is looked for.
pub fn config_paths() -> Vec<PathBuf> {
    system::config_paths()
}

/// Where state lies unless the user names another folder: the machine's for an administrator, else the user's own.
pub fn state_folder() -> PathBuf {
    system::state_folder()
}

/// The state folders that a client may look for an agent in when the user names none: the one of [`state_folder`] first, then
/// the machine's.
pub fn state_folders() -> Vec<PathBuf> {
    system::state_folders()
}

/// Where backups lie unless the configuration names another folder.
pub fn backup_folder() -> PathBuf {
    system::backup_folder()
}

// ---- rights ----

/// Makes the folder `path` (its parent must exist), with rights for its owner and administrators only. One that exists
/// already keeps its rights.
///
/// # Errors
/// Those of making a folder.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    system::make_private_folder(path)
}

/// Makes the folder `path` with the rights of its parent, but none for everybody: who may write to the backup folder (SQL
/// Server's service account) may write there too. One that exists already keeps its rights.
///
/// # Errors
/// Those of making a folder.
pub fn make_folder_inside(path: &Path) -> io::Result<()> {
    system::make_folder_inside(path)
}

/// Makes files that `options` creates private: mode 0600; on Windows what the folder passes on.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    system::private(options)
}

/// Takes the rights of everybody from a file that another program made (SQL Server's dump).
///
/// # Errors
/// It is not ours to change.
pub fn take_from_everybody(path: &Path) -> io::Result<()> {
    system::take_from_everybody(path)
}

/// Lets whoever may enter the folder of `path` read that file of ours: SQL Server's service account, to which the backup folder
/// was opened. On Windows a file has the rights of its folder already.
///
/// # Errors
/// The system refuses.
pub fn share_like_folder(path: &Path) -> io::Result<()> {
    system::share_like_folder(path)
}

/// Whether every user of this machine may read `path`.
///
/// # Errors
/// Its rights cannot be read.
pub fn readable_by_everybody(path: &Path) -> io::Result<bool> {
    system::readable_by_everybody(path)
}

/// Whether users who are not administrators may write `path`, or replace it by writing to its folder. Its owner is not
/// counted on a system where an owner other than us or root is the danger itself.
///
/// # Errors
/// Its rights cannot be read.
pub fn writable_by_ordinary_users(path: &Path) -> io::Result<bool> {
    system::writable_by_ordinary_users(path)
}

/// Whether only its owner and administrators may read the file: what a secret needs.
///
/// # Errors
/// Its rights cannot be read.
pub fn is_kept_secret(path: &Path) -> io::Result<bool> {
    system::is_kept_secret(path)
}

/// Whether this process may make files in the folder `path`; nothing is written to find out.
///
/// # Errors
/// The refusal: rights, a read-only file system, a folder that is not there.
pub fn can_write_folder(path: &Path) -> io::Result<()> {
    system::can_write_folder(path)
}

// ---- volumes and files ----

/// The volume that holds `path`.
///
/// # Errors
/// `path` does not exist or does not answer.
pub fn volume_id(path: &Path) -> io::Result<VolumeId> {
    system::volume_id(path)
}

/// Names the content that `path` stands for: two hard links of one file have the same. `None` where the file system
/// gives its files no such number.
///
/// # Errors
/// `path` does not exist or does not answer.
pub fn file_id(path: &Path) -> io::Result<Option<FileId>> {
    system::file_id(path)
}

/// The machine whose disk holds `path`. A share of this very machine, and a loopback, are this machine. May ask the
/// resolver for a host's address: not for the minute's cycle.
///
/// # Errors
/// `path` does not exist or does not answer.
pub fn place(path: &Path) -> io::Result<Place> {
    system::place(path)
}

/// Room on the volume that holds `path`, as far as this user may use it.
///
/// # Errors
/// `path` does not exist or does not answer.
pub fn space(path: &Path) -> io::Result<Space> {
    system::space(path)
}

/// The largest file in bytes that the file system at `path` takes; `None` where no file of ours reaches it (FAT32 ends at
/// 4 GiB), or where the system does not tell.
///
/// # Errors
/// `path` does not exist or does not answer.
pub fn largest_file_bytes(path: &Path) -> io::Result<Option<u64>> {
    system::largest_file_bytes(path)
}

/// Renames `from` to `to`, which must not exist.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where there is a `to` already: nothing is changed then.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    system::rename_new(from, to)
}

/// Renames `from` over `to`, which may exist; waits a little for a virus scanner that has it open (Windows).
///
/// # Errors
/// Those of renaming; `to` is what it was then.
pub fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    system::rename_over(from, to)
}

/// Whether this error of a lock means that the file system has none.
pub fn has_no_locks(error: &io::Error) -> bool {
    system::has_no_locks(error)
}

/// Whether this error of a hard link means that the file system has none, so that a copy is to be made instead.
pub fn has_no_hard_links(error: &io::Error) -> bool {
    system::has_no_hard_links(error)
}

/// Whether this error means that a share, or the disk below a mount point, is not there (any more).
pub fn is_gone(error: &io::Error) -> bool {
    system::is_gone(error)
}

/// Makes the names of a folder durable. A file system that cannot is no error (Windows, some shares: they keep their
/// names by themselves); one that tried and failed is.
///
/// # Errors
/// The folder is not there, or the medium failed.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    system::sync_folder(path)
}

/// Flushes a file that another program wrote to its medium, as far as our rights reach.
///
/// # Errors
/// The medium failed.
pub fn sync_foreign_file(path: &Path) -> io::Result<()> {
    system::sync_foreign_file(path)
}

/// Has the threads of a program that runs for long share one heap, where the system would give each one of its own. To be
/// called before there are threads.
pub fn share_one_heap() {
    system::share_one_heap();
}

/// Hands back memory that a program which waits has no use for: free parts of the heap, pages of code. Returns the bytes of
/// code, where the system tells.
///
/// # Errors
/// The system refuses.
pub fn hand_back_memory() -> io::Result<usize> {
    system::hand_back_memory()
}

/// Reads the file `path`, which must be synced, past this machine's cache where the system allows, and hands each piece to
/// `sink` in order. Tells whether every byte really came from beyond the cache. (What a share's own machine keeps in *its*
/// cache cannot be known from here.)
///
/// # Errors
/// Those of reading.
pub fn read_back(path: &Path, sink: &mut dyn FnMut(&[u8])) -> io::Result<ReadBack> {
    system::Medium::open(path)?.read(0..std::fs::metadata(path)?.len(), sink)
}

/// Opens the file `path` for following and copying, so that its writer may still rename or replace it.
///
/// # Errors
/// Those of opening a file.
pub fn open_shared(path: &Path) -> io::Result<File> {
    system::open_shared(path)
}

// ---- the terminal at which a person types ----

/// While it lives, nothing that is typed at the terminal is shown.
#[derive(Debug)]
pub struct SilentKeyboard {
    _system: system::SilentKeyboard,
}

/// Stops showing what is typed: before anybody is asked for a password, so that a quick first letter stays hidden too.
///
/// # Errors
/// There is no terminal.
pub fn silent_keyboard() -> io::Result<SilentKeyboard> {
    system::SilentKeyboard::new().map(|system| SilentKeyboard { _system: system })
}

// ---- the system's event log ----

/// Writes a line to the system's event log (syslog or journald, Windows' Application log). Nothing is told where there is
/// none.
pub fn event_log(level: Level, text: &str) {
    system::event_log(level, text);
}

// ---- the local channel ----

/// Where the agent with this state folder listens: a socket below the runtime folder, a named pipe. The name is a hash of
/// the state's path. Makes the runtime folder where it is missing.
///
/// # Errors
/// The runtime folder cannot be made, or is not ours.
pub fn channel_to_listen(state: &Path) -> io::Result<PathBuf> {
    system::channel_to_listen(state)
}

/// Where a client looks for the agent with this state folder, in this order.
pub fn channels_to_try(state: &Path) -> Vec<PathBuf> {
    system::channels_to_try(state)
}

/// Listens at `path` for the local users, and for nobody on the network. A socket that a killed agent left there is replaced:
/// the caller must hold the lock on its state. Only within a tokio runtime.
///
/// # Errors
/// The system refuses the name or its rights.
pub fn listen(path: &Path) -> io::Result<Listener> {
    system::listen(path)
}

/// Who is at the other end of a local connection: the client for the agent, the agent for a client.
///
/// # Errors
/// The other end is gone, or the system does not tell.
pub fn peer(stream: &Stream) -> io::Result<Peer> {
    system::peer(stream)
}

/// Whether the agent at the other end of `channel` may be believed: it is ours, an administrator's, or of whoever an
/// administrator gave the channel to.
pub fn may_serve(channel: &Path, agent: &Peer) -> bool {
    system::may_serve(channel, agent)
}

/// Whether a client may command the agent and not only read: its own user, an administrator, and whoever sits at the machine.
pub fn sits_here(client: &Peer) -> bool {
    system::sits_here(client)
}

/// Whether a client may change what the shop works with: an administrator, and the agent's own user on a machine before which
/// nobody sits, where there is no screen on which an administrator could be asked for.
pub fn may_replace(client: &Peer) -> bool {
    system::may_replace(client)
}

/// Waits until the system or a person asks this program to end: SIGTERM, Ctrl-C, a closed console, the end of the session.
///
/// # Errors
/// The system does not let us listen for it.
pub async fn end_asked_for() -> io::Result<()> {
    system::end_asked_for().await
}

// ---- the desktop ----

/// Whether there is a screen for this process, where windows can be shown.
pub fn has_display() -> bool {
    system::has_display()
}

/// A file below the user's runtime folder that is the same for all processes of this user's session, `name` and `state`, and
/// different for others: what a program locks that may run once a session. Its folder is made where it is missing.
///
/// # Errors
/// The folder cannot be made.
pub fn session_file(state: &Path, name: &str) -> io::Result<PathBuf> {
    system::session_file(state, name)
}

/// Starts `command` so that it outlives this program, and has nothing of its console.
///
/// # Errors
/// Those of starting a program.
pub fn start_apart(command: &mut Command) -> io::Result<()> {
    system::start_apart(command)
}

/// Shows a notice on the desktop: a title and a few lines of plain text. Waits for the desktop to take it.
///
/// # Errors
/// There is no desktop that shows notices, or it refuses.
#[cfg(feature = "tray")]
pub fn show_notice(title: &str, text: &str, is_urgent: bool) -> io::Result<()> {
    system::show_notice(title, text, is_urgent)
}

/// Lets the desktop show the folder `path`.
///
/// # Errors
/// There is nothing here that shows folders.
pub fn show_folder(path: &Path) -> io::Result<()> {
    system::show_folder(path)
}

/// The drives of this machine that hold files, in no order. Asks each for its room: not for a thread that must not wait long.
pub fn drives() -> Vec<Drive> {
    system::drives()
}

/// Tells a person at this program's start what cannot be shown elsewhere: on the console, or in a box where a program of the
/// desktop has none (Windows); there it returns once the box is closed.
pub fn tell(level: Level, text: &str) {
    system::tell(level, text);
}

/// The exit code of a program as our own: whole on Windows, where it has 32 bits; 128 and the signal's number for one that a
/// signal ended.
pub fn exit_like(status: ExitStatus) -> ExitCode {
    system::exit_like(status)
}

// ---- SQL Server ----

/// Opens the named pipe of a SQL Server (`\\.\pipe\SQLLocal\…`), and waits while all its instances are busy: bound it from
/// outside.
///
/// # Errors
/// No such pipe; [`io::ErrorKind::Unsupported`] where the system has no such pipes.
pub async fn open_sql_pipe(path: &str) -> io::Result<SqlPipe> {
    system::open_sql_pipe(path).await
}

/// The login of SQL Server as the user whose rights this process has; `None` where the system has no such login.
pub fn integrated_login() -> Option<tiberius::AuthMethod> {
    system::integrated_login()
}
