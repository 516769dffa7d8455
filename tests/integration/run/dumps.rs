//! Dumps that SQL Server calls a success and that are none: nothing of them reaches a slot.

use crate::support::shop::Shop;
use dmbackup::problem::Code;
use fake_sqlserver::fault::{Action, Fault, StatementKind};

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
async fn a_dump_of_another_database_is_refused() {
    let mut shop = shop().await;
    let other = shop.path("outro.bak");
    std::fs::copy(shop.folder().join("MCDados.bak"), &other).unwrap();
    let vendas = fake_sqlserver::options::DatabaseOptions::dump("Vendas", &other);
    let standin = crate::support::sqlserver::StandIn::start_with(|options| options.database(vendas));
    let mut config = (*shop.world.config).clone();
    config.databases = vec![dmbackup::config::DatabaseName::new("Vendas").unwrap()];
    let good = std::mem::replace(&mut shop.world.config, std::sync::Arc::new(config));
    shop.world.server = dmbackup::sqlserver::Server::with_limits(
        &standin.config("sa"),
        "DMBackup teste",
        crate::support::sqlserver::LIMITS,
    );
    shop.must_fail(Code::BackupOtherDatabase, |shop| {
        shop.world.config = good;
        shop.log_in_as("sa");
    })
    .await;
}
