//! The stand-in as clients that others wrote see it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what a test builds on must be there")]

mod freetds;
mod microsoft;
mod program;
mod support;
mod tiberius_backup;
mod tiberius_databases;
mod tiberius_login;
mod tiberius_restore;
mod tiberius_statements;
mod wire;
