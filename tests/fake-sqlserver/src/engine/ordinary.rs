//! Ordinary statements: SELECT and its like, variables, USE, definitions, KILL.

use std::sync::Arc;

use rusqlite::types::Value as Stored;
use sqlparser::ast::{self, Expr, ObjectType};

use super::faults::BackupFaults;
use super::{Engine, Next};
use crate::error::{Result, SqlError, no_object, undeclared};
use crate::session::cancel::Cancel;
use crate::session::login::context_changed;
use crate::session::output::{Failure, Output, Stopped};
use crate::sql::batch::tokens::Text;
use crate::sql::batch::{Action, Dbcc, SetOption, Statement, unsupported};
use crate::sql::compile::{Compiled, Compiler, Need, as_query, create_table};
use crate::sql::names::Path;
use crate::sql::store::{Names, Store, Variables, bind, coerce};
use crate::sql::types::parse_type;
use crate::tds::token::{Change, Column};
use crate::value::{SqlType, Value};
use crate::views;

type Outcome<T> = std::result::Result<T, Failure>;

impl Engine {
    pub(super) fn statement(
        &mut self,
        statement: &Statement,
        variables: &mut Variables,
        out: &mut Output,
    ) -> Outcome<Next> {
        out.check()?;
        // What contains other statements is left alone: those are counted.
        let contains = matches!(&statement.action, Action::If(..) | Action::Block(_) | Action::Execute(_));
        let faults = if contains { BackupFaults::default() } else { self.befall(&statement.action, out)? };
        match &statement.action {
            Action::Sql(sql) => self.sql(sql, variables, out)?,
            Action::Declare(declared) => self.declare(declared, variables)?,
            Action::SetVariable(name, expr) => {
                let value = self.evaluate(expr, variables)?;
                assign(variables, name, value)?;
            }
            Action::SetOption(option) => self.set_option(*option, out),
            Action::Use(name) => self.use_database(name, out)?,
            Action::Print(expr) => {
                let (value, _) = self.evaluate(expr, variables)?;
                let text = value.to_text().unwrap_or_default();
                out.info(&SqlError::new(0, text).class(0))?;
                out.done(None);
            }
            Action::If(condition, then, otherwise) => {
                let branch = if self.holds(condition, variables)? { then } else { otherwise };
                return Ok(self.statements(branch, variables, out).0);
            }
            Action::Block(statements) => return Ok(self.statements(statements, variables, out).0),
            Action::Backup(backup) => self.backup(backup, faults, variables, out)?,
            Action::Restore(restore) => self.restore(restore, variables, out)?,
            Action::RestoreDatabase(restore) => self.restore_database(restore, faults, variables, out)?,
            Action::Kill(spid) => self.kill(*spid, out)?,
            Action::Dbcc(Dbcc::CheckDb(check)) => self.check_db(check, faults, variables, out)?,
            Action::Dbcc(Dbcc::LogSpace) => {
                let rows = views::log_space_of_all(&self.scope)?;
                said(&rows.columns, &rows.rows, out)?;
            }
            Action::Dbcc(Dbcc::Silent) => {
                let text = "DBCC execution completed. If DBCC printed error messages, contact your system administrator.";
                out.info(&SqlError::new(2528, text).class(0))?;
                out.done(None);
            }
            Action::Transaction(transaction) => self.transaction(*transaction, out)?,
            Action::Security(security) => {
                self.security(security)?;
                out.done(None);
            }
            Action::Execute(execute) => self.execute(execute, variables, out)?,
            Action::AlterDatabase(alter) => self.alter_database(alter, out)?,
            Action::AlterOwner { database, owner } => self.alter_owner(database, owner, out)?,
            Action::DropDatabase { names, if_exists } => self.drop_databases(names, *if_exists, out)?,
            Action::Checkpoint => out.done(None),
        }
        Ok(Next::Statement)
    }

    /// Runs `work` on the session's rows, stopped when the statement has to stop.
    fn with_store<T>(
        &mut self,
        cancel: &Arc<Cancel>,
        work: impl FnOnce(&mut Store) -> Outcome<T>,
    ) -> Outcome<T> {
        let interrupt = self.store()?.interrupt_handle();
        let told = Arc::clone(cancel);
        let watch = self.runtime.spawn(async move {
            told.cancelled().await;
            interrupt.interrupt();
        });
        let done = work(self.store()?);
        watch.abort();
        // An interrupted statement fails in SQLite; the reason is what counts.
        match cancel.reason() {
            Some(reason) if done.is_err() => Err(Stopped(reason).into()),
            _ => done,
        }
    }

    fn sql(
        &mut self,
        statement: &ast::Statement,
        variables: &mut Variables,
        out: &mut Output,
    ) -> Outcome<()> {
        if let Some(query) = as_query(statement) {
            let store = self.store()?;
            let compiled = Compiler::new(&mut Names { store, variables }).select(query)?;
            return self.select(&compiled, variables, out);
        }
        let store = self.store()?;
        let changed = Compiler::new(&mut Names { store, variables }).change(statement)?;
        if let Some(change) = changed {
            let parameters = bind(variables, &change.variables)?;
            let count =
                self.with_store(out.cancel(), |store| Ok(store.execute(&change.sql, &parameters)?))?;
            if change.need == Need::Insert {
                let last = self.store()?.last_insert();
                self.scope.current().identity = Some(last);
            }
            self.count_rows(count, out);
            return Ok(());
        }
        self.define(statement)?;
        out.done(None);
        Ok(())
    }

    fn count_rows(&self, count: u64, out: &mut Output) {
        self.scope.current().row_count = count as i64;
        out.done((!self.no_count).then_some(count));
    }

    fn select(&mut self, compiled: &Compiled, variables: &mut Variables, out: &mut Output) -> Outcome<()> {
        let parameters = bind(variables, &compiled.variables)?;
        let mut count = 0;
        if compiled.assigned.is_empty() {
            out.columns(&compiled.columns)?;
        }
        self.rows(compiled, &parameters, out, |row, out| {
            count += 1;
            if compiled.assigned.is_empty() {
                return out.row(&compiled.columns, row);
            }
            for ((name, column), value) in compiled.assigned.iter().zip(&compiled.columns).zip(row) {
                assign(variables, name, (value.clone(), column.sql_type))?;
            }
            Ok(())
        })?;
        self.count_rows(count, out);
        Ok(())
    }

    /// Gives each row of a compiled SELECT to `take`.
    fn rows(
        &mut self,
        compiled: &Compiled,
        parameters: &[Stored],
        out: &mut Output,
        mut take: impl FnMut(&[Value], &mut Output) -> Outcome<()>,
    ) -> Outcome<()> {
        let cancel = Arc::clone(out.cancel());
        self.with_store(&cancel, |store| {
            store.query(&compiled.sql, parameters, &compiled.columns, |row| take(row, out))
        })
    }

    /// The value of an expression without a table, and its type.
    pub(super) fn evaluate(&mut self, expr: &Expr, variables: &Variables) -> Result<(Value, SqlType)> {
        let store = self.store()?;
        let compiled = Compiler::new(&mut Names { store, variables }).scalar(expr)?;
        let parameters = bind(variables, &compiled.variables)?;
        let mut found = Value::Null;
        self.store()?.query::<SqlError>(&compiled.sql, &parameters, &compiled.columns, |row| {
            found = row.first().cloned().unwrap_or(Value::Null);
            Ok(())
        })?;
        let sql_type = compiled.columns.first().map_or(SqlType::Int, |column| column.sql_type);
        Ok((found, sql_type))
    }

    fn holds(&mut self, condition: &Expr, variables: &Variables) -> Result<bool> {
        let store = self.store()?;
        let compiled = Compiler::new(&mut Names { store, variables }).condition(condition)?;
        let parameters = bind(variables, &compiled.variables)?;
        let mut holds = false;
        self.store()?.query::<SqlError>(&compiled.sql, &parameters, &compiled.columns, |row| {
            holds = row.first() == Some(&Value::Int(1));
            Ok(())
        })?;
        Ok(holds)
    }

    fn declare(
        &mut self,
        declared: &[(String, SqlType, Option<Expr>)],
        variables: &mut Variables,
    ) -> Result<()> {
        for (name, sql_type, expr) in declared {
            if variables.contains_key(name) {
                let text = format!(
                    "The variable name '{name}' has already been declared. Variable names must be unique within a query \
                     batch or stored procedure."
                );
                return Err(SqlError::new(134, text).class(15));
            }
            variables.insert(name.clone(), (*sql_type, Value::Null));
            if let Some(expr) = expr {
                let value = self.evaluate(expr, variables)?;
                assign(variables, name, value)?;
            }
        }
        Ok(())
    }

    fn set_option(&mut self, option: SetOption, out: &mut Output) {
        match option {
            SetOption::NoCount(on) => self.no_count = on,
            SetOption::XactAbort(on) => self.xact_abort = on,
            SetOption::Other => {}
        }
        out.done(None);
    }

    fn use_database(&mut self, name: &str, out: &mut Output) -> Outcome<()> {
        let (id, new) = {
            let mut state = self.instance().state();
            let database = state.database(name)?;
            state.check_entry(&self.scope.login, self.scope.spid, database)?;
            let entered = (database.id, database.name.clone());
            // In one step, for a database may have a single seat.
            if let Some(session) = state.sessions.get_mut(&self.scope.spid) {
                session.database_id = entered.0;
            }
            entered
        };
        let old = self.scope.database_name();
        self.enter_database(id);
        out.environment(Change::Database(&new, &old))?;
        out.info(&context_changed(&new))?;
        out.done(None);
        Ok(())
    }

    /// CREATE TABLE, DROP TABLE and their like.
    fn define(&mut self, statement: &ast::Statement) -> Result<()> {
        if let ast::Statement::CreateTable(create) = statement {
            let path = Path::new(&create.name)?;
            self.need_in_context("CREATE TABLE", &path)?;
            let store = self.store()?;
            let source = store.place(&path)?;
            let sql = create_table(create, &source)?;
            return store.execute(&sql, &[]).map(drop).map_err(|error| match error.number {
                823 if error.message.contains("already exists") => {
                    let text = format!("There is already an object named '{}' in the database.", path.object);
                    SqlError::new(2714, text).state(6)
                }
                _ => error,
            });
        }
        if let ast::Statement::Drop { object_type: ObjectType::Table, names, if_exists, .. } = statement {
            for name in names {
                let path = Path::new(name)?;
                self.need_in_context("ALTER", &path)?;
                let store = self.store()?;
                let source = store.place(&path)?;
                let sql = format!("DROP TABLE {}{source}", if *if_exists { "IF EXISTS " } else { "" });
                store.execute(&sql, &[]).map_err(|error| match error.number {
                    823 if error.message.contains("no such table") => {
                        let text = format!(
                            "Cannot drop the table '{path}', because it does not exist or you do not have permission."
                        );
                        SqlError::new(3701, text).class(11).state(5)
                    }
                    _ => error,
                })?;
            }
            return Ok(());
        }
        let text = statement.to_string();
        let words: Vec<&str> = text.split_whitespace().take(2).collect();
        Err(unsupported(&words.join(" ")))
    }

    fn need_in_context(&self, permission: &str, path: &Path) -> Result<()> {
        if path.object.starts_with('#') {
            return Ok(());
        }
        let id = self.scope.database_id();
        let state = self.instance().state();
        let database = match &path.database {
            Some(name) => state.database(name)?,
            None => state.database_by_id(id).ok_or_else(|| no_object(&path.object))?,
        };
        if state.may_in(&self.scope.login, database, permission) {
            return Ok(());
        }
        let name = &database.name;
        Err(SqlError::new(262, format!("{permission} permission denied in database '{name}'.")).class(14))
    }

    fn kill(&mut self, spid: i64, out: &mut Output) -> Outcome<()> {
        let own = i64::from(self.scope.spid);
        {
            let state = self.instance().state();
            if !state.may(&self.scope.login, "ALTER ANY CONNECTION") {
                let text = "User does not have permission to use the KILL statement.";
                return Err(SqlError::new(6102, text).class(14).into());
            }
            if spid == own {
                return Err(SqlError::new(6104, "Cannot use KILL to kill your own process.").into());
            }
            let victim = u16::try_from(spid).ok().and_then(|spid| state.sessions.get(&spid));
            match victim {
                Some(victim) => victim.kill.cancel(),
                None if (1..51).contains(&spid) => {
                    return Err(SqlError::new(6107, "Only user processes can be killed.").class(14).into());
                }
                None => {
                    let text = format!("Process ID {spid} is not an active process ID.");
                    return Err(SqlError::new(6106, text).state(2).into());
                }
            }
        }
        out.done(None);
        Ok(())
    }
}

/// Gives a whole result at once.
pub(super) fn said(columns: &[Column], rows: &[Vec<Value>], out: &mut Output) -> Outcome<()> {
    out.columns(columns)?;
    for row in rows {
        out.row(columns, row)?;
    }
    out.done(Some(rows.len() as u64));
    Ok(())
}

/// Puts a value into a variable, in the variable's type.
pub(super) fn assign(variables: &mut Variables, name: &str, (value, from): (Value, SqlType)) -> Result<()> {
    let (sql_type, place) = variables.get_mut(&name.to_lowercase()).ok_or_else(|| undeclared(name))?;
    *place = coerce(value, from, *sql_type)?;
    Ok(())
}

/// A text that stands in the statement or in a variable.
pub(super) fn text_value(text: &Text, variables: &Variables) -> Result<String> {
    match text {
        Text::Literal(text) => Ok(text.clone()),
        Text::Variable(name) => {
            let (_, value) = variables.get(name).ok_or_else(|| undeclared(name))?;
            Ok(value.to_text().unwrap_or_default())
        }
    }
}

/// The types that a declaration of parameters names: `@P1 int, @P2 nvarchar(4000) OUTPUT`.
pub(super) fn declared_parameters(text: &str) -> Result<Vec<(String, SqlType)>> {
    let mut parameters = Vec::new();
    let mut depth = 0;
    let separated = text.split(|character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    });
    for parameter in separated.map(str::trim).filter(|parameter| !parameter.is_empty()) {
        let (name, rest) =
            parameter.split_once(char::is_whitespace).ok_or_else(|| crate::error::syntax(parameter))?;
        let declared = rest.split('=').next().unwrap_or(rest).trim();
        let upper = declared.to_uppercase();
        let end = ["OUTPUT", "OUT", "READONLY"]
            .iter()
            .find_map(|word| upper.strip_suffix(word))
            .map_or(upper.len(), str::len);
        let declared = declared[..end].trim();
        let declared =
            declared.strip_prefix("AS ").or_else(|| declared.strip_prefix("as ")).unwrap_or(declared);
        parameters.push((name.to_lowercase(), parse_type(declared)?));
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_of_parameters_is_read() {
        let parameters =
            declared_parameters("@P1 int,@P2 nvarchar(4000), @P3 decimal(18, 2) OUTPUT, @p4 bit = 1")
                .unwrap();
        let expected = [
            ("@p1", SqlType::Int),
            ("@p2", SqlType::NVarChar(4000)),
            ("@p3", SqlType::Decimal(18, 2)),
            ("@p4", SqlType::Bit),
        ];
        assert_eq!(parameters, expected.map(|(name, sql_type)| (name.to_owned(), sql_type)));
        assert_eq!(declared_parameters("").unwrap(), []);
        assert_eq!(declared_parameters("@a foo").unwrap_err().number, 243);
    }
}
