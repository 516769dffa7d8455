//! ALTER DATABASE, DROP DATABASE, ALTER AUTHORIZATION, and DBCC of a database.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::tokens::{Text, Tokens};
use super::{Action, unsupported};
use crate::database::{PageVerify, RecoveryModel, UserAccess};
use crate::error::{Result, SqlError, syntax};

/// `ALTER DATABASE … …`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterDatabase {
    /// The database; `None` for CURRENT
    pub database: Option<String>,
    /// What is to be changed
    pub change: DatabaseChange,
}

/// What ALTER DATABASE changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseChange {
    /// `SET … WITH …`
    Set(Vec<DatabaseOption>, Termination),
    /// `MODIFY NAME = …`
    Name(String),
    /// `MODIFY FILE (NAME = …, …)`
    File {
        /// Its logical name
        name: String,
        /// `NEWNAME = …`
        new_name: Option<String>,
        /// `FILENAME = …`
        path: Option<String>,
        /// `SIZE = …`, in bytes
        bytes: Option<u64>,
    },
}

/// What ALTER DATABASE sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseOption {
    /// `ONLINE`
    Online,
    /// `OFFLINE`
    Offline,
    /// `SINGLE_USER`, `RESTRICTED_USER`, `MULTI_USER`
    Access(UserAccess),
    /// `RECOVERY …`
    Recovery(RecoveryModel),
    /// `PAGE_VERIFY …`
    PageVerify(PageVerify),
    /// `COMPATIBILITY_LEVEL = …`
    Compatibility(i64),
    /// `READ_COMMITTED_SNAPSHOT …`
    SnapshotReads(bool),
    /// `TRUSTWORTHY …`
    Trustworthy(bool),
    /// One that exists and stands as it is already
    AsItIs,
}

/// What becomes of others who are in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// They are waited for
    Wait,
    /// `NO_WAIT`
    NoWait,
    /// `ROLLBACK IMMEDIATE`, or `ROLLBACK AFTER …` so many seconds
    Rollback {
        /// Seconds
        after: u64,
    },
}

/// `DBCC CHECKDB (…) WITH …`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckDb {
    /// The database; `None` for the context
    pub database: Option<Text>,
    /// `TABLERESULTS`
    pub rows: bool,
    /// `NO_INFOMSGS`
    pub only_errors: bool,
}

/// Reads what follows ALTER DATABASE.
pub fn parse_alter(parser: &mut Parser<'_>) -> Result<Action> {
    let quoted = matches!(parser.peek_token().token, Token::Word(word) if word.quote_style.is_some());
    let name = parser.name()?;
    let current = !quoted && name.eq_ignore_ascii_case("CURRENT");
    let change = match parser.word()?.as_str() {
        "SET" => parse_set(parser)?,
        "MODIFY" => match parser.word()?.as_str() {
            "NAME" => {
                parser.require_token(&Token::Eq)?;
                DatabaseChange::Name(parser.name()?)
            }
            "FILE" => parse_file(parser)?,
            other => return Err(unsupported(&format!("ALTER DATABASE MODIFY {other}"))),
        },
        other @ ("ADD" | "REMOVE" | "COLLATE") => {
            return Err(unsupported(&format!("ALTER DATABASE {other}")));
        }
        other => return Err(syntax(other)),
    };
    Ok(Action::AlterDatabase(AlterDatabase { database: (!current).then_some(name), change }))
}

fn parse_set(parser: &mut Parser<'_>) -> Result<DatabaseChange> {
    let mut options = vec![parse_option(parser)?];
    while parser.accept_token(&Token::Comma) {
        options.push(parse_option(parser)?);
    }
    let mut termination = Termination::Wait;
    if parser.accept("WITH") {
        termination = match parser.word()?.as_str() {
            "NO_WAIT" => Termination::NoWait,
            "ROLLBACK" if parser.accept("IMMEDIATE") => Termination::Rollback { after: 0 },
            "ROLLBACK" => {
                parser.expect("AFTER")?;
                let after = u64::try_from(parser.number()?).map_err(|_| parser.syntax_error())?;
                parser.accept("SECONDS");
                Termination::Rollback { after }
            }
            other => return Err(syntax(other)),
        };
    }
    Ok(DatabaseChange::Set(options, termination))
}

fn parse_option(parser: &mut Parser<'_>) -> Result<DatabaseOption> {
    Ok(match parser.word()?.as_str() {
        "ONLINE" => DatabaseOption::Online,
        "OFFLINE" => DatabaseOption::Offline,
        "SINGLE_USER" => DatabaseOption::Access(UserAccess::Single),
        "RESTRICTED_USER" => DatabaseOption::Access(UserAccess::Restricted),
        "MULTI_USER" => DatabaseOption::Access(UserAccess::Multi),
        "RECOVERY" => DatabaseOption::Recovery(match parser.word()?.as_str() {
            "FULL" => RecoveryModel::Full,
            "BULK_LOGGED" => RecoveryModel::BulkLogged,
            "SIMPLE" => RecoveryModel::Simple,
            other => return Err(syntax(other)),
        }),
        "PAGE_VERIFY" => DatabaseOption::PageVerify(match parser.word()?.as_str() {
            "CHECKSUM" => PageVerify::Checksum,
            "TORN_PAGE_DETECTION" => PageVerify::TornPageDetection,
            "NONE" => PageVerify::None,
            other => return Err(syntax(other)),
        }),
        "COMPATIBILITY_LEVEL" => {
            parser.require_token(&Token::Eq)?;
            DatabaseOption::Compatibility(parser.number()?)
        }
        "READ_COMMITTED_SNAPSHOT" => DatabaseOption::SnapshotReads(on_or_off(parser)?),
        "TRUSTWORTHY" => DatabaseOption::Trustworthy(on_or_off(parser)?),
        "READ_WRITE" => DatabaseOption::AsItIs,
        name @ ("AUTO_CLOSE" | "AUTO_SHRINK" | "DB_CHAINING" | "ALLOW_SNAPSHOT_ISOLATION") => {
            if on_or_off(parser)? {
                return Err(unsupported(&format!("ALTER DATABASE SET {name} ON")));
            }
            DatabaseOption::AsItIs
        }
        other => return Err(unsupported(&format!("ALTER DATABASE SET {other}"))),
    })
}

fn on_or_off(parser: &mut Parser<'_>) -> Result<bool> {
    match parser.word()?.as_str() {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        other => Err(syntax(other)),
    }
}

/// What follows MODIFY FILE.
fn parse_file(parser: &mut Parser<'_>) -> Result<DatabaseChange> {
    let (mut name, mut new_name, mut path, mut bytes) = (None, None, None, None);
    parser.require_token(&Token::LParen)?;
    loop {
        let word = parser.word()?;
        parser.require_token(&Token::Eq)?;
        match word.as_str() {
            "NAME" => name = Some(name_or_text(parser)?),
            "NEWNAME" => new_name = Some(name_or_text(parser)?),
            "FILENAME" => path = Some(name_or_text(parser)?),
            "SIZE" => bytes = Some(size(parser)?),
            "MAXSIZE" if parser.accept("UNLIMITED") => {}
            // Files grow as they need to; by how much at a time decides nothing here.
            "MAXSIZE" | "FILEGROWTH" => drop(size(parser)?),
            other => return Err(syntax(other)),
        }
        if !parser.accept_token(&Token::Comma) {
            break;
        }
    }
    parser.require_token(&Token::RParen)?;
    let name = name.ok_or_else(|| parser.syntax_error())?;
    Ok(DatabaseChange::File { name, new_name, path, bytes })
}

fn name_or_text(parser: &mut Parser<'_>) -> Result<String> {
    match parser.text() {
        Ok(Text::Literal(text)) => Ok(text),
        Ok(Text::Variable(_)) => Err(parser.syntax_error()),
        Err(_) => parser.name(),
    }
}

/// Bytes: `8192KB`, `64 MB`, `1GB`, a bare number in MB; a share of itself counts as nothing.
fn size(parser: &mut Parser<'_>) -> Result<u64> {
    let number = u64::try_from(parser.number()?).map_err(|_| parser.syntax_error())?;
    if parser.accept_token(&Token::Mod) {
        return Ok(0);
    }
    let units = [("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1_u64 << 40)];
    let unit = units.iter().find(|(unit, _)| parser.accept(unit)).map_or(1 << 20, |(_, bytes)| *bytes);
    number.checked_mul(unit).ok_or_else(|| parser.syntax_error())
}

/// Reads what follows DROP DATABASE.
pub fn parse_drop(parser: &mut Parser<'_>) -> Result<Action> {
    let if_exists = parser.accept("IF");
    if if_exists {
        parser.expect("EXISTS")?;
    }
    let mut names = vec![parser.name()?];
    while parser.accept_token(&Token::Comma) {
        names.push(parser.name()?);
    }
    Ok(Action::DropDatabase { names, if_exists })
}

/// Reads what follows ALTER AUTHORIZATION.
pub fn parse_authorization(parser: &mut Parser<'_>) -> Result<Action> {
    parser.expect("ON")?;
    if !parser.accept("DATABASE") {
        return Err(unsupported("ALTER AUTHORIZATION ON an object"));
    }
    parser.require_token(&Token::DoubleColon)?;
    let database = parser.name()?;
    parser.expect("TO")?;
    Ok(Action::AlterOwner { database, owner: parser.name()? })
}

/// Reads what follows DBCC CHECKDB.
pub fn parse_check(parser: &mut Parser<'_>) -> Result<CheckDb> {
    let mut check = CheckDb { database: None, rows: false, only_errors: false };
    if parser.accept_token(&Token::LParen) {
        check.database = parse_checked(parser)?;
        if parser.accept_token(&Token::Comma) {
            match parser.word()?.as_str() {
                "NOINDEX" => {}
                word @ ("REPAIR_FAST" | "REPAIR_REBUILD" | "REPAIR_ALLOW_DATA_LOSS") => {
                    return Err(unsupported(&format!("DBCC CHECKDB {word}")));
                }
                other => return Err(syntax(other)),
            }
        }
        parser.require_token(&Token::RParen)?;
    }
    if parser.accept("WITH") {
        loop {
            let word = parser.word()?;
            match word.as_str() {
                "TABLERESULTS" => check.rows = true,
                "NO_INFOMSGS" => check.only_errors = true,
                "ALL_ERRORMSGS" | "TABLOCK" | "PHYSICAL_ONLY" | "DATA_PURITY" | "EXTENDED_LOGICAL_CHECKS" => {
                }
                "MAXDOP" => {
                    parser.require_token(&Token::Eq)?;
                    parser.number()?;
                }
                other => {
                    let text = format!("'{other}' is not a recognized option.");
                    return Err(SqlError::new(155, text).class(15));
                }
            }
            if !parser.accept_token(&Token::Comma) {
                break;
            }
        }
    }
    Ok(check)
}

/// A name in brackets or quotes, a bare one, or 0 for the context.
fn parse_checked(parser: &mut Parser<'_>) -> Result<Option<Text>> {
    if let Ok(number) = parser.number() {
        return if number == 0 { Ok(None) } else { Err(unsupported("DBCC CHECKDB of a number")) };
    }
    match parser.text() {
        Ok(text) => Ok(Some(text)),
        Err(_) => parser.name_or_variable().map(Some),
    }
}
