//! Arithmetic and comparison between values of different types.

#![expect(clippy::wildcard_enum_match_arm, reason = "sqlparser's enum holds the operators of all dialects")]

use sqlparser::ast::BinaryOperator;

use super::{Typed, common_type};
use crate::error::{Result, SqlError, syntax};
use crate::sql::types::{as_decimal, characters};
use crate::value::{MAX, SqlType};

/// `left op right` as a value.
pub(super) fn arithmetic(left: Typed, op: &BinaryOperator, right: Typed) -> Result<Typed> {
    if *op == BinaryOperator::Plus && (left.sql_type.is_text() && right.sql_type.is_text()) {
        return Ok(concatenation(&left, &right));
    }
    if let Some(moved) = moved_moment(&left, op, &right) {
        return Ok(moved);
    }
    let sql_type = common_type([&left, &right]);
    let name = match op {
        BinaryOperator::Plus => "add",
        BinaryOperator::Minus => "subtract",
        BinaryOperator::Multiply => "multiply",
        BinaryOperator::Divide => "divide",
        BinaryOperator::Modulo => "modulo",
        BinaryOperator::BitwiseAnd => "'&'",
        BinaryOperator::BitwiseOr => "'|'",
        BinaryOperator::BitwiseXor => "'^'",
        other => return Err(syntax(&other.to_string())),
    };
    if !sql_type.is_number() {
        return Err(SqlError::new(
            8117,
            format!("Operand data type {} is invalid for {name} operator.", sql_type.name()),
        ));
    }
    let result = result_type(op, &left, &right, sql_type);
    let (left, right) = (numeric(left), numeric(right));
    let sql = match op {
        BinaryOperator::Plus => format!("({left} + {right})"),
        BinaryOperator::Minus => format!("({left} - {right})"),
        BinaryOperator::Multiply => format!("({left} * {right})"),
        BinaryOperator::Divide if sql_type.is_integer() => format!("t_divide({left}, {right})"),
        BinaryOperator::Divide => format!("t_divide({left} * 1.0, {right})"),
        BinaryOperator::Modulo => format!("t_modulo({left}, {right})"),
        BinaryOperator::BitwiseAnd => format!("({left} & {right})"),
        BinaryOperator::BitwiseOr => format!("({left} | {right})"),
        _ => format!("t_xor({left}, {right})"),
    };
    Ok(Typed::new(sql, result))
}

fn concatenation(left: &Typed, right: &Typed) -> Typed {
    let wide = matches!(left.sql_type, SqlType::NVarChar(_) | SqlType::NChar(_))
        || matches!(right.sql_type, SqlType::NVarChar(_) | SqlType::NChar(_));
    let length = match (characters(left.sql_type), characters(right.sql_type)) {
        (MAX, _) | (_, MAX) => MAX,
        (a, b) => (a + b).min(if wide { 4000 } else { 8000 }),
    };
    let sql_type = if wide { SqlType::NVarChar(length) } else { SqlType::VarChar(length) };
    Typed::new(format!("({} || {})", left.sql, right.sql), sql_type)
}

/// A `datetime` plus or minus a number of days.
fn moved_moment(left: &Typed, op: &BinaryOperator, right: &Typed) -> Option<Typed> {
    let movable = matches!(left.sql_type, SqlType::DateTime | SqlType::SmallDateTime);
    if !movable || !right.sql_type.is_number() {
        return None;
    }
    let sign = match op {
        BinaryOperator::Plus => "",
        BinaryOperator::Minus => "-",
        _ => return None,
    };
    Some(Typed::new(format!("t_add_days({}, {sign}({}))", left.sql, right.sql), left.sql_type))
}

/// Text in arithmetic is a number or an error.
fn numeric(value: Typed) -> String {
    if value.sql_type.is_text() { value.cast(SqlType::Int).sql } else { value.sql }
}

fn result_type(op: &BinaryOperator, left: &Typed, right: &Typed, common: SqlType) -> SqlType {
    let (SqlType::Decimal(..) | SqlType::Money) = common else { return common };
    let ((p1, s1), (p2, s2)) = (as_decimal(left.sql_type), as_decimal(right.sql_type));
    let (precision, scale) = match op {
        BinaryOperator::Multiply => (p1 + p2 + 1, s1 + s2),
        BinaryOperator::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            ((p1 - s1) + s2 + scale, scale)
        }
        _ => {
            let scale = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
    };
    // Beyond 38 digits the scale gives way, but not below six places.
    let excess = precision.saturating_sub(38);
    let scale = if excess == 0 { scale } else { scale.saturating_sub(excess).max(scale.min(6)) };
    SqlType::Decimal(precision.min(38), scale)
}

/// `left op right` as a condition, in the type that both have in common.
pub(super) fn comparison(left: Typed, op: &str, right: Typed) -> String {
    let sql_type = common_type([&left, &right]);
    if left.sql_type.is_text() && right.sql_type.is_text() {
        return format!("{} {op} {} COLLATE NOCASE", left.sql, right.sql);
    }
    if left.sql_type.is_number() && right.sql_type.is_number() {
        return format!("{} {op} {}", left.sql, right.sql);
    }
    format!("{} {op} {}", comparable(left, sql_type), comparable(right, sql_type))
}

/// Moments of different types are stored with different numbers of digits: they meet at the longest.
fn comparable(value: Typed, sql_type: SqlType) -> String {
    let target = match sql_type {
        SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2(_) if value.sql_type != sql_type => {
            sql_type
        }
        SqlType::Variant => return value.sql,
        other => other,
    };
    value.cast(target).sql
}
