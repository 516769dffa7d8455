//! What people choose at the icon, done.

use super::args::Options;
use super::view::Choice;
use crate::config;
use crate::control::client::Client;
use crate::control::link::Link;
use crate::platform;
use crate::problem::{Code, Problem, Result};
use crate::words;
use crate::words::Language;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The window's program, beside this one.
const WINDOW: &str = "dmbackup-window";

/// The agent that is meant, and the reader's language.
#[derive(Clone, Debug)]
pub struct Hand {
    options: Options,
    state: PathBuf,
}

impl Hand {
    /// Acts on the agent that `options` mean.
    pub fn new(options: Options) -> Self {
        let state = config::state_path(options.state.as_deref());
        Self { options, state }
    }

    /// The agent's state folder.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Does what was chosen; where that fails, the window opens and says why.
    pub async fn choose(&self, choice: Choice, link: &Link) {
        let done = match deed(choice, link) {
            Deed::Open(page) => self.open_window(page, None),
            Deed::Show(folder) => show_folder(folder),
            Deed::Backup => self.backup().await,
            Deed::Stop => self.stop().await,
            Deed::Nothing => Ok(()),
        };
        if let Err(problem) = done {
            tracing::warn!(%problem, ?choice, "what was chosen at the icon was not done");
            self.say(&problem);
        }
    }

    async fn backup(&self) -> Result<()> {
        Client::connect(&self.state).await?.backup_now(false).await.map(drop)
    }

    async fn stop(&self) -> Result<()> {
        Client::connect(&self.state).await?.cancel().await
    }

    /// Tells the agent that the store's application was opened (DM22).
    ///
    /// # Errors
    /// No agent answers, or it does not know this yet.
    pub async fn application_opened(&self) -> Result<()> {
        Client::connect(&self.state).await?.application_opened().await.map(drop)
    }

    /// Says what failed in the window; there is no other place that people surely see.
    fn say(&self, problem: &Problem) {
        let text = problem.text(self.options.language);
        if let Err(second) = self.open_window("home", Some(&text)) {
            tracing::error!(problem = %second, "nor does the window open");
        }
    }

    /// Whether the window's program is installed.
    pub fn has_window(&self) -> bool {
        beside_this_one(WINDOW).is_ok()
    }

    /// Starts the window's program, which shows the window that is open already where there is one.
    ///
    /// # Errors
    /// It is not there, or cannot be started.
    pub fn open_window(&self, page: &str, message: Option<&str>) -> Result<()> {
        let program = beside_this_one(WINDOW).map_err(|cause| not_started(WINDOW, &cause))?;
        platform::start_apart(&mut self.window(&program, page, message))
            .map_err(|cause| not_started(&program.display().to_string(), &cause))
    }

    fn window(&self, program: &Path, page: &str, message: Option<&str>) -> Command {
        let mut command = Command::new(program);
        self.same_agent(&mut command);
        command.args(["--page", page]);
        if let Some(message) = message {
            command.arg("--message").arg(message);
        }
        command
    }

    /// Starts this program once more, beside the clock and apart from this process.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_tray(&self) -> Result<()> {
        let program = std::env::current_exe().map_err(|cause| not_started("dmbackup", &cause))?;
        let mut command = Command::new(&program);
        self.same_agent(&mut command);
        platform::start_apart(&mut command)
            .map_err(|cause| not_started(&program.display().to_string(), &cause))
    }

    /// Starts this program once more, apart from this process, to come back after a while: as at a logon.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn come_back(&self, after: Duration) -> Result<()> {
        let program = std::env::current_exe().map_err(|cause| not_started("dmbackup", &cause))?;
        let mut command = Command::new(&program);
        self.same_agent(&mut command);
        command.arg("--minimized").arg("--after").arg(after.as_secs().to_string());
        platform::start_apart(&mut command)
            .map_err(|cause| not_started(&program.display().to_string(), &cause))
    }

    fn same_agent(&self, command: &mut Command) {
        if let Some(config) = &self.options.config {
            command.arg("--config").arg(config);
        }
        if let Some(state) = &self.options.state {
            command.arg("--state").arg(state);
        }
        let language = match self.options.language {
            Language::Portuguese => "pt",
            Language::English => "en",
        };
        command.args(["--lang", language]);
    }
}

/// What is to be done for a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed<'a> {
    /// The window opens with this page.
    Open(&'static str),
    /// The system shows this folder.
    Show(&'a str),
    /// The agent makes a backup.
    Backup,
    /// The agent stops what goes on.
    Stop,
    /// There is nothing that could be shown.
    Nothing,
}

fn deed(choice: Choice, link: &Link) -> Deed<'_> {
    match choice {
        Choice::View => Deed::Open("home"),
        Choice::Manual => Deed::Open("manual"),
        Choice::Journal => Deed::Open("journal"),
        Choice::About => Deed::Open("about"),
        Choice::Close => Deed::Open("close"),
        Choice::Folder => {
            let subject = link.status().and_then(|status| status.subject.as_ref());
            subject.map_or(Deed::Nothing, |subject| Deed::Show(&subject.folder))
        }
        Choice::Backup => Deed::Backup,
        Choice::Stop => Deed::Stop,
    }
}

fn beside_this_one(name: &str) -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name(name).with_extension(own.extension().unwrap_or_default());
    program.metadata().map(|_| program)
}

fn show_folder(folder: &str) -> Result<()> {
    platform::show_folder(Path::new(folder)).map_err(|cause| {
        Problem::new(
            Code::DesktopProgram,
            words!(
                "A pasta {folder} não pôde ser mostrada: {cause}.",
                "The folder {folder} cannot be shown: {cause}."
            ),
            words!("Abra a pasta pelo gerenciador de arquivos.", "Open the folder in the file manager."),
        )
    })
}

/// A program that cannot be started.
pub fn not_started(program: &str, cause: &std::io::Error) -> Problem {
    Problem::new(
        Code::DesktopProgram,
        words!(
            "O programa {program} não pôde ser iniciado: {cause}.",
            "The program {program} cannot be started: {cause}."
        ),
        words!(
            "Verifique o nome e as permissões; se for um programa do DMBackup, instale o DMBackup de novo.",
            "Check its name and rights; if it is one of DMBackup's, install DMBackup again."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::status;
    use std::sync::Arc;

    #[test]
    fn every_line_of_the_menu_does_what_it_says() {
        let reached = Link::Reached(Arc::new(status()));
        let folder = status().subject.unwrap().folder;
        let table = [
            (Choice::View, Deed::Open("home")),
            (Choice::Backup, Deed::Backup),
            (Choice::Manual, Deed::Open("manual")),
            (Choice::Stop, Deed::Stop),
            (Choice::Journal, Deed::Open("journal")),
            (Choice::Folder, Deed::Show(&folder)),
            (Choice::About, Deed::Open("about")),
            (Choice::Close, Deed::Open("close")),
        ];
        for (choice, wanted) in table {
            assert_eq!(deed(choice, &reached), wanted, "{choice:?}");
        }
        assert_eq!(deed(Choice::Folder, &Link::Starting), Deed::Nothing);
    }

    #[test]
    fn the_window_is_opened_for_the_same_agent_on_the_page_that_was_chosen() {
        let options = Options {
            config: None,
            state: Some(PathBuf::from("/s")),
            language: Language::English,
            show: false,
            minimized: true,
            after_secs: 9,
            with: Vec::new(),
        };
        let command = Hand::new(options).window(Path::new("/w"), "journal", Some("what failed"));
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let line = "--state|/s|--lang|en|--page|journal|--message|what failed";
        assert_eq!(words.join("|"), line);
    }
}
