//! Zips that are damaged, cut, forged, of others, or endless.

use super::*;
use crate::archive::testing::test as test_zip;
use crate::archive::writer::{Content, ZipWriter};
use crate::problem::Code;
use proptest::prelude::*;
use std::io::{self, Seek, SeekFrom};

fn test_deep(zip: &[u8]) -> Result<TestReport> {
    test_zip(&mut Cursor::new(zip), Depth::Content, &mut |_, _| {}, &CancellationToken::new())
}

/// Whether a zip passes for a whole one, even one without proof.
fn passes(zip: &[u8]) -> bool {
    test_deep(zip).is_ok_and(|report| report.problem().is_none())
}

fn flipped(zip: &[u8], bit: usize) -> Vec<u8> {
    let mut zip = zip.to_vec();
    zip[bit / 8] ^= 1 << (bit % 8);
    zip
}

#[test]
fn a_whole_zip_is_confirmed_and_its_content_is_shown_in_order() {
    let data = rows(2 * BLOCK_BYTES + 1);
    let (zip, packed) = zip_of(&data);
    let mut seen = Vec::new();
    let mut observe = |name: &str, piece: &[u8]| {
        if name == "MCDados.bak" {
            seen.extend_from_slice(piece);
        }
    };
    let report =
        test_zip(&mut Cursor::new(&zip), Depth::Content, &mut observe, &CancellationToken::new()).unwrap();
    assert!(seen == data);
    assert!(report.confirmed());
    assert!(report.sentence().pt.starts_with("conferido"));
    assert_eq!(report.manifest.as_ref(), Some(&packed.manifest));
    let mut back = ReadBack::new(packed.seal);
    back.feed(&zip);
    assert_eq!(report.sha256, Some(back.finish("x").unwrap()));
    assert_eq!(report.entries[0].proof, Proof::Manifest);
    assert_eq!(report.entries[0].sha256, Some(packed.part.sha256));
}

#[test]
fn the_structure_alone_proves_no_content() {
    let (zip, _) = zip_of(&rows(1000));
    let shallow =
        test_zip(&mut Cursor::new(zip), Depth::Structure, &mut |_, _| {}, &CancellationToken::new()).unwrap();
    assert_eq!(shallow.problem(), None);
    assert!(!shallow.confirmed());
    assert!(!shallow.sentence().pt.contains("conferido"));
}

#[test]
fn every_flipped_bit_of_a_zip_is_found() {
    for total in [Some(3000), None] {
        let mut zip = Cursor::new(Vec::new());
        pack_quietly(&mut rows(3000).as_slice(), &mut zip, &options(total)).unwrap();
        let zip = zip.into_inner();
        assert!(passes(&zip));
        for bit in 0..zip.len() * 8 {
            assert!(!passes(&flipped(&zip, bit)), "bit {bit} of byte {} of {}", bit % 8, bit / 8);
        }
    }
}

#[test]
fn every_flipped_bit_around_the_joints_of_the_blocks_is_found_though_some_change_nothing() {
    let mut data = vec![0; BLOCK_BYTES];
    data.extend(rows(500));
    let (zip, _) = zip_of(&data);
    let joint = zip.windows(4).position(|four| four == [0, 0, 0xFF, 0xFF]).unwrap();
    let mut harmless = 0;
    for bit in (joint - 3) * 8..(joint + 6) * 8 {
        let report = test_deep(&flipped(&zip, bit)).unwrap();
        assert!(report.problem().is_some(), "bit {bit}");
        harmless += usize::from(report.entries[0].problem.is_none());
    }
    assert!(harmless > 0, "padding is not decoded, so only the CRC of what stands in the zip can tell");
}

#[test]
fn a_zip_that_is_cut_anywhere_is_refused() {
    let (zip, _) = zip_of(&rows(3000));
    for len in 0..zip.len() {
        assert!(!passes(&zip[..len]), "{len} bytes");
        assert_eq!(read_manifest(&mut Cursor::new(&zip[..len])).unwrap_err().code, Code::ArchiveDamaged);
    }
    assert!(!passes(&[zip.as_slice(), b"x"].concat()));
    assert!(!passes(&[b"x", zip.as_slice()].concat()));
}

/// A zip with `data` and this manifest, whatever it says.
fn zip_with(data: &[u8], manifest: &Manifest) -> Vec<u8> {
    let mut zip = Cursor::new(Vec::new());
    let modified = crate::archive::records::Modified { dos_time: 0, dos_date: 0x21, unix: None };
    let mut writer = ZipWriter::begin(&mut zip, modified, "MCDados.bak", Some(1)).unwrap();
    writer.write(data).unwrap();
    let content = Content { method: Method::Stored, bytes: data.len() as u64, crc32: crc32fast::hash(data) };
    writer.end_part(content).unwrap();
    writer.add_stored(MANIFEST_NAME, &manifest.to_json().unwrap()).unwrap();
    writer.finish().unwrap();
    zip.into_inner()
}

#[test]
fn content_that_the_manifest_does_not_record_is_damage_even_in_a_perfect_zip() {
    let data = rows(100);
    let (_, packed) = zip_of(&data);
    let stored =
        Part { packed_bytes: 100, packed_crc32: crc32fast::hash(&data), ..Part::new(&packed.part, None) };
    assert!(test_deep(&zip_with(&data, &sample(vec![stored.clone()]))).unwrap().confirmed());

    let other = Part { sha256: Sha256Sum([0; 32]), ..stored.clone() };
    let longer = Part { bytes: 101, ..stored.clone() };
    let absent = Part { name: "Outro.bak".to_owned(), ..stored.clone() };
    for parts in [vec![other], vec![longer], vec![stored, absent], Vec::new()] {
        let report = test_deep(&zip_with(&data, &sample(parts))).unwrap();
        assert_eq!(report.problem().map(|problem| problem.code), Some(Code::ArchiveDamaged));
        assert!(!report.confirmed());
    }
}

#[test]
fn a_zip_of_a_newer_version_is_told_from_a_damaged_one() {
    let zip = zip_with(b"x", &Manifest { format: 2, ..sample(Vec::new()) });
    assert_eq!(read_manifest(&mut Cursor::new(&zip)).unwrap_err().code, Code::ArchiveNewer);
    assert_eq!(test_deep(&zip).unwrap_err().code, Code::ArchiveNewer);
}

/// A zip as another program makes it.
fn foreign(entries: usize, data: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..entries {
        writer.start_file(format!("arquivo {number}.txt"), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_zip_of_another_program_is_tested_but_not_confirmed() {
    let report = test_deep(&foreign(3, &rows(5000))).unwrap();
    assert_eq!(report.problem(), None);
    assert_eq!(report.entries.iter().filter(|entry| entry.proof == Proof::Checksum).count(), 3);
    assert!(!report.confirmed());
    assert!(report.sentence().pt.contains("não traz manifesto"));
    assert_eq!(read_manifest(&mut Cursor::new(foreign(1, b"x"))).unwrap(), None);
}

#[test]
fn a_bomb_is_refused_without_being_inflated() {
    let bomb = foreign(1, &vec![0; 10 << 20]);
    let central = bomb.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    let mut seen = 0;
    for size in [0, 1, 1 << 20, (10 << 20) - 1, (10 << 20) + 1, u32::MAX - 1] {
        let mut lying = bomb.clone();
        lying[central + 24..central + 28].copy_from_slice(&size.to_le_bytes());
        let mut observe = |_: &str, piece: &[u8]| seen += piece.len();
        let report =
            test_zip(&mut Cursor::new(&lying), Depth::Content, &mut observe, &CancellationToken::new())
                .unwrap();
        assert!(report.entries[0].problem.is_some(), "declared as {size} bytes");
    }
    assert!(seen <= (1 << 20) + 2 * (10 << 20), "never more than what was declared");
}

#[test]
fn a_directory_of_very_many_entries_costs_no_memory() {
    let crowd = foreign(60_000, b"");
    assert_eq!(test_deep(&crowd).unwrap_err().code, Code::ArchiveDamaged);
    assert_eq!(read_manifest(&mut Cursor::new(&crowd)).unwrap_err().code, Code::ArchiveDamaged);
}

#[test]
fn an_empty_zip_is_not_a_backup() {
    assert!(!passes(&foreign(0, b"")));
}

#[test]
fn a_test_is_stopped_at_once() {
    let (zip, _) = zip_of(&rows(1000));
    let cancel = CancellationToken::new();
    cancel.cancel();
    let result = test_zip(&mut Cursor::new(&zip), Depth::Content, &mut |_, _| {}, &cancel);
    assert_eq!(result.unwrap_err().code, Code::RunCancelled);
}

/// A disk that fails at one place.
struct BadSector(Cursor<Vec<u8>>, u64);

impl Read for BadSector {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.0.position() + buffer.len() as u64;
        if (self.0.position()..end).contains(&self.1) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.0.read(buffer)
    }
}

impl Seek for BadSector {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_disk_that_fails_is_told_from_a_damaged_zip() {
    let (zip, _) = zip_of(&rows(100_000));
    for at in (0..zip.len() as u64).step_by(97) {
        let mut disk = BadSector(Cursor::new(zip.clone()), at);
        let result = test_zip(&mut disk, Depth::Content, &mut |_, _| {}, &CancellationToken::new());
        assert_eq!(result.unwrap_err().code, Code::FolderIo, "at byte {at}");
    }
}

proptest! {
    #[test]
    fn whatever_the_bytes_reading_neither_panics_nor_passes_them(
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..6), 0usize..9), 1..6),
        wide: bool,
    ) {
        let mut zip = Cursor::new(Vec::new());
        let total = if wide { None } else { Some(2000) };
        pack_quietly(&mut rows(2000).as_slice(), &mut zip, &options(total)).unwrap();
        let whole = zip.into_inner();
        let mut zip = whole.clone();
        for (at, put, drop) in edits {
            let at = at.index(zip.len() + 1);
            let end = zip.len().min(at + drop);
            zip.splice(at..end, put);
        }
        prop_assert!(zip == whole || !passes(&zip));
        let _either = read_manifest(&mut Cursor::new(&zip));
    }

    #[test]
    fn arbitrary_bytes_are_no_zip(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!passes(&bytes));
    }
}
