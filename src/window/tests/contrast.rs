//! What `theme.slint` promises: every text stands out from what is behind it by 4.5 to 1, every mark by 3 to 1.

use std::collections::BTreeMap;

/// Red, green and blue.
pub type Colour = [u8; 3];

const TEXT: f64 = 4.5;
const MARK: f64 = 3.0;

/// The theme's colours in light and dark; those of the moods are called `ink-…`.
fn theme() -> BTreeMap<String, [Colour; 2]> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/window/ui/theme.slint");
    let text = std::fs::read_to_string(path).unwrap();
    let colours = |line: &str| -> Option<[Colour; 2]> {
        let found: Vec<Colour> = line.split('#').skip(1).filter_map(colour).collect();
        match found.as_slice() {
            [both] => Some([*both, *both]),
            [dark, light] => Some([*light, *dark]),
            _ => None,
        }
    };
    let named = |line: &str| {
        let name = match line.split_once("mood == Mood.") {
            Some((_, rest)) => format!("ink-{}", rest.split(')').next()?),
            None => line.split_once("out property <color> ")?.1.split(':').next()?.to_owned(),
        };
        Some((name, colours(line)?))
    };
    text.lines().filter_map(named).collect()
}

fn colour(text: &str) -> Option<Colour> {
    let part = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

/// How bright a colour looks, 0 to 1 (WCAG 2).
fn brightness(colour: Colour) -> f64 {
    let linear = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

/// How much two colours stand out from each other, 1 to 21 (WCAG 2).
pub fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (brightness(one), brightness(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn contrasts_are_reckoned_as_wcag_does() {
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 0.001);
    assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
    assert_eq!(colour("1f8a43;"), Some([0x1f, 0x8a, 0x43]));
}

#[test]
fn every_text_and_every_mark_stands_out_in_light_and_dark() {
    // What is written or drawn, how much it has to stand out, and from what.
    let table: [(&str, f64, &[&str]); 15] = [
        ("text", TEXT, &["back", "card", "sunk", "chosen", "aged"]),
        ("muted", TEXT, &["back", "card", "sunk", "chosen"]),
        ("on-good", TEXT, &["good"]),
        ("ink-well", TEXT, &["back", "card", "sunk"]),
        ("ink-working", TEXT, &["back", "card", "sunk"]),
        ("ink-warning", TEXT, &["back", "card", "sunk"]),
        ("ink-failed", TEXT, &["back", "card", "sunk", "chosen"]),
        ("focus", MARK, &["back", "card", "sunk", "chosen"]),
        // The edges of what can be pressed, and of the sets; the words of what cannot be pressed now.
        ("edge", MARK, &["back", "card", "sunk"]),
        ("warn", MARK, &["card", "sunk"]),
        ("bad", MARK, &["card", "sunk", "chosen"]),
        ("bar", MARK, &["card", "sunk", "chosen"]),
        ("line", MARK, &["card", "sunk", "chosen"]),
        // The duration crosses its bar with an outline in the colour of the card.
        ("card", MARK, &["bar", "line"]),
        // What is chosen has an edge like a text's.
        ("text", MARK, &["good", "aged", "sunk", "card"]),
    ];
    let theme = theme();
    let of = |name: &str| theme.get(name).unwrap_or_else(|| panic!("there is no colour {name}"));
    for (name, enough, behind) in table {
        for other in behind {
            for (look, (one, other_colour)) in ["light", "dark"].iter().zip(of(name).iter().zip(of(other))) {
                let reached = contrast(*one, *other_colour);
                assert!(reached >= enough, "{name} on {other}, {look}: {reached:.2} of {enough}");
            }
        }
    }
}
