//! Names of objects: `database.schema.object` with the parts that are left out.

use std::fmt;

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use crate::error::{Result, SqlError, syntax};

/// The name of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The database, if the name has one
    pub database: Option<String>,
    /// The schema, if the name has one
    pub schema: Option<String>,
    /// The object
    pub object: String,
}

impl Path {
    /// The path that `name` spells.
    ///
    /// # Errors
    /// 117 for more than three parts, 102 for parts that are no names.
    pub fn new(name: &ObjectName) -> Result<Self> {
        let mut parts = Vec::new();
        for part in &name.0 {
            match part {
                ObjectNamePart::Identifier(ident) => parts.push(spelled(ident)),
                ObjectNamePart::Function(function) => return Err(syntax(&function.to_string())),
            }
        }
        Self::of_parts(parts).ok_or_else(|| {
            let text = format!("The object name '{name}' contains more than the maximum number of prefixes. The maximum is 2.");
            SqlError::new(117, text).class(15)
        })
    }

    /// The path of one to three parts, the object last. An empty part counts as left out.
    pub fn of_parts(parts: Vec<String>) -> Option<Self> {
        let mut parts = parts.into_iter().rev();
        let object = parts.next()?;
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (schema, database) = (part(), part());
        parts.next().is_none().then_some(Self { database, schema, object })
    }

    /// The path that the text spells, with or without brackets; `None` when it is no name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        loop {
            let (part, after) = match rest.strip_prefix('[') {
                Some(inner) => bracketed(inner)?,
                None => {
                    let end = rest.find('.').unwrap_or(rest.len());
                    (rest[..end].trim().to_owned(), &rest[end..])
                }
            };
            parts.push(part);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.trim().is_empty() => break,
                None => return None,
            }
        }
        Self::of_parts(parts).filter(|path| !path.object.is_empty())
    }

    /// Whether the schema is `name`.
    pub fn is_in(&self, name: &str) -> bool {
        self.schema.as_deref().is_some_and(|schema| schema.eq_ignore_ascii_case(name))
    }
}

/// What stands up to the closing bracket, and what follows it.
fn bracketed(inner: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = inner.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != ']' {
            name.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == ']') {
            characters.next();
            name.push(']');
        } else {
            return Some((name, &inner[at + 1..]));
        }
    }
    None
}

/// The name that an identifier spells; the tokenizer has taken its brackets away already.
pub fn spelled(ident: &Ident) -> String {
    ident.value.clone()
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{database}.")?;
        }
        match &self.schema {
            Some(schema) => write!(f, "{schema}.")?,
            None if self.database.is_some() => f.write_str(".")?,
            None => {}
        }
        f.write_str(&self.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_brackets() {
        let path = Path::parse("msdb.dbo.backupset").unwrap();
        assert_eq!(path.to_string(), "msdb.dbo.backupset");
        let path = Path::parse("[a].b]..[c]").map(|path| path.to_string());
        assert_eq!(path, None);
        let path = Path::parse("[Farm]]ácia.1]..[Venda]").unwrap();
        assert_eq!((path.database.as_deref(), path.schema), (Some("Farm]ácia.1"), None));
        assert_eq!(Path::parse("[sem fim"), None);
        assert_eq!(Path::parse("a.b.c.d"), None);
        assert_eq!(Path::parse(""), None);
    }
}
