//! The agent, killed with SIGKILL in every stage of a restore and before every change of an exchange: the next start names what was
//! left, no database stays closed or half-made, and the shop's database bears its name.

use crate::support::agent::{AgentProcess, Shop};
use crate::support::sql::Application;
use crate::support::sqlserver::{StandIn, eventually};
use dmbackup::agent::status::{Activity, Status};
use dmbackup::backup::outcome::Outcome;
use dmbackup::control::client::Client;
use dmbackup::restore::outcome::{Place, Source, Stage, Task};
use dmbackup::slot::Set;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use std::path::Path;
use std::time::Duration;

const LIVE: &str = "MCDados";

pub fn newest() -> Source {
    Source::Set { set: Set::Newest, place: Place::Server }
}

/// An agent that has its first backup and waits.
pub fn start(shop: &Shop) -> AgentProcess {
    let mut agent = shop.run();
    agent.wait_for("Verificando último backup realizado...");
    until(shop, |status| status.activity == Activity::Waiting && status.last_good.is_some());
    agent
}

/// Waits for a status without holding up the other tasks of the test.
pub fn until(shop: &Shop, wanted: impl Fn(&Status) -> bool + Send) -> Status {
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| scope.spawn(|| shop.until(wanted)).join().unwrap())
    })
}

pub async fn ask(shop: &Shop, task: Task) {
    Client::connect(&shop.state()).await.unwrap().restore(task, None).await.unwrap();
}

/// Waits until a statement of this kind is held, however many came before.
pub async fn until_held(standin: &StandIn, before: u64) {
    let faults = &standin.handle.instance().faults;
    eventually("a statement to be held", || faults.held() > before).await;
}

/// The next start after a kill: everything is open, whole, and named.
async fn settle(shop: &Shop, standin: &StandIn, title: &str) -> (AgentProcess, Status) {
    standin.handle.drop_sessions();
    standin.handle.clear_faults();
    standin.handle.release();
    let agent = start(shop);
    // A whole cycle has looked since the start.
    assert!(shop.ctl(&["check"]).exit >= 0);
    let status = until(shop, |status| status.activity == Activity::Waiting);
    let mut application = Application::connect(standin).await;
    let closed = "SELECT name FROM sys.databases WHERE state <> 0 OR user_access <> 0";
    assert_eq!(application.rows(closed).await, Vec::<String>::new(), "{title}");
    let names = application.databases().await;
    assert!(names.iter().any(|name| name == LIVE), "{title}: {names:?}");
    let left = shop
        .files("servidor")
        .into_iter()
        .find(|path| Path::new(path).extension().is_some_and(|end| end == "partial"));
    assert_eq!(left, None, "{title}");
    (agent, status)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_any_stage_of_a_restore_beside_nothing_of_it_stays() {
    let standin = StandIn::start();
    let shop = Shop::new();
    shop.configure(standin.handle.address().port());
    let mut agent = start(&shop);
    let mut application = Application::connect(&standin).await;
    let live = application.contents(LIVE).await;
    for kind in [
        StatementKind::HeaderOnly,
        StatementKind::FileListOnly,
        StatementKind::Restore,
        StatementKind::CheckDb,
    ] {
        let before = standin.handle.instance().faults.held();
        standin.handle.inject(Fault::at(kind, Action::Hold { percent: 30.0 }));
        ask(&shop, Task::Beside { source: newest() }).await;
        until_held(&standin, before).await;
        agent.kill();
        drop(application);
        let title = format!("{kind:?}");
        let (next, status) = settle(&shop, &standin, &title).await;
        agent = next;
        let last = status.last_restore.expect("the journal knows it");
        assert_eq!(last.outcome, Some(Outcome::Interrupted), "{title}");
        application = Application::connect(&standin).await;
        let names = application.databases().await;
        // Once it stands it is a database of ours, to be looked at or removed; before, nothing of it stays.
        for name in names.iter().filter(|name| *name != LIVE) {
            assert_eq!(kind, StatementKind::CheckDb, "{names:?}");
            assert_eq!(shop.ctl(&["restore", "--drop", name, "--wait"]).exit, 0);
        }
        assert!(application.contents(LIVE).await == live);
    }
    assert_eq!(shop.ctl(&["restore", "--from", "newest", "--wait"]).exit, 0, "and the next one works");
    assert_eq!(agent.terminate().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_any_stage_of_a_restore_test_nothing_of_it_stays() {
    let standin = StandIn::start();
    let shop = Shop::new();
    shop.configure(standin.handle.address().port());
    let mut agent = start(&shop);
    for kind in [StatementKind::Restore, StatementKind::CheckDb, StatementKind::Drop] {
        let before = standin.handle.instance().faults.held();
        standin.handle.inject(Fault::at(kind, Action::Hold { percent: 30.0 }));
        ask(&shop, Task::Test).await;
        until_held(&standin, before).await;
        agent.kill();
        let (next, status) = settle(&shop, &standin, &format!("{kind:?}")).await;
        agent = next;
        assert_eq!(status.restore_test.last, None, "it says nothing of the backup");
        let names = Application::connect(&standin).await.databases().await;
        assert_eq!(names, [LIVE], "{kind:?}");
    }
    let said = shop.ctl(&["restore", "--test", "--wait"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert!(said.out.contains("teste de restauração: aprovado"), "{said:?}");
    let said = shop.ctl(&["status"]);
    assert!(said.out.contains("Último teste de restauração: hoje, aprovado"), "{said:?}");
    let told = shop.ctl(&["status", "--json"]).json();
    assert_eq!(told["restore_test"]["last"]["verdict"], "passed", "{told}");
    let past = shop.ctl(&["restore", "--past", "--json"]).json();
    let outcomes: Vec<_> = past["restores"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["success", "interrupted", "interrupted", "interrupted"]);
    assert_eq!(agent.terminate().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_change_of_an_exchange_it_is_named_and_ended_by_resume_or_undo() {
    let standin = StandIn::start();
    let shop = Shop::new();
    shop.configure(standin.handle.address().port());
    let mut agent = start(&shop);
    let mut application = Application::connect(&standin).await;
    application.run("DELETE FROM MCDados.dbo.VENDAS").await;
    let live = application.contents(LIVE).await;
    // SINGLE_USER, the two names, MULTI_USER and the owner come last of the ALTERs; the settings before.
    let mut skipped = 0;
    loop {
        let before = standin.handle.instance().faults.held();
        let hold = Fault::at(StatementKind::Alter, Action::Hold { percent: 0.0 }).after(skipped);
        standin.handle.inject(hold);
        ask(&shop, Bench::replace()).await;
        let faults = &standin.handle.instance().faults;
        let ended = tokio::select! {
            () = until_held(&standin, before) => false,
            () = ended(&shop) => true,
        };
        assert!(ended || faults.held() > before);
        if ended {
            break;
        }
        drop(application);
        agent.kill();
        let title = format!("killed at ALTER {skipped}");
        let (next, status) = settle(&shop, &standin, &title).await;
        agent = next;
        application = Application::connect(&standin).await;
        let names = application.databases().await;
        let exchanged = names.iter().any(|name| name.contains("_antes_"));
        let named = status.checks.iter().any(|check| check.id == "restore");
        if !exchanged {
            assert!(application.contents(LIVE).await == live, "{title}");
        }
        drop(application);
        let verb = if skipped % 2 == 0 { "--undo" } else { "--resume" };
        let said = shop.ctl(&["restore", verb, "--confirm", LIVE, "--wait"]);
        if named || exchanged {
            assert_eq!(said.exit, 0, "{title} {verb}: {said:?}");
        } else {
            assert_eq!(said.exit, 13, "nothing was ready yet: {title}: {said:?}");
        }
        if verb == "--resume" && said.exit == 0 {
            assert_eq!(shop.ctl(&["restore", "--undo", "--confirm", LIVE, "--wait"]).exit, 0, "{title}");
        }
        assert!(
            until(&shop, |status| status.activity == Activity::Waiting)
                .checks
                .iter()
                .all(|check| check.id != "restore" || named)
        );
        application = Application::connect(&standin).await;
        assert!(application.contents(LIVE).await == live, "{title}: back to what was there");
        for name in application.databases().await {
            if name != LIVE {
                let said = shop.ctl(&["restore", "--drop", &name, "--wait"]);
                assert_eq!(said.exit, 0, "{title}: {name}: {said:?}");
            }
        }
        skipped += 1;
    }
    assert!(skipped >= 7, "{skipped} ALTERs were met");
    assert_eq!(agent.terminate().code(), Some(0));
}

struct Bench;

impl Bench {
    fn replace() -> Task {
        Task::Replace { source: newest(), confirm: LIVE.to_owned() }
    }
}

/// Waits until the last restore has ended well.
async fn ended(shop: &Shop) {
    let mut watch = Client::connect(&shop.state()).await.unwrap().watch().await.unwrap();
    let mut seen = false;
    loop {
        // The agent was killed: the other one of the two is awaited.
        let Ok(status) = watch.next().await else { return std::future::pending().await };
        seen |= status.restore.as_ref().is_some_and(|restore| restore.stage == Stage::Exchanging);
        let done = status.last_restore.filter(|report| matches!(report.task, Task::Replace { .. }));
        if seen
            && status.restore.is_none()
            && done.is_some_and(|report| report.outcome == Some(Outcome::Success))
        {
            return;
        }
        tokio::time::timeout(Duration::from_secs(60), std::future::ready(())).await.unwrap();
    }
}
