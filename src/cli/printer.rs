//! Where everything that people and programs read goes through.

use crate::problem::Problem;
use crate::words::{Language, Words};
use serde::Serialize;
use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// Prints to standard output and standard error, for people or as JSON. A reader that has gone away is no error, but
/// [`is_open`](Self::is_open) tells.
pub struct Printer {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    language: Language,
    json: bool,
    terminal: bool,
    transient: bool,
    open: bool,
}

impl std::fmt::Debug for Printer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printer")
            .field("language", &self.language)
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    problem: &'a Problem,
    exit: u8,
}

impl Printer {
    /// Prints to this process's own output.
    pub fn standard(language: Language, json: bool) -> Self {
        let terminal = std::io::stdout().is_terminal() && !json;
        Self::to(Box::new(std::io::stdout()), Box::new(std::io::stderr()), language, json, terminal)
    }

    /// Prints to `out` and `err`; `terminal` allows lines that are written over.
    pub fn to(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        language: Language,
        json: bool,
        terminal: bool,
    ) -> Self {
        Self { out, err, language, json, terminal, transient: false, open: true }
    }

    /// The reader's language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether programs read.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person looks at a terminal, where a line can be written over.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether anybody still reads.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// A line for people.
    pub fn line(&mut self, text: impl Display) {
        self.clear();
        self.write(&format!("{text}\n"));
    }

    /// A line for people, in their language.
    pub fn words(&mut self, words: &Words) {
        self.line(words.get(self.language));
    }

    /// A line that the next one writes over; nothing where that cannot be.
    pub fn transient(&mut self, text: &str) {
        if self.terminal {
            self.transient = true;
            // Erases to the end of the line, so that a shorter text leaves nothing of a longer one.
            self.write(&format!("\r{text}\x1b[K"));
        }
    }

    /// Removes the line that was to be written over.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.transient) {
            self.write("\r\x1b[K");
        }
    }

    /// Clears the screen, where there is one.
    pub fn clear_screen(&mut self) {
        if self.terminal {
            self.write("\x1b[H\x1b[2J");
        }
    }

    /// One JSON document, on a line of its own.
    pub fn document(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.write(&format!("{text}\n")),
            Err(cause) => self.complain(&format!("JSON: {cause}")),
        }
    }

    /// What is wrong: to standard error for people, as a document for programs.
    pub fn problem(&mut self, problem: &Problem) {
        self.clear();
        if self.json {
            self.document(&Failure { problem, exit: problem.exit() as u8 });
        } else {
            self.complain(&problem.text(self.language));
        }
    }

    /// A line on standard error.
    pub fn complain(&mut self, text: &str) {
        let written = self.err.write_all(format!("{text}\n").as_bytes()).and_then(|()| self.err.flush());
        self.open &= written.is_ok();
    }

    fn write(&mut self, text: &str) {
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        self.open &= written.is_ok();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::problem::Code;
    use crate::words;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// What was printed.
    #[derive(Clone, Default)]
    pub struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }

        /// A printer for people, whose output and complaints both stand on this paper.
        pub fn printer(&self, json: bool, terminal: bool) -> Printer {
            let (out, err) = (Box::new(self.clone()), Box::new(self.clone()));
            Printer::to(out, err, Language::Portuguese, json, terminal)
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_problem_is_one_sentence_for_people_and_one_document_for_programs() {
        let problem = Problem::new(
            Code::AgentMissing,
            words!("Não há agente.", "No agent."),
            words!("Abra.", "Start."),
        );
        let people = Paper::default();
        people.printer(false, false).problem(&problem);
        assert_eq!(people.text(), "Não há agente. Abra.\n");
        let programs = Paper::default();
        programs.printer(true, false).problem(&problem);
        let value: serde_json::Value = serde_json::from_str(&programs.text()).unwrap();
        assert_eq!(value["exit"], 12);
        assert_eq!(value["problem"]["code"], "agent.missing");
    }

    #[test]
    fn a_line_is_written_over_only_on_a_terminal() {
        let paper = Paper::default();
        let mut printer = paper.printer(false, false);
        printer.transient("50 %");
        printer.line("fim");
        assert_eq!(paper.text(), "fim\n");
        let screen = Paper::default();
        let mut printer = screen.printer(false, true);
        printer.transient("50 %");
        printer.line("fim");
        assert_eq!(screen.text(), "\r50 %\x1b[K\r\x1b[Kfim\n");
    }

    #[test]
    fn a_reader_that_has_gone_away_is_noticed_and_no_error() {
        let mut printer = Printer::to(Box::new(Gone), Box::new(Gone), Language::English, false, false);
        printer.line("x");
        assert!(!printer.is_open());
    }
}
