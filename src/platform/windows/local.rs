//! The local channel and SQL Server's: named pipes and who is behind them.

use super::super::{Peer, SqlPipe};
use super::identity::{ourselves, owner_of_process};
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName, traits::StreamCommon};
use interprocess::os::windows::local_socket::ListenerOptionsExt;
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::windows::named_pipe::ClientOptions;
use widestring::{U16CStr, u16cstr};
use windows_sys::Win32::Foundation::ERROR_PIPE_BUSY;

/// LocalSystem, administrators and the owner: everything; whoever sits at the machine: read and write; whoever comes over
/// the network: nothing.
const LOCAL_USERS: &U16CStr =
    u16cstr!("D:P(D;;FA;;;NU)(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)(A;;0x12019b;;;IU)");

/// SQL Server opens the next instance of a busy pipe within milliseconds.
const BUSY_WAIT: Duration = Duration::from_millis(20);

pub fn channel_to_listen(state: &Path) -> io::Result<PathBuf> {
    Ok(pipe_name(state))
}

pub fn channels_to_try(state: &Path) -> Vec<PathBuf> {
    vec![pipe_name(state)]
}

fn pipe_name(state: &Path) -> PathBuf {
    PathBuf::from(format!(r"\\.\pipe\dmbackup-{}", short_name(state)))
}

/// A hash of the state's path.
pub fn short_name(state: &Path) -> String {
    let path =
        fs::canonicalize(state).or_else(|_| std::path::absolute(state)).unwrap_or_else(|_| state.into());
    let hash = Sha256::digest(path.to_string_lossy().to_lowercase());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub fn listen(path: &Path) -> io::Result<Listener> {
    let name = path.to_fs_name::<GenericFilePath>()?;
    let rights = SecurityDescriptor::deserialize(LOCAL_USERS)?;
    ListenerOptions::new().name(name).security_descriptor(rights).create_tokio()
}

pub fn may_serve(_: &Path, agent: &Peer) -> bool {
    agent.elevated || agent.ourselves
}

pub fn peer(stream: &Stream) -> io::Result<Peer> {
    let process = stream.peer_creds()?.pid().ok_or(io::ErrorKind::Unsupported)?;
    let owner = owner_of_process(process)?;
    Ok(Peer {
        ourselves: ourselves()?.sid == owner.sid,
        id: owner.sid,
        name: owner.name,
        process: Some(process),
        elevated: owner.elevated,
    })
}

pub async fn open_sql_pipe(path: &str) -> io::Result<SqlPipe> {
    loop {
        match ClientOptions::new().open(path) {
            Ok(pipe) => return Ok(Box::new(pipe)),
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY.cast_signed()) => {
                tokio::time::sleep(BUSY_WAIT).await;
            }
            Err(error) => return Err(error),
        }
    }
}

pub fn integrated_login() -> Option<tiberius::AuthMethod> {
    Some(tiberius::AuthMethod::Integrated)
}
