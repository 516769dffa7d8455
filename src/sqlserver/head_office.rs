//! The head office's SQL Server (DM23): one statement of the chain's own is run there, with this store's address as a parameter.

use super::connect::Entry;
use super::errors::{Failure, Subject, TlsFailure};
use super::{Limits, Server};
use crate::config::HeadOffice;
use crate::problem::{Code, Problem, Result};
use crate::words;
use std::net::IpAddr;

/// How the statement's parameters are declared. An address of IPv6 has 45 characters at most, a CNPJ has 14.
const DECLARATION: &str = "@ip nvarchar(45), @loja nvarchar(128), @cnpj nvarchar(14)";

/// What is told there about this store.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The store's short name or number.
    pub store: &'a str,
    /// Its CNPJ, 14 characters without punctuation; empty where it has none.
    pub cnpj: &'a str,
}

/// A connection to the head office: who we are there is known, nothing is told yet.
#[derive(Debug)]
pub struct AtHeadOffice {
    connection: super::Connection,
    address: IpAddr,
    statement: String,
    subject: Subject,
}

impl AtHeadOffice {
    /// Connects to `office` and logs in there. `authorities` are the certificates, in PEM, that vouch for it beside those that this
    /// machine trusts; none where empty.
    ///
    /// # Errors
    /// It cannot be reached, is not who it says, does not let us in; or the way there has no address.
    pub async fn enter(
        office: &HeadOffice,
        authorities: Vec<u8>,
        program: &str,
        limits: Limits,
    ) -> Result<Self> {
        let entry = Entry { database: office.database.as_str().to_owned(), authorities };
        let server = Server::entering(&office.server, program, entry, limits);
        let subject = server.subject().on_database(office.database.as_str());
        let connection = server.open().await.map_err(|failure| problem(&failure, &subject))?;
        let address = connection.local_address().ok_or_else(no_address)?;
        Ok(Self { connection, address, statement: office.statement.clone(), subject })
    }

    /// The address by which this machine reaches the head office.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Tells the address.
    ///
    /// # Errors
    /// The statement fails, or changes no row although it says how many it changes.
    pub async fn tell(mut self, about: Submission<'_>) -> Result<()> {
        let address = self.address.to_string();
        let parameters = [("@ip", address.as_str()), ("@loja", about.store), ("@cnpj", about.cnpj)];
        let told = self.connection.execute(&self.statement, DECLARATION, &parameters).await;
        let changed = told.map_err(|failure| of_statement(&failure, &self.subject))?;
        // A procedure that counts nothing says nothing, and is believed.
        if !changed.is_empty() && changed.iter().all(|rows| *rows == 0) {
            return Err(unknown_store(about.store));
        }
        Ok(())
    }
}

fn problem(failure: &Failure, subject: &Subject) -> Problem {
    if let Failure::Tls(TlsFailure::Certificate, cause) = failure {
        tracing::warn!(server = subject.server, cause, "the head office's certificate");
        return certificate(&subject.server);
    }
    failure.problem(subject)
}

/// The server's own words on a statement that is not ours; what concerns the connection is told as everywhere.
fn of_statement(failure: &Failure, subject: &Subject) -> Problem {
    let Failure::Server(error) = failure else { return problem(failure, subject) };
    const SHOWN_CHARACTERS: usize = 300;
    // What the server says may repeat what stands in its tables: for the screen, and not for the log.
    tracing::warn!(number = error.number, server = subject.server, "the head office refused the statement");
    let (number, server) = (error.number, &subject.server);
    let text: String =
        error.message.chars().filter(|character| !character.is_control()).take(SHOWN_CHARACTERS).collect();
    Problem::new(
        Code::HeadOfficeStatement,
        words!(
            "A matriz ({server}) recusou a instrução, e o IP não foi gravado: erro {number}, «{text}»",
            "The head office ({server}) refused the statement, and the address is not stored: error {number}, “{text}”"
        ),
        words!(
            "Confira head_office.statement na configuração, e se o usuário da matriz pode executá-la.",
            "Check head_office.statement in the configuration, and that the head office's login may run it."
        ),
    )
}

fn certificate(server: &str) -> Problem {
    Problem::new(
        Code::SqlTls,
        words!(
            "O certificado da matriz ({server}) não é válido para este nome, ou ninguém em quem esta máquina confia responde por ele.",
            "The certificate of the head office ({server}) is not valid for this name, or nobody whom this machine trusts vouches for it."
        ),
        words!(
            "Peça à matriz um certificado válido, ou indique o certificado dela em head_office.certificate; nada foi enviado.",
            "Ask the head office for a valid certificate, or name its certificate in head_office.certificate; nothing was sent."
        ),
    )
}

fn no_address() -> Problem {
    Problem::new(
        Code::HeadOfficeAddress,
        words!(
            "A matriz está nesta mesma máquina e foi alcançada sem a rede: não há IP a enviar.",
            "The head office is on this very machine and was reached without the network: there is no address to send."
        ),
        words!(
            "Confira head_office.server na configuração: ali deve estar o servidor da matriz.",
            "Check head_office.server in the configuration: the head office's server belongs there."
        ),
    )
}

fn unknown_store(store: &str) -> Problem {
    Problem::new(
        Code::HeadOfficeUnknownStore,
        words!(
            "A matriz não conhece a loja {store}: a instrução não alterou nenhuma linha, e o IP não foi gravado.",
            "The head office does not know the store {store}: the statement changed no row, and the address is not stored."
        ),
        words!(
            "Confira shop.store e shop.cnpj na configuração, ou peça à matriz que cadastre a loja.",
            "Check shop.store and shop.cnpj in the configuration, or ask the head office to register the store."
        ),
    )
}
