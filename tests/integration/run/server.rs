//! What is wrong at the server: each ends in its own code, leaves every older backup as it was, and the next run works.

use crate::support::shop::{Ear, Shop};
use crate::support::sqlserver::{LIMITS, PASSWORD, StandIn};
use dmbackup::backup::outcome::{Outcome, Phase, Progress};
use dmbackup::problem::Code;
use dmbackup::sqlserver::Limits;
use fake_sqlserver::database::{Damage, DatabaseState};
use fake_sqlserver::error::SqlError;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::security::Login;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

async fn shop_with(login: Login) -> Shop {
    let mut shop = Shop::open_with(StandIn::start_with(|options| options.login(login)), |_| ()).await;
    shop.good_run().await;
    shop
}

async fn shop() -> Shop {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    shop
}

fn inject(shop: &Shop, kind: StatementKind, action: Action) {
    shop.standin.handle.instance().faults.inject(Fault::at(kind, action).once());
}

fn set_state(shop: &Shop, state: DatabaseState) {
    let instance = shop.standin.handle.instance();
    instance.state().database_mut("MCDados").unwrap().state = state;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_as_such() {
    let mut shop = shop_with(Login::new("caixa", "outra")).await;
    shop.log_in_as("caixa");
    let report = shop.must_fail(Code::SqlLogin, |shop| shop.log_in_as("sa")).await;
    assert!(!format!("{report:?}").contains(PASSWORD), "no secret in what is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_rights_is_told_with_what_mends_it() {
    let mut shop = shop_with(Login::new("caixa", PASSWORD)).await;
    shop.log_in_as("caixa");
    let report = shop.must_fail(Code::SqlRights, |shop| shop.log_in_as("sa")).await;
    let hint = &report.problems[0].hint.pt;
    assert!(hint.contains("grant"), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_cannot_be_backed_up_are_told_apart() {
    let mut shop = shop().await;
    for (state, code) in [
        (DatabaseState::Offline, Code::DatabaseOffline),
        (DatabaseState::Restoring, Code::DatabaseRestoring),
        (DatabaseState::Suspect, Code::DatabaseUnavailable),
        (DatabaseState::RecoveryPending, Code::DatabaseUnavailable),
    ] {
        set_state(&shop, state);
        shop.must_fail(code, |shop| set_state(shop, DatabaseState::Online)).await;
    }
    let good = std::sync::Arc::clone(&shop.world.config);
    let mut config = (*good).clone();
    config.databases = vec![dmbackup::config::DatabaseName::new("Nenhum").unwrap()];
    shop.world.config = std::sync::Arc::new(config);
    shop.must_fail(Code::DatabaseMissing, |shop| shop.world.config = good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_freezes_the_slots_and_is_rescued_once_a_day() {
    let mut shop = shop().await;
    let before = shop.snapshot();
    shop.standin.handle.set_damage("MCDados", Damage::SomePage).unwrap();
    let report = shop.run().await;
    assert_eq!(report.problems[0].code, Code::DatabaseDamaged, "{:?}", report.problems);
    let rescue = shop.folder().join("resgate/MCDados-2022-06-29.bak");
    let first = std::fs::read(&rescue).expect("a rescue dump");
    let again = shop.run().await;
    assert_eq!(again.problems[0].code, Code::DatabaseDamaged);
    assert!(std::fs::read(&rescue).unwrap() == first, "once a day");
    let mut now = shop.snapshot();
    now.remove(&rescue);
    assert_eq!(now, before, "the slots are frozen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_drops_in_mid_backup_loses_nothing() {
    let mut shop = shop().await;
    for percent in [0.0, 50.0, 99.0] {
        inject(&shop, StatementKind::Backup, Action::Drop { percent });
        shop.must_fail(Code::SqlConnectionLost, |_| ()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_for_ever_is_given_up_and_its_statement_ended() {
    let mut shop = shop().await;
    shop.wait_at_most(Limits { stall: Duration::from_millis(400), ..LIMITS });
    inject(&shop, StatementKind::Backup, Action::Stall { percent: 30.0 });
    shop.must_fail(Code::SqlStalled, |_| ()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_somebody_else_kills_costs_the_run_and_nothing_older() {
    let mut shop = shop().await;
    let before = shop.snapshot();
    inject(&shop, StatementKind::Backup, Action::Stall { percent: 40.0 });
    let under_way = Arc::new(Notify::new());
    let seen = Arc::clone(&under_way);
    let then = move |progress: &Progress| {
        if progress.phase == Phase::Dumping && progress.percent.is_some_and(|percent| percent > 30.0) {
            seen.notify_one();
        }
    };
    let ear = Arc::new(Ear { then: Some(Box::new(then)), ..Ear::default() });
    // KILL from another session: the one that dumps gets error 596, and its connection is closed.
    let administrator = shop.standin.server("sa");
    let killing = tokio::spawn(async move {
        under_way.notified().await;
        administrator.end_own_statements().await
    });
    let report = shop.run_with(ear, CancellationToken::new()).await;
    assert_eq!(killing.await.unwrap(), Ok(1));
    assert_eq!(report.outcome, Some(Outcome::Failed), "{:?}", report.problems);
    let problem = &report.problems[0];
    // The connection may be closed before the error has come through.
    assert!([Code::SqlKilled, Code::SqlConnectionLost].contains(&problem.code), "{problem}");
    assert_eq!(problem.exit() as u8, 4);
    shop.assert_unchanged(&before);
    shop.standin.until_quiet().await;
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_under_the_dump_is_told_as_such() {
    let mut shop = shop().await;
    inject(&shop, StatementKind::Backup, Action::DiskFull { bytes: 100_000 });
    shop.must_fail(Code::SpaceFull, |_| ()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_error_of_the_server_keeps_its_number() {
    let mut shop = shop().await;
    inject(
        &shop,
        StatementKind::Backup,
        Action::Error(SqlError::new(8_645, "A timeout occurred while waiting for memory.")),
    );
    let report = shop.must_fail(Code::SqlError, |_| ()).await;
    assert!(report.problems[0].sentence.pt.contains("8645"), "{}", report.problems[0].sentence.pt);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_told_as_such() {
    let mut shop = shop().await;
    let before = shop.snapshot();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = shop.standin.config("sa");
    config.port = Some(nobody.port());
    shop.world.server = dmbackup::sqlserver::Server::with_limits(&config, "DMBackup teste", LIMITS);
    let report = shop.run().await;
    assert_eq!(report.problems[0].code, Code::SqlUnreachable, "{:?}", report.problems);
    shop.assert_unchanged(&before);
}
