//! Configuration in three shapes: as written (with lines), with defaults (and where each value came from), validated
//! ([`Config`], the only one that reaches the domain). All problems are found at once, each with its key, its line, what was
//! found and what is expected.

mod address;
mod cnpj;
mod model;
mod secret;

pub use crate::slot::ArchiveName;
pub use cnpj::{Cnpj, NotACnpj};
pub use model::{
    BackupConfig, Config, DatabaseName, Encrypt, Login, NotADatabaseName, ServerConfig, Shop, Terminal,
};
pub use secret::Secret;
