//! Reaching SQL Server: which ways there are, in which order they are tried, and the login; all of it bounded in time.

use super::browser;
use super::errors::{Failure, Stage, TlsFailure};
use super::session::Connection;
use super::wire::{Activity, Watched};
use crate::config::{Encrypt, Login, ServerConfig};
use crate::platform;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tiberius::{AuthMethod, Client, EncryptionLevel};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_util::compat::TokioAsyncWriteCompatExt;

/// The port of the default instance.
const DEFAULT_PORT: u16 = 1433;
/// The service of the default instance.
const DEFAULT_INSTANCE: &str = "MSSQLSERVER";
/// A server's answer to PRELOGIN is shorter than this, anything with a certificate in it longer.
const PRELOGIN_BYTES: u64 = 256;
/// The type of a packet in which the server answers.
const ANSWER_PACKET: u8 = 0x04;
/// The shortest time that one of several addresses of a machine gets.
const SHORTEST_TRY: Duration = Duration::from_secs(2);
/// After this much silence the system asks whether the other end still lives: a machine that vanished is noticed.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);

/// What a connection is to find at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The database that it begins in.
    pub(super) database: String,
    /// Certificates, in PEM or DER, that vouch for the server beside those that this machine trusts.
    pub(super) authorities: Vec<u8>,
}

impl Default for Entry {
    fn default() -> Self {
        Self { database: "master".to_owned(), authorities: Vec::new() }
    }
}

/// One way to reach a server.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// A named pipe of this machine.
    Pipe(String),
    /// A TCP port.
    Tcp(String, u16),
    /// The TCP port that SQL Server Browser tells for an instance.
    Instance(String, String),
}

/// The machine as resolvers and certificates know it.
fn host_of(config: &ServerConfig) -> &str {
    match config.host.as_str() {
        "." | "(local)" => "localhost",
        other => other.trim_start_matches('[').trim_end_matches(']'),
    }
}

/// The ways to `config`'s server in the order in which they are tried. Express is installed with TCP off, but a local
/// server always has its local pipe; a port in the configuration means just that port.
fn ways(config: &ServerConfig) -> Vec<Way> {
    let host = host_of(config);
    if let Some(port) = config.port {
        return vec![Way::Tcp(host.to_owned(), port)];
    }
    let instance = config.instance.as_deref().filter(|name| !name.eq_ignore_ascii_case(DEFAULT_INSTANCE));
    let mut ways = Vec::new();
    if config.is_local() {
        let local = instance.unwrap_or(DEFAULT_INSTANCE);
        ways.push(Way::Pipe(format!(r"\\.\pipe\SQLLocal\{local}")));
        ways.push(Way::Pipe(match instance {
            Some(name) => format!(r"\\.\pipe\MSSQL${name}\sql\query"),
            None => r"\\.\pipe\sql\query".to_owned(),
        }));
    }
    ways.push(match instance {
        Some(name) => Way::Instance(host.to_owned(), name.to_owned()),
        None => Way::Tcp(host.to_owned(), DEFAULT_PORT),
    });
    ways
}

/// The name of the service that `config`'s server runs under, on Windows.
pub(super) fn service_name(config: &ServerConfig) -> String {
    match (&config.service, &config.instance) {
        (Some(service), _) => service.clone(),
        (None, Some(name)) if !name.eq_ignore_ascii_case(DEFAULT_INSTANCE) => format!("MSSQL${name}"),
        (None, _) => DEFAULT_INSTANCE.to_owned(),
    }
}

/// A logged-in connection. Opening and login take at most `patience` each; `answer` bounds what is asked on it later.
pub(super) async fn connect(
    config: &ServerConfig,
    program: &str,
    entry: &Entry,
    patience: Duration,
    answer: Duration,
) -> Result<Connection, Failure> {
    let settings = settings(config, program, entry)?;
    let wire = open(config, patience).await?;
    let (activity, local) = (wire.activity(), wire.local_address());
    // The library's own future takes tens of KiB: on the heap, so that whoever awaits us needs no deep stack.
    let login = Box::pin(Client::connect(settings, wire.compat_write()));
    let client =
        timeout(patience, login).await.map_err(|_| Failure::LoginStalled(patience))?.map_err(|error| {
            about_tls(Failure::of(&error, Stage::Login), config.encrypt, hung_up_on_tls(&activity))
        })?;
    Ok(Connection::new(client, activity, local, answer))
}

/// Whether the server answered PRELOGIN and said nothing after it: the handshake that follows was not to its taste.
fn hung_up_on_tls(activity: &Activity) -> bool {
    activity.first_byte() == Some(ANSWER_PACKET) && activity.received_bytes() <= PRELOGIN_BYTES
}

/// What a failed login says of encryption. A server that hangs up on the handshake does not know our TLS; how the hanging up
/// is reported is a matter of chance. Where we offered no encryption at all, it is no lack of the server's: it demands what
/// we do not do.
fn about_tls(failure: Failure, encrypt: Encrypt, hung_up: bool) -> Failure {
    let no_tls = matches!(failure, Failure::Tls(TlsFailure::NoCommonVersion, _))
        || (hung_up && matches!(failure, Failure::Lost(_)));
    match encrypt {
        Encrypt::Off if no_tls => Failure::Tls(TlsFailure::LevelRefused, failure.to_string()),
        Encrypt::Login | Encrypt::On if no_tls => {
            Failure::Tls(TlsFailure::NoCommonVersion, failure.to_string())
        }
        Encrypt::Off | Encrypt::Login | Encrypt::On => failure,
    }
}

fn settings(config: &ServerConfig, program: &str, entry: &Entry) -> Result<tiberius::Config, Failure> {
    let mut settings = tiberius::Config::new();
    settings.host(host_of(config));
    settings.port(config.port.unwrap_or(DEFAULT_PORT));
    settings.database(&entry.database);
    settings.application_name(program);
    settings.client_name(platform::host_name());
    settings.authentication(authentication(&config.login)?);
    settings.encryption(match config.encrypt {
        Encrypt::Off => EncryptionLevel::NotSupported,
        Encrypt::Login => EncryptionLevel::Off,
        Encrypt::On => EncryptionLevel::Required,
    });
    if config.trust_server_certificate {
        settings.trust_cert();
    } else if !entry.authorities.is_empty() {
        settings.trust_cert_ca_bundle(entry.authorities.clone());
    }
    // We bound every wait ourselves, by the runtime's clock; BACKUP and RESTORE have quiet stretches without bound.
    settings.handshake_timeout(None);
    settings.command_timeout(None);
    // A name with half a surrogate in it must not make a whole answer unreadable.
    settings.lossy_utf16_decoding(true);
    Ok(settings)
}

fn authentication(login: &Login) -> Result<AuthMethod, Failure> {
    match login {
        Login::Integrated => platform::integrated_login().ok_or(Failure::NoIntegratedLogin),
        Login::Sql { user, password } => Ok(AuthMethod::sql_server(user, password.expose())),
    }
}

/// Tries every way; the failure of the last one, TCP, is what is told.
async fn open(config: &ServerConfig, patience: Duration) -> Result<Watched, Failure> {
    let mut failure = Failure::Refused;
    for way in ways(config) {
        let opening = async {
            match &way {
                Way::Pipe(path) => pipe(path, patience).await,
                Way::Tcp(host, port) => tcp(host, *port, patience).await,
                Way::Instance(host, instance) => named(host, instance, patience).await,
            }
        };
        match timeout(patience, opening).await.unwrap_or(Err(Failure::Unreachable(patience))) {
            Ok(wire) => {
                tracing::debug!(?way, "connected");
                return Ok(wire);
            }
            Err(cause) => {
                tracing::debug!(?way, %cause, "not this way");
                failure = cause;
            }
        }
    }
    Err(failure)
}

async fn pipe(path: &str, patience: Duration) -> Result<Watched, Failure> {
    let pipe = platform::open_sql_pipe(path).await.map_err(|error| Failure::of_opening(&error, patience))?;
    Ok(Watched::new(pipe))
}

async fn tcp(host: &str, port: u16, patience: Duration) -> Result<Watched, Failure> {
    let addresses = addresses(host, port).await?;
    let each = (patience / addresses.len().max(1) as u32).max(SHORTEST_TRY);
    let mut failure = Failure::UnknownHost;
    for address in addresses {
        failure = match timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                tune(&stream);
                return Ok(Watched::over_tcp(stream));
            }
            Ok(Err(error)) => Failure::of_opening(&error, each),
            Err(_) => Failure::Unreachable(each),
        };
    }
    Err(failure)
}

/// Keep-alive and no delay; a system that refuses either still has a connection that serves.
fn tune(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let tuned = stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = tuned {
        tracing::debug!(%error, "the socket keeps its defaults");
    }
}

async fn named(host: &str, instance: &str, patience: Duration) -> Result<Watched, Failure> {
    let machines: Vec<IpAddr> = addresses(host, DEFAULT_PORT).await?.iter().map(SocketAddr::ip).collect();
    let mut failure = Failure::UnknownHost;
    for machine in machines {
        failure = match browser::port_of(machine, instance).await {
            Ok(port) => match tcp(&machine.to_string(), port, patience).await {
                Ok(wire) => return Ok(wire),
                Err(cause) => cause,
            },
            Err(cause) => cause,
        };
    }
    Err(failure)
}

async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let found: io::Result<Vec<SocketAddr>> = lookup_host((host, port)).await.map(Iterator::collect);
    found.ok().filter(|addresses| !addresses.is_empty()).ok_or(Failure::UnknownHost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use tokio::net::TcpListener;

    fn config(host: &str, instance: Option<&str>, port: Option<u16>) -> ServerConfig {
        ServerConfig {
            host: host.into(),
            instance: instance.map(Into::into),
            port,
            encrypt: Encrypt::Login,
            trust_server_certificate: true,
            login: Login::Sql { user: "sa".into(), password: Secret::new("x") },
            service: None,
        }
    }

    fn pipe(path: &str) -> Way {
        Way::Pipe(path.into())
    }

    #[test]
    fn a_local_server_is_tried_by_local_pipe_then_named_pipe_then_tcp() {
        assert_eq!(
            ways(&config(".", None, None)),
            [
                pipe(r"\\.\pipe\SQLLocal\MSSQLSERVER"),
                pipe(r"\\.\pipe\sql\query"),
                Way::Tcp("localhost".into(), 1433)
            ]
        );
        assert_eq!(
            ways(&config("(local)", Some("SQLEXPRESS"), None)),
            [
                pipe(r"\\.\pipe\SQLLocal\SQLEXPRESS"),
                pipe(r"\\.\pipe\MSSQL$SQLEXPRESS\sql\query"),
                Way::Instance("localhost".into(), "SQLEXPRESS".into())
            ]
        );
    }

    #[test]
    fn a_port_means_just_that_port_and_a_remote_server_means_tcp() {
        assert_eq!(ways(&config(".", Some("X"), Some(1450))), [Way::Tcp("localhost".into(), 1450)]);
        assert_eq!(ways(&config("[::1]", None, Some(1450))), [Way::Tcp("::1".into(), 1450)]);
        assert_eq!(ways(&config("loja", None, None)), [Way::Tcp("loja".into(), 1433)]);
        assert_eq!(ways(&config("loja", Some("mssqlserver"), None)), [Way::Tcp("loja".into(), 1433)]);
        assert_eq!(ways(&config("loja", Some("X"), None)), [Way::Instance("loja".into(), "X".into())]);
    }

    #[test]
    fn the_service_is_named_after_the_instance() {
        assert_eq!(service_name(&config(".", None, None)), "MSSQLSERVER");
        assert_eq!(service_name(&config(".", Some("SQLEXPRESS"), None)), "MSSQL$SQLEXPRESS");
        let told = ServerConfig { service: Some("mssql-server".into()), ..config(".", None, None) };
        assert_eq!(service_name(&told), "mssql-server");
    }

    async fn attempt(config: &ServerConfig, patience: Duration) -> Failure {
        connect(config, "DMBackup test", &Entry::default(), patience, patience).await.unwrap_err()
    }

    #[tokio::test]
    async fn nobody_listening_is_told_from_a_server_that_hangs_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hanging_up = tokio::spawn(async move { drop(listener.accept().await) });
        let patience = Duration::from_secs(15);
        let failure = attempt(&config("127.0.0.1", None, Some(port)), patience).await;
        assert!(matches!(failure, Failure::Lost(_)), "{failure:?}");
        hanging_up.await.unwrap();
        assert_eq!(attempt(&config("127.0.0.1", None, Some(port)), patience).await, Failure::Refused);
    }

    #[test]
    fn a_hang_up_right_after_prelogin_is_a_matter_of_encryption() {
        let lost = || Failure::Lost("reset".into());
        let tls = |how| Failure::Tls(how, lost().to_string());
        assert_eq!(about_tls(lost(), Encrypt::Login, true), tls(TlsFailure::NoCommonVersion));
        assert_eq!(about_tls(lost(), Encrypt::Off, true), tls(TlsFailure::LevelRefused));
        assert_eq!(about_tls(lost(), Encrypt::On, false), lost(), "it said nothing at all, or shook hands");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let patience = Duration::from_secs(15);
        assert_eq!(
            attempt(&config("127.0.0.1", None, Some(port)), patience).await,
            Failure::LoginStalled(patience)
        );
    }

    #[tokio::test]
    async fn something_else_than_a_sql_server_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let web = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let greeting = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
            tokio::io::AsyncWriteExt::write_all(&mut stream, greeting).await.unwrap();
        });
        let failure = attempt(&config("127.0.0.1", None, Some(port)), Duration::from_secs(5)).await;
        assert!(matches!(failure, Failure::Garbled(_) | Failure::Lost(_)), "{failure:?}");
        web.await.unwrap();
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_is_told() {
        let failure = attempt(&config("nao-existe.invalid", None, Some(1)), Duration::from_secs(15)).await;
        assert_eq!(failure, Failure::UnknownHost);
    }

    #[test]
    fn an_integrated_login_where_there_is_none_is_refused_clearly() {
        let integrated = ServerConfig { login: Login::Integrated, ..config(".", None, None) };
        match platform::integrated_login() {
            Some(_) => assert!(settings(&integrated, "x", &Entry::default()).is_ok()),
            None => assert!(matches!(
                settings(&integrated, "x", &Entry::default()),
                Err(Failure::NoIntegratedLogin)
            )),
        }
    }
}
