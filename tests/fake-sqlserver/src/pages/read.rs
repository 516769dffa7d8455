//! Brings the rows of a backup file back out of its pages.

use super::page::{PAGE_BYTES, Page, PageKind, is_intact, record, seen};
use super::record::decode;
use super::schema::{Column, Kind, Layout, Table};
use super::system::{COLUMNS, OBJECTS, VALUES, columns_table, objects_table, values_table};
use super::track::{Place, Track};
use crate::mtf::walk::{Fault, Item, READ_BYTES, Walker};
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// The file is no whole backup.
    #[error(transparent)]
    File(#[from] Fault),
    /// The file cannot be opened.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A record is not what its table's columns say.
    #[error("page {page} of table {table} holds a record that is none")]
    Record {
        /// The table.
        table: String,
        /// The number of the page.
        page: u32,
    },
    /// The catalogue is not one of this stand-in's.
    #[error("the catalogue of the backup is not one that the stand-in wrote")]
    Catalogue,
}

/// Something that the catalogue holds: a table, an index, a view, a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// `U` for a table, `X` for what else SQLite's catalogue has, others for an [`Extra`](super::Extra).
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its columns, if it is a table.
    pub table: Option<Table>,
    /// The statement that creates it in SQLite; empty where there is none.
    pub sql: String,
}

/// A table with its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct RecoveredTable {
    /// The table.
    pub table: Table,
    /// Its rows, in the order in which they lie in the file.
    pub rows: Vec<Vec<Value>>,
}

/// All that a backup holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// The catalogue, tables first.
    pub definitions: Vec<Definition>,
    /// The rows of its tables, in the catalogue's order.
    pub tables: Vec<RecoveredTable>,
}

/// Reads all rows of a backup file into memory.
///
/// # Errors
/// The file is no whole backup of this stand-in.
pub fn read_rows(path: impl AsRef<Path>) -> Result<Recovered, ReadFault> {
    let mut rows: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
    let definitions =
        read_each(path, &mut |table, row| rows.entry(table.name.clone()).or_default().push(row))?;
    let recovered = |definition: &Definition| {
        let table = definition.table.clone()?;
        Some(RecoveredTable { rows: rows.remove(&table.name).unwrap_or_default(), table })
    };
    let tables = definitions.iter().filter_map(recovered).collect();
    Ok(Recovered { definitions, tables })
}

/// What is done with the pages and rows of a backup while it is read.
pub trait Sink {
    /// Why it does not go on.
    type Fault: From<ReadFault>;

    /// A page as it stands in the file, and whether its checksum is right; `None` where it has none.
    ///
    /// # Errors
    /// The reading ends.
    fn page(&mut self, place: Place, page: &Page, intact: Option<bool>) -> Result<(), Self::Fault>;

    /// The catalogue, before the first row.
    ///
    /// # Errors
    /// The reading ends.
    fn catalogue(&mut self, definitions: &[Definition]) -> Result<(), Self::Fault>;

    /// A row.
    ///
    /// # Errors
    /// The reading ends.
    fn row(&mut self, table: &Table, row: Vec<Value>) -> Result<(), Self::Fault>;

    /// A page of rows that cannot be read.
    ///
    /// # Errors
    /// The reading ends.
    fn unreadable(&mut self, table: &Table, page: u32) -> Result<(), Self::Fault>;
}

/// Gives rows to a function.
struct Each<'a> {
    row: &'a mut dyn FnMut(&Table, Vec<Value>),
    definitions: Vec<Definition>,
}

impl Sink for Each<'_> {
    type Fault = ReadFault;

    fn page(&mut self, _: Place, _: &Page, _: Option<bool>) -> Result<(), ReadFault> {
        Ok(())
    }

    fn catalogue(&mut self, definitions: &[Definition]) -> Result<(), ReadFault> {
        self.definitions = definitions.to_vec();
        Ok(())
    }

    fn row(&mut self, table: &Table, row: Vec<Value>) -> Result<(), ReadFault> {
        (self.row)(table, row);
        Ok(())
    }

    fn unreadable(&mut self, table: &Table, page: u32) -> Result<(), ReadFault> {
        Err(ReadFault::Record { table: table.name.clone(), page })
    }
}

/// Reads a backup file and gives its rows one by one; returns its catalogue. Memory does not grow with the number of rows.
///
/// # Errors
/// The file is no whole backup of this stand-in.
pub fn read_each(
    path: impl AsRef<Path>,
    row: &mut dyn FnMut(&Table, Vec<Value>),
) -> Result<Vec<Definition>, ReadFault> {
    let mut each = Each { row, definitions: Vec::new() };
    read_into(path, &mut each)?;
    Ok(each.definitions)
}

/// Reads a backup file into `sink`; whether all pages came that its allocation maps announce.
///
/// # Errors
/// The file is no whole backup of this stand-in, or the sink's own.
pub fn read_into<S: Sink>(path: impl AsRef<Path>, sink: &mut S) -> Result<bool, S::Fault> {
    let file = File::open(path).map_err(ReadFault::Io)?;
    let mut walker = Walker::new(BufReader::with_capacity(READ_BYTES, file)).map_err(ReadFault::File)?;
    let mut reader = Reader { catalogue: Catalogue::new(), user: None, sink };
    let mut track = Track::default();
    while let Some(item) = walker.step().map_err(ReadFault::File)? {
        let Item::Stream(stream) = item else { continue };
        if stream.id != *b"MQDA" || stream.length == 0 {
            continue;
        }
        walker.read(&mut [0; 2]).map_err(ReadFault::File)?;
        let mut page = Box::new([0; PAGE_BYTES]);
        while walker.read(&mut page[..]).map_err(ReadFault::File)? == PAGE_BYTES {
            let (as_read, checksum) = (page.clone(), is_intact(&page));
            let place = track.next(&mut page);
            let intact = if place.one_write { checksum } else { Some(false) };
            reader.sink.page(place, &as_read, intact)?;
            if place.used && page[1] == PageKind::Data as u8 {
                reader.page(place.number, &page, intact != Some(false))?;
            }
        }
    }
    reader.user()?;
    Ok(track.is_whole())
}

struct Reader<'a, S> {
    catalogue: Catalogue,
    /// The user's tables, once the catalogue is whole: its pages come first.
    user: Option<UserTables>,
    sink: &'a mut S,
}

struct UserTables {
    definitions: Vec<Definition>,
    layouts: BTreeMap<u32, (usize, Layout)>,
}

impl<S: Sink> Reader<'_, S> {
    fn page(&mut self, number: u32, page: &Page, intact: bool) -> Result<(), S::Fault> {
        let head = seen(page);
        if self.catalogue.page(head.object, page)? {
            return Ok(());
        }
        self.user()?;
        let Some(user) = &self.user else { return Ok(()) };
        let Some((index, layout)) = user.layouts.get(&head.object) else { return Ok(()) };
        let Some(table) = &user.definitions[*index].table else { return Ok(()) };
        if !intact {
            return self.sink.unreadable(table, number);
        }
        for slot in 0..head.slots {
            let row = record(page, slot).and_then(|record| decode(layout, record));
            let Some(row) = row else { return self.sink.unreadable(table, number) };
            self.sink.row(table, row)?;
        }
        Ok(())
    }

    /// Makes the catalogue known.
    fn user(&mut self) -> Result<(), S::Fault> {
        if self.user.is_none() {
            let tables = self.catalogue.tables().ok_or(ReadFault::Catalogue)?;
            self.sink.catalogue(&tables.definitions)?;
            self.user = Some(tables);
        }
        Ok(())
    }
}

/// The rows of the three tables of the catalogue.
struct Catalogue {
    layouts: [(u32, Layout); 3],
    rows: [Vec<Vec<Value>>; 3],
}

impl Catalogue {
    fn new() -> Self {
        let layouts = [
            (OBJECTS, objects_table().layout()),
            (COLUMNS, columns_table().layout()),
            (VALUES, values_table().layout()),
        ];
        Self { layouts, rows: Default::default() }
    }

    /// Takes a page, if it is one of the catalogue's.
    fn page(&mut self, object: u32, page: &Page) -> Result<bool, ReadFault> {
        let Some(index) = self.layouts.iter().position(|(id, _)| *id == object) else { return Ok(false) };
        for slot in 0..seen(page).slots {
            let row = record(page, slot).and_then(|record| decode(&self.layouts[index].1, record));
            self.rows[index].push(row.ok_or(ReadFault::Catalogue)?);
        }
        Ok(true)
    }

    fn tables(&self) -> Option<UserTables> {
        let mut user = UserTables { definitions: Vec::new(), layouts: BTreeMap::new() };
        for object in &self.rows[0] {
            let [Value::Integer(id), Value::Text(kind), Value::Text(name)] = object.as_slice() else {
                return None;
            };
            let table = if kind == "U" {
                let table = Table { name: name.clone(), columns: self.columns(*id)? };
                user.layouts.insert(u32::try_from(*id).ok()?, (user.definitions.len(), table.layout()));
                Some(table)
            } else {
                None
            };
            let (kind, name) = (kind.clone(), name.clone());
            user.definitions.push(Definition { kind, name, table, sql: self.definition(*id) });
        }
        Some(user)
    }

    fn columns(&self, table: i64) -> Option<Vec<Column>> {
        let mine = self.rows[1].iter().filter(|row| row.first() == Some(&Value::Integer(table)));
        mine.map(|row| match row.as_slice() {
            [
                _,
                _,
                Value::Integer(number),
                Value::Integer(length),
                Value::Integer(precision),
                Value::Integer(scale),
                Value::Text(name),
            ] => Some(Column {
                name: name.clone(),
                kind: Kind::of_catalogue(*number, *length, *precision, *scale)?,
            }),
            _ => None,
        })
        .collect()
    }

    fn definition(&self, object: i64) -> String {
        let mine = self.rows[2].iter().filter(|row| row.first() == Some(&Value::Integer(object)));
        mine.filter_map(|row| match row.get(2) {
            Some(Value::Text(part)) => Some(part.as_str()),
            _ => None,
        })
        .collect()
    }
}
