//! A shop whose database has changed since its backup, restores in it that suffer something, and what must hold afterwards
//! whatever that was.

use crate::restore::bench::{Bench, Ear};
use crate::support::faulty::{At, Fault as Trouble, Faulty};
use crate::support::shop::Shop;
use crate::support::sqlserver::LIMITS;
use crate::support::whole::{files_below, is_partial};
use dmbackup::backup::outcome::Outcome;
use dmbackup::problem::{Code, Problem};
use dmbackup::restore::outcome::{RestoreReport, Source, Task, Verdict};
use dmbackup::restore::{Monitor, RestoreOrder, Workshop, carry_out, foresee, recover, standing, unfinished};
use dmbackup::sqlserver::Limits;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const LIVE: &str = "MCDados";

/// Every row of every table.
type Contents = Vec<Vec<String>>;

/// Waits that are over soon, for a server that falls silent. Between two looks at a statement that goes well it has ended, so
/// that a restore always sends the same statements.
pub const HASTY: Limits = Limits {
    connect: Duration::from_millis(1_500),
    answer: Duration::from_millis(1_000),
    change: Duration::from_millis(1_000),
    count: Duration::from_millis(1_000),
    stall: Duration::from_millis(1_200),
    look: Duration::from_millis(600),
    ending: Duration::from_millis(1_500),
};

/// The same for one that answers.
pub const PATIENT: Limits = Limits { look: Duration::from_millis(600), ..LIMITS };

/// What is done with the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It is restored beside.
    Beside,
    /// It takes the live database's place.
    Replace,
    /// The old database comes back.
    Undo,
    /// The newest one is tested.
    Test,
    /// It goes over the live database, where both have no room.
    Overwrite,
    /// The safety backup goes over it again.
    UndoOverwrite,
}

impl Course {
    /// Those whose room is the disk's own.
    pub const ALL: [Self; 4] = [Self::Beside, Self::Replace, Self::Undo, Self::Test];
}

/// Rows of the database: enough for every table.
pub const ROWS: u32 = 40;

/// What came of a trial: a few words, or what is wrong.
pub type Came = Result<String, String>;

fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// The shop.
pub struct Yard {
    pub bench: Bench,
    source: PathBuf,
    dumped: Contents,
    live: Contents,
    /// Bytes on a disk that has not the room for both databases.
    narrow: u64,
    trials: usize,
}

impl Yard {
    /// With a backup in a foreign folder that holds rows which the live database has no more.
    pub async fn open(mut shop: Shop) -> Self {
        shop.wait_at_most(PATIENT);
        shop.good_run().await;
        let bench = Bench::of(shop);
        let source = bench.shop.path("trazido.zip");
        fs::copy(bench.shop.folder().join("MCDados.zip"), &source).unwrap();
        let mut application = bench.application().await;
        let dumped = application.contents(LIVE).await;
        application.run("DELETE FROM MCDados.dbo.VENDAS").await;
        application.run("UPDATE MCDados.dbo.CLIENTES SET NM_CLIENTE = N'mudou'").await;
        let live = application.contents(LIVE).await;
        assert!(dumped != live, "something was deleted");
        let narrow = room_for_one(&bench.workshop).await;
        let mut yard = Self { bench, source, dumped, live, narrow, trials: 0 };
        yard.bench.shop.good_run().await;
        yard
    }

    /// What the next process is told of the waits.
    pub fn wait_at_most(&mut self, limits: Limits) {
        self.bench.shop.wait_at_most(limits);
        self.bench.restart();
    }

    fn task(&self, course: Course) -> Task {
        let source = Source::File { path: self.source.clone() };
        match course {
            Course::Beside => Task::Beside { source },
            Course::Replace => Bench::replace(source),
            Course::Undo | Course::UndoOverwrite => Task::Undo { confirm: LIVE.to_owned() },
            Course::Test => Task::Test,
            Course::Overwrite => Task::Overwrite { source, confirm: LIVE.to_owned() },
        }
    }

    /// Leaves on the disk as much room as this course wants: an overwriting is refused where both databases have it.
    pub fn make_room(&mut self, course: Course) {
        if matches!(course, Course::Overwrite | Course::UndoOverwrite) {
            let narrow = Faulty::new(Arc::clone(&self.bench.workshop.world.local));
            narrow.arm(At::Space, Trouble::Free(self.narrow), u32::MAX);
            self.bench.workshop.world.local = Arc::new(narrow);
        }
    }

    /// Brings about what a restore of this course begins with.
    pub async fn prepare(&self, course: Course) -> Result<(), String> {
        match course {
            Course::Beside | Course::Replace | Course::Test | Course::Overwrite => Ok(()),
            Course::Undo => self.must(self.task(Course::Replace)).await.map(drop),
            Course::UndoOverwrite => self.must(self.task(Course::Overwrite)).await.map(drop),
        }
    }

    /// Carries out a task, without holding anything of it.
    pub async fn carry_out(&self, task: Task, monitor: Arc<dyn Monitor>) -> RestoreReport {
        let order = RestoreOrder {
            id: Uuid::new_v4(),
            task,
            by: "ana".to_owned(),
            begun: self.bench.workshop.world.clock.local_now(),
            login: None,
        };
        carry_out(order, &self.bench.workshop, monitor, CancellationToken::new()).await
    }

    /// Begins what is to suffer.
    pub async fn begin(&self, course: Course, monitor: Arc<dyn Monitor>) -> RestoreReport {
        self.carry_out(self.task(course), monitor).await
    }

    async fn must(&self, task: Task) -> Result<RestoreReport, String> {
        let told = format!("{task:?}");
        let report = self.carry_out(task, Arc::new(Ear::default())).await;
        let good = report.outcome == Some(Outcome::Success);
        hold(good, || format!("{told}: {:?}: {:?}", report.outcome, report.problems))?;
        Ok(report)
    }

    /// What must hold after a restore that ended with `report`, once the next process has begun. Everything is as before then.
    pub async fn judge(&mut self, course: Course, report: &RestoreReport) -> Came {
        self.bench.shop.standin.handle.clear_faults();
        self.bench.shop.standin.handle.release();
        self.bench.shop.standin.until_quiet().await;
        self.wait_at_most(PATIENT);
        sound(report)?;
        recover(&self.bench.workshop).await.map_err(|problem| format!("the next start: {problem:?}"))?;
        self.trials += 1;
        match course {
            Course::Beside => self.judge_beside(report).await?,
            Course::Test => self.judge_test(report).await?,
            Course::Replace | Course::Undo => self.judge_exchange(course, report).await?,
            Course::Overwrite | Course::UndoOverwrite => self.judge_overwrite(course, report).await?,
        }
        self.is_as_before().await?;
        self.bench.shop.clock.advance(chrono::TimeDelta::hours(1));
        let next = self.bench.shop.run().await;
        hold(next.outcome == Some(Outcome::Success), || format!("the next backup: {:?}", next.problems))?;
        let outcome = report.outcome.unwrap_or(Outcome::Interrupted);
        Ok(match report.problems.first() {
            Some(problem) => format!("{outcome:?} ({})", problem.code.id()),
            None => format!("{outcome:?}, and it is one"),
        })
    }

    async fn judge_beside(&self, report: &RestoreReport) -> Result<(), String> {
        let names = self.names().await;
        if report.outcome == Some(Outcome::Failed) {
            return hold(names == [LIVE], || format!("it failed, and left {names:?}"));
        }
        let target = report.target.clone().ok_or("a success without a database")?;
        hold(names.contains(&target), || format!("a success, but there is no {target}"))?;
        hold(self.contents(&target).await == self.dumped, || format!("a false success: {target}"))?;
        self.must(Task::Drop { database: target }).await.map(drop)
    }

    async fn judge_test(&self, report: &RestoreReport) -> Result<(), String> {
        let passed = report.verdict() == Some(Verdict::Passed);
        let good = matches!(report.outcome, Some(Outcome::Success | Outcome::Warning));
        hold(passed == good, || format!("{:?} is {:?}", report.outcome, report.verdict()))?;
        let names = self.names().await;
        hold(names == [LIVE], || format!("a test left {names:?}"))
    }

    async fn judge_exchange(&self, course: Course, report: &RestoreReport) -> Result<(), String> {
        let exchanged = self.is_exchanged().await?;
        let good = report.outcome != Some(Outcome::Failed);
        let wanted = course == Course::Replace;
        hold(!good || exchanged == wanted, || format!("a false success: exchanged is {exchanged}"))?;
        if good && wanted {
            let safety = report.safety.as_deref().is_some_and(|file| Path::new(file).is_file());
            hold(safety && report.kept.is_some(), || "neither a safety backup nor a kept one".to_owned())?;
        }
        let open = unfinished(&self.bench.workshop.records);
        hold(!(open.is_some() && exchanged), || format!("named as open, but done: {open:?}"))?;
        if open.is_some() && self.trials.is_multiple_of(2) {
            self.must(Task::Resume { confirm: LIVE.to_owned() }).await?;
            hold(self.is_exchanged().await?, || "resumed, and not exchanged".to_owned())?;
        }
        if open.is_some() || exchanged {
            self.must(Task::Undo { confirm: LIVE.to_owned() }).await?;
            hold(!self.is_exchanged().await?, || "undone, and still exchanged".to_owned())?;
        } else if course == Course::Replace {
            let names = self.names().await;
            hold(names == [LIVE], || format!("it failed before the exchange, and left {names:?}"))?;
        }
        for database in self.names().await.into_iter().filter(|name| name != LIVE) {
            self.must(Task::Drop { database }).await?;
        }
        Ok(())
    }

    async fn judge_overwrite(&self, course: Course, report: &RestoreReport) -> Result<(), String> {
        let records = &self.bench.workshop.records;
        let (open, stands) = (unfinished(records), standing(records));
        if report.outcome != Some(Outcome::Failed) {
            let wanted = if course == Course::Overwrite { &self.dumped } else { &self.live };
            hold(self.contents(LIVE).await == *wanted, || "a false success".to_owned())?;
            let safety = report.safety.as_deref().is_some_and(|file| Path::new(file).is_file());
            hold(safety, || "no safety backup".to_owned())?;
        } else if open.is_none() {
            let now = self.contents(LIVE).await;
            let touched = now != self.live;
            hold(!touched || now == self.dumped, || "half of it, and nothing is named".to_owned())?;
            hold(touched == stands.is_some(), || {
                format!("touched is {touched}, but there stands {stands:?}")
            })?;
        } else if self.trials.is_multiple_of(2) {
            self.must(Task::Resume { confirm: LIVE.to_owned() }).await?;
            hold(self.contents(LIVE).await == self.dumped, || {
                "resumed, but not the backup's rows".to_owned()
            })?;
        }
        if standing(records).is_some() || unfinished(records).is_some() {
            self.must(Task::Undo { confirm: LIVE.to_owned() }).await?;
        }
        hold(standing(records).is_none(), || "undone, and it still stands".to_owned())
    }

    /// Whether the backup stands in the live database's place; one of the two states, each whole.
    async fn is_exchanged(&self) -> Result<bool, String> {
        let names = self.names().await;
        let kept = names.iter().find(|name| name.contains("_antes_"));
        let live = self.contents(LIVE).await;
        match kept {
            Some(kept) => {
                hold(live == self.dumped, || format!("{kept} is there, but the rows are not the backup's"))?;
                hold(self.contents(kept).await == self.live, || format!("{kept} is not what was live"))?;
                Ok(true)
            }
            None if live == self.live => Ok(false),
            None => Err(format!("the live database is another one: {names:?}")),
        }
    }

    /// Holds that only the live database is there, untouched and open, with no file of another one, and nothing half-made.
    async fn is_as_before(&self) -> Result<(), String> {
        let names = self.names().await;
        hold(names == [LIVE], || format!("left: {names:?}"))?;
        hold(self.contents(LIVE).await == self.live, || "the live rows are others".to_owned())?;
        let closed = "SELECT name FROM sys.databases WHERE state <> 0 OR user_access <> 0";
        let closed = self.bench.application().await.rows(closed).await;
        hold(closed.is_empty(), || format!("closed: {closed:?}"))?;
        let paths =
            self.bench.workshop.world.server.instance_paths().await.map_err(|it| format!("{it:?}"))?;
        let of_nobody = |path: &PathBuf| !paths.taken.iter().any(|taken| Path::new(taken) == path);
        let orphans: Vec<_> = files_below(Path::new(&paths.data)).into_iter().filter(of_nobody).collect();
        hold(orphans.is_empty(), || format!("files of no database: {orphans:?}"))?;
        let folders = [self.bench.shop.folder(), self.bench.shop.terminal()];
        let files = folders.iter().flat_map(|folder| files_below(folder));
        let half_made: Vec<_> = files.filter(|path| is_partial(path)).collect();
        hold(half_made.is_empty(), || format!("half-made: {half_made:?}"))?;
        // Safety backups are whole files, and too many for this disk.
        for folder in folders {
            let extras = folder.join("extra");
            for extra in if extras.exists() { files_below(&extras) } else { Vec::new() } {
                fs::remove_file(extra).unwrap();
            }
        }
        Ok(())
    }

    async fn names(&self) -> Vec<String> {
        self.bench.application().await.databases().await
    }

    async fn contents(&self, database: &str) -> Contents {
        self.bench.application().await.contents(database).await
    }
}

/// Bytes that a disk has which holds the dump and all but a byte of the restored files.
async fn room_for_one(workshop: &Workshop) -> u64 {
    let beside = Task::Beside { source: Bench::newest() };
    let plan = foresee(&beside, workshop, workshop.world.clock.local_now()).await.unwrap();
    plan.dump_bytes + plan.files_bytes + workshop.world.config.backup.reserve_bytes - 1
}

/// Holds that a restore came to an end which it tells in a sentence under a code that stays.
fn sound(report: &RestoreReport) -> Result<(), String> {
    let told = |problem: &Problem| {
        problem.code != Code::Internal && !problem.sentence.pt.is_empty() && !problem.sentence.en.is_empty()
    };
    hold(report.problems.iter().all(told), || format!("no sentence: {:?}", report.problems))?;
    let problem = report.problems.first();
    match report.outcome {
        Some(Outcome::Success) => hold(problem.is_none(), || format!("a success with {problem:?}")),
        Some(Outcome::Warning | Outcome::Failed) => hold(problem.is_some(), || "no word of it".to_owned()),
        other @ (Some(Outcome::Cancelled | Outcome::Interrupted) | None) => {
            Err(format!("ended as {other:?}"))
        }
    }
}
