//! `cargo xtask demo`: the whole product against the stand-in, on this machine, below `target/demo`.

use crate::packages;
use crate::shop::{Shop, StandIn, program};
use crate::steps::{self, Result, say};
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// End after the first backup: 0, or the exit code of what was wrong
    #[arg(long)]
    once: bool,
    /// Rows of the pharmacy's database when it is made for the first time
    #[arg(long, default_value_t = 300_000)]
    rows: u64,
}

/// Runs the demo and returns the agent's exit code.
///
/// # Errors
/// Something could not be built or started.
pub fn run(options: &Options) -> Result<u8> {
    packages::install(&[packages::BUILD, packages::DEMO])?;
    // Ctrl-C reaches the agent too; it ends in order, and so do we when it has.
    ctrlc::set_handler(|| ()).map_err(|error| format!("Ctrl-C: {error}"))?;
    steps::run(
        "build the agent and the SQL Server stand-in",
        steps::cargo().args([
            "build",
            "--locked",
            "--package",
            "fake-sqlserver",
            "--package",
            "dmbackup",
            "--bins",
        ]),
    )?;
    let shop = Shop::prepare(steps::root().join("target/demo"))?;
    say("── start the SQL Server stand-in with the pharmacy's database MCDados");
    let server = StandIn::start(&shop, &["--churn", "--rows", &options.rows.to_string()])?;
    shop.write_config(&server.address, "", &shop.path("terminal/MCBkp"))?;
    say(&format!("   listening on {}; configuration: target/demo/dmbackup.toml", server.address));
    say("── run the agent (Ctrl-C ends it)");
    let mut agent = shop.agent(&program("debug", "dmbackupctl"));
    agent.arg("run");
    if options.once {
        agent.arg("--once");
    }
    let status = agent.status().map_err(|error| format!("dmbackupctl: {error}"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
