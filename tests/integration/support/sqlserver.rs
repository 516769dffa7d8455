//! A SQL Server to test against: the stand-in in this process, and a real one where `DMBACKUP_TEST_SQLSERVER` names it.

use crate::support::sql::Application;
use dmbackup::config::{DatabaseName, Encrypt, Login, Secret, ServerConfig};
use dmbackup::sqlserver::{BackupRequest, DumpProgress, Limits, Server};
use fake_sqlserver::options::{DatabaseOptions, Options};
use fake_sqlserver::security;
use fake_sqlserver::server::Handle;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// The database of the stand-in.
pub const DATABASE: &str = "MCDados";
/// The password of every login of the stand-in.
pub const PASSWORD: &str = "Segredo-1'2\"]ç";
/// The name that our sessions carry.
pub const PROGRAM: &str = "DMBackup teste";
/// Waits that suit tests: nothing here should ever take so long.
pub const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(10),
    change: Duration::from_secs(20),
    count: Duration::from_secs(20),
    stall: Duration::from_secs(60),
    look: Duration::from_millis(20),
    ending: Duration::from_secs(20),
};

/// A running stand-in with a folder for backups. Logins: `sa`, who may do everything.
pub struct StandIn {
    pub handle: Handle,
    folder: TempDir,
}

impl StandIn {
    /// With a small pharmacy's database.
    pub fn start() -> Self {
        Self::start_with(|options| options)
    }

    /// The same with other options.
    pub fn start_with(change: impl FnOnce(Options) -> Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the stand-in");
        let options = Options::new(folder.path().join("data"))
            .login(security::Login::sysadmin("sa", PASSWORD))
            .database(DatabaseOptions::rows(DATABASE, 200));
        let handle = fake_sqlserver::server::Server::start(change(options)).expect("the stand-in starts");
        fs::create_dir(folder.path().join("backup")).expect("a folder for backups");
        Self { handle, folder }
    }

    /// How `user` reaches it.
    pub fn config(&self, user: &str) -> ServerConfig {
        ServerConfig {
            host: "127.0.0.1".into(),
            instance: None,
            port: Some(self.handle.address().port()),
            encrypt: Encrypt::Login,
            trust_server_certificate: true,
            login: Login::Sql { user: user.into(), password: Secret::new(PASSWORD) },
            service: None,
        }
    }

    /// The server as `user` sees it.
    pub fn server(&self, user: &str) -> Server {
        Server::with_limits(&self.config(user), PROGRAM, LIMITS)
    }

    /// The path of a file in the folder for backups.
    pub fn device(&self, name: &str) -> PathBuf {
        self.folder.path().join("backup").join(name)
    }

    /// The number of BACKUPs and RESTOREs that sessions of our program run right now.
    pub fn lasting_requests(&self) -> usize {
        lasting_requests_of(&self.handle, PROGRAM)
    }

    /// Waits until no lasting request of ours is left.
    pub async fn until_quiet(&self) {
        eventually("our statements to end", || self.lasting_requests() == 0).await;
    }
}

/// The number of BACKUPs and RESTOREs that sessions of `program` run right now.
pub fn lasting_requests_of(handle: &Handle, program: &str) -> usize {
    let lasts = |command: &str| command.starts_with("BACKUP") || command.starts_with("RESTORE");
    let sessions = handle.sessions().into_iter().filter(|session| session.program == program);
    sessions.filter_map(|session| session.request).filter(|request| lasts(request.command)).count()
}

/// A request for a backup of `database` into `device`.
pub fn request(database: &str, device: impl Into<PathBuf>) -> BackupRequest {
    BackupRequest {
        database: DatabaseName::new(database).expect("a name"),
        device_path: device.into().display().to_string(),
        name: format!("DMBackup {database}"),
        description: "teste".into(),
        continue_after_error: false,
        no_compression: false,
    }
}

/// Hears of progress and does nothing.
pub fn silent(_: DumpProgress) {}

/// Waits until `holds`, which other threads bring about without an event that could be awaited.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let watching = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(30), watching).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

/// A server that the acceptance tests run against.
pub struct Target {
    pub server: Server,
    pub database: DatabaseName,
    pub device: String,
    /// A folder that the tests and the server both use, as either names it; `None` where there is none.
    shared: Option<(PathBuf, String)>,
    /// Keeps the stand-in running.
    standin: Option<StandIn>,
    /// The real server is this test's alone: others would see its statements and write to its file.
    _turn: Option<MutexGuard<'static, ()>>,
}

/// Whose turn it is with the real server.
static TURN: Mutex<()> = Mutex::new(());

impl Target {
    /// The folder that the tests and the server both use, as either names it (an empty name is the same one), ready for the
    /// dumps that the server's own account writes; `None` where there is none.
    pub fn share(&self) -> Option<(PathBuf, String)> {
        let (folder, seen) = self.shared.clone()?;
        fs::create_dir_all(&folder).expect("the folder that both use");
        open_to_everybody(&folder);
        Some((folder, seen))
    }

    /// Removes what a test has left in the folder that both use.
    pub fn clear_share(&self) {
        let Some((folder, _)) = &self.shared else { return };
        for entry in fs::read_dir(folder).expect("the folder that both use").flatten() {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    /// A connection of another program.
    pub async fn application(&self) -> Application {
        if let Some(standin) = &self.standin {
            return Application::connect(standin).await;
        }
        let known = self.server.config();
        let mut config = tiberius::Config::new();
        config.host(&known.host);
        config.port(known.port.expect("DMBACKUP_TEST_SQLSERVER: `server=HOST,PORT`"));
        if let Login::Sql { user, password } = &known.login {
            config.authentication(tiberius::AuthMethod::sql_server(user, password.expose()));
        }
        config.trust_cert();
        Application::with(config).await
    }
}

#[cfg(unix)]
fn open_to_everybody(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let everybody = fs::Permissions::from_mode(0o777);
    fs::set_permissions(folder, everybody).expect("the folder that both use is ours");
}

/// On Windows whoever names the folder has given the server's account its rights, which the files inherit.
#[cfg(not(unix))]
fn open_to_everybody(_: &Path) {}

/// The stand-in, and the real server where there is one. Each test has that one for itself as long as it keeps the target.
pub fn targets() -> impl Iterator<Item = Target> {
    let standin = StandIn::start();
    let ours = Target {
        server: standin.server("sa"),
        database: DatabaseName::new(DATABASE).expect("a name"),
        device: standin.device("acceptance.bak").display().to_string(),
        shared: Some((standin.device("aceite"), String::new())),
        standin: Some(standin),
        _turn: None,
    };
    let real = std::env::var("DMBACKUP_TEST_SQLSERVER").ok();
    let real =
        real.map(|text| Real::parse(&text).unwrap_or_else(|what| panic!("DMBACKUP_TEST_SQLSERVER: {what}")));
    std::iter::once(ours).chain(real.into_iter().map(Real::target))
}

/// A real server: `server=HOST[\INSTANCE][,PORT];user=…;password=…[;database=…][;device=…]`. Without `database` it is
/// `msdb`, which every server has; without `device` a file in the server's own backup folder. `folder=…` names a folder that the
/// tests and the server may both write to, and `seen=…` the same as the server names it where that is another name: without a
/// folder no whole run is made there, and nothing is replaced.
#[derive(Debug, PartialEq, Eq)]
struct Real {
    host: String,
    instance: Option<String>,
    port: Option<u16>,
    user: String,
    password: String,
    database: String,
    device: String,
    shared: Option<(PathBuf, String)>,
}

impl Real {
    fn parse(text: &str) -> Result<Self, String> {
        let value = |wanted: &str| {
            text.split(';').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| {
                key.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
            })
        };
        let required = |key: &str| value(key).ok_or_else(|| format!("`{key}` is missing"));
        let server = required("server")?;
        let (address, port) = match server.split_once([',', ':']) {
            Some((address, port)) => {
                (address, Some(port.parse().map_err(|_| format!("`{port}` is no port"))?))
            }
            None => (server.as_str(), None),
        };
        let (host, instance) = match address.split_once('\\') {
            Some((host, instance)) => (host, Some(instance.to_owned())),
            None => (address, None),
        };
        Ok(Self {
            host: host.to_owned(),
            instance,
            port,
            user: required("user")?,
            password: required("password")?,
            database: value("database").unwrap_or_else(|| "msdb".to_owned()),
            device: value("device").unwrap_or_else(|| "dmbackup-acceptance.bak".to_owned()),
            shared: value("folder").map(|folder| (folder.into(), value("seen").unwrap_or_default())),
        })
    }

    /// Waits for the tests that have it.
    fn target(self) -> Target {
        // A test that failed with it has left nothing that the next one does not clear.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let config = ServerConfig {
            host: self.host,
            instance: self.instance,
            port: self.port,
            encrypt: Encrypt::On,
            trust_server_certificate: true,
            login: Login::Sql { user: self.user, password: Secret::new(self.password) },
            service: None,
        };
        Target {
            server: Server::with_limits(&config, PROGRAM, LIMITS),
            database: DatabaseName::new(&self.database).expect("the name of a database"),
            device: self.device,
            shared: self.shared,
            standin: None,
            _turn: Some(turn),
        }
    }
}

#[test]
fn the_address_of_a_real_server_is_read() {
    let real = Real::parse(r"server=loja\SQLEXPRESS,1450; user=sa;Password=a=b").unwrap();
    assert_eq!(
        (real.host.as_str(), real.instance.as_deref(), real.port),
        ("loja", Some("SQLEXPRESS"), Some(1450))
    );
    assert_eq!((real.user.as_str(), real.password.as_str(), real.database.as_str()), ("sa", "a=b", "msdb"));
    assert_eq!(Real::parse("server=localhost;user=sa").unwrap_err(), "`password` is missing");
    assert!(Real::parse("server=localhost,x;user=sa;password=y").is_err());
}
