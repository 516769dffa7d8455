//! Replacing a database, against the stand-in and, where `DMBACKUP_TEST_SQLSERVER` names one with a folder that both use, a real
//! server: by exchange and over it, undone, refused and released. What a test has made there it removes.

use crate::restore::overwrite::tighten;
use crate::support::shop::{Ear, TestClock, world};
use crate::support::sql::Application;
use crate::support::sqlserver::{Target, request, targets};
use dmbackup::backup::outcome::{Outcome, Trigger};
use dmbackup::backup::{self, Aim, Order, join_as_server};
use dmbackup::problem::Code;
use dmbackup::restore::outcome::{Item, Place, RestoreReport, Source, Task};
use dmbackup::restore::{Records, RestoreOrder, Workshop, carry_out};
use dmbackup::slot::Set;
use dmbackup::sqlserver::{BackupRequest, RestoreRequest};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The database that the tests work with; whatever else they make begins so, too.
const LIVE: &str = "dmbackup_troca";

/// A shop of its own in a server, with a backup.
struct Branch {
    target: Target,
    workshop: Workshop,
    _root: TempDir,
}

impl Branch {
    /// `None` where the server shares no folder with the tests.
    async fn open(target: Target) -> Option<Self> {
        let (folder, seen) = target.share()?;
        target.clear_share();
        clear(&target).await;
        make_live(&target).await;
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("estado")).unwrap();
        let text = format!(
            "version = 1\n[shop]\nlegal_name = 'Farmácia Teste Ltda.'\n\
             [server]\nhost = '127.0.0.1'\nlogin = 'sql'\nuser = 'sa'\npassword = '${{PATH}}'\nservice = ''\n\
             [backup]\ndatabases = ['{LIVE}']\nfolder = '{}'\nreserve = '1 MB'\n{}\
             [terminal]\nlocal_only = true\n",
            folder.display(),
            if seen.is_empty() { String::new() } else { format!("folder_seen_by_server = '{seen}'\n") },
        );
        fs::write(root.path().join("dmbackup.toml"), text).unwrap();
        let loaded = dmbackup::config::load(&root.path().join("dmbackup.toml"));
        let mut config = loaded.unwrap_or_else(|findings| panic!("{findings:?}")).config;
        config.server = target.server.config().clone();
        let (state, clock) = (root.path().join("estado"), TestClock::at("2022-06-29T12:30:00Z"));
        let world = world(config, target.server.clone(), &state, &clock);
        let workshop = Workshop { world, records: Arc::new(Records::open(&state)), sequence_floor: 0 };
        let branch = Self { target, workshop, _root: root };
        branch.back_up().await;
        Some(branch)
    }

    async fn back_up(&self) {
        let world = &self.workshop.world;
        let order = Order {
            id: Uuid::new_v4(),
            sequence: 1,
            trigger: Trigger::Request,
            attempt: 1,
            begun: world.clock.local_now(),
            accept_shrunk: true,
            aim: Aim::Rotation,
        };
        let run = backup::run(order, world, Arc::new(Ear::default()), CancellationToken::new());
        let report = Box::pin(run).await;
        let made = [Some(Outcome::Success), Some(Outcome::Warning)];
        assert!(made.contains(&report.outcome), "{:?}", report.problems);
    }

    async fn carry_out(&self, task: Task) -> RestoreReport {
        let order = RestoreOrder {
            id: Uuid::new_v4(),
            task,
            by: "ana".to_owned(),
            begun: self.workshop.world.clock.local_now(),
            login: None,
        };
        let ear = Arc::new(crate::restore::bench::Ear::default());
        // In a build without optimisation it is more than a test's stack holds beside the test itself.
        Box::pin(carry_out(order, &self.workshop, ear, CancellationToken::new())).await
    }

    async fn succeed(&self, task: Task) -> RestoreReport {
        let report = Box::pin(self.carry_out(task)).await;
        assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
        report
    }

    /// The rows by which its database is known.
    async fn rows(&self, database: &str) -> Vec<String> {
        let mut application = self.target.application().await;
        application.rows(&format!("SELECT NUMERO, TEXTO FROM [{database}].dbo.ACEITE")).await
    }

    /// Removes all that was made, and holds that the server has no more databases than before.
    async fn close(self) {
        clear(&self.target).await;
        assert_eq!(left(&self.target).await, Vec::<String>::new());
        self.target.clear_share();
    }
}

/// The databases that these tests have made and not removed.
async fn left(target: &Target) -> Vec<String> {
    let mut names = target.application().await.databases().await;
    names.retain(|name| name.starts_with(LIVE));
    names
}

async fn clear(target: &Target) {
    for name in left(target).await {
        target.server.drop_database(&name).await.unwrap();
    }
}

/// A database of our own: a copy of the target's, with a table whose rows are known.
async fn make_live(target: &Target) {
    let (server, cancel) = (&target.server, CancellationToken::new());
    let wanted = BackupRequest { no_compression: true, ..request(target.database.as_str(), &target.device) };
    server.backup(&wanted, &|_| {}, &cancel).await.unwrap();
    let paths = server.instance_paths().await.unwrap();
    let files = server.file_list_only(&target.device, &cancel).await.unwrap();
    let moves = files.iter().enumerate().map(|(number, file)| {
        let folder = if file.kind == "L" { &paths.log } else { &paths.data };
        (file.logical_name.clone(), join_as_server(folder, &format!("{LIVE}_{number}.dbf")))
    });
    let copy = RestoreRequest {
        database: LIVE.to_owned(),
        device_path: target.device.clone(),
        moves: moves.collect(),
        checksum: true,
        replace: false,
    };
    server.restore(&copy, &|_| {}, &cancel).await.unwrap();
    let mut application = target.application().await;
    write(&mut application, "CREATE TABLE dbo.ACEITE (NUMERO int NOT NULL, TEXTO nvarchar(40) NOT NULL)")
        .await;
    write(&mut application, "INSERT INTO dbo.ACEITE VALUES (1, N'antes'), (2, N'não muda'), (3, N'some')")
        .await;
}

async fn write(application: &mut Application, statement: &str) {
    application.run(&format!("USE [{LIVE}]")).await;
    application.run(statement).await;
    application.run("USE [master]").await;
}

async fn change(branch: &Branch) -> Vec<String> {
    let mut application = branch.target.application().await;
    write(&mut application, "DELETE FROM dbo.ACEITE WHERE NUMERO = 3").await;
    write(&mut application, "UPDATE dbo.ACEITE SET TEXTO = N'depois' WHERE NUMERO = 1").await;
    drop(application);
    branch.rows(LIVE).await
}

fn newest() -> Source {
    Source::Set { set: Set::Newest, place: Place::Server }
}

fn confirm() -> String {
    LIVE.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_exchanged_for_its_backup_undone_refused_and_released() {
    for target in targets() {
        let Some(branch) = Box::pin(Branch::open(target)).await else { continue };
        let dumped = branch.rows(LIVE).await;
        let changed = change(&branch).await;
        assert!(dumped.len() == 3 && changed.len() == 2);
        let replace = || Task::Replace { source: newest(), confirm: confirm() };

        let mut inside = branch.target.application().await;
        inside.run(&format!("USE [{LIVE}]")).await;
        let refused = branch.carry_out(replace()).await;
        assert_eq!(refused.problems[0].code, Code::DatabaseBusy, "{:?}", refused.problems);
        assert!(refused.problems[0].sentence.pt.contains("DMASTER FARMA"), "{:?}", refused.problems);
        inside.run("USE [master]").await;
        drop(inside);
        assert_eq!(branch.rows(LIVE).await, changed);

        let kept = branch.succeed(replace()).await.kept.expect("the old one is kept");
        assert_eq!((branch.rows(LIVE).await, branch.rows(&kept).await), (dumped.clone(), changed.clone()));
        let beside = branch.succeed(Task::Undo { confirm: confirm() }).await.target.expect("it stays beside");
        assert_eq!((branch.rows(LIVE).await, branch.rows(&beside).await), (changed, dumped.clone()));
        branch.succeed(Task::Drop { database: beside }).await;

        let kept = branch.succeed(replace()).await.kept.expect("the old one is kept");
        let early = branch.carry_out(Task::Release { confirm: confirm() }).await;
        assert_eq!(early.problems[0].code, Code::RestoreChecklist, "{:?}", early.problems);
        branch.succeed(Task::Tick { items: Item::ALL.into() }).await;
        branch.succeed(Task::Release { confirm: confirm() }).await;
        assert_eq!(left(&branch.target).await, [LIVE], "{kept} is gone");
        assert_eq!(branch.rows(LIVE).await, dumped);
        branch.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_overwritten_by_its_backup_and_brought_back() {
    for target in targets() {
        let Some(mut branch) = Box::pin(Branch::open(target)).await else { continue };
        let dumped = branch.rows(LIVE).await;
        let changed = change(&branch).await;
        tighten(&mut branch.workshop).await;
        let overwrite = Task::Overwrite { source: newest(), confirm: confirm() };
        let mut inside = branch.target.application().await;
        inside.run(&format!("USE [{LIVE}]")).await;
        let refused = branch.carry_out(overwrite.clone()).await;
        assert_eq!(refused.problems[0].code, Code::DatabaseBusy, "{:?}", refused.problems);
        drop(inside);

        let report = branch.succeed(overwrite).await;
        assert!(report.safety.is_some() && report.kept.is_none(), "{report:?}");
        assert_eq!(branch.rows(LIVE).await, dumped);
        branch.succeed(Task::Undo { confirm: confirm() }).await;
        assert_eq!(branch.rows(LIVE).await, changed);
        let closed = "SELECT name FROM sys.databases WHERE state <> 0 OR user_access <> 0";
        assert_eq!(branch.target.application().await.rows(closed).await, Vec::<String>::new());
        branch.close().await;
    }
}
