//! Which machine's disk a path lies on: mapped drives and UNC paths name it.

use super::super::Place;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::{Component, Path, Prefix};

pub fn place(path: &Path) -> io::Result<Place> {
    // A mapped drive becomes the share behind it.
    let path = fs::canonicalize(path)?;
    let host = match path.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::UNC(host, _) | Prefix::VerbatimUNC(host, _) => host.to_string_lossy().into_owned(),
            Prefix::Verbatim(_) | Prefix::DeviceNS(_) | Prefix::VerbatimDisk(_) | Prefix::Disk(_) => {
                return Ok(Place::ThisMachine);
            }
        },
        Some(_) | None => return Ok(Place::ThisMachine),
    };
    Ok(if is_this_host(&host) { Place::ThisMachine } else { Place::Other(host) })
}

/// Whether `host` is a name or address of this machine.
fn is_this_host(host: &str) -> bool {
    let own = [super::host_name(), "localhost".to_owned(), ".".to_owned()];
    let netbios = std::env::var("COMPUTERNAME").unwrap_or_default();
    if own.iter().chain([&netbios]).any(|name| host.eq_ignore_ascii_case(name)) {
        return true;
    }
    // Windows spells the colons of an IPv6 address in a UNC path as hyphens.
    let literal = host.strip_suffix(".ipv6-literal.net").map(|address| address.replace('-', ":"));
    let host = literal.as_deref().unwrap_or(host);
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            (host, 0).to_socket_addrs().map(|found| found.map(|at| at.ip()).collect()).unwrap_or_default()
        }
    };
    // A socket can be bound to the addresses of this machine only.
    addresses.into_iter().any(|address| UdpSocket::bind(SocketAddr::new(address, 0)).is_ok())
}
