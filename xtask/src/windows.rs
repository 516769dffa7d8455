//! The toolchain for `x86_64-pc-windows-gnu` on Linux: rustup's target where rustup has it or can fetch it, else Debian's own
//! cargo and rustc, which build the standard library from its sources.

use crate::packages;
use crate::steps::{self, Result};
use std::process::Command;

const TARGET: &str = "x86_64-pc-windows-gnu";

/// A `cargo` that builds for Windows with `verb`; its target directory is apart from the host's.
///
/// # Errors
/// Neither toolchain can be had here.
pub fn cargo(verb: &str) -> Result<Command> {
    packages::install(&[packages::WINDOWS])?;
    let mut command = if has_target() || fetch_target() { rustup_cargo(verb) } else { debian_cargo(verb)? };
    command
        .args(["--target", TARGET, "--target-dir"])
        .arg(steps::root().join("target/windows"))
        .env("CC_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-gcc")
        .env("CXX_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-g++")
        .env("AR_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-ar");
    Ok(command)
}

/// A program as [`cargo`] builds it.
pub fn built(program: &str) -> String {
    let folder = steps::root().join("target/windows").join(TARGET).join("debug");
    folder.join(program).display().to_string()
}

fn rustup_cargo(verb: &str) -> Command {
    let mut command = steps::cargo();
    command.arg(verb);
    command
}

fn has_target() -> bool {
    steps::output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
        .is_some_and(|folder| std::path::Path::new(folder.trim()).is_dir())
}

fn fetch_target() -> bool {
    steps::on_path("rustup")
        && steps::run("fetch the Windows target", Command::new("rustup").args(["target", "add", TARGET]))
            .is_ok()
        && has_target()
}

fn debian_cargo(verb: &str) -> Result<Command> {
    packages::install(&[packages::WINDOWS_TOOLCHAIN])?;
    let cargo = installed_program("cargo-web", "/cargo")?;
    let rustc = installed_program("rustc-web", "/rustc")?;
    let mut command = Command::new(cargo);
    command
        .current_dir(steps::root())
        .arg(verb)
        .arg("-Zbuild-std=std,panic_abort")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", rustc)
        .env_remove("RUSTUP_TOOLCHAIN");
    Ok(command)
}

fn installed_program(package: &str, ending: &str) -> Result<String> {
    steps::output(Command::new("dpkg").args(["-L", package]))
        .and_then(|list| {
            list.lines().find(|path| path.ends_with(ending) && path.contains("/bin")).map(str::to_owned)
        })
        .ok_or_else(|| format!("{package} is installed but holds no program {ending}"))
}
