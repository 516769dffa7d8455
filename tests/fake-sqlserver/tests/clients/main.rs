//! The stand-in as clients that others wrote see it.

mod freetds;
mod microsoft;
mod support;
mod tiberius_backup;
mod tiberius_login;
mod tiberius_statements;
mod wire;
