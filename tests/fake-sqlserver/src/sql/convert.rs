//! CAST and CONVERT.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the pairs of types that convert are named, and every other is one of the server's errors"
)]

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use uuid::Uuid;

use super::storage::parse_decimal;
use crate::error::{Result, SqlError};
use crate::value::{MAX, SqlType, Value};

const DATES: [&str; 3] = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d"];
const TIMES: [&str; 3] = ["%H:%M:%S%.f", "%H:%M:%S", "%H:%M"];

fn no_moment() -> SqlError {
    SqlError::new(241, "Conversion failed when converting date and/or time from character string.")
}

/// `text` as a moment; a date alone is its midnight.
///
/// # Errors
/// 241: it is none.
pub fn parse_moment(text: &str) -> Result<NaiveDateTime> {
    let text = text.trim().trim_end_matches('Z');
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    let date = parse_date(date)?;
    let time = if time.trim().is_empty() { NaiveTime::MIN } else { parse_time(time)? };
    Ok(date.and_time(time))
}

/// `text` as a date; a time after it is left out.
///
/// # Errors
/// 241: it is none.
pub fn parse_date(text: &str) -> Result<NaiveDate> {
    let date = text.trim().split(['T', ' ']).next().unwrap_or_default();
    DATES.iter().find_map(|format| NaiveDate::parse_from_str(date, format).ok()).ok_or_else(no_moment)
}

/// `text` as a time of day; a date before it is left out.
///
/// # Errors
/// 241: it is none.
pub fn parse_time(text: &str) -> Result<NaiveTime> {
    let time = text.trim().rsplit(['T', ' ']).next().unwrap_or_default();
    TIMES.iter().find_map(|format| NaiveTime::parse_from_str(time, format).ok()).ok_or_else(no_moment)
}

/// `text` as a moment with its offset from UTC, `2026-11-22 09:15:30.25 -03:00`; UTC without one.
///
/// # Errors
/// 241: it is none.
pub fn parse_offset_moment(text: &str) -> Result<DateTime<FixedOffset>> {
    let text = text.trim();
    let offset_at = text.rfind(['+', '-']).filter(|at| *at > 10);
    let (moment, offset) = text.split_at(offset_at.unwrap_or(text.len()));
    let offset: FixedOffset =
        if offset.is_empty() { "+00:00" } else { offset }.parse().map_err(|_| no_moment())?;
    parse_moment(moment)?.and_local_timezone(offset).single().ok_or_else(no_moment)
}

/// `value` as `target`, as CONVERT does it with `style`.
///
/// # Errors
/// 245, 241, 220, 8114, 8115, 8169, 529: what the real server says to such a value.
pub fn convert(value: Value, from: SqlType, target: SqlType, style: i64) -> Result<Value> {
    if value == Value::Null || target == SqlType::Variant {
        return Ok(value);
    }
    match target {
        SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            to_integer(&value, from, target)
        }
        SqlType::Real | SqlType::Float => to_float(&value, from, target),
        SqlType::Decimal(precision, scale) => to_decimal(&value, from, precision, scale),
        SqlType::Money => to_decimal(&value, from, 19, 4),
        SqlType::Date => to_moment(&value, from, target).map(|moment| Value::Date(moment.date())),
        SqlType::Time(_) => match &value {
            Value::Text(text) => parse_time(text).map(Value::Time),
            _ => to_moment(&value, from, target).map(|moment| Value::Time(moment.time())),
        },
        SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2(_) => {
            to_moment(&value, from, target).map(Value::DateTime)
        }
        SqlType::DateTimeOffset(_) => match &value {
            Value::DateTimeOffset(moment) => Ok(Value::DateTimeOffset(*moment)),
            Value::Text(text) => parse_offset_moment(text).map(Value::DateTimeOffset),
            _ => to_moment(&value, from, target)
                .map(|moment| Value::DateTimeOffset(moment.and_utc().fixed_offset())),
        },
        SqlType::NChar(length)
        | SqlType::NVarChar(length)
        | SqlType::Char(length)
        | SqlType::VarChar(length) => to_text(&value, from, target, length, style),
        SqlType::Binary(length) | SqlType::VarBinary(length) => to_bytes(&value, from, target, length),
        SqlType::Guid => match &value {
            Value::Guid(_) => Ok(value),
            Value::Text(text) => Uuid::parse_str(text.trim()).map(Value::Guid).map_err(|_| {
                SqlError::new(
                    8169,
                    "Conversion failed when converting from a character string to uniqueidentifier.",
                )
                .state(2)
            }),
            _ => Err(not_allowed(from, target)),
        },
        SqlType::Variant => Ok(value),
    }
}

fn not_allowed(from: SqlType, to: SqlType) -> SqlError {
    let (from, to) = (from.name(), to.name());
    SqlError::new(529, format!("Explicit conversion from data type {from} to {to} is not allowed."))
}

fn overflow(from: SqlType, to: SqlType) -> SqlError {
    let (from, to) = (from.name(), to.name());
    SqlError::new(8115, format!("Arithmetic overflow error converting {from} to data type {to}.")).state(2)
}

fn to_integer(value: &Value, from: SqlType, target: SqlType) -> Result<Value> {
    let number = match value {
        Value::Int(number) => *number,
        Value::Float(number) if number.abs() < 9.2e18 => number.trunc() as i64,
        Value::Float(_) => return Err(overflow(from, target)),
        Value::Decimal(digits, scale) => {
            i64::try_from(digits / 10i128.pow((*scale).into())).map_err(|_| overflow(from, target))?
        }
        Value::Text(text) if text.trim().is_empty() => 0,
        Value::Text(text) => text.trim().parse().map_err(|_| {
            let (from, to) = (from.name(), target.name());
            SqlError::new(
                245,
                format!("Conversion failed when converting the {from} value '{text}' to data type {to}."),
            )
        })?,
        Value::Bytes(bytes) => {
            bytes.iter().rev().take(8).rev().fold(0i64, |number, byte| (number << 8) | i64::from(*byte))
        }
        Value::Null | Value::Date(_) | Value::Time(_) | Value::DateTimeOffset(_) | Value::Guid(_) => {
            return Err(not_allowed(from, target));
        }
        Value::DateTime(moment) => days_since_1900(*moment).floor() as i64,
    };
    let fits = match target {
        SqlType::Bit => return Ok(Value::Int(i64::from(number != 0))),
        SqlType::TinyInt => u8::try_from(number).is_ok(),
        SqlType::SmallInt => i16::try_from(number).is_ok(),
        SqlType::Int => i32::try_from(number).is_ok(),
        _ => true,
    };
    if fits { Ok(Value::Int(number)) } else { Err(overflow(from, target)) }
}

fn midnight_1900() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN)
}

fn days_since_1900(moment: NaiveDateTime) -> f64 {
    moment.signed_duration_since(midnight_1900()).num_milliseconds() as f64 / 86_400_000.0
}

fn to_float(value: &Value, from: SqlType, target: SqlType) -> Result<Value> {
    Ok(Value::Float(match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Decimal(digits, scale) => *digits as f64 / 10f64.powi((*scale).into()),
        Value::Text(text) => text.trim().parse().map_err(|_| {
            SqlError::new(8114, format!("Error converting data type {} to {}.", from.name(), target.name()))
                .state(5)
        })?,
        Value::DateTime(moment) => days_since_1900(*moment),
        _ => return Err(not_allowed(from, target)),
    }))
}

fn to_decimal(value: &Value, from: SqlType, precision: u8, scale: u8) -> Result<Value> {
    let target = SqlType::Decimal(precision, scale);
    let decimal = match value {
        Value::Int(number) => Value::Decimal(i128::from(*number) * 10i128.pow(scale.into()), scale),
        Value::Float(number) => {
            let digits = (number * 10f64.powi(scale.into())).round();
            if digits.abs() >= 1e38 {
                return Err(overflow(from, target));
            }
            Value::Decimal(digits as i128, scale)
        }
        Value::Decimal(digits, own) => parse_decimal(&crate::value::decimal_text(*digits, *own), scale)?,
        Value::Text(text) => parse_decimal(text, scale)?,
        _ => return Err(not_allowed(from, target)),
    };
    match &decimal {
        Value::Decimal(digits, _) if digits.unsigned_abs() >= 10u128.pow(precision.into()) => {
            Err(overflow(from, target))
        }
        _ => Ok(decimal),
    }
}

fn to_moment(value: &Value, from: SqlType, target: SqlType) -> Result<NaiveDateTime> {
    match value {
        Value::DateTime(moment) => Ok(*moment),
        Value::Date(date) => Ok(date.and_time(NaiveTime::MIN)),
        Value::Time(time) => Ok(midnight_1900().date().and_time(*time)),
        Value::DateTimeOffset(moment) => Ok(moment.naive_local()),
        Value::Text(text) => parse_moment(text),
        Value::Int(days) if matches!(target, SqlType::DateTime | SqlType::SmallDateTime) => {
            chrono::TimeDelta::try_days(*days)
                .and_then(|days| midnight_1900().checked_add_signed(days))
                .ok_or_else(|| overflow(from, target))
        }
        _ => Err(not_allowed(from, target)),
    }
}

fn to_text(value: &Value, from: SqlType, target: SqlType, length: u16, style: i64) -> Result<Value> {
    let text = match value {
        Value::DateTime(moment) => moment.format(moment_format(style)).to_string(),
        Value::Date(date) if style == 0 || style == 121 => date.format("%Y-%m-%d").to_string(),
        Value::Date(date) => date.and_time(NaiveTime::MIN).format(moment_format(style)).to_string(),
        Value::Bytes(bytes) if style == 1 => format!("0x{}", hexadecimal(bytes)),
        Value::Bytes(bytes) if style == 2 => hexadecimal(bytes),
        other => other.to_text().unwrap_or_default(),
    };
    let characters = text.chars().count();
    if length == MAX || characters <= length.into() {
        return Ok(Value::Text(text));
    }
    if matches!(value, Value::Int(_) | Value::Decimal(..) | Value::Float(_)) {
        return if matches!(target, SqlType::Char(_) | SqlType::VarChar(_)) && matches!(value, Value::Int(_)) {
            Ok(Value::from("*"))
        } else {
            Err(overflow(from, target))
        };
    }
    Ok(Value::Text(text.chars().take(length.into()).collect()))
}

/// The format that goes with a style of CONVERT; unknown ones are the default's.
fn moment_format(style: i64) -> &'static str {
    match style {
        23 => "%Y-%m-%d",
        20 | 120 => "%Y-%m-%d %H:%M:%S",
        21 | 25 | 121 => "%Y-%m-%d %H:%M:%S%.3f",
        126 | 127 => "%Y-%m-%dT%H:%M:%S%.3f",
        103 => "%d/%m/%Y",
        104 => "%d.%m.%Y",
        101 => "%m/%d/%Y",
        108 | 8 => "%H:%M:%S",
        112 => "%Y%m%d",
        _ => "%b %e %Y %l:%M%p",
    }
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn to_bytes(value: &Value, from: SqlType, target: SqlType, length: u16) -> Result<Value> {
    let mut bytes = match value {
        Value::Bytes(bytes) => bytes.clone(),
        Value::Text(text) if matches!(from, SqlType::NChar(_) | SqlType::NVarChar(_)) => {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        }
        Value::Text(text) => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
        Value::Int(number) if from == SqlType::BigInt => number.to_be_bytes().to_vec(),
        Value::Int(number) => (*number as i32).to_be_bytes().to_vec(),
        Value::Guid(guid) => guid.to_bytes_le().to_vec(),
        _ => return Err(not_allowed(from, target)),
    };
    if length != MAX {
        bytes.truncate(length.into());
    }
    Ok(Value::Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str, target: SqlType) -> Result<Value> {
        convert(Value::from(text), SqlType::NVarChar(50), target, 0)
    }

    #[test]
    fn text_becomes_what_it_says_or_an_error_with_the_servers_number() {
        assert_eq!(converted(" 42 ", SqlType::Int), Ok(Value::Int(42)));
        assert_eq!(converted("12.345", SqlType::Decimal(10, 2)), Ok(Value::Decimal(1235, 2)));
        assert_eq!(converted("quatro", SqlType::Int).unwrap_err().number, 245);
        assert_eq!(converted("300", SqlType::TinyInt).unwrap_err().number, 8115);
        assert_eq!(converted("ontem", SqlType::DateTime).unwrap_err().number, 241);
        assert_eq!(converted("x", SqlType::Guid).unwrap_err().number, 8169);
    }

    #[test]
    fn moments_are_read_in_the_forms_that_people_write() {
        let expected = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        for text in
            ["2026-11-22", "20261122", "2026-11-22T00:00:00", "2026-11-22 00:00", "20261122 00:00:00.000"]
        {
            assert_eq!(parse_moment(text).unwrap(), expected.and_time(NaiveTime::MIN), "{text}");
        }
        let moment = parse_offset_moment("2026-11-22 09:15:30.2500000 -03:00").unwrap();
        assert_eq!(moment.offset().local_minus_utc(), -3 * 3600);
    }

    #[test]
    fn text_is_cut_to_its_length_and_numbers_are_not() {
        assert_eq!(converted("abcdef", SqlType::VarChar(3)), Ok(Value::from("abc")));
        let number = |target| convert(Value::Int(12345), SqlType::Int, target, 0);
        assert_eq!(number(SqlType::VarChar(3)), Ok(Value::from("*")));
        assert_eq!(number(SqlType::NVarChar(3)).unwrap_err().number, 8115);
    }

    #[test]
    fn styles_of_dates_are_the_known_ones() {
        let moment = Value::DateTime(parse_moment("2026-11-02 09:05:30.25").unwrap());
        let styled = |style| convert(moment.clone(), SqlType::DateTime, SqlType::VarChar(30), style).unwrap();
        assert_eq!(styled(120), Value::from("2026-11-02 09:05:30"));
        assert_eq!(styled(121), Value::from("2026-11-02 09:05:30.250"));
        assert_eq!(styled(103), Value::from("02/11/2026"));
        assert_eq!(styled(112), Value::from("20261102"));
        assert_eq!(styled(0), Value::from("Nov  2 2026  9:05AM"));
    }
}
