//! Sentences for a server that cannot be reached, a secure connection that fails, and a connection that breaks or falls
//! silent.

use super::{Failure, Subject, TlsFailure, server};
use crate::problem::{Code, Problem};
use crate::sqlserver::statements::Unquotable;
use crate::words;
use crate::words::{Language, Words, duration};
use std::time::Duration;

/// The problem of a failure that is not an error of the server's own.
pub(super) fn problem(failure: &Failure, subject: &Subject) -> Problem {
    match failure {
        Failure::Server(error) => server::problem(error, subject),
        Failure::UnknownHost => unknown_host(subject),
        Failure::Refused => refused(subject),
        Failure::Unreachable(waited) => unreachable(*waited, subject),
        Failure::NoBrowser => no_browser(subject),
        Failure::Tls(how, _) => tls(how, subject),
        Failure::LoginStalled(waited) => login_stalled(*waited, subject),
        Failure::Lost(_) => lost(subject),
        Failure::Stalled(waited) => stalled(*waited, subject),
        Failure::Garbled(_) => garbled(subject),
        Failure::NoIntegratedLogin => no_integrated_login(),
        Failure::Unquotable(cause) => unquotable(*cause),
    }
}

fn shown(length: Duration) -> Words {
    Words { pt: duration(length, Language::Portuguese), en: duration(length, Language::English) }
}

fn unknown_host(subject: &Subject) -> Problem {
    let server = &subject.server;
    Problem::new(
        Code::SqlUnreachable,
        words!(
            "A máquina do SQL Server {server} não foi encontrada: o nome não existe na rede.",
            "The machine of SQL Server {server} was not found: the name does not exist in the network.",
        ),
        words!(
            "Confira o nome do servidor na configuração e se a rede está funcionando.",
            "Check the name of the server in the configuration and that the network works.",
        ),
    )
}

fn refused(subject: &Subject) -> Problem {
    let (server, service) = (&subject.server, &subject.service);
    Problem::new(
        Code::SqlUnreachable,
        words!("O SQL Server não atende em {server}.", "SQL Server does not answer at {server}."),
        words!(
            "Confira se o serviço «{service}» está em execução; se está, habilite o TCP/IP no SQL Server Configuration Manager e confira a porta na configuração.",
            "Check that the service “{service}” is running; if it is, enable TCP/IP in the SQL Server Configuration Manager and check the port in the configuration.",
        ),
    )
}

fn unreachable(waited: Duration, subject: &Subject) -> Problem {
    let server = &subject.server;
    let Words { pt, en } = shown(waited);
    Problem::new(
        Code::SqlUnreachable,
        words!(
            "A máquina do SQL Server {server} não respondeu em {pt}.",
            "The machine of SQL Server {server} did not answer within {en}.",
        ),
        words!(
            "Confira se a máquina está ligada, a rede e o firewall dela.",
            "Check that the machine is on, its network and its firewall.",
        ),
    )
}

fn no_browser(subject: &Subject) -> Problem {
    let server = &subject.server;
    Problem::new(
        Code::SqlUnreachable,
        words!(
            "O serviço SQL Server Browser não informou a porta de {server}.",
            "The service SQL Server Browser did not tell the port of {server}.",
        ),
        words!(
            "Confira o nome da instância, inicie o serviço SQL Server Browser na máquina dela (porta UDP 1434), ou informe a porta na configuração.",
            "Check the name of the instance, start the service SQL Server Browser on its machine (UDP port 1434), or put the port into the configuration.",
        ),
    )
}

fn tls(how: &TlsFailure, subject: &Subject) -> Problem {
    let server = &subject.server;
    let (sentence, hint) = match how {
        TlsFailure::NoCommonVersion => (
            words!(
                "O SQL Server {server} não oferece a conexão segura TLS 1.2: falta nele uma atualização da Microsoft.",
                "SQL Server {server} does not offer the secure connection TLS 1.2: it lacks an update of Microsoft's.",
            ),
            words!(
                "Instale no servidor a atualização «TLS 1.2 support for Microsoft SQL Server» (KB3135244): 2008 SP4, 2008 R2 SP3, 2012 SP4, 2014 SP2 ou mais novo.",
                "Install the update “TLS 1.2 support for Microsoft SQL Server” (KB3135244) on the server: 2008 SP4, 2008 R2 SP3, 2012 SP4, 2014 SP2 or newer.",
            ),
        ),
        TlsFailure::Certificate => (
            words!(
                "O certificado do SQL Server {server} não é de uma autoridade em que esta máquina confia.",
                "The certificate of SQL Server {server} is not of an authority that this machine trusts.",
            ),
            words!(
                "Se o servidor é da própria loja, use «trust_server_certificate = true» na configuração; senão, instale nele um certificado válido.",
                "If the server is the shop's own, put “trust_server_certificate = true” into the configuration; if not, install a valid certificate on it.",
            ),
        ),
        TlsFailure::LevelRefused => (
            words!(
                "O SQL Server {server} e a configuração não concordam sobre a criptografia da conexão.",
                "SQL Server {server} and the configuration do not agree on the encryption of the connection.",
            ),
            words!(
                "Mude «encrypt» na configuração: o servidor exige a criptografia que está desligada, ou não oferece a que está ligada.",
                "Change “encrypt” in the configuration: the server demands the encryption that is off, or lacks the one that is on.",
            ),
        ),
    };
    Problem::new(Code::SqlTls, sentence, hint)
}

fn login_stalled(waited: Duration, subject: &Subject) -> Problem {
    let server = &subject.server;
    let Words { pt, en } = shown(waited);
    Problem::new(
        Code::SqlStalled,
        words!(
            "O SQL Server {server} aceitou a conexão, mas não concluiu o login em {pt}.",
            "SQL Server {server} took the connection, but did not finish the login within {en}.",
        ),
        words!(
            "O servidor deve estar sobrecarregado ou travado; se isso continuar, reinicie o serviço do SQL Server.",
            "The server seems overloaded or hung; if this goes on, restart the service of SQL Server.",
        ),
    )
}

fn lost(subject: &Subject) -> Problem {
    let server = &subject.server;
    Problem::new(
        Code::SqlConnectionLost,
        words!(
            "A conexão com o SQL Server {server} caiu no meio da operação.",
            "The connection to SQL Server {server} broke in the middle of the operation.",
        ),
        words!(
            "Confira se o serviço do SQL Server continua em execução e se a rede está estável; o programa tenta de novo sozinho.",
            "Check that the service of SQL Server is still running and that the network is stable; the program tries again by itself.",
        ),
    )
}

fn stalled(waited: Duration, subject: &Subject) -> Problem {
    let server = &subject.server;
    let Words { pt, en } = shown(waited);
    Problem::new(
        Code::SqlStalled,
        words!(
            "O SQL Server {server} parou de responder: nenhum sinal em {pt}.",
            "SQL Server {server} stopped answering: no sign of life within {en}.",
        ),
        words!(
            "O disco ou o próprio servidor deve estar travado; se isso continuar, reinicie o serviço do SQL Server e confira o disco.",
            "The disk or the server itself seems to hang; if this goes on, restart the service of SQL Server and check the disk.",
        ),
    )
}

fn garbled(subject: &Subject) -> Problem {
    let server = &subject.server;
    Problem::new(
        Code::SqlError,
        words!(
            "O que atende em {server} respondeu algo que este programa não entende.",
            "What answers at {server} said something that this program does not understand.",
        ),
        words!(
            "Confira se o endereço e a porta são mesmo do SQL Server, e envie o registro (log) ao suporte.",
            "Check that address and port are really those of SQL Server, and send the log to support.",
        ),
    )
}

fn no_integrated_login() -> Problem {
    Problem::new(
        Code::ConfigInvalid,
        words!(
            "O login integrado do Windows não existe neste sistema.",
            "The integrated login of Windows does not exist on this system.",
        ),
        words!(
            "Informe na configuração um login do SQL Server: usuário e senha.",
            "Put a login of SQL Server into the configuration: user and password.",
        ),
    )
}

fn unquotable(cause: Unquotable) -> Problem {
    let reason = match cause {
        Unquotable::Empty => words!("está vazio", "it is empty"),
        Unquotable::Nul => words!("contém um caractere nulo", "it holds a NUL character"),
        Unquotable::TooLong(limit) => {
            words!("tem mais de {limit} caracteres", "it has more than {limit} characters")
        }
    };
    let (pt, en) = (reason.pt, reason.en);
    Problem::new(
        Code::ConfigInvalid,
        words!(
            "Um nome ou caminho da configuração não serve para o SQL Server: {pt}.",
            "A name or path in the configuration is not fit for SQL Server: {en}.",
        ),
        words!(
            "Corrija na configuração o nome do banco de dados ou a pasta de backup.",
            "Correct the name of the database or the backup folder in the configuration.",
        ),
    )
}
