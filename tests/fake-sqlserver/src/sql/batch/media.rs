//! BACKUP and RESTORE.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::Action;
use super::tokens::{Text, Tokens};
use crate::error::{Result, SqlError};

/// `BACKUP DATABASE … TO DISK = …`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The log and not the data
    pub log: bool,
    /// The database
    pub database: Text,
    /// The files, more than one for a striped set
    pub devices: Vec<Text>,
    /// After WITH
    pub options: BackupOptions,
}

/// What stands after WITH in a BACKUP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupOptions {
    /// Leaves the chain of differential backups alone
    pub copy_only: bool,
    /// Makes a new media set
    pub format: bool,
    /// Overwrites what the file holds
    pub init: bool,
    /// Checks the pages that it reads
    pub checksum: bool,
    /// Goes on over bad pages
    pub continue_after_error: bool,
    /// Only what has changed
    pub differential: bool,
    /// `COMPRESSION` or `NO_COMPRESSION`, if either is said
    pub compression: Option<bool>,
    /// A message after so many percent
    pub stats: u8,
    /// `NAME = …`
    pub name: Option<Text>,
    /// `DESCRIPTION = …`
    pub description: Option<Text>,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            copy_only: false,
            format: false,
            init: false,
            checksum: false,
            continue_after_error: false,
            differential: false,
            compression: None,
            stats: 10,
            name: None,
            description: None,
        }
    }
}

/// Which RESTORE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreKind {
    /// `RESTORE VERIFYONLY`
    VerifyOnly,
    /// `RESTORE HEADERONLY`
    HeaderOnly,
    /// `RESTORE FILELISTONLY`
    FileListOnly,
}

/// A RESTORE that restores nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// What it asks for
    pub kind: RestoreKind,
    /// The files
    pub devices: Vec<Text>,
    /// `FILE = …`: which set of the file
    pub file: u16,
    /// `CHECKSUM`
    pub checksum: bool,
}

/// `RESTORE DATABASE … FROM DISK = …`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreDatabase {
    /// The database that is to come of it
    pub database: Text,
    /// The files; none when only recovery is left to do
    pub devices: Vec<Text>,
    /// `FILE = …`: which set of the file
    pub file: u16,
    /// `MOVE … TO …`
    pub moves: Vec<(Text, Text)>,
    /// `REPLACE`
    pub replace: bool,
    /// Whether the database can be used afterwards
    pub recovery: bool,
    /// `CHECKSUM`: refuses a backup without; `NO_CHECKSUM`: looks at none
    pub checksum: Option<bool>,
    /// Takes bad pages over
    pub continue_after_error: bool,
    /// `RESTRICTED_USER`
    pub restricted: bool,
    /// A message after so many percent
    pub stats: u8,
}

/// Reads what follows BACKUP.
pub fn parse_backup(tokens: &mut Parser<'_>) -> Result<Backup> {
    let log = match tokens.word()?.as_str() {
        "DATABASE" => false,
        "LOG" | "TRANSACTION" => true,
        "CERTIFICATE" | "MASTER" | "SERVICE" | "SYMMETRIC" => {
            return Err(super::unsupported("BACKUP of a key"));
        }
        other => return Err(crate::error::syntax(other)),
    };
    let database = tokens.name_or_variable()?;
    tokens.expect("TO")?;
    let devices = devices(tokens)?;
    let mut options = BackupOptions::default();
    if tokens.accept("WITH") {
        loop {
            backup_option(tokens, &mut options)?;
            if !tokens.accept_token(&Token::Comma) {
                break;
            }
        }
    }
    Ok(Backup { log, database, devices, options })
}

fn devices(tokens: &mut Parser<'_>) -> Result<Vec<Text>> {
    let mut devices = Vec::new();
    loop {
        tokens.expect("DISK")?;
        tokens.require_token(&Token::Eq)?;
        devices.push(tokens.text()?);
        if !tokens.accept_token(&Token::Comma) {
            return Ok(devices);
        }
    }
}

fn backup_option(tokens: &mut Parser<'_>, options: &mut BackupOptions) -> Result<()> {
    let word = tokens.word()?;
    match word.as_str() {
        "COPY_ONLY" => options.copy_only = true,
        "FORMAT" => (options.format, options.init) = (true, true),
        "NOFORMAT" => options.format = false,
        "INIT" => options.init = true,
        "NOINIT" => options.init = false,
        "CHECKSUM" => options.checksum = true,
        "NO_CHECKSUM" => options.checksum = false,
        "CONTINUE_AFTER_ERROR" => options.continue_after_error = true,
        "STOP_ON_ERROR" => options.continue_after_error = false,
        "DIFFERENTIAL" => options.differential = true,
        "COMPRESSION" => options.compression = Some(true),
        "NO_COMPRESSION" => options.compression = Some(false),
        "SKIP" | "NOSKIP" | "RESTART" | "REWIND" | "NOREWIND" | "UNLOAD" | "NOUNLOAD" => {}
        "STATS" => {
            if tokens.accept_token(&Token::Eq) {
                options.stats = stats(tokens)?;
            }
        }
        "NAME" => options.name = Some(value(tokens)?),
        "DESCRIPTION" => options.description = Some(value(tokens)?),
        "MEDIANAME" | "MEDIADESCRIPTION" => drop(value(tokens)?),
        "BLOCKSIZE" | "BUFFERCOUNT" | "MAXTRANSFERSIZE" | "RETAINDAYS" => {
            tokens.require_token(&Token::Eq)?;
            tokens.number()?;
        }
        other => {
            return Err(SqlError::new(155, format!("'{other}' is not a recognized BACKUP option.")).class(15));
        }
    }
    Ok(())
}

fn stats(tokens: &mut Parser<'_>) -> Result<u8> {
    let percent = tokens.number()?;
    u8::try_from(percent).ok().filter(|p| (1..=100).contains(p)).ok_or_else(|| {
        SqlError::new(3217, format!("Invalid value specified for STATS parameter: {percent}."))
    })
}

fn value(tokens: &mut Parser<'_>) -> Result<Text> {
    tokens.require_token(&Token::Eq)?;
    tokens.text()
}

/// Reads what follows RESTORE.
pub fn parse_restore(tokens: &mut Parser<'_>) -> Result<Action> {
    if tokens.accept("DATABASE") {
        return parse_restore_database(tokens).map(Action::RestoreDatabase);
    }
    parse_restore_only(tokens).map(Action::Restore)
}

fn parse_restore_database(tokens: &mut Parser<'_>) -> Result<RestoreDatabase> {
    let mut restore = RestoreDatabase {
        database: tokens.name_or_variable()?,
        devices: Vec::new(),
        file: 1,
        moves: Vec::new(),
        replace: false,
        recovery: true,
        checksum: None,
        continue_after_error: false,
        restricted: false,
        stats: 10,
    };
    if tokens.accept("FROM") {
        restore.devices = devices(tokens)?;
    }
    if tokens.accept("WITH") {
        loop {
            restore_database_option(tokens, &mut restore)?;
            if !tokens.accept_token(&Token::Comma) {
                break;
            }
        }
    }
    Ok(restore)
}

fn restore_database_option(tokens: &mut Parser<'_>, restore: &mut RestoreDatabase) -> Result<()> {
    let word = tokens.word()?;
    match word.as_str() {
        "MOVE" => {
            let logical = tokens.text()?;
            tokens.expect("TO")?;
            restore.moves.push((logical, tokens.text()?));
        }
        "REPLACE" => restore.replace = true,
        "RECOVERY" => restore.recovery = true,
        "NORECOVERY" => restore.recovery = false,
        "RESTRICTED_USER" => restore.restricted = true,
        "CHECKSUM" => restore.checksum = Some(true),
        "NO_CHECKSUM" => restore.checksum = Some(false),
        "CONTINUE_AFTER_ERROR" => restore.continue_after_error = true,
        "STOP_ON_ERROR" => restore.continue_after_error = false,
        "REWIND" | "NOREWIND" | "UNLOAD" | "NOUNLOAD" => {}
        "STATS" => {
            if tokens.accept_token(&Token::Eq) {
                restore.stats = stats(tokens)?;
            }
        }
        "FILE" => restore.file = set_number(tokens)?,
        "BUFFERCOUNT" | "MAXTRANSFERSIZE" | "BLOCKSIZE" => {
            tokens.require_token(&Token::Eq)?;
            tokens.number()?;
        }
        "STANDBY" | "PARTIAL" | "STOPAT" | "STOPATMARK" | "STOPBEFOREMARK" | "RESTART"
        | "KEEP_REPLICATION" | "KEEP_CDC" | "ENABLE_BROKER" | "NEW_BROKER" => {
            return Err(super::unsupported(&format!("RESTORE WITH {word}")));
        }
        other => return Err(no_restore_option(other)),
    }
    Ok(())
}

fn no_restore_option(option: &str) -> SqlError {
    SqlError::new(155, format!("'{option}' is not a recognized RESTORE option.")).class(15)
}

fn set_number(tokens: &mut Parser<'_>) -> Result<u16> {
    tokens.require_token(&Token::Eq)?;
    let number = tokens.number()?;
    u16::try_from(number).map_err(|_| no_such_set(number, "the device"))
}

fn parse_restore_only(tokens: &mut Parser<'_>) -> Result<Restore> {
    let kind = match tokens.word()?.as_str() {
        "VERIFYONLY" => RestoreKind::VerifyOnly,
        "HEADERONLY" => RestoreKind::HeaderOnly,
        "FILELISTONLY" => RestoreKind::FileListOnly,
        word @ ("LOG" | "LABELONLY" | "REWINDONLY") => {
            return Err(super::unsupported(&format!("RESTORE {word}")));
        }
        other => return Err(crate::error::syntax(other)),
    };
    tokens.expect("FROM")?;
    let mut restore = Restore { kind, devices: devices(tokens)?, file: 1, checksum: false };
    if tokens.accept("WITH") {
        loop {
            restore_option(tokens, &mut restore)?;
            if !tokens.accept_token(&Token::Comma) {
                break;
            }
        }
    }
    Ok(restore)
}

fn restore_option(tokens: &mut Parser<'_>, restore: &mut Restore) -> Result<()> {
    let word = tokens.word()?;
    match word.as_str() {
        "CHECKSUM" => restore.checksum = true,
        "NO_CHECKSUM" => restore.checksum = false,
        "STOP_ON_ERROR"
        | "CONTINUE_AFTER_ERROR"
        | "LOADHISTORY"
        | "REWIND"
        | "NOREWIND"
        | "UNLOAD"
        | "NOUNLOAD" => {}
        "STATS" => {
            if tokens.accept_token(&Token::Eq) {
                tokens.number()?;
            }
        }
        "FILE" => restore.file = set_number(tokens)?,
        // Where the files would go; nothing goes anywhere.
        "MOVE" if restore.kind == RestoreKind::VerifyOnly => {
            tokens.text()?;
            tokens.expect("TO")?;
            tokens.text()?;
        }
        other => return Err(no_restore_option(other)),
    }
    Ok(())
}

/// 3287-like 4038: the file has no such set.
pub fn no_such_set(number: i64, device: &str) -> SqlError {
    SqlError::new(4038, format!("Cannot find file ID {number} on device '{device}'."))
}
