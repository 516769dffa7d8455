//! Deflate in blocks that any number of threads can make: each block is compressed by libdeflate, inflated again through
//! zlib and compared with what was read, and its end is prepared so that the blocks, put one behind the other, are one
//! Deflate stream.
//!
//! libdeflate only makes whole streams, whose last Deflate block says that it is the final one (BFINAL) and which end in
//! the middle of a byte. So, for every block but the last, that bit is cleared and an empty stored block is appended, which
//! ends on a byte's end. Where the bit is, zlib tells while the block is inflated for the comparison.

use super::inflate::{BlockInflater, Refused, Stop};
use super::level::Level;
use libdeflater::{CompressionLvl, Compressor};

/// Source bytes that are compressed at once. Each block begins without a dictionary: at 1 MiB that costs 0.6 % of the
/// ratio, at 2 MiB 0.3 %, and then it is as good as `pigz`, which has one.
pub const BLOCK_BYTES: usize = 2 << 20;

/// What an empty stored block adds at most: a byte for its header's bits, then LEN and NLEN.
const JOINT_BYTES: usize = 5;
/// Output of the comparison at a time: small enough to stay in the processor's cache.
const SCRATCH_BYTES: usize = 64 << 10;

/// What was compressed does not inflate to what was read: memory or processor are at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch;

impl From<Refused> for Mismatch {
    fn from(_: Refused) -> Self {
        Self
    }
}

/// Compresses blocks on one thread. About 0.7 MB.
pub struct BlockPacker {
    compressor: Compressor,
    inflater: BlockInflater,
    scratch: Vec<u8>,
}

/// Where the final Deflate block of a stream begins and ends, in bits from the beginning of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FinalBlock {
    header_bit: usize,
    end_bit: usize,
}

impl BlockPacker {
    /// A packer that compresses at `level`.
    pub fn new(level: Level) -> Result<Self, Mismatch> {
        let level = CompressionLvl::new(i32::from(level.get())).unwrap_or_default();
        Ok(Self {
            compressor: Compressor::new(level),
            inflater: BlockInflater::new()?,
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    /// Bytes of output that [`BlockPacker::pack`] may need for `len` bytes of data.
    pub fn room(&mut self, len: usize) -> usize {
        self.compressor.deflate_compress_bound(len) + JOINT_BYTES
    }

    /// Compresses `data` to the beginning of `out` (which has at least [`BlockPacker::room`]) and returns the length.
    /// What comes out for a sequence of blocks, of which only the final one is packed with `last`, is one Deflate stream.
    pub fn pack(&mut self, data: &[u8], last: bool, out: &mut [u8]) -> Result<usize, Mismatch> {
        let packed = self.compressor.deflate_compress(data, out).map_err(|_| Mismatch)?;
        let end = self.compare(data, &out[..packed])?;
        if last { Ok(packed) } else { leave_open(out, end) }
    }

    /// Inflates `packed`, compares what comes out with `data`, and finds the final Deflate block.
    fn compare(&mut self, data: &[u8], packed: &[u8]) -> Result<FinalBlock, Mismatch> {
        self.inflater.reset()?;
        let (mut read, mut same, mut header_bit) = (0, 0, 0);
        loop {
            let step = self.inflater.step(&packed[read..], &mut self.scratch)?;
            let fresh = &self.scratch[..step.produced];
            if data.get(same..same + fresh.len()) != Some(fresh) {
                return Err(Mismatch);
            }
            read += step.consumed;
            same += step.produced;
            match step.stop {
                Stop::Boundary { unused_bits, last } => {
                    let end_bit = (read * 8).checked_sub(unused_bits).ok_or(Mismatch)?;
                    if !last {
                        header_bit = end_bit;
                    } else if same == data.len() && end_bit.div_ceil(8) == packed.len() {
                        return Ok(FinalBlock { header_bit, end_bit });
                    } else {
                        return Err(Mismatch);
                    }
                }
                Stop::Midway if step.consumed == 0 && step.produced == 0 => return Err(Mismatch),
                Stop::Midway => {}
            }
        }
    }
}

/// Makes the stream at the beginning of `out` one that goes on: its final block is no longer final, and an empty stored
/// block brings it to a byte's end. Returns its length in bytes.
fn leave_open(out: &mut [u8], end: FinalBlock) -> Result<usize, Mismatch> {
    let final_bit = 1 << (end.header_bit % 8);
    let header = out.get_mut(end.header_bit / 8).ok_or(Mismatch)?;
    if *header & final_bit == 0 {
        return Err(Mismatch);
    }
    *header &= !final_bit;

    // The three header bits of a stored block that is not final are zero, and so is the padding behind them.
    if !end.end_bit.is_multiple_of(8) {
        let used = (1 << (end.end_bit % 8)) - 1;
        *out.get_mut(end.end_bit / 8).ok_or(Mismatch)? &= used;
    }
    let len_at = (end.end_bit + 3).div_ceil(8);
    out.get_mut(end.end_bit.div_ceil(8)..len_at).ok_or(Mismatch)?.fill(0);
    out.get_mut(len_at..len_at + 4).ok_or(Mismatch)?.copy_from_slice(&[0, 0, 0xFF, 0xFF]);
    Ok(len_at + 4)
}

/// Whether `samples` would hardly become smaller, so that compressing them is a waste of time: they are compressed already,
/// or encrypted. Looks at a piece of 64 KiB of every 256, from the end, so that a dump's headers do not count.
pub fn is_incompressible<'a>(samples: impl Iterator<Item = &'a [u8]>) -> bool {
    /// Below this share of its size, in percent, compressing is worth it.
    const WORTH_PERCENT: usize = 97;
    const PIECE_BYTES: usize = 64 << 10;
    const EVERY: usize = 4;
    let mut compressor = Compressor::new(CompressionLvl::new(1).unwrap_or_default());
    let mut out = vec![0; compressor.deflate_compress_bound(PIECE_BYTES)];
    let (mut before, mut after) = (0, 0);
    for piece in samples.flat_map(|sample| sample.rchunks(PIECE_BYTES).step_by(EVERY)) {
        before += piece.len();
        after += compressor.deflate_compress(piece, &mut out).unwrap_or(piece.len());
    }
    after * 100 >= before * WORTH_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packs `data` in pieces of `piece` bytes and joins them.
    fn join(data: &[u8], piece: usize, level: Level) -> Vec<u8> {
        let mut packer = BlockPacker::new(level).unwrap();
        let mut out = vec![0xA5; packer.room(piece)];
        let mut joined = Vec::new();
        let count = data.len().div_ceil(piece).max(1);
        for number in 0..count {
            let part = &data[number * piece..data.len().min((number + 1) * piece)];
            let len = packer.pack(part, number + 1 == count, &mut out).unwrap();
            joined.extend_from_slice(&out[..len]);
        }
        joined
    }

    /// Inflates by libdeflate and by zlib, which must agree that it is one stream that uses every byte.
    fn inflate(packed: &[u8], bytes: usize) -> Vec<u8> {
        let mut data = vec![0; bytes];
        let written = libdeflater::Decompressor::new().deflate_decompress(packed, &mut data).unwrap();
        assert_eq!(written, bytes);

        let mut inflater = BlockInflater::new().unwrap();
        let mut piece = vec![0; 10_000];
        let (mut read, mut same, mut over) = (0, 0, false);
        while !over {
            let step = inflater.step(&packed[read..], &mut piece).unwrap();
            assert!(data[same..same + step.produced] == piece[..step.produced]);
            read += step.consumed;
            same += step.produced;
            over = matches!(step.stop, Stop::Boundary { last: true, .. });
        }
        assert_eq!((read, same), (packed.len(), bytes));
        data
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(7);
        (0..len).map(|_| random.u8(..)).collect()
    }

    fn runs(len: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(8);
        let mut data = Vec::with_capacity(len + 3000);
        while data.len() < len {
            let byte = random.u8(..);
            data.extend(std::iter::repeat_n(byte, random.usize(1..3000)));
        }
        data.truncate(len);
        data
    }

    #[test]
    fn whole_blocks_of_every_kind_of_data_join_to_one_stream() {
        let kinds: [fn(usize) -> Vec<u8>; 3] = [noise, runs, |len| vec![0; len]];
        for make in kinds {
            for len in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES] {
                let data = make(len);
                let packed = join(&data, BLOCK_BYTES, Level::default());
                assert!(inflate(&packed, data.len()) == data, "{len} bytes");
            }
        }
    }

    #[test]
    fn a_single_flipped_bit_in_memory_is_noticed_before_it_is_written() {
        let data = runs(300_000);
        let mut packer = BlockPacker::new(Level::default()).unwrap();
        let mut out = vec![0; packer.room(data.len())];
        let len = packer.pack(&data, true, &mut out).unwrap();
        let mut read = data.clone();
        read[123_456] ^= 4;
        assert_eq!(packer.compare(&read, &out[..len]), Err(Mismatch));
        assert_eq!(packer.compare(&data[..data.len() - 1], &out[..len]), Err(Mismatch));
        assert_eq!(packer.compare(&data, &out[..len - 1]), Err(Mismatch));
        let mut longer = out[..len].to_vec();
        longer.push(0);
        assert_eq!(packer.compare(&data, &longer), Err(Mismatch));
        assert!(packer.compare(&data, &out[..len]).is_ok(), "and the packer goes on");
    }

    #[test]
    fn compressed_and_encrypted_data_are_told_from_data_worth_compressing() {
        assert!(is_incompressible([noise(1 << 20).as_slice()].into_iter()));
        assert!(!is_incompressible([runs(1 << 20).as_slice()].into_iter()));
        let with_headers = [vec![0; 60_000], noise(BLOCK_BYTES - 60_000)].concat();
        assert!(is_incompressible([with_headers.as_slice()].into_iter()));
        assert!(is_incompressible(std::iter::empty()));
    }

    /// Pieces whose compressibility changes in mid-block, so that stored, fixed and dynamic Deflate blocks are made and
    /// streams end at every bit of a byte.
    fn mixed() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            (0usize..2000, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
            prop::collection::vec(any::<u8>(), 0..2000),
            prop::collection::vec(prop::sample::select(b"aaaabbc ,;0123".to_vec()), 0..3000),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_data_in_any_blocks_at_any_level_come_back(data in mixed(), piece in 1usize..5000, level in 1u8..=9) {
            let packed = join(&data, piece, Level::new(level).unwrap());
            prop_assert!(inflate(&packed, data.len()) == data);
        }
    }
}
