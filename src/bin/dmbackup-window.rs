//! `dmbackup-window`: the window «Gerenciador de Backup».

#![windows_subsystem = "windows"]

use std::process::ExitCode;

fn main() -> ExitCode {
    dmbackup::window::main(std::env::args_os())
}
