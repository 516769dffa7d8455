//! The command line: verbs and rendering, for people and as `--json`.
