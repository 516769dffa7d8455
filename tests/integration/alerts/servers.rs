//! Servers of other people that take alerts, each in a process of its own, and the certificates that they show.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The system's own Python, which sees the system's packages.
const PYTHON: &str = "/usr/bin/python3";

/// Longer than anything here takes, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// An authority that nobody knows but who is told, and a certificate for `localhost`.
pub struct Certificates {
    /// Whom to trust.
    pub authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificates {
    /// Makes them in `folder`.
    pub fn make(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let own = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&own, &issuer).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        Self {
            authority: write("authority.pem", authority.pem()),
            certificate: write("certificate.pem", certificate.pem()),
            key: write("key.pem", own.serialize_pem()),
        }
    }

    fn files(&self) -> [&str; 2] {
        [self.certificate.to_str().unwrap(), self.key.to_str().unwrap()]
    }
}

/// A server at work; ended when dropped.
pub struct Server {
    child: Child,
    port: u16,
    told: Receiver<Value>,
}

/// A port of this machine that nobody uses now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// A web server that answers everything with `status`.
    pub fn web(status: u16) -> Self {
        Self::web_at(free_port(), status)
    }

    /// The same at this port.
    pub fn web_at(port: u16, status: u16) -> Self {
        Self::start(port, &["web", &port.to_string(), &status.to_string()])
    }

    /// A web server behind TLS.
    pub fn secure_web(certificates: &Certificates) -> Self {
        let (port, [certificate, key]) = (free_port(), certificates.files());
        Self::start(port, &["web", &port.to_string(), "200", certificate, key])
    }

    /// A mail server that takes mail from `user` with `password`; `security` as in the configuration.
    pub fn mail(security: &str, user: &str, password: &str, certificates: &Certificates) -> Self {
        let (port, [certificate, key]) = (free_port(), certificates.files());
        Self::start(port, &["mail", &port.to_string(), security, user, password, certificate, key])
    }

    fn start(port: u16, words: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/alerts/servers.py");
        let mut command = Command::new(PYTHON);
        command.arg(script).args(words).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{PYTHON}: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, told) = channel();
        std::thread::spawn(move || {
            let documents = lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap());
            documents.for_each(|document: Value| drop(tell.send(document)));
        });
        let server = Self { child, port, told };
        assert_eq!(
            server.next()["listens"],
            true,
            "python3-aiosmtpd is there (cargo xtask test installs it)"
        );
        server
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for what it gets next.
    pub fn next(&self) -> Value {
        self.told.recv_timeout(PATIENCE).expect("the server gets something")
    }

    /// What it got besides, up to now.
    pub fn rest(&self) -> Vec<Value> {
        self.told.try_iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}
