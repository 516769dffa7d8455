//! The records of a zip around its data, byte for byte, as PKWARE's APPNOTE 6.3.10 has them: local headers (4.3.7), the
//! central directory (4.3.12) and the records at its end (4.3.14 to 4.3.16), the Zip64 extra field (4.5.3), and Info-ZIP's
//! extended timestamp. Pure: the writer writes them, and the deep test compares them with what stands in a file.
//!
//! They are ours because libraries write a data descriptor behind data that they did not compress themselves, count it in
//! every later offset, put the Zip64 field only into the central directory, and take one time for both of its forms: of
//! what they write, each record would have to be repaired.

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

/// What a 32-bit field says when its value stands in the Zip64 extra field; no value may reach it.
const SEE_ZIP64: u32 = u32::MAX;
/// Made by a program for FAT (no permissions), according to version 4.5 of the format.
const MADE_BY: u16 = 45;
/// The external attribute of an ordinary file on FAT («archive»).
const ATTRIBUTE_ARCHIVE: u32 = 0x20;
/// The name is UTF-8.
const FLAG_UTF8: u16 = 1 << 11;
const EXTRA_ZIP64: u16 = 0x0001;
const EXTRA_TIMESTAMP: u16 = 0x5455;
/// In an extended timestamp: the time of modification is present.
const HAS_MODIFIED: u8 = 1;

/// How the data of an entry stand in the zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As they are.
    Stored,
    /// Compressed by Deflate.
    Deflated,
}

impl Method {
    /// The method's number in a zip.
    pub(super) fn number(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }
}

/// When an entry was modified, in both forms that a zip has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Modified {
    /// Time of day on the wall, in steps of two seconds.
    pub dos_time: u16,
    /// Date on the wall; 1980 to 2107.
    pub dos_date: u16,
    /// Seconds since 1970 in UTC, where they fit into 31 bits (until 2038). Readers prefer it.
    pub unix: Option<i32>,
}

impl Modified {
    /// The instant `at`, as a clock on the wall shows it.
    pub(super) fn of(at: DateTime<FixedOffset>) -> Self {
        /// Years that DOS knows.
        const YEARS: std::ops::RangeInclusive<i32> = 1980..=2107;
        let unix = i32::try_from(at.timestamp()).ok().filter(|seconds| *seconds >= 0);
        if !YEARS.contains(&at.year()) {
            return Self { dos_time: 0, dos_date: (1 << 5) | 1, unix };
        }
        let year = (at.year() - YEARS.start()) as u16;
        Self {
            dos_time: ((at.hour() << 11) | (at.minute() << 5) | (at.second() / 2)) as u16,
            dos_date: (year << 9) | ((at.month() << 5) | at.day()) as u16,
            unix,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: String,
    pub method: Method,
    pub modified: Modified,
    pub crc32: u32,
    pub packed_bytes: u64,
    pub bytes: u64,
    /// Where its local header begins.
    pub offset: u64,
    /// Whether its local header has room for sizes of 64 bits. Decided before they are known.
    pub zip64: bool,
}

impl Entry {
    fn flags(&self) -> u16 {
        if self.name.is_ascii() { 0 } else { FLAG_UTF8 }
    }

    fn version_needed(&self) -> u16 {
        if self.zip64 || narrow(self.offset) == SEE_ZIP64 {
            return 45;
        }
        match self.method {
            Method::Deflated => 20,
            Method::Stored => 10,
        }
    }

    /// The sizes in bytes that must be told in 64 bits in the central directory.
    fn central_zip64(&self) -> Vec<u64> {
        [self.bytes, self.packed_bytes, self.offset]
            .into_iter()
            .filter(|value| narrow(*value) == SEE_ZIP64)
            .collect()
    }

    fn push_timestamp(&self, record: &mut Vec<u8>) {
        if let Some(unix) = self.modified.unix {
            push_u16s(record, &[EXTRA_TIMESTAMP, 5]);
            record.push(HAS_MODIFIED);
            record.extend_from_slice(&unix.to_le_bytes());
        }
    }

    /// The fields that both headers have in common, from «version needed» to the CRC.
    fn push_common(&self, record: &mut Vec<u8>) {
        let Modified { dos_time, dos_date, .. } = self.modified;
        push_u16s(record, &[self.version_needed(), self.flags(), self.method.number(), dos_time, dos_date]);
        push_u32s(record, &[self.crc32]);
    }
}

/// The local header of `entry`, which stands before its data. Its length depends on name, time and `zip64` only.
pub(super) fn local_header(entry: &Entry) -> Vec<u8> {
    let mut extra = Vec::new();
    if entry.zip64 {
        push_zip64(&mut extra, &[entry.bytes, entry.packed_bytes]);
    }
    entry.push_timestamp(&mut extra);

    let mut record = b"PK\x03\x04".to_vec();
    entry.push_common(&mut record);
    if entry.zip64 {
        push_u32s(&mut record, &[SEE_ZIP64, SEE_ZIP64]);
    } else {
        push_u32s(&mut record, &[narrow(entry.packed_bytes), narrow(entry.bytes)]);
    }
    push_u16s(&mut record, &[entry.name.len() as u16, extra.len() as u16]);
    record.extend_from_slice(entry.name.as_bytes());
    record.extend_from_slice(&extra);
    record
}

/// Length of the fixed part of a local header, in bytes.
pub(super) const LOCAL_BYTES: usize = 30;

/// The length of name and extra field behind the fixed part of a local header; `None` if it is none.
pub(super) fn local_rest(fixed: &[u8; LOCAL_BYTES]) -> Option<usize> {
    let lengths = usize::from(u16_at(fixed, 26)?) + usize::from(u16_at(fixed, 28)?);
    fixed.starts_with(b"PK\x03\x04").then_some(lengths)
}

/// The entry whose local header, at `offset`, is `header`; `None` unless it is, to the bit, what [`local_header`] makes.
pub(super) fn read_local(header: &[u8], offset: u64) -> Option<Entry> {
    let method = match u16_at(header, 8)? {
        0 => Method::Stored,
        8 => Method::Deflated,
        _ => return None,
    };
    let (name, extra) = header.get(LOCAL_BYTES..)?.split_at_checked(usize::from(u16_at(header, 26)?))?;
    let zip64 = extra.starts_with(&[1, 0, 16, 0]);
    let (bytes, packed_bytes, timestamp) = if zip64 {
        (u64_at(extra, 4)?, u64_at(extra, 12)?, extra.get(20..)?)
    } else {
        (u64::from(u32_at(header, 22)?), u64::from(u32_at(header, 18)?), extra)
    };
    let unix = u32_at(timestamp, 5).map(u32::cast_signed);
    let modified = Modified { dos_time: u16_at(header, 10)?, dos_date: u16_at(header, 12)?, unix };
    let name = String::from_utf8(name.to_vec()).ok()?;
    let crc32 = u32_at(header, 14)?;
    let entry = Entry { name, method, modified, crc32, packed_bytes, bytes, offset, zip64 };
    (local_header(&entry) == header).then_some(entry)
}

/// Everything behind the data of the last entry, which ends at `at`: the central directory and the records at its end.
pub(super) fn directory(entries: &[Entry], at: u64) -> Vec<u8> {
    let mut records = Vec::new();
    for entry in entries {
        push_central(&mut records, entry);
    }
    let bytes = records.len() as u64;
    let wide = narrow(at) == SEE_ZIP64
        || entries.iter().any(|entry| entry.zip64 || !entry.central_zip64().is_empty());
    let count = entries.len() as u16;
    if wide {
        push_zip64_end(&mut records, u64::from(count), bytes, at);
    }
    records.extend_from_slice(b"PK\x05\x06");
    push_u16s(&mut records, &[0, 0, count, count]);
    push_u32s(&mut records, &[narrow(bytes), narrow(at)]);
    push_u16s(&mut records, &[0]);
    records
}

fn push_central(records: &mut Vec<u8>, entry: &Entry) {
    let mut extra = Vec::new();
    push_zip64(&mut extra, &entry.central_zip64());
    entry.push_timestamp(&mut extra);

    records.extend_from_slice(b"PK\x01\x02");
    push_u16s(records, &[MADE_BY]);
    entry.push_common(records);
    push_u32s(records, &[narrow(entry.packed_bytes), narrow(entry.bytes)]);
    // Name, extra field, comment; disk; internal attributes.
    push_u16s(records, &[entry.name.len() as u16, extra.len() as u16, 0, 0, 0]);
    push_u32s(records, &[ATTRIBUTE_ARCHIVE, narrow(entry.offset)]);
    records.extend_from_slice(entry.name.as_bytes());
    records.extend_from_slice(&extra);
}

/// The Zip64 end record and its locator, for a directory of `bytes` at `at`.
fn push_zip64_end(records: &mut Vec<u8>, count: u64, bytes: u64, at: u64) {
    /// Length of the record behind this field.
    const REST_BYTES: u64 = 44;
    records.extend_from_slice(b"PK\x06\x06");
    push_u64s(records, &[REST_BYTES]);
    push_u16s(records, &[MADE_BY, 45]);
    push_u32s(records, &[0, 0]);
    push_u64s(records, &[count, count, bytes, at]);

    records.extend_from_slice(b"PK\x06\x07");
    push_u32s(records, &[0]);
    push_u64s(records, &[at + bytes]);
    push_u32s(records, &[1]);
}

fn push_zip64(extra: &mut Vec<u8>, values: &[u64]) {
    if !values.is_empty() {
        push_u16s(extra, &[EXTRA_ZIP64, 8 * values.len() as u16]);
        push_u64s(extra, values);
    }
}

/// A value in a field of 32 bits.
fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(SEE_ZIP64)
}

fn u16_at(record: &[u8], at: usize) -> Option<u16> {
    record.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(record: &[u8], at: usize) -> Option<u32> {
    record.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(record: &[u8], at: usize) -> Option<u64> {
    record.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

fn push_u16s(record: &mut Vec<u8>, values: &[u16]) {
    values.iter().for_each(|value| record.extend_from_slice(&value.to_le_bytes()));
}

fn push_u32s(record: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|value| record.extend_from_slice(&value.to_le_bytes()));
}

fn push_u64s(record: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|value| record.extend_from_slice(&value.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    fn entry(zip64: bool) -> Entry {
        Entry {
            name: "a".to_owned(),
            method: Method::Deflated,
            modified: Modified::of(at("2022-06-28T09:30:10-03:00")),
            crc32: 0x0102_0304,
            packed_bytes: 5,
            bytes: 6,
            offset: 0,
            zip64,
        }
    }

    #[test]
    fn the_time_on_the_wall_and_the_instant_are_both_told() {
        let modified = Modified::of(at("2022-06-28T09:30:11-03:00"));
        assert_eq!(modified.dos_time, 9 << 11 | 30 << 5 | 5);
        assert_eq!(modified.dos_date, 42 << 9 | 6 << 5 | 28);
        assert_eq!(modified.unix, Some(1_656_419_411));
    }

    #[test]
    fn a_clock_that_is_far_off_makes_no_impossible_date() {
        let first = Modified { dos_time: 0, dos_date: 0x21, unix: None };
        assert_eq!(Modified::of(at("1960-01-01T00:00:00Z")), first);
        assert_eq!(Modified::of(at("2108-01-01T00:00:00Z")), first);
        assert_eq!(Modified::of(at("2107-12-31T23:59:59Z")).dos_date, 127 << 9 | 12 << 5 | 31);
        assert_eq!(Modified::of(at("2040-01-01T00:00:00Z")).unix, None);
    }

    #[test]
    fn a_header_with_room_for_64_bits_needs_version_45_and_one_without_does_not() {
        let (narrow, wide) = (local_header(&entry(false)), local_header(&entry(true)));
        assert_eq!(wide.len(), narrow.len() + 20);
        assert_eq!((narrow[4], wide[4]), (20, 45));
        assert_eq!(&narrow[18..26], &[5, 0, 0, 0, 6, 0, 0, 0]);
        assert_eq!(&wide[18..26], &[0xFF; 8]);
        assert_eq!(&wide[31..51], &[1, 0, 16, 0, 6, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_header_reads_back_and_no_flipped_bit_passes_for_the_same() {
        let late = Entry { modified: Modified::of(at("2040-01-01T00:00:00Z")), ..entry(true) };
        for entry in [entry(false), entry(true), late] {
            let header = local_header(&entry);
            let fixed = header.first_chunk().unwrap();
            assert_eq!(local_rest(fixed), Some(header.len() - LOCAL_BYTES));
            assert_eq!(read_local(&header, 0).as_ref(), Some(&entry));
            for bit in 0..header.len() * 8 {
                let mut flipped = header.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(read_local(&flipped, 0).as_ref(), Some(&entry), "bit {bit}");
            }
            assert_eq!(read_local(&header[..header.len() - 1], 0), None);
        }
    }

    #[test]
    fn only_values_that_need_it_stand_in_the_central_zip64_field() {
        let large = u64::from(u32::MAX);
        assert!(entry(true).central_zip64().is_empty());
        assert_eq!(Entry { bytes: large, ..entry(true) }.central_zip64(), [large]);
        assert_eq!(Entry { bytes: large - 1, offset: large + 1, ..entry(true) }.central_zip64(), [large + 1]);
        let behind = directory(&[Entry { offset: large, ..entry(false) }], large + 100);
        assert_eq!(behind[6], 45);
        assert!(behind.windows(4).any(|four| four == b"PK\x06\x06"));
        assert!(!directory(&[entry(false)], 100).windows(4).any(|four| four == b"PK\x06\x06"));
    }

    #[test]
    fn a_name_beyond_ascii_is_marked_as_utf8() {
        let named = Entry { name: "Promoção.bak".to_owned(), ..entry(false) };
        assert_eq!(local_header(&named)[7], 8);
        assert_eq!(local_header(&entry(false))[7], 0);
    }
}
