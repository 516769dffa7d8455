//! T-SQL: batches are parsed by `sqlparser` and a small recogniser, ordinary statements are compiled to SQLite.
//!
//! What is not known here is refused with the server's own error number. Nothing is passed to SQLite that was not understood:
//! each piece of its text is written by [`compile`], which also knows every expression's type.
//!
//! Known differences from the real server: letters beyond ASCII tell upper from lower case in comparisons, blanks at the end
//! of a text count, and decimals of more than fifteen digits lose the rest in arithmetic.

pub mod batch;
pub mod compile;
pub mod convert;
pub mod functions;
pub mod names;
pub mod scope;
pub mod storage;
pub mod store;
pub mod types;
