//! What a declared check is, and how it is found.

use super::{CATALOGUE, CheckId, PROGRAM, Severity};
use crate::problem::Code;
use crate::words::Words;
use std::time::Duration;

/// A declared check.
#[derive(Debug)]
pub struct Check {
    /// Its name.
    pub id: CheckId,
    /// Its name in JSON and in the log.
    pub name: &'static str,
    /// What it is called, in Portuguese and in English.
    pub title: (&'static str, &'static str),
    /// How grave it is when unhealthy.
    pub severity: Severity,
    /// The checks that explain this one away while they are unhealthy.
    pub depends_on: &'static [CheckId],
    /// How long it must be unhealthy before it is shown, once it has been seen healthy: a restart is no fault.
    pub must_last: Duration,
    /// Whether each cycle looks at it, so that it is known to be mended; the others wait for the next run.
    pub looked_at_each_cycle: bool,
    /// The problems that belong to it.
    pub codes: &'static [Code],
}

impl Check {
    /// The check with this name.
    pub fn of(id: CheckId) -> &'static Check {
        CATALOGUE.iter().find(|check| check.id == id).unwrap_or(&PROGRAM)
    }

    /// The check that is called `name` in JSON and in the log.
    pub fn named(name: &str) -> &'static Check {
        CATALOGUE.iter().find(|check| check.name == name).unwrap_or(&PROGRAM)
    }

    /// The check that a problem belongs to.
    pub fn for_code(code: Code) -> &'static Check {
        CATALOGUE.iter().find(|check| check.codes.contains(&code)).unwrap_or(&PROGRAM)
    }

    /// What it is called.
    pub fn title(&self) -> Words {
        Words { pt: self.title.0.to_owned(), en: self.title.1.to_owned() }
    }
}
