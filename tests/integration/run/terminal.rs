//! Trouble at the terminal: the backup stands on the server, the run is a Warning that says why, and what the terminal lacks
//! is made up when it is back.

use crate::support::faulty::{At, Fault, Faulty};
use crate::support::shop::{Ear, Shop};
use dmbackup::backup::copy_pending;
use dmbackup::backup::outcome::{Outcome, Phase, Progress, RunReport};
use dmbackup::config::Terminal;
use dmbackup::destination::{Asker, Claims, Destination, Name, enter};
use dmbackup::journal::EventKind;
use dmbackup::problem::Code;
use dmbackup::slot::{Hour, Set};
use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Makes a backup that stands on the server, and whose copy fails with `code` and stays pending.
pub async fn must_warn(shop: &mut Shop, code: Code) -> RunReport {
    must_warn_with(shop, code, Arc::new(Ear::default())).await
}

/// The same, heard by `ear`.
pub async fn must_warn_with(shop: &mut Shop, code: Code, ear: Arc<Ear>) -> RunReport {
    let report = shop.run_with(ear, CancellationToken::new()).await;
    assert_eq!(report.outcome, Some(Outcome::Warning), "{:?}", report.problems);
    assert_eq!(report.problems[0].code, code, "{:?}", report.problems);
    assert_eq!(report.terminal.as_ref().map(|copy| copy.done), Some(false));
    let hour = Set::Hour(Hour::new(report.hour).unwrap());
    assert_eq!(shop.tested(&*shop.world.local, hour).sequence, report.sequence, "the server has it");
    let pending = shop.world.journal.pending().unwrap();
    assert!(pending.iter().any(|copy| copy.hour == report.hour && copy.sequence == report.sequence));
    report
}

/// Makes up the copies that the terminal lacks: then it has what the server has.
pub async fn make_up(shop: &Shop) {
    let made_up = copy_pending(&shop.world, Arc::new(Ear::default()), CancellationToken::new()).await;
    assert_eq!(made_up.problem, None);
    assert_eq!(shop.world.journal.pending().unwrap(), []);
    let (server, terminal) = (&shop.world.local, shop.world.terminal.as_ref().unwrap());
    for (set, _) in server.sets(&shop.world.config.archive_name).unwrap() {
        assert_eq!(shop.tested(&**terminal, set).sequence, shop.tested(&**server, set).sequence, "{set:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_away_gets_its_copies_when_it_is_back() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let away = shop.path("terminal/desligado");
    fs::rename(shop.terminal(), &away).unwrap();
    let mut hours = Vec::new();
    for _ in 0..2 {
        hours.push(must_warn(&mut shop, Code::TerminalMissing).await.hour);
        shop.clock.advance(chrono::TimeDelta::hours(1));
    }
    fs::rename(&away, shop.terminal()).unwrap();
    make_up(&shop).await;
    let events = shop.world.journal.events(10).unwrap();
    let told =
        events.iter().find(|event| event.kind == EventKind::CopiedLater).expect("it is in the journal");
    for hour in hours {
        assert!(told.text.pt.contains(&format!("{hour:02}h/MCDados.zip")), "{}", told.text.pt);
    }
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_to_a_folder_of_another_agent_or_of_nobody() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let identity = shop.terminal().join(".dmbackup-id");
    let ours = fs::read_to_string(&identity).unwrap();
    let agent = shop.world.identity.agent.to_string();
    let others = ours.replace(&agent, &uuid::Uuid::new_v4().to_string());
    assert_ne!(ours, others);
    fs::write(&identity, others).unwrap();
    let before = shop.snapshot();
    must_warn(&mut shop, Code::TerminalIdentity).await;
    fs::remove_file(&identity).unwrap();
    must_warn(&mut shop, Code::TerminalIdentity).await;
    let terminal = |files: std::collections::BTreeMap<std::path::PathBuf, String>| {
        files
            .into_iter()
            .filter(|(path, _)| path.starts_with(shop.terminal()) && *path != identity)
            .collect::<Vec<_>>()
    };
    assert_eq!(terminal(shop.snapshot()), terminal(before), "an unmounted share, another store of the chain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_on_the_servers_own_disk_counts_as_local() {
    let mut shop = Shop::open_with(crate::support::sqlserver::StandIn::start(), |config| {
        if let Terminal::Folder { allow_same_volume, .. } = &mut config.terminal {
            *allow_same_volume = false;
        }
    })
    .await;
    let report = shop.run().await;
    assert_eq!(report.outcome, Some(Outcome::Warning));
    assert_eq!(report.problems[0].code, Code::TerminalSameVolume);
    shop.assert_stands(&report);
}

const TERMINAL_CALLS: [At; 11] = [
    At::Check,
    At::Stage,
    At::Write(0),
    At::Write(10_000),
    At::Seal,
    At::ReadBack,
    At::Publish,
    At::Link,
    At::Stat,
    At::Space,
    At::Everywhere,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_fails_at_any_call_costs_the_copy_and_never_the_backup() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let real = shop.world.terminal.clone().unwrap();
    let errors =
        [Fault::Gone, Fault::Error(ErrorKind::StorageFull), Fault::Error(ErrorKind::PermissionDenied)];
    for (at, fault) in TERMINAL_CALLS.iter().flat_map(|at| errors.iter().map(move |fault| (*at, *fault))) {
        let faulty = Faulty::new(Arc::clone(&real));
        faulty.arm(at, fault, u32::MAX);
        shop.world.terminal = Some(Arc::new(faulty));
        let report = shop.run().await;
        let context = format!("{at:?} {fault:?}: {:?}", report.problems);
        assert_eq!(report.outcome, Some(Outcome::Warning), "{context}");
        // A copy that has its hour's name already stands; what it lacks are its other names.
        assert_eq!(report.terminal.as_ref().map(|copy| copy.done), Some(at == At::Link), "{context}");
        let hour = Set::Hour(Hour::new(report.hour).unwrap());
        assert_eq!(shop.tested(&*shop.world.local, hour).sequence, report.sequence, "{context}");
        shop.world.terminal = Some(Arc::clone(&real));
        make_up(&shop).await;
    }
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_fails_at_any_call_while_copies_are_made_up_loses_none_and_gets_them_later() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let real = shop.world.terminal.clone().unwrap();
    let errors = [Fault::Gone, Fault::Error(ErrorKind::PermissionDenied)];
    let away = shop.path("terminal/desligado");
    let calls = TERMINAL_CALLS.into_iter().chain([At::Open]);
    for (at, fault) in calls.flat_map(|at| errors.map(move |fault| (at, fault))) {
        fs::rename(shop.terminal(), &away).unwrap();
        must_warn(&mut shop, Code::TerminalMissing).await;
        fs::rename(&away, shop.terminal()).unwrap();
        let before = shop.standing(&*real);
        let faulty = Faulty::new(Arc::clone(&real));
        faulty.arm(at, fault, u32::MAX);
        shop.world.terminal = Some(Arc::new(faulty.clone()));
        let made_up = copy_pending(&shop.world, Arc::new(Ear::default()), CancellationToken::new()).await;
        shop.world.terminal = Some(Arc::clone(&real));
        let context = format!("{at:?} {fault:?}: {:?}", made_up.problem);
        let pending = shop.world.journal.pending().unwrap();
        if faulty.disarm() > 0 && !matches!(at, At::Open | At::Space) {
            assert!(made_up.problem.is_some() && !pending.is_empty(), "{context}: {pending:?}");
        }
        let now = shop.standing(&*real);
        assert!(before.iter().all(|(set, old)| now.get(set) >= Some(old)), "{context}: {before:?}, {now:?}");
        make_up(&shop).await;
        shop.clock.advance(chrono::TimeDelta::hours(1));
    }
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_whose_identity_cannot_be_read_is_not_claimed_anew() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let (before, claims) = (shop.snapshot(), Claims::open(&shop.path("estado")));
    let faulty = Faulty::new(shop.world.terminal.clone().unwrap());
    for fault in [Fault::Gone, Fault::Error(ErrorKind::PermissionDenied)] {
        faulty.arm(At::Mark, fault, 1);
        let refused = enter(&faulty, &shop.world.identity, &claims);
        assert!(refused.is_err() && faulty.disarm() == 1, "{fault:?}: {refused:?}");
        shop.assert_unchanged(&before);
    }
    assert_eq!(enter(&faulty, &shop.world.identity, &claims), Ok(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_reads_back_other_bytes_never_takes_its_name() {
    let mut shop = Shop::open().await;
    let first = shop.good_run().await;
    let real = shop.world.terminal.clone().unwrap();
    let faulty = Faulty::new(Arc::clone(&real));
    faulty.arm(At::ReadBack, Fault::FlippedBit, 1);
    shop.world.terminal = Some(Arc::new(faulty));
    must_warn(&mut shop, Code::BackupReadBack).await;
    assert_eq!(shop.tested(&*real, Set::Newest).sequence, first.sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_zip_is_compressed_harder_for_a_terminal_that_was_slow() {
    let mut shop = Shop::open().await;
    let first = shop.good_run().await;
    assert_eq!(first.level, Some(6), "nothing is measured yet");
    for report in [&first.server, &first.terminal] {
        assert!(report.as_ref().unwrap().bytes_per_sec.is_some(), "{report:?}");
    }
    let real = shop.world.terminal.clone().unwrap();
    let slow = Faulty::new(Arc::clone(&real));
    slow.arm(At::Write(0), Fault::Slow(4_000), u32::MAX);
    shop.world.terminal = Some(Arc::new(slow));
    // The median of an even number is the slower. What counts is that it is measured as slower than 100 Mbit/s.
    let second = shop.good_run().await;
    assert!(second.terminal.as_ref().unwrap().bytes_per_sec.unwrap() < 12_500_000, "{:?}", second.terminal);
    let third = shop.good_run().await;
    assert_eq!(third.level, Some(7));
    shop.assert_stands(&third);
    let kept = shop.world.journal.last_good().unwrap().unwrap();
    assert_eq!((kept.level, kept.terminal), (third.level, third.terminal));
}

/// A terminal that hangs until it is told to answer, at the end at the latest: what hangs would keep the test from ending.
struct Hanging(Faulty);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.answer();
    }
}

/// A shop whose terminal hangs at `at`, with one good backup at both places; the terminal as it is in truth.
async fn hanging(at: At) -> (Shop, Hanging, Arc<dyn Destination>) {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let real = shop.world.terminal.clone().unwrap();
    let faulty = Faulty::new(Arc::clone(&real));
    faulty.arm(at, Fault::Hang, u32::MAX);
    shop.world.terminal = Some(Arc::new(faulty.clone()));
    (shop, Hanging(faulty), real)
}

/// Hears a run whose server's copy stands, and which waits for a terminal that hangs.
fn trailing(then: impl Fn() + Send + Sync + 'static) -> Arc<Ear> {
    // Only the terminal's copy tells of the phase before anything was read back.
    let heard = move |progress: &Progress| {
        if progress.phase == Phase::Confirming && progress.done_bytes == 0 {
            then();
        }
    };
    Arc::new(Ear { then: Some(Box::new(heard)), ..Ear::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_never_answers_costs_the_copy_and_one_thread_and_never_the_backup() {
    for at in [At::Check, At::Space, At::Stat] {
        let (mut shop, terminal, real) = hanging(at).await;
        shop.world.terminal_asker = Arc::new(Asker::with_patience(Duration::from_millis(50)));
        for _ in 0..3 {
            must_warn(&mut shop, Code::TerminalMissing).await;
            shop.clock.advance(chrono::TimeDelta::hours(1));
        }
        assert_eq!(terminal.0.hanging(), 1, "{at:?}: one thread, however many runs come");
        drop(terminal);
        shop.world.terminal = Some(real);
        make_up(&shop).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_while_its_terminal_does_not_answer() {
    let (mut shop, terminal, _real) = hanging(At::Check).await;
    let before = shop.snapshot();
    let cancel = CancellationToken::new();
    let (stop, hangs) = (cancel.clone(), terminal.0.clone());
    let stopping = tokio::spawn(async move {
        while hangs.hanging() == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    });
    let report = shop.run_with(Arc::new(Ear::default()), cancel).await;
    stopping.await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Cancelled), "{:?}", report.problems);
    shop.assert_unchanged(&before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_given_up_touches_nothing_when_its_terminal_answers_again() {
    let (mut shop, terminal, real) = hanging(At::Write(10_000)).await;
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let report = shop.run_with(trailing(move || stop.cancel()), cancel).await;
    assert_eq!(report.outcome, Some(Outcome::Warning), "{:?}", report.problems);
    assert_eq!(report.problems[0].code, Code::TerminalIo);
    assert_eq!(shop.tested(&*shop.world.local, Set::Newest).sequence, report.sequence);
    assert_eq!(terminal.0.hanging(), 1);
    // Somebody else copies there meanwhile, and has begun the next file under the same partial name.
    shop.world.terminal = Some(Arc::clone(&real));
    make_up(&shop).await;
    let hour = Set::Hour(Hour::new(report.hour).unwrap());
    let other = real.stage(&Name::zip(hour, &shop.world.config.archive_name)).unwrap();
    terminal.0.answer();
    while terminal.0.put_away() == (0, 0) {
        tokio::task::yield_now().await;
    }
    assert_eq!(terminal.0.put_away(), (1, 0));
    assert!(other.path().is_file(), "another's file is not removed");
    other.discard().unwrap();
    for set in [hour, Set::Newest] {
        assert_eq!(shop.tested(&*real, set).sequence, report.sequence);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_the_terminal_trails_leaves_the_copy_for_later() {
    let (mut shop, terminal, real) = hanging(At::Write(10_000)).await;
    let cancel = CancellationToken::new();
    let (stop, answers) = (cancel.clone(), terminal.0.clone());
    let ear = trailing(move || {
        // The second time it has heard of the first.
        if stop.is_cancelled() {
            answers.answer();
        }
        stop.cancel();
    });
    let report = shop.run_with(ear, cancel).await;
    assert_eq!(report.outcome, Some(Outcome::Warning), "{:?}", report.problems);
    assert_eq!(report.problems[0].code, Code::TerminalPending);
    assert_eq!(terminal.0.put_away(), (0, 1));
    shop.world.terminal = Some(real);
    make_up(&shop).await;
}
