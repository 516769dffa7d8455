//! The address of SQL Server, as people write it: `.`, `SERVIDOR\SQLEXPRESS`, `192.168.0.10,1433`.

/// What an address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Name or address of the machine.
    pub host: String,
    /// Its instance, where one is named.
    pub instance: Option<String>,
    /// Its port, where one is given.
    pub port: Option<u16>,
}

/// Whether `host` names this machine.
pub(super) fn is_local(host: &str) -> bool {
    const NAMES: [&str; 5] = [".", "(local)", "localhost", "::1", "[::1]"];
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let named = |name: &str| name.eq_ignore_ascii_case(host);
    loopback || NAMES.into_iter().any(named) || named(&crate::platform::host_name())
}

/// Reads an address; `None` for what is none.
pub(super) fn parse(text: &str) -> Option<Address> {
    let text = text.trim();
    let text = text.strip_prefix("tcp:").unwrap_or(text);
    let (text, port) = match text.split_once(',') {
        Some((text, port)) => (text, Some(parse_port(port)?)),
        None => (text, None),
    };
    let (host, instance) = match text.split_once('\\') {
        Some((host, instance)) => (host, Some(instance)),
        None => (text, None),
    };
    let host = host.trim();
    let (host, instance) = (is_host(host).then(|| host.to_owned())?, instance.map(parse_instance));
    let instance = match instance {
        Some(instance) => instance?,
        None => None,
    };
    Some(Address { host, instance, port })
}

/// Reads an instance's name: up to 16 letters, digits, `_`, `$` or `#`, no digit in front (Microsoft's rule). The default
/// instance's own name, `MSSQLSERVER`, counts as naming none. `None` for what is no name.
pub(super) fn parse_instance(text: &str) -> Option<Option<String>> {
    let text = text.trim();
    let taken = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#');
    let well_formed = !text.is_empty()
        && text.chars().count() <= 16
        && text.chars().all(taken)
        && !text.starts_with(|c: char| c.is_ascii_digit());
    if !well_formed {
        return None;
    }
    let default = text.eq_ignore_ascii_case("MSSQLSERVER");
    Some((!default).then(|| text.to_owned()))
}

fn parse_port(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|port| *port != 0)
}

/// Whether `text` can name a machine: one of the local names, a host name, an address of IPv4 or IPv6.
fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let named = !text.is_empty() && text.len() <= 253 && text.chars().all(plain);
    named || text == "(local)" || bare.parse::<std::net::Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, instance: Option<&str>, port: Option<u16>) -> Option<Address> {
        Some(Address { host: host.to_owned(), instance: instance.map(str::to_owned), port })
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        assert_eq!(parse("."), address(".", None, None));
        assert_eq!(parse(r".\SQLEXPRESS"), address(".", Some("SQLEXPRESS"), None));
        assert_eq!(parse("(local)"), address("(local)", None, None));
        assert_eq!(parse("192.168.0.10,1433"), address("192.168.0.10", None, Some(1433)));
        assert_eq!(parse("tcp:loja-srv,14330"), address("loja-srv", None, Some(14330)));
        assert_eq!(parse(r"SRV\MSSQLSERVER"), address("SRV", None, None));
        assert_eq!(parse(r"SRV\FARMA, 1433"), address("SRV", Some("FARMA"), Some(1433)));
        assert_eq!(parse("[::1]"), address("[::1]", None, None));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "a b",
            r"srv\",
            r"srv\1X",
            r"srv\a-b",
            "srv,0",
            "srv,99999",
            "srv,",
            "srv:1433",
            "a/b",
            "(x)",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn this_machine_has_many_names() {
        for host in [".", "(local)", "(LOCAL)", "LocalHost", "127.0.0.1", "127.0.1.1", "::1"] {
            assert!(is_local(host), "{host}");
        }
        assert!(is_local(&crate::platform::host_name()));
        for host in ["192.168.0.10", "loja-servidor-que-nao-existe", ""] {
            assert!(!is_local(host), "{host}");
        }
    }
}
