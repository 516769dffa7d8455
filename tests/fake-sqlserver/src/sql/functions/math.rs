//! Functions on numbers, and the operators that SQLite would carry out otherwise.

use super::{Function, Returns, function, integer_of};
use crate::error::{Result, SqlError};
use crate::sql::scope::Scope;
use crate::value::{SqlType, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("ABS", 1, 1, Returns::Like(0), |_, a| Ok(number(a, f64::abs, i64::saturating_abs))),
    function("FLOOR", 1, 1, Returns::Like(0), |_, a| Ok(number(a, f64::floor, |n| n))),
    function("CEILING", 1, 1, Returns::Like(0), |_, a| Ok(number(a, f64::ceil, |n| n))),
    function("SIGN", 1, 1, Returns::Like(0), |_, a| Ok(number(a, f64::signum, i64::signum))),
    function("ROUND", 2, 3, Returns::Like(0), round),
    function("SQRT", 1, 1, Returns::Is(SqlType::Float), |_, a| {
        Ok(float_of(a, 0).map_or(Value::Null, |n| Value::Float(n.sqrt())))
    }),
    function("POWER", 2, 2, Returns::Like(0), power),
    function("RAND", 0, 1, Returns::Is(SqlType::Float), |_, _| Ok(Value::Float(fastrand::f64()))),
    function("NEWID", 0, 0, Returns::Is(SqlType::Guid), |_, _| Ok(Value::Guid(uuid::Uuid::new_v4()))),
    function("CHECKSUM", 1, 32, Returns::Is(SqlType::Int), checksum),
];

fn float_of(arguments: &[Value], index: usize) -> Option<f64> {
    match arguments.get(index)? {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Null
        | Value::Decimal(..)
        | Value::Bytes(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::DateTime(_)
        | Value::DateTimeOffset(_)
        | Value::Guid(_) => None,
    }
}

fn number(arguments: &[Value], float: fn(f64) -> f64, integer: fn(i64) -> i64) -> Value {
    match arguments.first() {
        Some(Value::Int(number)) => Value::Int(integer(*number)),
        _ => float_of(arguments, 0).map_or(Value::Null, |number| Value::Float(float(number))),
    }
}

fn round(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let Some(places) = integer_of(arguments, 1).and_then(|places| i32::try_from(places).ok()) else {
        return Ok(Value::Null);
    };
    let power = 10f64.powi(places.clamp(-30, 30));
    Ok(match arguments.first() {
        Some(Value::Int(number)) if places < 0 => {
            Value::Int(((*number as f64 * power).round() / power) as i64)
        }
        Some(Value::Int(number)) => Value::Int(*number),
        _ => float_of(arguments, 0)
            .map_or(Value::Null, |number| Value::Float((number * power).round() / power)),
    })
}

fn power(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(base), Some(exponent)) = (float_of(arguments, 0), float_of(arguments, 1)) else {
        return Ok(Value::Null);
    };
    let result = base.powf(exponent);
    Ok(match arguments.first() {
        Some(Value::Int(_)) if result.abs() < 9.2e18 => Value::Int(result as i64),
        _ => Value::Float(result),
    })
}

/// Any number that depends on the arguments alone: the real one's recipe is not published.
fn checksum(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let text: String =
        arguments.iter().filter_map(Value::to_text).collect::<Vec<_>>().join("\u{1}").to_lowercase();
    let sum = text.bytes().fold(0u32, |sum, byte| sum.rotate_left(4) ^ u32::from(byte));
    Ok(Value::Int(i64::from(sum.cast_signed())))
}

fn by_zero() -> SqlError {
    SqlError::new(8134, "Divide by zero error encountered.")
}

pub(super) fn divide(arguments: &[Value]) -> Result<Value> {
    match arguments {
        [Value::Null, _] | [_, Value::Null] => Ok(Value::Null),
        [Value::Int(_), Value::Int(0)] => Err(by_zero()),
        [Value::Int(left), Value::Int(right)] => Ok(Value::Int(left.wrapping_div(*right))),
        _ => match (float_of(arguments, 0), float_of(arguments, 1)) {
            (Some(_), Some(0.0)) => Err(by_zero()),
            (Some(left), Some(right)) => Ok(Value::Float(left / right)),
            _ => Ok(Value::Null),
        },
    }
}

pub(super) fn modulo(arguments: &[Value]) -> Result<Value> {
    match arguments {
        [Value::Null, _] | [_, Value::Null] => Ok(Value::Null),
        [Value::Int(_), Value::Int(0)] => Err(by_zero()),
        [Value::Int(left), Value::Int(right)] => Ok(Value::Int(left.wrapping_rem(*right))),
        _ => match (float_of(arguments, 0), float_of(arguments, 1)) {
            (Some(_), Some(0.0)) => Err(by_zero()),
            (Some(left), Some(right)) => Ok(Value::Float(left % right)),
            _ => Ok(Value::Null),
        },
    }
}

pub(super) fn xor(arguments: &[Value]) -> Result<Value> {
    Ok(match (integer_of(arguments, 0), integer_of(arguments, 1)) {
        (Some(left), Some(right)) => Value::Int(left ^ right),
        _ => Value::Null,
    })
}
