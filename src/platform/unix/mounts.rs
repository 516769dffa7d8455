//! Which machine's disk a path lies on, from the table of mounts.

use super::super::Place;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};

/// File systems whose source names another machine.
const SHARES: [&str; 8] = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.glusterfs", "ceph"];

pub fn place(path: &Path) -> io::Result<Place> {
    Ok(match host(path)? {
        Some(host) if !is_this_host(&host) => Place::Other(host),
        Some(_) | None => Place::ThisMachine,
    })
}

/// Whether `path` is on a share, of whatever machine. Asks nobody.
pub fn is_share(path: &Path) -> io::Result<bool> {
    host(path).map(|host| host.is_some())
}

fn host(path: &Path) -> io::Result<Option<String>> {
    let path = fs::canonicalize(path)?;
    let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
    Ok(host_in(&String::from_utf8_lossy(&table), &path))
}

/// The host that the mount below `path` names; `None` for a disk of this machine.
fn host_in(table: &str, path: &Path) -> Option<String> {
    let mounts = table.lines().filter_map(Mount::parse).filter(|mount| path.starts_with(&mount.point));
    // Of two mounts at one point the later one hides the earlier.
    let mount = mounts.max_by_key(|mount| mount.point.as_os_str().len())?;
    if !SHARES.contains(&mount.kind.as_str()) {
        return None;
    }
    Some(host_of(&mount.source))
}

/// A line of the table.
pub struct Mount {
    pub point: PathBuf,
    pub kind: String,
    pub source: String,
}

impl Mount {
    /// Reads a line of `proc_pid_mountinfo(5)`: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`.
    pub fn parse(line: &str) -> Option<Self> {
        let (before, after) = line.split_once(" - ")?;
        let point = PathBuf::from(unescape(before.split(' ').nth(4)?));
        let mut after = after.split(' ');
        Some(Self { point, kind: after.next()?.to_owned(), source: unescape(after.next()?) })
    }
}

/// Blanks and backslashes stand as three octal digits there.
fn unescape(text: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

/// The host in `//host/share`, `host:/export`, `user@host:/export`, `[2001:db8::1]:/export`.
fn host_of(source: &str) -> String {
    let rest = source.trim_start_matches(['/', '\\']);
    let rest = rest.split_once('@').map_or(rest, |(_, host)| host);
    if let Some((address, _)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.to_owned();
    }
    rest.split(['/', '\\', ':']).next().unwrap_or(rest).to_owned()
}

/// Whether `host` is a name or address of this machine.
pub fn is_this_host(host: &str) -> bool {
    if host.eq_ignore_ascii_case(&super::host_name()) || host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            (host, 0).to_socket_addrs().map(|found| found.map(|at| at.ip()).collect()).unwrap_or_default()
        }
    };
    // A socket can be bound to the addresses of this machine only.
    addresses.into_iter().any(|address| UdpSocket::bind(SocketAddr::new(address, 0)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:50 / /mnt/caixa\\04001 rw shared:9 - cifs //CAIXA-01/MCBkp rw,vers=3.1.1
41 22 0:51 / /mnt/nas rw - nfs4 [2001:db8::7]:/export rw
42 41 254:3 / /mnt/nas/local rw - xfs /dev/vdb rw
43 22 0:52 / /mnt/ssh rw - fuse.sshfs ana@matriz.example:/b rw
";

    #[test]
    fn the_innermost_mount_tells_the_machine() {
        let host = |path: &str| host_in(TABLE, Path::new(path));
        assert_eq!(host("/var/backups"), None);
        assert_eq!(host("/mnt/caixa 01/MCBkp").as_deref(), Some("CAIXA-01"));
        assert_eq!(host("/mnt/caixa 010"), None, "only the beginning of the name is the same");
        assert_eq!(host("/mnt/nas/x").as_deref(), Some("2001:db8::7"));
        assert_eq!(host("/mnt/nas/local/x"), None);
        assert_eq!(host("/mnt/ssh").as_deref(), Some("matriz.example"));
    }

    #[test]
    fn this_machine_knows_itself_by_name_and_address() {
        assert!(is_this_host("LOCALHOST"));
        assert!(is_this_host("127.0.0.1"));
        assert!(is_this_host(&super::super::host_name().to_uppercase()));
        assert!(!is_this_host("192.0.2.1"), "an address of the documentation is nobody's");
        assert_eq!(place(Path::new("/")).unwrap(), Place::ThisMachine);
    }
}
