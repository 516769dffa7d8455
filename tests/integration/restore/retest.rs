//! The restore test: what it proves, what it refuses, and that nothing of it ever stays.

use super::bench::{Bench, Ear};
use dmbackup::archive::{self, Level, Manifest, PackOptions, Part};
use dmbackup::backup::outcome::Outcome;
use dmbackup::problem::Code;
use dmbackup::restore::outcome::{RestoreReport, Stage, Task, Verdict};
use dmbackup::restore::{foresee, recover};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use zip::ZipArchive;

const LIVE: &str = "MCDados";

fn newest_at_terminal(bench: &Bench) -> PathBuf {
    bench.shop.terminal().join("MCDados.zip")
}

/// Flips one bit in the middle of the file, under all of its names.
fn spoil(path: &Path) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], middle).unwrap();
}

/// Puts a whole zip at `path` that tells something else of itself than the one that stands there.
fn tell(path: &Path, change: impl FnOnce(&mut Manifest)) {
    let mut old = File::open(path).unwrap();
    let mut manifest = archive::read_manifest(&mut old).unwrap().unwrap();
    change(&mut manifest);
    let (mut dump, mut zip) = (Vec::new(), Cursor::new(Vec::new()));
    ZipArchive::new(old).unwrap().by_index(0).unwrap().read_to_end(&mut dump).unwrap();
    let part = manifest.parts[0].clone();
    let options = PackOptions {
        entry_name: part.name,
        level: Level::default(),
        threads: 1,
        modified: manifest.begun,
        total_bytes: Some(part.bytes),
        source_shown: String::new(),
        sink_shown: String::new(),
    };
    let mut told = |digest: &archive::PartDigest| {
        Ok(Manifest { parts: vec![Part::new(digest, part.verdict.clone())], ..manifest.clone() })
    };
    let cancel = CancellationToken::new();
    archive::pack(&mut &dump[..], &mut zip, &options, &mut |_| (), &|_| (), &mut told, &cancel).unwrap();
    fs::write(path, zip.into_inner()).unwrap();
}

async fn must_fail(bench: &Bench, code: Code, verdict: Verdict) -> RestoreReport {
    let report = bench.carry_out(Task::Test).await;
    assert_eq!(report.outcome, Some(Outcome::Failed), "{report:?}");
    assert_eq!((report.problems[0].code, report.verdict()), (code, Some(verdict)), "{:?}", report.problems);
    bench.assert_settled(&[LIVE]).await;
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_backup_is_proved_from_the_terminals_copy_and_nothing_of_it_stays() {
    let bench = Bench::open().await;
    let mut application = bench.application().await;
    let live = application.contents(LIVE).await;
    let before = bench.shop.snapshot();
    let report = bench.succeed(Task::Test).await;
    let from = report.from.clone().unwrap();
    assert_eq!(from.shown, newest_at_terminal(&bench).display().to_string());
    assert!(from.confirmed, "{from:?}");
    assert_eq!((report.verdict(), report.target.as_deref()), (Some(Verdict::Passed), None));
    assert!(report.statements[0].starts_with("RESTORE DATABASE [MCDados_teste_20220629_"), "{report:?}");
    assert_eq!(report.compared, Some(report.counts.len()), "every table was compared: {:?}", report.counts);
    let rows: Vec<_> = live.iter().map(Vec::len).collect();
    assert_eq!(report.rows(), rows.iter().sum::<usize>() as u64);
    let stages: Vec<_> = report.stages.iter().map(|time| time.stage).collect();
    assert_eq!(
        stages,
        [
            Stage::Preparing,
            Stage::Extracting,
            Stage::Restoring,
            Stage::Checking,
            Stage::Counting,
            Stage::Removing
        ]
    );
    bench.assert_settled(&[LIVE]).await;
    assert!(bench.shop.snapshot() == before && application.contents(LIVE).await == live);
    assert_eq!(bench.workshop.world.journal.restore_tests(9).unwrap(), [report]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_terminal_is_away_the_servers_copy_is_proved() {
    let bench = Bench::open().await;
    fs::rename(bench.shop.terminal(), bench.shop.path("terminal/desligado")).unwrap();
    let report = bench.succeed(Task::Test).await;
    assert_eq!(report.from.unwrap().shown, bench.shop.folder().join("MCDados.zip").display().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_fails_the_test() {
    let bench = Bench::open().await;
    spoil(&newest_at_terminal(&bench));
    let report = must_fail(&bench, Code::ArchiveDamaged, Verdict::Failed).await;
    assert!(report.statements.is_empty(), "nothing was restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_rows_fail_the_test_and_a_backup_that_tells_of_none_passes_it() {
    let bench = Bench::open().await;
    let zip = newest_at_terminal(&bench);
    tell(&zip, |manifest| {
        let sales = manifest.rows.iter_mut().find(|rows| rows.table == "dbo.VENDAS").unwrap();
        (sales.least, sales.most) = (sales.least + 500, sales.most + 500);
    });
    let report = must_fail(&bench, Code::RestoreRows, Verdict::Failed).await;
    assert!(report.problems[0].sentence.pt.contains("dbo.VENDAS"), "{:?}", report.problems);
    assert!(report.counts.iter().any(|count| count.table == "dbo.VENDAS"));

    tell(&zip, |manifest| manifest.rows.clear());
    let report = bench.succeed(Task::Test).await;
    assert_eq!(report.compared, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_change_during_the_dump_or_after_it_are_no_difference() {
    let mut bench = Bench::open().await;
    let held = bench.shop.standin.handle.instance().faults.held();
    bench.inject(StatementKind::Backup, Action::Hold { percent: 0.0 });
    let mut application = bench.application().await;
    let instance = std::sync::Arc::clone(bench.shop.standin.handle.instance());
    let changing = async {
        let faults = &instance.faults;
        crate::support::sqlserver::eventually("the dump to begin", || faults.held() > held).await;
        application.run("DELETE FROM MCDados.dbo.VENDAS").await;
        faults.release();
    };
    tokio::join!(bench.shop.good_run(), changing);
    bench.succeed(Task::Test).await;
    application.run("DELETE FROM MCDados.dbo.CLIENTES").await;
    let report = bench.succeed(Task::Test).await;
    assert!(report.compared.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_room_nothing_is_made_and_the_test_says_so() {
    let mut bench = Bench::open().await;
    let mut config = (*bench.workshop.world.config).clone();
    config.backup.reserve_bytes = 1 << 60;
    bench.workshop.world.config = Arc::new(config);
    let report = must_fail(&bench, Code::SpaceForeseen, Verdict::NoRoom).await;
    assert_eq!(report.stages.len(), 1, "only looked at");
    bench.restart();
    bench.succeed(Task::Test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_on_the_way_leaves_nothing_and_the_next_test_passes() {
    let bench = Bench::open().await;
    for kind in [
        StatementKind::HeaderOnly,
        StatementKind::FileListOnly,
        StatementKind::Restore,
        StatementKind::CheckDb,
    ] {
        bench.inject(kind, Action::Drop { percent: 40.0 });
        let report = bench.carry_out(Task::Test).await;
        assert_eq!(report.verdict(), Some(Verdict::NotMade), "{kind:?}: {:?}", report.problems);
        bench.assert_settled(&[LIVE]).await;
    }
    for percent in [0.0, 50.0] {
        bench.inject(StatementKind::Drop, Action::Drop { percent });
        bench.succeed(Task::Test).await;
        bench.assert_settled(&[LIVE]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_is_stopped_at_any_stage_leaves_nothing() {
    let bench = Bench::open().await;
    for stage in [Stage::Preparing, Stage::Extracting, Stage::Restoring, Stage::Checking, Stage::Counting] {
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let ear = Ear { at: Some((stage, Box::new(move || stop.cancel()))), ..Ear::default() };
        let report = bench.carry_out_with(Task::Test, ear, cancel).await;
        assert_eq!((report.outcome, report.verdict()), (Some(Outcome::Cancelled), None), "{stage:?}");
        assert!(report.problems[0].sentence.pt.contains("retomado"), "{:?}", report.problems);
        bench.assert_settled(&[LIVE]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_could_not_be_removed_is_told_and_removed_later_where_it_is_still_ours() {
    let mut bench = Bench::open().await;
    let busy = fake_sqlserver::error::SqlError::new(3702, "Cannot drop database: it is currently in use.");
    let in_use = || Fault::at(StatementKind::Drop, Action::Error(busy.clone()));
    bench.shop.standin.handle.inject(in_use());
    let report = bench.carry_out(Task::Test).await;
    assert_eq!((report.outcome, report.verdict()), (Some(Outcome::Warning), Some(Verdict::Passed)));
    let left = report.target.expect("it is told");
    bench.assert_settled(&[LIVE, &left]).await;

    bench.restart();
    recover(&bench.workshop).await.expect("somebody who looks into it keeps no backup from being made");
    bench.shop.standin.handle.clear_faults();
    recover(&bench.workshop).await.unwrap();
    bench.assert_settled(&[LIVE]).await;

    // Somebody else's database took its name meanwhile.
    bench.shop.standin.handle.inject(in_use());
    let left = bench.carry_out(Task::Test).await.target.expect("it is told");
    bench.shop.standin.handle.clear_faults();
    let mut application = bench.application().await;
    application.run(&format!("ALTER DATABASE [{left}] MODIFY NAME = [outro]")).await;
    application.run(&format!("ALTER DATABASE [outro] MODIFY NAME = [{left}]")).await;
    recover(&bench.workshop).await.unwrap();
    bench.assert_settled(&[LIVE, &left]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_test_ends_with_the_removal_and_touches_nothing() {
    let bench = Bench::open().await;
    let before = bench.shop.snapshot();
    let now = bench.workshop.world.clock.local_now();
    let plan = foresee(&Task::Test, &bench.workshop, now).await.unwrap();
    assert!(plan.statements[0].contains("[MCDados_teste_20220629_"), "{:?}", plan.statements);
    assert!(plan.statements.last().unwrap().starts_with("DROP DATABASE [MCDados_teste_20220629_"));
    assert!(plan.dump_bytes > 0 && plan.files_bytes > 0 && plan.target.is_none());
    assert!(bench.shop.snapshot() == before);
    bench.assert_settled(&[LIVE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_tells_how_many_rows_it_has() {
    let bench = Bench::open().await;
    let live = bench.application().await.contents(LIVE).await;
    let mut zip = File::open(newest_at_terminal(&bench)).unwrap();
    let manifest = archive::read_manifest(&mut zip).unwrap().unwrap();
    for (table, rows) in crate::support::sql::TABLES.iter().zip(&live) {
        let told = manifest.rows.iter().find(|rows| rows.table == format!("dbo.{table}")).unwrap();
        assert_eq!((told.least, told.most), (rows.len() as u64, rows.len() as u64), "{table}");
    }
}
