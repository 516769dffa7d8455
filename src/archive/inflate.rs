//! The one place that speaks zlib's C interface: inflating with `Z_BLOCK`, which stops at each block boundary and tells
//! at which bit that is. No safe interface offers it. The implementation behind the interface is `zlib-rs`.

#![expect(unsafe_code, reason = "zlib's interface takes raw pointers; nothing else in this room does")]

use libz_rs_sys::{
    Z_BLOCK, Z_BUF_ERROR, Z_OK, Z_STREAM_END, inflate, inflateEnd, inflateInit2_, inflateReset, z_stream,
    zlibVersion,
};

/// A raw Deflate stream of at most 32 KiB distance, without header or trailer.
const RAW_WINDOW_BITS: i32 = -15;
/// Set in `data_type` when inflating stopped right after a block's end.
const AT_BOUNDARY: i32 = 128;
/// Set in `data_type` while and after the final block is decoded.
const IN_LAST_BLOCK: i32 = 64;
/// The part of `data_type` that counts bits which were taken from the input but belong to what follows.
const UNUSED_BITS: i32 = 63;

/// The stream is not valid Deflate, or the inflater could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// How far one call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes taken from the input.
    pub consumed: usize,
    /// Bytes written to the output.
    pub produced: usize,
    /// Why it stopped.
    pub stop: Stop,
}

/// Why inflating stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A block ended.
    Boundary {
        /// Bits at the end of the consumed bytes that belong to what follows.
        unused_bits: usize,
        /// Whether it was the final block.
        last: bool,
    },
    /// The output is full, or the input is used up, in the middle of a block.
    Midway,
}

/// Inflates one raw Deflate stream after the other, block by block.
pub(super) struct BlockInflater {
    /// Boxed because zlib's state may point back to it: it must not move.
    stream: Box<z_stream>,
}

impl BlockInflater {
    /// A new inflater (about 45 KiB).
    pub(super) fn new() -> Result<Self, Refused> {
        let mut stream = Box::new(z_stream::default());
        let size = i32::try_from(size_of::<z_stream>()).map_err(|_| Refused)?;
        // SAFETY: `stream` is a valid exclusive reference with the library's own allocation functions; the version is
        // the library's own static C string; the size is that of the structure.
        let code = unsafe { inflateInit2_(&raw mut *stream, RAW_WINDOW_BITS, zlibVersion(), size) };
        if code == Z_OK { Ok(Self { stream }) } else { Err(Refused) }
    }

    /// Forgets the stream so far and expects the beginning of another.
    pub(super) fn reset(&mut self) -> Result<(), Refused> {
        // SAFETY: the stream was initialised in `new` and is exclusively ours.
        let code = unsafe { inflateReset(&raw mut *self.stream) };
        if code == Z_OK { Ok(()) } else { Err(Refused) }
    }

    /// Inflates `input` into `output` up to the next block boundary, the end of either, or an error. What came out must be
    /// taken from `output` before the next call.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Refused> {
        let offered = u32::try_from(input.len()).unwrap_or(u32::MAX);
        let room = u32::try_from(output.len()).unwrap_or(u32::MAX);
        self.stream.next_in = input.as_ptr();
        self.stream.avail_in = offered;
        self.stream.next_out = output.as_mut_ptr();
        self.stream.avail_out = room;
        // SAFETY: the stream was initialised in `new`; both pointers are valid for the lengths given, for the whole call,
        // and `output` is exclusively ours. zlib keeps neither pointer for later: `next_in` and `next_out` are set anew
        // before each call, and its window is a copy.
        let code = unsafe { inflate(&raw mut *self.stream, Z_BLOCK) };
        if ![Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(&code) {
            return Err(Refused);
        }
        let state = self.stream.data_type;
        let stop = if state & AT_BOUNDARY == 0 {
            Stop::Midway
        } else {
            let unused_bits = usize::try_from(state & UNUSED_BITS).map_err(|_| Refused)?;
            Stop::Boundary { unused_bits, last: state & IN_LAST_BLOCK != 0 }
        };
        Ok(Step {
            consumed: (offered - self.stream.avail_in) as usize,
            produced: (room - self.stream.avail_out) as usize,
            stop,
        })
    }
}

impl Drop for BlockInflater {
    fn drop(&mut self) {
        // SAFETY: the stream was initialised in `new`, is exclusively ours, and is not used afterwards.
        unsafe { inflateEnd(&raw mut *self.stream) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two fixed blocks with nothing in them (`10` bits each: 3 of header, 7 of end-of-block), the second final.
    const TWO_EMPTY_BLOCKS: [u8; 3] = [0b0000_0010, 0b0000_1100, 0];

    #[test]
    fn each_block_boundary_is_reported_to_the_bit() {
        let mut inflater = BlockInflater::new().unwrap();
        let mut output = [0; 16];
        let first = inflater.step(&TWO_EMPTY_BLOCKS, &mut output).unwrap();
        assert_eq!(
            first,
            Step { consumed: 2, produced: 0, stop: Stop::Boundary { unused_bits: 6, last: false } }
        );
        let second = inflater.step(&TWO_EMPTY_BLOCKS[2..], &mut output).unwrap();
        assert_eq!(
            second,
            Step { consumed: 1, produced: 0, stop: Stop::Boundary { unused_bits: 4, last: true } }
        );
    }

    #[test]
    fn a_block_of_an_unknown_type_is_refused_and_the_inflater_goes_on_after_a_reset() {
        let mut inflater = BlockInflater::new().unwrap();
        let mut output = [0; 16];
        assert_eq!(inflater.step(&[0b0000_0111], &mut output), Err(Refused));
        inflater.reset().unwrap();
        assert!(inflater.step(&TWO_EMPTY_BLOCKS, &mut output).is_ok());
    }

    #[test]
    fn a_full_output_stops_midway_and_the_rest_follows() {
        let stored = [1, 5, 0, 250, 255, b'a', b'b', b'c', b'd', b'e'];
        let mut inflater = BlockInflater::new().unwrap();
        let mut output = [0; 3];
        let step = inflater.step(&stored, &mut output).unwrap();
        assert_eq!((step.produced, step.stop, &output), (3, Stop::Midway, b"abc"));
        let rest = inflater.step(&stored[step.consumed..], &mut output).unwrap();
        assert_eq!((rest.produced, &output[..2]), (2, b"de".as_slice()));
        assert_eq!(rest.stop, Stop::Boundary { unused_bits: 0, last: true });
    }
}
