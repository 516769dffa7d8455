//! The window's life: one a session, from its opening to its closing.

use super::args::{self, Asked, Options, Wish};
use super::clerk::{self, Ask, News};
use super::scene::{self, Scene};
use super::single::{self, Seat};
use super::ui::{self, MainWindow, Page};
use crate::cli;
use crate::config;
use crate::platform::{self, Level};
use crate::problem::{Code, Exit, Problem, Result};
use crate::words;
use crate::words::Language;
use slint::{CloseRequestResponse, ComponentHandle};
use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Opens the window; the exit code tells what came of it.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let language = cli::language(&args);
    let done = match args::parse(&args, language) {
        Ok(Asked::Text(text)) => {
            platform::tell(Level::Information, text.trim_end());
            Ok(())
        }
        Ok(Asked::Window(options)) => run(&options, language),
        Err(problem) => Err(problem),
    };
    let exit = done.map_or_else(
        |problem| {
            platform::tell(Level::Error, &problem.text(language));
            problem.exit()
        },
        |()| Exit::Success,
    );
    ExitCode::from(exit as u8)
}

fn run(options: &Options, language: Language) -> Result<()> {
    if !platform::has_display() {
        return Err(no_window("no display"));
    }
    let state = config::state_path(options.state.as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Problem::internal)?;
    let first = runtime.block_on(single::take_or_tell(&state, &options.wish)).map_err(no_window)?;
    let shown = match first {
        Some(seat) => show(&runtime, seat, state, options.wish.clone(), language),
        None => Ok(()),
    };
    // A folder that does not answer may hold a thread for ever; nobody waits for it.
    runtime.shutdown_background();
    shown
}

fn no_window(cause: impl std::fmt::Display) -> Problem {
    Problem::new(
        Code::NoDisplay,
        words!("A janela não pôde ser aberta: {cause}.", "The window cannot be opened: {cause}."),
        words!(
            "Sem tela, use «dmbackupctl status»; feche outra janela do DMBackup que não responda.",
            "Without a screen use «dmbackupctl status»; close another window of DMBackup that does not answer."
        ),
    )
}

fn show(
    runtime: &tokio::runtime::Runtime,
    seat: Seat,
    state: PathBuf,
    wish: Wish,
    language: Language,
) -> Result<()> {
    let (wishes, wished) = unbounded_channel();
    // A window takes a while to be made; whoever starts another one meanwhile is heard already.
    runtime.spawn(seat.listen(wishes));
    let window = new_window(language).map_err(no_window)?;
    let (news, learned) = unbounded_channel();
    let (asks, asked) = unbounded_channel();
    let tell = move |item: News| {
        // The window is closing.
        let _closing = news.send(item);
    };
    runtime.spawn(clerk::work(state, asked, Arc::new(tell)));
    let stage = Stage::new(&window, Scene::new(language), asks);
    stage.connect(&window);
    stage.fulfil(&wish, &window);
    stage.live(&window, learned, wished).map_err(no_window)?;
    window.window().on_close_requested(|| {
        scene::end();
        CloseRequestResponse::HideWindow
    });
    window.show().map_err(no_window)?;
    // Coming forward hides the window for a moment: a loop that ends with the last window could end there.
    slint::run_event_loop_until_quit().map_err(no_window)
}

/// A window in the reader's language, with nothing in it yet.
pub fn new_window(language: Language) -> std::result::Result<MainWindow, slint::PlatformError> {
    let window = MainWindow::new()?;
    let tag = match language {
        // The pages are written in it.
        Language::Portuguese => "",
        Language::English => "en",
    };
    if let Err(error) = slint::select_bundled_translation(tag) {
        tracing::error!(%error, "the window has no words in this language");
    }
    ui::draw_icons(&window);
    Ok(window)
}

/// What stands between the pages and the clerk.
#[derive(Clone)]
pub struct Stage {
    scene: Rc<RefCell<Scene>>,
    asks: UnboundedSender<Ask>,
}

impl Stage {
    /// Fills `window` from `scene`, and sends what is asked to `asks`.
    pub fn new(window: &MainWindow, scene: Scene, asks: UnboundedSender<Ask>) -> Self {
        scene.begin(window);
        Self { scene: Rc::new(RefCell::new(scene)), asks }
    }

    /// Lets every button do its work.
    pub fn connect(&self, window: &MainWindow) {
        self.on(window, |stage, window| window.on_backup(move || stage.ask([Ask::Backup])));
        self.on(window, |stage, window| window.on_stop(move || stage.ask([Ask::Stop])));
        self.on(window, |stage, window| {
            window.on_filtered(move |at| stage.ask([stage.scene.borrow().filtered(at)]));
        });
        self.with_window(window, |window, act| {
            window.on_opened(move |page| act(&|stage, window| stage.opened(page, window)))
        });
        self.with_window(window, |window, act| {
            window.on_folder_chosen(move |path| {
                act(&|stage, window| stage.choose_folder(path.to_string(), window));
            });
        });
        self.on(window, |stage, window| {
            window.on_drives_due(move || {
                let ask = stage.scene.borrow_mut().look_for_drives();
                stage.ask(ask);
            });
        });
        self.with_window(window, |window, act| {
            window.on_manual_start(move || {
                act(&|stage, window| stage.ask([stage.scene.borrow_mut().start_manual(window)]));
            });
        });
        self.with_window(window, |window, act| {
            window.on_close_program(move |password, stop| {
                act(&|stage, window| {
                    stage.ask([stage.scene.borrow().close_program(&password, stop, window)])
                });
            });
        });
        self.with_window(window, |window, act| {
            window.on_browse(move || act(&|stage, window| stage.browse(window)))
        });
        self.with_window(window, |window, act| {
            window.on_send_address(move || {
                act(&|stage, window| stage.ask([stage.scene.borrow_mut().send_address(window)]));
            });
        });
        self.with_window(window, |window, act| {
            window.on_test_alert(move |way| {
                act(&|stage, _| stage.ask(stage.scene.borrow_mut().test_alert(&way)));
            });
        });
        self.connect_restore(window);
    }

    fn connect_restore(&self, window: &MainWindow) {
        self.with_window(window, |window, act| {
            window.on_file_chosen(move |at| {
                act(&|stage, window| stage.scene.borrow_mut().choose_file(at, window));
            });
        });
        self.with_window(window, |window, act| {
            window.on_other_disk(move || act(&|stage, window| stage.look_elsewhere(window)))
        });
        self.with_window(window, |window, act| {
            window.on_restore(move |what, name, user, password| {
                act(&|stage, window| {
                    let typed = [name.as_str(), user.as_str(), password.as_str()];
                    let ask = stage.scene.borrow_mut().restore(what, typed, window);
                    stage.ask(ask);
                });
            });
        });
    }

    fn on(&self, window: &MainWindow, connect: impl FnOnce(Self, &MainWindow)) {
        connect(self.clone(), window);
    }

    /// Connects something that needs the window itself, which must not hold itself.
    fn with_window(&self, window: &MainWindow, connect: impl FnOnce(&MainWindow, Act)) {
        let (stage, weak) = (self.clone(), window.as_weak());
        let act = move |work: &dyn Fn(&Stage, &MainWindow)| {
            if let Some(window) = weak.upgrade() {
                work(&stage, &window);
            }
        };
        connect(window, Box::new(act));
    }

    fn ask(&self, asks: impl IntoIterator<Item = Ask>) {
        for ask in asks {
            if self.asks.send(ask).is_err() {
                tracing::debug!("nobody talks to the agent any more");
            }
        }
    }

    fn opened(&self, page: Page, window: &MainWindow) {
        let asks = self.scene.borrow_mut().opened(page, window);
        self.ask(asks);
    }

    /// Takes in news.
    pub fn take(&self, news: News, window: &MainWindow) {
        let asks = self.scene.borrow_mut().take(news, window);
        self.ask(asks);
    }

    /// Opens what a start was for.
    pub fn fulfil(&self, wish: &Wish, window: &MainWindow) {
        if !wish.message.is_empty() {
            Scene::say(window, &wish.message);
        }
        window.invoke_open(wish.page());
    }

    fn choose_folder(&self, folder: String, window: &MainWindow) {
        let ask = self.scene.borrow_mut().choose_folder(folder, window);
        self.ask([ask]);
    }

    /// Lets a person choose the folder of the manual backup.
    fn browse(&self, window: &MainWindow) {
        self.pick(window, &window.get_folder(), |stage, folder, window| {
            stage.choose_folder(folder.display().to_string(), window);
        });
    }

    /// Lets a person choose a folder whose backups are listed.
    fn look_elsewhere(&self, window: &MainWindow) {
        self.pick(window, "", |stage, folder, window| {
            let ask = stage.scene.borrow_mut().look_in(folder.to_owned(), window);
            stage.ask([ask]);
        });
    }

    /// Lets the system's own dialogue choose a folder, and does something with it.
    fn pick(&self, window: &MainWindow, start: &str, then: fn(&Self, &Path, &MainWindow)) {
        let (stage, weak) = (self.clone(), window.as_weak());
        let dialogue = rfd::AsyncFileDialog::new();
        let dialogue = if start.is_empty() { dialogue } else { dialogue.set_directory(start) };
        let choosing = async move {
            let Some(folder) = dialogue.pick_folder().await else { return };
            if let Some(window) = weak.upgrade() {
                then(&stage, folder.path(), &window);
            }
        };
        if let Err(error) = slint::spawn_local(choosing) {
            tracing::error!(%error, "no folder can be chosen");
        }
    }

    /// Takes in news and wishes as they come, from the time at which the loop runs.
    fn live(
        &self,
        window: &MainWindow,
        mut learned: UnboundedReceiver<News>,
        mut wished: UnboundedReceiver<Wish>,
    ) -> std::result::Result<(), slint::EventLoopError> {
        let (stage, weak) = (self.clone(), window.as_weak());
        slint::spawn_local(async move {
            while let Some(news) = learned.recv().await {
                let Some(window) = weak.upgrade() else { return };
                stage.take(news, &window);
            }
        })?;
        let (stage, weak) = (self.clone(), window.as_weak());
        slint::spawn_local(async move {
            while let Some(wish) = wished.recv().await {
                let Some(window) = weak.upgrade() else { return };
                stage.fulfil(&wish, &window);
                come_forward(&window);
            }
        })?;
        Ok(())
    }
}

/// Does something with the stage and the window, as long as there is one.
type Act = Box<dyn Fn(&dyn Fn(&Stage, &MainWindow))>;

/// Window managers bring a window forward that is shown anew.
fn come_forward(window: &MainWindow) {
    window.window().set_minimized(false);
    if let Err(error) = window.hide().and_then(|()| window.show()) {
        tracing::warn!(%error, "the window does not come forward");
    }
}
