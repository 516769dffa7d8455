//! When the next backup is due.
