//! The tray program's life: once a session, until a person closes it or the session ends.

use super::act::Hand;
use super::args::Options;
use super::back;
use super::bar::Bar;
use super::keeper::Keeper;
use super::no_display;
use super::notices::{self, Notices};
use super::opening::tell_until_heard;
use super::view::{Choice, look};
use crate::config;
use crate::control::link::Link;
use crate::durable::LockFile;
use crate::platform::{self, Level, Tray, TrayEvent, TrayLook};
use crate::problem::{Code, Exit, Problem, Result};
use crate::words;
use crate::words::{Language, Words};
use std::path::Path;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// The lock that one tray program a session holds.
const LOCK: &str = "tray";

/// A second start is over soon, whether or not the agent answers.
const SECOND_START_PATIENCE: Duration = Duration::from_millis(100);

/// When the program comes back that a person closed, where no configuration says so.
const USUAL_RETURN: Duration = Duration::from_secs(3_600);

/// Runs the tray program, or tells the one that runs already.
///
/// # Errors
/// There is no screen here, or the session has no place for the lock.
pub fn run(options: Options) -> Result<Exit> {
    if !platform::has_display() {
        return Err(no_display());
    }
    let hand = Hand::new(options.clone());
    // Nothing is held meanwhile: whoever starts the program before is the first.
    if options.after_secs > 0 && !back::wait(Duration::from_secs(options.after_secs), hand.state()) {
        return Ok(Exit::Success);
    }
    let lock = take_lock(hand.state())?;
    let Some(lock) = lock else { return second_start(&hand, &options) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Problem::internal)?;
    let config_path = config::find_path(options.config.as_deref());
    let (exit, closed) = runtime.block_on(first_start(hand.clone(), options));
    // A folder that does not answer may hold a thread for ever; nobody waits for it.
    runtime.shutdown_background();
    drop(lock);
    if closed {
        come_back(&hand, &config_path);
    }
    Ok(exit)
}

/// A person closed the program. It is not to be forgotten closed: it starts again after a while, unless somebody wants it
/// otherwise.
fn come_back(hand: &Hand, config_path: &Path) {
    let after = match config::load(config_path) {
        Ok(loaded) => loaded.config.reopen_after,
        Err(_) => Some(USUAL_RETURN),
    };
    let Some(after) = after else { return back::call_off(hand.state()) };
    if let Err(problem) = hand.come_back(after) {
        tracing::error!(%problem, "the program does not start again by itself");
    }
}

fn take_lock(state: &Path) -> Result<Option<LockFile>> {
    platform::session_file(state, LOCK).and_then(|path| LockFile::take(&path)).map_err(|cause| {
        Problem::new(
            Code::AgentState,
            words!(
                "A pasta desta sessão não pode ser usada: {cause}.",
                "The folder of this session cannot be used: {cause}."
            ),
            words!(
                "Saia da sessão, entre de novo e abra o DMBackup.",
                "Log off, log on again and start DMBackup."
            ),
        )
    })
}

/// Another one stays beside the clock: it is shown, or the agent hears that the store's application was opened (DM22).
fn second_start(hand: &Hand, options: &Options) -> Result<Exit> {
    if options.show {
        hand.open_window("home", None)?;
    } else if !options.minimized {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Problem::internal)?;
        // Where the agent does not answer at once, the icon shows that already.
        let _told =
            runtime.block_on(async { timeout(SECOND_START_PATIENCE, hand.application_opened()).await });
    }
    Ok(Exit::Success)
}

/// Stays until the end; whether a person closed the program.
async fn first_start(hand: Hand, options: Options) -> (Exit, bool) {
    let end = CancellationToken::new();
    let (links, link) = watch::channel(Link::Starting);
    let keeper = Keeper {
        config: config::find_path(options.config.as_deref()),
        state: hand.state().to_owned(),
        link: links,
        end: end.clone(),
    };
    let kept = tokio::spawn(keeper.keep());
    let listening = tokio::spawn(end_when_asked(end.clone()));
    let seen = link.clone();
    let (events, happened) = mpsc::unbounded_channel();
    let language = options.language;
    let shown = look(&link.borrow(), hand.has_window(), language);
    let tray = open_tray(shown.clone(), language, events);
    if options.show
        && let Err(problem) = hand.open_window("home", None)
    {
        tracing::error!(%problem, "the window does not open");
    }
    let is_opening = !options.minimized && !options.show;
    let notices = Notices::default();
    let mut bar = Bar::default();
    if tray.is_none() {
        bar.shown(false, Instant::now());
    }
    let desk = Desk { hand, language, link, tray, shown, notices, is_opening, bar, end };
    desk.work(happened).await;
    listening.abort();
    if let Err(cause) = kept.await {
        tracing::error!(%cause, "the keeper of the agent fell");
        return (Exit::Internal, false);
    }
    let closed = seen.borrow().status().is_some_and(|status| status.closed);
    (Exit::Success, closed)
}

async fn end_when_asked(end: CancellationToken) {
    match platform::end_asked_for().await {
        Ok(()) => end.cancel(),
        Err(error) => tracing::error!(%error, "signals cannot be heard"),
    }
}

fn open_tray(first: TrayLook, language: Language, events: mpsc::UnboundedSender<TrayEvent>) -> Option<Tray> {
    let listener = move |event| {
        if events.send(event).is_err() {
            tracing::debug!(?event, "the program ends already");
        }
    };
    Tray::open(first, Box::new(listener)).inspect_err(|error| no_tray(language, Some(error))).ok()
}

/// Whoever started the program by hand reads the way to the window at once.
fn no_tray(language: Language, cause: Option<&std::io::Error>) {
    tracing::warn!(?cause, "this desktop has no tray; the window is opened by «dmbackup --show»");
    platform::tell(Level::Warning, without_tray().get(language));
}

/// Backups are made all the same; a person needs to know the way to the window.
fn without_tray() -> Words {
    words!(
        "Este ambiente não tem bandeja ao lado do relógio. Os backups continuam; para abrir a janela, execute «dmbackup --show».",
        "This desktop has no tray beside the clock. Backups go on; to open the window run «dmbackup --show»."
    )
}

/// What stands between the icon, people and the agent.
struct Desk {
    hand: Hand,
    language: Language,
    link: watch::Receiver<Link>,
    tray: Option<Tray>,
    /// What the tray was asked to show.
    shown: TrayLook,
    notices: Notices,
    /// The agent is still to be told that the store's application was opened.
    is_opening: bool,
    bar: Bar,
    end: CancellationToken,
}

impl Desk {
    async fn work(mut self, mut happened: mpsc::UnboundedReceiver<TrayEvent>) {
        loop {
            let due = self.bar.due();
            tokio::select! {
                biased;
                () = self.end.cancelled() => return,
                changed = self.link.changed() => match changed {
                    Ok(()) => self.show(),
                    Err(_) => return,
                },
                // Without a tray nothing happens there any more.
                Some(event) = happened.recv() => self.hear(event),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    // Nobody reads what a program prints that began with the session.
                    self.bar.tell();
                    notices::show_line(without_tray(), self.language);
                }
            }
        }
    }

    fn show(&mut self) {
        let link = self.link.borrow_and_update().clone();
        if let Some(tray) = &self.tray {
            let look = look(&link, self.hand.has_window(), self.language);
            // A cycle of the agent tells a dozen statuses; what they all look like wakes no tray.
            if look != self.shown {
                tray.show(look.clone());
                self.shown = look;
            }
        }
        if let Some(status) = link.status() {
            notices::show(self.notices.fresh(status), self.language);
        }
        if self.is_opening && matches!(link, Link::Reached(_)) {
            self.is_opening = false;
            let hand = self.hand.clone();
            tokio::spawn(async move { tell_until_heard(|| hand.application_opened()).await });
        }
    }

    fn hear(&mut self, event: TrayEvent) {
        match event {
            TrayEvent::Shown(is_shown) => {
                self.bar.shown(is_shown, Instant::now());
                if !is_shown {
                    no_tray(self.language, None);
                }
            }
            TrayEvent::SessionEnds => self.end.cancel(),
            TrayEvent::Activated | TrayEvent::Chosen(_) => {}
        }
        if let Some(choice) = choice_of(event, self.hand.has_window(), &mut self.bar, Instant::now()) {
            let (hand, link) = (self.hand.clone(), self.link.borrow().clone());
            // The icon goes on while the agent answers.
            tokio::spawn(async move { hand.choose(choice, &link).await });
        }
    }
}

/// What a person chose; `None` where nothing was.
fn choice_of(event: TrayEvent, has_window: bool, bar: &mut Bar, now: Instant) -> Option<Choice> {
    match event {
        TrayEvent::Activated => (has_window && bar.click(now)).then_some(Choice::View),
        TrayEvent::Chosen(id) => Choice::with_id(id),
        TrayEvent::Shown(_) | TrayEvent::SessionEnds => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_click_opens_the_window_and_a_line_of_the_menu_does_what_it_says() {
        let (mut bar, now) = (Bar::default(), Instant::now());
        let mut choice =
            |event, has_window, secs| choice_of(event, has_window, &mut bar, now + Duration::from_secs(secs));
        assert_eq!(choice(TrayEvent::Activated, true, 0), Some(Choice::View));
        assert_eq!(choice(TrayEvent::Activated, true, 0), None, "a double click");
        assert_eq!(choice(TrayEvent::Activated, true, 9), Some(Choice::View));
        assert_eq!(choice(TrayEvent::Activated, false, 20), None, "there is no window to open");
        for wanted in [Choice::Backup, Choice::Stop, Choice::Journal] {
            assert_eq!(choice(TrayEvent::Chosen(wanted.id()), true, 30), Some(wanted));
        }
        for nothing in [TrayEvent::Chosen(200), TrayEvent::Shown(true), TrayEvent::SessionEnds] {
            assert_eq!(choice(nothing, true, 40), None);
        }
    }
}
