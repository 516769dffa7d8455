//! SHA-256 sums as values: what a backup is compared with, wherever it lies.

use serde::{Deserialize, Serialize, de};
use std::fmt;
use std::str::FromStr;

/// A SHA-256 sum. Written as 64 lower-case hexadecimal digits, as `sha256sum` does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Sum(pub [u8; 32]);

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 sum of 64 hexadecimal digits")]
pub struct NotASum;

impl FromStr for Sha256Sum {
    type Err = NotASum;

    fn from_str(text: &str) -> Result<Self, NotASum> {
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotASum);
        }
        let mut sum = [0; 32];
        for (byte, digits) in sum.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = str::from_utf8(digits).map_err(|_| NotASum)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NotASum)?;
        }
        Ok(Self(sum))
    }
}

impl Serialize for Sha256Sum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Sum {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of nothing, as every tool prints it.
    const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_sum_reads_as_every_tool_prints_it() {
        use sha2::{Digest, Sha256};
        let sum = Sha256Sum(Sha256::digest(b"").into());
        assert_eq!(sum.to_string(), OF_NOTHING);
        assert_eq!(OF_NOTHING.parse(), Ok(sum));
        assert_eq!(OF_NOTHING.to_uppercase().parse(), Ok(sum));
        let json = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Sha256Sum>(&json).unwrap(), sum);
    }

    #[test]
    fn anything_else_is_refused() {
        let multibyte = "é".repeat(32);
        for text in ["", "e3", &OF_NOTHING[1..], &OF_NOTHING.replace('e', "+"), &multibyte] {
            assert_eq!(text.parse::<Sha256Sum>(), Err(NotASum), "{text}");
        }
    }
}
