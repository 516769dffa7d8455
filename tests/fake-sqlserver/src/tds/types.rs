//! TYPE_INFO: how a column's or a parameter's type is described on the wire.

use bytes::{BufMut, BytesMut};

use super::reader::{Malformed, Reader};
use crate::value::{MAX, SqlType};

/// `SQL_Latin1_General_CP1_CI_AS`, the collation of an installation that nobody changed.
pub const COLLATION: [u8; 5] = [0x09, 0x04, 0xd0, 0x00, 0x34];

/// The most bytes that a bounded type can have.
const BOUNDED_BYTES_LIMIT: u16 = 8000;
/// The most bytes of a `sql_variant`.
const VARIANT_BYTES: u32 = 8009;

/// Type tokens.
pub(super) mod token {
    pub const NULL: u8 = 0x1f;
    pub const INT1: u8 = 0x30;
    pub const BIT: u8 = 0x32;
    pub const INT2: u8 = 0x34;
    pub const INT4: u8 = 0x38;
    pub const DATETIM4: u8 = 0x3a;
    pub const FLT4: u8 = 0x3b;
    pub const MONEY: u8 = 0x3c;
    pub const DATETIME: u8 = 0x3d;
    pub const FLT8: u8 = 0x3e;
    pub const MONEY4: u8 = 0x7a;
    pub const INT8: u8 = 0x7f;
    pub const IMAGE: u8 = 0x22;
    pub const TEXT: u8 = 0x23;
    pub const GUID: u8 = 0x24;
    pub const INTN: u8 = 0x26;
    pub const DATEN: u8 = 0x28;
    pub const TIMEN: u8 = 0x29;
    pub const DATETIME2N: u8 = 0x2a;
    pub const DATETIMEOFFSETN: u8 = 0x2b;
    pub const VARIANT: u8 = 0x62;
    pub const NTEXT: u8 = 0x63;
    pub const BITN: u8 = 0x68;
    pub const DECIMALN: u8 = 0x6a;
    pub const NUMERICN: u8 = 0x6c;
    pub const FLTN: u8 = 0x6d;
    pub const MONEYN: u8 = 0x6e;
    pub const DATETIMN: u8 = 0x6f;
    pub const BIGVARBINARY: u8 = 0xa5;
    pub const BIGVARCHAR: u8 = 0xa7;
    pub const BIGBINARY: u8 = 0xad;
    pub const BIGCHAR: u8 = 0xaf;
    pub const NVARCHAR: u8 = 0xe7;
    pub const NCHAR: u8 = 0xef;
}

/// Writes the description of a nullable column of type `sql_type`.
pub fn write_type(out: &mut BytesMut, sql_type: SqlType) {
    match sql_type {
        SqlType::Bit => out.put_slice(&[token::BITN, 1]),
        SqlType::TinyInt => out.put_slice(&[token::INTN, 1]),
        SqlType::SmallInt => out.put_slice(&[token::INTN, 2]),
        SqlType::Int => out.put_slice(&[token::INTN, 4]),
        SqlType::BigInt => out.put_slice(&[token::INTN, 8]),
        SqlType::Real => out.put_slice(&[token::FLTN, 4]),
        SqlType::Float => out.put_slice(&[token::FLTN, 8]),
        SqlType::Decimal(precision, scale) => {
            out.put_slice(&[token::NUMERICN, decimal_bytes(precision), precision, scale]);
        }
        SqlType::Money => out.put_slice(&[token::MONEYN, 8]),
        SqlType::Date => out.put_u8(token::DATEN),
        SqlType::Time(scale) => out.put_slice(&[token::TIMEN, scale]),
        SqlType::SmallDateTime => out.put_slice(&[token::DATETIMN, 4]),
        SqlType::DateTime => out.put_slice(&[token::DATETIMN, 8]),
        SqlType::DateTime2(scale) => out.put_slice(&[token::DATETIME2N, scale]),
        SqlType::DateTimeOffset(scale) => out.put_slice(&[token::DATETIMEOFFSETN, scale]),
        SqlType::NChar(length) => write_text(out, token::NCHAR, length.saturating_mul(2)),
        SqlType::NVarChar(length) => write_text(out, token::NVARCHAR, length.saturating_mul(2)),
        SqlType::Char(length) => write_text(out, token::BIGCHAR, length),
        SqlType::VarChar(length) => write_text(out, token::BIGVARCHAR, length),
        SqlType::Binary(length) => {
            out.put_u8(token::BIGBINARY);
            out.put_u16_le(length);
        }
        SqlType::VarBinary(length) => {
            out.put_u8(token::BIGVARBINARY);
            out.put_u16_le(length);
        }
        SqlType::Guid => out.put_slice(&[token::GUID, 16]),
        SqlType::Variant => {
            out.put_u8(token::VARIANT);
            out.put_u32_le(VARIANT_BYTES);
        }
    }
}

fn write_text(out: &mut BytesMut, token: u8, bytes: u16) {
    out.put_u8(token);
    out.put_u16_le(bytes);
    out.put_slice(&COLLATION);
}

/// Bytes of a decimal's value, its sign included.
pub fn decimal_bytes(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// How the bytes of a value are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Always so many bytes, never null
    Fixed(usize),
    /// A byte tells the length, 0 for null
    ByteLength,
    /// Two bytes tell the length, 65,535 for null
    ShortLength,
    /// Four bytes tell the length, `0xffffffff` for null: `text` and its like
    LongLength,
    /// Four bytes tell the length, 0 for null: `sql_variant`
    VariantLength,
    /// In chunks: the `max` types
    Chunked,
}

/// A type as the wire describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireType {
    /// What it is
    pub sql_type: SqlType,
    /// How its values are laid out
    pub layout: Layout,
}

/// Reads the description of a parameter's type.
///
/// # Errors
/// Unknown types, and lengths that no such type has.
pub fn read_type(reader: &mut Reader<'_>) -> Result<WireType, Malformed> {
    use Layout::{ByteLength, Fixed, LongLength, VariantLength};
    let of = |sql_type, layout| Ok(WireType { sql_type, layout });
    match reader.u8()? {
        token::NULL => of(SqlType::Int, Fixed(0)),
        token::INT1 => of(SqlType::TinyInt, Fixed(1)),
        token::BIT => of(SqlType::Bit, Fixed(1)),
        token::INT2 => of(SqlType::SmallInt, Fixed(2)),
        token::INT4 => of(SqlType::Int, Fixed(4)),
        token::INT8 => of(SqlType::BigInt, Fixed(8)),
        token::FLT4 => of(SqlType::Real, Fixed(4)),
        token::FLT8 => of(SqlType::Float, Fixed(8)),
        token::MONEY4 => of(SqlType::Money, Fixed(4)),
        token::MONEY => of(SqlType::Money, Fixed(8)),
        token::DATETIM4 => of(SqlType::SmallDateTime, Fixed(4)),
        token::DATETIME => of(SqlType::DateTime, Fixed(8)),
        token::GUID => {
            length(reader.u8()?, &[16])?;
            of(SqlType::Guid, ByteLength)
        }
        token::BITN => {
            length(reader.u8()?, &[1])?;
            of(SqlType::Bit, ByteLength)
        }
        token::INTN => of(integer(reader.u8()?)?, ByteLength),
        token::FLTN => match length(reader.u8()?, &[4, 8])? {
            4 => of(SqlType::Real, ByteLength),
            _ => of(SqlType::Float, ByteLength),
        },
        token::MONEYN => {
            length(reader.u8()?, &[4, 8])?;
            of(SqlType::Money, ByteLength)
        }
        token::DATETIMN => match length(reader.u8()?, &[4, 8])? {
            4 => of(SqlType::SmallDateTime, ByteLength),
            _ => of(SqlType::DateTime, ByteLength),
        },
        token::DATEN => of(SqlType::Date, ByteLength),
        token::TIMEN => of(SqlType::Time(scale(reader)?), ByteLength),
        token::DATETIME2N => of(SqlType::DateTime2(scale(reader)?), ByteLength),
        token::DATETIMEOFFSETN => of(SqlType::DateTimeOffset(scale(reader)?), ByteLength),
        token::DECIMALN | token::NUMERICN => {
            let [_bytes, precision, scale] = reader.array()?;
            if !(1..=38).contains(&precision) || scale > precision {
                return Err(Malformed("no such decimal"));
            }
            of(SqlType::Decimal(precision, scale), ByteLength)
        }
        token::NVARCHAR => text(reader, |bytes| SqlType::NVarChar(halved(bytes))),
        token::NCHAR => text(reader, |bytes| SqlType::NChar(halved(bytes))),
        token::BIGVARCHAR => text(reader, SqlType::VarChar),
        token::BIGCHAR => text(reader, SqlType::Char),
        token::BIGVARBINARY => bounded(reader.u16()?, SqlType::VarBinary),
        token::BIGBINARY => bounded(reader.u16()?, SqlType::Binary),
        token::IMAGE => {
            reader.u32()?;
            of(SqlType::VarBinary(MAX), LongLength)
        }
        token::TEXT => {
            reader.take(4 + COLLATION.len())?;
            of(SqlType::VarChar(MAX), LongLength)
        }
        token::NTEXT => {
            reader.take(4 + COLLATION.len())?;
            of(SqlType::NVarChar(MAX), LongLength)
        }
        token::VARIANT => {
            reader.u32()?;
            of(SqlType::Variant, VariantLength)
        }
        _ => Err(Malformed("a type that is not taken as a parameter")),
    }
}

/// The integer of so many bytes.
pub(super) fn integer(bytes: u8) -> Result<SqlType, Malformed> {
    Ok(match bytes {
        1 => SqlType::TinyInt,
        2 => SqlType::SmallInt,
        4 => SqlType::Int,
        8 => SqlType::BigInt,
        _ => return Err(Malformed("no integer has this length")),
    })
}

fn length(length: u8, allowed: &[u8]) -> Result<u8, Malformed> {
    if allowed.contains(&length) { Ok(length) } else { Err(Malformed("no type has this length")) }
}

fn scale(reader: &mut Reader<'_>) -> Result<u8, Malformed> {
    match reader.u8()? {
        scale @ 0..=7 => Ok(scale),
        _ => Err(Malformed("no such scale")),
    }
}

fn halved(bytes: u16) -> u16 {
    if bytes == MAX { MAX } else { bytes / 2 }
}

fn text(reader: &mut Reader<'_>, of: impl FnOnce(u16) -> SqlType) -> Result<WireType, Malformed> {
    let bytes = reader.u16()?;
    reader.take(COLLATION.len())?;
    bounded(bytes, of)
}

fn bounded(bytes: u16, of: impl FnOnce(u16) -> SqlType) -> Result<WireType, Malformed> {
    let layout = match bytes {
        MAX => Layout::Chunked,
        0..=BOUNDED_BYTES_LIMIT => Layout::ShortLength,
        _ => return Err(Malformed("no type has this length")),
    };
    Ok(WireType { sql_type: of(bytes), layout })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let types = [
            SqlType::Bit,
            SqlType::TinyInt,
            SqlType::SmallInt,
            SqlType::Int,
            SqlType::BigInt,
            SqlType::Real,
            SqlType::Float,
            SqlType::Decimal(25, 0),
            SqlType::Decimal(18, 2),
            SqlType::Money,
            SqlType::Date,
            SqlType::Time(7),
            SqlType::SmallDateTime,
            SqlType::DateTime,
            SqlType::DateTime2(3),
            SqlType::DateTimeOffset(7),
            SqlType::NChar(2),
            SqlType::NVarChar(128),
            SqlType::NVarChar(MAX),
            SqlType::Char(10),
            SqlType::VarChar(8000),
            SqlType::VarChar(MAX),
            SqlType::Binary(16),
            SqlType::VarBinary(20),
            SqlType::VarBinary(MAX),
            SqlType::Guid,
            SqlType::Variant,
        ];
        for sql_type in types {
            let mut bytes = BytesMut::new();
            write_type(&mut bytes, sql_type);
            let mut reader = Reader::new(&bytes);
            assert_eq!(read_type(&mut reader).unwrap().sql_type, sql_type);
            assert!(reader.is_empty(), "{sql_type} left bytes behind");
        }
    }

    #[test]
    fn lengths_that_no_type_has_are_refused() {
        for bytes in [
            &[token::INTN, 3][..],
            &[token::NUMERICN, 5, 0, 0],
            &[token::NUMERICN, 5, 5, 6],
            &[token::TIMEN, 8],
            &[token::NVARCHAR, 0xff, 0x7f, 0, 0, 0, 0, 0],
            &[0xf3],
        ] {
            assert!(read_type(&mut Reader::new(bytes)).is_err(), "{bytes:02x?}");
        }
    }
}
