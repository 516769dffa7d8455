//! Damaged backups that somebody restores, beside and in the live database's place: refused in a sentence, with nothing touched
//! and nothing left, or what is restored is what was dumped, row by row.
//!
//! `DMBACKUP_DAMAGE=20` tries each cell of the matrix so often instead of once.

use super::{Damage, layout, write_in_place};
use crate::restore::bench::Bench;
use crate::support::table::{Table, seed, trials};
use dmbackup::backup::outcome::Outcome;
use dmbackup::problem::Code;
use dmbackup::restore::outcome::{Place as Side, RestoreReport, Source, Task};
use dmbackup::slot::{Hour, Set};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

const LIVE: &str = "MCDados";

/// What of a backup is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The compressed dump in the zip.
    ZipData,
    /// The zip's directory, at its end.
    ZipDirectory,
    /// The zip's manifest.
    Manifest,
    /// The dump, before another program put it into a zip of its own.
    Packed,
    /// The loose dump.
    Dump,
}

const PARTS: [Part; 5] = [Part::ZipData, Part::ZipDirectory, Part::Manifest, Part::Packed, Part::Dump];

/// Where the backup stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    ServerSlot,
    TerminalSlot,
    Weekday,
    Extra,
    /// A folder that no configuration names.
    Foreign,
}

const STANDS: [Stand; 5] =
    [Stand::ServerSlot, Stand::TerminalSlot, Stand::Weekday, Stand::Extra, Stand::Foreign];

/// The codes under which a damaged backup is refused.
const CODES: [Code; 12] = [
    Code::ArchiveDamaged,
    Code::ArchiveNewer,
    Code::ArchiveMismatch,
    Code::BackupDamaged,
    Code::BackupTruncated,
    Code::BackupOtherDatabase,
    Code::BackupStripe,
    Code::BackupNotABackup,
    Code::RestoreRefused,
    Code::RestoreDamaged,
    Code::FolderIo,
    Code::SpaceForeseen,
];

/// A shop whose database has changed since its backups.
struct Yard {
    bench: Bench,
    hour: u8,
    extra: PathBuf,
    foreign: PathBuf,
    dumped: Vec<Vec<String>>,
    live: Vec<Vec<String>>,
}

impl Yard {
    async fn open() -> Self {
        let mut bench = Bench::open().await;
        // A replacement that was undone leaves a backup in «extra».
        let report = bench.succeed(Bench::replace(Bench::newest())).await;
        let undone = bench.succeed(Task::Undo { confirm: LIVE.to_owned() }).await;
        bench.succeed(Task::Drop { database: undone.target.unwrap() }).await;
        let hour = bench.shop.good_run().await.hour;
        let foreign = bench.shop.path("pendrive");
        fs::create_dir(&foreign).unwrap();
        let mut application = bench.application().await;
        let dumped = application.contents(LIVE).await;
        application.run("DELETE FROM MCDados.dbo.VENDAS").await;
        let live = application.contents(LIVE).await;
        Self { bench, hour, extra: report.safety.unwrap().into(), foreign, dumped, live }
    }

    fn source(&self, stand: Stand, part: Part) -> (Source, PathBuf) {
        let (server, terminal) = (self.bench.shop.folder(), self.bench.shop.terminal());
        let slot = format!("{:02}h/MCDados.zip", self.hour);
        let of = |set, place, path| (Source::Set { set, place }, path);
        let hour = Set::Hour(Hour::new(self.hour).unwrap());
        let day = Set::all().find(|set| matches!(set, Set::Day(_)) && self.path_of(*set).exists());
        let day = day.unwrap();
        match (stand, part) {
            (Stand::ServerSlot, Part::Dump) => {
                (Bench::file(server.join("MCDados.bak")), server.join("MCDados.bak"))
            }
            (Stand::ServerSlot, _) => of(hour, Side::Server, server.join(slot)),
            (Stand::TerminalSlot, _) => of(hour, Side::Terminal, terminal.join(slot)),
            (Stand::Weekday, _) => of(day, Side::Server, self.path_of(day)),
            (Stand::Extra, _) => (Bench::file(self.extra.clone()), self.extra.clone()),
            (Stand::Foreign, _) => {
                let path = self.foreign.join(if part == Part::Dump { "solto.bak" } else { "trazido.zip" });
                let from = if part == Part::Dump { "MCDados.bak" } else { "MCDados.zip" };
                fs::copy(server.join(from), &path).unwrap();
                (Bench::file(path.clone()), path)
            }
        }
    }

    fn path_of(&self, set: Set) -> PathBuf {
        let name = dmbackup::destination::Name::zip(set, &self.bench.shop.world.config.archive_name);
        self.bench.shop.world.local.path_of(&name)
    }

    /// Restores from what was damaged. What came of it.
    async fn restore(&self, source: Source, in_place: bool) -> Result<String, String> {
        let task = if in_place { Bench::replace(source) } else { Task::Beside { source } };
        let report = self.bench.carry_out(task).await;
        let told = |what: &str| format!("{what}: {:?}: {:?}", report.outcome, report.problems);
        let came = match report.outcome {
            Some(Outcome::Failed) => {
                let problem = report.problems.first().ok_or_else(|| told("no word of it"))?;
                if !CODES.contains(&problem.code) {
                    return Err(told("an odd code"));
                }
                // A person may want to look at what CHECKDB found something in.
                let kept = report.target.clone().filter(|_| problem.code == Code::RestoreDamaged);
                if let Some(database) = kept {
                    self.bench.succeed(Task::Drop { database }).await;
                }
                format!("refused ({})", problem.code.id())
            }
            Some(Outcome::Success | Outcome::Warning) => {
                let database = report.target.as_deref().ok_or_else(|| told("no database"))?;
                if self.bench.application().await.contents(database).await != self.dumped {
                    return Err(told("a false success"));
                }
                self.remove(&report, in_place).await;
                "restored, and every row is right".to_owned()
            }
            Some(Outcome::Cancelled | Outcome::Interrupted) | None => return Err(told("no end")),
        };
        let mut application = self.bench.application().await;
        if application.databases().await != [LIVE] || application.contents(LIVE).await != self.live {
            return Err(told("the live database, or one beside it"));
        }
        self.bench.assert_settled(&[LIVE]).await;
        Ok(came)
    }

    async fn remove(&self, report: &RestoreReport, in_place: bool) {
        let mut database = report.target.clone();
        if in_place {
            database = self.bench.succeed(Task::Undo { confirm: LIVE.to_owned() }).await.target;
        }
        self.bench.succeed(Task::Drop { database: database.unwrap() }).await;
    }
}

/// Does `damage` to `part` of the backup at `path`; `false` where nothing changed.
fn strike(path: &Path, part: Part, damage: Damage, random: &mut fastrand::Rng) -> bool {
    let bytes = fs::read(path).unwrap();
    let of = |range: Range<usize>, random: &mut fastrand::Rng| {
        let mut middle = bytes[range.clone()].to_vec();
        let struck = damage.strike(&mut middle, random);
        // A file that ends early has nothing behind that end.
        let rest = if damage == Damage::Cut { &[][..] } else { &bytes[range.end..] };
        struck.then(|| [&bytes[..range.start], &middle, rest].concat())
    };
    let struck = match part {
        Part::Dump => of(0..bytes.len(), random),
        Part::Packed => repacked(&bytes, damage, random),
        Part::ZipData => of(0..layout(&bytes).1.start, random),
        Part::Manifest => of(layout(&bytes).1, random),
        Part::ZipDirectory => of(layout(&bytes).0..bytes.len(), random),
    };
    match struck {
        Some(bytes) => write_in_place(path, &bytes),
        None => return false,
    }
    true
}

/// The zip of another program around the damaged dump of `zip`.
fn repacked(zip: &[u8], damage: Damage, random: &mut fastrand::Rng) -> Option<Vec<u8>> {
    use std::io::{Cursor, Read, Write};
    let mut dump = Vec::new();
    let mut old = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    old.by_index(0).unwrap().read_to_end(&mut dump).unwrap();
    if !damage.strike(&mut dump, random) {
        return None;
    }
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    new.start_file("MCDados.bak", zip::write::SimpleFileOptions::default()).unwrap();
    new.write_all(&dump).unwrap();
    Some(new.finish().unwrap().into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_or_restores_every_row_wherever_it_stands() {
    let seed = seed();
    println!("damage drawn with DMBACKUP_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let yard = Yard::open().await;
    let (mut table, mut wrong) = (Table::default(), Vec::new());
    for trial in 0..trials("DMBACKUP_DAMAGE", 1) {
        for (row, part) in PARTS.into_iter().enumerate() {
            for (column, stand) in STANDS.into_iter().enumerate() {
                // A loose dump stands in the backup folder, or anywhere else.
                if part == Part::Dump && !matches!(stand, Stand::ServerSlot | Stand::Foreign) {
                    continue;
                }
                for (depth, damage) in Damage::ALL.into_iter().enumerate() {
                    let in_place = (trial + row + column + depth).is_multiple_of(2);
                    let (source, path) = yard.source(stand, part);
                    let good = fs::read(&path).unwrap();
                    if !strike(&path, part, damage, &mut random) {
                        continue;
                    }
                    let what = format!("{part:?} at {stand:?}");
                    let how = if in_place { "in place" } else { "beside" };
                    match yard.restore(source, in_place).await {
                        Ok(came) => table.count(&what, &format!("{}, {how}", damage.shown()), &came),
                        Err(came) => {
                            let kept = std::env::temp_dir().join(format!("struck-{row}-{column}-{depth}"));
                            fs::copy(&path, &kept).unwrap();
                            wrong.push(format!(
                                "{what}, {}, {how} ({}): {came}",
                                damage.shown(),
                                kept.display()
                            ));
                        }
                    }
                    write_in_place(&path, &good);
                    yard.bench.shop.clock.advance(chrono::TimeDelta::minutes(1));
                }
            }
        }
    }
    println!("{}", table.shown(["what and where", "damage and how", "what came of it"]));
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let mut bench = yard.bench;
    bench.shop.good_run().await;
}
