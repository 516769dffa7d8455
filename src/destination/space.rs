//! Room for the next backup: foreseen, and what yields. Pure.
