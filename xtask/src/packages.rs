//! System packages: looked for first, installed by `apt-get` where that exists, else named.

use crate::steps::{self, Result};
use std::path::Path;
use std::process::Command;

/// A system package, and how to see that it is there.
pub struct Package {
    name: &'static str,
    there: There,
}

enum There {
    Program(&'static str),
    File(&'static str),
}

const fn program(name: &'static str, program: &'static str) -> Package {
    Package { name, there: There::Program(program) }
}

/// What every build needs: the C compiler, for SQLite, libdeflate and the TLS of Linux, and what the window finds fonts by.
pub const BUILD: &[Package] = &[
    program("gcc", "cc"),
    Package { name: "libc6-dev", there: There::File("/usr/include/stdlib.h") },
    program("pkg-config", "pkg-config"),
    Package { name: "libfontconfig-dev", there: There::File("/usr/include/fontconfig/fontconfig.h") },
];

/// What the demo needs beyond the build: the rules of the time zones.
pub const DEMO: &[Package] =
    &[Package { name: "tzdata", there: There::File("/usr/share/zoneinfo/America/Sao_Paulo") }];

/// What the tests need beyond that: other people's tools for what we write, and what makes real faults.
pub const TEST: &[Package] = &[
    program("zip", "zip"),
    program("unzip", "unzip"),
    program("7zip", "7zz"),
    program("libarchive-tools", "bsdtar"),
    program("python3", "python3"),
    // A mail server of other people, for the alerts.
    Package {
        name: "python3-aiosmtpd",
        there: There::File("/usr/lib/python3/dist-packages/aiosmtpd/__init__.py"),
    },
    program("freetds-bin", "tsql"),
    program("util-linux", "setpriv"),
    program("mount", "mount"),
    program("bsdutils", "script"),
    // A desktop without a screen, with a tray and hands.
    program("xvfb", "Xvfb"),
    program("dbus", "dbus-daemon"),
    program("openbox", "openbox"),
    program("xfce4-panel", "xfce4-panel"),
    Package { name: "adwaita-icon-theme", there: There::File("/usr/share/icons/Adwaita") },
    program("xdotool", "xdotool"),
    program("x11-utils", "xev"),
    program("dunst", "dunst"),
    program("dbus-bin", "dbus-monitor"),
    Package {
        name: "fonts-dejavu-core",
        there: There::File("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    },
    program("imagemagick", "import"),
    program("libglib2.0-bin", "gdbus"),
    program("mandoc", "mandoc"),
    program("zsh", "zsh"),
    program("fish", "fish"),
];

/// What fuzzing needs beyond the build: libFuzzer is written in C++.
pub const FUZZ: &[Package] = &[program("g++", "g++")];

/// What the figures need: the archivers that we are compared with, and what takes the time and memory of each.
pub const BENCH: &[Package] = &[
    program("zip", "zip"),
    program("unzip", "unzip"),
    program("7zip", "7zz"),
    program("libarchive-tools", "bsdtar"),
    program("pigz", "pigz"),
    program("time", "time"),
];

/// What a share behind a slow link needs: a link between two network namespaces, and a file server behind it.
pub const LINK: &[Package] = &[
    program("iproute2", "tc"),
    program("sshfs", "sshfs"),
    program("socat", "socat"),
    Package { name: "openssh-sftp-server", there: There::File("/usr/lib/openssh/sftp-server") },
];

/// A kernel that is a program, and what makes and mounts FAT32 disks and SMB shares in it.
pub const VOLUMES: &[Package] = &[
    program("user-mode-linux", "linux.uml"),
    Package { name: "kmod", there: There::File("/usr/sbin/modprobe") },
    Package { name: "dosfstools", there: There::File("/usr/sbin/mkfs.vfat") },
    Package { name: "samba", there: There::File("/usr/sbin/smbd") },
    Package { name: "cifs-utils", there: There::File("/usr/sbin/mount.cifs") },
    program("iproute2", "ip"),
    program("mount", "mount"),
    program("procps", "pkill"),
    program("unzip", "unzip"),
];

/// The C compiler for Windows.
pub const WINDOWS: &[Package] = &[program("gcc-mingw-w64-x86-64", "x86_64-w64-mingw32-gcc")];

/// What runs programs for Windows on Linux; 64-bit is enough.
pub const WINE: &[Package] =
    &[program("wine", "wine"), Package { name: "wine64", there: There::File("/usr/lib/wine/wine64") }];

/// Debian's own toolchain with the sources of the standard library, for machines whose rustup cannot fetch the target.
pub const WINDOWS_TOOLCHAIN: &[Package] = &[
    Package { name: "rustc-web", there: There::File("/usr/share/doc/rustc-web") },
    Package { name: "cargo-web", there: There::File("/usr/share/doc/cargo-web") },
    Package { name: "rust-web-src", there: There::File("/usr/share/doc/rust-web-src") },
];

impl Package {
    fn missing(&self) -> bool {
        match self.there {
            There::Program(program) => !steps::on_path(program),
            There::File(file) => !Path::new(file).exists(),
        }
    }
}

/// Installs what is missing of `packages`.
///
/// # Errors
/// No `apt-get` here, no right to use it, or it failed: the sentence names the packages.
pub fn install(packages: &[&[Package]]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .flatten()
        .filter(|package| package.missing())
        .map(|package| package.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !steps::on_path("apt-get") {
        return Err(format!(
            "missing on this system; install what corresponds to Debian's packages: {names}"
        ));
    }
    steps::run("refresh the list of system packages", apt().arg("update").arg("-qq"))
        .and_then(|()| {
            steps::run(
                &format!("install system packages: {names}"),
                apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing),
            )
        })
        .map_err(|failure| format!("{failure}\nInstall by hand: apt-get install {names}"))
}

fn apt() -> Command {
    let is_root = steps::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let mut command = if is_root {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command
}
