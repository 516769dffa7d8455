//! Who is let in, over which kind of connection, and what is told when not.

use crate::support::sqlserver::{LIMITS, PASSWORD, PROGRAM, StandIn, eventually};
use dmbackup::config::{Encrypt, Login, Secret, ServerConfig};
use dmbackup::problem::Code;
use dmbackup::sqlserver::{Limits, Server};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::security::{self, LoginState};
use fake_sqlserver::tds::prelogin::Encryption;
use std::time::Duration;

fn server(config: &ServerConfig) -> Server {
    Server::with_limits(config, PROGRAM, LIMITS)
}

async fn code(config: &ServerConfig) -> Result<(), Code> {
    server(config).connect().await.map(drop).map_err(|problem| problem.code)
}

#[tokio::test]
async fn the_right_password_is_let_in_and_a_wrong_one_is_told_with_the_login() {
    let standin = StandIn::start();
    assert_eq!(code(&standin.config("sa")).await, Ok(()));
    let login = Login::Sql { user: "sa".into(), password: Secret::new("errada") };
    let wrong = ServerConfig { login, ..standin.config("sa") };
    let problem = server(&wrong).connect().await.unwrap_err();
    assert_eq!(problem.code, Code::SqlLogin);
    assert!(problem.sentence.pt.contains("«sa»"), "{problem}");
    assert!(!format!("{problem:?}").contains("errada"), "a password is never told");
    assert_eq!(code(&standin.config("ninguem")).await, Err(Code::SqlLogin));
}

#[tokio::test]
async fn each_reason_for_refusing_a_login_has_its_sentence() {
    let states = [LoginState::Disabled, LoginState::Locked, LoginState::Expired, LoginState::MustChange];
    let mut sentences = Vec::new();
    for state in states {
        let login = security::Login { state, ..security::Login::sysadmin("backup", PASSWORD) };
        let standin = StandIn::start_with(|options| options.login(login));
        let problem = standin.server("backup").connect().await.unwrap_err();
        assert_eq!(problem.code, Code::SqlLogin, "{state:?}");
        assert!(!sentences.contains(&problem.sentence), "{state:?}: {problem}");
        sentences.push(problem.sentence);
    }
}

#[tokio::test]
async fn what_is_encrypted_is_what_both_sides_agree_on() {
    let wishes = [Encrypt::Off, Encrypt::Login, Encrypt::On];
    let words = [
        (Encryption::Off, [Ok(()), Ok(()), Ok(())]),
        (Encryption::On, [Err(Code::SqlTls), Ok(()), Ok(())]),
        (Encryption::Required, [Err(Code::SqlTls), Ok(()), Ok(())]),
        (Encryption::NotSupported, [Ok(()), Err(Code::SqlTls), Err(Code::SqlTls)]),
    ];
    for (encryption, expected) in words {
        let standin = StandIn::start_with(|mut options| {
            options.encryption = encryption;
            options
        });
        for (encrypt, expected) in wishes.into_iter().zip(expected) {
            let config = ServerConfig { encrypt, ..standin.config("sa") };
            let outcome = server(&config).connect().await.map(drop);
            let code = outcome.as_ref().map_err(|problem| problem.code).copied();
            assert_eq!(code, expected, "{encrypt:?} of a server that says {encryption:?}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_unless_it_is_trusted() {
    let standin = StandIn::start();
    for encrypt in [Encrypt::Login, Encrypt::On] {
        let strict = ServerConfig { trust_server_certificate: false, encrypt, ..standin.config("sa") };
        let problem = server(&strict).connect().await.unwrap_err();
        assert_eq!(problem.code, Code::SqlTls, "{problem}");
        assert!(problem.hint.en.contains("trust_server_certificate"), "{problem}");
    }
}

#[tokio::test]
async fn a_stopped_server_and_one_that_hangs_are_told_apart() {
    let standin = StandIn::start();
    let config = standin.config("sa");
    standin.handle.inject(Fault::at(StatementKind::Login, Action::Delay(Duration::from_secs(600))));
    let hasty = Limits { connect: Duration::from_millis(300), ..LIMITS };
    let problem = Server::with_limits(&config, PROGRAM, hasty).connect().await.unwrap_err();
    assert_eq!(problem.code, Code::SqlStalled, "{problem}");
    let address = standin.handle.address();
    standin.handle.stop();
    eventually("the port to close", || std::net::TcpStream::connect(address).is_err()).await;
    assert_eq!(code(&config).await, Err(Code::SqlUnreachable));
}
