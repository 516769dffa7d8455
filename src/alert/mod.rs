//! The ways out of the shop: e-mail, a webhook, Telegram, and a heartbeat in healthchecks' manner. A task of its own keeps a
//! queue that outlives the process, and sends; nobody waits for it, and a server that hangs holds up nothing but its own way.
//!
//! What is sent says whose it is (the shop's own name and CNPJ) and what is wrong; never a secret, never a customer's datum.

mod channel;
mod letter;
mod mail;
mod post;
mod problems;
mod queue;
mod redact;
mod web;

pub use channel::Channel;
pub use letter::{Letter, Signal};
pub use post::{Alerts, Postman};
#[cfg(test)]
pub(crate) use problems::failed;
pub use problems::not_configured;

#[cfg(test)]
mod testing;
