//! Conditions.

#![expect(clippy::wildcard_enum_match_arm, reason = "sqlparser's enums hold the expressions of all dialects")]

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::{Compiler, common_type, operators, unserved};
use crate::error::{Result, SqlError};
use crate::value::SqlType;

impl Compiler<'_> {
    pub(super) fn predicate(&mut self, expr: &Expr) -> Result<String> {
        Ok(match expr {
            Expr::Nested(inner) => format!("({})", self.predicate(inner)?),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                format!("({} AND {})", self.predicate(left)?, self.predicate(right)?)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                format!("({} OR {})", self.predicate(left)?, self.predicate(right)?)
            }
            Expr::BinaryOp { left, op, right } => {
                let Some(operator) = comparison_operator(op) else { return Err(no_condition(expr)) };
                let (left, right) = (self.value(left)?, self.value(right)?);
                operators::comparison(left, operator, right)
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => format!("NOT ({})", self.predicate(expr)?),
            Expr::IsNull(value) => format!("{} IS NULL", self.value(value)?.sql),
            Expr::IsNotNull(value) => format!("{} IS NOT NULL", self.value(value)?.sql),
            Expr::Between { expr, negated, low, high } => self.between(expr, *negated, low, high)?,
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated)?,
            Expr::InSubquery { expr, subquery, negated } => self.in_subquery(expr, subquery, *negated)?,
            Expr::Exists { subquery, negated } => {
                let selected = self.query(subquery)?;
                format!("{}EXISTS ({})", if *negated { "NOT " } else { "" }, selected.sql)
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_deref(), *negated)?
            }
            Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. } => {
                return Err(unserved(expr));
            }
            _ => return Err(no_condition(expr)),
        })
    }

    fn between(&mut self, expr: &Expr, negated: bool, low: &Expr, high: &Expr) -> Result<String> {
        let value = self.value(expr)?;
        let (low, high) = (self.value(low)?, self.value(high)?);
        let above = operators::comparison(value.clone(), ">=", low);
        let below = operators::comparison(value, "<=", high);
        Ok(format!("{}({above} AND {below})", if negated { "NOT " } else { "" }))
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<String> {
        let value = self.value(expr)?;
        let items = list.iter().map(|item| self.value(item)).collect::<Result<Vec<_>>>()?;
        // A chain of OR would be too deep for SQLite where the list is long.
        let sql_type = common_type(items.iter().chain([&value]));
        let collation = if sql_type.is_text() { " COLLATE NOCASE" } else { "" };
        let numbers =
            sql_type.is_number() && items.iter().chain([&value]).all(|item| item.sql_type.is_number());
        let fit = |item: super::Typed| if numbers { item.sql } else { item.cast(sql_type).sql };
        let items: Vec<String> = items.into_iter().map(fit).collect();
        let not = if negated { "NOT " } else { "" };
        Ok(format!("{}{collation} {not}IN ({})", fit(value), items.join(", ")))
    }

    fn in_subquery(&mut self, expr: &Expr, query: &sqlparser::ast::Query, negated: bool) -> Result<String> {
        let value = self.value(expr)?;
        let selected = self.query(query)?;
        let [column] = selected.columns.as_slice() else {
            let text = "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.";
            return Err(SqlError::new(116, text));
        };
        let other = super::Typed::new("", column.sql_type);
        let sql_type = common_type([&value, &other]);
        let collation = if sql_type.is_text() { " COLLATE NOCASE" } else { "" };
        let not = if negated { "NOT " } else { "" };
        Ok(format!("{}{collation} {not}IN ({})", value.cast(sql_type).sql, selected.sql))
    }

    fn like(&mut self, expr: &Expr, pattern: &Expr, escape: Option<&Expr>, negated: bool) -> Result<String> {
        let (value, pattern) = (self.value(expr)?, self.value(pattern)?);
        let text = SqlType::NVarChar(crate::value::MAX);
        let escape = match escape {
            Some(escape) => self.value(escape)?.sql,
            None => "NULL".to_owned(),
        };
        let not = if negated { "NOT " } else { "" };
        Ok(format!("{not}t_like({}, {}, {escape})", value.cast(text).sql, pattern.cast(text).sql))
    }
}

fn comparison_operator(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        _ => return None,
    })
}

/// 4145: a value where a condition belongs.
fn no_condition(expr: &Expr) -> SqlError {
    let text = format!(
        "An expression of non-boolean type specified in a context where a condition is expected, near '{expr}'."
    );
    SqlError::new(4145, text).class(15)
}
