//! Text between Rust and Windows.

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt;

/// The text in UTF-16 with its terminating zero.
pub fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

/// The text in `units`, up to the first zero.
pub fn narrow(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..end])
}
