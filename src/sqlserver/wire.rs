//! The stream below a connection: TCP or a named pipe, and how to tell from outside that bytes still arrive on it.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a connection runs over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Counts the bytes that the server sent on one connection. The library keeps the server's messages («5 percent
/// processed») to itself; that they arrive is the sign of life of a session in which nobody may look.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    received_bytes: AtomicU64,
    first_byte: OnceLock<u8>,
}

impl Activity {
    /// Bytes received so far.
    pub(super) fn received_bytes(&self) -> u64 {
        self.0.received_bytes.load(Ordering::Relaxed)
    }

    /// The very first of them: which kind of message the server began with.
    pub(super) fn first_byte(&self) -> Option<u8> {
        self.0.first_byte.get().copied()
    }

    fn note(&self, received: &[u8]) {
        if let Some(first) = received.first() {
            self.0.first_byte.get_or_init(|| *first);
        }
        self.0.received_bytes.fetch_add(received.len() as u64, Ordering::Relaxed);
    }
}

/// A wire that counts what it receives.
pub(super) struct Watched {
    wire: Box<dyn Wire>,
    activity: Activity,
    local: Option<IpAddr>,
}

impl Watched {
    pub(super) fn new(wire: impl Wire + 'static) -> Self {
        Self { wire: Box::new(wire), activity: Activity::default(), local: None }
    }

    /// A wire over TCP, which knows by which of this machine's addresses it reaches the other end.
    pub(super) fn over_tcp(stream: TcpStream) -> Self {
        let local = stream.local_addr().map(|address| address.ip().to_canonical()).ok();
        Self { local, ..Self::new(stream) }
    }

    /// This machine's address at this end; `None` where it runs over something else than TCP.
    pub(super) fn local_address(&self) -> Option<IpAddr> {
        self.local
    }

    /// A handle on the count that outlives the wire.
    pub(super) fn activity(&self) -> Activity {
        self.activity.clone()
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.wire).poll_read(cx, buf);
        self.activity.note(buf.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn what_arrives_is_counted_and_what_is_sent_is_not() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut wire = Watched::new(ours);
        let activity = wire.activity();
        wire.write_all(b"hello").await.unwrap();
        assert_eq!((activity.received_bytes(), activity.first_byte()), (0, None));
        theirs.write_all(b"abc").await.unwrap();
        let mut buffer = [0; 2];
        wire.read_exact(&mut buffer).await.unwrap();
        assert_eq!(activity.received_bytes(), 2);
        wire.read_exact(&mut buffer[..1]).await.unwrap();
        drop(wire);
        assert_eq!((activity.received_bytes(), activity.first_byte()), (3, Some(b'a')));
    }
}
