//! What is wrong with a configuration: key, line, what was found, what is expected.

use crate::problem::{Code, Problem};
use crate::words::Words;
use serde::{Deserialize, Serialize};

/// One thing that is wrong with a configuration, or odd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The whole of it in words: the sentence says where and what was found, the hint what is expected.
    pub problem: Problem,
    /// The key in full (`server.port`); empty where the file as a whole is meant.
    pub key: String,
    /// The line of the file, from 1; `None` where nothing stands in it.
    pub line: Option<u32>,
    /// What was found, cut short and never a secret; empty where something is missing.
    pub found: String,
    /// What is expected.
    pub expected: Words,
}

impl Finding {
    /// Longest piece of a value that a finding repeats, in characters.
    const SHOWN_CHARACTERS: usize = 80;

    /// A finding about `key`. An empty `found` means that something is missing.
    pub(super) fn new(code: Code, key: &str, line: Option<u32>, found: &str, expected: Words) -> Self {
        let found = Self::shown(found);
        let (mut pt, mut en) = ("Configuração".to_owned(), "Configuration".to_owned());
        if let Some(line) = line {
            pt.push_str(&format!(", linha {line}"));
            en.push_str(&format!(", line {line}"));
        }
        if !key.is_empty() {
            pt.push_str(&format!(", {key}"));
            en.push_str(&format!(", {key}"));
        }
        if found.is_empty() {
            pt.push_str(": falta preencher.");
            en.push_str(": still to be filled in.");
        } else {
            pt.push_str(&format!(": encontrado «{found}»."));
            en.push_str(&format!(": found “{found}”."));
        }
        let hint =
            Words { pt: format!("Esperado: {}.", expected.pt), en: format!("Expected: {}.", expected.en) };
        let problem = Problem::new(code, Words { pt, en }, hint);
        Self { problem, key: key.to_owned(), line, found, expected }
    }

    /// A finding about the file as a whole.
    pub(super) fn of_file(problem: Problem) -> Self {
        let expected = problem.hint.clone();
        Self { problem, key: String::new(), line: None, found: String::new(), expected }
    }

    /// `text` as a finding may repeat it: one line, short.
    fn shown(text: &str) -> String {
        let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let mut shown: String = text.chars().take(Self::SHOWN_CHARACTERS).map(printable).collect();
        if text.chars().nth(Self::SHOWN_CHARACTERS).is_some() {
            shown.push('…');
        }
        shown
    }
}
