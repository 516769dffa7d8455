//! What a backup file says of itself: the texts and numbers of its `TAPE`, `SSET` and `VOLB` blocks and of its `MQCI` stream.
//! Nothing of it carries a checksum.

use super::frame::{u16_at, u32_at, u64_at};
use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

/// More files than this are not listed.
const FILES: usize = 64;
/// `SSET` attributes of a full backup ("normal" in the words of the tape format).
const SET_FULL: u32 = 4;
/// Flags of the description, as `RESTORE HEADERONLY` shows them.
const FLAG_CHECKSUMS: u32 = 16;
const FLAG_COPY_ONLY: u32 = 1024;

/// The server's build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// 14 for SQL Server 2017, and so on.
    pub major: u8,
    /// 50 for SQL Server 2008 R2, else 0.
    pub minor: u8,
    /// Build within the version.
    pub build: u16,
}

impl Build {
    /// The name under which the version is sold: `SQL Server 2017`; `None` for one that came later.
    pub fn product(self) -> Option<&'static str> {
        Some(match (self.major, self.minor) {
            (8, _) => "SQL Server 2000",
            (9, _) => "SQL Server 2005",
            (10, 50..) => "SQL Server 2008 R2",
            (10, _) => "SQL Server 2008",
            (11, _) => "SQL Server 2012",
            (12, _) => "SQL Server 2014",
            (13, _) => "SQL Server 2016",
            (14, _) => "SQL Server 2017",
            (15, _) => "SQL Server 2019",
            (16, _) => "SQL Server 2022",
            (17, _) => "SQL Server 2025",
            _ => return None,
        })
    }
}

impl std::fmt::Display for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// A file of the database that was backed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFile {
    /// Number of the file within the database.
    pub id: u32,
    /// Its logical name, which `RESTORE … WITH MOVE` wants.
    pub logical_name: String,
    /// Its path on the server.
    pub path: String,
    /// Whether it is the transaction log.
    pub log: bool,
    /// Its size in bytes.
    pub bytes: u64,
    /// Pages of it that the backup holds, as announced; 0 where nothing is announced.
    pub pages: u32,
}

/// What a backup file says of itself. Instants are the server's local time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The program that wrote it: `Microsoft SQL Server`.
    pub software: String,
    /// The server instance: `LOJA\SQLEXPRESS`.
    pub server: String,
    /// The machine.
    pub machine: String,
    /// The Windows or SQL login that ordered the backup.
    pub user: String,
    /// The database.
    pub database: String,
    /// Internal version of the database: 869 for SQL Server 2017, and so on.
    pub database_version: u16,
    /// Compatibility level: 140, and so on.
    pub compatibility: u8,
    /// The server's build.
    pub build: Build,
    /// When the database was created.
    pub created: Option<NaiveDateTime>,
    /// When the backup began.
    pub started: Option<NaiveDateTime>,
    /// When it was finished; `None` in a file that is cut short.
    pub finished: Option<NaiveDateTime>,
    /// The server's distance from UTC then, in minutes eastward.
    pub utc_offset_minutes: Option<i16>,
    /// The name given to the backup (`NAME = …`).
    pub name: String,
    /// The text given to the backup (`DESCRIPTION = …`).
    pub text: String,
    /// Over how many files the backup is split; 1 for all of it in one.
    pub stripes: u16,
    /// Which of them this is, from 1.
    pub stripe: u16,
    /// Whether it was made WITH COPY_ONLY, outside of other programs' chains.
    pub copy_only: bool,
    /// Whether it was made WITH CHECKSUM.
    pub checksums: bool,
    /// The files of the database, at most 64 of them.
    pub files: Vec<DatabaseFile>,
}

impl Description {
    pub(super) fn read_tape(&mut self, block: &[u8]) {
        self.software = text_at(block, 0, 80);
    }

    /// Reads the `RAID` stream: over how many files the backup is split, and which one this is.
    pub(super) fn read_stripes(&mut self, stream: &[u8]) {
        self.stripes = u16_at(stream, 20).unwrap_or(1).max(1);
        self.stripe = u16_at(stream, 22).unwrap_or(1).max(1);
    }

    /// Reads the `SSET` block; false for one that does not begin a full backup.
    pub(super) fn read_set(&mut self, block: &[u8]) -> bool {
        self.name = text_at(block, 0, 64);
        self.text = text_at(block, 0, 68);
        self.user = text_at(block, 0, 76);
        // Quarters of an hour; the tape format says 127 for "unknown".
        let zone = block.get(95).map(|quarters| i16::from(*quarters as i8));
        self.utc_offset_minutes = zone.filter(|quarters| quarters.abs() <= 56).map(|quarters| quarters * 15);
        u32_at(block, 52) == Some(SET_FULL)
    }

    pub(super) fn read_volume(&mut self, block: &[u8]) {
        self.machine = text_at(block, 0, 64);
    }

    /// Reads the `MQCI` stream; false if it is none.
    pub(super) fn read_info(&mut self, stream: &[u8]) -> bool {
        if !stream.starts_with(b"SCIN") || stream.len() < 0x70 {
            return false;
        }
        let flags = u32_at(stream, 8).unwrap_or_default();
        self.checksums = flags & FLAG_CHECKSUMS != 0;
        self.copy_only = flags & FLAG_COPY_ONLY != 0;
        self.build = Build {
            build: u16_at(stream, 0x18).unwrap_or_default(),
            minor: stream[0x1a],
            major: stream[0x1b],
        };
        self.created = date_at(stream, 0x48);
        self.started = date_at(stream, 0x4d);
        self.finished = date_at(stream, 0x52);
        self.compatibility = stream[0x5b];
        self.database_version = u16_at(stream, 0x5e).unwrap_or_default();
        self.database = text_at(stream, 0, 0x68);
        self.server = text_at(stream, 0, 0x6c);
        self.files = files(stream);
        !self.database.is_empty()
    }

    /// Takes the end from the description that stands at the end of the backup; false if that one is of something else.
    pub(super) fn conclude(&mut self, last: &Self) -> bool {
        self.finished = last.finished;
        let names = |files: &[DatabaseFile]| {
            files
                .iter()
                .map(|file| (file.id, file.logical_name.clone(), file.path.clone()))
                .collect::<Vec<_>>()
        };
        self.database == last.database
            && self.server == last.server
            && names(&self.files) == names(&last.files)
    }

    /// Pages of data files that are announced.
    pub(super) fn announced_pages(&self) -> u64 {
        self.files.iter().filter(|file| !file.log).map(|file| u64::from(file.pages)).sum()
    }
}

/// The records `SFIN` of an `MQCI` stream, one for each file; each record tells its own length.
fn files(stream: &[u8]) -> Vec<DatabaseFile> {
    let mut files = Vec::new();
    let mut at = 0;
    while let (Some(id), Some(length)) = (stream.get(at..at + 4), u32_at(stream, at + 4))
        && files.len() < FILES
        && length >= 8
    {
        if id == b"SFIN" {
            files.extend(file(stream, at));
        }
        at = at.saturating_add(length as usize).min(stream.len());
    }
    files
}

fn file(stream: &[u8], at: usize) -> Option<DatabaseFile> {
    Some(DatabaseFile {
        id: u32_at(stream, at + 0x14)?,
        logical_name: text_at(stream, at, at + 0x30),
        path: text_at(stream, at, at + 0x34),
        // The log belongs to no file group.
        log: u32_at(stream, at + 0x24)? == 0,
        bytes: u64_at(stream, at + 0x28)?,
        pages: u32_at(stream, at + 0x18)?,
    })
}

/// The UTF-16 text whose size and offset stand at `at`; the offset counts from `base`. Empty where there is none.
fn text_at(bytes: &[u8], base: usize, at: usize) -> String {
    let found = || {
        let size = usize::from(u16_at(bytes, at)?);
        let from = base.checked_add(usize::from(u16_at(bytes, at + 2)?))?;
        bytes.get(from..from.checked_add(size)?)
    };
    let units = found().unwrap_or_default().as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let text: String =
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
}

/// The five bytes of a date of the tape format, packed bit by bit: year 14, month 4, day 5, hour 5, minute 6, second 6.
fn date_at(bytes: &[u8], at: usize) -> Option<NaiveDateTime> {
    let packed = bytes.get(at..at + 5)?.iter().fold(0u64, |packed, byte| packed << 8 | u64::from(*byte));
    let field = |shift: u32, bits: u32| (packed >> shift & ((1 << bits) - 1)) as u32;
    NaiveDate::from_ymd_opt(field(26, 14) as i32, field(22, 4), field(17, 5))?.and_hms_opt(
        field(12, 5),
        field(6, 6),
        field(0, 6),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_five_packed_bytes() {
        let date = |bytes: [u8; 5]| date_at(&bytes, 0).map(|date| date.to_string());
        assert_eq!(date([0x1f, 0x9e, 0x6b, 0x70, 0x28]).unwrap(), "2023-09-21 23:00:40");
        assert_eq!(date([0; 5]), None);
        assert_eq!(date([0xff; 5]), None);
    }

    #[test]
    fn texts_outside_of_the_block_are_empty_not_a_panic() {
        let block = [4, 0, 4, 0, b'A', 0, b'B', 0];
        assert_eq!(text_at(&block, 0, 0), "AB");
        assert_eq!(text_at(&block[..7], 0, 0), "");
        assert_eq!(text_at(&block, usize::MAX, 0), "");
        assert_eq!(text_at(&block, 0, 7), "");
        assert_eq!(text_at(&[], 0, usize::MAX - 1), "");
    }

    #[test]
    fn a_description_of_garbage_is_refused() {
        let mut description = Description::default();
        assert!(!description.read_info(b""));
        assert!(!description.read_info(&[0xff; 4096]));
        let mut loops = vec![0; 4096];
        loops[..4].copy_from_slice(b"SCIN");
        assert!(!description.read_info(&loops));
        assert!(files(&[0; 64]).is_empty());
    }

    #[test]
    fn builds_have_the_names_that_people_know() {
        let name = |major, minor| Build { major, minor, build: 0 }.product();
        assert_eq!(name(10, 50), Some("SQL Server 2008 R2"));
        assert_eq!(name(10, 0), Some("SQL Server 2008"));
        assert_eq!(name(99, 0), None);
        assert_eq!(Build { major: 14, minor: 0, build: 1000 }.to_string(), "14.0.1000");
    }
}
