//! The manual backup (DM21) as a person asks for it: onto a folder, beside a run, stopped, and cut short.

use crate::support::agent::{AgentProcess, Shop};
use crate::support::sqlserver::StandIn;
use dmbackup::agent::status::Activity;
use dmbackup::backup::outcome::{Phase, Purpose};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use std::fs;

const MADE: &str = "Backup realizado no servidor e copiado para o terminal de backup";

/// A shop with a pen drive whose agent has made its first backup.
fn at_work(server: &StandIn) -> (Shop, AgentProcess, String) {
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    fs::create_dir(shop.path("pen")).unwrap();
    let mut agent = shop.run();
    agent.wait_for(MADE);
    shop.until(|status| status.activity == Activity::Waiting && status.last.is_some());
    let pen = shop.path("pen").display().to_string();
    (shop, agent, pen)
}

/// Lets the next dump stand still until it is stopped.
fn stall(server: &StandIn) {
    let stall = Action::Stall { percent: 50.0 };
    server.handle.instance().faults.inject(Fault::at(StatementKind::Backup, stall).once());
}

fn until_dumping(shop: &Shop) {
    shop.until(|status| {
        let progress = status.run.as_ref().and_then(|run| run.progress);
        progress.is_some_and(|progress| progress.phase == Phase::Dumping)
    });
}

#[test]
fn a_person_is_told_all_the_way_until_the_disk_may_be_removed() {
    let server = StandIn::start();
    let (shop, agent, pen) = at_work(&server);
    let (servidor, terminal) = (shop.files("servidor"), shop.files("terminal"));
    let said = shop.ctl(&["manual", &pen, "--wait"]);
    assert_eq!(said.exit, 0, "{said:?}");
    for text in [
        "Backup realizado com sucesso",
        "manual  Sucesso  (a pedido)",
        "na pasta escolhida: ",
        "O disco já pode ser removido",
    ] {
        assert!(said.out.contains(text), "{text}: {said:?}");
    }
    assert_eq!(shop.files("pen"), ["MCDados.zip"]);
    assert_eq!((shop.files("servidor"), shop.files("terminal")), (servidor, terminal), "no slot is touched");

    let again = shop.ctl(&["manual", &pen, "--wait", "--json"]).out;
    let report: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(report["purpose"], serde_json::json!({ "kind": "manual", "folder": pen }));
    assert_eq!(report["manual"]["done"], true);
    assert_eq!(shop.files("pen"), ["MCDados.anterior.zip", "MCDados.zip"]);
    let inspected = shop.ctl(&["inspect", &format!("{pen}/MCDados.zip")]);
    assert_eq!(inspected.exit, 0, "{inspected:?}");
    assert_eq!(agent.terminate().code(), Some(0));
}

#[test]
fn what_cannot_be_is_refused_at_once() {
    let server = StandIn::start();
    let (shop, _agent, pen) = at_work(&server);
    for (folder, code, exit) in [
        (format!("{pen}/outra"), "manual.missing", 7),
        (shop.path("servidor").display().to_string(), "manual.place", 7),
        (shop.path("terminal").display().to_string(), "manual.place", 7),
    ] {
        let said = shop.ctl(&["manual", &folder, "--json"]);
        assert_eq!((said.json()["problem"]["code"].as_str(), said.exit), (Some(code), exit), "{said:?}");
    }
    let runs = shop.ctl(&["journal", "--json"]).json()["runs"].as_array().unwrap().len();
    assert_eq!(runs, 1, "nothing was begun");
}

#[test]
fn beside_a_run_its_result_is_copied() {
    let server = StandIn::start();
    let (shop, _agent, pen) = at_work(&server);
    let pace = Action::Pace(std::time::Duration::from_millis(40));
    server.handle.instance().faults.inject(Fault::at(StatementKind::Backup, pace).once());
    assert_eq!(shop.ctl(&["backup"]).exit, 0);
    until_dumping(&shop);
    let said = shop.ctl(&["manual", &pen, "--wait"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.out.starts_with("Um backup já está em andamento; o resultado dele"), "{said:?}");
    let bytes = |path: &str| fs::read(shop.path(path)).unwrap();
    assert!(bytes("pen/MCDados.zip") == bytes("servidor/MCDados.zip"), "the same file");
}

#[test]
fn a_stop_leaves_nothing_on_the_disk() {
    let server = StandIn::start();
    let (shop, _agent, pen) = at_work(&server);
    stall(&server);
    assert_eq!(shop.ctl(&["manual", &pen]).exit, 0);
    until_dumping(&shop);
    let purpose = shop.until(|status| status.run.is_some()).run.unwrap().purpose;
    assert_eq!(purpose, Purpose::Manual { folder: pen });
    assert_eq!(shop.ctl(&["cancel"]).exit, 0);
    shop.until(|status| status.last.as_ref().is_some_and(|last| !last.purpose.is_rotation()));
    assert_eq!(shop.files("pen"), [""; 0]);
    let status = shop.ctl(&["status", "--json"]).json();
    assert_eq!(status["last"]["outcome"], "cancelled");
    assert!(status["checks"].as_array().unwrap().is_empty(), "it says nothing about the shop: {status}");
}

#[test]
fn what_a_killed_agent_left_on_the_disk_goes_at_the_next_start() {
    let server = StandIn::start();
    let (shop, agent, pen) = at_work(&server);
    let said = shop.ctl(&["manual", &pen, "--wait"]);
    assert_eq!(said.exit, 0, "{said:?}");
    agent.kill();
    // As the agent leaves it when it dies while it writes: recorded, and half-made.
    let partial = shop.path("pen/.MCDados.zip.partial");
    fs::write(&partial, "pela metade").unwrap();
    let ledger = shop.state().join("under-construction.log");
    let mut text = fs::read_to_string(&ledger).unwrap();
    text.push_str(&format!("+{}\n", serde_json::json!(partial)));
    fs::write(&ledger, text).unwrap();
    let mut next = shop.run();
    next.wait_for("Aguardando tarefas...");
    assert_eq!(shop.files("pen"), ["MCDados.zip"]);
}
