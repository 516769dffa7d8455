//! Literals and the server's global variables.

#![expect(clippy::wildcard_enum_match_arm, reason = "sqlparser's enums hold the literals of all dialects")]

use sqlparser::ast::Value as Literal;

use super::{Typed, text_literal, unserved};
use crate::error::{Result, undeclared};
use crate::value::SqlType;

/// A literal with the type that T-SQL gives it.
pub(super) fn literal(value: &Literal) -> Result<Typed> {
    match value {
        Literal::Null => Ok(Typed::null()),
        Literal::Number(digits, _) => Ok(number(digits)),
        Literal::SingleQuotedString(text) => {
            let bytes = u16::try_from(text.chars().count()).unwrap_or(crate::value::MAX);
            let length = if bytes > 8000 { crate::value::MAX } else { bytes.max(1) };
            Ok(Typed::new(text_literal(text), SqlType::VarChar(length)))
        }
        Literal::NationalStringLiteral(text) => {
            let units = u16::try_from(text.encode_utf16().count()).unwrap_or(crate::value::MAX);
            let length = if units > 4000 { crate::value::MAX } else { units.max(1) };
            Ok(Typed::new(text_literal(text), SqlType::NVarChar(length)))
        }
        Literal::HexStringLiteral(digits) => {
            let even = if digits.len() % 2 == 0 { digits.clone() } else { format!("0{digits}") };
            let bytes = u16::try_from(even.len() / 2).unwrap_or(8000).clamp(1, 8000);
            Ok(Typed::new(format!("x'{even}'"), SqlType::VarBinary(bytes)))
        }
        other => Err(unserved(other)),
    }
}

fn number(digits: &str) -> Typed {
    let digits = digits.trim_start_matches('$');
    if digits.contains(['e', 'E']) {
        return Typed::new(digits, SqlType::Float);
    }
    match digits.split_once('.') {
        None if digits.parse::<i32>().is_ok() => Typed::new(digits, SqlType::Int),
        None => Typed::new(digits, SqlType::Decimal(precision(digits.len()), 0)),
        Some((whole, fraction)) => {
            let scale = precision(fraction.len());
            let digits = precision(whole.trim_start_matches('0').len() + fraction.len()).max(1);
            Typed::new(format!("{whole}.{fraction}0"), SqlType::Decimal(digits, scale.min(digits)))
        }
    }
}

fn precision(digits: usize) -> u8 {
    u8::try_from(digits).unwrap_or(38).min(38)
}

/// `@@NAME`
pub(super) fn global(name: &str) -> Result<Typed> {
    let sql_type = match name.to_uppercase().as_str() {
        "@@SPID" | "@@LANGID" => SqlType::SmallInt,
        "@@VERSION" => SqlType::NVarChar(300),
        "@@SERVERNAME" | "@@SERVICENAME" | "@@LANGUAGE" => SqlType::NVarChar(128),
        "@@ROWCOUNT" | "@@ERROR" | "@@TRANCOUNT" | "@@LOCK_TIMEOUT" | "@@MICROSOFTVERSION" => SqlType::Int,
        "@@MAX_PRECISION" | "@@DATEFIRST" => SqlType::TinyInt,
        "@@IDENTITY" => SqlType::Decimal(38, 0),
        _ => return Err(undeclared(name)),
    };
    Ok(Typed::new(format!("t_global('{}')", name.to_uppercase().trim_start_matches('@')), sql_type))
}
