//! The window «Gerenciador de Backup»: a program of its own, a client of the agent, started when a person wants to look and
//! gone when it is closed. It answers first: are my data safe, since when, what do I do now.
//!
//! [`head`], [`doing`], [`sets`], [`plot`], [`journal`], [`settings`], [`tested`], [`trial`], [`manual`], [`restore`] and
//! [`address`] make what is seen from what is known, all pure; [`scene`] knows it and fills the pages (`ui/*.slint`) and their
//! lists ([`models`]); [`clerk`] talks to the agent and to the disks; [`single`] makes two windows one.

mod address;
mod args;
mod clerk;
mod doing;
mod head;
mod journal;
mod manual;
mod models;
mod plot;
mod program;
mod restore;
mod scene;
mod sets;
mod settings;
mod single;
mod tested;
#[cfg(test)]
mod tests;
mod trial;
mod ui;

pub use program::main;
