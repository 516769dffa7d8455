//! How values stand in SQLite, which knows only integers, floats, text and bytes.
//!
//! Moments are text in an order that is also that of time: `2026-11-22 09:15:30.250`. Decimals are numbers as long as a
//! float holds them exactly, and text beyond. Identifiers are text in upper case.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the types that are stored in a form of their own are named"
)]

use rusqlite::types::{Value as Stored, ValueRef};
use uuid::Uuid;

use super::convert::{parse_date, parse_moment, parse_offset_moment, parse_time};
use crate::error::{Result, SqlError};
use crate::value::{SqlType, Value, decimal_text};

/// Whole numbers up to here are exact in a float.
const EXACT_IN_FLOAT: u128 = 1 << 53;

/// `value` as it is stored in a column of type `sql_type`.
pub fn store(value: &Value, sql_type: SqlType) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Int(number) => Stored::Integer(*number),
        Value::Float(number) => Stored::Real(*number),
        Value::Decimal(digits, 0) if i64::try_from(*digits).is_ok() => Stored::Integer(*digits as i64),
        Value::Decimal(digits, scale) if digits.unsigned_abs() <= EXACT_IN_FLOAT => {
            Stored::Real(*digits as f64 / 10f64.powi(i32::from(*scale)))
        }
        Value::Decimal(digits, scale) => Stored::Text(decimal_text(*digits, *scale)),
        Value::Text(text) => Stored::Text(text.clone()),
        Value::Bytes(bytes) => Stored::Blob(bytes.clone()),
        Value::Date(date) if sql_type == SqlType::Date => Stored::Text(date.format("%Y-%m-%d").to_string()),
        Value::Date(date) => store(&Value::DateTime(date.and_time(chrono::NaiveTime::MIN)), sql_type),
        Value::Time(time) => Stored::Text(time_of_day(*time)),
        Value::DateTime(moment) => Stored::Text(match sql_type {
            SqlType::Date => moment.format("%Y-%m-%d").to_string(),
            SqlType::Time(_) => time_of_day(moment.time()),
            SqlType::DateTime2(scale) if scale > 3 => format_fraction(*moment, 7),
            _ => format_fraction(*moment, 3),
        }),
        Value::DateTimeOffset(moment) => {
            Stored::Text(format!("{} {}", format_fraction(moment.naive_local(), 7), moment.format("%:z")))
        }
        Value::Guid(guid) => Stored::Text(guid.to_string().to_uppercase()),
    }
}

/// `hh:mm:ss.` and seven digits of the second.
fn time_of_day(time: chrono::NaiveTime) -> String {
    format!("{}.{}", time.format("%H:%M:%S"), &time.format("%9f").to_string()[..7])
}

/// `YYYY-MM-DD hh:mm:ss.` and so many digits of the second.
fn format_fraction(moment: chrono::NaiveDateTime, digits: usize) -> String {
    let nanoseconds = moment.format("%9f").to_string();
    format!("{}.{}", moment.format("%Y-%m-%d %H:%M:%S"), &nanoseconds[..digits])
}

/// What stands in SQLite as a value of type `sql_type`.
///
/// # Errors
/// It is no such value: 245, 241, 8114, 8169 as a conversion on the real server.
pub fn load(stored: ValueRef<'_>, sql_type: SqlType) -> Result<Value> {
    Ok(match (stored, sql_type) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), SqlType::Decimal(_, scale)) => {
            Value::Decimal(i128::from(number) * 10i128.pow(scale.into()), scale)
        }
        (ValueRef::Integer(number), SqlType::Bit) => Value::Int(i64::from(number != 0)),
        (ValueRef::Integer(number), kind) if kind.is_text() => Value::Text(number.to_string()),
        (ValueRef::Integer(number), SqlType::Float | SqlType::Real) => Value::Float(number as f64),
        (ValueRef::Integer(number), _) => Value::Int(number),
        (ValueRef::Real(number), kind) if kind.is_integer() => Value::Int(number as i64),
        (ValueRef::Real(number), SqlType::Decimal(_, scale)) => {
            Value::Decimal((number * 10f64.powi(scale.into())).round() as i128, scale)
        }
        (ValueRef::Real(number), kind) if kind.is_text() => Value::Text(number.to_string()),
        (ValueRef::Real(number), _) => Value::Float(number),
        (ValueRef::Text(bytes), kind) => load_text(&String::from_utf8_lossy(bytes), kind)?,
        (ValueRef::Blob(bytes), kind) if kind.is_text() => {
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
        (ValueRef::Blob(bytes), _) => Value::Bytes(bytes.to_vec()),
    })
}

fn load_text(text: &str, sql_type: SqlType) -> Result<Value> {
    Ok(match sql_type {
        SqlType::Date => Value::Date(parse_date(text)?),
        SqlType::Time(_) => Value::Time(parse_time(text)?),
        SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2(_) => {
            Value::DateTime(parse_moment(text)?)
        }
        SqlType::DateTimeOffset(_) => Value::DateTimeOffset(parse_offset_moment(text)?),
        SqlType::Guid => Value::Guid(Uuid::parse_str(text).map_err(|_| {
            SqlError::new(
                8169,
                "Conversion failed when converting from a character string to uniqueidentifier.",
            )
        })?),
        SqlType::Decimal(_, scale) => parse_decimal(text, scale)?,
        SqlType::Money => parse_decimal(text, 4)?,
        SqlType::Float | SqlType::Real => {
            Value::Float(text.trim().parse().map_err(|_| not_numeric("float"))?)
        }
        SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            Value::Int(text.trim().parse().map_err(|_| {
                SqlError::new(
                    245,
                    format!(
                        "Conversion failed when converting the nvarchar value '{text}' to data type {}.",
                        sql_type.name()
                    ),
                )
            })?)
        }
        SqlType::Binary(_) | SqlType::VarBinary(_) => Value::Bytes(text.as_bytes().to_vec()),
        SqlType::NChar(_)
        | SqlType::NVarChar(_)
        | SqlType::Char(_)
        | SqlType::VarChar(_)
        | SqlType::Variant => Value::Text(text.to_owned()),
    })
}

fn not_numeric(kind: &str) -> SqlError {
    SqlError::new(8114, format!("Error converting data type nvarchar to {kind}.")).state(5)
}

/// `text` as a decimal with `scale` digits after the point; digits beyond are rounded.
///
/// # Errors
/// 8114: it is no number.
pub fn parse_decimal(text: &str, scale: u8) -> Result<Value> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty())
        || !all_digits(whole)
        || !all_digits(fraction)
        || whole.len() > 38
    {
        return Err(not_numeric("numeric"));
    }
    let mut number =
        whole.bytes().fold(0i128, |sum, digit| sum.saturating_mul(10) + i128::from(digit - b'0'));
    let mut places = fraction.bytes();
    for _ in 0..scale {
        let digit = places.next().map_or(0, |byte| byte - b'0');
        number = number.saturating_mul(10).saturating_add(digit.into());
    }
    if places.next().is_some_and(|byte| byte >= b'5') {
        number = number.saturating_add(1);
    }
    Ok(Value::Decimal(if negative { -number } else { number }, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{FixedOffset, NaiveDate};

    #[test]
    fn what_is_stored_loads_again() {
        let moment =
            NaiveDate::from_ymd_opt(2026, 11, 22).unwrap().and_hms_milli_opt(9, 15, 30, 250).unwrap();
        let offset = FixedOffset::west_opt(3 * 3600).unwrap();
        for (sql_type, value) in [
            (SqlType::Int, Value::Int(-5)),
            (SqlType::Decimal(18, 2), Value::Decimal(1999, 2)),
            (SqlType::Decimal(25, 0), Value::Decimal(31_000_000_012_300_001_000_000, 0)),
            (SqlType::DateTime, Value::DateTime(moment)),
            (SqlType::DateTime2(7), Value::DateTime(moment)),
            (SqlType::Date, Value::Date(moment.date())),
            (SqlType::Time(7), Value::Time(moment.time())),
            (SqlType::DateTimeOffset(7), Value::DateTimeOffset(moment.and_local_timezone(offset).unwrap())),
            (SqlType::Guid, Value::Guid(Uuid::from_u128(7))),
            (SqlType::VarBinary(8), Value::Bytes(vec![0, 255])),
            (SqlType::NVarChar(8), Value::from("ação")),
        ] {
            let stored = store(&value, sql_type);
            assert_eq!(load(ValueRef::from(&stored), sql_type), Ok(value), "{sql_type}");
        }
    }

    #[test]
    fn a_decimal_is_rounded_to_its_scale() {
        assert_eq!(parse_decimal("-1.005", 2), Ok(Value::Decimal(-101, 2)));
        assert_eq!(parse_decimal(".5", 0), Ok(Value::Decimal(1, 0)));
        assert_eq!(parse_decimal("1e5", 2).unwrap_err().number, 8114);
        assert_eq!(parse_decimal("", 2).unwrap_err().number, 8114);
    }
}
