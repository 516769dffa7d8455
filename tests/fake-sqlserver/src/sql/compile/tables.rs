//! FROM: tables, views, derived tables and joins.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "sqlparser's enums hold the tables and joins of all dialects"
)]

use sqlparser::ast::{JoinConstraint, JoinOperator, TableAlias, TableFactor, TableWithJoins};

use super::{Compiler, Need, Source, quoted, unserved};
use crate::error::{Result, SqlError, syntax};
use crate::sql::names::{Path, spelled};
use crate::tds::token::Column;

impl Compiler<'_> {
    /// The text after FROM. The sources become visible at the current level.
    pub(super) fn from(&mut self, tables: &[TableWithJoins]) -> Result<String> {
        let mut items = Vec::new();
        for table in tables {
            let mut sql = self.factor(&table.relation)?;
            for join in &table.joins {
                let (word, constraint) = join_word(&join.join_operator)?;
                let joined = self.factor(&join.relation)?;
                sql = match constraint {
                    Some(JoinConstraint::On(condition)) => {
                        let condition = self.predicate(condition)?;
                        format!("{sql} {word} {joined} ON {condition}")
                    }
                    Some(JoinConstraint::None) | None => format!("{sql} {word} {joined}"),
                    Some(JoinConstraint::Using(_) | JoinConstraint::Natural) => return Err(syntax("USING")),
                };
            }
            items.push(sql);
        }
        // A comma binds less than JOIN in T-SQL, but not in SQLite: CROSS JOIN of whole items keeps the meaning.
        Ok(items.join(" CROSS JOIN "))
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<String> {
        match factor {
            TableFactor::Table { name, alias, args: None, version: None, sample: None, .. } => {
                let path = Path::new(name)?;
                let alias_name =
                    alias.as_ref().map_or_else(|| path.object.clone(), |alias| spelled(&alias.name));
                let named = path.schema.is_none().then(|| self.named_query(&path.object)).flatten();
                let (source, columns) = match named {
                    Some(columns) => (quoted(&path.object), columns),
                    None => {
                        let relation = self.catalog.relation(&path, Need::Select)?;
                        (relation.source, relation.columns)
                    }
                };
                self.add_source(alias_name.clone(), columns)?;
                Ok(format!("{source} AS {}", quoted(&alias_name)))
            }
            TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None } => {
                // A derived table sees nothing of its neighbours.
                let neighbours = std::mem::take(&mut self.level()?.sources);
                let selected = self.query(subquery);
                self.level()?.sources = neighbours;
                let selected = selected?;
                let columns = renamed(selected.columns, alias)?;
                let name = spelled(&alias.name);
                let sql = format!("({}) AS {}", with_names(&selected.sql, &columns), quoted(&name));
                self.add_source(name, columns)?;
                Ok(sql)
            }
            TableFactor::Derived { alias: None, .. } => Err(syntax(")")),
            other => Err(unserved(other)),
        }
    }

    fn named_query(&self, name: &str) -> Option<Vec<Column>> {
        self.named
            .iter()
            .rev()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, columns)| columns.clone())
    }

    fn add_source(&mut self, alias: String, columns: Vec<Column>) -> Result<()> {
        let level = self.level()?;
        if level.sources.iter().any(|source| source.alias.eq_ignore_ascii_case(&alias)) {
            let text = format!(
                "The objects \"{alias}\" and \"{alias}\" in the FROM clause have the same exposed names. Use correlation \
                 names to distinguish them."
            );
            return Err(SqlError::new(1013, text));
        }
        level.sources.push(Source { alias, columns });
        Ok(())
    }
}

/// The columns of a derived table under the names that its alias gives them; each must have one.
pub(super) fn renamed(mut columns: Vec<Column>, alias: &TableAlias) -> Result<Vec<Column>> {
    let name = spelled(&alias.name);
    if !alias.columns.is_empty() {
        if alias.columns.len() != columns.len() {
            let text = format!(
                "'{name}' has {} columns than were specified in the column list.",
                if alias.columns.len() < columns.len() { "more" } else { "fewer" }
            );
            return Err(SqlError::new(8158, text));
        }
        for (column, named) in columns.iter_mut().zip(&alias.columns) {
            column.name = spelled(&named.name);
        }
    }
    if let Some(index) = columns.iter().position(|column| column.name.is_empty()) {
        let text = format!("No column name was specified for column {} of '{name}'.", index + 1);
        return Err(SqlError::new(8155, text).state(2));
    }
    Ok(columns)
}

/// A query whose columns have exactly these names.
pub(super) fn with_names(sql: &str, columns: &[Column]) -> String {
    let numbered: Vec<String> = (1..=columns.len()).map(|number| format!("c{number}")).collect();
    let named: Vec<String> = numbered
        .iter()
        .zip(columns)
        .map(|(number, column)| format!("{number} AS {}", quoted(&column.name)))
        .collect();
    format!("WITH d({}) AS ({sql}) SELECT {} FROM d", numbered.join(", "), named.join(", "))
}

fn join_word(operator: &JoinOperator) -> Result<(&'static str, Option<&JoinConstraint>)> {
    Ok(match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => ("JOIN", Some(constraint)),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
            ("LEFT JOIN", Some(constraint))
        }
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            ("RIGHT JOIN", Some(constraint))
        }
        JoinOperator::FullOuter(constraint) => ("FULL JOIN", Some(constraint)),
        JoinOperator::CrossJoin(_) => ("CROSS JOIN", None),
        _ => return Err(unserved("APPLY")),
    })
}
