//! Newer versions (DM14), against a web server on this machine and with keys made for the test: what is believed, what is not, and
//! that neither is ever in the way.

use crate::support::agent::Shop;
use crate::support::shop::TestClock;
use dmbackup::agent::{Agent, AgentOptions, Silence, enter};
use dmbackup::clock::Clock;
use dmbackup::config::UpdateConfig;
use dmbackup::problem::Code;
use dmbackup::update::{Lookout, Publisher, VersionView};
use minisign::KeyPair;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const NOTICE: &str = "/versao.json";
const SIGNATURE: &str = "/versao.json.minisig";

/// What the server says at a path, and with which status.
type Pages = Arc<Mutex<HashMap<String, (u16, Vec<u8>)>>>;

/// A web server of a few pages.
struct Web {
    address: SocketAddr,
    pages: Pages,
    keys: KeyPair,
}

impl Web {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, pages) = (listener.local_addr().unwrap(), Pages::default());
        let served = Arc::clone(&pages);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let pages = Arc::clone(&served);
                // A client that hangs up early is no concern of ours.
                thread::spawn(move || drop(answer(stream, &pages)));
            }
        });
        Self { address, pages, keys: KeyPair::generate_unencrypted_keypair().unwrap() }
    }

    fn config(&self) -> UpdateConfig {
        let url = Some(format!("http://{}{NOTICE}", self.address));
        UpdateConfig { url, interval: Duration::from_secs(3_600), off: false }
    }

    fn publisher(&self) -> Publisher {
        Publisher::of(&self.keys.pk.to_base64()).unwrap()
    }

    fn put(&self, path: &str, status: u16, body: impl Into<Vec<u8>>) {
        self.pages.lock().unwrap().insert(path.to_owned(), (status, body.into()));
    }

    /// Publishes a text with a signature by `keys`.
    fn publish_by(&self, keys: &KeyPair, text: &str) {
        let signed = minisign::sign(Some(&keys.pk), &keys.sk, text.as_bytes(), None, None).unwrap();
        self.put(NOTICE, 200, text);
        self.put(SIGNATURE, 200, signed.into_string());
    }

    fn publish(&self, version: &str, expires: &str) {
        self.publish_by(&self.keys, &notice(version, expires));
    }
}

/// Answers the requests of one connection. What is said of its length is true; a page beyond a MiB is sent in pieces, without one.
fn answer(stream: TcpStream, pages: &Pages) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut stream = stream;
    while let Some(first) = lines.next().transpose()? {
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let path = first.split(' ').nth(1).unwrap_or_default();
        let page = pages.lock().unwrap().get(path).cloned();
        let (status, body) = page.unwrap_or((404, b"not here".to_vec()));
        if status == 302 {
            let there = String::from_utf8_lossy(&body).into_owned();
            write!(stream, "HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n")?;
        } else if body.len() > 1 << 20 {
            write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for piece in body.chunks(8 << 10) {
                write!(stream, "{:x}\r\n", piece.len())?;
                stream.write_all(piece)?;
                write!(stream, "\r\n")?;
            }
            write!(stream, "0\r\n\r\n")?;
        } else {
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len())?;
            stream.write_all(&body)?;
        }
    }
    Ok(())
}

fn notice(version: &str, expires: &str) -> String {
    format!(
        r#"{{"format":1,"version":"{version}","issued":"2026-11-01T00:00:00Z","expires":"{expires}T00:00:00Z","notes":{{"pt":"Mais rápido.","en":"Faster."}}}}"#
    )
}

/// A lookout with a state folder of its own.
struct Watch {
    lookout: Lookout,
    state: TempDir,
}

fn watch(publisher: Publisher) -> Watch {
    let state = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at("2026-11-22T10:00:00-03:00"));
    Watch { lookout: Lookout::new(publisher, state.path(), clock), state }
}

fn code(view: &VersionView) -> Option<Code> {
    view.problem.as_ref().map(|problem| problem.code)
}

#[tokio::test]
async fn a_newer_version_that_its_publisher_signed_is_found() {
    let web = Web::start();
    let Watch { lookout, state } = watch(web.publisher());
    web.publish("9.1.0", "2027-01-01");
    let view = lookout.look(&web.config()).await;
    let newer = view.newer.as_ref().unwrap_or_else(|| panic!("{view:?}"));
    assert_eq!((newer.version.as_str(), newer.notes.pt.as_str()), ("9.1.0", "Mais rápido."));
    assert_eq!((code(&view), view.off), (None, None));
    assert!(fs::read_to_string(state.path().join("update.json")).unwrap().contains("9.1.0"));

    web.publish(env!("CARGO_PKG_VERSION"), "2027-01-01");
    let Watch { lookout, .. } = watch(web.publisher());
    let view = lookout.look(&web.config()).await;
    assert_eq!((view.newer, view.problem), (None, None), "the one that runs is the newest");
}

#[tokio::test]
async fn what_may_not_be_believed_is_told_and_shows_no_version() {
    let web = Web::start();
    let publisher = web.publisher();
    let refused = async |expected: Code| {
        let Watch { lookout, state } = watch(publisher.clone());
        let view = lookout.look(&web.config()).await;
        assert_eq!(code(&view), Some(expected), "{view:?}");
        assert_eq!(view.newer, None);
        assert!(!state.path().join("update.json").exists(), "nothing of it is remembered");
    };
    refused(Code::UpdateUnreachable).await;
    web.publish_by(&KeyPair::generate_unencrypted_keypair().unwrap(), &notice("9.1.0", "2027-01-01"));
    refused(Code::UpdateSignature).await;
    web.publish("9.1.0", "2026-11-22");
    refused(Code::UpdateExpired).await;
    web.publish("0.0.1", "2027-01-01");
    refused(Code::UpdateOld).await;
    web.publish_by(&web.keys, "nonsense");
    refused(Code::UpdateNotice).await;
    web.publish("9.1.0", "2027-01-01");
    web.put(SIGNATURE, 200, "nonsense");
    refused(Code::UpdateSignature).await;
    web.put(SIGNATURE, 404, "");
    refused(Code::UpdateUnreachable).await;
    web.publish_by(&web.keys, &" ".repeat(65 << 10));
    refused(Code::UpdateNotice).await;
    web.put(NOTICE, 200, vec![b' '; 2 << 20]);
    refused(Code::UpdateNotice).await;
    web.put(NOTICE, 302, NOTICE);
    refused(Code::UpdateUnreachable).await;
    web.put(NOTICE, 500, "");
    refused(Code::UpdateUnreachable).await;
}

#[tokio::test]
async fn who_has_seen_a_version_is_not_led_back_and_who_is_away_takes_nothing_away() {
    let web = Web::start();
    let Watch { lookout, state } = watch(web.publisher());
    web.publish("9.1.0", "2027-01-01");
    assert!(lookout.look(&web.config()).await.newer.is_some());
    let nobody = UpdateConfig { url: Some("http://127.0.0.1:1/versao.json".to_owned()), ..web.config() };
    let view = lookout.look(&nobody).await;
    assert_eq!(code(&view), Some(Code::UpdateUnreachable));
    assert!(view.newer.is_some(), "what is known stays known");
    web.publish("9.0.0", "2027-01-01");
    let view = lookout.look(&web.config()).await;
    assert_eq!((code(&view), view.newer), (Some(Code::UpdateOld), None));
    // Nor after a restart.
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at("2026-11-22T10:00:00-03:00"));
    let view = Lookout::new(web.publisher(), state.path(), clock).look(&web.config()).await;
    assert_eq!(code(&view), Some(Code::UpdateOld));
}

#[tokio::test]
async fn where_nobody_looks_it_is_said_why_and_nobody_is_asked() {
    let web = Web::start();
    web.publish("9.1.0", "2027-01-01");
    let (on, keyless) = (watch(web.publisher()).lookout, watch(Publisher::default()).lookout);
    let switched_off = UpdateConfig { off: true, ..web.config() };
    let unconfigured = UpdateConfig { url: None, ..web.config() };
    let mut reasons = Vec::new();
    for (lookout, config) in [(&on, &switched_off), (&on, &unconfigured), (&keyless, &web.config())] {
        let view = lookout.look(config).await;
        assert_eq!((view.newer, view.looked_at), (None, None));
        let off = view.off.unwrap();
        assert_eq!(off.code, Code::UpdateOff);
        reasons.push(off.sentence.pt);
    }
    reasons.dedup();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert_eq!(on.off(&web.config()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_shows_a_newer_version_and_the_command_its_notes() {
    let web = Web::start();
    web.publish("9.1.0", "2999-01-01");
    let shop = Shop::new();
    shop.configure(1);
    let path = shop.path("dmbackup.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}[update]\nurl = '{}'\n", web.config().url.unwrap())).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(dmbackup::clock::SystemClock);
    let home = enter(shop.state(), Arc::clone(&clock)).await.unwrap();
    let options =
        AgentOptions { config_path: path, clock, audience: Arc::new(Silence), publisher: web.publisher() };
    let shutdown = CancellationToken::new();
    let agent = Agent::start(home, options, shutdown.clone()).await.unwrap();
    let mut status = agent.status();
    let seen = status.wait_for(|status| status.version.newer.is_some());
    let seen = tokio::time::timeout(Duration::from_secs(60), seen).await.unwrap().unwrap().clone();
    assert!(seen.checks.iter().all(|check| !check.problem.code.id().starts_with("update.")), "no alarm");

    let said = shop.ctl(&["version"]);
    assert!(said.out.contains("Há uma versão nova: 9.1.0\n  Mais rápido."), "{said:?}");
    assert!(shop.ctl(&["status"]).out.contains("Versão nova:       9.1.0"));
    web.put(NOTICE, 500, "");
    let said = shop.ctl(&["version", "--check", "--json"]);
    assert_eq!(said.exit, 9, "{said:?}");
    assert_eq!(said.json()["version"]["problem"]["code"], "update.unreachable");
    assert_eq!(said.json()["version"]["newer"]["version"], "9.1.0");
    shutdown.cancel();
    agent.ended().await;
    let alone = shop.ctl(&["version"]);
    assert_eq!((alone.exit, alone.out.trim()), (0, concat!("DMBackup ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(shop.ctl(&["version", "--check"]).exit, 12);
}
