//! `completions SHELL`: the script with which a shell completes commands and options.

use super::args::Shell;
use super::help;
use super::printer::Printer;
use crate::problem::Exit;

/// Prints the script; its descriptions are in the reader's language.
pub fn print(shell: Shell, printer: &mut Printer) -> Exit {
    let mut command = help::command(printer.language());
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(generator(shell), &mut command, name, &mut script);
    printer.line(String::from_utf8_lossy(&script).trim_end());
    Exit::Success
}

fn generator(shell: Shell) -> clap_complete::Shell {
    match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::PowerShell => clap_complete::Shell::PowerShell,
    }
}
