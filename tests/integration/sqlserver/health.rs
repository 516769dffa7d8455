//! How server and database are, what the login lacks, and how that is mended.

use crate::support::sqlserver::{DATABASE, PASSWORD, StandIn};
use dmbackup::config::DatabaseName;
use dmbackup::problem::{Code, Problem};
use dmbackup::sqlserver::{Health, PageVerify, RecoveryModel, Right};
use fake_sqlserver::database::{self, Database};
use fake_sqlserver::identity::Edition;
use fake_sqlserver::security::Login;

fn name() -> DatabaseName {
    DatabaseName::new(DATABASE).unwrap()
}

fn codes(problems: &[Problem]) -> Vec<Code> {
    problems.iter().map(|problem| problem.code).collect()
}

/// The health of a database that was changed so.
async fn health_with(change: impl FnOnce(&mut Database)) -> Health {
    let standin = StandIn::start();
    change(standin.handle.instance().state().database_mut(DATABASE).unwrap());
    standin.server("sa").health(&name()).await.unwrap()
}

#[tokio::test]
async fn a_database_that_cannot_be_backed_up_is_told_by_its_state() {
    use database::DatabaseState as State;
    for (state, code) in [
        (State::Offline, Code::DatabaseOffline),
        (State::Restoring, Code::DatabaseRestoring),
        (State::Recovering, Code::DatabaseUnavailable),
        (State::RecoveryPending, Code::DatabaseUnavailable),
        (State::Suspect, Code::DatabaseUnavailable),
    ] {
        let health = health_with(|database| database.state = state).await;
        assert_eq!(codes(&health.problems), [code], "{state:?}");
        assert_eq!(health.database.unwrap().data_bytes, None, "a closed database tells no sizes");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_missing() {
    let standin = StandIn::start();
    let health = standin.server("sa").health(&DatabaseName::new("Outro").unwrap()).await.unwrap();
    assert_eq!(codes(&health.problems), [Code::DatabaseMissing]);
    assert!(health.database.is_none());
}

#[tokio::test]
async fn the_databases_options_are_told() {
    let health = health_with(|database| {
        database.page_verify = database::PageVerify::None;
        database.recovery = database::RecoveryModel::Full;
    })
    .await;
    assert_eq!(codes(&health.problems), [Code::DatabasePageVerify]);
    let database = health.database.unwrap();
    assert_eq!((database.page_verify, database.recovery_model), (PageVerify::None, RecoveryModel::Full));
}

#[tokio::test]
async fn the_limit_of_express_and_the_default_of_compression_are_told() {
    let standin = StandIn::start();
    let server = standin.server("sa");
    let health = server.health(&name()).await.unwrap();
    assert!(health.facts.is_express());
    assert_eq!(health.database.unwrap().size_limit_bytes, Some(10 << 30));
    standin.handle.set_edition(Edition::Standard);
    standin.handle.set_compression_default(true);
    let health = server.health(&name()).await.unwrap();
    assert!(!health.facts.is_express() && health.facts.compression_default);
    assert_eq!(health.database.unwrap().size_limit_bytes, None);
}

#[tokio::test]
async fn a_login_without_rights_is_told_what_it_lacks_and_the_grants_mend_it() {
    let standin = StandIn::start_with(|options| options.login(Login::new("caixa", PASSWORD)));
    let server = standin.server("caixa");
    let health = server.health(&name()).await.unwrap();
    assert_eq!(codes(&health.problems), [Code::SqlRights, Code::SqlRightsLimited]);

    let plan = server.grant_plan(&name()).await.unwrap();
    assert!(plan.missing.contains(&Right::Enter) && plan.missing.contains(&Right::Backup));
    let refused = server.apply_grants(&plan).await.unwrap_err();
    assert_ne!(refused.code, Code::Internal, "the login cannot grant itself anything: {refused}");

    standin.server("sa").apply_grants(&plan).await.unwrap();
    let mended = server.health(&name()).await.unwrap();
    assert_eq!(codes(&mended.problems), []);
    assert_eq!(mended.rights.missing(), []);
    assert!(!mended.rights.sysadmin, "no more was given than was lacking");
    assert_eq!(server.grant_plan(&name()).await.unwrap().script(), "");
    standin.server("sa").apply_grants(&plan).await.expect("what is there already is no error");
}

#[tokio::test]
async fn the_service_account_is_known_to_those_who_may_see_it() {
    let standin = StandIn::start_with(|options| options.login(Login::new("caixa", PASSWORD)));
    standin.handle.set_service_account(Some(r"NT Service\MSSQL$SQLEXPRESS".into()));
    assert_eq!(standin.server("sa").service_account().await.as_deref(), Some(r"NT Service\MSSQL$SQLEXPRESS"));
    assert_eq!(standin.server("caixa").service_account().await, None);
}
