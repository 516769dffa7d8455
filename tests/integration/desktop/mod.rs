//! The tray program on a real desktop, with real clicks.

mod screen;
mod window;

use crate::support::agent::Shop;
use crate::support::sqlserver::StandIn;
use dmbackup::agent::status::{Activity, Status};
use dmbackup::backup::outcome::{Outcome, Trigger};
use dmbackup::clock::SystemClock;
use dmbackup::journal::{EventKind, Journal};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use screen::{ICON, Part, Screen};
use std::cell::RefCell;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

const TRAY: &str = env!("CARGO_BIN_EXE_dmbackup");

/// A person who sees nothing come of what was done does it again after this.
const AGAIN: Duration = Duration::from_secs(10);
/// How often he does so.
const TRIES: usize = 6;
/// A menu opens within this, or the click was lost.
const MENU_OPENS: Duration = Duration::from_secs(3);

/// A start of the tray program on `screen`, for the agent of `shop`.
fn tray(shop: &Shop, screen: &Screen, words: &[&str]) -> Command {
    let mut command = Command::new(TRAY);
    command.args(["--lang", "pt", "--config"]).arg(shop.path("dmbackup.toml"));
    command.arg("--state").arg(shop.state()).args(words);
    screen.dress(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The tray program at work; ended when dropped.
struct Tray(Child);

impl Tray {
    fn start(shop: &Shop, screen: &Screen, words: &[&str]) -> Self {
        Self(tray(shop, screen, words).spawn().unwrap())
    }

    /// Asks it to end as the end of a session does; its exit code.
    fn end(mut self) -> Option<i32> {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.0),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        self.0.wait().unwrap().code()
    }

    /// Waits until it ends by itself; its exit code.
    fn ended(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _ended_already = self.0.wait();
    }
}

/// Says after which time the program comes back that a person closed.
fn reopen_after(shop: &Shop, after: &str) {
    let path = shop.path("dmbackup.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let above = text.split("[agent]").next().unwrap();
    std::fs::write(&path, format!("{above}[agent]\nreopen_after = '{after}'\n")).unwrap();
}

/// A shop with a server, and a desktop with a tray.
fn shop() -> (StandIn, Shop, Screen) {
    let server = StandIn::start();
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    reopen_after(&shop, "0 s");
    (server, shop, Screen::open(&[Part::Windows, Part::Tray]))
}

/// Waits until an agent answers and waits after a backup; its status.
fn rested(shop: &Shop, screen: &Screen) -> Status {
    screen.until("an agent answers", |_| shop.ctl(&["status"]).exit == 0);
    shop.until(|status| status.activity == Activity::Waiting && status.last.is_some())
}

/// Whether a backup that was asked for has ended by and by.
fn was_asked_for(shop: &Shop) -> bool {
    let asked = |status: &Status| status.last.as_ref().is_some_and(|last| last.trigger == Trigger::Request);
    shop.within(AGAIN, asked).is_some()
}

/// Opens the icon's menu and chooses the line that these keys lead to, until something comes of it: a busy machine may open
/// the menu only after the keys.
fn choose_until(screen: &Screen, keys: &[&str], came: impl Fn() -> bool) {
    for _ in 0..TRIES {
        screen.hand(&["key", "Escape"]);
        screen.click(ICON, 3);
        // A panel that has not read the menu yet takes no notice of the click.
        if screen.soon(MENU_OPENS, |screen| screen.colour_at(60, 70) != screen.colour_at(1_200, 600)) {
            for key in keys.iter().chain(&["Return"]) {
                screen.hand(&["key", key]);
            }
            if came() {
                return;
            }
        }
    }
    panic!("in vain: what was chosen in the menu comes about");
}

/// Waits until a process has ended.
fn until_ended(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    // One that is gone has ended.
    let Ok(process) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else { return };
    let mut ends = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
    let patience = rustix::event::Timespec { tv_sec: 180, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut ends, Some(&patience)), Ok(1), "{pid:?} ends");
}

#[test]
fn the_icon_appears_and_its_menu_makes_a_backup() {
    let (_server, shop, screen) = shop();
    let empty = screen.corner();
    let tray = Tray::start(&shop, &screen, &["--minimized"]);
    screen.until("the icon appears", |screen| screen.corner() != empty);
    let first = rested(&shop, &screen).last.unwrap();
    assert_eq!((first.trigger, first.outcome), (Trigger::First, Some(Outcome::Success)), "{first:?}");
    choose_until(&screen, &["Down", "Down"], || was_asked_for(&shop));
    let second = shop.until(|status| status.activity == Activity::Waiting).last.unwrap();
    assert_eq!((second.trigger, second.outcome), (Trigger::Request, Some(Outcome::Success)), "{second:?}");
    assert_eq!(tray.end(), Some(0));
    assert_eq!(shop.ctl(&["status"]).exit, 12, "its agent ended with it");
}

/// The title of the window.
const TITLE: &str = "Gerenciador de Backup";

fn tries(shop: &Shop) -> Vec<String> {
    let events = Journal::open(&shop.state(), Arc::new(SystemClock)).events(50).unwrap();
    events.into_iter().filter(|event| event.kind == EventKind::Password).map(|event| event.text.pt).collect()
}

#[test]
fn the_window_opens_from_the_icon_and_closes_the_program_with_the_right_password_only() {
    let (_server, shop, screen) = shop();
    let tray = Tray::start(&shop, &screen, &["--minimized"]);
    let today = rested(&shop, &screen).now.format("%d%m%Y").to_string();
    choose_until(&screen, &["Up"], || screen.windows_within(AGAIN, |screen| screen.shows(TITLE)));
    let password = |text: &str, told: &str| {
        let typed = (0..TRIES).any(|_| {
            screen.hand(&["search", "--name", TITLE, "windowactivate", "--sync"]);
            screen.hand(&["type", text]);
            screen.hand(&["key", "Return"]);
            screen.soon(AGAIN, |_| tries(&shop).iter().any(|told_before| told_before == told))
        });
        assert!(typed, "in vain: {told}");
    };
    password("01012000", "fechar: senha incorreta");
    assert_eq!(shop.until(|_| true).pid, tray.0.id(), "it stays");
    assert!(screen.shows(TITLE));
    password(&today, "fechar: senha correta");
    assert_eq!(tray.ended(), Some(0));
    screen.until_windows("the window ends too", |screen| !screen.shows(TITLE));
}

#[test]
fn a_double_click_on_the_icon_opens_the_window_once() {
    let (_server, shop, screen) = shop();
    let tray = Tray::start(&shop, &screen, &["--minimized"]);
    rested(&shop, &screen);
    let opened = (0..TRIES).any(|_| {
        screen.double_click(ICON);
        screen.windows_within(AGAIN, |screen| screen.shows(TITLE))
    });
    assert!(opened, "in vain: the window opens");
    assert_eq!(screen.count(TITLE), 1);
    assert_eq!(tray.end(), Some(0));
}

#[test]
fn a_second_window_is_the_first_one() {
    let (_server, shop, screen) = shop();
    let tray = Tray::start(&shop, &screen, &["--show"]);
    screen.until_windows("the window opens", |screen| screen.shows(TITLE));
    for words in [&["--show"][..], &["--show", "--minimized"]] {
        assert_eq!(self::tray(&shop, &screen, words).status().unwrap().code(), Some(0));
    }
    rested(&shop, &screen);
    screen.until_windows("one window is there", |screen| screen.count(TITLE) == 1);
    let close = ["search", "--onlyvisible", "--name", TITLE, "windowactivate", "--sync", "key", "alt+F4"];
    let gone = (0..TRIES).any(|_| {
        // It may be coming forward once more just now.
        let _gone_already = screen.said("xdotool", &close);
        screen.windows_within(AGAIN, |screen| !screen.shows(TITLE))
    });
    assert!(gone, "the window is gone");
    assert_eq!(shop.until(|_| true).pid, tray.0.id(), "closing the frame closes the window only");
    assert_eq!(tray.end(), Some(0));
}

#[test]
fn a_second_start_ends_at_once_and_counts_as_an_opening_of_the_application() {
    let (_server, shop, screen) = shop();
    let started = Tray::start(&shop, &screen, &["--minimized"]);
    assert_eq!(rested(&shop, &screen).opened, None, "a start at logon is none");
    let second = tray(&shop, &screen, &[]).output().unwrap();
    assert_eq!((second.status.code(), second.stderr.as_slice()), (Some(0), [].as_slice()));
    shop.until(|status| status.opened.is_some());
    let agent = shop.until(|_| true).pid;
    assert_eq!(agent, started.0.id(), "the agent is the first one's");
    drop(started);
}

#[test]
fn with_the_stores_application_comes_the_tray_and_goes_its_exit_code() {
    let (_server, shop, screen) = shop();
    let ended = tray(&shop, &screen, &["--with", "sh", "-c", "exit 7"]).status().unwrap();
    assert_eq!(ended.code(), Some(7));
    let status = rested(&shop, &screen);
    shop.until(|status| status.opened.is_some());
    let missing = tray(&shop, &screen, &["--with", "/no/such/program"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/no/such/program"), "{missing:?}");
    let password = status.now.format("%d%m%Y").to_string();
    assert_eq!(shop.ctl_typing(&["quit", "--password-stdin"], &password).exit, 0);
    until_ended(status.pid);
}

#[test]
fn a_tray_that_does_not_start_is_told_and_changes_nothing_for_the_stores_application() {
    let (shop, screen) = (Shop::new(), Screen::open(&[]));
    // A program whose file is gone starts no second one.
    let gone = std::path::Path::new(TRAY).with_file_name(format!("dmbackup-{}", uuid::Uuid::new_v4()));
    std::fs::hard_link(TRAY, &gone).unwrap();
    let program = std::fs::File::open(&gone).unwrap();
    std::fs::remove_file(&gone).unwrap();
    let mut command = Command::new("/proc/self/fd/0");
    command.args(["--lang", "pt", "--state"]).arg(shop.state()).args(["--with", "sh", "-c", "exit 0"]);
    let ended = screen.dress(&mut command).stdin(program).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("não pôde ser iniciado"), "{ended:?}");
}

#[test]
fn a_wrong_password_keeps_the_program_and_the_right_one_ends_it() {
    let (_server, shop, screen) = shop();
    let tray = Tray::start(&shop, &screen, &[]);
    let status = rested(&shop, &screen);
    assert_eq!(shop.ctl_typing(&["quit", "--password-stdin"], "01011999").exit, 13);
    assert_eq!(shop.until(|_| true).pid, tray.0.id(), "it stays");
    let password = status.now.format("%d%m%Y").to_string();
    assert_eq!(shop.ctl_typing(&["quit", "--password-stdin"], &password).exit, 0);
    assert_eq!(tray.ended(), Some(0));
}

#[test]
fn the_tray_is_a_client_of_an_agent_that_runs_and_takes_over_when_that_one_ends() {
    let (_server, shop, screen) = shop();
    let mut agent = shop.run();
    agent.wait_for("Backup realizado");
    let tray = Tray::start(&shop, &screen, &[]);
    shop.until(|status| status.opened.is_some());
    assert_ne!(shop.until(|_| true).pid, tray.0.id());
    assert!(agent.terminate().success());
    screen.until("another agent answers", |_| shop.ctl(&["status"]).exit == 0);
    assert_eq!(shop.until(|_| true).pid, tray.0.id());
    assert_eq!(tray.end(), Some(0));
}

#[test]
fn an_agent_that_a_person_closed_is_not_replaced_by_a_tray() {
    let (_server, shop, screen) = shop();
    let mut agent = shop.run();
    agent.wait_for("Backup realizado");
    let tray = Tray::start(&shop, &screen, &[]);
    let status = shop.until(|status| status.opened.is_some());
    let password = status.now.format("%d%m%Y").to_string();
    assert_eq!(shop.ctl_typing(&["quit", "--password-stdin"], &password).exit, 0);
    assert_eq!(agent.ended().1, Some(0));
    assert_eq!(tray.ended(), Some(0));
}

#[test]
fn a_program_that_a_person_closed_comes_back_by_itself_unless_that_is_not_wanted() {
    let (_server, shop, screen) = shop();
    reopen_after(&shop, "1 s");
    let tray = Tray::start(&shop, &screen, &[]);
    let status = rested(&shop, &screen);
    let password = status.now.format("%d%m%Y").to_string();
    assert_eq!(shop.ctl_typing(&["quit", "--password-stdin"], &password).exit, 0);
    assert_eq!(tray.ended(), Some(0));
    screen.until("the program is back", |_| shop.ctl(&["status"]).exit == 0);
    let back = shop.until(|status| status.activity == Activity::Waiting);
    assert!(back.pid != status.pid && back.opened.is_none(), "nobody opened the application: {back:?}");
    reopen_after(&shop, "0 s");
    assert_eq!(shop.ctl_typing(&["quit", "--password-stdin"], &password).exit, 0);
    until_ended(back.pid);
    assert_eq!(shop.ctl(&["status"]).exit, 12);
}

/// Listens to what is shown as a notice, from now on.
struct Notices {
    listener: Child,
    lines: Receiver<String>,
    heard: RefCell<String>,
}

impl Notices {
    fn hear(screen: &Screen) -> Self {
        let words = ["--session", "interface='org.freedesktop.Notifications'"];
        let (listener, lines) = screen.listen("dbus-monitor", &words);
        let notices = Self { listener, lines, heard: RefCell::default() };
        // The bus greets whoever listens.
        notices.until("NameAcquired");
        notices
    }

    /// Waits until `text` is heard.
    fn until(&self, text: &str) {
        while !self.text().contains(text) {
            let line = self.lines.recv_timeout(Duration::from_secs(180));
            let line = line.unwrap_or_else(|_| panic!("in vain: «{text}»: {}", self.text()));
            self.heard.borrow_mut().push_str(&line);
        }
    }

    /// What was heard so far.
    fn text(&self) -> String {
        let mut heard = self.heard.borrow_mut();
        heard.extend(self.lines.try_iter());
        heard.clone()
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        let _ended_already = self.listener.kill();
        let _ended_already = self.listener.wait();
    }
}

#[test]
fn the_first_backup_a_failure_and_its_end_are_shown_as_notices_once_each() {
    let server = StandIn::start();
    let shop = Shop::new();
    shop.configure_with(server.handle.address().port(), "retry_wait = '0 s'");
    let screen = Screen::open(&[Part::Windows, Part::Notices]);
    let notices = Notices::hear(&screen);
    let _tray = Tray::start(&shop, &screen, &["--minimized"]);
    notices.until("Primeiro backup feito");
    let full = Fault::at(StatementKind::Backup, Action::DiskFull { bytes: 4_096 });
    server.handle.instance().faults.inject(full.times(2));
    assert_eq!(shop.ctl(&["backup", "--wait"]).exit, 8);
    notices.until("Backup não realizado");
    screen.until_windows("somebody sees it", |screen| {
        screen.said("dunstctl", &["count", "displayed"]).is_some_and(|count| count != "0")
    });
    shop.until(|status| status.activity == Activity::Waiting);
    assert_eq!(shop.ctl(&["backup", "--wait"]).exit, 0);
    notices.until("Voltou ao normal");
    let text = notices.text();
    for title in ["Primeiro backup feito", "Backup não realizado", "Resolvido"] {
        let shown = text.matches(&format!("string \"{title}\"")).count();
        assert_eq!(shown, 1, "{title}: {text}");
    }
}

#[test]
fn whoever_opens_the_application_in_a_shop_with_one_machine_sees_a_notice() {
    let (_server, shop, screen) = {
        let server = StandIn::start();
        let shop = Shop::new();
        shop.configure(server.handle.address().port());
        let path = shop.path("dmbackup.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let (above, _) = text.split_once("[terminal]").unwrap();
        std::fs::write(&path, format!("{above}[terminal]\nlocal_only = true\n")).unwrap();
        (server, shop, Screen::open(&[Part::Windows, Part::Notices]))
    };
    let notices = Notices::hear(&screen);
    let _tray = Tray::start(&shop, &screen, &["--minimized"]);
    rested(&shop, &screen);
    assert!(!notices.text().contains("Segunda cópia"), "a start at logon is no opening");
    assert!(tray(&shop, &screen, &[]).status().unwrap().success());
    notices.until("Segunda cópia");
}

#[test]
fn without_a_screen_the_way_without_one_is_told() {
    let shop = Shop::new();
    let mut command = Command::new(TRAY);
    command.args(["--lang", "pt", "--state"]).arg(shop.state());
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Não há tela aqui") && told.contains("dmbackupctl run"), "{told}");
    assert!(!shop.state().exists(), "nothing was begun");
}

#[test]
fn on_a_desktop_without_a_tray_the_agent_works_and_the_way_to_the_window_is_told() {
    let server = StandIn::start();
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    let screen = Screen::open(&[Part::Windows]);
    let mut tray = Tray::start(&shop, &screen, &[]);
    let outcome = rested(&shop, &screen).last.unwrap().outcome;
    assert_eq!(outcome, Some(Outcome::Success));
    let mut errors = tray.0.stderr.take().unwrap();
    assert_eq!(tray.end(), Some(0));
    let mut told = String::new();
    std::io::Read::read_to_string(&mut errors, &mut told).unwrap();
    assert!(told.contains("não tem bandeja") && told.contains("dmbackup --show"), "{told}");
}
