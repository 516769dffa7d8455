//! Functions on text.

use super::{Function, Returns, function, integer_of, text_of};
use crate::error::Result;
use crate::sql::scope::Scope;
use crate::value::{SqlType, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("LEN", 1, 1, Returns::Is(SqlType::Int), len),
    function("DATALENGTH", 1, 1, Returns::Is(SqlType::Int), data_length),
    function("UPPER", 1, 1, Returns::TextLike(0), |_, a| Ok(text_of(a, 0).map(|t| t.to_uppercase()).into())),
    function("LOWER", 1, 1, Returns::TextLike(0), |_, a| Ok(text_of(a, 0).map(|t| t.to_lowercase()).into())),
    function("LTRIM", 1, 1, Returns::TextLike(0), |_, a| {
        Ok(text_of(a, 0).map(|t| t.trim_start_matches(' ').to_owned()).into())
    }),
    function("RTRIM", 1, 1, Returns::TextLike(0), |_, a| {
        Ok(text_of(a, 0).map(|t| t.trim_end_matches(' ').to_owned()).into())
    }),
    function("TRIM", 1, 1, Returns::TextLike(0), |_, a| {
        Ok(text_of(a, 0).map(|t| t.trim_matches(' ').to_owned()).into())
    }),
    function("LEFT", 2, 2, Returns::TextLike(0), left),
    function("RIGHT", 2, 2, Returns::TextLike(0), right),
    function("SUBSTRING", 3, 3, Returns::TextLike(0), substring),
    function("REPLACE", 3, 3, Returns::Is(SqlType::NVarChar(4000)), replace),
    function("REPLICATE", 2, 2, Returns::Is(SqlType::NVarChar(4000)), replicate),
    function("REVERSE", 1, 1, Returns::TextLike(0), |_, a| {
        Ok(text_of(a, 0).map(|t| t.chars().rev().collect::<String>()).into())
    }),
    function("SPACE", 1, 1, Returns::Is(SqlType::VarChar(8000)), |_, a| {
        Ok(integer_of(a, 0).map(|n| " ".repeat(n.clamp(0, 8000) as usize)).into())
    }),
    function("CHARINDEX", 2, 3, Returns::Is(SqlType::Int), char_index),
    function("CONCAT", 2, 254, Returns::Is(SqlType::NVarChar(4000)), concat),
    function("QUOTENAME", 1, 2, Returns::Is(SqlType::NVarChar(258)), quote_name),
    function("CHAR", 1, 1, Returns::Is(SqlType::Char(1)), |_, a| {
        Ok(integer_of(a, 0).and_then(|n| u8::try_from(n).ok()).map(|b| char::from(b).to_string()).into())
    }),
    function("NCHAR", 1, 1, Returns::Is(SqlType::NChar(1)), |_, a| {
        Ok(integer_of(a, 0).and_then(|n| char::from_u32(u32::try_from(n).ok()?)).map(String::from).into())
    }),
    function("ASCII", 1, 1, Returns::Is(SqlType::Int), |_, a| {
        Ok(text_of(a, 0)
            .and_then(|t| t.chars().next())
            .map(|c| i64::from(u8::try_from(c).unwrap_or(b'?')))
            .into())
    }),
    function("UNICODE", 1, 1, Returns::Is(SqlType::Int), |_, a| {
        Ok(text_of(a, 0).and_then(|t| t.encode_utf16().next()).map(i64::from).into())
    }),
];

/// Characters without the blanks at the end.
fn len(_: &Scope, arguments: &[Value]) -> Result<Value> {
    Ok(text_of(arguments, 0).map(|text| text.trim_end_matches(' ').encode_utf16().count() as i64).into())
}

fn data_length(_: &Scope, arguments: &[Value]) -> Result<Value> {
    Ok(match arguments {
        [Value::Bytes(bytes)] => Value::Int(bytes.len() as i64),
        _ => text_of(arguments, 0).map(|text| text.encode_utf16().count() as i64 * 2).into(),
    })
}

fn left(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(text), Some(count)) = (text_of(arguments, 0), integer_of(arguments, 1)) else {
        return Ok(Value::Null);
    };
    Ok(text.chars().take(usize::try_from(count).unwrap_or(0)).collect::<String>().into())
}

fn right(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(text), Some(count)) = (text_of(arguments, 0), integer_of(arguments, 1)) else {
        return Ok(Value::Null);
    };
    let skipped = text.chars().count().saturating_sub(usize::try_from(count).unwrap_or(0));
    Ok(text.chars().skip(skipped).collect::<String>().into())
}

fn substring(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(start), Some(length)) = (integer_of(arguments, 1), integer_of(arguments, 2)) else {
        return Ok(Value::Null);
    };
    if length < 0 {
        let text = "Invalid length parameter passed to the LEFT or SUBSTRING function.";
        return Err(crate::error::SqlError::new(537, text).state(3));
    }
    // Positions before the first character take part of the length.
    let end = start.saturating_add(length).max(1);
    let (skipped, taken) = ((start.max(1) - 1) as usize, (end - start.max(1)).max(0) as usize);
    Ok(match arguments.first() {
        Some(Value::Bytes(bytes)) => Value::Bytes(bytes.iter().skip(skipped).take(taken).copied().collect()),
        _ => text_of(arguments, 0)
            .map(|text| text.chars().skip(skipped).take(taken).collect::<String>())
            .into(),
    })
}

fn replace(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(text), Some(old), Some(new)) =
        (text_of(arguments, 0), text_of(arguments, 1), text_of(arguments, 2))
    else {
        return Ok(Value::Null);
    };
    Ok(if old.is_empty() { text } else { text.replace(&old, &new) }.into())
}

fn replicate(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(text), Some(count)) = (text_of(arguments, 0), integer_of(arguments, 1)) else {
        return Ok(Value::Null);
    };
    let wanted = usize::try_from(count).unwrap_or(0);
    Ok(text
        .chars()
        .cycle()
        .take(wanted.saturating_mul(text.chars().count()).min(4000))
        .collect::<String>()
        .into())
}

fn char_index(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let (Some(wanted), Some(text)) = (text_of(arguments, 0), text_of(arguments, 1)) else {
        return Ok(Value::Null);
    };
    let from = usize::try_from(integer_of(arguments, 2).unwrap_or(1).max(1) - 1).unwrap_or(0);
    let (wanted, text): (Vec<char>, Vec<char>) =
        (wanted.to_lowercase().chars().collect(), text.to_lowercase().chars().collect());
    if wanted.is_empty() {
        return Ok(Value::Int(0));
    }
    let found = (from..text.len()).find(|at| text[*at..].starts_with(&wanted));
    Ok(Value::Int(found.map_or(0, |at| at as i64 + 1)))
}

fn concat(_: &Scope, arguments: &[Value]) -> Result<Value> {
    Ok(arguments.iter().filter_map(Value::to_text).collect::<String>().into())
}

fn quote_name(_: &Scope, arguments: &[Value]) -> Result<Value> {
    let Some(name) = text_of(arguments, 0).filter(|name| name.encode_utf16().count() <= 128) else {
        return Ok(Value::Null);
    };
    let (open, close) = match text_of(arguments, 1).as_deref() {
        None | Some("[" | "]") => ('[', ']'),
        Some("'") => ('\'', '\''),
        Some("\"") => ('"', '"'),
        Some(_) => return Ok(Value::Null),
    };
    let doubled = name.replace(close, &format!("{close}{close}"));
    Ok(format!("{open}{doubled}{close}").into())
}
