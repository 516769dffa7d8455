//! What a hostile or broken file can and cannot do to an extraction.

use super::*;
use crate::bak::Verdict;
use crate::problem::Code;
use chrono::NaiveDate;
use fake_sqlserver::mtf::{DumpRequest, write_backup};
use fake_sqlserver::pages::{Database, Synthetic};
use std::io::Cursor;
use std::ops::ControlFlow;
use zip::write::{SimpleFileOptions, ZipWriter};

fn dump(database: &str) -> Vec<u8> {
    let started = NaiveDate::from_ymd_opt(2022, 6, 28).unwrap().and_hms_opt(14, 0, 0).unwrap();
    let mut pages = Synthetic::new(&Database::new(database), 1, 7).unwrap();
    let mut bytes = Vec::new();
    let request = DumpRequest::new(database, started);
    write_backup(&mut bytes, &request, &mut pages, &mut |_, _| ControlFlow::Continue(())).unwrap();
    bytes
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn looked(bytes: &[u8]) -> Result<Shape> {
    look(&mut Cursor::new(bytes.to_vec()), "MCDados")
}

fn extracted(bytes: &[u8]) -> Result<(Extracted, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join(".x.partial");
    let mut reader = Cursor::new(bytes.to_vec());
    let shape = look(&mut reader, "MCDados")?;
    let cancel = CancellationToken::new();
    let done = extract(&mut reader, &shape, &target, &mut |_| {}, &cancel)?;
    Ok((done, std::fs::read(&target).unwrap()))
}

#[test]
fn a_dump_comes_out_as_it_went_in_and_is_checked_on_the_way() {
    let dump = dump("MCDados");
    for bytes in [dump.clone(), zip(&[("MCDados.bak", &dump)]), zip(&[("leia.txt", b"x"), ("a.BAK", &dump)])]
    {
        let (done, written) = extracted(&bytes).unwrap();
        assert!(written == dump);
        assert_eq!(done.examination.verdict, Verdict::Good);
        assert!(!done.confirmed, "no manifest stands behind it");
        let told = looked(&bytes).unwrap();
        assert_eq!(told.dump_bytes, dump.len() as u64);
        assert_eq!(told.description.unwrap().database, "MCDados");
    }
}

#[test]
fn a_zip_without_a_dump_or_with_several_is_refused() {
    assert_eq!(looked(&zip(&[("leia.txt", b"x")])).unwrap_err().code, Code::ArchiveDamaged);
    let dump = dump("MCDados");
    let several = zip(&[("a.bak", &dump), ("b.bak", &dump)]);
    assert_eq!(looked(&several).unwrap_err().code, Code::RestoreRefused);
    let own = zip(&[("a.bak", b"x"), ("mcdados.bak", &dump)]);
    assert_eq!(looked(&own).unwrap().entry.as_deref(), Some("mcdados.bak"));
}

#[test]
fn entries_that_lead_outside_are_refused_whatever_else_the_zip_holds() {
    let dump = dump("MCDados");
    for name in ["../x.bak", "/etc/cron.d/x", r"..\..\x.bak", r"C:\x.bak", "a/../../b", r"\\loja\x"] {
        let bytes = zip(&[("MCDados.bak", &dump), (name, b"x")]);
        let problem = looked(&bytes).unwrap_err();
        assert_eq!(problem.code, Code::ArchiveDamaged, "{name}: {problem}");
    }
}

#[test]
fn a_dump_that_is_longer_than_it_says_ends_there() {
    let dump = dump("MCDados");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join(".x.partial");
    let mut reader = Cursor::new(dump.clone());
    let shape = Shape { dump_bytes: 100_000, ..look(&mut reader, "MCDados").unwrap() };
    let problem = extract(&mut reader, &shape, &target, &mut |_| {}, &CancellationToken::new()).unwrap_err();
    assert_eq!(problem.code, Code::FolderIo, "{problem}");
    assert!(std::fs::metadata(&target).unwrap().len() <= 100_000);
}

#[test]
fn every_damaged_zip_is_refused_and_none_is_half_believed() {
    let dump = dump("MCDados");
    let bytes = zip(&[("MCDados.bak", &dump)]);
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..40 {
        let mut damaged = bytes.clone();
        let at = random.usize(..damaged.len());
        damaged[at] ^= 1 << random.u8(..8);
        if let Ok((_, written)) = extracted(&damaged) {
            assert!(written == dump, "byte {at}: other content was taken for good");
        }
    }
    for length in [0, 3, 4, 30, bytes.len() / 2, bytes.len() - 1] {
        if let Ok((done, _)) = extracted(&bytes[..length]) {
            assert_ne!(done.examination.verdict, Verdict::Good, "{length}");
        }
    }
}

#[test]
fn a_stopped_extraction_says_so() {
    let dump = dump("MCDados");
    for bytes in [dump.clone(), zip(&[("MCDados.bak", &dump)])] {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Cursor::new(bytes);
        let shape = look(&mut reader, "MCDados").unwrap();
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let mut told = move |_| stop.cancel();
        let stopped = extract(&mut reader, &shape, &folder.path().join("x"), &mut told, &cancel);
        assert_eq!(stopped.unwrap_err().code, Code::RunCancelled);
    }
}
