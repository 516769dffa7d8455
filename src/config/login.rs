//! The address of SQL Server and the login: a password comes only by reference.

use super::finding::Finding;
use super::keys::Key;
use super::validate::Check;
use super::{Encrypt, Login, Secret, ServerConfig, address, file};
use crate::problem::{Code, Problem};
use std::path::{Path, PathBuf};

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
        let password = password(check);
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

fn password(check: &mut Check<'_>) -> Option<Secret> {
    let (variable, file) = (check.text(Key::Password), check.text(Key::PasswordFile));
    match (variable.map(str::to_owned), file.map(str::to_owned)) {
        (Some(reference), None) => from_environment(check, &reference),
        (None, Some(_)) => from_file(check),
        (Some(_), Some(file)) => {
            let expected = crate::words!(
                "a senha de um só lugar: server.password ou server.password_file",
                "the password from one place: server.password or server.password_file"
            );
            check.refuse(Key::PasswordFile, &file, expected);
            None
        }
        (None, None) => {
            let expected = crate::words!(
                "o arquivo com a senha, ou server.password = \"${{NOME_DA_VARIAVEL}}\"",
                "the file with the password, or server.password = \"${{NAME_OF_VARIABLE}}\""
            );
            check.missing(Key::PasswordFile, expected);
            None
        }
    }
}

/// The variable that `${NAME}` refers to; `None` for a text that is no reference.
pub(super) fn variable(reference: &str) -> Option<&str> {
    let name = reference.strip_prefix("${")?.strip_suffix('}')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

fn from_environment(check: &mut Check<'_>, reference: &str) -> Option<Secret> {
    let Some(name) = variable(reference) else {
        let expected = crate::words!(
            "a senha por referência, nunca escrita aqui: password = \"${{NOME_DA_VARIAVEL}}\", ou password_file",
            "the password by reference, never written here: password = \"${{NAME_OF_VARIABLE}}\", or password_file"
        );
        check.refuse(Key::Password, super::secret::HIDDEN, expected);
        return None;
    };
    match (check.world.environment)(name) {
        Some(value) if !value.is_empty() => Some(Secret::new(value)),
        Some(_) | None => {
            let expected = crate::words!(
                "a variável de ambiente {name} com a senha, no ambiente do programa",
                "the environment variable {name} with the password, in the program's environment"
            );
            let (line, found) = (check.merged.line(Key::Password), format!("${{{name}}}"));
            check.findings.push(Finding::new(
                Code::ConfigSecret,
                Key::Password.path(),
                line,
                &found,
                expected,
            ));
            None
        }
    }
}

/// The file that `server.password_file` names, beside the configuration at `config` where it is relative.
pub(super) fn secret_path(config: &Path, written: &str) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join(written)
}

fn from_file(check: &mut Check<'_>) -> Option<Secret> {
    let path = secret_path(check.world.path, check.text(Key::PasswordFile)?);
    let shown = path.display().to_string();
    let problem = match (crate::platform::is_kept_secret(&path), file::read_secret(&path)) {
        (Ok(true), Ok(secret)) if !secret.is_empty() => return Some(Secret::new(secret.as_str())),
        (Ok(true), Ok(_)) => Problem::new(
            Code::ConfigSecret,
            crate::words!(
                "O arquivo da senha, {shown}, está vazio.",
                "The password's file, {shown}, is empty."
            ),
            crate::words!("Escreva a senha na primeira linha.", "Write the password into its first line."),
        ),
        (Ok(false), _) => Problem::new(
            Code::ConfigSecret,
            crate::words!(
                "O arquivo da senha, {shown}, pode ser lido por outros usuários.",
                "The password's file, {shown}, may be read by other users."
            ),
            crate::words!(
                "Deixe-o só para o dono: chmod 600 '{shown}' (no Windows, as permissões só para administradores).",
                "Leave it to its owner only: chmod 600 '{shown}' (on Windows, rights for administrators only)."
            ),
        ),
        (Err(error), _) | (_, Err(error)) => {
            tracing::debug!(path = shown, %error, "the password's file cannot be read");
            Problem::new(
                Code::ConfigSecret,
                crate::words!(
                    "Não foi possível ler o arquivo da senha, {shown}.",
                    "The password's file, {shown}, cannot be read."
                ),
                crate::words!(
                    "Crie-o com a senha na primeira linha, legível só para o usuário do programa (chmod 600).",
                    "Make it with the password in its first line, readable by the program's user only (chmod 600)."
                ),
            )
        }
    };
    let line = check.merged.line(Key::PasswordFile);
    check.findings.push(Finding {
        line,
        key: Key::PasswordFile.path().to_owned(),
        ..Finding::of_file(problem)
    });
    None
}
