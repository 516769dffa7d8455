//! What people read, in their language: [`Words`] carries one sentence in Portuguese (the default) and in English, so that
//! the agent need not know who is looking, and the few number formats that both languages need.

use chrono::{DateTime, Datelike, FixedOffset, Weekday};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A language of the product's users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// Brazilian Portuguese, the default.
    #[default]
    #[serde(rename = "pt")]
    Portuguese,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// Reads a language tag such as `pt-BR`, `en`, `en_US.UTF-8`; `None` for a language that we do not speak.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "pt" => Some(Self::Portuguese),
            "en" => Some(Self::English),
            _ => None,
        }
    }
}

/// One sentence in every language of the product. Made by [`words!`](crate::words!).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Words {
    /// Portuguese.
    pub pt: String,
    /// English.
    pub en: String,
}

impl Words {
    /// The sentence in `language`.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::Portuguese => &self.pt,
            Language::English => &self.en,
        }
    }

    /// The same text in both languages: a name, a path, a server's own message.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { pt: text.clone(), en: text }
    }
}

/// Makes [`Words`] from two format strings over the same variables: `words!("pasta {folder}", "folder {folder}")`.
/// Variables must be in scope under the names that stand in the braces.
#[macro_export]
macro_rules! words {
    ($pt:literal, $en:literal $(,)?) => {
        $crate::words::Words { pt: ::std::format!($pt), en: ::std::format!($en) }
    };
}

/// A number of bytes as people read it: `1,5 GB` (Portuguese) or `1.5 GB` (English), in powers of 1024.
pub fn bytes(count: u64, language: Language) -> String {
    const UNITS: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];
    let mut unit = 0;
    let mut value = count as f64;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let text = if unit == 0 || value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") };
    format!("{} {}", decimal(&text, language), UNITS[unit])
}

/// A length of time as people read it: `3,2 s`, `4 min 10 s`, `2 h 05 min`, `3 d 4 h`.
pub fn duration(length: Duration, language: Language) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..=9 => format!("{} s", decimal(&format!("{:.1}", length.as_secs_f64()), language)),
        10..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// An instant as people read it: `28/06/2022 14:00` (Portuguese) or `2022-06-28 14:00` (English).
pub fn date_time(at: DateTime<FixedOffset>, language: Language) -> String {
    match language {
        Language::Portuguese => at.format("%d/%m/%Y %H:%M").to_string(),
        Language::English => at.format("%Y-%m-%d %H:%M").to_string(),
    }
}

/// A day that is past, as people say it at `now`: «hoje», «ontem», «domingo»; longer ago with its date.
pub fn day(at: DateTime<FixedOffset>, now: DateTime<FixedOffset>, language: Language) -> String {
    let at = at.with_timezone(&now.timezone());
    let words = match now.date_naive().signed_duration_since(at.date_naive()).num_days() {
        0 => words!("hoje", "today"),
        1 => words!("ontem", "yesterday"),
        2..=6 => match at.weekday() {
            Weekday::Mon => words!("segunda-feira", "Monday"),
            Weekday::Tue => words!("terça-feira", "Tuesday"),
            Weekday::Wed => words!("quarta-feira", "Wednesday"),
            Weekday::Thu => words!("quinta-feira", "Thursday"),
            Weekday::Fri => words!("sexta-feira", "Friday"),
            Weekday::Sat => words!("sábado", "Saturday"),
            Weekday::Sun => words!("domingo", "Sunday"),
        },
        _ => {
            let (day, date) = (at.format("%d/%m/%Y"), at.format("%Y-%m-%d"));
            words!("{day}", "{date}")
        }
    };
    words.get(language).to_owned()
}

/// An instant as people say it at `now`: «hoje às 14:00», «ontem às 23:10», «amanhã às 08:00»; further away with its date.
pub fn moment(at: DateTime<FixedOffset>, now: DateTime<FixedOffset>, language: Language) -> String {
    let at = at.with_timezone(&now.timezone());
    let time = at.format("%H:%M").to_string();
    let days = at.date_naive().signed_duration_since(now.date_naive()).num_days();
    let words = match days {
        0 => words!("hoje às {time}", "today at {time}"),
        -1 => words!("ontem às {time}", "yesterday at {time}"),
        1 => words!("amanhã às {time}", "tomorrow at {time}"),
        _ => {
            let (day, date) = (at.format("%d/%m/%Y"), at.format("%Y-%m-%d"));
            words!("em {day} às {time}", "on {date} at {time}")
        }
    };
    words.get(language).to_owned()
}

/// A number written with a point, with the language's own decimal sign.
pub fn decimal(number: &str, language: Language) -> String {
    match language {
        Language::Portuguese => number.replace('.', ","),
        Language::English => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_durations_follow_the_language() {
        assert_eq!(bytes(0, Language::Portuguese), "0 B");
        assert_eq!(bytes(1_610_612_736, Language::Portuguese), "1,5 GB");
        assert_eq!(bytes(1_610_612_736, Language::English), "1.5 GB");
        assert_eq!(bytes(u64::MAX, Language::English), "16384 PB");
        assert_eq!(duration(Duration::from_millis(3_240), Language::Portuguese), "3,2 s");
        assert_eq!(duration(Duration::from_secs(250), Language::Portuguese), "4 min 10 s");
        assert_eq!(duration(Duration::from_secs(7_500), Language::English), "2 h 05 min");
    }

    #[test]
    fn moments_are_told_from_where_the_listener_stands() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap();
        let now = at("2026-11-22T00:05:00-03:00");
        for (instant, pt, en) in [
            ("2026-11-22T14:00:00-03:00", "hoje às 14:00", "today at 14:00"),
            ("2026-11-21T23:10:00-03:00", "ontem às 23:10", "yesterday at 23:10"),
            ("2026-11-22T03:10:00+00:00", "hoje às 00:10", "today at 00:10"),
            ("2026-11-23T08:00:00-03:00", "amanhã às 08:00", "tomorrow at 08:00"),
            ("2026-11-20T09:00:00-03:00", "em 20/11/2026 às 09:00", "on 2026-11-20 at 09:00"),
        ] {
            assert_eq!(moment(at(instant), now, Language::Portuguese), pt);
            assert_eq!(moment(at(instant), now, Language::English), en);
        }
    }

    #[test]
    fn language_tags_of_every_system_are_understood() {
        assert_eq!(Language::from_tag("pt_BR.UTF-8"), Some(Language::Portuguese));
        assert_eq!(Language::from_tag("EN-us"), Some(Language::English));
        assert_eq!(Language::from_tag("C"), None);
        assert_eq!(Language::from_tag("é"), None);
    }
}
