//! The agent: the one owner of state, and the status that clients see.

pub mod effect;
pub mod history;
pub mod input;
pub mod owner;
mod problems;
pub mod state;
pub mod status;
pub mod view;
