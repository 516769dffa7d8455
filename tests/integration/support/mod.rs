//! What several integration tests use: processes of their own, destinations in memory and with faults, a
//! SQL Server.

pub mod agent;
pub mod child;
pub mod faulty;
pub mod memory;
pub mod shop;
pub mod sqlserver;
pub mod whole;
