//! The deep check over a whole shop: what is damaged is found, marked, and mended from the other side where that one is good.

use crate::support::shop::Shop;
use crate::support::sqlserver::StandIn;
use chrono::TimeDelta;
use dmbackup::config::Terminal;
use dmbackup::destination::Name;
use dmbackup::journal::{EventKind, Side};
use dmbackup::problem::Code;
use dmbackup::slot::{Day, Hour, Set};
use dmbackup::verify::{self, Place, READ_EVERY, Report, Selection, Sides, Told};
use std::fs;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Nobody watches.
struct Nobody;

impl Told for Nobody {
    fn told(&self, _: &Place, _: u64) {}
}

/// The runs of the shop's first day begin at half past nine.
fn nine() -> Set {
    Set::Hour(Hour::new(9).unwrap())
}

fn all(shop: &Shop) -> Report {
    verify::verify(&Sides::of(&shop.world), Selection::All, None, None, &Nobody, &CancellationToken::new())
}

fn due(shop: &Shop) -> Option<Report> {
    verify::verify_due(&Sides::of(&shop.world), &Nobody, &CancellationToken::new())
}

fn path(folder: &Path, set: Set) -> PathBuf {
    folder.join(set.path(&dmbackup::slot::ArchiveName::default()))
}

/// Flips one bit in the middle of the file, under all of its names.
fn spoil(path: &Path) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], middle).unwrap();
}

fn damaged(shop: &Shop, side: Side) -> Vec<String> {
    let marked = verify::damaged(&Sides::of(&shop.world), side).unwrap();
    marked.into_iter().map(|row| row.file).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_both_sides_is_read_with_all_its_pages_and_its_names_only_once() {
    let mut shop = Shop::open().await;
    let first = shop.good_run().await;
    shop.good_run().await;
    let report = all(&shop);
    assert_eq!(report.problem(), None);
    let read: Vec<_> = report.read.iter().map(|read| (read.place.side, read.place.sets.join(" "))).collect();
    let expected = |side| [(side, "10h newest Quarta".to_owned()), (side, "09h".to_owned())];
    assert_eq!(read, [expected(Side::Server), expected(Side::Terminal)].concat());
    assert!(
        report.read.iter().all(|read| read.checked_bytes >= first.bak_bytes / 2),
        "whole dumps were checked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_place_is_due_once_a_week_and_the_newest_first() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    shop.good_run().await;
    let mut order = Vec::new();
    while let Some(report) = due(&shop) {
        assert_eq!(report.problem(), None);
        order.extend(report.read.into_iter().map(|read| (read.place.side, read.place.sets[0].clone())));
        shop.clock.advance(TimeDelta::minutes(1));
    }
    let hours: Vec<_> = order.iter().map(|(_, set)| set.as_str()).collect();
    assert_eq!(hours.len(), 4, "{order:?}");
    assert_eq!(hours.iter().filter(|set| **set == "10h").count(), 2);
    assert_eq!(hours[0], "10h", "the one that would be restored");
    shop.clock.advance(READ_EVERY);
    assert!(due(&shop).is_some(), "a week later it is its turn again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_slot_is_mended_from_the_other_side_under_all_its_names() {
    let mut shop = Shop::open().await;
    let first = shop.good_run().await;
    for (side, folder) in [(Side::Server, shop.folder()), (Side::Terminal, shop.terminal())] {
        let before = shop.snapshot();
        spoil(&path(&folder, nine()));
        let report = all(&shop);
        let read = report.read.iter().find(|read| read.problem.is_some()).expect("it is found");
        assert_eq!((read.place.side, read.mended, read.is_damaged()), (side, true, false), "{read:?}");
        shop.assert_unchanged(&before);
        shop.assert_stands(&first);
        assert_eq!(damaged(&shop, side), [] as [&str; 0]);
        assert_eq!(all(&shop).problem(), None);
    }
    let events: Vec<_> = shop.world.journal.events(10).unwrap().iter().map(|event| event.kind).collect();
    assert_eq!(events.iter().filter(|kind| **kind == EventKind::Damaged).count(), 2);
    assert_eq!(events.iter().filter(|kind| **kind == EventKind::Mended).count(), 2);
    shop.good_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_on_both_sides_is_marked_until_the_next_backup_replaces_it() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    spoil(&path(&shop.folder(), nine()));
    spoil(&path(&shop.terminal(), nine()));
    let before = shop.snapshot();
    let report = all(&shop);
    assert!(report.read.iter().all(|read| read.is_damaged() && read.not_mended.is_some()), "{report:?}");
    assert_eq!(report.problem().unwrap().code, Code::ArchiveDamaged);
    shop.assert_unchanged(&before);
    let marked = damaged(&shop, Side::Server);
    assert_eq!(marked.len(), 3, "the hour, the newest and the weekday: {marked:?}");
    let rows = verify::damaged(&Sides::of(&shop.world), Side::Server).unwrap();
    let problem = verify::problem_of(&rows, |row| row.file.clone()).expect("it is shown");
    assert_eq!(problem.code, Code::SlotDamaged);
    assert!(problem.sentence.pt.contains("09h/MCDados.zip"), "{problem}");
    // The same hour of the next day.
    shop.clock.advance(TimeDelta::hours(23));
    shop.good_run().await;
    assert_eq!(damaged(&shop, Side::Server), ["Quarta/MCDados.zip"], "the weekday's is yesterday's still");
    assert_eq!(due(&shop).map(|report| report.read.len()), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_say_what_it_was_is_mended_only_by_the_last_backup_of_its_place() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let slot = path(&shop.folder(), nine());
    let whole = fs::read(&slot).unwrap();
    // The directory and the manifest are gone.
    fs::OpenOptions::new().write(true).open(&slot).unwrap().set_len(whole.len() as u64 / 2).unwrap();
    assert!(all(&shop).read.iter().any(|read| read.mended));
    assert_eq!(fs::read(&slot).unwrap(), whole);

    // A newer backup of this hour, which the terminal never got.
    let away = shop.path("terminal/desligado");
    fs::rename(shop.terminal(), &away).unwrap();
    shop.clock.advance(TimeDelta::hours(23));
    shop.run().await;
    fs::rename(&away, shop.terminal()).unwrap();
    fs::OpenOptions::new().write(true).open(&slot).unwrap().set_len(1_000).unwrap();
    let report = all(&shop);
    let read = report.read.iter().find(|read| read.place.sets[0] == "09h").unwrap();
    assert!(read.is_damaged(), "yesterday's must not pass for today's: {read:?}");
    assert_eq!(fs::metadata(&slot).unwrap().len(), 1_000, "it stays for whoever may save something from it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_away_is_told_and_the_server_is_read_all_the_same() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    fs::rename(shop.terminal(), shop.path("terminal/desligado")).unwrap();
    spoil(&path(&shop.folder(), nine()));
    let report = all(&shop);
    assert_eq!(report.read.len(), 1);
    assert_eq!(report.read[0].not_mended.as_ref().map(|problem| problem.code), Some(Code::TerminalMissing));
    assert_eq!(
        report.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(),
        [Code::TerminalMissing]
    );
    fs::rename(shop.path("terminal/desligado"), shop.terminal()).unwrap();
    shop.clock.advance(TimeDelta::days(1));
    let read: Vec<_> = std::iter::from_fn(|| due(&shop)).flat_map(|report| report.read).collect();
    assert!(read.iter().any(|read| read.mended), "it is tried again the next day: {read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_second_copy_there_is_nothing_to_mend_from_and_it_says_so() {
    let mut shop = Shop::open_with(StandIn::start(), |config| config.terminal = Terminal::LocalOnly).await;
    shop.run().await;
    spoil(&path(&shop.folder(), nine()));
    let report = all(&shop);
    let why = report.read[0].not_mended.as_ref().expect("a reason");
    assert!(why.sentence.pt.contains("segunda cópia"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_stopped_marks_nothing_and_leaves_nothing() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    spoil(&path(&shop.folder(), nine()));
    let before = shop.snapshot();
    let stop = CancellationToken::new();
    stop.cancel();
    let report = verify::verify(&Sides::of(&shop.world), Selection::All, None, None, &Nobody, &stop);
    assert_eq!(report.problem().map(|problem| problem.code), Some(Code::RunCancelled));
    assert_eq!(shop.world.journal.checked_files().unwrap(), []);
    shop.assert_unchanged(&before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_place_of_one_side_can_be_read_alone() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    shop.good_run().await;
    let sides = Sides::of(&shop.world);
    let stop = CancellationToken::new();
    let read = |set, side| verify::verify(&sides, Selection::One(set), side, None, &Nobody, &stop);
    assert_eq!(read(nine(), Some(Side::Terminal)).read.len(), 1);
    assert_eq!(read(Set::Newest, None).read.len(), 2);
    assert_eq!(read(Set::Day(Day::Domingo), None).problem().unwrap().code, Code::BackupNone);
    let name = Name::zip(nine(), &sides.archive);
    assert!(sides.server.stat(&name).unwrap().is_some());
}
