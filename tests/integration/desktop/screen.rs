//! A desktop of its own for one test: an X server without a screen, a session bus, a window manager, a panel with a tray.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The panel: one row of 48 pixels at the top, as long as the screen is wide, with a tray and nothing else.
const PANEL: &str = include_str!("panel.xml");

/// The bus would start whoever shows notices, and a notice that appears takes a click from the menu.
const NO_NOTICES: &str = "[D-BUS Service]\nName=org.freedesktop.Notifications\nExec=/bin/false\n";
/// The bus would start the desktop's own dialogues where this machine has them; the tests answer in the place of zenity's.
const NO_PORTAL: &str = "[D-BUS Service]\nName=org.freedesktop.portal.Desktop\nExec=/bin/false\n";

/// Where the first icon of the tray lies.
pub const ICON: (u32, u32) = (24, 24);

/// Longer than anything here takes, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(180);

/// How often is looked at what tells nobody that it changes.
const LOOK: Duration = Duration::from_millis(100);

/// Whoever listens to the X server may begin a moment after what it is to hear.
const LISTENER_IS_LATE: Duration = Duration::from_secs(1);

/// What is part of the desktop, besides the X server and the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A window manager.
    Windows,
    /// A panel with a tray.
    Tray,
    /// Whoever shows notices.
    Notices,
}

/// The desktop; gone when dropped.
pub struct Screen {
    display: String,
    bus: String,
    home: TempDir,
    running: Vec<Child>,
    /// Something for each window that comes, goes or changes.
    windows: Receiver<String>,
}

impl Screen {
    /// A desktop with these parts.
    pub fn open(parts: &[Part]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let settings = home.path().join("config/xfce4/xfconf/xfce-perchannel-xml");
        fs::create_dir_all(&settings).unwrap();
        fs::write(settings.join("xfce4-panel.xml"), PANEL).unwrap();
        let services = home.path().join("share/dbus-1/services");
        fs::create_dir_all(&services).unwrap();
        fs::write(services.join("portal.service"), NO_PORTAL).unwrap();
        if !parts.contains(&Part::Notices) {
            fs::write(services.join("notices.service"), NO_NOTICES).unwrap();
        }
        let mut x = Command::new("Xvfb");
        x.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        let (x, number) = first_line(x);
        let mut bus = Command::new("dbus-daemon");
        bus.args(["--session", "--print-address", "--nofork", "--nopidfile"]);
        home_of(&mut bus, home.path()).env("DISPLAY", format!(":{number}"));
        let (bus, address) = first_line(bus);
        let display = format!(":{number}");
        let mut listener = Command::new("xev");
        listener.args(["-root", "-event", "substructure"]).env("DISPLAY", &display);
        let (listener, windows) = lines(&mut listener);
        let mut screen = Self { display, bus: address, home, running: vec![x, bus, listener], windows };
        if parts.contains(&Part::Windows) {
            screen.keep("openbox", &[]);
        }
        if parts.contains(&Part::Tray) {
            screen.keep("xfce4-panel", &["--disable-wm-check"]);
            screen.until_served("org.kde.StatusNotifierWatcher");
        }
        if parts.contains(&Part::Notices) {
            screen.keep("dunst", &[]);
            screen.until_served("org.freedesktop.Notifications");
        }
        screen
    }

    /// Makes `command` a program of this desktop.
    pub fn dress<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        home_of(command, self.home.path())
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env_remove("WAYLAND_DISPLAY")
    }

    /// Waits until somebody on the bus has this name.
    fn until_served(&self, name: &str) {
        let patience = PATIENCE.as_secs().to_string();
        let words = ["wait", "--session", "--timeout", &patience, name];
        assert!(self.said("gdbus", &words).is_some(), "nobody is {name}");
    }

    /// What a program of this desktop prints from now on, line by line.
    pub fn listen(&self, program: &str, words: &[&str]) -> (Child, Receiver<String>) {
        let mut command = Command::new(program);
        lines(self.dress(command.args(words)))
    }

    fn keep(&mut self, program: &str, words: &[&str]) {
        let mut command = Command::new(program);
        self.dress(command.args(words)).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        self.running.push(child);
    }

    /// What a program of this desktop prints; `None` where it fails.
    pub fn said(&self, program: &str, words: &[&str]) -> Option<String> {
        let mut command = Command::new(program);
        let Output { status, stdout, .. } = self.dress(command.args(words)).output().unwrap();
        status.success().then(|| String::from_utf8_lossy(&stdout).trim().to_owned())
    }

    /// Lets a person's hand do something.
    pub fn hand(&self, words: &[&str]) {
        assert!(self.said("xdotool", words).is_some(), "xdotool {words:?}");
    }

    /// Clicks with a button (1 left, 3 right).
    pub fn click(&self, (x, y): (u32, u32), button: u32) {
        let (x, y, button) = (x.to_string(), y.to_string(), button.to_string());
        self.hand(&["mousemove", &x, &y]);
        self.hand(&["click", &button]);
    }

    /// Clicks twice with the left button, as fast as people do.
    pub fn double_click(&self, (x, y): (u32, u32)) {
        self.hand(&["mousemove", &x.to_string(), &y.to_string()]);
        self.hand(&["click", "--repeat", "2", "--delay", "80", "1"]);
    }

    /// Whether a window with this title is shown.
    pub fn shows(&self, title: &str) -> bool {
        self.count(title) > 0
    }

    /// How many windows with this title are shown.
    pub fn count(&self, title: &str) -> usize {
        let found = self.said("xdotool", &["search", "--onlyvisible", "--name", title]);
        found.map_or(0, |found| found.lines().count())
    }

    /// The screen's upper left corner, where the icon is, as raw bytes.
    pub fn corner(&self) -> Vec<u8> {
        let mut command = Command::new("import");
        self.dress(command.args(["-window", "root", "-crop", "48x48+0+0", "rgb:-"])).output().unwrap().stdout
    }

    /// The colour of a point of the screen.
    pub fn colour_at(&self, x: u32, y: u32) -> Vec<u8> {
        let part = format!("1x1+{x}+{y}");
        let mut command = Command::new("import");
        self.dress(command.args(["-window", "root", "-crop", &part, "rgb:-"])).output().unwrap().stdout
    }

    /// Waits until the windows are as `wanted`.
    pub fn until_windows(&self, what: &str, wanted: impl Fn(&Self) -> bool) {
        if !self.windows_within(PATIENCE, wanted) {
            self.in_vain(what);
        }
    }

    /// Whether the windows become as `wanted` within `patience`: looks whenever one comes, goes or changes.
    #[expect(clippy::disallowed_methods, reason = "a real desktop lives in real time")]
    pub fn windows_within(&self, patience: Duration, wanted: impl Fn(&Self) -> bool) -> bool {
        let begun = Instant::now();
        loop {
            while self.windows.try_recv().is_ok() {}
            if wanted(self) {
                return true;
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return false;
            }
            let _nothing_came = self.windows.recv_timeout(left.min(LISTENER_IS_LATE));
        }
    }

    /// Waits until `wanted`, by looking again and again: for what tells nobody that it changes. Such are the pixels within
    /// a window of somebody else, an agent that answers (its socket is there before), and the journal that it writes.
    pub fn until(&self, what: &str, wanted: impl Fn(&Self) -> bool) {
        if !self.soon(PATIENCE, wanted) {
            self.in_vain(what);
        }
    }

    /// The same; whether it comes about within `patience`.
    #[expect(clippy::disallowed_methods, reason = "a real desktop lives in real time")]
    pub fn soon(&self, patience: Duration, wanted: impl Fn(&Self) -> bool) -> bool {
        let begun = Instant::now();
        while !wanted(self) {
            if begun.elapsed() > patience {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }

    fn in_vain(&self, what: &str) -> ! {
        let picture = std::env::temp_dir().join("dmbackup-screen.png");
        self.said("import", &["-window", "root", picture.to_str().unwrap()]);
        panic!("in vain: {what}; see {}", picture.display());
    }
}

/// The lines of what a program prints, as they come.
fn lines(command: &mut Command) -> (Child, Receiver<String>) {
    let program = command.get_program().to_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program:?} (cargo xtask test installs it): {error}"));
    let output = BufReader::new(child.stdout.take().unwrap());
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    (child, heard)
}

fn home_of<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_DATA_HOME", home.join("share"))
}

fn first_line(mut command: Command) -> (Child, String) {
    let program = command.get_program().to_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program:?} (cargo xtask test installs it): {error}"));
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    // Whoever goes on printing needs somebody who reads.
    std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
    (child, line.trim().to_owned())
}

impl Drop for Screen {
    fn drop(&mut self) {
        for mut child in self.running.drain(..).rev() {
            let _ended_already = child.kill();
            let _ended_already = child.wait();
        }
    }
}
