//! Every statement that a restore beside, a replacement, its undo and a restore test send to SQL Server, and every login: the
//! connection is cut before it is done, in the middle and after it, the server falls silent before and after, or answers with
//! the errors that such a statement can have.
//!
//! The checks try one fault at each statement; `DMBACKUP_FAULTS=all` tries them all, `DMBACKUP_FAULTS=500` so many.

use super::blows::{Blow, blows_of, drawn, error};
use super::yard::{Came, Course, HASTY, PATIENT, ROWS, Yard};
use crate::restore::bench::Ear;
use crate::support::shop::Shop;
use crate::support::sqlserver::{DATABASE, StandIn};
use crate::support::table::{Table, seed, trials};
use fake_sqlserver::error::SqlError;
use fake_sqlserver::fault::{Action, Met, StatementKind};
use fake_sqlserver::options::DatabaseOptions;
use std::sync::Arc;

/// The errors that a statement of this kind can have, with their classes.
const fn errors_of(kind: StatementKind) -> &'static [(i32, u8)] {
    match kind {
        StatementKind::Login => {
            &[(18456, 14), (18470, 14), (18486, 14), (18488, 14), (4060, 11), (17142, 14)]
        }
        StatementKind::Select | StatementKind::Dbcc => {
            &[(1205, 13), (1222, 16), (300, 14), (701, 17), (596, 21)]
        }
        StatementKind::Backup => &[
            (3201, 16),
            (3202, 16),
            (3204, 16),
            (3023, 16),
            (3043, 16),
            (823, 24),
            (9002, 17),
            (262, 14),
            (596, 21),
        ],
        StatementKind::Restore => &[
            (3201, 16),
            (3203, 16),
            (3204, 16),
            (3257, 16),
            (3101, 16),
            (3102, 16),
            (3154, 16),
            (3159, 16),
            (3169, 16),
            (3183, 16),
            (3189, 16),
            (3241, 16),
            (3271, 16),
            (1834, 16),
            (3156, 16),
            (3234, 16),
            (5133, 16),
            (1105, 17),
            (262, 14),
            (823, 24),
            (1205, 13),
            (596, 21),
        ],
        StatementKind::VerifyOnly | StatementKind::HeaderOnly | StatementKind::FileListOnly => &[
            (3201, 16),
            (3203, 16),
            (3132, 16),
            (3169, 16),
            (3189, 16),
            (3241, 16),
            (3254, 16),
            (262, 14),
            (596, 21),
        ],
        StatementKind::CheckDb => &[
            (1823, 17),
            (5030, 16),
            (924, 14),
            (916, 14),
            (945, 14),
            (8921, 16),
            (823, 24),
            (1205, 13),
            (596, 21),
        ],
        StatementKind::Alter => &[
            (5030, 16),
            (5061, 16),
            (5064, 16),
            (5070, 16),
            (5011, 14),
            (1801, 16),
            (15151, 16),
            (9002, 17),
            (1205, 13),
            (596, 21),
        ],
        StatementKind::Drop => &[(3702, 16), (3701, 11), (1205, 13), (596, 21)],
        StatementKind::Kill => &[(6106, 16), (6102, 14)],
        StatementKind::Other => {
            &[(911, 16), (924, 14), (927, 14), (942, 14), (945, 14), (1205, 13), (596, 21)]
        }
        StatementKind::Change | StatementKind::Security => &[(229, 14), (1205, 13), (596, 21)],
    }
}

fn faults_of(kind: StatementKind) -> Vec<Action> {
    let mut faults = vec![
        Action::Cut,
        Action::Drop { percent: 50.0 },
        Action::Lose,
        Action::Stall { percent: 50.0 },
        Action::Mute,
    ];
    if kind == StatementKind::Login {
        // One that is not let in has done nothing.
        faults.retain(|fault| !matches!(fault, Action::Cut | Action::Lose | Action::Mute));
    }
    faults.extend(errors_of(kind).iter().map(|(number, class)| error(*number, *class)));
    if matches!(kind, StatementKind::Backup | StatementKind::Restore) {
        let full = "Write on \"x\" failed: 112(There is not enough space on the disk.)";
        faults.push(Action::Error(SqlError::new(3202, full)));
    }
    faults
}

async fn yard() -> Yard {
    let standin = StandIn::start_with(|mut options| {
        options.databases.clear();
        options.database(DatabaseOptions::rows(DATABASE, ROWS))
    });
    Yard::open(Shop::open_with(standin, |_| ()).await).await
}

/// The statements of a restore that goes well.
async fn statements_of(yard: &mut Yard, course: Course) -> Result<Vec<Met>, String> {
    yard.make_room(course);
    yard.prepare(course).await?;
    let instance = Arc::clone(yard.bench.shop.standin.handle.instance());
    instance.faults.record();
    let report = yard.begin(course, Arc::new(Ear::default())).await;
    let met = instance.faults.recorded();
    yard.judge(course, &report).await?;
    Ok(met)
}

async fn suffer(yard: &mut Yard, course: Course, blow: &Blow) -> Came {
    yard.make_room(course);
    yard.prepare(course).await?;
    let silent = matches!(blow.action, Action::Stall { .. } | Action::Mute);
    yard.wait_at_most(if silent { HASTY } else { PATIENT });
    yard.make_room(course);
    yard.bench.shop.standin.handle.inject(blow.fault());
    let report = yard.begin(course, Arc::new(Ear::default())).await;
    let missed = yard.bench.shop.standin.handle.instance().faults.waiting();
    let came = yard
        .judge(course, &report)
        .await
        .map_err(|what| format!("{what}; its problems: {:?}", report.problems))?;
    if missed > 0 { Err(format!("the fault did not strike: {:?}", report.problems)) } else { Ok(came) }
}

async fn every_statement_fails(course: Course) {
    let seed = seed();
    let mut yard = yard().await;
    let met = statements_of(&mut yard, course).await.unwrap();
    let blows = blows_of(&met, faults_of);
    let all = blows.len();
    let chosen = drawn(blows, trials("DMBACKUP_FAULTS", met.len()), &mut fastrand::Rng::with_seed(seed));
    println!(
        "{course:?}: {} statements and logins, {all} faults; {} of them tried with DMBACKUP_TEST_SEED={seed}",
        met.len(),
        chosen.len()
    );
    let (mut table, mut wrong) = (Table::default(), Vec::new());
    for blow in &chosen {
        match suffer(&mut yard, course, blow).await {
            Ok(came) => table.count(&blow.text, &blow.how(), &came),
            Err(what) => {
                wrong.push(format!("{} #{}: {}: {what}", blow.text, blow.after + 1, blow.how()));
                yard = self::yard().await;
            }
        }
    }
    println!("{}", table.shown(["statement", "fault", "what came of it"]));
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), chosen.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_statement_of_a_restore_beside_fails_nothing_of_it_stays() {
    every_statement_fails(Course::Beside).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_statement_of_a_restore_test_fails_nothing_of_it_stays() {
    every_statement_fails(Course::Test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_statement_of_a_replacement_fails_one_of_two_whole_states_is_left_and_named() {
    every_statement_fails(Course::Replace).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_statement_of_an_undo_fails_one_of_two_whole_states_is_left_and_named() {
    every_statement_fails(Course::Undo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_statement_of_an_overwriting_fails_what_is_left_is_whole_or_named_and_comes_back() {
    every_statement_fails(Course::Overwrite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_statement_of_an_overwritings_undo_fails_what_is_left_is_whole_or_named_and_comes_back() {
    every_statement_fails(Course::UndoOverwrite).await;
}
