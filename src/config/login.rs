//! The address of SQL Server and the login: a password comes only by reference.

use super::keys::Key;
use super::validate::Check;
use super::{Encrypt, Login, ServerConfig, address, reference};

/// How SQL Server is reached.
pub(super) fn server(check: &mut Check<'_>) -> Option<ServerConfig> {
    let address = address(check);
    let login = login(check);
    let address = address?;
    let local = address::is_local(&address.host);
    let encrypt = match check.merged.text(Key::Encrypt) {
        Some("off") => Encrypt::Off,
        Some("login") => Encrypt::Login,
        Some(_) | None => Encrypt::On,
    };
    if encrypt == Encrypt::Off && !local && matches!(login, Some(Login::Sql { .. })) {
        let expected = crate::words!(
            "\"on\": com \"off\" a senha atravessa a rede sem proteção",
            "\"on\": with \"off\" the password crosses the network unprotected"
        );
        check.warn(Key::Encrypt, "off", expected);
    }
    let service = match check.merged.text(Key::Service) {
        Some(name) => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        None => local.then(|| crate::platform::sql_service(address.instance.as_deref())),
    };
    Some(ServerConfig {
        trust_server_certificate: check.merged.boolean(Key::TrustCertificate).unwrap_or(local),
        host: address.host,
        instance: address.instance,
        port: address.port,
        encrypt,
        login: login?,
        service,
    })
}

/// Host, instance and port, whether they stand together in `server.host` or have keys of their own.
fn address(check: &mut Check<'_>) -> Option<address::Address> {
    let host = check.text(Key::Host).unwrap_or(".").to_owned();
    let Some(mut address) = address::parse(&host) else {
        let expected = crate::words!(
            "o nome ou endereço de uma máquina, entre aspas simples: '.', 'SERVIDOR\\SQLEXPRESS' ou '192.168.0.10,1433'",
            "a machine's name or address, in single quotes: '.', 'SERVER\\SQLEXPRESS' or '192.168.0.10,1433'"
        );
        check.refuse(Key::Host, &host, expected);
        return None;
    };
    if let Some(text) = check.text(Key::Instance).map(str::to_owned) {
        let expected = match address::parse_instance(&text) {
            None => Some(crate::words!(
                "o nome de uma instância: até 16 letras e números, como SQLEXPRESS",
                "an instance's name: up to 16 letters and digits, such as SQLEXPRESS"
            )),
            Some(instance) if address.instance.is_none() => {
                address.instance = instance;
                None
            }
            Some(_) => Some(crate::words!(
                "a instância uma só vez: em server.host ou em server.instance",
                "the instance only once: in server.host or in server.instance"
            )),
        };
        if let Some(expected) = expected {
            check.refuse(Key::Instance, &text, expected);
        }
    }
    if let Some(port) = check.merged.integer(Key::Port) {
        if address.port.is_some() {
            let expected = crate::words!(
                "a porta uma só vez: em server.host ou em server.port",
                "the port only once: in server.host or in server.port"
            );
            check.refuse(Key::Port, &port.to_string(), expected);
        }
        address.port = u16::try_from(port).ok();
    }
    Some(address)
}

fn login(check: &mut Check<'_>) -> Option<Login> {
    let user = check.text(Key::User).map(str::to_owned);
    let (by_variable, by_file) =
        (check.text(Key::Password).is_some(), check.text(Key::PasswordFile).is_some());
    let sql = match check.merged.text(Key::Login) {
        Some(login) => login == "sql",
        None => user.is_some() || by_variable || by_file,
    };
    if sql {
        let password = reference::read(check, &reference::SERVER_PASSWORD);
        if user.is_none() {
            let expected = crate::words!(
                "o usuário do SQL Server, por exemplo \"dmbackup\"",
                "the login of SQL Server, for example \"dmbackup\""
            );
            check.missing(Key::User, expected);
        }
        return Some(Login::Sql { user: user?, password: password? });
    }
    let unused = [Key::User, Key::Password, Key::PasswordFile];
    if let Some(key) = unused.into_iter().find(|key| check.text(*key).is_some()) {
        let text = if key == Key::Password { None } else { check.text(key) };
        let found = text.unwrap_or(super::secret::HIDDEN).to_owned();
        let expected = crate::words!(
            "login = \"sql\", ou nem usuário nem senha",
            "login = \"sql\", or neither user nor password"
        );
        check.refuse(key, &found, expected);
        return None;
    }
    if crate::platform::integrated_login().is_none() {
        let expected = crate::words!(
            "server.user e server.password_file: fora do Windows o login é sempre do SQL Server",
            "server.user and server.password_file: outside Windows the login is always SQL Server's own"
        );
        match check.merged.text(Key::Login).map(str::to_owned) {
            Some(found) => check.refuse(Key::Login, &found, expected),
            None => check.missing(Key::User, expected),
        }
        return None;
    }
    Some(Login::Integrated)
}
