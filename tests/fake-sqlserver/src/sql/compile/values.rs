//! Expressions that have a value. Conditions are in [`super::predicates`]: T-SQL keeps the two apart.

#![expect(clippy::wildcard_enum_match_arm, reason = "sqlparser's enums hold the expressions of all dialects")]

use sqlparser::ast::{CaseWhen, CeilFloorKind, Expr, Ident, UnaryOperator};

use super::literals::{global, literal};
use super::{Compiler, Typed, common_type, operators, text_literal, unserved};
use crate::error::{Result, SqlError, syntax};
use crate::sql::names::spelled;
use crate::sql::types::parse_target_type;
use crate::value::SqlType;

impl Compiler<'_> {
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Typed> {
        match expr {
            Expr::Value(value) => literal(&value.value),
            Expr::Identifier(ident) => self.identifier(ident),
            Expr::CompoundIdentifier(parts) => self.compound(parts),
            Expr::Nested(inner) => {
                let inner = self.value(inner)?;
                Ok(Typed { sql: format!("({})", inner.sql), ..inner })
            }
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::BinaryOp { left, op, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operators::arithmetic(left, op, right)
            }
            Expr::Cast { kind: _, expr: inner, data_type, format: None } => {
                let lenient = matches!(expr, Expr::Cast { kind: sqlparser::ast::CastKind::TryCast, .. });
                self.conversion(inner, &data_type.to_string(), None, lenient)
            }
            Expr::Convert { is_try, expr, data_type: Some(data_type), styles, charset: None, .. } => {
                self.conversion(expr, &data_type.to_string(), styles.first(), *is_try)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            Expr::Function(function) => self.call(function),
            Expr::Substring { expr, substring_from: Some(from), substring_for: Some(length), .. } => {
                self.built_in("SUBSTRING", &[&**expr, &**from, &**length])
            }
            Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters: None } => {
                self.built_in("TRIM", &[&**expr])
            }
            Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(_) } => {
                self.built_in("CEILING", &[&**expr])
            }
            Expr::Floor { expr, field: CeilFloorKind::DateTimeField(_) } => {
                self.built_in("FLOOR", &[&**expr])
            }
            Expr::Subquery(query) => self.scalar_subquery(query),
            Expr::Collate { expr, .. } => self.value(expr),
            Expr::AtTimeZone { .. } => Err(unserved("AT TIME ZONE")),
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::InList { .. }
            | Expr::Between { .. }
            | Expr::Exists { .. } => Err(syntax(&expr.to_string())),
            other => Err(unserved(other)),
        }
    }

    fn identifier(&mut self, ident: &Ident) -> Result<Typed> {
        let name = spelled(ident);
        if ident.quote_style.is_none() && name.starts_with("@@") {
            return global(&name);
        }
        if ident.quote_style.is_none() && name.starts_with('@') {
            return self.variable(&name);
        }
        match self.column(None, &name) {
            // Functions that are called without parentheses look like columns.
            Err(_) if ident.quote_style.is_none() && is_niladic(&name) => {
                self.built_in(&name.to_uppercase(), &[])
            }
            column => column,
        }
    }

    /// `alias.column`, `schema.table.column`, `database.schema.table.column`
    fn compound(&mut self, parts: &[Ident]) -> Result<Typed> {
        let [.., table, column] = parts else { return Err(syntax(".")) };
        self.column(Some(&spelled(table)), &spelled(column))
    }

    fn unary(&mut self, op: UnaryOperator, expr: &Expr) -> Result<Typed> {
        let value = self.value(expr)?;
        let sign = match op {
            UnaryOperator::Minus => "-",
            UnaryOperator::Plus => "",
            UnaryOperator::BitwiseNot => "~",
            other => return Err(syntax(&other.to_string())),
        };
        if !value.sql_type.is_number() && !value.is_null {
            let text =
                format!("Operand data type {} is invalid for {} operator.", value.sql_type.name(), "minus");
            return Err(SqlError::new(8117, text));
        }
        Ok(Typed { sql: format!("({sign}{})", value.sql), ..value })
    }

    /// CAST, CONVERT and their TRY forms.
    fn conversion(
        &mut self,
        expr: &Expr,
        target: &str,
        style: Option<&Expr>,
        lenient: bool,
    ) -> Result<Typed> {
        let target = parse_target_type(target)?;
        let value = self.value(expr)?;
        let style = match style {
            Some(style) => self.value(style)?.sql,
            None => "0".to_owned(),
        };
        let function = if lenient { "t_try_convert" } else { "t_convert" };
        Ok(Typed::new(
            format!("{function}({}, '{}', '{target}', {style})", value.sql, value.sql_type),
            target,
        ))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Typed> {
        let mut arms = Vec::new();
        for when in conditions {
            let condition = match operand {
                None => self.predicate(&when.condition)?,
                Some(operand) => {
                    let (left, right) = (self.value(operand)?, self.value(&when.condition)?);
                    operators::comparison(left, "=", right)
                }
            };
            arms.push((condition, self.value(&when.result)?));
        }
        let otherwise = otherwise.map_or_else(|| Ok(Typed::null()), |expr| self.value(expr))?;
        let sql_type = common_type(arms.iter().map(|(_, value)| value).chain([&otherwise]));
        let mut sql = "CASE".to_owned();
        for (condition, value) in arms {
            sql.push_str(&format!(" WHEN {condition} THEN {}", value.cast(sql_type).sql));
        }
        sql.push_str(&format!(" ELSE {} END", otherwise.cast(sql_type).sql));
        Ok(Typed::new(sql, sql_type))
    }

    fn scalar_subquery(&mut self, query: &sqlparser::ast::Query) -> Result<Typed> {
        let selected = self.query(query)?;
        let [column] = selected.columns.as_slice() else {
            let text = "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.";
            return Err(SqlError::new(116, text));
        };
        Ok(Typed::new(format!("({})", selected.sql), column.sql_type))
    }

    /// The name of a part of a date, which looks like a column: `DATEADD(day, …)`.
    pub(super) fn date_part(expr: &Expr) -> Result<Typed> {
        match expr {
            Expr::Identifier(ident) => {
                let name = spelled(ident).to_lowercase();
                if crate::sql::functions::time::DatePart::named(&name).is_none() {
                    let text = format!("'{name}' is not a recognized datepart option.");
                    return Err(SqlError::new(155, text).class(15));
                }
                Ok(Typed::new(text_literal(&name), SqlType::VarChar(20)))
            }
            other => Err(syntax(&other.to_string())),
        }
    }
}

fn is_niladic(name: &str) -> bool {
    ["CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}
