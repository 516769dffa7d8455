//! However a backup ends, nothing of it is left running in the server.

use crate::support::sqlserver::{DATABASE, LIMITS, PASSWORD, PROGRAM, StandIn, eventually, request, silent};
use dmbackup::problem::Code;
use dmbackup::sqlserver::{DumpProgress, Limits, Server};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::security::Login;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A stand-in whose backups take a few seconds, with a login `pouco` that may back up but neither see nor end sessions.
fn slow() -> StandIn {
    let standin = StandIn::start_with(|options| options.login(Login::new("pouco", PASSWORD)));
    standin.handle.set_user(DATABASE, "pouco", &["db_backupoperator"], &[]).unwrap();
    let pace = Fault::at(StatementKind::Backup, Action::Pace(Duration::from_millis(50)));
    standin.handle.inject(pace);
    standin
}

fn befall(standin: &StandIn, action: Action) {
    standin.handle.clear_faults();
    standin.handle.inject(Fault::at(StatementKind::Backup, action).once());
}

#[tokio::test]
async fn progress_is_seen_from_a_second_connection() {
    let standin = StandIn::start();
    let pace = Fault::at(StatementKind::Backup, Action::Pace(Duration::from_millis(8)));
    standin.handle.inject(pace);
    let seen = std::sync::Mutex::new(Vec::new());
    let progress = |progress: DumpProgress| seen.lock().unwrap().push(progress);
    let wanted = request(DATABASE, standin.device("x.bak"));
    standin.server("sa").backup(&wanted, &progress, &CancellationToken::new()).await.unwrap();
    let seen = seen.into_inner().unwrap();
    let halfway =
        seen.iter().filter(|seen| seen.percent.is_some_and(|percent| percent > 0.0 && percent < 100.0));
    assert!(halfway.clone().count() > 3, "{seen:?}");
    assert!(halfway.clone().any(|seen| seen.left.is_some()), "{seen:?}");
    let percents: Vec<f32> = seen.iter().filter_map(|seen| seen.percent).collect();
    assert!(percents.is_sorted(), "{percents:?}");
}

#[tokio::test]
async fn without_the_right_to_see_it_there_is_no_percentage_and_nothing_fails() {
    let standin = slow();
    standin.handle.clear_faults();
    let pace = Fault::at(StatementKind::Backup, Action::Pace(Duration::from_millis(3)));
    standin.handle.inject(pace);
    let wanted = request(DATABASE, standin.device("x.bak"));
    let seen = std::sync::Mutex::new(Vec::new());
    let progress = |progress: DumpProgress| seen.lock().unwrap().push(progress);
    standin.server("pouco").backup(&wanted, &progress, &CancellationToken::new()).await.unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|seen| *seen == DumpProgress::default()), "{seen:?}");
}

#[tokio::test]
async fn a_cancelled_backup_is_ended_in_the_server_with_and_without_the_right_to_kill() {
    let standin = slow();
    for user in ["sa", "pouco"] {
        let cancel = CancellationToken::new();
        let wanted = request(DATABASE, standin.device("x.bak"));
        let progress = |_: DumpProgress| cancel.cancel();
        let problem = standin.server(user).backup(&wanted, &progress, &cancel).await.unwrap_err();
        assert_eq!(problem.code, Code::RunCancelled, "{user}: {problem}");
        standin.until_quiet().await;
    }
}

#[tokio::test]
async fn a_backup_that_was_cancelled_before_it_began_never_begins() {
    let standin = StandIn::start();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let device = standin.device("x.bak");
    let problem =
        standin.server("sa").backup(&request(DATABASE, &device), &silent, &cancel).await.unwrap_err();
    assert_eq!(problem.code, Code::RunCancelled);
    assert!(!device.exists());
}

/// Starts a backup in a task of its own and waits until it is under way.
async fn under_way(
    standin: &StandIn,
    server: Server,
) -> tokio::task::JoinHandle<Result<(), dmbackup::problem::Problem>> {
    let wanted = request(DATABASE, standin.device("x.bak"));
    let running =
        tokio::spawn(
            async move { server.backup(&wanted, &silent, &CancellationToken::new()).await.map(drop) },
        );
    eventually("the backup to run", || standin.lasting_requests() == 1 || running.is_finished()).await;
    assert!(!running.is_finished(), "it ended before its time: {:?}", running.await);
    running
}

#[tokio::test]
async fn a_backup_whose_future_is_dropped_is_ended_in_the_server() {
    let standin = slow();
    for user in ["sa", "pouco"] {
        let running = under_way(&standin, standin.server(user)).await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        standin.until_quiet().await;
    }
}

#[tokio::test]
async fn a_backup_that_follows_a_dropped_one_waits_for_its_end() {
    let standin = slow();
    let server = standin.server("sa");
    let running = under_way(&standin, server.clone()).await;
    running.abort();
    drop(running.await);
    standin.handle.clear_faults();
    let wanted = request(DATABASE, standin.device("x.bak"));
    server.backup(&wanted, &silent, &CancellationToken::new()).await.unwrap();
    standin.until_quiet().await;
}

#[tokio::test]
async fn a_connection_that_drops_in_mid_backup_is_told_and_nothing_goes_on() {
    let standin = slow();
    befall(&standin, Action::Drop { percent: 40.0 });
    let wanted = request(DATABASE, standin.device("x.bak"));
    let problem = standin.server("sa").backup(&wanted, &silent, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(problem.code, Code::SqlConnectionLost, "{problem}");
    standin.until_quiet().await;
}

#[tokio::test]
async fn a_backup_that_stalls_is_given_up_and_ended() {
    let standin = slow();
    for user in ["sa", "pouco"] {
        befall(&standin, Action::Stall { percent: 40.0 });
        let hasty = Limits { stall: Duration::from_millis(500), ..LIMITS };
        let server = Server::with_limits(&standin.config(user), PROGRAM, hasty);
        let wanted = request(DATABASE, standin.device("x.bak"));
        let problem = server.backup(&wanted, &silent, &CancellationToken::new()).await.unwrap_err();
        assert_eq!(problem.code, Code::SqlStalled, "{user}: {problem}");
        standin.until_quiet().await;
    }
}

#[tokio::test]
async fn a_slow_backup_is_not_taken_for_a_stalled_one() {
    let standin = slow();
    befall(&standin, Action::Pace(Duration::from_millis(15)));
    let hasty = Limits { stall: Duration::from_millis(700), ..LIMITS };
    let server = Server::with_limits(&standin.config("pouco"), PROGRAM, hasty);
    let wanted = request(DATABASE, standin.device("x.bak"));
    // Without the right to see the percentage only the messages that arrive, one in five percent, tell that it lives.
    server.backup(&wanted, &silent, &CancellationToken::new()).await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_running_is_found_by_its_name_and_ended() {
    let standin = slow();
    let running = under_way(&standin, standin.server("sa")).await;
    let stranger = Server::with_limits(&standin.config("sa"), "DMBackup outro", LIMITS);
    assert_eq!(stranger.end_own_statements().await, Ok(0), "what is another agent's is left alone");
    assert_eq!(standin.lasting_requests(), 1);

    let reborn = standin.server("sa");
    assert_eq!(reborn.end_own_statements().await, Ok(1));
    assert_eq!(standin.lasting_requests(), 0);
    let problem = running.await.unwrap().unwrap_err();
    assert!([Code::SqlKilled, Code::SqlConnectionLost].contains(&problem.code), "{problem}");
}

#[tokio::test]
async fn what_cannot_be_ended_at_once_is_waited_for_and_told() {
    let standin = slow();
    let running = under_way(&standin, standin.server("sa")).await;
    standin.handle.set_login(Login::new("pouco", PASSWORD).with_permission("VIEW SERVER STATE"));
    let hasty = Limits { ending: Duration::from_millis(200), ..LIMITS };
    let reborn = Server::with_limits(&standin.config("pouco"), PROGRAM, hasty);
    let problem = reborn.end_own_statements().await.unwrap_err();
    assert_eq!(problem.code, Code::DatabaseBusy, "{problem}");
    running.abort();
    standin.until_quiet().await;
}
