//! SQL Server: connect, statements, errors as problems.
