//! msdb's tables about backups and bad pages.

use super::{NAME, Rows, columns};
use crate::history::BackupSet;
use crate::sql::scope::Scope;
use crate::value::{SqlType, Value};

pub(super) fn table(scope: &Scope, name: &str) -> Option<Rows> {
    Some(match name {
        "backupset" => backup_set(scope),
        "backupmediafamily" => media_family(scope),
        "backupmediaset" => media_set(scope),
        "restorehistory" => restore_history(scope),
        "suspect_pages" => suspect_pages(scope),
        _ => return None,
    })
}

fn sets(scope: &Scope) -> Vec<BackupSet> {
    scope.instance.state().history.clone()
}

fn backup_set(scope: &Scope) -> Rows {
    const LSN: SqlType = SqlType::Decimal(25, 0);
    let described = columns(&[
        ("backup_set_id", SqlType::Int),
        ("backup_set_uuid", SqlType::Guid),
        ("media_set_id", SqlType::Int),
        ("position", SqlType::Int),
        ("name", NAME),
        ("description", SqlType::NVarChar(255)),
        ("user_name", NAME),
        ("first_lsn", LSN),
        ("last_lsn", LSN),
        ("checkpoint_lsn", LSN),
        ("backup_start_date", SqlType::DateTime),
        ("backup_finish_date", SqlType::DateTime),
        ("type", SqlType::Char(1)),
        ("compatibility_level", SqlType::TinyInt),
        ("database_version", SqlType::Int),
        ("backup_size", SqlType::Decimal(20, 0)),
        ("compressed_backup_size", SqlType::Decimal(20, 0)),
        ("database_name", NAME),
        ("server_name", NAME),
        ("machine_name", NAME),
        ("recovery_model", SqlType::NVarChar(60)),
        ("has_backup_checksums", SqlType::Bit),
        ("is_damaged", SqlType::Bit),
        ("is_copy_only", SqlType::Bit),
        ("is_snapshot", SqlType::Bit),
    ]);
    let identity = scope.instance.state().identity.clone();
    let rows = sets(scope).into_iter().map(|set| {
        let lsn = Value::Decimal(37_000_003_312_000_037 + i128::from(set.id) * 100_000, 0);
        vec![
            Value::Int(set.id),
            Value::Guid(set.uuid),
            Value::Int(set.id),
            Value::Int(1),
            set.name.into(),
            set.description.into(),
            set.user.into(),
            lsn.clone(),
            lsn.clone(),
            lsn,
            set.started.into(),
            set.finished.into(),
            "D".into(),
            Value::Int(identity.compatibility().into()),
            Value::Int(identity.database_version().into()),
            Value::Int(set.bytes as i64),
            Value::Int(set.bytes as i64),
            set.database.into(),
            identity.server_name().into(),
            identity.machine.as_str().into(),
            set.recovery.into(),
            Value::from(set.checksums),
            Value::from(set.damaged),
            Value::from(set.copy_only),
            Value::Int(0),
        ]
    });
    Rows { columns: described, rows: rows.collect() }
}

fn media_family(scope: &Scope) -> Rows {
    let described = columns(&[
        ("media_set_id", SqlType::Int),
        ("family_sequence_number", SqlType::TinyInt),
        ("media_family_id", SqlType::Guid),
        ("media_count", SqlType::Int),
        ("logical_device_name", NAME),
        ("physical_device_name", SqlType::NVarChar(260)),
        ("device_type", SqlType::TinyInt),
        ("physical_block_size", SqlType::Int),
        ("mirror", SqlType::TinyInt),
    ]);
    let mut rows = Vec::new();
    for set in sets(scope) {
        for (number, device) in (1..).zip(&set.devices) {
            rows.push(vec![
                Value::Int(set.id),
                Value::Int(number),
                Value::Null,
                Value::Int(1),
                Value::Null,
                device.as_str().into(),
                Value::Int(2),
                Value::Int(512),
                Value::Int(0),
            ]);
        }
    }
    Rows { columns: described, rows }
}

fn media_set(scope: &Scope) -> Rows {
    let described = columns(&[
        ("media_set_id", SqlType::Int),
        ("media_family_count", SqlType::TinyInt),
        ("name", NAME),
        ("software_name", NAME),
    ]);
    let rows = sets(scope).into_iter().map(|set| {
        vec![
            Value::Int(set.id),
            Value::Int(set.devices.len() as i64),
            Value::Null,
            "Microsoft SQL Server".into(),
        ]
    });
    Rows { columns: described, rows: rows.collect() }
}

fn restore_history(scope: &Scope) -> Rows {
    let described = columns(&[
        ("restore_history_id", SqlType::Int),
        ("restore_date", SqlType::DateTime),
        ("destination_database_name", NAME),
        ("user_name", NAME),
        ("backup_set_id", SqlType::Int),
        ("restore_type", SqlType::Char(1)),
        ("replace", SqlType::Bit),
        ("recovery", SqlType::Bit),
        ("restart", SqlType::Bit),
        ("stop_at", SqlType::DateTime),
    ]);
    let state = scope.instance.state();
    let rows = state.restores.iter().map(|restore| {
        vec![
            Value::Int(restore.id),
            restore.date.into(),
            restore.database.as_str().into(),
            restore.user.as_str().into(),
            Value::Int(restore.set),
            "D".into(),
            Value::from(restore.replace),
            Value::from(restore.recovery),
            Value::Int(0),
            Value::Null,
        ]
    });
    Rows { columns: described, rows: rows.collect() }
}

fn suspect_pages(scope: &Scope) -> Rows {
    let described = columns(&[
        ("database_id", SqlType::Int),
        ("file_id", SqlType::Int),
        ("page_id", SqlType::BigInt),
        ("event_type", SqlType::Int),
        ("error_count", SqlType::Int),
        ("last_update_date", SqlType::DateTime),
    ]);
    let state = scope.instance.state();
    let rows = state.suspect_pages.iter().map(|page| {
        vec![
            Value::Int(page.database_id.into()),
            Value::Int(1),
            Value::Int(page.page.into()),
            Value::Int(page.event_type),
            Value::Int(page.error_count),
            page.updated.into(),
        ]
    });
    Rows { columns: described, rows: rows.collect() }
}
