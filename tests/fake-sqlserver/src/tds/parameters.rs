//! Values that a client sends as parameters; [`super::values`] writes those that it receives.

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use uuid::Uuid;

use super::reader::{Malformed, Reader, utf16};
use super::types::{Layout, WireType, integer, token};
use super::values::{NULL_CHUNKED, NULL_SHORT, TICKS_PER_SECOND, day_1, day_1900, time_bytes};
use crate::value::{SqlType, Value};

const NULL_LONG: u32 = 0xffff_ffff;
const UNKNOWN_CHUNKED: u64 = u64::MAX - 1;

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
    integer(u8::try_from(bytes.len()).unwrap_or_default())?;
    Ok(match bytes.len() {
        1 => i64::from(reader.u8()?),
        2 => i64::from(i16::from_le_bytes(reader.array()?)),
        4 => i64::from(i32::from_le_bytes(reader.array()?)),
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
    use crate::tds::values::write_value;
    use crate::value::MAX;
    use bytes::BytesMut;

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
