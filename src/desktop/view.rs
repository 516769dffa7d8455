//! From what is known of the agent to what the tray shows: pure.

use crate::agent::status::{Activity, Status};
use crate::backup::outcome::RunReport;
use crate::cli::report;
use crate::control::link::Link;
use crate::cycle::catalogue::Severity;
use crate::icon::{self, Icon};
use crate::platform::{MenuEntry, TrayLook};
use crate::words;
use crate::words::{Language, Words, duration, moment};
use std::time::Duration;

/// What a person can choose in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// «Visualizar».
    View,
    /// «Realizar backup».
    Backup,
    /// «Backup manual…».
    Manual,
    /// «Parar».
    Stop,
    /// «Diário».
    Journal,
    /// «Abrir pasta de backup».
    Folder,
    /// «Sobre».
    About,
    /// «Fechar».
    Close,
}

impl Choice {
    const ALL: [Self; 8] = [
        Self::View,
        Self::Backup,
        Self::Manual,
        Self::Stop,
        Self::Journal,
        Self::Folder,
        Self::About,
        Self::Close,
    ];

    /// Its number in the menu.
    pub fn id(self) -> u8 {
        Self::ALL
            .iter()
            .position(|choice| *choice == self)
            .and_then(|at| u8::try_from(at).ok())
            .unwrap_or(u8::MAX)
    }

    /// The choice with this number.
    pub fn with_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    fn label(self) -> Words {
        match self {
            Self::View => words!("Visualizar", "Show"),
            Self::Backup => words!("Realizar backup", "Back up now"),
            Self::Manual => words!("Backup manual…", "Manual backup…"),
            Self::Stop => words!("Parar", "Stop"),
            Self::Journal => words!("Diário", "Journal"),
            Self::Folder => words!("Abrir pasta de backup", "Open the backup folder"),
            Self::About => words!("Sobre", "About"),
            Self::Close => words!("Fechar", "Close"),
        }
    }
}

/// Which of the five states the icon shows.
pub fn icon_of(link: &Link) -> Icon {
    match link {
        Link::Starting => Icon::Working,
        Link::Reached(status) => Icon::of(status),
        Link::Lost(_) => Icon::Unreachable,
    }
}

/// Everything that the tray shows. What the window does can be chosen where the window's program is installed.
pub fn look(link: &Link, has_window: bool, language: Language) -> TrayLook {
    TrayLook {
        title: "DMBackup".to_owned(),
        tooltip: tooltip(link, language),
        icons: icon::bitmaps(icon_of(link)),
        menu: menu(link, has_window, language),
    }
}

fn tooltip(link: &Link, language: Language) -> String {
    let told = |words: Words| words.get(language).to_owned();
    let lines = match link {
        Link::Starting => vec![told(words!("Iniciando…", "Starting…"))],
        Link::Lost(problem) => vec![
            told(words!("Agente de backup inacessível", "The backup agent cannot be reached")),
            told(problem.sentence.clone()),
        ],
        Link::Reached(status) => match &status.run {
            Some(_) => working(status, language),
            None => [at_work(status, language), waiting(status, language)].concat(),
        },
    };
    format!("DMBackup\n{}", lines.join("\n"))
}

fn working(status: &Status, language: Language) -> Vec<String> {
    let line = status.line.get(language);
    let progress = status.run.as_ref().and_then(|run| run.progress);
    let mut lines = vec![with_percent(line, progress.and_then(|progress| progress.percent))];
    if let Some(left) = progress.and_then(|progress| progress.left_secs) {
        // In steps that a person cares about, so that the icon is not drawn anew each second.
        let left = duration(Duration::from_secs(left.next_multiple_of(10).max(10)), language);
        lines.push(words!("faltam cerca de {left}", "about {left} left").get(language).to_owned());
    }
    lines.extend(status.queue().map(|queue| queue.get(language).to_owned()));
    lines
}

fn with_percent(line: &str, percent: Option<f32>) -> String {
    let percent = percent.filter(|percent| percent.is_finite()).map(|percent| percent.clamp(0.0, 100.0));
    percent.map_or_else(|| line.to_owned(), |percent| format!("{line} {percent:.0} %"))
}

/// Work that is no run: first, for there are systems that cut a tooltip short.
fn at_work(status: &Status, language: Language) -> Vec<String> {
    match status.activity {
        Activity::Copying | Activity::Verifying | Activity::Restoring => {
            let progress = status.restore.as_ref().and_then(|restore| restore.progress);
            let line =
                with_percent(status.line.get(language), progress.and_then(|progress| progress.percent));
            // It begins once this has ended.
            let queue = status.queue().map(|queue| queue.get(language).to_owned());
            [Some(line), queue].into_iter().flatten().collect()
        }
        Activity::Starting
        | Activity::Checking
        | Activity::Waiting
        | Activity::Running
        | Activity::Stopping => Vec::new(),
    }
}

fn waiting(status: &Status, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    let good = match &status.last_good {
        Some(report) => {
            let when = moment(made(report), status.now, language);
            words!("Último bom backup: {when}", "Last good backup: {when}")
        }
        None => words!("Ainda não há nenhum bom backup", "There is no good backup yet"),
    };
    lines.push(good.get(language).to_owned());
    if let Some(at) = status.retry_at.or(status.next_due) {
        let when = moment(at, status.now, language);
        lines.push(words!("Próximo: {when}", "Next: {when}").get(language).to_owned());
    }
    // Last, for there are systems that cut a tooltip short.
    let wrong = status.checks.iter().find(|check| check.severity != Severity::Notice);
    lines.extend(wrong.map(|check| check.problem.sentence.get(language).to_owned()));
    lines
}

fn made(report: &RunReport) -> chrono::DateTime<chrono::FixedOffset> {
    report.finished_at.unwrap_or(report.started_at)
}

fn menu(link: &Link, has_window: bool, language: Language) -> Vec<MenuEntry> {
    let status = link.status();
    let choice = |choice: Choice, enabled: bool| MenuEntry::Choice {
        id: choice.id(),
        label: choice.label().get(language).to_owned(),
        enabled,
    };
    let reached = status.is_some();
    let in_force = status.is_some_and(|status| status.configuration.in_force);
    let mut menu = vec![MenuEntry::Note(note(link, language))];
    if let Some(tested) = status.and_then(|status| Some((status.restore_test.last.as_ref()?, status.now))) {
        let Words { pt, en } = tested.0.words(tested.1);
        let words = words!("Último teste de restauração: {pt}", "Last restore test: {en}");
        menu.push(MenuEntry::Note(words.get(language).to_owned()));
    }
    menu.extend([
        MenuEntry::Separator,
        choice(Choice::View, has_window),
        choice(Choice::Backup, in_force),
        choice(Choice::Manual, has_window && in_force),
    ]);
    if let Some(cancelling) = status.and_then(can_be_stopped) {
        menu.push(choice(Choice::Stop, !cancelling));
    }
    menu.extend([
        MenuEntry::Separator,
        choice(Choice::Journal, has_window && reached),
        choice(Choice::Folder, status.is_some_and(|status| status.subject.is_some())),
        choice(Choice::About, has_window),
        MenuEntry::Separator,
        choice(Choice::Close, has_window && reached),
    ]);
    menu
}

/// Whether a run or a restore goes on, and if so, whether its end is asked for already.
fn can_be_stopped(status: &Status) -> Option<bool> {
    let restore = status.restore.as_ref().map(|restore| restore.cancelling);
    status.run.as_ref().map(|run| run.cancelling).or(restore)
}

/// The last backup, as a grey line.
fn note(link: &Link, language: Language) -> String {
    let words = match link {
        Link::Starting => words!("Iniciando…", "Starting…"),
        Link::Lost(_) => words!("Agente de backup inacessível", "The backup agent cannot be reached"),
        Link::Reached(status) => match &status.last {
            None => words!("Ainda não há nenhum backup", "There is no backup yet"),
            Some(report) => {
                let when = moment(made(report), status.now, language);
                let outcome = report::outcome(report.outcome);
                let outcome = outcome.get(language);
                words!("Último backup: {when} — {outcome}", "Last backup: {when} — {outcome}")
            }
        },
    };
    words.get(language).to_owned()
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
