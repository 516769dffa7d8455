//! Real full disks under a restore beside, a replacement, its undo and a restore test: the backup folder's, the state folder's
//! and SQL Server's own fill to the last byte at the beginning of each stage, in the middle of it, and right before each
//! statement that writes.
//!
//! The checks fill one disk at each of these moments; `DMBACKUP_FAULTS=all` all three, and before every other statement too.

use super::blows::{Blow, blows_of};
use super::yard::{Came, Course, PATIENT, ROWS, Yard};
use crate::destination::full_disk::mount;
use crate::restore::bench::Ear;
use crate::run::full_disk::{block_on, fill};
use crate::support::child::{self, Guise};
use crate::support::shop::Shop;
use crate::support::sqlserver::{DATABASE, StandIn, eventually};
use crate::support::table::{Table, seed, trials};
use dmbackup::restore::Monitor;
use dmbackup::restore::outcome::{RestoreProgress, RestoreReport, Stage};
use fake_sqlserver::fault::{Action, StatementKind};
use fake_sqlserver::options::DatabaseOptions;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Where a disk becomes full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Backups,
    State,
    Server,
}

impl Disk {
    const ALL: [Self; 3] = [Self::Backups, Self::State, Self::Server];
}

/// When.
#[derive(Clone, Debug)]
enum Moment {
    Begin(Stage),
    Middle(Stage),
    Statement(Blow),
}

impl Moment {
    fn shown(&self) -> String {
        match self {
            Self::Begin(stage) => format!("{stage:?} begins"),
            Self::Middle(stage) => format!("in {stage:?}"),
            Self::Statement(blow) => format!("before {}", blow.text),
        }
    }

    /// Whether something is written soon after it.
    const fn writes(&self) -> bool {
        match self {
            Self::Begin(_) | Self::Middle(_) => true,
            Self::Statement(blow) => matches!(
                blow.kind,
                StatementKind::Backup | StatementKind::Restore | StatementKind::Alter | StatementKind::Drop
            ),
        }
    }
}

/// Hears where a restore is, and does something once at one of these moments.
#[derive(Default)]
struct Watch {
    /// Each stage, and whether bytes of it were told.
    met: Mutex<Vec<(Stage, bool)>>,
    at: Option<(Stage, bool)>,
    disk: PathBuf,
    done: AtomicBool,
}

impl Watch {
    fn meet(&self, moment: (Stage, bool)) {
        let mut met = self.met.lock().unwrap();
        if !met.contains(&moment) {
            met.push(moment);
        }
        drop(met);
        if self.at == Some(moment) && !self.done.swap(true, Ordering::SeqCst) {
            fill(&self.disk);
        }
    }
}

impl Monitor for Watch {
    fn stage(&self, stage: Stage) {
        self.meet((stage, false));
    }

    fn progress(&self, progress: RestoreProgress) {
        if progress.done_bytes > 0 {
            self.meet((progress.stage, true));
        }
    }
}

/// A shop with three small disks of its own.
struct Site {
    yard: Yard,
    data: PathBuf,
}

impl Site {
    async fn open() -> Self {
        let small = ["-t", "tmpfs", "-o", "size=24m", "tmpfs"];
        let mut data = PathBuf::new();
        let standin = StandIn::start_with(|mut options| {
            data.clone_from(&options.data);
            fs::create_dir_all(&data).unwrap();
            mount(&small, &data);
            options.databases.clear();
            options.database(DatabaseOptions::rows(DATABASE, ROWS))
        });
        let shop = Shop::open_with(standin, |config| {
            let root = config.backup.folder.ancestors().nth(2).unwrap();
            ["servidor", "estado"].into_iter().for_each(|disk| mount(&small, &root.join(disk)));
        });
        Self { yard: Yard::open(shop.await).await, data }
    }

    fn path(&self, disk: Disk) -> PathBuf {
        match disk {
            Disk::Backups => self.yard.bench.shop.path("servidor"),
            Disk::State => self.yard.bench.shop.path("estado"),
            Disk::Server => self.data.clone(),
        }
    }

    /// The moments of a restore that goes well.
    async fn moments_of(&mut self, course: Course) -> Vec<Moment> {
        self.yard.prepare(course).await.unwrap();
        let instance = Arc::clone(self.yard.bench.shop.standin.handle.instance());
        let watch = Arc::new(Watch::default());
        instance.faults.record();
        let report = self.yard.begin(course, watch.clone()).await;
        let mut met = instance.faults.recorded();
        self.yard.judge(course, &report).await.unwrap();
        met.retain(|met| met.kind != StatementKind::Login);
        let held =
            |kind| vec![Action::Hold { percent: if kind == StatementKind::Alter { 0.0 } else { 30.0 } }];
        let statements = blows_of(&met, held).into_iter().map(Moment::Statement);
        let stages = watch.met.lock().unwrap().clone().into_iter().filter(|(stage, _)| *stage != Stage::Done);
        let stages =
            stages.map(|(stage, middle)| if middle { Moment::Middle(stage) } else { Moment::Begin(stage) });
        stages.chain(statements).collect()
    }

    async fn suffer(&mut self, course: Course, moment: &Moment, disk: Disk) -> Came {
        self.yard.prepare(course).await?;
        self.yard.wait_at_most(PATIENT);
        let path = self.path(disk);
        let ballast = path.join("lastro");
        let report = match moment {
            Moment::Begin(stage) => self.fill_at(course, (*stage, false), path).await,
            Moment::Middle(stage) => self.fill_at(course, (*stage, true), path).await,
            Moment::Statement(blow) => self.fill_before(course, blow, &path).await,
        };
        let filled = ballast.exists();
        if filled {
            fs::remove_file(ballast).unwrap();
        }
        let came = self.yard.judge(course, &report).await;
        let came = came.map_err(|what| format!("{what}; its problems: {:?}", report.problems))?;
        if filled {
            return Ok(came);
        }
        let (stages, problems) = (&report.stages, &report.problems);
        Err(format!("the disk did not become full; {came:?}: {:?}, {stages:?}, {problems:?}", report.outcome))
    }

    async fn fill_at(&self, course: Course, at: (Stage, bool), disk: PathBuf) -> RestoreReport {
        let watch = Watch { at: Some(at), disk, ..Watch::default() };
        self.yard.begin(course, Arc::new(watch)).await
    }

    async fn fill_before(&self, course: Course, blow: &Blow, disk: &Path) -> RestoreReport {
        let handle = &self.yard.bench.shop.standin.handle;
        let before = handle.instance().faults.held();
        handle.inject(blow.fault());
        let begun = self.yard.begin(course, Arc::new(Ear::default()));
        tokio::pin!(begun);
        tokio::select! {
            report = &mut begun => report,
            () = eventually("the statement", || handle.instance().faults.held() > before) => {
                fill(disk);
                handle.release();
                begun.await
            }
        }
    }
}

/// One disk for each moment in turn, then another one for each.
fn faults_of(moments: Vec<Moment>, random: &mut fastrand::Rng) -> Vec<(Moment, Disk)> {
    let every = std::env::var("DMBACKUP_FAULTS").is_ok();
    let moments: Vec<_> = moments.into_iter().filter(|moment| every || moment.writes()).collect();
    let first: Vec<usize> = moments.iter().map(|_| random.usize(..Disk::ALL.len())).collect();
    let count = trials("DMBACKUP_FAULTS", moments.len());
    let turns = (0..Disk::ALL.len()).flat_map(|turn| {
        let one = |(moment, first): (&Moment, &usize)| {
            (moment.clone(), Disk::ALL[(first + turn) % Disk::ALL.len()])
        };
        moments.iter().zip(&first).map(one).collect::<Vec<_>>()
    });
    turns.take(count).collect()
}

/// The child, which has mounts of its own.
pub fn fill_at_each_step(parent: &str) {
    block_on(parent, async {
        let (mut site, mut random) = (Site::open().await, fastrand::Rng::with_seed(seed()));
        let (mut told, mut wrong) = (String::new(), Vec::new());
        for course in Course::ALL {
            let moments = site.moments_of(course).await;
            let faults = faults_of(moments, &mut random);
            told += &format!("{course:?}: {} full disks\n", faults.len());
            let mut table = Table::default();
            for (moment, disk) in &faults {
                match site.suffer(course, moment, *disk).await {
                    Ok(came) => table.count(&moment.shown(), &format!("{disk:?} full"), &came),
                    Err(what) => {
                        wrong.push(format!("{course:?}: {}: {disk:?} full: {what}", moment.shown()));
                        site = Site::open().await;
                    }
                }
            }
            told += &table.shown(["moment", "disk", "what came of it"]);
        }
        fs::write(Path::new(parent).join("told"), told).unwrap();
        assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    });
}

#[test]
fn whatever_disk_becomes_full_in_a_restore_nothing_live_is_lost_and_nothing_half_made_stays() {
    let parent = tempfile::tempdir().unwrap();
    child::perform(Guise::OwnMounts, "faults::disks", parent.path());
    println!("{}", fs::read_to_string(parent.path().join("told")).unwrap());
}
