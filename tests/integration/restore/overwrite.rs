//! Over the live database: only where there is not the room for both, only when asked for by name; undone, resumed, released; and what
//! somebody or something in the middle of it can and cannot do.

use super::bench::{Bench, Ear};
use crate::support::faulty::{At, Fault as Trouble, Faulty};
use dmbackup::backup::outcome::Outcome;
use dmbackup::problem::Code;
use dmbackup::restore::outcome::{Item, Source, Stage, Task};
use dmbackup::restore::{Workshop, foresee, recover, standing, unfinished};
use fake_sqlserver::database::Damage;
use fake_sqlserver::fault::{Action, StatementKind};
use std::fs;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

const LIVE: &str = "MCDados";
const OVER: &str = "USE [master]; RESTORE DATABASE [MCDados] FROM DISK = N'";

fn confirm() -> String {
    LIVE.to_owned()
}

fn overwrite(source: Source) -> Task {
    Task::Overwrite { source, confirm: confirm() }
}

/// Leaves on the disk the room for the dump and all but a byte of the restored files.
pub async fn tighten(workshop: &mut Workshop) {
    let now = workshop.world.clock.local_now();
    let beside = Task::Beside { source: Bench::newest() };
    let plan = foresee(&beside, workshop, now).await.unwrap();
    let free = plan.dump_bytes + plan.files_bytes + workshop.world.config.backup.reserve_bytes - 1;
    let narrow = Faulty::new(Arc::clone(&workshop.world.local));
    narrow.arm(At::Space, Trouble::Free(free), u32::MAX);
    workshop.world.local = Arc::new(narrow);
}

async fn tight() -> Bench {
    let mut bench = Bench::open().await;
    tighten(&mut bench.workshop).await;
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn where_both_have_no_room_a_backup_goes_over_the_live_database_and_what_was_there_comes_back() {
    let bench = tight().await;
    let mut application = bench.application().await;
    application.run("ALTER DATABASE [MCDados] SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE").await;
    let settings = "SELECT SUSER_SNAME(owner_sid), recovery_model_desc, compatibility_level, \
                    is_read_committed_snapshot_on, is_trustworthy_on FROM sys.databases WHERE name = N'MCDados'";
    let files = "SELECT physical_name FROM sys.master_files WHERE database_id = DB_ID(N'MCDados')";
    let (dumped, set) = (application.contents(LIVE).await, application.rows(settings).await);
    let lie = application.rows(files).await;
    application.run("DELETE FROM MCDados.dbo.VENDAS").await;
    let changed = application.contents(LIVE).await;

    let refused = bench.carry_out(Bench::replace(Bench::newest())).await;
    assert_eq!(refused.problems[0].code, Code::SpaceForeseen, "{:?}", refused.problems);
    assert!(bench.application().await.contents(LIVE).await == changed);

    let report = bench.succeed(overwrite(Bench::newest())).await;
    assert_eq!((report.target.as_deref(), report.kept.as_deref()), (Some(LIVE), None));
    let safety = report.safety.clone().expect("a safety backup");
    assert!(safety.contains("extra") && std::path::Path::new(&safety).is_file(), "{safety}");
    assert!(report.statements[1].starts_with(OVER), "{:?}", report.statements);
    assert!(report.statements[1].ends_with("CHECKSUM, STATS = 5, REPLACE"), "{:?}", report.statements);
    assert!(!report.counts.is_empty() && report.compared.is_some(), "it is proved");
    let mut application = bench.application().await;
    assert!(application.contents(LIVE).await == dumped);
    assert_eq!(application.rows(settings).await, set, "what the database was like goes over");
    assert_eq!(application.rows(files).await, lie, "its files lie where they lay");
    bench.assert_settled(&[LIVE]).await;
    let stands = standing(&bench.workshop.records).expect("it waits for its checklist");
    assert_eq!((stands.kept, stands.safety), (None, Some(safety)));

    let second = bench.carry_out(overwrite(Bench::newest())).await;
    assert_eq!(second.problems[0].code, Code::AgentNotNow, "one at a time");
    bench.succeed(Task::Undo { confirm: confirm() }).await;
    assert!(bench.application().await.contents(LIVE).await == changed, "every row of before");
    assert_eq!(standing(&bench.workshop.records), None);
    bench.assert_settled(&[LIVE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwritten_database_is_released_by_its_checklist_and_the_safety_backup_stays() {
    let mut bench = tight().await;
    let report = bench.succeed(overwrite(Bench::newest())).await;
    bench.restart();
    let refused = bench.carry_out(Task::Release { confirm: confirm() }).await;
    assert_eq!(refused.problems[0].code, Code::RestoreChecklist, "{:?}", refused.problems);
    bench.succeed(Task::Tick { items: Item::ALL.into() }).await;
    bench.succeed(Task::Release { confirm: confirm() }).await;
    assert_eq!(standing(&bench.workshop.records), None);
    assert!(std::path::Path::new(&report.safety.unwrap()).is_file());
    let late = bench.carry_out(Task::Undo { confirm: confirm() }).await;
    assert_eq!(late.problems[0].code, Code::AgentNotNow);
    bench.assert_settled(&[LIVE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overwritten_where_there_is_room_for_both_or_no_database_or_no_name() {
    let bench = Bench::open().await;
    let before = bench.shop.snapshot();
    let roomy = bench.carry_out(overwrite(Bench::newest())).await;
    assert_eq!(roomy.problems[0].code, Code::RestoreRefused, "{:?}", roomy.problems);
    assert!(roomy.problems[0].sentence.pt.contains("espaço para os dois"), "{:?}", roomy.problems);
    let unconfirmed = Task::Overwrite { source: Bench::newest(), confirm: "sim".to_owned() };
    assert_eq!(bench.carry_out(unconfirmed).await.problems[0].code, Code::Usage);
    let now = bench.workshop.world.clock.local_now();
    let foreseen = foresee(&overwrite(Bench::newest()), &bench.workshop, now).await.unwrap_err();
    assert_eq!(foreseen.code, Code::RestoreRefused, "{foreseen}");
    bench.application().await.run("DROP DATABASE [MCDados]").await;
    let lost = bench.carry_out(overwrite(Bench::newest())).await;
    assert!(lost.problems[0].sentence.pt.contains("não existe"), "{:?}", lost.problems);
    assert!(bench.shop.snapshot() == before, "not even a safety backup was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_an_overwriting_shows_its_statements_and_touches_nothing() {
    let bench = tight().await;
    let before = bench.shop.snapshot();
    let now = bench.workshop.world.clock.local_now();
    let plan = foresee(&overwrite(Bench::newest()), &bench.workshop, now).await.unwrap();
    assert!(bench.shop.snapshot() == before);
    let [single, over, multi, check] = &plan.statements[..] else { panic!("{:?}", plan.statements) };
    assert_eq!(single, "ALTER DATABASE [MCDados] SET SINGLE_USER WITH NO_WAIT");
    assert!(over.starts_with(OVER) && over.contains("MOVE N'MCDados' TO N'"), "{over}");
    assert_eq!(multi, "ALTER DATABASE [MCDados] SET MULTI_USER WITH NO_WAIT");
    assert!(check.starts_with("DBCC CHECKDB ([MCDados])"), "{check}");
    assert!(plan.steps[0].pt.contains("backup de segurança"), "{:?}", plan.steps);
    bench.assert_settled(&[LIVE]).await;
    let report = bench.succeed(overwrite(Bench::newest())).await;
    assert_eq!(report.statements, plan.statements, "what was foreseen is what was done");
    let undo = foresee(&Task::Undo { confirm: String::new() }, &bench.workshop, now).await.unwrap();
    assert!(undo.statements[1].starts_with(OVER), "{:?}", undo.statements);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overwritten_while_others_are_in_or_get_in_meanwhile() {
    let bench = tight().await;
    let mut cashier = bench.application().await;
    let live = cashier.contents(LIVE).await;
    cashier.run("USE [MCDados]").await;
    let refused = bench.carry_out(overwrite(Bench::newest())).await;
    assert_eq!(refused.problems[0].code, Code::DatabaseBusy, "{:?}", refused.problems);
    assert!(refused.problems[0].sentence.pt.contains("DMASTER FARMA"), "{:?}", refused.problems);
    assert_eq!(refused.safety, None);
    cashier.run("USE [master]").await;

    let late = Arc::new(Mutex::new(None));
    let (kept, address) = (Arc::clone(&late), bench.shop.standin.handle.address());
    // At the very last moment: all is extracted and judged, and the seat is taken next.
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
    let ear = Ear { at: Some((Stage::Restoring, Box::new(connect))), ..Ear::default() };
    let report = bench.carry_out_with(overwrite(Bench::newest()), ear, CancellationToken::new()).await;
    assert_eq!(report.problems[0].code, Code::DatabaseBusy, "{:?}", report.problems);
    assert!(report.problems[0].sentence.pt.contains("DMASTER FARMA"), "{:?}", report.problems);
    let (mut inside, runtime) = late.lock().unwrap().take().unwrap();
    tokio::task::block_in_place(|| {
        runtime.block_on(inside.run("SELECT COUNT(*) FROM dbo.VENDAS"));
        drop(inside);
        drop(runtime);
    });
    assert_eq!((unfinished(&bench.workshop.records), standing(&bench.workshop.records)), (None, None));
    assert!(bench.application().await.contents(LIVE).await == live, "it was not touched");
    bench.assert_settled(&[LIVE]).await;
    bench.succeed(overwrite(Bench::newest())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_enters_after_the_safety_backup_and_goes_again_is_not_lost() {
    let bench = tight().await;
    let address = bench.shop.standin.handle.address();
    let sell = move || {
        let selling = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut cashier = crate::support::sql::Application::at(address).await;
                cashier.run("DELETE FROM MCDados.dbo.VENDAS").await;
            });
        });
        selling.join().unwrap();
    };
    let ear = Ear { at: Some((Stage::Extracting, Box::new(sell))), ..Ear::default() };
    let report = bench.carry_out_with(overwrite(Bench::newest()), ear, CancellationToken::new()).await;
    assert_eq!(report.problems[0].code, Code::DatabaseBusy, "{:?}", report.problems);
    assert!(report.problems[0].sentence.pt.contains("dbo.VENDAS"), "{:?}", report.problems);
    let sold = "SELECT * FROM MCDados.dbo.VENDAS";
    assert!(bench.application().await.rows(sold).await.is_empty(), "what was done stands");
    assert_eq!(standing(&bench.workshop.records), None);
    bench.assert_settled(&[LIVE]).await;
    bench.succeed(overwrite(Bench::newest())).await;
    assert!(!bench.application().await.rows(sold).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_source_or_a_cancellation_leaves_the_live_database_untouched() {
    let bench = tight().await;
    let live = bench.application().await.contents(LIVE).await;
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("ruim.zip");
    let mut bytes = fs::read(bench.shop.folder().join("MCDados.zip")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&bad, bytes).unwrap();
    let report = bench.carry_out(overwrite(Bench::file(bad))).await;
    assert_eq!(report.problems[0].code, Code::ArchiveDamaged, "{:?}", report.problems);
    for (kind, action) in [
        (StatementKind::VerifyOnly, Action::Error(refusal())),
        (StatementKind::HeaderOnly, Action::Drop { percent: 0.0 }),
        (StatementKind::Backup, Action::Drop { percent: 40.0 }),
        (StatementKind::Restore, Action::Error(refusal())),
    ] {
        bench.inject(kind, action);
        let report = bench.carry_out(overwrite(Bench::newest())).await;
        bench.shop.standin.handle.clear_faults();
        assert_eq!(report.outcome, Some(Outcome::Failed), "{kind:?}: {report:?}");
        assert_eq!(unfinished(&bench.workshop.records), None, "{kind:?}");
        assert!(bench.application().await.contents(LIVE).await == live, "{kind:?}");
        bench.assert_settled(&[LIVE]).await;
    }
    for stage in [Stage::Safeguarding, Stage::Extracting] {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let ear = Ear { at: Some((stage, Box::new(move || stop.cancel()))), ..Ear::default() };
        let report = bench.carry_out_with(overwrite(Bench::newest()), ear, cancel).await;
        assert_eq!(report.outcome, Some(Outcome::Cancelled), "{stage:?}: {:?}", report.problems);
        assert!(bench.application().await.contents(LIVE).await == live, "{stage:?}");
        bench.assert_settled(&[LIVE]).await;
    }
    // Once SQL Server overwrites it, nobody stops it any more.
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let ear = Ear { at: Some((Stage::Restoring, Box::new(move || stop.cancel()))), ..Ear::default() };
    let report = bench.carry_out_with(overwrite(Bench::newest()), ear, cancel).await;
    assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
}

fn refusal() -> fake_sqlserver::error::SqlError {
    fake_sqlserver::error::SqlError::new(3241, "The media family on device 'x' is incorrectly formed.")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_off_in_the_middle_is_named_and_ended_by_resume_or_undo() {
    let bench = tight().await;
    let mut application = bench.application().await;
    let dumped = application.contents(LIVE).await;
    application.run("DELETE FROM MCDados.dbo.VENDAS").await;
    let live = application.contents(LIVE).await;
    drop(application);
    let full = Action::DiskFull { bytes: 1 << 20 };
    for action in [Action::Drop { percent: 40.0 }, full, Action::Drop { percent: 0.0 }] {
        for resumes in [true, false] {
            let title = format!("{action:?}, resumed: {resumes}");
            bench.inject(StatementKind::Restore, action.clone());
            let report = bench.carry_out(overwrite(Bench::newest())).await;
            assert_eq!(report.outcome, Some(Outcome::Failed), "{title}");
            bench.shop.standin.handle.clear_faults();
            let problem =
                unfinished(&bench.workshop.records).unwrap_or_else(|| panic!("{title}: it is named"));
            assert_eq!(problem.code, Code::RestoreInterrupted, "{title}");
            assert!(
                report.problems.contains(&problem),
                "{title}: whoever asked is told: {:?}",
                report.problems
            );
            recover(&bench.workshop).await.unwrap();
            let early = bench.carry_out(Task::Release { confirm: confirm() }).await;
            assert_eq!(early.problems[0].code, Code::RestoreInterrupted, "{title}");
            if resumes {
                bench.succeed(Task::Resume { confirm: confirm() }).await;
                assert!(bench.application().await.contents(LIVE).await == dumped, "{title}");
                bench.assert_settled(&[LIVE]).await;
            }
            bench.succeed(Task::Undo { confirm: confirm() }).await;
            assert!(bench.application().await.contents(LIVE).await == live, "{title}");
            assert_eq!(unfinished(&bench.workshop.records), None, "{title}");
            bench.assert_settled(&[LIVE]).await;
            bench.shop.clock.advance(chrono::TimeDelta::minutes(1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_the_check_finds_leave_the_way_back() {
    let bench = tight().await;
    let live = bench.application().await.contents(LIVE).await;
    let handle = &bench.shop.standin.handle;
    let spoil = {
        let instance = Arc::clone(handle.instance());
        move || instance.state().database_mut(LIVE).unwrap().damage = Damage::SomePage
    };
    let ear = Ear { at: Some((Stage::Checking, Box::new(spoil))), ..Ear::default() };
    let report = bench.carry_out_with(overwrite(Bench::newest()), ear, CancellationToken::new()).await;
    assert_eq!(report.problems[0].code, Code::RestoreDamaged, "{:?}", report.problems);
    assert!(report.problems[0].hint.pt.contains("--undo"), "{:?}", report.problems);
    let named = unfinished(&bench.workshop.records).expect("it is named");
    assert!(named.sentence.pt.contains("tem erros"), "{named}");
    assert_eq!(bench.carry_out(Task::Release { confirm: confirm() }).await.problems[0].code, named.code);
    bench.succeed(Task::Undo { confirm: confirm() }).await;
    assert!(bench.application().await.contents(LIVE).await == live);
    bench.assert_settled(&[LIVE]).await;
}
