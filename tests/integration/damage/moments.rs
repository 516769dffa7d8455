//! Damage before a run, in the middle of it, between two of its phases, after it, and while the terminal is away: to the dump,
//! to the zip and to its manifest, on the server and at the terminal, and to the backup before it.
//!
//! `DMBACKUP_DAMAGE=20` tries each cell of the matrix so often instead of twice.

use super::Damage;
use crate::run::terminal::{make_up, must_warn};
use crate::support::shop::{Ear, Shop};
use crate::support::table::{Table, seed, trials};
use crate::support::whole::{files_below, is_partial};
use dmbackup::archive;
use dmbackup::backup::copy_pending;
use dmbackup::backup::outcome::{Outcome, Phase, RunReport};
use dmbackup::problem::Code;
use dmbackup::slot::{Hour, Set};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// What is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Dump,
    ServerZip,
    TerminalZip,
    /// The manifest in the zip, and nothing else of it.
    ServerManifest,
    TerminalManifest,
    /// The newest backup from before the run, under all of its names.
    OldServerZip,
    OldTerminalZip,
}

impl Place {
    /// The file under construction, or the one from before; `None` where there is none.
    fn in_a_run(self, folders: &[PathBuf; 2]) -> Option<PathBuf> {
        let (folder, ending) = match self {
            Self::Dump => (&folders[0], ".bak.partial"),
            Self::ServerZip | Self::ServerManifest => (&folders[0], ".zip.partial"),
            Self::TerminalZip | Self::TerminalManifest => (&folders[1], ".zip.partial"),
            Self::OldServerZip => return Some(folders[0].join("MCDados.zip")),
            Self::OldTerminalZip => return Some(folders[1].join("MCDados.zip")),
        };
        files_below(folder).into_iter().find(|path| path.to_string_lossy().ends_with(ending))
    }

    /// The file of the backup of this hour; of the one before it for what is older.
    fn finished(self, shop: &Shop, report: &RunReport) -> PathBuf {
        let slot = |hour| format!("{hour:02}h/MCDados.zip");
        match self {
            Self::Dump => shop.folder().join("MCDados.bak"),
            Self::ServerZip | Self::ServerManifest => shop.folder().join(slot(report.hour)),
            Self::TerminalZip | Self::TerminalManifest => shop.terminal().join(slot(report.hour)),
            Self::OldServerZip => shop.folder().join(slot((report.hour + 23) % 24)),
            Self::OldTerminalZip => shop.terminal().join(slot((report.hour + 23) % 24)),
        }
    }

    /// Damages it in the file at `path`; `false` where nothing changed.
    fn strike(self, damage: Damage, path: &Path, random: &mut fastrand::Rng) -> bool {
        match self {
            Self::ServerManifest | Self::TerminalManifest => damage.strike_manifest(path, random),
            Self::Dump | Self::ServerZip | Self::TerminalZip | Self::OldServerZip | Self::OldTerminalZip => {
                damage.strike_file(path, random)
            }
        }
    }

    /// Whether it is from before the run.
    const fn is_old(self) -> bool {
        matches!(self, Self::OldServerZip | Self::OldTerminalZip)
    }
}

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Before this phase begins.
    Before(Phase),
    /// After the run.
    After,
}

/// The cells of the matrix: what is there at which moment.
const CELLS: [(Moment, Place); 15] = [
    (Moment::Before(Phase::Dumping), Place::OldServerZip),
    (Moment::Before(Phase::Dumping), Place::OldTerminalZip),
    (Moment::Before(Phase::Confirming), Place::OldServerZip),
    (Moment::Before(Phase::Confirming), Place::OldTerminalZip),
    (Moment::Before(Phase::Packing), Place::Dump),
    (Moment::Before(Phase::Confirming), Place::Dump),
    (Moment::Before(Phase::Confirming), Place::ServerZip),
    (Moment::Before(Phase::Confirming), Place::TerminalZip),
    (Moment::Before(Phase::Confirming), Place::ServerManifest),
    (Moment::Before(Phase::Confirming), Place::TerminalManifest),
    (Moment::After, Place::Dump),
    (Moment::After, Place::ServerZip),
    (Moment::After, Place::TerminalZip),
    (Moment::After, Place::ServerManifest),
    (Moment::After, Place::TerminalManifest),
];

/// What comes of a bit that nothing protects.
const PASSED: &str = "a success: in what nothing protects";

/// Whether a file may be called a backup: it is what it was before it was damaged, or it is not called «conferido».
fn is_honest(path: &Path, damaged: &[u8], damage: Damage) -> Result<&'static str, String> {
    let now = fs::read(path).unwrap_or_default();
    let inspection = archive::inspect(path, &|_| (), &CancellationToken::new());
    let is_called_good = inspection.as_ref().is_ok_and(|found| found.problem().is_none());
    match (now == damaged, is_called_good) {
        (false, _) => Ok("another file took its place"),
        (true, false) => Ok("found by inspect"),
        (true, true) if inspection.is_ok_and(|found| found.confirmed()) => {
            Err(format!("{} is called «conferido»", path.display()))
        }
        (true, true) if damage == Damage::Cut => Err(format!("{} is cut, and passes", path.display())),
        (true, true) => Ok("a dump: in what nothing protects"),
    }
}

/// Damages a file at `moment` of a run. What came of it; `None` where there was nothing to damage, or nothing changed.
async fn strike(
    shop: &mut Shop,
    place: Place,
    moment: Moment,
    damage: Damage,
    random: &mut fastrand::Rng,
) -> Option<String> {
    let before = shop.snapshot();
    let folders = [shop.folder(), shop.terminal()];
    let struck = Arc::new(Mutex::new(None));
    let (told, generator) = (Arc::clone(&struck), Mutex::new(random.fork()));
    let on_phase = move |phase| {
        let path = place.in_a_run(&folders).filter(|_| moment == Moment::Before(phase));
        // The run goes on: the file may get its name at any time, and is then read by its handle.
        let Some(mut file) = path.as_ref().and_then(|path| fs::File::open(path).ok()) else { return };
        if path.is_some_and(|path| place.strike(damage, &path, &mut generator.lock().unwrap())) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            *told.lock().unwrap() = Some(bytes);
        }
    };
    let ear = Ear { on_phase: Some(Box::new(on_phase)), ..Ear::default() };
    let report = shop.run_with(Arc::new(ear), CancellationToken::new()).await;
    let file = place.finished(shop, &report);
    if moment == Moment::After {
        assert_eq!(report.outcome, Some(Outcome::Success), "{:?}", report.problems);
        let changed = place.strike(damage, &file, random);
        *struck.lock().unwrap() = changed.then(|| fs::read(&file).unwrap());
    }
    let damaged = struck.lock().unwrap().take()?;
    let context = format!("{place:?} {damage:?} {moment:?}: {:?}", report.problems);
    let came = match report.outcome.expect("an outcome") {
        Outcome::Failed if place.is_old() => panic!("{context}: no backup because of an older one"),
        Outcome::Failed => {
            assert_eq!(shop.snapshot(), before, "{context}: files of earlier backups changed");
            format!("the run fails ({})", report.problems[0].code.id())
        }
        Outcome::Warning => {
            let dump = place == Place::Dump && moment == Moment::Before(Phase::Confirming);
            if dump {
                assert_eq!(
                    fs::read(&file).map(|bytes| sum(&bytes)).ok(),
                    before.get(&file).cloned(),
                    "{context}"
                );
            }
            format!("a warning ({})", report.problems[0].code.id())
        }
        Outcome::Success if place == Place::Dump && moment == Moment::Before(Phase::Confirming) => {
            panic!("{context}: a damaged dump took its name")
        }
        Outcome::Success if place == Place::Dump && moment == Moment::Before(Phase::Packing) => {
            // It went into the zip as it was, and the zip says so: the damage is where nothing protects anything.
            assert_ne!(damage, Damage::Cut, "{context}: a dump that ends early passed");
            PASSED.to_owned()
        }
        Outcome::Success => {
            if place.is_old() {
                shop.assert_stands(&report);
            }
            let found = is_honest(&file, &damaged, damage).unwrap_or_else(|what| panic!("{context}: {what}"));
            format!("a success before it; {found}")
        }
        other @ (Outcome::Cancelled | Outcome::Interrupted) => panic!("{context}: {other:?}"),
    };
    let half_made = shop.snapshot().into_keys().find(|path| is_partial(path));
    assert_eq!(half_made, None, "{context}");
    Some(came)
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_between_two_phases_is_found_or_came_too_late_and_the_next_run_works() {
    let seed = seed();
    println!("damage drawn with DMBACKUP_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let mut table = Table::default();
    let mut missed = 0;
    for (moment, place) in CELLS {
        for damage in Damage::ALL {
            for _ in 0..trials("DMBACKUP_DAMAGE", 2) {
                let came = strike(&mut shop, place, moment, damage, &mut random).await;
                let came = came.unwrap_or_else(|| "nothing changed".to_owned());
                missed += usize::from(came == PASSED);
                table.count(&format!("{moment:?}: {place:?}"), damage.shown(), &came);
                shop.clock.advance(chrono::TimeDelta::hours(1));
                let next = shop.good_run().await;
                shop.assert_stands(&next);
            }
        }
    }
    println!("{}", table.shown(["when and where", "damage", "what came of it"]));
    // Only single bits in what no checksum protects: extents that are not in use, the log, descriptions.
    assert!(missed <= trials("DMBACKUP_DAMAGE", 2), "{missed} damaged dumps passed");
}

/// The sum of a content, as a snapshot has it.
fn sum(bytes: &[u8]) -> String {
    format!("{:x?}", Sha256::digest(bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_was_only_touched_after_it_was_read_still_takes_its_name() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let (folder, touched) = (shop.folder(), Arc::new(Mutex::new(None)));
    let (folders, told) = ([folder.clone(), folder.clone()], Arc::clone(&touched));
    let on_phase = move |phase| {
        let path = Place::Dump.in_a_run(&folders).filter(|_| phase == Phase::Confirming);
        if let Some(path) = path {
            *told.lock().unwrap() = Some(sum(&fs::read(&path).unwrap()));
            let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
    };
    let ear = Ear { on_phase: Some(Box::new(on_phase)), ..Ear::default() };
    let report = shop.run_with(Arc::new(ear), CancellationToken::new()).await;
    assert_eq!((report.outcome, &report.problems), (Some(Outcome::Success), &Vec::new()));
    let dump = fs::read(folder.join("MCDados.bak")).unwrap();
    assert_eq!(Some(sum(&dump)), *touched.lock().unwrap(), "the touched one");
}

/// The files at the terminal, but for its identity and lock.
fn there(shop: &Shop) -> BTreeMap<PathBuf, String> {
    let mut files = shop.snapshot();
    files.retain(|path, _| path.starts_with(shop.terminal()) && path.ends_with("MCDados.zip"));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_damaged_while_the_terminal_was_away_never_replaces_what_the_terminal_has() {
    let mut random = fastrand::Rng::with_seed(seed());
    let mut shop = Shop::open().await;
    let mut table = Table::default();
    for damage in Damage::ALL {
        // The hour that the damaged one would replace is good at the terminal, from the day before.
        for _ in 0..2 {
            shop.good_run().await;
        }
        let before = there(&shop);
        shop.clock.advance(chrono::TimeDelta::hours(22));
        let away = shop.path("terminal/desligado");
        fs::rename(shop.terminal(), &away).unwrap();
        let lost = must_warn(&mut shop, Code::TerminalMissing).await;
        shop.clock.advance(chrono::TimeDelta::hours(1));
        let other = must_warn(&mut shop, Code::TerminalMissing).await;
        fs::rename(&away, shop.terminal()).unwrap();
        let file = Place::ServerZip.finished(&shop, &lost);
        assert!(damage.strike_file(&file, &mut random));

        let made_up = copy_pending(&shop.world, Arc::new(Ear::default()), CancellationToken::new()).await;
        let problem = made_up.problem.expect("the damage is told");
        assert_eq!(problem.code, Code::ArchiveDamaged, "{damage:?}");
        let left = Set::Hour(Hour::new(lost.hour).unwrap());
        assert!(made_up.left.contains(&left), "{:?}", made_up.left);
        let terminal = Arc::clone(shop.world.terminal.as_ref().unwrap());
        let there_now = there(&shop);
        let slot = Place::TerminalZip.finished(&shop, &lost);
        assert_eq!(there_now.get(&slot), before.get(&slot), "{damage:?}: the terminal keeps its good file");
        // One damaged file keeps no other from being copied.
        let hour = Set::Hour(Hour::new(other.hour).unwrap());
        for set in [hour, Set::Newest] {
            assert_eq!(shop.tested(&*terminal, set).sequence, other.sequence, "{damage:?}");
        }
        let pending = shop.world.journal.pending().unwrap();
        assert!(pending.iter().all(|copy| copy.hour == lost.hour), "{pending:?}");
        table.count("ServerZip while the terminal is away", damage.shown(), problem.code.id());
        // The next backup of that hour takes its place on both sides.
        shop.clock.advance(chrono::TimeDelta::hours(23));
        let next = shop.good_run().await;
        assert_eq!(next.hour, lost.hour);
        shop.assert_stands(&next);
        make_up(&shop).await;
    }
    println!("{}", table.shown(["when and where", "damage", "found as"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_at_the_terminal_lends_itself_to_no_other_name() {
    let mut shop = Shop::open().await;
    shop.good_run().await;
    let report = shop.good_run().await;
    // The newest and the weekday there are still those of the hour before, as after links that failed.
    let slot = Place::TerminalZip.finished(&shop, &report);
    let old = Place::TerminalZip.finished(&shop, &RunReport { hour: report.hour - 1, ..report.clone() });
    let newest = shop.terminal().join("MCDados.zip");
    fs::remove_file(&newest).unwrap();
    fs::hard_link(&old, &newest).unwrap();
    assert!(Damage::FlippedBit.strike_file(&slot, &mut fastrand::Rng::with_seed(seed())));
    let made_up = copy_pending(&shop.world, Arc::new(Ear::default()), CancellationToken::new()).await;
    assert_eq!(made_up.problem, None);
    let terminal = shop.world.terminal.as_ref().unwrap();
    assert_eq!(shop.tested(&**terminal, Set::Newest).sequence, report.sequence, "copied from the server");
}
