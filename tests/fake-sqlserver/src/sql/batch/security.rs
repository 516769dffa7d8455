//! GRANT, CREATE USER, ALTER ROLE and their like.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::tokens::{Text, Tokens};
use crate::error::{Result, SqlError};

/// A statement about who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// `GRANT … TO …`, and `REVOKE` or `DENY`, which both take away
    Permission {
        /// Gives and not takes away
        grant: bool,
        /// Names of permissions in upper case
        permissions: Vec<String>,
        /// To whom
        principals: Vec<String>,
    },
    /// `CREATE LOGIN`
    CreateLogin {
        /// Its name
        name: String,
        /// `None` for FROM WINDOWS
        password: Option<String>,
        /// `SID = 0x…`
        sid: Option<Vec<u8>>,
    },
    /// `DROP LOGIN`
    DropLogin(String),
    /// `CREATE USER … FOR LOGIN …`
    CreateUser {
        /// Its name in the database
        name: String,
        /// Its login
        login: String,
    },
    /// `DROP USER`
    DropUser(String),
    /// `ALTER USER … WITH LOGIN = …`
    MapUser {
        /// Its name in the database
        name: String,
        /// Its login from now on
        login: String,
    },
    /// `ALTER ROLE … ADD MEMBER …`
    Role {
        /// A role of the server and not of the database
        server: bool,
        /// The role
        role: String,
        /// Adds and not drops
        add: bool,
        /// Whom
        member: String,
    },
}

/// Reads what follows GRANT, DENY or REVOKE.
pub fn parse_permission(tokens: &mut Parser<'_>, grant: bool) -> Result<Security> {
    let mut permissions = Vec::new();
    loop {
        let mut words = vec![tokens.word()?];
        while !tokens.at("TO")
            && !tokens.at("FROM")
            && !tokens.at("ON")
            && tokens.peek_token().token != Token::Comma
        {
            words.push(tokens.word()?);
        }
        permissions.push(words.join(" "));
        if !tokens.accept_token(&Token::Comma) {
            break;
        }
    }
    if tokens.at("ON") {
        return Err(super::unsupported("GRANT on an object"));
    }
    if !tokens.accept("TO") {
        tokens.expect("FROM")?;
    }
    let mut principals = vec![tokens.name()?];
    while tokens.accept_token(&Token::Comma) {
        principals.push(tokens.name()?);
    }
    Ok(Security::Permission { grant, permissions, principals })
}

/// Reads what follows CREATE LOGIN.
pub fn parse_create_login(tokens: &mut Parser<'_>) -> Result<Security> {
    let name = tokens.name()?;
    if tokens.accept("FROM") {
        tokens.expect("WINDOWS")?;
        return Ok(Security::CreateLogin { name, password: None, sid: None });
    }
    tokens.expect("WITH")?;
    tokens.expect("PASSWORD")?;
    tokens.require_token(&Token::Eq)?;
    let Text::Literal(password) = tokens.text()? else { return Err(tokens.syntax_error()) };
    let mut sid = None;
    while tokens.accept_token(&Token::Comma) {
        let option = tokens.word()?;
        tokens.require_token(&Token::Eq)?;
        if option == "SID" {
            sid = Some(tokens.bytes()?);
        } else {
            // CHECK_POLICY and its like decide nothing here.
            tokens.name()?;
        }
    }
    Ok(Security::CreateLogin { name, password: Some(password), sid })
}

/// Reads what follows CREATE USER.
pub fn parse_create_user(tokens: &mut Parser<'_>) -> Result<Security> {
    let name = tokens.name()?;
    let login = if tokens.accept("FOR") || tokens.accept("FROM") {
        tokens.expect("LOGIN")?;
        tokens.name()?
    } else {
        name.clone()
    };
    Ok(Security::CreateUser { name, login })
}

/// Reads what follows ALTER USER.
pub fn parse_alter_user(tokens: &mut Parser<'_>) -> Result<Security> {
    let name = tokens.name()?;
    tokens.expect("WITH")?;
    if !tokens.accept("LOGIN") {
        return Err(super::unsupported("ALTER USER"));
    }
    tokens.require_token(&Token::Eq)?;
    Ok(Security::MapUser { name, login: tokens.name()? })
}

/// Reads what follows ALTER ROLE or ALTER SERVER ROLE.
pub fn parse_role(tokens: &mut Parser<'_>, server: bool) -> Result<Security> {
    let role = tokens.name()?;
    let add = match tokens.word()?.as_str() {
        "ADD" => true,
        "DROP" => false,
        other => return Err(crate::error::syntax(other)),
    };
    tokens.expect("MEMBER")?;
    Ok(Security::Role { server, role, add, member: tokens.name()? })
}

/// The statement that an old procedure stands for: `sp_addrolemember` and its like. `None` when it is no such procedure.
///
/// # Errors
/// 201: a parameter is missing.
pub fn of_procedure(name: &str, arguments: &[(Option<String>, String)]) -> Result<Option<Security>> {
    let argument = |index: usize, parameter: &str| {
        arguments
            .iter()
            .find(|(named, _)| named.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(parameter)))
            .or_else(|| arguments.get(index).filter(|(named, _)| named.is_none()))
            .map(|(_, value)| value.clone())
            .ok_or_else(|| {
                let text = format!(
                    "Procedure or function '{name}' expects parameter '{parameter}', which was not supplied."
                );
                SqlError::new(201, text).state(4)
            })
    };
    Ok(Some(match name.to_lowercase().as_str() {
        "sp_addrolemember" => Security::Role {
            server: false,
            add: true,
            role: argument(0, "@rolename")?,
            member: argument(1, "@membername")?,
        },
        "sp_droprolemember" => Security::Role {
            server: false,
            add: false,
            role: argument(0, "@rolename")?,
            member: argument(1, "@membername")?,
        },
        "sp_addsrvrolemember" => Security::Role {
            server: true,
            add: true,
            member: argument(0, "@loginame")?,
            role: argument(1, "@rolename")?,
        },
        "sp_dropsrvrolemember" => Security::Role {
            server: true,
            add: false,
            member: argument(0, "@loginame")?,
            role: argument(1, "@rolename")?,
        },
        _ => return Ok(None),
    }))
}
