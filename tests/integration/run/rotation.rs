//! What good runs leave on both sides, and what they replace (DM17 to DM20, DM25 to DM28, CC2).

use crate::support::shop::{Ear, Shop};
use crate::support::sqlserver::{DATABASE, StandIn};
use chrono::TimeDelta;
use dmbackup::backup::outcome::{Outcome, Phase};
use dmbackup::problem::Code;
use dmbackup::slot::{Day, Hour, Set};
use fake_sqlserver::options::DatabaseOptions;
use std::fs;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_the_dump_and_the_zip_on_the_server_and_the_zip_at_the_terminal() {
    let mut shop = Shop::open().await;
    let ear = Arc::new(Ear::default());
    let report = shop.run_with(Arc::clone(&ear) as _, CancellationToken::new()).await;
    assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
    shop.assert_stands(&report);
    assert_eq!(*ear.phases.lock().unwrap(), Phase::ALL);
    assert_eq!(report.phases.len(), 4, "the length of each phase but the end is told");
    assert_eq!(report.hour, 9, "12:30 UTC is 09:30 in São Paulo");

    let manifest = shop.tested(&*shop.world.local, Set::Hour(Hour::new(9).unwrap()));
    assert_eq!((manifest.database.as_str(), manifest.hour), (DATABASE, Some(9)));
    assert_eq!(manifest.parts[0].sha256.to_string(), report.bak_sha256);
    assert_eq!(manifest.parts[0].bytes, fs::metadata(shop.folder().join("MCDados.bak")).unwrap().len());
    shop.tested(&*shop.world.local, Set::Day(Day::Quarta));

    let at_terminal: Vec<_> =
        shop.snapshot().into_keys().filter(|path| path.starts_with(shop.terminal())).collect();
    let foreign =
        at_terminal.iter().filter(|path| !path.ends_with("MCDados.zip") && !path.ends_with(".dmbackup-id"));
    assert_eq!(foreign.count(), 0, "DM26: only zips: {at_terminal:?}");
    assert_eq!(shop.world.journal.last().unwrap().as_ref(), Some(&report), "4D4");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_hour_replaces_and_minutes_do_not_count() {
    let mut shop = Shop::open().await;
    let first = shop.run().await;
    shop.clock.advance(TimeDelta::minutes(10));
    let second = shop.run().await;
    assert_eq!((first.hour, second.hour), (9, 9), "DM27");
    shop.assert_stands(&second);
    shop.clock.advance(TimeDelta::minutes(-10) + TimeDelta::days(1));
    let tomorrow = shop.run().await;
    shop.assert_stands(&tomorrow);
    let nine = Set::Hour(Hour::new(9).unwrap());
    assert_eq!(shop.tested(&*shop.world.local, nine).sequence, 3, "DM28: the same hour of another day");
    assert_eq!(
        shop.tested(&*shop.world.local, Set::Day(Day::Quarta)).sequence,
        2,
        "an error still has a yesterday"
    );
    let hours = shop.world.local.sets(&shop.world.config.archive_name).unwrap();
    assert_eq!(hours.iter().filter(|(set, _)| matches!(set, Set::Hour(_))).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_and_weekday_take_no_room_of_their_own() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    for destination in [&shop.world.local, shop.world.terminal.as_ref().unwrap()] {
        let sets = destination.sets(&shop.world.config.archive_name).unwrap();
        assert_eq!(sets.len(), 3, "{sets:?}");
        assert!(
            sets.windows(2).all(|pair| pair[0].1.same_as == pair[1].1.same_as),
            "one file with three names"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_without_a_terminal_has_its_backup_on_the_server() {
    let local_only = |config: &mut dmbackup::config::Config| {
        config.terminal = dmbackup::config::Terminal::LocalOnly;
    };
    let mut shop = Shop::open_with(StandIn::start(), local_only).await;
    let report = shop.good_run().await;
    assert_eq!(report.terminal, None);
    shop.assert_stands(&report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_shrank_fills_its_hour_and_no_weekday_until_a_person_confirms() {
    let large = StandIn::start_with(|options| options.database(DatabaseOptions::pages_mib("Grande", 6)));
    let mut shop = Shop::open_with(large, |_| ()).await;
    let usual = Arc::clone(&shop.world.config);
    let mut config = (*usual).clone();
    config.databases = vec![dmbackup::config::DatabaseName::new("Grande").unwrap()];
    shop.world.config = Arc::new(config);
    let before = shop.good_run().await;
    // The same shop, whose database now is the small one: most of its rows are gone.
    shop.world.config = usual;
    let shrunk = shop.run().await;
    assert!(shrunk.bak_bytes < before.bak_bytes / 2);
    assert_eq!(shrunk.outcome, Some(Outcome::Warning));
    assert_eq!(shrunk.problems[0].code, Code::DatabaseShrank);
    shop.assert_stands(&shrunk);
    let weekday = Set::Day(Day::Quarta);
    for destination in [&shop.world.local, shop.world.terminal.as_ref().unwrap()] {
        assert_eq!(shop.tested(&**destination, weekday).sequence, before.sequence);
    }
    let again = shop.run().await;
    assert_eq!(
        again.problems[0].code,
        Code::DatabaseShrank,
        "the shrunk one is not what the next is compared with"
    );
    let mut order = shop.order();
    order.accept_shrunk = true;
    let confirmed =
        dmbackup::backup::run(order, &shop.world, Arc::new(Ear::default()), CancellationToken::new()).await;
    assert_eq!(shop.tested(&*shop.world.local, weekday).sequence, confirmed.sequence);
    shop.good_run().await;
}
