//! Beside the live database (PS7): what is restored is what was dumped, nothing live is touched, and whatever fails leaves nothing.

use super::bench::{Bench, Ear};
use dmbackup::backup::outcome::Outcome;
use dmbackup::problem::{Code, Exit};
use dmbackup::restore::outcome::{Place, Source, Stage, Task};
use dmbackup::restore::{foresee, list, recover};
use dmbackup::slot::Set;
use fake_sqlserver::fault::{Action, StatementKind};
use std::fs;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const CHANGES: [&str; 2] =
    ["DELETE FROM MCDados.dbo.VENDAS", "UPDATE MCDados.dbo.CLIENTES SET NM_CLIENTE = N'mudou'"];

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_backup_is_restored_beside_and_no_live_row_is_touched() {
    let bench = Bench::open().await;
    let mut application = bench.application().await;
    let dumped = application.contents("MCDados").await;
    for change in CHANGES {
        application.run(change).await;
    }
    let live = application.contents("MCDados").await;
    assert_ne!(dumped, live);

    let report = bench.succeed(Task::Beside { source: Bench::newest() }).await;
    let target = report.target.clone().unwrap();
    assert!(target.starts_with("MCDados_restaurado_20220629_"), "{target}");
    assert!(application.contents(&target).await == dumped);
    assert!(application.contents("MCDados").await == live);
    let counted: Vec<u64> = {
        let mut tables = report.counts.clone();
        tables.sort();
        tables.iter().map(|count| count.rows).collect()
    };
    let mut expected: Vec<(String, u64)> = crate::support::sql::TABLES
        .iter()
        .zip(&dumped)
        .map(|(table, rows)| (format!("dbo.{table}"), rows.len() as u64))
        .collect();
    expected.sort();
    assert_eq!(counted, expected.iter().map(|(_, rows)| *rows).collect::<Vec<_>>());
    let from = report.from.unwrap();
    assert!(from.confirmed && from.database == "MCDados", "{from:?}");
    bench.assert_settled(&["MCDados", &target]).await;

    bench.succeed(Task::Drop { database: target.clone() }).await;
    bench.assert_settled(&["MCDados"]).await;
    let again = bench.carry_out(Task::Drop { database: target }).await;
    assert_eq!(again.problems[0].code, Code::RestoreRefused, "it is ours no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_source_is_listed_and_can_be_restored_from() {
    let bench = Bench::open().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let (zip, bak) = (elsewhere.path().join("pendrive.zip"), elsewhere.path().join("solto.bak"));
    fs::copy(bench.shop.folder().join("MCDados.zip"), &zip).unwrap();
    fs::copy(bench.shop.folder().join("MCDados.bak"), &bak).unwrap();

    for place in [Place::Server, Place::Terminal] {
        let listed = list(place, &bench.workshop.world).unwrap();
        assert_eq!(listed.len(), 3, "newest, hour, weekday");
        for one in &listed {
            assert_eq!((one.database.as_deref(), one.place), (Some("MCDados"), Some(place)));
            assert!(one.verified.is_some() && one.verified_at.is_some() && one.problem.is_none());
            let set: Set = one.from.parse().unwrap();
            bench.succeed(Task::Beside { source: Source::Set { set, place } }).await;
        }
    }
    let found = dmbackup::restore::describe(elsewhere.path(), &bench.workshop.world.clock.zone()).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|one| one.database.as_deref() == Some("MCDados") && one.server.is_some()));
    for path in [zip, bak] {
        bench.succeed(Task::Beside { source: Bench::file(path) }).await;
    }
    assert_eq!(bench.workshop.world.journal.restores(100).unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_restore_made_is_ever_dropped() {
    let bench = Bench::open().await;
    let target = bench.beside().await;
    let mut application = bench.application().await;
    let strange = "MCDados_restaurado_20200101_000000";
    for database in ["MCDados", "master", strange, "nada"] {
        let refused = bench.carry_out(Task::Drop { database: database.to_owned() }).await;
        assert_eq!(refused.problems[0].code, Code::RestoreRefused, "{database}: {:?}", refused.problems);
    }
    // Somebody gives our name to another database.
    application.run(&format!("ALTER DATABASE [{target}] MODIFY NAME = [minha]")).await;
    application.run(&format!("ALTER DATABASE [minha] MODIFY NAME = [{target}]")).await;
    let refused = bench.carry_out(Task::Drop { database: target.clone() }).await;
    assert_eq!(refused.problems[0].code, Code::RestoreRefused, "{:?}", refused.problems);
    bench.assert_settled(&["MCDados", &target]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_which_somebody_looks_around_is_not_dropped_yet() {
    let bench = Bench::open().await;
    let target = bench.beside().await;
    let mut looking = bench.application().await;
    looking.run(&format!("USE [{target}]")).await;
    let refused = bench.carry_out(Task::Drop { database: target.clone() }).await;
    assert_eq!(refused.problems[0].code, Code::DatabaseBusy, "{:?}", refused.problems);
    drop(looking);
    bench.shop.standin.until_quiet().await;
    crate::support::sqlserver::eventually("the session to end", || {
        !bench.shop.standin.handle.sessions().iter().any(|session| session.program == "DMASTER FARMA")
    })
    .await;
    bench.succeed(Task::Drop { database: target }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_on_the_way_leaves_nothing_and_the_next_restore_works() {
    let bench = Bench::open().await;
    for kind in [
        StatementKind::HeaderOnly,
        StatementKind::FileListOnly,
        StatementKind::Restore,
        StatementKind::CheckDb,
    ] {
        for action in [Action::Drop { percent: 40.0 }, Action::Error(full())] {
            bench.inject(kind, action.clone());
            let report = bench.carry_out(Task::Beside { source: Bench::newest() }).await;
            assert_eq!(report.outcome, Some(Outcome::Failed), "{kind:?} {action:?}: {report:?}");
            assert_eq!(report.target, None, "{kind:?} {action:?}");
            bench.shop.standin.handle.clear_faults();
            bench.assert_settled(&["MCDados"]).await;
        }
    }
    bench.beside().await;
}

fn full() -> fake_sqlserver::error::SqlError {
    let text =
        "Operating system error 112(There is not enough space on the disk.) while attempting to write.";
    fake_sqlserver::error::SqlError::new(3202, format!("Write on 'x' failed: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_stopped_at_any_stage_leaves_nothing() {
    let bench = Bench::open().await;
    for stage in [Stage::Preparing, Stage::Extracting, Stage::Restoring, Stage::Checking, Stage::Counting] {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let ear = Ear { at: Some((stage, Box::new(move || stop.cancel()))), ..Ear::default() };
        let report = bench.carry_out_with(Task::Beside { source: Bench::newest() }, ear, cancel).await;
        assert_eq!(report.outcome, Some(Outcome::Cancelled), "{stage:?}: {:?}", report.problems);
        assert_eq!(report.problems[0].exit(), Exit::Cancelled);
        bench.assert_settled(&["MCDados"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_the_right_is_refused_before_anything_is_made() {
    let mut bench = Bench::open().await;
    let login = fake_sqlserver::security::Login::new("caixa", crate::support::sqlserver::PASSWORD);
    bench.shop.standin.handle.set_login(login);
    bench.shop.standin.handle.set_user("MCDados", "caixa", &["db_backupoperator"], &[]).unwrap();
    bench.shop.log_in_as("caixa");
    bench.restart();
    let refused = bench.carry_out(Task::Beside { source: Bench::newest() }).await;
    assert_eq!(refused.problems[0].code, Code::SqlRights, "{:?}", refused.problems);
    assert!(refused.stages.len() == 1 && refused.statements.is_empty());
    bench.assert_settled(&["MCDados"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_the_statements_and_touches_nothing() {
    let bench = Bench::open().await;
    let before = bench.shop.snapshot();
    let task = Task::Beside { source: Bench::newest() };
    let now = bench.workshop.world.clock.local_now();
    let plan = foresee(&task, &bench.workshop, now).await.unwrap();
    let target = plan.target.unwrap();
    assert!(
        plan.statements[0].starts_with(&format!("RESTORE DATABASE [{target}] FROM DISK = N'")),
        "{:?}",
        plan.statements
    );
    assert!(
        plan.statements[0].contains("MOVE N'MCDados' TO N'")
            && plan.statements[0].ends_with("CHECKSUM, STATS = 5")
    );
    assert!(plan.statements[1].starts_with("DBCC CHECKDB"));
    assert!(plan.dump_bytes > 0 && plan.files_bytes > 0 && plan.steps.len() == 5);
    assert!(bench.shop.snapshot() == before);
    bench.assert_settled(&["MCDados"]).await;
    let report = bench.succeed(task).await;
    let same = |text: &str, name: &str| text.replace(name, "x");
    assert_eq!(
        same(&report.statements[0], report.target.as_deref().unwrap()),
        same(&plan.statements[0], &target),
        "what was foreseen is what was done"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_had_begun_is_removed_at_the_next_start() {
    let mut bench = Bench::open().await;
    let world = bench.workshop.world.clone();
    let workshop = bench.workshop.clone();
    bench.inject(StatementKind::Restore, Action::Hold { percent: 50.0 });
    let running = tokio::spawn(async move {
        let order = dmbackup::restore::RestoreOrder {
            id: uuid::Uuid::new_v4(),
            task: Task::Beside { source: Bench::newest() },
            by: String::new(),
            begun: world.clock.local_now(),
            login: None,
        };
        dmbackup::restore::carry_out(order, &workshop, Arc::new(Ear::default()), CancellationToken::new())
            .await
    });
    let handle = &bench.shop.standin.handle;
    crate::support::sqlserver::eventually("the restore to begin", || !handle.running_restores().is_empty())
        .await;
    running.abort();
    handle.drop_sessions();
    handle.release();
    bench.shop.standin.until_quiet().await;
    bench.restart();
    bench.workshop.world.server.end_own_statements().await.unwrap();
    recover(&bench.workshop).await.unwrap();
    bench.shop.world.local.scrub().unwrap();
    bench.assert_settled(&["MCDados"]).await;
    bench.beside().await;
}
