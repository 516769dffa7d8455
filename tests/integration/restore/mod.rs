//! Restores against the stand-in: beside, in place, cut short anywhere.

mod bench;
mod beside;
mod command;
mod input;
mod kills;
mod replace;
mod retest;
