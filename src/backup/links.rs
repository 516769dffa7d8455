//! The other names of a backup: the newest and the weekday. The slot itself stands already; a link that cannot be made
//! loses nothing, and is made up by the next run or by the copies that are pending.

use crate::destination::{Destination, Name};
use crate::problem::{Problem, Result};

/// The names that a backup takes besides its hour's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linking {
    /// The name under which it stands.
    pub from: Name,
    /// The other names, in the order in which they are made.
    pub to: Vec<Name>,
}

/// Makes every link of `linking` at `destination`. Returns the first problem; the other links are tried all the same.
pub fn make(destination: &dyn Destination, linking: &Linking) -> Option<Problem> {
    let mut first = None;
    for to in &linking.to {
        if let Err(problem) = link(destination, &linking.from, to) {
            tracing::warn!(name = %to, %problem, "a name of the newest backup could not be made");
            first.get_or_insert(problem);
        }
    }
    first
}

fn link(destination: &dyn Destination, from: &Name, to: &Name) -> Result<()> {
    destination.link(from, to).map(|linked| tracing::debug!(?linked, %to, "named"))
}
