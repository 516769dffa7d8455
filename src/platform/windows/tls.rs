//! TLS towards web servers: Windows' own, with the certificates that it trusts.

use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

pub fn web_tls() -> TlsConfig {
    TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(RootCerts::PlatformVerifier).build()
}
