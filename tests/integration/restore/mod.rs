//! Restores against the stand-in: beside, in place, cut short anywhere.

pub mod bench;
mod beside;
mod command;
mod input;
mod kills;
mod left;
mod replace;
mod retest;
