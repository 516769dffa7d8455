//! The end of the agent by a person's wish (DM4), and the opening of the store's application (DM22), through the real programs.

use crate::support::agent::{AgentProcess, Shop};
use crate::support::sqlserver::StandIn;
use dmbackup::agent::status::Activity;
use dmbackup::clock::SystemClock;
use dmbackup::journal::{EventKind, Journal};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use std::sync::Arc;

/// Nothing listens at this port of this machine.
const NOBODY: u16 = 1;

/// A shop whose agent waits for its next task, after a run that failed.
fn waiting() -> (Shop, AgentProcess) {
    let shop = Shop::new();
    shop.configure(NOBODY);
    let mut agent = shop.run();
    agent.wait_for("Backup não realizado");
    shop.until(|status| status.activity == Activity::Waiting && status.last.is_some());
    (shop, agent)
}

/// The date password of the agent's day.
fn password(shop: &Shop) -> String {
    shop.until(|_| true).now.format("%d%m%Y").to_string()
}

#[test]
fn the_date_closes_the_agent_and_every_try_is_journalled_without_its_text() {
    let (shop, agent) = waiting();
    let wrong = shop.ctl_typing(&["quit", "--password-stdin"], "31122099\n");
    assert_eq!(wrong.exit, 13, "{wrong:?}");
    assert!(wrong.err.starts_with("Senha incorreta."), "{wrong:?}");
    assert!(wrong.err.contains("hoje no servidor: "), "{wrong:?}");
    assert_eq!(shop.ctl(&["status"]).exit, 0, "it stays");
    let unasked = shop.ctl(&["quit"]);
    assert_eq!(unasked.exit, 2, "without a terminal nobody is asked: {unasked:?}");

    let right = shop.ctl_typing(&["quit", "--password-stdin"], &password(&shop));
    assert_eq!((right.exit, right.out.as_str()), (0, "O programa foi fechado.\n"), "{right:?}");
    assert_eq!(agent.ended().1, Some(0));
    let events = Journal::open(&shop.state(), Arc::new(SystemClock)).events(20).unwrap();
    let tries: Vec<_> = events
        .iter()
        .filter(|event| event.kind == EventKind::Password)
        .map(|event| event.text.pt.as_str())
        .collect();
    assert_eq!(tries, ["fechar: senha correta", "fechar: senha incorreta"]);
    let log = shop.files("estado").into_iter().filter(|file| file.starts_with("log/"));
    for file in log {
        let text = std::fs::read_to_string(shop.path("estado").join(file)).unwrap();
        assert!(!text.contains("31122099"), "{text}");
    }
}

#[test]
fn a_backup_in_progress_is_stopped_only_where_that_is_said() {
    let server = StandIn::start();
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    server
        .handle
        .instance()
        .faults
        .inject(Fault::at(StatementKind::Backup, Action::Stall { percent: 50.0 }).once());
    let mut agent = shop.run();
    agent.wait_for("Realizando backup...");
    shop.until(|status| status.run.as_ref().is_some_and(|run| run.progress.is_some()));
    let refused = shop.ctl_typing(&["quit", "--password-stdin", "--json"], &password(&shop)).json();
    assert_eq!(refused["problem"]["code"], "agent.run-goes-on");
    let stopped = shop.ctl_typing(&["quit", "--password-stdin", "--stop", "--json"], &password(&shop)).json();
    assert_eq!(stopped["ended"], true);
    assert_eq!(agent.ended().1, Some(0));
    assert_eq!(shop.files("servidor"), [""; 0], "nothing half-made");
}

#[test]
fn another_user_may_tell_of_the_application_but_not_close_the_agent() {
    if !rustix::process::geteuid().is_root() {
        // Without root there is no second user to be.
        return;
    }
    let (shop, _agent) = waiting();
    let opened = shop.ctl_as_nobody(&["opened"]);
    assert_eq!((opened.exit, opened.out.as_str()), (0, "Nada a avisar.\n"), "{opened:?}");
    assert!(shop.until(|_| true).opened.is_some_and(|opened| opened.notice.is_none()));
    let typed = dmbackup::control::protocol::Typed::new("x");
    let request = dmbackup::control::protocol::Request::Quit { password: typed, stop_run: true };
    assert!(request.needs_hands());
}

#[test]
fn a_local_backup_is_told_each_time_the_application_opens() {
    let shop = Shop::new();
    shop.configure(NOBODY);
    let path = shop.path("dmbackup.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once("[terminal]").unwrap();
    std::fs::write(&path, format!("{before}[terminal]\nlocal_only = true\n")).unwrap();
    let mut agent = shop.run();
    agent.wait_for("Backup não realizado");
    let said = shop.ctl(&["opened"]);
    assert_eq!(said.exit, 9, "{said:?}");
    assert!(said.out.contains("os dados estão em uma única máquina"), "{said:?}");
    agent.wait_for("os dados estão em uma única máquina");
    let first = shop.until(|status| status.opened.is_some()).opened.unwrap();
    shop.ctl(&["opened", "--json"]);
    let second = shop.until(|status| status.opened.as_ref() != Some(&first)).opened.unwrap();
    assert!(second.at > first.at && second.notice == first.notice, "each time anew");
}
