//! Puts what a backup holds into the files and rows of a database.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::{Value as Stored, ValueRef};

use super::dump::DumpFile;
use super::progress::Progress;
use crate::contents;
use crate::database::BadPage;
use crate::error::SqlError;
use crate::os_error::as_windows;
use crate::pages::{Column, Definition, Kind, PAGE_BYTES, Page, Place, ReadFault, Sink, Table};
use crate::session::output::Failure;
use crate::sql::compile::quoted;
use crate::sql::storage;
use crate::value::SqlType;

/// Why a database was not filled.
#[derive(Debug)]
pub(super) enum RefillFault {
    /// The backup cannot be read
    Read(ReadFault),
    /// A page of it is bad
    BadPage(u32),
    /// A file of the database cannot be written
    Target { path: String, error: io::Error },
    /// Its rows find no room
    Full,
    /// Its rows cannot be stored
    Rows(String),
    /// It was told to stop
    Stopped(Failure),
}

impl From<ReadFault> for RefillFault {
    fn from(fault: ReadFault) -> Self {
        Self::Read(fault)
    }
}

impl From<rusqlite::Error> for RefillFault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(_) | None => Self::Rows(error.to_string()),
        }
    }
}

/// 5149: a file cannot grow, most often because the disk is full.
pub(super) fn cannot_grow(path: &str, error: &io::Error) -> SqlError {
    let (code, text) = as_windows(error, true);
    let text = format!(
        "MODIFY FILE encountered operating system error {code}({text}) while attempting to expand the physical file \
         '{path}'."
    );
    SqlError::new(5149, text).state(3)
}

/// A file of the database that is being written from its beginning to its end.
pub(super) struct Target {
    path: String,
    file: BufWriter<DumpFile>,
    written_bytes: u64,
}

impl Target {
    /// Makes the file, or empties it; `room_bytes` is what the disk still takes, where that is to end before the disk does.
    pub(super) fn create(path: &str, room_bytes: Option<u64>) -> Result<Self, RefillFault> {
        let opened = OpenOptions::new().write(true).create(true).truncate(true).open(path);
        let file = opened.map_err(|error| RefillFault::Target { path: path.to_owned(), error })?;
        let file = BufWriter::with_capacity(1 << 20, DumpFile { file, room_bytes });
        Ok(Self { path: path.to_owned(), file, written_bytes: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RefillFault> {
        self.written_bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| RefillFault::Target { path: self.path.clone(), error })
    }

    /// Fills it with zeros up to so many bytes: real ones, since a database's files take their space.
    fn zeros_to(&mut self, bytes: u64) -> Result<(), RefillFault> {
        const PIECE: [u8; PAGE_BYTES] = [0; PAGE_BYTES];
        while self.written_bytes < bytes {
            let piece = (bytes - self.written_bytes).min(PAGE_BYTES as u64) as usize;
            self.write(&PIECE[..piece])?;
        }
        Ok(())
    }

    /// The file is complete with so many bytes.
    pub(super) fn finish(mut self, bytes: u64) -> Result<(), RefillFault> {
        self.zeros_to(bytes)?;
        let path = self.path.clone();
        let failed = |error| RefillFault::Target { path, error };
        self.file.flush().and_then(|()| self.file.get_ref().file.sync_all()).map_err(failed)
    }
}

/// How many rows are stored at a time.
const BATCH_ROWS: usize = 500;

/// Rows of a table that are to be stored together.
struct Insert {
    table: String,
    sql: String,
    moments: Vec<Option<SqlType>>,
    rows: Vec<Vec<Stored>>,
}

impl Insert {
    fn of(table: &Table) -> Self {
        let marks = vec!["?"; table.columns.len()].join(", ");
        Self {
            sql: format!("INSERT INTO {} VALUES ({marks})", quoted(&table.name)),
            table: table.name.clone(),
            moments: table.columns.iter().map(moment).collect(),
            rows: Vec::with_capacity(BATCH_ROWS),
        }
    }

    fn store(&mut self, connection: &Connection) -> Result<(), RefillFault> {
        let mut statement = connection.prepare(&self.sql)?;
        for mut row in self.rows.drain(..) {
            for (value, moment) in row.iter_mut().zip(&self.moments) {
                if let (Stored::Text(_), Some(sql_type)) = (&*value, moment) {
                    let loaded = storage::load(ValueRef::from(&*value), *sql_type)
                        .map_err(|error| RefillFault::Rows(error.to_string()))?;
                    *value = storage::store(&loaded, *sql_type);
                }
            }
            statement.execute(rusqlite::params_from_iter(row))?;
        }
        Ok(())
    }
}

/// Takes a backup's pages and rows.
pub(super) struct Refill<'a, 'b> {
    data: Target,
    rows: Connection,
    progress: &'a mut Progress<'b>,
    pages_done: u64,
    pages_total: u64,
    /// Whether pages are judged, and bad ones taken all the same
    judge: bool,
    tolerate: bool,
    insert: Option<Insert>,
    /// What came besides tables
    pub definitions: Vec<Definition>,
    /// What was bad and taken
    pub bad_pages: Vec<BadPage>,
}

/// Which pages are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    /// A bad page is noticed
    pub judge: bool,
    /// and taken over
    pub tolerate: bool,
}

impl<'a, 'b> Refill<'a, 'b> {
    pub(super) fn new(
        data: Target,
        rows: &Path,
        pages_total: u64,
        Judgement { judge, tolerate }: Judgement,
        progress: &'a mut Progress<'b>,
    ) -> Result<Self, RefillFault> {
        let rows = contents::open_rows(rows).map_err(|error| match error.downcast::<rusqlite::Error>() {
            Ok(error) => error.into(),
            Err(error) => RefillFault::Rows(error.to_string()),
        })?;
        rows.execute_batch("BEGIN")?;
        Ok(Self {
            data,
            rows,
            progress,
            pages_done: 0,
            pages_total,
            judge,
            tolerate,
            insert: None,
            definitions: Vec::new(),
            bad_pages: Vec::new(),
        })
    }

    /// All rows are in: the data file gets its length, and what belongs to tables follows them.
    pub(super) fn finish(mut self, data_bytes: u64) -> Result<(Vec<Definition>, Vec<BadPage>), RefillFault> {
        if let Some(insert) = &mut self.insert {
            insert.store(&self.rows)?;
        }
        self.data.finish(data_bytes)?;
        for definition in self.definitions.iter().filter(|definition| definition.kind == "X") {
            if !definition.sql.is_empty() {
                self.rows.execute_batch(&definition.sql)?;
            }
        }
        self.rows.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok((self.definitions, self.bad_pages))
    }
}

impl Sink for Refill<'_, '_> {
    type Fault = RefillFault;

    fn page(&mut self, place: Place, page: &Page, intact: Option<bool>) -> Result<(), RefillFault> {
        if place.used && intact == Some(false) {
            if self.judge && !self.tolerate {
                return Err(RefillFault::BadPage(place.number));
            }
            self.bad_pages.push(BadPage { page: place.number, table: None });
        }
        self.data.zeros_to(u64::from(place.number) * PAGE_BYTES as u64)?;
        self.data.write(page)?;
        self.pages_done += 1;
        if self.pages_done.is_multiple_of(8) {
            self.progress.try_step(self.pages_done, self.pages_total).map_err(RefillFault::Stopped)?;
        }
        Ok(())
    }

    fn catalogue(&mut self, definitions: &[Definition]) -> Result<(), RefillFault> {
        for definition in definitions {
            let Some(table) = &definition.table else { continue };
            let sql = if definition.sql.is_empty() { declaration(table) } else { definition.sql.clone() };
            self.rows.execute_batch(&sql)?;
        }
        self.definitions = definitions.to_vec();
        Ok(())
    }

    fn row(&mut self, table: &Table, row: Vec<Stored>) -> Result<(), RefillFault> {
        if let Some(insert) = &mut self.insert
            && (insert.table != table.name || insert.rows.len() >= BATCH_ROWS)
        {
            insert.store(&self.rows)?;
            if insert.table != table.name {
                self.insert = None;
            }
        }
        self.insert.get_or_insert_with(|| Insert::of(table)).rows.push(row);
        Ok(())
    }

    fn unreadable(&mut self, table: &Table, page: u32) -> Result<(), RefillFault> {
        let known = self.bad_pages.iter_mut().find(|bad| bad.page == page);
        match known {
            Some(bad) => bad.table = Some(table.name.clone()),
            None => self.bad_pages.push(BadPage { page, table: Some(table.name.clone()) }),
        }
        Ok(())
    }
}

/// The type of a column whose values stand in a form of their own where rows are stored.
fn moment(column: &Column) -> Option<SqlType> {
    match column.kind {
        Kind::DateTime => Some(SqlType::DateTime),
        Kind::DateTime2(digits @ 1..) => Some(SqlType::DateTime2(digits)),
        Kind::DateTime2(0) | Kind::TinyInt | Kind::SmallInt | Kind::Int | Kind::BigInt | Kind::Bit => None,
        Kind::Real | Kind::Float | Kind::Decimal { .. } | Kind::Money | Kind::Date | Kind::Guid => None,
        Kind::Char(_) | Kind::NChar(_) | Kind::VarChar | Kind::NVarChar | Kind::VarBinary | Kind::Variant => {
            None
        }
    }
}

/// How a table is declared whose own declaration the backup does not have.
fn declaration(table: &Table) -> String {
    let columns =
        table.columns.iter().map(|column| format!("{} {}", quoted(&column.name), name_of(column.kind)));
    format!("CREATE TABLE {} ({})", quoted(&table.name), columns.collect::<Vec<_>>().join(", "))
}

fn name_of(kind: Kind) -> String {
    match kind {
        Kind::TinyInt => "TINYINT".to_owned(),
        Kind::SmallInt => "SMALLINT".to_owned(),
        Kind::Int => "INT".to_owned(),
        Kind::BigInt => "BIGINT".to_owned(),
        Kind::Bit => "BIT".to_owned(),
        Kind::Real => "REAL".to_owned(),
        Kind::Float => "FLOAT".to_owned(),
        Kind::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        Kind::Money => "MONEY".to_owned(),
        Kind::Date => "DATE".to_owned(),
        Kind::DateTime => "DATETIME".to_owned(),
        Kind::DateTime2(digits) => format!("DATETIME2({digits})"),
        Kind::Guid => "UNIQUEIDENTIFIER".to_owned(),
        Kind::Char(width) => format!("CHAR({width})"),
        Kind::NChar(width) => format!("NCHAR({width})"),
        Kind::VarChar => "VARCHAR(8000)".to_owned(),
        Kind::NVarChar => "NVARCHAR(4000)".to_owned(),
        Kind::VarBinary => "VARBINARY(8000)".to_owned(),
        Kind::Variant => "SQL_VARIANT".to_owned(),
    }
}

/// Removes a database's file, if it is there.
pub(super) fn remove(path: impl AsRef<Path>) {
    let path = path.as_ref();
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "a file of a database stays");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Removes a database's rows.
pub(super) fn remove_rows(rows: &Path) {
    remove(rows);
    for ending in ["-wal", "-shm"] {
        let mut beside = rows.as_os_str().to_owned();
        beside.push(ending);
        remove(Path::new(&beside));
    }
}

/// Whether the folder of a path is there and takes files; the error where not.
pub(super) fn probe_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.ok_or(io::ErrorKind::NotFound)?;
    if !std::fs::metadata(folder)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(())
}

/// Whether a file can be made there; it is gone again afterwards.
pub(super) fn probe_file(path: &Path) -> io::Result<()> {
    File::create_new(path)?;
    std::fs::remove_file(path)
}
