//! `cargo xtask demo`: the whole product against the stand-in, on this machine, below `target/demo`.

use crate::packages;
use crate::steps::{self, Result, say};
use clap::Args;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

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
    let place = Place::prepare()?;
    say("── start the SQL Server stand-in with the pharmacy's database MCDados");
    let server = StandIn::start(&place, options.rows)?;
    place.write_config(&server.address)?;
    say(&format!("   listening on {}; configuration: {}", server.address, place.shown("dmbackup.toml")));
    say("── run the agent (Ctrl-C ends it)");
    let mut agent = Command::new(program("dmbackupctl"));
    agent
        .arg("--config")
        .arg(place.path("dmbackup.toml"))
        .arg("--state")
        .arg(place.path("estado"))
        .arg("run");
    if options.once {
        agent.arg("--once");
    }
    let status = agent.env("DMBACKUP_DEMO_PASSWORD", &place.password).status();
    let status = status.map_err(|error| format!("dmbackupctl: {error}"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// The folders of the demo: a server's disk and a terminal's, as a shop has them.
struct Place {
    root: PathBuf,
    password: String,
}

impl Place {
    fn prepare() -> Result<Self> {
        let root = steps::root().join("target/demo");
        // Each demo begins as a shop does on its first day: the first backup is made at once.
        match fs::remove_dir_all(&root) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("the last demo's files cannot be removed: {}: {error}", root.display()));
            }
            Ok(()) | Err(_) => {}
        }
        // The backup folders themselves are the agent's to make: it gives nobody else rights on them.
        for folder in ["servidor", "terminal", "sqlserver", "estado"] {
            fs::create_dir_all(root.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
        }
        let password = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let place = Self { root, password };
        fs::write(place.path("sqlserver/senha.txt"), &place.password).map_err(|error| error.to_string())?;
        Ok(place)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    fn shown(&self, below: &str) -> String {
        let path = self.path(below);
        path.strip_prefix(steps::root())
            .map_or_else(|_| path.display().to_string(), |short| short.display().to_string())
    }

    fn write_config(&self, address: &str) -> Result<()> {
        let (host, port) = address.rsplit_once(':').ok_or_else(|| format!("not an address: {address}"))?;
        let text = include_str!("demo.toml")
            .replace("{host}", host)
            .replace("{port}", port)
            .replace("{backup}", &quoted(&self.path("servidor/Backup")))
            .replace("{terminal}", &quoted(&self.path("terminal/MCBkp")));
        fs::write(self.path("dmbackup.toml"), text).map_err(|error| format!("dmbackup.toml: {error}"))
    }
}

/// A path as the inside of a TOML basic string.
fn quoted(path: &Path) -> String {
    path.display().to_string().replace('\\', r"\\").replace('"', "\\\"")
}

fn program(name: &str) -> PathBuf {
    steps::root().join("target/debug").join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// The running stand-in; ends with us.
struct StandIn {
    child: Child,
    address: String,
}

impl StandIn {
    fn start(place: &Place, rows: u64) -> Result<Self> {
        let mut child = Command::new(program("fake-sqlserver"))
            .args(["--listen", "127.0.0.1:0", "--login", "dmbackup", "--database", "MCDados", "--churn"])
            .arg("--password-file")
            .arg(place.path("sqlserver/senha.txt"))
            .arg("--data")
            .arg(place.path("sqlserver/dados"))
            .args(["--rows", &rows.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("fake-sqlserver: {error}"))?;
        let lines = child.stdout.take().map(|output| BufReader::new(output).lines());
        let address = lines
            .into_iter()
            .flatten()
            .map_while(std::io::Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        match address {
            Some(address) => Ok(Self { child, address }),
            None => Err("fake-sqlserver ended before it was ready".into()),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // It may have ended already, with the same Ctrl-C.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
