//! The agent: the one owner of state, and the status that clients see.

pub mod status;
