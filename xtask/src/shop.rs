//! A shop on this machine: folders for a server's disk and a terminal's, the configuration of an agent, and the SQL Server
//! stand-in.

use crate::steps::{self, Result};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The variable from which the agent takes the password.
pub const PASSWORD_VARIABLE: &str = "DMBACKUP_DEMO_PASSWORD";

/// The folders of a shop: a server's disk and a terminal's.
pub struct Shop {
    root: PathBuf,
    /// The password of SQL Server's login.
    pub password: String,
}

impl Shop {
    /// A shop below `root` as it is on its first day: the first backup is made at once.
    ///
    /// # Errors
    /// What was there cannot be removed, or nothing can be made there.
    pub fn prepare(root: PathBuf) -> Result<Self> {
        remove(&root)?;
        let password = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let shop = Self { root, password };
        make(&shop.path("sqlserver"))?;
        shop.begin_anew()?;
        fs::write(shop.path("sqlserver/senha.txt"), &shop.password).map_err(|error| error.to_string())?;
        Ok(shop)
    }

    /// The shop that another process has prepared below `root`, as it is.
    ///
    /// # Errors
    /// There is none.
    pub fn again(root: PathBuf) -> Result<Self> {
        let file = root.join("sqlserver/senha.txt");
        let password = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Self { root, password })
    }

    /// Takes the shop back to its first day; its SQL Server stays.
    ///
    /// # Errors
    /// A folder cannot be removed or made.
    pub fn begin_anew(&self) -> Result<()> {
        // The backup folders themselves are the agent's to make: it gives nobody else rights on them.
        for folder in ["servidor", "terminal", "estado"] {
            remove(&self.path(folder))?;
            make(&self.path(folder))?;
        }
        Ok(())
    }

    /// A path below the shop's folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Writes `dmbackup.toml` for a server at `address`, with `more` keys of `[backup]` and the terminal at `terminal`.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_config(&self, address: &str, more: &str, terminal: &Path) -> Result<()> {
        self.write_config_as(address, more, terminal, |path| path.display().to_string())
    }

    /// The same for an agent that knows a path of this machine by another name.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_config_as(
        &self,
        address: &str,
        more: &str,
        terminal: &Path,
        known_as: impl Fn(&Path) -> String,
    ) -> Result<()> {
        let (host, port) = address.rsplit_once(':').ok_or_else(|| format!("not an address: {address}"))?;
        let text = include_str!("demo.toml")
            .replace("{host}", host)
            .replace("{port}", port)
            .replace("{backup}", &quoted(&known_as(&self.path("servidor/Backup"))))
            .replace("{terminal}", &quoted(&known_as(terminal)))
            .replace("[backup]\n", &format!("[backup]\n{more}"));
        fs::write(self.path("dmbackup.toml"), text).map_err(|error| format!("dmbackup.toml: {error}"))
    }

    /// `program` (a `dmbackupctl`) over this shop.
    pub fn agent(&self, program: &Path) -> Command {
        let mut agent = Command::new(program);
        self.over(&mut agent);
        agent
    }

    /// Gives `command` what makes it a command over this shop.
    pub fn over(&self, command: &mut Command) {
        command
            .arg("--config")
            .arg(self.path("dmbackup.toml"))
            .arg("--state")
            .arg(self.path("estado"))
            .env(PASSWORD_VARIABLE, &self.password);
    }
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("what is left of before cannot be removed: {}: {error}", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A path as the inside of a TOML basic string.
fn quoted(path: &str) -> String {
    path.replace('\\', r"\\").replace('"', "\\\"")
}

/// A program of the workspace as `cargo build` leaves it.
pub fn program(profile: &str, name: &str) -> PathBuf {
    steps::root().join("target").join(profile).join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// A program that is ended with us.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The running stand-in; ends with us.
pub struct StandIn {
    _child: Running,
    /// Where it listens.
    pub address: String,
}

impl StandIn {
    /// Starts the stand-in of `shop` with the database `MCDados`, which `contents` describes.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(shop: &Shop, contents: &[&str]) -> Result<Self> {
        let child = Command::new(program("debug", "fake-sqlserver"))
            .args(["--listen", "127.0.0.1:0", "--login", "dmbackup", "--database", "MCDados"])
            .arg("--password-file")
            .arg(shop.path("sqlserver/senha.txt"))
            .arg("--data")
            .arg(shop.path("sqlserver/dados"))
            .args(contents)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("fake-sqlserver: {error}"))?;
        let mut child = Running(child);
        let lines = child.0.stdout.take().map(|output| BufReader::new(output).lines());
        let address = lines
            .into_iter()
            .flatten()
            .map_while(std::io::Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        match address {
            Some(address) => Ok(Self { _child: child, address }),
            None => Err("fake-sqlserver ended before it was ready".into()),
        }
    }
}
