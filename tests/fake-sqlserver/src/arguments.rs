//! The command line.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use fake_sqlserver::fault::Fault;
use fake_sqlserver::identity::{Edition, Identity};
use fake_sqlserver::options::{Contents, DatabaseOptions, Options};
use fake_sqlserver::security::Login;
use fake_sqlserver::tds::prelogin::Encryption;

/// A SQL Server stand-in: speaks TDS 7.4, holds rows, and writes real .bak files.
///
/// It prints `listening on ADDRESS` when it is ready and runs until Ctrl-C.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Arguments {
    /// Where to listen; port 0 for any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Named pipe to serve as well (Windows), such as \\.\pipe\SQLLocal\SQLEXPRESS
    #[arg(long, value_name = "PATH")]
    pub pipe: Option<String>,

    /// SQL login that may do everything
    #[arg(long, value_name = "NAME", default_value = "sa")]
    pub login: String,

    /// File with its password; blanks and line ends around it do not count
    #[arg(long, value_name = "FILE")]
    pub password_file: PathBuf,

    /// Folder for the databases' files; made if it is not there, and found again at the next start
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,

    /// A database; with =FILE.bak that file is served byte for byte as its dump. May be given several times
    #[arg(long, value_name = "NAME[=FILE.bak]", required = true)]
    pub database: Vec<String>,

    /// Fills each database that is not a given file with a pharmacy of about so many rows
    #[arg(long, value_name = "N", conflicts_with = "pages_mib")]
    pub rows: Option<u32>,

    /// Makes each database that is not a given file so many MiB of well-filled pages, without storing them
    #[arg(long, value_name = "N")]
    pub pages_mib: Option<u32>,

    /// Goes on selling in the pharmacies while it runs
    #[arg(long)]
    pub churn: bool,

    /// Sales at a time, with --churn
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub churn_sales: u32,

    /// Milliseconds between sales, with --churn
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    pub churn_pause: u64,

    /// What goes wrong; may be given several times
    #[arg(long, value_name = "KIND:ACTION[,TIMES]", long_help = FAULT_HELP)]
    pub fault: Vec<Fault>,

    /// The server's word on encryption
    #[arg(long, value_name = "WORD", default_value = "off", value_parser = parse_encryption, long_help = ENCRYPTION_HELP)]
    pub encryption: Encryption,

    /// The instance's name; empty for the default one
    #[arg(long, value_name = "NAME", default_value = "SQLEXPRESS")]
    pub instance: String,

    /// express, standard, enterprise or developer
    #[arg(long, value_name = "EDITION", default_value = "express", value_parser = parse_edition)]
    pub edition: Edition,
}

const ENCRYPTION_HELP: &str = "The server's word on encryption: `unsupported` (no TLS at all), `off` (only the login, unless \
    the client wants more), `on` or `required`. The certificate is self-signed and new at each start";

const FAULT_HELP: &str = "What goes wrong; may be given several times. The form is KIND:ACTION[,TIMES].

KIND: any, login, select, change, backup, restore, verifyonly, headeronly, filelistonly, kill, checkdb, dbcc, alter, drop,
  security, other

ACTION:
  delay=MILLISECONDS         it begins later
  cut                        the connection is cut before anything of it is done
  lose                       it is done, and the connection is cut instead of the answer
  mute                       it is done, and nothing is ever heard of it
  drop[@PERCENT]             the connection is cut in mid-answer, in a BACKUP, RESTORE or CHECKDB after this share of the pages
  stall[@PERCENT]            the server falls silent for ever, after this share of the pages likewise
  hold[@PERCENT]             it waits there until a test lets it go on
  error=NUMBER[/CLASS[/STATE]]  it fails with this error
  pace=MILLISECONDS          a BACKUP, RESTORE or CHECKDB takes this much longer for each percent
  disk-full=BYTES            the disk is full after so many bytes of the dump, or of the restored data file
  truncate=BYTES             the dump is cut to so many bytes though the server calls it a success
  stripe=NUMBER/COUNT        only this file of a striped set is written
  flip=BYTE[.BIT]            a bit of the dump is turned over likewise; counted from the end when negative

TIMES: how often it happens; always without it";

const EXAMPLES: &str = "Examples:
  fake-sqlserver --password-file senha.txt --data /tmp/sql --database MCDados --rows 200000 --churn
  fake-sqlserver --password-file senha.txt --data /tmp/sql --database Loja=loja.bak --fault backup:drop@50,1
  fake-sqlserver --password-file senha.txt --data /tmp/sql --database Grande --pages-mib 5000";

impl Arguments {
    /// The options that they amount to.
    ///
    /// # Errors
    /// The password cannot be read.
    pub fn options(&self) -> io::Result<Options> {
        let password = std::fs::read_to_string(&self.password_file).map_err(|error| {
            io::Error::new(error.kind(), format!("the password in {}: {error}", self.password_file.display()))
        })?;
        let mut options = Options::new(&self.data).login(Login::sysadmin(&self.login, password.trim()));
        options.listen = self.listen;
        options.pipe.clone_from(&self.pipe);
        options.encryption = self.encryption;
        options.identity = Identity {
            instance: Some(self.instance.clone()).filter(|name| !name.is_empty()),
            edition: self.edition,
            ..Identity::default()
        };
        options.faults.clone_from(&self.fault);
        options.databases = self.databases();
        Ok(options)
    }

    /// The databases that hold rows.
    pub fn pharmacies(&self) -> impl Iterator<Item = &str> {
        let rows = self.rows.is_some();
        self.database.iter().filter(move |text| rows && !text.contains('=')).map(String::as_str)
    }

    /// How often there are sales, if there are.
    pub fn churn(&self) -> Option<Duration> {
        self.churn.then(|| Duration::from_millis(self.churn_pause))
    }

    fn databases(&self) -> Vec<DatabaseOptions> {
        let of = |text: &String| match text.split_once('=') {
            Some((name, file)) => DatabaseOptions::dump(name, file),
            None => DatabaseOptions { name: text.clone(), contents: self.contents() },
        };
        self.database.iter().map(of).collect()
    }

    fn contents(&self) -> Contents {
        match (self.rows, self.pages_mib) {
            (Some(rows), _) => Contents::Rows(rows),
            (None, Some(mib)) => Contents::PagesMib(mib),
            (None, None) => Contents::Empty,
        }
    }
}

fn parse_encryption(text: &str) -> Result<Encryption, String> {
    match text {
        "unsupported" => Ok(Encryption::NotSupported),
        "off" => Ok(Encryption::Off),
        "on" => Ok(Encryption::On),
        "required" => Ok(Encryption::Required),
        _ => Err("it is none of unsupported, off, on, required".to_owned()),
    }
}

fn parse_edition(text: &str) -> Result<Edition, String> {
    match text {
        "express" => Ok(Edition::Express),
        "standard" => Ok(Edition::Standard),
        "enterprise" => Ok(Edition::Enterprise),
        "developer" => Ok(Edition::Developer),
        _ => Err("it is none of express, standard, enterprise, developer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(extra: &[&str]) -> Arguments {
        let base = ["fake-sqlserver", "--password-file", "f", "--data", "d"];
        Arguments::try_parse_from(base.iter().chain(extra)).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_database_may_be_rows_pages_or_a_given_file() {
        let arguments = parse(&["--database", "A", "--database", "B=b.bak", "--rows", "7"]);
        let contents: Vec<Contents> =
            arguments.databases().into_iter().map(|database| database.contents).collect();
        assert_eq!(contents, [Contents::Rows(7), Contents::Dump("b.bak".into())]);
        assert_eq!(arguments.pharmacies().collect::<Vec<_>>(), ["A"]);
        let arguments = parse(&["--database", "A", "--pages-mib", "5000"]);
        assert_eq!(arguments.databases()[0].contents, Contents::PagesMib(5000));
    }

    #[test]
    fn a_bad_fault_is_refused() {
        let bad = [
            "fake-sqlserver",
            "--password-file",
            "f",
            "--data",
            "d",
            "--database",
            "A",
            "--fault",
            "rain:now",
        ];
        assert!(Arguments::try_parse_from(bad).is_err());
    }
}
