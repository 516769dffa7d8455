//! Whole runs against the stand-in: what a backup leaves, and what trouble leaves untouched.

mod dumps;
mod local;
mod rotation;
mod server;
mod stop;
mod terminal;
