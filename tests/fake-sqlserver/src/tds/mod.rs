//! The wire: TDS 7.4 packets, messages and tokens, knowing nothing of what the statements mean.
//!
//! Source of every number here: Microsoft's open specification \[MS-TDS\].

pub mod login;
pub mod packet;
pub mod parameters;
pub mod prelogin;
pub mod reader;
pub mod rpc;
pub mod tls;
pub mod token;
pub mod types;
pub mod values;
