//! Values on the wire, in both directions.

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use uuid::Uuid;

use super::reader::{Malformed, Reader, utf16};
use super::types::{COLLATION, Layout, WireType, decimal_bytes, integer, token};
use crate::value::{MAX, SqlType, Value};

const NULL_SHORT: u16 = 0xffff;
const NULL_LONG: u32 = 0xffff_ffff;
const NULL_CHUNKED: u64 = u64::MAX;
const UNKNOWN_CHUNKED: u64 = u64::MAX - 1;
/// `datetime` counts three-hundredths of a second.
const TICKS_PER_SECOND: i64 = 300;
const TICKS_PER_DAY: i64 = 24 * 60 * 60 * TICKS_PER_SECOND;

/// The day from which `datetime` counts.
fn day_1900() -> NaiveDate {
    NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default()
}

/// The day from which `date` and its like count.
fn day_1() -> NaiveDate {
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

fn time_bytes(scale: u8) -> usize {
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

/// Reads a value of type `wire`.
///
/// # Errors
/// Lengths that the type cannot have, dates beyond the calendar, text that is no UTF-16.
pub fn read_value(reader: &mut Reader<'_>, wire: WireType) -> Result<Value, Malformed> {
    let bytes = match wire.layout {
        Layout::Fixed(0) => return Ok(Value::Null),
        Layout::Fixed(count) => reader.take(count)?.to_vec(),
        Layout::ByteLength => match reader.u8()? {
            0 => return Ok(Value::Null),
            count => reader.take(count.into())?.to_vec(),
        },
        Layout::ShortLength => match reader.u16()? {
            NULL_SHORT => return Ok(Value::Null),
            count => reader.take(count.into())?.to_vec(),
        },
        Layout::LongLength => match reader.u32()? {
            NULL_LONG => return Ok(Value::Null),
            count => take_long(reader, count)?,
        },
        Layout::VariantLength => match reader.u32()? {
            0 => return Ok(Value::Null),
            count => return variant(&take_long(reader, count)?),
        },
        Layout::Chunked => match read_chunked(reader)? {
            None => return Ok(Value::Null),
            Some(bytes) => bytes,
        },
    };
    parse_content(wire.sql_type, &bytes)
}

fn take_long(reader: &mut Reader<'_>, count: u32) -> Result<Vec<u8>, Malformed> {
    let count = usize::try_from(count).map_err(|_| Malformed("a value is too long"))?;
    Ok(reader.take(count)?.to_vec())
}

fn read_chunked(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    let total = reader.u64()?;
    if total == NULL_CHUNKED {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    loop {
        match reader.u32()? {
            0 => break,
            count => bytes.extend(take_long(reader, count)?),
        }
    }
    if total != UNKNOWN_CHUNKED && total != bytes.len() as u64 {
        return Err(Malformed("chunks do not add up"));
    }
    Ok(Some(bytes))
}

fn parse_content(sql_type: SqlType, bytes: &[u8]) -> Result<Value, Malformed> {
    let mut reader = Reader::new(bytes);
    let value = match sql_type {
        SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            Value::Int(parse_integer(bytes)?)
        }
        SqlType::Real | SqlType::Float => match bytes.len() {
            4 => Value::Float(f64::from(f32::from_le_bytes(reader.array()?))),
            _ => Value::Float(f64::from_le_bytes(reader.array()?)),
        },
        SqlType::Decimal(_, scale) => {
            let sign = if reader.u8()? == 0 { -1 } else { 1 };
            Value::Decimal(sign * parse_magnitude(reader.rest())?, scale)
        }
        SqlType::Money => match bytes.len() {
            4 => Value::Decimal(i128::from(i32::from_le_bytes(reader.array()?)), 4),
            _ => {
                let high = i64::from(i32::from_le_bytes(reader.array()?));
                Value::Decimal(i128::from((high << 32) | i64::from(reader.u32()?)), 4)
            }
        },
        SqlType::Date => Value::Date(parse_date(&mut reader)?),
        SqlType::Time(scale) => Value::Time(parse_time(&mut reader, scale)?),
        SqlType::SmallDateTime => {
            let day = day_1900() + Days::new(reader.u16()?.into());
            Value::DateTime(day.and_time(NaiveTime::MIN) + TimeDelta::minutes(reader.u16()?.into()))
        }
        SqlType::DateTime => {
            let days = i64::from(i32::from_le_bytes(reader.array()?));
            let milliseconds = i64::from(reader.u32()?) * 1000 / TICKS_PER_SECOND;
            TimeDelta::try_days(days)
                .and_then(|days| days.checked_add(&TimeDelta::milliseconds(milliseconds)))
                .and_then(|since| day_1900().and_time(NaiveTime::MIN).checked_add_signed(since))
                .map(Value::DateTime)
                .ok_or(Malformed("a moment beyond the calendar"))?
        }
        SqlType::DateTime2(scale) => Value::DateTime(parse_datetime2(&mut reader, scale)?),
        SqlType::DateTimeOffset(scale) => {
            let utc = parse_datetime2(&mut reader, scale)?;
            let minutes = i16::from_le_bytes(reader.array()?);
            let offset = FixedOffset::east_opt(i32::from(minutes) * 60).ok_or(Malformed("no such offset"))?;
            Value::DateTimeOffset(DateTime::from_naive_utc_and_offset(utc, offset))
        }
        SqlType::NChar(_) | SqlType::NVarChar(_) => Value::Text(utf16(bytes)?),
        SqlType::Char(_) | SqlType::VarChar(_) => Value::Text(bytes.iter().map(|b| char::from(*b)).collect()),
        SqlType::Binary(_) | SqlType::VarBinary(_) => Value::Bytes(bytes.to_vec()),
        SqlType::Guid => Value::Guid(Uuid::from_bytes_le(reader.array()?)),
        SqlType::Variant => variant(bytes)?,
    };
    Ok(value)
}

fn parse_integer(bytes: &[u8]) -> Result<i64, Malformed> {
    let mut reader = Reader::new(bytes);
    Ok(match integer(u8::try_from(bytes.len()).unwrap_or_default())? {
        SqlType::TinyInt => i64::from(reader.u8()?),
        SqlType::SmallInt => i64::from(i16::from_le_bytes(reader.array()?)),
        SqlType::Int => i64::from(i32::from_le_bytes(reader.array()?)),
        _ => i64::from_le_bytes(reader.array()?),
    })
}

fn parse_magnitude(bytes: &[u8]) -> Result<i128, Malformed> {
    let mut wide = [0u8; 16];
    wide.get_mut(..bytes.len()).ok_or(Malformed("no such decimal"))?.copy_from_slice(bytes);
    i128::try_from(u128::from_le_bytes(wide)).map_err(|_| Malformed("no such decimal"))
}

fn parse_date(reader: &mut Reader<'_>) -> Result<NaiveDate, Malformed> {
    let [a, b, c] = reader.array()?;
    day_1()
        .checked_add_days(Days::new(u32::from_le_bytes([a, b, c, 0]).into()))
        .ok_or(Malformed("a day beyond the calendar"))
}

fn parse_time(reader: &mut Reader<'_>, scale: u8) -> Result<NaiveTime, Malformed> {
    let mut wide = [0u8; 8];
    let count = time_bytes(scale);
    wide[..count].copy_from_slice(reader.take(count)?);
    let nanoseconds = u64::from_le_bytes(wide).saturating_mul(10u64.pow(9 - u32::from(scale.min(7))));
    let seconds = u32::try_from(nanoseconds / 1_000_000_000).map_err(|_| Malformed("no such time"))?;
    // A remainder of a second fits 32 bits.
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, (nanoseconds % 1_000_000_000) as u32)
        .ok_or(Malformed("no such time"))
}

fn parse_datetime2(reader: &mut Reader<'_>, scale: u8) -> Result<NaiveDateTime, Malformed> {
    let time = parse_time(reader, scale)?;
    Ok(parse_date(reader)?.and_time(time))
}

/// A `sql_variant`: its base type, the base type's properties, then the value.
fn variant(bytes: &[u8]) -> Result<Value, Malformed> {
    let mut reader = Reader::new(bytes);
    let base = reader.u8()?;
    let count = usize::from(reader.u8()?);
    let properties = reader.take(count)?;
    let scale = properties.last().copied().unwrap_or_default().min(7);
    let sql_type = match base {
        token::BIT | token::INT1 | token::INT2 | token::INT4 | token::INT8 => SqlType::BigInt,
        token::FLT4 | token::FLT8 => SqlType::Float,
        token::MONEY | token::MONEY4 => SqlType::Money,
        token::DATETIME => SqlType::DateTime,
        token::DATETIM4 => SqlType::SmallDateTime,
        token::DATEN => SqlType::Date,
        token::TIMEN => SqlType::Time(scale),
        token::DATETIME2N => SqlType::DateTime2(scale),
        token::DATETIMEOFFSETN => SqlType::DateTimeOffset(scale),
        token::DECIMALN | token::NUMERICN => {
            SqlType::Decimal(38, properties.last().copied().unwrap_or_default())
        }
        token::GUID => SqlType::Guid,
        token::NVARCHAR | token::NCHAR => SqlType::NVarChar(4000),
        token::BIGVARCHAR | token::BIGCHAR => SqlType::VarChar(8000),
        token::BIGVARBINARY | token::BIGBINARY => SqlType::VarBinary(8000),
        _ => return Err(Malformed("no such base type")),
    };
    parse_content(sql_type, reader.rest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tds::types::{read_type, write_type};

    fn round_trip(sql_type: SqlType, value: &Value) -> Value {
        let mut bytes = BytesMut::new();
        write_type(&mut bytes, sql_type);
        write_value(&mut bytes, sql_type, value).unwrap();
        let mut reader = Reader::new(&bytes);
        let wire = read_type(&mut reader).unwrap();
        let read = read_value(&mut reader, wire).unwrap();
        assert!(reader.is_empty(), "{sql_type} left bytes behind");
        read
    }

    fn moment(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap()
    }

    #[test]
    fn values_come_back_as_they_were_sent() {
        let offset = FixedOffset::west_opt(3 * 3600).unwrap();
        let now = moment("2026-11-22 09:15:30.250");
        for (sql_type, value) in [
            (SqlType::Bit, Value::Int(1)),
            (SqlType::TinyInt, Value::Int(255)),
            (SqlType::SmallInt, Value::Int(-32768)),
            (SqlType::Int, Value::Int(-7)),
            (SqlType::BigInt, Value::Int(i64::MIN)),
            (SqlType::Float, Value::Float(2.5)),
            (SqlType::Real, Value::Float(2.5)),
            (SqlType::Decimal(25, 0), Value::Decimal(-31_000_000_012_300_001, 0)),
            (SqlType::Decimal(38, 10), Value::Decimal(i128::from(i64::MAX), 10)),
            (SqlType::Money, Value::Decimal(-123_456_789_012, 4)),
            (SqlType::Date, Value::Date(now.date())),
            (SqlType::Time(7), Value::Time(now.time())),
            (SqlType::DateTime, Value::DateTime(now)),
            (SqlType::DateTime2(7), Value::DateTime(moment("0001-01-01 23:59:59.9999999"))),
            (SqlType::SmallDateTime, Value::DateTime(moment("2026-11-22 09:16:00.0"))),
            (SqlType::DateTimeOffset(3), Value::DateTimeOffset(now.and_local_timezone(offset).unwrap())),
            (SqlType::NVarChar(20), Value::from("Pão de queijo 🧀")),
            (SqlType::NVarChar(MAX), Value::from("x".repeat(3 << 20))),
            (SqlType::VarChar(20), Value::from("Ação")),
            (SqlType::NChar(2), Value::from("D ")),
            (SqlType::VarBinary(MAX), Value::Bytes(vec![0, 1, 255])),
            (SqlType::Binary(3), Value::Bytes(vec![0, 1, 255])),
            (SqlType::Guid, Value::Guid(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))),
            (SqlType::Variant, Value::from("MCDados")),
            (SqlType::Variant, Value::Int(4)),
            (SqlType::Variant, Value::Int(1 << 40)),
        ] {
            assert_eq!(round_trip(sql_type, &value), value, "{sql_type}");
            assert_eq!(round_trip(sql_type, &Value::Null), Value::Null, "null {sql_type}");
        }
    }

    #[test]
    fn a_datetime_before_1900_and_one_just_before_midnight_are_right() {
        let old = Value::DateTime(moment("1753-01-01 00:00:00.0"));
        assert_eq!(round_trip(SqlType::DateTime, &old), old);
        let late = Value::DateTime(moment("2026-11-22 23:59:59.999"));
        let next_day = Value::DateTime(moment("2026-11-23 00:00:00.0"));
        assert_eq!(round_trip(SqlType::DateTime, &late), next_day, "999 ms round up to the next tick");
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let mut out = BytesMut::new();
        assert!(write_value(&mut out, SqlType::TinyInt, &Value::Int(256)).is_err());
        assert!(write_value(&mut out, SqlType::Decimal(3, 0), &Value::Int(1000)).is_err());
        assert!(write_value(&mut out, SqlType::Int, &Value::from("x")).is_err());
        assert!(
            write_value(&mut out, SqlType::SmallDateTime, &Value::DateTime(moment("1800-01-01 0:0:0.0")))
                .is_err()
        );
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..random.usize(..40)).map(|_| random.u8(..)).collect();
            let mut reader = Reader::new(&bytes);
            if let Ok(wire) = read_type(&mut reader) {
                let _ = read_value(&mut reader, wire);
            }
        }
    }
}
