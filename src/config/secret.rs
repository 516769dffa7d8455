//! A password in memory: never printed, wiped when dropped.

use std::fmt;
use zeroize::Zeroizing;

/// A secret text. Its `Debug` and `Display` show `***`; it has no serde form; its memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps `text` as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that must hand it on.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What is shown in place of a secret.
pub(super) const HIDDEN: &str = "***";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("abre-te sésamo");
        assert_eq!(format!("{secret} {secret:?} {:#?}", Some(&secret)).matches("sésamo").count(), 0);
        assert_eq!(secret.expose(), "abre-te sésamo");
    }
}
