//! Function calls.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectNamePart,
};

use super::{Compiler, Typed, common_type, unserved};
use crate::error::{Result, SqlError, no_function, syntax};
use crate::sql::functions::{self, Returns};
use crate::sql::names::spelled;
use crate::value::SqlType;

impl Compiler<'_> {
    pub(super) fn call(&mut self, function: &Function) -> Result<Typed> {
        let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
            let text = format!(
                "Cannot find either column \"{0}\" or the user-defined function or aggregate \"{0}\".",
                function.name
            );
            return Err(SqlError::new(4121, text));
        };
        let name = spelled(name).to_uppercase();
        if function.over.is_some() {
            return Err(unserved("OVER"));
        }
        if function.filter.is_some() || !function.within_group.is_empty() {
            return Err(syntax(&name));
        }
        let (distinct, arguments) = match &function.args {
            FunctionArguments::None => (false, &[][..]),
            FunctionArguments::List(list) => {
                (list.duplicate_treatment == Some(DuplicateTreatment::Distinct), list.args.as_slice())
            }
            FunctionArguments::Subquery(_) => return Err(syntax("SELECT")),
        };
        if matches!(name.as_str(), "COUNT" | "COUNT_BIG" | "SUM" | "AVG" | "MIN" | "MAX") {
            return self.aggregate(&name, distinct, arguments);
        }
        let mut values = Vec::new();
        for argument in arguments {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
                return Err(syntax(&argument.to_string()));
            };
            values.push(expr);
        }
        self.built_in(&name, &values)
    }

    fn aggregate(&mut self, name: &str, distinct: bool, arguments: &[FunctionArg]) -> Result<Typed> {
        self.level()?.aggregates = true;
        let [FunctionArg::Unnamed(argument)] = arguments else { return Err(arguments_needed(name, "1")) };
        let expr = match argument {
            FunctionArgExpr::Wildcard if name.starts_with("COUNT") => {
                return Ok(Typed::new(
                    "COUNT(*)",
                    if name == "COUNT" { SqlType::Int } else { SqlType::BigInt },
                ));
            }
            FunctionArgExpr::Expr(expr) => expr,
            FunctionArgExpr::Wildcard
            | FunctionArgExpr::QualifiedWildcard(_)
            | FunctionArgExpr::WildcardWithOptions(_) => return Err(syntax("*")),
        };
        if self.inside_aggregate {
            let text = "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.";
            return Err(SqlError::new(130, text).class(15));
        }
        self.inside_aggregate = true;
        let value = self.value(expr);
        self.inside_aggregate = false;
        let value = value?;
        let quantifier = if distinct { "DISTINCT " } else { "" };
        let sql = &value.sql;
        let needs_number = matches!(name, "SUM" | "AVG") && !value.sql_type.is_number();
        if needs_number || value.sql_type == SqlType::Bit && name != "COUNT" && name != "COUNT_BIG" {
            let (kind, name) = (value.sql_type.name(), name.to_lowercase());
            return Err(SqlError::new(
                8117,
                format!("Operand data type {kind} is invalid for {name} operator."),
            ));
        }
        let widened = summed_type(value.sql_type);
        Ok(match name {
            "COUNT" => Typed::new(format!("COUNT({quantifier}{sql})"), SqlType::Int),
            "COUNT_BIG" => Typed::new(format!("COUNT({quantifier}{sql})"), SqlType::BigInt),
            "SUM" => Typed::new(format!("SUM({quantifier}{sql})"), widened),
            "AVG" if widened.is_integer() => {
                Typed::new(format!("CAST(AVG({quantifier}{sql}) AS INTEGER)"), widened)
            }
            "AVG" => Typed::new(format!("AVG({quantifier}{sql})"), widened),
            _ => Typed::new(format!("{name}({sql})"), value.sql_type),
        })
    }

    /// A call of one of the server's own functions.
    pub(super) fn built_in(&mut self, name: &str, arguments: &[&Expr]) -> Result<Typed> {
        match (name, arguments) {
            ("ISNULL", [value, other]) => {
                let (value, other) = (self.value(value)?, self.value(other)?);
                let sql_type = if value.is_null { other.sql_type } else { value.sql_type };
                Ok(Typed::new(format!("ifnull({}, {})", value.sql, other.cast(sql_type).sql), sql_type))
            }
            ("COALESCE", [_, _, ..]) => {
                let values = arguments.iter().map(|expr| self.value(expr)).collect::<Result<Vec<_>>>()?;
                let sql_type = common_type(&values);
                let values: Vec<String> = values.into_iter().map(|value| value.cast(sql_type).sql).collect();
                Ok(Typed::new(format!("coalesce({})", values.join(", ")), sql_type))
            }
            ("NULLIF", [value, other]) => {
                let (value, other) = (self.value(value)?, self.value(other)?);
                let same = super::operators::comparison(value.clone(), "=", other);
                Ok(Typed::new(format!("CASE WHEN {same} THEN NULL ELSE {} END", value.sql), value.sql_type))
            }
            ("IIF", [condition, yes, no]) => {
                let condition = self.predicate(condition)?;
                let (yes, no) = (self.value(yes)?, self.value(no)?);
                let sql_type = common_type([&yes, &no]);
                let (yes, no) = (yes.cast(sql_type).sql, no.cast(sql_type).sql);
                Ok(Typed::new(format!("CASE WHEN {condition} THEN {yes} ELSE {no} END"), sql_type))
            }
            ("DATEADD" | "DATEDIFF" | "DATEPART" | "DATENAME", [part, rest @ ..]) => {
                let part = Self::date_part(part)?;
                self.registered(name, vec![part], rest)
            }
            _ => self.registered(name, Vec::new(), arguments),
        }
    }

    /// A call of a function that is registered with SQLite.
    fn registered(&mut self, name: &str, mut values: Vec<Typed>, arguments: &[&Expr]) -> Result<Typed> {
        let function = functions::find(name).ok_or_else(|| no_function(&name.to_lowercase()))?;
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        if !function.arguments.contains(&values.len()) {
            let (least, most) = (function.arguments.start(), function.arguments.end());
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return Err(arguments_needed(&name.to_lowercase(), &wanted));
        }
        let sql_type = match function.returns {
            Returns::Is(sql_type) => sql_type,
            Returns::Like(index) => values.get(index).map_or(SqlType::Int, |value| value.sql_type),
            Returns::TextLike(index) => match values.get(index).map(|value| value.sql_type) {
                Some(SqlType::Char(length) | SqlType::VarChar(length)) => SqlType::VarChar(length),
                Some(SqlType::NChar(length) | SqlType::NVarChar(length)) => SqlType::NVarChar(length),
                _ => SqlType::NVarChar(4000),
            },
        };
        let arguments: Vec<String> = values.into_iter().map(|value| value.sql).collect();
        Ok(Typed::new(format!("t_{}({})", name.to_lowercase(), arguments.join(", ")), sql_type))
    }
}

/// The type of SUM and AVG over values of `sql_type`.
#[expect(clippy::wildcard_enum_match_arm, reason = "the types that a sum widens are named")]
fn summed_type(sql_type: SqlType) -> SqlType {
    match sql_type {
        SqlType::TinyInt | SqlType::SmallInt => SqlType::Int,
        SqlType::Decimal(_, scale) => SqlType::Decimal(38, scale),
        SqlType::Real => SqlType::Float,
        other => other,
    }
}

/// 174: the wrong number of arguments.
fn arguments_needed(name: &str, wanted: &str) -> SqlError {
    SqlError::new(174, format!("The {name} function requires {wanted} argument(s).")).class(15)
}
