//! The tokens that answers are made of.

use bytes::{BufMut, BytesMut};

use super::login::{FEATURE_UTF8, VERSION_73};
use super::types::{COLLATION, write_type};
use super::values::{DoesNotFit, write_value};
use crate::error::SqlError;
use crate::value::{SqlType, Value};

const RETURN_STATUS: u8 = 0x79;
const COLUMN_METADATA: u8 = 0x81;
const ERROR: u8 = 0xaa;
const INFO: u8 = 0xab;
const RETURN_VALUE: u8 = 0xac;
const LOGIN_ACK: u8 = 0xad;
const FEATURE_ACK: u8 = 0xae;
const ROW: u8 = 0xd1;
const ROW_WITH_NULLS: u8 = 0xd2;
const ENVIRONMENT: u8 = 0xe3;
const DONE: u8 = 0xfd;
const DONE_PROCEDURE: u8 = 0xfe;
const DONE_IN_PROCEDURE: u8 = 0xff;

/// Bits of a DONE token's status.
pub mod status {
    /// Another result follows
    pub const MORE: u16 = 0x01;
    /// The statement failed
    pub const ERROR: u16 = 0x02;
    /// The count of rows is valid
    pub const COUNT: u16 = 0x10;
    /// This answers an attention
    pub const ATTENTION: u16 = 0x20;
    /// The error was such that results before it are void
    pub const SERVER_ERROR: u16 = 0x100;
}

/// Which of the three DONE tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoneKind {
    /// After a statement of a batch
    Statement,
    /// After a statement inside a procedure
    InProcedure,
    /// After a procedure
    Procedure,
}

/// The end of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Which token
    pub kind: DoneKind,
    /// Bits of [`status`]
    pub status: u16,
    /// What kind of statement ended
    pub command: u16,
    /// Rows, where [`status::COUNT`] says so
    pub rows: u64,
}

/// Writes a DONE token.
pub fn done(out: &mut BytesMut, done: Done) {
    out.put_u8(match done.kind {
        DoneKind::Statement => DONE,
        DoneKind::InProcedure => DONE_IN_PROCEDURE,
        DoneKind::Procedure => DONE_PROCEDURE,
    });
    out.put_u16_le(done.status);
    out.put_u16_le(done.command);
    out.put_u64_le(done.rows);
}

/// Acknowledges an attention: `FD 20 00 FD 00` and eight zeroes.
pub fn attention_acknowledged(out: &mut BytesMut) {
    let command = u16::from(DONE);
    done(out, Done { kind: DoneKind::Statement, status: status::ATTENTION, command, rows: 0 });
}

/// Where a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// `@@SERVERNAME`
    pub server: &'a str,
    /// Line of the batch
    pub line: u32,
}

/// Writes an ERROR token.
pub fn error(out: &mut BytesMut, error: &SqlError, origin: Origin<'_>) {
    message(out, ERROR, error, origin);
}

/// Writes an INFO token: what is no error, though it has the same form.
pub fn info(out: &mut BytesMut, info: &SqlError, origin: Origin<'_>) {
    message(out, INFO, info, origin);
}

fn message(out: &mut BytesMut, token: u8, error: &SqlError, origin: Origin<'_>) {
    let mut body = BytesMut::new();
    body.put_i32_le(error.number);
    body.put_u8(error.state);
    body.put_u8(error.class);
    put_us_varchar(&mut body, &error.message);
    put_b_varchar(&mut body, origin.server);
    put_b_varchar(&mut body, "");
    body.put_u32_le(origin.line);
    put_counted(out, token, &body);
}

/// A change of the session's environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// The current database: new, old
    Database(&'a str, &'a str),
    /// The language of messages: new, old
    Language(&'a str, &'a str),
    /// The packet size: new, old
    PacketSize(usize, usize),
    /// The server's collation
    Collation,
    /// A transaction began, of this number
    Begun(u64),
    /// The transaction of this number was committed
    Committed(u64),
    /// The transaction of this number was rolled back
    RolledBack(u64),
    /// The session is as new
    Reset,
}

/// Writes an ENVCHANGE token.
pub fn environment(out: &mut BytesMut, change: Change<'_>) {
    let mut body = BytesMut::new();
    let mut texts = |kind: u8, new: &str, old: &str| {
        body.put_u8(kind);
        put_b_varchar(&mut body, new);
        put_b_varchar(&mut body, old);
    };
    match change {
        Change::Database(new, old) => texts(1, new, old),
        Change::Language(new, old) => texts(2, new, old),
        Change::PacketSize(new, old) => texts(4, &new.to_string(), &old.to_string()),
        Change::Reset => texts(18, "", ""),
        Change::Collation => {
            body.put_slice(&[7, 5]);
            body.put_slice(&COLLATION);
            body.put_u8(0);
        }
        Change::Begun(number) => {
            body.put_slice(&[8, 8]);
            body.put_u64_le(number);
            body.put_u8(0);
        }
        Change::Committed(number) => {
            body.put_slice(&[9, 0, 8]);
            body.put_u64_le(number);
        }
        Change::RolledBack(number) => {
            body.put_slice(&[10, 0, 8]);
            body.put_u64_le(number);
        }
    }
    put_counted(out, ENVIRONMENT, &body);
}

/// Writes a LOGINACK token that acknowledges TDS `version`, from a server of `server_version`.
pub fn login_ack(out: &mut BytesMut, version: u32, server_version: (u8, u8, u16)) {
    let mut body = BytesMut::new();
    body.put_u8(1);
    body.put_u32(version);
    put_b_varchar(&mut body, "Microsoft SQL Server");
    body.put_u8(server_version.0);
    body.put_u8(server_version.1);
    body.put_u16(server_version.2);
    put_counted(out, LOGIN_ACK, &body);
}

/// Answers the feature extensions that a client offered: of all of them only UTF-8 is taken up.
pub fn feature_ack(out: &mut BytesMut, offered: &[u8]) {
    out.put_u8(FEATURE_ACK);
    if offered.contains(&FEATURE_UTF8) {
        out.put_u8(FEATURE_UTF8);
        out.put_u32_le(1);
        out.put_u8(1);
    }
    out.put_u8(0xff);
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, empty for an expression without one
    pub name: String,
    /// Its type
    pub sql_type: SqlType,
}

impl Column {
    /// A column `name` of type `sql_type`.
    pub fn new(name: impl Into<String>, sql_type: SqlType) -> Self {
        Self { name: name.into(), sql_type }
    }
}

/// The type that a client of TDS `version` is shown: those of 2008 are text to an older one.
#[expect(clippy::wildcard_enum_match_arm, reason = "the types of 2008 are named")]
pub fn shown_type(sql_type: SqlType, version: u32) -> SqlType {
    match sql_type {
        SqlType::Date if version < VERSION_73 => SqlType::NVarChar(10),
        SqlType::Time(_) if version < VERSION_73 => SqlType::NVarChar(16),
        SqlType::DateTime2(_) if version < VERSION_73 => SqlType::NVarChar(27),
        SqlType::DateTimeOffset(_) if version < VERSION_73 => SqlType::NVarChar(34),
        other => other,
    }
}

/// Writes the description of a result's columns.
pub fn columns(out: &mut BytesMut, columns: &[Column], version: u32) {
    const NULLABLE: u16 = 1;
    out.put_u8(COLUMN_METADATA);
    out.put_u16_le(u16::try_from(columns.len()).unwrap_or(u16::MAX));
    for column in columns {
        out.put_u32_le(0);
        out.put_u16_le(NULLABLE);
        write_type(out, shown_type(column.sql_type, version));
        put_b_varchar(out, &column.name);
    }
}

/// Writes one row; nothing of it is written when a value does not fit.
///
/// # Errors
/// A value does not fit its column.
pub fn row(out: &mut BytesMut, columns: &[Column], values: &[Value], version: u32) -> Result<(), DoesNotFit> {
    let start = out.len();
    let with_nulls = version >= VERSION_73 && values.contains(&Value::Null);
    if with_nulls {
        out.put_u8(ROW_WITH_NULLS);
        for eight in values.chunks(8) {
            let bits = eight
                .iter()
                .enumerate()
                .fold(0u8, |bits, (index, value)| bits | (u8::from(*value == Value::Null) << index));
            out.put_u8(bits);
        }
    } else {
        out.put_u8(ROW);
    }
    for (column, value) in columns.iter().zip(values) {
        if with_nulls && *value == Value::Null {
            continue;
        }
        if let Err(error) = write_value(out, shown_type(column.sql_type, version), value) {
            out.truncate(start);
            return Err(error);
        }
    }
    Ok(())
}

/// Writes what a procedure returned.
pub fn return_status(out: &mut BytesMut, status: i32) {
    out.put_u8(RETURN_STATUS);
    out.put_i32_le(status);
}

/// Writes an output parameter, the `ordinal`-th of the call.
///
/// # Errors
/// The value does not fit the parameter's type.
pub fn return_value(
    out: &mut BytesMut,
    ordinal: u16,
    parameter: &Column,
    value: &Value,
) -> Result<(), DoesNotFit> {
    let mut body = BytesMut::new();
    body.put_u8(RETURN_VALUE);
    body.put_u16_le(ordinal);
    put_b_varchar(&mut body, &parameter.name);
    body.put_u8(1);
    body.put_u32_le(0);
    body.put_u16_le(0);
    write_type(&mut body, parameter.sql_type);
    write_value(&mut body, parameter.sql_type, value)?;
    out.put_slice(&body);
    Ok(())
}

/// Text after its length in characters in one byte; what is longer is cut.
fn put_b_varchar(out: &mut BytesMut, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(usize::from(u8::MAX)).collect();
    out.put_u8(units.len() as u8);
    units.into_iter().for_each(|unit| out.put_u16_le(unit));
}

/// Text after its length in characters in two bytes; what is longer than a message may be is cut.
fn put_us_varchar(out: &mut BytesMut, text: &str) {
    const LIMIT: usize = 4000;
    let units: Vec<u16> = text.encode_utf16().take(LIMIT).collect();
    out.put_u16_le(units.len() as u16);
    units.into_iter().for_each(|unit| out.put_u16_le(unit));
}

/// A token whose length in bytes stands before its contents, which the limits above keep below 64 KiB.
fn put_counted(out: &mut BytesMut, token: u8, body: &[u8]) {
    out.put_u8(token);
    out.put_u16_le(body.len() as u16);
    out.put_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tds::login::NEWEST_VERSION;

    #[test]
    fn an_attention_is_acknowledged_with_the_bytes_of_the_real_server() {
        let mut out = BytesMut::new();
        attention_acknowledged(&mut out);
        assert_eq!(&out[..], [0xfd, 0x20, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn an_error_token_has_number_state_class_text_server_and_line() {
        let mut out = BytesMut::new();
        let wrong = SqlError::new(3201, "Não").state(2);
        error(&mut out, &wrong, Origin { server: "L", line: 7 });
        let expected = [
            &[0xaa, 22, 0][..],
            &3201i32.to_le_bytes(),
            &[2, 16, 3, 0, b'N', 0, 0xe3, 0, b'o', 0],
            &[1, b'L', 0],
            &[0],
            &[7, 0, 0, 0],
        ]
        .concat();
        assert_eq!(&out[..], expected);
    }

    #[test]
    fn the_progress_of_a_backup_is_followed_by_more() {
        let mut out = BytesMut::new();
        done(&mut out, Done { kind: DoneKind::Statement, status: status::MORE, command: 228, rows: 0 });
        assert_eq!(&out[..5], [0xfd, 1, 0, 228, 0]);
    }

    #[test]
    fn a_row_with_nulls_has_a_bitmap_and_an_older_client_gets_none() {
        let columns = [Column::new("a", SqlType::Int), Column::new("b", SqlType::Int)];
        let values = [Value::Null, Value::Int(1)];
        let mut out = BytesMut::new();
        row(&mut out, &columns, &values, NEWEST_VERSION).unwrap();
        assert_eq!(&out[..], [0xd2, 0b01, 4, 1, 0, 0, 0]);
        out.clear();
        row(&mut out, &columns, &values, 0x7209_0002).unwrap();
        assert_eq!(&out[..], [0xd1, 0, 4, 1, 0, 0, 0]);
    }

    #[test]
    fn a_row_that_does_not_fit_leaves_nothing_behind() {
        let columns = [Column::new("a", SqlType::Int), Column::new("b", SqlType::TinyInt)];
        let mut out = BytesMut::from(&b"x"[..]);
        assert!(row(&mut out, &columns, &[Value::Int(1), Value::Int(300)], NEWEST_VERSION).is_err());
        assert_eq!(&out[..], b"x");
    }

    #[test]
    fn a_name_longer_than_its_length_byte_is_cut() {
        let mut out = BytesMut::new();
        put_b_varchar(&mut out, &"n".repeat(300));
        assert_eq!(out.len(), 1 + 255 * 2);
    }
}
