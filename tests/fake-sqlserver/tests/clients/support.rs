//! A server and clients for it.

use fake_sqlserver::options::{DatabaseOptions, Options};
use fake_sqlserver::security::Login;
use fake_sqlserver::server::{Handle, Server};
use std::path::PathBuf;
use tempfile::TempDir;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

pub const PASSWORD: &str = "Senha forte, ção!";

/// A server with its files in a folder that goes away with it.
pub struct Fixture {
    pub server: Handle,
    folder: TempDir,
}

impl Fixture {
    /// A server over a folder that another one has left.
    pub fn over(server: Handle, folder: TempDir) -> Self {
        Self { server, folder }
    }

    /// A path in a folder where the server may write.
    pub fn path(&self, name: &str) -> PathBuf {
        // With the separators of this system, as the server names its own files.
        self.folder.path().join(name.split('/').collect::<PathBuf>())
    }

    /// Stops the server; what it leaves behind stays as long as what this gives.
    pub fn stop(self) -> TempDir {
        self.server.stop();
        self.folder
    }

    /// The statement of the product for a backup into `name`.
    pub fn backup(&self, name: &str) -> String {
        format!(
            "BACKUP DATABASE [MCDados] TO DISK = N'{}' WITH COPY_ONLY, FORMAT, INIT, SKIP, CHECKSUM, STATS = 5, \
             NAME = N'DMBackup MCDados', DESCRIPTION = N'loja 01'",
            self.path(name).display()
        )
    }
}

impl Fixture {
    /// The statement of the product that restores `bak` beside the live database as `name`, with its files in the instance's
    /// folder.
    pub fn restore(&self, bak: &str, name: &str) -> String {
        let file = |name: String| self.path("data/DATA").join(name).display().to_string();
        format!(
            "RESTORE DATABASE [{name}] FROM DISK = N'{}' WITH MOVE N'MCDados' TO N'{}', MOVE N'MCDados_log' TO N'{}', \
             CHECKSUM, STATS = 5",
            self.path(bak).display(),
            file(format!("{name}.mdf")),
            file(format!("{name}_log.ldf"))
        )
    }
}

/// The rows of a batch's first result.
pub async fn rows(client: &mut Tiberius, sql: &str) -> Vec<tiberius::Row> {
    client.simple_query(sql).await.unwrap().into_first_result().await.unwrap()
}

/// The first column of its first row, which is text.
pub async fn text(client: &mut Tiberius, sql: &str) -> Option<String> {
    rows(client, sql).await.first().and_then(|row| row.get::<&str, _>(0)).map(str::to_owned)
}

/// A server with a small pharmacy, `MCDados`, and the login `sa`.
pub fn server() -> Fixture {
    server_with(|options| options.database(DatabaseOptions::rows("MCDados", 3000)))
}

pub fn server_with(change: impl FnOnce(Options) -> Options) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("data")).login(Login::sysadmin("sa", PASSWORD));
    Fixture { server: Server::start(change(options)).unwrap(), folder }
}

pub type Tiberius = Client<Compat<TcpStream>>;

pub fn config(server: &Handle) -> Config {
    config_of(server, "sa", PASSWORD)
}

pub fn config_of(server: &Handle, user: &str, password: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1");
    config.port(server.address().port());
    config.authentication(AuthMethod::sql_server(user, password));
    config.trust_cert();
    config.encryption(EncryptionLevel::NotSupported);
    config.command_timeout(None);
    config.application_name("DMBackup test");
    config
}

pub async fn connect(config: Config) -> tiberius::Result<Tiberius> {
    let stream = TcpStream::connect(config.get_addr()).await.unwrap();
    Client::connect(config, stream.compat_write()).await
}

pub async fn client(fixture: &Fixture) -> Tiberius {
    connect(config(&fixture.server)).await.unwrap()
}

/// The number, class and state of the server's error.
pub fn server_error(error: &tiberius::error::Error) -> (u32, u8, u8) {
    let tiberius::error::Error::Server(error) = error else { panic!("not an error of the server: {error}") };
    (error.code(), error.class(), error.state())
}

/// Runs a batch that must succeed.
pub async fn run(client: &mut Tiberius, sql: &str) {
    client.simple_query(sql).await.unwrap().into_results().await.unwrap();
}

/// Runs a batch to its end, whatever that is.
pub async fn outcome(client: &mut Tiberius, sql: &str) -> tiberius::Result<()> {
    client.simple_query(sql).await?.into_results().await.map(drop)
}

/// Runs a batch that must fail; its first error's number.
pub async fn fails(client: &mut Tiberius, sql: &str) -> u32 {
    match outcome(client, sql).await {
        Err(error) => server_error(&error).0,
        Ok(()) => panic!("it succeeded: {sql}"),
    }
}
