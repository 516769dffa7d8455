//! Dumps that SQL Server calls a success and that are none: nothing of them reaches a slot.

use crate::support::shop::Shop;
use crate::support::sqlserver::StandIn;
use dmbackup::backup::outcome::RunReport;
use dmbackup::config::{Config, DatabaseName};
use dmbackup::problem::Code;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::mtf::Stripe;
use fake_sqlserver::options::DatabaseOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;

async fn shop() -> Shop {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    shop
}

fn spoil(shop: &Shop, action: Action) {
    shop.standin.handle.instance().faults.inject(Fault::at(StatementKind::Backup, action).once());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_dump_is_refused() {
    let mut shop = shop().await;
    for bytes in [1 << 20, 4096, 10] {
        spoil(&shop, Action::Truncate { bytes });
        let before = shop.snapshot();
        let report = shop.run().await;
        let code = report.problems[0].code;
        let known = [Code::BackupTruncated, Code::BackupDamaged, Code::BackupNotABackup];
        assert!(known.contains(&code), "{bytes}: {:?}", report.problems);
        shop.assert_unchanged(&before);
    }
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_dump_is_refused() {
    let mut shop = shop().await;
    spoil(&shop, Action::Truncate { bytes: 0 });
    let before = shop.snapshot();
    let report = shop.run().await;
    assert!(report.problems[0].exit() != dmbackup::problem::Exit::Success, "{:?}", report.problems);
    shop.assert_unchanged(&before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_a_header_or_a_page_is_found() {
    let mut shop = shop().await;
    let page = place_of_a_data_page(&std::fs::read(shop.folder().join("MCDados.bak")).unwrap());
    // In the block header of TAPE, in the row data of a page, in the page's own header.
    for byte in [20, page + 4_000, page + 20] {
        spoil(&shop, Action::Flip { byte, bit: 3 });
        shop.must_fail(Code::BackupDamaged, |_| ()).await;
    }
}

/// Where a page of rows with a checksum begins: type 1 in its second byte, and the checksum that it carries.
fn place_of_a_data_page(dump: &[u8]) -> i64 {
    let is_page = |page: &[u8; 8192]| {
        page[1] == 1
            && dmbackup::bak::page_checksum(page).to_le_bytes() == page[60..64]
            && page[60..64] != [0; 4]
    };
    let found = (0..dump.len() - 8192)
        .step_by(512)
        .find(|at| dump[*at..at + 8192].try_into().is_ok_and(&is_page))
        .expect("a page of rows");
    i64::try_from(found).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stripe_of_two_is_refused_whichever_it_is() {
    let mut shop = shop().await;
    for number in [1, 2] {
        spoil(&shop, Action::Stripe(Stripe { number, count: 2 }));
        let report = shop.must_fail(Code::BackupStripe, |_| ()).await;
        assert_tells_of_the_stripe(&report);
    }
}

/// What a shopkeeper reads, and the exit code.
fn assert_tells_of_the_stripe(report: &RunReport) {
    let problem = &report.problems[0];
    assert_eq!(problem.exit() as u8, 10, "{problem:?}");
    assert!(problem.sentence.pt.contains("dividido em vários arquivos"), "{}", problem.sentence.pt);
    assert!(problem.hint.pt.contains("Faça um novo backup"), "{}", problem.hint.pt);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_stripe_that_a_real_server_wrote_is_refused() {
    let Some(folder) = std::env::var_os("DMBACKUP_REAL_BAK").map(PathBuf::from) else {
        println!("skipped: DMBACKUP_REAL_BAK names no folder of real backup files");
        return;
    };
    let stripe = folder.join("northwind_cconocimientos.bak");
    if !stripe.exists() {
        println!("skipped: {} is not there", stripe.display());
        return;
    }
    let mut shop = shop().await;
    let good = serve(&mut shop, "Northwind", &stripe);
    let report = shop.must_fail(Code::BackupStripe, |shop| back_to(shop, good)).await;
    assert_tells_of_the_stripe(&report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_another_database_is_refused() {
    let mut shop = shop().await;
    let other = shop.path("outro.bak");
    std::fs::copy(shop.folder().join("MCDados.bak"), &other).unwrap();
    let good = serve(&mut shop, "Vendas", &other);
    shop.must_fail(Code::BackupOtherDatabase, |shop| back_to(shop, good)).await;
}

/// A server whose database `name` is dumped as the file `dump`, byte for byte; the configuration before.
fn serve(shop: &mut Shop, name: &str, dump: &Path) -> (StandIn, Arc<Config>) {
    let database = DatabaseOptions::dump(name, dump);
    let standin = StandIn::start_with(|options| options.database(database));
    let mut config = (*shop.world.config).clone();
    config.databases = vec![DatabaseName::new(name).unwrap()];
    let good = std::mem::replace(&mut shop.world.config, Arc::new(config));
    shop.world.server = standin.server("sa");
    (standin, good)
}

/// Has the shop use its own server again.
fn back_to(shop: &mut Shop, (_other, config): (StandIn, Arc<Config>)) {
    shop.world.config = config;
    shop.log_in_as("sa");
}
