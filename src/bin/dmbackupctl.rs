//! `dmbackupctl`: the command line, and the agent without a desktop.

fn main() {}
