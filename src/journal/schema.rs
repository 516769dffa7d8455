//! The file's schema: its version, how it came to be, and how the file is opened.

use super::failure::Failure;
use crate::platform;
use rusqlite::{Connection, OpenFlags};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// One script a version. A released one is never changed: the next version appends its own.
const MIGRATIONS: [&str; 5] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// Marks the file as ours: «DMBJ».
const APPLICATION_ID: i32 = 0x444D_424A;

/// How long a call waits for another program that holds the file.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// Opens the file `path`, makes it where it is missing, and brings it to this version's schema.
pub fn open(path: &Path) -> Result<Connection, Failure> {
    // Made here, so that it is private from its first byte on; SQLite gives its log the same rights.
    let made = platform::private(OpenOptions::new().append(true).create(true)).open(path);
    made.map_err(|error| Failure::of_file(&error))?;
    open_made(path).map_err(|error| Failure::of(&error))?
}

/// Opens the file `path` as it is, to read only.
pub fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    Ok(connection)
}

fn open_made(path: &Path) -> rusqlite::Result<Result<Connection, Failure>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    if let Some(failure) = foreign(&connection)? {
        return Ok(Err(failure));
    }
    // A write-ahead log costs one sync a transaction, where a rollback file costs four; both survive SIGKILL. FULL: what was
    // written outlives a power cut too. Log and cache are kept small for an agent that wants to stay so.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 64; \
         PRAGMA journal_size_limit = 1048576; PRAGMA cache_size = -256;",
    )?;
    migrate(&mut connection)?;
    Ok(Ok(connection))
}

/// Why a readable file is not to be used.
fn foreign(connection: &Connection) -> rusqlite::Result<Option<Failure>> {
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        tracing::warn!(check, "the journal's file is damaged");
        return Ok(Some(Failure::Corrupt));
    }
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if tables > 0 && id != APPLICATION_ID {
        return Ok(Some(Failure::Corrupt));
    }
    Ok((version(connection)? > MIGRATIONS.len()).then_some(Failure::Newer))
}

/// The number of scripts that made the file.
fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let done = version(connection)?;
    for (number, script) in MIGRATIONS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(script)?;
        transaction.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {};",
            number + 1
        ))?;
        transaction.commit()?;
    }
    Ok(())
}
