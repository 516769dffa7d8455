//! The one owner of state: the loop, and the status that clients see.
