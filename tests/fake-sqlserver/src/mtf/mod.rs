//! The Microsoft Tape Format, as SQL Server writes its `.bak` files: [`write_backup`] wraps the pages of a database into
//! one, [`read_header`] answers `RESTORE HEADERONLY` and `FILELISTONLY`, [`verify()`] answers `RESTORE VERIFYONLY`, and
//! [`damage`] spoils files in the ways that tests need.
//!
//! Everything here follows real files of SQL Server 2005–2017 byte for byte, as far as their bytes are understood; fields
//! whose meaning is unknown carry the values that stand in all of them. What real files do not tell is said at its place.

mod block;
mod catalogue;
pub mod damage;
mod date;
mod describe;
mod header;
mod request;
mod verify;
pub mod walk;
mod writer;

pub use catalogue::{FileEntry, Lsn};
pub use header::{FileRow, HeaderFault, HeaderInfo, read_header};
pub use request::{DumpRequest, Finish, Recovery, ServerVersion, Stripe};
pub use verify::{VerifyFault, verify};
pub use writer::{ExtentId, FileInfo, FileKind, Identity, PageSource, Written, was_stopped, write_backup};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod verify_tests;
