//! The stand-in's own clock. It plays another machine: the product's injected clock does not reach it.

use chrono::{DateTime, FixedOffset, Local};

/// The server's wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place of this program that asks the system's clock")]
pub fn now() -> DateTime<FixedOffset> {
    Local::now().fixed_offset()
}
