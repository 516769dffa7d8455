//! The head office of a chain (DM23): how its SQL Server is reached, and the statement that takes this store's address there. What
//! nobody configured is off.

use super::keys::Key;
use super::reference;
use super::validate::Check;
use super::{DatabaseName, Encrypt, Login, ServerConfig, Shop, address};
use std::path::PathBuf;

/// The longest statement that is taken, in units of UTF-16: what SQL Server takes as an ordinary text.
const LONGEST_STATEMENT: usize = 4_000;

/// Where this store's address is told to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadOffice {
    /// How its SQL Server is reached: always encrypted, its certificate always validated.
    pub server: ServerConfig,
    /// The database in which the statement runs.
    pub database: DatabaseName,
    /// A PEM file with certificates that vouch for the server, beside those that this machine trusts.
    pub certificate: Option<PathBuf>,
    /// The statement, with the parameters `@ip`, `@loja` and `@cnpj`.
    pub statement: String,
}

impl HeadOffice {
    /// The login's name.
    pub fn user(&self) -> String {
        match &self.server.login {
            Login::Integrated => String::new(),
            Login::Sql { user, .. } => user.clone(),
        }
    }
}

const KEYS: [Key; 7] = [
    Key::OfficeServer,
    Key::OfficeDatabase,
    Key::OfficeUser,
    Key::OfficePassword,
    Key::OfficePasswordFile,
    Key::OfficeCertificate,
    Key::OfficeStatement,
];

/// The head office; `Some(None)` where nothing of it is written, `None` where something is wrong with it.
pub(super) fn head_office(check: &mut Check<'_>, shop: Option<&Shop>) -> Option<Option<HeadOffice>> {
    if KEYS.into_iter().all(|key| check.text(key).is_none()) {
        return Some(None);
    }
    let address = server(check);
    let database = database(check);
    let user = check.text(Key::OfficeUser).map(str::to_owned);
    let user = check.required(Key::OfficeUser, user);
    let password = reference::read(check, &reference::HEAD_OFFICE_PASSWORD);
    let statement = statement(check, shop);
    let certificate = check.text(Key::OfficeCertificate).map(|file| reference::path(check.world.path, file));
    let address = address?;
    Some(Some(HeadOffice {
        server: ServerConfig {
            host: address.host,
            instance: address.instance,
            port: address.port,
            encrypt: Encrypt::On,
            trust_server_certificate: false,
            login: Login::Sql { user: user?, password: password? },
            service: None,
        },
        database: database?,
        certificate,
        statement: statement?,
    }))
}

fn server(check: &mut Check<'_>) -> Option<address::Address> {
    let expected = crate::words!(
        "o nome ou endereço da máquina da matriz, entre aspas simples: 'matriz.rede.com.br,1433'",
        "the name or address of the head office's machine, in single quotes: 'office.chain.com,1433'"
    );
    let Some(text) = check.text(Key::OfficeServer).map(str::to_owned) else {
        check.missing(Key::OfficeServer, expected);
        return None;
    };
    let address = address::parse(&text);
    if address.is_none() {
        check.refuse(Key::OfficeServer, &text, expected);
    }
    address
}

fn database(check: &mut Check<'_>) -> Option<DatabaseName> {
    let text = check.text(Key::OfficeDatabase).map(str::to_owned);
    let text = check.required(Key::OfficeDatabase, text)?;
    let name = DatabaseName::new(&text).ok();
    if name.is_none() {
        let expected = crate::words!(
            "um nome de banco de até 128 caracteres, e não tempdb",
            "a database's name of up to 128 characters, and not tempdb"
        );
        check.refuse(Key::OfficeDatabase, &text, expected);
    }
    name
}

fn statement(check: &mut Check<'_>, shop: Option<&Shop>) -> Option<String> {
    let text = check.text(Key::OfficeStatement).map(str::to_owned);
    let text = check.required(Key::OfficeStatement, text)?;
    let names = |parameter: &str| has_parameter(&text, parameter);
    let expected = if text.encode_utf16().count() > LONGEST_STATEMENT {
        crate::words!(
            "uma instrução de até {LONGEST_STATEMENT} caracteres",
            "a statement of up to {LONGEST_STATEMENT} characters"
        )
    } else if !names("@ip") {
        crate::words!("uma instrução que grave @ip", "a statement that stores @ip")
    } else if !names("@loja") && !names("@cnpj") {
        crate::words!(
            "uma instrução que diga de que loja é o IP, com @loja ou @cnpj",
            "a statement that says whose address it is, by @loja or @cnpj"
        )
    } else if names("@cnpj") && shop.is_some_and(|shop| shop.cnpj.is_none()) {
        crate::words!(
            "também shop.cnpj, já que a instrução usa @cnpj",
            "shop.cnpj as well, since the statement uses @cnpj"
        )
    } else {
        return Some(text);
    };
    // A statement may be long, and the line is told beside it.
    let found: String = text.chars().take(40).collect();
    check.refuse(Key::OfficeStatement, &found, expected);
    None
}

/// Whether `text` names this parameter, and not merely one that begins so.
fn has_parameter(text: &str, parameter: &str) -> bool {
    let lower = text.to_lowercase();
    lower.match_indices(parameter).any(|(at, found)| {
        let next = lower[at + found.len()..].chars().next();
        let previous = lower[..at].chars().next_back();
        let goes_on = |c: char| c.is_alphanumeric() || "_@#$".contains(c);
        !next.is_some_and(goes_on) && !previous.is_some_and(goes_on)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_told_from_longer_names_and_from_variables_of_the_server() {
        for text in ["SET Ip=@ip", "(@IP)", "x = @ip;", "@ip"] {
            assert!(has_parameter(text, "@ip"), "{text}");
        }
        for text in ["@ip2", "@@ip", "@ip_novo", "ip", "a@ip", ""] {
            assert!(!has_parameter(text, "@ip"), "{text}");
        }
    }
}
