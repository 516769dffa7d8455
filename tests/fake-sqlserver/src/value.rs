//! SQL Server's data types and the values that travel between the wire, the statements and SQLite.

use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use uuid::Uuid;

/// Length of a variable type that has no bound (`nvarchar(max)`).
pub const MAX: u16 = u16::MAX;

/// A data type as T-SQL names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlType {
    /// `bit`
    Bit,
    /// `tinyint`, the only unsigned integer
    TinyInt,
    /// `smallint`
    SmallInt,
    /// `int`
    Int,
    /// `bigint`
    BigInt,
    /// `real`
    Real,
    /// `float`
    Float,
    /// `decimal(precision, scale)` and `numeric`
    Decimal(u8, u8),
    /// `money`
    Money,
    /// `date`
    Date,
    /// `time(scale)`
    Time(u8),
    /// `smalldatetime`
    SmallDateTime,
    /// `datetime`
    DateTime,
    /// `datetime2(scale)`
    DateTime2(u8),
    /// `datetimeoffset(scale)`
    DateTimeOffset(u8),
    /// `nchar(characters)`
    NChar(u16),
    /// `nvarchar(characters)`, [`MAX`] for `max`
    NVarChar(u16),
    /// `char(bytes)`
    Char(u16),
    /// `varchar(bytes)`, [`MAX`] for `max`
    VarChar(u16),
    /// `binary(bytes)`
    Binary(u16),
    /// `varbinary(bytes)`, [`MAX`] for `max`
    VarBinary(u16),
    /// `uniqueidentifier`
    Guid,
    /// `sql_variant`
    Variant,
}

impl SqlType {
    /// Whether values are characters.
    pub fn is_text(self) -> bool {
        matches!(self, Self::NChar(_) | Self::NVarChar(_) | Self::Char(_) | Self::VarChar(_))
    }

    /// Whether values are whole numbers.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt)
    }

    /// Whether values are numbers of any kind.
    pub fn is_number(self) -> bool {
        self.is_integer() || matches!(self, Self::Real | Self::Float | Self::Decimal(..) | Self::Money)
    }

    /// Whether values are moments, dates or times of day.
    pub fn is_time(self) -> bool {
        matches!(
            self,
            Self::Date
                | Self::Time(_)
                | Self::SmallDateTime
                | Self::DateTime
                | Self::DateTime2(_)
                | Self::DateTimeOffset(_)
        )
    }

    /// The name without lengths, as error messages of the server give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bit => "bit",
            Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::Int => "int",
            Self::BigInt => "bigint",
            Self::Real => "real",
            Self::Float => "float",
            Self::Decimal(..) => "numeric",
            Self::Money => "money",
            Self::Date => "date",
            Self::Time(_) => "time",
            Self::SmallDateTime => "smalldatetime",
            Self::DateTime => "datetime",
            Self::DateTime2(_) => "datetime2",
            Self::DateTimeOffset(_) => "datetimeoffset",
            Self::NChar(_) => "nchar",
            Self::NVarChar(_) => "nvarchar",
            Self::Char(_) => "char",
            Self::VarChar(_) => "varchar",
            Self::Binary(_) => "binary",
            Self::VarBinary(_) => "varbinary",
            Self::Guid => "uniqueidentifier",
            Self::Variant => "sql_variant",
        }
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match *self {
            Self::Decimal(precision, scale) => write!(f, "({precision},{scale})"),
            Self::Time(scale) | Self::DateTime2(scale) | Self::DateTimeOffset(scale) => {
                write!(f, "({scale})")
            }
            Self::NVarChar(MAX) | Self::VarChar(MAX) | Self::VarBinary(MAX) => f.write_str("(max)"),
            Self::NChar(length)
            | Self::NVarChar(length)
            | Self::Char(length)
            | Self::VarChar(length)
            | Self::Binary(length)
            | Self::VarBinary(length) => write!(f, "({length})"),
            Self::Bit
            | Self::TinyInt
            | Self::SmallInt
            | Self::Int
            | Self::BigInt
            | Self::Real
            | Self::Float
            | Self::Money
            | Self::Date
            | Self::SmallDateTime
            | Self::DateTime
            | Self::Guid
            | Self::Variant => Ok(()),
        }
    }
}

/// One value. Its column's [`SqlType`] decides how it is written on the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `NULL`
    Null,
    /// Any whole number, `bit` included (0 and 1)
    Int(i64),
    /// `real` and `float`
    Float(f64),
    /// `decimal`: the digits and the number of them after the point
    Decimal(i128, u8),
    /// Characters
    Text(String),
    /// Bytes
    Bytes(Vec<u8>),
    /// `date`
    Date(NaiveDate),
    /// `time`
    Time(NaiveTime),
    /// `datetime`, `datetime2`, `smalldatetime`
    DateTime(NaiveDateTime),
    /// `datetimeoffset`
    DateTimeOffset(DateTime<FixedOffset>),
    /// `uniqueidentifier`
    Guid(Uuid),
}

impl Value {
    /// The value as T-SQL converts it to characters; `None` for `NULL`.
    pub fn to_text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Decimal(digits, scale) => decimal_text(*digits, *scale),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Date(date) => date.format("%Y-%m-%d").to_string(),
            Self::Time(time) => time.format("%H:%M:%S%.f").to_string(),
            Self::DateTime(moment) => moment.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
            Self::DateTimeOffset(moment) => moment.format("%Y-%m-%d %H:%M:%S%.f %:z").to_string(),
            Self::Guid(guid) => guid.to_string().to_uppercase(),
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Int(i64::from(yes))
    }
}

impl From<NaiveDateTime> for Value {
    fn from(moment: NaiveDateTime) -> Self {
        Self::DateTime(moment)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// `digits` with a point `scale` places from the right.
pub fn decimal_text(digits: i128, scale: u8) -> String {
    if scale == 0 {
        return digits.to_string();
    }
    let scale = usize::from(scale);
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_its_zeroes_and_its_sign() {
        assert_eq!(decimal_text(1234, 2), "12.34");
        assert_eq!(decimal_text(-5, 2), "-0.05");
        assert_eq!(decimal_text(7, 0), "7");
    }

    #[test]
    fn a_type_is_written_as_in_a_declaration() {
        assert_eq!(SqlType::NVarChar(128).to_string(), "nvarchar(128)");
        assert_eq!(SqlType::NVarChar(MAX).to_string(), "nvarchar(max)");
        assert_eq!(SqlType::Decimal(25, 0).to_string(), "numeric(25,0)");
        assert_eq!(SqlType::DateTime.to_string(), "datetime");
    }
}
