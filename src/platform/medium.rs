//! Reading past the cache, the part that both systems share: unbuffered reads want buffers, offsets and lengths that are
//! multiples of the medium's sector.

use std::io;
use std::ops::Range;

/// Multiple of every sector size in use, and of a page of memory.
pub const ALIGNMENT: usize = 4096;

/// Bytes of one read: large enough for a spinning disk and a share.
const PIECE: usize = 1 << 20;

/// Reads `range` of a file, whose beginning is a multiple of [`ALIGNMENT`], through `read_at` (which reads into a buffer at an offset, both aligned, and returns how
/// many bytes it got), and hands each piece to `sink` in order. Returns the bytes read.
pub fn read_aligned(
    range: Range<u64>,
    mut read_at: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
    sink: &mut dyn FnMut(&[u8]),
) -> io::Result<u64> {
    let mut memory = vec![0_u8; PIECE + ALIGNMENT];
    let start = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    let buffer = &mut memory[start..start + PIECE];
    let mut done = range.start;
    while done < range.end {
        // After a short read the next one begins again at the last aligned offset.
        let skipped = done % ALIGNMENT as u64;
        let count = match read_at(buffer, done - skipped) {
            Ok(count) => count as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if count <= skipped {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = count.min(range.end - done + skipped);
        // `end` is at most the buffer's length, which fits.
        sink(&buffer[skipped as usize..end as usize]);
        done += end - skipped;
    }
    Ok(done.saturating_sub(range.start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever short reads the medium gives, each byte is handed on once and in order, at aligned offsets only.
        #[test]
        fn short_reads_lose_and_repeat_nothing(length in 0_usize..3_000_000, shorts in prop::collection::vec(1_usize..2_000_000, 0..6)) {
            let content: Vec<u8> = (0..length).map(|at| (at / 7) as u8).collect();
            let mut shorts = shorts.into_iter();
            let mut got = Vec::new();
            let begin = (length / 3 / ALIGNMENT * ALIGNMENT) as u64;
            let bytes = read_aligned(
                begin..length as u64,
                |buffer, offset| {
                    assert_eq!(offset % ALIGNMENT as u64, 0);
                    assert_eq!(buffer.as_ptr() as usize % ALIGNMENT, 0);
                    let rest = &content[offset as usize..];
                    let most = shorts.next().map_or(buffer.len(), |short| short.max(ALIGNMENT));
                    let count = rest.len().min(buffer.len()).min(most);
                    buffer[..count].copy_from_slice(&rest[..count]);
                    Ok(count)
                },
                &mut |piece| got.extend_from_slice(piece),
            )
            .unwrap();
            prop_assert_eq!(bytes, length as u64 - begin);
            prop_assert!(got == content[begin as usize..]);
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error_and_no_endless_loop() {
        let error = read_aligned(0..10_000, |_, offset| Ok(if offset == 0 { 4096 } else { 0 }), &mut |_| ());
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
