//! Restores in the file.

use super::rows::{name_of, number};
use crate::restore::outcome::{RestoreId, RestoreReport};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The most restores that are kept. Counted and not dated, so that a clock that jumps takes nothing away.
pub const MOST_RESTORES: i64 = 5_000;

pub fn put(connection: &Connection, report: &RestoreReport) -> rusqlite::Result<()> {
    let failed = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(error.into());
    let whole = serde_json::to_string(report).map_err(failed)?;
    let task = serde_json::to_string(&report.task).map_err(failed)?;
    let mut statement = connection.prepare(
        "INSERT INTO restore (id, task, by_whom, started_at, finished_at, outcome, problem, source, target, rows, report) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         ON CONFLICT (id) DO UPDATE SET task = ?2, by_whom = ?3, started_at = ?4, finished_at = ?5, outcome = ?6, \
         problem = ?7, source = ?8, target = ?9, rows = ?10, report = ?11",
    )?;
    statement.execute(params![
        report.id.to_string(),
        task,
        report.by,
        report.started_at.to_rfc3339(),
        report.finished_at.map(|at| at.to_rfc3339()),
        report.outcome.as_ref().and_then(name_of),
        report.problems.first().map(|problem| problem.code.id()),
        report.from.as_ref().map(|from| from.shown.as_str()),
        report.target,
        number(report.rows()),
        whole,
    ])?;
    connection.execute(
        "DELETE FROM restore WHERE number <= (SELECT max(number) FROM restore) - ?1",
        [MOST_RESTORES],
    )?;
    Ok(())
}

/// A row whose text cannot be read is left out: one bad row must not hide the others.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<RestoreReport>> {
    let text: String = row.get(0)?;
    let read = serde_json::from_str(&text);
    Ok(read.inspect_err(|error| tracing::warn!(%error, "a restore in the journal cannot be read")).ok())
}

/// The last restores, newest first.
pub fn last(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<RestoreReport>> {
    let mut statement = connection.prepare("SELECT report FROM restore ORDER BY number DESC LIMIT ?1")?;
    let rows = statement.query_map([limit], read)?;
    rows.filter_map(Result::transpose).collect()
}

/// The last restore tests, newest first.
pub fn tests(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<RestoreReport>> {
    let mut statement = connection
        .prepare("SELECT report FROM restore WHERE json_extract(report, '$.task.task') = 'test' ORDER BY number DESC LIMIT ?1")?;
    let rows = statement.query_map([limit], read)?;
    rows.filter_map(Result::transpose).collect()
}

pub fn one(connection: &Connection, id: RestoreId) -> rusqlite::Result<Option<RestoreReport>> {
    let found = connection.query_row("SELECT report FROM restore WHERE id = ?1", [id.to_string()], read);
    found.optional().map(Option::flatten)
}

pub fn unfinished(connection: &Connection) -> rusqlite::Result<Vec<RestoreReport>> {
    let mut statement =
        connection.prepare("SELECT report FROM restore WHERE outcome IS NULL ORDER BY number DESC")?;
    let rows = statement.query_map([], read)?;
    rows.filter_map(Result::transpose).collect()
}
