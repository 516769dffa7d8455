//! What databases hold: how it is made, how large it is, and the pages that BACKUP reads.

use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use crate::database::{Database, PAGE_BYTES, PageVerify, Size};
use crate::identity::Identity;
use crate::kept;
use crate::mtf::{PageSource, read_header};
use crate::pages::{self, Builder, Synthetic};
use crate::pharmacy;

/// The made-up rows follow from this seed: the same options make the same database.
const SEED: u64 = 20_261_122;
/// Number of the log file of a database's first backup; it rises by one with each.
const FIRST_LOG_FILE: u32 = 37;

/// Where a database's dump comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// Its rows
    Rows,
    /// So many MiB of pages that are made while they are read
    Synthetic {
        /// MiB
        mib: u32,
    },
    /// A given file, byte for byte
    File(PathBuf),
}

/// Opens a database's rows for the stand-in's own use.
///
/// # Errors
/// SQLite's own.
pub fn open_rows(file: &Path) -> io::Result<Connection> {
    let connection = Connection::open(file).map_err(io::Error::other)?;
    let prepared = connection
        .busy_timeout(std::time::Duration::from_secs(30))
        .and_then(|()| connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF"));
    prepared.map_err(io::Error::other)?;
    Ok(connection)
}

/// Makes the file for a database's rows, with a pharmacy of about `rows` rows unless there is something in it already.
///
/// # Errors
/// SQLite's own.
pub fn create(file: &Path, rows: u32, until: NaiveDateTime) -> io::Result<()> {
    let mut connection = open_rows(file)?;
    let tables: i64 = connection
        .query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(io::Error::other)?;
    if rows > 0 && tables == 0 {
        pharmacy::create(&mut connection, rows, until, SEED).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The pages of a database as its `number`-th backup reads them; `None` for one whose dump is a given file.
///
/// # Errors
/// SQLite's own.
pub fn page_source(
    database: &Database,
    identity: &Identity,
    number: u32,
) -> io::Result<Option<Box<dyn PageSource>>> {
    let described = pages::Database {
        name: database.name.clone(),
        data_name: database.data_file.name.clone(),
        data_path: database.data_file.path.clone(),
        log_name: database.log_file.name.clone(),
        log_path: database.log_file.path.clone(),
        log_file_bytes: database.size.log_bytes,
        binding: database.binding,
        fork: database.fork,
        extras: kept::extras(database),
        page_verify: match database.page_verify {
            PageVerify::Checksum => pages::PageVerify::Checksum,
            PageVerify::TornPageDetection => pages::PageVerify::TornPage,
            PageVerify::None => pages::PageVerify::None,
        },
        version: identity.database_version(),
        compatibility: database.compatibility,
        log_file: FIRST_LOG_FILE.saturating_add(number),
    };
    Ok(match &database.origin {
        Origin::Rows => Some(Box::new(Builder::new(&described, open_rows(&database.rows)?)?)),
        Origin::Synthetic { mib } => Some(Box::new(Synthetic::new(&described, *mib, SEED)?)),
        Origin::File(_) => None,
    })
}

/// Measures a database as its next backup will find it.
///
/// # Errors
/// SQLite's own.
pub fn measure(database: &Database, identity: &Identity) -> io::Result<Size> {
    let used_pages = match (&database.origin, page_source(database, identity, 0)?) {
        (_, Some(pages)) => pages.total_pages(),
        (Origin::File(file), None) => given_pages(file),
        (Origin::Rows | Origin::Synthetic { .. }, None) => 0,
    };
    Ok(sized(database.size, used_pages, sqlite_pages(&database.rows)))
}

/// The size of a database whose rows have changed since it was measured: an estimate, for reading all rows takes time.
pub fn estimate(database: &Database) -> Size {
    let size = database.size;
    let now = sqlite_pages(&database.rows);
    if database.origin != Origin::Rows || size.measured_sqlite_pages == 0 || now == size.measured_sqlite_pages
    {
        return size;
    }
    let used_pages = size.used_pages * now / size.measured_sqlite_pages;
    sized(size, used_pages, now)
}

/// The size of a database whose rows have just come from a dump of `used_pages` in a file of `file_pages`.
pub fn restored(used_pages: u64, file_pages: u64, log_bytes: u64, rows: &Path) -> Size {
    let log_used_bytes = log_bytes / 20;
    Size { used_pages, file_pages, log_bytes, log_used_bytes, measured_sqlite_pages: sqlite_pages(rows) }
}

fn sized(size: Size, used_pages: u64, sqlite_pages: u64) -> Size {
    // Files grow by 64 MiB, and not for the last page.
    const GROWTH: u64 = (64 << 20) / PAGE_BYTES;
    let file_pages = size.file_pages.max((used_pages + 8).next_multiple_of(GROWTH.min(used_pages.max(1024))));
    Size { used_pages, file_pages, measured_sqlite_pages: sqlite_pages, ..size }
}

/// Pages that SQLite uses, of whatever size: only their share of change counts.
fn sqlite_pages(file: &Path) -> u64 {
    let count = |connection: &Connection, what: &str| -> rusqlite::Result<i64> {
        connection.query_row(&format!("PRAGMA {what}"), [], |row| row.get(0))
    };
    let counted = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| Ok(count(&connection, "page_count")? - count(&connection, "freelist_count")?));
    counted.ok().and_then(|pages| u64::try_from(pages).ok()).unwrap_or(0)
}

/// Pages in a given dump; of one that cannot be read, what its length allows.
fn given_pages(file: &Path) -> u64 {
    match read_header(file) {
        Ok(header) => header.files.iter().map(|row| u64::from(row.entry.backup_pages)).sum(),
        Err(_) => std::fs::metadata(file).map_or(0, |metadata| metadata.len() / PAGE_BYTES),
    }
}
