//! Extra copies (CC3): outside the rotation, on server and terminal, made up like all others.

use super::terminal::make_up;
use crate::support::shop::{Ear, Shop};
use dmbackup::archive::read_manifest;
use dmbackup::backup::outcome::{Outcome, Purpose, RunReport};
use dmbackup::backup::{self, Aim};
use dmbackup::destination::{Destination, Name};
use dmbackup::problem::Code;
use dmbackup::slot::Reason;
use std::fs;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

async fn keep(shop: &mut Shop, reason: &str) -> RunReport {
    let mut order = shop.order();
    order.aim = Aim::Extra(Reason::new(reason).unwrap());
    backup::run(order, &shop.world, Arc::new(Ear::default()), CancellationToken::new()).await
}

fn extras(destination: &dyn Destination) -> Vec<Name> {
    destination.extras().unwrap().into_iter().map(|(name, _)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extra_copy_stands_on_both_sides_and_touches_no_slot() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let before = shop.snapshot();
    let report = keep(&mut shop, "Antes da atualização").await;
    assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
    assert_eq!(report.purpose, Purpose::Extra { reason: "Antes da atualização".to_owned() });

    let mut after = shop.snapshot();
    for root in [shop.folder(), shop.terminal()] {
        let path = root.join("extra/2022-06-29_10h30_antes-da-atualizacao_2.zip");
        assert!(after.remove(&path).is_some(), "{after:?}");
        let mut file = fs::File::open(path).unwrap();
        let manifest = read_manifest(&mut file).unwrap().unwrap();
        assert_eq!(manifest.reason.as_deref(), Some("Antes da atualização"));
        assert_eq!((manifest.sequence, manifest.hour), (2, None));
    }
    assert_eq!(after, before, "no slot, no other dump");
    let last_good = shop.world.journal.last_good().unwrap().unwrap();
    assert_eq!(last_good.sequence, 1, "the age of the last good backup is that of the rotation");
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extra_copy_reaches_a_terminal_that_was_away_beside_the_hours_own() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let away = shop.path("terminal/desligado");
    fs::rename(shop.terminal(), &away).unwrap();
    shop.run().await;
    for reason in ["balanço", "balanço"] {
        let report = keep(&mut shop, reason).await;
        assert_eq!(report.outcome, Some(Outcome::Warning));
        assert_eq!(report.problems[0].code, Code::TerminalMissing);
    }
    let pending = shop.world.journal.pending().unwrap();
    let pending: Vec<_> = pending.iter().map(|copy| (copy.sequence, copy.extra)).collect();
    assert_eq!(pending, [(4, true), (3, true), (2, false)]);
    fs::rename(&away, shop.terminal()).unwrap();
    make_up(&shop).await;
    let server = extras(&*shop.world.local);
    assert_eq!(server.len(), 2, "of one minute and one reason, and still two");
    assert_eq!(server, extras(&**shop.world.terminal.as_ref().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extra_copy_that_fails_leaves_nothing() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let before = shop.snapshot();
    let mut order = shop.order();
    order.aim = Aim::Extra(Reason::new("fechamento").unwrap());
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let ear = Ear { then: Some(Box::new(move |_| stop.cancel())), ..Ear::default() };
    let report = backup::run(order, &shop.world, Arc::new(ear), cancel).await;
    assert_eq!(report.outcome, Some(Outcome::Cancelled));
    shop.assert_unchanged(&before);
}
