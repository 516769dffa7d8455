//! What `RESTORE HEADERONLY` and `RESTORE FILELISTONLY` tell of a backup file: all that the file itself holds.

use super::catalogue::{Catalogue, FileEntry, Lsn};
use super::date;
use super::describe::{FLAG_CHECKSUM, FLAG_COPY_ONLY, page_verify_of, recovery_of};
use super::request::{Recovery, ServerVersion, Stripe};
use super::walk::{Block, Fault, Item, Walker};
use crate::le::{bytes_at, text_of_utf16, u16_at};
use crate::pages::PageVerify;
use chrono::NaiveDateTime;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use uuid::Uuid;

/// The most bytes of a description that are read: a thousand files have less.
const MOST_DESCRIPTION: u64 = 4 << 20;

/// Why the headers of a file cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum HeaderFault {
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// It begins with `MSSQLBAK`: a backup that SQL Server compressed, whose headers only it can read.
    #[error("the backup is compressed by SQL Server")]
    Compressed,
    /// It is no backup, or damaged.
    #[error(transparent)]
    Damaged(#[from] Fault),
    /// It has no description of a database.
    #[error("the file has no description of a database")]
    NotADatabase,
    /// It cannot be opened.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// One file of the database: a row of `RESTORE FILELISTONLY`. What is not here is NULL, 0 or the same for every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// What the description of the backup tells.
    pub entry: FileEntry,
    /// `D` or `L`.
    pub kind: char,
    /// `PRIMARY`; `None` for the log.
    pub file_group: Option<String>,
}

/// What the headers of a backup tell: a row of `RESTORE HEADERONLY`, and those of `FILELISTONLY`. Columns that have no field
/// here are the same in every backup that the stand-in knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderInfo {
    /// The backup's name; `None` where the statement gave none.
    pub backup_name: Option<String>,
    /// Its description.
    pub backup_description: Option<String>,
    /// The login that made it.
    pub user: String,
    /// `@@SERVERNAME` of the server that made it.
    pub server: String,
    /// The machine of that server.
    pub machine: String,
    /// The database.
    pub database: String,
    /// The database's internal version.
    pub database_version: u16,
    /// When the database was created.
    pub created: Option<NaiveDateTime>,
    /// When the backup began.
    pub started: Option<NaiveDateTime>,
    /// When it ended; `None` if the file does not reach that far.
    pub finished: Option<NaiveDateTime>,
    /// Bytes of the backup.
    pub backup_bytes: u64,
    /// The first log record in it.
    pub first_lsn: Lsn,
    /// The log record after its last one.
    pub last_lsn: Lsn,
    /// Its checkpoint.
    pub checkpoint_lsn: Lsn,
    /// Where the full backup before it began.
    pub database_backup_lsn: Lsn,
    /// The collation's sort order.
    pub sort_order: u8,
    /// The collation's locale.
    pub locale: u32,
    /// How the collation compares.
    pub comparison_style: u32,
    /// The collation's name, where we know it.
    pub collation: Option<&'static str>,
    /// The compatibility level.
    pub compatibility: u8,
    /// The server's version.
    pub version: ServerVersion,
    /// The `Flags` column: 512, and 16 for checksums, and 1,024 for copy-only.
    pub flags: u32,
    /// The recovery model.
    pub recovery: Recovery,
    /// The database option `PAGE_VERIFY`.
    pub page_verify: PageVerify,
    /// `BindingID`.
    pub binding: Uuid,
    /// `RecoveryForkID`.
    pub fork: Uuid,
    /// `FamilyGUID`: the same as the first fork here.
    pub family: Uuid,
    /// `BackupSetGUID`.
    pub set: Uuid,
    /// Which of how many files of a striped backup this is; (1, 1) for a whole one.
    pub stripe: Stripe,
    /// The server's offset from UTC, in quarters of an hour.
    pub zone_quarters: i8,
    /// The files of the database.
    pub files: Vec<FileRow>,
}

impl HeaderInfo {
    /// Whether the backup was made with `CHECKSUM`.
    pub fn has_checksums(&self) -> bool {
        self.flags & FLAG_CHECKSUM != 0
    }

    /// Whether the backup was made with `COPY_ONLY`.
    pub fn is_copy_only(&self) -> bool {
        self.flags & FLAG_COPY_ONLY != 0
    }
}

/// Reads the headers of the backup file at `path`, without its pages.
///
/// # Errors
/// The file is none that has such headers, is damaged, or ends before the description of its database.
pub fn read_header(path: impl AsRef<Path>) -> Result<HeaderInfo, HeaderFault> {
    let mut file = BufReader::new(File::open(path)?);
    let mut magic = Vec::new();
    file.by_ref().take(8).read_to_end(&mut magic)?;
    match magic.as_slice() {
        [] => return Err(HeaderFault::Empty),
        b"MSSQLBAK" => return Err(HeaderFault::Compressed),
        _ => file.rewind()?,
    }
    let mut gathered = Gathered::default();
    let mut walker = Walker::new(file)?;
    loop {
        match walker.step() {
            Ok(Some(item)) => {
                if gathered.take(item, &mut walker)? {
                    break;
                }
            }
            Ok(None) => break,
            // What a cut or spoilt end would have told is missing; the rest is told, as SQL Server does.
            Err(_) if gathered.description.is_some() => break,
            Err(fault) => return Err(fault.into()),
        }
    }
    gathered.tell().ok_or(HeaderFault::NotADatabase)
}

#[derive(Default)]
struct Gathered {
    set: Option<Block>,
    volume: Option<Block>,
    stripe: Option<Stripe>,
    description: Option<Catalogue>,
}

impl Gathered {
    /// Keeps what the item tells; true when nothing more is needed.
    fn take<R: Read + Seek>(&mut self, item: Item, walker: &mut Walker<R>) -> Result<bool, HeaderFault> {
        match item {
            Item::Block(block) if block.kind == *b"SSET" => self.set = Some(block),
            Item::Block(block) if block.kind == *b"VOLB" => self.volume = Some(block),
            Item::Block(_) => {}
            Item::Stream(stream) if stream.length > MOST_DESCRIPTION => {}
            Item::Stream(stream) if stream.id == *b"RAID" => {
                let payload = payload(walker, stream.length)?;
                self.stripe = u16_at(&payload, 22)
                    .zip(u16_at(&payload, 20))
                    .map(|(number, count)| Stripe { number, count });
            }
            Item::Stream(stream) if stream.id == *b"MQCI" => {
                let second = self.description.is_some();
                if let Some(found) = Catalogue::read(&payload(walker, stream.length)?) {
                    self.description = Some(found);
                }
                return Ok(second);
            }
            Item::Stream(_) => {}
        }
        Ok(false)
    }

    fn tell(self) -> Option<HeaderInfo> {
        let (set, volume, told) = (self.set?, self.volume?, self.description?);
        let group = told.group;
        let rows = told.files.into_iter().map(|entry| FileRow {
            kind: if entry.log { 'L' } else { 'D' },
            file_group: (!entry.log).then(|| group.clone()),
            entry,
        });
        Some(HeaderInfo {
            backup_name: text(&set, 64),
            backup_description: text(&set, 68),
            user: text(&set, 76).unwrap_or_default(),
            server: told.server,
            machine: text(&volume, 64).unwrap_or_default(),
            database: told.database,
            database_version: told.database_version,
            created: told.created,
            started: told.started.or(bytes_at(&set.bytes, 88).and_then(date::decode)),
            finished: told.finished,
            backup_bytes: told.backup_bytes,
            first_lsn: told.first_lsn,
            last_lsn: told.last_lsn,
            checkpoint_lsn: told.checkpoint_lsn,
            database_backup_lsn: told.base_lsn,
            sort_order: told.sort_order,
            locale: told.locale,
            comparison_style: told.comparison_style,
            collation: collation(told.collation, told.sort_order),
            compatibility: told.compatibility,
            version: ServerVersion { major: told.major, minor: told.minor, build: told.build },
            flags: told.flags,
            recovery: recovery_of(told.status),
            page_verify: page_verify_of(told.status),
            binding: told.binding,
            fork: told.fork,
            family: told.fork,
            set: bytes_at(&set.bytes, 0x64).map(Uuid::from_bytes_le)?,
            stripe: self.stripe.unwrap_or(Stripe { number: 1, count: 1 }),
            zone_quarters: set.bytes.get(95).map_or(0, |byte| i8::from_le_bytes([*byte])),
            files: rows.collect(),
        })
    }
}

fn payload<R: Read + Seek>(walker: &mut Walker<R>, length: u64) -> Result<Vec<u8>, Fault> {
    let mut payload = vec![0; length as usize];
    let mut filled = 0;
    while filled < payload.len() {
        match walker.read(&mut payload[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(payload)
}

/// The text whose size and offset stand at `at`; `None` if it is empty.
fn text(block: &Block, at: usize) -> Option<String> {
    let (size, offset) = (u16_at(&block.bytes, at)? as usize, u16_at(&block.bytes, at + 2)? as usize);
    let bytes = block.bytes.get(offset..offset + size)?;
    (!bytes.is_empty()).then(|| text_of_utf16(bytes))
}

fn collation(code: u32, sort_order: u8) -> Option<&'static str> {
    match (code, sort_order) {
        (0x00d0_0409, 0) => Some("Latin1_General_CI_AS"),
        (0x00d0_0409, 52) => Some("SQL_Latin1_General_CP1_CI_AS"),
        (0x00d0_0419, 0) => Some("Cyrillic_General_CI_AS"),
        (0x00d0_0c0a, 0) => Some("Modern_Spanish_CI_AS"),
        _ => None,
    }
}
