//! What a server is started with.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::contents::{self, Origin};
use crate::database::{Database, FIRST_USER_DATABASE, MASTER, MODEL, MSDB, TEMPDB};
use crate::fault::Fault;
use crate::identity::Identity;
use crate::instance::{Instance, State};
use crate::kept;
use crate::mtf::read_header;
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

impl Contents {
    /// About how many rows of a pharmacy it has.
    fn rows(&self) -> u32 {
        match self {
            Self::Rows(count) => *count,
            Self::Empty | Self::PagesMib(_) | Self::Dump(_) => 0,
        }
    }
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
        // As the setup of SQL Server leaves it: with the folder for dumps that are named without one.
        std::fs::create_dir_all(self.data.join("Backup"))?;
        let kept = kept::load(&self.data)?;
        let folder = files_folder(&self.data)?;
        let mut databases = Vec::new();
        for (id, name) in [(MASTER, "master"), (TEMPDB, "tempdb"), (MODEL, "model"), (MSDB, "msdb")] {
            let rows = self.data.join(file_name(name));
            let database = Database::new(id, name, "sa", rows, &folder, &self.identity);
            contents::create(&database.rows, 0, database.created)?;
            databases.push(database);
        }
        databases.extend(kept.databases);
        let mut made = kept.made;
        for wanted in &self.databases {
            let given = match &wanted.contents {
                Contents::Empty | Contents::Rows(_) => None,
                Contents::PagesMib(mib) => Some(Origin::Synthetic { mib: *mib }),
                Contents::Dump(file) => Some(Origin::File(file.clone())),
            };
            if made.contains(&wanted.name) {
                let known = databases.iter_mut().find(|database| database.is_named(&wanted.name));
                if let (Some(known), Some(given)) = (known, given)
                    && known.origin != Origin::Rows
                {
                    known.origin = given;
                    known.size = contents::measure(known, &self.identity)?;
                }
                continue;
            }
            let id = free_id(&databases);
            let rows = free_rows(&self.data, &wanted.name, &databases);
            let mut database = Database::new(id, &wanted.name, "sa", rows, &folder, &self.identity);
            database.origin = given.unwrap_or(Origin::Rows);
            contents::create(&database.rows, wanted.contents.rows(), database.created)?;
            if let Origin::File(file) = &database.origin
                && let Ok(header) = read_header(file)
            {
                (database.binding, database.fork) = (header.binding, header.fork);
            }
            database.size = contents::measure(&database, &self.identity)?;
            databases.push(database);
            made.push(wanted.name.clone());
        }
        kept::save(&self.data, &made, &databases)?;
        let state = State {
            logins: self.logins,
            databases,
            made,
            sessions: BTreeMap::new(),
            history: Vec::new(),
            restores: Vec::new(),
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

/// Where the databases' data and log files lie.
///
/// # Errors
/// It cannot be made.
fn files_folder(data: &Path) -> io::Result<PathBuf> {
    let folder = std::path::absolute(data)?.join("DATA");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The lowest number that no database has.
pub(crate) fn free_id(databases: &[Database]) -> i32 {
    let taken = |id: &i32| databases.iter().any(|database| database.id == *id);
    (FIRST_USER_DATABASE..i32::MAX).find(|id| !taken(id)).unwrap_or(i32::MAX)
}

/// A file for the rows of a database of that name, which no other database has: it may have had the name before.
pub(crate) fn free_rows(data: &Path, name: &str, databases: &[Database]) -> PathBuf {
    let first = data.join(file_name(name));
    let others = (2..u32::MAX).map(|number| data.join(format!("{number}~{}", file_name(name))));
    let taken = |path: &PathBuf| databases.iter().any(|database| database.rows == *path);
    std::iter::once(first.clone()).chain(others).find(|path| !taken(path)).unwrap_or(first)
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
