//! SQL Server: connect, statements, errors as problems.

pub mod statements;
