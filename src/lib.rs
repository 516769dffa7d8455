//! DMBackup: hourly, proved backups of a shop's SQL Server. This page is the map of the library.
//!
//! ```text
//! config ─▶ cycle (each minute) ─▶ schedule ─▶ backup run ─▶ journal ─▶ status ─▶ clients, notices
//!                                                │
//!             SQL Server ─▶ MCDados.bak ─▶ read once: page checks · hash · Deflate ─▶ MCDados.zip ─▶ slot
//!                                                                                    └─ followed ─▶ terminal ─▶ slot there
//! ```
//!
//! Tray ([`desktop`]), window ([`window`]) and command line ([`cli`]) sit behind one local control channel. Nothing flows back up.
//!
//! Invariants, which `tests/` attacks:
//!
//! 1. At every instant, killed or not, each slot and each weekday holds either its old good file or its new good file.
//! 2. «Success» means: SQL Server said so, the check's verdict was good, what stands in the zip was compared with what was
//!    read, and the copies on server and terminal were read back.
//! 3. Nothing is deleted or replaced because of a clock, a rule or a full disk unless a newer verified backup exists.
//! 4. The agent never blocks a client, and a client can never stop the agent without the password.
//! 5. Every failure reaches a person: status, journal, the system's event log, notices, and the alerts that are configured.
//! 6. No secret and no customer's datum in logs, journal, status, alerts or file names.

pub mod agent;
pub mod alert;
pub mod archive;
pub mod backup;
pub mod bak;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod cycle;
#[cfg(feature = "tray")]
pub mod desktop;
pub mod destination;
pub mod durable;
pub mod head_office;
#[cfg(any(feature = "tray", feature = "window"))]
pub mod icon;
pub mod journal;
pub mod kept;
pub mod logging;
pub mod notify;
pub mod platform;
pub mod problem;
pub mod restore;
pub mod schedule;
pub mod slot;
pub mod sqlserver;
pub mod update;
pub mod verify;
#[cfg(feature = "window")]
pub mod window;
pub mod words;
