//! Comparing what is read back with what was written.

use super::hash::Sha256Sum;
use crate::problem::{Code, Problem, Result};
use crate::words;
use sha2::{Digest, Sha256};

/// What was written, so that what is read back can be compared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Length in bytes.
    pub bytes: u64,
    /// CRC-32 of the whole.
    pub crc32: u32,
}

/// Takes what is read back, in order, and compares it with the [`Seal`].
#[derive(Clone, Debug)]
pub struct ReadBack {
    seal: Seal,
    crc: crc32fast::Hasher,
    sha: Sha256,
}

impl ReadBack {
    /// Begins to compare with `seal`.
    pub fn new(seal: Seal) -> Self {
        Self { seal, crc: crc32fast::Hasher::new(), sha: Sha256::new() }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        self.crc.update(piece);
        self.sha.update(piece);
    }

    /// Ends the comparison. `shown` is the file's path as shown to people.
    ///
    /// # Errors
    ///
    /// [`Code::BackupReadBack`] if what was read back is not what was written.
    pub fn finish(self, shown: &str) -> Result<Sha256Sum> {
        let read = Seal { bytes: self.crc.total_len(), crc32: self.crc.finalize() };
        if read == self.seal {
            return Ok(Sha256Sum(self.sha.finalize().into()));
        }
        tracing::error!(?read, written = ?self.seal, path = shown, "what was read back is not what was written");
        Err(Problem::new(
            Code::BackupReadBack,
            words!(
                "O que foi lido de volta de «{shown}» não é o que foi gravado.",
                "What was read back from “{shown}” is not what was written."
            ),
            words!(
                "O disco, o cabo ou a rede desse destino falha: mande verificá-los. Os backups já feitos não foram alterados.",
                "The disk, cable or network of that destination is failing: have them checked. The backups made so far were not touched."
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(written: &[u8], read: &[u8]) -> Result<Sha256Sum> {
        let seal = Seal { bytes: written.len() as u64, crc32: crc32fast::hash(written) };
        let mut back = ReadBack::new(seal);
        read.chunks(7).for_each(|piece| back.feed(piece));
        back.finish(r"D:\MCBkp\MCDados.zip")
    }

    #[test]
    fn the_same_bytes_give_their_sum_and_others_are_refused() {
        let written = [1, 2, 3].repeat(100);
        let sum = read_back(&written, &written).unwrap();
        assert_eq!(sum, Sha256Sum(Sha256::digest(&written).into()));
        let mut flipped = written.clone();
        flipped[200] ^= 1;
        for other in [flipped.as_slice(), &written[1..], b""] {
            let problem = read_back(&written, other).unwrap_err();
            assert_eq!(problem.code, Code::BackupReadBack);
            assert!(problem.sentence.pt.contains(r"D:\MCBkp\MCDados.zip"));
        }
    }
}
