//! Beside (PS7): the dump is streamed out and checked, restored under another name, checked by the server and counted. The live
//! database is not touched. Whatever fails before the proof, nothing of it stays.

use super::extract::{self, Extracted, Shape};
use super::outcome::{From, RestoreProgress, Source, Stage};
use super::plan;
use super::problems;
use super::record::{Made, Making};
use super::source::{self, Opened};
use super::staging::Staging;
use super::work::{Work, blocking, standing_back, until_given_up};
use super::{foresee, room, rows};
use crate::archive::Manifest;
use crate::backup::verdict::{Acceptance, Arbitration, acceptance, arbitration};
use crate::bak::{Build, Description};
use crate::problem::{Code, Problem, Result};
use crate::sqlserver::{BackupFile, BackupHeader, InstancePaths, RestoreRequest, ServerFacts};
use chrono::{DateTime, FixedOffset};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// A backup set of a whole database.
const WHOLE: i64 = 1;

/// A database that was made in vain is tried to be removed so often, and so long apart: a connection may drop at that, too.
const DROPS: u32 = 3;
const BETWEEN_DROPS: Duration = Duration::from_millis(500);

/// What is known before anything is made.
pub(super) struct Prepared {
    pub opened: Opened,
    pub shape: Shape,
    pub facts: ServerFacts,
    pub paths: InstancePaths,
}

/// Restores `source` beside the live database and proves it; the new database's name.
///
/// # Errors
/// What makes it impossible; nothing of it stays then, but for a database in which CHECKDB found something, which is kept for
/// whoever wants to look.
pub(super) async fn make(work: &mut Work<'_>, source: &Source, stay: Stay) -> Result<String> {
    let prepared = prepare(work, source).await?;
    work.enter(Stage::Extracting);
    let world = work.shop.world.clone();
    let staging = blocking(move || Staging::reserve(&world)).await?;
    let (shape, facts, paths) = (prepared.shape.clone(), prepared.facts, prepared.paths);
    let extracted = extract_to(work, prepared.opened, &shape, &staging).await?;
    let request = arrange(work, &extracted, &facts, &paths, &staging, stay).await?;
    restore(work, &request, stay).await?;
    drop_staging(staging).await;
    let proved = match prove(work, &request.database).await {
        Ok(()) => compare(work, shape.manifest.as_ref(), stay),
        Err(problem) => Err(problem),
    };
    match proved {
        Ok(()) => Ok(request.database),
        Err(problem) if problem.code == Code::RestoreDamaged && stay == Stay::Kept => Err(problem),
        Err(problem) => {
            discard(work, &request.database, stay).await;
            Err(problem)
        }
    }
}

/// Refuses what can be known to be impossible before anything is made, be it a backup of what is there.
///
/// # Errors
/// As those of [`make`] before it extracts anything.
pub(super) async fn foretell(work: &mut Work<'_>, source: &Source) -> Result<()> {
    prepare(work, source).await.map(drop)
}

/// What becomes of a restored database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// A person has it made, and looks at it.
    Kept,
    /// It is made to be proved and removed.
    Passing,
}

impl Stay {
    /// What it is called.
    pub fn name(self, database: &str, at: DateTime<FixedOffset>) -> String {
        match self {
            Self::Kept => plan::beside_name(database, at),
            Self::Passing => plan::test_name(database, at),
        }
    }
}

/// Compares the restored rows with what the backup says of them.
///
/// # Errors
/// They differ, in a test.
pub(super) fn compare(work: &mut Work<'_>, manifest: Option<&Manifest>, stay: Stay) -> Result<()> {
    let told = manifest.map(|manifest| manifest.rows.as_slice()).unwrap_or_default();
    let Some((tables, problem)) = rows::compare(told, &work.report.counts) else { return Ok(()) };
    work.report.compared = Some(tables);
    match (problem, stay) {
        (None, _) => Ok(()),
        (Some(problem), Stay::Passing) => Err(problem),
        (Some(problem), Stay::Kept) => {
            work.warn(problem);
            Ok(())
        }
    }
}

/// Removes a database that a restore made, and no other.
///
/// # Errors
/// It is not ours, somebody is in it, or the server refuses.
pub(super) async fn remove(work: &mut Work<'_>, database: &str) -> Result<()> {
    work.enter(Stage::Removing);
    work.report.target = Some(database.to_owned());
    let made = work.shop.records.made(database).filter(|_| plan::is_beside_name(database));
    let made = made.ok_or_else(|| problems::not_ours(database))?;
    match work.server.database_identity(database).await? {
        // Somebody removed it already: that is what was wanted.
        None => {}
        Some(now) if now.is_the_same_as(&made.identity) => {
            work.server.drop_database(database).await?;
        }
        Some(_) => return Err(problems::not_ours(database)),
    }
    forget(work, database).await
}

async fn prepare(work: &mut Work<'_>, source: &Source) -> Result<Prepared> {
    let prepared = examine(work, source).await?;
    let files = prepared.shape.description.as_ref().map(foresee::files).unwrap_or_default();
    room_for(work, prepared.shape.dump_bytes, &files, &prepared.paths).await?;
    work.stop_if_cancelled()?;
    Ok(prepared)
}

/// Opens `source`, and refuses what can be refused by what it says of itself.
///
/// # Errors
/// It cannot be read, or not restored here; the login lacks a right.
pub(super) async fn examine(work: &mut Work<'_>, source: &Source) -> Result<Prepared> {
    let database = work.report.database.clone();
    let rights = work.server.restore_rights(&database).await?;
    work.server.require_create(rights)?;
    let facts = work.server.facts().await?;
    let paths = work.server.instance_paths().await?;
    let (world, wanted) = (work.shop.world.clone(), source.clone());
    let looked = until_given_up(&work.cancel, blocking(move || look(&world, &wanted, &database)));
    let (opened, shape) = looked.await?;
    work.report.from = Some(told_by(&opened, &shape));
    refuse(shape.description.as_ref(), &work.report.database, &facts)?;
    work.stop_if_cancelled()?;
    Ok(Prepared { opened, shape, facts, paths })
}

/// Opens `source` and looks at what it is. Blocks.
pub(super) fn look(world: &crate::backup::World, source: &Source, database: &str) -> Result<(Opened, Shape)> {
    let mut opened = source::open(source, world)?;
    let shape = extract::look(&mut *opened.reader, database)?;
    Ok((opened, shape))
}

fn told_by(opened: &Opened, shape: &Shape) -> From {
    let (manifest, description) = (shape.manifest.as_ref(), shape.description.as_ref());
    let server = manifest.map(|manifest| manifest.server.clone());
    let database = manifest.map(|manifest| manifest.database.clone());
    From {
        shown: opened.shown.clone(),
        bytes: shape.bytes,
        dump_bytes: shape.dump_bytes,
        database: database.or(description.map(|told| told.database.clone())).unwrap_or_default(),
        server: server.or(description.map(|told| told.server.clone())).unwrap_or_default(),
        begun: manifest.map(|manifest| manifest.begun),
        verdict: None,
        confirmed: false,
    }
}

/// Refuses by what a dump says of itself, before anything is made.
///
/// # Errors
/// It is of another database, of a newer server, or a part of several.
pub(super) fn refuse(description: Option<&Description>, database: &str, facts: &ServerFacts) -> Result<()> {
    let Some(description) = description else { return Ok(()) };
    let Build { major, minor, .. } = description.build;
    if description.stripes > 1 {
        return Err(problems::stripe(description.stripe, description.stripes));
    }
    if description.database.to_lowercase() != database.to_lowercase() {
        return Err(problems::other_database(&description.database, database));
    }
    if (u32::from(major), u32::from(minor)) > (facts.version.major, facts.version.minor) {
        return Err(problems::newer_server(description.build, facts.version));
    }
    Ok(())
}

/// Holds that the dump and the files fit, each in its folder, and what must stay free beside them.
///
/// # Errors
/// A disk has not the room.
pub(super) async fn room_for(
    work: &Work<'_>,
    dump_bytes: u64,
    files: &[BackupFile],
    paths: &InstancePaths,
) -> Result<()> {
    let local = Arc::clone(&work.shop.world.local);
    let needed = dump_bytes.saturating_add(work.shop.world.config.backup.reserve_bytes);
    let own = |(folder, bytes): (&str, u64)| (folder.to_owned(), bytes);
    let mut folders: Vec<_> = plan::bytes_by_folder(files, paths).into_iter().map(own).collect();
    if !work.server.config().is_local() {
        folders.clear();
    }
    blocking(move || room::check(&*local, needed, &folders)).await
}

/// Writes the dump to where SQL Server reads it, and checks it on the way.
///
/// # Errors
/// It is damaged, or cannot be written; the cancellation.
pub(super) async fn extract_to(
    work: &mut Work<'_>,
    opened: Opened,
    shape: &Shape,
    staging: &Staging,
) -> Result<Extracted> {
    let (shape, target, cancel) = (shape.clone(), staging.path.clone(), work.cancel.clone());
    let monitor = work.monitor();
    let total_bytes = shape.dump_bytes;
    let extracting = move || {
        let mut reader = opened.reader;
        let mut told = |done_bytes: u64| {
            let percent = (total_bytes > 0).then(|| (done_bytes as f64 / total_bytes as f64 * 100.0) as f32);
            monitor.progress(RestoreProgress {
                stage: Stage::Extracting,
                done_bytes,
                total_bytes: Some(total_bytes),
                percent,
                left_secs: None,
            });
        };
        extract::extract(&mut *reader, &shape, &target, &mut told, &cancel)
    };
    let stop = work.cancel.clone();
    let extracted = if work.order.is_test() {
        until_given_up(&stop, standing_back(extracting)).await?
    } else {
        until_given_up(&stop, blocking(extracting)).await?
    };
    if let Some(from) = &mut work.report.from {
        from.verdict = Some(extracted.examination.sentence());
        from.confirmed = extracted.confirmed;
    }
    Ok(extracted)
}

/// Judges the dump and arranges where its files go.
async fn arrange(
    work: &mut Work<'_>,
    extracted: &Extracted,
    facts: &ServerFacts,
    paths: &InstancePaths,
    staging: &Staging,
    stay: Stay,
) -> Result<RestoreRequest> {
    let device = &staging.seen_by_server;
    let checksum = accept(work, extracted, facts, device).await?;
    let files = work.server.file_list_only(device, &work.cancel).await?;
    // The dump lies there already.
    room_for(work, 0, &files, paths).await?;
    let database = free_name(work, stay).await?;
    Ok(RestoreRequest {
        moves: plan::moves(&files, &database, paths),
        database,
        device_path: device.clone(),
        checksum,
        replace: false,
    })
}

/// Judges the dump by what SQL Server and the reader say of it; whether it carries checksums.
///
/// # Errors
/// It is not one whole backup of this database that this server can restore.
pub(super) async fn accept(
    work: &mut Work<'_>,
    extracted: &Extracted,
    facts: &ServerFacts,
    device: &str,
) -> Result<bool> {
    let headers = work.server.header_only(device, &work.cancel).await?;
    let header = one_whole(&headers)?;
    let found = header.database.clone().unwrap_or_default();
    if found.to_lowercase() != work.report.database.to_lowercase() {
        return Err(problems::other_database(&found, &work.report.database));
    }
    if header.version_major > i64::from(facts.version.major) {
        let build =
            Build { major: u8::try_from(header.version_major).unwrap_or(u8::MAX), minor: 0, build: 0 };
        return Err(problems::newer_server(build, facts.version));
    }
    judge(work, extracted, device, header.has_checksums).await?;
    Ok(header.has_checksums)
}

fn one_whole(headers: &[BackupHeader]) -> Result<&BackupHeader> {
    match headers {
        [only] if only.backup_type == WHOLE => Ok(only),
        sets => Err(problems::not_one_whole_backup(sets.len())),
    }
}

/// The reader's verdict; where it is not sure, SQL Server's.
async fn judge(work: &mut Work<'_>, extracted: &Extracted, device: &str, checksums: bool) -> Result<()> {
    let database = work.report.database.clone();
    let examination = &extracted.examination;
    let says = match arbitration(examination, &database) {
        Arbitration::NotNeeded => None,
        // Without checksums VERIFYONLY proves nothing: RESTORE and CHECKDB will.
        Arbitration::Needed if !checksums => Some(Ok(())),
        Arbitration::Needed => Some(work.server.verify_only(device, &work.cancel).await),
    };
    work.stop_if_cancelled()?;
    match acceptance(examination, &database, says.as_ref(), true) {
        Acceptance::Accepted { words, warning } => {
            if let Some(from) = &mut work.report.from {
                from.verdict = Some(words);
            }
            warning.into_iter().for_each(|problem| work.warn(problem));
            Ok(())
        }
        Acceptance::Refused(problem) => Err(problem),
    }
}

/// The name of the database to be, which no other bears.
async fn free_name(work: &Work<'_>, stay: Stay) -> Result<String> {
    let mut at = work.order.begun;
    loop {
        let name = stay.name(&work.report.database, at);
        if work.server.database_identity(&name).await?.is_none() {
            return Ok(name);
        }
        at += chrono::TimeDelta::seconds(1);
    }
}

async fn restore(work: &mut Work<'_>, request: &RestoreRequest, stay: Stay) -> Result<()> {
    work.enter(Stage::Restoring);
    let (records, restore) = (Arc::clone(&work.shop.records), work.order.id);
    let database = request.database.clone();
    let making = Making { restore, database: database.clone() };
    blocking(move || records.change(|book| book.making = Some(making))).await?;
    work.report.target = Some(database.clone());
    work.report.statements.push(request.text());
    let told = work.told_by_server(Stage::Restoring);
    let restored = work.server.restore(request, &told, &work.cancel).await;
    let kept = match restored.and_then(|()| work.stop_if_cancelled()) {
        Ok(()) => keep(work, &database, stay).await,
        Err(problem) => Err(problem),
    };
    if kept.is_err() {
        discard(work, &database, stay).await;
    }
    kept
}

/// From now on the database is ours to remove, and not half-made.
async fn keep(work: &Work<'_>, database: &str, stay: Stay) -> Result<()> {
    let identity = work.server.database_identity(database).await?;
    let identity = identity.ok_or_else(|| Problem::internal("the restored database is not there"))?;
    let made = Made { restore: work.order.id, database: database.to_owned(), identity };
    let records = Arc::clone(&work.shop.records);
    blocking(move || {
        records.change(|book| {
            book.making = None;
            match stay {
                Stay::Kept => book.made.push(made),
                Stay::Passing => book.passing.push(made),
            }
        })
    })
    .await
}

/// CHECKDB and the counts.
///
/// # Errors
/// Something is wrong with the database, or the server does not tell.
pub(super) async fn prove(work: &mut Work<'_>, database: &str) -> Result<()> {
    work.enter(Stage::Checking);
    let told = work.told_by_server(Stage::Checking);
    let defects = work.server.check_database(database, &told, &work.cancel).await?;
    if !defects.is_empty() {
        let found = defects.len();
        work.report.defects = defects;
        return Err(problems::defects(database, found));
    }
    work.stop_if_cancelled()?;
    work.enter(Stage::Counting);
    work.report.counts = work.server.count_rows(database, &work.cancel).await?;
    Ok(())
}

/// Removes what was begun. What cannot be removed now stays recorded, and is removed before the next restore or at the next start.
pub(super) async fn discard(work: &mut Work<'_>, database: &str, stay: Stay) {
    if stay == Stay::Passing {
        work.enter(Stage::Removing);
    }
    let mut dropped = work.server.drop_database(database).await;
    for _ in 1..DROPS {
        if dropped.is_ok() {
            break;
        }
        sleep(BETWEEN_DROPS).await;
        dropped = work.server.drop_database(database).await;
    }
    match dropped {
        Ok(_) => {
            work.report.target = None;
            if let Err(problem) = forget(work, database).await {
                tracing::warn!(%problem, "a removed database stays recorded");
            }
        }
        Err(problem) => {
            tracing::error!(%problem, database, "what a restore had begun could not be removed yet");
            work.warn(problem);
            if stay == Stay::Passing
                && work.shop.records.read().passing.iter().any(|made| made.database == database)
            {
                return;
            }
            let (records, restore) = (Arc::clone(&work.shop.records), work.order.id);
            let making = Making { restore, database: database.to_owned() };
            let noted = blocking(move || records.change(|book| book.making = Some(making))).await;
            if let Err(problem) = noted {
                tracing::error!(%problem, "nor could that be recorded");
            }
        }
    }
}

async fn forget(work: &Work<'_>, database: &str) -> Result<()> {
    let (records, database) = (Arc::clone(&work.shop.records), database.to_owned());
    blocking(move || {
        records.change(|book| {
            book.made.retain(|made| made.database != database);
            book.passing.retain(|made| made.database != database);
            book.making = book.making.take().filter(|making| making.database != database);
        })
    })
    .await
}

/// Removes the extracted dump.
pub(super) async fn drop_staging(staging: Staging) {
    let dropped = blocking(move || {
        drop(staging);
        Ok(())
    });
    if let Err(problem) = dropped.await {
        tracing::warn!(%problem, "the extracted dump was not removed");
    }
}
