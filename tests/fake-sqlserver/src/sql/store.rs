//! A session's connection to SQLite: the databases it has touched, attached one by one, and the system's views, filled
//! when a statement asks for them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{Value as Stored, ValueRef};
use rusqlite::{Connection, ErrorCode, InterruptHandle};

use super::compile::{Catalog, Need, Relation, quoted};
use super::functions;
use super::names::Path;
use super::scope::Scope;
use super::storage::{load, store};
use super::types::parse_type;
use crate::error::{Result, SqlError, no_object, undeclared};
use crate::tds::token::Column;
use crate::value::{MAX, SqlType, Value};
use crate::views;

/// How long a statement waits for another one's lock.
const LOCK_TIME: Duration = Duration::from_secs(30);
/// SQLite attaches no more databases than this to one connection.
const ATTACHED_LIMIT: usize = 9;

/// A session's variables: type and value by name, in lower case with its `@`.
pub type Variables = BTreeMap<String, (SqlType, Value)>;

/// A session's rows.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    scope: Arc<Scope>,
    /// Numbers and files of the databases that are attached as `d<number>`, the longest unused first
    attached: Vec<(i32, PathBuf)>,
}

/// 823-like: SQLite failed in a way that is no statement's fault.
fn broken(error: &rusqlite::Error) -> SqlError {
    SqlError::new(823, format!("The stand-in's own storage failed: {error}")).class(24)
}

impl Store {
    /// A connection for the session of `scope`.
    ///
    /// # Errors
    /// SQLite's own, as 823.
    pub fn open(scope: &Arc<Scope>) -> Result<Self> {
        let connection = Connection::open_in_memory().map_err(|error| broken(&error))?;
        let prepared = connection
            .busy_timeout(LOCK_TIME)
            .and_then(|()| connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON"))
            .and_then(|()| functions::register(&connection, scope));
        prepared.map_err(|error| broken(&error))?;
        Ok(Self { connection, scope: Arc::clone(scope), attached: Vec::new() })
    }

    /// Stops what runs in this connection, from any thread.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.connection.get_interrupt_handle()
    }

    /// Executes SQLite's text that gives no rows.
    ///
    /// # Errors
    /// The statement's own.
    pub fn execute(&self, sql: &str, parameters: &[Stored]) -> Result<u64> {
        let changed = self.connection.execute(sql, rusqlite::params_from_iter(parameters));
        changed.map(|count| count as u64).map_err(|error| translate(&error))
    }

    /// The row id of the last insert.
    pub fn last_insert(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    /// Gives each row of SQLite's text to `take`, with the types of `columns`.
    ///
    /// # Errors
    /// The statement's own, or that of `take`.
    pub fn query<E: From<SqlError>>(
        &self,
        sql: &str,
        parameters: &[Stored],
        columns: &[Column],
        mut take: impl FnMut(&[Value]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let translated = |error: rusqlite::Error| E::from(translate(&error));
        let mut statement = self.connection.prepare(sql).map_err(translated)?;
        let mut rows = statement.query(rusqlite::params_from_iter(parameters)).map_err(translated)?;
        while let Some(row) = rows.next().map_err(translated)? {
            let mut values = Vec::with_capacity(columns.len());
            for (index, column) in columns.iter().enumerate() {
                let stored = row.get_ref(index).map_err(translated)?;
                values.push(load(stored, column.sql_type)?);
            }
            take(&values)?;
        }
        Ok(())
    }

    /// Where the table of that name stands or would stand: SQLite's name for it, and the database's.
    ///
    /// # Errors
    /// 911 for a database that does not exist, 916 for one that may not be entered, and those of its state.
    pub fn place(&mut self, path: &Path) -> Result<String> {
        if path.object.starts_with('#') {
            return Ok(format!("temp.{}", quoted(&path.object)));
        }
        let name = match &path.schema {
            Some(schema) if !schema.eq_ignore_ascii_case("dbo") => format!("{schema}.{}", path.object),
            _ => path.object.clone(),
        };
        let schema = self.attach(path.database.as_deref())?;
        Ok(format!("{schema}.{}", quoted(&name)))
    }

    /// Attaches a database and gives its name in SQLite.
    fn attach(&mut self, database: Option<&str>) -> Result<String> {
        let (id, file) = {
            let current = self.scope.database_id();
            let mut state = self.scope.instance.state();
            let database = match database {
                Some(name) => state.database(name)?,
                None => state.database_by_id(current).ok_or_else(|| no_object("database"))?,
            };
            state.check_entry(&self.scope.login, self.scope.spid, database)?;
            let entered = (database.id, database.rows.clone());
            if entered.0 != current
                && let Some(session) = state.sessions.get_mut(&self.scope.spid)
            {
                session.uses.insert(entered.0);
            }
            entered
        };
        match self.attached.iter().position(|(known, _)| *known == id) {
            Some(at) if self.attached[at].1 == file => {
                let known = self.attached.remove(at);
                self.attached.push(known);
            }
            // Another database has the number by now, or a restore has brought other rows.
            Some(at) => {
                self.detach(at)?;
                self.attach_file(id, file)?;
            }
            None => self.attach_file(id, file)?,
        }
        Ok(format!("d{id}"))
    }

    fn detach(&mut self, at: usize) -> Result<()> {
        let (id, _) = self.attached.remove(at);
        let detached = self.connection.execute_batch(&format!("DETACH DATABASE d{id}"));
        detached.map_err(|error| broken(&error))
    }

    fn attach_file(&mut self, id: i32, file: PathBuf) -> Result<()> {
        if self.attached.len() >= ATTACHED_LIMIT {
            self.detach(0)?;
        }
        let attached = self
            .connection
            .execute(&format!("ATTACH DATABASE ?1 AS d{id}"), [file.to_string_lossy()])
            .and_then(|_| self.connection.execute_batch(&format!("PRAGMA d{id}.journal_mode = WAL")));
        attached.map_err(|error| broken(&error))?;
        self.attached.push((id, file));
        Ok(())
    }

    /// Forgets databases whose files may have changed place.
    pub fn detach_all(&mut self) {
        for (id, _) in self.attached.drain(..) {
            // What cannot be detached is in use by a transaction, which keeps its file anyway.
            drop(self.connection.execute_batch(&format!("DETACH DATABASE d{id}")));
        }
    }

    fn table(&mut self, path: &Path) -> Result<Option<Relation>> {
        let source = self.place(path)?;
        let (schema, name) = source.split_once('.').unwrap_or(("main", &source));
        let name = name.trim_matches('"').replace("\"\"", "\"");
        let query =
            format!("SELECT name, type, pk FROM pragma_table_xinfo(?1, '{schema}') WHERE hidden <> 1");
        let mut statement = self.connection.prepare(&query).map_err(|error| broken(&error))?;
        let described = statement.query_map([&name], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        });
        let described: Vec<(String, String, i64)> =
            described.and_then(Iterator::collect).map_err(|error| broken(&error))?;
        if described.is_empty() {
            return Ok(None);
        }
        let identity = described
            .iter()
            .find(|(_, declared, key)| *key == 1 && declared.eq_ignore_ascii_case("INTEGER"))
            .map(|(name, ..)| name.clone());
        let columns =
            described.into_iter().map(|(name, declared, _)| Column::new(name, declared_type(&declared)));
        Ok(Some(Relation { source: source.clone(), columns: columns.collect(), writable: true, identity }))
    }

    /// Fills a view into a temporary table of its own and gives its name.
    fn view(&mut self, path: &Path, rows: views::Rows) -> Result<Relation> {
        let name = format!("v:{}", path.to_string().to_lowercase());
        let source = format!("temp.{}", quoted(&name));
        let declared: Vec<String> = rows
            .columns
            .iter()
            .map(|column| {
                let collation = if column.sql_type.is_text() { "TEXT COLLATE NOCASE" } else { "" };
                format!("{} {collation}", quoted(&column.name))
            })
            .collect();
        let marks: Vec<String> = (1..=rows.columns.len()).map(|number| format!("?{number}")).collect();
        let created =
            format!("DROP TABLE IF EXISTS {source}; CREATE TABLE {source} ({})", declared.join(", "));
        self.connection.execute_batch(&created).map_err(|error| broken(&error))?;
        let insert = format!("INSERT INTO {source} VALUES ({})", marks.join(", "));
        let mut statement = self.connection.prepare(&insert).map_err(|error| broken(&error))?;
        for row in &rows.rows {
            let stored: Vec<Stored> =
                row.iter().zip(&rows.columns).map(|(value, column)| store(value, column.sql_type)).collect();
            statement.execute(rusqlite::params_from_iter(stored)).map_err(|error| broken(&error))?;
        }
        Ok(Relation { source, columns: rows.columns, writable: false, identity: None })
    }
}

fn declared_type(declared: &str) -> SqlType {
    match declared.to_lowercase().as_str() {
        "text" => SqlType::NVarChar(MAX),
        "blob" => SqlType::VarBinary(MAX),
        "" => SqlType::Variant,
        _ => parse_type(declared).unwrap_or(SqlType::Variant),
    }
}

/// 916: a login without a user in the database.
pub fn not_entered(login: &str, database: &str) -> SqlError {
    let text = format!(
        "The server principal \"{login}\" is not able to access the database \"{database}\" under the current security \
         context."
    );
    SqlError::new(916, text).class(14).state(2)
}

/// What SQLite says, as SQL Server would say it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the failures that statements can bring about are named")]
fn translate(error: &rusqlite::Error) -> SqlError {
    let text = error.to_string();
    if let Some(own) = SqlError::parse(&text) {
        return own;
    }
    let rusqlite::Error::SqliteFailure(failure, Some(message)) = error else { return broken(error) };
    let subject = message.rsplit(": ").next().unwrap_or_default();
    let (table, column) =
        subject.split(", ").next().unwrap_or_default().rsplit_once('.').unwrap_or((subject, ""));
    match failure.code {
        ErrorCode::ConstraintViolation if message.starts_with("NOT NULL") => SqlError::new(
            515,
            format!(
                "Cannot insert the value NULL into column '{column}', table 'dbo.{table}'; column does not allow nulls. \
                 INSERT fails."
            ),
        )
        .state(2),
        ErrorCode::ConstraintViolation if message.starts_with("UNIQUE") => SqlError::new(
            2627,
            format!("Violation of PRIMARY KEY constraint. Cannot insert duplicate key in object 'dbo.{table}'."),
        )
        .class(14),
        ErrorCode::ConstraintViolation => {
            SqlError::new(547, format!("The statement conflicted with a constraint: {message}.")).state(0)
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            SqlError::new(1222, "Lock request time out period exceeded.").state(51)
        }
        ErrorCode::DiskFull => SqlError::new(
            1105,
            "Could not allocate space for object because the 'PRIMARY' filegroup is full.",
        )
        .class(17)
        .state(2),
        _ => broken(error),
    }
}

/// The catalogue and the variables that a statement is compiled with.
#[derive(Debug)]
pub struct Names<'a> {
    /// Tables and views
    pub store: &'a mut Store,
    /// Variables
    pub variables: &'a Variables,
}

impl Catalog for Names<'_> {
    fn relation(&mut self, path: &Path, need: Need) -> Result<Relation> {
        if let Some(rows) = views::rows(&self.store.scope, path)? {
            return self.store.view(path, rows);
        }
        let relation = self.store.table(path)?.ok_or_else(|| no_object(&path.to_string()))?;
        check_permission(&self.store.scope, path, need)?;
        check_pages(&self.store.scope, path)?;
        Ok(relation)
    }

    fn variable(&self, name: &str) -> Result<SqlType> {
        self.variables.get(name).map(|(sql_type, _)| *sql_type).ok_or_else(|| undeclared(name))
    }
}

/// 229: what is needed was not granted.
fn check_permission(scope: &Scope, path: &Path, need: Need) -> Result<()> {
    if path.object.starts_with('#') {
        return Ok(());
    }
    let permission = match need {
        Need::Select => "SELECT",
        Need::Insert => "INSERT",
        Need::Update => "UPDATE",
        Need::Delete => "DELETE",
    };
    let current = scope.database_id();
    let state = scope.instance.state();
    let database = match &path.database {
        Some(name) => state.database(name)?,
        None => state.database_by_id(current).ok_or_else(|| no_object(&path.object))?,
    };
    if state.may_in(&scope.login, database, permission) {
        return Ok(());
    }
    let (object, name) = (&path.object, &database.name);
    let text = format!(
        "The {permission} permission was denied on the object '{object}', database '{name}', schema 'dbo'."
    );
    Err(SqlError::new(229, text).class(14).state(5))
}

/// 824: rows of the table were on a page that is bad.
fn check_pages(scope: &Scope, path: &Path) -> Result<()> {
    let current = scope.database_id();
    let state = scope.instance.state();
    let database = match &path.database {
        Some(name) => Some(state.database(name)?),
        None => state.database_by_id(current),
    };
    let Some(database) = database else { return Ok(()) };
    let is_here =
        |table: &Option<String>| table.as_ref().is_some_and(|t| t.eq_ignore_ascii_case(&path.object));
    match database.bad_pages.iter().find(|bad| is_here(&bad.table)) {
        Some(bad) => Err(database.bad_page(bad.page)),
        None => Ok(()),
    }
}

/// The values of a statement's parameters as SQLite takes them.
///
/// # Errors
/// 137 when one was not declared.
pub fn bind(variables: &Variables, names: &[String]) -> Result<Vec<Stored>> {
    names
        .iter()
        .map(|name| {
            let (sql_type, value) = variables.get(name).ok_or_else(|| undeclared(name))?;
            Ok(store(value, *sql_type))
        })
        .collect()
}

/// `value` in the form that the type's declaration gives it.
///
/// # Errors
/// As a conversion.
pub fn coerce(value: Value, from: SqlType, to: SqlType) -> Result<Value> {
    if from == to {
        return Ok(value);
    }
    let stored = store(&value, from);
    super::convert::convert(load(ValueRef::from(&stored), from)?, from, to, 0)
}
