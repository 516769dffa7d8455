//! Reading little-endian fields out of a message that somebody else made: every step is checked.

/// The message is not what it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {0}")]
pub struct Malformed(pub &'static str);

/// A place in a message.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes left.
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// What is left, unread.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte, which stays unread.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// The message is shorter.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// The message is shorter.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// # Errors
    /// The message is shorter.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// # Errors
    /// The message is shorter.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// # Errors
    /// The message is shorter.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// # Errors
    /// The message is shorter.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Text whose length in characters stands in one byte before it.
    ///
    /// # Errors
    /// The message is shorter, or the text is no UTF-16.
    pub fn b_varchar(&mut self) -> Result<String, Malformed> {
        let characters = usize::from(self.u8()?);
        utf16(self.take(characters * 2)?)
    }
}

/// UTF-16 in little-endian bytes.
///
/// # Errors
/// An odd number of bytes, or half a surrogate pair.
pub fn utf16(bytes: &[u8]) -> Result<String, Malformed> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Malformed("half a character"));
    }
    char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
        .collect::<Result<String, _>>()
        .map_err(|_| Malformed("text is not UTF-16"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_past_the_end_is_an_error_and_not_a_panic() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16(), Ok(0x0201));
        assert!(reader.u16().is_err());
        assert_eq!(reader.u8(), Ok(3));
        assert!(reader.is_empty());
        assert!(reader.take(usize::MAX).is_err());
    }

    #[test]
    fn lone_surrogates_and_half_characters_are_refused() {
        assert_eq!(utf16(&[0x41, 0, 0xe3, 0]).as_deref(), Ok("Aã"));
        assert!(utf16(&[0x00, 0xd8]).is_err());
        assert!(utf16(&[0x41]).is_err());
    }
}
