//! The configuration with its defaults, and where each value came from (DM24).

use super::keys::{Key, Preset};
use super::written::{Value, Written};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// Nothing is written: it is the default, or follows from other values.
    Default,
    /// It stands in the configuration file.
    File {
        /// In this line, from 1.
        line: u32,
    },
    /// An environment variable that the file refers to.
    Environment {
        /// Its name.
        name: String,
    },
    /// A file with a secret that the configuration refers to.
    SecretFile {
        /// Its path.
        path: String,
    },
}

/// Every value that is written or has a fixed default.
#[derive(Debug, Default)]
pub(super) struct Merged(BTreeMap<Key, (Value, Origin)>);

impl Merged {
    /// What is written, completed with the fixed defaults.
    pub fn of(written: &Written) -> Self {
        let mut values = BTreeMap::new();
        for key in Key::ALL {
            let entry = match written.values.get(key) {
                Some((value, line)) => Some((value.clone(), Origin::File { line: *line })),
                None => preset(*key).map(|value| (value, Origin::Default)),
            };
            values.extend(entry.map(|entry| (*key, entry)));
        }
        Self(values)
    }

    /// The text of `key`, where there is one.
    pub fn text(&self, key: Key) -> Option<&str> {
        match self.0.get(&key) {
            Some((Value::Text(text), _)) => Some(text),
            Some((Value::Integer(_) | Value::Boolean(_) | Value::List(_), _)) | None => None,
        }
    }

    /// The number of `key`, where there is one.
    pub fn integer(&self, key: Key) -> Option<i64> {
        match self.0.get(&key) {
            Some((Value::Integer(number), _)) => Some(*number),
            Some((Value::Text(_) | Value::Boolean(_) | Value::List(_), _)) | None => None,
        }
    }

    /// The answer of `key`, where there is one.
    pub fn boolean(&self, key: Key) -> Option<bool> {
        match self.0.get(&key) {
            Some((Value::Boolean(answer), _)) => Some(*answer),
            Some((Value::Text(_) | Value::Integer(_) | Value::List(_), _)) | None => None,
        }
    }

    /// The list of `key`; empty where there is none.
    pub fn list(&self, key: Key) -> &[String] {
        match self.0.get(&key) {
            Some((Value::List(list), _)) => list,
            Some((Value::Text(_) | Value::Integer(_) | Value::Boolean(_), _)) | None => &[],
        }
    }

    /// Where the value of `key` came from.
    pub fn origin(&self, key: Key) -> Origin {
        self.0.get(&key).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The line of `key`, where it is written.
    pub fn line(&self, key: Key) -> Option<u32> {
        match self.origin(key) {
            Origin::File { line } => Some(line),
            Origin::Default | Origin::Environment { .. } | Origin::SecretFile { .. } => None,
        }
    }
}

fn preset(key: Key) -> Option<Value> {
    match key.row().preset {
        Preset::Required | Preset::Absent | Preset::Derived(..) => None,
        Preset::Text(text) => Some(Value::Text(text.to_owned())),
        Preset::Integer(number) => Some(Value::Integer(number)),
        Preset::Boolean(answer) => Some(Value::Boolean(answer)),
        Preset::List(list) => Some(Value::List(list.iter().map(|text| (*text).to_owned()).collect())),
    }
}
