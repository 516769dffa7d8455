//! Batches: what `sqlparser` knows is left to it, the rest is recognised word by word.

#![expect(clippy::wildcard_enum_match_arm, reason = "sqlparser's enum holds the tokens of all dialects")]

pub mod databases;
pub mod media;
mod options;
pub mod security;
pub mod tokens;

use sqlparser::ast::{self, Expr};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use self::databases::{AlterDatabase, CheckDb};
use self::media::{Backup, Restore, RestoreDatabase};
use self::security::Security;
use self::tokens::{Text, Tokens};
use super::types::parse_type;
use crate::error::{Result, SqlError, syntax};
use crate::fault::StatementKind;
use crate::value::SqlType;

/// One statement of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The line that it begins in
    pub line: u32,
    /// What it does
    pub action: Action,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `CREATE TABLE` …
    Sql(Box<ast::Statement>),
    /// `DECLARE @x type = value`
    Declare(Vec<(String, SqlType, Option<Expr>)>),
    /// `SET @x = value`
    SetVariable(String, Expr),
    /// `SET NOCOUNT ON` and its like
    SetOption(SetOption),
    /// `USE`
    Use(String),
    /// `PRINT`
    Print(Expr),
    /// `IF … ELSE …`
    If(Box<Expr>, Vec<Statement>, Vec<Statement>),
    /// `BEGIN … END`
    Block(Vec<Statement>),
    /// `BACKUP`
    Backup(Backup),
    /// `RESTORE` of what restores nothing
    Restore(Restore),
    /// `RESTORE DATABASE`
    RestoreDatabase(RestoreDatabase),
    /// `KILL`
    Kill(i64),
    /// `DBCC`
    Dbcc(Dbcc),
    /// `BEGIN TRANSACTION` and its like
    Transaction(Transaction),
    /// `GRANT` and its like
    Security(Security),
    /// `EXEC procedure …`
    Execute(Execute),
    /// `ALTER DATABASE`
    AlterDatabase(AlterDatabase),
    /// `ALTER AUTHORIZATION ON DATABASE::…`
    AlterOwner {
        /// The database
        database: String,
        /// Its owner from now on
        owner: String,
    },
    /// `DROP DATABASE`
    DropDatabase {
        /// The databases
        names: Vec<String>,
        /// Those that do not exist are no error
        if_exists: bool,
    },
    /// `CHECKPOINT`
    Checkpoint,
}

/// A SET that needs remembering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOption {
    /// `NOCOUNT`
    NoCount(bool),
    /// `XACT_ABORT`
    XactAbort(bool),
    /// Any other that exists and decides nothing here
    Other,
}

/// A DBCC that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dbcc {
    /// `DBCC CHECKDB`
    CheckDb(CheckDb),
    /// `DBCC SQLPERF(LOGSPACE)`
    LogSpace,
    /// `DBCC USEROPTIONS`, `DBCC TRACEON` and others without a result
    Silent,
}

/// A statement about transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// `BEGIN TRANSACTION`
    Begin,
    /// `COMMIT`
    Commit,
    /// `ROLLBACK`
    Rollback,
}

/// `EXEC procedure arguments`
#[derive(Debug, Clone, PartialEq)]
pub struct Execute {
    /// The procedure without database and schema
    pub procedure: String,
    /// Its arguments, by name or in order
    pub arguments: Vec<(Option<String>, Expr)>,
}

impl Action {
    /// The kind of statement, for faults.
    pub fn kind(&self) -> StatementKind {
        match self {
            Self::Sql(statement) if matches!(**statement, ast::Statement::Query(_)) => StatementKind::Select,
            Self::Sql(_) => StatementKind::Change,
            Self::Backup(_) => StatementKind::Backup,
            Self::Restore(restore) => match restore.kind {
                media::RestoreKind::VerifyOnly => StatementKind::VerifyOnly,
                media::RestoreKind::HeaderOnly => StatementKind::HeaderOnly,
                media::RestoreKind::FileListOnly => StatementKind::FileListOnly,
            },
            Self::RestoreDatabase(_) => StatementKind::Restore,
            Self::AlterDatabase(_) | Self::AlterOwner { .. } => StatementKind::Alter,
            Self::DropDatabase { .. } => StatementKind::Drop,
            Self::Kill(_) => StatementKind::Kill,
            Self::Dbcc(Dbcc::CheckDb(_)) => StatementKind::CheckDb,
            Self::Dbcc(Dbcc::LogSpace | Dbcc::Silent) => StatementKind::Dbcc,
            Self::Security(_) => StatementKind::Security,
            Self::Declare(_)
            | Self::SetVariable(..)
            | Self::SetOption(_)
            | Self::Use(_)
            | Self::Print(_)
            | Self::If(..)
            | Self::Block(_)
            | Self::Transaction(_)
            | Self::Execute(_)
            | Self::Checkpoint => StatementKind::Other,
        }
    }
}

/// 40510: a statement that exists, but not here.
pub fn unsupported(what: &str) -> SqlError {
    SqlError::new(40510, format!("Statement '{what}' is not supported in this version of SQL Server."))
}

/// The statements of a batch. As on the real server nothing of a batch runs when any of it does not parse.
///
/// # Errors
/// 102, 105, 191 and others of class 15.
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    let dialect = MsSqlDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize_with_location().map_err(|error| {
        let text = format!("Unclosed quotation mark after the character string '{}'.", error.message);
        SqlError::new(105, text).class(15)
    })?;
    let options = ParserOptions::new().with_trailing_commas(false);
    let tokens = with_semicolons(tokens);
    let mut parser = Parser::new(&dialect).with_options(options).with_tokens_with_locations(tokens);
    let mut statements = Vec::new();
    loop {
        while parser.accept_token(&Token::SemiColon) {}
        if parser.peek_token().token == Token::EOF {
            return Ok(statements);
        }
        statements.push(statement(&mut parser)?);
    }
}

/// Words that begin a statement and are no names in T-SQL, but would be taken for aliases of what stands before them.
const BEGINNINGS: [&str; 10] =
    ["BACKUP", "CHECKPOINT", "DBCC", "DENY", "GRANT", "KILL", "PRINT", "RESTORE", "REVOKE", "USE"];

/// Separates statements that `sqlparser` would run together.
fn with_semicolons(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut separated: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut before: Option<Token> = None;
    for token in tokens {
        let begins = is_one_of(&token.token, &BEGINNINGS);
        // `GRANT BACKUP DATABASE, CREATE TABLE TO …`; `IF … ELSE KILL …`; `BEGIN KILL …`
        let goes_on = before.as_ref().is_none_or(|before| {
            matches!(before, Token::SemiColon | Token::Comma)
                || is_one_of(before, &["BEGIN", "DENY", "ELSE", "GRANT", "REVOKE"])
        });
        if begins && !goes_on {
            separated.push(TokenWithSpan { token: Token::SemiColon, span: token.span });
        }
        if !matches!(token.token, Token::Whitespace(_)) {
            before = Some(token.token.clone());
        }
        separated.push(token);
    }
    separated
}

fn is_one_of(token: &Token, words: &[&str]) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none()
        && words.iter().any(|known| word.value.eq_ignore_ascii_case(known)))
}

fn statement(parser: &mut Parser<'_>) -> Result<Statement> {
    let line = u32::try_from(parser.peek_token().span.start.line).unwrap_or(1);
    let action = action(parser)?;
    Ok(Statement { line, action })
}

fn action(parser: &mut Parser<'_>) -> Result<Action> {
    let Token::Word(first) = parser.peek_token().token else { return ordinary(parser) };
    match first.value.to_uppercase().as_str() {
        "BACKUP" => {
            parser.next_token();
            media::parse_backup(parser).map(Action::Backup)
        }
        "RESTORE" => {
            parser.next_token();
            media::parse_restore(parser)
        }
        "KILL" => {
            parser.next_token();
            parser.number().map(Action::Kill)
        }
        "USE" => {
            parser.next_token();
            parser.name().map(Action::Use)
        }
        "GRANT" => {
            parser.next_token();
            security::parse_permission(parser, true).map(Action::Security)
        }
        "REVOKE" | "DENY" => {
            parser.next_token();
            security::parse_permission(parser, false).map(Action::Security)
        }
        "CHECKPOINT" => {
            parser.next_token();
            Ok(Action::Checkpoint)
        }
        "PRINT" => {
            parser.next_token();
            expression(parser).map(Action::Print)
        }
        "DBCC" => dbcc(parser),
        "DECLARE" => declare(parser),
        "SET" => options::parse(parser),
        "IF" => if_else(parser),
        "BEGIN" | "COMMIT" | "ROLLBACK" | "SAVE" => transaction_or_block(parser),
        "EXEC" | "EXECUTE" => execute(parser),
        "CREATE" | "ALTER" | "DROP" => definition(parser),
        _ => ordinary(parser),
    }
}

/// Leaves a statement to `sqlparser`.
fn ordinary(parser: &mut Parser<'_>) -> Result<Action> {
    match parser.parse_statement() {
        Ok(statement) => Ok(Action::Sql(Box::new(statement))),
        Err(error) => Err(syntax_error(parser, &error)),
    }
}

fn expression(parser: &mut Parser<'_>) -> Result<Expr> {
    parser.parse_expr().map_err(|error| syntax_error(parser, &error))
}

/// 102 near the token that `sqlparser` did not expect.
fn syntax_error(parser: &Parser<'_>, error: &ParserError) -> SqlError {
    let (ParserError::TokenizerError(text) | ParserError::ParserError(text)) = error else {
        let text = "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.";
        return SqlError::new(191, text).class(15);
    };
    let found = text.split_once("found: ").map(|(_, rest)| rest.split(" at Line").next().unwrap_or(rest));
    match found {
        Some("EOF") | None => syntax(&parser.near()),
        Some(token) => syntax(token),
    }
}

fn declare(parser: &mut Parser<'_>) -> Result<Action> {
    parser.expect("DECLARE")?;
    let mut variables = Vec::new();
    loop {
        let Text::Variable(name) = parser.name_or_variable()? else { return Err(parser.syntax_error()) };
        parser.accept("AS");
        let data_type = parser.parse_data_type().map_err(|error| syntax_error(parser, &error))?;
        let sql_type = parse_type(&data_type.to_string())?;
        let value = if parser.accept_token(&Token::Eq) { Some(expression(parser)?) } else { None };
        variables.push((name, sql_type, value));
        if !parser.accept_token(&Token::Comma) {
            return Ok(Action::Declare(variables));
        }
    }
}

fn if_else(parser: &mut Parser<'_>) -> Result<Action> {
    parser.expect("IF")?;
    let condition = expression(parser)?;
    while parser.accept_token(&Token::SemiColon) {}
    let then = vec![statement(parser)?];
    let before = parser.index();
    while parser.accept_token(&Token::SemiColon) {}
    if parser.accept("ELSE") {
        return Ok(Action::If(Box::new(condition), then, vec![statement(parser)?]));
    }
    while parser.index() > before {
        parser.prev_token();
    }
    Ok(Action::If(Box::new(condition), then, Vec::new()))
}

fn transaction_or_block(parser: &mut Parser<'_>) -> Result<Action> {
    let word = parser.word()?;
    let named = parser.accept("TRANSACTION") || parser.accept("TRAN") || parser.accept("WORK");
    let transaction = match word.as_str() {
        "BEGIN" if named => Transaction::Begin,
        "BEGIN" if parser.at("TRY") || parser.at("CATCH") => return Err(unsupported("BEGIN TRY")),
        "BEGIN" => return block(parser),
        "COMMIT" => Transaction::Commit,
        "ROLLBACK" => Transaction::Rollback,
        _ => return Err(unsupported("SAVE TRANSACTION")),
    };
    // A transaction may have a name, which only matters for savepoints.
    if named && !parser.at_end() && parser.peek_token().token.to_string().starts_with(['@', '[']) {
        parser.next_token();
    }
    Ok(Action::Transaction(transaction))
}

fn block(parser: &mut Parser<'_>) -> Result<Action> {
    let mut statements = Vec::new();
    loop {
        while parser.accept_token(&Token::SemiColon) {}
        if parser.accept("END") {
            return Ok(Action::Block(statements));
        }
        if parser.peek_token().token == Token::EOF {
            return Err(parser.syntax_error());
        }
        statements.push(statement(parser)?);
    }
}

fn execute(parser: &mut Parser<'_>) -> Result<Action> {
    parser.next_token();
    if parser.peek_token().token == Token::LParen {
        return Err(unsupported("EXEC of a text"));
    }
    let name = parser.parse_object_name(false).map_err(|error| syntax_error(parser, &error))?;
    let procedure = super::names::Path::new(&name)?.object;
    let mut arguments = Vec::new();
    if !parser.at_end() && !matches!(parser.peek_token().token, Token::EOF) {
        loop {
            let named = match (parser.peek_token().token, parser.peek_nth_token(1).token) {
                (Token::Word(word), Token::Eq) if word.value.starts_with('@') => {
                    parser.next_token();
                    parser.next_token();
                    Some(word.value.to_lowercase())
                }
                _ => None,
            };
            arguments.push((named, expression(parser)?));
            if !parser.accept_token(&Token::Comma) {
                break;
            }
        }
    }
    Ok(Action::Execute(Execute { procedure, arguments }))
}

fn dbcc(parser: &mut Parser<'_>) -> Result<Action> {
    parser.expect("DBCC")?;
    let command = parser.word()?;
    match command.as_str() {
        "SQLPERF" => {
            parser.require_token(&Token::LParen)?;
            parser.expect("LOGSPACE")?;
            parser.require_token(&Token::RParen)?;
            Ok(Action::Dbcc(Dbcc::LogSpace))
        }
        "TRACEON" | "TRACEOFF" | "FREEPROCCACHE" | "DROPCLEANBUFFERS" => {
            while !parser.at_end() {
                parser.next_token();
            }
            Ok(Action::Dbcc(Dbcc::Silent))
        }
        "CHECKDB" => databases::parse_check(parser).map(|check| Action::Dbcc(Dbcc::CheckDb(check))),
        "CHECKTABLE" | "SHRINKFILE" | "SHRINKDATABASE" | "PAGE" | "OPENTRAN" => {
            Err(unsupported(&format!("DBCC {command}")))
        }
        _ => Err(SqlError::new(
            2526,
            "Incorrect DBCC statement. Check the documentation for the correct DBCC syntax and options.",
        )
        .state(3)),
    }
}

/// CREATE, ALTER and DROP: what is about logins, users, roles and databases is recognised here.
fn definition(parser: &mut Parser<'_>) -> Result<Action> {
    let verb = match parser.peek_token().token {
        Token::Word(word) => word.value.to_uppercase(),
        _ => return ordinary(parser),
    };
    let second = match parser.peek_nth_token(1).token {
        Token::Word(word) => word.value.to_uppercase(),
        _ => return ordinary(parser),
    };
    let mut skip = |words: usize| (0..words).for_each(|_| drop(parser.next_token()));
    let security = match (verb.as_str(), second.as_str()) {
        ("CREATE", "LOGIN") => {
            skip(2);
            security::parse_create_login(parser)?
        }
        ("CREATE", "USER") => {
            skip(2);
            security::parse_create_user(parser)?
        }
        ("DROP", "LOGIN") => {
            skip(2);
            Security::DropLogin(parser.name()?)
        }
        ("DROP", "USER") => {
            skip(2);
            Security::DropUser(parser.name()?)
        }
        ("ALTER", "ROLE") => {
            skip(2);
            security::parse_role(parser, false)?
        }
        ("ALTER", "SERVER") => {
            skip(2);
            parser.expect("ROLE")?;
            security::parse_role(parser, true)?
        }
        ("ALTER", "DATABASE") => {
            skip(2);
            return databases::parse_alter(parser);
        }
        ("ALTER", "AUTHORIZATION") => {
            skip(2);
            return databases::parse_authorization(parser);
        }
        ("DROP", "DATABASE") => {
            skip(2);
            return databases::parse_drop(parser);
        }
        ("ALTER", "USER") => {
            skip(2);
            security::parse_alter_user(parser)?
        }
        ("CREATE", "DATABASE")
        | ("CREATE" | "DROP", "PROCEDURE" | "FUNCTION" | "TRIGGER" | "VIEW")
        | ("ALTER", "LOGIN" | "PROCEDURE" | "FUNCTION" | "VIEW") => {
            return Err(unsupported(&format!("{verb} {second}")));
        }
        _ => return ordinary(parser),
    };
    Ok(Action::Security(security))
}

#[cfg(test)]
mod tests;
