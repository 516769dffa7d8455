//! Files by themselves, as `inspect` sees them: dumps of the stand-in and of real servers (those of the folder that
//! `DMBACKUP_REAL_BAK` names), the zips around them, and the manifests in these.
//!
//! `DMBACKUP_DAMAGE=1000` tries each damage so often instead of as often as [`MATRIX`] says.

use super::Damage;
use crate::bak_real::good_files;
use crate::support::shop::Shop;
use crate::support::sqlserver::StandIn;
use crate::support::table::{Table, seed, trials};
use chrono::DateTime;
use dmbackup::archive::{self, Level, Manifest, PackOptions, Part};
use dmbackup::bak::{Checker, Verdict};
use dmbackup::config::DatabaseName;
use fake_sqlserver::options::DatabaseOptions;
use std::io::Cursor;
use std::ops::Range;
use tokio_util::sync::CancellationToken;

/// What of a file is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Dump,
    Zip,
    Manifest,
}

/// Whose file it is: that decides how much of it anything protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    /// Made by the stand-in: every page in use has a checksum.
    Own,
    /// Made by real servers that give pages checksums; some pages are older than that.
    Real,
    /// Made by real servers that give no page a checksum, or few. Of single bits in it nothing can be promised.
    RealWithout,
}

/// A row of the matrix: what is tried how often in each file, and how much of it must be found, in percent.
struct Row(Place, Damage, usize, [(File, f64); 3]);

/// The zip's own checksums, and the manifest's, see everything. In a dump what is found is what SQL Server protects: in files
/// of real servers 74 % of 4,000 flipped bits were found when it was measured, and nearly every lost block; a sample of them may
/// lie some percent below.
const MATRIX: [Row; 12] = [
    Row(Place::Dump, Damage::Cut, 40, [(File::Own, 100.0), (File::Real, 100.0), (File::RealWithout, 100.0)]),
    Row(
        Place::Dump,
        Damage::FlippedBit,
        250,
        [(File::Own, 80.0), (File::Real, 70.0), (File::RealWithout, 0.0)],
    ),
    Row(
        Place::Dump,
        Damage::BlankBlock,
        30,
        [(File::Own, 90.0), (File::Real, 90.0), (File::RealWithout, 90.0)],
    ),
    Row(
        Place::Dump,
        Damage::SwappedBlocks,
        30,
        [(File::Own, 97.0), (File::Real, 97.0), (File::RealWithout, 97.0)],
    ),
    Row(Place::Zip, Damage::Cut, 20, EVERYTHING),
    Row(Place::Zip, Damage::FlippedBit, 20, EVERYTHING),
    Row(Place::Zip, Damage::BlankBlock, 10, EVERYTHING),
    Row(Place::Zip, Damage::SwappedBlocks, 10, EVERYTHING),
    Row(Place::Manifest, Damage::Cut, 10, EVERYTHING),
    Row(Place::Manifest, Damage::FlippedBit, 20, EVERYTHING),
    Row(Place::Manifest, Damage::BlankBlock, 5, EVERYTHING),
    Row(Place::Manifest, Damage::SwappedBlocks, 5, EVERYTHING),
];

/// So many pages in use of a hundred have checksums in what is promised to show its damage.
const REAL_PERCENT: f64 = 60.0;

const EVERYTHING: [(File, f64); 3] = [(File::Own, 100.0), (File::Real, 100.0), (File::RealWithout, 100.0)];

/// A dump and the zip around it.
struct Sample {
    file: File,
    name: String,
    database: String,
    dump: Vec<u8>,
    zip: Vec<u8>,
    manifest: Range<usize>,
}

impl Sample {
    fn new(file: File, name: &str, database: &str, dump: Vec<u8>) -> Self {
        let zip = zip_around(&dump, database);
        // The last entry, stored as it is: a document from its brace to the directory.
        let directory = zip.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let begin = zip[..directory].windows(13).rposition(|name| name == b"manifest.json").unwrap() + 13;
        let begin = begin + zip[begin..].iter().position(|byte| *byte == b'{').unwrap();
        let end = zip[..directory].iter().rposition(|byte| *byte == b'}').unwrap() + 1;
        let (name, database) = (name.to_owned(), database.to_owned());
        Self { file, name, database, dump, zip, manifest: begin..end }
    }

    /// The file after `damage` to `place`, as what it shows itself to be; `None` where nothing changed.
    fn after(&self, place: Place, damage: Damage, random: &mut fastrand::Rng) -> Option<String> {
        match place {
            Place::Dump => {
                let mut dump = self.dump.clone();
                damage.strike(&mut dump, random).then(|| self.dump_is(&dump, damage))
            }
            Place::Zip => {
                let mut zip = self.zip.clone();
                damage.strike(&mut zip, random).then(|| zip_is(&zip))
            }
            Place::Manifest => {
                let mut manifest = self.zip[self.manifest.clone()].to_vec();
                let struck = damage.strike(&mut manifest, random);
                let zip =
                    [&self.zip[..self.manifest.start], &manifest, &self.zip[self.manifest.end..]].concat();
                struck.then(|| zip_is(&zip))
            }
        }
    }

    fn dump_is(&self, dump: &[u8], damage: Damage) -> String {
        let mut checker = Checker::new();
        checker.feed(dump);
        let examination = checker.finish();
        let Some(problem) = examination.problem(Some(&self.database)) else {
            assert_eq!(examination.verdict, Verdict::Good);
            return MISSED.to_owned();
        };
        // A file that ends in the middle of its first word cannot say that it was one.
        if damage == Damage::Cut && dump.len() >= 4 {
            assert_eq!(problem.code.id(), "backup.truncated", "{} cut to {} bytes", self.name, dump.len());
        }
        problem.code.id().to_owned()
    }
}

const MISSED: &str = "not found";

fn zip_is(zip: &[u8]) -> String {
    let tested = archive::test(
        &mut Cursor::new(zip),
        archive::Depth::Content,
        &mut |_, _| (),
        &CancellationToken::new(),
    );
    match tested {
        Err(problem) => problem.code.id().to_owned(),
        Ok(report) => match report.problem() {
            Some(problem) => problem.code.id().to_owned(),
            None if report.confirmed() => MISSED.to_owned(),
            None => "no word of proof".to_owned(),
        },
    }
}

fn zip_around(dump: &[u8], database: &str) -> Vec<u8> {
    let begun = DateTime::UNIX_EPOCH.fixed_offset();
    let options = PackOptions {
        entry_name: archive::entry_name(database),
        level: Level::default(),
        threads: 2,
        modified: begun,
        total_bytes: Some(dump.len() as u64),
        source_shown: "x.bak".to_owned(),
        sink_shown: "x.zip".to_owned(),
    };
    let manifest = Manifest {
        format: archive::MANIFEST_FORMAT,
        program: "DMBackup".to_owned(),
        run: uuid::Uuid::nil(),
        sequence: 1,
        hour: Some(9),
        begun,
        finished: begun,
        shop: "Loja 7".to_owned(),
        agent: uuid::Uuid::nil(),
        server: "SERVIDOR".to_owned(),
        database: database.to_owned(),
        company: None,
        reason: None,
        rows: Vec::new(),
        parts: Vec::new(),
    };
    let mut zip = Cursor::new(Vec::new());
    let mut told =
        |part: &archive::PartDigest| Ok(Manifest { parts: vec![Part::new(part, None)], ..manifest.clone() });
    let cancel = CancellationToken::new();
    archive::pack(&mut &dump[..], &mut zip, &options, &mut |_| (), &|_| (), &mut told, &cancel).unwrap();
    zip.into_inner()
}

async fn samples() -> Vec<Sample> {
    // Large enough that most extents are in use.
    let standin = StandIn::start_with(|options| options.database(DatabaseOptions::pages_mib("Cheio", 3)));
    let mut shop = Shop::open_with(standin, |config| {
        config.databases = vec![DatabaseName::new("Cheio").unwrap()];
    })
    .await;
    shop.good_run().await;
    let own = std::fs::read(shop.folder().join("MCDados.bak")).unwrap();
    let mut samples = vec![Sample::new(File::Own, "stand-in", "Cheio", own)];
    for good in good_files() {
        let file = if good.percent >= REAL_PERCENT { File::Real } else { File::RealWithout };
        samples.push(Sample::new(file, &good.name, &good.database, good.bytes));
    }
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_a_dump_a_zip_or_a_manifest_is_found_as_often_as_anything_protects_it() {
    let seed = seed();
    println!("damage drawn with DMBACKUP_TEST_SEED={seed}");
    let samples = samples().await;
    let mut table = Table::default();
    let mut wrong = Vec::new();
    for (number, Row(place, damage, times, promised)) in MATRIX.iter().enumerate() {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(number as u64));
        for (file, percent) in promised {
            let (mut found, mut tried) = (0, 0);
            for sample in samples.iter().filter(|sample| sample.file == *file) {
                for _ in 0..trials("DMBACKUP_DAMAGE", *times) {
                    let Some(came) = sample.after(*place, *damage, &mut random) else { continue };
                    tried += 1;
                    found += usize::from(came != MISSED);
                    table.count(&format!("{place:?}: {}", damage.shown()), &sample.name, &came);
                }
            }
            let share = found as f64 * 100.0 / f64::from(u32::try_from(tried.max(1)).unwrap());
            println!(
                "{place:?}, {}, {file:?}: {found} of {tried} found, {percent} % promised",
                damage.shown()
            );
            if tried > 0 && share < *percent {
                wrong.push(format!(
                    "{place:?}, {damage:?}, {file:?}: {share:.1} % found, {percent} % promised"
                ));
            }
        }
    }
    println!("{}", table.shown(["place and damage", "file", "found as"]));
    assert_eq!(wrong, Vec::<String>::new());
}
