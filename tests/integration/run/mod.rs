//! Whole runs against the stand-in: what a backup leaves, and what trouble leaves untouched.

mod dumps;
mod extra;
pub mod full_disk;
mod local;
pub mod manual;
pub mod rights;
mod rotation;
mod server;
mod stop;
pub mod terminal;
