//! The integration tests, one binary.
#[cfg(test)]
mod bak_real;
