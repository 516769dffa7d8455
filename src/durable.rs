//! A file appears complete or not at all: beside, fsync, read back, rename; free space.
