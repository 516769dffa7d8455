//! Records in SQL Server's «FixedVar» format: two status bytes, the length of the fixed part, the columns of fixed length, the
//! number of columns, a bitmap of those that are NULL, and the columns of varying length behind an array of their ends.

use super::page::MOST_RECORD_BYTES;
use super::schema::{Kind, Layout, Place, time_bytes};
use crate::le::{bytes_at, put, text_of_utf16, u16_at, utf16};
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use rusqlite::types::Value;
use uuid::Uuid;

const HAS_NULLS: u8 = 0x10;
const HAS_VARYING: u8 = 0x20;
const KIND_OF_RECORD: u8 = 0x0e;
const NANOSECONDS_OF_DAY: u64 = 86_400_000_000_000;

/// Why a row cannot become a record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordFault {
    #[error("the value of column {0} does not fit its type")]
    Value(usize),
    #[error("cannot create a row of size {0} which is greater than the allowable maximum row size of 8060")]
    TooLong(usize),
}

/// Appends the record of a row to `out`, which is cleared before.
pub(crate) fn encode(layout: &Layout, row: &[Value], out: &mut Vec<u8>) -> Result<(), RecordFault> {
    out.clear();
    let nulls_at = layout.fixed_end + 2;
    out.resize(nulls_at + layout.null_bytes(), 0);
    out[0] = HAS_NULLS | if layout.varying > 0 { HAS_VARYING } else { 0 };
    put(out, 2, &(layout.fixed_end as u16).to_le_bytes());
    put(out, layout.fixed_end, &(layout.columns.len() as u16).to_le_bytes());
    let ends_at = out.len() + 2;
    if layout.varying > 0 {
        out.extend((layout.varying as u16).to_le_bytes());
        out.resize(ends_at + 2 * layout.varying, 0);
    }
    for (index, (kind, place)) in layout.columns.iter().enumerate() {
        let value = row.get(index).unwrap_or(&Value::Null);
        let fault = || RecordFault::Value(index);
        match place {
            Place::Varying(number) => {
                if *value != Value::Null {
                    push_varying(*kind, value, out).ok_or_else(fault)?;
                }
                let end = u16::try_from(out.len()).map_err(|_| RecordFault::TooLong(out.len()))?;
                put(out, ends_at + 2 * number, &end.to_le_bytes());
            }
            Place::Bit(at, bit) => {
                let set = match value {
                    Value::Null => false,
                    Value::Integer(number) => *number != 0,
                    Value::Real(_) | Value::Text(_) | Value::Blob(_) => return Err(fault()),
                };
                out[*at] |= u8::from(set) << bit;
            }
            Place::Fixed(at) => {
                if *value != Value::Null {
                    let width = kind.fixed_bytes().unwrap_or_default();
                    put_fixed(*kind, value, &mut out[*at..*at + width]).ok_or_else(fault)?;
                }
            }
        }
        if *value == Value::Null {
            out[nulls_at + index / 8] |= 1 << (index % 8);
        }
    }
    if out.len() > MOST_RECORD_BYTES { Err(RecordFault::TooLong(out.len())) } else { Ok(()) }
}

/// The row of a record; `None` if the record is not whole or not of this layout.
pub(crate) fn decode(layout: &Layout, record: &[u8]) -> Option<Vec<Value>> {
    let status = *record.first()?;
    let columns_at = usize::from(u16_at(record, 2)?);
    let own = status & KIND_OF_RECORD == 0 && columns_at == layout.fixed_end;
    if !own || usize::from(u16_at(record, columns_at)?) != layout.columns.len() {
        return None;
    }
    let nulls = record.get(columns_at + 2..)?.get(..layout.null_bytes())?;
    let ends_at = columns_at + 2 + nulls.len() + 2;
    let data_at = ends_at + 2 * layout.varying;
    let varying = |number: usize| {
        let end = |number: usize| u16_at(record, ends_at + 2 * number).map(usize::from);
        let from = if number == 0 { data_at } else { end(number - 1)? };
        record.get(from..end(number)?)
    };
    let value = |(index, (kind, place)): (usize, &(Kind, Place))| {
        if nulls[index / 8] >> (index % 8) & 1 == 1 {
            return Some(Value::Null);
        }
        match place {
            Place::Varying(number) => read_varying(*kind, varying(*number)?),
            Place::Bit(at, bit) => Some(Value::Integer(i64::from(record.get(*at)? >> bit & 1))),
            Place::Fixed(at) => read_fixed(*kind, record.get(*at..*at + kind.fixed_bytes()?)?),
        }
    };
    layout.columns.iter().enumerate().map(value).collect()
}

fn push_varying(kind: Kind, value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match (kind, value) {
        (Kind::VarChar, Value::Text(text)) => out.extend(text.as_bytes()),
        (Kind::NVarChar, Value::Text(text)) => out.extend(utf16(text)),
        (Kind::VarBinary, Value::Blob(bytes)) => out.extend(bytes),
        (Kind::Variant, Value::Integer(number)) => {
            out.extend([127, 1]);
            out.extend(number.to_le_bytes());
        }
        (Kind::Variant, Value::Real(number)) => {
            out.extend([62, 1]);
            out.extend(number.to_le_bytes());
        }
        (Kind::Variant, Value::Text(text)) => {
            out.extend([231, 1]);
            out.extend(utf16(text));
        }
        (Kind::Variant, Value::Blob(bytes)) => {
            out.extend([165, 1]);
            out.extend(bytes);
        }
        _ => return None,
    }
    Some(())
}

fn read_varying(kind: Kind, bytes: &[u8]) -> Option<Value> {
    match kind {
        Kind::VarChar => Some(Value::Text(String::from_utf8(bytes.to_vec()).ok()?)),
        Kind::NVarChar => Some(Value::Text(text_of_utf16(bytes))),
        Kind::VarBinary => Some(Value::Blob(bytes.to_vec())),
        Kind::Variant => {
            let (head, data) = bytes.split_at_checked(2)?;
            match head[0] {
                127 => Some(Value::Integer(i64::from_le_bytes(bytes_at(data, 0)?))),
                62 => Some(Value::Real(f64::from_le_bytes(bytes_at(data, 0)?))),
                231 => Some(Value::Text(text_of_utf16(data))),
                165 => Some(Value::Blob(data.to_vec())),
                _ => None,
            }
        }
        Kind::TinyInt | Kind::SmallInt | Kind::Int | Kind::BigInt | Kind::Bit | Kind::Real | Kind::Float => {
            None
        }
        Kind::Decimal { .. } | Kind::Money | Kind::Date | Kind::DateTime | Kind::DateTime2(_) => None,
        Kind::Guid | Kind::Char(_) | Kind::NChar(_) => None,
    }
}

fn put_fixed(kind: Kind, value: &Value, out: &mut [u8]) -> Option<()> {
    match (kind, value) {
        (Kind::TinyInt, Value::Integer(number)) => out[0] = u8::try_from(*number).ok()?,
        (Kind::SmallInt, Value::Integer(number)) => put(out, 0, &i16::try_from(*number).ok()?.to_le_bytes()),
        (Kind::Int, Value::Integer(number)) => put(out, 0, &i32::try_from(*number).ok()?.to_le_bytes()),
        (Kind::BigInt, Value::Integer(number)) => put(out, 0, &number.to_le_bytes()),
        (Kind::Real, value) => put(out, 0, &(number(value)? as f32).to_le_bytes()),
        (Kind::Float, value) => put(out, 0, &number(value)?.to_le_bytes()),
        (Kind::Money, value) => put(out, 0, &i64::try_from(scaled(value, 4)?).ok()?.to_le_bytes()),
        (Kind::Decimal { precision, scale }, value) => {
            let units = scaled(value, scale)?;
            if units.unsigned_abs() >= 10_u128.checked_pow(u32::from(precision))? {
                return None;
            }
            out[0] = u8::from(units >= 0);
            let digits = out.len() - 1;
            out[1..].copy_from_slice(&units.unsigned_abs().to_le_bytes()[..digits]);
        }
        (Kind::Date, Value::Text(text)) => put(out, 0, &day_bytes(date(text)?)?),
        (Kind::DateTime, Value::Text(text)) => {
            let moment = moment(text)?;
            let days = moment.date().signed_duration_since(NaiveDate::from_ymd_opt(1900, 1, 1)?).num_days();
            let ticks = (nanoseconds(moment.time()) * 3 + 5_000_000) / 10_000_000;
            put(out, 0, &u32::try_from(ticks).ok()?.min(25_919_999).to_le_bytes());
            put(out, 4, &i32::try_from(days).ok()?.to_le_bytes());
        }
        (Kind::DateTime2(digits), Value::Text(text)) => {
            let moment = moment(text)?;
            let units = nanoseconds(moment.time()) / 10_u64.pow(9 - u32::from(digits));
            let width = time_bytes(digits);
            out[..width].copy_from_slice(&units.to_le_bytes()[..width]);
            put(out, width, &day_bytes(moment.date())?);
        }
        (Kind::Guid, Value::Text(text)) => put(out, 0, &Uuid::parse_str(text).ok()?.to_bytes_le()),
        (Kind::Guid, Value::Blob(bytes)) => {
            out.copy_from_slice(<&[u8; 16]>::try_from(bytes.as_slice()).ok()?)
        }
        (Kind::Char(_), Value::Text(text)) => fill(out, text.as_bytes(), b" ")?,
        (Kind::NChar(_), Value::Text(text)) => fill(out, &utf16(text), b" \0")?,
        _ => return None,
    }
    Some(())
}

fn read_fixed(kind: Kind, bytes: &[u8]) -> Option<Value> {
    Some(match kind {
        Kind::TinyInt => Value::Integer(i64::from(*bytes.first()?)),
        Kind::SmallInt => Value::Integer(i64::from(i16::from_le_bytes(bytes_at(bytes, 0)?))),
        Kind::Int => Value::Integer(i64::from(i32::from_le_bytes(bytes_at(bytes, 0)?))),
        Kind::BigInt => Value::Integer(i64::from_le_bytes(bytes_at(bytes, 0)?)),
        Kind::Real => Value::Real(f64::from(f32::from_le_bytes(bytes_at(bytes, 0)?))),
        Kind::Float => Value::Real(f64::from_le_bytes(bytes_at(bytes, 0)?)),
        Kind::Money => unscaled(i128::from(i64::from_le_bytes(bytes_at(bytes, 0)?)), 4),
        Kind::Decimal { scale, .. } => {
            let mut units = [0; 16];
            units.get_mut(..bytes.len() - 1)?.copy_from_slice(&bytes[1..]);
            let units = i128::try_from(u128::from_le_bytes(units)).ok()?;
            unscaled(if bytes[0] == 0 { -units } else { units }, scale)
        }
        Kind::Date => Value::Text(day(bytes)?.format("%Y-%m-%d").to_string()),
        Kind::DateTime => {
            let ticks = u64::from(u32::from_le_bytes(bytes_at(bytes, 0)?));
            let days = i64::from(i32::from_le_bytes(bytes_at(bytes, 4)?));
            let day = NaiveDate::from_ymd_opt(1900, 1, 1)?
                .checked_add_signed(chrono::TimeDelta::try_days(days)?)?;
            // 1/300 of a second, shown in milliseconds.
            spoken(day, (ticks * 10 + 1) / 3 * 1_000_000)?
        }
        Kind::DateTime2(digits) => {
            let width = time_bytes(digits);
            let mut units = [0; 8];
            units[..width].copy_from_slice(bytes.get(..width)?);
            let nanoseconds = u64::from_le_bytes(units).checked_mul(10_u64.pow(9 - u32::from(digits)))?;
            spoken(day(bytes.get(width..)?)?, nanoseconds)?
        }
        Kind::Guid => Value::Text(Uuid::from_bytes_le(bytes_at(bytes, 0)?).to_string().to_uppercase()),
        Kind::Char(_) => Value::Text(std::str::from_utf8(bytes).ok()?.trim_end_matches(' ').to_owned()),
        Kind::NChar(_) => Value::Text(text_of_utf16(bytes).trim_end_matches(' ').to_owned()),
        Kind::Bit | Kind::VarChar | Kind::NVarChar | Kind::VarBinary | Kind::Variant => return None,
    })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        Value::Null | Value::Text(_) | Value::Blob(_) => None,
    }
}

/// A number in units of its last digit behind the point, rounded to it as the server does.
fn scaled(value: &Value, scale: u8) -> Option<i128> {
    match value {
        Value::Integer(number) => i128::from(*number).checked_mul(10_i128.checked_pow(u32::from(scale))?),
        Value::Real(number) => {
            let units = (number * 10_f64.powi(i32::from(scale))).round();
            (units.abs() < 1e37).then_some(units as i128)
        }
        Value::Null | Value::Text(_) | Value::Blob(_) => None,
    }
}

/// The same number as SQLite keeps it: whole numbers as integers.
fn unscaled(units: i128, scale: u8) -> Value {
    let one = 10_i128.pow(u32::from(scale.min(38)));
    match i64::try_from(units / one) {
        Ok(whole) if units % one == 0 => Value::Integer(whole),
        _ => Value::Real(units as f64 / one as f64),
    }
}

fn fill(out: &mut [u8], text: &[u8], blank: &[u8]) -> Option<()> {
    out.get_mut(..text.len())?.copy_from_slice(text);
    for rest in out[text.len()..].chunks_mut(blank.len()) {
        rest.copy_from_slice(&blank[..rest.len()]);
    }
    Some(())
}

fn date(text: &str) -> Option<NaiveDate> {
    text.get(..10)?.parse().ok()
}

fn moment(text: &str) -> Option<NaiveDateTime> {
    let time = match text.get(11..) {
        None | Some("") => NaiveTime::MIN,
        Some(time) => time.trim_end_matches('Z').parse().ok()?,
    };
    Some(date(text)?.and_time(time))
}

fn nanoseconds(time: NaiveTime) -> u64 {
    u64::from(time.num_seconds_from_midnight()) * 1_000_000_000
        + u64::from(time.nanosecond().min(999_999_999))
}

fn day_bytes(day: NaiveDate) -> Option<[u8; 3]> {
    bytes_at(&u32::try_from(day.num_days_from_ce().checked_sub(1)?).ok()?.to_le_bytes(), 0)
}

fn day(bytes: &[u8]) -> Option<NaiveDate> {
    let [a, b, c] = bytes_at(bytes, 0)?;
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(u32::from_le_bytes([a, b, c, 0])).ok()? + 1)
}

fn spoken(day: NaiveDate, nanoseconds: u64) -> Option<Value> {
    if nanoseconds >= NANOSECONDS_OF_DAY {
        return None;
    }
    let seconds = u32::try_from(nanoseconds / 1_000_000_000).ok()?;
    let fraction = u32::try_from(nanoseconds % 1_000_000_000).ok()?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, fraction)?;
    Some(Value::Text(day.and_time(time).format("%Y-%m-%d %H:%M:%S%.f").to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Table;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[test]
    fn every_type_comes_back_as_it_went() {
        let columns = [
            ("a", "tinyint", Value::Integer(255)),
            ("b", "smallint", Value::Integer(-2)),
            ("c", "int", Value::Integer(-70_000)),
            ("d", "bigint", Value::Integer(i64::MIN)),
            ("e", "bit", Value::Integer(1)),
            ("f", "bit", Value::Integer(0)),
            ("g", "real", Value::Real(0.5)),
            ("h", "float", Value::Real(0.1)),
            ("i", "decimal(10, 2)", Value::Real(-1234.56)),
            ("j", "numeric(38,4)", Value::Integer(77)),
            ("k", "money", Value::Real(19.99)),
            ("l", "date", text("2026-02-28")),
            ("m", "datetime", text("1999-12-31 23:59:59.997")),
            ("n", "datetime2(0)", text("2026-10-25 02:30:00")),
            ("o", "datetime2", text("2026-10-25 02:30:00.123456700")),
            ("p", "uniqueidentifier", text("6F9619FF-8B86-D011-B42D-00C04FC964FF")),
            ("q", "char(13)", text("7891000100103")),
            ("r", "nchar(4)", text("ção")),
            ("s", "varchar(60)", text("Dipirona sódica 500 mg")),
            ("t", "nvarchar(60)", text("João da Conceição €")),
            ("u", "varbinary(8)", Value::Blob(vec![0, 1, 255])),
            ("v", "", Value::Real(1e300)),
            ("w", "varchar(10)", text("")),
            ("x", "int", Value::Null),
            ("y", "nvarchar(10)", Value::Null),
        ];
        let declared: Vec<_> = columns.iter().map(|(name, kind, _)| (*name, *kind)).collect();
        let row: Vec<_> = columns.iter().map(|(_, _, value)| value.clone()).collect();
        let layout = Table::new("t", &declared).layout();
        let mut record = Vec::new();
        encode(&layout, &row, &mut record).unwrap();
        assert_eq!(decode(&layout, &record).unwrap(), row);
        for end in 0..record.len() {
            assert_eq!(decode(&layout, &record[..end]), None, "a record cut at {end} is no row");
        }
    }

    #[test]
    fn a_value_of_another_type_and_a_row_too_long_are_refused() {
        let layout = Table::new("t", &[("a", "int"), ("b", "varchar(9000)")]).layout();
        let mut record = Vec::new();
        assert_eq!(encode(&layout, &[text("x")], &mut record), Err(RecordFault::Value(0)));
        assert_eq!(encode(&layout, &[Value::Integer(1 << 40)], &mut record), Err(RecordFault::Value(0)));
        let long = [Value::Null, Value::Text("x".repeat(8050))];
        assert_eq!(encode(&layout, &long, &mut record), Err(RecordFault::TooLong(8065)));
    }
}
