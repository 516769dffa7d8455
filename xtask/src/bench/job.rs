//! The whole job, by the program itself against the stand-in: from the finished dump to two copies that were read back.

use super::measure::{self, Cost};
use crate::shop::{Shop, StandIn, program};
use crate::steps::Result;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The agent's own program.
pub const AGENT: &str = "dmbackupctl";

/// No backup becomes due while we measure.
const NEVER: &str = "schedule = \"0 3 1 1 *\"\n";

/// A shop with its server, for one whole backup after the other.
pub struct Works {
    /// Its folders.
    pub shop: Shop,
    /// Its server.
    pub server: StandIn,
}

/// What one backup was like.
pub struct Job {
    /// Time from the finished dump until everything was done, and time of the processor and memory of the whole program.
    pub cost: Cost,
    /// Size of the dump in bytes.
    pub bytes: u64,
    /// Size of the zip in bytes.
    pub zip_bytes: u64,
    /// The level of compression, where the report tells it.
    pub level: Option<u64>,
}

impl Works {
    /// A shop below `root` whose database has `mib` MiB of well-filled pages.
    ///
    /// # Errors
    /// The stand-in does not start.
    pub fn open(root: PathBuf, mib: u32) -> Result<Self> {
        let shop = Shop::prepare(root)?;
        let server = StandIn::start(&shop, &["--pages-mib", &mib.to_string()])?;
        Ok(Self { shop, server })
    }

    /// Takes the shop back to its first day, with its terminal's folder at `terminal`.
    ///
    /// # Errors
    /// Its folders cannot be made.
    pub fn begin_anew(&self, terminal: &Path) -> Result<()> {
        self.shop.begin_anew()?;
        self.shop.write_config(&self.server.address, NEVER, terminal)
    }

    /// Where the terminal's folder is where nothing else is said.
    pub fn terminal(&self) -> PathBuf {
        self.shop.path("terminal/MCBkp")
    }

    /// Makes one backup, which must be a success.
    ///
    /// # Errors
    /// It was none.
    pub fn backup(&self) -> Result<Job> {
        let mut agent = self.shop.agent(&program("release", AGENT));
        agent.args(["run", "--once", "--json"]);
        let (cost, printed) = measure::output(&mut agent, &self.shop.path("time"))?;
        let run = run_in(&printed).ok_or_else(|| format!("the agent told of no run:\n{printed}"))?;
        let number = |name: &str| run[name].as_u64().unwrap_or(0);
        let millis = |phase: &Value| {
            let after_the_dump = ["packing", "confirming"].contains(&phase["phase"].as_str().unwrap_or(""));
            phase["millis"].as_u64().filter(|_| after_the_dump).unwrap_or(0)
        };
        let after_the_dump: u64 = run["phases"].as_array().into_iter().flatten().map(millis).sum();
        let cost = Cost { wall_secs: after_the_dump as f64 / 1000.0, ..cost };
        let (bytes, zip_bytes) = (number("bak_bytes"), number("zip_bytes"));
        Ok(Job { cost, bytes, zip_bytes, level: run["level"].as_u64() })
    }

    /// The dump that the last backup left.
    pub fn dump(&self) -> PathBuf {
        self.shop.path("servidor/Backup/MCDados.bak")
    }

    /// The zip that it left on the server.
    pub fn zip(&self) -> PathBuf {
        self.shop.path("servidor/Backup/MCDados.zip")
    }
}

/// The report of a run in what the agent printed.
pub fn run_in(printed: &str) -> Option<Value> {
    let lines = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line.get("run").cloned()).next_back()
}

/// The size of a file in bytes.
///
/// # Errors
/// It is not there.
pub fn size(path: &Path) -> Result<u64> {
    fs::metadata(path).map(|file| file.len()).map_err(|error| format!("{}: {error}", path.display()))
}
