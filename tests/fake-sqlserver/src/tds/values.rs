//! Values on the way to the client; [`super::parameters`] reads those that it sends.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the pairs of types that convert are named, and every other is one of the server's errors"
)]

use bytes::{BufMut, BytesMut};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use super::types::{COLLATION, decimal_bytes, token};
use crate::value::{MAX, SqlType, Value};

pub(super) const NULL_SHORT: u16 = 0xffff;
pub(super) const NULL_CHUNKED: u64 = u64::MAX;
/// `datetime` counts three-hundredths of a second.
pub(super) const TICKS_PER_SECOND: i64 = 300;
const TICKS_PER_DAY: i64 = 24 * 60 * 60 * TICKS_PER_SECOND;

/// The day from which `datetime` counts.
pub(super) fn day_1900() -> NaiveDate {
    NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default()
}

/// The day from which `date` and its like count.
pub(super) fn day_1() -> NaiveDate {
    NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()
}

/// Why a value cannot be written as the type of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value does not fit its column's type")]
pub struct DoesNotFit;

/// Writes `value` as the nullable `sql_type`.
///
/// # Errors
/// The value is of another kind, or too large.
pub fn write_value(out: &mut BytesMut, sql_type: SqlType, value: &Value) -> Result<(), DoesNotFit> {
    match sql_type {
        SqlType::NVarChar(MAX) | SqlType::VarChar(MAX) | SqlType::VarBinary(MAX) => {
            write_chunked(out, content(sql_type, value)?.as_deref());
        }
        SqlType::NChar(_)
        | SqlType::NVarChar(_)
        | SqlType::Char(_)
        | SqlType::VarChar(_)
        | SqlType::Binary(_)
        | SqlType::VarBinary(_) => match content(sql_type, value)? {
            None => out.put_u16_le(NULL_SHORT),
            Some(bytes) => {
                let bytes = padded(sql_type, bytes);
                out.put_u16_le(u16::try_from(bytes.len()).map_err(|_| DoesNotFit)?);
                out.put_slice(&bytes);
            }
        },
        SqlType::Variant => write_variant(out, value)?,
        SqlType::Bit
        | SqlType::TinyInt
        | SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Real
        | SqlType::Float
        | SqlType::Decimal(..)
        | SqlType::Money
        | SqlType::Date
        | SqlType::Time(_)
        | SqlType::SmallDateTime
        | SqlType::DateTime
        | SqlType::DateTime2(_)
        | SqlType::DateTimeOffset(_)
        | SqlType::Guid => match content(sql_type, value)? {
            None => out.put_u8(0),
            Some(bytes) => {
                out.put_u8(u8::try_from(bytes.len()).map_err(|_| DoesNotFit)?);
                out.put_slice(&bytes);
            }
        },
    }
    Ok(())
}

/// Types of a fixed length are filled up: characters with blanks, bytes with zeroes.
fn padded(sql_type: SqlType, mut bytes: Vec<u8>) -> Vec<u8> {
    match sql_type {
        SqlType::NChar(length) => {
            while bytes.len() < usize::from(length) * 2 {
                bytes.extend_from_slice(&[b' ', 0]);
            }
        }
        SqlType::Char(length) if bytes.len() < length.into() => bytes.resize(length.into(), b' '),
        SqlType::Binary(length) if bytes.len() < length.into() => bytes.resize(length.into(), 0),
        _ => {}
    }
    bytes
}

fn write_chunked(out: &mut BytesMut, content: Option<&[u8]>) {
    let Some(bytes) = content else {
        out.put_u64_le(NULL_CHUNKED);
        return;
    };
    out.put_u64_le(bytes.len() as u64);
    for chunk in bytes.chunks(1 << 20) {
        out.put_u32_le(chunk.len() as u32);
        out.put_slice(chunk);
    }
    out.put_u32_le(0);
}

fn write_variant(out: &mut BytesMut, value: &Value) -> Result<(), DoesNotFit> {
    let (base, properties): (u8, Vec<u8>) = match value {
        Value::Null => {
            out.put_u32_le(0);
            return Ok(());
        }
        Value::Int(number) if i32::try_from(*number).is_ok() => (token::INT4, vec![]),
        Value::Int(_) => (token::INT8, vec![]),
        Value::Float(_) => (token::FLT8, vec![]),
        Value::DateTime(_) => (token::DATETIME, vec![]),
        Value::Guid(_) => (token::GUID, vec![]),
        Value::Bytes(_) => (token::BIGVARBINARY, 8000u16.to_le_bytes().to_vec()),
        Value::Text(_) | Value::Decimal(..) | Value::Date(_) | Value::Time(_) | Value::DateTimeOffset(_) => {
            (token::NVARCHAR, [&COLLATION[..], &8000u16.to_le_bytes()[..]].concat())
        }
    };
    let sql_type = match base {
        token::INT4 => SqlType::Int,
        token::INT8 => SqlType::BigInt,
        token::FLT8 => SqlType::Float,
        token::DATETIME => SqlType::DateTime,
        token::GUID => SqlType::Guid,
        token::BIGVARBINARY => SqlType::VarBinary(8000),
        _ => SqlType::NVarChar(4000),
    };
    let content = content(sql_type, value)?.ok_or(DoesNotFit)?;
    out.put_u32_le(u32::try_from(2 + properties.len() + content.len()).map_err(|_| DoesNotFit)?);
    out.put_u8(base);
    out.put_u8(u8::try_from(properties.len()).map_err(|_| DoesNotFit)?);
    out.put_slice(&properties);
    out.put_slice(&content);
    Ok(())
}

/// The bytes of the value without any length; `None` for null.
fn content(sql_type: SqlType, value: &Value) -> Result<Option<Vec<u8>>, DoesNotFit> {
    if *value == Value::Null {
        return Ok(None);
    }
    let bytes = match (sql_type, value) {
        (SqlType::Bit, Value::Int(number)) => vec![u8::from(*number != 0)],
        (SqlType::TinyInt, Value::Int(number)) => fit::<u8>(*number)?.to_le_bytes().to_vec(),
        (SqlType::SmallInt, Value::Int(number)) => fit::<i16>(*number)?.to_le_bytes().to_vec(),
        (SqlType::Int, Value::Int(number)) => fit::<i32>(*number)?.to_le_bytes().to_vec(),
        (SqlType::BigInt, Value::Int(number)) => number.to_le_bytes().to_vec(),
        (SqlType::Real, value) => (number(value)? as f32).to_le_bytes().to_vec(),
        (SqlType::Float, value) => number(value)?.to_le_bytes().to_vec(),
        (SqlType::Decimal(precision, scale), value) => decimal(precision, scaled(value, scale)?)?,
        (SqlType::Money, value) => {
            let amount = i64::try_from(scaled(value, 4)?).map_err(|_| DoesNotFit)?;
            let [a, b, c, d, e, f, g, h] = amount.to_le_bytes();
            // The high half comes first.
            vec![e, f, g, h, a, b, c, d]
        }
        (SqlType::Date, Value::Date(date)) => days(*date)?.to_vec(),
        (SqlType::Date, Value::DateTime(moment)) => days(moment.date())?.to_vec(),
        (SqlType::Time(scale), Value::Time(time)) => time_of_day(*time, scale),
        (SqlType::Time(scale), Value::DateTime(moment)) => time_of_day(moment.time(), scale),
        (SqlType::SmallDateTime, Value::DateTime(moment)) => small_datetime(*moment)?,
        (SqlType::SmallDateTime, Value::Date(date)) => small_datetime(date.and_time(NaiveTime::MIN))?,
        (SqlType::DateTime, Value::DateTime(moment)) => datetime(*moment)?,
        (SqlType::DateTime, Value::Date(date)) => datetime(date.and_time(NaiveTime::MIN))?,
        (SqlType::DateTime2(scale), Value::DateTime(moment)) => datetime2(*moment, scale)?,
        (SqlType::DateTime2(scale), Value::Date(date)) => datetime2(date.and_time(NaiveTime::MIN), scale)?,
        (SqlType::DateTimeOffset(scale), Value::DateTimeOffset(moment)) => {
            let mut bytes = datetime2(moment.naive_utc(), scale)?;
            let minutes = i16::try_from(moment.offset().local_minus_utc() / 60).map_err(|_| DoesNotFit)?;
            bytes.extend_from_slice(&minutes.to_le_bytes());
            bytes
        }
        (SqlType::Guid, Value::Guid(guid)) => guid.to_bytes_le().to_vec(),
        (SqlType::NChar(_) | SqlType::NVarChar(_), value) => {
            let text = value.to_text().ok_or(DoesNotFit)?;
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        }
        (SqlType::Char(_) | SqlType::VarChar(_), value) => {
            // Code page 1252 agrees with Latin 1 wherever the texts of a shop are concerned.
            let text = value.to_text().ok_or(DoesNotFit)?;
            text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
        }
        (SqlType::Binary(_) | SqlType::VarBinary(_), Value::Bytes(bytes)) => bytes.clone(),
        _ => return Err(DoesNotFit),
    };
    Ok(Some(bytes))
}

fn fit<T: TryFrom<i64>>(number: i64) -> Result<T, DoesNotFit> {
    T::try_from(number).map_err(|_| DoesNotFit)
}

fn number(value: &Value) -> Result<f64, DoesNotFit> {
    match value {
        Value::Int(number) => Ok(*number as f64),
        Value::Float(number) => Ok(*number),
        Value::Decimal(digits, scale) => Ok(*digits as f64 / 10f64.powi(i32::from(*scale))),
        Value::Null
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::DateTimeOffset(_)
        | Value::Guid(_) => Err(DoesNotFit),
    }
}

/// The digits of `value` with `scale` of them after the point.
fn scaled(value: &Value, scale: u8) -> Result<i128, DoesNotFit> {
    let power = |places: u8| 10i128.checked_pow(u32::from(places)).ok_or(DoesNotFit);
    match value {
        Value::Int(number) => i128::from(*number).checked_mul(power(scale)?).ok_or(DoesNotFit),
        Value::Float(number) => {
            let digits = (number * 10f64.powi(i32::from(scale))).round();
            if digits.abs() < 1e38 { Ok(digits as i128) } else { Err(DoesNotFit) }
        }
        Value::Decimal(digits, own) if *own <= scale => {
            digits.checked_mul(power(scale - own)?).ok_or(DoesNotFit)
        }
        Value::Decimal(digits, own) => {
            let divisor = power(own - scale)?;
            let half = divisor / 2 * digits.signum();
            Ok((digits + half) / divisor)
        }
        Value::Null
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::DateTimeOffset(_)
        | Value::Guid(_) => Err(DoesNotFit),
    }
}

fn decimal(precision: u8, digits: i128) -> Result<Vec<u8>, DoesNotFit> {
    let limit = 10u128.checked_pow(u32::from(precision)).ok_or(DoesNotFit)?;
    if digits.unsigned_abs() >= limit {
        return Err(DoesNotFit);
    }
    let magnitude = usize::from(decimal_bytes(precision)) - 1;
    let mut bytes = vec![u8::from(digits >= 0)];
    bytes.extend_from_slice(&digits.unsigned_abs().to_le_bytes()[..magnitude]);
    Ok(bytes)
}

fn days(date: NaiveDate) -> Result<[u8; 3], DoesNotFit> {
    let days = u32::try_from(date.signed_duration_since(day_1()).num_days()).map_err(|_| DoesNotFit)?;
    match days.to_le_bytes() {
        [a, b, c, 0] => Ok([a, b, c]),
        _ => Err(DoesNotFit),
    }
}

fn time_of_day(time: NaiveTime, scale: u8) -> Vec<u8> {
    let nanoseconds = u64::from(time.num_seconds_from_midnight()) * 1_000_000_000
        + u64::from(time.nanosecond().min(999_999_999));
    let units = nanoseconds / 10u64.pow(9 - u32::from(scale.min(7)));
    units.to_le_bytes()[..time_bytes(scale)].to_vec()
}

pub(super) fn time_bytes(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

fn datetime(moment: NaiveDateTime) -> Result<Vec<u8>, DoesNotFit> {
    let since = moment.signed_duration_since(day_1900().and_time(NaiveTime::MIN));
    let milliseconds = since.num_milliseconds();
    let ticks = (milliseconds * TICKS_PER_SECOND + 500).div_euclid(1000);
    let days = i32::try_from(ticks.div_euclid(TICKS_PER_DAY)).map_err(|_| DoesNotFit)?;
    let ticks = u32::try_from(ticks.rem_euclid(TICKS_PER_DAY)).map_err(|_| DoesNotFit)?;
    Ok([days.to_le_bytes(), ticks.to_le_bytes()].concat())
}

fn small_datetime(moment: NaiveDateTime) -> Result<Vec<u8>, DoesNotFit> {
    let since = moment.signed_duration_since(day_1900().and_time(NaiveTime::MIN)) + TimeDelta::seconds(30);
    let days = u16::try_from(since.num_minutes().div_euclid(24 * 60)).map_err(|_| DoesNotFit)?;
    let minutes = u16::try_from(since.num_minutes().rem_euclid(24 * 60)).map_err(|_| DoesNotFit)?;
    Ok([days.to_le_bytes(), minutes.to_le_bytes()].concat())
}

fn datetime2(moment: NaiveDateTime, scale: u8) -> Result<Vec<u8>, DoesNotFit> {
    let mut bytes = time_of_day(moment.time(), scale);
    bytes.extend_from_slice(&days(moment.date())?);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_an_error() {
        let mut out = BytesMut::new();
        assert!(write_value(&mut out, SqlType::TinyInt, &Value::Int(256)).is_err());
        assert!(write_value(&mut out, SqlType::Decimal(3, 0), &Value::Int(1000)).is_err());
        assert!(write_value(&mut out, SqlType::Int, &Value::from("x")).is_err());
        assert!(
            write_value(&mut out, SqlType::SmallDateTime, &Value::DateTime(NaiveDate::MIN.into())).is_err()
        );
    }
}
