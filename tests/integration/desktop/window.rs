//! The window on a real desktop, worked by keyboard as a person does who has no mouse.

use super::screen::Screen;
use super::{AGAIN, TITLE, TRIES, Tray, rested, shop, was_asked_for};
use crate::support::agent::Shop;
use crate::support::sql::Application;
use crate::support::sqlserver::StandIn;
use dmbackup::agent::status::Status;
use dmbackup::backup::outcome::{Outcome, Trigger};
use dmbackup::restore::outcome::{Item, RestoreReport, Task};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

const WINDOW: &str = env!("CARGO_BIN_EXE_dmbackup-window");
/// The pages' names are the first stops of the tabulator.
const PAGES: usize = 6;

/// The window, open at a page; closed when dropped.
struct Window<'a> {
    screen: &'a Screen,
    program: Child,
}

impl<'a> Window<'a> {
    /// Opens it; a person chooses `picked` in the system's dialogue for folders.
    fn open(shop: &Shop, screen: &'a Screen, page: &str, picked: &str) -> Self {
        let programs = shop.path("programas");
        fs::create_dir_all(&programs).unwrap();
        let dialogue = programs.join("zenity");
        fs::write(&dialogue, format!("#!/bin/sh\necho '{picked}'\n")).unwrap();
        fs::set_permissions(&dialogue, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(WINDOW);
        command.args(["--lang", "pt", "--page", page, "--state"]).arg(shop.state()).env("PATH", path);
        let program = screen.dress(&mut command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        screen.until_windows("the window opens", |screen| screen.shows(TITLE));
        screen.hand(&["search", "--onlyvisible", "--name", TITLE, "windowactivate", "--sync"]);
        Self { screen, program }
    }

    fn keys(&self, key: &str, times: usize) -> &Self {
        (0..times).for_each(|_| self.screen.hand(&["key", key]));
        self
    }

    fn types(&self, text: &str) -> &Self {
        self.screen.hand(&["type", text]);
        self
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let _ended_already = self.program.kill();
        let _ended_already = self.program.wait();
    }
}

/// Opens the window and works it, and opens it anew where nothing comes of that: keys are lost on what cannot be chosen yet.
fn work_until(shop: &Shop, screen: &Screen, page: &str, work: impl Fn(&Window), came: impl Fn() -> bool) {
    let picked = shop.path("pen").display().to_string();
    for _ in 0..TRIES {
        let window = Window::open(shop, screen, page, &picked);
        work(&window);
        if came() {
            return;
        }
    }
    panic!("in vain: {page}");
}

#[test]
fn the_button_of_the_window_makes_a_backup() {
    let (_server, shop, screen) = shop();
    let tray = Tray::start(&shop, &screen, &["--minimized"]);
    rested(&shop, &screen);
    work_until(
        &shop,
        &screen,
        "home",
        |window| {
            window.keys("Tab", PAGES + 1).keys("space", 1);
        },
        || was_asked_for(&shop),
    );
    let made = rested(&shop, &screen).last.unwrap();
    assert_eq!((made.trigger, made.outcome), (Trigger::Request, Some(Outcome::Success)), "{made:?}");
    assert_eq!(tray.end(), Some(0));
}

#[test]
fn a_manual_backup_goes_from_the_window_to_the_folder_that_was_picked() {
    let (_server, shop, screen) = shop();
    let tray = Tray::start(&shop, &screen, &["--minimized"]);
    rested(&shop, &screen);
    fs::create_dir(shop.path("pen")).unwrap();
    let made = shop.path("pen").join("MCDados.zip");
    work_until(
        &shop,
        &screen,
        "manual",
        |window| {
            // From the last one back: «Voltar», «Escolher pasta…»; then on to «Fazer backup».
            window.keys("shift+Tab", 2).keys("space", 1);
            window.keys("Tab", 2).keys("space", 1);
        },
        || {
            shop.within(AGAIN, |status| status.last.as_ref().is_some_and(|last| last.manual.is_some()))
                .is_some()
        },
    );
    let last = rested(&shop, &screen).last.unwrap();
    assert_eq!((last.outcome, last.manual.map(|copy| copy.done)), (Some(Outcome::Success), Some(true)));
    assert_eq!(shop.ctl(&["inspect", made.to_str().unwrap()]).exit, 0);
    assert_eq!(tray.end(), Some(0));
}

#[test]
fn a_backup_is_restored_beside_from_the_window() {
    let (_server, shop, screen) = shop();
    let tray = Tray::start(&shop, &screen, &["--minimized"]);
    rested(&shop, &screen);
    work_until(
        &shop,
        &screen,
        "restore",
        |window| {
            // The first backup of the list; then back over all pages to the last button, «Restaurar ao lado».
            window.keys("Tab", PAGES + 1).keys("Down", 1);
            window.keys("shift+Tab", PAGES + 1).keys("space", 1);
        },
        || shop.within(AGAIN, |status| status.last_restore.is_some()).is_some(),
    );
    let restored = shop.until(|status| status.restore.is_none()).last_restore.unwrap();
    assert!(matches!(restored.task, Task::Beside { .. }), "{restored:?}");
    assert_eq!(restored.outcome, Some(Outcome::Success), "{restored:?}");
    let beside = restored.target.unwrap();
    assert_eq!(shop.ctl(&["restore", "--drop", &beside, "--wait"]).exit, 0, "it is there");
    assert_eq!(tray.end(), Some(0));
}

/// The shop's sales, as its application sees them.
fn sales(server: &StandIn) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        Application::connect(server).await.rows("SELECT * FROM [MCDados].dbo.[VENDAS]").await.len()
    })
}

fn sell_nothing(server: &StandIn) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut application = Application::connect(server).await;
        application.run("DELETE FROM [MCDados].dbo.[ITENS_VENDA]").await;
        application.run("DELETE FROM [MCDados].dbo.[VENDAS]").await;
    });
}

/// The last restore, once it has ended, where `is_it` says that it is the one.
fn restored(shop: &Shop, is_it: fn(&Task) -> bool) -> Option<RestoreReport> {
    let is_there = |last: &RestoreReport| is_it(&last.task);
    let begun = |status: &Status| {
        status.restore.as_ref().is_some_and(|restore| is_it(&restore.task))
            || status.last_restore.as_ref().is_some_and(is_there)
    };
    shop.within(AGAIN, begun)?;
    let ended = shop.until(|status| status.restore.is_none()).last_restore.unwrap();
    assert!(is_it(&ended.task), "{ended:?}");
    assert_eq!(ended.outcome, Some(Outcome::Success), "{ended:?}");
    Some(ended)
}

#[test]
fn a_backup_takes_the_databases_place_from_the_window_and_gives_it_back() {
    let (server, shop, screen) = shop();
    let tray = Tray::start(&shop, &screen, &["--minimized"]);
    rested(&shop, &screen);
    let sold = sales(&server);
    assert!(sold > 0, "there is something to restore");
    sell_nothing(&server);
    let replaced = |task: &Task| matches!(task, Task::Replace { .. });
    work_until(
        &shop,
        &screen,
        "restore",
        |window| {
            window.keys("Tab", PAGES + 1).keys("Down", 1);
            // Back over all pages and the last button to «No lugar do banco da loja»; then name, login, password, the button.
            window.keys("shift+Tab", PAGES + 2).keys("space", 1);
            window.keys("Tab", 1).types("MCDados").keys("Tab", 3).keys("space", 1);
        },
        || restored(&shop, replaced).is_some(),
    );
    assert_eq!(sales(&server), sold, "the shop works with the backup");
    let kept = shop.until(|_| true).last_restore.unwrap().kept.unwrap();
    assert!(kept.starts_with("MCDados_antes_"), "{kept}");

    let undone = |task: &Task| matches!(task, Task::Undo { .. });
    work_until(
        &shop,
        &screen,
        "restore",
        |window| {
            // The checklist stands before the name.
            window.keys("Tab", PAGES + Item::ALL.len() + 1).types("MCDados").keys("Tab", 3).keys("space", 1);
        },
        || restored(&shop, undone).is_some(),
    );
    assert_eq!(sales(&server), 0, "the shop works with its own database");
    assert_eq!(tray.end(), Some(0));
}
