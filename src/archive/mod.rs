//! `MCDados.zip`: parallel Deflate into one standard zip entry, `manifest.json` behind it, and the reading, testing and
//! describing of such files.
//!
//! ```text
//! dump ─▶ reader (SHA-256, observer) ─▶ workers (compress, inflate, compare) ─▶ writer, in order ─▶ zip
//! ```
//!
//! - [`pack()`] makes a zip in one pass over the dump, in bounded memory, whatever the size of the database.
//! - [`ReadBack`] compares what is read back from a disk with what was written, and computes the zip's SHA-256.
//! - [`read_manifest`] and [`test()`] read zips through an independent library, and account for every byte of the file;
//!   [`inspect()`] does so for whatever file a person points at.
//!
//! The zip's own SHA-256 comes from reading it back: its first bytes (CRC and sizes) are the last that become known, and
//! SHA-256 cannot be begun without them. What stands between writing and reading back is the [`Seal`]: length and CRC-32 of
//! the whole file, which can be put together in any order.

mod deflate;
mod hash;
mod inflate;
mod inspect;
mod layout;
mod level;
mod manifest;
mod pack;
mod pipeline;
mod problems;
mod read;
mod read_back;
mod records;
mod testing;
mod writer;

pub use deflate::{BLOCK_BYTES, BlockPacker, Mismatch};
pub use hash::Sha256Sum;
pub use inspect::{Content, Dump, Inspection, inspect, inspect_zip, is_zip};
pub use level::Level;
pub use manifest::{
    Company, MANIFEST_FORMAT, MANIFEST_MAX_BYTES, MANIFEST_NAME, Manifest, Part, TableRows, Verdict,
};
pub use pack::{PackOptions, Packed, PartDigest, pack};
pub use read::{read_head, read_manifest};

pub use read_back::{ReadBack, Seal};
pub use records::Method;
pub use testing::{Depth, EntryReport, Proof, TestReport, test};

use std::io::{Seek, Write};

/// What a zip is written into: an empty file, staged under a provisional name. It is written from beginning to end, but
/// for one range: the first local header is written again once its CRC and sizes are known. Whoever follows the growing
/// file sees that as a `seek` backwards and a `write`.
pub trait ZipSink: Write + Seek + Send {}

impl<T: Write + Seek + Send> ZipSink for T {}

/// The name of the entry that holds the dump of `database`, without anything that means a path, a device or nothing to
/// some system.
pub fn entry_name(database: &str) -> String {
    /// Leaves room for the suffix within the 255 bytes of most file systems.
    const MAX_BYTES: usize = 240;
    let mut name = String::new();
    for letter in database.chars() {
        let letter = if letter.is_control() || r#"/\:*?"<>|"#.contains(letter) { '_' } else { letter };
        if name.len() + letter.len_utf8() > MAX_BYTES {
            break;
        }
        name.push(letter);
    }
    // `..`, and names that Windows shortens.
    if name.starts_with('.') || name.is_empty() {
        name.insert(0, '_');
    }
    name + ".bak"
}

#[cfg(test)]
mod tests;
