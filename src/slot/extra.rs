//! Extra copies (CC3): made on request before an update, a closing, an archiving; kept outside the rotation, each under a name
//! of its own that tells when and why. Pure.

use chrono::{DateTime, FixedOffset};
use std::fmt;

/// The folder of the extra copies, beside those of the rotation.
pub const FOLDER: &str = "extra";

/// Why an extra copy is made, in a person's words. It stands in the copy's manifest and in the journal, and in a safe form in
/// the file's name: it is no place for customers' data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(String);

/// Why a text is no [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAReason {
    /// Nothing but blanks.
    #[error("it is empty")]
    Empty,
    /// Longer than [`Reason::LONGEST_CHARS`].
    #[error("it is longer than {} characters", Reason::LONGEST_CHARS)]
    TooLong,
    /// A line break or another control character.
    #[error("it has a line break or another control character")]
    Control,
}

impl Reason {
    /// Longest reason in characters.
    pub const LONGEST_CHARS: usize = 120;

    /// Longest safe form in bytes.
    const LONGEST_SLUG: usize = 48;

    /// The reason, without the blanks around it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, NotAReason> {
        let text = text.trim();
        if text.is_empty() {
            Err(NotAReason::Empty)
        } else if text.chars().count() > Self::LONGEST_CHARS {
            Err(NotAReason::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(NotAReason::Control)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What every file system takes of it: small letters without accents, digits, and hyphens between them.
    pub fn slug(&self) -> String {
        let mut slug = String::new();
        for letter in self.0.chars().flat_map(char::to_lowercase).map(plain) {
            if slug.len() >= Self::LONGEST_SLUG {
                break;
            }
            if letter.is_ascii_alphanumeric() {
                slug.push(letter);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug = slug.trim_end_matches('-');
        if slug.is_empty() { "copia".to_owned() } else { slug.to_owned() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A letter without its accent.
const fn plain(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

/// The file of the extra copy that began at `begun`: `2026-11-22_14h30_antes-da-atualizacao_123.zip`. The sequence number at
/// its end sees to it that no copy ever takes another's place.
pub fn file_name(begun: DateTime<FixedOffset>, sequence: u64, reason: &Reason) -> String {
    format!("{}_{}_{sequence}.zip", begun.format("%Y-%m-%d_%Hh%M"), reason.slug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at() -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339("2026-11-22T14:30:59-03:00").unwrap()
    }

    #[test]
    fn the_name_tells_when_and_why() {
        let reason = Reason::new("  Antes da atualização 5.6 (Farma) ").unwrap();
        assert_eq!(reason.as_str(), "Antes da atualização 5.6 (Farma)");
        assert_eq!(file_name(at(), 123, &reason), "2026-11-22_14h30_antes-da-atualizacao-5-6-farma_123.zip");
        assert_eq!(Reason::new("«»").unwrap().slug(), "copia");
    }

    #[test]
    fn a_reason_is_short_and_of_one_line() {
        assert_eq!(Reason::new(" \t"), Err(NotAReason::Empty));
        assert_eq!(Reason::new("a\nb"), Err(NotAReason::Control));
        assert_eq!(Reason::new(&"é".repeat(121)), Err(NotAReason::TooLong));
        assert!(Reason::new(&"é".repeat(120)).is_ok());
    }

    proptest! {
        #[test]
        fn whatever_the_reason_its_name_is_safe_and_short(text in "\\PC{0,130}", sequence in any::<u64>()) {
            if let Ok(reason) = Reason::new(&text) {
                let name = file_name(at(), sequence, &reason);
                prop_assert!(name.len() <= 120 && name.ends_with(".zip"), "{name}");
                prop_assert!(name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c)), "{name}");
            }
        }
    }
}
