//! Packing alone, from file to file, as the agent does it: every page checked, SHA-256, Deflate compared with what was read,
//! the zip synced. For `cargo xtask bench`, which sets it beside other archivers.

use chrono::DateTime;
use clap::Parser;
use dmbackup::archive::{Level, MANIFEST_FORMAT, Manifest, PackOptions, Packed, Part, PartDigest, pack};
use dmbackup::bak::{Checker, Verdict};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Packs a dump into a zip.
#[derive(Debug, Parser)]
struct Arguments {
    /// The dump
    dump: PathBuf,
    /// The zip; what stands there is replaced
    zip: PathBuf,
    /// Level of compression, 1 to 9
    #[arg(long, default_value_t = Level::default().get())]
    level: u8,
    /// Threads that compress
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench-pack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let level = Level::new(arguments.level).ok_or_else(|| io::Error::other("a level is 1 to 9"))?;
    let mut source = File::open(&arguments.dump)?;
    let total = source.metadata()?.len();
    let mut target =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&arguments.zip)?;
    let options = PackOptions {
        entry_name: "MCDados.bak".to_owned(),
        level,
        threads: arguments.threads,
        modified: DateTime::default(),
        total_bytes: Some(total),
        source_shown: shown(&arguments.dump),
        sink_shown: shown(&arguments.zip),
    };
    let mut checker = Checker::new();
    let mut observe = |bytes: &[u8]| checker.feed(bytes);
    let cancel = CancellationToken::new();
    let packed = pack(
        &mut source,
        &mut target,
        &options,
        &mut observe,
        &|_| (),
        &mut |part| Ok(manifest(part)),
        &cancel,
    );
    let Packed { part, seal, .. } =
        packed.map_err(|problem| io::Error::other(problem.text(dmbackup::words::Language::English)))?;
    target.sync_all()?;
    let verdict = checker.finish().verdict;
    if verdict != Verdict::Good {
        return Err(io::Error::other(format!("the dump's check says {verdict:?}")));
    }
    writeln!(io::stdout(), "{} bytes became {}", part.bytes, seal.bytes)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn manifest(part: &PartDigest) -> Manifest {
    Manifest {
        format: MANIFEST_FORMAT,
        program: "bench-pack".to_owned(),
        run: Uuid::nil(),
        sequence: 1,
        hour: None,
        begun: DateTime::default(),
        finished: DateTime::default(),
        shop: String::new(),
        agent: Uuid::nil(),
        server: String::new(),
        database: "MCDados".to_owned(),
        company: None,
        reason: None,
        rows: Vec::new(),
        parts: vec![Part::new(part, None)],
    }
}
