//! What the tray shows for each state of the agent.

use super::*;
use crate::agent::history::tests::{at, problem, run};
use crate::agent::status::{Activity, PendingView, RestoringView, WaitingView};
use crate::agent::testing::{running, status, unhealthy};
use crate::backup::outcome::{Outcome, Purpose, RunId};
use crate::cycle::catalogue::Severity;
use crate::problem::Code;
use crate::restore::outcome::{RestoreProgress, Stage, Task};
use std::sync::Arc;

fn reached(status: Status) -> Link {
    Link::Reached(Arc::new(status))
}

/// A menu in a few letters: grey lines in brackets, what cannot be chosen with a minus.
fn menu_text(link: &Link) -> String {
    let line = |entry: &MenuEntry| match entry {
        MenuEntry::Note(text) => format!("[{text}]"),
        MenuEntry::Separator => "—".to_owned(),
        MenuEntry::Choice { label, enabled: true, .. } => label.clone(),
        MenuEntry::Choice { label, enabled: false, .. } => format!("-{label}"),
    };
    look(link, true, Language::Portuguese).menu.iter().map(line).collect::<Vec<_>>().join(" | ")
}

#[test]
fn each_state_has_its_icon() {
    let failed = Status { last: Some(run(14, Outcome::Failed, &[Code::SqlLogin])), ..status() };
    let retried = Status { retry_at: Some(at(15)), ..failed.clone() };
    let pending = Status { pending: vec![PendingView { hour: 13, sequence: 4, extra: false }], ..status() };
    let mut local = status();
    local.subject.as_mut().unwrap().terminal = None;
    let copying = Status { activity: Activity::Copying, ..pending.clone() };
    let table = [
        (Link::Starting, Icon::Working),
        (reached(status()), Icon::Well),
        (reached(unhealthy(Severity::Notice, problem(Code::DatabaseLogLarge))), Icon::Well),
        (reached(running(10.0)), Icon::Working),
        (reached(copying), Icon::Working),
        (reached(pending), Icon::Warning),
        (reached(local), Icon::Warning),
        (reached(retried), Icon::Warning),
        (reached(unhealthy(Severity::Warning, problem(Code::TerminalMissing))), Icon::Warning),
        (reached(failed), Icon::Failed),
        (reached(unhealthy(Severity::Alert, problem(Code::SqlServiceStopped))), Icon::Failed),
        (Link::Lost(problem(Code::AgentMissing)), Icon::Unreachable),
    ];
    for (link, icon) in table {
        assert_eq!(icon_of(&link), icon, "{link:?}");
    }
}

/// The agent in the middle of a restore.
fn restoring(percent: Option<f32>) -> Status {
    let restore = RestoringView {
        id: uuid::Uuid::from_u128(4),
        task: Task::Test,
        by: "maria".to_owned(),
        started_at: at(14),
        stage: Stage::Restoring,
        progress: Some(RestoreProgress {
            stage: Stage::Restoring,
            done_bytes: 0,
            total_bytes: None,
            percent,
            left_secs: None,
        }),
        cancelling: false,
    };
    let line = words!("Restaurando...", "Restoring...");
    Status { activity: Activity::Restoring, line, restore: Some(restore), ..status() }
}

#[test]
fn the_menu_holds_what_can_be_done_in_the_order_of_the_manual() {
    assert_eq!(
        menu_text(&reached(status())),
        "[Último backup: hoje às 14:03 — Sucesso] | — | Visualizar | Realizar backup | Backup manual… | — | Diário | \
         Abrir pasta de backup | Sobre | — | Fechar"
    );
    let mut stopping = running(10.0);
    stopping.run.as_mut().unwrap().cancelling = true;
    assert!(menu_text(&reached(running(10.0))).contains("| Backup manual… | Parar | — |"));
    assert!(menu_text(&reached(stopping)).contains("| Backup manual… | -Parar | — |"));
    assert!(menu_text(&reached(restoring(None))).contains("| Backup manual… | Parar | — |"));
    assert_eq!(
        menu_text(&Link::Lost(problem(Code::AgentMissing))),
        "[Agente de backup inacessível] | — | Visualizar | -Realizar backup | -Backup manual… | — | -Diário | \
         -Abrir pasta de backup | Sobre | — | -Fechar"
    );
    let mut unconfigured = Status { last: None, last_good: None, subject: None, ..status() };
    unconfigured.configuration.in_force = false;
    let text = menu_text(&reached(unconfigured));
    assert!(text.starts_with("[Ainda não há nenhum backup] | — | Visualizar | -Realizar backup"), "{text}");
    assert!(text.contains("-Abrir pasta de backup") && text.ends_with("| Fechar"), "{text}");
}

#[test]
fn without_the_windows_program_nothing_is_offered_that_needs_it() {
    let look = look(&reached(status()), false, Language::Portuguese);
    let offered = |entry: &MenuEntry| match entry {
        MenuEntry::Choice { label, enabled: true, .. } => Some(label.clone()),
        MenuEntry::Choice { enabled: false, .. } | MenuEntry::Note(_) | MenuEntry::Separator => None,
    };
    let offered: Vec<_> = look.menu.iter().filter_map(offered).collect();
    assert_eq!(offered, ["Realizar backup", "Abrir pasta de backup"]);
}

#[test]
fn every_choice_is_found_again_by_its_number() {
    for choice in Choice::ALL {
        assert_eq!(Choice::with_id(choice.id()), Some(choice));
    }
    assert_eq!(Choice::with_id(200), None);
}

#[test]
fn the_tooltip_tells_the_last_good_backup_and_the_next() {
    let tooltip = |link: &Link, language| look(link, true, language).tooltip;
    assert_eq!(
        tooltip(&reached(status()), Language::Portuguese),
        "DMBackup\nÚltimo bom backup: hoje às 14:03\nPróximo: hoje às 15:00"
    );
    assert_eq!(
        tooltip(&reached(running(43.2)), Language::English),
        "DMBackup\nCompressing the backup... 43 %\nabout 50 s left"
    );
    let alarmed = unhealthy(Severity::Alert, problem(Code::SqlServiceStopped));
    assert_eq!(
        tooltip(&reached(alarmed), Language::English),
        "DMBackup\nLast good backup: today at 14:03\nNext: today at 15:00\nsql.service-stopped"
    );
    let noted = unhealthy(Severity::Notice, problem(Code::DatabaseLogLarge));
    assert!(tooltip(&reached(noted), Language::English).ends_with("Next: today at 15:00"));
    assert!(
        tooltip(&Link::Lost(problem(Code::AgentMissing)), Language::English).contains("cannot be reached")
    );
    let none = Status { last_good: None, next_due: None, ..status() };
    assert_eq!(tooltip(&reached(none), Language::English), "DMBackup\nThere is no good backup yet");
}

#[test]
fn the_tooltip_tells_first_what_the_agent_is_at() {
    let at = |activity| Status { activity, line: words!("Fazendo isto...", "Doing this..."), ..status() };
    let table = [
        (at(Activity::Copying), Some("Doing this...")),
        (at(Activity::Verifying), Some("Doing this...")),
        (restoring(None), Some("Restoring...")),
        (restoring(Some(f32::NAN)), Some("Restoring...")),
        (restoring(Some(41.6)), Some("Restoring... 42 %")),
        (at(Activity::Waiting), None),
        (at(Activity::Checking), None),
    ];
    for (status, first) in table {
        let activity = status.activity;
        let tooltip = look(&reached(status), true, Language::English).tooltip;
        let first = first.map(|line| format!("{line}\n")).unwrap_or_default();
        let rest = "Last good backup: today at 14:03\nNext: today at 15:00";
        assert_eq!(tooltip, format!("DMBackup\n{first}{rest}"), "{activity:?}");
    }
}

#[test]
fn the_tooltip_tells_of_backups_that_wait_for_their_turn() {
    let waits = |id| WaitingView { id: RunId::from_u128(id), purpose: Purpose::default(), asked_at: at(14) };
    let tooltip = |status| look(&reached(status), true, Language::Portuguese).tooltip;
    let run = Status { waiting: vec![waits(1)], ..running(43.2) };
    assert!(tooltip(run).ends_with("faltam cerca de 50 s\n1 backup na fila"));
    let restore = Status { waiting: vec![waits(1), waits(2)], ..restoring(None) };
    assert!(tooltip(restore).starts_with("DMBackup\nRestaurando...\n2 backups na fila\nÚltimo bom backup"));
}

#[test]
fn progress_that_is_no_number_and_seconds_that_pass_change_nothing() {
    let odd = look(&reached(running(f32::NAN)), true, Language::English).tooltip;
    assert_eq!(odd, "DMBackup\nCompressing the backup...\nabout 50 s left");
    let mut later = running(43.4);
    later.run.as_mut().unwrap().progress.as_mut().unwrap().left_secs = Some(41);
    let look = |status| look(&reached(status), true, Language::English);
    assert_eq!(look(later), look(running(43.2)));
}
