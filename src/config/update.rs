//! How newer versions of the program are looked for (DM14).

use super::keys::Key;
use super::validate::Check;
use std::time::Duration;

/// The longest address that is taken, in bytes.
const LONGEST_URL: usize = 2_048;

/// Where newer versions are announced, and how often that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateConfig {
    /// The address of the notice; its signature stands beside it, with `.minisig` at the end.
    pub url: Option<String>,
    /// Between two looks.
    pub interval: Duration,
    /// A person wants no look at all.
    pub off: bool,
}

/// What is configured; `None` where something is wrong with it.
pub(super) fn update(check: &mut Check<'_>) -> Option<UpdateConfig> {
    let url = check.text(Key::UpdateUrl).map(str::to_owned);
    if let Some(url) = &url
        && !is_url(url)
    {
        let expected = crate::words!(
            "um endereço que comece com https:// (ou http://), sem espaços, «?» nem «#»",
            "an address that begins with https:// (or http://), without blanks, “?” and “#”"
        );
        check.refuse(Key::UpdateUrl, url, expected);
        return None;
    }
    let interval = check.length(Key::UpdateInterval)?;
    Some(UpdateConfig { url, interval, off: check.merged.boolean(Key::UpdateOff).unwrap_or_default() })
}

/// The signature's address is made by adding to it: nothing may stand behind the path.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_graphic() && !"?#\"<>\\^`{|}".contains(c);
    !host.is_empty() && !host.contains('@') && text.len() <= LONGEST_URL && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for good in ["https://dm.example/versao.json", "http://127.0.0.1:8080/v", "https://x"] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "",
            "dm.example/v",
            "ftp://x/v",
            "https://",
            "https:///v",
            "https://a b",
            "https://x?v=1",
            "https://u:p@x",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
