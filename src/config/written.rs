//! The configuration as written: every known key that stands in the file, with its line; and what is wrong with its form.

use super::finding::Finding;
use super::keys::{Key, Kind};
use crate::problem::Code;
use crate::words::Words;
use std::collections::{BTreeMap, BTreeSet};
use toml::de::{DeTable, DeValue};

/// A value of one of the kinds that keys have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<String>),
}

/// The file's content, key by key.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub values: BTreeMap<Key, (Value, u32)>,
    /// Keys that stand in the file with a value of the wrong form: they are told once, and not also as missing.
    pub refused: BTreeSet<Key>,
    /// Whether the text could be read as a whole. Where not, keys may seem to be missing that are not.
    pub whole: bool,
    pub findings: Vec<Finding>,
}

/// Findings about the form of one file, and findings about its keys: whoever wants to see more mends these first.
const MOST_SYNTAX_FINDINGS: usize = 10;
const MOST_FINDINGS: usize = 100;

/// Reads `text` as far as it can be read.
pub(super) fn read(text: &str) -> Written {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut written = Written { whole: errors.is_empty(), ..Written::default() };
    for error in errors.iter().take(MOST_SYNTAX_FINDINGS) {
        written.findings.push(lines.syntax(text, error));
    }
    let broken: BTreeSet<_> =
        errors.iter().filter_map(|error| error.span()).map(|span| lines.at(span.start)).collect();
    let mut walk = Walk { lines: &lines, written: &mut written, broken: &broken };
    walk.table(table.get_ref(), "");
    written
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line of the byte at `offset`, from 1.
    fn at(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    /// A finding about an error of form. The line itself is never repeated: a password may stand in it.
    fn syntax(&self, text: &str, error: &toml::de::Error) -> Finding {
        let line = error.span().map(|span| self.at(span.start));
        let content = line.and_then(|line| text.lines().nth(line as usize - 1)).unwrap_or_default();
        let message = error.message().to_owned();
        let expected = if content.contains('\\') && content.contains('"') {
            crate::words!(
                "caminhos com \\ entre aspas simples, como folder = 'C:\\MBHSist\\Backup'",
                "paths with \\ in single quotes, such as folder = 'C:\\MBHSist\\Backup'"
            )
        } else if message.contains("duplicate") {
            crate::words!("cada chave e cada [seção] uma só vez", "each key and each [section] only once")
        } else {
            crate::words!(
                "linhas como chave = \"valor\", abaixo da sua [seção]",
                "lines such as key = \"value\", below their [section]"
            )
        };
        Finding::new(Code::ConfigSyntax, "", line, &message, expected)
    }
}

struct Walk<'a> {
    lines: &'a Lines,
    written: &'a mut Written,
    /// Lines with errors of form: what seems to stand there is not to be trusted.
    broken: &'a BTreeSet<u32>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>, prefix: &str) {
        for (name, value) in table {
            let line = self.lines.at(name.span().start);
            if self.broken.contains(&line) {
                self.written.refused.extend(Key::from_path(&format!("{prefix}{}", name.get_ref())));
                continue;
            }
            let path = format!("{prefix}{}", name.get_ref());
            match (Key::from_path(&path), value.get_ref()) {
                (Some(key), value) => self.key(key, value, line),
                (None, DeValue::Table(inner)) if Key::is_table(&path) => {
                    self.table(inner, &format!("{path}."))
                }
                (None, _) if Key::is_table(&path) => {
                    let expected = crate::words!("uma seção [{path}]", "a section [{path}]");
                    self.finding(&path, line, "=", expected);
                }
                (None, _) => self.unknown(&path, line),
            }
        }
    }

    fn key(&mut self, key: Key, value: &DeValue<'_>, line: u32) {
        match read_value(key, value) {
            Some(value) => drop(self.written.values.insert(key, (value, line))),
            None => {
                self.written.refused.insert(key);
                self.finding(key.path(), line, &found(key, value), key.expected());
            }
        }
    }

    fn unknown(&mut self, path: &str, line: u32) {
        if self.written.findings.len() >= MOST_FINDINGS {
            return;
        }
        let expected = match suggestion(path) {
            Some(known) => {
                crate::words!(
                    "uma chave conhecida; você quis dizer {known}?",
                    "a known key; did you mean {known}?"
                )
            }
            None => crate::words!(
                "uma chave da referência (config/REFERENCIA.md)",
                "a key of the reference (config/REFERENCIA.md)"
            ),
        };
        self.finding(path, line, path, expected);
    }

    fn finding(&mut self, path: &str, line: u32, found: &str, expected: Words) {
        if self.written.findings.len() < MOST_FINDINGS {
            self.written.findings.push(Finding::new(Code::ConfigInvalid, path, Some(line), found, expected));
        }
    }
}

/// The value in the form that the key's kind has, and within its bounds; `None` for another.
fn read_value(key: Key, value: &DeValue<'_>) -> Option<Value> {
    match (key.row().kind, value) {
        (Kind::Integer(first, last), DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
            (first..=last).contains(&number).then_some(Value::Integer(number))
        }
        (Kind::Boolean, DeValue::Boolean(answer)) => Some(Value::Boolean(*answer)),
        (Kind::List, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map(Value::List)
        }
        (Kind::Choice(words), DeValue::String(text)) => {
            words.contains(&text.as_ref()).then(|| Value::Text(text.to_string()))
        }
        (
            Kind::Text | Kind::Bytes | Kind::Length(..) | Kind::Folder | Kind::Schedule | Kind::Secret,
            DeValue::String(text),
        ) => Some(Value::Text(text.to_string())),
        _ => None,
    }
}

/// A value of the wrong form, as a finding may repeat it.
fn found(key: Key, value: &DeValue<'_>) -> String {
    if key.row().kind == Kind::Secret {
        return super::secret::HIDDEN.to_owned();
    }
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(answer) => answer.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "[…]".to_owned(),
        DeValue::Table(_) => "{…}".to_owned(),
    }
}

/// The known key that an unknown one was probably meant to be: misspelt, or in another section.
fn suggestion(path: &str) -> Option<&'static str> {
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    let split = |key: &Key| key.path().rsplit_once('.').unwrap_or(("", key.path()));
    let mut elsewhere = Key::ALL.iter().filter(|key| split(key).1 == name);
    if let Some(key) = elsewhere.next() {
        return Some(key.path());
    }
    let mut longer = Key::ALL.iter().filter(|key| name.len() >= 4 && split(key).1.contains(name));
    if let Some(key) = longer.next() {
        return Some(key.path());
    }
    let distance = |key: &Key| {
        let (other, known) = split(key);
        edits(name, known) + usize::from(other != section)
    };
    let nearest = Key::ALL.iter().min_by_key(|key| distance(key))?;
    (distance(nearest) <= 1 + name.chars().count() / 4).then(|| nearest.path())
}

/// How many characters must be put in, taken out or changed to make one text of the other; long texts are not compared.
fn edits(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().take(64).collect(), other.chars().collect());
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, character) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (at, known) in other.iter().enumerate() {
            let changed = diagonal + usize::from(character != known);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}
