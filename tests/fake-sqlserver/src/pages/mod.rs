//! The pages of a SQL Server data file: 8 KiB each, eight to an extent, with the allocation maps that say which of them
//! are in use. [`Builder`] makes them of the tables of an SQLite database while a dump is being written, [`Synthetic`]
//! makes any number of MiB of them without a database, and [`read_rows`] brings the rows back out of a `.bak` file.

mod allocation;
mod builder;
mod page;
mod plan;
mod read;
mod record;
mod schema;
mod synthetic;
mod system;
mod track;

pub use builder::{Builder, Database, Extra, identity_of};
pub use page::{PAGE_BYTES, Page, PageVerify, checksum};
pub use read::{Definition, ReadFault, Recovered, RecoveredTable, Sink, read_each, read_into, read_rows};
pub use schema::{Column, Kind, Table};
pub use synthetic::Synthetic;

pub(crate) use page::{is_intact, is_missing, object_of};
pub(crate) use system::FIRST_USER_OBJECT;
pub use track::Place;
pub(crate) use track::{FreeSpace, Track};

/// Pages of an extent.
pub const EXTENT_PAGES: u32 = 8;
/// Bytes of an extent.
pub const EXTENT_BYTES: usize = PAGE_BYTES * EXTENT_PAGES as usize;

#[cfg(test)]
mod tests;
