//! The whole list of differences between Windows and Linux.
