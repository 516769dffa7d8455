//! The cycle that starts again every minute (DM9): its steps in the manual's words, the checks that they feed, how the world
//! is asked, and what is unhealthy since when.

pub mod catalogue;
pub mod configuration;
pub mod health;
pub mod probe;
pub mod step;
