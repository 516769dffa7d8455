//! A server and clients for it.

use fake_sqlserver::options::{DatabaseOptions, Options};
use fake_sqlserver::security::Login;
use fake_sqlserver::server::{Handle, Server};
use tempfile::TempDir;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

pub const PASSWORD: &str = "Senha forte, ção!";

/// A server with its files in a folder that goes away with it.
pub struct Fixture {
    pub server: Handle,
    pub folder: TempDir,
}

/// A server with one database and the login `sa`.
pub fn server() -> Fixture {
    server_with(|options| options)
}

pub fn server_with(change: impl FnOnce(Options) -> Options) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("data"))
        .login(Login::sysadmin("sa", PASSWORD))
        .database(DatabaseOptions::empty("MCDados"));
    Fixture { server: Server::start(change(options)).unwrap(), folder }
}

pub type Tiberius = Client<Compat<TcpStream>>;

pub fn config(server: &Handle) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1");
    config.port(server.address().port());
    config.authentication(AuthMethod::sql_server("sa", PASSWORD));
    config.trust_cert();
    config.encryption(EncryptionLevel::NotSupported);
    config.command_timeout(None);
    config
}

pub async fn connect(config: Config) -> tiberius::Result<Tiberius> {
    let stream = TcpStream::connect(config.get_addr()).await.unwrap();
    Client::connect(config, stream.compat_write()).await
}
