//! Warnings and errors of ours, on their way to the system's event log.

use super::queue::Queue;
use crate::platform::Level;
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// What writes to the system's event log. May block; called by the thread that writes, and by nobody else.
pub(super) type EventLog = fn(Level, &str);

/// Longest text in characters; the whole of it is in the file.
const LONGEST_CHARACTERS: usize = 1000;

/// A layer that hands our warnings and errors on; other crates' stay in the file.
pub(super) struct SystemLog {
    queue: Queue,
}

impl SystemLog {
    pub fn new(queue: Queue) -> Self {
        Self { queue }
    }
}

impl<S: Subscriber> Layer<S> for SystemLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let ours = metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
        let level = match *metadata.level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warning,
            _ => return,
        };
        if ours {
            let mut text = Text::default();
            event.record(&mut text);
            self.queue.event(level, text.finish());
        }
    }
}

/// An event as one line: its message, then its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn finish(self) -> String {
        let line = format!("{}{}", self.message, self.fields);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        line.chars().take(LONGEST_CHARACTERS).map(plain).collect()
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
