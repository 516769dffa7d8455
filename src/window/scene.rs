//! What the window knows, and how the pages are filled with it.

use super::address::{self, Address};
use super::clerk::{Ask, News};
use super::manual::Errand;
use super::models::{Sheet, refill, strings};
use super::restore::{self, Guide};
use super::sets::Known;
use super::trial::Trials;
use super::ui::{BackupFile, Day, Drive, MainWindow, Mood, Page, Restoring, Run, Setting, Ticking};
use super::{doing, head, journal, manual, plot, sets, settings, tested};
use crate::alert::Channel;
use crate::backup::outcome::RunReport;
use crate::cli;
use crate::control::link::Link;
use crate::control::protocol::{ConfigView, SlotView, Typed};
use crate::problem::{Code, Problem, Result};
use crate::words;
use crate::words::Language;
use slint::{Model, SharedString, VecModel};
use std::path::PathBuf;
use std::rc::Rc;

/// What is known.
pub struct Scene {
    language: Language,
    link: Link,
    slots: Vec<SlotView>,
    terminal_problem: Option<Problem>,
    runs: Vec<RunReport>,
    journal: Option<Result<Vec<RunReport>>>,
    config: ConfigView,
    /// Which configuration was asked for last: the agent's count of them, and whether one is in force.
    config_asked: Option<(u64, bool)>,
    address: Address,
    trials: Trials,
    errand: Errand,
    drives: Rc<VecModel<Drive>>,
    /// The drives are being looked for: one that hangs is not asked twice.
    looking_for_drives: bool,
    guide: Guide,
    files: Rc<VecModel<BackupFile>>,
    checklist: Rc<VecModel<Ticking>>,
    beside: Rc<VecModel<SharedString>>,
    hours: Sheet,
    weekdays: Sheet,
    days: Rc<VecModel<Day>>,
    listed: Rc<VecModel<Run>>,
    settings: Rc<VecModel<Setting>>,
}

impl Scene {
    /// Nothing is known yet.
    pub fn new(language: Language) -> Self {
        Self {
            hours: Sheet::default(),
            weekdays: Sheet::default(),
            days: Rc::default(),
            listed: Rc::default(),
            settings: Rc::default(),
            language,
            link: Link::Starting,
            slots: Vec::new(),
            terminal_problem: None,
            runs: Vec::new(),
            journal: None,
            config: ConfigView::default(),
            config_asked: None,
            address: Address::default(),
            trials: Trials::default(),
            errand: Errand::default(),
            drives: Rc::default(),
            looking_for_drives: false,
            guide: Guide::default(),
            files: Rc::default(),
            checklist: Rc::default(),
            beside: Rc::default(),
        }
    }

    /// Fills everything that does not depend on the agent.
    pub fn begin(&self, window: &MainWindow) {
        let version = env!("CARGO_PKG_VERSION");
        let shown = words!("Versão {version}", "Version {version}");
        window.set_version(shown.get(self.language).into());
        window.set_filters(strings(journal::filters(self.language)));
        window.set_hour_names(self.hours.names.clone().into());
        window.set_hours(self.hours.rows.clone().into());
        window.set_day_names(self.weekdays.names.clone().into());
        window.set_weekdays(self.weekdays.rows.clone().into());
        window.set_days(self.days.clone().into());
        window.set_runs(self.listed.clone().into());
        window.set_settings(self.settings.clone().into());
        window.set_drives(self.drives.clone().into());
        window.set_files(self.files.clone().into());
        window.set_checklist(self.checklist.clone().into());
        window.set_beside(self.beside.clone().into());
        self.fill_status(window);
    }

    /// A message that another program wants to be shown.
    pub fn say(window: &MainWindow, message: &str) {
        window.set_message_mood(Mood::Failed);
        window.set_message(message.into());
    }

    /// Takes in news and fills what they change; what is to be asked now.
    pub fn take(&mut self, news: News, window: &MainWindow) -> Vec<Ask> {
        let mut asks = Vec::new();
        match news {
            News::Link(link) => {
                self.link = link;
                asks = self.follow();
                self.fill_status(window);
            }
            News::Slots(slots, problem) => {
                (self.slots, self.terminal_problem) = (slots, problem);
                self.fill_sets(window);
            }
            News::Runs(runs) => {
                self.runs = runs;
                if window.get_page() == Page::Restore {
                    asks.push(self.list_backups());
                }
                self.fill_sets(window);
                if window.get_filter() == 0 {
                    self.journal = Some(Ok(self.runs.clone()));
                    self.fill_journal(window);
                } else {
                    asks.push(self.filtered(window.get_filter()));
                }
            }
            News::Journal(runs) => {
                self.journal = Some(runs);
                self.fill_journal(window);
            }
            News::Config(config) => {
                self.config = config;
                self.fill_status(window);
            }
            News::Done(done) => self.answered(done, window),
            News::Manual(answer) => {
                self.errand.answered(answer, self.language);
                self.fill_manual(window);
            }
            News::Run(id, run) => {
                match run {
                    Some(run) => self.errand.told(&run, self.language),
                    None => self.errand.unknown(id, self.link.status(), self.language),
                }
                self.fill_manual(window);
            }
            News::Drives(drives) => {
                self.looking_for_drives = false;
                window.set_drives_looked(true);
                refill(&self.drives, manual::drives(drives, self.language));
            }
            News::Space(folder, space) => {
                // Another folder may have been chosen meanwhile.
                if folder == self.errand.folder {
                    window.set_folder_note(manual::note(space, self.language).into());
                }
            }
            News::Sources(answer) => {
                self.guide.listed(answer);
                self.fill_restore(window);
            }
            News::Restores(past) => {
                self.guide.remember(past);
                self.fill_restore(window);
            }
            News::Restore(answer) => {
                self.guide.answered(answer);
                self.fill_restore(window);
            }
            News::AddressUpdated(answer) => {
                self.address.answered(answer);
                self.fill_address(window);
            }
            News::AlertTested(channel, answer) => {
                self.trials.answered(channel, answer);
                self.fill_settings();
            }
            News::Quit(answer) => self.quit_answered(answer, window),
        }
        asks
    }

    /// What is to be asked about news of the agent.
    fn follow(&mut self) -> Vec<Ask> {
        let Some(status) = self.link.status() else {
            self.config_asked = None;
            return Vec::new();
        };
        let mut asks = Vec::new();
        let config = (status.configuration.revision, status.configuration.in_force);
        if self.config_asked.replace(config) != Some(config) {
            asks.push(Ask::Config);
        }
        asks.extend(self.errand.follow(status, self.language).map(Ask::Run));
        if self.guide.is_behind(status) {
            asks.push(Ask::Restores);
        }
        asks
    }

    fn answered(&self, done: Result<()>, window: &MainWindow) {
        match done {
            Ok(()) => window.set_message("".into()),
            Err(problem) => Self::say(window, &problem.text(self.language)),
        }
    }

    fn quit_answered(&self, answer: Result<()>, window: &MainWindow) {
        window.set_close_busy(false);
        match answer {
            // The agent ends, and the window with it.
            Ok(()) => end(),
            Err(problem) if problem.code == Code::AgentRunGoesOn => window.set_close_asks(true),
            Err(problem) => {
                window.set_close_asks(false);
                window.set_close_problem(problem.text(self.language).into());
            }
        }
    }

    /// What is asked when a page is opened.
    pub fn opened(&mut self, page: Page, window: &MainWindow) -> Vec<Ask> {
        match page {
            Page::Home => vec![Ask::Refresh],
            Page::Journal => {
                window.set_run(-1);
                vec![self.filtered(window.get_filter())]
            }
            Page::Config => vec![Ask::Config],
            Page::Manual => {
                self.fill_manual(window);
                self.look_for_drives().into_iter().collect()
            }
            Page::Restore => {
                self.guide.forget();
                self.guide.folder = None;
                let asks = vec![self.list_backups(), Ask::Restores];
                self.fill_restore(window);
                asks
            }
            Page::Close => {
                window.set_close_problem("".into());
                window.set_close_asks(false);
                Vec::new()
            }
            Page::About => Vec::new(),
        }
    }

    /// The journal with the filter at this place of the list.
    pub fn filtered(&self, at: i32) -> Ask {
        let filter = usize::try_from(at).ok().and_then(|at| journal::FILTERS.get(at)).copied().flatten();
        Ask::Journal(filter)
    }

    /// Has the drives looked for, unless somebody is still looking.
    pub fn look_for_drives(&mut self) -> Option<Ask> {
        (!std::mem::replace(&mut self.looking_for_drives, true)).then_some(Ask::Drives)
    }

    /// Takes the folder for the manual backup.
    pub fn choose_folder(&mut self, folder: String, window: &MainWindow) -> Ask {
        let before = self.errand.folder.clone();
        self.errand.choose(folder);
        if self.errand.folder != before {
            window.set_folder_note("".into());
        }
        self.fill_manual(window);
        Ask::Space(self.errand.folder.clone())
    }

    /// Begins the manual backup; again, where what stands there may go first.
    pub fn start_manual(&mut self, window: &MainWindow) -> Ask {
        let replace = self.errand.must_confirm;
        self.errand.ask();
        self.fill_manual(window);
        Ask::Manual(self.errand.folder.clone(), replace)
    }

    /// Asks what can be restored from.
    fn list_backups(&mut self) -> Ask {
        self.guide.looking = true;
        Ask::Sources(self.guide.folder.clone())
    }

    /// Lists the backups in a folder of any disk.
    pub fn look_in(&mut self, folder: PathBuf, window: &MainWindow) -> Ask {
        self.guide.folder = Some(folder);
        let ask = self.list_backups();
        self.fill_restore(window);
        ask
    }

    /// Takes the backup that is to be restored.
    pub fn choose_file(&mut self, at: i32, window: &MainWindow) {
        if let Ok(at) = usize::try_from(at) {
            self.guide.choose(at);
        }
        self.fill_restore(window);
    }

    /// Asks for a restore, or for what follows one.
    pub fn restore(&mut self, what: Restoring, typed: [&str; 3], window: &MainWindow) -> Option<Ask> {
        let [name, user, password] = typed;
        let task = self.guide.task(what, name)?;
        self.guide.ask();
        self.fill_restore(window);
        Some(Ask::Restore(task, restore::login(user, password)))
    }

    /// Has the head office told where this server is.
    pub fn send_address(&mut self, window: &MainWindow) -> Ask {
        self.address.ask();
        self.fill_address(window);
        Ask::UpdateAddress
    }

    /// Has a trial sent on the way with this name.
    pub fn test_alert(&mut self, way: &str) -> Option<Ask> {
        let channel = Channel::from_name(way)?;
        self.trials.ask(channel);
        self.fill_settings();
        Some(Ask::TestAlert(channel))
    }

    fn fill_settings(&self) {
        let Some(status) = self.link.status() else { return };
        let (file, trials) = (&status.configuration, &self.trials);
        refill(&self.settings, settings::settings(&self.config, file, trials, self.language));
    }

    fn fill_address(&self, window: &MainWindow) {
        let off = address::off(&self.link, self.language);
        let (mood, line) = self.address.shown(self.language).filter(|_| off.is_empty()).unwrap_or_default();
        window.set_address_problem(off.into());
        window.set_address_busy(self.address.is_busy());
        window.set_address_mood(mood);
        window.set_address_line(line.into());
    }

    /// Asks for the end of the program.
    pub fn close_program(&self, password: &str, stop_run: bool, window: &MainWindow) -> Ask {
        window.set_close_busy(true);
        window.set_close_problem("".into());
        Ask::Quit(Typed::new(password), stop_run)
    }

    fn fill_status(&self, window: &MainWindow) {
        let language = self.language;
        let status = self.link.status();
        window.set_head(head::head(&self.link, settings::value(&self.config, "shop.cnpj"), language));
        window.set_doing(doing::doing(&self.link, language));
        window.set_reached(status.is_some());
        window.set_tested(status.map(|status| tested::tested(status, language)).unwrap_or_default());
        window.set_in_force(status.is_some_and(|status| status.configuration.in_force));
        self.fill_address(window);
        if let Some(status) = status {
            let program = &status.program;
            let agent = words!("Versão do agente: {program}", "Version of the agent: {program}");
            window.set_agent_version(agent.get(language).into());
            let newer = status.version.newer.as_ref().map(|newer| cli::version::found(newer, language));
            let note = cli::version::lines(&status.version, language).join("\n");
            window.set_version_note(note.into());
            window.set_newer(newer.unwrap_or_default().join("\n").into());
            let today = status.now.format("%d/%m/%Y");
            let today = words!("hoje no servidor: {today}", "today on the server: {today} (day/month/year)");
            window.set_today(today.get(language).into());
            let file = &status.configuration;
            let path = &file.path;
            let shown = words!("Arquivo: {path}", "File: {path}");
            window.set_config_path(shown.get(language).into());
            window.set_config_problem(settings::problem(&self.config, file, language).into());
        }
        self.fill_settings();
        self.fill_sets(window);
        self.fill_manual(window);
        self.fill_restore(window);
    }

    fn fill_sets(&self, window: &MainWindow) {
        let Some(status) = self.link.status() else { return };
        let language = self.language;
        let known = Known { status, slots: &self.slots, runs: &self.runs, language };
        self.hours.fill(sets::hours(&known));
        self.weekdays.fill(sets::weekdays(&known));
        let problem = self.terminal_problem.as_ref().map(|problem| problem.text(language));
        window.set_terminal_problem(problem.unwrap_or_default().into());
        if !self.runs.is_empty() {
            let (days, summary) = plot::plot(&self.runs, status.now, language);
            refill(&self.days, days);
            window.set_plot_summary(summary.into());
        }
    }

    fn fill_journal(&self, window: &MainWindow) {
        let (runs, problem) = match &self.journal {
            None => (&[][..], String::new()),
            Some(Ok(runs)) => (runs.as_slice(), String::new()),
            Some(Err(problem)) => (&[][..], problem.text(self.language)),
        };
        let chosen = usize::try_from(window.get_run()).ok().and_then(|at| self.listed.row_data(at));
        let rows: Vec<_> = runs.iter().map(|run| journal::row(run, self.language)).collect();
        // Whoever reads the details of a run goes on reading them when others come before it.
        let now = chosen.and_then(|chosen| rows.iter().position(|row| row.id == chosen.id));
        refill(&self.listed, rows);
        window.set_run(now.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1));
        window.set_journal_problem(problem.into());
    }

    fn fill_manual(&self, window: &MainWindow) {
        let shown = self.errand.shown(self.link.status(), self.language);
        window.set_folder(self.errand.folder.as_str().into());
        window.set_manual_busy(shown.busy);
        window.set_manual_line(shown.line.into());
        window.set_manual_share(shown.share);
        window.set_manual_asks(self.errand.must_confirm);
        let (mood, result) = shown.result.unwrap_or_default();
        window.set_manual_mood(mood);
        window.set_manual_result(result.into());
    }

    fn fill_restore(&self, window: &MainWindow) {
        let (guide, language) = (&self.guide, self.language);
        let status = self.link.status();
        window.set_restore_busy(guide.is_busy(status));
        window.set_restore_problem(guide.refusal(language).into());
        window.set_looking(guide.looking);
        window.set_files_problem(guide.files_problem(language).into());
        refill(&self.beside, guide.beside().into_iter().map(SharedString::from).collect());
        if let Some(status) = status {
            refill(&self.files, guide.files(status.now, language));
            refill(&self.checklist, guide.checklist(status, language));
            window.set_restored(guide.restored(status, language));
            let database = status.subject.as_ref().map(|subject| subject.database.as_str());
            window.set_database(database.unwrap_or_default().into());
        }
        window.set_file(guide.chosen().and_then(|at| i32::try_from(at).ok()).unwrap_or(-1));
    }
}

/// Ends the window.
pub(super) fn end() {
    if let Err(error) = slint::quit_event_loop() {
        tracing::debug!(%error, "there is no loop to end");
    }
}
