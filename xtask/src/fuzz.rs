//! `cargo xtask fuzz`: searches for bytes that the product does not take, with libFuzzer, target by target (`tests/fuzz`).

use crate::packages;
use crate::steps::{self, Result, say};
use clap::Args;
use std::fs;
use std::path::PathBuf;

/// The version of cargo-fuzz that is installed where it is missing.
const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// Inputs are not longer, in bytes: the longest of the corpus is a whole dump.
const MAX_INPUT_BYTES: u32 = 100_000;

/// More memory than this is a finding, in MiB; what a target holds by itself is a tenth of it.
const MAX_MEMORY_MIB: u32 = 512;

/// An input that takes longer is a finding, in seconds.
const MAX_INPUT_SECONDS: u32 = 30;

#[derive(Args)]
pub struct Options {
    /// One target: config, control, manifest, mtf, tds or zip; without it, one after another
    target: Option<String>,
    /// How long to search in each
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

/// Fuzzes; what is found is in `tests/fuzz/artifacts`, and belongs into `tests/fuzz/corpus` once it is mended.
///
/// # Errors
/// Something was found, or could not be built.
pub fn run(options: &Options) -> Result<u8> {
    packages::install(&[packages::BUILD, packages::FUZZ])?;
    install()?;
    // The very versions that the product is built with.
    fs::copy(steps::root().join("Cargo.lock"), folder().join("Cargo.lock"))
        .map_err(|error| format!("tests/fuzz/Cargo.lock: {error}"))?;
    let known = targets()?;
    let wanted = match &options.target {
        Some(target) if known.contains(target) => vec![target.clone()],
        Some(target) => return Err(format!("there is no target {target}; there are: {}", known.join(", "))),
        None => known,
    };
    for target in &wanted {
        search(target, options.seconds)?;
    }
    say(&format!("nothing found in {}", wanted.join(", ")));
    Ok(0)
}

fn folder() -> PathBuf {
    steps::root().join("tests/fuzz")
}

fn targets() -> Result<Vec<String>> {
    let folder = folder().join("fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn search(target: &str, seconds: u32) -> Result<()> {
    let below = steps::root().join("target/fuzz");
    // What is discovered on the way is kept out of the repository.
    let discovered = below.join("corpus").join(target);
    fs::create_dir_all(&discovered).map_err(|error| format!("{}: {error}", discovered.display()))?;
    steps::run(
        &format!("fuzz {target} for {seconds} s"),
        steps::cargo()
            // Coverage needs no nightly compiler, only the sanitizers would. Our own code is safe Rust but for a few lines.
            .args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
            .arg(folder())
            .arg("--target-dir")
            .arg(&below)
            .arg(target)
            .arg(discovered)
            .arg(folder().join("corpus").join(target))
            .arg("--")
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_INPUT_BYTES}"))
            .arg(format!("-rss_limit_mb={MAX_MEMORY_MIB}"))
            .arg(format!("-timeout={MAX_INPUT_SECONDS}"))
            .arg("-print_final_stats=1"),
    )
}

fn install() -> Result<()> {
    if steps::output(steps::cargo().args(["fuzz", "--version"])).is_some() {
        return Ok(());
    }
    steps::run(
        "install cargo-fuzz",
        steps::cargo()
            .args(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ_VERSION])
            .args(["--profile", "dev", "--target-dir"])
            .arg(steps::root().join("target/tools")),
    )
}
