//! The two kinds of headers that make the file a chain: blocks, and the streams within them.

/// Bytes of the header that every block begins with.
pub(super) const BLOCK_BYTES: usize = 52;
/// Bytes of the header that every stream begins with.
pub(super) const STREAM_BYTES: usize = 22;

/// Part of a stream of a length that was not known when it began; another follows.
pub(super) const MEDIA_VARIABLE: u16 = 0x0002;
/// The empty last part of such a stream.
pub(super) const MEDIA_VARIABLE_END: u16 = 0x0006;
/// A pad that aligns the next stream.
pub(super) const MEDIA_ALIGNING: u16 = 0x0080;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// `TAPE`: what the whole file is.
    Tape,
    /// `SFMB`: a soft filemark.
    Filemark,
    /// `SSET`: a backup begins.
    Set,
    /// `VOLB`: the machine.
    Volume,
    /// `MSCI`: the description of the database.
    Info,
    /// `MSDA`: its pages.
    Data,
    /// `MSTL`: its log.
    Log,
    /// `MSLS`: the description again, now with the end.
    Summary,
    /// `ESET`: a backup ends.
    SetEnd,
    /// Something that we do not know.
    Unknown,
}

impl BlockKind {
    fn of(id: [u8; 4]) -> Self {
        match &id {
            b"TAPE" => Self::Tape,
            b"SFMB" => Self::Filemark,
            b"SSET" => Self::Set,
            b"VOLB" => Self::Volume,
            b"MSCI" => Self::Info,
            b"MSDA" => Self::Data,
            b"MSTL" => Self::Log,
            b"MSLS" => Self::Summary,
            b"ESET" => Self::SetEnd,
            _ => Self::Unknown,
        }
    }
}

/// The common header of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockHeader {
    pub kind: BlockKind,
    pub attributes: u32,
    /// Offset of the first stream from the block's begin, or the whole length of a filemark.
    pub first_stream: usize,
    /// Place within the set, in logical blocks.
    pub address: u64,
    /// Counts the blocks of a set from 0.
    pub control: u32,
}

impl BlockHeader {
    /// Reads a header; `None` if its checksum does not fit or it cannot be one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let first_stream = usize::from(u16_at(bytes, 8)?);
        (xor_words(bytes.get(..BLOCK_BYTES - 2)?) == u16_at(bytes, 50)? && first_stream >= BLOCK_BYTES)
            .then_some(Self {
                kind: BlockKind::of(id_at(bytes)?),
                attributes: u32_at(bytes, 4)?,
                first_stream,
                address: u64_at(bytes, 20)?,
                control: u32_at(bytes, 36)?,
            })
    }
}

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamKind {
    /// `SPAD`: zeros up to the end of the block.
    EndPad,
    /// `APAD`: zeros that align the next stream.
    Pad,
    /// `RAID`: over how many files the backup is split.
    Stripes,
    /// `MQCI`: the description of the database.
    Info,
    /// `MQDA`: pages.
    Data,
    /// `MQTL`: log.
    Log,
    /// `OTCP`, `TSMP`: a catalogue of the file, of which a restore has no need.
    Catalogue,
    /// Something that we do not know.
    Unknown,
}

/// The header of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamHeader {
    pub kind: StreamKind,
    /// How the stream is written: of variable length, aligned, …
    pub media: u16,
    /// Bytes that follow.
    pub length: u64,
    /// Whether its attributes are such as were seen in real files, so that what follows it is where we think.
    pub usual: bool,
}

impl StreamHeader {
    /// Reads a header; `None` if its checksum does not fit or it cannot be one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let id = id_at(bytes)?;
        let fits = xor_words(bytes.get(..STREAM_BYTES - 2)?) == u16_at(bytes, 20)?;
        if !fits || !id.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let kind = match &id {
            b"SPAD" => StreamKind::EndPad,
            b"APAD" => StreamKind::Pad,
            b"RAID" => StreamKind::Stripes,
            b"MQCI" => StreamKind::Info,
            b"MQDA" => StreamKind::Data,
            b"MQTL" => StreamKind::Log,
            b"OTCP" | b"TSMP" => StreamKind::Catalogue,
            _ => StreamKind::Unknown,
        };
        let (system, media) = (u16_at(bytes, 4)?, u16_at(bytes, 6)?);
        let (encryption, compression) = (u16_at(bytes, 16)?, u16_at(bytes, 18)?);
        let usual_media = match kind {
            StreamKind::Data => matches!(media, MEDIA_VARIABLE | MEDIA_VARIABLE_END),
            StreamKind::Pad => media == MEDIA_ALIGNING,
            StreamKind::Unknown => matches!(media, 0 | MEDIA_VARIABLE | MEDIA_VARIABLE_END | MEDIA_ALIGNING),
            StreamKind::EndPad
            | StreamKind::Stripes
            | StreamKind::Info
            | StreamKind::Log
            | StreamKind::Catalogue => media == 0,
        };
        let usual = usual_media && system == 0 && encryption == 0 && compression == 0;
        Some(Self { kind, media, length: u64_at(bytes, 8)?, usual })
    }
}

/// The checksum of headers: their 16-bit words, XORed.
pub(super) fn xor_words(bytes: &[u8]) -> u16 {
    bytes.as_chunks::<2>().0.iter().fold(0, |sum, word| sum ^ u16::from_le_bytes(*word))
}

fn id_at(bytes: &[u8]) -> Option<[u8; 4]> {
    bytes.first_chunk().copied()
}

/// The 16-bit number at `at`; `None` beyond the end.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The 32-bit number at `at`; `None` beyond the end.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The 64-bit number at `at`; `None` beyond the end.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(mut bytes: Vec<u8>, sum_at: usize) -> Vec<u8> {
        let sum = xor_words(&bytes[..sum_at]);
        bytes[sum_at..sum_at + 2].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    #[test]
    fn a_block_header_is_read_only_with_its_checksum() {
        let mut bytes = vec![0; BLOCK_BYTES];
        bytes[..4].copy_from_slice(b"MSDA");
        bytes[8] = 60;
        bytes[20] = 6;
        bytes[36] = 3;
        let bytes = sealed(bytes, 50);
        let header = BlockHeader::read(&bytes).unwrap();
        assert_eq!((header.kind, header.first_stream), (BlockKind::Data, 60));
        assert_eq!((header.address, header.control), (6, 3));
        for bit in 0..BLOCK_BYTES * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(BlockHeader::read(&flipped).is_none(), "bit {bit}");
        }
        assert!(BlockHeader::read(&bytes[..51]).is_none());
    }

    #[test]
    fn a_stream_with_strange_attributes_is_not_usual() {
        let stream = |media: u8, compression: u8| {
            let mut bytes = vec![0; STREAM_BYTES];
            bytes[..4].copy_from_slice(b"MQDA");
            bytes[6] = media;
            bytes[8] = 2;
            bytes[18] = compression;
            StreamHeader::read(&sealed(bytes, 20)).unwrap()
        };
        assert!(stream(2, 0).usual && stream(6, 0).usual);
        assert!(!stream(0x22, 0).usual && !stream(2, 1).usual);
        assert_eq!((stream(2, 0).kind, stream(2, 0).length), (StreamKind::Data, 2));
        assert!(StreamHeader::read(&[0; STREAM_BYTES]).is_none(), "zeros fit their own checksum");
    }
}
