//! The rules of the source tree that the compiler does not know.
