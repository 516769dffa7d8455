//! Rows of the file and what they stand for.

use super::store::Wanted;
use super::{CheckedFile, Event, EventKind, PendingCopy, Side};
use crate::backup::outcome::{RunId, RunReport};
use crate::words::Words;
use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most runs that are kept: a try and a second try an hour, for more than 400 days. Counted and not dated, so that a
/// clock that jumps takes nothing away.
pub const MOST_RUNS: i64 = 20_000;

/// The most events that are kept.
pub const MOST_EVENTS: i64 = 20_000;

/// The name that serde gives a plain enum value.
pub fn name_of(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

fn value_of<T: DeserializeOwned>(name: String) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(name)).ok()
}

/// Numbers of SQLite end at 2^63.
pub fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub fn put_run(connection: &Connection, report: &RunReport) -> rusqlite::Result<()> {
    let whole = serde_json::to_string(report)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let outcome = report.outcome.as_ref().and_then(name_of);
    let problem = report.problems.first().map(|problem| problem.code.id());
    let mut statement = connection.prepare(
        "INSERT INTO run (id, sequence, attempt, hour, started_at, finished_at, outcome, problem, database, \
         bak_bytes, zip_bytes, bak_sha256, zip_sha256, report) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
         ON CONFLICT (id) DO UPDATE SET sequence = ?2, attempt = ?3, hour = ?4, started_at = ?5, finished_at = ?6, \
         outcome = ?7, problem = ?8, database = ?9, bak_bytes = ?10, zip_bytes = ?11, bak_sha256 = ?12, \
         zip_sha256 = ?13, report = ?14",
    )?;
    statement.execute(params![
        report.id.to_string(),
        number(report.sequence),
        report.attempt,
        report.hour,
        report.started_at.to_rfc3339(),
        report.finished_at.map(|at| at.to_rfc3339()),
        outcome,
        problem,
        report.database,
        number(report.bak_bytes),
        number(report.zip_bytes),
        report.bak_sha256,
        report.zip_sha256,
        whole,
    ])?;
    connection.execute("DELETE FROM run WHERE number <= (SELECT max(number) FROM run) - ?1", [MOST_RUNS])?;
    Ok(())
}

/// A row whose text cannot be read is left out: one bad row must not hide the others.
fn run_in(row: &Row<'_>) -> rusqlite::Result<Option<RunReport>> {
    let text: String = row.get(0)?;
    let read = serde_json::from_str(&text);
    Ok(read.inspect_err(|error| tracing::warn!(%error, "a run in the journal cannot be read")).ok())
}

/// The last runs that are `wanted`, newest first. Runs of older versions have no purpose: they were made for the rotation.
pub fn runs(connection: &Connection, limit: u32, wanted: Wanted<'_>) -> rusqlite::Result<Vec<RunReport>> {
    let names: Vec<String> = wanted.outcomes.iter().filter_map(name_of).collect();
    let only_rotation = wanted.only_rotation;
    let outcomes = serde_json::to_string(&names).unwrap_or_else(|_| "[]".to_owned());
    let mut statement = connection.prepare(
        "SELECT report FROM run WHERE (?1 = '[]' OR outcome IN (SELECT value FROM json_each(?1))) \
         AND (NOT ?3 OR coalesce(json_extract(report, '$.purpose.kind'), 'rotation') = 'rotation') \
         ORDER BY number DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![outcomes, limit, only_rotation], run_in)?;
    rows.filter_map(Result::transpose).collect()
}

/// The first run that made a backup for the rotation.
pub fn first_good(connection: &Connection) -> rusqlite::Result<Option<RunReport>> {
    let found = connection.query_row(
        "SELECT report FROM run WHERE outcome IN ('success', 'warning') \
         AND coalesce(json_extract(report, '$.purpose.kind'), 'rotation') = 'rotation' ORDER BY number LIMIT 1",
        [],
        run_in,
    );
    found.optional().map(Option::flatten)
}

pub fn run(connection: &Connection, id: RunId) -> rusqlite::Result<Option<RunReport>> {
    let found = connection.query_row("SELECT report FROM run WHERE id = ?1", [id.to_string()], run_in);
    found.optional().map(Option::flatten)
}

/// The runs whose backups have these places among all.
pub fn runs_at(connection: &Connection, sequences: &[u64]) -> rusqlite::Result<Vec<RunReport>> {
    let numbers: Vec<i64> = sequences.iter().map(|sequence| number(*sequence)).collect();
    let numbers = serde_json::to_string(&numbers).unwrap_or_else(|_| "[]".to_owned());
    let mut statement =
        connection.prepare("SELECT report FROM run WHERE sequence IN (SELECT value FROM json_each(?1))")?;
    let rows = statement.query_map([numbers], run_in)?;
    rows.filter_map(Result::transpose).collect()
}

pub fn unfinished(connection: &Connection) -> rusqlite::Result<Vec<RunReport>> {
    let mut statement =
        connection.prepare("SELECT report FROM run WHERE outcome IS NULL ORDER BY number DESC")?;
    let rows = statement.query_map([], run_in)?;
    rows.filter_map(Result::transpose).collect()
}

pub fn put_event(connection: &Connection, event: &Event) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("INSERT INTO event (at, kind, pt, en) VALUES (?1, ?2, ?3, ?4)")?;
    statement.execute(params![event.at.to_rfc3339(), name_of(&event.kind), event.text.pt, event.text.en])?;
    connection
        .execute("DELETE FROM event WHERE number <= (SELECT max(number) FROM event) - ?1", [MOST_EVENTS])?;
    Ok(())
}

pub fn events(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<Event>> {
    let mut statement =
        connection.prepare("SELECT at, kind, pt, en FROM event ORDER BY number DESC LIMIT ?1")?;
    let rows = statement.query_map([limit], |row| {
        let (at, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let text = Words { pt: row.get(2)?, en: row.get(3)? };
        let at = DateTime::parse_from_rfc3339(&at).ok();
        Ok(at.zip(value_of::<EventKind>(kind)).map(|(at, kind)| Event { at, kind, text }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

pub fn put_pending(connection: &Connection, pending: &[PendingCopy]) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM pending; DELETE FROM pending_extra;")?;
    let mut hour = connection.prepare("INSERT OR REPLACE INTO pending (hour, sequence) VALUES (?1, ?2)")?;
    let mut extra =
        connection.prepare("INSERT OR REPLACE INTO pending_extra (hour, sequence) VALUES (?1, ?2)")?;
    for copy in pending {
        let statement = if copy.extra { &mut extra } else { &mut hour };
        statement.execute(params![copy.hour, number(copy.sequence)])?;
    }
    Ok(())
}

pub fn pending(connection: &Connection) -> rusqlite::Result<Vec<PendingCopy>> {
    let mut statement = connection.prepare(
        "SELECT hour, sequence, 0 FROM pending UNION ALL SELECT hour, sequence, 1 FROM pending_extra \
         ORDER BY 2 DESC",
    )?;
    let rows = statement.query_map([], |row| {
        let sequence: i64 = row.get(1)?;
        Ok(PendingCopy { hour: row.get(0)?, sequence: sequence.unsigned_abs(), extra: row.get(2)? })
    })?;
    rows.collect()
}

pub fn put_checked(connection: &Connection, file: &CheckedFile) -> rusqlite::Result<()> {
    let problem = file.problem.as_ref().map(serde_json::to_string).transpose();
    let problem = problem.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection.execute(
        "INSERT OR REPLACE INTO checked (side, file, at, bytes, modified, problem) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            name_of(&file.side),
            file.file,
            file.at.to_rfc3339(),
            number(file.bytes),
            file.modified.to_rfc3339(),
            problem
        ],
    )?;
    Ok(())
}

/// A row that cannot be read counts as a place that was never checked.
pub fn checked_files(connection: &Connection) -> rusqlite::Result<Vec<CheckedFile>> {
    let mut statement = connection.prepare("SELECT side, file, at, bytes, modified, problem FROM checked")?;
    let rows = statement.query_map([], |row| {
        let (side, at, modified): (String, String, String) = (row.get(0)?, row.get(2)?, row.get(4)?);
        let (bytes, problem): (i64, Option<String>) = (row.get(3)?, row.get(5)?);
        let file = row.get(1)?;
        let read = || {
            Some(CheckedFile {
                side: value_of::<Side>(side)?,
                file,
                at: DateTime::parse_from_rfc3339(&at).ok()?,
                bytes: bytes.unsigned_abs(),
                modified: DateTime::parse_from_rfc3339(&modified).ok()?.to_utc(),
                problem: problem.map(|text| serde_json::from_str(&text)).transpose().ok()?,
            })
        };
        Ok(read())
    })?;
    rows.filter_map(Result::transpose).collect()
}

pub fn put_sequence(connection: &Connection, last: u64) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO sequence (only, last) VALUES (1, ?1) ON CONFLICT (only) DO UPDATE SET last = max(last, ?1)",
        [number(last)],
    )?;
    Ok(())
}

/// The highest sequence number that was given out or used.
pub fn sequence(connection: &Connection) -> rusqlite::Result<u64> {
    let last: i64 = connection.query_row(
        "SELECT max(coalesce((SELECT last FROM sequence), 0), coalesce((SELECT max(sequence) FROM run), 0))",
        [],
        |row| row.get(0),
    )?;
    Ok(last.unsigned_abs())
}
