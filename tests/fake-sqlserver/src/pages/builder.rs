//! The pages of an SQLite database's tables, read while the dump is being written.

use super::EXTENT_BYTES;
use super::page::{Filler, HEADER_BYTES, PAGE_BYTES, Page, PageVerify};
use super::plan::{Facts, Fullness, Plan, Planned, Rows, heap_head};
use super::record::encode;
use super::schema::{Column, Kind, Layout, Table};
use super::system::{FIRST_USER_OBJECT, Object};
use crate::mtf::{ExtentId, FileInfo, Identity, Lsn, PageSource};
use rusqlite::Connection;
use std::io;
use uuid::Uuid;

/// How many rows are read from SQLite at a time.
const BATCH_ROWS: usize = 500;

/// What a database is called, where its files lie, how its pages are protected.
#[derive(Clone, Debug)]
pub struct Database {
    /// The name.
    pub name: String,
    /// The logical name of its data file.
    pub data_name: String,
    /// The path of its data file, as the server sees it.
    pub data_path: String,
    /// The logical name of its log file.
    pub log_name: String,
    /// The path of its log file.
    pub log_path: String,
    /// Bytes of its log file.
    pub log_file_bytes: u64,
    /// What marks the database, over renames and restores.
    pub binding: Uuid,
    /// The branch of its history; that of its first backup is its family.
    pub fork: Uuid,
    /// What else its catalogue holds, beside its tables: its users and its options.
    pub extras: Vec<Extra>,
    /// The database option `PAGE_VERIFY`.
    pub page_verify: PageVerify,
    /// The internal version; 957 is SQL Server 2022.
    pub version: u16,
    /// The compatibility level.
    pub compatibility: u8,
    /// Rises with each change of the database: the number of its log file.
    pub log_file: u32,
}

/// An entry of a database's catalogue that is no table: what it is, its name, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// One letter or two: `S` for a user, `O` for the options.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl Database {
    /// A database as SQL Server 2022 Express keeps it.
    pub fn new(name: &str) -> Self {
        let folder = r"C:\Program Files\Microsoft SQL Server\MSSQL16.SQLEXPRESS\MSSQL\DATA";
        Self {
            name: name.to_owned(),
            data_name: name.to_owned(),
            data_path: format!(r"{folder}\{name}.mdf"),
            log_name: format!("{name}_log"),
            log_path: format!(r"{folder}\{name}_log.ldf"),
            log_file_bytes: 8 << 20,
            binding: identity_of(name, "binding"),
            fork: identity_of(name, "fork"),
            extras: Vec::new(),
            page_verify: PageVerify::Checksum,
            version: 957,
            compatibility: 160,
            log_file: 37,
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        let first_lsn = Lsn { file: self.log_file.max(2), block: 3312, slot: 37 };
        let identity = Identity {
            binding: self.binding,
            fork: self.fork,
            first_lsn,
            last_lsn: Lsn { block: first_lsn.block + 32, slot: 1, ..first_lsn },
            page_verify: self.page_verify,
        };
        Facts {
            database: self.name.clone(),
            logical_name: self.data_name.clone(),
            log_name: self.log_name.clone(),
            log_file_bytes: self.log_file_bytes,
            data_path: self.data_path.clone(),
            log_path: self.log_path.clone(),
            database_version: self.version,
            compatibility: self.compatibility,
            identity,
            file_guid: identity_of(&self.name, "data"),
            log_guid: identity_of(&self.name, "log"),
        }
    }
}

/// An identity that is always the same for the same names.
pub fn identity_of(name: &str, what: &str) -> Uuid {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in name.bytes().chain([0]).chain(what.bytes()) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    uuid::Builder::from_random_bytes(hash.to_be_bytes()).into_uuid()
}

/// Makes the pages of an SQLite database: its tables become heaps of records, its catalogue becomes a catalogue.
///
/// The builder reads within one transaction of its own connection: what is backed up is the state at [`Builder::new`], however
/// much others write meanwhile (they can, if the database is in WAL mode). Rows are read while the pages are asked for; only a
/// byte for each page is kept.
pub struct Builder {
    planned: Planned<TableRows>,
}

impl Builder {
    /// Reads the catalogue of `connection` and measures its tables.
    ///
    /// # Errors
    /// Those of SQLite; a row that is longer than SQL Server allows; a value that does not fit its column's declared type; a table
    /// without row ids.
    pub fn new(database: &Database, connection: Connection) -> io::Result<Self> {
        connection.execute_batch("BEGIN").map_err(io::Error::other)?;
        let mut objects = objects(&connection).map_err(io::Error::other)?;
        objects.extend(extras(database, objects.len()));
        let facts = database.facts();
        let mut rows = TableRows::new(connection, &objects);
        let mut fullness = Vec::new();
        for index in 0..rows.tables.len() {
            fullness.push((rows.tables[index].object, Fullness::Each(rows.measure(index)?)));
        }
        rows.rewind();
        Ok(Self { planned: Planned::new(Plan::new(facts, database.page_verify, &objects, &fullness)?, rows) })
    }
}

impl PageSource for Builder {
    fn files(&self) -> Vec<FileInfo> {
        self.planned.files()
    }

    fn identity(&self) -> Identity {
        self.planned.identity()
    }

    fn total_pages(&self) -> u64 {
        self.planned.total_pages()
    }

    fn next_extent(&mut self, out: &mut [u8; EXTENT_BYTES]) -> io::Result<Option<ExtentId>> {
        self.planned.next_extent(out)
    }

    fn log(&mut self) -> Vec<u8> {
        self.planned.log()
    }
}

/// What stands in the catalogue behind the tables.
pub(super) fn extras(database: &Database, objects: usize) -> impl Iterator<Item = Object> {
    (FIRST_USER_OBJECT + objects as u32..).zip(&database.extras).map(|(id, extra)| Object {
        id,
        table: None,
        kind: extra.kind.clone(),
        name: extra.name.clone(),
        definition: extra.text.clone(),
    })
}

fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let query = "SELECT type, name, COALESCE(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY type <> 'table', rowid";
    let mut statement = connection.prepare(query)?;
    let found = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut objects = Vec::new();
    for (id, entry) in (FIRST_USER_OBJECT..).zip(found) {
        let (kind, name, definition) = entry?;
        let table = if kind == "table" { Some(table(connection, &name)?) } else { None };
        let kind = if table.is_some() { "U" } else { "X" }.to_owned();
        objects.push(Object { id, table, kind, name, definition });
    }
    Ok(objects)
}

fn table(connection: &Connection, name: &str) -> rusqlite::Result<Table> {
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_info(?1) ORDER BY cid")?;
    let columns = statement.query_map([name], |row| {
        Ok(Column { name: row.get(0)?, kind: Kind::of_declaration(&row.get::<_, String>(1)?) })
    })?;
    Ok(Table { name: name.to_owned(), columns: columns.collect::<Result<_, _>>()? })
}

/// The rows of all tables as records, in the order of their row ids, batch by batch.
struct TableRows {
    connection: Connection,
    tables: Vec<Source>,
    current: usize,
    batch: Batch,
}

struct Source {
    object: u32,
    table: Table,
    layout: Layout,
    query: String,
}

struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    next: usize,
    /// The least row id that was not read yet; `None` if there is none.
    from: Option<i64>,
}

impl Batch {
    fn new() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), next: 0, from: Some(i64::MIN) }
    }

    fn peek(&self) -> Option<&[u8]> {
        let end = *self.ends.get(self.next)?;
        let begin = if self.next == 0 { 0 } else { self.ends[self.next - 1] };
        Some(&self.bytes[begin..end])
    }
}

impl TableRows {
    fn new(connection: Connection, objects: &[Object]) -> Self {
        let source = |object: &Object| {
            let table = object.table.clone()?;
            Some(Source { object: object.id, layout: table.layout(), query: query(&table), table })
        };
        Self {
            connection,
            tables: objects.iter().filter_map(source).collect(),
            current: 0,
            batch: Batch::new(),
        }
    }

    fn rewind(&mut self) {
        self.current = 0;
        self.batch = Batch::new();
    }

    /// How full each page of a table becomes.
    fn measure(&mut self, index: usize) -> io::Result<Vec<u8>> {
        self.current = index;
        self.batch = Batch::new();
        let mut classes = Vec::new();
        let mut free = 0;
        while self.fetch()? {
            let need = self.batch.peek().map_or(0, <[u8]>::len) + 2;
            if need > free {
                classes.push(0);
                free = PAGE_BYTES - HEADER_BYTES;
            }
            free -= need;
            if let Some(class) = classes.last_mut() {
                *class = Fullness::class_of(free);
            }
            self.batch.next += 1;
        }
        Ok(classes)
    }

    /// Makes the next record of the current table ready; false at its end.
    fn fetch(&mut self) -> io::Result<bool> {
        if self.batch.next < self.batch.ends.len() {
            return Ok(true);
        }
        self.read_batch()?;
        Ok(!self.batch.ends.is_empty())
    }

    fn read_batch(&mut self) -> io::Result<()> {
        let Some(source) = self.tables.get(self.current) else { return Ok(()) };
        let batch = &mut self.batch;
        batch.next = 0;
        batch.bytes.clear();
        batch.ends.clear();
        let Some(from) = batch.from.take() else { return Ok(()) };
        let mut statement = self.connection.prepare(&source.query).map_err(io::Error::other)?;
        let mut rows = statement.query((from, BATCH_ROWS as i64)).map_err(io::Error::other)?;
        let mut values = Vec::new();
        let mut record = Vec::new();
        while let Some(row) = rows.next().map_err(io::Error::other)? {
            values.clear();
            for column in 0..source.layout.columns.len() {
                values.push(row.get(column + 1).map_err(io::Error::other)?);
            }
            encode(&source.layout, &values, &mut record)
                .map_err(|fault| io::Error::other(format!("table {}: {fault}", source.table.name)))?;
            batch.bytes.extend_from_slice(&record);
            batch.ends.push(batch.bytes.len());
            batch.from = row.get::<_, i64>(0).map_err(io::Error::other)?.checked_add(1);
        }
        Ok(())
    }
}

fn query(table: &Table) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let taken = |id: &&str| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(id));
    let id = ["rowid", "_rowid_", "oid"].into_iter().find(|id| !taken(id)).unwrap_or("rowid");
    let columns: Vec<_> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    format!(
        "SELECT {id}, {} FROM {} WHERE {id} >= ?1 ORDER BY {id} LIMIT ?2",
        columns.join(", "),
        quoted(&table.name)
    )
}

impl Rows for TableRows {
    fn next_page(&mut self, page: u32, facts: &Facts, verify: PageVerify, out: &mut Page) -> io::Result<()> {
        while !self.fetch()? {
            if self.current >= self.tables.len() {
                return Err(io::Error::other("the tables ended before their pages"));
            }
            self.current += 1;
            self.batch = Batch::new();
        }
        let source = &self.tables[self.current];
        let head = heap_head(source.object, &source.table, page, facts);
        let mut filler = Filler::new(out, &head);
        while self.fetch()? {
            let Some(record) = self.batch.peek() else { break };
            if !filler.push(record) {
                break;
            }
            self.batch.next += 1;
        }
        filler.finish(verify);
        Ok(())
    }
}
