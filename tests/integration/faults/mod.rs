//! Everything that a run asks of the system and of SQL Server fails once in turn, with each error that it can have: what
//! stood before stays whole, nothing is called a success that is none, and the next run works. Each test prints its table.

mod blows;
mod calls;
pub mod disks;
mod errands;
mod restores;
mod statements;
mod yard;
