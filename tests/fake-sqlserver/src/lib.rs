//! A SQL Server stand-in for DMBackup's tests and demo: TDS on the wire, rows underneath, real Microsoft Tape Format files.

mod ean;
mod le;
pub mod mtf;
pub mod pages;
pub mod pharmacy;
