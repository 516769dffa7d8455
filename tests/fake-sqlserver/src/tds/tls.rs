//! TLS inside PRELOGIN packets, as TDS 7 negotiates it, and the certificate that a server makes for itself.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::packet::{DEFAULT_PACKET_BYTES, HEADER_BYTES, Kind};

/// A self-signed certificate for `name`: TLS with it, and the certificate itself (DER).
///
/// TLS 1.2 only, as SQL Server has it in TDS 7: the tickets that TLS 1.3 sends after the handshake would reach a
/// client that already speaks in clear.
///
/// # Errors
/// The certificate cannot be made.
pub fn self_signed(name: &str) -> io::Result<(TlsAcceptor, Vec<u8>)> {
    let certified = rcgen::generate_simple_self_signed(vec![name.to_owned(), "localhost".to_owned()])
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![certified.cert.der().clone()], key)
        })
        .map_err(io::Error::other)?;
    Ok((TlsAcceptor::from(Arc::new(config)), certified.cert.der().to_vec()))
}

/// Negotiates TLS over `stream`, whose handshake travels in PRELOGIN packets and all the rest without them.
///
/// # Errors
/// The stream's own, or a handshake that fails.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: &TlsAcceptor,
    stream: S,
) -> io::Result<TlsStream<Wrapped<S>>> {
    let mut tls = acceptor.accept(Wrapped::new(stream)).await?;
    tls.get_mut().0.shaking_hands = false;
    Ok(tls)
}

/// A stream that puts what is written into PRELOGIN packets, and takes it out of them when reading, until the
/// handshake is over.
#[derive(Debug)]
pub struct Wrapped<S> {
    stream: S,
    shaking_hands: bool,
    header: BytesMut,
    unread_bytes: usize,
    outgoing: BytesMut,
    framed: BytesMut,
}

impl<S> Wrapped<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            shaking_hands: true,
            header: BytesMut::new(),
            unread_bytes: 0,
            outgoing: BytesMut::new(),
            framed: BytesMut::new(),
        }
    }

    /// The bare stream, when only the login was encrypted.
    pub fn into_inner(self) -> S {
        self.stream
    }

    fn frame_outgoing(&mut self) {
        while self.outgoing.has_remaining() {
            let count = self.outgoing.len().min(DEFAULT_PACKET_BYTES - HEADER_BYTES);
            let content = self.outgoing.split_to(count);
            self.framed.put_u8(Kind::PreLogin.to_wire());
            self.framed.put_u8(u8::from(self.outgoing.is_empty()));
            // `count` is below 4096.
            self.framed.put_u16((HEADER_BYTES + count) as u16);
            self.framed.put_slice(&[0, 0, 0, 0]);
            self.framed.put_slice(&content);
        }
    }
}

impl<S: AsyncRead + Unpin> Wrapped<S> {
    /// Reads packet headers until there is content to read; `false` at the end of the stream.
    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.unread_bytes == 0 {
            let mut byte = [0u8; 1];
            let mut buffer = ReadBuf::new(&mut byte);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            let [byte] = buffer.filled() else { return Poll::Ready(Ok(false)) };
            self.header.put_u8(*byte);
            if let [kind, _, high, low, _, _, _, _] = self.header[..] {
                let length = usize::from(u16::from_be_bytes([high, low]));
                if kind != Kind::PreLogin.to_wire() || length < HEADER_BYTES {
                    let error = io::Error::new(io::ErrorKind::InvalidData, "no TLS handshake");
                    return Poll::Ready(Err(error));
                }
                self.unread_bytes = length - HEADER_BYTES;
                self.header.clear();
            }
        }
        Poll::Ready(Ok(true))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wrapped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.shaking_hands {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        if !ready!(this.poll_content(cx))? {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0u8; DEFAULT_PACKET_BYTES];
        let count = scratch.len().min(this.unread_bytes).min(buffer.remaining());
        let mut content = ReadBuf::new(&mut scratch[..count]);
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut content))?;
        this.unread_bytes -= content.filled().len();
        buffer.put_slice(content.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wrapped<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.shaking_hands && self.outgoing.is_empty() && self.framed.is_empty() {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        self.outgoing.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.frame_outgoing();
        while this.framed.has_remaining() {
            let written = ready!(Pin::new(&mut this.stream).poll_write(cx, &this.framed))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.framed.advance(written);
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
