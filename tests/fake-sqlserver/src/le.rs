//! Little-endian fields at fixed offsets, as SQL Server's files and the Microsoft Tape Format have them.

/// Puts `bytes` at offset `at`. The writers know their own layouts, so the range always exists.
pub(crate) fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    buffer[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Puts a 16-bit number at offset `at`.
pub(crate) fn put_u16(buffer: &mut [u8], at: usize, value: u16) {
    put(buffer, at, &value.to_le_bytes());
}

/// Puts a 32-bit number at offset `at`.
pub(crate) fn put_u32(buffer: &mut [u8], at: usize, value: u32) {
    put(buffer, at, &value.to_le_bytes());
}

/// Puts a 64-bit number at offset `at`.
pub(crate) fn put_u64(buffer: &mut [u8], at: usize, value: u64) {
    put(buffer, at, &value.to_le_bytes());
}

/// The `N` bytes at offset `at`, if the buffer reaches that far.
pub(crate) fn bytes_at<const N: usize>(buffer: &[u8], at: usize) -> Option<[u8; N]> {
    buffer.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The 16-bit number at offset `at`, if the buffer reaches that far.
pub(crate) fn u16_at(buffer: &[u8], at: usize) -> Option<u16> {
    bytes_at(buffer, at).map(u16::from_le_bytes)
}

/// The 32-bit number at offset `at`, if the buffer reaches that far.
pub(crate) fn u32_at(buffer: &[u8], at: usize) -> Option<u32> {
    bytes_at(buffer, at).map(u32::from_le_bytes)
}

/// The 64-bit number at offset `at`, if the buffer reaches that far.
pub(crate) fn u64_at(buffer: &[u8], at: usize) -> Option<u64> {
    bytes_at(buffer, at).map(u64::from_le_bytes)
}

/// `text` in UTF-16, little-endian, without an end mark.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The text of UTF-16 bytes; what is no valid text becomes U+FFFD.
pub(crate) fn text_of_utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The exclusive-or of the 16-bit words of `bytes`: the checksum of every header of the Microsoft Tape Format.
pub(crate) fn xor_words(bytes: &[u8]) -> u16 {
    bytes.chunks_exact(2).fold(0, |sum, pair| sum ^ u16::from_le_bytes([pair[0], pair[1]]))
}
