//! What is asked of a person at a terminal, on a real one: a password that is not shown, a yes or a no, a name.

use crate::support::agent::Shop;
use crate::support::sqlserver::StandIn;
use crate::support::terminal::Terminal;
use dmbackup::agent::status::Activity;
use dmbackup::backup::outcome::Outcome;
use fake_sqlserver::fault::{Action, Fault, StatementKind};

const CTL: &str = env!("CARGO_BIN_EXE_dmbackupctl");

/// The command line with these words, at a terminal.
fn at_a_terminal(shop: &Shop, words: &str) -> Terminal {
    let (config, state) = (shop.path("dmbackup.toml"), shop.state());
    Terminal::run(&format!(
        "'{CTL}' --lang pt --config '{}' --state '{}' {words}",
        config.display(),
        state.display()
    ))
}

/// The date password of the agent's day.
fn password(shop: &Shop) -> String {
    shop.until(|_| true).now.format("%d%m%Y").to_string()
}

#[test]
fn the_password_is_asked_for_and_never_shown() {
    let shop = Shop::new();
    shop.configure(1);
    let mut agent = shop.run();
    agent.wait_for("Backup não realizado");
    shop.until(|status| status.activity == Activity::Waiting && status.last.is_some());

    let mut terminal = at_a_terminal(&shop, "quit");
    terminal.wait_for("hoje no servidor: ");
    terminal.wait_for("): ");
    terminal.type_line("31122099");
    let (shown, exit) = terminal.ended();
    assert_eq!(exit, Some(13), "{shown}");
    assert!(shown.contains("Senha incorreta."), "{shown}");
    assert!(!shown.contains("31122099"), "what was typed stands on the screen: {shown}");
    assert_eq!(shop.ctl(&["status"]).exit, 0, "it stays");

    let right = password(&shop);
    let mut terminal = at_a_terminal(&shop, "quit");
    terminal.wait_for("): ");
    terminal.type_line(&right);
    let (shown, exit) = terminal.ended();
    assert_eq!(exit, Some(0), "{shown}");
    assert!(shown.contains("O programa foi fechado.") && !shown.contains(&right), "{shown}");
    assert_eq!(agent.ended().1, Some(0));
}

#[test]
fn a_backup_in_progress_is_stopped_only_after_a_yes() {
    let server = StandIn::start();
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    let stall = Action::Stall { percent: 50.0 };
    server.handle.inject(Fault::at(StatementKind::Backup, stall).once());
    let mut agent = shop.run();
    agent.wait_for("Realizando backup...");
    shop.until(|status| status.run.as_ref().is_some_and(|run| run.progress.is_some()));
    for (answer, goes_on) in [("n", true), ("", true), ("talvez", true), ("s", false)] {
        let mut terminal = at_a_terminal(&shop, "quit");
        terminal.wait_for("): ");
        terminal.type_line(&password(&shop));
        terminal.wait_for("Parar o backup e fechar o programa? [s/N]");
        terminal.type_line(answer);
        let (shown, exit) = terminal.ended();
        assert_eq!(exit, Some(if goes_on { 13 } else { 0 }), "«{answer}»: {shown}");
        if goes_on {
            assert!(shop.until(|_| true).run.is_some(), "«{answer}»: it goes on");
        }
    }
    assert_eq!(agent.ended().1, Some(0));
    assert_eq!(shop.files("servidor"), [""; 0], "nothing half-made");
}

#[test]
fn the_shops_database_is_replaced_only_by_whoever_types_its_name() {
    let server = StandIn::start();
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    let mut agent = shop.run();
    agent.wait_for("Backup realizado no servidor");
    shop.until(|status| status.activity == Activity::Waiting && status.last_good.is_some());
    for (typed, code) in [("MCDados_velho", 2), ("", 2), ("MCDados", 0)] {
        let mut terminal = at_a_terminal(&shop, "restore --from newest --replace --wait");
        terminal.wait_for("Digite o nome dele para confirmar:");
        terminal.type_line(typed);
        let (shown, exit) = terminal.ended();
        assert_eq!(exit, Some(code), "«{typed}»: {shown}");
        let done = shop.until(|_| true).last_restore.and_then(|restore| restore.outcome);
        assert_eq!(done == Some(Outcome::Success), code == 0, "«{typed}»: {shown}");
    }
    let unasked = shop.ctl(&["restore", "--from", "newest", "--replace"]);
    assert_eq!(unasked.exit, 2, "without a terminal nobody is asked: {unasked:?}");
}
