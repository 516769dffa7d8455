//! The minute's checks as declared values, and how the world is asked.
