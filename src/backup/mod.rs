//! The backup run: one pass from SQL Server to slot and terminal.

pub mod outcome;
