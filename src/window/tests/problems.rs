//! Problems as the product tells them, for whatever is shown in a picture: a sentence and a hint, never a code.

use crate::agent;
use crate::agent::history;
use crate::agent::history::tests::at;
use crate::agent::trials::Trials;
use crate::alert::{self, Channel};
use crate::archive::Manifest;
use crate::control::client::Client;
use crate::control::server;
use crate::cycle::probe;
use crate::destination::{self, Kind};
use crate::journal::Failure;
use crate::problem::{Code, Problem};
use crate::restore::{self, Records};
use std::io;
use std::path::Path;
use std::time::Duration;

/// `No such file or directory`, whatever the system's language.
const NOT_THERE: i32 = 2;

/// What the product says of `code` in the shop of the pictures.
pub fn real(code: Code) -> Problem {
    let made = made(code).unwrap_or_else(|| panic!("no picture has shown {} yet", code.id()));
    assert_eq!(made.code, code);
    made
}

fn made(code: Code) -> Option<Problem> {
    let shown = |path: &str| Path::new(path).to_owned();
    let made = [
        probe::stopped("MSSQL$SQLEXPRESS"),
        destination::explain(Kind::Terminal, r"\\CAIXA02\MCBkp", &io::Error::from_raw_os_error(NOT_THERE)),
        destination::replace(r"E:\", &[&shown("MCDados.zip"), &shown("MCDados.bak")]),
        agent::stopped(),
        agent::wrong_password(at(14)),
        agent::run_goes_on(),
        history::cut_short(),
        server::forbidden(),
        alert::failed(Channel::Email, "o servidor não aceita o login", "the server does not take the login"),
        Failure::Full.problem(&shown("/var/lib/dmbackup/journal.db")),
        Manifest::read(&b"{"[..]).unwrap_err(),
        agent_missing(),
        never_tested(),
        exchange_cut_short(),
    ];
    made.into_iter().find(|problem| problem.code == code)
}

/// What a client says where no agent is.
fn agent_missing() -> Problem {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Client::connect(Path::new("/srv/loja/dmbackup"))).unwrap_err()
}

/// What the agent says twenty days after the first backup, where none was ever tested.
fn never_tested() -> Problem {
    let week = Duration::from_secs(7 * 24 * 3_600);
    let look = Trials::of(&[], Some(at(-20 * 24))).look(week, at(14));
    look.problems().next().cloned().unwrap()
}

/// What the record of an exchange says that was cut short.
fn exchange_cut_short() -> Problem {
    let state = tempfile::tempdir().unwrap();
    let record = r#"{"exchange": {"restore": "00000000-0000-0000-0000-000000000002", "live": "MCDados",
        "restored": "MCDados_restaurado_20261122_140700", "kept": "MCDados_antes_20261122_140700",
        "carried": null, "standing": "exchanging", "kept_identity": null}}"#;
    std::fs::write(state.path().join("restores.json"), record).unwrap();
    restore::unfinished(&Records::open(state.path())).unwrap()
}
