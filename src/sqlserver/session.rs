//! A logged-in connection, and how its answers are read.

use super::errors::{Failure, Stage};
use super::statements::{SESSION, Statement};
use super::wire::{Activity, Watched};
use chrono::NaiveDateTime;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use tiberius::{Client, ColumnData, Command, FromSql, Row, ToSql};
use tokio::time::timeout;
use tokio_util::compat::Compat;

/// One session among all that the server ever had: its number, which is given again once it has ended, and when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Session {
    pub(super) id: i16,
    login_time: NaiveDateTime,
}

impl Session {
    /// The session in a row with `session_id` and `login_time`.
    pub(super) fn read(row: Fields<'_>) -> Result<Option<Self>, Failure> {
        let id = row.int("session_id")?.and_then(|number| i16::try_from(number).ok());
        Ok(id.zip(row.when("login_time")?).map(|(id, login_time)| Self { id, login_time }))
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// A connection to SQL Server that is logged in. One statement at a time; after a failure that is not the server's own
/// answer it serves no more.
pub struct Connection {
    client: Client<Compat<Watched>>,
    activity: Activity,
    local: Option<IpAddr>,
    answer: Duration,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(
        client: Client<Compat<Watched>>,
        activity: Activity,
        local: Option<IpAddr>,
        answer: Duration,
    ) -> Self {
        Self { client, activity, local, answer }
    }

    /// The address of this machine by which it reaches the server; `None` where that is no matter of addresses.
    pub(super) fn local_address(&self) -> Option<IpAddr> {
        self.local
    }

    /// Tells from outside whether the server still sends something.
    pub(super) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// The rows of a statement's first result. The whole answer must come within the bound of short statements.
    pub(super) async fn rows(
        &mut self,
        statement: &Statement,
        parameters: &[&dyn ToSql],
    ) -> Result<Vec<Row>, Failure> {
        self.rows_within(statement, parameters, self.answer).await
    }

    /// The same, of which the whole answer must come `within` this time.
    pub(super) async fn rows_within(
        &mut self,
        statement: &Statement,
        parameters: &[&dyn ToSql],
        within: Duration,
    ) -> Result<Vec<Row>, Failure> {
        timeout(within, self.all_rows(statement, parameters)).await.unwrap_or(Err(Failure::Stalled(within)))
    }

    /// The first row of a statement's first result.
    pub(super) async fn row(
        &mut self,
        statement: &Statement,
        parameters: &[&dyn ToSql],
    ) -> Result<Option<Row>, Failure> {
        Ok(self.rows(statement, parameters).await?.into_iter().next())
    }

    /// Runs a statement that may take as long as it wants: BACKUP, RESTORE, DBCC. Whoever waits must keep watch; a future
    /// that is dropped leaves the statement running in the server.
    pub(super) async fn run_unbounded(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        self.all_rows(statement, &[]).await
    }

    /// Runs a text that is not ours by `sp_executesql`. Its parameters are all texts, are declared by `declaration`, and travel
    /// beside it: nothing is pasted into it. The numbers of rows that its statements changed, of those that count them.
    pub(super) async fn execute(
        &mut self,
        text: &str,
        declaration: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<u64>, Failure> {
        let mut call = Command::new("sp_executesql");
        call.bind_param("@stmt", text);
        call.bind_param("@params", declaration);
        for (name, value) in parameters {
            call.bind_param(*name, *value);
        }
        let answer = async { call.exec(&mut self.client).await?.into_command_result().await };
        match timeout(self.answer, answer).await {
            Ok(Ok(result)) => Ok(result.rows_affected().to_vec()),
            Ok(Err(error)) => Err(Failure::of(&error, Stage::Work)),
            Err(_) => Err(Failure::Stalled(self.answer)),
        }
    }

    async fn all_rows(
        &mut self,
        statement: &Statement,
        parameters: &[&dyn ToSql],
    ) -> Result<Vec<Row>, Failure> {
        let answer = async {
            let stream = match parameters {
                [] => self.client.simple_query(statement.text()).await?,
                parameters => self.client.query(statement.text(), parameters).await?,
            };
            stream.into_first_result().await
        };
        answer.await.map_err(|error| Failure::of(&error, Stage::Work))
    }

    /// This session, as the server knows it.
    pub(super) async fn session(&mut self) -> Result<Session, Failure> {
        let row = self.row(&SESSION, &[]).await?;
        row.as_ref()
            .map(|row| Session::read(Fields(row)))
            .transpose()?
            .flatten()
            .ok_or_else(|| Failure::Garbled("the server does not know this session".into()))
    }

    /// Asks the server by TDS Attention to stop what this connection runs, and gives it time to do so. Needs no right. The
    /// server's answer comes in two messages, of which the library understands the first only, so it proves nothing: see
    /// whether the request is gone.
    pub(super) async fn attention(mut self) {
        let answered = timeout(self.answer, self.client.cancel_query()).await;
        tracing::debug!(?answered, "Attention");
    }
}

/// A row, read by the names of its columns; `None` is NULL. Whole numbers are read from any type of the server's, since
/// versions differ in them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a Row);

impl<'a> Fields<'a> {
    pub(super) fn text(self, column: &str) -> Result<Option<String>, Failure> {
        self.get::<&str>(column).map(|text| text.map(str::to_owned))
    }

    pub(super) fn when(self, column: &str) -> Result<Option<NaiveDateTime>, Failure> {
        self.get(column)
    }

    pub(super) fn int(self, column: &str) -> Result<Option<i64>, Failure> {
        let data = self.data(column)?;
        if let ColumnData::U8(value) = data {
            Ok(value.map(i64::from))
        } else if let ColumnData::I16(value) = data {
            Ok(value.map(i64::from))
        } else if let ColumnData::I32(value) = data {
            Ok(value.map(i64::from))
        } else if let ColumnData::I64(value) = data {
            Ok(*value)
        } else if let ColumnData::Bit(value) = data {
            Ok(value.map(i64::from))
        } else if let ColumnData::Numeric(value) = data {
            value.map(|value| i64::try_from(value.int_part()).map_err(|_| Self::odd(column))).transpose()
        } else {
            Err(Self::odd(column))
        }
    }

    /// A whole number that is a size or a count.
    pub(super) fn size(self, column: &str) -> Result<Option<u64>, Failure> {
        self.int(column)?.map(|value| u64::try_from(value).map_err(|_| Self::odd(column))).transpose()
    }

    /// A flag: any number but 0. NULL is no.
    pub(super) fn flag(self, column: &str) -> Result<bool, Failure> {
        Ok(self.int(column)?.is_some_and(|value| value != 0))
    }

    pub(super) fn real(self, column: &str) -> Result<Option<f64>, Failure> {
        let data = self.data(column)?;
        if let ColumnData::F32(value) = data {
            Ok(value.map(f64::from))
        } else if let ColumnData::F64(value) = data {
            Ok(*value)
        } else {
            Ok(self.int(column)?.map(|value| value as f64))
        }
    }

    fn get<T: FromSql<'a>>(self, column: &str) -> Result<Option<T>, Failure> {
        self.0.try_get(column).map_err(|error| Failure::of(&error, Stage::Work))
    }

    fn data(self, column: &str) -> Result<&'a ColumnData<'static>, Failure> {
        self.0.get_column_data(column).map_err(|error| Failure::of(&error, Stage::Work))
    }

    fn odd(column: &str) -> Failure {
        Failure::Garbled(format!("column {column} holds something else than was expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiberius::{ColumnType, numeric::Numeric};

    fn row(kind: ColumnType, data: ColumnData<'static>) -> Row {
        Row::builder().column("x", kind, data).build()
    }

    #[test]
    fn whole_numbers_are_read_from_every_type_that_servers_use() {
        for (kind, data) in [
            (ColumnType::Int1, ColumnData::U8(Some(7))),
            (ColumnType::Int2, ColumnData::I16(Some(7))),
            (ColumnType::Int4, ColumnData::I32(Some(7))),
            (ColumnType::Int8, ColumnData::I64(Some(7))),
            (ColumnType::Numericn, ColumnData::Numeric(Some(Numeric::new_with_scale(700, 2)))),
        ] {
            let row = row(kind, data);
            assert_eq!(Fields(&row).int("x"), Ok(Some(7)));
            assert_eq!(Fields(&row).real("x"), Ok(Some(7.0)));
        }
        let null = row(ColumnType::Int4, ColumnData::I32(None));
        assert_eq!(Fields(&null).int("x"), Ok(None));
        assert_eq!(Fields(&null).flag("x"), Ok(false));
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_a_failure_and_no_panic() {
        let text = row(ColumnType::NVarchar, ColumnData::String(Some("abc".into())));
        assert_eq!(Fields(&text).text("x"), Ok(Some("abc".into())));
        assert!(matches!(Fields(&text).int("x"), Err(Failure::Garbled(_))));
        assert!(matches!(Fields(&text).text("y"), Err(Failure::Garbled(_))));
        assert!(matches!(Fields(&text).when("x"), Err(Failure::Garbled(_))));
        let negative = row(ColumnType::Int4, ColumnData::I32(Some(-1)));
        assert!(Fields(&negative).size("x").is_err());
        let huge =
            row(ColumnType::Numericn, ColumnData::Numeric(Some(Numeric::new_with_scale(i128::MAX, 0))));
        assert!(Fields(&huge).int("x").is_err());
    }
}
