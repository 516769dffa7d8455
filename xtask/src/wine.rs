//! `cargo xtask wine`: the programs for Windows, built on Linux and run under Wine: the command line, a backup against the
//! stand-in, the tray program and the window on a screen that nobody sees. Not a part of `test`: it builds everything for a
//! second system.

use crate::packages;
use crate::shop::{PASSWORD_VARIABLE, Running, Shop, StandIn};
use crate::steps::{self, Result, say};
use crate::windows;
use clap::Args;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A library that Wine lacks.
const LIBRARY: &str = include_str!("wine/bcryptprimitives.c");
/// Fonts that the programs ask for, and Debian does not have.
const FONTS: [&str; 3] = ["Segoe UI", "Arial", "Consolas"];
/// Wine's own desktop, whose task bar shows the icon.
const DESKTOP: [&str; 2] = ["explorer", "/desktop=dmbackup,1280x900"];
/// Runs a program of Windows. Wine makes access control lists from the rights that Linux keeps: others have none then.
const RUNNER: &str = "#!/bin/sh\numask 077\nexec wine \"$@\"\n";
/// Tests of what Wine has not: changes of those lists, and the removal of files that are open; and FreeTDS, which has no program
/// for Windows.
const NOT_IN_WINE: [&str; 4] = [
    "freetds::",
    "config::tests::a_password_may_stand_in_a_file_that_only_its_owner_reads",
    "config::tests::what_ordinary_users_may_write_is_refused_by_a_service",
    "destination::outside::tests::what_a_dead_process_left_is_removed_at_the_next_start_and_nothing_else",
];
/// Between two looks at a program that begins; and how many there are.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: usize = 240;

#[derive(Args)]
pub struct Options {
    /// Run the tests that Windows has too, instead of the programs
    #[arg(long)]
    tests: bool,
}

/// Builds and runs them.
///
/// # Errors
/// Something cannot be built, or does not do what it does on Linux: the output above names it.
pub fn run(options: &Options) -> Result<()> {
    packages::install(&[packages::BUILD, packages::DEMO, packages::TEST, packages::WINDOWS, packages::WINE])?;
    let folder = steps::root().join("target/wine");
    if options.tests {
        return tests(&Wine::prepare(&folder, Shop::prepare(folder.join("shop"))?)?);
    }
    steps::run(
        "build the SQL Server stand-in",
        steps::cargo().args(["build", "--locked", "--package", "fake-sqlserver", "--bins"]),
    )?;
    steps::run(
        "build the programs for Windows",
        windows::cargo("build")?.args(["--package", "dmbackup", "--bins", "--locked"]),
    )?;
    let shop = Shop::prepare(folder.join("shop"))?;
    let server = StandIn::start(&shop, &["--rows", "2000"])?;
    let seen = format!("folder_seen_by_server = \"{}\"\n", shop.path("servidor/Backup").display());
    shop.write_config_as(&server.address, &seen, &shop.path("terminal/MCBkp"), drive)?;
    let wine = Wine::prepare(&folder, shop)?;
    command_line(&wine)?;
    screen(&wine)?;
    say("everything was as it is on Linux");
    Ok(())
}

/// A path of this machine as Wine's programs know it.
fn drive(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

fn command_line(wine: &Wine) -> Result<()> {
    let wrong = wine.shop.path("errada.toml");
    fs::write(&wrong, "version = 1\n[shop]\nlegal_nmae = \"x\"\n").map_err(|error| error.to_string())?;
    let wrong = drive(&wrong);
    let right = drive(&wine.shop.path("dmbackup.toml"));
    wine.must(&["--version"], 0, "dmbackupctl ")?;
    wine.must(&["--help"], 0, "exit-codes")?;
    wine.must(&["--config", &right, "config", "check"], 0, "é válida")?;
    wine.must(&["--config", &wrong, "config", "check"], 3, "legal_nmae")?;
    wine.must_here(&["status"], 12, "não está em execução")?;
    wine.must_here(&["run", "--once"], 0, "Backup realizado no servidor e copiado para o terminal")?;
    let made = wine.shop.path("terminal/MCBkp/MCDados.zip");
    wine.must(&["inspect", &drive(&made)], 0, "nenhum erro encontrado")?;
    steps::run("unpack what was made with Linux' own unzip", Command::new("unzip").arg("-tqq").arg(&made))
}

/// The tests of the library, those of its rooms against the stand-in, and the stand-in's own, all built for Windows.
fn tests(wine: &Wine) -> Result<()> {
    let runner = wine.folder.join("runner");
    fs::write(&runner, RUNNER).map_err(|error| format!("{}: {error}", runner.display()))?;
    steps::run("let it be run", Command::new("chmod").arg("755").arg(&runner))?;
    // Wine's server makes the files, with the rights that it was started with.
    wine.end_server();
    // All that the workflow for Windows runs.
    for packages in [&["dmbackup"][..], &["fake-sqlserver", "xtask", "bench-pack"]] {
        let mut tests = windows::cargo("test")?;
        for package in packages {
            tests.args(["--package", package]);
        }
        tests.args(["--lib", "--bins", "--tests", "--locked", "--no-fail-fast", "--"]);
        for name in NOT_IN_WINE {
            tests.args(["--skip", name]);
        }
        wine.surround(&mut tests);
        tests.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", &runner);
        steps::run(&format!("the tests for Windows of {}", packages.join(", ")), &mut tests)?;
    }
    Ok(())
}

/// The tray program holds an agent; the window shows it.
fn screen(wine: &Wine) -> Result<()> {
    say("── start a desktop with a task bar, and the tray program");
    let desktop = Running(wine.spawn(&mut wine.wine(&DESKTOP))?);
    thread::sleep(LOOK * 6);
    let tray = Running(wine.start("dmbackup.exe", &["--minimized"])?);
    wine.until("the tray program's agent answers", |wine| {
        wine.here(&["status"]).is_ok_and(|said| said.0 == 0)
    })?;
    say("── start the window");
    let window = Running(wine.start("dmbackup-window.exe", &[])?);
    wine.until("the window opens", |wine| {
        let mut look = Command::new("xdotool");
        look.args(["search", "--onlyvisible", "--name", "Gerenciador de Backup"])
            .env("DISPLAY", &wine.display);
        steps::output(&mut look).is_some_and(|found| !found.trim().is_empty())
    })?;
    // What is drawn comes after the window.
    thread::sleep(LOOK * 6);
    let picture = wine.folder.join("screen.png");
    let mut import = Command::new("import");
    import.args(["-window", "root"]).arg(&picture).env("DISPLAY", &wine.display);
    steps::run(&format!("a picture of both, in {}", picture.display()), &mut import)?;
    wine.must_here(&["backup", "--wait"], 0, "Sucesso")?;
    drop((window, tray, desktop));
    Ok(())
}

/// Wine with a prefix of its own, a screen that nobody sees, and the shop.
struct Wine {
    folder: PathBuf,
    display: String,
    shop: Shop,
    _screen: Running,
}

impl Drop for Wine {
    fn drop(&mut self) {
        self.end_server();
    }
}

impl Wine {
    fn prepare(folder: &Path, shop: Shop) -> Result<Self> {
        let mut x = Command::new("Xvfb");
        x.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        let mut x =
            x.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        let output = x.stdout.take().ok_or("Xvfb prints nothing")?;
        let screen = Running(x);
        let mut number = String::new();
        BufReader::new(output).read_line(&mut number).map_err(|error| error.to_string())?;
        let wine =
            Self { folder: folder.to_owned(), display: format!(":{}", number.trim()), shop, _screen: screen };
        let system = wine.folder.join("prefix/drive_c/windows/system32");
        steps::run("make a prefix for Wine", wine.wine(&["wineboot", "-i"]).stderr(Stdio::null()))?;
        let source = wine.folder.join("bcryptprimitives.c");
        fs::write(&source, LIBRARY).map_err(|error| error.to_string())?;
        steps::run(
            "build the library that Wine lacks",
            Command::new("x86_64-w64-mingw32-gcc")
                .args(["-shared", "-O2", "-s", "-o"])
                .arg(system.join("bcryptprimitives.dll"))
                .arg(&source)
                .arg("-ladvapi32"),
        )?;
        let key = r"HKCU\Software\Wine\Fonts\Replacements";
        for font in FONTS {
            let words = ["reg", "add", key, "/v", font, "/d", "DejaVu Sans", "/f"];
            let mut register = wine.wine(&words);
            steps::run(&format!("a font for {font}"), register.stdout(Stdio::null()).stderr(Stdio::null()))?;
        }
        Ok(wine)
    }

    fn wine(&self, words: &[&str]) -> Command {
        let mut command = Command::new("wine");
        command.args(words);
        self.surround(&mut command);
        command.env(PASSWORD_VARIABLE, &self.shop.password).stdin(Stdio::null());
        command
    }

    /// What Wine needs around a command.
    fn surround(&self, command: &mut Command) {
        command.env("WINEPREFIX", self.folder.join("prefix")).env("DISPLAY", &self.display);
        command.env("WINEDEBUG", "-all").env("WINEDLLOVERRIDES", "mscoree,mshtml=");
    }

    /// Ends Wine's programs, which are not the children of ours; where there are none it has nothing to do.
    fn end_server(&self) {
        let prefix = self.folder.join("prefix");
        let _ = Command::new("wineserver").arg("-k").env("WINEPREFIX", prefix).status();
    }

    /// One of our programs, in Portuguese.
    fn ours(&self, program: &str, words: &[&str]) -> Command {
        let program = windows::built(program);
        let mut all = vec![program.as_str(), "--lang", "pt"];
        all.extend(words);
        self.wine(&all)
    }

    fn spawn(&self, command: &mut Command) -> Result<Child> {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map_err(|error| format!("{}: {error}", steps::shown(command)))
    }

    /// Starts one of our programs on the desktop.
    fn start(&self, program: &str, words: &[&str]) -> Result<Child> {
        let (program, config, state) = (windows::built(program), self.config(), self.state());
        let mut all = DESKTOP.to_vec();
        all.extend([program.as_str(), "--lang", "pt", "--config", &config, "--state", &state]);
        all.extend(words);
        self.spawn(&mut self.wine(&all))
    }

    fn config(&self) -> String {
        drive(&self.shop.path("dmbackup.toml"))
    }

    fn state(&self) -> String {
        drive(&self.shop.path("estado"))
    }

    /// What the command line says over the shop, and its exit code.
    fn here(&self, words: &[&str]) -> Result<(i32, String)> {
        let (config, state) = (self.config(), self.state());
        let mut all = vec!["--config", config.as_str(), "--state", state.as_str()];
        all.extend(words);
        self.said(&all)
    }

    fn said(&self, words: &[&str]) -> Result<(i32, String)> {
        let output = self.ours("dmbackupctl.exe", words).output().map_err(|error| error.to_string())?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned()))
    }

    fn must(&self, words: &[&str], exit: i32, text: &str) -> Result<()> {
        let said = self.said(words)?;
        held(words, said, exit, text)
    }

    fn must_here(&self, words: &[&str], exit: i32, text: &str) -> Result<()> {
        let said = self.here(words)?;
        held(words, said, exit, text)
    }

    /// Looks until `wanted`: a program in Wine tells Linux nothing.
    fn until(&self, what: &str, wanted: impl Fn(&Self) -> bool) -> Result<()> {
        for _ in 0..LOOKS {
            if wanted(self) {
                say(&format!("   {what}"));
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        Err(format!("in vain: {what}"))
    }
}

fn held(words: &[&str], (exit, said): (i32, String), wanted: i32, text: &str) -> Result<()> {
    say(&format!("── dmbackupctl.exe {} → {exit}", words.join(" ")));
    if exit == wanted && said.contains(text) {
        return Ok(());
    }
    Err(format!("{wanted} and «{text}» were expected; {exit} and this came:\n{said}"))
}
