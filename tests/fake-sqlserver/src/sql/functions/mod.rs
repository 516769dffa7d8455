//! The server's own functions, registered with SQLite under `t_<name>`.

mod math;
mod pattern;
mod server;
mod text;
pub mod time;

use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value as Stored, ValueRef};

use super::convert::convert;
use super::scope::Scope;
use super::storage::{load, store};
use super::types::parse_type;
use crate::error::Result;
use crate::value::{SqlType, Value};

/// The type of a function's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// Always this
    Is(SqlType),
    /// That of the n-th argument
    Like(usize),
    /// Text as long and of the kind of the n-th argument
    TextLike(usize),
}

/// What a function does: its arguments are as SQLite has them, moments as text.
type Call = fn(&Scope, &[Value]) -> Result<Value>;

/// One of the server's functions.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name in upper case
    pub name: &'static str,
    /// How many arguments it takes
    pub arguments: RangeInclusive<usize>,
    /// The type of its result
    pub returns: Returns,
    call: Call,
}

const fn function(name: &'static str, least: usize, most: usize, returns: Returns, call: Call) -> Function {
    Function { name, arguments: least..=most, returns, call }
}

/// The function of that name in upper case.
pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

fn all() -> impl Iterator<Item = &'static Function> {
    text::FUNCTIONS.iter().chain(time::FUNCTIONS).chain(math::FUNCTIONS).chain(server::FUNCTIONS)
}

/// Functions that T-SQL cannot name: operators, conversions, global variables.
const HIDDEN: [(&str, usize, Call); 8] = [
    ("t_convert", 4, |_, arguments| conversion(arguments)),
    ("t_try_convert", 4, |_, arguments| Ok(conversion(arguments).unwrap_or(Value::Null))),
    ("t_divide", 2, |_, arguments| math::divide(arguments)),
    ("t_modulo", 2, |_, arguments| math::modulo(arguments)),
    ("t_xor", 2, |_, arguments| math::xor(arguments)),
    ("t_like", 3, |_, arguments| pattern::like(arguments)),
    ("t_add_days", 2, |_, arguments| time::add_days(arguments)),
    ("t_global", 1, server::global),
];

/// Registers all functions for the session of `scope`.
///
/// # Errors
/// SQLite's own.
pub fn register(connection: &Connection, scope: &Arc<Scope>) -> rusqlite::Result<()> {
    for function in all() {
        let name = format!("t_{}", function.name.to_lowercase());
        register_one(connection, &name, -1, scope, function.call)?;
    }
    for (name, arguments, call) in HIDDEN {
        register_one(connection, name, arguments as std::ffi::c_int, scope, call)?;
    }
    Ok(())
}

fn register_one(
    connection: &Connection,
    name: &str,
    arguments: std::ffi::c_int,
    scope: &Arc<Scope>,
    call: Call,
) -> rusqlite::Result<()> {
    let scope = Arc::clone(scope);
    connection.create_scalar_function(name, arguments, FunctionFlags::SQLITE_UTF8, move |context| {
        let values = (0..context.len()).map(|index| argument(context, index)).collect::<Vec<_>>();
        match call(&scope, &values) {
            Ok(value) => Ok(result(&value)),
            Err(error) => Err(rusqlite::Error::UserFunctionError(Box::new(error))),
        }
    })
}

fn argument(context: &Context<'_>, index: usize) -> Value {
    match context.get_raw(index) {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Float(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

fn result(value: &Value) -> Stored {
    store(value, SqlType::Variant)
}

/// `t_convert(value, from, to, style)`
fn conversion(arguments: &[Value]) -> Result<Value> {
    let [value, Value::Text(from), Value::Text(to), style] = arguments else { return Ok(Value::Null) };
    let (from, to) = (parse_type(from)?, parse_type(to)?);
    let style = if let Value::Int(style) = style { *style } else { 0 };
    let stored = store(value, from);
    let loaded = load(ValueRef::from(&stored), from)?;
    let converted = convert(loaded, from, to, style)?;
    // The target's own form: a datetime2 has seven digits, a datetime three.
    Ok(match store(&converted, to) {
        Stored::Null => Value::Null,
        Stored::Integer(number) => Value::Int(number),
        Stored::Real(number) => Value::Float(number),
        Stored::Text(text) => Value::Text(text),
        Stored::Blob(bytes) => Value::Bytes(bytes),
    })
}

/// The text of an argument; `None` for null.
fn text_of(arguments: &[Value], index: usize) -> Option<String> {
    arguments.get(index).and_then(Value::to_text)
}

/// The whole number of an argument; `None` for null and for what is none.
fn integer_of(arguments: &[Value], index: usize) -> Option<i64> {
    match arguments.get(index)? {
        Value::Int(number) => Some(*number),
        Value::Float(number) => Some(*number as i64),
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
