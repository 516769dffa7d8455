//! One client's connection: PRELOGIN, TLS, LOGIN7, then statement after statement.

pub mod cancel;
pub mod login;
pub mod output;
mod statements;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use login::Admitted;

use crate::instance::Instance;
use crate::tds::packet::{Kind, MessageWriter, STRANGER_BYTES_LIMIT, read_message};
use crate::tds::prelogin::{self, Agreed, Encryption};
use crate::tds::reader::Malformed;
use crate::tds::tls;

/// Any stream that a client can come by: TCP, a named pipe, TLS over either.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// What all connections of a listener have in common.
#[derive(Clone)]
pub struct Reception {
    /// The server behind it
    pub instance: Arc<Instance>,
    /// TLS, with the server's certificate
    pub tls: TlsAcceptor,
    /// The server's word on encryption
    pub encryption: Encryption,
    /// The server stops
    pub stop: CancellationToken,
}

/// The first byte of a client that begins with TLS.
const TLS_HANDSHAKE: u8 = 0x16;

/// A stream whose first byte was looked at.
struct Rewound<S> {
    first: Option<u8>,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buffer.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Serves one client until either side hangs up.
///
/// # Errors
/// What ended the connection before its time: the stream's own errors, and `InvalidData` for what is no TDS.
pub async fn serve<S: Stream + 'static>(mut stream: S, reception: Reception) -> io::Result<()> {
    let mut first = [0];
    if stream.read(&mut first).await? == 0 {
        return Ok(());
    }
    let stream = Rewound { first: Some(first[0]), stream };
    if first[0] != TLS_HANDSHAKE {
        return negotiated(stream, &reception).await;
    }
    // TDS 8 («strict»): TLS comes before everything.
    let mut encrypted = reception.tls.accept(stream).await?;
    if negotiate(&mut encrypted, &reception).await?.is_none() {
        return Ok(());
    }
    let Some(message) = read_message(&mut encrypted, STRANGER_BYTES_LIMIT).await? else { return Ok(()) };
    attend(encrypted, message, &reception).await
}

/// TDS 7: PRELOGIN in clear says what of the rest is encrypted.
async fn negotiated<S: Stream + 'static>(mut stream: S, reception: &Reception) -> io::Result<()> {
    let Some(agreed) = negotiate(&mut stream, reception).await? else { return Ok(()) };
    match agreed {
        Agreed::Plain => {
            let Some(message) = read_message(&mut stream, STRANGER_BYTES_LIMIT).await? else { return Ok(()) };
            attend(stream, message, reception).await
        }
        Agreed::LoginOnly => {
            let mut encrypted = tls::accept(&reception.tls, stream).await?;
            let Some(message) = read_message(&mut encrypted, STRANGER_BYTES_LIMIT).await? else {
                return Ok(());
            };
            let (wrapped, _) = encrypted.into_inner();
            attend(wrapped.into_inner(), message, reception).await
        }
        Agreed::Full => {
            let mut encrypted = tls::accept(&reception.tls, stream).await?;
            let Some(message) = read_message(&mut encrypted, STRANGER_BYTES_LIMIT).await? else {
                return Ok(());
            };
            attend(encrypted, message, reception).await
        }
    }
}

/// PRELOGIN. `None` when the two sides cannot come together.
async fn negotiate<S: Stream>(stream: &mut S, reception: &Reception) -> io::Result<Option<Agreed>> {
    let Some(message) = read_message(stream, STRANGER_BYTES_LIMIT).await? else { return Ok(None) };
    if message.kind != Kind::PreLogin {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the client does not begin with PRELOGIN"));
    }
    let client = prelogin::parse(&message.body).map_err(invalid)?;
    let identity = reception.instance.state().identity.clone();
    let instance_matches = client.instance.is_none_or(|asked| {
        let own = identity.instance.as_deref().unwrap_or("MSSQLSERVER");
        asked.eq_ignore_ascii_case(own) || asked.eq_ignore_ascii_case("MSSQLServer")
    });
    let (word, agreed) = prelogin::agree(reception.encryption, client.encryption);
    let mut writer = MessageWriter::new(stream, 0);
    writer.write(&prelogin::answer(identity.version, word, instance_matches)).await?;
    writer.finish().await?;
    Ok(agreed)
}

/// LOGIN7 and all that follows.
async fn attend<S: Stream + 'static>(
    stream: S,
    login: crate::tds::packet::Message,
    reception: &Reception,
) -> io::Result<()> {
    let (reader, writer) = tokio::io::split(stream);
    let mut writer = MessageWriter::new(writer, 0);
    let Some(admitted) = login::admit(&login, &mut writer, reception).await? else {
        writer.hang_up().await;
        return Ok(());
    };
    let instance = Arc::clone(&reception.instance);
    let spid = admitted.spid;
    let served = statements::serve(reader, writer, admitted, reception).await;
    instance.leave(spid);
    served
}

fn invalid(error: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
