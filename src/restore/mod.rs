//! Restoring: beside the live database, which is never touched by it, and in its place, which a person confirms.
//!
//! ```text
//! source ─▶ look ─▶ extract (hashes, pages) ─▶ RESTORE beside ─▶ CHECKDB ─▶ counts ─▶ (exchange by name)
//! ```
//!
//! [`carry_out`] does one [`Task`](outcome::Task) and tells everything of it in a [`RestoreReport`](outcome::RestoreReport). What it is about to
//! do in the server stands in the [`Records`] before it is done, so that the next start can end it: [`recover`].

mod beside;
pub mod checklist;
mod exchange;
mod extract;
mod foresee;
pub mod outcome;
mod overwrite;
mod overwrite_problems;
mod plan;
mod problems;
mod record;
mod replace;
mod retest;
mod room;
mod rows;
mod source;
mod staging;
mod work;

pub use foresee::foresee;
pub use problems::interrupted;
pub use record::Records;
pub use source::{describe, list};
pub use work::{
    Monitor, RestoreOrder, TypedLogin, Workshop, carry_out, end_left, has_left, recover, standing, unfinished,
};
