//! `cargo xtask volumes`: the product on file systems that a container or a runner cannot mount, made by a kernel of their own
//! (User-Mode Linux, an ordinary program): a real FAT32 disk, a real SMB share. Not a part of `test`: it installs a kernel and a
//! file server.

mod guest;

use crate::packages;
use crate::shop::{Shop, StandIn, program};
use crate::steps::{self, Result, say};
use clap::Args;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The sizes of the FAT32 disks, in bytes: one that is soon full, and one where a file of 4 GiB, the most that FAT32 takes, fits
/// beside others. Both are sparse.
const DISK_BYTES: u64 = 128 << 20;
const LARGE_DISK_BYTES: u64 = 9 << 30;
/// The kernel's memory, of which the folders in memory take a part.
const MEMORY: &str = "mem=2G";
/// How long the kernel may run, for `timeout`; with a zip of 4 GiB.
const MOST: (&str, &str) = ("15m", "150m");

#[derive(Args)]
pub struct Options {
    /// Make a zip of more than 4 GiB too, for what FAT32 does not take (40 GB of disk, and an hour)
    #[arg(long)]
    huge: bool,
    /// What the kernel's first program runs
    #[arg(long, hide = true)]
    inside: bool,
}

/// Boots the kernel, which does the rest.
///
/// # Errors
/// Something is missing here, or does not do on those file systems what it does on others: the output above names it.
pub fn run(options: &Options) -> Result<()> {
    let huge = folder().join("huge");
    if options.inside {
        return guest::run(huge.exists());
    }
    packages::install(&[packages::BUILD, packages::DEMO, packages::VOLUMES])?;
    steps::run(
        "build the programs and the SQL Server stand-in",
        steps::cargo().args([
            "build",
            "--locked",
            "--package",
            "dmbackup",
            "--package",
            "fake-sqlserver",
            "--bins",
        ]),
    )?;
    prepare(options.huge)?;
    if options.huge {
        back_up_large()?;
    }
    let most = if options.huge { MOST.1 } else { MOST.0 };
    let mut kernel = Command::new("timeout");
    kernel
        .args([
            most,
            "linux.uml",
            "quiet",
            MEMORY,
            "root=/dev/root",
            "rootfstype=hostfs",
            "rootflags=/",
            "rw",
        ])
        .arg(format!("init={}", folder().join("init").display()))
        .arg(format!("ubda={}", disk().display()))
        .args(options.huge.then(|| format!("ubdb={}", large_disk().display())))
        .args(["con=null", "con0=fd:0,fd:1"])
        .stdin(Stdio::null());
    let ended = steps::run("boot a kernel that mounts them", &mut kernel);
    let held = fs::read_to_string(folder().join("outcome")).is_ok_and(|outcome| outcome.trim() == "held");
    // Gigabytes that nobody wants to find later; what was not made cannot be removed.
    for left in [disk(), large_disk()] {
        let _ = fs::remove_file(left);
    }
    for left in [large_shop(), large_shop().with_extension("new")] {
        let _ = fs::remove_dir_all(left);
    }
    if held {
        say("everything was as it is on other file systems");
        return Ok(());
    }
    ended.and(Err("the kernel ended before everything was seen to hold".into()))
}

/// Where all of it is.
fn folder() -> PathBuf {
    steps::root().join("target/volumes")
}

fn disk() -> PathBuf {
    folder().join("fat32.img")
}

fn large_disk() -> PathBuf {
    folder().join("fat32-large.img")
}

/// A shop whose last backup is larger than a file may be on FAT32.
fn large_shop() -> PathBuf {
    folder().join("large-shop")
}

/// Makes that backup, outside the kernel, where it takes a tenth of the time.
fn back_up_large() -> Result<()> {
    let shop = Shop::prepare(large_shop())?;
    let server = StandIn::start(&shop, &guest::LARGE)?;
    shop.write_config(&server.address, guest::SELDOM, &shop.path("terminal/MCBkp"))?;
    let mut run = shop.agent(&program("debug", "dmbackupctl"));
    steps::run("make a backup of more than 4 GiB", run.args(["run", "--once"]))
}

fn prepare(huge: bool) -> Result<()> {
    let folder = folder();
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    fs::create_dir_all(folder.join("ram")).map_err(failed)?;
    if huge {
        fs::write(folder.join("huge"), "").map_err(failed)?;
    }
    let xtask = std::env::current_exe().map_err(failed)?;
    let init = include_str!("volumes/init.sh")
        .replace("FOLDER_OF_VOLUMES", &folder.display().to_string())
        .replace("XTASK", &xtask.display().to_string());
    fs::write(folder.join("init"), init).map_err(failed)?;
    steps::run("let it be run", Command::new("chmod").arg("755").arg(folder.join("init")))?;
    format(&disk(), DISK_BYTES)?;
    if huge { format(&large_disk(), LARGE_DISK_BYTES) } else { Ok(()) }
}

fn format(disk: &Path, bytes: u64) -> Result<()> {
    File::create(disk)
        .and_then(|file| file.set_len(bytes))
        .map_err(|error| format!("{}: {error}", disk.display()))?;
    steps::run("format a disk as FAT32", Command::new("/usr/sbin/mkfs.vfat").args(["-F", "32"]).arg(disk))
}
