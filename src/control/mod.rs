//! The one local channel between the agent and every human surface: its vocabulary, the server inside the agent, and the
//! typed client that tray, window and command line share.
//!
//! A frame is four bytes of length (big-endian) and that many bytes of JSON. Client and agent each begin with a [`Hello`];
//! then the client asks and the agent answers, one after the other; after `watch` the agent goes on sending whole
//! [`Status`](crate::agent::status::Status) values until the client hangs up.
//!
//! [`Hello`]: protocol::Hello

pub mod client;
mod frames;
pub mod link;
pub mod protocol;
mod registry;
pub mod server;
mod views;
