//! Batches, procedure calls and transaction requests.

use super::parameters::read_value;
use super::reader::{Malformed, Reader, utf16};
use super::types::{WireType, read_type};

use crate::value::{SqlType, Value};

const NAMED_BY_NUMBER: u16 = 0xffff;
const NEXT_CALL: u8 = 0xff;
const NEXT_CALL_NOT_EXECUTED: u8 = 0xfe;
const BY_REFERENCE: u8 = 0x01;

/// The text of a batch.
///
/// # Errors
/// Headers that lead out of the message, text that is no UTF-16.
pub fn parse_batch(body: &[u8]) -> Result<String, Malformed> {
    let mut reader = Reader::new(body);
    skip_headers(&mut reader)?;
    utf16(reader.rest())
}

/// ALL_HEADERS: transaction and tracing, of no use here.
fn skip_headers(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    let total = usize::try_from(reader.u32()?).map_err(|_| Malformed("headers are too long"))?;
    reader.take(total.checked_sub(4).ok_or(Malformed("headers are too short"))?)?;
    Ok(())
}

/// The procedure that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Procedure {
    /// By name
    Named(String),
    /// By the number of a well-known one
    Known(WellKnown),
}

/// Procedures that have numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WellKnown {
    /// `sp_executesql`
    ExecuteSql,
    /// `sp_prepare`
    Prepare,
    /// `sp_execute`
    Execute,
    /// `sp_prepexec`
    PrepExec,
    /// `sp_unprepare`
    Unprepare,
    /// A cursor's, which are not served
    Cursor(u16),
}

impl WellKnown {
    fn from_wire(number: u16) -> Result<Self, Malformed> {
        Ok(match number {
            10 => Self::ExecuteSql,
            11 => Self::Prepare,
            12 => Self::Execute,
            13 => Self::PrepExec,
            15 => Self::Unprepare,
            1..=9 | 14 => Self::Cursor(number),
            _ => return Err(Malformed("no procedure has this number")),
        })
    }
}

/// One parameter of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// With its `@`, or empty
    pub name: String,
    /// The type it was sent as
    pub sql_type: SqlType,
    /// Its value
    pub value: Value,
    /// The caller wants it back
    pub output: bool,
}

/// One procedure call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What is called
    pub procedure: Procedure,
    /// With what
    pub parameters: Vec<Parameter>,
}

/// The calls of an RPC message.
///
/// # Errors
/// Lengths that lead out of the message, types that cannot be parameters here.
pub fn parse_calls(body: &[u8]) -> Result<Vec<Call>, Malformed> {
    let mut reader = Reader::new(body);
    skip_headers(&mut reader)?;
    let mut calls = Vec::new();
    while !reader.is_empty() {
        calls.push(parse_call(&mut reader)?);
    }
    Ok(calls)
}

fn parse_call(reader: &mut Reader<'_>) -> Result<Call, Malformed> {
    let procedure = match reader.u16()? {
        NAMED_BY_NUMBER => Procedure::Known(WellKnown::from_wire(reader.u16()?)?),
        characters => Procedure::Named(utf16(reader.take(usize::from(characters) * 2)?)?),
    };
    let _options = reader.u16()?;
    let mut parameters = Vec::new();
    while let Some(byte) = reader.peek() {
        if matches!(byte, NEXT_CALL | NEXT_CALL_NOT_EXECUTED) {
            reader.u8()?;
            break;
        }
        parameters.push(parse_parameter(reader)?);
    }
    Ok(Call { procedure, parameters })
}

fn parse_parameter(reader: &mut Reader<'_>) -> Result<Parameter, Malformed> {
    let name = reader.b_varchar()?;
    let output = reader.u8()? & BY_REFERENCE != 0;
    let wire: WireType = read_type(reader)?;
    let value = read_value(reader, wire)?;
    Ok(Parameter { name, sql_type: wire.sql_type, value, output })
}

/// What a transaction manager request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionRequest {
    /// Begin one
    Begin,
    /// Commit it, and begin the next if `begin`
    Commit {
        /// Begin the next
        begin: bool,
    },
    /// Roll it back, and begin the next if `begin`
    Rollback {
        /// Begin the next
        begin: bool,
    },
    /// Set a savepoint
    Save,
}

/// Reads a transaction manager request.
///
/// # Errors
/// A message too short, or a request for a distributed transaction.
pub fn parse_transaction(body: &[u8]) -> Result<TransactionRequest, Malformed> {
    let mut reader = Reader::new(body);
    skip_headers(&mut reader)?;
    let request = reader.u16()?;
    let mut begin_next = || -> Result<bool, Malformed> {
        let _name = reader.b_varchar()?;
        Ok(reader.u8()? & 1 != 0)
    };
    Ok(match request {
        5 => TransactionRequest::Begin,
        7 => TransactionRequest::Commit { begin: begin_next()? },
        8 => TransactionRequest::Rollback { begin: begin_next()? },
        9 => TransactionRequest::Save,
        _ => return Err(Malformed("no such transaction request")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> Vec<u8> {
        let mut bytes = vec![22, 0, 0, 0, 18, 0, 0, 0, 2, 0];
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&[1, 0, 0, 0]);
        bytes
    }

    fn utf16_bytes(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_batch_is_the_text_after_its_headers() {
        let body = [headers(), utf16_bytes("SELECT 1 -- ção")].concat();
        assert_eq!(parse_batch(&body).as_deref(), Ok("SELECT 1 -- ção"));
        assert!(parse_batch(&[3, 0, 0, 0]).is_err());
        assert!(parse_batch(&[200, 0, 0, 0]).is_err());
    }

    #[test]
    fn a_call_of_sp_executesql_has_its_parameters() {
        let mut body = headers();
        body.extend_from_slice(&[0xff, 0xff, 10, 0, 0, 0]);
        body.extend_from_slice(&[2]);
        body.extend(utf16_bytes("@P"));
        body.extend_from_slice(&[1, 0x26, 4, 4, 42, 0, 0, 0]);
        let calls = parse_calls(&body).unwrap();
        assert_eq!(calls[0].procedure, Procedure::Known(WellKnown::ExecuteSql));
        let expected =
            Parameter { name: "@P".to_owned(), sql_type: SqlType::Int, value: Value::Int(42), output: true };
        assert_eq!(calls[0].parameters, [expected]);
        for length in 0..body.len() {
            // A cut call must be an error or fewer parameters, never a panic.
            let _ = parse_calls(&body[..length]);
        }
    }

    #[test]
    fn several_calls_may_share_a_message() {
        let mut body = headers();
        body.extend_from_slice(&[1, 0]);
        body.extend(utf16_bytes("a"));
        body.extend_from_slice(&[0, 0, 0xff, 1, 0]);
        body.extend(utf16_bytes("b"));
        body.extend_from_slice(&[0, 0]);
        assert_eq!(parse_calls(&body).unwrap().len(), 2);
    }

    #[test]
    fn a_transaction_request_is_told() {
        let commit = [headers(), vec![7, 0, 0, 1]].concat();
        assert_eq!(parse_transaction(&commit), Ok(TransactionRequest::Commit { begin: true }));
        assert!(parse_transaction(&[headers(), vec![6, 0]].concat()).is_err());
    }
}
