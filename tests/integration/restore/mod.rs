//! Restores against the stand-in: beside, in place, cut short anywhere.

pub mod bench;
mod beside;
mod command;
mod input;
mod kills;
mod left;
pub mod overwrite;
pub mod overwrite_kills;
mod replace;
mod retest;
