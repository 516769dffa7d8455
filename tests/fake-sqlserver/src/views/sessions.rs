//! Who is logged in and what is going on.

use super::{DESCRIPTION, NAME, Rows, columns, need};
use crate::error::Result;
use crate::instance::Session;
use crate::sql::scope::Scope;
use crate::value::{SqlType, Value};

/// Without VIEW SERVER STATE a login sees nothing but its own session.
fn visible(scope: &Scope) -> Vec<Session> {
    let everything = scope.may("VIEW SERVER PERFORMANCE STATE") || scope.may("VIEW SERVER STATE");
    let state = scope.instance.state();
    state.sessions.values().filter(|session| everything || session.spid == scope.spid).cloned().collect()
}

pub(super) fn requests(scope: &Scope) -> Rows {
    let described = columns(&[
        ("session_id", SqlType::SmallInt),
        ("request_id", SqlType::Int),
        ("start_time", SqlType::DateTime),
        ("status", SqlType::NVarChar(30)),
        ("command", SqlType::NVarChar(32)),
        ("database_id", SqlType::SmallInt),
        ("user_id", SqlType::Int),
        ("blocking_session_id", SqlType::SmallInt),
        ("wait_type", DESCRIPTION),
        ("wait_time", SqlType::Int),
        ("last_wait_type", DESCRIPTION),
        ("open_transaction_count", SqlType::Int),
        ("percent_complete", SqlType::Real),
        ("estimated_completion_time", SqlType::BigInt),
        ("cpu_time", SqlType::Int),
        ("total_elapsed_time", SqlType::Int),
        ("reads", SqlType::BigInt),
        ("writes", SqlType::BigInt),
        ("row_count", SqlType::BigInt),
    ]);
    let now = crate::clock::now().naive_local();
    let rows = visible(scope).into_iter().filter_map(|session| {
        let request = session.request?;
        let elapsed = now.signed_duration_since(request.started).num_milliseconds().clamp(0, i32::MAX.into());
        let backup = request.command.starts_with("BACKUP");
        let wait: Value = if backup { "BACKUPIO".into() } else { Value::Null };
        let command = if session.kill.is_cancelled() { "KILLED/ROLLBACK" } else { request.command };
        Some(vec![
            Value::Int(session.spid.into()),
            Value::Int(0),
            request.started.into(),
            if backup { "suspended" } else { "running" }.into(),
            command.into(),
            Value::Int(request.database_id.into()),
            Value::Int(1),
            Value::Int(0),
            wait.clone(),
            Value::Int(0),
            if backup { wait } else { "MISCELLANEOUS".into() },
            Value::Int(session.transactions.into()),
            Value::Float(request.percent.into()),
            Value::Int(request.remaining_ms),
            Value::Int(elapsed / 10),
            Value::Int(elapsed),
            Value::Int(0),
            Value::Int(0),
            Value::Int(1),
        ])
    });
    Rows { columns: described, rows: rows.collect() }
}

pub(super) fn sessions(scope: &Scope) -> Rows {
    let described = columns(&[
        ("session_id", SqlType::SmallInt),
        ("login_time", SqlType::DateTime),
        ("host_name", NAME),
        ("program_name", NAME),
        ("host_process_id", SqlType::Int),
        ("client_interface_name", SqlType::NVarChar(32)),
        ("login_name", NAME),
        ("original_login_name", NAME),
        ("status", SqlType::NVarChar(30)),
        ("cpu_time", SqlType::Int),
        ("memory_usage", SqlType::Int),
        ("last_request_start_time", SqlType::DateTime),
        ("is_user_process", SqlType::Bit),
        ("database_id", SqlType::SmallInt),
        ("open_transaction_count", SqlType::Int),
    ]);
    let mut rows: Vec<Vec<Value>> = Vec::new();
    if scope.may("VIEW SERVER STATE") {
        // The server's own: checkpoint and lazy writer, for whoever forgets is_user_process.
        rows.extend([(7, "CHECKPOINT"), (9, "LAZY WRITER")].map(|(spid, _)| system_session(scope, spid)));
    }
    rows.extend(visible(scope).into_iter().map(|session| {
        let started = session.request.as_ref().map_or(session.login_time, |request| request.started);
        vec![
            Value::Int(session.spid.into()),
            session.login_time.into(),
            session.host.into(),
            session.program.into(),
            Value::Int(session.process.cast_signed().into()),
            session.interface.into(),
            session.login.as_str().into(),
            session.login.as_str().into(),
            if session.request.is_some() { "running" } else { "sleeping" }.into(),
            Value::Int(0),
            Value::Int(4),
            started.into(),
            Value::Int(1),
            Value::Int(session.database_id.into()),
            Value::Int(session.transactions.into()),
        ]
    }));
    Rows { columns: described, rows }
}

fn system_session(scope: &Scope, spid: i64) -> Vec<Value> {
    let started = scope.instance.started;
    vec![
        Value::Int(spid),
        started.into(),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        "sa".into(),
        "sa".into(),
        "background".into(),
        Value::Int(0),
        Value::Int(0),
        started.into(),
        Value::Int(0),
        Value::Int(1),
        Value::Int(0),
    ]
}

pub(super) fn connections(scope: &Scope) -> Result<Rows> {
    need(scope, "VIEW SERVER STATE")?;
    let described = columns(&[
        ("session_id", SqlType::Int),
        ("connect_time", SqlType::DateTime),
        ("net_transport", SqlType::NVarChar(40)),
        ("protocol_type", SqlType::NVarChar(40)),
        ("auth_scheme", SqlType::NVarChar(40)),
        ("client_net_address", SqlType::VarChar(48)),
    ]);
    let rows = visible(scope).into_iter().map(|session| {
        vec![
            Value::Int(session.spid.into()),
            session.login_time.into(),
            "TCP".into(),
            "TSQL".into(),
            "SQL".into(),
            "127.0.0.1".into(),
        ]
    });
    Ok(Rows { columns: described, rows: rows.collect() })
}

/// A session whose context is a database holds a shared lock on it, and so does one whose statement or open transaction uses it;
/// RESTORE and ALTER hold it for themselves.
pub(super) fn locks(scope: &Scope) -> Result<Rows> {
    need(scope, "VIEW SERVER STATE")?;
    let described = columns(&[
        ("resource_type", DESCRIPTION),
        ("resource_subtype", DESCRIPTION),
        ("resource_database_id", SqlType::Int),
        ("resource_description", SqlType::NVarChar(256)),
        ("request_mode", DESCRIPTION),
        ("request_type", DESCRIPTION),
        ("request_status", DESCRIPTION),
        ("request_session_id", SqlType::Int),
        ("request_owner_type", DESCRIPTION),
    ]);
    let everything = scope.may("VIEW SERVER PERFORMANCE STATE") || scope.may("VIEW SERVER STATE");
    let state = scope.instance.state();
    let mut rows = Vec::new();
    for session in state.sessions.values().filter(|session| everything || session.spid == scope.spid) {
        for database in state.databases.iter().filter(|database| database.id > 2) {
            let mode = match database.held_by {
                Some(holder) if holder == session.spid => "X",
                _ if session.is_in(database.id) => "S",
                _ => continue,
            };
            rows.push(vec![
                "DATABASE".into(),
                "".into(),
                Value::Int(database.id.into()),
                "".into(),
                mode.into(),
                "LOCK".into(),
                "GRANT".into(),
                Value::Int(session.spid.into()),
                "SHARED_TRANSACTION_WORKSPACE".into(),
            ]);
        }
    }
    Ok(Rows { columns: described, rows })
}

pub(super) fn services(scope: &Scope) -> Result<Rows> {
    need(scope, "VIEW SERVER STATE")?;
    let described = columns(&[
        ("servicename", SqlType::NVarChar(256)),
        ("startup_type", SqlType::Int),
        ("startup_type_desc", SqlType::NVarChar(256)),
        ("status", SqlType::Int),
        ("status_desc", SqlType::NVarChar(256)),
        ("process_id", SqlType::Int),
        ("last_startup_time", SqlType::DateTimeOffset(7)),
        ("service_account", SqlType::NVarChar(256)),
        ("filename", SqlType::NVarChar(256)),
    ]);
    let state = scope.instance.state();
    let instance = state.identity.instance.clone();
    let name = instance.as_deref().unwrap_or("MSSQLSERVER");
    let service =
        instance.as_deref().map_or_else(|| "MSSQLSERVER".to_owned(), |name| format!("MSSQL${name}"));
    let account = state.service_account.clone().unwrap_or_else(|| format!(r"NT Service\{service}"));
    let started = scope.instance.started.and_utc().fixed_offset();
    let row = |title: String, running: bool, account: String| {
        vec![
            title.into(),
            Value::Int(2),
            "Automatic".into(),
            Value::Int(if running { 4 } else { 1 }),
            if running { "Running" } else { "Stopped" }.into(),
            Value::Int(std::process::id().into()),
            Value::DateTimeOffset(started),
            account.into(),
            r"C:\Program Files\Microsoft SQL Server\MSSQL16.SQLEXPRESS\MSSQL\Binn\sqlservr.exe".into(),
        ]
    };
    let rows = vec![
        row(format!("SQL Server ({name})"), true, account),
        row(format!("SQL Server Agent ({name})"), false, r"NT AUTHORITY\NETWORK SERVICE".to_owned()),
    ];
    Ok(Rows { columns: described, rows })
}

pub(super) fn system_info(scope: &Scope) -> Result<Rows> {
    need(scope, "VIEW SERVER PERFORMANCE STATE")?;
    let described = columns(&[("cpu_count", SqlType::Int), ("sqlserver_start_time", SqlType::DateTime)]);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Rows {
        columns: described,
        rows: vec![vec![Value::Int(processors as i64), scope.instance.started.into()]],
    })
}
