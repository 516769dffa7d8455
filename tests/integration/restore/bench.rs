//! A shop with a backup, and what restores need.

use crate::support::shop::Shop;
use crate::support::sql::Application;
use crate::support::sqlserver::{PROGRAM, StandIn, lasting_requests_of};
use dmbackup::backup::outcome::Outcome;
use dmbackup::restore::outcome::{Place, RestoreProgress, RestoreReport, Source, Stage, Task};
use dmbackup::restore::{Monitor, Records, RestoreOrder, Workshop, carry_out};
use dmbackup::slot::Set;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Remembers the stages, and does something at one of them.
#[derive(Default)]
pub struct Ear {
    pub stages: Mutex<Vec<Stage>>,
    pub at: Option<(Stage, Box<dyn Fn() + Send + Sync>)>,
}

impl Monitor for Ear {
    fn stage(&self, stage: Stage) {
        self.stages.lock().unwrap().push(stage);
        if let Some((wanted, then)) = &self.at
            && *wanted == stage
        {
            then();
        }
    }

    fn progress(&self, _: RestoreProgress) {}
}

/// A shop that has made its first backup.
pub struct Bench {
    pub shop: Shop,
    pub workshop: Workshop,
}

impl Bench {
    pub async fn open() -> Self {
        Self::open_with(StandIn::start()).await
    }

    pub async fn open_with(standin: StandIn) -> Self {
        let mut shop = Shop::open_with(standin, |_| ()).await;
        shop.good_run().await;
        Self::of(shop)
    }

    /// The same with a shop that has a backup.
    pub fn of(shop: Shop) -> Self {
        let workshop = workshop(&shop);
        Self { shop, workshop }
    }

    /// The next process: what the last one knew is read anew.
    pub fn restart(&mut self) {
        self.workshop = workshop(&self.shop);
    }

    pub async fn application(&self) -> Application {
        Application::connect(&self.shop.standin).await
    }

    /// What the newest backup on the server restores.
    pub fn newest() -> Source {
        Source::Set { set: Set::Newest, place: Place::Server }
    }

    pub fn file(path: PathBuf) -> Source {
        Source::File { path }
    }

    pub fn inject(&self, kind: StatementKind, action: Action) {
        self.shop.standin.handle.inject(Fault::at(kind, action).once());
    }

    pub async fn carry_out(&self, task: Task) -> RestoreReport {
        self.carry_out_with(task, Ear::default(), CancellationToken::new()).await
    }

    pub async fn carry_out_with(&self, task: Task, ear: Ear, cancel: CancellationToken) -> RestoreReport {
        let order = RestoreOrder {
            id: Uuid::new_v4(),
            task,
            by: "ana".to_owned(),
            begun: self.workshop.world.clock.local_now(),
            login: None,
        };
        let report = carry_out(order, &self.workshop, Arc::new(ear), cancel).await;
        self.shop.standin.until_quiet().await;
        assert_eq!(lasting_requests_of(&self.shop.standin.handle, PROGRAM), 0);
        let kept = self.workshop.world.journal.restore(report.id).unwrap();
        assert_eq!(kept.as_ref(), Some(&report), "it is in the journal");
        report
    }

    /// The same, which must be a success.
    pub async fn succeed(&self, task: Task) -> RestoreReport {
        let report = self.carry_out(task).await;
        assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
        report
    }

    /// Restores the newest backup beside; the database's name.
    pub async fn beside(&self) -> String {
        let report = self.succeed(Task::Beside { source: Self::newest() }).await;
        report.target.expect("a database")
    }

    pub fn replace(source: Source) -> Task {
        Task::Replace { source, confirm: "MCDados".to_owned() }
    }

    /// Holds that only these databases are there, all of them open to everybody, and that nothing half-made lies on the disk.
    pub async fn assert_settled(&self, databases: &[&str]) {
        let mut application = self.application().await;
        assert_eq!(application.databases().await, databases);
        let closed = "SELECT name FROM sys.databases WHERE state <> 0 OR user_access <> 0";
        assert!(application.rows(closed).await.is_empty(), "all are open to everybody");
        self.assert_no_leftovers();
    }

    pub fn assert_no_leftovers(&self) {
        let files = self.shop.snapshot();
        let left: Vec<_> =
            files.keys().filter(|path| path.extension().is_some_and(|end| end == "partial")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn workshop(shop: &Shop) -> Workshop {
    let records = Arc::new(Records::open(&shop.path("estado")));
    Workshop { world: shop.world.clone(), records, sequence_floor: 0 }
}
