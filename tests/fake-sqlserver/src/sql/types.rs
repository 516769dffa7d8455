//! The names of types, as declarations write them, and which type an operation of two has.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the pairs of types that have another one in common are named"
)]

use crate::error::{Result, SqlError};
use crate::value::{MAX, SqlType};

/// Digits of a float that survive everything.
const DEFAULT_TIME_SCALE: u8 = 7;

/// The type that `text` names: `nvarchar(128)`, `decimal(18, 2)`, `datetime2`, …
///
/// # Errors
/// 243 for a name that is no type, 1001 or 2717 for a length that it cannot have.
pub fn parse_type(text: &str) -> Result<SqlType> {
    let lower = text.trim().to_lowercase();
    let (name, arguments) = match lower.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.trim_end().trim_end_matches(')')),
        None => (lower.as_str(), ""),
    };
    let name = name.trim_matches(['[', ']', '"']);
    let numbers: Vec<&str> = arguments.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let number = |index: usize, default: u16| -> Result<u16> {
        match numbers.get(index) {
            None => Ok(default),
            Some(&"max") => Ok(MAX),
            Some(text) => text.parse().map_err(|_| bad_length(text)),
        }
    };
    let length = |default: u16, limit: u16| -> Result<u16> {
        match number(0, default)? {
            MAX => Ok(MAX),
            length if (1..=limit).contains(&length) => Ok(length),
            length => Err(bad_length(&length.to_string())),
        }
    };
    let scale = || -> Result<u8> {
        match number(0, DEFAULT_TIME_SCALE.into())? {
            scale @ 0..=7 => Ok(scale as u8),
            scale => {
                Err(SqlError::new(1002, format!("Line 1: Specified scale {scale} is invalid.")).class(15))
            }
        }
    };
    Ok(match name {
        "bit" => SqlType::Bit,
        "tinyint" => SqlType::TinyInt,
        "smallint" => SqlType::SmallInt,
        "int" | "integer" => SqlType::Int,
        "bigint" => SqlType::BigInt,
        "real" => SqlType::Real,
        "float" | "double precision" => match number(0, 53)? {
            0..=24 => SqlType::Real,
            _ => SqlType::Float,
        },
        "decimal" | "numeric" | "dec" => decimal(number(0, 18)?, number(1, 0)?)?,
        "money" | "smallmoney" => SqlType::Money,
        "date" => SqlType::Date,
        "time" => SqlType::Time(scale()?),
        "smalldatetime" => SqlType::SmallDateTime,
        "datetime" => SqlType::DateTime,
        "datetime2" => SqlType::DateTime2(scale()?),
        "datetimeoffset" => SqlType::DateTimeOffset(scale()?),
        "char" | "character" => SqlType::Char(length(1, 8000)?),
        "varchar" | "char varying" | "character varying" => SqlType::VarChar(length(1, 8000)?),
        "nchar" => SqlType::NChar(length(1, 4000)?),
        "nvarchar" => SqlType::NVarChar(length(1, 4000)?),
        "sysname" => SqlType::NVarChar(128),
        "text" => SqlType::VarChar(MAX),
        "ntext" | "xml" => SqlType::NVarChar(MAX),
        "binary" => SqlType::Binary(length(1, 8000)?),
        "varbinary" => SqlType::VarBinary(length(1, 8000)?),
        "image" => SqlType::VarBinary(MAX),
        "uniqueidentifier" => SqlType::Guid,
        "sql_variant" => SqlType::Variant,
        other => {
            return Err(SqlError::new(243, format!("Type {other} is not a defined system type.")));
        }
    })
}

/// The type of CAST and CONVERT, where a length that is left out is 30 and not 1.
///
/// # Errors
/// As [`parse_type`].
pub fn parse_target_type(text: &str) -> Result<SqlType> {
    let parsed = parse_type(text)?;
    if text.contains('(') {
        return Ok(parsed);
    }
    Ok(match parsed {
        SqlType::Char(1) => SqlType::Char(30),
        SqlType::VarChar(1) => SqlType::VarChar(30),
        SqlType::NChar(1) => SqlType::NChar(30),
        SqlType::NVarChar(1) => SqlType::NVarChar(30),
        SqlType::Binary(1) => SqlType::Binary(30),
        SqlType::VarBinary(1) => SqlType::VarBinary(30),
        other => other,
    })
}

fn decimal(precision: u16, scale: u16) -> Result<SqlType> {
    match (precision, scale) {
        (1..=38, scale) if scale <= precision => Ok(SqlType::Decimal(precision as u8, scale as u8)),
        _ => Err(SqlError::new(
            2750,
            format!("Column or parameter #1: Specified column precision {precision} is invalid."),
        )),
    }
}

fn bad_length(length: &str) -> SqlError {
    SqlError::new(1001, format!("Line 1: Length or precision specification {length} is invalid.")).class(15)
}

/// Which of two types the other is converted to: the order of SQL Server's documentation, highest first.
fn precedence(sql_type: SqlType) -> u8 {
    match sql_type {
        SqlType::Variant => 0,
        SqlType::DateTimeOffset(_) => 1,
        SqlType::DateTime2(_) => 2,
        SqlType::DateTime => 3,
        SqlType::SmallDateTime => 4,
        SqlType::Date => 5,
        SqlType::Time(_) => 6,
        SqlType::Float => 7,
        SqlType::Real => 8,
        SqlType::Decimal(..) => 9,
        SqlType::Money => 10,
        SqlType::BigInt => 11,
        SqlType::Int => 12,
        SqlType::SmallInt => 13,
        SqlType::TinyInt => 14,
        SqlType::Bit => 15,
        SqlType::Guid => 16,
        SqlType::NVarChar(_) => 17,
        SqlType::NChar(_) => 18,
        SqlType::VarChar(_) => 19,
        SqlType::Char(_) => 20,
        SqlType::VarBinary(_) => 21,
        SqlType::Binary(_) => 22,
    }
}

/// The type that two values of different types have in common.
pub fn common(left: SqlType, right: SqlType) -> SqlType {
    let (high, low) = if precedence(left) <= precedence(right) { (left, right) } else { (right, left) };
    match (high, low) {
        (SqlType::Decimal(p1, s1), SqlType::Decimal(p2, s2)) => {
            let scale = s1.max(s2);
            SqlType::Decimal(((p1 - s1).max(p2 - s2) + scale).min(38), scale)
        }
        (SqlType::NVarChar(a), low) => SqlType::NVarChar(a.max(characters(low))),
        (SqlType::NChar(a), SqlType::NChar(b)) => SqlType::NChar(a.max(b)),
        (SqlType::NChar(a), low) if low.is_text() => SqlType::NVarChar(a.max(characters(low))),
        (SqlType::VarChar(a), low) => SqlType::VarChar(a.max(characters(low))),
        (SqlType::Char(a), SqlType::Char(b)) => SqlType::Char(a.max(b)),
        (SqlType::VarBinary(a), SqlType::VarBinary(b) | SqlType::Binary(b)) => SqlType::VarBinary(a.max(b)),
        (high, _) => high,
    }
}

/// The characters that a text type holds, 0 for any other type.
pub fn characters(sql_type: SqlType) -> u16 {
    match sql_type {
        SqlType::NChar(length)
        | SqlType::NVarChar(length)
        | SqlType::Char(length)
        | SqlType::VarChar(length) => length,
        _ => 0,
    }
}

/// An integer as a decimal, for arithmetic with decimals.
pub fn as_decimal(sql_type: SqlType) -> (u8, u8) {
    match sql_type {
        SqlType::Decimal(precision, scale) => (precision, scale),
        SqlType::Money => (19, 4),
        SqlType::Bit => (1, 0),
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::BigInt => (19, 0),
        _ => (10, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_name_in_any_case() {
        assert_eq!(parse_type("NVARCHAR(128)"), Ok(SqlType::NVarChar(128)));
        assert_eq!(parse_type("nvarchar(MAX)"), Ok(SqlType::NVarChar(MAX)));
        assert_eq!(parse_type("Decimal( 18 , 2 )"), Ok(SqlType::Decimal(18, 2)));
        assert_eq!(parse_type("sysname"), Ok(SqlType::NVarChar(128)));
        assert_eq!(parse_type("datetime2"), Ok(SqlType::DateTime2(7)));
        assert_eq!(parse_target_type("varchar"), Ok(SqlType::VarChar(30)));
    }

    #[test]
    fn what_is_no_type_has_the_servers_number() {
        assert_eq!(parse_type("geografia").unwrap_err().number, 243);
        assert_eq!(parse_type("nvarchar(4001)").unwrap_err().number, 1001);
        assert_eq!(parse_type("decimal(39)").unwrap_err().number, 2750);
    }

    #[test]
    fn the_higher_type_wins() {
        assert_eq!(common(SqlType::VarChar(10), SqlType::NVarChar(5)), SqlType::NVarChar(10));
        assert_eq!(common(SqlType::Int, SqlType::VarChar(10)), SqlType::Int);
        assert_eq!(common(SqlType::Decimal(5, 2), SqlType::Decimal(10, 0)), SqlType::Decimal(12, 2));
        assert_eq!(common(SqlType::DateTime, SqlType::Int), SqlType::DateTime);
    }
}
