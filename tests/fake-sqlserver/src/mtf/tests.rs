//! What is written is what real files look like: one walker accepts both, and a real file that is written anew is the same.

use super::walk::{Block, Item, Walker};
use super::*;
use crate::pages::{Database, EXTENT_BYTES, PAGE_BYTES, PageVerify, Synthetic};
use chrono::{NaiveDate, NaiveDateTime};
use std::fs::File;
use std::io::{self, BufReader, Cursor};
use std::ops::ControlFlow;
use std::path::PathBuf;

fn noon() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 3, 9).unwrap().and_hms_opt(12, 0, 0).unwrap()
}

fn on(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn synthetic(mib: u32) -> Synthetic {
    Synthetic::new(&Database::new("MCDados"), mib, 7).unwrap()
}

fn written(request: &DumpRequest, pages: &mut dyn PageSource) -> Vec<u8> {
    let mut file = Vec::new();
    write_backup(&mut file, request, pages, &mut on).unwrap();
    file
}

/// The real files of a kind, where the environment names a folder of them.
fn real_files(wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("DMBACKUP_REAL_BAK") else { return Vec::new() };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().is_some_and(|name| wanted(&name.to_string_lossy()))).collect()
}

fn walk_through(file: impl io::Read + io::Seek) -> Result<Vec<String>, walk::Fault> {
    let mut walker = Walker::new(file)?;
    let mut kinds = Vec::new();
    while let Some(item) = walker.step()? {
        let kind = match item {
            Item::Block(block) => block.kind,
            Item::Stream(stream) => stream.id,
        };
        kinds.push(String::from_utf8_lossy(&kind).into_owned());
    }
    Ok(kinds)
}

#[test]
fn synthetic_pages_become_a_file() {
    let mut file = Vec::new();
    let mut seen = Vec::new();
    let mut progress = |done, total| {
        seen.push((done, total));
        ControlFlow::Continue(())
    };
    let request = DumpRequest::new("MCDados", noon());
    let written = write_backup(&mut file, &request, &mut synthetic(1), &mut progress).unwrap();
    assert_eq!(written.bytes, file.len() as u64);
    assert_eq!(written.pages, 144);
    assert_eq!(seen.first(), Some(&(8, 144)));
    assert_eq!(seen.last(), Some(&(144, 144)));
}

#[test]
fn a_backup_that_is_stopped_says_so() {
    let request = DumpRequest::new("MCDados", noon());
    let stop = &mut |_, _| ControlFlow::Break(());
    let error = write_backup(&mut Vec::new(), &request, &mut synthetic(1), stop).unwrap_err();
    assert!(was_stopped(&error));
}

#[test]
fn the_walker_accepts_real_files_and_ours_alike() {
    let ours =
        walk_through(Cursor::new(written(&DumpRequest::new("MCDados", noon()), &mut synthetic(1)))).unwrap();
    const REAL: [&str; 6] = [
        "backup_andrei.bak",
        "database_ravindu.bak",
        "northwind_cconocimientos.bak",
        "northwind_mikhail.bak",
        "northwind_xandelima.bak",
        "pubs_dwipnandi.bak",
    ];
    for path in real_files(|name| REAL.contains(&name)) {
        let mut real = walk_through(BufReader::new(File::open(&path).unwrap())).unwrap();
        // Only the number of virtual log files differs from database to database.
        let logs = real.windows(2).filter(|pair| pair == &["MSTL", "SPAD"]).count();
        for _ in 3..logs {
            let at = real.iter().rposition(|kind| kind == "MSTL").unwrap();
            real.drain(at..at + 2);
        }
        for _ in logs..3 {
            let at = real.iter().rposition(|kind| kind == "MSTL").unwrap();
            real.splice(at..at, ["MSTL".to_owned(), "SPAD".to_owned()]);
        }
        assert_eq!(ours, real, "{}", path.display());
    }
}

/// The pages of a real file, to be written anew.
struct Real {
    header: HeaderInfo,
    pages: Vec<u8>,
    log: Vec<u8>,
    at: usize,
}

impl Real {
    fn read(path: &PathBuf) -> Self {
        let mut walker = Walker::new(BufReader::new(File::open(path).unwrap())).unwrap();
        let (mut pages, mut log) = (Vec::new(), Vec::new());
        while let Some(item) = walker.step().unwrap() {
            let Item::Stream(stream) = item else { continue };
            let into = match &stream.id {
                b"MQDA" if stream.length > 0 => &mut pages,
                b"MQTL" => &mut log,
                _ => continue,
            };
            walker.read(&mut [0; 2]).unwrap();
            into.resize(stream.length as usize - 2, 0);
            assert_eq!(walker.read(into).unwrap(), into.len());
        }
        Self { header: read_header(path).unwrap(), pages, log, at: 0 }
    }

    fn request(&self) -> DumpRequest {
        let told = &self.header;
        DumpRequest {
            database: told.database.clone(),
            server: told.server.clone(),
            machine: told.machine.clone(),
            user: told.user.clone(),
            backup_name: told.backup_name.clone().unwrap(),
            started: told.started.unwrap(),
            finished: Finish::At(told.finished.unwrap()),
            created: told.created.unwrap(),
            zone_quarters: told.zone_quarters,
            version: told.version,
            database_version: told.database_version,
            compatibility: told.compatibility,
            recovery: told.recovery,
            checksum: told.has_checksums(),
            copy_only: told.is_copy_only(),
            ..DumpRequest::new(&told.database, told.started.unwrap())
        }
    }
}

impl PageSource for Real {
    fn files(&self) -> Vec<FileInfo> {
        let info = |row: &FileRow| FileInfo {
            file_id: row.entry.file_id as u16,
            kind: if row.entry.log { FileKind::Log } else { FileKind::Data },
            logical_name: row.entry.logical_name.clone(),
            physical_name: row.entry.physical_name.clone(),
            size_bytes: row.entry.size_bytes,
            unique_id: row.entry.unique_id,
        };
        self.header.files.iter().map(info).collect()
    }

    fn identity(&self) -> Identity {
        let told = &self.header;
        Identity {
            binding: told.binding,
            fork: told.fork,
            first_lsn: told.first_lsn,
            last_lsn: told.last_lsn,
            page_verify: told.page_verify,
        }
    }

    fn total_pages(&self) -> u64 {
        (self.pages.len() / PAGE_BYTES) as u64
    }

    fn next_extent(&mut self, out: &mut [u8; EXTENT_BYTES]) -> io::Result<Option<ExtentId>> {
        let Some(extent) = self.pages.get(self.at..self.at + EXTENT_BYTES) else { return Ok(None) };
        out.copy_from_slice(extent);
        self.at += EXTENT_BYTES;
        Ok(Some(ExtentId { file_id: 1, first_page: 0 }))
    }

    fn log(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.log)
    }
}

/// Where a file written anew may differ from the real one: identities that are made anew, what the request does not tell (the
/// collation, the differential base, the number of the database), which bytes of the log were needed, and the bytes that
/// SQL Server did not clear before its texts.
fn may_differ(kind: &[u8], at: usize) -> bool {
    let places: &[(usize, usize)] = match kind {
        b"TAPE" => &[(52, 56)],
        b"RAID" => &[(22, 38)],
        b"TSMP" => &[(22, 26)],
        b"SSET" => &[(0x64, 0x74)],
        b"MSTL" => &[(60, 76), (114, 116)],
        b"SCIN" => &[
            (0x3e, 0x48),
            (0x58, 0x59),
            (0x5c, 0x5e),
            (0x74, 0x78),
            (0x8c, 0x90),
            (0xc8, 0xdd),
            (0xf6, 0xf8),
            (0x100, 0x105),
        ],
        b"SFIN" => &[(0x18, 0x1c), (0x9e, 0xba), (0xfa, 0x102), (0x106, 0x10e), (0x402, 0x404)],
        _ => &[],
    };
    places.iter().any(|(from, to)| (*from..*to).contains(&at))
}

/// The parts of a file, each with its kind: blocks, streams, and the records of descriptions.
fn parts(file: &[u8]) -> Vec<([u8; 4], usize, usize)> {
    let mut walker = Walker::new(Cursor::new(file)).unwrap();
    let mut parts = Vec::new();
    while let Some(item) = walker.step().unwrap() {
        match item {
            Item::Block(Block { kind, at, bytes }) => parts.push((kind, at as usize, bytes.len())),
            Item::Stream(stream) if stream.id == *b"MQCI" => {
                let (mut at, end) = (stream.at as usize + 22, (stream.at + 22 + stream.length) as usize);
                while at < end {
                    let size = u32::from_le_bytes(file[at + 4..at + 8].try_into().unwrap()) as usize;
                    parts.push((file[at..at + 4].try_into().unwrap(), at, size));
                    at += size;
                }
            }
            Item::Stream(stream) => parts.push((stream.id, stream.at as usize, 22 + stream.length as usize)),
        }
    }
    parts
}

#[test]
fn a_real_file_written_anew_is_the_same() {
    for path in real_files(|name| ["backup_andrei.bak", "database_ravindu.bak"].contains(&name)) {
        let mut real = Real::read(&path);
        let ours = written(&real.request(), &mut real);
        let theirs = std::fs::read(&path).unwrap();
        assert_eq!(parts(&ours), parts(&theirs), "{}", path.display());
        for (kind, from, length) in parts(&theirs) {
            let name = String::from_utf8_lossy(&kind);
            for at in (0..length).filter(|at| !may_differ(&kind, *at)) {
                assert_eq!(ours[from + at], theirs[from + at], "{}: {name} at {at:#x}", path.display());
            }
        }
    }
}

#[test]
fn the_headers_tell_what_the_request_said() {
    let request = DumpRequest {
        backup_name: "MCDados - completo".to_owned(),
        description: "DMBackup, execução 17".to_owned(),
        copy_only: true,
        recovery: Recovery::Full,
        ..DumpRequest::new("MCDados", noon())
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("MCDados.bak");
    std::fs::write(&path, written(&request, &mut synthetic(1))).unwrap();
    let told = read_header(&path).unwrap();
    assert_eq!(told.database, "MCDados");
    assert_eq!(told.server, "CAIXA1\\SQLEXPRESS");
    assert_eq!(told.machine, "CAIXA1");
    assert_eq!(told.backup_name.as_deref(), Some("MCDados - completo"));
    assert_eq!(told.backup_description.as_deref(), Some("DMBackup, execução 17"));
    assert_eq!((told.started, told.finished), (Some(noon()), Some(noon())));
    assert_eq!(told.flags, 512 + 16 + 1024);
    assert_eq!(told.recovery, Recovery::Full);
    assert_eq!(told.collation, Some("Latin1_General_CI_AS"));
    assert_eq!(told.version, ServerVersion { major: 16, minor: 0, build: 1000 });
    assert_eq!(told.zone_quarters, -12);
    let names: Vec<_> = told.files.iter().map(|row| (row.entry.logical_name.as_str(), row.kind)).collect();
    assert_eq!(names, [("MCDados", 'D'), ("MCDados_log", 'L')]);
    assert_eq!(told.files[0].entry.backup_bytes, 144 * 8192);
    assert!(told.files[0].entry.base_set.is_nil(), "a copy-only backup is no differential base");
}

#[test]
fn the_headers_of_real_files_are_told() {
    for path in real_files(|name| name == "northwind_mikhail.bak") {
        let told = read_header(&path).unwrap();
        assert_eq!(told.database, "Northwind");
        assert_eq!(told.version.major, 10);
        assert_eq!(told.compatibility, 90);
        assert!(!told.is_copy_only() && !told.has_checksums());
        assert_eq!((told.recovery, told.page_verify), (Recovery::Simple, PageVerify::Checksum));
        assert_eq!(told.files.len(), 2);
        assert_eq!(told.first_lsn.number(), 81_000_000_010_200_036);
    }
}
