//! The running server and the handle that tests hold.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::contents;
use crate::instance::Instance;
use crate::options::Options;
use crate::pharmacy::Trade;
use crate::session::{self, Reception};
use crate::system;
use crate::tds::tls;

/// How long the end waits for statements that are told to stop.
const SHUTDOWN_TIME: Duration = Duration::from_secs(10);

/// What customers buy follows from this seed.
const CHURN_SEED: u64 = 7;

/// Starts servers.
#[derive(Debug)]
pub struct Server;

/// A running server. It stops when this is dropped.
///
/// It has threads and a clock of its own: a test that pauses time pauses its own, not the server's.
#[derive(Debug)]
pub struct Handle {
    instance: Arc<Instance>,
    address: SocketAddr,
    certificate: Vec<u8>,
    stop: CancellationToken,
    /// Disconnected when nobody listens any more
    listening: Mutex<std::sync::mpsc::Receiver<()>>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts a server; it listens when this returns.
    ///
    /// # Errors
    /// The address cannot be listened on, a database's files cannot be made, or there is no certificate.
    pub fn start(options: Options) -> io::Result<Handle> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fake-sqlserver")
            .enable_all()
            .build()?;
        let (tls, certificate) = tls::self_signed(&options.identity.machine)?;
        let encryption = options.encryption;
        let listener = std::net::TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let address = listener.local_addr()?;
        let pipe = options.pipe.clone();
        let instance = options.into_instance()?;
        let stop = CancellationToken::new();
        let reception = Reception { instance: Arc::clone(&instance), tls, encryption, stop: stop.clone() };
        if let Some(pipe) = pipe {
            if !system::HAS_PIPES {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "there are no named pipes here"));
            }
            let reception = reception.clone();
            runtime.spawn(async move {
                if let Err(error) = system::listen_pipe(pipe, reception).await {
                    tracing::error!(%error, "nobody can come by the pipe");
                }
            });
        }
        let (listens, listening) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            listen(listener, reception).await;
            drop::<std::sync::mpsc::Sender<()>>(listens);
        });
        Ok(Handle {
            instance,
            address,
            certificate,
            stop,
            listening: Mutex::new(listening),
            runtime: Some(runtime),
        })
    }
}

async fn listen(listener: TcpListener, reception: Reception) {
    loop {
        let accepted = tokio::select! {
            () = reception.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Progress and short answers should not wait for more; a socket that refuses still works.
                drop(stream.set_nodelay(true));
                let reception = reception.clone();
                tokio::spawn(async move {
                    let stop = reception.stop.clone();
                    tokio::select! {
                        served = session::serve(stream, reception) => if let Err(error) = served {
                            tracing::debug!(%peer, %error, "connection ended");
                        },
                        () = stopped_for_good(&stop) => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// A client that neither logs in nor hangs up must not keep the server from ending.
async fn stopped_for_good(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(SHUTDOWN_TIME / 2).await;
}

impl Handle {
    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's self-signed certificate, DER; another one at each start.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The server itself, to look at and to change.
    pub fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// Makes the shop go on: every `pause`, `sales` more sales in the pharmacy `database`.
    ///
    /// # Errors
    /// There is no such database, or its rows cannot be opened.
    pub fn churn(&self, database: &str, sales: u32, pause: Duration) -> io::Result<()> {
        let rows = self.instance.state().database(database).map_err(io::Error::other)?.rows.clone();
        let mut connection = contents::open_rows(&rows)?;
        let stop = self.stop.clone();
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let handle = runtime.handle().clone();
        runtime.spawn_blocking(move || {
            let mut trade = Trade::new(CHURN_SEED);
            while handle.block_on(tokio::time::timeout(pause, stop.cancelled())).is_err() {
                if let Err(error) = trade.work(&mut connection, sales, clock::now().naive_local()) {
                    tracing::warn!(%error, "the shop stands still");
                }
            }
        });
        Ok(())
    }

    /// Ends all sessions, without a word as a service that is stopped, and the server. Nobody can connect any more when this
    /// returns.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        self.stop.cancel();
        let listening = self.listening.get_mut().unwrap_or_else(PoisonError::into_inner);
        // The listener's task runs on threads of its own: this waits for a moment, and for no one that waits for us.
        let _ = listening.recv_timeout(SHUTDOWN_TIME);
        if let Some(runtime) = self.runtime.take() {
            // Also from a test that runs on a runtime itself, where waiting would panic.
            runtime.shutdown_background();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shut_down();
    }
}
