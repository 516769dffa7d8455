//! Packets and the messages that they make up.

use std::io;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of a packet's header.
pub const HEADER_BYTES: usize = 8;
/// Packet size before the login has agreed on another.
pub const DEFAULT_PACKET_BYTES: usize = 4096;
/// The least and the most that a login may ask for.
pub const PACKET_BYTES_RANGE: std::ops::RangeInclusive<usize> = 512..=32767;
/// A message longer than this closes the connection: nobody who tests a backup sends one.
pub const MESSAGE_BYTES_LIMIT: usize = 32 << 20;
/// The same for strangers: PRELOGIN and LOGIN7 are short.
pub const STRANGER_BYTES_LIMIT: usize = 128 << 10;

const END_OF_MESSAGE: u8 = 0x01;
const IGNORE: u8 = 0x02;
const RESET_CONNECTION: u8 = 0x08;
const RESET_CONNECTION_KEEP_TRANSACTION: u8 = 0x10;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A batch of statements
    Batch,
    /// A procedure call
    Rpc,
    /// What the server answers
    Response,
    /// «Stop what you are doing»
    Attention,
    /// Rows of a bulk insert
    BulkLoad,
    /// Begin, commit or roll back
    TransactionManager,
    /// LOGIN7
    Login,
    /// A step of an integrated login
    Sspi,
    /// PRELOGIN, and TLS while it is negotiated
    PreLogin,
}

impl Kind {
    fn from_wire(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Batch,
            3 => Self::Rpc,
            4 => Self::Response,
            6 => Self::Attention,
            7 => Self::BulkLoad,
            14 => Self::TransactionManager,
            16 => Self::Login,
            17 => Self::Sspi,
            18 => Self::PreLogin,
            _ => return None,
        })
    }

    /// The first byte of the packet's header.
    pub fn to_wire(self) -> u8 {
        match self {
            Self::Batch => 1,
            Self::Rpc => 3,
            Self::Response => 4,
            Self::Attention => 6,
            Self::BulkLoad => 7,
            Self::TransactionManager => 14,
            Self::Login => 16,
            Self::Sspi => 17,
            Self::PreLogin => 18,
        }
    }
}

/// A whole message from a client.
#[derive(Debug)]
pub struct Message {
    /// What it is
    pub kind: Kind,
    /// Its packets' contents, joined
    pub body: BytesMut,
    /// The client's pool wants the session as new before this runs
    pub reset: bool,
}

/// Reads one message; `None` when the client has hung up between two.
///
/// # Errors
/// The stream's own, `UnexpectedEof` in mid-message, and `InvalidData` for what is no TDS or longer than `limit_bytes`.
pub async fn read_message<R: AsyncRead + Unpin>(
    stream: &mut R,
    limit_bytes: usize,
) -> io::Result<Option<Message>> {
    let mut message: Option<Message> = None;
    loop {
        let Some(header) = read_header(stream, message.is_some()).await? else { return Ok(None) };
        let whole = message.get_or_insert_with(|| Message {
            kind: header.kind,
            body: BytesMut::new(),
            reset: header.status & (RESET_CONNECTION | RESET_CONNECTION_KEEP_TRANSACTION) != 0,
        });
        if whole.kind != header.kind {
            return Err(invalid("packets of two kinds in one message"));
        }
        let start = whole.body.len();
        if start + header.content_bytes > limit_bytes {
            return Err(invalid("message too long"));
        }
        whole.body.resize(start + header.content_bytes, 0);
        stream.read_exact(&mut whole.body[start..]).await?;
        if header.status & END_OF_MESSAGE != 0 {
            if header.status & IGNORE == 0 {
                return Ok(message);
            }
            message = None;
        }
    }
}

struct Header {
    kind: Kind,
    status: u8,
    content_bytes: usize,
}

async fn read_header<R: AsyncRead + Unpin>(stream: &mut R, mid_message: bool) -> io::Result<Option<Header>> {
    let mut bytes = [0u8; HEADER_BYTES];
    if stream.read(&mut bytes[..1]).await? == 0 {
        return if mid_message { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
    }
    stream.read_exact(&mut bytes[1..]).await?;
    let kind = Kind::from_wire(bytes[0]).ok_or_else(|| invalid("unknown packet type"))?;
    let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    let content_bytes =
        length.checked_sub(HEADER_BYTES).ok_or_else(|| invalid("packet shorter than its header"))?;
    Ok(Some(Header { kind, status: bytes[1], content_bytes }))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Cuts what is written into packets of the negotiated size.
#[derive(Debug)]
pub struct MessageWriter<W> {
    stream: W,
    kind: Kind,
    pending: BytesMut,
    packet_bytes: usize,
    number: u8,
    spid: u16,
}

impl<W: AsyncWrite + Unpin> MessageWriter<W> {
    /// A writer of responses for the session `spid`.
    pub fn new(stream: W, spid: u16) -> Self {
        Self {
            stream,
            kind: Kind::Response,
            pending: BytesMut::new(),
            packet_bytes: DEFAULT_PACKET_BYTES,
            number: 1,
            spid,
        }
    }

    /// From the next packet on, packets have this size.
    pub fn set_packet_bytes(&mut self, bytes: usize) {
        self.packet_bytes = bytes.clamp(*PACKET_BYTES_RANGE.start(), *PACKET_BYTES_RANGE.end());
    }

    /// Adds to the message; sends packets as they fill.
    ///
    /// # Errors
    /// The stream's own.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pending.extend_from_slice(bytes);
        let room = self.packet_bytes - HEADER_BYTES;
        // One packet's worth stays behind: only `finish` may write the last one.
        while self.pending.len() > room {
            self.send_packet(room, false).await?;
        }
        Ok(())
    }

    /// Sends what is there, though the packet is not full: progress must not wait for more of it.
    ///
    /// # Errors
    /// The stream's own.
    pub async fn flush(&mut self) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.send_packet(self.pending.len(), false).await?;
        }
        self.stream.flush().await
    }

    /// Ends the message.
    ///
    /// # Errors
    /// The stream's own.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.send_packet(self.pending.len(), true).await?;
        self.number = 1;
        self.stream.flush().await
    }

    /// Forgets what was not sent yet and hangs up.
    pub async fn hang_up(&mut self) {
        self.pending.clear();
        // A peer that is gone already has nothing to be told.
        drop(self.stream.shutdown().await);
    }

    async fn send_packet(&mut self, content_bytes: usize, last: bool) -> io::Result<()> {
        let content = self.pending.split_to(content_bytes);
        let mut packet = BytesMut::with_capacity(HEADER_BYTES + content.len());
        packet.put_u8(self.kind.to_wire());
        packet.put_u8(if last { END_OF_MESSAGE } else { 0 });
        packet.put_u16(u16::try_from(HEADER_BYTES + content.len()).map_err(|_| invalid("packet too long"))?);
        packet.put_u16(self.spid);
        packet.put_u8(self.number);
        packet.put_u8(0);
        packet.put_slice(&content);
        self.number = self.number.wrapping_add(1);
        while packet.has_remaining() {
            self.stream.write_buf(&mut packet).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, status: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, status];
        bytes.extend_from_slice(&u16::try_from(content.len() + HEADER_BYTES).unwrap().to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 1, 0]);
        bytes.extend_from_slice(content);
        bytes
    }

    #[tokio::test]
    async fn packets_are_joined_to_a_message() {
        let mut bytes = packet(1, 0, b"SEL");
        bytes.extend(packet(1, 1, b"ECT"));
        let message = read_message(&mut &bytes[..], MESSAGE_BYTES_LIMIT).await.unwrap().unwrap();
        assert_eq!((message.kind, &message.body[..]), (Kind::Batch, &b"SELECT"[..]));
    }

    #[tokio::test]
    async fn a_message_to_be_ignored_is_skipped() {
        let mut bytes = packet(1, 3, b"DROP");
        bytes.extend(packet(1, 1, b"SELECT"));
        let message = read_message(&mut &bytes[..], MESSAGE_BYTES_LIMIT).await.unwrap().unwrap();
        assert_eq!(&message.body[..], b"SELECT");
    }

    #[tokio::test]
    async fn a_hang_up_between_messages_is_the_end_and_in_mid_message_an_error() {
        assert!(read_message(&mut &[][..], MESSAGE_BYTES_LIMIT).await.unwrap().is_none());
        let cut = packet(1, 0, b"SEL");
        assert_eq!(
            read_message(&mut &cut[..], MESSAGE_BYTES_LIMIT).await.unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
        assert_eq!(
            read_message(&mut &cut[..5], MESSAGE_BYTES_LIMIT).await.unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }

    #[tokio::test]
    async fn what_is_no_tds_is_refused() {
        for bytes in [&b"GET / HTTP/1.1\r\n"[..], &[1, 1, 0, 3, 0, 0, 0, 0], &[99; 16]] {
            let error = read_message(&mut &bytes[..], MESSAGE_BYTES_LIMIT).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test]
    async fn a_long_answer_is_cut_into_packets_and_only_the_last_ends_the_message() {
        let mut wire = Vec::new();
        let mut writer = MessageWriter::new(&mut wire, 51);
        writer.set_packet_bytes(512);
        writer.write(&[7; 1200]).await.unwrap();
        writer.finish().await.unwrap();

        let mut rest = &wire[..];
        let mut statuses = Vec::new();
        while !rest.is_empty() {
            let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            assert!(length <= 512);
            assert_eq!(u16::from_be_bytes([rest[4], rest[5]]), 51);
            statuses.push(rest[1]);
            rest = &rest[length..];
        }
        assert_eq!(statuses, [0, 0, 1]);
    }
}
