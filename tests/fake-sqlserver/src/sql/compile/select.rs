//! SELECT, UNION, WITH, ORDER BY and TOP.

#![expect(clippy::wildcard_enum_match_arm, reason = "sqlparser's enums hold the queries of all dialects")]

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, LimitClause, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TopQuantity, Value,
};

use super::tables::{renamed, with_names};
use super::{Compiler, Level, Source, Typed, common_type, not_bound, quoted, unserved};
use crate::error::{Result, SqlError, syntax};
use crate::sql::names::{Path, spelled};
use crate::sql::types::common;
use crate::tds::token::Column;
use crate::value::SqlType;

/// A query and what comes out of it.
pub(super) struct Selected {
    pub sql: String,
    pub columns: Vec<Column>,
}

/// One item of a select list.
struct Item {
    value: Typed,
    name: String,
}

impl Compiler<'_> {
    pub(super) fn query(&mut self, query: &Query) -> Result<Selected> {
        if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
            return Err(unserved("FOR"));
        }
        let known = self.named.len();
        let result = self.query_with_names(query);
        self.named.truncate(known);
        result
    }

    fn query_with_names(&mut self, query: &Query) -> Result<Selected> {
        let mut prefix = String::new();
        if let Some(with) = &query.with {
            let mut tables = Vec::new();
            for table in &with.cte_tables {
                let selected = self.query(&table.query)?;
                let columns = renamed(selected.columns, &table.alias)?;
                let name = spelled(&table.alias.name);
                tables.push(format!("{} AS ({})", quoted(&name), with_names(&selected.sql, &columns)));
                self.named.push((name, columns));
            }
            prefix = format!("WITH {} ", tables.join(", "));
        }
        let order: &[OrderByExpr] = match query.order_by.as_ref().map(|order| &order.kind) {
            None => &[],
            Some(OrderByKind::Expressions(order)) => order,
            Some(OrderByKind::All(_)) => return Err(syntax("ALL")),
        };
        let mut selected = self.set_expression(&query.body, order)?;
        let limit = self.offset_and_fetch(query, !order.is_empty())?;
        selected.sql = format!("{prefix}{}{limit}", selected.sql);
        Ok(selected)
    }

    /// OFFSET … FETCH …
    fn offset_and_fetch(&mut self, query: &Query, ordered: bool) -> Result<String> {
        let offset = match &query.limit_clause {
            None => None,
            Some(LimitClause::LimitOffset { limit: None, offset, limit_by }) if limit_by.is_empty() => {
                offset.as_ref()
            }
            Some(_) => return Err(syntax("LIMIT")),
        };
        let fetch = match &query.fetch {
            None => None,
            Some(fetch) if fetch.percent || fetch.with_ties => return Err(syntax("FETCH")),
            Some(fetch) => fetch.quantity.as_ref(),
        };
        if offset.is_none() && fetch.is_none() {
            return Ok(String::new());
        }
        if !ordered {
            return Err(syntax("OFFSET"));
        }
        self.levels.push(Level::default());
        let offset =
            offset.map_or(Ok("0".to_owned()), |offset| self.value(&offset.value).map(|value| value.sql));
        let limit = fetch.map_or(Ok("-1".to_owned()), |fetch| self.value(fetch).map(|value| value.sql));
        self.levels.pop();
        Ok(format!(" LIMIT {} OFFSET {}", limit?, offset?))
    }

    fn set_expression(&mut self, body: &SetExpr, order: &[OrderByExpr]) -> Result<Selected> {
        match body {
            SetExpr::Select(select) => self.simple(select, order),
            SetExpr::Query(query) => {
                let inner = self.query(query)?;
                self.ordered_by_output(inner, order)
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let united = self.set_operation(left, *op, *set_quantifier, right)?;
                self.ordered_by_output(united, order)
            }
            SetExpr::Values(values) => {
                let mut rows = Vec::new();
                self.levels.push(Level::default());
                for row in &values.rows {
                    let row = row.content.iter().map(|expr| self.value(expr)).collect::<Result<Vec<_>>>();
                    rows.push(row?);
                }
                self.levels.pop();
                Ok(values_rows(rows))
            }
            other => Err(syntax(&other.to_string())),
        }
    }

    fn set_operation(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
    ) -> Result<Selected> {
        let (left, right) = (self.set_expression(left, &[])?, self.set_expression(right, &[])?);
        if left.columns.len() != right.columns.len() {
            let text = "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.";
            return Err(SqlError::new(205, text));
        }
        let word = match (op, quantifier) {
            (SetOperator::Union, SetQuantifier::All) => "UNION ALL",
            (SetOperator::Union, SetQuantifier::None | SetQuantifier::Distinct) => "UNION",
            (SetOperator::Intersect, SetQuantifier::None) => "INTERSECT",
            (SetOperator::Except, SetQuantifier::None) => "EXCEPT",
            _ => return Err(syntax(&op.to_string())),
        };
        let columns = left
            .columns
            .into_iter()
            .zip(&right.columns)
            .map(|(column, other)| Column { sql_type: common(column.sql_type, other.sql_type), ..column })
            .collect();
        // SQLite takes no TOP or ORDER BY in a member, but a whole query inside FROM.
        let sql = format!("SELECT * FROM ({}) {word} SELECT * FROM ({})", left.sql, right.sql);
        Ok(Selected { sql, columns })
    }

    /// ORDER BY of a UNION: only its columns can be named.
    fn ordered_by_output(&mut self, selected: Selected, order: &[OrderByExpr]) -> Result<Selected> {
        if order.is_empty() {
            return Ok(selected);
        }
        let mut keys = Vec::new();
        for key in order {
            let index = match &key.expr {
                Expr::Value(value) => ordinal(&value.value, selected.columns.len())?,
                Expr::Identifier(ident) => {
                    let name = spelled(ident);
                    let position = selected.columns.iter().position(|column| column.name.eq_ignore_ascii_case(&name));
                    position.map(|index| index + 1).ok_or_else(|| crate::error::no_column(&name))?
                }
                _ => return Err(SqlError::new(104, "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.").class(15)),
            };
            let sql_type = selected.columns[index - 1].sql_type;
            keys.push(order_key(&index.to_string(), sql_type, key));
        }
        let sql = format!("SELECT * FROM ({}) ORDER BY {}", selected.sql, keys.join(", "));
        Ok(Selected { sql, ..selected })
    }

    fn simple(&mut self, select: &Select, order: &[OrderByExpr]) -> Result<Selected> {
        if select.into.is_some() {
            return Err(unserved("SELECT INTO"));
        }
        self.levels.push(Level::default());
        let selected = self.simple_inside(select, order);
        self.levels.pop();
        selected
    }

    fn simple_inside(&mut self, select: &Select, order: &[OrderByExpr]) -> Result<Selected> {
        let from = self.from(&select.from)?;
        let filter = match &select.selection {
            Some(condition) => format!(" WHERE {}", self.predicate(condition)?),
            None => String::new(),
        };
        let (group, keys) = self.group_by(&select.group_by)?;
        self.level()?.bare.clear();
        let mut items = Vec::new();
        for item in &select.projection {
            self.item(item, &mut items)?;
        }
        let having = match &select.having {
            Some(condition) => format!(" HAVING {}", self.predicate(condition)?),
            None => String::new(),
        };
        self.check_grouping(&keys, &items)?;
        let order_keys = self.order_by(order, &items)?;
        let distinct = match &select.distinct {
            None | Some(Distinct::All) => "",
            Some(Distinct::Distinct) => "DISTINCT ",
            Some(Distinct::On(_)) => return Err(syntax("ON")),
        };
        let limit = self.top(select)?;
        let list: Vec<String> = items.iter().map(listed).collect();
        let from = if from.is_empty() { from } else { format!(" FROM {from}") };
        let sql =
            format!("SELECT {distinct}{}{from}{filter}{group}{having}{order_keys}{limit}", list.join(", "));
        let columns = items.into_iter().map(|item| Column::new(item.name, item.value.sql_type)).collect();
        Ok(Selected { sql, columns })
    }

    fn top(&mut self, select: &Select) -> Result<String> {
        let Some(top) = &select.top else { return Ok(String::new()) };
        if top.percent || top.with_ties {
            return Err(unserved("TOP PERCENT or WITH TIES"));
        }
        match &top.quantity {
            None => Err(syntax("TOP")),
            Some(TopQuantity::Constant(count)) => Ok(format!(" LIMIT {count}")),
            Some(TopQuantity::Expr(expr)) => Ok(format!(" LIMIT {}", self.value(expr)?.sql)),
        }
    }

    fn group_by(&mut self, group: &GroupByExpr) -> Result<(String, Vec<String>)> {
        let GroupByExpr::Expressions(expressions, modifiers) = group else { return Err(syntax("ALL")) };
        if !modifiers.is_empty() {
            return Err(unserved("GROUP BY WITH …"));
        }
        let mut keys = Vec::new();
        let mut texts = Vec::new();
        for expr in expressions {
            let value = self.value(expr)?;
            let collation = if value.sql_type.is_text() { " COLLATE NOCASE" } else { "" };
            texts.push(format!("{}{collation}", value.sql));
            keys.push(value.sql);
        }
        let sql = if texts.is_empty() { String::new() } else { format!(" GROUP BY {}", texts.join(", ")) };
        Ok((sql, keys))
    }

    /// 8120: a column that is neither grouped nor aggregated has no one value.
    fn check_grouping(&mut self, keys: &[String], items: &[Item]) -> Result<()> {
        let level = self.level()?;
        if !level.aggregates && keys.is_empty() {
            return Ok(());
        }
        let grouped = |sql: &String| {
            keys.contains(sql)
                || items.iter().any(|item| keys.contains(&item.value.sql) && item.value.sql.contains(sql))
        };
        match level.bare.iter().find(|(sql, _)| !grouped(sql)) {
            None => Ok(()),
            Some((_, name)) => Err(SqlError::new(
                8120,
                format!(
                    "Column '{name}' is invalid in the select list because it is not contained in either an aggregate \
                     function or the GROUP BY clause."
                ),
            )),
        }
    }

    fn order_by(&mut self, order: &[OrderByExpr], items: &[Item]) -> Result<String> {
        let mut keys = Vec::new();
        for key in order {
            if let Expr::Value(value) = &key.expr {
                let index = ordinal(&value.value, items.len())?;
                keys.push(order_key(&index.to_string(), items[index - 1].value.sql_type, key));
                continue;
            }
            let alias = match &key.expr {
                Expr::Identifier(ident) => {
                    let name = spelled(ident);
                    items.iter().position(|item| item.name.eq_ignore_ascii_case(&name))
                }
                _ => None,
            };
            match alias {
                Some(index) => {
                    keys.push(order_key(&(index + 1).to_string(), items[index].value.sql_type, key))
                }
                None => {
                    let value = self.value(&key.expr)?;
                    keys.push(order_key(&value.sql, value.sql_type, key));
                }
            }
        }
        Ok(if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) })
    }

    fn item(&mut self, item: &SelectItem, items: &mut Vec<Item>) -> Result<()> {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = match expr {
                    Expr::Identifier(ident) if !ident.value.starts_with('@') => spelled(ident),
                    Expr::CompoundIdentifier(parts) => parts.last().map(spelled).unwrap_or_default(),
                    _ => String::new(),
                };
                items.push(Item { value: self.value(expr)?, name });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                items.push(Item { value: self.value(expr)?, name: spelled(alias) });
            }
            SelectItem::Wildcard(_) => {
                let sources = self.level()?.sources.clone();
                if sources.is_empty() {
                    return Err(SqlError::new(263, "Must specify table to select from."));
                }
                for source in sources {
                    self.whole_source(&source, items)?;
                }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let alias = Path::new(name)?.object;
                let source = self
                    .level()?
                    .sources
                    .iter()
                    .find(|source| source.alias.eq_ignore_ascii_case(&alias))
                    .cloned();
                let source = source.ok_or_else(|| not_bound(&format!("{alias}.*")))?;
                self.whole_source(&source, items)?;
            }
            SelectItem::QualifiedWildcard(..) | SelectItem::ExprWithAliases { .. } => {
                return Err(syntax("*"));
            }
        }
        Ok(())
    }

    fn whole_source(&mut self, source: &Source, items: &mut Vec<Item>) -> Result<()> {
        for column in &source.columns {
            let value = self.column(Some(&source.alias), &column.name)?;
            items.push(Item { value, name: column.name.clone() });
        }
        Ok(())
    }
}

fn listed(item: &Item) -> String {
    if item.name.is_empty() || item.name.starts_with('@') {
        item.value.sql.clone()
    } else {
        format!("{} AS {}", item.value.sql, quoted(&item.name))
    }
}

fn values_rows(rows: Vec<Vec<Typed>>) -> Selected {
    let count = rows.first().map_or(0, Vec::len);
    let types: Vec<SqlType> =
        (0..count).map(|index| common_type(rows.iter().filter_map(|row| row.get(index)))).collect();
    let texts: Vec<String> = rows
        .into_iter()
        .map(|row| {
            let values: Vec<String> =
                row.into_iter().zip(&types).map(|(value, sql_type)| value.cast(*sql_type).sql).collect();
            format!("({})", values.join(", "))
        })
        .collect();
    let columns = types.into_iter().map(|sql_type| Column::new("", sql_type)).collect();
    Selected { sql: format!("VALUES {}", texts.join(", ")), columns }
}

/// `ORDER BY 2`
fn ordinal(value: &Value, count: usize) -> Result<usize> {
    let number = match value {
        Value::Number(digits, _) => digits.parse().unwrap_or(usize::MAX),
        _ => {
            return Err(SqlError::new(
                408,
                "A constant expression was encountered in the ORDER BY list, position 1.",
            )
            .class(16));
        }
    };
    if (1..=count).contains(&number) {
        return Ok(number);
    }
    let text = format!(
        "The ORDER BY position number {number} is out of range of the number of items in the select list."
    );
    Err(SqlError::new(108, text).class(16))
}

fn order_key(sql: &str, sql_type: SqlType, key: &OrderByExpr) -> String {
    use sqlparser::ast::OrderBySort;
    let collation = if sql_type.is_text() { " COLLATE NOCASE" } else { "" };
    let direction = match &key.options.sort {
        Some(OrderBySort::Desc) => " DESC",
        _ => "",
    };
    format!("{sql}{collation}{direction}")
}
