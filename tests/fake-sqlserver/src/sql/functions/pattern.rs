//! LIKE: `%`, `_`, `[a-z]`, `[^a-z]` and ESCAPE, without telling upper from lower case.

use super::text_of;
use crate::error::{Result, SqlError};
use crate::value::Value;

enum Piece {
    Any,
    One,
    Set { ranges: Vec<(char, char)>, negated: bool },
    Exactly(char),
}

pub(super) fn like(arguments: &[Value]) -> Result<Value> {
    let (Some(text), Some(pattern)) = (text_of(arguments, 0), text_of(arguments, 1)) else {
        return Ok(Value::Null);
    };
    let escape = match text_of(arguments, 2) {
        None => None,
        Some(escape) => {
            let mut characters = escape.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => Some(character),
                _ => {
                    let text = format!(
                        "The invalid escape character \"{escape}\" was specified in a LIKE predicate."
                    );
                    return Err(SqlError::new(506, text));
                }
            }
        }
    };
    let pieces = pieces(&pattern.to_lowercase(), escape);
    let text: Vec<char> = text.to_lowercase().chars().collect();
    Ok(Value::from(matches(&text, &pieces)))
}

fn pieces(pattern: &str, escape: Option<char>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        pieces.push(match character {
            _ if Some(character) == escape => Piece::Exactly(rest.next().unwrap_or(character)),
            '%' => Piece::Any,
            '_' => Piece::One,
            '[' => {
                let negated = rest.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while let Some(from) = rest.next().filter(|character| *character != ']') {
                    let mut to = from;
                    if rest.peek() == Some(&'-') {
                        rest.next();
                        match rest.next() {
                            Some(']') | None => {
                                ranges.push(('-', '-'));
                                ranges.push((from, from));
                                break;
                            }
                            Some(end) => to = end,
                        }
                    }
                    ranges.push((from, to));
                }
                Piece::Set { ranges, negated }
            }
            other => Piece::Exactly(other),
        });
    }
    pieces
}

/// Matches without recursion: on a mismatch the last `%` takes one character more.
fn matches(text: &[char], pieces: &[Piece]) -> bool {
    let (mut at, mut piece) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let fits = match (pieces.get(piece), text.get(at)) {
            (Some(Piece::Any), _) => {
                retry = Some((piece + 1, at));
                piece += 1;
                continue;
            }
            (None, None) => return true,
            (Some(Piece::One), Some(_)) => true,
            (Some(Piece::Exactly(wanted)), Some(found)) => wanted == found,
            (Some(Piece::Set { ranges, negated }), Some(found)) => {
                ranges.iter().any(|(from, to)| (from..=to).contains(&found)) != *negated
            }
            (_, None) | (None, Some(_)) => false,
        };
        if fits {
            (at, piece) = (at + 1, piece + 1);
            continue;
        }
        match &mut retry {
            Some((after, from)) if *from < text.len() => {
                *from += 1;
                (at, piece) = (*from, *after);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_like(text: &str, pattern: &str) -> bool {
        like(&[text.into(), pattern.into(), Value::Null]).unwrap() == Value::Int(1)
    }

    #[test]
    fn patterns_match_as_the_servers_do() {
        assert!(is_like("DIPIRONA 500MG", "dipirona%"));
        assert!(is_like("abcabd", "%abd"));
        assert!(is_like("a1", "[a-c][0-9]"));
        assert!(!is_like("d1", "[a-c][0-9]"));
        assert!(is_like("d", "[^a-c]"));
        assert!(is_like("50%", "50[%]") && !is_like("500", "50[%]"));
        assert!(is_like("", "%") && !is_like("", "_"));
        assert!(!is_like("ab", "a"));
        assert!(is_like("AÇÃO", "a_ão"));
    }

    #[test]
    fn an_escape_takes_the_meaning_from_the_next_character() {
        let escaped = like(&["50%".into(), "50!%".into(), "!".into()]).unwrap();
        assert_eq!(escaped, Value::Int(1));
        assert_eq!(like(&["x".into(), "x".into(), "ab".into()]).unwrap_err().number, 506);
    }

    #[test]
    fn a_pattern_of_many_wildcards_is_quick() {
        let text = "a".repeat(2_000);
        assert!(!is_like(&text, &format!("{}b", "%a".repeat(20))));
    }
}
