//! What several integration tests use: processes of their own, destinations in memory and with faults.

pub mod child;
pub mod faulty;
pub mod memory;
