//! Sizes and lengths of time as people write them: `2 GB`, `1,5 GB`, `15 min`, `1 h 30 min`.

use std::time::Duration;

/// Units of size, in bytes. As on every shop's screen, a KB has 1024.
const SIZES: &[(&[&str], u64)] = &[
    (&["tb", "tib"], 1 << 40),
    (&["gb", "gib"], 1 << 30),
    (&["mb", "mib"], 1 << 20),
    (&["kb", "kib"], 1 << 10),
    (&["b", "byte", "bytes"], 1),
];

/// Units of time, in seconds.
const TIMES: &[(&[&str], u64)] = &[
    (&["d", "dia", "dias", "day", "days"], 86_400),
    (&["h", "hora", "horas", "hour", "hours"], 3_600),
    (&["min", "m", "minuto", "minutos", "minute", "minutes"], 60),
    (&["s", "seg", "sec", "segundo", "segundos", "second", "seconds"], 1),
];

/// The number of bytes that `text` says; `None` where it says none. `0` needs no unit.
pub(super) fn parse_bytes(text: &str) -> Option<u64> {
    if text.trim() == "0" {
        return Some(0);
    }
    sum(text, SIZES)
}

/// The length of time that `text` says, in whole seconds; `None` where it says none.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    sum(text, TIMES).map(Duration::from_secs)
}

/// Bytes in the greatest unit that needs no fraction: `2 GB`, `1536 MB`.
pub(super) fn bytes_text(bytes: u64) -> String {
    let fitting = SIZES.iter().find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    match fitting {
        Some((names, unit)) => format!("{} {}", bytes / unit, names[0].to_uppercase()),
        None => "0".to_owned(),
    }
}

/// A length of time without loss: `5 min`, `1 h 30 min`.
pub(super) fn duration_text(length: Duration) -> String {
    let mut rest = length.as_secs();
    let mut parts = Vec::new();
    for (names, unit) in TIMES {
        let count = rest / unit;
        rest %= unit;
        if count > 0 {
            parts.push(format!("{count} {}", names[0]));
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// Adds up pairs of a number and a unit. A number may have up to three places after its comma or point.
fn sum(text: &str, units: &[(&[&str], u64)]) -> Option<u64> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number_end =
            rest.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let after = after.trim_start();
        let unit_end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (name, after) = after.split_at(unit_end);
        let name = name.to_lowercase();
        let (_, unit) = units.iter().find(|(names, _)| names.contains(&name.as_str()))?;
        let thousandths = thousandths(number)?.checked_mul(u128::from(*unit))?;
        total = total.checked_add(u64::try_from(thousandths / 1000).ok()?)?;
        rest = after.trim_start();
    }
    if text.trim().is_empty() { None } else { Some(total) }
}

/// `1,5` is 1500.
fn thousandths(number: &str) -> Option<u128> {
    let (whole, fraction) = number.split_once([',', '.']).unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 3 || fraction.contains([',', '.']) {
        return None;
    }
    let fraction: u128 = format!("{fraction:0<3}").parse().ok()?;
    whole.parse::<u128>().ok()?.checked_mul(1000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_and_times_are_read_as_people_write_them() {
        assert_eq!(parse_bytes("2 GB"), Some(2 << 30));
        assert_eq!(parse_bytes("1,5gb"), Some(3 << 29));
        assert_eq!(parse_bytes(" 1.5 GiB "), Some(3 << 29));
        assert_eq!(parse_bytes("0"), Some(0));
        assert_eq!(parse_duration("15 min"), Some(Duration::from_secs(900)));
        assert_eq!(parse_duration("1h30min"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_duration("2 Dias 1,5 horas"), Some(Duration::from_secs(2 * 86_400 + 5400)));
    }

    #[test]
    fn what_says_no_size_and_no_time_is_refused() {
        for text in [
            "",
            " ",
            "2",
            "GB",
            "2 XB",
            "-2 GB",
            "2,GB",
            ",5 GB",
            "1.234.567 KB",
            "2 GB x",
            "99999999 TB",
            "1,2345 GB",
        ] {
            assert_eq!(parse_bytes(text), None, "{text:?}");
        }
        for text in ["", "15", "0", "min", "1:30", "15 GB", "999999999999999999999 s", "99999999999999999 d"]
        {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(bytes: u64, secs in 1u64..1 << 40) {
            prop_assert_eq!(parse_bytes(&bytes_text(bytes)), Some(bytes));
            let length = Duration::from_secs(secs);
            prop_assert_eq!(parse_duration(&duration_text(length)), Some(length));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,12}|[0-9,. ]{0,24}[a-zA-Z]{0,4}") {
            let _ = (parse_bytes(&text), parse_duration(&text));
        }
    }
}
