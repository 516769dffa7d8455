//! BACKUP and RESTORE.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

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
                let percent = tokens.number()?;
                options.stats =
                    u8::try_from(percent).ok().filter(|p| (1..=100).contains(p)).ok_or_else(|| {
                        SqlError::new(
                            3217,
                            format!("Invalid value specified for STATS parameter: {percent}."),
                        )
                    })?;
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

fn value(tokens: &mut Parser<'_>) -> Result<Text> {
    tokens.require_token(&Token::Eq)?;
    tokens.text()
}

/// Reads what follows RESTORE.
pub fn parse_restore(tokens: &mut Parser<'_>) -> Result<Restore> {
    let kind = match tokens.word()?.as_str() {
        "VERIFYONLY" => RestoreKind::VerifyOnly,
        "HEADERONLY" => RestoreKind::HeaderOnly,
        "FILELISTONLY" => RestoreKind::FileListOnly,
        word @ ("DATABASE" | "LOG" | "LABELONLY" | "REWINDONLY") => {
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
        "FILE" => {
            tokens.require_token(&Token::Eq)?;
            let number = tokens.number()?;
            restore.file = u16::try_from(number).map_err(|_| no_such_set(number, "the device"))?;
        }
        other => {
            return Err(
                SqlError::new(155, format!("'{other}' is not a recognized RESTORE option.")).class(15)
            );
        }
    }
    Ok(())
}

/// 3287-like 4038: the file has no such set.
pub fn no_such_set(number: i64, device: &str) -> SqlError {
    SqlError::new(4038, format!("Cannot find file ID {number} on device '{device}'."))
}
