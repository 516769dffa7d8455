//! Puts together what a backup tells of itself: the description of the database, the blocks of the log's parts, the map of the
//! set.

use super::block::{Block, SECTOR, append_text};
use super::catalogue::{Catalogue, FileEntry, Lsn};
use super::date;
use super::request::{DumpRequest, Recovery};
use super::writer::{FileInfo, FileKind, Identity, NORMAL_BACKUP};
use crate::le::{put, put_u16, put_u32, put_u64};
use crate::pages::PageVerify;
use chrono::NaiveDateTime;
use uuid::Uuid;

/// Flags of `RESTORE HEADERONLY`: set in every backup that was seen; with checksums; copy-only.
const FLAG_ALWAYS: u32 = 512;
pub(super) const FLAG_CHECKSUM: u32 = 16;
pub(super) const FLAG_COPY_ONLY: u32 = 1024;
/// Options of a database in `sysdatabases.status`.
const STATUS_BULK_LOGGED: u32 = 4;
const STATUS_SIMPLE: u32 = 8;
const STATUS_TORN_PAGE: u32 = 16;
const STATUS_CHECKSUM: u32 = 65_536;

fn status(recovery: Recovery, verify: PageVerify) -> u32 {
    let recovery = match recovery {
        Recovery::Simple => STATUS_SIMPLE,
        Recovery::BulkLogged => STATUS_BULK_LOGGED,
        Recovery::Full => 0,
    };
    recovery
        | match verify {
            PageVerify::Checksum => STATUS_CHECKSUM,
            PageVerify::TornPage => STATUS_TORN_PAGE,
            PageVerify::None => 0,
        }
}

/// The recovery model that `status` tells.
pub(super) fn recovery_of(status: u32) -> Recovery {
    if status & STATUS_SIMPLE != 0 {
        Recovery::Simple
    } else if status & STATUS_BULK_LOGGED != 0 {
        Recovery::BulkLogged
    } else {
        Recovery::Full
    }
}

/// The page protection that `status` tells.
pub(super) fn page_verify_of(status: u32) -> PageVerify {
    if status & STATUS_CHECKSUM != 0 {
        PageVerify::Checksum
    } else if status & STATUS_TORN_PAGE != 0 {
        PageVerify::TornPage
    } else {
        PageVerify::None
    }
}

/// The description of the database before its data are written.
pub(super) fn describe(
    request: &DumpRequest,
    files: Vec<FileInfo>,
    identity: Identity,
    pages: u64,
) -> Catalogue {
    let mut flags = FLAG_ALWAYS;
    flags |= if request.checksum { FLAG_CHECKSUM } else { 0 };
    flags |= if request.copy_only { FLAG_COPY_ONLY } else { 0 };
    Catalogue {
        build: request.version.build,
        minor: request.version.minor,
        major: request.version.major,
        first_lsn: identity.first_lsn,
        last_lsn: identity.last_lsn,
        checkpoint_lsn: identity.first_lsn,
        base_lsn: Lsn::default(),
        created: Some(request.created),
        started: Some(request.started),
        finished: None,
        sort_order: 0,
        compatibility: request.compatibility,
        database_id: request.database_id,
        database_version: request.database_version,
        // SQL Server adds the 16 KiB of headers before the first page, and the log when it knows it.
        backup_bytes: pages * 8192 + 4 * SECTOR,
        database: request.database.clone(),
        server: request.server.clone(),
        locale: 0x0409,
        comparison_style: 196_609,
        binding: identity.binding,
        fork: identity.fork,
        base_set: Uuid::nil(),
        // Latin1_General_CI_AS.
        collation: 0x00d0_0409,
        flags,
        status: status(request.recovery, identity.page_verify),
        group: "PRIMARY".to_owned(),
        files: files.into_iter().map(|file| entry(file, request, pages)).collect(),
    }
}

fn entry(file: FileInfo, request: &DumpRequest, pages: u64) -> FileEntry {
    let log = file.kind == FileKind::Log;
    FileEntry {
        file_id: u32::from(file.file_id),
        log,
        logical_name: file.logical_name,
        physical_name: file.physical_name,
        size_bytes: file.size_bytes,
        max_size_bytes: if log { 0x200_0000_0000 } else { 0x1fff_ffff_e000 },
        growth_bytes: 64 << 20,
        unique_id: file.unique_id,
        backup_pages: if log { 0 } else { u32::try_from(pages).unwrap_or(u32::MAX) },
        backup_bytes: if log { 0 } else { pages * 8192 },
        base_lsn: Lsn::default(),
        base_set: Uuid::nil(),
        moment: if log { 0 } else { file_time(request.started) },
    }
}

/// 100-nanosecond steps since 1601, as Windows counts.
pub(super) fn file_time(moment: NaiveDateTime) -> u64 {
    const FROM_1601_TO_1970_SECONDS: i64 = 11_644_473_600;
    u64::try_from(moment.and_utc().timestamp() + FROM_1601_TO_1970_SECONDS).unwrap_or_default() * 10_000_000
}

/// Where a virtual log file begins in the log file, and its size.
pub(super) type LogPart = (u64, u64);

/// The four virtual log files into which SQL Server divides a small log file behind its first page.
pub(super) fn log_parts(log_size: u64) -> [LogPart; 4] {
    const FIRST: u64 = 8192;
    const UNIT: u64 = 64 * 1024;
    let size = log_size.saturating_sub(FIRST) / 4 / UNIT * UNIT;
    let begin = |number| FIRST + number * size;
    [(begin(0), size), (begin(1), size), (begin(2), size), (begin(3), log_size.saturating_sub(begin(3)))]
}

/// An MSTL block: a virtual log file and, for the one that has bytes in the backup, its number and which bytes those are.
pub(super) fn log_block(sequence: u32, part: LogPart, bytes: Option<(u64, u64)>) -> Block {
    const DETAIL: usize = 92;
    const DETAIL_BYTES: usize = 504;
    let mut block = Block::new(*b"MSTL", DETAIL + DETAIL_BYTES);
    block.put_u16(58, 1);
    if let Some((from, length)) = bytes {
        block.put_u64(60, from).put_u64(68, from + length);
    }
    block.put_u16(76, 2).put_u16(80, DETAIL_BYTES as u16).put_u16(82, DETAIL as u16);
    block.put_u32(DETAIL, sequence).put_u64(DETAIL + 4, part.1).put_u64(DETAIL + 12, part.0);
    block.put_u16(DETAIL + 20, 2).put_u16(DETAIL + 22, if sequence == 0 { 0 } else { 0x40 });
    block.put_u16(DETAIL + 34, 5);
    block
}

/// The payload of the `TSMP` stream: an entry for the set and one for its volume, each with its size in front.
pub(super) fn set_map(family: u32, set_at: u64, request: &DumpRequest, backup_bytes: u64) -> Vec<u8> {
    let moment = date::encode(request.started);
    let mut set = vec![0; 0x5c];
    put_u16(&mut set, 2, 1);
    put_u32(&mut set, 8, NORMAL_BACKUP);
    put_u64(&mut set, 12, set_at);
    put_u16(&mut set, 0x1e, 1);
    put_u64(&mut set, 0x34, backup_bytes);
    put_u16(&mut set, 0x3c, 1);
    let mut text = |at: usize, value: &str| {
        let (size, offset) = append_text(&mut set, value);
        put_u16(&mut set, at, size);
        put_u16(&mut set, at + 2, if size == 0 && at == 0x44 { 0 } else { offset });
    };
    text(0x40, &request.backup_name);
    text(0x44, &request.description);
    text(0x4c, &request.user);
    put(&mut set, 0x50, &moment);
    put(&mut set, 0x55, &[request.zone_quarters.to_le_bytes()[0], 0x0e, 1, 2, 0, 2]);

    let mut volume = vec![0; 0x3e];
    put(&mut volume, 2, b"VOLB");
    put_u32(&mut volume, 6, 1);
    put_u64(&mut volume, 12, 1);
    put(&mut volume, 0x20, &[0x0e, 1, 2, 0, 2]);
    for (at, value) in [(0x28, "C:"), (0x30, request.machine.as_str())] {
        let (size, offset) = append_text(&mut volume, value);
        put_u16(&mut volume, at, size);
        put_u16(&mut volume, at + 2, offset);
    }
    put(&mut volume, 0x38, &moment);

    let mut map = vec![0; 8];
    put_u32(&mut map, 0, family);
    put_u16(&mut map, 4, 1);
    for mut entry in [set, volume] {
        let size = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        put_u16(&mut entry, 0, size);
        map.extend(entry);
    }
    map
}
