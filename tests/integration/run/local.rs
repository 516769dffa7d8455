//! Trouble in the backup folder: the run fails with its code, and every older file stays.

use crate::support::faulty::{At, Fault, Faulty};
use crate::support::shop::Shop;
use dmbackup::backup::outcome::Outcome;
use dmbackup::problem::Code;
use std::io::ErrorKind;
use std::sync::Arc;

const CALLS: [At; 11] = [
    At::Check,
    At::Space,
    At::Stat,
    At::Expect,
    At::Adopt,
    At::Stage,
    At::Write(0),
    At::Write(10_000),
    At::Seal,
    At::ReadBack,
    At::Publish,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_folder_that_fails_at_any_call_fails_the_run_and_loses_nothing() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let real = Arc::clone(&shop.world.local);
    for (error, code) in
        [(ErrorKind::StorageFull, Code::SpaceFull), (ErrorKind::PermissionDenied, Code::FolderReadOnly)]
    {
        for at in CALLS {
            let faulty = Faulty::new(Arc::clone(&real));
            faulty.arm(at, Fault::Error(error), u32::MAX);
            shop.world.local = Arc::new(faulty);
            let before = shop.snapshot();
            let report = shop.run().await;
            shop.world.local = Arc::clone(&real);
            assert_eq!(report.outcome, Some(Outcome::Failed), "{at:?}: {:?}", report.problems);
            // A disk that takes no more bytes of an open file is failing, not read-only.
            let code = if matches!(at, At::Write(_)) && code == Code::FolderReadOnly {
                Code::FolderIo
            } else {
                code
            };
            assert_eq!(report.problems[0].code, code, "{at:?}: {:?}", report.problems);
            shop.assert_unchanged(&before);
            shop.standin.until_quiet().await;
        }
    }
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_that_reads_back_other_bytes_never_takes_its_name() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let real = Arc::clone(&shop.world.local);
    let faulty = Faulty::new(Arc::clone(&real));
    faulty.arm(At::ReadBack, Fault::FlippedBit, 1);
    shop.world.local = Arc::new(faulty);
    shop.must_fail(Code::BackupReadBack, |shop| shop.world.local = real).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_folder_that_is_gone_or_anothers_is_told_apart() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let (folder, away) = (shop.folder(), shop.path("servidor/outro"));
    std::fs::rename(&folder, &away).unwrap();
    let report = shop.run().await;
    assert_eq!(report.problems[0].code, Code::FolderMissing, "{:?}", report.problems);
    std::fs::rename(&away, &folder).unwrap();
    let identity = folder.join(".dmbackup-id");
    let ours = std::fs::read(&identity).unwrap();
    std::fs::remove_file(&identity).unwrap();
    shop.must_fail(Code::FolderIdentity, |_| std::fs::write(&identity, ours).unwrap()).await;
}
