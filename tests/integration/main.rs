//! The integration tests, one binary.
#[cfg(test)]
mod bak_real;
#[cfg(test)]
mod destination;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod support;
