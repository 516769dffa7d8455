//! Takes secrets out of texts that others made: an error's, a log's.

use crate::config::Secret;

/// What stands where a secret was.
const HIDDEN: &str = "***";

/// Shorter secrets would take too much out of the text around them.
const SHORTEST: usize = 4;

/// The longest piece of another program's words that is repeated, in characters.
const LONGEST_WORDS: usize = 200;

/// `text` without any of `secrets`.
pub fn without<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let known = secrets.into_iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST);
    known.fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
}

/// Another program's words as a sentence may repeat them: one short line, no secret.
pub fn quoted<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let clean = without(text, secrets).replace(char::is_control, " ");
    let short: String = clean.trim().trim_end_matches('.').chars().take(LONGEST_WORDS).collect();
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_and_no_second_line_is_left() {
        let secrets = [Secret::new("abre-te"), Secret::new("x")];
        let text = quoted("535 abre-te\r\nx denied.\n", &secrets);
        assert_eq!(text, "535 ***  x denied");
        assert_eq!(quoted(&"é".repeat(500), &secrets).chars().count(), LONGEST_WORDS);
    }
}
