//! The CNPJ, a Brazilian company's number, with digits only or, from 2026 on, also with letters.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// A valid CNPJ: fourteen characters, `[0-9A-Z]` twelve times and two check digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Cnpj(String);

/// Why a text is no CNPJ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACnpj {
    /// Not fourteen characters without the punctuation.
    #[error("it has not 14 characters")]
    Length,
    /// A character that is neither a digit nor a letter, or a letter among the check digits.
    #[error("it has a character that no CNPJ has")]
    Character,
    /// The last two digits do not belong to the rest, or all are equal: a typing error.
    #[error("its check digits are wrong")]
    CheckDigits,
}

impl Cnpj {
    /// Weights of the second check digit; those of the first are the same without the leading 6.
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];

    /// The check digit after `characters` (12 or 13 of them), as an ASCII digit. A character counts its ASCII code less 48.
    fn check_digit(characters: &[u8]) -> u8 {
        let weights = &Self::WEIGHTS[Self::WEIGHTS.len().saturating_sub(characters.len())..];
        let values = characters.iter().map(|byte| u32::from(byte.saturating_sub(b'0')));
        let sum: u32 = values.zip(weights).map(|(value, weight)| value * weight).sum();
        match sum % 11 {
            0 | 1 => b'0',
            // 2 to 10, so the digit is 1 to 9.
            rest => b'0' + u8::try_from(11 - rest).unwrap_or(0),
        }
    }

    /// The fourteen characters without punctuation.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Cnpj {
    type Err = NotACnpj;

    /// Reads a CNPJ with or without its punctuation (`12.ABC.345/01DE-35`), small letters included.
    fn from_str(text: &str) -> Result<Self, NotACnpj> {
        let plain: String = text.trim().chars().filter(|c| !matches!(c, '.' | '/' | '-')).collect();
        if plain.chars().count() != 14 {
            return Err(NotACnpj::Length);
        }
        let plain = plain.to_ascii_uppercase();
        let bytes = plain.as_bytes();
        let well_formed = bytes.len() == 14
            && bytes[..12].iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && bytes[12..].iter().all(u8::is_ascii_digit);
        if !well_formed {
            return Err(NotACnpj::Character);
        }
        let right =
            bytes[12] == Self::check_digit(&bytes[..12]) && bytes[13] == Self::check_digit(&bytes[..13]);
        let all_equal = bytes.iter().all(|byte| *byte == bytes[0]);
        if right && !all_equal { Ok(Self(plain)) } else { Err(NotACnpj::CheckDigits) }
    }
}

/// With its punctuation: `11.222.333/0001-81`.
impl fmt::Display for Cnpj {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |range: std::ops::Range<usize>| self.0.get(range).unwrap_or_default();
        write!(f, "{}.{}.{}/{}-{}", part(0..2), part(2..5), part(5..8), part(8..12), part(12..14))
    }
}

impl fmt::Debug for Cnpj {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cnpj({self})")
    }
}

impl<'de> Deserialize<'de> for Cnpj {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_numbers_of_the_rule_are_valid() {
        for (text, shown) in [
            ("11222333000181", "11.222.333/0001-81"),
            ("11.222.333/0001-81", "11.222.333/0001-81"),
            ("12ABC34501DE35", "12.ABC.345/01DE-35"),
            (" 12.abc.345/01de-35 ", "12.ABC.345/01DE-35"),
        ] {
            assert_eq!(text.parse::<Cnpj>().map(|cnpj| cnpj.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn every_kind_of_mistake_is_told() {
        use NotACnpj::*;
        for (text, why) in [
            ("", Length),
            ("1122233300018", Length),
            ("112223330001811", Length),
            ("11222333000180", CheckDigits),
            ("11222333000191", CheckDigits),
            ("12ABC34501DE36", CheckDigits),
            ("12ABC34501DEA5", Character),
            ("1122233300018é", Character),
            ("11222333 00181", Character),
            ("1122233300018²", Character),
        ] {
            assert_eq!(text.parse::<Cnpj>(), Err(why), "{text}");
        }
        for digit in '0'..='9' {
            let equal: String = std::iter::repeat_n(digit, 14).collect();
            assert_eq!(equal.parse::<Cnpj>(), Err(CheckDigits));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,20}") {
            if let Ok(cnpj) = text.parse::<Cnpj>() {
                prop_assert_eq!(cnpj.to_string().parse::<Cnpj>().unwrap(), cnpj);
            }
        }

        // Remainders 0 and 1 share the check digit 0, so only a first check digit other than 0 sees every change.
        #[test]
        fn one_wrong_digit_is_noticed(stem in "[0-9A-Z]{12}", place: prop::sample::Index, step in 1u8..=9) {
            let mut bytes = stem.into_bytes();
            bytes.push(Cnpj::check_digit(&bytes));
            bytes.push(Cnpj::check_digit(&bytes));
            prop_assume!(bytes[12] != b'0');
            let digits: Vec<_> = (0..14).filter(|at| bytes[*at].is_ascii_digit()).collect();
            let place = digits[place.index(digits.len())];
            prop_assert!(String::from_utf8_lossy(&bytes).parse::<Cnpj>().is_ok());
            bytes[place] = b'0' + (bytes[place] - b'0' + step) % 10;
            prop_assert_eq!(String::from_utf8_lossy(&bytes).parse::<Cnpj>(), Err(NotACnpj::CheckDigits));
        }
    }
}
