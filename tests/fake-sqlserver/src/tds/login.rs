//! LOGIN7: who the client is and what it wants.

use super::reader::{Malformed, Reader, utf16};

/// TDS 7.2, the oldest that is spoken here (SQL Server 2005).
pub const OLDEST_VERSION: u32 = 0x7209_0002;
/// TDS 7.3, the first with `date`, `time` and null bitmaps.
pub const VERSION_73: u32 = 0x730a_0003;
/// TDS 7.4, the newest that is spoken here.
pub const NEWEST_VERSION: u32 = 0x7400_0004;

/// TDS 8.0, which differs from 7.4 in nothing but that TLS comes first.
pub const VERSION_8: u32 = 0x0800_0000;

/// The extension by which a client says that it understands UTF-8 collations.
pub const FEATURE_UTF8: u8 = 0x0a;

/// What a client says of itself at login.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// TDS version that the client wants
    pub version: u32,
    /// Packet size that the client wants, 0 for the server's choice
    pub packet_bytes: u32,
    /// The client's process
    pub process: u32,
    /// The client's machine
    pub host: String,
    /// SQL login
    pub user: String,
    /// Its password
    pub password: String,
    /// The program: what `sys.dm_exec_sessions.program_name` shows
    pub program: String,
    /// The server's name as the client knows it
    pub server: String,
    /// The library that speaks for the program
    pub interface: String,
    /// Initial database, empty for the login's own
    pub database: String,
    /// The client asks for an integrated login
    pub integrated: bool,
    /// Feature extensions that the client offers
    pub features: Vec<u8>,
    /// The client offers extensions, even if none
    pub extended: bool,
}

impl Login {
    /// The version whose tokens the client reads; `None` when it is too old.
    pub fn tokens_version(&self) -> Option<u32> {
        match self.version {
            VERSION_8 => Some(NEWEST_VERSION),
            version if version >= OLDEST_VERSION => Some(version.min(NEWEST_VERSION)),
            _ => None,
        }
    }

    /// The version that the server acknowledges.
    pub fn acknowledged_version(&self) -> u32 {
        if self.version == VERSION_8 { VERSION_8 } else { self.version.min(NEWEST_VERSION) }
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("host", &self.host)
            .field("program", &self.program)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

const INTEGRATED: u8 = 0x80;
const EXTENSION: u8 = 0x10;
const FEATURES_END: u8 = 0xff;

/// Reads a LOGIN7 message.
///
/// # Errors
/// Offsets that lead out of the message, text that is no UTF-16.
pub fn parse(body: &[u8]) -> Result<Login, Malformed> {
    let mut reader = Reader::new(body);
    let _length = reader.u32()?;
    let version = reader.u32()?;
    let packet_bytes = reader.u32()?;
    let _program_version = reader.u32()?;
    let process = reader.u32()?;
    let _connection = reader.u32()?;
    let [_flags1, flags2, _type_flags, flags3] = reader.array()?;
    let _time_zone_and_language = reader.take(8)?;

    let mut text = || field(body, &mut reader, 2);
    let host = utf16(text()?)?;
    let user = utf16(text()?)?;
    let password = utf16(&reveal(text()?))?;
    let program = utf16(text()?)?;
    let server = utf16(text()?)?;
    let extension = field(body, &mut reader, 1)?;
    let mut text = || field(body, &mut reader, 2);
    let interface = utf16(text()?)?;
    let _language = text()?;
    let database = utf16(text()?)?;

    let extended = flags3 & EXTENSION != 0;
    Ok(Login {
        version,
        packet_bytes,
        process,
        host,
        user,
        password,
        program,
        server,
        interface,
        database,
        integrated: flags2 & INTEGRATED != 0,
        features: if extended { features(body, extension)? } else { Vec::new() },
        extended,
    })
}

/// The bytes that the next pair of offset and length points to.
fn field<'a>(body: &'a [u8], table: &mut Reader<'_>, unit: usize) -> Result<&'a [u8], Malformed> {
    let offset = usize::from(table.u16()?);
    let length = usize::from(table.u16()?) * unit;
    if length == 0 {
        return Ok(&[]);
    }
    body.get(offset..offset + length).ok_or(Malformed("a field lies outside"))
}

/// LOGIN7 hides passwords by swapping each byte's halves and XOR.
fn reveal(hidden: &[u8]) -> Vec<u8> {
    hidden.iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect()
}

fn features(body: &[u8], extension: &[u8]) -> Result<Vec<u8>, Malformed> {
    let offset = Reader::new(extension).u32()?;
    let block = usize::try_from(offset).ok().and_then(|offset| body.get(offset..));
    let mut reader = Reader::new(block.ok_or(Malformed("the extensions lie outside"))?);
    let mut features = Vec::new();
    loop {
        let feature = reader.u8()?;
        if feature == FEATURES_END {
            return Ok(features);
        }
        let length = reader.u32()?;
        reader.take(usize::try_from(length).map_err(|_| Malformed("an extension is too long"))?)?;
        features.push(feature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A LOGIN7 message as a client without extensions builds it.
    fn message(texts: [&str; 9]) -> Vec<u8> {
        let mut body = vec![0; 94];
        body[4..8].copy_from_slice(&NEWEST_VERSION.to_le_bytes());
        body[8..12].copy_from_slice(&8000u32.to_le_bytes());
        for (index, text) in texts.iter().enumerate() {
            let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            if index == 2 {
                bytes.iter_mut().for_each(|byte| *byte = byte.rotate_left(4) ^ 0xa5);
            }
            let place = 36 + index * 4;
            let offset = u16::try_from(body.len()).unwrap();
            body[place..place + 2].copy_from_slice(&offset.to_le_bytes());
            let length = u16::try_from(bytes.len() / 2).unwrap();
            body[place + 2..place + 4].copy_from_slice(&length.to_le_bytes());
            body.extend(bytes);
        }
        body
    }

    #[test]
    fn every_field_is_found_and_the_password_revealed() {
        let body = message(["caixa1", "sa", "Sénha#1", "DMBackup", "loja", "", "lib", "", "MCDados"]);
        let login = parse(&body).unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("sa", "Sénha#1"));
        assert_eq!((login.host.as_str(), login.program.as_str()), ("caixa1", "DMBackup"));
        assert_eq!((login.database.as_str(), login.packet_bytes), ("MCDados", 8000));
        assert!(!login.integrated && !login.extended);
    }

    #[test]
    fn the_password_is_not_in_the_debug_output() {
        let login = parse(&message(["", "sa", "topsecret", "", "", "", "", "", ""])).unwrap();
        assert!(!format!("{login:?}").contains("topsecret"));
    }

    #[test]
    fn a_cut_message_is_refused_at_every_length() {
        let body = message(["caixa1", "sa", "x", "DMBackup", "loja", "", "lib", "", "MCDados"]);
        for length in 0..body.len() {
            assert!(parse(&body[..length]).is_err(), "{length} bytes were taken for a whole login");
        }
    }
}
