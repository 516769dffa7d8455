//! PRELOGIN: versions and encryption are agreed on before anything secret is sent.

use bytes::{BufMut, BytesMut};

use super::reader::{Malformed, Reader};

/// One side's word on encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Only the login
    Off,
    /// Everything
    On,
    /// Nothing, for want of TLS
    NotSupported,
    /// Everything, or no connection
    Required,
}

impl Encryption {
    fn from_wire(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Off,
            1 => Self::On,
            2 => Self::NotSupported,
            3 => Self::Required,
            _ => return None,
        })
    }

    fn to_wire(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::On => 1,
            Self::NotSupported => 2,
            Self::Required => 3,
        }
    }
}

/// What of the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// Nothing
    Plain,
    /// LOGIN7 alone
    LoginOnly,
    /// Everything after PRELOGIN
    Full,
}

/// What the client said.
#[derive(Debug, PartialEq, Eq)]
pub struct PreLogin {
    /// The client's word on encryption
    pub encryption: Encryption,
    /// The instance that the client believes to reach
    pub instance: Option<String>,
}

const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const INSTANCE: u8 = 2;
const THREAD: u8 = 3;
const MARS: u8 = 4;
const TERMINATOR: u8 = 0xff;

/// Reads the client's PRELOGIN. Options that are not known are skipped, as the specification wants.
///
/// # Errors
/// Offsets that lead out of the message, or an unknown word on encryption.
pub fn parse(body: &[u8]) -> Result<PreLogin, Malformed> {
    let mut prelogin = PreLogin { encryption: Encryption::NotSupported, instance: None };
    let mut table = Reader::new(body);
    loop {
        let option = table.u8()?;
        if option == TERMINATOR {
            return Ok(prelogin);
        }
        let offset = usize::from(u16::from_be_bytes(table.array()?));
        let length = usize::from(u16::from_be_bytes(table.array()?));
        let data = body.get(offset..offset + length).ok_or(Malformed("an option lies outside"))?;
        match (option, data) {
            (ENCRYPTION, [byte, ..]) => {
                prelogin.encryption =
                    Encryption::from_wire(*byte).ok_or(Malformed("unknown word on encryption"))?;
            }
            (INSTANCE, data) => {
                let name = data.split(|byte| *byte == 0).next().unwrap_or_default();
                prelogin.instance = (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned());
            }
            _ => {}
        }
    }
}

/// The server's answer and what follows from both. `None` where the two cannot come together.
pub fn agree(server: Encryption, client: Encryption) -> (Encryption, Option<Agreed>) {
    use Encryption::{NotSupported, Off, On, Required};
    match (server, client) {
        (NotSupported, NotSupported | Off) => (NotSupported, Some(Agreed::Plain)),
        (NotSupported, On | Required) => (NotSupported, None),
        (Off, NotSupported) => (NotSupported, Some(Agreed::Plain)),
        (Off, Off) => (Off, Some(Agreed::LoginOnly)),
        (Off | On, On | Required) => (On, Some(Agreed::Full)),
        (On | Required, NotSupported) => (Required, None),
        (On | Required, Off) => (Required, Some(Agreed::Full)),
        (Required, On | Required) => (On, Some(Agreed::Full)),
    }
}

/// The server's PRELOGIN.
pub fn answer(version: (u8, u8, u16), encryption: Encryption, instance_matches: bool) -> BytesMut {
    let (major, minor, build) = version;
    let [build_high, build_low] = build.to_be_bytes();
    let options: [(u8, &[u8]); 5] = [
        (VERSION, &[major, minor, build_high, build_low, 0, 0]),
        (ENCRYPTION, &[encryption.to_wire()]),
        (INSTANCE, if instance_matches { &[0] } else { &[1, 0] }),
        (THREAD, &[]),
        (MARS, &[0]),
    ];
    let mut message = BytesMut::new();
    let mut offset = 5 * 5 + 1;
    for (option, data) in options {
        message.put_u8(option);
        message.put_u16(offset);
        // Five constant options of a few bytes: neither sum can leave 16 bits.
        message.put_u16(data.len() as u16);
        offset += data.len() as u16;
    }
    message.put_u8(TERMINATOR);
    for (_, data) in options {
        message.put_slice(data);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_answer_reads_back() {
        let answer = answer((16, 0, 1000), Encryption::Required, true);
        let read = parse(&answer).unwrap();
        assert_eq!(read, PreLogin { encryption: Encryption::Required, instance: None });
        assert_eq!(&answer[26..32], &[16, 0, 0x03, 0xe8, 0, 0]);
    }

    #[test]
    fn an_option_outside_the_message_is_refused() {
        assert!(parse(&[1, 0, 200, 0, 1, 0xff]).is_err());
        assert!(parse(&[1, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(parse(&[0, 0]).is_err());
        assert!(parse(&[]).is_err());
    }

    #[test]
    fn a_server_without_tls_and_a_client_that_insists_do_not_come_together() {
        assert_eq!(agree(Encryption::NotSupported, Encryption::On).1, None);
        assert_eq!(agree(Encryption::Required, Encryption::NotSupported).1, None);
        assert_eq!(agree(Encryption::Off, Encryption::Off).1, Some(Agreed::LoginOnly));
        assert_eq!(agree(Encryption::Off, Encryption::On).1, Some(Agreed::Full));
    }
}
