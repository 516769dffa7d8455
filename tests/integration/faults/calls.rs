//! Every call to the file system and the network. The real agent makes a run with `run --once` while each of its calls is
//! counted; then, in a run of its own for each, one call fails with one error. So do the calls with which a run tidies up what
//! a killed one has left.
//!
//! The checks draw some of all faults; `DMBACKUP_FAULTS=all` makes them all, `DMBACKUP_FAULTS=500` draws so many.
//! `DMBACKUP_FAULT=fsync` tries only those whose name, as the table and the complaints show it, contains `fsync`.

use crate::support::agent::Shop;
use crate::support::calls::{Call, Fault, KILL, Watched, errno_name, errors_of, watch};
use crate::support::sqlserver::{StandIn, eventually};
use crate::support::table::{Table, seed, trials};
use crate::support::whole::{Inspector, files_below, is_partial};
use fake_sqlserver::options::DatabaseOptions;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// Faults that the checks draw of all.
const USUAL: usize = 70;
/// No run takes so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// So many faults of a hundred strike: the same calls are made in every run but for a few.
pub(super) const STRUCK_PERCENT: usize = 80;
/// Shops at once, each with a server of its own.
const LANES: usize = 2;
/// An agent may end with these: see `dmbackupctl help exit-codes`. What is missing there is an error of the program.
const EXITS: [i32; 10] = [0, 3, 4, 5, 6, 7, 8, 9, 10, 14];

/// What stands before the run that meets the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Before {
    /// Nothing: the folders are made and claimed in this run.
    Nothing,
    /// A good backup on both sides.
    Backup,
    /// The same, and a later run that was killed before it could make this call.
    Killed(&'static str, &'static str),
}

/// How often each call is made.
pub(super) type Calls = BTreeMap<Call, usize>;

/// A shop with a SQL Server of its own.
pub(super) struct Site {
    standin: StandIn,
    pub(super) shop: Shop,
    inspector: Inspector,
    /// The sequence of each zip when it was last looked at.
    pub(super) zips: BTreeMap<PathBuf, u64>,
}

impl Site {
    pub(super) fn open(before: Before) -> Self {
        let standin = StandIn::start_with(|options| options.database(DatabaseOptions::rows("Loja", 100)));
        let shop = Shop::new();
        shop.configure_with(standin.handle.address().port(), "databases = ['Loja']");
        let mut site = Self { standin, shop, inspector: Inspector::default(), zips: BTreeMap::new() };
        if before != Before::Nothing {
            site.must_work().unwrap();
        }
        site
    }

    /// Has what is to stand before each trial.
    fn prepare(&mut self, before: Before) -> Result<(), String> {
        let Before::Killed(name, place) = before else { return Ok(()) };
        let call = Call { name, place: place.to_owned() };
        let Watched { output, .. } = self.run(Some(Fault { call, time: 1, errno: KILL }));
        match output.status.signal() {
            Some(libc::SIGKILL) => self.look(),
            _ => Err(format!("the run that was to be killed: {output:?}")),
        }
    }

    fn folders(&self) -> [PathBuf; 2] {
        ["servidor", "terminal"].map(|side| self.shop.path(side))
    }

    /// The folder of the shop, as the system calls it.
    pub(super) fn root(&self) -> PathBuf {
        self.shop.path("").canonicalize().unwrap()
    }

    fn run(&self, fault: Option<Fault>) -> Watched {
        let command = self.shop.command(&[], &["run", "--once"]);
        watch(command, &self.root(), fault, PATIENCE).unwrap_or_else(|error| {
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
    pub(super) fn must_work(&mut self) -> Result<(), String> {
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
    pub(super) fn look(&mut self) -> Result<(), String> {
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
    pub(super) fn newest(&self) -> [u64; 2] {
        self.folders().map(|side| {
            let below = self.zips.iter().filter(|(path, _)| path.starts_with(&side));
            below.map(|(_, sequence)| *sequence).max().unwrap_or_default()
        })
    }

    /// Whether the newest backup has its three names on both sides.
    pub(super) fn is_everywhere(&self) -> bool {
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

/// Every fault that the calls of a run can meet, without those that are `usual`.
pub(super) fn faults_of(calls: &Calls, usual: &Calls) -> Vec<Fault> {
    let times = |(call, count): (&Call, &usize)| {
        let known = usual.get(call).copied().unwrap_or_default();
        (known + 1..=*count).map(|time| (call.clone(), time)).collect::<Vec<_>>()
    };
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

/// Lets faults of `all` happen, in `LANES` places at once that `open` makes: those that the checks draw (`usual`) or that
/// the environment asks for. `trial` says what came of one, and whether it struck. Prints the table; fails where a fault did
/// harm, or fewer than `least_percent` of them struck.
pub(super) fn try_faults<S>(
    all: Vec<Fault>,
    usual: usize,
    least_percent: usize,
    open: impl Fn() -> S + Sync,
    trial: impl Fn(&mut S, Fault) -> Result<(String, bool), String> + Sync,
) {
    let (seed, count) = (seed(), all.len());
    let named = std::env::var("DMBACKUP_FAULT").unwrap_or_default();
    let all: Vec<_> = all.into_iter().filter(|fault| fault.shown().contains(&named)).collect();
    let chosen = drawn(all, trials("DMBACKUP_FAULTS", usual), &mut fastrand::Rng::with_seed(seed));
    let tried = chosen.len();
    println!("{count} faults; {tried} of them tried with DMBACKUP_TEST_SEED={seed}");
    let waiting = Mutex::new(chosen.into_iter());
    let sum = Mutex::new((Table::default(), 0, Vec::new()));
    let lane = || {
        let mut place = open();
        loop {
            let Some(fault) = waiting.lock().unwrap().next() else { break };
            let (what, how) = (format!("{} {}", fault.call.name, fault.call.place), errno_name(fault.errno));
            let shown = fault.shown();
            let came = trial(&mut place, fault);
            let mut sum = sum.lock().unwrap();
            match came {
                Ok((came, struck)) => {
                    sum.1 += usize::from(struck);
                    if struck {
                        sum.0.count(&what, &how, &came);
                    }
                }
                Err(what) => {
                    println!("HARM ── {shown}\n{what}");
                    sum.2.push(shown);
                    place = open();
                }
            }
        }
    };
    std::thread::scope(|scope| (0..LANES).for_each(|_| drop(scope.spawn(lane))));
    let (table, struck, wrong) = sum.into_inner().unwrap();
    println!("{}", table.shown(["call", "error", "what came of it"]));
    assert!(
        wrong.is_empty(),
        "{} faults of {tried} did harm (told above):\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        struck * 100 >= tried * least_percent,
        "only {struck} of {tried} faults struck: calls are not named alike"
    );
}

/// Holds that no call to one of the program's places goes unmet.
pub(super) fn assert_all_are_known(watched: &Watched) {
    assert!(
        watched.unknown.is_empty(),
        "calls by their numbers, and the places that they are about, which `support/calls/list.rs` lacks: {:?}",
        watched.unknown
    );
}

fn every_call_fails(before: Before, usual: usize, is_meant: impl Fn(&Call) -> bool) {
    let mut site = Site::open(before);
    site.prepare(before).unwrap();
    let first = site.run(None);
    assert!(first.output.status.success(), "{first:?}");
    assert_all_are_known(&first);
    let calls: Calls = first.calls.into_iter().filter(|(call, _)| is_meant(call)).collect();
    println!("{} calls of {} kinds in a run", calls.values().sum::<usize>(), calls.len());
    // What a run does anyway is met in a run that nothing was broken off before.
    let (known, least_percent) = match before {
        Before::Nothing | Before::Backup => (Calls::new(), STRUCK_PERCENT),
        // What one run happens to make more often than another is among the rest, and need not strike again.
        Before::Killed(..) => (Site::open(Before::Backup).run(None).calls, STRUCK_PERCENT / 4),
    };
    try_faults(
        faults_of(&calls, &known),
        usual,
        least_percent,
        || Site::open(before),
        |site, fault| {
            site.prepare(before)?;
            let came = site.suffer(fault)?;
            site.must_work()?;
            if before == Before::Nothing {
                *site = Site::open(before);
            }
            Ok(came)
        },
    );
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

#[test]
fn whatever_call_fails_while_a_killed_run_is_tidied_up_the_next_run_works() {
    for (name, place) in [
        ("rename", "servidor/HHh/MCDados.zip"),
        ("rename", "servidor/MCDados.zip"),
        ("rename", "terminal/HHh/MCDados.zip"),
    ] {
        println!("killed before {name} {place}");
        every_call_fails(Before::Killed(name, place), USUAL / 7, |_| true);
    }
}
