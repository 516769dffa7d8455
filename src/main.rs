//! `dmbackup`: the program beside the clock.

#![windows_subsystem = "windows"]

use std::process::ExitCode;

fn main() -> ExitCode {
    dmbackup::desktop::main(std::env::args_os())
}
