//! Procedure calls, by RPC and by EXEC.

use super::ordinary::declared_parameters;
use super::{Engine, Prepared};
use crate::error::{Result, SqlError, no_procedure};
use crate::session::output::{Failure, Output};
use crate::sql::batch::security;
use crate::sql::batch::{Execute, unsupported};
use crate::sql::store::{Variables, coerce};
use crate::tds::rpc::{Call, Parameter, Procedure, WellKnown};
use crate::tds::token::Column;
use crate::value::{SqlType, Value};

type Outcome<T> = std::result::Result<T, Failure>;

/// What a procedure gives back besides its results.
type Outputs = Vec<(u16, Column, Value)>;

impl Engine {
    /// Carries out a call that came as RPC.
    pub(super) fn call(&mut self, call: Call, out: &mut Output) {
        self.show_request("EXECUTE");
        out.begin(0xe0, 1);
        out.set_in_procedure(true);
        let done = self.call_inside(&call, out);
        match done {
            Ok((outputs, well)) => out.procedure_done(0, &outputs, !well),
            Err(failure) => {
                self.fail(failure, out);
                out.procedure_done(-4, &[], true);
            }
        }
        out.set_in_procedure(false);
    }

    fn call_inside(&mut self, call: &Call, out: &mut Output) -> Outcome<(Outputs, bool)> {
        out.check()?;
        let known = match &call.procedure {
            Procedure::Known(known) => *known,
            Procedure::Named(name) => {
                let bare = name.rsplit('.').next().unwrap_or(name).trim_matches(['[', ']']).to_lowercase();
                match well_known(&bare) {
                    Some(known) => known,
                    None => {
                        return self
                            .named_procedure(&bare, &call.parameters, out)
                            .map(|()| (Vec::new(), true));
                    }
                }
            }
        };
        let parameters = call.parameters.as_slice();
        match (known, parameters) {
            (WellKnown::ExecuteSql, [text, rest @ ..]) => {
                let (declaration, values) = match rest {
                    [declaration, values @ ..] => (declaration.value.to_text().unwrap_or_default(), values),
                    [] => (String::new(), &[][..]),
                };
                let skipped = parameters.len() - values.len();
                self.parameterised(&text_of(text)?, &declaration, values, skipped, out)
            }
            (WellKnown::PrepExec, [handle, declaration, text, values @ ..]) => {
                let declaration = declaration.value.to_text().unwrap_or_default();
                let text = text_of(text)?;
                let number = self.prepare(&text, &declaration)?;
                let (mut outputs, well) = self.parameterised(&text, &declaration, values, 3, out)?;
                outputs.insert(0, (0, Column::new(handle.name.clone(), SqlType::Int), Value::Int(number)));
                Ok((outputs, well))
            }
            (WellKnown::Prepare, [handle, declaration, text, ..]) => {
                let declaration = declaration.value.to_text().unwrap_or_default();
                let number = self.prepare(&text_of(text)?, &declaration)?;
                let output = (0, Column::new(handle.name.clone(), SqlType::Int), Value::Int(number));
                Ok((vec![output], true))
            }
            (WellKnown::Execute, [handle, values @ ..]) => {
                let prepared = self.prepared_under(&handle.value)?.clone();
                self.parameterised(&prepared.text, &prepared.declaration, values, 1, out)
            }
            (WellKnown::Unprepare, [handle, ..]) => {
                self.prepared_under(&handle.value)?;
                if let Value::Int(number) = handle.value {
                    self.prepared.remove(&number);
                }
                Ok((Vec::new(), true))
            }
            (WellKnown::Cursor(_), _) => Err(unsupported("sp_cursor").into()),
            _ => {
                let text = "Procedure or function expects a parameter, which was not supplied.";
                Err(SqlError::new(201, text).state(4).into())
            }
        }
    }

    fn prepare(&mut self, text: &str, declaration: &str) -> Result<i64> {
        declared_parameters(declaration)?;
        let number = self.prepared.keys().next_back().map_or(1, |last| last + 1);
        self.prepared.insert(number, Prepared { text: text.to_owned(), declaration: declaration.to_owned() });
        Ok(number)
    }

    fn prepared_under(&self, handle: &Value) -> Result<&Prepared> {
        let number = if let Value::Int(number) = handle { *number } else { 0 };
        self.prepared.get(&number).ok_or_else(|| {
            SqlError::new(8179, format!("Could not find prepared statement with handle {number}.")).state(2)
        })
    }

    /// Runs `text` with its parameters; `skipped` is how many parameters of the call stand before them.
    fn parameterised(
        &mut self,
        text: &str,
        declaration: &str,
        values: &[Parameter],
        skipped: usize,
        out: &mut Output,
    ) -> Outcome<(Outputs, bool)> {
        let declared = declared_parameters(declaration)?;
        let mut variables = Variables::new();
        for (index, (name, sql_type)) in declared.iter().enumerate() {
            let by_name = values.iter().find(|value| value.name.eq_ignore_ascii_case(name));
            let by_place = values.get(index).filter(|value| value.name.is_empty());
            let Some(given) = by_name.or(by_place) else {
                let text = format!(
                    "The parameterized query '({declaration}){text}' expects the parameter '{name}', which was not supplied."
                );
                return Err(SqlError::new(8178, text).into());
            };
            let value = coerce(given.value.clone(), given.sql_type, *sql_type)?;
            variables.insert(name.clone(), (*sql_type, value));
        }
        if let Some(extra) = values
            .iter()
            .find(|value| !value.name.is_empty() && !variables.contains_key(&value.name.to_lowercase()))
        {
            let text = format!("{} is not a parameter for procedure sp_executesql.", extra.name);
            return Err(SqlError::new(8145, text).state(2).into());
        }
        let well = self.batch(text, &mut variables, out);
        let mut outputs = Outputs::new();
        for (index, given) in values.iter().enumerate().filter(|(_, given)| given.output) {
            let name = if given.name.is_empty() {
                declared.get(index).map(|(name, _)| name.clone()).unwrap_or_default()
            } else {
                given.name.to_lowercase()
            };
            if let Some((sql_type, value)) = variables.get(&name) {
                let ordinal = u16::try_from(index + skipped).unwrap_or_default();
                outputs.push((ordinal, Column::new(given.name.clone(), *sql_type), value.clone()));
            }
        }
        Ok((outputs, well))
    }

    /// A procedure of the server that is called by its name.
    fn named_procedure(&mut self, name: &str, parameters: &[Parameter], out: &mut Output) -> Outcome<()> {
        let arguments: Vec<(Option<String>, String)> = parameters
            .iter()
            .map(|parameter| {
                let named = (!parameter.name.is_empty()).then(|| parameter.name.clone());
                (named, parameter.value.to_text().unwrap_or_default())
            })
            .collect();
        if let Some(security) = security::of_procedure(name, &arguments)? {
            return Ok(self.security(&security)?);
        }
        match name {
            "sp_delete_backuphistory" => Ok(self.delete_history(parameters)?),
            "sp_reset_connection" => self.reset(out),
            _ => Err(no_procedure(name).into()),
        }
    }

    fn delete_history(&mut self, parameters: &[Parameter]) -> Result<()> {
        if !self.instance().state().login(&self.scope.login).is_some_and(crate::security::Login::is_sysadmin)
        {
            let text = "The EXECUTE permission was denied on the object 'sp_delete_backuphistory', database 'msdb', schema 'dbo'.";
            return Err(SqlError::new(229, text).class(14).state(5));
        }
        let Some(oldest) = parameters.first() else {
            let text = "Procedure or function 'sp_delete_backuphistory' expects parameter '@oldest_date', which was not supplied.";
            return Err(SqlError::new(201, text).state(4));
        };
        let oldest = coerce(oldest.value.clone(), oldest.sql_type, SqlType::DateTime)?;
        if let Value::DateTime(oldest) = oldest {
            self.instance().state().history.retain(|set| set.finished >= oldest);
        }
        Ok(())
    }

    /// `EXEC procedure arguments`
    pub(super) fn execute(
        &mut self,
        execute: &Execute,
        variables: &mut Variables,
        out: &mut Output,
    ) -> Outcome<()> {
        let mut parameters = Vec::new();
        for (name, expr) in &execute.arguments {
            let (value, sql_type) = self.argument(expr, variables)?;
            parameters.push(Parameter {
                name: name.clone().unwrap_or_default(),
                sql_type,
                value,
                output: false,
            });
        }
        let procedure = Procedure::Named(execute.procedure.clone());
        out.set_in_procedure(true);
        let done = self.call_inside(&Call { procedure, parameters }, out);
        out.set_in_procedure(false);
        let (_, well) = done?;
        out.procedure_done(0, &[], !well);
        Ok(())
    }

    /// An argument of EXEC: a bare word is text.
    fn argument(&mut self, expr: &sqlparser::ast::Expr, variables: &Variables) -> Result<(Value, SqlType)> {
        if let sqlparser::ast::Expr::Identifier(ident) = expr
            && !ident.value.starts_with('@')
        {
            return Ok((ident.value.clone().into(), SqlType::NVarChar(4000)));
        }
        self.evaluate(expr, variables)
    }
}

fn well_known(name: &str) -> Option<WellKnown> {
    Some(match name {
        "sp_executesql" => WellKnown::ExecuteSql,
        "sp_prepare" => WellKnown::Prepare,
        "sp_execute" => WellKnown::Execute,
        "sp_prepexec" => WellKnown::PrepExec,
        "sp_unprepare" => WellKnown::Unprepare,
        _ => return None,
    })
}

fn text_of(parameter: &Parameter) -> Result<String> {
    parameter.value.to_text().ok_or_else(|| {
        SqlError::new(214, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.")
            .state(2)
    })
}
