//! What the window shows, as data, for each state of the agent.

use super::made_up;
use crate::agent::history::tests::{at, problem};
use crate::agent::status::{PendingView, Status, WaitingView};
use crate::backup::outcome::{Outcome, Purpose, RunId, RunReport};
use crate::config::Finding;
use crate::control::client::Accepted;
use crate::control::link::Link;
use crate::control::protocol::{CheckedView, Place, SlotView};
use crate::problem::Code;
use crate::window::manual::Errand;
use crate::window::sets::{self, Known, Picture};
use crate::window::trial::Trials;
use crate::window::ui::{Cell, Filling, Mood};
use crate::window::{doing, head, journal, plot, settings};
use crate::words::Language;
use chrono::TimeDelta;
use std::sync::Arc;

const PT: Language = Language::Portuguese;

fn reached(status: Status) -> Link {
    Link::Reached(Arc::new(status))
}

#[test]
fn the_head_says_whether_the_data_are_safe_since_when_and_what_to_do() {
    let mut local = made_up::well();
    local.subject.as_mut().unwrap().terminal = None;
    local.last_good.as_mut().unwrap().terminal = None;
    let first = Status { last: None, last_good: None, ..made_up::working() };
    let yesterday =
        Status { last_good: Some(made_up::full_run(-4, Outcome::Success, &[])), ..made_up::stopped() };
    let table = [
        (Link::Starting, Mood::Working, "Procurando o agente de backup…", ""),
        (
            reached(made_up::well()),
            Mood::Well,
            "Tudo certo. Último backup hoje às 14:03, no servidor e no terminal.",
            "",
        ),
        (
            reached(made_up::working()),
            Mood::Well,
            "Tudo certo. Último backup hoje às 14:03, no servidor e no terminal.",
            "",
        ),
        (
            reached(local),
            Mood::Warning,
            "Veja o aviso. Último backup hoje às 14:03, só neste computador.",
            "",
        ),
        (
            reached(made_up::pending()),
            Mood::Warning,
            "Veja o aviso. Último backup hoje às 14:03, só no servidor.",
            r"O terminal de backup não responde ou a pasta não existe: \\CAIXA02\MCBkp. Verifique se o terminal está ligado e na rede, e se a pasta está compartilhada; a cópia será feita quando ele voltar.",
        ),
        (
            reached(yesterday),
            Mood::Failed,
            "Atenção: backup com problema. Último bom backup ontem às 20:03.",
            "O serviço do SQL Server (MSSQL$SQLEXPRESS) está parado: sem ele não há backup. Inicie o serviço «MSSQL$SQLEXPRESS» (Serviços do Windows, ou systemctl start) e deixe a inicialização automática.",
        ),
        (reached(first), Mood::Working, "O primeiro backup está sendo feito.", ""),
        (
            reached(made_up::unconfigured()),
            Mood::Failed,
            "Ainda não há nenhum bom backup.",
            "Configuração, shop.legal_name: falta preencher. Esperado: a razão social.",
        ),
        (
            Link::Lost(problem(Code::AgentMissing)),
            Mood::Unreachable,
            "Não se sabe: o agente de backup não responde.",
            "agent.missing hint",
        ),
    ];
    for (link, mood, line, more) in table {
        let head = head::head(&link, "11.222.333/0001-81", PT);
        assert_eq!((head.mood, head.line.as_str(), head.more.as_str()), (mood, line, more));
    }
    let head = head::head(&reached(made_up::well()), "11.222.333/0001-81", PT);
    assert_eq!((head.shop.as_str(), head.cnpj.as_str()), ("Farmácia Modelo (loja 1)", "11.222.333/0001-81"));
}

#[test]
fn the_status_line_shows_how_far_a_run_is_and_what_comes_next() {
    let doing = |status| doing::doing(&reached(status), PT);
    let waiting = doing(made_up::well());
    assert_eq!(
        (waiting.line.as_str(), waiting.figures.as_str()),
        ("Aguardando tarefas...", "Próximo backup hoje às 15:00")
    );
    assert!(!waiting.running && !waiting.stoppable);
    let working = doing(made_up::working());
    assert_eq!(working.figures, "43 % · 275 MB de 640 MB · faltam 42 s");
    assert!(working.running && working.stoppable && !working.stopping);
    assert!((working.share - 0.43).abs() < 0.001);
    let mut stopping = made_up::working();
    stopping.run.as_mut().unwrap().cancelling = true;
    stopping.run.as_mut().unwrap().progress = None;
    let stopping = doing(stopping);
    assert!(stopping.stopping && stopping.share < 0.0 && stopping.figures.is_empty());
    assert_eq!(doing(made_up::stopped()).figures, "Nova tentativa hoje às 14:10");
    let waiting =
        |id| WaitingView { id: RunId::from_u128(id), purpose: Purpose::default(), asked_at: at(14) };
    let queue = |status, count: u128| {
        doing(Status { waiting: (0..count).map(waiting).collect(), ..status }).figures.to_string()
    };
    assert_eq!(
        queue(super::restoring::going(), 1),
        "43 % · 275 MB de 640 MB · faltam 42 s · 1 backup na fila"
    );
    assert_eq!(queue(made_up::working(), 2), "43 % · 275 MB de 640 MB · faltam 42 s · 2 backups na fila");
    let lost = doing::doing(&Link::Starting, PT);
    assert!(!lost.stoppable && lost.line == "Sem contato com o agente.");
}

fn pictures(status: &Status, runs: &[RunReport]) -> (Picture, Picture) {
    let slots = made_up::slots();
    let known = Known { status, slots: &slots, runs, language: PT };
    (sets::hours(&known), sets::weekdays(&known))
}

fn cell(picture: &Picture, row: usize, name: &str) -> Cell {
    let at = picture.names.iter().position(|other| other == name).unwrap();
    picture.rows[row].1[at].clone()
}

#[test]
fn the_pictures_show_what_is_there_how_old_and_what_its_check_said() {
    let (hours, days) = pictures(&made_up::pending(), &made_up::runs());
    assert_eq!((hours.names.len(), days.names.len()), (24, 7));
    let places: Vec<_> = hours.rows.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["Servidor", "Terminal"]);
    let table = [
        (0, "14", Filling::Fresh, "3m"),
        (1, "14", Filling::Pending, "3m"),
        (0, "10", Filling::Warned, "4h"),
        (0, "15", Filling::Fresh, "23h"),
        (0, "03", Filling::Empty, ""),
    ];
    for (row, name, filling, age) in table {
        let cell = cell(&hours, row, name);
        assert_eq!((cell.filling, cell.age.as_str()), (filling, age), "{name}");
    }
    assert_eq!(cell(&days, 0, "Sex").filling, Filling::Aged);
    assert_eq!(cell(&days, 0, "Seg").filling, Filling::Empty);
    let details = cell(&hours, 0, "10").details;
    assert!(
        details.starts_with("10h, Servidor: hoje às 10:02 · 131 MB\nConferência: nenhum erro"),
        "{details}"
    );
    assert!(
        details.contains("não responde") && details.ends_with(r"D:\MBHSist\Backup\10h\MCDados.zip"),
        "{details}"
    );
    assert_eq!(cell(&hours, 1, "03").label, "03h, Terminal: vazio");
    assert!(cell(&hours, 1, "13").details.contains("ainda a copiar para o terminal"));
}

#[test]
fn a_weekday_waits_for_the_terminal_too_until_the_last_of_the_day_is_there() {
    let pictured = |sequences: &[u64]| {
        let pending = sequences.iter().map(|sequence| PendingView {
            hour: u8::try_from(sequence - 10_000).unwrap(),
            sequence: *sequence,
            extra: false,
        });
        let mut slots = made_up::slots();
        // What the terminal has is of eight.
        let sunday = |slot: &&mut SlotView| slot.set == "Domingo" && slot.place == Place::Terminal;
        slots.iter_mut().filter(sunday).for_each(|slot| slot.modified = at(8) + TimeDelta::minutes(2));
        let status = Status { pending: pending.collect(), ..made_up::well() };
        let runs = made_up::runs();
        let days = sets::weekdays(&Known { status: &status, slots: &slots, runs: &runs, language: PT });
        (cell(&days, 0, "Dom").filling, cell(&days, 1, "Dom").filling, cell(&days, 1, "Sex").filling)
    };
    let (fresh, pending, aged) = (Filling::Fresh, Filling::Pending, Filling::Aged);
    assert_eq!(pictured(&[]), (fresh, fresh, aged));
    assert_eq!(pictured(&[10_014, 10_013]), (fresh, pending, aged));
    assert_eq!(pictured(&[10_008]), (fresh, fresh, aged), "older than what is there");
}

#[test]
fn a_file_that_was_read_again_tells_what_was_found() {
    let mut slots = made_up::slots();
    let checked = |problem| Some(CheckedView { at: at(11), problem });
    for slot in &mut slots {
        match (slot.set.as_str(), slot.place) {
            ("09h", Place::Server) => slot.checked = checked(None),
            ("11h", Place::Terminal) => slot.checked = checked(Some(problem(Code::SlotDamaged))),
            (_, Place::Server | Place::Terminal) => {}
        }
    }
    let (status, runs) = (made_up::pending(), made_up::runs());
    let hours = sets::hours(&Known { status: &status, slots: &slots, runs: &runs, language: PT });
    let sound = cell(&hours, 0, "09");
    assert_eq!(sound.filling, Filling::Fresh);
    assert!(sound.details.contains("Relido e conferido hoje às 11:00"), "{}", sound.details);
    let damaged = cell(&hours, 1, "11");
    assert_eq!(damaged.filling, Filling::Damaged);
    assert!(
        damaged.details.contains("DANIFICADO (relido hoje às 11:00): slot.damaged"),
        "{}",
        damaged.details
    );
}

#[test]
fn a_shop_without_a_terminal_has_one_row_and_one_without_a_configuration_none() {
    let mut local = made_up::well();
    local.subject.as_mut().unwrap().terminal = None;
    assert_eq!(pictures(&local, &[]).0.rows.len(), 1);
    assert_eq!(pictures(&made_up::unconfigured(), &[]), (Picture::default(), Picture::default()));
}

#[test]
fn a_clock_that_was_set_back_makes_no_odd_ages() {
    let status = Status { now: at(-400), ..made_up::well() };
    let (hours, _) = pictures(&status, &made_up::runs());
    assert_eq!(cell(&hours, 0, "14").age, "0m");
}

#[test]
fn the_plot_has_thirty_days_and_marks_failures() {
    let (days, summary) = plot::plot(&made_up::runs(), made_up::well().now, PT);
    assert_eq!(days.len(), 30);
    let failed: Vec<_> = days.iter().enumerate().filter(|(_, day)| day.failed).map(|(at, _)| at).collect();
    assert_eq!(failed, [17, 26]);
    assert!(
        days.iter()
            .all(|day| day.any && (0.0..=1.0).contains(&day.size) && (0.0..=1.0).contains(&day.length))
    );
    assert_eq!(days[29].details, "22/11/2026: 7 backup(s), até 120 MB em 2 min 37 s");
    assert!(summary.starts_with("Em 30 dias: 381 backup(s), até "), "{summary}");
    assert!(summary.ends_with("; 2 falha(s)."), "{summary}");
    let (none, summary) = plot::plot(&[], made_up::well().now, Language::English);
    assert!(none.iter().all(|day| !day.any && day.size == 0.0));
    assert_eq!(summary, "In 30 days: no backup.");
}

#[test]
fn the_journal_tells_of_each_run_what_matters_most() {
    let row = |hour, outcome, codes: &[Code]| journal::row(&made_up::full_run(hour, outcome, codes), PT);
    let good = row(14, Outcome::Success, &[]);
    assert_eq!(
        (good.mood, good.when.as_str(), good.outcome.as_str()),
        (Mood::Well, "22/11/2026 14:00", "Sucesso")
    );
    assert_eq!(good.note, "horário · 2 min 37 s · 120 MB");
    assert!(good.details.contains("conferência: nenhum erro"), "{}", good.details);
    let failed = row(9, Outcome::Failed, &[Code::SqlServiceStopped]);
    assert_eq!(failed.note, "O serviço do SQL Server (MSSQL$SQLEXPRESS) está parado: sem ele não há backup.");
    assert!(failed.details.contains("Inicie o serviço"), "with what to do: {}", failed.details);
    let moods =
        [Outcome::Warning, Outcome::Cancelled, Outcome::Interrupted].map(|outcome| row(9, outcome, &[]).mood);
    assert_eq!(moods, [Mood::Warning, Mood::Unreachable, Mood::Unreachable]);
    assert_eq!(journal::filters(PT).len(), journal::FILTERS.len());
}

#[test]
fn the_configuration_is_grouped_and_problems_stand_at_their_keys() {
    let (view, file) = (made_up::configuration(), made_up::unconfigured().configuration);
    let rows = settings::settings(&view, &file, &Trials::default(), PT);
    let groups: Vec<_> =
        rows.iter().map(|row| row.group.as_str()).filter(|group| !group.is_empty()).collect();
    assert_eq!(
        groups,
        ["Geral", "Loja", "SQL Server", "Backup", "Terminal de backup", "Avisos por e-mail", "Sinal de vida"]
    );
    let row = |key: &str| rows.iter().find(|row| row.key == key).unwrap();
    assert_eq!(
        (row("password").value.as_str(), row("password").origin.as_str()),
        ("***", "variável DMBACKUP_SENHA")
    );
    assert!(row("legal_name").problem.contains("falta preencher"));
    assert!(row("cnpj").problem.is_empty());
    assert_eq!(settings::problem(&view, &file, PT), "");
    let unknown = Finding { key: "backup.fodler".to_owned(), ..file.findings[0].clone() };
    let mut kept = made_up::well().configuration;
    kept.findings = vec![unknown];
    let told = settings::problem(&view, &kept, PT);
    assert!(
        told.starts_with("O arquivo tem erros; continua valendo") && told.contains("falta preencher"),
        "{told}"
    );
}

#[test]
fn a_manual_backup_is_followed_to_its_end_however_its_run_is_told() {
    let mut errand = Errand::default();
    errand.choose("/media/pen".to_owned());
    errand.ask();
    assert!(errand.shown(None, PT).busy);
    errand.choose("/elsewhere".to_owned());
    assert_eq!(errand.folder, "/media/pen", "not while one goes on");
    errand.answered(Err(problem(Code::ManualReplace)), PT);
    assert!(errand.must_confirm && !errand.shown(None, PT).busy);
    let run = made_up::working().run.unwrap().id;
    errand.ask();
    errand.answered(Ok(Accepted { run, joined: false }), PT);
    assert!(!errand.must_confirm);
    assert_eq!(errand.follow(&made_up::working(), PT), None, "it is shown");
    let shown = errand.shown(Some(&made_up::working()), PT);
    assert_eq!((shown.line.as_str(), shown.busy), ("Compactando backup...", true));
    assert_eq!(errand.follow(&made_up::well(), PT), Some(run), "it is over");
    let mut report = made_up::full_run(14, Outcome::Failed, &[Code::SqlServiceStopped]);
    errand.told(&report, PT);
    assert!(errand.shown(None, PT).busy, "another run's end is not its end");
    report.id = run;
    errand.told(&report, PT);
    let (mood, text) = errand.shown(None, PT).result.unwrap();
    assert_eq!(mood, Mood::Failed);
    assert!(text.starts_with("Falhou. O serviço"), "{text}");
    assert_eq!(errand.follow(&made_up::well(), PT), None);
}

#[test]
fn a_manual_backup_is_given_up_only_where_nobody_knows_of_it() {
    let run = made_up::working().run.unwrap().id;
    let asked = || {
        let mut errand = Errand::default();
        errand.choose("/media/pen".to_owned());
        errand.ask();
        errand.answered(Ok(Accepted { run, joined: false }), PT);
        errand
    };
    let mut errand = asked();
    errand.unknown(run, None, PT);
    assert!(errand.shown(None, PT).busy, "no agent says so");
    errand.unknown(run, Some(&made_up::working()), PT);
    assert!(errand.shown(None, PT).busy, "it goes on");
    errand.unknown(RunId::from_u128(1), Some(&made_up::well()), PT);
    assert!(errand.shown(None, PT).busy, "another run");
    errand.unknown(run, Some(&made_up::well()), PT);
    let shown = errand.shown(Some(&made_up::well()), PT);
    let (mood, text) = shown.result.unwrap();
    assert!(!shown.busy && mood == Mood::Failed && text.ends_with("Faça-o de novo."), "{text}");
    assert_eq!(errand.follow(&made_up::well(), PT), None, "nobody asks for ever");
    assert_eq!(errand.follow(&made_up::working(), PT), None);
    let found = errand.shown(Some(&made_up::working()), PT);
    assert!(found.busy && found.result.is_none(), "the agent was late to tell");
    let mut errand = asked();
    let last = RunReport { id: run, ..made_up::full_run(14, Outcome::Success, &[]) };
    errand.follow(&Status { last: Some(last), ..made_up::well() }, PT);
    assert_eq!(errand.shown(None, PT).result.unwrap().0, Mood::Well, "told though no journal knows it");
}
