//! What the kernel's first program runs: backups onto FAT32, as a disk that a person plugs in and as a terminal's, and onto an SMB
//! share that fills up, goes away and comes back.

use crate::shop::{self, PASSWORD_VARIABLE, Running, Shop, StandIn};
use crate::steps::{self, Result, say};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Between two looks at what begins; and how many there are.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: usize = 240;
/// How often a share is tried.
const MOUNTS: usize = 5;
/// Databases, as the stand-in is told of them.
const SMALL: [&str; 2] = ["--rows", "20000"];
const MIDDLE: [&str; 2] = ["--pages-mib", "100"];
/// Its zip, at a ratio of 4.13, is larger than a file may be on FAT32.
pub const LARGE: [&str; 2] = ["--pages-mib", "18500"];
/// Only the first backup comes by itself: an hour may end at any moment.
pub const SELDOM: &str = "schedule = \"0 3 1 1 *\"\n";
/// What a backup that has everything says.
const WHOLE: &str = "Backup realizado no servidor e copiado para o terminal de backup";

/// Goes through all of it.
///
/// # Errors
/// The first thing that is not as it should be.
pub fn run(huge: bool) -> Result<()> {
    let disk = Mount::disk("/dev/ubda")?;
    a_disk_that_a_person_plugs_in(&disk)?;
    a_terminal_without_hard_links(&disk)?;
    disk.take_off("/dev/ubda")?;
    a_share()?;
    if huge {
        let disk = Mount::disk("/dev/ubdb")?;
        a_zip_that_is_too_large(&disk)?;
        disk.take_off("/dev/ubdb")?;
    }
    Ok(())
}

/// The manual backup (DM22): the file before stays where there is room, what is full is told before anything has to go.
fn a_disk_that_a_person_plugs_in(disk: &Mount) -> Result<()> {
    let place = Place::open("pendrive", &SMALL, &ram().join("pendrive/terminal/MCBkp"))?;
    let _agent = place.agent()?;
    let folder = disk.path.join("Cópias da loja");
    let shown = folder.display().to_string();
    place.must(&["manual", &shown, "--wait"], 7, "não existe")?;
    make(&folder)?;
    place.must(&["manual", &shown, "--wait"], 0, "O disco já pode ser removido")?;
    let first = read(&folder.join("MCDados.zip"))?;
    place.must(&["manual", &shown, "--wait"], 0, "relido do disco")?;
    names_are(&folder, &["MCDados.anterior.zip", "MCDados.zip"])?;
    same("what the first backup wrote", &first, &read(&folder.join("MCDados.anterior.zip"))?)?;
    whole(&folder.join("MCDados.zip"))?;
    let second = read(&folder.join("MCDados.zip"))?;
    let filler = disk.path.join("filler");
    fill(&filler)?;
    place.must(&["manual", &shown, "--wait"], 13, "--replace")?;
    same("what the second wrote", &second, &read(&folder.join("MCDados.zip"))?)?;
    place.must(&["manual", &shown, "--wait", "--replace"], 0, "O disco já pode ser removido")?;
    names_are(&folder, &["MCDados.zip"])?;
    whole(&folder.join("MCDados.zip"))?;
    remove(&filler)
}

/// Where nothing can have two names each slot holds the backup for itself.
fn a_terminal_without_hard_links(disk: &Mount) -> Result<()> {
    let place = Place::open("terminal-fat", &SMALL, &disk.path.join("MCBkp"))?;
    for _ in 0..2 {
        place.must(&["run", "--once"], 0, WHOLE)?;
        place.terminal_has_what_the_server_has()?;
        whole(&place.terminal.join("MCDados.zip"))?;
    }
    Ok(())
}

/// A Samba server's share, mounted by the kernel's SMB client.
fn a_share() -> Result<()> {
    let samba = Samba::prepare()?;
    samba.start()?;
    let share = samba.mount()?;
    let place = Place::open("share", &MIDDLE, &share.path.join("MCBkp"))?;
    place.must(&["run", "--once"], 0, WHOLE)?;
    place.terminal_has_what_the_server_has()?;
    let before = read(&samba.shared().join("MCBkp/MCDados.zip"))?;

    say("── the terminal's disk is full");
    let filler = samba.shared().join("filler");
    fill(&filler)?;
    place.must(&["run", "--once"], 9, "não cabe")?;
    same("the terminal's newest backup", &before, &read(&samba.shared().join("MCBkp/MCDados.zip"))?)?;
    remove(&filler)?;
    place.must(&["run", "--once"], 0, "Cópias pendentes feitas no terminal de backup")?;
    place.terminal_has_what_the_server_has()?;

    say("── the terminal is switched off");
    samba.stop()?;
    place.must(&["run", "--once"], 9, "ficou pendente")?;
    samba.start()?;
    place.must(&["run", "--once"], 0, "Cópias pendentes feitas no terminal de backup")?;
    place.terminal_has_what_the_server_has()?;
    whole(&samba.shared().join("MCBkp/MCDados.zip"))
}

/// FAT32 ends at 4 GiB a file, which is foreseen from the size of the last backup; where there is none yet, the disk tells.
fn a_zip_that_is_too_large(disk: &Mount) -> Result<()> {
    let folder = disk.path.join("backup");
    make(&folder)?;
    let shown = folder.display().to_string();
    let grown = super::large_shop();
    let mut place = Place::open_in(grown.with_extension("new"), &SMALL, &ram().join("large/MCBkp"))?;
    let agent = place.agent()?;
    place.must(&["manual", &shown, "--wait"], 0, "O disco já pode ser removido")?;
    let before = read(&folder.join("MCDados.zip"))?;
    drop(agent);
    let same_as_before = || {
        names_are(&folder, &["MCDados.zip"])?;
        same("the disk's backup", &before, &read(&folder.join("MCDados.zip"))?)
    };
    say("── more than 4 GiB, as the last backup was");
    let last = Place::again(grown, &LARGE)?;
    let of_last = last.agent()?;
    last.must(&["manual", &shown, "--wait"], 8, "vai só até 4,0 GB")?;
    same_as_before()?;
    drop((of_last, last));
    say("── more than 4 GiB for the first time");
    place.serve(&LARGE)?;
    let _agent = place.agent()?;
    place.must(&["manual", &shown, "--wait"], 8, "não aceita um arquivo deste tamanho")?;
    same_as_before()
}

/// A shop, its SQL Server and its terminal.
struct Place {
    shop: Shop,
    server: StandIn,
    terminal: PathBuf,
}

impl Place {
    fn open(name: &str, contents: &[&str], terminal: &Path) -> Result<Self> {
        Self::open_in(ram().join(name), contents, terminal)
    }

    fn open_in(root: PathBuf, contents: &[&str], terminal: &Path) -> Result<Self> {
        Self::of(Shop::prepare(root)?, contents, terminal.to_owned())
    }

    /// The shop that was prepared before the kernel began, with its backups.
    fn again(root: PathBuf, contents: &[&str]) -> Result<Self> {
        let shop = Shop::again(root)?;
        let terminal = shop.path("terminal/MCBkp");
        Self::of(shop, contents, terminal)
    }

    fn of(shop: Shop, contents: &[&str], terminal: PathBuf) -> Result<Self> {
        let server = StandIn::start(&shop, contents)?;
        let place = Self { shop, server, terminal };
        place.configure()?;
        Ok(place)
    }

    fn configure(&self) -> Result<()> {
        self.shop.write_config(&self.server.address, SELDOM, &self.terminal)
    }

    /// Another database behind the same configuration's name.
    fn serve(&mut self, contents: &[&str]) -> Result<()> {
        let data = self.shop.path("sqlserver/dados");
        fs::remove_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        self.server = StandIn::start(&self.shop, contents)?;
        self.configure()
    }

    /// An agent that has made its first backup.
    fn agent(&self) -> Result<Running> {
        let mut agent = self.ours(&["run"]);
        agent.stdout(Stdio::null()).stderr(Stdio::null());
        let agent = Running(agent.spawn().map_err(|error| format!("dmbackupctl run: {error}"))?);
        for _ in 0..LOOKS {
            if self.said(&["status"])?.1.contains("Sucesso") {
                return Ok(agent);
            }
            thread::sleep(LOOK);
        }
        Err("the agent makes no backup".into())
    }

    fn ours(&self, words: &[&str]) -> Command {
        let mut command = Command::new(shop::program("debug", "dmbackupctl"));
        command.args(["--lang", "pt"]).args(words);
        self.shop.over(&mut command);
        command.env(PASSWORD_VARIABLE, &self.shop.password).stdin(Stdio::null());
        command
    }

    /// What the command line says, and its exit code.
    fn said(&self, words: &[&str]) -> Result<(i32, String)> {
        let output = self.ours(words).output().map_err(|error| format!("dmbackupctl: {error}"))?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned()))
    }

    fn must(&self, words: &[&str], wanted: i32, text: &str) -> Result<()> {
        let (exit, said) = self.said(words)?;
        say(&format!("── dmbackupctl {} → {exit}", words.join(" ")));
        if exit == wanted && said.contains(text) {
            return Ok(());
        }
        Err(format!("{wanted} and «{text}» were expected; {exit} and this came:\n{said}"))
    }

    /// Every slot of the server is in the terminal, byte for byte, and nothing half-made.
    fn terminal_has_what_the_server_has(&self) -> Result<()> {
        let server = self.shop.path("servidor/Backup");
        let wanted: Vec<PathBuf> = zips(&server)?
            .iter()
            .filter_map(|zip| Some(zip.strip_prefix(&server).ok()?.to_owned()))
            .collect();
        let there: Vec<PathBuf> = zips(&self.terminal)?
            .iter()
            .filter_map(|zip| Some(zip.strip_prefix(&self.terminal).ok()?.to_owned()))
            .collect();
        if wanted.is_empty() || wanted != there {
            return Err(format!("the terminal has {there:?}, the server {wanted:?}"));
        }
        for zip in wanted {
            let what = format!("the terminal's {}", zip.display());
            same(&what, &read(&server.join(&zip))?, &read(&self.terminal.join(&zip))?)?;
        }
        say("   the terminal has what the server has");
        Ok(())
    }
}

/// A file system where it is mounted.
struct Mount {
    path: PathBuf,
}

impl Mount {
    fn disk(device: &str) -> Result<Self> {
        let path = ram().join("disk");
        make(&path)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "vfat", "-o", "utf8", device]).arg(&path);
        steps::run("mount the disk, FAT32", &mut mount)?;
        Ok(Self { path })
    }

    /// Takes the disk off, and looks whether the file system on it is whole.
    fn take_off(&self, device: &str) -> Result<()> {
        steps::run("take the disk off", Command::new("umount").arg(&self.path))?;
        steps::run("look whether its file system is whole", Command::new("fsck.vfat").args(["-n", device]))
    }
}

/// A Samba server whose share is a disk of 128 MiB.
struct Samba {
    folder: PathBuf,
    password: String,
}

impl Samba {
    fn prepare() -> Result<Self> {
        let folder = ram().join("samba");
        for below in ["private", "share"] {
            make(&folder.join(below))?;
        }
        let samba = Self { folder, password: format!("{:016x}", fastrand::u64(..)) };
        let mut disk = Command::new("mount");
        disk.args(["-t", "tmpfs", "-o", "size=128m", "share"]).arg(samba.shared());
        steps::run("a disk for the share", &mut disk)?;
        let text = include_str!("smb.conf").replace("{folder}", &samba.folder.display().to_string());
        fs::write(samba.configuration(), text).map_err(|error| format!("smb.conf: {error}"))?;
        let mut account = Command::new("smbpasswd");
        account.arg("-c").arg(samba.configuration()).args(["-a", "-s", "root"]).stdin(Stdio::piped());
        let mut account = account.spawn().map_err(|error| format!("smbpasswd: {error}"))?;
        if let Some(mut typed) = account.stdin.take() {
            writeln!(typed, "{0}\n{0}", samba.password).map_err(|error| format!("smbpasswd: {error}"))?;
        }
        match account.wait() {
            Ok(status) if status.success() => Ok(samba),
            ended => Err(format!("smbpasswd: {ended:?}")),
        }
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("smb.conf")
    }

    fn shared(&self) -> PathBuf {
        self.folder.join("share")
    }

    fn start(&self) -> Result<()> {
        steps::run(
            "start the file server",
            Command::new("smbd").arg("-D").arg("-s").arg(self.configuration()),
        )?;
        for _ in 0..LOOKS {
            if std::net::TcpStream::connect(("127.0.0.1", 445)).is_ok() {
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        Err("the file server does not listen".into())
    }

    fn stop(&self) -> Result<()> {
        steps::run("stop the file server", Command::new("pkill").args(["-9", "smbd"]))
    }

    fn mount(&self) -> Result<Mount> {
        let path = ram().join("mounted");
        make(&path)?;
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "cifs", "//127.0.0.1/MCBkp"])
            .arg(&path)
            .args(["-o", "username=root,vers=3.0.2,ip=127.0.0.1"])
            .env("PASSWD", &self.password);
        // The kernel puts the ciphers together when they are first asked for, and says until then that it has none.
        let mut ended = Ok(());
        for _ in 0..MOUNTS {
            ended = steps::run("mount the share, SMB 3", &mut mount);
            if ended.is_ok() {
                return Ok(Mount { path });
            }
            thread::sleep(LOOK);
        }
        ended.and(Err("the share is not mounted".into()))
    }
}

/// The folder in memory.
fn ram() -> PathBuf {
    steps::root().join("target/volumes/ram")
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes until the disk is full.
fn fill(path: &Path) -> Result<()> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::create(path).map_err(failed)?;
    // The last pages of a disk are its last kilobytes.
    for portion in [1 << 20, 4 << 10] {
        loop {
            match file.write(&vec![1; portion]).and_then(|wrote| file.sync_data().map(|()| wrote)) {
                Ok(wrote) if wrote > 0 => {}
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                Err(error) => return Err(failed(error)),
            }
        }
    }
    Ok(())
}

fn same(what: &str, wanted: &[u8], there: &[u8]) -> Result<()> {
    if wanted == there { Ok(()) } else { Err(format!("{what} is not what it was")) }
}

fn whole(zip: &Path) -> Result<()> {
    steps::run("unzip is content", Command::new("unzip").arg("-tqq").arg(zip))
}

fn names_are(folder: &Path, wanted: &[&str]) -> Result<()> {
    let mut there = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        there.push(entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned());
    }
    there.sort();
    if there == wanted { Ok(()) } else { Err(format!("{wanted:?} were expected, there are {there:?}")) }
}

/// The backups below `folder`, and whatever else is a zip or half of one.
fn zips(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains(".zip") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
