//! What `run` prints, by a thread of its own: a terminal that stands still must not stop the agent.
//!
//! The lines of the cycle come again every minute. They are printed once after anything else was; where a terminal shows
//! them, they are written over each other from then on.

use super::printer::Printer;
use super::report;
use super::status::line_of;
use crate::agent::effect::Line;
use crate::agent::status::Status;
use crate::backup::outcome::RunReport;
use crate::clock::Clock;
use crate::config::Finding;
use crate::cycle::health::CheckView;
use crate::problem::Exit;
use crate::words;
use crate::words::Words;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// What the agent tells people.
#[derive(Debug)]
pub enum Said {
    /// A line of the status.
    Line(Line),
    /// A run ended.
    Ended(Box<RunReport>),
    /// The whole status.
    Status(Arc<Status>),
}

/// The thread that prints.
#[derive(Debug)]
pub struct Console {
    thread: JoinHandle<Option<Exit>>,
}

impl Console {
    /// Begins to print what is sent.
    pub fn open(printer: Printer, clock: Arc<dyn Clock>) -> (Self, Sender<Said>) {
        let (said, heard) = channel();
        let thread = thread::spawn(move || Scroll::new(printer, clock).print(&heard));
        (Self { thread }, said)
    }

    /// Waits until everything is printed, once every sender is gone. The exit code of the first run that ended, or of a
    /// configuration that let none begin. Blocks.
    pub fn close(self) -> Option<Exit> {
        self.thread.join().ok().flatten()
    }
}

struct Scroll {
    printer: Printer,
    clock: Arc<dyn Clock>,
    routine_seen: HashSet<Words>,
    unhealthy: Vec<CheckView>,
    findings: Vec<Finding>,
    first: Option<Exit>,
}

impl Scroll {
    fn new(printer: Printer, clock: Arc<dyn Clock>) -> Self {
        let (unhealthy, findings, first) = (Vec::new(), Vec::new(), None);
        Self { printer, clock, routine_seen: HashSet::new(), unhealthy, findings, first }
    }

    fn print(mut self, heard: &Receiver<Said>) -> Option<Exit> {
        for said in heard {
            match said {
                Said::Line(line) => self.line(&line),
                Said::Ended(report) => self.ended(&report),
                Said::Status(status) => self.status(&status),
            }
        }
        self.printer.clear();
        self.first
    }

    fn line(&mut self, line: &Line) {
        if !line.routine {
            self.routine_seen.clear();
        }
        let is_new = !line.routine || self.routine_seen.insert(line.words.clone());
        if self.printer.is_json() {
            if is_new {
                let at = self.clock.local_now();
                self.printer.document(&serde_json::json!({ "at": at, "line": line.words }));
            }
            return;
        }
        let text = self.timed(line.words.get(self.printer.language()));
        if is_new {
            self.printer.line(text);
        } else {
            self.printer.transient(&text);
        }
    }

    fn ended(&mut self, report: &RunReport) {
        self.first.get_or_insert(report::exit(report));
        if self.printer.is_json() {
            self.printer.document(&serde_json::json!({ "run": report }));
        } else {
            let lines = report::lines(report, self.printer.language());
            lines.iter().for_each(|line| self.printer.line(format_args!("          {line}")));
        }
    }

    fn status(&mut self, status: &Status) {
        if let Some(progress) = status.run.as_ref().and_then(|run| run.progress) {
            let language = self.printer.language();
            let bar = format!("          {}", report::bar(&progress, language));
            self.printer.transient(&bar);
        }
        self.configuration(status);
        if status.checks != self.unhealthy {
            self.checks(&status.checks);
            self.unhealthy.clone_from(&status.checks);
        }
    }

    /// Every finding at once, when they change.
    fn configuration(&mut self, status: &Status) {
        let findings = &status.configuration.findings;
        if *findings == self.findings {
            return;
        }
        self.findings.clone_from(findings);
        if let Some(finding) = findings.first().filter(|_| !status.configuration.in_force) {
            self.first.get_or_insert(finding.problem.exit());
        }
        if self.printer.is_json() {
            self.printer.document(&serde_json::json!({ "configuration": status.configuration }));
            return;
        }
        let language = self.printer.language();
        for finding in findings {
            self.printer.line(format_args!("          ! {}", finding.problem.text(language)));
        }
    }

    fn checks(&mut self, now: &[CheckView]) {
        if self.printer.is_json() {
            self.printer.document(&serde_json::json!({ "checks": now }));
            return;
        }
        let same = |one: &CheckView, other: &CheckView| one.id == other.id && one.problem == other.problem;
        let language = self.printer.language();
        let new: Vec<_> = now
            .iter()
            .filter(|check| !self.unhealthy.iter().any(|before| same(before, check)))
            .filter(|check| !is_told_elsewhere(check))
            .map(|check| line_of(check, language))
            .collect();
        let well: Vec<_> = self
            .unhealthy
            .iter()
            .filter(|before| !is_told_elsewhere(before))
            .filter(|before| !now.iter().any(|check| check.id == before.id))
            .map(|before| before.title.get(language).to_owned())
            .collect();
        for text in new {
            let text = self.timed(&text);
            self.printer.line(text);
        }
        for title in well {
            let words = words!("{title}: normalizado", "{title}: well again");
            let text = self.timed(words.get(language));
            self.printer.line(text);
        }
    }

    fn timed(&self, text: &str) -> String {
        format!("{}  {text}", self.clock.local_now().format("%H:%M:%S"))
    }
}

/// A run that ended has just been told, and the configuration's findings are told whole.
fn is_told_elsewhere(check: &CheckView) -> bool {
    ["last-run", "second-failure", "configuration"].contains(&check.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::run;
    use crate::backup::outcome::Outcome;
    use crate::cli::printer::tests::Paper;
    use crate::clock::SystemClock;
    use crate::cycle::step::Step;

    fn printed(said: Vec<Said>, json: bool) -> (String, Option<Exit>) {
        let paper = Paper::default();
        let (console, sender) = Console::open(paper.printer(json, false), Arc::new(SystemClock));
        said.into_iter().for_each(|said| sender.send(said).unwrap());
        drop(sender);
        let exit = console.close();
        (paper.text(), exit)
    }

    fn routine(step: Step) -> Said {
        Said::Line(Line { words: step.line(), routine: true })
    }

    #[test]
    fn the_cycles_lines_are_printed_once_until_something_happens() {
        let event = || Said::Line(Line { words: words!("Realizando backup...", "x"), routine: false });
        let said = vec![
            routine(Step::Service),
            routine(Step::Waiting),
            routine(Step::Service),
            routine(Step::Waiting),
            event(),
            routine(Step::Service),
        ];
        let (text, exit) = printed(said, false);
        let lines: Vec<_> = text.lines().map(|line| line.split_once("  ").unwrap().1).collect();
        assert_eq!(
            lines,
            [
                "Verificando serviço do SQL Server...",
                "Aguardando tarefas...",
                "Realizando backup...",
                "Verificando serviço do SQL Server...",
            ]
        );
        assert_eq!(exit, None);
    }

    #[test]
    fn the_exit_code_is_that_of_the_first_run() {
        let ended = |outcome| Said::Ended(Box::new(run(9, outcome, &[])));
        let (text, exit) = printed(vec![ended(Outcome::Warning), ended(Outcome::Success)], false);
        assert_eq!(exit, Some(Exit::Warning));
        assert!(text.contains("Sucesso com avisos"));
        let (json, _) = printed(vec![ended(Outcome::Success)], true);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["run"]["outcome"], "success");
    }
}
