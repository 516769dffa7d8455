//! Databases, their files and the server's options.

use super::{DESCRIPTION, NAME, Rows, columns, need, with_database};
use crate::database::{Database, DatabaseFile, DatabaseState, PAGE_BYTES};
use crate::error::Result;
use crate::sql::names::Path;
use crate::sql::scope::Scope;
use crate::value::{SqlType, Value};

/// Express holds no more than this in a database's data files.
const GROWTH_PAGES: i64 = 8192;

pub(super) fn databases(scope: &Scope) -> Rows {
    let described = columns(&[
        ("name", NAME),
        ("database_id", SqlType::Int),
        ("source_database_id", SqlType::Int),
        ("owner_sid", SqlType::VarBinary(85)),
        ("create_date", SqlType::DateTime),
        ("compatibility_level", SqlType::TinyInt),
        ("collation_name", NAME),
        ("user_access", SqlType::TinyInt),
        ("user_access_desc", DESCRIPTION),
        ("is_read_only", SqlType::Bit),
        ("is_auto_close_on", SqlType::Bit),
        ("is_auto_shrink_on", SqlType::Bit),
        ("state", SqlType::TinyInt),
        ("state_desc", DESCRIPTION),
        ("is_in_standby", SqlType::Bit),
        ("snapshot_isolation_state", SqlType::TinyInt),
        ("is_read_committed_snapshot_on", SqlType::Bit),
        ("recovery_model", SqlType::TinyInt),
        ("recovery_model_desc", DESCRIPTION),
        ("page_verify_option", SqlType::TinyInt),
        ("page_verify_option_desc", DESCRIPTION),
        ("is_trustworthy_on", SqlType::Bit),
        ("is_broker_enabled", SqlType::Bit),
        ("log_reuse_wait", SqlType::TinyInt),
        ("log_reuse_wait_desc", DESCRIPTION),
        ("is_encrypted", SqlType::Bit),
        ("replica_id", SqlType::Guid),
        ("containment", SqlType::TinyInt),
    ]);
    let state = scope.instance.state();
    let rows = state.databases.iter().map(|database| {
        let (status, status_name) = database.state.number_and_name();
        let (recovery, recovery_name) = database.recovery.number_and_name();
        let (access, access_name) = database.access.number_and_name();
        let (verify, verify_name) = database.page_verify.number_and_name();
        // While a database is not open the server does not know what is inside it.
        let open = database.state == DatabaseState::Online;
        let inside = |value: Value| if open { value } else { Value::Null };
        let bit = |yes: bool| Value::from(yes);
        vec![
            database.name.as_str().into(),
            Value::Int(database.id.into()),
            Value::Null,
            state.login(&database.owner).map_or(Value::Null, |login| Value::Bytes(login.sid.clone())),
            database.created.into(),
            Value::Int(database.compatibility.into()),
            inside("SQL_Latin1_General_CP1_CI_AS".into()),
            Value::Int(access),
            access_name.into(),
            bit(false),
            bit(false),
            bit(false),
            Value::Int(status),
            status_name.into(),
            bit(false),
            Value::Int(0),
            bit(database.snapshot_reads),
            Value::Int(recovery),
            recovery_name.into(),
            Value::Int(verify),
            verify_name.into(),
            bit(database.trustworthy),
            bit(false),
            Value::Int(0),
            "NOTHING".into(),
            bit(false),
            Value::Null,
            Value::Int(0),
        ]
    });
    Rows { columns: described, rows: rows.collect() }
}

fn file_columns(with_database_id: bool) -> Vec<crate::tds::token::Column> {
    let mut described = columns(&[
        ("file_id", SqlType::Int),
        ("file_guid", SqlType::Guid),
        ("type", SqlType::TinyInt),
        ("type_desc", DESCRIPTION),
        ("data_space_id", SqlType::Int),
        ("name", NAME),
        ("physical_name", SqlType::NVarChar(260)),
        ("state", SqlType::TinyInt),
        ("state_desc", DESCRIPTION),
        ("size", SqlType::Int),
        ("max_size", SqlType::Int),
        ("growth", SqlType::Int),
        ("is_media_read_only", SqlType::Bit),
        ("is_read_only", SqlType::Bit),
        ("is_sparse", SqlType::Bit),
        ("is_percent_growth", SqlType::Bit),
    ]);
    if with_database_id {
        described.insert(0, crate::tds::token::Column::new("database_id", SqlType::Int));
    }
    described
}

fn file_row(file: DatabaseFile, database: &Database) -> Vec<Value> {
    let (status, name) = database.state.number_and_name();
    vec![
        Value::Int(file.id),
        Value::Null,
        Value::from(file.log),
        if file.log { "LOG" } else { "ROWS" }.into(),
        Value::from(!file.log),
        file.name.into(),
        file.path.into(),
        Value::Int(status),
        name.into(),
        Value::Int(file.pages as i64),
        Value::Int(if file.log { 268_435_456 } else { -1 }),
        Value::Int(GROWTH_PAGES),
        Value::Int(0),
        Value::Int(0),
        Value::Int(0),
        Value::Int(0),
    ]
}

pub(super) fn master_files(scope: &Scope) -> Rows {
    let visible = ["CREATE ANY DATABASE", "ALTER ANY DATABASE", "VIEW ANY DEFINITION"]
        .iter()
        .any(|right| scope.may(right));
    let ids: Vec<i32> = scope.instance.state().databases.iter().map(|database| database.id).collect();
    ids.into_iter().for_each(|id| scope.instance.refresh_size(id));
    let state = scope.instance.state();
    let mut rows = Vec::new();
    for database in state.databases.iter().filter(|_| visible) {
        for file in database.files() {
            let mut row = file_row(file, database);
            row.insert(0, Value::Int(database.id.into()));
            rows.push(row);
        }
    }
    Rows { columns: file_columns(true), rows }
}

pub(super) fn database_files(scope: &Scope, path: &Path) -> Result<Rows> {
    let id = with_database(scope, path, |database| database.id)?;
    scope.instance.refresh_size(id);
    let rows = with_database(scope, path, |database| {
        database.files().into_iter().map(|file| file_row(file, database)).collect()
    })?;
    Ok(Rows { columns: file_columns(false), rows })
}

pub(super) fn configurations(scope: &Scope) -> Rows {
    let described = columns(&[
        ("configuration_id", SqlType::Int),
        ("name", SqlType::NVarChar(35)),
        ("value", SqlType::Variant),
        ("minimum", SqlType::Variant),
        ("maximum", SqlType::Variant),
        ("value_in_use", SqlType::Variant),
        ("description", SqlType::NVarChar(255)),
        ("is_dynamic", SqlType::Bit),
        ("is_advanced", SqlType::Bit),
    ]);
    let compression = i64::from(scope.instance.state().compression_default);
    let options: [(i64, &str, i64, i64, &str); 5] = [
        (101, "recovery interval (min)", 0, 32_767, "Maximum recovery interval in minutes"),
        (1543, "min server memory (MB)", 0, 2_147_483_647, "Minimum size of server memory (MB)"),
        (1544, "max server memory (MB)", 2_147_483_647, 2_147_483_647, "Maximum size of server memory (MB)"),
        (1579, "backup compression default", compression, 1, "Enable compression of backups by default"),
        (1584, "backup checksum default", 0, 1, "Enable checksum of backups by default"),
    ];
    let rows = options.into_iter().map(|(id, name, value, maximum, description)| {
        vec![
            Value::Int(id),
            name.into(),
            Value::Int(value),
            Value::Int(0),
            Value::Int(maximum),
            Value::Int(value),
            description.into(),
            Value::Int(1),
            Value::Int(0),
        ]
    });
    Rows { columns: described, rows: rows.collect() }
}

pub(super) fn log_space(scope: &Scope) -> Result<Rows> {
    need(scope, "VIEW SERVER PERFORMANCE STATE")?;
    let described = columns(&[
        ("database_id", SqlType::Int),
        ("total_log_size_in_bytes", SqlType::BigInt),
        ("used_log_space_in_bytes", SqlType::BigInt),
        ("used_log_space_in_percent", SqlType::Real),
        ("log_space_in_bytes_since_last_backup", SqlType::BigInt),
    ]);
    let id = scope.database_id();
    let state = scope.instance.state();
    let rows = state.database_by_id(id).into_iter().map(|database| {
        let size = &database.size;
        vec![
            Value::Int(id.into()),
            Value::Int(size.log_bytes as i64),
            Value::Int(size.log_used_bytes as i64),
            Value::Float(size.log_used_bytes as f64 * 100.0 / size.log_bytes.max(1) as f64),
            Value::Int(size.log_used_bytes as i64),
        ]
    });
    Ok(Rows { columns: described, rows: rows.collect() })
}

/// `DBCC SQLPERF(LOGSPACE)`
pub fn log_space_of_all(scope: &Scope) -> Result<Rows> {
    need(scope, "VIEW SERVER STATE")?;
    let described = columns(&[
        ("Database Name", NAME),
        ("Log Size (MB)", SqlType::Real),
        ("Log Space Used (%)", SqlType::Real),
        ("Status", SqlType::Int),
    ]);
    let state = scope.instance.state();
    let rows =
        state.databases.iter().filter(|database| database.state == DatabaseState::Online).map(|database| {
            let size = &database.size;
            vec![
                database.name.as_str().into(),
                Value::Float((size.log_bytes - PAGE_BYTES.min(size.log_bytes)) as f64 / 1_048_576.0),
                Value::Float(size.log_used_bytes as f64 * 100.0 / size.log_bytes.max(1) as f64),
                Value::Int(0),
            ]
        });
    Ok(Rows { columns: described, rows: rows.collect() })
}
