//! Tables and the types of their columns, with the numbers and widths that SQL Server has for them.

use super::page::MOST_RECORD_BYTES;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0–255.
    TinyInt,
    /// 16 bits.
    SmallInt,
    /// 32 bits.
    Int,
    /// 64 bits.
    BigInt,
    /// 0 or 1; eight of them share a byte.
    Bit,
    /// 32 bits of floating point.
    Real,
    /// 64 bits of floating point.
    Float,
    /// Up to 38 digits, some of them behind the point.
    Decimal {
        /// All digits.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// Four digits behind the point, in 64 bits.
    Money,
    /// A day.
    Date,
    /// A moment, to the 300th of a second.
    DateTime,
    /// A moment, with this many digits behind the second, at most 7.
    DateTime2(u8),
    /// A globally unique identifier.
    Guid,
    /// Text of a fixed number of bytes, filled with blanks, in UTF-8 (as the collations of that name have it).
    Char(u16),
    /// Text of a fixed number of UTF-16 units, filled with blanks.
    NChar(u16),
    /// Text of a varying number of bytes, in UTF-8.
    VarChar,
    /// Text of a varying number of UTF-16 units.
    NVarChar,
    /// Bytes of a varying number.
    VarBinary,
    /// A value with its own type, one of integer, floating point, text, bytes.
    Variant,
}

impl Kind {
    /// The type that a declaration such as `decimal(10,2)` or `NVARCHAR(60)` names. What is unknown becomes a variant,
    /// which holds every value.
    pub fn of_declaration(declaration: &str) -> Self {
        let lower = declaration.trim().to_ascii_lowercase();
        let (name, arguments) = lower.split_once('(').unwrap_or((&lower, ""));
        let arguments: Vec<u16> =
            arguments.trim_end_matches(')').split(',').filter_map(|part| part.trim().parse().ok()).collect();
        let first = arguments.first().copied();
        match name.trim() {
            "tinyint" => Self::TinyInt,
            "smallint" => Self::SmallInt,
            "int" => Self::Int,
            "bigint" | "integer" => Self::BigInt,
            "bit" => Self::Bit,
            "real" => Self::Real,
            "float" | "double precision" | "double" => Self::Float,
            "decimal" | "numeric" | "dec" => Self::decimal(first, arguments.get(1).copied()),
            "money" => Self::Money,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "datetime2" => Self::DateTime2(first.map_or(7, |digits| digits.min(7) as u8)),
            "uniqueidentifier" => Self::Guid,
            "char" | "character" => Self::fixed(first, Self::Char, Self::VarChar),
            "nchar" => Self::fixed(first, Self::NChar, Self::NVarChar),
            "varchar" => Self::VarChar,
            "nvarchar" | "text" | "ntext" | "sysname" => Self::NVarChar,
            "binary" | "varbinary" | "blob" | "image" => Self::VarBinary,
            _ => Self::Variant,
        }
    }

    fn decimal(precision: Option<u16>, scale: Option<u16>) -> Self {
        let precision = precision.unwrap_or(18).clamp(1, 38) as u8;
        Self::Decimal { precision, scale: scale.unwrap_or(0).min(u16::from(precision)) as u8 }
    }

    fn fixed(width: Option<u16>, fixed: fn(u16) -> Self, varying: Self) -> Self {
        let width = width.unwrap_or(1);
        if usize::from(width) * 2 > MOST_RECORD_BYTES { varying } else { fixed(width) }
    }

    /// Bytes in the fixed part of a record; `None` for a type of varying length. A bit says 1, though eight share a byte.
    pub(crate) fn fixed_bytes(self) -> Option<usize> {
        match self {
            Self::TinyInt | Self::Bit => Some(1),
            Self::SmallInt => Some(2),
            Self::Int | Self::Real => Some(4),
            Self::BigInt | Self::Float | Self::Money | Self::DateTime => Some(8),
            Self::Decimal { precision, .. } => Some(match precision {
                ..=9 => 5,
                10..=19 => 9,
                20..=28 => 13,
                29.. => 17,
            }),
            Self::Date => Some(3),
            Self::DateTime2(digits) => Some(3 + time_bytes(digits)),
            Self::Guid => Some(16),
            Self::Char(width) => Some(usize::from(width)),
            Self::NChar(width) => Some(2 * usize::from(width)),
            Self::VarChar | Self::NVarChar | Self::VarBinary | Self::Variant => None,
        }
    }

    /// The type's number in `sys.types`, its length, precision and scale, as the catalogue's columns have them.
    pub(crate) fn catalogued(self) -> (u8, u16, u8, u8) {
        let length = self.fixed_bytes().map_or(8000, |bytes| bytes as u16);
        match self {
            Self::TinyInt => (48, length, 3, 0),
            Self::SmallInt => (52, length, 5, 0),
            Self::Int => (56, length, 10, 0),
            Self::BigInt => (127, length, 19, 0),
            Self::Bit => (104, length, 1, 0),
            Self::Real => (59, length, 24, 0),
            Self::Float => (62, length, 53, 0),
            Self::Decimal { precision, scale } => (106, length, precision, scale),
            Self::Money => (60, length, 19, 4),
            Self::Date => (40, length, 10, 0),
            Self::DateTime => (61, length, 23, 3),
            Self::DateTime2(digits) => (42, length, 19 + digits, digits),
            Self::Guid => (36, length, 0, 0),
            Self::Char(_) => (175, length, 0, 0),
            Self::NChar(_) => (239, length, 0, 0),
            Self::VarChar => (167, length, 0, 0),
            Self::NVarChar => (231, length, 0, 0),
            Self::VarBinary => (165, length, 0, 0),
            Self::Variant => (98, 8016, 0, 0),
        }
    }

    /// The type that a row of the catalogue's columns means.
    pub(crate) fn of_catalogue(number: i64, length: i64, precision: i64, scale: i64) -> Option<Self> {
        let (length, digits) = (u16::try_from(length).ok()?, u8::try_from(scale).ok()?);
        Some(match number {
            48 => Self::TinyInt,
            52 => Self::SmallInt,
            56 => Self::Int,
            127 => Self::BigInt,
            104 => Self::Bit,
            59 => Self::Real,
            62 => Self::Float,
            106 => Self::Decimal { precision: u8::try_from(precision).ok()?, scale: digits },
            60 => Self::Money,
            40 => Self::Date,
            61 => Self::DateTime,
            42 => Self::DateTime2(digits.min(7)),
            36 => Self::Guid,
            175 => Self::Char(length),
            239 => Self::NChar(length / 2),
            167 => Self::VarChar,
            231 => Self::NVarChar,
            165 => Self::VarBinary,
            98 => Self::Variant,
            _ => return None,
        })
    }
}

/// Bytes of a time of day with this many digits behind the second.
pub(crate) fn time_bytes(digits: u8) -> usize {
    match digits {
        ..=2 => 3,
        3 | 4 => 4,
        5.. => 5,
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
}

/// A table: its name and its columns in the order of their declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, without a schema.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
}

impl Table {
    /// A table of columns given as name and declaration.
    pub fn new(name: &str, columns: &[(&str, &str)]) -> Self {
        let columns = columns
            .iter()
            .map(|(name, declaration)| Column {
                name: (*name).to_owned(),
                kind: Kind::of_declaration(declaration),
            })
            .collect();
        Self { name: name.to_owned(), columns }
    }

    /// Where the columns lie in a record.
    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.columns.iter().map(|column| column.kind))
    }
}

/// Where a column lies in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// From this offset of the record on.
    Fixed(usize),
    /// This bit of the byte at this offset.
    Bit(usize, u8),
    /// The n-th of the columns of varying length.
    Varying(usize),
}

/// Where all columns of a table lie in its records.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub columns: Vec<(Kind, Place)>,
    /// Where the number of columns stands, behind the fixed part.
    pub fixed_end: usize,
    pub varying: usize,
}

impl Layout {
    pub(crate) fn new(kinds: impl Iterator<Item = Kind>) -> Self {
        let mut layout = Self { columns: Vec::new(), fixed_end: 4, varying: 0 };
        let mut bits = (0, 8);
        for kind in kinds {
            let place = match kind.fixed_bytes() {
                None => {
                    layout.varying += 1;
                    Place::Varying(layout.varying - 1)
                }
                Some(_) if kind == Kind::Bit => {
                    if bits.1 == 8 {
                        bits = (layout.fixed_end, 0);
                        layout.fixed_end += 1;
                    }
                    bits.1 += 1;
                    Place::Bit(bits.0, bits.1 - 1)
                }
                Some(bytes) => {
                    layout.fixed_end += bytes;
                    Place::Fixed(layout.fixed_end - bytes)
                }
            };
            layout.columns.push((kind, place));
        }
        layout
    }

    pub(crate) fn null_bytes(&self) -> usize {
        self.columns.len().div_ceil(8)
    }
}
