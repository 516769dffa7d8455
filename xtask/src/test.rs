//! `cargo xtask test`: every check and every test.

use crate::steps::{self, Result, say};
use crate::{packages, windows};
use clap::Args;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// The version of cargo-deny that the checks install where it is missing.
const DENY_VERSION: &str = "0.20.2";

#[derive(Args)]
pub struct Options {
    /// Only the tests, without format, lints, documentation, licences and the Windows build
    #[arg(long)]
    tests_only: bool,
    /// Passed on to the test programs, for instance a part of a test's name
    #[arg(last = true)]
    filters: Vec<String>,
}

/// Runs the checks, then the tests; the last line printed is their count.
///
/// # Errors
/// A check failed. A failed test is told by the exit code.
pub fn run(options: &Options) -> Result<u8> {
    packages::install(&[packages::BUILD, packages::DEMO, packages::TEST])?;
    if !options.tests_only {
        checks()?;
    }
    tests(&options.filters)
}

fn checks() -> Result<()> {
    steps::run("format", steps::cargo().args(["fmt", "--all", "--check"]))?;
    steps::run(
        "lints (clippy)",
        steps::cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    )?;
    steps::run(
        "documentation",
        steps::cargo()
            .args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"])
            // Private items are documented too, so that links to them are right.
            .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"),
    )?;
    install_deny()?;
    steps::run(
        "dependencies: licences, bans, sources",
        steps::cargo().args(["deny", "--all-features", "check", "bans", "licenses", "sources"]),
    )?;
    steps::run(
        "library and programs for Windows",
        windows::cargo("check")?.args(["--package", "dmbackup", "--lib", "--bins", "--locked"]),
    )
}

/// Makes a picture of every page and state of the window, light and dark, at 100 % and 200 %.
///
/// # Errors
/// The window cannot be built, or one of its states not be drawn.
pub fn screens() -> Result<()> {
    packages::install(&[packages::BUILD, packages::DEMO])?;
    steps::run(
        "pictures of the window, in target/screens",
        steps::cargo()
            .args(["test", "--package", "dmbackup", "--lib", "--locked", "--", "window::tests::pictures"])
            .env("DMBACKUP_SCREENS", "all"),
    )
}

/// Looks for known vulnerabilities; its data come from the network.
///
/// # Errors
/// There is one, or the data cannot be had.
pub fn advisories() -> Result<()> {
    packages::install(&[packages::BUILD])?;
    install_deny()?;
    steps::run(
        "dependencies: advisories",
        steps::cargo().args(["deny", "--all-features", "check", "advisories"]),
    )
}

fn install_deny() -> Result<()> {
    if steps::output(steps::cargo().args(["deny", "--version"])).is_some() {
        return Ok(());
    }
    steps::run(
        "install cargo-deny",
        steps::cargo()
            .args(["install", "cargo-deny", "--locked", "--version", DENY_VERSION])
            // The tool is built once and used for seconds: a quick build is worth more than a quick tool.
            .args(["--profile", "dev", "--target-dir"])
            .arg(steps::root().join("target/tools")),
    )
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

fn tests(filters: &[String]) -> Result<u8> {
    let mut counts = Counts::default();
    let documentation = run_tests("tests in the documentation", &["--doc"], filters, &mut counts)?;
    let programs = run_tests("tests", &["--lib", "--bins", "--tests"], filters, &mut counts)?;
    let Counts { passed, failed, skipped } = counts;
    if passed == 0 {
        return Err("no test was run".into());
    }
    say(&format!("{passed} passed, {failed} failed, {skipped} skipped"));
    Ok(u8::from(!(documentation && programs) || failed > 0))
}

fn run_tests(title: &str, kinds: &[&str], filters: &[String], counts: &mut Counts) -> Result<bool> {
    say(&format!("── {title}"));
    let mut command = steps::cargo();
    command.args(["test", "--workspace", "--locked", "--no-fail-fast"]).args(kinds).arg("--").args(filters);
    let shared = steps::root().join("../shared/bak");
    if std::env::var_os("DMBACKUP_REAL_BAK").is_none() && shared.is_dir() {
        command.env("DMBACKUP_REAL_BAK", shared);
    }
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| format!("{title}: cargo test: {error}"))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
            count(&line, counts);
            say(&line);
        }
    }
    let status = child.wait().map_err(|error| format!("{title}: {error}"))?;
    Ok(status.success())
}

/// Adds what a line such as `test result: ok. 6 passed; 0 failed; 1 ignored; …` tells.
fn count(line: &str, counts: &mut Counts) {
    let Some(result) = line.strip_prefix("test result: ") else { return };
    let number = |word: &str| -> u64 {
        result
            .split([';', '.'])
            .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
            .unwrap_or_default()
    };
    counts.passed += number("passed");
    counts.failed += number("failed");
    counts.skipped += number("ignored");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_several_test_programs_add_up() {
        let mut counts = Counts::default();
        for line in [
            "running 3 tests",
            "test result: ok. 6 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ] {
            count(line, &mut counts);
        }
        assert_eq!(counts, Counts { passed: 16, failed: 2, skipped: 1 });
    }
}
