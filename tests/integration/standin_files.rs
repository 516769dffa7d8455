//! The files of the SQL Server stand-in against the product's reader, which was written from real files alone.

use dmbackup::bak::{Checker, Examination, FindingKind, Verdict};
use dmbackup::problem::Code;
use fake_sqlserver::mtf::damage::{Place, find, flip_bit};
use fake_sqlserver::mtf::{DumpRequest, PageSource, Stripe, write_backup};
use fake_sqlserver::pages::{Builder, Database, PageVerify, Synthetic};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

fn request() -> DumpRequest {
    let noon = chrono::NaiveDate::from_ymd_opt(2026, 3, 9).unwrap().and_hms_opt(12, 0, 0).unwrap();
    DumpRequest {
        backup_name: "DMBackup MCDados".to_owned(),
        description: "Cópia da hora".to_owned(),
        copy_only: true,
        ..DumpRequest::new("MCDados", noon)
    }
}

/// What is written goes straight to the reader.
struct Examined(Checker);

impl Write for Examined {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.feed(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn examine(request: &DumpRequest, pages: &mut dyn PageSource) -> Examination {
    let mut examined = Examined(Checker::new());
    write_backup(&mut examined, request, pages, &mut |_, _| ControlFlow::Continue(())).unwrap();
    examined.0.finish()
}

fn synthetic(mib: u32) -> Synthetic {
    Synthetic::new(&Database::new("MCDados"), mib, 3).unwrap()
}

fn write(path: &Path, pages: &mut dyn PageSource) {
    let mut file = std::fs::File::create(path).unwrap();
    write_backup(&mut file, &request(), pages, &mut |_, _| ControlFlow::Continue(())).unwrap();
}

#[test]
fn the_reader_finds_nothing_wrong_with_the_stand_in_s_files() {
    for mib in [1, 10, 130] {
        let found = examine(&request(), &mut synthetic(mib));
        assert_eq!(found.verdict, Verdict::Good, "{mib} MiB: {:?}", found.findings);
        assert!(found.protected_percent().unwrap() > 98.0);
        assert_eq!(found.pages.bad, 0);
    }
}

#[test]
fn the_reader_follows_the_stand_in_beyond_four_gibibytes() {
    let found = examine(&request(), &mut synthetic(4_320));
    assert_eq!(found.verdict, Verdict::Good, "{:?}", found.findings);
    assert!(found.bytes > 4_300 << 20);
    assert!(found.pages.allocated > 552_000 && found.pages.unprotected < 10, "{:?}", found.pages);
}

#[test]
fn the_reader_tells_what_the_stand_in_wrote() {
    let told = examine(&request(), &mut synthetic(1)).description.unwrap();
    assert_eq!(told.database, "MCDados");
    assert_eq!(told.server, "CAIXA1\\SQLEXPRESS");
    assert_eq!(told.machine, "CAIXA1");
    assert_eq!(told.name, "DMBackup MCDados");
    assert_eq!(told.text, "Cópia da hora");
    assert_eq!((told.compatibility, told.database_version), (160, 957));
    assert_eq!((told.stripe, told.stripes), (1, 1));
    assert_eq!(told.utc_offset_minutes, Some(-180));
    assert!(told.copy_only && told.checksums);
    assert_eq!(told.files.len(), 2);
}

#[test]
fn the_reader_accepts_rows_of_a_database_under_every_protection() {
    for (page_verify, percent) in
        [(PageVerify::Checksum, 50.0), (PageVerify::TornPage, 0.0), (PageVerify::None, 0.0)]
    {
        let connection = rows();
        let database = Database { page_verify, ..Database::new("MCDados") };
        let found = examine(&request(), &mut Builder::new(&database, connection).unwrap());
        assert_eq!(found.verdict, Verdict::Good, "{page_verify:?}: {:?}", found.findings);
        assert!(found.protected_percent().unwrap() >= percent);
    }
}

fn rows() -> rusqlite::Connection {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    let script = "CREATE TABLE PRODUTOS (ID INT, NOME NVARCHAR(60));
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO PRODUTOS SELECT i, 'Produto ' || i FROM n;";
    connection.execute_batch(script).unwrap();
    connection
}

#[test]
fn the_reader_finds_the_damage_that_the_stand_in_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("MCDados.bak");
    let places = [
        (Place::Page(100), Code::BackupDamaged),
        (Place::Block(*b"SSET"), Code::BackupDamaged),
        (Place::Stream(*b"MQDA"), Code::BackupDamaged),
        (Place::Padding, Code::BackupDamaged),
    ];
    for (place, code) in places {
        write(&path, &mut synthetic(1));
        flip_bit(&path, place, 777).unwrap();
        let found = dmbackup::bak::examine(&path).unwrap();
        assert_eq!(found.verdict, Verdict::Damaged, "{place:?}");
        assert_eq!(found.problem(None).unwrap().code, code, "{place:?}");
    }
    write(&path, &mut synthetic(1));
    flip_bit(&path, Place::Page(13), 4_000).unwrap();
    let found = dmbackup::bak::examine(&path).unwrap();
    assert_eq!(found.verdict, Verdict::Good, "page 13 belongs to nobody: {:?}", found.findings);
    let (at, bytes) = find(&path, Place::Page(104)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let lost = [&whole[..at as usize], &whole[at as usize + 8 * bytes as usize..]].concat();
    std::fs::write(&path, lost).unwrap();
    assert_eq!(dmbackup::bak::examine(&path).unwrap().verdict, Verdict::Damaged);
}

#[test]
fn the_reader_misses_the_other_stripe() {
    let striped = DumpRequest { stripe: Some(Stripe { number: 1, count: 2 }), ..request() };
    let found = examine(&striped, &mut synthetic(2));
    assert_eq!(found.verdict, Verdict::Damaged);
    assert!(found.has(FindingKind::Stripe), "{:?}", found.findings);
}
