//! The window's buttons and fields, found as a screen reader finds them.

use super::made_up;
use crate::agent::history::tests::problem;
use crate::agent::status::Status;
use crate::backup::outcome::{CopyReport, Outcome, RunId, RunReport};
use crate::control::client::Accepted;
use crate::control::link::Link;
use crate::control::protocol::Typed;
use crate::platform::{Drive, Space};
use crate::problem::Code;
use crate::window::args::Wish;
use crate::window::clerk::{Ask, News};
use crate::window::program::{Stage, new_window};
use crate::window::scene::Scene;
use crate::window::ui::{MainWindow, Page};
use crate::words::Language;
use i_slint_backend_testing::{
    AccessibleRole, ElementHandle, ElementQuery, init_no_event_loop, mock_elapsed_time,
};
use slint::platform::Key;
use slint::{ComponentHandle, LogicalSize, SharedString};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A window whose agent is at `status`, and what it asks.
pub struct Shown {
    pub window: MainWindow,
    stage: Stage,
    asked: UnboundedReceiver<Ask>,
}

impl Shown {
    pub fn open(language: Language, status: Status) -> Self {
        init_no_event_loop();
        let window = new_window(language).unwrap();
        let (asks, asked) = unbounded_channel();
        let stage = Stage::new(&window, Scene::new(language), asks);
        stage.connect(&window);
        // What is scrolled out of sight is not found.
        window.window().set_size(LogicalSize::new(900.0, 1_600.0));
        let mut shown = Self { window, stage, asked };
        shown.learn(News::Link(Link::Reached(Arc::new(status))));
        shown.learn(News::Config(made_up::configuration()));
        shown.learn(News::Slots(made_up::slots(), None));
        shown.learn(News::Runs(made_up::runs()));
        shown.asks();
        shown
    }

    pub fn learn(&self, news: News) {
        self.stage.take(news, &self.window);
    }

    pub fn asks(&mut self) -> Vec<Ask> {
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }

    pub fn all(&self, label: &str) -> Vec<ElementHandle> {
        ElementHandle::find_by_accessible_label(&self.window, label).collect()
    }

    pub fn one(&self, label: &str) -> ElementHandle {
        self.all(label).into_iter().next().unwrap_or_else(|| panic!("there is no «{label}»"))
    }

    pub fn press(&self, label: &str) {
        self.one(label).invoke_accessible_default_action();
    }

    pub fn type_keys(&self, text: &str) {
        for key in text.chars() {
            let text = SharedString::from(key);
            self.window
                .window()
                .dispatch_event(slint::platform::WindowEvent::KeyPressed { text: text.clone() });
            self.window.window().dispatch_event(slint::platform::WindowEvent::KeyReleased { text });
        }
    }

    /// What the field with this label holds once the clipboard was put into it.
    fn pasted(&self, field: &str) -> String {
        let key = |text: &SharedString| slint::platform::WindowEvent::KeyPressed { text: text.clone() };
        let (control, v) = (SharedString::from(Key::Control), SharedString::from("v"));
        for event in [key(&control), key(&v)] {
            self.window.window().dispatch_event(event);
        }
        for text in [v, control] {
            self.window.window().dispatch_event(slint::platform::WindowEvent::KeyReleased { text });
        }
        self.all(field).iter().find_map(ElementHandle::accessible_value).unwrap_or_default().into()
    }

    pub fn says(&self, text: &str) -> bool {
        let query = ElementQuery::from_root(&self.window).match_descendants();
        let found = query.match_predicate({
            let text = text.to_owned();
            move |element| element.accessible_label().is_some_and(|label| label.contains(text.as_str()))
        });
        found.find_first().is_some()
    }
}

#[test]
fn the_buttons_of_the_manual_ask_the_agent() {
    let mut shown = Shown::open(Language::Portuguese, made_up::well());
    assert!(shown.says("Tudo certo. Último backup hoje às 14:03, no servidor e no terminal."));
    assert!(shown.says("Versão "));
    shown.press("Realizar Backup");
    assert_eq!(shown.asks(), [Ask::Backup]);
    assert!(shown.all("Parar").is_empty(), "nothing goes on");
    shown.learn(News::Link(Link::Reached(Arc::new(made_up::working()))));
    shown.press("Parar");
    assert_eq!(shown.asks(), [Ask::Stop]);
    shown.learn(News::Done(Err(problem(Code::AgentForbidden))));
    assert!(shown.says("agent.forbidden"));
    shown.learn(News::Done(Ok(())));
    assert!(!shown.says("agent.forbidden"));
    assert_eq!(shown.one("Atualizar IP").accessible_enabled(), Some(false), "no head office is configured");
    assert!(shown.says("esta loja não tem uma matriz na configuração"));
    shown.press("Backup Manual");
    assert_eq!(shown.window.get_page(), Page::Manual);
    shown.press("Início");
    shown.press("Config. APP");
    assert_eq!(shown.window.get_page(), Page::Config);
    assert!(shown.asks().contains(&Ask::Config));
}

#[test]
fn what_cannot_be_done_now_cannot_be_pressed() {
    let shown = Shown::open(Language::Portuguese, made_up::unconfigured());
    assert_eq!(shown.one("Realizar Backup").accessible_enabled(), Some(false));
    assert_eq!(shown.one("Backup Manual").accessible_enabled(), Some(false));
    shown.learn(News::Link(Link::Lost(problem(Code::AgentMissing))));
    assert!(shown.says("o agente de backup não responde"));
    shown.learn(News::Link(Link::Reached(Arc::new(made_up::well()))));
    assert_eq!(
        shown.one("Realizar Backup").accessible_enabled(),
        Some(true),
        "it survives the agent's restart"
    );
}

#[test]
fn a_set_shows_its_details_when_it_is_chosen_by_pointer_or_keyboard() {
    let shown = Shown::open(Language::Portuguese, made_up::well());
    assert!(shown.says("Escolha um horário ou um dia para ver os detalhes."));
    shown.press("10h, Servidor: hoje às 10:02");
    assert!(shown.says("Conferência: nenhum erro"));
    assert_eq!(shown.one("10h, Servidor: hoje às 10:02").accessible_checked(), Some(true));
    shown.learn(News::Slots(made_up::slots(), Some(problem(Code::TerminalMissing))));
    assert!(shown.says("terminal.missing"), "why the terminal is not looked at");
    assert!(shown.says("Conferência: nenhum erro"), "and what was chosen stays chosen");
    shown.press("Sexta, Terminal: em 20/11/2026 às 20:02");
    assert!(shown.says(r"\\CAIXA02\MCBkp\Sexta\MCDados.zip"));
    shown.press("10/11/2026");
    assert!(shown.says("10/11/2026: 12 backup(s)"));
}

#[test]
fn the_journal_is_filtered_and_shows_details() {
    let mut shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Diário");
    assert_eq!(shown.asks(), [Ask::Journal(None)]);
    shown.learn(News::Journal(Ok(made_up::runs())));
    assert_eq!(shown.one("Copiar").accessible_enabled(), Some(false));
    shown.press("22/11/2026 10:00 Sucesso com avisos");
    assert_eq!(shown.one("Copiar").accessible_enabled(), Some(true));
    shown.press("Copiar");
    shown.press("Fechar…");
    assert!(shown.pasted("Senha").contains("Verifique se o terminal está ligado"), "it is in the clipboard");
    shown.press("Diário");
    shown.asks();
    shown.window.invoke_filtered(3);
    assert_eq!(shown.asks(), [Ask::Journal(Some(Outcome::Failed))]);
    shown.learn(News::Journal(Ok(Vec::new())));
    assert!(shown.says("Nenhum backup aqui ainda."));
    shown.learn(News::Journal(Err(problem(Code::Journal))));
    assert!(shown.says("journal hint"));
}

#[test]
fn the_keyboard_goes_from_run_to_run_however_many_there_are() {
    let shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Diário");
    shown.learn(News::Journal(Ok(made_up::runs())));
    // Over the six names of pages and the list of filters to the runs.
    (0..8).for_each(|_| shown.type_keys(&SharedString::from(Key::Tab)));
    shown.type_keys(&SharedString::from(Key::DownArrow));
    assert_eq!(shown.one("22/11/2026 14:00 Sucesso").accessible_checked(), Some(true), "the newest");
    shown.type_keys(&SharedString::from(Key::DownArrow));
    assert_eq!(shown.one("22/11/2026 13:00 Sucesso").accessible_checked(), Some(true));
    shown.type_keys(&SharedString::from(Key::End));
    assert_eq!(shown.one("24/10/2026 08:00 Sucesso").accessible_checked(), Some(true), "and it is in sight");
    shown.type_keys(&SharedString::from(Key::UpArrow));
    assert_eq!(shown.one("24/10/2026 09:00 Sucesso").accessible_checked(), Some(true));
    shown.type_keys(&SharedString::from(Key::Home));
    assert_eq!(shown.one("22/11/2026 14:00 Sucesso").accessible_checked(), Some(true));
    // From the runs over their details to the button.
    (0..2).for_each(|_| shown.type_keys(&SharedString::from(Key::Tab)));
    shown.type_keys(" ");
    shown.press("Fechar…");
    assert!(shown.pasted("Senha").contains("22/11/2026 14:00"), "«Copiar» was pressed");
}

#[test]
fn the_password_is_typed_and_entered_and_a_wrong_one_is_told() {
    let mut shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Fechar…");
    assert!(shown.says("hoje no servidor: 22/11/2026"));
    assert_eq!(shown.one("Fechar").accessible_enabled(), Some(false), "nothing is typed");
    shown.type_keys("01012000");
    shown.type_keys("\n");
    assert_eq!(shown.asks(), [Ask::Quit(Typed::new("01012000"), false)]);
    shown.learn(News::Quit(Err(problem(Code::AgentPassword))));
    assert!(shown.says("agent.password"));
    shown.type_keys("22112026");
    shown.press("Fechar");
    assert_eq!(shown.asks(), [Ask::Quit(Typed::new("22112026"), false)], "the wrong text is gone");
    shown.learn(News::Quit(Err(problem(Code::AgentRunGoesOn))));
    assert!(shown.says("Parar o backup e fechar o programa?"));
    shown.press("Parar e fechar");
    assert_eq!(shown.asks(), [Ask::Quit(Typed::new("22112026"), true)]);
    shown.learn(News::Quit(Err(problem(Code::AgentMissing))));
    shown.press("Cancelar");
    assert_eq!(shown.window.get_page(), Page::Home);
}

#[test]
fn a_manual_backup_goes_to_the_folder_that_was_chosen() {
    let mut shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Backup Manual");
    assert_eq!(shown.one("Fazer backup").accessible_enabled(), Some(false), "no folder is chosen");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    shown.asks();
    shown.window.invoke_folder_chosen(path.as_str().into());
    assert_eq!(shown.asks(), [Ask::Space(path.clone())]);
    assert!(shown.says(&format!("Destino: {path}")));
    let space = |free: u64| Ok(Space { free_bytes: free << 30, total_bytes: 64 << 30 });
    shown.learn(News::Space("elsewhere".to_owned(), space(3)));
    assert!(!shown.says("livres"), "another folder's");
    shown.learn(News::Space(path.clone(), space(27)));
    assert!(shown.says("27,0 GB livres"), "its free space");
    shown.press("Fazer backup");
    assert_eq!(shown.asks(), [Ask::Manual(path.clone(), false)]);
    assert_eq!(shown.one("Fazer backup").accessible_enabled(), Some(false), "it goes on");
    shown.learn(News::Manual(Err(problem(Code::ManualReplace))));
    shown.press("Substituir o que está lá");
    assert_eq!(shown.asks(), [Ask::Manual(path, true)]);
}

#[test]
fn a_manual_backup_that_was_made_is_told_with_its_place() {
    let mut shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Backup Manual");
    shown.window.invoke_folder_chosen(r"E:\".into());
    shown.press("Fazer backup");
    let working = made_up::working();
    let run = working.run.as_ref().unwrap().id;
    shown.learn(News::Manual(Ok(Accepted { run, joined: false })));
    shown.learn(News::Link(Link::Reached(Arc::new(working))));
    assert!(!shown.says("Backup realizado com sucesso"));
    shown.asks();
    shown.learn(News::Link(Link::Reached(Arc::new(made_up::well()))));
    assert_eq!(shown.asks(), [Ask::Run(run)]);
    let path = r"E:\MCDados.zip".to_owned();
    let copy =
        CopyReport { path, done: true, from_medium: Some(true), links_pending: false, bytes_per_sec: None };
    let made = made_up::full_run(14, Outcome::Success, &[]);
    shown.learn(News::Run(run, Some(Box::new(RunReport { id: run, manual: Some(copy), ..made }))));
    assert!(shown.says("Backup realizado com sucesso\nE:\\MCDados.zip"));
    assert_eq!(shown.one("Fazer backup").accessible_enabled(), Some(true));
}

#[test]
fn a_manual_backup_that_nobody_knows_any_more_is_not_waited_for() {
    let mut shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Backup Manual");
    shown.window.invoke_folder_chosen(r"E:\".into());
    shown.press("Fazer backup");
    let run = RunId::from_u128(77);
    shown.learn(News::Manual(Ok(Accepted { run, joined: false })));
    shown.learn(News::Link(Link::Lost(problem(Code::AgentMissing))));
    shown.asks();
    // Another agent, which knows nothing of it.
    shown.learn(News::Link(Link::Reached(Arc::new(made_up::well()))));
    assert!(shown.asks().contains(&Ask::Run(run)));
    shown.learn(News::Run(run, None));
    assert!(shown.says("O backup manual não foi feito: o agente foi reiniciado"));
    assert_eq!(shown.one("Fazer backup").accessible_enabled(), Some(true), "it can be asked for again");
}

#[test]
fn the_drives_that_can_be_taken_away_come_first_with_what_is_free() {
    let shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Backup Manual");
    assert!(shown.says("Procurando unidades…"));
    let drive = |path: &str, name: &str, removable, free: u64| Drive {
        path: path.into(),
        name: name.to_owned(),
        removable,
        space: Some(Space { free_bytes: free << 30, total_bytes: 500 << 30 }),
    };
    shown.learn(News::Drives(vec![
        drive(r"C:\", "Windows", false, 80),
        drive(r"E:\", "PENDRIVE", true, 27),
        drive(r"D:\", "Dados", false, 320),
    ]));
    let rows = [
        (r"PENDRIVE — Unidade removível E:\", "27,0 GB livres"),
        (r"Windows — Disco deste computador C:\", "80,0 GB livres"),
        (r"Dados — Disco deste computador D:\", "320 GB livres"),
    ];
    let mut above = 0.0;
    for (label, free) in rows {
        let row = shown.one(label);
        assert_eq!(row.accessible_description().unwrap(), free);
        assert!(row.absolute_position().y > above, "{label}");
        above = row.absolute_position().y;
    }
    shown.press(rows[0].0);
    assert_eq!(shown.window.get_folder(), r"E:\");
    shown.learn(News::Drives(Vec::new()));
    assert!(shown.says("Nenhuma unidade foi encontrada"));
}

#[test]
fn drives_are_looked_for_again_while_the_page_is_open_and_never_twice_at_once() {
    let mut shown = Shown::open(Language::Portuguese, made_up::well());
    let look = Duration::from_secs(3);
    let asked_after = |shown: &mut Shown, time| {
        mock_elapsed_time(time);
        shown.asks()
    };
    shown.press("Backup Manual");
    assert_eq!(shown.asks(), [Ask::Drives]);
    assert_eq!(asked_after(&mut shown, look * 2), [], "a disk that does not answer is not asked again");
    shown.learn(News::Drives(Vec::new()));
    assert_eq!(asked_after(&mut shown, look), [Ask::Drives]);
    shown.learn(News::Drives(Vec::new()));
    shown.press("Início");
    assert!(shown.says("Backups guardados"));
    shown.asks();
    assert_eq!(asked_after(&mut shown, look * 2), [], "nobody looks at them");
}

#[test]
fn a_changed_configuration_is_read_again() {
    let mut shown = Shown::open(Language::Portuguese, made_up::unconfigured());
    let status = |revision, in_force| {
        let mut status = made_up::well();
        (status.configuration.revision, status.configuration.in_force) = (revision, in_force);
        News::Link(Link::Reached(Arc::new(status)))
    };
    for (revision, in_force, asked) in
        [(1, true, vec![Ask::Config]), (1, true, vec![]), (2, true, vec![Ask::Config]), (2, true, vec![])]
    {
        shown.learn(status(revision, in_force));
        assert_eq!(shown.asks(), asked, "{revision}");
    }
    shown.learn(News::Link(Link::Lost(problem(Code::AgentMissing))));
    shown.learn(status(2, true));
    assert_eq!(shown.asks(), [Ask::Config], "another agent counts anew");
    let mut changed = made_up::configuration();
    for setting in changed.settings.iter_mut().filter(|setting| setting.key == "shop.cnpj") {
        setting.value = "99.888.777/0001-66".to_owned();
    }
    shown.learn(News::Config(changed));
    assert!(shown.says("CNPJ 99.888.777/0001-66"));
}

#[test]
fn the_run_whose_details_are_read_stays_chosen_when_another_ends() {
    let shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Diário");
    shown.learn(News::Journal(Ok(made_up::runs())));
    shown.press("22/11/2026 13:00 Sucesso");
    let mut more = made_up::runs();
    more.insert(0, made_up::full_run(15, Outcome::Success, &[]));
    shown.learn(News::Runs(more.clone()));
    assert_eq!(shown.one("22/11/2026 13:00 Sucesso").accessible_checked(), Some(true));
    assert_eq!(shown.one("22/11/2026 14:00 Sucesso").accessible_checked(), Some(false));
    more.retain(|run| run.hour != 13);
    shown.learn(News::Runs(more));
    assert_eq!(shown.window.get_run(), -1, "it is not there any more");
}

#[test]
fn the_journal_is_filtered_by_the_list_of_outcomes() {
    let mut shown = Shown::open(Language::Portuguese, made_up::well());
    shown.press("Diário");
    shown.learn(News::Journal(Ok(made_up::runs())));
    shown.asks();
    // Over the six names of pages to the list of outcomes.
    (0..7).for_each(|_| shown.type_keys(&SharedString::from(Key::Tab)));
    for outcome in [Outcome::Success, Outcome::Warning, Outcome::Failed] {
        shown.type_keys(&SharedString::from(Key::DownArrow));
        assert_eq!(shown.asks(), [Ask::Journal(Some(outcome))]);
    }
    let chosen = ElementQuery::from_root(&shown.window)
        .match_descendants()
        .match_accessible_role(AccessibleRole::Combobox)
        .find_first()
        .and_then(|list| list.accessible_value());
    assert_eq!(chosen.unwrap(), "Falhou");
    shown.learn(News::Journal(Ok(vec![made_up::full_run(9, Outcome::Failed, &[Code::SqlServiceStopped])])));
    assert!(
        shown.all("22/11/2026 09:00 Falhou").len() == 1 && shown.all("22/11/2026 14:00 Sucesso").is_empty()
    );
}

#[test]
fn a_second_start_opens_its_page_in_this_window() {
    let shown = Shown::open(Language::Portuguese, made_up::well());
    shown.stage.fulfil(&Wish { page: "about".to_owned(), message: String::new() }, &shown.window);
    assert_eq!(shown.window.get_page(), Page::About);
    assert!(shown.says("#MadeWithSlint"), "Slint's licence wants it");
    let told = Wish { page: "home".to_owned(), message: "O backup não começou.".to_owned() };
    shown.stage.fulfil(&told, &shown.window);
    assert!(shown.says("O backup não começou."));
}

#[test]
fn everything_that_can_be_pressed_has_a_name_and_can_be_reached_by_keyboard() {
    let shown = Shown::open(Language::Portuguese, made_up::working());
    for page in
        [Page::Home, Page::Journal, Page::Config, Page::Manual, Page::Restore, Page::About, Page::Close]
    {
        shown.window.invoke_open(page);
        let buttons = ElementQuery::from_root(&shown.window)
            .match_descendants()
            .match_accessible_role(AccessibleRole::Button)
            .find_all();
        let nameless: Vec<_> = buttons
            .iter()
            .filter(|button| button.accessible_label().is_none_or(|label| label.is_empty()))
            .map(ElementHandle::type_name)
            .collect();
        assert!(nameless.is_empty(), "{page:?}: {nameless:?}");
    }
    shown.window.invoke_open(Page::Home);
    // The second stop of the tabulator is the second page.
    shown.type_keys(&SharedString::from(Key::Tab));
    shown.type_keys(&SharedString::from(Key::Tab));
    shown.type_keys(" ");
    assert_eq!(shown.window.get_page(), Page::Journal);
}

#[test]
fn the_window_speaks_english_where_it_is_asked_to() {
    let shown = Shown::open(Language::English, made_up::well());
    for label in [
        "Back up now",
        "Manual backup",
        "Configuration",
        "Journal",
        "About",
        "Close…",
        "Restore…",
        "Update IP",
        "Backups that are kept",
    ] {
        assert!(!shown.all(label).is_empty(), "{label}");
    }
    assert!(shown.says("All is well. Last backup today at 14:03, on the server and at the terminal."));
    for label in ["Realizar Backup", "Diário", "Sobre"] {
        assert!(shown.all(label).is_empty(), "{label}");
    }
}

#[test]
fn every_word_of_the_pages_is_translated() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/window");
    let english = std::fs::read_to_string(root.join("translations/en/LC_MESSAGES/dmbackup.po")).unwrap();
    let mut words = 0;
    for page in std::fs::read_dir(root.join("ui")).unwrap() {
        let text = std::fs::read_to_string(page.unwrap().path()).unwrap();
        for rest in text.split("@tr(\"").skip(1) {
            let word = rest.split('"').next().unwrap();
            let entry = english.split_once(&format!("msgid \"{word}\"\nmsgstr \""));
            let translated = entry.is_some_and(|(_, rest)| !rest.starts_with('"'));
            assert!(translated, "«{word}» has no English");
            words += 1;
        }
    }
    assert!(words > 40, "the pages are read");
}
