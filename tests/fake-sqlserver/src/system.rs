//! All that differs between Windows and the others: the pipe that local clients come by, and how a program is asked to end.

use std::io;

use crate::session::Reception;

/// Whether there are pipes that clients can come by.
pub const HAS_PIPES: bool = cfg!(windows);

/// Serves clients that come by the named pipe `path`, such as `\\.\pipe\SQLLocal\SQLEXPRESS`, until the server stops.
///
/// # Errors
/// The pipe cannot be made, or there are no such pipes on this system.
pub async fn listen_pipe(path: String, reception: Reception) -> io::Result<()> {
    here::listen_pipe(path, reception).await
}

/// Completes when the program is asked to end: Ctrl-C, or SIGTERM where there is such a thing.
///
/// # Errors
/// The system does not tell.
pub async fn asked_to_end() -> io::Result<()> {
    here::asked_to_end().await
}

#[cfg(windows)]
mod here {
    use std::io;

    use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

    use crate::session::{self, Reception};

    pub async fn listen_pipe(path: String, reception: Reception) -> io::Result<()> {
        let mut waiting = ServerOptions::new().first_pipe_instance(true).create(&path)?;
        loop {
            tokio::select! {
                () = reception.stop.cancelled() => return Ok(()),
                connected = waiting.connect() => connected?,
            }
            // The next client must find a pipe before this one is served.
            let next: NamedPipeServer = ServerOptions::new().create(&path)?;
            let client = std::mem::replace(&mut waiting, next);
            let reception = reception.clone();
            tokio::spawn(async move {
                if let Err(error) = session::serve(client, reception).await {
                    tracing::debug!(%error, "connection by pipe ended");
                }
            });
        }
    }

    pub async fn asked_to_end() -> io::Result<()> {
        tokio::signal::ctrl_c().await
    }
}

#[cfg(unix)]
mod here {
    use std::io;

    use tokio::signal::unix::{SignalKind, signal};

    use crate::session::Reception;

    pub async fn listen_pipe(_path: String, _reception: Reception) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "clients come by named pipes on Windows only"))
    }

    pub async fn asked_to_end() -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            asked = tokio::signal::ctrl_c() => asked,
            _ = terminate.recv() => Ok(()),
        }
    }
}
