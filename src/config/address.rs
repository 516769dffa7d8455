//! The address of SQL Server, as people write it.

/// Whether `host` names this machine.
pub(super) fn is_local(host: &str) -> bool {
    const NAMES: [&str; 5] = [".", "(local)", "localhost", "::1", "[::1]"];
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || NAMES.iter().any(|name| name.eq_ignore_ascii_case(host))
}
