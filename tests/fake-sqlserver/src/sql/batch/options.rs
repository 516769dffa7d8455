//! SET: variables, and options that need remembering or nothing at all.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::tokens::{Text, Tokens};
use super::{Action, SetOption, expression, unsupported};
use crate::error::{Result, SqlError, syntax};

/// Options of SET that take ON or OFF.
const SWITCHES: [&str; 22] = [
    "ANSI_DEFAULTS",
    "ANSI_NULLS",
    "ANSI_NULL_DFLT_ON",
    "ANSI_PADDING",
    "ANSI_WARNINGS",
    "ARITHABORT",
    "ARITHIGNORE",
    "CONCAT_NULL_YIELDS_NULL",
    "CURSOR_CLOSE_ON_COMMIT",
    "FMTONLY",
    "FORCEPLAN",
    "IMPLICIT_TRANSACTIONS",
    "NOCOUNT",
    "NOEXEC",
    "NUMERIC_ROUNDABORT",
    "PARSEONLY",
    "QUOTED_IDENTIFIER",
    "REMOTE_PROC_TRANSACTIONS",
    "SHOWPLAN_ALL",
    "SHOWPLAN_TEXT",
    "SHOWPLAN_XML",
    "XACT_ABORT",
];

/// Options of SET that would change what statements do, in ways that are not served here.
const UNSERVED_SWITCHES: [&str; 7] = [
    "FMTONLY",
    "NOEXEC",
    "PARSEONLY",
    "SHOWPLAN_ALL",
    "SHOWPLAN_TEXT",
    "SHOWPLAN_XML",
    "IMPLICIT_TRANSACTIONS",
];

/// Options of SET that take a value.
const VALUED: [&str; 8] = [
    "DATEFIRST",
    "DATEFORMAT",
    "DEADLOCK_PRIORITY",
    "LANGUAGE",
    "LOCK_TIMEOUT",
    "QUERY_GOVERNOR_COST_LIMIT",
    "ROWCOUNT",
    "TEXTSIZE",
];

/// Reads a SET statement.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Action> {
    parser.expect("SET")?;
    if let Text::Variable(name) = parser.name_or_variable()? {
        parser.require_token(&Token::Eq)?;
        return Ok(Action::SetVariable(name, expression(parser)?));
    }
    parser.prev_token();
    let mut names = vec![parser.word()?];
    if names[0] == "TRANSACTION" {
        parser.expect("ISOLATION")?;
        parser.expect("LEVEL")?;
        let level = parser.word()?;
        if !matches!(level.as_str(), "SNAPSHOT" | "SERIALIZABLE") {
            parser.word()?;
        }
        return Ok(Action::SetOption(SetOption::Other));
    }
    if VALUED.contains(&names[0].as_str()) {
        parser.accept_token(&Token::Minus);
        parser.next_token();
        return Ok(Action::SetOption(SetOption::Other));
    }
    while parser.accept_token(&Token::Comma) {
        names.push(parser.word()?);
    }
    if let Some(unknown) = names.iter().find(|name| !SWITCHES.contains(&name.as_str())) {
        return Err(SqlError::new(195, format!("'{unknown}' is not a recognized SET option."))
            .class(15)
            .state(5));
    }
    let on = match parser.word()?.as_str() {
        "ON" => true,
        "OFF" => false,
        other => return Err(syntax(other)),
    };
    if let Some(name) = names.iter().find(|name| on && UNSERVED_SWITCHES.contains(&name.as_str())) {
        return Err(unsupported(&format!("SET {name} ON")));
    }
    Ok(Action::SetOption(match names[0].as_str() {
        "NOCOUNT" => SetOption::NoCount(on),
        "XACT_ABORT" => SetOption::XactAbort(on),
        _ => SetOption::Other,
    }))
}
