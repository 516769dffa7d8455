//! What is still to be told to people outside the shop, and what they were told already.

use chrono::{DateTime, FixedOffset};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// An alert that is still to be sent by one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedAlert {
    /// Orders them; each has its own.
    pub number: u64,
    /// When it was to be told.
    pub at: DateTime<FixedOffset>,
    /// By which way.
    pub channel: String,
    /// How often that was tried in vain.
    pub tries: u32,
    /// What is sent, as its sender keeps it.
    pub message: String,
}

/// What is remembered of one matter of which people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Names the matter.
    pub topic: String,
    /// Since when it is so; `None` where it is not so now.
    pub since: Option<DateTime<FixedOffset>>,
    /// When people were told last; `None` before the first time.
    pub at: Option<DateTime<FixedOffset>>,
    /// They were told, and not yet that it is over.
    pub open: bool,
}

pub(super) fn put_queued(connection: &Connection, queue: &[QueuedAlert]) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM alert")?;
    let mut statement = connection
        .prepare("INSERT INTO alert (number, at, channel, tries, message) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for alert in queue {
        let number = i64::try_from(alert.number).unwrap_or(i64::MAX);
        let QueuedAlert { at, channel, tries, message, .. } = alert;
        statement.execute(params![number, at.to_rfc3339(), channel, tries, message])?;
    }
    Ok(())
}

/// A row that cannot be read is none.
pub(super) fn queued(connection: &Connection) -> rusqlite::Result<Vec<QueuedAlert>> {
    let mut statement =
        connection.prepare("SELECT number, at, channel, tries, message FROM alert ORDER BY number")?;
    let rows = statement.query_map([], |row| {
        let (number, at): (i64, String) = (row.get(0)?, row.get(1)?);
        let (channel, tries, message) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let number = number.unsigned_abs();
        Ok(instant(&at).map(|at| QueuedAlert { number, at, channel, tries, message }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

pub(super) fn put_told(connection: &Connection, told: &[Told]) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM told")?;
    let mut statement =
        connection.prepare("INSERT OR REPLACE INTO told (topic, since, at, open) VALUES (?1, ?2, ?3, ?4)")?;
    for Told { topic, since, at, open } in told {
        let text = |at: &Option<DateTime<FixedOffset>>| at.map(|at| at.to_rfc3339());
        statement.execute(params![topic, text(since), text(at), open])?;
    }
    Ok(())
}

pub(super) fn told(connection: &Connection) -> rusqlite::Result<Vec<Told>> {
    let mut statement = connection.prepare("SELECT topic, since, at, open FROM told ORDER BY topic")?;
    let rows = statement.query_map([], |row| {
        let (since, at): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        let read = |text: Option<String>| text.and_then(|text| instant(&text));
        Ok(Told { topic: row.get(0)?, since: read(since), at: read(at), open: row.get(3)? })
    })?;
    rows.collect()
}

fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}
