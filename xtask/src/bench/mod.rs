//! `cargo xtask bench`: the product's speed and memory beside other archivers' and beside what is asked. Everything is measured
//! in one run, one after the other and round by round, so that a machine that is busy is busy for all of them: the ratios
//! hold where the times do not.

mod desktop;
mod idle;
mod job;
mod link;
mod machine;
mod measure;
mod report;

use crate::packages;
use crate::shop::program;
use crate::steps::{self, Result, say};
use clap::{Args, ValueEnum};
use job::{Job, Works};
use report::{Figure, Way};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The size of `--huge` in MiB: beyond what 32-bit sizes and any cache of a shop's machine hold.
const HUGE_MIB: u32 = 5 << 10;

#[derive(Args)]
pub struct Options {
    /// Size of the database in MiB
    #[arg(long, default_value_t = 512)]
    mib: u32,
    /// How often each way is gone; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// One backup of 5 GiB instead: memory, Zip64, copying
    #[arg(long)]
    huge: bool,
    /// Also a terminal behind a link of so many Mbit/s each way (needs root)
    #[arg(long, value_name = "MBIT")]
    link: Option<u32>,
    /// Seconds for which the waiting agent is watched
    #[arg(long, default_value_t = 180)]
    idle: u64,
    /// What is measured
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Pack, Part::Check, Part::Job, Part::Idle])]
    part: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Packing alone beside zip, 7-Zip and pigz
    Pack,
    /// Reading a kept zip to its last page beside `unzip -t`
    Check,
    /// The whole job beside `zip; cp; sha256sum`
    Job,
    /// The agent while it waits
    Idle,
    /// The tray program while it waits, and the window, on a desktop without a screen
    Desktop,
}

/// Measures, and returns 1 where a figure is missed.
///
/// # Errors
/// Something could not be installed, built or run.
pub fn run(options: &Options) -> Result<u8> {
    packages::install(&[packages::BUILD, packages::BENCH])?;
    if options.link.is_some() {
        packages::install(&[packages::LINK])?;
    }
    build()?;
    let mib = if options.huge { HUGE_MIB } else { options.mib };
    say(&format!("── start the SQL Server stand-in with a database of {mib} MiB"));
    let works = Works::open(steps::root().join("target/bench"), mib)?;
    machine::describe();
    let figures = if options.huge { huge(&works)? } else { ordinary(&works, options)? };
    let missed = report::tell_figures(&figures);
    say("");
    say(&format!("{} figures, {missed} missed", figures.len()));
    Ok(u8::from(missed > 0))
}

fn build() -> Result<()> {
    // Where `shop::program` looks for them, whatever this machine's settings say.
    let cargo = |words: &str| {
        let mut cargo = steps::cargo();
        cargo.arg("build").arg("--target-dir").arg(steps::root().join("target"));
        cargo.arg("--locked").args(words.split(' '));
        cargo
    };
    steps::run("build the SQL Server stand-in", &mut cargo("--package fake-sqlserver --bins"))?;
    steps::run(
        "build the agent and its packing alone, as released",
        &mut cargo("--release --no-default-features --package dmbackup --package bench-pack --bins"),
    )
}

fn ordinary(works: &Works, options: &Options) -> Result<Vec<Figure>> {
    let parts = |part| options.part.contains(&part);
    let mut figures = Vec::new();
    if [Part::Pack, Part::Check, Part::Job].into_iter().any(parts) {
        let rounds = Rounds::go(works, options)?;
        figures.extend(rounds.figures(options));
    }
    if let Some(mbit) = options.link {
        figures.extend(link::measure(works, mbit)?);
    }
    if parts(Part::Idle) {
        figures.extend(idle::watch(works, options.idle)?);
    }
    if parts(Part::Desktop) {
        figures.extend(desktop::watch(works)?);
    }
    Ok(figures)
}

/// Every way, gone round by round.
struct Rounds {
    ours: Way,
    /// The level that a shop with fast disks gets: its ratio is 7-Zip's.
    light: Way,
    zip: Way,
    seven_zip: Way,
    pigz: Way,
    check: Way,
    unzip: Way,
    job: Way,
    /// A second backup of the same shop, which knows how fast its disks are.
    second: Way,
    job_by_hand: Way,
}

impl Rounds {
    fn go(works: &Works, options: &Options) -> Result<Self> {
        let place = Place::prepare(works)?;
        let way = |name| Way::new(name, place.bytes);
        let mut rounds = Self {
            ours: way("DMBackup: pack, with page checks, SHA-256, compare, fsync"),
            light: way("DMBackup: the same at level 4, for fast disks"),
            zip: way("zip -6"),
            seven_zip: way("7zz a -tzip -mx1"),
            pigz: way("pigz -K -p2 -6"),
            check: way("DMBackup: deep check of a zip (zip, hashes, every page)"),
            unzip: way("unzip -tq"),
            job: way("DMBackup: whole job, first backup"),
            second: way("DMBackup: whole job, second backup"),
            job_by_hand: way("zip -6; cp; sha256sum twice"),
        };
        for round in 1..=options.rounds {
            say(&format!("── round {round} of {}", options.rounds));
            if options.part.contains(&Part::Pack) {
                rounds.pack(&place)?;
            }
            if options.part.contains(&Part::Check) {
                rounds.check(&place)?;
            }
            if options.part.contains(&Part::Job) {
                rounds.whole_job(&place, works)?;
            }
        }
        Ok(rounds)
    }

    fn pack(&mut self, place: &Place) -> Result<()> {
        let (dump, zip) = (&place.dump, place.path("ours.zip"));
        let ours = || {
            let mut command = Command::new(program("release", "bench-pack"));
            command.arg(dump).arg(&zip);
            command
        };
        place.take(&mut self.ours, &mut ours(), &zip)?;
        place.take(&mut self.light, ours().args(["--level", "4"]), &zip)?;
        let zip = place.path("zip.zip");
        place.take(&mut self.zip, Command::new("zip").args(["-q", "-6"]).arg(&zip).arg(dump), &zip)?;
        let zip = place.path("7z.zip");
        let mut seven_zip = Command::new("7zz");
        seven_zip.args(["a", "-tzip", "-mx1", "-mmt2", "-bso0", "-bsp0"]).arg(&zip).arg(dump);
        place.take(&mut self.seven_zip, &mut seven_zip, &zip)?;
        let zip = place.path("pigz.zip");
        let pigz = format!("pigz -K -p2 -6 -c {} > {}", word(dump), word(&zip));
        place.take(&mut self.pigz, Command::new("sh").args(["-c", &pigz]), &zip)
    }

    /// The zip of the backup that the dump was taken from, as the idle agent reads it and as `inspect` does.
    fn check(&mut self, place: &Place) -> Result<()> {
        let zip = place.path("kept.zip");
        let agent = program("release", job::AGENT);
        for (way, program, word) in
            [(&mut self.check, agent.as_path(), "inspect"), (&mut self.unzip, Path::new("unzip"), "-tq")]
        {
            way.costs.push(measure::run(Command::new(program).arg(word).arg(&zip), &place.path("time"))?);
            way.zip_bytes = job::size(&zip)?;
        }
        Ok(())
    }

    fn whole_job(&mut self, place: &Place, works: &Works) -> Result<()> {
        works.begin_anew(&works.terminal())?;
        for way in [&mut self.job, &mut self.second] {
            settle()?;
            let Job { cost, zip_bytes, .. } = works.backup()?;
            way.costs.push(cost);
            way.zip_bytes = zip_bytes;
        }
        let (zip, copy) = (place.path("hand.zip"), place.path("hand.copy"));
        let (zip, copy, dump) = (word(&zip), word(&copy), word(&place.dump));
        let by_hand = format!("zip -q -6 {zip} {dump} && cp {zip} {copy} && sha256sum {zip} {copy}");
        place.take(&mut self.job_by_hand, Command::new("sh").args(["-c", &by_hand]), &place.path("hand.zip"))
    }

    fn figures(&self, options: &Options) -> Vec<Figure> {
        let mut ways: Vec<&Way> = Vec::new();
        let mut figures = Vec::new();
        if options.part.contains(&Part::Pack) {
            ways.extend([&self.ours, &self.light, &self.zip, &self.seven_zip, &self.pigz]);
            let against = |ours: &Way, way: &Way, name: &str, most: f64, least: f64| {
                Figure::at_most(&format!("dump to zip, time against {name}"), ours.against(way), most, "")
                    .with_ratio(ours.ratio(), way.ratio() * least)
            };
            figures.push(against(&self.ours, &self.zip, "zip -6", 0.20, 1.0));
            figures.push(against(&self.light, &self.seven_zip, "7zz -tzip -mx1 (level 4)", 0.33, 1.0));
            figures.push(against(&self.ours, &self.pigz, "pigz -K -p2 -6", 0.50, 0.998));
        }
        if options.part.contains(&Part::Check) {
            ways.extend([&self.check, &self.unzip]);
            let value = self.check.against(&self.unzip);
            figures.push(Figure::at_most("deep check of a zip, time against unzip -tq", value, 2.0, ""));
            let peak = self.check.peak_mib();
            figures.push(Figure::at_most("peak memory of a deep check", peak, 32.0, " MiB"));
        }
        if options.part.contains(&Part::Job) {
            ways.extend([&self.job, &self.second, &self.job_by_hand]);
            let against = |job: &Way, name: &str| {
                let value = job.against(&self.job_by_hand);
                Figure::at_most(&format!("{name}, time against zip -6; cp; sha256sum twice"), value, 0.25, "")
            };
            figures.push(against(&self.job, "whole job"));
            figures.push(against(&self.second, "whole job, second backup"));
            let peak = self.job.peak_mib().max(self.second.peak_mib());
            figures.push(Figure::at_most("peak memory during a backup", peak, 32.0, " MiB"));
        }
        report::tell_ways(&ways);
        figures
    }
}

/// Where the ways put their zips, and what they read.
struct Place {
    root: PathBuf,
    dump: PathBuf,
    bytes: u64,
}

impl Place {
    /// Has the shop make a backup, and takes its dump aside.
    fn prepare(works: &Works) -> Result<Self> {
        say("── have the dump made");
        works.begin_anew(&works.terminal())?;
        works.backup()?;
        let root = works.shop.path("archivers");
        fs::create_dir_all(&root).map_err(|error| format!("{}: {error}", root.display()))?;
        let kept = root.join("kept.zip");
        fs::copy(works.zip(), &kept).map_err(|error| format!("{}: {error}", kept.display()))?;
        let dump = root.join("MCDados.bak");
        fs::rename(works.dump(), &dump).map_err(|error| format!("{}: {error}", dump.display()))?;
        let bytes = job::size(&dump)?;
        Ok(Self { root, dump, bytes })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Goes `way` once: `command` makes `zip` of the dump, which lies in the cache.
    fn take(&self, way: &mut Way, command: &mut Command, zip: &Path) -> Result<()> {
        match fs::remove_file(zip) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{}: {error}", zip.display()));
            }
            Ok(()) | Err(_) => {}
        }
        settle()?;
        way.costs.push(measure::run(command, &self.path("time"))?);
        way.zip_bytes = job::size(zip)?;
        Ok(())
    }
}

/// What was written before is on the disk before the next is measured.
fn settle() -> Result<()> {
    match Command::new("sync").status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("sync ended with {status}")),
        Err(error) => Err(format!("sync: {error}")),
    }
}

fn huge(works: &Works) -> Result<Vec<Figure>> {
    works.begin_anew(&works.terminal())?;
    let Job { cost, bytes, zip_bytes, .. } = works.backup()?;
    let mut way = Way::new("DMBackup: whole job", bytes);
    way.costs.push(cost);
    way.zip_bytes = zip_bytes;
    let mut copy = Way::new("cp of the zip to the terminal's folder; sync of it", zip_bytes);
    copy.zip_bytes = zip_bytes;
    copy.costs.push(copy_by_hand(works)?);
    report::tell_ways(&[&way, &copy]);
    for (way, of) in [(&way, "dump"), (&copy, "zip")] {
        say(&format!("{}: {:.2} s per GiB of the {of}", way.name, way.secs_per_gib()));
    }
    let same = is_same(&works.zip(), &works.terminal().join("MCDados.zip"))?;
    let mut figures = vec![
        Figure::at_most("peak memory during a backup", way.peak_mib(), 32.0, " MiB"),
        Figure {
            name: "the terminal's zip beside the server's".to_owned(),
            measured: if same { "the same" } else { "another" }.to_owned(),
            asked: "the same".to_owned(),
            met: same,
        },
    ];
    for (name, mut command) in [
        ("unzip -tq", Command::new("unzip")),
        ("7zz t", Command::new("7zz")),
        ("bsdtar -xOf - (reads a stream)", Command::new("bsdtar")),
    ] {
        let zip = works.zip();
        let tested = match name {
            "unzip -tq" => steps::output(command.arg("-tq").arg(&zip)).is_some(),
            "7zz t" => steps::output(command.args(["t", "-bso0", "-bsp0"]).arg(&zip)).is_some(),
            _ => streamed(&zip)? == bytes,
        };
        figures.push(Figure {
            name: format!("the zip of a dump of more than 4 GiB, {name}"),
            measured: if tested { "whole" } else { "refused" }.to_owned(),
            asked: "whole".to_owned(),
            met: tested,
        });
    }
    Ok(figures)
}

/// What it takes to copy the zip of the last backup to the terminal's folder, onto its disk.
fn copy_by_hand(works: &Works) -> Result<measure::Cost> {
    settle()?;
    let copy = works.terminal().join("by-hand.zip");
    let line = format!("cp {} {} && sync {}", word(&works.zip()), word(&copy), word(&copy));
    let cost = measure::run(Command::new("sh").args(["-c", &line]), &works.shop.path("time"))?;
    fs::remove_file(&copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    Ok(cost)
}

/// Whether two files have the same bytes.
fn is_same(one: &Path, other: &Path) -> Result<bool> {
    let compared = Command::new("cmp").arg("-s").arg(one).arg(other).status();
    match compared.map(|status| status.code()) {
        Ok(Some(0)) => Ok(true),
        Ok(Some(1)) => Ok(false),
        Ok(code) => Err(format!("cmp of {} and {} ended with {code:?}", one.display(), other.display())),
        Err(error) => Err(format!("cmp: {error}")),
    }
}

/// Bytes that a reader which cannot seek finds in the dump's entry.
fn streamed(zip: &Path) -> Result<u64> {
    let line = format!("cat {} | bsdtar -xOf - MCDados.bak | wc -c", word(zip));
    let told = steps::output(Command::new("sh").args(["-c", &line])).ok_or("bsdtar cannot be run")?;
    told.trim().parse().map_err(|error| format!("wc: {error}"))
}

/// A path as one word of a shell.
fn word(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
