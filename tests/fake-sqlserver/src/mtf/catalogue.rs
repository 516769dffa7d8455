//! The description of the database in a backup set: the `MQCI` stream, which stands before the data (in `MSCI`) and, with
//! the final sizes and times, after them (in `MSLS`). It is a chain of records, each with its kind and size in front:
//! `SCIN` (the database), `SFGI` (a file group), `SFIN` (a file). Texts lie behind the fixed fields of their record.
//!
//! Offsets are those of SQL Server 2012–2017; older servers have shorter records, of which the fields up to the texts'
//! sizes and offsets lie at the same places.

use super::block::append_text;
use super::date;
use crate::le::{bytes_at, put, put_u16, put_u32, put_u64, text_of_utf16, u16_at, u32_at, u64_at};
use chrono::NaiveDateTime;
use uuid::Uuid;

/// `SCIN` of SQL Server 2012 and later: bytes before the texts.
const DATABASE_FIXED: usize = 0x190;
/// `SFGI`: bytes before the texts.
const GROUP_FIXED: usize = 0xe0;
/// `SFIN`: bytes before the texts.
const FILE_FIXED: usize = 0x404;
/// The `Flags` of `RESTORE HEADERONLY`.
const FLAGS: usize = 0x08;
/// The options of the database, as `sysdatabases.status` has them.
const STATUS: usize = 0xf4;
/// How many records a description may have; a bound for damaged files.
const MOST_RECORDS: usize = 4096;

/// The place of a log record: log file, block in it, record in the block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn {
    /// The virtual log file.
    pub file: u32,
    /// The block, counted in 512 bytes.
    pub block: u32,
    /// The record in the block.
    pub slot: u16,
}

impl Lsn {
    /// The number that result sets show: `numeric(25,0)`.
    pub fn number(self) -> u128 {
        u128::from(self.file) * 1_000_000_000_000_000
            + u128::from(self.block) * 100_000
            + u128::from(self.slot)
    }

    pub(crate) fn bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        put_u32(&mut bytes, 0, self.file);
        put_u32(&mut bytes, 4, self.block);
        put_u16(&mut bytes, 8, self.slot);
        bytes
    }

    fn read(record: &[u8], at: usize) -> Option<Self> {
        Some(Self {
            file: u32_at(record, at)?,
            block: u32_at(record, at + 4)?,
            slot: u16_at(record, at + 8)?,
        })
    }
}

/// One file of the database, as the description of the backup has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// 1 for the primary data file, 2 for the log.
    pub file_id: u32,
    /// Whether it is a log file.
    pub log: bool,
    /// The logical name.
    pub logical_name: String,
    /// The path on the server that made the backup.
    pub physical_name: String,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// Bytes that it may grow to.
    pub max_size_bytes: u64,
    /// Bytes by which it grows.
    pub growth_bytes: u64,
    /// Its identity.
    pub unique_id: Uuid,
    /// Pages of it in the backup.
    pub backup_pages: u32,
    /// Bytes of it in the backup.
    pub backup_bytes: u64,
    /// Where the differential base lies; zero if there is none.
    pub base_lsn: Lsn,
    /// The backup set that is the differential base; nil if there is none.
    pub base_set: Uuid,
    /// When the backup of the file began or ended, as a Windows file time; 0 = not known.
    pub moment: u64,
}

/// All that the description tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Catalogue {
    pub build: u16,
    pub minor: u8,
    pub major: u8,
    pub first_lsn: Lsn,
    pub last_lsn: Lsn,
    pub checkpoint_lsn: Lsn,
    pub base_lsn: Lsn,
    pub created: Option<NaiveDateTime>,
    pub started: Option<NaiveDateTime>,
    pub finished: Option<NaiveDateTime>,
    pub sort_order: u8,
    pub compatibility: u8,
    pub database_id: u16,
    pub database_version: u16,
    pub backup_bytes: u64,
    pub database: String,
    pub server: String,
    pub locale: u32,
    pub comparison_style: u32,
    pub binding: Uuid,
    pub fork: Uuid,
    pub base_set: Uuid,
    pub collation: u32,
    pub flags: u32,
    pub status: u32,
    pub group: String,
    pub files: Vec<FileEntry>,
}

impl Catalogue {
    /// The payload of an `MQCI` stream.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.database_record();
        bytes.extend(self.group_record());
        for file in &self.files {
            bytes.extend(self.file_record(file));
        }
        bytes
    }

    fn database_record(&self) -> Vec<u8> {
        let mut record = vec![0; DATABASE_FIXED];
        put(&mut record, 0, b"SCIN");
        put_u32(&mut record, FLAGS, self.flags);
        put_u32(&mut record, 0x0c, 1);
        put_u32(&mut record, 0x10, 1);
        put_u16(&mut record, 0x18, self.build);
        record[0x1a] = self.minor;
        record[0x1b] = self.major;
        put_u16(&mut record, 0x1c, 9);
        put(&mut record, 0x20, &self.first_lsn.bytes());
        put(&mut record, 0x2a, &self.last_lsn.bytes());
        put(&mut record, 0x34, &self.checkpoint_lsn.bytes());
        put(&mut record, 0x3e, &self.base_lsn.bytes());
        for (at, moment) in [(0x48, self.created), (0x4d, self.started), (0x52, self.finished)] {
            put(&mut record, at, &moment.map_or([0; 5], date::encode));
        }
        record[0x57] = b'D';
        record[0x58] = self.sort_order;
        record[0x59] = 1;
        record[0x5b] = self.compatibility;
        put_u16(&mut record, 0x5c, self.database_id);
        put_u16(&mut record, 0x5e, self.database_version);
        put_u64(&mut record, 0x60, self.backup_bytes);
        put_u32(&mut record, 0x74, self.locale);
        put_u32(&mut record, 0x78, self.comparison_style);
        put(&mut record, 0x7c, &self.binding.to_bytes_le());
        put(&mut record, 0x90, &self.last_lsn.bytes());
        put(&mut record, 0x9c, &self.fork.to_bytes_le());
        put(&mut record, 0xc8, &self.base_set.to_bytes_le());
        put_u32(&mut record, 0xd8, self.collation);
        record[0xdc] = self.sort_order;
        put(&mut record, 0xe0, &self.fork.to_bytes_le());
        put_u16(&mut record, 0xf2, 1);
        put_u32(&mut record, STATUS, self.status);
        put(&mut record, 0x14c, &self.first_lsn.bytes());
        put_u64(&mut record, 0x158, self.backup_bytes);
        put_u32(&mut record, 0x174, 1);
        add_text(&mut record, 0x68, &self.database);
        add_text(&mut record, 0x6c, &self.server);
        sized(record)
    }

    fn group_record(&self) -> Vec<u8> {
        let mut record = vec![0; GROUP_FIXED];
        put(&mut record, 0, b"SFGI");
        put_u32(&mut record, 0x08, 0x10);
        put_u32(&mut record, 0x0c, 1);
        put_u32(&mut record, 0x14, 1);
        put_u32(&mut record, 0x28, 4);
        for (at, lsn) in [
            (0x34, self.first_lsn),
            (0x40, self.last_lsn),
            (0x4c, self.first_lsn),
            (0x70, self.first_lsn),
            (0x80, self.last_lsn),
        ] {
            put(&mut record, at, &lsn.bytes());
        }
        put(&mut record, 0x8c, &self.fork.to_bytes_le());
        add_text(&mut record, 0x10, &self.group);
        sized(record)
    }

    fn file_record(&self, file: &FileEntry) -> Vec<u8> {
        let mut record = vec![0; FILE_FIXED];
        put(&mut record, 0, b"SFIN");
        put_u32(&mut record, 0x08, if file.log { 0x04 } else { 0x84 });
        put_u32(&mut record, 0x10, 8192);
        put_u32(&mut record, 0x14, file.file_id);
        put_u32(&mut record, 0x18, file.backup_pages);
        put_u32(&mut record, 0x1c, file.file_id);
        put_u32(&mut record, 0x20, 4096);
        put_u32(&mut record, 0x24, u32::from(!file.log));
        put_u64(&mut record, 0x28, file.size_bytes);
        put_u64(&mut record, 0x56, file.max_size_bytes);
        put_u64(&mut record, 0x5e, file.growth_bytes);
        put_u64(&mut record, 0x72, file.size_bytes);
        put_u64(&mut record, 0x7a, 0x1fff_ffff_e000);
        put_u64(&mut record, 0x82, file.size_bytes);
        put(&mut record, 0x9e, &file.base_lsn.bytes());
        put(&mut record, 0xaa, &file.base_set.to_bytes_le());
        put(&mut record, 0xba, &file.unique_id.to_bytes_le());
        put(&mut record, 0xca, &self.first_lsn.bytes());
        put(&mut record, 0xda, &self.last_lsn.bytes());
        put(&mut record, 0xea, &self.first_lsn.bytes());
        put_u64(&mut record, 0xfa, file.backup_bytes);
        put_u64(&mut record, 0x106, file.moment);
        add_text(&mut record, 0x30, &file.logical_name);
        add_text(&mut record, 0x34, &file.physical_name);
        sized(record)
    }

    /// Reads the payload of an `MQCI` stream; `None` if it is not whole.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let records = split(payload)?;
        let database = records.iter().find(|record| record.starts_with(b"SCIN"))?;
        let group = records.iter().find(|record| record.starts_with(b"SFGI"));
        let files = records.iter().filter(|record| record.starts_with(b"SFIN"));
        let moment = |at| bytes_at::<5>(database, at).and_then(date::decode);
        Some(Self {
            build: u16_at(database, 0x18)?,
            minor: *database.get(0x1a)?,
            major: *database.get(0x1b)?,
            first_lsn: Lsn::read(database, 0x20)?,
            last_lsn: Lsn::read(database, 0x2a)?,
            checkpoint_lsn: Lsn::read(database, 0x34)?,
            base_lsn: Lsn::read(database, 0x3e)?,
            created: moment(0x48),
            started: moment(0x4d),
            finished: moment(0x52),
            sort_order: *database.get(0x58)?,
            compatibility: *database.get(0x5b)?,
            database_id: u16_at(database, 0x5c)?,
            database_version: u16_at(database, 0x5e)?,
            backup_bytes: u64_at(database, 0x60)?,
            database: text(database, 0x68)?,
            server: text(database, 0x6c)?,
            locale: u32_at(database, 0x74)?,
            comparison_style: u32_at(database, 0x78)?,
            binding: guid(database, 0x7c)?,
            fork: guid(database, 0x9c)?,
            base_set: guid(database, 0xc8)?,
            collation: u32_at(database, 0xd8)?,
            flags: u32_at(database, FLAGS)?,
            status: u32_at(database, STATUS)?,
            group: group.and_then(|record| text(record, 0x10)).unwrap_or_default(),
            files: files.map(|record| read_file(record)).collect::<Option<_>>()?,
        })
    }
}

fn read_file(record: &[u8]) -> Option<FileEntry> {
    // Servers before 2008 have other offsets behind the sizes of the texts; what lies there is left unknown.
    let modern = u16_at(record, 0x32)? as usize >= FILE_FIXED;
    let number = |at| u64_at(record, at).filter(|_| modern).unwrap_or_default();
    Some(FileEntry {
        file_id: u32_at(record, 0x14)?,
        log: u32_at(record, 0x24)? == 0,
        logical_name: text(record, 0x30)?,
        physical_name: text(record, 0x34)?,
        size_bytes: number(0x28),
        max_size_bytes: number(0x56),
        growth_bytes: number(0x5e),
        unique_id: guid(record, 0xba).filter(|_| modern).unwrap_or_default(),
        backup_pages: u32_at(record, 0x18)?,
        backup_bytes: number(0xfa),
        base_lsn: Lsn::read(record, 0x9e).filter(|_| modern).unwrap_or_default(),
        base_set: guid(record, 0xaa).filter(|_| modern).unwrap_or_default(),
        moment: number(0x106),
    })
}

fn split(mut payload: &[u8]) -> Option<Vec<&[u8]>> {
    let mut records = Vec::new();
    while !payload.is_empty() && records.len() < MOST_RECORDS {
        let size = u32_at(payload, 4)? as usize;
        if size < 8 || size > payload.len() {
            return None;
        }
        let (record, rest) = payload.split_at(size);
        records.push(record);
        payload = rest;
    }
    Some(records)
}

fn add_text(record: &mut Vec<u8>, at: usize, text: &str) {
    let (size, offset) = append_text(record, text);
    put_u16(record, at, size);
    put_u16(record, at + 2, offset);
}

fn sized(mut record: Vec<u8>) -> Vec<u8> {
    let size = u32::try_from(record.len()).unwrap_or(u32::MAX);
    put_u32(&mut record, 4, size);
    record
}

fn text(record: &[u8], at: usize) -> Option<String> {
    let (size, offset) = (u16_at(record, at)? as usize, u16_at(record, at + 2)? as usize);
    record.get(offset..offset + size).map(text_of_utf16)
}

fn guid(record: &[u8], at: usize) -> Option<Uuid> {
    bytes_at(record, at).map(Uuid::from_bytes_le)
}
