//! The local channel: sockets and who is behind them.

use super::super::{Peer, SqlPipe};
use super::identity::name_of_user;
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName, traits::StreamCommon};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where root's sockets lie, and those of a service to which systemd gives this folder (`RuntimeDirectory=dmbackup`).
const MACHINE_FOLDER: &str = "/run/dmbackup";

pub fn channel_to_listen(state: &Path) -> io::Result<PathBuf> {
    Ok(runtime_folder()?.join(format!("{}.sock", short_name(state))))
}

/// Where what lives as long as its process lies; made where it is missing.
pub fn runtime_folder() -> io::Result<PathBuf> {
    let given = std::env::var_os("RUNTIME_DIRECTORY").is_some_and(|folder| folder == MACHINE_FOLDER);
    let machine = super::is_elevated() || given;
    let folder = if machine { PathBuf::from(MACHINE_FOLDER) } else { own_folder() };
    let mode = if machine { 0o755 } else { 0o700 };
    match DirBuilder::new().mode(mode).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Below /tmp somebody else may have been faster.
    let data = fs::symlink_metadata(&folder)?;
    let ours = data.uid() == rustix::process::geteuid().as_raw() || machine && super::is_elevated();
    if !data.is_dir() || !ours || data.mode() & 0o022 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the runtime folder is not ours"));
    }
    Ok(folder)
}

pub fn channels_to_try(state: &Path) -> Vec<PathBuf> {
    let name = format!("{}.sock", short_name(state));
    let mut folders = vec![PathBuf::from(MACHINE_FOLDER), own_folder()];
    // An administrator finds the agent of the user to whom the state belongs.
    if let Ok(data) = fs::metadata(state) {
        folders.push(Path::new("/run/user").join(data.uid().to_string()).join("dmbackup"));
    }
    let mut channels: Vec<_> = folders.into_iter().map(|folder| folder.join(&name)).collect();
    let mut seen = std::collections::HashSet::new();
    channels.retain(|channel| seen.insert(channel.clone()));
    channels
}

pub fn may_serve(channel: &Path, agent: &Peer) -> bool {
    // A folder below /run is made by an administrator, or by the session of its user.
    let owner = || fs::metadata(channel.parent()?).ok().map(|data| data.uid().to_string());
    agent.elevated
        || agent.ourselves
        || channel.starts_with("/run") && owner().is_some_and(|owner| owner == agent.id)
}

/// The user's own runtime folder; one in /tmp where the session has none.
fn own_folder() -> PathBuf {
    let session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    session.map_or_else(
        || std::env::temp_dir().join(format!("dmbackup-{}", rustix::process::geteuid().as_raw())),
        |folder| folder.join("dmbackup"),
    )
}

/// The whole path of a socket has 108 bytes, so it is named by a hash of the state's path.
pub fn short_name(state: &Path) -> String {
    let path =
        fs::canonicalize(state).or_else(|_| std::path::absolute(state)).unwrap_or_else(|_| state.into());
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub fn listen(path: &Path) -> io::Result<Listener> {
    let name = path.to_fs_name::<GenericFilePath>()?;
    let listener = ListenerOptions::new().name(name).try_overwrite(true).create_tokio()?;
    // To connect means to write. Who may do what is decided per request.
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(listener)
}

pub fn peer(stream: &Stream) -> io::Result<Peer> {
    let told = stream.peer_creds()?;
    let uid = told.euid().ok_or(io::ErrorKind::Unsupported)?;
    Ok(Peer {
        id: uid.to_string(),
        name: name_of_user(uid),
        process: told.pid().and_then(|pid| u32::try_from(pid).ok()),
        elevated: uid == 0,
        ourselves: uid == rustix::process::geteuid().as_raw(),
    })
}

pub async fn open_sql_pipe(_: &str) -> io::Result<SqlPipe> {
    Err(io::ErrorKind::Unsupported.into())
}

pub fn integrated_login() -> Option<tiberius::AuthMethod> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use interprocess::local_socket::tokio::prelude::*;

    #[tokio::test]
    async fn both_ends_of_a_connection_know_the_user_of_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let name = || path.as_path().to_fs_name::<GenericFilePath>().unwrap();
        let listener = listen(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o666);
        let (client, server) = tokio::join!(Stream::connect(name()), listener.accept());
        for end in [client.unwrap(), server.unwrap()] {
            let peer = peer(&end).unwrap();
            assert!(peer.ourselves);
            assert_eq!(peer.elevated, super::super::is_elevated());
            assert_eq!(peer.name, super::super::user_name());
            assert_eq!(peer.process, Some(std::process::id()));
        }
    }

    #[test]
    fn each_state_has_a_socket_of_its_own_with_a_short_path() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a");
        fs::create_dir(&state).unwrap();
        let same = state.join("../a");
        assert_eq!(channels_to_try(&state), channels_to_try(&same));
        assert_ne!(channels_to_try(&state), channels_to_try(folder.path()));
        assert!(channels_to_try(&state).contains(&channel_to_listen(&state).unwrap()));
        assert!(channels_to_try(&state).iter().all(|path| path.as_os_str().len() < 100));
    }
}
