//! A whole shop for one test: the stand-in, a backup folder, a terminal's folder, a journal, a clock that can be set, and
//! runs over all of it.

use crate::support::sqlserver::{DATABASE, PROGRAM, StandIn};
use chrono::{DateTime, TimeDelta, Utc};
use dmbackup::archive::{self, Manifest};
use dmbackup::backup::outcome::{Outcome, Phase, Progress, RunReport, Trigger};
use dmbackup::backup::{self, Aim, Monitor, Order, World};
use dmbackup::clock::{Clock, Zone};
use dmbackup::config::{Config, Terminal};
use dmbackup::destination::{Claims, Destination, Folder, Identity, Kind, Name, enter};
use dmbackup::durable::Ledger;
use dmbackup::journal::Journal;
use dmbackup::slot::{Hour, Set};
use dmbackup::sqlserver::{Limits, Server};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A clock that tests set.
#[derive(Clone, Debug)]
pub struct TestClock {
    now: Arc<Mutex<DateTime<Utc>>>,
    zone: Zone,
}

impl TestClock {
    /// Stands at `now` in São Paulo until it is set.
    pub fn at(now: &str) -> Self {
        let now = DateTime::parse_from_rfc3339(now).expect("a time").to_utc();
        Self { now: Arc::new(Mutex::new(now)), zone: Zone::of(chrono_tz::America::Sao_Paulo) }
    }

    /// Goes on, or back.
    pub fn advance(&self, by: TimeDelta) {
        *self.now.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn zone(&self) -> Zone {
        self.zone.clone()
    }
}

/// What is done with each figure.
pub type Then = Box<dyn Fn(&Progress) + Send + Sync>;
/// What is done between two phases, told the one that begins.
pub type OnPhase = Box<dyn Fn(Phase) + Send + Sync>;

/// Remembers what a run told, and may stop it.
#[derive(Default)]
pub struct Ear {
    pub phases: Mutex<Vec<Phase>>,
    pub told: Mutex<Vec<Progress>>,
    /// Called with each figure.
    pub then: Option<Then>,
    /// Called before each phase.
    pub on_phase: Option<OnPhase>,
}

impl Monitor for Ear {
    fn phase(&self, phase: Phase) {
        if let Some(on_phase) = &self.on_phase {
            on_phase(phase);
        }
        self.phases.lock().unwrap().push(phase);
    }

    fn progress(&self, progress: Progress) {
        if let Some(then) = &self.then {
            then(&progress);
        }
        self.told.lock().unwrap().push(progress);
    }
}

/// A shop with its server, its folders and its journal. Gone when dropped.
pub struct Shop {
    pub standin: StandIn,
    pub clock: TestClock,
    pub world: World,
    sequence: u64,
    root: TempDir,
}

impl Shop {
    /// A shop whose terminal is a second folder.
    pub async fn open() -> Self {
        Self::open_with(StandIn::start(), |_| ()).await
    }

    /// The same with another stand-in, and a configuration that `change` changes.
    pub async fn open_with(standin: StandIn, change: impl FnOnce(&mut Config)) -> Self {
        let root = tempfile::tempdir().expect("a folder for the shop");
        let clock = TestClock::at("2022-06-29T12:30:00Z");
        fs::create_dir(root.path().join("estado")).expect("a state folder");
        let mut config = configuration(root.path(), &standin);
        change(&mut config);
        let server = server(&standin, "sa", crate::support::sqlserver::LIMITS);
        let world = world(config, server, &root.path().join("estado"), &clock);
        Self { standin, clock, world, sequence: 0, root }
    }

    /// A folder of the shop's disk.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// The backup folder.
    pub fn folder(&self) -> PathBuf {
        self.world.config.backup.folder.clone()
    }

    /// The terminal's folder.
    pub fn terminal(&self) -> PathBuf {
        self.path("terminal/MCBkp")
    }

    /// Has `user` talk to the server from now on.
    pub fn log_in_as(&mut self, user: &str) {
        self.world.server = server(&self.standin, user, crate::support::sqlserver::LIMITS);
    }

    /// Uses other waits from now on.
    pub fn wait_at_most(&mut self, limits: Limits) {
        self.world.server = server(&self.standin, "sa", limits);
    }

    /// What the next run is asked.
    pub fn order(&mut self) -> Order {
        self.sequence += 1;
        Order {
            id: Uuid::new_v4(),
            sequence: self.sequence,
            trigger: Trigger::Request,
            attempt: 1,
            begun: self.clock.local_now(),
            accept_shrunk: false,
            aim: Aim::Rotation,
        }
    }

    /// Makes a backup, now.
    pub async fn run(&mut self) -> RunReport {
        self.run_with(Arc::new(Ear::default()), CancellationToken::new()).await
    }

    /// The same, heard by `ear` and stopped by `cancel`.
    pub async fn run_with(&mut self, ear: Arc<Ear>, cancel: CancellationToken) -> RunReport {
        let order = self.order();
        backup::run(order, &self.world, ear, cancel).await
    }

    /// Makes a backup that must be a success, an hour later than the one before.
    pub async fn good_run(&mut self) -> RunReport {
        let report = self.run().await;
        assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
        self.clock.advance(TimeDelta::hours(1));
        report
    }

    /// Makes a backup that must fail with `code`, and holds that everything that stood before it still stands, that nothing
    /// half-made is left, that no statement is left running, and that the next backup works.
    pub async fn must_fail(
        &mut self,
        code: dmbackup::problem::Code,
        mend: impl FnOnce(&mut Self),
    ) -> RunReport {
        let before = self.snapshot();
        let report = self.run().await;
        assert_eq!(report.outcome, Some(Outcome::Failed), "{:?}", report.problems);
        assert_eq!(report.problems[0].code, code, "{:?}", report.problems);
        self.assert_unchanged(&before);
        self.standin.until_quiet().await;
        mend(self);
        self.good_run().await;
        report
    }

    /// Every file of both folders with its content's hash, but for what is under construction.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, String> {
        let mut files = BTreeMap::new();
        for root in [self.folder(), self.terminal()] {
            collect(&root, &mut files);
        }
        files
    }

    /// Holds that the files are those of `before`, and that nothing unfinished is among them.
    pub fn assert_unchanged(&self, before: &BTreeMap<PathBuf, String>) {
        let now = self.snapshot();
        let unfinished: Vec<_> = now.keys().filter(|path| is_partial(path)).collect();
        assert!(unfinished.is_empty(), "left half-made: {unfinished:?}");
        assert_eq!(&now, before, "files of earlier backups changed");
    }

    /// What the file of `set` says of itself, once every byte of it was tested.
    pub fn tested(&self, destination: &dyn Destination, set: Set) -> Manifest {
        let name = Name::zip(set, &self.world.config.archive_name);
        let mut file =
            destination.open(&name).expect("readable").unwrap_or_else(|| panic!("there is no {name}"));
        let manifest = archive::read_manifest(&mut *file).expect("readable").expect("a manifest");
        let path = destination.path_of(&name);
        let inspection =
            archive::inspect(&path, &|_| (), &CancellationToken::new()).expect("can be inspected");
        assert_eq!(inspection.problem(), None, "{name}");
        assert!(inspection.confirmed(), "{name}: a manifest's hash stands behind it");
        manifest
    }

    /// The sequence of every backup at `destination`, each of which must be whole.
    pub fn standing(&self, destination: &dyn Destination) -> BTreeMap<String, u64> {
        let sets = destination.sets(&self.world.config.archive_name).expect("readable");
        sets.iter().map(|(set, _)| (format!("{set:?}"), self.tested(destination, *set).sequence)).collect()
    }

    /// Holds that server and terminal have the backup of `report` in its hour and as the newest.
    pub fn assert_stands(&self, report: &RunReport) {
        let hour = Set::Hour(Hour::new(report.hour).expect("an hour"));
        let terminal = self.world.terminal.iter();
        for destination in std::iter::once(&self.world.local).chain(terminal) {
            for set in [hour, Set::Newest] {
                assert_eq!(
                    self.tested(&**destination, set).sequence,
                    report.sequence,
                    "{set:?} at {destination:?}"
                );
            }
        }
        assert!(self.folder().join("MCDados.bak").is_file(), "DM25");
    }
}

/// What runs and restores under `config` work with; the folders are claimed.
pub fn world(config: Config, server: Server, state: &Path, clock: &TestClock) -> World {
    let config = Arc::new(config);
    let ledger = Arc::new(Ledger::open(state));
    let folder = |kind, path: &Path| -> Arc<dyn Destination> {
        Arc::new(Folder::new(kind, path, config.archive_name.clone(), Arc::clone(&ledger)))
    };
    let terminal = match &config.terminal {
        Terminal::LocalOnly => None,
        Terminal::Folder { path, .. } => Some(folder(Kind::Terminal, path)),
    };
    let world = World {
        local: folder(Kind::Server, &config.backup.folder),
        terminal,
        server,
        journal: Journal::open(state, Arc::new(clock.clone())),
        identity: Identity { shop: config.shop.store.clone(), agent: Uuid::new_v4() },
        terminal_asker: Arc::default(),
        clock: Arc::new(clock.clone()),
        ledger,
        config,
    };
    let claims = Claims::open(state);
    enter(&*world.local, &world.identity, &claims).expect("the backup folder is ours");
    if let Some(terminal) = &world.terminal {
        enter(&**terminal, &world.identity, &claims).expect("the terminal's folder is ours");
    }
    world
}

fn server(standin: &StandIn, user: &str, limits: Limits) -> Server {
    Server::with_limits(&standin.config(user), PROGRAM, limits)
}

fn configuration(root: &Path, standin: &StandIn) -> Config {
    for folder in ["servidor", "terminal"] {
        fs::create_dir(root.join(folder)).expect("a disk");
    }
    let text = format!(
        "version = 1\n[shop]\nlegal_name = 'Farmácia Teste Ltda.'\nstore = '7'\n\
         [server]\nhost = '127.0.0.1'\nlogin = 'sql'\nuser = 'sa'\npassword = '${{PATH}}'\nservice = ''\n\
         [backup]\ndatabases = ['{DATABASE}']\nfolder = '{}'\nreserve = '1 MB'\n\
         [terminal]\nfolder = '{}'\nallow_same_volume = true\n",
        root.join("servidor/Backup").display(),
        root.join("terminal/MCBkp").display(),
    );
    let path = root.join("dmbackup.toml");
    fs::write(&path, text).expect("a configuration");
    let mut config = dmbackup::config::load(&path).unwrap_or_else(|findings| panic!("{findings:?}")).config;
    config.server = standin.config("sa");
    config
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(bytes) = fs::read(&path) {
            files.insert(path, format!("{:x?}", Sha256::digest(&bytes)));
        }
    }
}

fn is_partial(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "partial")
}
