//! In the place of the live database: refused while others are in, undone, resumed, released; and what somebody or something in the
//! middle of it can and cannot do.

use super::bench::{Bench, Ear};
use crate::support::sqlserver::{PASSWORD, StandIn, eventually};
use dmbackup::backup::outcome::Outcome;
use dmbackup::problem::Code;
use dmbackup::restore::outcome::{Item, Stage, Task};
use dmbackup::restore::{foresee, recover, standing, unfinished};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::security::Login;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const LIVE: &str = "MCDados";
const KEPT: &str = "MCDados_antes_20220629";

fn confirm() -> String {
    LIVE.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_takes_the_live_databases_place_and_gives_it_back() {
    let bench = Bench::open().await;
    let mut application = bench.application().await;
    application.run("ALTER DATABASE [MCDados] SET RECOVERY SIMPLE").await;
    application.run("ALTER DATABASE [MCDados] SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE").await;
    let settings = "SELECT SUSER_SNAME(owner_sid), recovery_model_desc, compatibility_level, \
                    is_read_committed_snapshot_on, is_trustworthy_on FROM sys.databases WHERE name = N'MCDados'";
    let (dumped, set) = (application.contents(LIVE).await, application.rows(settings).await);
    application.run("DELETE FROM MCDados.dbo.VENDAS").await;
    let changed = application.contents(LIVE).await;

    let report = bench.succeed(Bench::replace(Bench::newest())).await;
    assert_eq!((report.target.as_deref(), report.kept.as_deref()), (Some(LIVE), Some(KEPT)));
    let safety = report.safety.clone().expect("a safety backup");
    assert!(safety.contains("extra") && std::path::Path::new(&safety).is_file(), "{safety}");
    assert!(application.contents(LIVE).await == dumped);
    assert!(application.contents(KEPT).await == changed);
    assert_eq!(application.rows(settings).await, set, "what the database was like goes over");
    bench.assert_settled(&[LIVE, KEPT]).await;

    let second = bench.carry_out(Bench::replace(Bench::newest())).await;
    assert_eq!(second.problems[0].code, Code::AgentNotNow, "one at a time");
    let undone = bench.succeed(Task::Undo { confirm: confirm() }).await;
    assert!(application.contents(LIVE).await == changed);
    let beside = undone.target.unwrap();
    assert!(application.contents(&beside).await == dumped, "what was restored stays beside");
    bench.assert_settled(&[LIVE, &beside]).await;
    bench.succeed(Task::Drop { database: beside }).await;

    // What stood there before the replacement can be restored too.
    let mut again = bench.succeed(Task::Beside { source: Bench::file(safety.into()) }).await;
    let beside = again.target.take().unwrap();
    let vendas = again.counts.iter().find(|count| count.table == "dbo.VENDAS").unwrap();
    assert_eq!(vendas.rows, 0, "what SQL Server counts in it");
    // A session that has looked into the earlier database of this name has that one open still.
    let saved = bench.application().await.contents(&beside).await;
    for ((table, saved), changed) in crate::support::sql::TABLES.iter().zip(&saved).zip(&changed) {
        assert_eq!(saved.len(), changed.len(), "{table}");
        assert!(saved == changed, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_database_goes_when_the_whole_checklist_is_ticked() {
    let mut bench = Bench::open().await;
    assert_eq!(
        bench.carry_out(Task::Tick { items: vec![Item::Vendas] }).await.problems[0].code,
        Code::AgentNotNow
    );
    assert_eq!(
        bench.carry_out(Task::Release { confirm: confirm() }).await.problems[0].code,
        Code::AgentNotNow
    );
    bench.succeed(Bench::replace(Bench::newest())).await;
    let slip = bench.carry_out(Task::Release { confirm: "MCdados".to_owned() }).await;
    assert_eq!(slip.problems[0].code, Code::Usage);
    for (ticked, item) in Item::ALL.into_iter().enumerate() {
        let standing = standing(&bench.workshop.records).expect("it waits for its checklist");
        assert_eq!((standing.kept.as_deref(), &*standing.ticked), (Some(KEPT), &Item::ALL[..ticked]));
        let early = bench.carry_out(Task::Release { confirm: confirm() }).await;
        let problem = &early.problems[0];
        assert_eq!(problem.code, Code::RestoreChecklist, "{problem}");
        for other in Item::ALL {
            let is_told = problem.sentence.pt.contains(&*other.words().pt);
            assert_eq!(is_told, standing.missing.contains(&other), "{other:?}: {problem}");
        }
        bench.assert_settled(&[LIVE, KEPT]).await;
        let report = bench.succeed(Task::Tick { items: vec![item, item] }).await;
        assert_eq!((report.by.as_str(), report.kept.as_deref()), ("ana", Some(KEPT)), "who ticked is kept");
        bench.restart();
    }
    bench.succeed(Task::Release { confirm: confirm() }).await;
    bench.assert_settled(&[LIVE]).await;
    assert_eq!(standing(&bench.workshop.records), None);
    let late = bench.carry_out(Task::Undo { confirm: confirm() }).await;
    assert_eq!(late.problems[0].code, Code::AgentNotNow);
    bench.succeed(Bench::replace(Bench::newest())).await;
    let anew = standing(&bench.workshop.records).expect("the next one waits for its own");
    assert_eq!(anew.ticked, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_is_undone_takes_its_ticks_with_it() {
    let bench = Bench::open().await;
    bench.succeed(Bench::replace(Bench::newest())).await;
    bench.succeed(Task::Tick { items: Item::ALL.into() }).await;
    let foreseen = Task::Tick { items: Vec::new() };
    let now = bench.workshop.world.clock.local_now();
    let plan = foresee(&foreseen, &bench.workshop, now).await.unwrap();
    assert!(plan.steps.len() == 5 && plan.steps.iter().all(|step| step.pt.starts_with("[x] ")), "{plan:?}");
    bench.succeed(Task::Undo { confirm: confirm() }).await;
    assert_eq!(standing(&bench.workshop.records), None);
    assert!(foresee(&foreseen, &bench.workshop, now).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replaced_without_the_name_or_while_others_are_in() {
    let bench = Bench::open().await;
    let before = bench.shop.snapshot();
    let unconfirmed = Task::Replace { source: Bench::newest(), confirm: "sim".to_owned() };
    assert_eq!(bench.carry_out(unconfirmed).await.problems[0].code, Code::Usage);

    let mut cashier = bench.application().await;
    cashier.run("USE [MCDados]").await;
    let refused = bench.carry_out(Bench::replace(Bench::newest())).await;
    let problem = &refused.problems[0];
    assert_eq!(problem.code, Code::DatabaseBusy, "{problem}");
    assert!(problem.sentence.pt.contains("DMASTER FARMA") && problem.sentence.pt.contains("sa"), "{problem}");
    cashier.run("SELECT 1").await;
    assert!(bench.shop.snapshot() == before, "not even a safety backup was made");

    // Elsewhere by its context, but in an open transaction of the database.
    cashier.run("USE [master]").await;
    cashier.run("BEGIN TRANSACTION").await;
    cashier.run("UPDATE MCDados.dbo.CLIENTES SET NM_CLIENTE = N'x' WHERE ID_CLIENTE = 1").await;
    let refused = bench.carry_out(Bench::replace(Bench::newest())).await;
    assert_eq!(refused.problems[0].code, Code::DatabaseBusy, "{:?}", refused.problems);
    cashier.run("COMMIT").await;
    bench.assert_settled(&[LIVE]).await;
    bench.succeed(Bench::replace(Bench::newest())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_seen_nobody_is_said_to_be_absent() {
    let mut bench = Bench::open().await;
    let blind = Login::new("cego", PASSWORD)
        .with_permission("CREATE ANY DATABASE")
        .with_permission("ALTER ANY DATABASE");
    bench.shop.standin.handle.set_login(blind);
    bench.shop.standin.handle.set_user(LIVE, "cego", &["db_owner"], &[]).unwrap();
    bench.shop.log_in_as("cego");
    bench.restart();
    let refused = bench.carry_out(Bench::replace(Bench::newest())).await;
    assert_eq!(refused.problems[0].code, Code::SqlRights, "{:?}", refused.problems);
    assert!(refused.problems[0].sentence.pt.contains("VIEW SERVER STATE"));
    bench.assert_settled(&[LIVE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_connects_in_the_middle_stops_it_and_is_not_thrown_out() {
    let bench = Bench::open().await;
    let standin = Arc::new(std::sync::Mutex::new(None));
    let kept = Arc::clone(&standin);
    let address = bench.shop.standin.handle.address();
    // At the very last moment: the restored database is ready, and the exchange begins.
    let connect = move || {
        let kept = Arc::clone(&kept);
        let connecting = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let cashier = runtime.block_on(async {
                let mut cashier = crate::support::sql::Application::at(address).await;
                cashier.run("USE [MCDados]").await;
                cashier
            });
            *kept.lock().unwrap() = Some((cashier, runtime));
        });
        connecting.join().unwrap();
    };
    let ear = Ear { at: Some((Stage::Exchanging, Box::new(connect))), ..Ear::default() };
    let report = bench.carry_out_with(Bench::replace(Bench::newest()), ear, CancellationToken::new()).await;
    assert_eq!(report.problems[0].code, Code::DatabaseBusy, "{:?}", report.problems);
    assert!(report.problems[0].sentence.pt.contains("DMASTER FARMA"), "{:?}", report.problems);
    let (mut cashier, runtime) = standin.lock().unwrap().take().unwrap();
    tokio::task::block_in_place(|| runtime.block_on(cashier.run("SELECT COUNT(*) FROM dbo.VENDAS")));
    tokio::task::block_in_place(|| {
        drop(cashier);
        drop(runtime);
    });
    let problem = unfinished(&bench.workshop.records).expect("it is named");
    assert_eq!(problem.code, Code::RestoreInterrupted);
    let handle = &bench.shop.standin.handle;
    eventually("the cashier to leave", || {
        !handle.sessions().iter().any(|session| session.program == "DMASTER FARMA")
    })
    .await;
    let resumed = bench.succeed(Task::Resume { confirm: confirm() }).await;
    assert_eq!(resumed.target.as_deref(), Some(LIVE));
    assert_eq!(unfinished(&bench.workshop.records), None);
    bench.assert_settled(&[LIVE, KEPT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_in_an_exchange_the_live_database_keeps_its_name_and_is_open() {
    let bench = Bench::open().await;
    let mut application = bench.application().await;
    let before = application.contents(LIVE).await;
    // The changes of settings before the exchange are ALTERs too: each in its turn.
    for skipped in 0..12 {
        let lost = Fault::at(StatementKind::Alter, Action::Drop { percent: 0.0 }).once().after(skipped);
        bench.shop.standin.handle.inject(lost);
        let report = bench.carry_out(Bench::replace(Bench::newest())).await;
        bench.shop.standin.handle.clear_faults();
        recover(&bench.workshop).await.unwrap();
        assert!(application.contents(LIVE).await == before, "{skipped}: {report:?}");
        let open = bench.carry_out(Task::Undo { confirm: confirm() }).await;
        let undone = [Some(Outcome::Success), Some(Outcome::Failed)];
        assert!(undone.contains(&open.outcome), "{skipped}: {open:?}");
        assert!(application.contents(LIVE).await == before, "{skipped}");
        for database in application.databases().await {
            if database != LIVE {
                bench.succeed(Task::Drop { database }).await;
            }
        }
        bench.assert_settled(&[LIVE]).await;
        bench.shop.clock.advance(chrono::TimeDelta::minutes(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_lost_is_brought_back_under_its_name() {
    let bench = Bench::open().await;
    let mut application = bench.application().await;
    let dumped = application.contents(LIVE).await;
    application.run("DROP DATABASE [MCDados]").await;
    let report = bench.succeed(Bench::replace(Bench::newest())).await;
    assert_eq!((report.kept, report.safety), (None, None), "there was nothing to keep");
    assert!(application.contents(LIVE).await == dumped);
    bench.assert_settled(&[LIVE]).await;
    assert_eq!(standing(&bench.workshop.records).expect("it is looked at too").kept, None);
    bench.succeed(Task::Tick { items: Item::ALL.into() }).await;
    bench.succeed(Task::Release { confirm: confirm() }).await;
    bench.assert_settled(&[LIVE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_another_server_are_joined_to_the_logins_of_this_one() {
    let standin = StandIn::start_with(|options| options.login(Login::new("caixa", PASSWORD)));
    let bench = Bench::open_with(standin).await;
    let handle = &bench.shop.standin.handle;
    handle.set_user(LIVE, "caixa", &["db_datareader"], &[]).unwrap();
    bench.shop.clock.advance(chrono::TimeDelta::hours(1));
    let mut shop = bench.shop;
    shop.good_run().await;
    // The login is made anew, as on a new machine: its users are nobody's.
    shop.standin.handle.set_login(Login::new("caixa", PASSWORD));
    let bench = Bench::of(shop);
    bench.succeed(Bench::replace(Bench::newest())).await;
    let mut application = bench.application().await;
    let orphans =
        "SELECT name FROM MCDados.sys.database_principals WHERE name = N'caixa' AND SUSER_SNAME(sid) IS NULL";
    assert_eq!(application.rows(orphans).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_replacement_shows_the_exchange_and_touches_nothing() {
    let bench = Bench::open().await;
    let now = bench.workshop.world.clock.local_now();
    let before = bench.shop.snapshot();
    let plan = foresee(&Bench::replace(Bench::newest()), &bench.workshop, now).await.unwrap();
    assert!(bench.shop.snapshot() == before);
    for statement in [
        "ALTER DATABASE [MCDados] SET SINGLE_USER WITH NO_WAIT",
        "ALTER DATABASE [MCDados] MODIFY NAME = [MCDados_antes_20220629]",
        "ALTER DATABASE [MCDados_antes_20220629] SET MULTI_USER WITH NO_WAIT",
        "ALTER AUTHORIZATION ON DATABASE::[MCDados] TO [sa]",
    ] {
        assert!(plan.statements.iter().any(|text| text == statement), "{statement}: {:?}", plan.statements);
    }
    assert_eq!(plan.target.as_deref(), Some(LIVE));
    bench.assert_settled(&[LIVE]).await;
}
