//! The room `sqlserver` against a SQL Server: the stand-in, and in the tests of `acceptance` a real one too.

mod acceptance;
#[cfg(unix)]
mod by_address;
mod dump;
mod health;
mod login;
#[cfg(unix)]
mod replacing;
mod stop;
mod whole_run;
