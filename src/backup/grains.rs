//! A file's content in grains of one length, each with its SHA-256: two files are compared by them, in whatever order they
//! are read. So the terminal's copy can be read back while it still grows, though the first bytes of a zip are the last to be
//! written.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Length of a grain. A zip of 5 GiB has 5120 of them, of 32 bytes each.
pub const GRAIN_BYTES: u64 = 1 << 20;

/// The sums of a file's grains; the last may be shorter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grains {
    /// By the grain's number; with the grain's length.
    sums: BTreeMap<u64, (u64, [u8; 32])>,
}

/// A grain's number, length in bytes, and SHA-256.
pub type Sum = (u64, (u64, [u8; 32]));

impl Grains {
    /// Takes the sums of what was read; a grain that was read before is replaced.
    pub fn take(&mut self, sums: impl IntoIterator<Item = Sum>) {
        self.sums.extend(sums);
    }
}

/// Reads grains one after the other.
#[derive(Clone, Debug)]
pub struct Reading {
    number: u64,
    bytes: u64,
    hash: Sha256,
    grains: Grains,
}

impl Reading {
    /// Begins with grain `number`.
    pub fn from(number: u64) -> Self {
        Self { number, bytes: 0, hash: Sha256::new(), grains: Grains::default() }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let room = usize::try_from(GRAIN_BYTES - self.bytes).unwrap_or(usize::MAX);
            let (now, later) = piece.split_at(room.min(piece.len()));
            self.hash.update(now);
            self.bytes += now.len() as u64;
            if self.bytes == GRAIN_BYTES {
                self.grains.sums.insert(self.number, (self.bytes, self.hash.finalize_reset().into()));
                self.number += 1;
                self.bytes = 0;
            }
            piece = later;
        }
    }

    /// Ends at the file's end.
    pub fn finish(self) -> Grains {
        let mut grains = self.grains;
        if self.bytes > 0 {
            grains.sums.insert(self.number, (self.bytes, self.hash.finalize().into()));
        }
        grains
    }

    /// Ends wherever it is; the sums of what was read.
    pub fn sums(self) -> impl Iterator<Item = Sum> {
        self.finish().sums.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(content: &[u8]) -> Grains {
        let mut reading = Reading::from(0);
        content.chunks(1_000_003).for_each(|piece| reading.feed(piece));
        reading.finish()
    }

    #[test]
    fn grains_read_in_any_order_and_again_are_those_of_the_whole() {
        let content: Vec<u8> = (0..3 * GRAIN_BYTES + 5).map(|at| (at / 3) as u8).collect();
        let whole = of(&content);
        assert_eq!(whole.sums.values().map(|(bytes, _)| bytes).sum::<u64>(), content.len() as u64);
        let grain = GRAIN_BYTES as usize;
        let mut parts = Grains::default();
        let mut stale = content[..grain].to_vec();
        stale[0] ^= 1;
        for (number, part) in
            [(0, stale.as_slice()), (2, &content[2 * grain..]), (1, &content[grain..2 * grain])]
        {
            let mut reading = Reading::from(number);
            reading.feed(part);
            parts.take(reading.sums());
        }
        assert_ne!(parts, whole);
        let mut again = Reading::from(0);
        again.feed(&content[..grain]);
        parts.take(again.sums());
        assert_eq!(parts, whole);
    }

    #[test]
    fn any_other_content_or_length_has_other_grains() {
        let content = vec![7; GRAIN_BYTES as usize + 1];
        let whole = of(&content);
        assert_ne!(of(&content[1..]), whole);
        assert_ne!(of(&[content.as_slice(), &[7]].concat()), whole);
        let mut flipped = content;
        flipped[GRAIN_BYTES as usize] ^= 1;
        assert_ne!(of(&flipped), whole);
        assert_eq!(of(&[]), Grains::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn cut_at_any_grains_and_taken_in_any_order_they_are_those_of_the_whole(
            length in 0usize..20_000_000,
            cuts in proptest::collection::btree_set(1u64..5, 0..4),
            order in any::<u64>(),
        ) {
            let content: Vec<u8> = (0..length).map(|at| (at / 5) as u8 ^ (at >> 20) as u8).collect();
            let mut starts: Vec<u64> = std::iter::once(0).chain(cuts).collect();
            starts.retain(|number| number * GRAIN_BYTES <= length as u64);
            let ends = starts.iter().skip(1).copied().chain([u64::MAX / GRAIN_BYTES]);
            let mut parts: Vec<(u64, u64)> = starts.iter().copied().zip(ends).collect();
            fastrand::Rng::with_seed(order).shuffle(&mut parts);
            let mut grains = Grains::default();
            for (first, end) in parts {
                let mut reading = Reading::from(first);
                let (from, to) = (first * GRAIN_BYTES, (end * GRAIN_BYTES).min(length as u64));
                content[from as usize..to as usize].chunks(777_777).for_each(|piece| reading.feed(piece));
                grains.take(reading.sums());
            }
            prop_assert_eq!(grains, of(&content));
        }
    }
}
