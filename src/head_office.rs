//! «Atualizar IP» (DM23): finds the address by which this server reaches the chain's head office, and tells it there. What was told
//! last is kept in the state folder, so that old and new can be shown.

use crate::clock::Clock;
use crate::config::{Config, HeadOffice};
use crate::durable::read_bounded;
use crate::kept::Kept;
use crate::problem::{Code, Problem, Result};
use crate::sqlserver::{AtHeadOffice, Limits, Submission};
use crate::words;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The file's name below the state folder.
const FILE: &str = "head-office.json";
/// Longest file of certificates that is read, in bytes.
const LONGEST_CERTIFICATES: u64 = 256 << 10;
/// The name that our sessions carry there.
const PROGRAM: &str = "DMBackup";
/// The waits for the head office: a person looks on.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(15),
    answer: Duration::from_secs(30),
    change: Duration::from_secs(30),
    count: Duration::from_secs(30),
    stall: Duration::from_secs(30),
    look: Duration::from_secs(1),
    ending: Duration::from_secs(10),
};

/// An address that was told the head office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressSent {
    /// When.
    pub at: DateTime<FixedOffset>,
    /// To which server, without secrets.
    pub server: String,
    /// The address.
    pub address: String,
}

/// What came of «Atualizar IP».
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressReport {
    /// The head office's server, without secrets.
    pub server: String,
    /// What was told last, before this; `None` where nothing was.
    pub previous: Option<AddressSent>,
    /// The address by which this machine reaches it now.
    pub address: String,
    /// Whether it was told, and not only found.
    pub sent: bool,
    /// When.
    pub at: DateTime<FixedOffset>,
}

/// Remembers what was told last; where that is lost, only the next «before» is an older one.
pub type Memory = Kept<AddressSent>;

/// The memory in the state folder `state`.
pub fn memory(state: &Path) -> Memory {
    Kept::at(state.join(FILE))
}

/// Finds the address, and tells it unless this is a `dry_run`: then the connection is made and the login tried, and nothing said.
///
/// # Errors
/// There is no head office in the configuration; it cannot be reached, is not who it says or does not let us in; or it does not take
/// the address. Nothing is remembered then.
pub async fn update(
    config: &Config,
    memory: &Memory,
    clock: &dyn Clock,
    dry_run: bool,
) -> Result<AddressReport> {
    let office = config.head_office.as_ref().ok_or_else(not_configured)?;
    let (asked, certificate) = (memory.clone(), office.certificate.clone());
    let known = tokio::task::spawn_blocking(move || (asked.load(), authorities(certificate.as_deref())));
    let (previous, authorities) = known.await.map_err(Problem::internal)?;
    let entered = AtHeadOffice::enter(office, authorities?, PROGRAM, LIMITS).await?;
    let address = entered.address().to_string();
    if !dry_run {
        let cnpj = config.shop.cnpj.as_ref().map(|cnpj| cnpj.as_str()).unwrap_or_default();
        entered.tell(Submission { store: &config.shop.store, cnpj }).await?;
    }
    let report =
        AddressReport { server: shown(office), previous, address, sent: !dry_run, at: clock.local_now() };
    if report.sent {
        let (memory, sent) = (memory.clone(), report.as_sent());
        tokio::task::spawn_blocking(move || memory.store(&sent)).await.map_err(Problem::internal)?;
    }
    Ok(report)
}

impl AddressReport {
    /// What is remembered of it.
    pub fn as_sent(&self) -> AddressSent {
        AddressSent { at: self.at, server: self.server.clone(), address: self.address.clone() }
    }
}

/// The head office's server as people write it, without any secret.
pub fn shown(office: &HeadOffice) -> String {
    office.server.display()
}

/// Why «Atualizar IP» is off.
pub fn not_configured() -> Problem {
    Problem::new(
        Code::HeadOfficeOff,
        words!(
            "«Atualizar IP» está desligado: esta loja não tem uma matriz na configuração.",
            "“Update IP” is off: this store has no head office in the configuration."
        ),
        words!(
            "É só para redes de lojas. Para ligar, preencha a seção [head_office] da configuração.",
            "It is for chains only. To switch it on, fill in the section [head_office] of the configuration."
        ),
    )
}

/// The certificates in the file that the configuration names; none where it names none.
fn authorities(file: Option<&Path>) -> Result<Vec<u8>> {
    let Some(path) = file else { return Ok(Vec::new()) };
    let read = read_bounded(path, LONGEST_CERTIFICATES)
        .and_then(|bytes| bytes.ok_or(io::ErrorKind::NotFound.into()));
    let is_pem = |bytes: &Vec<u8>| bytes.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----");
    match read {
        Ok(bytes) if is_pem(&bytes) => Ok(bytes),
        Ok(_) => Err(no_certificate(path, &io::ErrorKind::InvalidData.into())),
        Err(error) => Err(no_certificate(path, &error)),
    }
}

fn no_certificate(path: &Path, cause: &io::Error) -> Problem {
    tracing::warn!(%cause, path = %path.display(), "the head office's certificate cannot be read");
    let shown = path.display();
    Problem::new(
        Code::HeadOfficeCertificate,
        words!(
            "O certificado da matriz, {shown}, não pôde ser lido, ou não é um arquivo PEM.",
            "The head office's certificate, {shown}, cannot be read, or is no PEM file."
        ),
        words!(
            "Peça o arquivo à matriz e corrija head_office.certificate; nada foi enviado.",
            "Ask the head office for the file and correct head_office.certificate; nothing was sent."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_certificate_is_told_before_anything_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("matriz.pem");
        assert_eq!(authorities(None), Ok(Vec::new()));
        assert_eq!(authorities(Some(&path)).unwrap_err().code, Code::HeadOfficeCertificate);
        std::fs::write(&path, "-----BEGIN PRIVATE KEY-----").unwrap();
        assert_eq!(authorities(Some(&path)).unwrap_err().code, Code::HeadOfficeCertificate);
        let pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
        std::fs::write(&path, pem).unwrap();
        assert_eq!(authorities(Some(&path)), Ok(pem.as_bytes().to_vec()));
    }
}
