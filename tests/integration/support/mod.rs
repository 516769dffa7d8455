//! What several integration tests use: processes of their own, destinations in memory and with faults, a
//! SQL Server.

#[cfg(unix)]
pub mod agent;
#[cfg(target_os = "linux")]
pub mod calls;
#[cfg(unix)]
pub mod child;
#[cfg(unix)]
pub mod faulty;
#[cfg(unix)]
pub mod memory;
pub mod shop;
pub mod sql;
pub mod sqlserver;
#[cfg(unix)]
pub mod table;
#[cfg(unix)]
pub mod terminal;
#[cfg(unix)]
pub mod whole;
