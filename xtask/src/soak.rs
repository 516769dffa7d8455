//! `cargo xtask soak`: the test that kills agents in mid-run, for as long as a person wants. Its moments are drawn anew each
//! time; what it must hold is what the test holds.

use crate::packages;
use crate::steps::{self, Result, say};
use clap::Args;

/// The test, which reads the environment variables below.
const TEST: &str =
    "kills::an_agent_killed_at_any_moment_of_a_run_leaves_whole_files_and_the_next_one_goes_on";

#[derive(Args)]
pub struct Options {
    /// End after so many agents were killed in the middle of a run
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    kills: u64,
    /// End after so many minutes, even where there were fewer kills
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=60 * 24 * 30))]
    minutes: Option<u64>,
    /// Draw the same moments as the run that printed this number
    #[arg(long)]
    seed: Option<u64>,
}

/// Kills agents, and prints what was counted.
///
/// # Errors
/// Something could not be built, or an invariant did not hold: the output above names it.
pub fn run(options: &Options) -> Result<()> {
    packages::install(&[packages::BUILD, packages::TEST])?;
    let mut command = steps::cargo();
    command
        .args(["test", "--locked", "--package", "dmbackup", "--test", "integration", "--", "--exact", TEST])
        .args(["--nocapture"])
        .env("DMBACKUP_SOAK_KILLS", options.kills.to_string());
    if let Some(minutes) = options.minutes {
        command.env("DMBACKUP_SOAK_MINUTES", minutes.to_string());
    }
    if let Some(seed) = options.seed {
        command.env("DMBACKUP_TEST_SEED", seed.to_string());
    }
    steps::run("kill agents in the middle of their runs", &mut command)?;
    say("every invariant held");
    Ok(())
}
