//! Tables and columns of a database.

use rusqlite::{Connection, OpenFlags};

use super::{DESCRIPTION, NAME, Rows, columns as described, with_database};
use crate::error::{Result, SqlError};
use crate::sql::names::Path;
use crate::sql::scope::Scope;
use crate::sql::types::{characters, parse_type};
use crate::value::{SqlType, Value};

/// Object numbers of tables begin here.
const FIRST_TABLE: i64 = 245_575_913;
const DBO: i64 = 1;

/// A user's table as the catalogue numbers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserTable {
    /// `object_id`
    pub id: i64,
    /// Its name
    pub name: String,
}

/// The tables in a file of rows, in the order in which they were made.
///
/// # Errors
/// SQLite's own.
pub fn user_tables_of(rows: &std::path::Path) -> rusqlite::Result<Vec<UserTable>> {
    let connection = Connection::open_with_flags(rows, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let query = "SELECT rowid, name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY rowid";
    let mut statement = connection.prepare(query)?;
    let table = |row: &rusqlite::Row<'_>| {
        Ok(UserTable { id: FIRST_TABLE + row.get::<_, i64>(0)?, name: row.get(1)? })
    };
    statement.query_map([], table)?.collect()
}

/// The `partition_id` of a table that has one partition and no index: it is a heap.
pub fn partition_id(table: i64) -> i64 {
    const FIRST: i64 = 72_057_594_043_105_280;
    FIRST + (table - FIRST_TABLE) * 65_536
}

struct Table {
    id: i64,
    name: String,
    columns: Vec<(String, String, bool)>,
}

/// The tables of the database that the view belongs to.
fn user_tables(scope: &Scope, path: &Path) -> Result<Vec<Table>> {
    let file = with_database(scope, path, |database| database.rows.clone())?;
    let broken = |error: rusqlite::Error| SqlError::new(823, error.to_string()).class(24);
    if !file.exists() {
        return Ok(Vec::new());
    }
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(broken)?;
    let query = "SELECT m.rowid, m.name, c.name, c.type, c.\"notnull\" FROM sqlite_master AS m \
                 JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
                 ORDER BY m.rowid, c.cid";
    let mut statement = connection.prepare(query).map_err(broken)?;
    let mut found = statement.query([]).map_err(broken)?;
    let mut tables: Vec<Table> = Vec::new();
    while let Some(row) = found.next().map_err(broken)? {
        let read = || -> rusqlite::Result<(i64, String, (String, String, bool))> {
            Ok((row.get(0)?, row.get(1)?, (row.get(2)?, row.get(3)?, row.get(4)?)))
        };
        let (id, name, column) = read().map_err(broken)?;
        match tables.last_mut() {
            Some(table) if table.name == name => table.columns.push(column),
            _ => tables.push(Table { id: FIRST_TABLE + id, name, columns: vec![column] }),
        }
    }
    Ok(tables)
}

pub(super) fn tables(scope: &Scope, path: &Path) -> Result<Rows> {
    let created = with_database(scope, path, |database| database.created)?;
    let rows = user_tables(scope, path)?.into_iter().map(|table| {
        vec![
            table.name.into(),
            Value::Int(table.id),
            Value::Int(DBO),
            "U ".into(),
            "USER_TABLE".into(),
            created.into(),
            created.into(),
            Value::Int(0),
        ]
    });
    let columns = described(&[
        ("name", NAME),
        ("object_id", SqlType::Int),
        ("schema_id", SqlType::Int),
        ("type", SqlType::Char(2)),
        ("type_desc", DESCRIPTION),
        ("create_date", SqlType::DateTime),
        ("modify_date", SqlType::DateTime),
        ("is_ms_shipped", SqlType::Bit),
    ]);
    Ok(Rows { columns, rows: rows.collect() })
}

pub(super) fn columns(scope: &Scope, path: &Path) -> Result<Rows> {
    let mut rows = Vec::new();
    for table in user_tables(scope, path)? {
        for (number, (name, declared, required)) in (1..).zip(table.columns) {
            let sql_type = parse_type(&declared).unwrap_or(SqlType::Variant);
            rows.push(vec![
                Value::Int(table.id),
                name.into(),
                Value::Int(number),
                Value::Int(i64::from(characters(sql_type))),
                Value::from(!required),
            ]);
        }
    }
    let columns = described(&[
        ("object_id", SqlType::Int),
        ("name", NAME),
        ("column_id", SqlType::Int),
        ("max_length", SqlType::Int),
        ("is_nullable", SqlType::Bit),
    ]);
    Ok(Rows { columns, rows })
}

/// Every table is a heap.
pub(super) fn indexes(scope: &Scope, path: &Path) -> Result<Rows> {
    let rows = user_tables(scope, path)?.into_iter().map(|table| {
        vec![
            Value::Int(table.id),
            Value::Null,
            Value::Int(0),
            Value::Int(0),
            "HEAP".into(),
            Value::Int(0),
            Value::Int(0),
            Value::Int(0),
        ]
    });
    let columns = described(&[
        ("object_id", SqlType::Int),
        ("name", NAME),
        ("index_id", SqlType::Int),
        ("type", SqlType::TinyInt),
        ("type_desc", DESCRIPTION),
        ("is_unique", SqlType::Bit),
        ("is_primary_key", SqlType::Bit),
        ("is_disabled", SqlType::Bit),
    ]);
    Ok(Rows { columns, rows: rows.collect() })
}

/// The rows of each table, counted as a client would.
fn counts(scope: &Scope, path: &Path) -> Result<Vec<(i64, i64)>> {
    let tables = user_tables(scope, path)?;
    let file = with_database(scope, path, |database| database.rows.clone())?;
    let broken = |error: rusqlite::Error| SqlError::new(823, error.to_string()).class(24);
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(broken)?;
    let mut counts = Vec::new();
    for table in tables {
        let sql = format!("SELECT COUNT(*) FROM {}", crate::sql::compile::quoted(&table.name));
        counts.push((table.id, connection.query_row(&sql, [], |row| row.get(0)).map_err(broken)?));
    }
    Ok(counts)
}

pub(super) fn partitions(scope: &Scope, path: &Path) -> Result<Rows> {
    let rows = counts(scope, path)?.into_iter().map(|(id, rows)| {
        let partition = Value::Int(partition_id(id));
        vec![
            partition.clone(),
            Value::Int(id),
            Value::Int(0),
            Value::Int(1),
            partition,
            Value::Int(rows),
            Value::Int(0),
            "NONE".into(),
        ]
    });
    let columns = described(&[
        ("partition_id", SqlType::BigInt),
        ("object_id", SqlType::Int),
        ("index_id", SqlType::Int),
        ("partition_number", SqlType::Int),
        ("hobt_id", SqlType::BigInt),
        ("rows", SqlType::BigInt),
        ("data_compression", SqlType::TinyInt),
        ("data_compression_desc", DESCRIPTION),
    ]);
    Ok(Rows { columns, rows: rows.collect() })
}

pub(super) fn partition_stats(scope: &Scope, path: &Path) -> Result<Rows> {
    let rows = counts(scope, path)?.into_iter().map(|(id, rows)| {
        vec![Value::Int(partition_id(id)), Value::Int(id), Value::Int(0), Value::Int(1), Value::Int(rows)]
    });
    let columns = described(&[
        ("partition_id", SqlType::BigInt),
        ("object_id", SqlType::Int),
        ("index_id", SqlType::Int),
        ("partition_number", SqlType::Int),
        ("row_count", SqlType::BigInt),
    ]);
    Ok(Rows { columns, rows: rows.collect() })
}

pub(super) fn schemas() -> Rows {
    let rows = [("dbo", DBO), ("guest", 2), ("INFORMATION_SCHEMA", 3), ("sys", 4)]
        .map(|(name, id)| vec![name.into(), Value::Int(id), Value::Int(id)]);
    let columns = described(&[("name", NAME), ("schema_id", SqlType::Int), ("principal_id", SqlType::Int)]);
    Rows { columns, rows: rows.to_vec() }
}

pub(super) fn information_schema(scope: &Scope, path: &Path, object: &str) -> Result<Option<Rows>> {
    let database = with_database(scope, path, |database| database.name.clone())?;
    let head = |table: &str| -> Vec<Value> { vec![database.as_str().into(), "dbo".into(), table.into()] };
    let mut columns = described(&[("TABLE_CATALOG", NAME), ("TABLE_SCHEMA", NAME), ("TABLE_NAME", NAME)]);
    let mut rows = Vec::new();
    match object {
        "tables" => {
            columns.extend(described(&[("TABLE_TYPE", SqlType::VarChar(10))]));
            for table in user_tables(scope, path)? {
                let mut row = head(&table.name);
                row.push("BASE TABLE".into());
                rows.push(row);
            }
        }
        "columns" => {
            columns.extend(described(&[
                ("COLUMN_NAME", NAME),
                ("ORDINAL_POSITION", SqlType::Int),
                ("IS_NULLABLE", SqlType::VarChar(3)),
                ("DATA_TYPE", NAME),
                ("CHARACTER_MAXIMUM_LENGTH", SqlType::Int),
            ]));
            for table in user_tables(scope, path)? {
                for (number, (name, declared, required)) in (1..).zip(&table.columns) {
                    let sql_type = parse_type(declared).unwrap_or(SqlType::Variant);
                    let length = Some(characters(sql_type)).filter(|length| *length > 0);
                    let mut row = head(&table.name);
                    row.extend([
                        name.as_str().into(),
                        Value::Int(number),
                        if *required { "NO" } else { "YES" }.into(),
                        sql_type.name().into(),
                        length.map(i64::from).into(),
                    ]);
                    rows.push(row);
                }
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(Rows { columns, rows }))
}
