//! Configuration: as written, with defaults, validated; where each value came from.
