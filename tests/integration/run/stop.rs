//! «Parar» at any moment (4D2): an outcome of its own, nothing half-made, nothing left running.

use crate::support::shop::{Ear, Shop};
use crate::support::sqlserver::StandIn;
use dmbackup::backup::outcome::{Outcome, Phase};
use dmbackup::problem::Code;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::options::DatabaseOptions;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

async fn stopped_in(phase: Phase) {
    let large = StandIn::start_with(|options| options.database(DatabaseOptions::pages_mib("Grande", 24)));
    let mut shop = Shop::open_with(large, |config| {
        config.databases = vec![dmbackup::config::DatabaseName::new("Grande").unwrap()];
    })
    .await;
    shop.good_run().await;
    let before = shop.snapshot();
    let pace = Action::Pace(Duration::from_millis(5));
    shop.standin.handle.instance().faults.inject(Fault::at(StatementKind::Backup, pace).once());
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let then = move |progress: &dmbackup::backup::outcome::Progress| {
        if progress.phase == phase && progress.done_bytes > 0 {
            stop.cancel();
        }
    };
    let ear = Arc::new(Ear { then: Some(Box::new(then)), ..Ear::default() });
    let report = shop.run_with(Arc::clone(&ear) as _, cancel).await;
    assert_eq!(report.outcome, Some(Outcome::Cancelled), "{phase:?}: {:?}", report.problems);
    assert_eq!(report.problems[0].code, Code::RunCancelled);
    assert_eq!(ear.phases.lock().unwrap().last(), Some(&phase), "it stopped where it was");
    shop.assert_unchanged(&before);
    shop.standin.until_quiet().await;
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_while_the_server_dumps() {
    stopped_in(Phase::Dumping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_while_it_packs() {
    stopped_in(Phase::Packing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_while_it_reads_back() {
    stopped_in(Phase::Confirming).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_before_it_begins_touches_nothing() {
    let mut shop = Shop::open().await;
    let before = shop.snapshot();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let report = shop.run_with(Arc::new(Ear::default()), cancel).await;
    assert_eq!(report.outcome, Some(Outcome::Cancelled));
    shop.assert_unchanged(&before);
}
