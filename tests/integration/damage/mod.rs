//! The matrix of damage: what happens to a file × where × which file, by itself and in the middle of a run. Damage is found,
//! or it changed nothing that was promised; nothing damaged is ever called «conferido»; the next run works. Each test prints
//! its table.

mod files;
mod moments;
mod restores;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A block as disks and controllers lose them.
const BLOCK: usize = 64 << 10;

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    /// It ends early.
    Cut,
    /// One bit is turned over.
    FlippedBit,
    /// 64 KiB became zeros.
    BlankBlock,
    /// Two blocks of 64 KiB changed places.
    SwappedBlocks,
}

impl Damage {
    const ALL: [Self; 4] = [Self::Cut, Self::FlippedBit, Self::BlankBlock, Self::SwappedBlocks];

    const fn shown(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::FlippedBit => "one bit flipped",
            Self::BlankBlock => "64 KiB blank",
            Self::SwappedBlocks => "64 KiB exchanged",
        }
    }

    /// Does it to `bytes`, somewhere; `false` where nothing changed, as where a block was blank already. A file that is
    /// shorter than two blocks has shorter ones.
    fn strike(self, bytes: &mut Vec<u8>, random: &mut fastrand::Rng) -> bool {
        let block = BLOCK.min(bytes.len() / 2);
        let count = bytes.len() / block.max(1);
        match self {
            _ if bytes.len() < 2 => return false,
            Self::Cut => bytes.truncate(random.usize(..bytes.len())),
            Self::FlippedBit => {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1 << random.u32(..8);
            }
            Self::BlankBlock => {
                let from = random.usize(..count) * block;
                if bytes[from..from + block].iter().all(|byte| *byte == 0) {
                    return false;
                }
                bytes[from..from + block].fill(0);
            }
            Self::SwappedBlocks => {
                let one = random.usize(..count);
                let other = (one + random.usize(1..count)) % count;
                let (low, high) = (one.min(other) * block, one.max(other) * block);
                if bytes[low..low + block] == bytes[high..high + block] {
                    return false;
                }
                let (head, tail) = bytes.split_at_mut(high);
                head[low..low + block].swap_with_slice(&mut tail[..block]);
            }
        }
        true
    }

    /// Does it to the file at `path`, in place: its other names share it. `false` as [`strike`](Self::strike).
    fn strike_file(self, path: &Path, random: &mut fastrand::Rng) -> bool {
        let mut bytes = fs::read(path).unwrap();
        let struck = self.strike(&mut bytes, random);
        write_in_place(path, &bytes);
        struck
    }

    /// Does it to the manifest of the zip at `path`, in place; a zip that ends early has nothing behind that end.
    fn strike_manifest(self, path: &Path, random: &mut fastrand::Rng) -> bool {
        let bytes = fs::read(path).unwrap();
        let Some((_, range)) = layout_of(&bytes) else { return false };
        let mut manifest = bytes[range.clone()].to_vec();
        let struck = self.strike(&mut manifest, random);
        let rest = if self == Self::Cut { &[][..] } else { &bytes[range.end..] };
        write_in_place(path, &[&bytes[..range.start], &manifest, rest].concat());
        struck
    }
}

/// Where in a zip of ours the compressed dump ends, and where its manifest stands; `None` where it has none yet.
fn layout_of(zip: &[u8]) -> Option<(usize, Range<usize>)> {
    let directory = zip.windows(4).position(|four| four == b"PK\x01\x02")?;
    let name = zip[..directory].windows(13).rposition(|name| name == b"manifest.json")?;
    let begin = name + 13 + zip[name + 13..].iter().position(|byte| *byte == b'{')?;
    let end = zip[..directory].iter().rposition(|byte| *byte == b'}')? + 1;
    Some((directory, begin..end))
}

/// The same of a zip that is finished.
fn layout(zip: &[u8]) -> (usize, Range<usize>) {
    layout_of(zip).unwrap()
}

/// Makes `bytes` the content of the file at `path`, without making another file.
fn write_in_place(path: &Path, bytes: &[u8]) {
    let file: File = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    (&file).flush().unwrap();
}
