//! Every statement that a run sends to SQL Server, and every login: the connection is cut before it is done, before its answer,
//! in the middle of it and after it, the server falls silent before and after, or answers with each error that has a meaning
//! for us.
//!
//! The checks draw some of all faults; `DMBACKUP_FAULTS=all` makes them all, `DMBACKUP_FAULTS=500` draws so many.

use super::blows::{Blow, blows_of, drawn, error};
use crate::support::shop::{Ear, Shop};
use crate::support::sqlserver::LIMITS;
use crate::support::table::{Table, seed, trials};
use dmbackup::backup::outcome::{Outcome, Phase, Progress, RunReport};
use dmbackup::sqlserver::Limits;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Faults that the checks draw of all, for each kind of run.
const USUAL: usize = 60;

/// Every error that has a meaning for us, with its class.
const ERRORS: [(i32, u8); 52] = [
    (3201, 16),
    (3202, 16),
    (3203, 16),
    (3204, 16),
    (596, 21),
    (3021, 16),
    (3023, 16),
    (3241, 16),
    (3242, 16),
    (3254, 16),
    (3256, 16),
    (3132, 16),
    (3183, 16),
    (3189, 16),
    (3271, 16),
    (3101, 16),
    (3102, 16),
    (924, 14),
    (3154, 16),
    (3169, 16),
    (3159, 16),
    (1834, 16),
    (3156, 16),
    (3234, 16),
    (3110, 14),
    (229, 14),
    (262, 14),
    (911, 16),
    (4060, 11),
    (927, 14),
    (942, 14),
    (945, 14),
    (18456, 14),
    (18452, 14),
    (18470, 14),
    (18486, 14),
    (18487, 14),
    (18488, 14),
    (3043, 16),
    (823, 24),
    (824, 24),
    (825, 10),
    (9002, 17),
    (1844, 16),
    (3013, 16),
    (1205, 13),
    (1222, 16),
    (701, 17),
    (208, 16),
    (297, 16),
    (300, 14),
    (50_000, 16),
];

/// What the run goes through besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// Nothing: it would be a success.
    Good,
    /// The dump is damaged though the server calls it a success, so that the server is asked about it.
    Doubtful,
    /// A person stops it while the server dumps.
    Stopped,
}

/// Every fault that a statement of a run can meet.
fn faults_of(kind: StatementKind) -> Vec<Action> {
    let actions =
        [Action::Drop { percent: 0.0 }, Action::Drop { percent: 50.0 }, Action::Stall { percent: 50.0 }];
    // One that is not let in has done nothing.
    let done = if kind == StatementKind::Login { &[][..] } else { &DONE_OR_NOT };
    let errors = ERRORS.map(|(number, class)| error(number, class));
    actions.into_iter().chain(done.iter().cloned()).chain(errors).collect()
}

/// What leaves it open to the run whether its statement was carried out.
static DONE_OR_NOT: [Action; 3] = [Action::Cut, Action::Lose, Action::Mute];

/// Whether no sample goes without it: a dump that is there, or not, and of which the run hears nothing.
fn is_indispensable(blow: &Blow) -> bool {
    blow.kind == StatementKind::Backup && DONE_OR_NOT.contains(&blow.action)
}

impl Course {
    /// Makes a run of this course. Tells also whether it was stopped: one that the server says nothing of is over before it
    /// can be.
    async fn run(self, shop: &mut Shop) -> (RunReport, bool) {
        let cancel = CancellationToken::new();
        let mut ear = Ear::default();
        match self {
            Self::Good => {}
            Self::Doubtful => {
                let flip = Action::Flip { byte: 20, bit: 3 };
                shop.standin.handle.inject(Fault::at(StatementKind::Backup, flip).once());
            }
            Self::Stopped => {
                let pace = Action::Pace(Duration::from_millis(2));
                shop.standin.handle.inject(Fault::at(StatementKind::Backup, pace).once());
                let stop = cancel.clone();
                let then = move |progress: &Progress| {
                    if progress.phase == Phase::Dumping {
                        stop.cancel();
                    }
                };
                ear.then = Some(Box::new(then));
            }
        }
        let report = shop.run_with(Arc::new(ear), cancel.clone()).await;
        (report, cancel.is_cancelled())
    }

    /// Whether a run of this course may end so.
    const fn allows(self, outcome: Outcome, stopped: bool) -> bool {
        match outcome {
            Outcome::Success => matches!(self, Self::Good) || (matches!(self, Self::Stopped) && !stopped),
            Outcome::Warning | Outcome::Failed => true,
            Outcome::Cancelled => matches!(self, Self::Stopped),
            Outcome::Interrupted => false,
        }
    }
}

/// The files in slots: what a rescue of a damaged database leaves beside them is no backup.
fn slots(shop: &Shop) -> BTreeMap<PathBuf, String> {
    let mut files = shop.snapshot();
    files.retain(|path, _| !path.starts_with(shop.folder().join("resgate")));
    files
}

/// Makes a run that meets `blow`, and then a good one. What came of the first.
async fn suffer(shop: &mut Shop, course: Course, blow: &Blow) -> String {
    let before = slots(shop);
    let hasty = Limits {
        connect: Duration::from_millis(1_500),
        answer: Duration::from_millis(1_500),
        count: Duration::from_millis(1_500),
        stall: Duration::from_millis(1_500),
        ..LIMITS
    };
    let silent = matches!(blow.action, Action::Stall { .. } | Action::Mute);
    shop.wait_at_most(if silent { hasty } else { LIMITS });
    shop.standin.handle.inject(blow.fault());
    let (report, stopped) = course.run(shop).await;
    shop.standin.handle.clear_faults();
    let context =
        format!("{course:?}: {} #{} {}: {:?}", blow.text, blow.after + 1, blow.how(), report.problems);
    let outcome = report.outcome.unwrap_or_else(|| panic!("{context}: no outcome"));
    assert!(course.allows(outcome, stopped), "{context}: {outcome:?}");
    match outcome {
        Outcome::Success => shop.assert_stands(&report),
        Outcome::Warning => {
            let stands = report.server.as_ref().is_some_and(|copy| copy.done);
            assert!(stands && !report.problems.is_empty(), "{context}");
        }
        Outcome::Failed | Outcome::Cancelled | Outcome::Interrupted => {
            assert_eq!(slots(shop), before, "{context}: files of earlier backups changed");
        }
    }
    shop.standin.until_quiet().await;
    shop.wait_at_most(LIMITS);
    shop.good_run().await;
    match report.problems.first() {
        Some(problem) => format!("{outcome:?} ({})", problem.code.id()),
        None => format!("{outcome:?}, and it is one"),
    }
}

async fn every_statement_fails(course: Course, usual: usize) {
    let seed = seed();
    let mut shop = Shop::open().await;
    shop.good_run().await;
    shop.standin.handle.instance().faults.record();
    course.run(&mut shop).await;
    let met = shop.standin.handle.instance().faults.recorded();
    let (mut chosen, blows): (Vec<_>, Vec<_>) =
        blows_of(&met, faults_of).into_iter().partition(is_indispensable);
    assert!(chosen.len() >= DONE_OR_NOT.len(), "a run makes a dump: {met:?}");
    let all = chosen.len() + blows.len();
    let drawn = drawn(blows, trials("DMBACKUP_FAULTS", usual), &mut fastrand::Rng::with_seed(seed));
    chosen.extend(drawn);
    println!(
        "{course:?}: {} statements and logins in a run, {all} faults; {} of them tried with DMBACKUP_TEST_SEED={seed}",
        met.len(),
        chosen.len()
    );
    let mut table = Table::default();
    for blow in &chosen {
        let came = suffer(&mut shop, course, blow).await;
        table.count(&blow.text, &blow.how(), &came);
    }
    println!("{}", table.shown(["statement", "fault", "what came of it"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_statement_of_a_run_fails_nothing_old_is_lost_and_the_next_run_works() {
    every_statement_fails(Course::Good, USUAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_dump_is_no_success_whatever_the_server_says_or_does_not_say_of_it() {
    every_statement_fails(Course::Doubtful, USUAL / 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_leaves_nothing_running_whatever_statement_fails_on_the_way() {
    every_statement_fails(Course::Stopped, USUAL / 3).await;
}
