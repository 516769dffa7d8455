//! Carrying out a deep check: file by file, each marked as soon as it was read.

use super::file::check_file;
use super::mend::mend;
use super::places::{Standing, standing};
use super::turn;
use crate::backup::World;
use crate::clock::Clock;
use crate::destination::{Destination, Identity};
use crate::journal::{CheckedFile, EventKind, Journal, Side};
use crate::problem::{Code, Problem, Result};
use crate::slot::{ArchiveName, Set};
use crate::words;
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Both sides, and whoever keeps what is found.
#[derive(Clone, Debug)]
pub struct Sides {
    /// The backup folder.
    pub server: Arc<dyn Destination>,
    /// The terminal's folder; `None` where the shop has chosen to do without.
    pub terminal: Option<Arc<dyn Destination>>,
    /// Whose backups these are.
    pub identity: Identity,
    /// The name of the zip.
    pub archive: ArchiveName,
    /// Where it is kept.
    pub journal: Journal,
    /// The shop's clock.
    pub clock: Arc<dyn Clock>,
}

impl Sides {
    /// The sides of `world`.
    pub fn of(world: &World) -> Self {
        Self {
            server: Arc::clone(&world.local),
            terminal: world.terminal.clone(),
            identity: world.identity.clone(),
            archive: world.archive().clone(),
            journal: world.journal.clone(),
            clock: Arc::clone(&world.clock),
        }
    }

    fn get(&self, side: Side) -> Option<&dyn Destination> {
        match side {
            Side::Server => Some(&*self.server),
            Side::Terminal => self.terminal.as_deref(),
        }
    }
}

/// What is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Every place of the rotation, and every extra copy.
    All,
    /// One place.
    One(Set),
}

/// A place that is read, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// On which side.
    pub side: Side,
    /// Its places in the rotation, the hour first: `09h`, `newest`, `Segunda`; or `extra`.
    pub sets: Vec<String>,
    /// The file's path, as people know it.
    pub path: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// Which.
    #[serde(flatten)]
    pub place: Place,
    /// Its length in bytes.
    pub bytes: u64,
    /// Bytes of the dump in it whose pages were checked.
    pub checked_bytes: u64,
    /// What was wrong with it; `None` where it is sound.
    pub problem: Option<Problem>,
    /// The whole twin of the other side stands in its place now.
    pub mended: bool,
    /// Why it was not mended.
    pub not_mended: Option<Problem>,
}

impl Read {
    /// Whether a damaged file still stands there.
    pub fn is_damaged(&self) -> bool {
        self.problem.is_some() && !self.mended
    }
}

/// What came of a deep check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The files that were read, in that order.
    pub read: Vec<Read>,
    /// Why others were not: a side does not answer, somebody stopped the check.
    pub problems: Vec<Problem>,
}

impl Report {
    /// The gravest thing that is wrong: a file that stays damaged before one that could not be read.
    pub fn problem(&self) -> Option<&Problem> {
        let damaged = self.read.iter().find(|read| read.is_damaged());
        damaged.and_then(|read| read.problem.as_ref()).or_else(|| self.problems.first())
    }
}

/// Hears which file is read, and how many bytes of its dump were checked. Called often: it must return at once.
pub trait Told: Sync {
    /// So far.
    fn told(&self, place: &Place, checked_bytes: u64);
}

/// Reads the files of `selection` on `side`, or on both sides; not those that were read and found whole since `since`, where a
/// check that was interrupted goes on. Blocks.
pub fn verify(
    sides: &Sides,
    selection: Selection,
    side: Option<Side>,
    since: Option<DateTime<FixedOffset>>,
    told: &dyn Told,
    cancel: &CancellationToken,
) -> Report {
    let mut report = Report::default();
    let checked = sides.journal.checked_files().unwrap_or_default();
    let mut done = 0;
    for side in [Side::Server, Side::Terminal].into_iter().filter(|one| side.is_none_or(|only| only == *one))
    {
        let Some(destination) = sides.get(side) else { continue };
        let files = match answering(sides, destination) {
            Ok(files) => files,
            Err(problem) => {
                report.problems.push(problem);
                continue;
            }
        };
        for file in files.iter().filter(|file| is_selected(selection, file)) {
            if since.is_some_and(|since| turn::is_read_since(side, file, &checked, since)) {
                done += 1;
                continue;
            }
            match one(sides, side, file, told, cancel) {
                Ok(read) => report.read.extend(read),
                Err(problem) => {
                    report.problems.push(problem);
                    break;
                }
            }
        }
    }
    if report.read.is_empty() && report.problems.is_empty() && done == 0 {
        report.problems.push(nothing_there());
    }
    report
}

/// Reads the one file whose turn it is, of either side; `None` where none is due. Blocks.
pub fn verify_due(sides: &Sides, told: &dyn Told, cancel: &CancellationToken) -> Option<Report> {
    let checked = sides.journal.checked_files().unwrap_or_default();
    let now = sides.clock.local_now();
    let mut longest = None;
    for side in [Side::Server, Side::Terminal] {
        let Some(destination) = sides.get(side) else { continue };
        let Ok(files) = answering(sides, destination) else { continue };
        if let Some((file, waited)) = turn::due(side, &files, &checked, now)
            && longest.as_ref().is_none_or(|(_, _, most)| waited > *most)
        {
            longest = Some((side, file.clone(), waited));
        }
    }
    let (side, file, _) = longest?;
    Some(match one(sides, side, &file, told, cancel) {
        Ok(read) => Report { read: read.into_iter().collect(), problems: Vec::new() },
        Err(problem) => Report { read: Vec::new(), problems: vec![problem] },
    })
}

/// The files that were found damaged and still stand there. Blocks.
///
/// # Errors
/// The journal or the destination cannot be read.
pub fn damaged(sides: &Sides, side: Side) -> Result<Vec<CheckedFile>> {
    let Some(destination) = sides.get(side) else { return Ok(Vec::new()) };
    let marked: Vec<_> = sides
        .journal
        .checked_files()?
        .into_iter()
        .filter(|row| row.side == side && row.problem.is_some())
        .collect();
    if marked.is_empty() {
        return Ok(marked);
    }
    let files = standing(destination, &sides.archive)?;
    let stands = |row: &CheckedFile| {
        files.iter().any(|file| {
            row.is_of(file.stat.bytes, file.stat.modified)
                && file.names.iter().any(|(_, name)| name.to_string() == row.file)
        })
    };
    Ok(marked.into_iter().filter(stands).collect())
}

fn answering(sides: &Sides, destination: &dyn Destination) -> Result<Vec<Standing>> {
    destination.check(&sides.identity)?;
    standing(destination, &sides.archive)
}

fn is_selected(selection: Selection, file: &Standing) -> bool {
    match selection {
        Selection::All => true,
        Selection::One(set) => file.has(set),
    }
}

/// Reads one file, marks it, and mends it where it is damaged; `None` where it is gone by now.
fn one(
    sides: &Sides,
    side: Side,
    file: &Standing,
    told: &dyn Told,
    cancel: &CancellationToken,
) -> Result<Option<Read>> {
    let Some(destination) = sides.get(side) else { return Ok(None) };
    let place =
        Place { side, sets: file.labels(), path: destination.path_of(file.name()).display().to_string() };
    told.told(&place, 0);
    let telling = |bytes| told.told(&place, bytes);
    let Some(found) = check_file(destination, &sides.identity, file.name(), &telling, cancel)? else {
        return Ok(None);
    };
    if destination.stat(file.name())?.is_none_or(|now| !is_same(&now, file)) {
        // A run put its successor there meanwhile.
        return Ok(None);
    }
    mark(sides, side, file, found.problem.clone());
    let mut read = Read {
        place,
        bytes: file.stat.bytes,
        checked_bytes: found.checked_bytes,
        problem: found.problem.clone(),
        mended: false,
        not_mended: None,
    };
    let Some(problem) = &found.problem else { return Ok(Some(read)) };
    note(sides, EventKind::Damaged, &damage_words(&read.place.path, problem));
    match mend(sides, destination, file, &found, cancel) {
        Ok(()) => {
            read.mended = true;
            if let Some(stat) = destination.stat(file.name())? {
                mark(sides, side, &Standing { stat, ..file.clone() }, None);
            }
            note(sides, EventKind::Mended, &mended_words(&read.place.path));
        }
        Err(problem) if problem.code == Code::RunCancelled => return Err(problem),
        Err(problem) => read.not_mended = Some(problem),
    }
    Ok(Some(read))
}

fn is_same(now: &crate::destination::Stat, file: &Standing) -> bool {
    (now.bytes, now.modified, now.same_as) == (file.stat.bytes, file.stat.modified, file.stat.same_as)
}

fn mark(sides: &Sides, side: Side, file: &Standing, problem: Option<Problem>) {
    for (_, name) in &file.names {
        let row = CheckedFile {
            side,
            file: name.to_string(),
            at: sides.clock.local_now(),
            bytes: file.stat.bytes,
            modified: file.stat.modified,
            problem: problem.clone(),
        };
        if let Err(problem) = sides.journal.checked(&row) {
            tracing::warn!(%name, %problem, "that a file was read is kept in memory only");
        }
    }
}

fn note(sides: &Sides, kind: EventKind, text: &Words) {
    if kind == EventKind::Damaged {
        tracing::error!(text = text.en, "deep check");
    } else {
        tracing::info!(text = text.en, "deep check");
    }
    if let Err(problem) = sides.journal.event(kind, text) {
        tracing::warn!(%problem, "the deep check is not journalled");
    }
}

fn damage_words(path: &str, problem: &Problem) -> Words {
    let Words { pt, en } = &problem.sentence;
    words!("{path}: {pt}", "{path}: {en}")
}

fn mended_words(path: &str) -> Words {
    words!(
        "{path}: danificado, substituído pela cópia inteira do outro lado",
        "{path}: damaged, replaced by the whole copy of the other side"
    )
}

fn nothing_there() -> Problem {
    Problem::new(
        Code::BackupNone,
        words!("Não há nenhum backup aí para conferir.", "There is no backup there to check."),
        words!(
            "Veja com «dmbackupctl slots» quais existem, ou faça um backup com «dmbackupctl backup».",
            "See with “dmbackupctl slots” which there are, or make one with “dmbackupctl backup”."
        ),
    )
}
