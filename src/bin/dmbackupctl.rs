//! `dmbackupctl`: the command line, and the agent without a desktop.

use std::process::ExitCode;

fn main() -> ExitCode {
    dmbackup::cli::main(std::env::args_os())
}
