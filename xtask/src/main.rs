//! `cargo xtask`: the project's own commands. They install the system packages that they need (Debian and Ubuntu;
//! elsewhere they name what is missing), say what they do, and end with a failure where one step failed.

mod bench;
mod demo;
mod fuzz;
mod packages;
mod shop;
mod soak;
mod steps;
mod test;
mod volumes;
mod windows;
mod wine;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "DMBackup's own commands")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Starts a SQL Server stand-in with a pharmacy's database and the agent beside it; everything is below target/demo
    Demo(demo::Options),
    /// Runs every check and every test, and ends with their count
    Test(test::Options),
    /// Searches for bytes that the product does not take (libFuzzer; not a part of `test`, which runs the known ones)
    Fuzz(fuzz::Options),
    /// Sets the product's speed and memory beside other archivers' and what is asked; ends with a failure where one is missed
    Bench(bench::Options),
    /// Kills agents at random moments of their runs, for long, and holds what must hold after each
    Soak(soak::Options),
    /// Makes a picture of every page and state of the window, in target/screens
    Screens,
    /// Builds the programs for Windows and runs them under Wine (not a part of `test`)
    Wine(wine::Options),
    /// Runs the product on a real FAT32 disk and over a real SMB share, which a kernel of its own mounts (not a part of `test`;
    /// installs a kernel, and Samba, whose service some systems start then)
    Volumes(volumes::Options),
    /// Looks for known vulnerabilities in the dependencies (needs the network; not a part of `test`)
    Advisories,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Demo(options) => demo::run(&options),
        Verb::Test(options) => test::run(&options),
        Verb::Fuzz(options) => fuzz::run(&options),
        Verb::Bench(options) => bench::run(&options),
        Verb::Soak(options) => soak::run(&options).map(|()| 0),
        Verb::Screens => test::screens().map(|()| 0),
        Verb::Wine(options) => wine::run(&options).map(|()| 0),
        Verb::Volumes(options) => volumes::run(&options).map(|()| 0),
        Verb::Advisories => test::advisories().map(|()| 0),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            steps::say(&format!("FAILED: {failure}"));
            ExitCode::FAILURE
        }
    }
}
