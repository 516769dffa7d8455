//! From T-SQL to SQLite: every piece of SQLite's text is written here, together with the type that T-SQL gives it.

mod calls;
mod change;
mod literals;
mod operators;
mod predicates;
mod select;
mod tables;
mod values;

use sqlparser::ast::{self, Expr, Query};

use super::names::Path;
use super::types::common;
use crate::error::{Result, SqlError, no_column, syntax};
use crate::tds::token::Column;
use crate::value::SqlType;

pub use change::{Change, create_table};

/// A table or view that statements can name.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Its name in SQLite, quoted
    pub source: String,
    /// Its columns
    pub columns: Vec<Column>,
    /// Whether rows can be changed
    pub writable: bool,
    /// The column that numbers itself
    pub identity: Option<String>,
}

/// What a statement wants to do with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `SELECT`
    Select,
    /// `INSERT`
    Insert,
    /// `UPDATE`
    Update,
    /// `DELETE`
    Delete,
}

/// Where names are looked up.
pub trait Catalog {
    /// The table or view of that name.
    ///
    /// # Errors
    /// 208 when there is none, 229 when what is needed is not allowed.
    fn relation(&mut self, path: &Path, need: Need) -> Result<Relation>;
    /// The type of a variable, its name in lower case with its `@`.
    ///
    /// # Errors
    /// 137 when it was not declared.
    fn variable(&self, name: &str) -> Result<SqlType>;
}

/// A piece of SQLite's text and the type of its value.
#[derive(Debug, Clone, PartialEq)]
struct Typed {
    sql: String,
    sql_type: SqlType,
    /// The literal NULL, which takes any other type
    is_null: bool,
}

impl Typed {
    fn new(sql: impl Into<String>, sql_type: SqlType) -> Self {
        Self { sql: sql.into(), sql_type, is_null: false }
    }

    fn null() -> Self {
        Self { sql: "NULL".to_owned(), sql_type: SqlType::Int, is_null: true }
    }

    /// The same value in another type.
    fn cast(self, target: SqlType) -> Self {
        if self.sql_type == target || self.is_null {
            return Self { sql_type: target, ..self };
        }
        let plain = (self.sql_type.is_integer() && matches!(target, SqlType::BigInt | SqlType::Float))
            || (self.sql_type.is_text() && target == SqlType::NVarChar(crate::value::MAX));
        let sql = if plain {
            self.sql
        } else {
            format!("t_convert({}, '{}', '{target}', 0)", self.sql, self.sql_type)
        };
        Self { sql, sql_type: target, is_null: false }
    }
}

/// The type that several values have in common.
fn common_type<'a>(values: impl IntoIterator<Item = &'a Typed>) -> SqlType {
    let mut typed = values.into_iter().filter(|value| !value.is_null).map(|value| value.sql_type);
    let first = typed.next().unwrap_or(SqlType::Int);
    typed.fold(first, common)
}

/// A SELECT that SQLite can execute.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// SQLite's text
    pub sql: String,
    /// The result's columns
    pub columns: Vec<Column>,
    /// The variables of parameters ?1, ?2 …
    pub variables: Vec<String>,
    /// The variables that the columns are assigned to, in the form `SELECT @x = …`
    pub assigned: Vec<String>,
}

/// A name that columns can be asked for by, and its columns.
#[derive(Debug, Clone)]
struct Source {
    alias: String,
    columns: Vec<Column>,
}

/// What is visible at one level of nesting.
#[derive(Debug, Default)]
struct Level {
    sources: Vec<Source>,
    /// Columns that were used outside of aggregates, as SQLite's text and name
    bare: Vec<(String, String)>,
    aggregates: bool,
}

/// Compiles one statement.
pub struct Compiler<'a> {
    catalog: &'a mut dyn Catalog,
    levels: Vec<Level>,
    /// Named queries (WITH) that are in force
    named: Vec<(String, Vec<Column>)>,
    variables: Vec<String>,
    inside_aggregate: bool,
}

impl<'a> Compiler<'a> {
    /// A compiler that looks names up in `catalog`.
    pub fn new(catalog: &'a mut dyn Catalog) -> Self {
        Self {
            catalog,
            levels: Vec::new(),
            named: Vec::new(),
            variables: Vec::new(),
            inside_aggregate: false,
        }
    }

    /// Compiles a SELECT.
    ///
    /// # Errors
    /// What the real server says to such a statement, 40510 for what exists but is not served.
    pub fn select(mut self, query: &Query) -> Result<Compiled> {
        let selected = self.query(query)?;
        let all = !selected.columns.is_empty();
        let assigned: Vec<String> = selected
            .columns
            .iter()
            .filter(|column| column.name.starts_with('@'))
            .map(|column| column.name.to_lowercase())
            .collect();
        if !assigned.is_empty() && assigned.len() != selected.columns.len() && all {
            let text = "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.";
            return Err(SqlError::new(141, text).class(15));
        }
        Ok(Compiled { sql: selected.sql, columns: selected.columns, variables: self.variables, assigned })
    }

    /// Compiles a value without any table, as in `SET @x = …`.
    ///
    /// # Errors
    /// As [`Self::select`].
    pub fn scalar(mut self, expr: &Expr) -> Result<Compiled> {
        self.levels.push(Level::default());
        let value = self.value(expr)?;
        Ok(Compiled {
            sql: format!("SELECT {}", value.sql),
            columns: vec![Column::new("", value.sql_type)],
            variables: self.variables,
            assigned: Vec::new(),
        })
    }

    /// Compiles a condition without any table, as in `IF …`.
    ///
    /// # Errors
    /// As [`Self::select`].
    pub fn condition(mut self, expr: &Expr) -> Result<Compiled> {
        self.levels.push(Level::default());
        let sql = self.predicate(expr)?;
        Ok(Compiled {
            sql: format!("SELECT {sql}"),
            columns: vec![Column::new("", SqlType::Bit)],
            variables: self.variables,
            assigned: Vec::new(),
        })
    }

    /// The parameter that stands for a variable.
    fn variable(&mut self, name: &str) -> Result<Typed> {
        let name = name.to_lowercase();
        let sql_type = self.catalog.variable(&name)?;
        let index = match self.variables.iter().position(|known| *known == name) {
            Some(index) => index,
            None => {
                self.variables.push(name);
                self.variables.len() - 1
            }
        };
        Ok(Typed::new(format!("?{}", index + 1), sql_type))
    }

    /// The column `name`, of the source `qualifier` if there is one, looked for from the innermost level outwards.
    fn column(&mut self, qualifier: Option<&str>, name: &str) -> Result<Typed> {
        for level in self.levels.iter_mut().rev() {
            let mut found = Vec::new();
            for source in &level.sources {
                if qualifier.is_some_and(|wanted| !source.alias.eq_ignore_ascii_case(wanted)) {
                    continue;
                }
                let matching =
                    source.columns.iter().filter(|column| column.name.to_lowercase() == name.to_lowercase());
                found.extend(matching.map(|column| (source.alias.clone(), column.clone())));
            }
            match found.as_slice() {
                [] => {}
                [(alias, column)] => {
                    let sql = format!("{}.{}", quoted(alias), quoted(&column.name));
                    if !self.inside_aggregate {
                        level.bare.push((sql.clone(), format!("{alias}.{}", column.name)));
                    }
                    return Ok(Typed::new(sql, column.sql_type));
                }
                _ => return Err(SqlError::new(209, format!("Ambiguous column name '{name}'."))),
            }
        }
        Err(match qualifier {
            None => no_column(name),
            Some(qualifier) if self.knows_source(qualifier) => no_column(name),
            Some(qualifier) => not_bound(&format!("{qualifier}.{name}")),
        })
    }

    fn knows_source(&self, alias: &str) -> bool {
        self.levels
            .iter()
            .flat_map(|level| &level.sources)
            .any(|source| source.alias.eq_ignore_ascii_case(alias))
    }

    fn level(&mut self) -> Result<&mut Level> {
        self.levels.last_mut().ok_or_else(|| syntax("SELECT"))
    }
}

/// 4104: a name with a prefix that stands for nothing.
fn not_bound(name: &str) -> SqlError {
    SqlError::new(4104, format!("The multi-part identifier \"{name}\" could not be bound."))
}

/// 40510: a part of a statement that exists, but not here.
fn unserved(part: impl std::fmt::Display) -> SqlError {
    super::batch::unsupported(&part.to_string())
}

/// `name` as SQLite quotes it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as a literal of SQLite, also with NUL inside.
fn text_literal(text: &str) -> String {
    if text.contains('\0') {
        let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        return format!("CAST(x'{bytes}' AS TEXT)");
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// The SELECT in a statement that is one.
pub fn as_query(statement: &ast::Statement) -> Option<&Query> {
    if let ast::Statement::Query(query) = statement { Some(query) } else { None }
}
