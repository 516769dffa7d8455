//! The backup run: one pass from SQL Server to slot and terminal.
//!
//! ```text
//! prepare ─▶ dump ─▶ pack (check ∥ compress ∥ copy) ─▶ confirm
//! ```
//!
//! [`run()`] makes one backup; [`copy_pending`] makes up what the terminal lacks. Both are told everything by a [`World`]
//! and tell everything to a [`Monitor`].

mod aim;
mod along;
mod busy;
mod confirm;
pub mod contents;
mod describe;
mod dump;
mod estimate;
mod grains;
mod growth;
mod level;
pub mod links;
mod manual;
pub mod outcome;
mod pack;
mod pending;
mod prepare;
mod readers;
mod rescue;
mod room;
mod rows;
mod run;
mod target;
mod terminal;
mod transfer;
pub mod verdict;

pub use aim::Aim;
pub use dump::{as_server_sees, join_as_server};
pub use manual::Manual;
pub use pending::{MadeUp, copy_pending};
pub use run::{Monitor, Order, World, run};
pub use transfer::{Transferred, transfer};
