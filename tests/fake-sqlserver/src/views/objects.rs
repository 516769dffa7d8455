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
