//! The Microsoft Tape Format, in which SQL Server writes its `.bak` files: read once, check what can be checked without a
//! server, describe. `docs/bak-format.md` tells what is known of the format, and from where.
//!
//! ```text
//! bytes ─▶ Checker: blocks and streams ─▶ content: order, places, descriptions
//!                                     └─▶ data: extents in their places ─▶ pages in use: checksums
//! ```
//!
//! What is damaged is called [`Verdict::Damaged`]; what was never seen in a real file is not condemned but called
//! [`Verdict::NotUnderstood`], and SQL Server is to judge it.

mod allocation;
mod checker;
mod content;
mod data;
mod description;
mod examination;
mod finding;
mod frame;
mod order;
mod page;
#[cfg(test)]
mod tests;

pub use checker::Checker;
pub use description::{Build, DatabaseFile, Description};
pub use examination::{Examination, Pages, Verdict};
pub use finding::{Finding, FindingKind};
pub use page::{PAGE_BYTES, Page, page_checksum};

use crate::problem::{Code, Problem, Result};
use crate::words;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How much of a file [`examine`] reads at a time.
const READ_BYTES: usize = 256 * 1024;

/// Checks the backup file at `path`, reading it once from its begin to its end. Blocks.
///
/// # Errors
///
/// [`Code::FolderIo`] if the file cannot be opened or read. A damaged file is no error but a [`Verdict`].
pub fn examine(path: &Path) -> Result<Examination> {
    let read = || -> io::Result<Examination> {
        let mut file = File::open(path)?;
        let mut piece = vec![0; READ_BYTES];
        let mut checker = Checker::new();
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(checker.finish()),
                Ok(count) => checker.feed(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    read().map_err(|error| {
        tracing::warn!(path = %path.display(), %error, "cannot read a backup file");
        let path = path.display();
        Problem::new(
            Code::FolderIo,
            words!(
                "Não foi possível ler o arquivo «{path}»: {error}.",
                "The file «{path}» cannot be read: {error}."
            ),
            words!(
                "Confira se o arquivo existe, se você pode lê-lo e se o disco está bom.",
                "Check that the file exists, that you may read it, and that the disk is sound.",
            ),
        )
    })
}
