//! INSERT, UPDATE, DELETE, TRUNCATE and the definition of tables.

#![expect(clippy::wildcard_enum_match_arm, reason = "sqlparser's enums hold the statements of all dialects")]

use sqlparser::ast::{
    self, AssignmentTarget, ColumnDef, ColumnOption, CreateTable, FromTable, SetExpr, TableConstraint,
    TableFactor, TableObject, TableWithJoins,
};

use super::{Compiler, Level, Need, Relation, Source, quoted, unserved};
use crate::error::{Result, SqlError, no_column, syntax};
use crate::sql::names::{Path, spelled};
use crate::sql::types::parse_type;
use crate::value::SqlType;

/// A statement that changes rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// SQLite's text
    pub sql: String,
    /// The variables of parameters ?1, ?2 …
    pub variables: Vec<String>,
    /// What it does
    pub need: Need,
    /// The table, for error messages
    pub table: String,
}

impl Compiler<'_> {
    /// Compiles a statement that changes rows; `None` when it does something else.
    ///
    /// # Errors
    /// What the real server says to such a statement, 40510 for what exists but is not served.
    pub fn change(mut self, statement: &ast::Statement) -> Result<Option<Change>> {
        let (sql, need, table) = match statement {
            ast::Statement::Insert(insert) => self.insert(insert)?,
            ast::Statement::Update(update) => self.update(update)?,
            ast::Statement::Delete(delete) => self.delete(delete)?,
            ast::Statement::Truncate(truncate) => {
                let [target] = truncate.table_names.as_slice() else { return Err(syntax(",")) };
                let (relation, path) = self.target(&target.name, Need::Delete)?;
                (format!("DELETE FROM {}", relation.source), Need::Delete, path.object)
            }
            _ => return Ok(None),
        };
        Ok(Some(Change { sql, variables: self.variables, need, table }))
    }

    fn target(&mut self, name: &ast::ObjectName, need: Need) -> Result<(Relation, Path)> {
        let path = Path::new(name)?;
        let relation = self.catalog.relation(&path, need)?;
        if !relation.writable {
            let text = "Ad hoc updates to system catalogs are not allowed.";
            return Err(SqlError::new(259, text));
        }
        Ok((relation, path))
    }

    fn insert(&mut self, insert: &ast::Insert) -> Result<(String, Need, String)> {
        if insert.output.is_some() || insert.returning.is_some() {
            return Err(unserved("OUTPUT"));
        }
        let TableObject::TableName(name) = &insert.table else {
            return Err(unserved("INSERT into a function"));
        };
        let (relation, path) = self.target(name, Need::Insert)?;
        let columns = inserted_columns(&relation, &insert.columns)?;
        let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
        let source = insert.source.as_deref().ok_or_else(|| unserved("INSERT DEFAULT VALUES"))?;
        let rows = match &*source.body {
            SetExpr::Values(values) => {
                let mut rows = Vec::new();
                for row in &values.rows {
                    rows.push(self.inserted_row(&row.content, &columns)?);
                }
                format!("VALUES {}", rows.join(", "))
            }
            _ => {
                let selected = self.query(source)?;
                if selected.columns.len() != columns.len() {
                    return Err(column_count(
                        insert.columns.is_empty(),
                        selected.columns.len() > columns.len(),
                    ));
                }
                let values = selected.columns.iter().zip(&columns).enumerate().map(
                    |(index, (column, (_, target)))| {
                        super::Typed::new(format!("c{}", index + 1), column.sql_type).cast(*target).sql
                    },
                );
                let values: Vec<String> = values.collect();
                let numbered: Vec<String> = (1..=columns.len()).map(|number| format!("c{number}")).collect();
                format!(
                    "WITH d({}) AS ({}) SELECT {} FROM d",
                    numbered.join(", "),
                    selected.sql,
                    values.join(", ")
                )
            }
        };
        Ok((
            format!("INSERT INTO {} ({}) {rows}", relation.source, names.join(", ")),
            Need::Insert,
            path.object,
        ))
    }

    fn inserted_row(&mut self, row: &[ast::Expr], columns: &[(String, SqlType)]) -> Result<String> {
        if row.len() != columns.len() {
            return Err(column_count(false, row.len() > columns.len()));
        }
        self.levels.push(Level::default());
        let values: Result<Vec<String>> = row
            .iter()
            .zip(columns)
            .map(|(expr, (_, target))| Ok(self.value(expr)?.cast(*target).sql))
            .collect();
        self.levels.pop();
        Ok(format!("({})", values?.join(", ")))
    }

    fn update(&mut self, update: &ast::Update) -> Result<(String, Need, String)> {
        if update.from.is_some() || update.output.is_some() || !update.table.joins.is_empty() {
            return Err(unserved("UPDATE with FROM or OUTPUT"));
        }
        let (relation, path, alias) = self.changed_table(&update.table, Need::Update)?;
        let mut assignments = Vec::new();
        for assignment in &update.assignments {
            let AssignmentTarget::ColumnName(name) = &assignment.target else { return Err(syntax("(")) };
            let name = Path::new(name)?.object;
            let column = relation.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name));
            let column = column.ok_or_else(|| no_column(&name))?;
            let value = self.value(&assignment.value)?.cast(column.sql_type);
            assignments.push(format!("{} = {}", quoted(&column.name), value.sql));
        }
        let filter = self.filter(update.selection.as_ref())?;
        let sql = format!(
            "UPDATE {} AS {} SET {}{filter}",
            relation.source,
            quoted(&alias),
            assignments.join(", ")
        );
        self.levels.pop();
        Ok((sql, Need::Update, path.object))
    }

    fn delete(&mut self, delete: &ast::Delete) -> Result<(String, Need, String)> {
        if delete.output.is_some() || delete.using.is_some() || !delete.tables.is_empty() {
            return Err(unserved("DELETE with FROM or OUTPUT"));
        }
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        let [table] = tables.as_slice() else { return Err(syntax(",")) };
        let (relation, path, alias) = self.changed_table(table, Need::Delete)?;
        let filter = self.filter(delete.selection.as_ref())?;
        self.levels.pop();
        Ok((
            format!("DELETE FROM {} AS {}{filter}", relation.source, quoted(&alias)),
            Need::Delete,
            path.object,
        ))
    }

    fn filter(&mut self, condition: Option<&ast::Expr>) -> Result<String> {
        condition.map_or(Ok(String::new()), |condition| Ok(format!(" WHERE {}", self.predicate(condition)?)))
    }

    /// The table of an UPDATE or DELETE; its columns become visible.
    fn changed_table(&mut self, table: &TableWithJoins, need: Need) -> Result<(Relation, Path, String)> {
        let TableFactor::Table { name, alias, .. } = &table.relation else { return Err(syntax("(")) };
        let (relation, path) = self.target(name, need)?;
        let alias = alias.as_ref().map_or_else(|| path.object.clone(), |alias| spelled(&alias.name));
        let source = Source { alias: alias.clone(), columns: relation.columns.clone() };
        self.levels.push(Level { sources: vec![source], ..Level::default() });
        Ok((relation, path, alias))
    }
}

fn inserted_columns(relation: &Relation, named: &[ast::ObjectName]) -> Result<Vec<(String, SqlType)>> {
    if named.is_empty() {
        let counted =
            relation.columns.iter().filter(|column| relation.identity.as_ref() != Some(&column.name));
        return Ok(counted.map(|column| (column.name.clone(), column.sql_type)).collect());
    }
    named
        .iter()
        .map(|name| {
            let name = Path::new(name)?.object;
            let found = relation.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name));
            found.map(|column| (column.name.clone(), column.sql_type)).ok_or_else(|| no_column(&name))
        })
        .collect()
}

/// 213, 109 or 110: as many values as columns are needed.
fn column_count(without_list: bool, too_many: bool) -> SqlError {
    if without_list {
        return SqlError::new(
            213,
            "Column name or number of supplied values does not match table definition.",
        );
    }
    let (number, fewer) = if too_many { (110, "fewer") } else { (109, "more") };
    let text = format!(
        "There are {fewer} columns in the INSERT statement than values specified in the VALUES clause. The number of \
         values in the VALUES clause must match the number of columns specified in the INSERT statement."
    );
    SqlError::new(number, text).class(15)
}

/// SQLite's CREATE TABLE for a table that is to stand at `source`.
///
/// # Errors
/// 243 and others for bad types, 40510 for constraints that are not served.
pub fn create_table(create: &CreateTable, source: &str) -> Result<String> {
    if create.query.is_some() || create.like.is_some() {
        return Err(unserved("CREATE TABLE AS"));
    }
    let mut parts = create.columns.iter().map(column_definition).collect::<Result<Vec<_>>>()?;
    for constraint in &create.constraints {
        let (kind, columns) = match constraint {
            TableConstraint::PrimaryKey(key) => ("PRIMARY KEY", &key.columns),
            TableConstraint::Unique(key) => ("UNIQUE", &key.columns),
            other => return Err(unserved(other)),
        };
        let names: Vec<String> = columns
            .iter()
            .map(|column| match &column.column.expr {
                ast::Expr::Identifier(ident) => Ok(quoted(&spelled(ident))),
                other => Err(syntax(&other.to_string())),
            })
            .collect::<Result<_>>()?;
        parts.push(format!("{kind} ({})", names.join(", ")));
    }
    Ok(format!("CREATE TABLE {source} ({})", parts.join(", ")))
}

fn column_definition(column: &ColumnDef) -> Result<String> {
    let name = quoted(&spelled(&column.name));
    let sql_type = parse_type(&column.data_type.to_string())?;
    let options: Vec<&ColumnOption> = column.options.iter().map(|option| &option.option).collect();
    if options.iter().any(|option| matches!(option, ColumnOption::Identity(_))) {
        // Only a primary key numbers itself in SQLite; an IDENTITY that is none becomes one.
        return Ok(format!("{name} INTEGER PRIMARY KEY AUTOINCREMENT"));
    }
    let mut definition = format!("{name} {sql_type}");
    if sql_type.is_text() {
        definition.push_str(" COLLATE NOCASE");
    }
    for option in options {
        match option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => definition.push_str(" NOT NULL"),
            ColumnOption::PrimaryKey(_) => definition.push_str(" NOT NULL PRIMARY KEY"),
            ColumnOption::Unique(_) => definition.push_str(" UNIQUE"),
            ColumnOption::Collation(_) => {}
            ColumnOption::Default(ast::Expr::Value(value)) => {
                let default = super::literals::literal(&value.value)?.cast(sql_type);
                if default.sql.starts_with("t_") {
                    return Err(unserved("DEFAULT of another type"));
                }
                definition.push_str(&format!(" DEFAULT {}", default.sql));
            }
            other => return Err(unserved(other)),
        }
    }
    Ok(definition)
}
