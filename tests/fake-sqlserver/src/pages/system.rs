//! The file's own pages (file header, boot page, index allocation maps) and the catalogue: three system tables that tell what
//! the other pages are. Their object numbers are those of SQL Server's own catalogue, their columns are the few that
//! this stand-in needs.

use super::allocation::{Bitmap, FILE_OBJECT, GAM_EXTENTS, GAM_INTERVAL, write_bitmap};
use super::page::{Filler, Head, Page, PageKind, PageVerify};
use super::plan::Facts;
use super::record::encode;
use super::schema::Table;
use crate::le::{put, put_u16, put_u32, utf16};
use rusqlite::types::Value;
use std::io;

/// The object number of the table of objects.
pub(crate) const OBJECTS: u32 = 34;
/// The object number of the table of columns.
pub(crate) const COLUMNS: u32 = 41;
/// The object number of the table of definitions.
pub(crate) const VALUES: u32 = 60;
/// The first object number of a user's table.
pub(crate) const FIRST_USER_OBJECT: u32 = 117;
/// The most characters of a definition in one row.
const PART_CHARS: usize = 1500;

/// `sysschobjs`: number, kind (`U` = a table), name.
pub(crate) fn objects_table() -> Table {
    Table::new("sysschobjs", &[("id", "int"), ("type", "char(2)"), ("name", "sysname")])
}

/// `syscolpars`: object, number of the column, type, name.
pub(crate) fn columns_table() -> Table {
    let columns = [
        ("id", "int"),
        ("colid", "int"),
        ("xtype", "tinyint"),
        ("length", "smallint"),
        ("prec", "tinyint"),
        ("scale", "tinyint"),
        ("name", "sysname"),
    ];
    Table::new("syscolpars", &columns)
}

/// `sysobjvalues`: object, number of the part, a part of the text that created it.
pub(crate) fn values_table() -> Table {
    Table::new("sysobjvalues", &[("objid", "int"), ("subobjid", "int"), ("imageval", "nvarchar(1500)")])
}

/// What the catalogue tells of one object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub id: u32,
    /// `None` for what has no rows: an index, a view, a trigger.
    pub table: Option<Table>,
    /// `U` for a table, `X` for what SQLite's catalogue has besides, others for what it knows nothing of.
    pub kind: String,
    pub name: String,
    /// The statement that creates it in SQLite; may be empty.
    pub definition: String,
}

/// A table of the catalogue and its rows as records.
pub(crate) struct CatalogueTable {
    pub object: u32,
    pub table: Table,
    pub records: Vec<Vec<u8>>,
}

/// The tables of the catalogue, in the order in which they go into the file.
pub(crate) fn catalogue(objects: &[Object]) -> io::Result<Vec<CatalogueTable>> {
    let mut rows: [Vec<Vec<Value>>; 3] = Default::default();
    let text = |text: &str| Value::Text(text.to_owned());
    let number = |number: usize| Value::Integer(number as i64);
    for object in objects {
        let id = Value::Integer(i64::from(object.id));
        rows[0].push(vec![id.clone(), text(&object.kind), text(&object.name)]);
        for (index, column) in object.table.iter().flat_map(|table| &table.columns).enumerate() {
            let (xtype, length, precision, scale) = column.kind.catalogued();
            let mut row = vec![id.clone(), number(index + 1)];
            row.extend(
                [xtype.into(), length, precision.into(), scale.into()]
                    .map(|value: u16| Value::Integer(value.into())),
            );
            row.push(text(&column.name));
            rows[1].push(row);
        }
        let letters: Vec<char> = object.definition.chars().collect();
        for (index, part) in letters.chunks(PART_CHARS).enumerate() {
            rows[2].push(vec![id.clone(), number(index + 1), Value::Text(part.iter().collect())]);
        }
    }
    let tables = [(OBJECTS, objects_table()), (COLUMNS, columns_table()), (VALUES, values_table())];
    let mut catalogue = Vec::new();
    for ((object, table), rows) in tables.into_iter().zip(rows) {
        let layout = table.layout();
        let mut records = Vec::new();
        for row in rows {
            let mut record = Vec::new();
            encode(&layout, &row, &mut record).map_err(io::Error::other)?;
            records.push(record);
        }
        catalogue.push(CatalogueTable { object, table, records });
    }
    Ok(catalogue)
}

/// Writes the file header page: number, size and identity of the file, and its logical name.
pub(crate) fn write_file_header(facts: &Facts, file_pages: u32, verify: PageVerify, out: &mut Page) {
    let head = Head {
        kind: PageKind::FileHeader,
        object: FILE_OBJECT,
        index: 0,
        fixed_bytes: 0,
        page: 0,
        lsn: facts.page_lsn(0),
    };
    let name = utf16(&facts.logical_name);
    let columns: [&[u8]; 8] = [
        &facts.identity.binding.to_bytes_le(),
        &1_u16.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &file_pages.to_le_bytes(),
        &u32::MAX.to_le_bytes(),
        &8192_u32.to_le_bytes(),
        &facts.file_guid.to_bytes_le(),
        &name,
    ];
    let mut record = vec![0x30, 0, 8, 0, 0, 0, 0, 0];
    record.extend((columns.len() as u16).to_le_bytes());
    record.extend([0]);
    record.extend((columns.len() as u16).to_le_bytes());
    let mut end = record.len() + 2 * columns.len();
    for column in columns {
        end += column.len();
        record.extend((end as u16).to_le_bytes());
    }
    record.extend(columns.concat());
    let mut filler = Filler::new(out, &head);
    filler.push(&record);
    filler.finish(verify);
    out[4] |= 0x08;
    super::page::protect(out, verify);
}

/// Writes the boot page: versions, name and last checkpoint of the database. Offsets are those of a real one.
pub(crate) fn write_boot(facts: &Facts, page: u32, verify: PageVerify, out: &mut Page) {
    const RECORD: usize = 1644;
    const NAME_CHARS: usize = 128;
    let mut record = vec![0; RECORD];
    put_u16(&mut record, 2, RECORD as u16);
    put_u16(&mut record, 4, facts.database_version);
    put_u16(&mut record, 6, facts.database_version);
    put(&mut record, 0x24, &[8, 0, 1, 0]);
    let name = utf16(&facts.database);
    for character in record[0x34..0x34 + 2 * NAME_CHARS].chunks_exact_mut(2) {
        character.copy_from_slice(b" \0");
    }
    let shown = name.len().min(2 * NAME_CHARS);
    put(&mut record, 0x34, &name[..shown]);
    put_u16(&mut record, 0x134, shown as u16);
    put_u16(&mut record, 0x138, 5);
    record[0x13a] = facts.compatibility;
    put(&mut record, 0x15c, &facts.identity.first_lsn.bytes());
    put_u16(&mut record, 0x166, 2);
    put(&mut record, 0x174, &facts.identity.first_lsn.bytes());
    put(&mut record, 0x198, &facts.identity.fork.to_bytes_le());
    put(&mut record, 0x1c8, &facts.identity.fork.to_bytes_le());
    let head = Head {
        kind: PageKind::Boot,
        object: FILE_OBJECT,
        index: 0,
        fixed_bytes: 0,
        page,
        lsn: facts.page_lsn(page),
    };
    let mut filler = Filler::new(out, &head);
    filler.push(&record);
    filler.finish(verify);
}

/// One page of a table's chain of index allocation maps: the extents of an interval that belong to the table.
#[derive(Clone, Debug)]
pub(crate) struct Iam {
    pub page: u32,
    pub object: u32,
    pub sequence: u32,
    pub interval: u32,
    pub extents: Vec<u32>,
    pub previous: u32,
    pub next: u32,
}

/// Writes an index allocation map.
pub(crate) fn write_iam(iam: &Iam, facts: &Facts, verify: PageVerify, out: &mut Page) {
    const START_AT: usize = 36;
    let head = Head {
        kind: PageKind::Iam,
        object: iam.object,
        index: 256,
        fixed_bytes: 90,
        page: iam.page,
        lsn: facts.page_lsn(iam.page),
    };
    let mut first = [0; 90];
    put_u32(&mut first, 0, iam.sequence);
    put_u32(&mut first, START_AT, iam.interval * GAM_INTERVAL);
    put_u16(&mut first, START_AT + 4, 1);
    let begin = iam.interval * GAM_EXTENTS;
    let bits = Bitmap::of(iam.extents.iter().filter_map(|extent| extent.checked_sub(begin)));
    write_bitmap(&head, &first, &bits, verify, out);
    for (at, page) in [(8, iam.previous), (16, iam.next)] {
        put_u32(out, at, page);
        put_u16(out, at + 4, u16::from(page != 0));
    }
    super::page::protect(out, verify);
}
