//! What a server is started with.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock;
use crate::contents::{self, Origin};
use crate::database::{
    Damage, Database, DatabaseState, FIRST_USER_DATABASE, MASTER, MODEL, MSDB, PageVerify, RecoveryModel,
    Size, TEMPDB,
};
use crate::fault::Fault;
use crate::identity::Identity;
use crate::instance::{Instance, State};
use crate::security::Login;
use crate::tds::prelogin::Encryption;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 for any
    pub listen: SocketAddr,
    /// A named pipe that it serves as well, on Windows: `\\.\pipe\SQLLocal\SQLEXPRESS`
    pub pipe: Option<String>,
    /// Where its files are
    pub data: PathBuf,
    /// Its word on encryption
    pub encryption: Encryption,
    /// Name, version, edition
    pub identity: Identity,
    /// Who may log in
    pub logins: Vec<Login>,
    /// The users' databases
    pub databases: Vec<DatabaseOptions>,
    /// What goes wrong from the start
    pub faults: Vec<Fault>,
}

/// One database to be there from the start.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// Its name
    pub name: String,
    /// What is in it
    pub contents: Contents,
}

/// What is in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Nothing
    Empty,
    /// A pharmacy with about so many rows
    Rows(u32),
    /// Pages of rows, so many MiB
    PagesMib(u32),
    /// Whatever is in this `.bak`, which is served byte for byte
    Dump(PathBuf),
}

impl DatabaseOptions {
    /// An empty database.
    pub fn empty(name: impl Into<String>) -> Self {
        Self { name: name.into(), contents: Contents::Empty }
    }

    /// A pharmacy's database with about `rows` rows.
    pub fn rows(name: impl Into<String>, rows: u32) -> Self {
        Self { name: name.into(), contents: Contents::Rows(rows) }
    }

    /// A database of `mib` MiB of realistic pages.
    pub fn pages_mib(name: impl Into<String>, mib: u32) -> Self {
        Self { name: name.into(), contents: Contents::PagesMib(mib) }
    }

    /// A database whose dump is the given file.
    pub fn dump(name: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), contents: Contents::Dump(file.into()) }
    }
}

impl Options {
    /// A server on any free port of this machine, with its files in `data`, nobody to log in and no database.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            pipe: None,
            data: data.into(),
            encryption: Encryption::Off,
            identity: Identity::default(),
            logins: Vec::new(),
            databases: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// The same with one more login.
    pub fn login(mut self, login: Login) -> Self {
        self.logins.push(login);
        self
    }

    /// The same with one more database.
    pub fn database(mut self, database: DatabaseOptions) -> Self {
        self.databases.push(database);
        self
    }

    /// The same with one more fault.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    pub(crate) fn into_instance(self) -> io::Result<Arc<Instance>> {
        std::fs::create_dir_all(&self.data)?;
        let mut databases = Vec::new();
        for (id, name) in [(MASTER, "master"), (TEMPDB, "tempdb"), (MODEL, "model"), (MSDB, "msdb")] {
            let database = new_database(id, name, &self.data, &self.identity);
            contents::create(&database.rows, 0, database.created)?;
            databases.push(database);
        }
        for (id, wanted) in (FIRST_USER_DATABASE..).zip(&self.databases) {
            let mut database = new_database(id, &wanted.name, &self.data, &self.identity);
            let mut rows = 0;
            match &wanted.contents {
                Contents::Empty => {}
                Contents::Rows(count) => rows = *count,
                Contents::PagesMib(mib) => database.origin = Origin::Synthetic { mib: *mib },
                Contents::Dump(file) => database.origin = Origin::File(file.clone()),
            }
            contents::create(&database.rows, rows, database.created)?;
            database.size = contents::measure(&database, &self.identity)?;
            databases.push(database);
        }
        let state = State {
            logins: self.logins,
            databases,
            sessions: BTreeMap::new(),
            history: Vec::new(),
            suspect_pages: Vec::new(),
            identity: self.identity,
            service_account: None,
            compression_default: false,
        };
        let instance = Instance::new(&self.data, state);
        self.faults.into_iter().for_each(|fault| instance.faults.inject(fault));
        Ok(instance)
    }
}

/// A name for files that every system takes: whatever is neither letter nor digit is spelled by number.
fn file_name(database: &str) -> String {
    let mut name = String::new();
    for character in database.chars() {
        if character.is_ascii_alphanumeric() || character == '_' {
            name.push(character);
        } else {
            name.push_str(&format!("-{:x}", u32::from(character)));
        }
    }
    format!("{name}.sqlite")
}

fn new_database(id: i32, name: &str, data: &Path, identity: &Identity) -> Database {
    Database {
        id,
        name: name.to_owned(),
        owner: "sa".to_owned(),
        created: clock::now().naive_local(),
        state: DatabaseState::Online,
        page_verify: PageVerify::Checksum,
        recovery: RecoveryModel::Simple,
        compatibility: identity.compatibility(),
        users: BTreeMap::new(),
        rows: data.join(file_name(name)),
        origin: Origin::Rows,
        size: Size::default(),
        damage: Damage::None,
        backups: 0,
        backed_up_by: None,
    }
}
