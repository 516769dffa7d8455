//! Who and where we are, and the folders that follow from it.

use std::ffi::{CStr, OsStr};
use std::fs;
use std::path::{Path, PathBuf};

/// Where root's agent keeps its state.
const MACHINE_STATE: &str = "/var/lib/dmbackup";

pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

pub fn system_name() -> String {
    let kernel = rustix::system::uname();
    let kernel = format!("{} {}", kernel.sysname().to_string_lossy(), kernel.release().to_string_lossy());
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    match release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")) {
        Some(name) => format!("{} ({kernel})", name.trim_matches('"')),
        None => kernel,
    }
}

pub fn machine_id() -> Option<String> {
    let places = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    let found = places.iter().find_map(|path| fs::read_to_string(path).ok())?;
    let id = found.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

pub fn user_name() -> String {
    name_of_user(rustix::process::geteuid().as_raw())
}

pub fn is_elevated() -> bool {
    rustix::process::geteuid().is_root()
}

/// The name that the system's user database gives to `uid`, or the number itself.
pub fn name_of_user(uid: u32) -> String {
    /// Enough for any entry of a user database that a name service gives out.
    const ENTRY_BYTES: usize = 16 << 10;
    let mut memory = vec![0_u8; ENTRY_BYTES];
    let mut entry = std::mem::MaybeUninit::<libc::passwd>::uninit();
    let mut found = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "the user database has no safe binding")]
    // SAFETY: `entry`, `memory` and `found` are writable and outlive the call, and `memory`'s length is its own.
    let code = unsafe {
        libc::getpwuid_r(uid, entry.as_mut_ptr(), memory.as_mut_ptr().cast(), memory.len(), &raw mut found)
    };
    if code != 0 || found.is_null() {
        return uid.to_string();
    }
    #[expect(unsafe_code, reason = "the user database has no safe binding")]
    // SAFETY: the call succeeded and found an entry, so `entry` is filled, and `pw_name` is a C string inside `memory`.
    let name = unsafe { CStr::from_ptr(entry.assume_init().pw_name) };
    name.to_string_lossy().into_owned()
}

pub fn config_paths() -> Vec<PathBuf> {
    let own = xdg("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("dmbackup/dmbackup.toml"));
    let machine = PathBuf::from("/etc/dmbackup/dmbackup.toml");
    if is_elevated() { vec![machine] } else { own.into_iter().chain([machine]).collect() }
}

pub fn state_folder() -> PathBuf {
    own_or_machine("XDG_STATE_HOME", ".local/state", "dmbackup", MACHINE_STATE)
}

pub fn state_folders() -> Vec<PathBuf> {
    let mut folders = vec![state_folder(), PathBuf::from(MACHINE_STATE)];
    folders.dedup();
    folders
}

pub fn backup_folder() -> PathBuf {
    own_or_machine("XDG_DATA_HOME", ".local/share", "dmbackup/Backup", "/var/backups/dmbackup")
}

fn own_or_machine(variable: &str, below_home: &str, name: &str, machine: &str) -> PathBuf {
    if is_elevated() {
        return machine.into();
    }
    xdg(variable, below_home).map_or_else(|| machine.into(), |folder| folder.join(name))
}

/// A folder of the XDG base directories. Relative values are to be ignored, says their specification.
fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    xdg_from(std::env::var_os(variable).as_deref(), std::env::home_dir().as_deref(), below_home)
}

fn xdg_from(value: Option<&OsStr>, home: Option<&Path>, below_home: &str) -> Option<PathBuf> {
    let named = value.map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| home.filter(|path| path.is_absolute()).map(|path| path.join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names_and_unknown_ones_their_number() {
        assert_eq!(name_of_user(0), "root");
        assert_eq!(name_of_user(3_999_999_999), "3999999999");
        assert!(!user_name().is_empty());
        assert!(!host_name().is_empty());
        assert!(system_name().contains(' '), "a name and a version: {}", system_name());
    }

    #[test]
    fn relative_folders_in_the_environment_are_ignored() {
        let home = Some(Path::new("/home/ana"));
        assert_eq!(xdg_from(Some(OsStr::new("/s")), home, "x").unwrap(), Path::new("/s"));
        assert_eq!(xdg_from(Some(OsStr::new("s")), home, "x").unwrap(), Path::new("/home/ana/x"));
        assert_eq!(xdg_from(None, None, "x"), None);
    }
}
