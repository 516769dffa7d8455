//! A SQL Server stand-in for DMBackup's tests and demo: TDS on the wire, rows underneath, real Microsoft Tape Format files.
//!
//! ```text
//! server ─▶ session ─▶ engine ─▶ sql (T-SQL compiled to SQLite) ─▶ rows
//!   │          │          └────▶ backup ─▶ pages ─▶ mtf ─▶ .bak
//!   └ tds ─────┘ (packets, TLS, login, tokens)
//! ```
//!
//! - [`server`]: starts and stops it; [`server::Handle`] is what tests hold, [`handle`] what they do with it
//! - [`options`]: what it is started with
//! - [`instance`]: what sessions share; [`database`], [`security`], [`identity`], [`history`] are its parts
//! - [`session`]: one client's connection
//! - [`engine`]: carries out batches and procedure calls
//! - [`kept`]: which databases there are, over restarts
//! - [`contents`]: what databases hold, and the pages that BACKUP reads
//! - [`fault`]: what goes wrong on demand; [`os_error`]: what goes wrong by itself, in Windows' numbers
//! - [`mtf`]: the Microsoft Tape Format; [`pages`]: rows in the pages of a data file; [`pharmacy`]: rows worth
//!   backing up
//! - [`system`]: what differs between Windows and the others
//! - [`tds`]: the wire, knowing nothing of statements
//! - [`value`], [`error`]: SQL Server's types, values and errors

pub mod clock;
pub mod contents;
pub mod database;
mod ean;
pub mod engine;
pub mod error;
pub mod fault;
pub mod handle;
pub mod history;
pub mod identity;
pub mod instance;
pub mod kept;
mod le;
pub mod mtf;
pub mod options;
pub mod os_error;
pub mod pages;
pub mod pharmacy;
pub mod security;
pub mod server;
pub mod session;
pub mod sql;
pub mod system;
pub mod tds;
pub mod value;
pub mod views;
