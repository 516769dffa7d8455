//! The stand-in as a program of its own.

mod arguments;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use fake_sqlserver::server::{Handle, Server};

use self::arguments::Arguments;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .init();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fake-sqlserver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let server = Server::start(arguments.options()?)?;
    if let Some(pause) = arguments.churn() {
        for database in arguments.pharmacies() {
            server.churn(database, arguments.churn_sales, pause)?;
        }
    }
    announce(&server)?;
    wait()?;
    server.stop();
    Ok(())
}

fn announce(server: &Handle) -> io::Result<()> {
    let mut output = io::stdout();
    writeln!(output, "listening on {}", server.address())?;
    output.flush()
}

/// Until Ctrl-C, or SIGTERM where there is such a thing.
fn wait() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(fake_sqlserver::system::asked_to_end())
}
