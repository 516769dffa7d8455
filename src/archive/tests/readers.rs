//! The zips before the programs that shops have: each must find it whole, list both entries and give back the same bytes,
//! also those that read it as a stream and never see the directory.

use super::*;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program, which the checks install; what it prints, if it succeeds.
fn run(program: &str, arguments: &[&str], zip: &Path, stdin: Stdio) -> Vec<u8> {
    let arguments = arguments.iter().map(|argument| argument.replace("ZIP", zip.to_str().unwrap()));
    let output = Command::new(program).args(arguments).stdin(stdin).env("TZ", "America/Sao_Paulo").output();
    let output =
        output.unwrap_or_else(|cause| panic!("{program} is needed (cargo xtask test installs it): {cause}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {}{errors}", String::from_utf8_lossy(&output.stdout));
    assert!(!errors.to_lowercase().contains("warning"), "{program}: {errors}");
    output.stdout
}

/// Every reader, on one zip that holds `data`.
fn every_reader_accepts(zip: &[u8], name: &str, data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = &folder.path().join("x.zip");
    fs::write(path, zip).unwrap();
    let from_file = || Stdio::from(File::open(path).unwrap());

    run("unzip", &["-tqq", "ZIP"], path, Stdio::null());
    run("zip", &["-T", "ZIP"], path, Stdio::null());
    run("7zz", &["t", "ZIP"], path, Stdio::null());
    assert!(run("unzip", &["-p", "ZIP", name], path, Stdio::null()) == data);
    assert!(run("7zz", &["x", "-so", "ZIP", name], path, Stdio::null()) == data);
    assert!(run("bsdtar", &["-xOf", "ZIP", name], path, Stdio::null()) == data);

    // Without a name, so that both entries pass by, and nobody can look at the directory first.
    let streamed = run("bsdtar", &["-xOf", "-"], path, from_file());
    let (part, manifest) = streamed.split_at(data.len());
    assert!(part == data);
    assert!(Manifest::read(manifest).is_ok(), "the entry behind the part");
    let names = String::from_utf8(run("bsdtar", &["-tf", "-"], path, from_file())).unwrap();
    assert_eq!(names.lines().collect::<Vec<_>>(), [name, "manifest.json"]);

    let archive = rawzip::ZipArchive::from_slice(zip).unwrap();
    let entries: Vec<_> = archive.entries().map(|entry| entry.unwrap()).collect();
    let sizes: Vec<_> = entries.iter().map(|entry| entry.uncompressed_size_hint()).collect();
    assert_eq!(sizes, [data.len() as u64, manifest.len() as u64]);
    assert!(entries.iter().all(|entry| !entry.flags().has_data_descriptor()));
}

#[test]
fn every_reader_accepts_a_compressed_dump() {
    for data in [rows(3 * BLOCK_BYTES + 12_345), rows(10), Vec::new(), vec![0; 2 * BLOCK_BYTES]] {
        every_reader_accepts(&zip_of(&data).0, "MCDados.bak", &data);
    }
}

#[test]
fn every_reader_accepts_a_stored_dump() {
    let data = noise(BLOCK_BYTES + 1);
    every_reader_accepts(&zip_of(&data).0, "MCDados.bak", &data);
}

#[test]
fn every_reader_accepts_the_64_bit_form_that_a_dump_of_unknown_size_gets() {
    for data in [rows(BLOCK_BYTES + 5), noise(1000)] {
        let mut zip = Cursor::new(Vec::new());
        pack_quietly(&mut data.as_slice(), &mut zip, &options(None)).unwrap();
        let zip = zip.into_inner();
        assert_eq!(zip[4], 45, "version needed");
        every_reader_accepts(&zip, "MCDados.bak", &data);
    }
}

#[test]
fn every_reader_finds_a_name_beyond_ascii() {
    let data = rows(5000);
    let mut zip = Cursor::new(Vec::new());
    let options = PackOptions { entry_name: "Promoção.bak".to_owned(), ..options(Some(5000)) };
    pack_quietly(&mut data.as_slice(), &mut zip, &options).unwrap();
    let names: Vec<_> =
        zip::ZipArchive::new(zip).unwrap().file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["Promoção.bak", "manifest.json"]);
}

#[test]
fn the_entries_carry_the_time_on_the_shops_wall() {
    let folder = tempfile::tempdir().unwrap();
    let path = &folder.path().join("x.zip");
    fs::write(path, zip_of(b"x").0).unwrap();
    let listed = String::from_utf8(run("unzip", &["-l", "ZIP"], path, Stdio::null())).unwrap();
    assert_eq!(listed.matches("2022-06-28 09:30").count(), 2, "{listed}");
}
