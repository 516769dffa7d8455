//! SQL Server: connect, statements, errors as problems.

pub mod errors;
pub mod statements;
