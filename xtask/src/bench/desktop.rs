//! The tray program on a desktop without a screen, while it waits, and the window beside it: their resident memory, and how
//! often the tray program is put on a processor in a minute in which nothing happens; and how long a second start of it takes.

use super::idle::Watched;
use super::job::{AGENT, Works};
use super::measure::{self, median, now};
use super::report::Figure;
use crate::packages;
use crate::shop::program;
use crate::steps::{self, Result, say};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// What was needed for the backup, and to draw the first time, goes away before this.
const SETTLE: Duration = Duration::from_secs(20);
/// How long nothing happens: less than from one of the minute's cycles to the next but one.
const MINUTE: Duration = Duration::from_secs(60);
/// A first backup takes less.
const PATIENCE: Duration = Duration::from_secs(300);
/// A panel with a tray and nothing else, as in the tests.
const PANEL: &str = include_str!("../../../tests/integration/desktop/panel.xml");
/// How often it is started a second time; the median counts.
const STARTS: usize = 5;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Watches them.
///
/// # Errors
/// The desktop or a program does not start, or no backup is made.
pub fn watch(works: &Works) -> Result<Vec<Figure>> {
    packages::install(&[packages::TEST])?;
    steps::run(
        "build the tray program and the window, as released",
        steps::cargo()
            .args(["build", "--release", "--locked", "--package", "dmbackup", "--bins", "--target-dir"])
            .arg(steps::root().join("target")),
    )?;
    works.begin_anew(&works.terminal())?;
    let desktop = Desktop::open(&works.shop.path("desktop"))?;
    let tray = Watched::start(works_of(works, &desktop, "dmbackup").arg("--minimized"))?;
    wait_for_backup(works)?;
    thread::sleep(SETTLE);
    say("── watch the waiting tray program for a minute");
    let bursts = tray.bursts(MINUTE)?;
    let closed = tray.resident_mib()?;
    let switches: u64 = bursts.iter().map(|burst| burst.switches).sum();
    let second = second_start_millis(works, &desktop)?;
    let window = Watched::start(&mut works_of(works, &desktop, "dmbackup-window"))?;
    thread::sleep(SETTLE);
    let open = window.resident_mib()?;
    say(&format!("   put on a processor {switches} times, in {} bursts", bursts.len()));
    Ok(vec![
        Figure::at_most("tray program, window closed, resident", closed, 25.0, " MiB"),
        Figure::at_most("the window, resident", open, 40.0, " MiB"),
        Figure::at_most("a second start, until it has ended", second, 150.0, " ms"),
        Figure {
            name: "tray program, waiting for a minute, awake".to_owned(),
            measured: format!("{} times", bursts.len()),
            asked: "≤ 4: the minute's cycle and its timer".to_owned(),
            met: bursts.len() <= 4,
        },
    ])
}

/// What a shop's application does each time that it opens: the tray program runs already, hears of it, and the second one ends.
fn second_start_millis(works: &Works, desktop: &Desktop) -> Result<f64> {
    let start = |_| {
        let mut second = works_of(works, desktop, "dmbackup");
        measure::run(&mut second, &works.shop.path("time")).map(|cost| cost.wall_secs * 1000.0)
    };
    let took: Vec<f64> = (0..STARTS).map(start).collect::<Result<_>>()?;
    Ok(median(took))
}

fn works_of(works: &Works, desktop: &Desktop, name: &str) -> Command {
    let mut command = Command::new(program("release", name));
    works.shop.over(&mut command);
    command.env("DISPLAY", &desktop.display).env("DBUS_SESSION_BUS_ADDRESS", &desktop.bus);
    command.env_remove("WAYLAND_DISPLAY").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn wait_for_backup(works: &Works) -> Result<()> {
    let begun = now();
    while begun.elapsed() < PATIENCE {
        thread::sleep(LOOK);
        let mut ask = works.shop.agent(&program("release", AGENT));
        let Some(said) = steps::output(ask.args(["status", "--json"])) else { continue };
        let Ok(status) = serde_json::from_str::<Value>(&said) else { continue };
        if status["last"]["outcome"] == "success" && status["activity"] == "waiting" {
            return Ok(());
        }
    }
    Err("the tray program made no backup".to_owned())
}

/// An X server without a screen, a session bus, a window manager and a panel; ended with us.
struct Desktop {
    display: String,
    bus: String,
    _running: Vec<Watched>,
}

impl Desktop {
    /// Opens it, with `home` for its settings.
    fn open(home: &Path) -> Result<Self> {
        let settings = home.join("xfce4/xfconf/xfce-perchannel-xml");
        fs::create_dir_all(&settings).map_err(|error| error.to_string())?;
        fs::write(settings.join("xfce4-panel.xml"), PANEL).map_err(|error| error.to_string())?;
        let screen = ["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"];
        let (x, number) = first_line(Command::new("Xvfb").args(screen))?;
        let display = format!(":{number}");
        let words = ["--session", "--print-address", "--nofork", "--nopidfile"];
        let (bus, address) = first_line(
            Command::new("dbus-daemon").args(words).env("DISPLAY", &display).env("XDG_CONFIG_HOME", home),
        )?;
        let mut running = vec![x, bus];
        for words in [&["openbox"][..], &["xfce4-panel", "--disable-wm-check"]] {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).env("DISPLAY", &display).env("DBUS_SESSION_BUS_ADDRESS", &address);
            command.env("XDG_CONFIG_HOME", home);
            running.push(Watched::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?);
        }
        // Whoever is asked first is ended last.
        running.reverse();
        Ok(Self { display, bus: address, _running: running })
    }
}

fn first_line(command: &mut Command) -> Result<(Watched, String)> {
    let mut running = Watched::start(command.stdout(Stdio::piped()).stderr(Stdio::null()))?;
    let output = running.child.stdout.take().ok_or("nothing is printed")?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line).map_err(|error| error.to_string())?;
    thread::spawn(move || output.lines().for_each(drop));
    Ok((running, line.trim().to_owned()))
}
