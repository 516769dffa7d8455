//! The stand-in as clients that others wrote see it.

mod support;
mod tiberius_backup;
mod tiberius_login;
