//! The agent's whole job against a SQL Server: the first backup by itself, requests, the stop, the end of the program.

use crate::support::agent::{AgentProcess, Said, Shop};
use crate::support::sqlserver::StandIn;
use crate::support::whole::{files_below, is_partial};
use dmbackup::agent::status::{Activity, Status};
use dmbackup::backup::outcome::{Outcome, Phase, RunReport};
use dmbackup::clock::SystemClock;
use dmbackup::journal::{EventKind, Journal};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::options::DatabaseOptions;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const MADE: &str = "Backup realizado no servidor e copiado para o terminal de backup";

/// A shop whose agent has made its first backup.
fn at_work(server: &StandIn) -> (Shop, AgentProcess) {
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    let mut agent = shop.run();
    agent.wait_for(MADE);
    shop.until(|status| status.activity == Activity::Waiting && status.last.is_some());
    (shop, agent)
}

fn inject(server: &StandIn, action: Action) {
    server.handle.instance().faults.inject(Fault::at(StatementKind::Backup, action).once());
}

/// Whether the server is in the middle of writing the dump, and not only asked to.
fn is_dumping(status: &Status) -> bool {
    let progress = status.run.as_ref().and_then(|run| run.progress);
    progress.is_some_and(|progress| {
        progress.phase == Phase::Dumping && progress.percent.is_some_and(|percent| percent > 30.0)
    })
}

/// Whether the terminal has something of the zip that is being packed.
fn is_copying(status: &Status) -> bool {
    let progress = status.run.as_ref().and_then(|run| run.progress);
    progress.is_some_and(|progress| progress.phase == Phase::Packing && progress.copied_bytes > 0)
}

fn outcomes(shop: &Shop) -> Vec<String> {
    let runs = shop.ctl(&["journal", "--json"]).json()["runs"].clone();
    runs.as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn an_extra_copy_is_made_listed_and_told() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    let reason = "Antes do balanço";
    assert_eq!(shop.ctl(&["backup", "--keep"]).exit, 2, "a reason is asked for");
    let said = shop.ctl(&["backup", "--keep", "--reason", reason, "--wait"]);
    assert_eq!(said.exit, 0, "{said:?}");
    for text in ["extra  Sucesso", "motivo: Antes do balanço", "antes-do-balanco_2.zip"] {
        assert!(said.out.contains(text), "{text}: {said:?}");
    }
    let slots = shop.ctl(&["slots", "--json"]).json()["slots"].clone();
    let extras: Vec<_> = slots.as_array().unwrap().iter().filter(|slot| slot["set"] == "extra").collect();
    assert_eq!(extras.len(), 2, "here and there: {slots}");
    let runs = shop.ctl(&["journal", "--json"]).json()["runs"].clone();
    assert_eq!(runs[0]["purpose"], serde_json::json!({ "kind": "extra", "reason": reason }));
    let status = shop.ctl(&["status", "--json"]).json();
    assert_eq!(status["line"]["pt"].as_str().map(|line| line.starts_with("Cópia")), Some(true), "{status}");
    assert_eq!(status["last_good"]["sequence"], 1);
    assert_eq!(agent.terminate().code(), Some(0));
}

#[test]
fn the_first_backup_comes_by_itself_and_every_command_shows_it() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    assert_eq!(shop.ctl(&["check"]).out, "Tudo certo.\n");
    let status = shop.ctl(&["status", "--json"]).json();
    assert_eq!(status["last"]["outcome"], "success");
    assert_eq!(status["last"]["trigger"], "first");
    assert!(status["checks"].as_array().unwrap().is_empty(), "{status}");
    assert!(status["space"]["hours_that_fit"].is_number() || status["space"]["free_bytes"].is_number());
    assert!(status["next_due"].is_string());

    let slots = shop.ctl(&["slots", "--json"]).json();
    let sets = slots["slots"].as_array().unwrap();
    assert_eq!(sets.len(), 6, "newest, hour and weekday, here and there: {slots}");
    assert_eq!(shop.files("servidor").len(), 4, "{:?}", shop.files("servidor"));
    assert_eq!(shop.files("terminal").len(), 3, "no dump at the terminal (DM26)");
    assert_eq!(outcomes(&shop), ["success"]);
    let inspected = shop.ctl(&["inspect", &shop.path("terminal/MCDados.zip").display().to_string()]);
    assert_eq!(inspected.exit, 0, "{inspected:?}");
    assert!(inspected.out.contains("conferido"), "{inspected:?}");
    assert_eq!(agent.terminate().code(), Some(0));
}

#[test]
fn once_ends_after_the_first_backup_with_its_exit_code() {
    let server = StandIn::start();
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    let (said, exit) = shop.run_with(&["--once"]).ended();
    assert_eq!(exit, Some(0), "{said}");
    for line in [
        "Verificando serviço do SQL Server...",
        "Configurações validadas com sucesso...",
        "Dados do cliente carregados...",
        "Realizando backup...",
        "Compactando backup...",
        "Copiando backup para o terminal...",
        MADE,
        "no terminal: ",
        "tempo: ",
    ] {
        assert!(said.contains(line), "«{line}» in:\n{said}");
    }
    let (said, exit) = shop.run_with(&["--once"]).ended();
    assert_eq!(exit, Some(0), "another one, though none is due: {said}");
    let shop = Shop::new();
    shop.configure(1);
    let (said, exit) = shop.run_with(&["--once"]).ended();
    assert_eq!(exit, Some(4), "{said}");
    std::fs::write(shop.path("dmbackup.toml"), "version = 1\n").unwrap();
    let (said, exit) = shop.run_with(&["--once"]).ended();
    assert_eq!(exit, Some(3), "{said}");
}

#[test]
fn two_who_ask_at_once_get_one_run() {
    let server = StandIn::start();
    let (shop, _agent) = at_work(&server);
    inject(&server, Action::Pace(Duration::from_millis(5)));
    let said: Vec<Said> = thread::scope(|scope| {
        let ask = || shop.ctl(&["backup", "--wait", "--json"]);
        let asked: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    for one in &said {
        assert_eq!(one.exit, 0, "{one:?}");
        assert_eq!(one.json()["id"], said[0].json()["id"]);
        assert_eq!(one.json()["trigger"], "request");
    }
    assert_eq!(outcomes(&shop), ["success", "success"]);
}

#[test]
fn a_stop_is_an_outcome_of_its_own_and_leaves_nothing() {
    let server = StandIn::start();
    let (shop, _agent) = at_work(&server);
    let before = shop.files("servidor");
    inject(&server, Action::Stall { percent: 40.0 });
    thread::scope(|scope| {
        let waiting = scope.spawn(|| shop.ctl(&["backup", "--wait"]));
        shop.until(is_dumping);
        assert_eq!(shop.ctl(&["cancel"]).exit, 0);
        let said = waiting.join().unwrap();
        assert_eq!(said.exit, 11, "{said:?}");
        assert!(said.out.contains("Backup cancelado"), "{said:?}");
    });
    assert_eq!(shop.files("servidor"), before);
    assert_eq!(outcomes(&shop), ["cancelled", "success"]);
    assert_eq!(shop.ctl(&["cancel"]).exit, 13, "nothing goes on any more");
    assert_eq!(shop.ctl(&["backup", "--wait"]).exit, 0, "the next one works");
}

#[test]
fn the_end_of_the_program_stops_the_run_and_the_next_start_makes_it_up() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    let before = shop.files("servidor");
    inject(&server, Action::Stall { percent: 40.0 });
    assert_eq!(shop.ctl(&["backup"]).exit, 0);
    shop.until(is_dumping);
    assert_eq!(agent.terminate().code(), Some(0));
    assert_eq!(shop.files("servidor"), before, "nothing half-made is left");

    let mut again = shop.run();
    again.wait_for("Aguardando tarefas...");
    let journal = shop.ctl(&["journal", "--json"]).json();
    assert_eq!(journal["runs"][0]["outcome"], "cancelled");
    let codes: Vec<_> =
        journal["runs"][0]["problems"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert_eq!(codes, ["run.cancelled", "run.interrupted"]);
}

#[test]
fn a_failed_run_is_tried_once_more_and_the_second_failure_is_an_alert() {
    let server = StandIn::start();
    let (shop, _agent) = at_work(&server);
    shop.configure_with(server.handle.address().port(), "retry_wait = '1 s'");
    assert_eq!(shop.ctl(&["check"]).exit, 0, "the change is picked up");
    let full = Fault::at(StatementKind::Backup, Action::DiskFull { bytes: 4_096 });
    server.handle.instance().faults.inject(full.times(2));
    let first = shop.ctl(&["backup", "--wait"]);
    assert_eq!(first.exit, 8, "{first:?}");
    assert!(first.out.contains("nova tentativa"), "{first:?}");
    let failed = |status: &Status| status.last.as_ref().is_some_and(|run| run.attempt == 2);
    let status = shop.until(failed);
    assert_eq!(status.last.unwrap().outcome, Some(Outcome::Failed));
    assert!(status.checks.iter().any(|check| check.id == "second-failure"), "{:?}", status.checks);
    assert_eq!(status.retry_at, None);
    assert_eq!(shop.ctl(&["check"]).exit, 8);
    assert_eq!(shop.ctl(&["backup", "--wait"]).exit, 0);
    assert_eq!(shop.ctl(&["check"]).exit, 0, "a good backup ends the alert");
}

#[test]
fn copies_are_made_up_when_the_terminal_is_back() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    std::fs::rename(shop.path("terminal"), shop.path("longe")).unwrap();
    let said = shop.ctl(&["backup", "--wait"]);
    assert_eq!(said.exit, 9, "made, but not everywhere: {said:?}");
    let status = shop.ctl(&["check", "--json"]).json();
    assert!(status["checks"].to_string().contains("terminal.missing"), "{status}");
    assert!(!shop.until(|status| !status.pending.is_empty()).pending.is_empty());
    std::fs::rename(shop.path("longe"), shop.path("terminal")).unwrap();
    assert_eq!(shop.ctl(&["check"]).exit, 9, "they are still pending while it looks");
    shop.until(|status| status.pending.is_empty());
    let read = |path: &str| std::fs::read(shop.path(path)).unwrap();
    assert_eq!(read("terminal/MCDados.zip"), read("servidor/MCDados.zip"));
    assert_eq!(shop.ctl(&["check"]).exit, 0);
    let is_there = |run: Option<RunReport>| run?.terminal.map(|copy| copy.done);
    shop.until(|status| is_there(status.last_good.clone()) == Some(true));
    assert_eq!(agent.terminate().code(), Some(0));
    let kept = Journal::open(&shop.state(), Arc::new(SystemClock)).last_good().unwrap();
    assert_eq!(is_there(kept), Some(true), "nor does the journal call it pending any more");
}

#[test]
fn a_backup_that_a_person_removes_before_it_is_copied_is_never_told_as_copied() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    std::fs::rename(shop.path("terminal"), shop.path("longe")).unwrap();
    assert_eq!(shop.ctl(&["backup", "--wait"]).exit, 9);
    shop.until(|status| !status.pending.is_empty());
    for zip in files_below(&shop.path("servidor")).iter().filter(|path| path.ends_with("MCDados.zip")) {
        std::fs::remove_file(zip).unwrap();
    }
    std::fs::rename(shop.path("longe"), shop.path("terminal")).unwrap();
    shop.ctl(&["check"]);
    let status = shop.until(|status| status.pending.is_empty() && status.activity == Activity::Waiting);
    assert_eq!(status.last_good.and_then(|run| run.terminal).map(|copy| copy.done), Some(false));
    assert_eq!(agent.terminate().code(), Some(0));
    let journal = Journal::open(&shop.state(), Arc::new(SystemClock));
    let kept = journal.last_good().unwrap().and_then(|run| run.terminal);
    assert_eq!(kept.map(|copy| copy.done), Some(false));
    let events = journal.events(100).unwrap();
    assert!(events.iter().any(|event| event.kind == EventKind::CopyLost), "{events:?}");
    assert!(events.iter().all(|event| event.kind != EventKind::CopiedLater), "{events:?}");
}

#[test]
fn what_a_broken_off_copy_left_at_the_terminal_goes_when_the_terminal_is_back() {
    let large = DatabaseOptions::pages_mib("Grande", 96);
    let server = StandIn::start_with(|options| options.database(large));
    let shop = Shop::new();
    shop.configure_with(server.handle.address().port(), "databases = ['Grande']");
    let mut agent = shop.run();
    agent.wait_for(MADE);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| shop.ctl(&["backup", "--wait"]));
        shop.until(is_copying);
        std::fs::rename(shop.path("terminal"), shop.path("longe")).unwrap();
        let said = waiting.join().unwrap();
        assert_eq!(said.exit, 9, "made, but not everywhere: {said:?}");
    });
    let left = files_below(&shop.path("longe")).into_iter().find(|path| is_partial(path));
    let left = left.expect("something half-made");
    std::fs::rename(shop.path("longe"), shop.path("terminal")).unwrap();
    shop.ctl(&["check"]);
    shop.until(|status| status.pending.is_empty());
    assert_eq!(agent.terminate().code(), Some(0));
    assert!(!files_below(&shop.path("terminal")).iter().any(|path| is_partial(path)));
    let journal = Journal::open(&shop.state(), Arc::new(SystemClock));
    let mut events = journal.events(100).unwrap();
    events.retain(|event| event.kind == EventKind::Scrubbed);
    let name = left.strip_prefix(shop.path("longe")).unwrap().display().to_string();
    assert!(events.iter().any(|event| event.text.pt.contains(&name)), "{name}: {events:?}");
}

#[test]
fn a_run_that_was_accepted_and_killed_before_its_first_phase_is_told_as_interrupted() {
    let server = StandIn::start();
    let faults = &server.handle.instance().faults;
    faults.inject(Fault::at(StatementKind::Login, Action::Stall { percent: 0.0 }));
    let shop = Shop::new();
    shop.configure(server.handle.address().port());
    let mut agent = shop.run();
    agent.wait_for("Verificando último backup realizado...");
    assert_eq!(shop.ctl(&["backup"]).exit, 0, "it is accepted while the server says nothing");
    // There is no event for a row of the journal.
    while outcomes(&shop).is_empty() {
        thread::yield_now();
    }
    agent.kill();
    faults.clear();
    let mut again = shop.run();
    again.wait_for(MADE);
    assert_eq!(outcomes(&shop), ["success", "interrupted"]);
}

#[test]
fn with_a_file_that_is_no_configuration_the_last_good_one_stays_in_force_and_backups_go_on() {
    let server = StandIn::start();
    let (shop, _agent) = at_work(&server);
    let good = std::fs::read(shop.path("dmbackup.toml")).unwrap();
    let binary: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let files: [(&str, Vec<u8>); 5] = [
        ("empty", Vec::new()),
        ("binary", binary),
        ("enormous", vec![b'#'; 64 << 20]),
        ("half written", good[..good.len() / 2].to_vec()),
        ("a flood of brackets", vec![b'['; 50_000]),
    ];
    for (what, bytes) in files {
        std::fs::write(shop.path("dmbackup.toml"), bytes).unwrap();
        let said = shop.ctl(&["check"]);
        assert_eq!(said.exit, 3, "{what}: {said:?}");
        assert_eq!(shop.ctl(&["backup", "--wait"]).exit, 0, "{what}: the last good one is in force");
    }
    std::fs::write(shop.path("dmbackup.toml"), good).unwrap();
    assert_eq!(shop.ctl(&["check"]).exit, 0);
}

#[test]
fn two_agents_do_not_share_a_backup_folder() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    let other = shop.path("outro-estado").display().to_string();
    let said = shop.ctl(&["run", "--once", "--state", &other]);
    assert_eq!(said.exit, 7, "its identity is another agent's: {said:?}");
    assert_eq!(agent.terminate().code(), Some(0));
    let said = shop.ctl(&["run", "--once", "--state", &other]);
    assert_eq!(said.exit, 7, "also when the first one is not there: {said:?}");
}

#[test]
fn kept_backups_are_read_again_on_request_and_a_damaged_one_is_mended_and_told() {
    let server = StandIn::start();
    let (shop, agent) = at_work(&server);
    let slots = shop.ctl(&["slots", "--json"]).json()["slots"].clone();
    let slot = slots.as_array().unwrap().iter().find(|slot| slot["place"] == "terminal").unwrap().clone();
    let path = slot["path"].as_str().unwrap();
    let whole = std::fs::read(path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    std::fs::write(path, &damaged).unwrap();

    let said = shop.ctl(&["verify", "--all", "--terminal"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.out.contains("danificado; substituído pela cópia do outro lado"), "{said:?}");
    assert_eq!(std::fs::read(path).unwrap(), whole);

    let said = shop.ctl(&["verify", "--json"]).json();
    assert_eq!(said["read"].as_array().map(Vec::len), Some(2), "the newest, here and there: {said}");
    let slots = shop.ctl(&["slots", "--json"]).json()["slots"].clone();
    assert!(
        slots
            .as_array()
            .unwrap()
            .iter()
            .all(|slot| slot["checked"]["problem"].is_null() && slot["checked"]["at"].is_string()),
        "{slots}"
    );
    assert_eq!(shop.ctl(&["verify", "--slot", "25h"]).exit, 2);
    assert_eq!(agent.terminate().code(), Some(0));
}
