//! Every call to the file system and the network. The real agent makes a run with `run --once` while each of its calls is
//! counted; then, in a run of its own for each, one call fails with one error.
//!
//! The checks draw some of all faults; `DMBACKUP_FAULTS=all` makes them all, `DMBACKUP_FAULTS=500` draws so many.

use crate::support::agent::Shop;
use crate::support::calls::{Call, Fault, Watched, errno_name, errors_of, watch};
use crate::support::sqlserver::{StandIn, eventually};
use crate::support::table::{Table, seed, trials};
use crate::support::whole::{Inspector, files_below, is_partial};
use fake_sqlserver::options::DatabaseOptions;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// Faults that the checks draw of all.
const USUAL: usize = 70;
/// No run takes so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// Shops at once, each with a server of its own.
const LANES: usize = 2;
/// An agent may end with these: see `dmbackupctl help exit-codes`. What is missing there is an error of the program.
const EXITS: [i32; 10] = [0, 3, 4, 5, 6, 7, 8, 9, 10, 14];

/// What stands before the run that meets the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    /// Nothing: the folders are made and claimed in this run.
    Nothing,
    /// A good backup on both sides.
    Backup,
}

/// A shop with a SQL Server of its own.
struct Site {
    standin: StandIn,
    shop: Shop,
    inspector: Inspector,
    /// The sequence of each zip when it was last looked at.
    zips: BTreeMap<PathBuf, u64>,
}

impl Site {
    fn open(before: Before) -> Self {
        let standin = StandIn::start_with(|options| options.database(DatabaseOptions::rows("Loja", 100)));
        let shop = Shop::new();
        shop.configure_with(standin.handle.address().port(), "databases = ['Loja']");
        let mut site = Self { standin, shop, inspector: Inspector::default(), zips: BTreeMap::new() };
        if before == Before::Backup {
            site.must_work().unwrap();
        }
        site
    }

    fn folders(&self) -> [PathBuf; 2] {
        ["servidor", "terminal"].map(|side| self.shop.path(side))
    }

    fn run(&self, fault: Option<Fault>) -> Watched {
        let root = self.shop.path("dmbackup.toml").canonicalize().unwrap();
        let command = self.shop.command(&[], &["run", "--once"]);
        watch(command, root.parent().unwrap(), fault, PATIENCE).unwrap_or_else(|error| {
            panic!("this machine does not let a program be watched (seccomp): {error}")
        })
    }

    /// A run that meets `fault`; what came of it, in words, and whether the fault struck.
    fn suffer(&mut self, fault: Fault) -> Result<(String, bool), String> {
        let before = self.newest();
        let Watched { struck, output, .. } = self.run(Some(fault));
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        let said = said.concat();
        let told = |what: String| format!("{what}\n{said}");
        let Some(exit) = output.status.code() else {
            return Err(told(format!("ended by {}", output.status)));
        };
        if said.contains("panicked") || !EXITS.contains(&exit) {
            return Err(told(format!("exit {exit}")));
        }
        self.look().map_err(told)?;
        let now = self.newest();
        match exit {
            0 if now[0] <= before[0] || now[0] != now[1] || !self.is_everywhere() => {
                return Err(told(format!("a false success: {before:?} became {now:?}")));
            }
            9 if now[0] <= before[0] => {
                return Err(told(format!("made, it says: {before:?} became {now:?}")));
            }
            _ => {}
        }
        Ok((came(exit), struck))
    }

    /// A run without a fault: a success, and nothing is left of the one before.
    fn must_work(&mut self) -> Result<(), String> {
        let before = self.newest();
        let output = self.shop.ctl(&["run", "--once"]);
        if output.exit != 0 {
            return Err(format!("the next run: exit {}\n{}{}", output.exit, output.out, output.err));
        }
        self.look()?;
        let now = self.newest();
        if now[0] <= before[0] || now[0] != now[1] || !self.is_everywhere() {
            return Err(format!("the next run: {before:?} became {now:?}"));
        }
        let left: Vec<_> =
            files_below(&self.shop.path("")).into_iter().filter(|path| is_partial(path)).collect();
        if !left.is_empty() {
            return Err(format!("left half-made: {left:?}"));
        }
        self.until_quiet();
        Ok(())
    }

    /// Looks at every file on both sides: each good name must hold a whole backup, the one that it held or a newer one.
    fn look(&mut self) -> Result<(), String> {
        let folders = self.folders();
        // What is not whole is told with the fault that made it so.
        let looking = AssertUnwindSafe(|| self.inspector.sequences(&folders, "Loja"));
        let now = catch_unwind(looking).map_err(|_| "something is not whole (told above)".to_owned())?;
        for (path, old) in &self.zips {
            let new = now.get(path);
            if new.is_none_or(|new| new < old) {
                return Err(format!("{}: {old} became {new:?}", path.display()));
            }
        }
        self.zips = now;
        Ok(())
    }

    /// The sequence of the newest backup on each side; 0 without one.
    fn newest(&self) -> [u64; 2] {
        self.folders().map(|side| {
            let below = self.zips.iter().filter(|(path, _)| path.starts_with(&side));
            below.map(|(_, sequence)| *sequence).max().unwrap_or_default()
        })
    }

    /// Whether the newest backup has its three names on both sides.
    fn is_everywhere(&self) -> bool {
        let newest = self.newest();
        self.folders().iter().zip(newest).all(|(side, newest)| {
            let names = self.zips.iter().filter(|(path, has)| path.starts_with(side) && **has == newest);
            let top = self.zips.get(&side.join("MCDados.zip")) == Some(&newest);
            top && names.count() == 3
        })
    }

    /// Waits until no statement is left running in the server.
    fn until_quiet(&self) {
        let running = || self.standin.handle.sessions().iter().filter(|it| it.request.is_some()).count();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(eventually("our statements to end", || running() == 0));
    }
}

/// What an exit code tells.
fn came(exit: i32) -> String {
    match exit {
        0 => "success, and it is one".to_owned(),
        9 => "warning".to_owned(),
        other => format!("failed ({other})"),
    }
}

/// Every fault that the calls of a run can meet.
fn faults_of(calls: &BTreeMap<Call, usize>) -> Vec<Fault> {
    let times =
        |(call, count): (&Call, &usize)| (1..=*count).map(|time| (call.clone(), time)).collect::<Vec<_>>();
    calls
        .iter()
        .flat_map(times)
        .flat_map(|(call, time)| {
            let errors = errors_of(call.name);
            errors.iter().map(move |errno| Fault { call: call.clone(), time, errno: *errno })
        })
        .collect()
}

/// So many of `faults`: of each call in turn one, so that a call that is made often does not crowd out the others.
fn drawn(mut faults: Vec<Fault>, count: usize, random: &mut fastrand::Rng) -> Vec<Fault> {
    random.shuffle(&mut faults);
    let mut seen = BTreeMap::<Call, usize>::new();
    let mut ranked: Vec<_> = faults
        .into_iter()
        .map(|fault| {
            let rank = seen.entry(fault.call.clone()).or_default();
            *rank += 1;
            (*rank, fault)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().take(count).map(|(_, fault)| fault).collect()
}

/// Lets every one of `faults` happen, in `LANES` shops at once. The table, and what went wrong.
fn sweep(before: Before, faults: Vec<Fault>) -> (Table, usize, Vec<String>) {
    let waiting = Mutex::new(faults.into_iter());
    let lane = || {
        let (mut table, mut struck, mut wrong) = (Table::default(), 0, Vec::new());
        let mut site = Site::open(before);
        loop {
            let Some(fault) = waiting.lock().unwrap().next() else { break (table, struck, wrong) };
            let shown = format!("{before:?}: {}", fault.shown());
            let what = format!("{} {}", fault.call.name, fault.call.place);
            let how = errno_name(fault.errno);
            let came = site.suffer(fault).and_then(|came| site.must_work().map(|()| came));
            let ended = came.is_err() || before == Before::Nothing;
            match came {
                Ok((came, true)) => {
                    struck += 1;
                    table.count(&what, &how, &came);
                }
                Ok((_, false)) => {}
                Err(what) => {
                    println!("HARM ── {shown}");
                    wrong.push(format!("── {shown}\n{what}"));
                }
            }
            if ended {
                site = Site::open(before);
            }
        }
    };
    let lanes: Vec<_> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    lanes.into_iter().fold((Table::default(), 0, Vec::new()), |mut all, (table, struck, wrong)| {
        all.0.join(table);
        all.2.extend(wrong);
        (all.0, all.1 + struck, all.2)
    })
}

fn every_call_fails(before: Before, usual: usize, is_meant: impl Fn(&Call) -> bool) {
    let seed = seed();
    let first = Site::open(before).run(None);
    assert!(first.output.status.success(), "{first:?}");
    let calls: BTreeMap<_, _> = first.calls.into_iter().filter(|(call, _)| is_meant(call)).collect();
    let faults = faults_of(&calls);
    let (kinds, all) = (calls.len(), faults.len());
    let chosen = drawn(faults, trials("DMBACKUP_FAULTS", usual), &mut fastrand::Rng::with_seed(seed));
    let tried = chosen.len();
    println!(
        "{} calls of {kinds} kinds in a run, {all} faults; {tried} of them tried with DMBACKUP_TEST_SEED={seed}",
        calls.values().sum::<usize>()
    );
    let (table, struck, wrong) = sweep(before, chosen);
    println!("{}", table.shown(["call", "error", "what came of it"]));
    assert!(wrong.is_empty(), "{} faults of {tried} did harm:\n{}", wrong.len(), wrong.join("\n"));
    assert!(struck * 10 >= tried * 8, "only {struck} of {tried} faults struck: calls are not named alike");
}

#[test]
fn whatever_call_of_a_run_fails_nothing_old_is_lost_nothing_is_called_a_success_and_the_next_run_works() {
    every_call_fails(Before::Backup, USUAL, |_| true);
}

#[test]
fn whatever_call_of_the_first_run_fails_the_next_one_makes_the_first_backup() {
    // What the first run does beside what each run does: it makes the folders, the journal and the identities.
    let firsts = ["mkdir", "mkdirat", "rename", "renameat2", "link", "openat"];
    every_call_fails(Before::Nothing, USUAL / 4, |call| firsts.contains(&call.name));
}
