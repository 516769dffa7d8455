//! The page «Restaurar…»: what it lists, what it asks, what it offers afterwards.

use super::buttons::Shown;
use super::made_up;
use super::problems::real;
use crate::agent::history::tests::{at, problem};
use crate::agent::status::{Activity, RestoringView, Status};
use crate::backup::outcome::Outcome;
use crate::control::link::Link;
use crate::control::protocol::{LoginTyped, Place, Source, Typed};
use crate::cycle::catalogue::Severity;
use crate::problem::Code;
use crate::restore::outcome::{
    From, Item, Listed, Replacement, RestoreProgress, RestoreReport, Stage, StageTime, Task,
};
use crate::slot::{Day, Hour, Set};
use crate::sqlserver::TableCount;
use crate::window::clerk::{Ask, News};
use crate::window::doing;
use crate::window::restore::{Guide, login};
use crate::window::ui::{Mood, Page, Restoring};
use crate::words;
use crate::words::Language;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

const PT: Language = Language::Portuguese;
/// A database that was restored beside.
const BESIDE: &str = "MCDados_restaurado_20261122_140700";
/// The old database after a replacement.
const KEPT: &str = "MCDados_antes_20261122";

fn listed(from: &str, place: Option<Place>, path: &str, hour: i64) -> Listed {
    Listed {
        from: from.to_owned(),
        place,
        path: path.to_owned(),
        bytes: 131 << 20,
        modified: at(hour),
        begun: Some(at(hour)),
        database: Some("MCDados".to_owned()),
        server: Some(r"BALCAO\SQLEXPRESS".to_owned()),
        sequence: Some(7),
        verified: Some(words!("nenhum erro encontrado", "no error found")),
        verified_at: Some(at(hour)),
        problem: None,
    }
}

/// What can be restored from: of each kind one, and one that cannot.
pub fn sources() -> Vec<Listed> {
    let (server, terminal) = (Some(Place::Server), Some(Place::Terminal));
    let mut broken = listed("08h", terminal, r"\\CAIXA02\MCBkp\08h\MCDados.zip", 8);
    broken.problem = Some(real(Code::ArchiveDamaged));
    let mut foreign = listed(r"D:\MBHSist\Backup\extra\x.zip", server, r"D:\MBHSist\Backup\extra\x.zip", 12);
    (foreign.verified, foreign.verified_at) = (None, None);
    vec![
        listed("newest", server, r"D:\MBHSist\Backup\MCDados.zip", 14),
        listed("09h", server, r"D:\MBHSist\Backup\09h\MCDados.zip", 9),
        listed("Sexta", terminal, r"\\CAIXA02\MCBkp\Sexta\MCDados.zip", -28),
        foreign,
        broken,
    ]
}

/// As many as there may be, each an hour older than the one before.
pub fn many(count: u8) -> Vec<Listed> {
    let path = |at: u8| format!(r"D:\MBHSist\Backup\extra\{at:02}.zip");
    (0..count).map(|at| listed(&path(at), Some(Place::Server), &path(at), 14 - i64::from(at))).collect()
}

/// What the page calls them.
pub fn titles(sources: &[Listed]) -> impl Iterator<Item = String> {
    let mut guide = Guide::default();
    guide.listed(Ok((sources.to_vec(), None)));
    guide.files(made_up::well().now, PT).into_iter().map(|file| file.title.into())
}

fn from_newest() -> Source {
    Source::Set { set: Set::Newest, place: Place::Server }
}

/// A restore that ended so.
pub fn report(number: u128, task: Task, target: &str, outcome: Outcome) -> RestoreReport {
    RestoreReport {
        id: Uuid::from_u128(number),
        task,
        by: "maria".to_owned(),
        started_at: at(14),
        finished_at: Some(at(14)),
        outcome: Some(outcome),
        database: "MCDados".to_owned(),
        from: Some(From {
            shown: r"D:\MBHSist\Backup\MCDados.zip".to_owned(),
            bytes: 131 << 20,
            verdict: Some(words!("nenhum erro encontrado", "no error found")),
            ..From::default()
        }),
        target: Some(target.to_owned()),
        kept: None,
        safety: None,
        stages: vec![StageTime { stage: Stage::Checking, millis: 5_000 }],
        counts: vec![TableCount { table: "dbo.Produtos".to_owned(), rows: 4_811 }],
        compared: None,
        defects: Vec::new(),
        statements: Vec::new(),
        problems: Vec::new(),
    }
}

/// A shop with a restored database beside its own.
pub fn beside() -> RestoreReport {
    report(1, Task::Beside { source: from_newest() }, BESIDE, Outcome::Success)
}

/// A shop that works with a restored database, and whose old one is kept.
pub fn replaced() -> RestoreReport {
    let task = Task::Replace { source: from_newest(), confirm: "MCDados".to_owned() };
    RestoreReport {
        kept: Some(KEPT.to_owned()),
        safety: Some(r"D:\MBHSist\Backup\extra\antes da restauração.zip".to_owned()),
        ..report(2, task, "MCDados", Outcome::Success)
    }
}

/// The agent of the shop in the middle of a restore.
pub fn going() -> Status {
    let progress = RestoreProgress {
        stage: Stage::Restoring,
        done_bytes: 275 << 20,
        total_bytes: Some(640 << 20),
        percent: Some(43.0),
        left_secs: Some(42),
    };
    Status {
        activity: Activity::Restoring,
        line: Stage::Restoring.line(),
        restore: Some(RestoringView {
            id: Uuid::from_u128(1),
            task: Task::Beside { source: from_newest() },
            by: "maria".to_owned(),
            started_at: at(14),
            stage: Stage::Restoring,
            progress: Some(progress),
            cancelling: false,
        }),
        ..made_up::well()
    }
}

/// The agent once that restore has ended.
pub fn ended(last: RestoreReport) -> Status {
    Status { last_restore: Some(last), ..made_up::well() }
}

/// The agent of a shop that works with a restored database, of whose checklist `ticked` is ticked.
pub fn standing(ticked: &[Item]) -> Status {
    Status { replacement: Some(Replacement::new(Some(KEPT.to_owned()), ticked)), ..ended(replaced()) }
}

/// The agent after an exchange that was cut short.
pub fn cut() -> Status {
    let checks = crate::agent::testing::unhealthy(Severity::Alert, real(Code::RestoreInterrupted)).checks;
    let last = RestoreReport { outcome: Some(Outcome::Interrupted), kept: None, ..replaced() };
    Status { checks, ..ended(last) }
}

fn guide() -> Guide {
    let mut guide = Guide::default();
    guide.listed(Ok((sources(), None)));
    guide
}

#[test]
fn the_list_says_of_each_backup_where_it_is_and_how_it_was_checked() {
    let files = guide().files(made_up::well().now, PT);
    let table = [
        ("O mais novo, no servidor — hoje às 14:00", "conferido em 22/11/2026 14:00: nenhum erro encontrado"),
        ("09h, no servidor — hoje às 09:00", r"131 MB · MCDados · BALCAO\SQLEXPRESS · "),
        ("Sexta, no terminal — em 20/11/2026 às 20:00", "conferido em 20/11/2026"),
        ("x.zip, no servidor — hoje às 12:00", "não conferido por este programa"),
        ("08h, no terminal — hoje às 08:00", "O arquivo de backup está danificado"),
    ];
    for (file, (title, note)) in files.iter().zip(table) {
        assert_eq!(file.title, title);
        assert!(file.note.contains(note), "{}", file.note);
    }
    let broken: Vec<_> = files.iter().map(|file| file.broken).collect();
    assert_eq!(broken, [false, false, false, false, true]);
    let english = guide().files(made_up::well().now, Language::English);
    assert!(
        english[2].title.starts_with("Friday, at the terminal — "),
        "not the folder's name: {}",
        english[2].title
    );
}

#[test]
fn what_is_chosen_is_what_is_asked_for() {
    let mut guide = guide();
    assert_eq!(guide.task(Restoring::Beside, ""), None, "nothing is chosen");
    let source = |guide: &mut Guide, line| {
        guide.choose(line);
        guide.task(Restoring::Beside, "").and_then(|task| task.source().cloned())
    };
    let set = |set, place| Some(Source::Set { set, place });
    let extra = PathBuf::from(r"D:\MBHSist\Backup\extra\x.zip");
    assert_eq!(source(&mut guide, 0), set(Set::Newest, Place::Server));
    assert_eq!(source(&mut guide, 2), set(Set::Day(Day::Sexta), Place::Terminal));
    assert_eq!(source(&mut guide, 3), Some(Source::File { path: extra }));
    assert_eq!(source(&mut guide, 4), None, "it cannot be restored");
    assert_eq!(source(&mut guide, 99), None);
    let confirm = || "MCDados".to_owned();
    assert_eq!(guide.task(Restoring::Undo, "MCDados"), Some(Task::Undo { confirm: confirm() }));
    assert_eq!(guide.task(Restoring::Resume, "MCDados"), Some(Task::Resume { confirm: confirm() }));
    assert_eq!(guide.task(Restoring::Release, "MCDados"), Some(Task::Release { confirm: confirm() }));
    let tick = Task::Tick { items: vec![Item::Compras] };
    assert_eq!(guide.task(Restoring::Tick, "compras"), Some(tick));
    assert_eq!(guide.task(Restoring::Tick, "tudo"), None, "one by one");
    assert_eq!(guide.task(Restoring::Drop, "X"), Some(Task::Drop { database: "X".to_owned() }));
    assert_eq!(login(" ", "x"), None);
    assert_eq!(login("sa", "x"), Some(LoginTyped { user: "sa".to_owned(), password: Typed::new("x") }));
}

#[test]
fn a_choice_stays_with_its_backup_and_goes_when_another_takes_its_place() {
    let mut guide = guide();
    guide.choose(1);
    let mut moved = sources();
    moved.rotate_left(1);
    guide.listed(Ok((moved, None)));
    assert_eq!(guide.chosen(), Some(0));
    let mut newer = sources();
    newer[1].begun = Some(at(33));
    guide.listed(Ok((newer, None)));
    assert_eq!(guide.chosen(), None, "nobody restores what he did not choose");
    guide.listed(Err(problem(Code::AgentMissing)));
    assert!(guide.files_problem(PT).contains("agent.missing"));
}

#[test]
fn what_was_restored_decides_what_can_be_done_next() {
    let confirm = || "MCDados".to_owned();
    let release = report(3, Task::Release { confirm: confirm() }, "MCDados_antes", Outcome::Success);
    let undo = report(3, Task::Undo { confirm: confirm() }, "MCDados_restaurado_2", Outcome::Success);
    let failed = RestoreReport { outcome: Some(Outcome::Failed), ..undo.clone() };
    let drop = report(4, Task::Drop { database: BESIDE.to_owned() }, BESIDE, Outcome::Success);
    let table: [(&[RestoreReport], &[&str]); 7] = [
        (&[], &[]),
        (&[beside()], &[BESIDE]),
        (&[drop.clone(), beside()], &[]),
        (&[beside(), replaced()], &[BESIDE]),
        (&[release, replaced()], &[]),
        (&[undo, replaced()], &["MCDados_restaurado_2"]),
        (&[failed, replaced()], &[]),
    ];
    for (past, beside) in table {
        let mut guide = guide();
        guide.remember(past.to_vec());
        assert_eq!(guide.beside(), beside);
    }
    let stands = |status: &Status| {
        let shown = guide().restored(status, PT);
        (shown.replaced, shown.all_ticked, shown.kept.to_string())
    };
    assert_eq!(stands(&made_up::well()), (false, false, String::new()));
    assert_eq!(stands(&standing(&[Item::Fiscal])), (true, false, KEPT.to_owned()));
    assert_eq!(stands(&standing(&Item::ALL)), (true, true, KEPT.to_owned()));
    let lost = Status { replacement: Some(Replacement::new(None, &Item::ALL)), ..made_up::well() };
    assert_eq!(stands(&lost), (true, true, String::new()), "there was no old database");
    let mut guide = guide();
    assert!(guide.is_behind(&ended(beside())));
    guide.remember(vec![beside()]);
    assert!(!guide.is_behind(&ended(beside())));
    let restored = guide.restored(&ended(beside()), PT);
    assert_eq!(
        (restored.mood, restored.line.as_str()),
        (Mood::Well, "Sucesso: restauração ao lado, hoje às 14:00")
    );
    assert!(
        restored.details.contains("DBCC CHECKDB: nenhum erro\n1 tabela, 4811 registros"),
        "{}",
        restored.details
    );
    assert_eq!(guide.restored(&cut(), PT).cut, real(Code::RestoreInterrupted).sentence.pt.as_str());
}

#[test]
fn the_status_line_follows_a_restore_too() {
    let doing = doing::doing(&Link::Reached(Arc::new(going())), PT);
    assert_eq!(doing.line, "Restaurando backup...");
    assert_eq!(doing.figures, "43 % · 275 MB de 640 MB · faltam 42 s");
    assert!(doing.running && doing.stoppable && !doing.stopping);
}

fn shown() -> Shown {
    let mut shown = Shown::open(PT, made_up::well());
    shown.press("Restaurar…");
    assert_eq!(shown.asks(), [Ask::Sources(None), Ask::Restores]);
    assert!(shown.says("Procurando backups…"));
    shown.learn(News::Sources(Ok((sources(), None))));
    shown.learn(News::Restores(Vec::new()));
    shown
}

#[test]
fn a_restore_beside_needs_a_backup_and_is_followed_to_its_removal() {
    let mut shown = shown();
    assert_eq!(shown.one("Restaurar ao lado").accessible_enabled(), Some(false), "nothing is chosen");
    shown.press("08h, no terminal — hoje às 08:00");
    assert_eq!(shown.one("Restaurar ao lado").accessible_enabled(), Some(false), "it cannot be restored");
    shown.press("09h, no servidor — hoje às 09:00");
    shown.press("Restaurar ao lado");
    let source = Source::Set { set: Set::Hour(Hour::new(9).unwrap()), place: Place::Server };
    assert_eq!(shown.asks(), [Ask::Restore(Task::Beside { source }, None)]);
    assert_eq!(shown.one("Restaurar ao lado").accessible_enabled(), Some(false), "one at a time");
    shown.learn(News::Restore(Err(problem(Code::AgentNotNow))));
    assert!(shown.says("agent.not-now"), "why it does not begin");
    shown.press("Restaurar ao lado");
    shown.asks();
    shown.learn(News::Restore(Ok(Uuid::from_u128(1))));
    shown.learn(News::Link(Link::Reached(Arc::new(going()))));
    assert!(shown.says("Restaurando backup..."));
    shown.press("Parar");
    assert_eq!(shown.asks(), [Ask::Stop]);
    shown.learn(News::Link(Link::Reached(Arc::new(ended(beside())))));
    assert_eq!(shown.asks(), [Ask::Restores]);
    shown.learn(News::Restores(vec![beside()]));
    assert!(shown.says("Sucesso: restauração ao lado"));
    shown.press(&format!("Remover {BESIDE}"));
    assert_eq!(shown.asks(), [Ask::Restore(Task::Drop { database: BESIDE.to_owned() }, None)]);
}

#[test]
fn a_replacement_needs_the_name_of_the_database() {
    let mut shown = shown();
    shown.press("O mais novo, no servidor — hoje às 14:00");
    shown.press("No lugar do banco da loja");
    assert!(shown.all("Restaurar ao lado").is_empty());
    let button = "Substituir o banco da loja";
    assert_eq!(shown.one(button).accessible_enabled(), Some(false), "nothing is typed");
    shown.one("Nome do banco de dados da loja").set_accessible_value("mcdados");
    assert_eq!(shown.one(button).accessible_enabled(), Some(false), "not its name");
    shown.one("Nome do banco de dados da loja").set_accessible_value("MCDados");
    shown.one("Login do SQL Server").set_accessible_value("sa");
    shown.one("Senha do login do SQL Server").set_accessible_value("segredo");
    shown.press(button);
    let task = Task::Replace { source: from_newest(), confirm: "MCDados".to_owned() };
    assert_eq!(shown.asks(), [Ask::Restore(task, login("sa", "segredo"))]);
    shown.learn(News::Restore(Err(problem(Code::AgentForbidden))));
    assert_eq!(shown.one(button).accessible_enabled(), Some(false), "it is confirmed anew");
}

#[test]
fn after_a_replacement_the_shop_is_looked_at_and_released_or_the_old_database_returns() {
    let confirm = || "MCDados".to_owned();
    let mut shown = shown();
    let release = "Liberar e remover o banco anterior";
    shown.learn(News::Restores(vec![replaced()]));
    shown.learn(News::Link(Link::Reached(Arc::new(standing(&Item::ALL)))));
    assert!(shown.says("Somente libere o sistema para uso após garantir que tudo está em ordem"));
    let confirmed = |shown: &mut Shown, button: &str, task| {
        assert_eq!(shown.one(button).accessible_enabled(), Some(false), "{button}: nothing is typed");
        shown.one("Nome do banco de dados da loja").set_accessible_value("MCDados");
        shown.asks();
        shown.press(button);
        assert_eq!(shown.asks(), [Ask::Restore(task, None)]);
        shown.learn(News::Restore(Ok(Uuid::from_u128(9))));
    };
    confirmed(&mut shown, "Voltar ao banco anterior", Task::Undo { confirm: confirm() });
    confirmed(&mut shown, release, Task::Release { confirm: confirm() });
    shown.learn(News::Link(Link::Reached(Arc::new(cut()))));
    assert!(shown.all(release).is_empty());
    confirmed(&mut shown, "Continuar a restauração", Task::Resume { confirm: confirm() });
    confirmed(&mut shown, "Voltar ao banco anterior", Task::Undo { confirm: confirm() });
}

#[test]
fn each_item_of_the_checklist_is_ticked_by_itself_and_the_old_database_goes_only_after_all() {
    tick_one_by_one(
        PT,
        "A sequência de NFC-e e NF-e está certa",
        "Nome do banco de dados da loja",
        "Liberar e remover o banco anterior",
    );
}

#[test]
fn the_checklist_is_ticked_in_english_too() {
    tick_one_by_one(
        Language::English,
        "The sequence of NFC-e and NF-e is right",
        "Name of the shop's database",
        "Release and remove the old database",
    );
}

fn tick_one_by_one(language: Language, fiscal: &str, name: &str, release: &str) {
    let mut shown = Shown::open(language, standing(&[Item::Vendas]));
    shown.window.invoke_open(Page::Restore);
    shown.asks();
    let items: Vec<_> =
        guide().checklist(&standing(&[]), language).into_iter().map(|item| item.text).collect();
    let checked =
        |shown: &Shown| items.iter().map(|text| shown.one(text).accessible_checked()).collect::<Vec<_>>();
    assert_eq!(checked(&shown), [true, false, false, false, false].map(Some));
    assert_eq!(shown.one(&items[0]).accessible_enabled(), Some(false), "a tick stays");
    shown.press(&items[0]);
    assert_eq!(shown.asks(), []);

    shown.press(fiscal);
    let tick = Task::Tick { items: vec![Item::Fiscal] };
    assert_eq!(shown.asks(), [Ask::Restore(tick, None)]);
    assert_eq!(shown.one(fiscal).accessible_enabled(), Some(false), "one at a time");
    shown.learn(News::Restore(Err(problem(Code::AgentNotNow))));
    assert!(shown.says("agent.not-now"), "a backup goes on");
    assert_eq!(shown.one(fiscal).accessible_checked(), Some(false), "only what is recorded is ticked");

    shown.one(name).set_accessible_value("MCDados");
    for ticked in [&Item::ALL[..4], &Item::ALL] {
        assert_eq!(shown.one(release).accessible_enabled(), Some(false), "{ticked:?}");
        shown.learn(News::Link(Link::Reached(Arc::new(standing(ticked)))));
    }
    assert_eq!(checked(&shown), [Some(true); 5]);
    assert_eq!(shown.one(release).accessible_enabled(), Some(true), "all is ticked");
}

#[test]
fn backups_that_may_have_changed_are_listed_anew_while_the_page_is_open() {
    let mut shown = shown();
    shown.learn(News::Runs(made_up::runs()));
    assert_eq!(shown.asks(), [Ask::Sources(None)]);
    shown.window.invoke_open(Page::Home);
    shown.asks();
    shown.learn(News::Runs(made_up::runs()));
    assert_eq!(shown.asks(), [], "nobody looks at the list");
}
