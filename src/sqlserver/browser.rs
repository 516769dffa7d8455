//! SQL Server Browser: the service on UDP 1434 that tells the TCP port of a named instance (MS-SQLR). What it answers is
//! untrusted: bounded, and read without assumptions.

use super::errors::Failure;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Where SQL Server Browser listens.
const BROWSER_PORT: u16 = 1434;
/// How long one question waits for its answer.
const ANSWER_WAIT: Duration = Duration::from_secs(1);
/// Datagrams get lost: how often the question is put.
const TRIES: u32 = 3;
/// The longest answer about one instance (MS-SQLR, SVR_RESP to CLNT_UCAST_INST: 3 + 1024 bytes).
const ANSWER_BYTES: usize = 3 + 1024;
/// «Tell me about this instance.»
const ASK_INSTANCE: u8 = 0x04;
/// «Here is what I know.»
const ANSWER: u8 = 0x05;

/// The TCP port of `instance` on the machine `host`.
///
/// # Errors
/// [`Failure::NoBrowser`] when nobody answers, or the answer names no port.
pub(super) async fn port_of(host: IpAddr, instance: &str) -> Result<u16, Failure> {
    ask(SocketAddr::new(host, BROWSER_PORT), instance).await.ok_or(Failure::NoBrowser)
}

async fn ask(browser: SocketAddr, instance: &str) -> Option<u16> {
    let ours: IpAddr = match browser {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((ours, 0)).await.ok()?;
    // Connected: only this browser's own datagrams reach us.
    socket.connect(browser).await.ok()?;
    let question: Vec<u8> = std::iter::once(ASK_INSTANCE).chain(instance.bytes()).collect();
    for _ in 0..TRIES {
        socket.send(&question).await.ok()?;
        let mut answer = [0; ANSWER_BYTES];
        match timeout(ANSWER_WAIT, socket.recv(&mut answer)).await {
            Ok(Ok(length)) => return port_in(&answer[..length], instance),
            // Refused: nobody listens on that port.
            Ok(Err(_)) => return None,
            Err(_) => {}
        }
    }
    None
}

/// The port in an answer: `ServerName;X;InstanceName;Y;…;tcp;1433;…;;`, of which only the part about `instance` counts.
fn port_in(answer: &[u8], instance: &str) -> Option<u16> {
    let [ANSWER, low, high, text @ ..] = answer else { return None };
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    let text = String::from_utf8_lossy(text.get(..length)?);
    text.split(";;").find_map(|part| {
        let mut fields = part.split(';');
        let mut named = false;
        let mut port = None;
        while let (Some(key), Some(value)) = (fields.next(), fields.next()) {
            if key.eq_ignore_ascii_case("InstanceName") {
                named = value.eq_ignore_ascii_case(instance);
            } else if key.eq_ignore_ascii_case("tcp") {
                port = value.parse().ok().filter(|port| *port != 0);
            }
        }
        port.filter(|_| named)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "ServerName;LOJA01;InstanceName;SQLEXPRESS;IsClustered;No;Version;15.0.2000.5;tcp;49172;np;\\\\LOJA01\\pipe\\MSSQL$SQLEXPRESS\\sql\\query;;";

    fn answer(text: &str) -> Vec<u8> {
        let length = (text.len() as u16).to_le_bytes();
        [&[ANSWER][..], &length, text.as_bytes()].concat()
    }

    #[test]
    fn the_port_of_the_instance_that_was_asked_for_is_found() {
        assert_eq!(port_in(&answer(TEXT), "sqlexpress"), Some(49_172));
        assert_eq!(port_in(&answer(TEXT), "OUTRA"), None);
        assert_eq!(port_in(&answer(&TEXT.replace("49172", "70000")), "SQLEXPRESS"), None);
        assert_eq!(port_in(&answer(&TEXT.replace("tcp;49172;", "")), "SQLEXPRESS"), None, "TCP is off");
        assert_eq!(port_in(&answer(TEXT)[..40], "SQLEXPRESS"), None, "cut short");
    }

    #[tokio::test]
    async fn a_browser_is_asked_as_the_protocol_wants() {
        let browser = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = browser.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let mut question = [0; 64];
            let (length, client) = browser.recv_from(&mut question).await.unwrap();
            assert_eq!(&question[..length], b"\x04SQLEXPRESS");
            browser.send_to(&answer(TEXT), client).await.unwrap();
        });
        assert_eq!(ask(address, "SQLEXPRESS").await, Some(49_172));
        serving.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_browser_that_says_nothing_is_given_up() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        assert_eq!(ask(silent.local_addr().unwrap(), "SQLEXPRESS").await, None);
    }

    proptest! {
        #[test]
        fn no_datagram_makes_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..64), tail in "[;a-z0-9]{0,64}") {
            port_in(&bytes, "x");
            port_in(&answer(&format!("InstanceName;x;tcp;{tail}")), "x");
        }
    }
}
