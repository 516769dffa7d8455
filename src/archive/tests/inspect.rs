//! Inspecting files: what may be said of which.

use super::*;
use crate::bak::Verdict as DumpVerdict;
use crate::problem::Code;
use fake_sqlserver::mtf::{DumpRequest, write_backup};
use fake_sqlserver::pages::{Database, Synthetic};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

/// A dump of 1 MiB of sales.
fn dump() -> Vec<u8> {
    let started = DateTime::parse_from_rfc3339("2022-06-28T09:00:00Z").unwrap().naive_utc();
    let mut pages = Synthetic::new(&Database::new("MCDados"), 1, 7).unwrap();
    let mut dump = Vec::new();
    let request = DumpRequest::new("MCDados", started);
    write_backup(&mut dump, &request, &mut pages, &mut |_, _| ControlFlow::Continue(())).unwrap();
    dump
}

fn inspect_bytes(bytes: &[u8]) -> Result<Inspection> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    inspect(file.path(), &|_| {}, &CancellationToken::new())
}

#[test]
fn a_zip_with_a_good_dump_is_confirmed_and_described() {
    let dump = dump();
    let inspection = inspect_bytes(&zip_of(&dump).0).unwrap();
    assert_eq!(inspection.problem(), None);
    assert!(inspection.confirmed());
    let Content::Zip { dumps, .. } = &inspection.content else { panic!("{inspection:?}") };
    assert_eq!(dumps.len(), 1);
    assert_eq!(dumps[0].examination.verdict, DumpVerdict::Good);
    assert_eq!(dumps[0].examination.description.as_ref().unwrap().database, "MCDados");
    let sentences = inspection.sentences();
    assert!(sentences[0].pt.starts_with("conferido"), "{sentences:?}");
    assert!(sentences[1].pt.starts_with("MCDados.bak: nenhum erro encontrado"), "{sentences:?}");
}

#[test]
fn a_bare_dump_is_never_called_confirmed() {
    let dump = dump();
    let inspection = inspect_bytes(&dump).unwrap();
    assert_eq!(inspection.problem(), None);
    assert!(!inspection.confirmed());
    assert!(inspection.sentences().iter().all(|words| !words.pt.contains("conferido")));
    assert_eq!(inspection.bytes, dump.len() as u64);
    assert!(inspection.sha256.is_some());
}

#[test]
fn a_zip_around_a_damaged_dump_is_whole_and_the_dump_is_not() {
    let mut dump = dump();
    let middle = dump.len() / 2;
    dump[middle] ^= 1;
    let inspection = inspect_bytes(&zip_of(&dump).0).unwrap();
    assert_eq!(inspection.problem().unwrap().code, Code::BackupDamaged);
    assert!(inspection.confirmed(), "it holds what was read when it was made");
    assert_eq!(inspect_bytes(&dump).unwrap().problem().unwrap().code, Code::BackupDamaged);
}

#[test]
fn anything_else_is_told_from_a_backup() {
    for bytes in [b"".as_slice(), b"PK", b"TAPE", b"hello, world"] {
        assert!(inspect_bytes(bytes).unwrap().problem().is_some());
    }
    assert_eq!(inspect_bytes(b"PK\x03\x04rest").unwrap_err().code, Code::ArchiveDamaged);
    let absent = inspect(Path::new("/nowhere/MCDados.zip"), &|_| {}, &CancellationToken::new()).unwrap_err();
    assert_eq!(absent.code, Code::FolderIo);
    assert!(absent.sentence.pt.contains("/nowhere/MCDados.zip"));
}

#[test]
fn an_inspection_is_stopped_at_once() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let file = tempfile::NamedTempFile::new().unwrap();
    for bytes in [zip_of(&rows(1000)).0, rows(1000)] {
        fs::write(file.path(), bytes).unwrap();
        assert_eq!(inspect(file.path(), &|_| {}, &cancel).unwrap_err().code, Code::RunCancelled);
    }
}
