//! Files that must not be restored: refused in a sentence, before anything is touched.

use super::bench::Bench;
use crate::support::sqlserver::{StandIn, request, silent};
use dmbackup::backup::outcome::Outcome;
use dmbackup::problem::Code;
use dmbackup::restore::outcome::{Place, Source, Task};
use dmbackup::slot::{Hour, Set};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::mtf::Stripe;
use fake_sqlserver::options::DatabaseOptions;
use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Restores from a file with this content, which must be refused with one of `codes`, and holds that nothing came of it.
async fn refused(bench: &Bench, title: &str, content: &[u8], codes: &[Code]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zip");
    fs::write(&path, content).unwrap();
    refused_at(bench, title, path, codes).await;
}

async fn refused_at(bench: &Bench, title: &str, path: PathBuf, codes: &[Code]) {
    let source = || Bench::file(path.clone());
    for task in [Task::Beside { source: source() }, Bench::replace(source())] {
        let title = format!("{title}: {task:?}");
        let report = bench.carry_out(task).await;
        assert_eq!(report.outcome, Some(Outcome::Failed), "{title}");
        let problem = &report.problems[0];
        assert!(codes.contains(&problem.code), "{title}: {problem}");
        assert!(report.statements.is_empty() && report.target.is_none(), "{title}: {report:?}");
        bench.assert_settled(&["MCDados"]).await;
    }
}

fn zip(bench: &Bench) -> Vec<u8> {
    fs::read(bench.shop.folder().join("MCDados.zip")).unwrap()
}

/// Where a page of rows with a checksum begins.
fn data_page(dump: &[u8]) -> usize {
    let is_page = |page: &[u8; 8192]| {
        page[1] == 1
            && page[60..64] != [0; 4]
            && dmbackup::bak::page_checksum(page).to_le_bytes() == page[60..64]
    };
    let found =
        (0..dump.len() - 8192).step_by(512).find(|at| dump[*at..at + 8192].try_into().is_ok_and(&is_page));
    found.expect("a page of rows")
}

fn dump(bench: &Bench) -> Vec<u8> {
    fs::read(bench.shop.folder().join("MCDados.bak")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_and_foreign_files_are_refused_before_anything_is_touched() {
    let bench = Bench::open().await;
    let (zip, dump) = (zip(&bench), dump(&bench));
    let damaged = [Code::ArchiveDamaged, Code::FolderIo, Code::BackupDamaged, Code::BackupTruncated];
    for at in [0, 40, zip.len() / 3, zip.len() / 2, zip.len() - 40, zip.len() - 4] {
        let mut bad = zip.clone();
        bad[at] ^= 0x10;
        let codes = [&damaged[..], &[Code::BackupNotABackup, Code::ArchiveNewer]].concat();
        refused(&bench, &format!("a flipped bit at {at}"), &bad, &codes).await;
    }
    for length in [0, 10, zip.len() / 2, zip.len() - 1] {
        let codes = [&damaged[..], &[Code::BackupNotABackup]].concat();
        refused(&bench, &format!("cut at {length}"), &zip[..length], &codes).await;
    }
    refused(&bench, "garbage", &[7; 100_000], &[Code::BackupNotABackup]).await;
    refused(
        &bench,
        "a truncated dump",
        &dump[..dump.len() / 2],
        &[Code::BackupTruncated, Code::BackupDamaged],
    )
    .await;
    let mut bad = dump.clone();
    let page = data_page(&bad);
    bad[page + 4_000] ^= 8;
    refused(&bench, "a damaged page", &bad, &damaged).await;
    bench.beside().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_is_no_file_is_refused() {
    let bench = Bench::open().await;
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("nada.zip");
    refused_at(&bench, "absent", absent, &[Code::RestoreRefused]).await;
    refused_at(&bench, "a folder", folder.path().to_owned(), &[Code::RestoreRefused]).await;
    refused_at(&bench, "a device", "/dev/zero".into(), &[Code::RestoreRefused]).await;
    refused_at(&bench, "relative", "x.zip".into(), &[Code::RestoreRefused]).await;
    let hour = Set::Hour(Hour::new(23).unwrap());
    let empty = Source::Set { set: hour, place: Place::Terminal };
    let report = bench.carry_out(Task::Beside { source: empty }).await;
    assert_eq!(report.problems[0].code, Code::RestoreRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backup_of_another_database_is_refused() {
    let bench = Bench::open().await;
    let other = StandIn::start_with(|options| options.database(DatabaseOptions::rows("Vendas", 50)));
    let path = dumped_by(&other, "Vendas").await;
    refused_at(&bench, "another database", path, &[Code::BackupOtherDatabase]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_does_not_fit_is_refused_before_anything_is_made() {
    let mut bench = Bench::open().await;
    let mut config = (*bench.shop.world.config).clone();
    config.backup.reserve_bytes = u64::MAX / 2;
    bench.shop.world.config = std::sync::Arc::new(config);
    bench.restart();
    let before = bench.shop.snapshot();
    for task in [Task::Beside { source: Bench::newest() }, Bench::replace(Bench::newest())] {
        let report = bench.carry_out(task).await;
        assert_eq!(report.problems[0].code, Code::SpaceForeseen, "{:?}", report.problems);
        assert!(report.statements.is_empty());
        bench.assert_settled(&["MCDados"]).await;
    }
    assert!(bench.shop.snapshot() == before, "not even a safety backup was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_of_other_shops_are_refused_in_a_clear_sentence() {
    let files = crate::bak_real::good_files();
    if files.is_empty() {
        return;
    }
    let bench = Bench::open().await;
    let folder = tempfile::tempdir().unwrap();
    for real in files {
        let path = folder.path().join(&real.name);
        fs::write(&path, &real.bytes).unwrap();
        for task in [Task::Beside { source: Bench::file(path.clone()) }, Bench::replace(Bench::file(path))] {
            let report = bench.carry_out(task).await;
            let problem = &report.problems[0];
            assert_eq!(problem.code, Code::BackupOtherDatabase, "{}: {problem}", real.name);
            assert!(problem.sentence.pt.contains(&real.database), "{}: {problem}", real.name);
            assert!(report.statements.is_empty() && report.target.is_none(), "{}", real.name);
            bench.assert_settled(&["MCDados"]).await;
        }
    }
}

/// The dump of `database` that `server` makes.
async fn dumped_by(server: &StandIn, database: &str) -> PathBuf {
    let path = server.device("x.bak");
    let cancel = CancellationToken::new();
    server.server("sa").backup(&request(database, &path), &silent, &cancel).await.unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backup_of_a_newer_server_and_a_part_of_several_are_refused() {
    let bench = Bench::open().await;
    let newer = StandIn::start_with(|mut options| {
        options.identity.version = (17, 0, 1000);
        options
    });
    refused_at(&bench, "a newer server", dumped_by(&newer, "MCDados").await, &[Code::RestoreRefused]).await;
    let striped = StandIn::start();
    let part = Action::Stripe(Stripe { number: 1, count: 2 });
    striped.handle.inject(Fault::at(StatementKind::Backup, part));
    refused_at(&bench, "a stripe", dumped_by(&striped, "MCDados").await, &[Code::BackupStripe]).await;
}

/// The zip of another program.
fn foreign(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Writes `bytes` over the field at `offset` of the only entry's header in the zip's directory, and at `local` of the one before its
/// content.
fn patch(zip: &mut [u8], [offset, local]: [usize; 2], bytes: &[u8]) {
    let directory = zip.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    for at in [directory + offset, local] {
        zip[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

/// Where the two headers of an entry have its flags, and the size of its content.
const FLAGS: [usize; 2] = [8, 6];
const SIZE: [usize; 2] = [24, 22];

#[tokio::test(flavor = "multi_thread")]
async fn zips_that_were_made_to_do_harm_are_refused() {
    let bench = Bench::open().await;
    let dump = dump(&bench);
    for name in ["../fora.bak", r"..\..\fora.bak", "/etc/cron.d/x", r"C:\x.bak", r"\\loja\x.bak"] {
        let zip = foreign(&[("MCDados.bak", &dump), (name, b"x")]);
        refused(&bench, name, &zip, &[Code::ArchiveDamaged]).await;
    }
    let several = foreign(&[("a.bak", &dump), ("b.bak", &dump)]);
    refused(&bench, "several dumps", &several, &[Code::RestoreRefused]).await;
    refused(&bench, "no dump", &foreign(&[("leia.txt", b"x")]), &[Code::ArchiveDamaged]).await;

    let good = foreign(&[("MCDados.bak", &dump)]);
    let mut encrypted = good.clone();
    patch(&mut encrypted, FLAGS, &[1]);
    refused(&bench, "encrypted", &encrypted, &[Code::RestoreRefused]).await;
    let size = u32::try_from(dump.len()).unwrap();
    for wrong in [0, 1_000, size - 1, size + 1, 2 * size] {
        let mut lying = good.clone();
        patch(&mut lying, SIZE, &wrong.to_le_bytes());
        let codes = [Code::ArchiveDamaged, Code::BackupNotABackup, Code::BackupTruncated];
        refused(&bench, &format!("{wrong} bytes instead of {size}"), &lying, &codes).await;
    }
    let bomb = foreign(&[("MCDados.bak", &vec![0; 32 << 20])]);
    assert!(bomb.len() < 100_000);
    refused(&bench, "a bomb", &bomb, &[Code::BackupNotABackup, Code::ArchiveDamaged]).await;
    let mut quiet = bomb;
    patch(&mut quiet, SIZE, &1_000_u32.to_le_bytes());
    refused(&bench, "a bomb that hides its size", &quiet, &[Code::ArchiveDamaged]).await;
    bench.beside().await;
}
