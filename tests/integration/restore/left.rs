//! What a restore leaves when SQL Server goes away in the middle of it: it is named, the same process ends it as soon as the server
//! answers again, and nothing of it keeps a backup from being made.

use super::bench::{Bench, Ear};
use crate::support::agent::Shop;
use crate::support::sql::Application;
use crate::support::sqlserver::{PASSWORD, StandIn, eventually};
use dmbackup::agent::status::{Activity, Status};
use dmbackup::backup::outcome::Outcome;
use dmbackup::config::Secret;
use dmbackup::control::client::Client;
use dmbackup::problem::Code;
use dmbackup::restore::outcome::{Place, Source, Stage, Task};
use dmbackup::restore::{RestoreOrder, TypedLogin, carry_out, end_left, recover, unfinished};
use dmbackup::slot::Set;
use fake_sqlserver::error::SqlError;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::security::Login;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const LIVE: &str = "MCDados";

fn confirm() -> String {
    LIVE.to_owned()
}

/// Hears of the exchange, and cuts SQL Server off once the live database has given its name away.
fn server_that_goes_away(bench: &Bench) -> Ear {
    let instance = Arc::clone(bench.shop.standin.handle.instance());
    let go = move || {
        // SINGLE_USER comes before, and two logins: who bears the name, and the seat.
        instance.faults.inject(Fault::at(StatementKind::Alter, Action::Lose).after(1).once());
        instance.faults.inject(Fault::at(StatementKind::Login, Action::Cut).after(2));
    };
    Ear { at: Some((Stage::Exchanging, Box::new(go))), ..Ear::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_the_server_left_midway_is_named_and_ended_when_it_is_back() {
    let bench = Bench::open().await;
    let live = bench.application().await.contents(LIVE).await;
    let ear = server_that_goes_away(&bench);
    let report = bench.carry_out_with(Bench::replace(Bench::newest()), ear, CancellationToken::new()).await;
    assert_eq!(report.outcome, Some(Outcome::Failed));
    assert_eq!(report.problems[0].code, Code::SqlConnectionLost, "{:?}", report.problems);
    let midway = unfinished(&bench.workshop.records).expect("it is named");
    assert_eq!(midway.code, Code::RestoreInterrupted);
    assert!(midway.sentence.pt.contains("parou no meio"), "{midway}");
    assert!(report.problems.contains(&midway), "{:?}", report.problems);
    end_left(&bench.workshop).await.expect_err("the server is still away");

    bench.shop.standin.handle.clear_faults();
    assert!(!bench.application().await.databases().await.contains(&confirm()), "the shop has no database");
    end_left(&bench.workshop).await.unwrap();
    assert!(bench.application().await.contents(LIVE).await == live);
    let ready = unfinished(&bench.workshop.records).expect("it can be resumed");
    assert!(ready.sentence.pt.contains("continua com o banco anterior"), "{ready}");
    end_left(&bench.workshop).await.unwrap();
    bench.succeed(Task::Resume { confirm: confirm() }).await;
    bench.succeed(Task::Undo { confirm: confirm() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_whose_last_answer_was_lost_is_done_and_says_so() {
    let bench = Bench::open().await;
    let dumped = bench.application().await.contents(LIVE).await;
    bench.application().await.run("DELETE FROM MCDados.dbo.VENDAS").await;
    let live = bench.application().await.contents(LIVE).await;
    let lost = |bench: &Bench| {
        let instance = Arc::clone(bench.shop.standin.handle.instance());
        // SINGLE_USER, and the name of the one that steps aside, come before.
        let lose =
            move || instance.faults.inject(Fault::at(StatementKind::Alter, Action::Lose).after(2).once());
        Ear { at: Some((Stage::Exchanging, Box::new(lose))), ..Ear::default() }
    };
    for (task, rows) in
        [(Bench::replace(Bench::newest()), &dumped), (Task::Undo { confirm: confirm() }, &live)]
    {
        let report = bench.carry_out_with(task, lost(&bench), CancellationToken::new()).await;
        assert_eq!(report.outcome, Some(Outcome::Warning), "{:?}", report.problems);
        assert_eq!(report.problems[0].code, Code::SqlConnectionLost, "{:?}", report.problems);
        assert!(bench.application().await.contents(LIVE).await == *rows);
        assert_eq!(report.kept.is_some(), *rows == dumped);
        assert_eq!(unfinished(&bench.workshop.records), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrators_login_left_midway_is_ended_by_such_a_login() {
    let mut bench = Bench::open().await;
    let handle = &bench.shop.standin.handle;
    let agent = Login::new("agente", PASSWORD)
        .with_permission("CREATE ANY DATABASE")
        .with_permission("VIEW SERVER STATE");
    handle.set_login(agent);
    handle.set_user(LIVE, "agente", &["db_backupoperator", "db_datareader"], &[]).unwrap();
    bench.shop.log_in_as("agente");
    bench.restart();
    let order = |task| RestoreOrder {
        id: uuid::Uuid::new_v4(),
        task,
        by: "ana".to_owned(),
        begun: bench.workshop.world.clock.local_now(),
        login: Some(TypedLogin { user: "sa".to_owned(), password: Secret::new(PASSWORD) }),
    };
    let (replace, ear) = (order(Bench::replace(Bench::newest())), server_that_goes_away(&bench));
    let report = carry_out(replace, &bench.workshop, Arc::new(ear), CancellationToken::new()).await;
    assert_eq!(report.problems[0].code, Code::SqlConnectionLost, "{:?}", report.problems);
    bench.shop.standin.handle.clear_faults();
    let refused = end_left(&bench.workshop).await.expect_err("the agent may not rename a database");
    assert_eq!(refused.code, Code::SqlRights, "{refused}");
    let resume = order(Task::Resume { confirm: confirm() });
    let report = carry_out(resume, &bench.workshop, Arc::new(Ear::default()), CancellationToken::new()).await;
    assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_ended_behind_the_back_of_a_restore_at_work() {
    let bench = Bench::open().await;
    let held = bench.shop.standin.handle.instance().faults.held();
    bench.inject(StatementKind::Restore, Action::Hold { percent: 50.0 });
    let meanwhile = async {
        let faults = &bench.shop.standin.handle.instance().faults;
        eventually("the restore to be held", || faults.held() > held).await;
        end_left(&bench.workshop).await.unwrap();
        faults.release();
    };
    let (report, ()) = tokio::join!(bench.carry_out(Task::Beside { source: Bench::newest() }), meanwhile);
    assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_made_database_that_somebody_looks_into_goes_later_and_stops_nothing() {
    let mut bench = Bench::open().await;
    let handle = &bench.shop.standin.handle;
    let busy = SqlError::new(3702, "Cannot drop database: it is currently in use.");
    handle.inject(Fault::at(StatementKind::Drop, Action::Error(busy)));
    bench.inject(StatementKind::CheckDb, Action::Drop { percent: 50.0 });
    let report = bench.carry_out(Task::Beside { source: Bench::newest() }).await;
    assert_eq!(report.outcome, Some(Outcome::Failed));
    let left = report.target.expect("it is told what could not be removed");
    bench.restart();
    recover(&bench.workshop).await.expect("a backup can be made all the same");
    bench.shop.good_run().await;
    // Another restore does not make it forgotten.
    let target = bench.beside().await;
    bench.shop.standin.handle.clear_faults();
    bench.restart();
    recover(&bench.workshop).await.unwrap();
    bench.assert_settled(&[LIVE, &target]).await;
    assert_ne!(left, target);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_cannot_be_prepared_leaves_no_database_behind() {
    let bench = Bench::open().await;
    bench.inject(StatementKind::Alter, Action::Lose);
    let report = bench.carry_out(Bench::replace(Bench::newest())).await;
    assert_eq!((report.outcome, report.target.as_deref()), (Some(Outcome::Failed), None), "{report:?}");
    assert_eq!(unfinished(&bench.workshop.records), None);
    bench.assert_settled(&[LIVE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_restored_is_refused_before_a_safety_backup_is_made_of_what_is_there() {
    let bench = Bench::open().await;
    let before = bench.shop.snapshot();
    let path = bench.shop.path("cortado.zip");
    let zip = std::fs::read(bench.shop.folder().join("MCDados.zip")).unwrap();
    std::fs::write(&path, &zip[..zip.len() / 2]).unwrap();
    let report = bench.carry_out(Bench::replace(Bench::file(path))).await;
    assert_eq!(report.problems[0].code, Code::ArchiveDamaged, "{:?}", report.problems);
    let stages: Vec<_> = report.stages.iter().map(|time| time.stage).collect();
    assert_eq!((stages, report.safety), (vec![Stage::Preparing], None));
    assert!(bench.shop.snapshot() == before);
}

/// Waits for a status without holding up the other tasks of the test.
fn until(shop: &Shop, wanted: impl Fn(&Status) -> bool + Send) -> Status {
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| scope.spawn(|| shop.until(wanted)).join().unwrap())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_itself_gives_the_shop_its_database_back_once_the_server_answers() {
    let standin = StandIn::start();
    let shop = Shop::new();
    shop.configure(standin.handle.address().port());
    let mut agent = shop.run();
    agent.wait_for("Verificando último backup realizado...");
    until(&shop, |status| status.activity == Activity::Waiting && status.last_good.is_some());
    let handle = &standin.handle;
    // The settings, SINGLE_USER, and the live database's name come before.
    handle.inject(Fault::at(StatementKind::Alter, Action::Hold { percent: 0.0 }).after(6).once());
    let source = Source::Set { set: Set::Newest, place: Place::Server };
    let task = Task::Replace { source, confirm: confirm() };
    Client::connect(&shop.state()).await.unwrap().restore(task, None).await.unwrap();
    eventually("the exchange to be held", || handle.instance().faults.held() > 0).await;
    handle.inject(Fault::at(StatementKind::Login, Action::Cut));
    handle.drop_sessions();
    let status = until(&shop, |status| status.restore.is_none() && status.last_restore.is_some());
    assert_eq!(status.last_restore.unwrap().outcome, Some(Outcome::Failed));

    handle.clear_faults();
    let mut application = Application::connect(&standin).await;
    assert!(!application.databases().await.contains(&confirm()), "the shop has no database");
    assert!(tokio::task::block_in_place(|| shop.ctl(&["check"])).exit >= 0);
    assert!(application.databases().await.contains(&confirm()), "{:?}", application.databases().await);
    let closed = "SELECT name FROM sys.databases WHERE state <> 0 OR user_access <> 0";
    assert_eq!(application.rows(closed).await, Vec::<String>::new());
    drop(application);
    let said = tokio::task::block_in_place(|| shop.ctl(&["restore", "--undo", "--confirm", LIVE, "--wait"]));
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(agent.terminate().code(), Some(0));
}
