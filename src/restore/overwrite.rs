//! Overwrite: a backup over the live database, where its disks have not the room for both, and only when asked for by name.
//!
//! ```text
//! others? ─▶ room for both? ─▶ safety backup ─▶ extract, judge, VERIFYONLY ─▶ seat ─▶ RESTORE … REPLACE ─▶ MULTI_USER ─▶ proof
//!            (then refused)                                                  └ from here on it is ended by resume or undo
//! ```
//!
//! The record says so before the RESTORE is sent: what the database holds after a death in the middle nobody can tell, so that it is
//! restored once more, the source (`--resume`) or the safety backup (`--undo`).

use super::exchange::{self, change, refuse_others};
use super::extract::Extracted;
use super::outcome::{Source, Stage};
use super::overwrite_problems as wrong;
use super::record::{Book, Over, Overwrite};
use super::staging::Staging;
use super::work::{Work, Workshop, blocking};
use super::{beside, foresee, plan, problems, replace, room};
use crate::destination::Name;
use crate::problem::{Code, Problem, Result};
use crate::slot::Set;
use crate::sqlserver::statements::{self, Change};
use crate::sqlserver::{
    BackupFile, Broken, InstancePaths, OwnFile, RestoreRequest, Server, ServerFacts, TableCount,
};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Somebody may get in between the seat and the RESTORE; so often is it tried.
const TRIES: u32 = 3;

/// Puts what `source` holds over the live database.
///
/// # Errors
/// It is not confirmed, others are connected, a right is lacking, there is room for both, or a step failed. Before the RESTORE the
/// live database is as it was; after that the record waits for resume or undo.
pub(super) async fn overwrite(work: &mut Work<'_>, source: &Source, confirm: &str) -> Result<()> {
    let live = work.report.database.clone();
    replace::confirmed(&live, confirm)?;
    if work.shop.records.read().is_taken() {
        return Err(problems::exchange_pending());
    }
    must_be_free(&work.server, &live).await?;
    let files = work.server.own_files(&live).await?;
    let carried = work.server.carried(&live).await?;
    let prepared = beside::examine(work, source).await?;
    let told = prepared.shape.description.as_ref().map(foresee::files).unwrap_or_default();
    refuse_room(work.shop, &work.server, prepared.shape.dump_bytes, &told, &files, &prepared.paths).await?;
    drop(prepared);
    let since = keep_safe(work, &live).await?;
    let safety = work.report.safety.clone().map(PathBuf::from);
    let safety = safety.ok_or_else(|| Problem::internal("a safety backup without a file"))?;
    let standing = Over::Ready;
    let restore = work.order.id;
    let over = Overwrite { restore, live, source: source.clone(), safety, carried, files, standing };
    restore_over(work, over, source, Over::Overwriting, Some(since)).await
}

/// Makes the safety backup; the rows of each table before it. What is entered after it would be lost, other than in an exchange, so
/// that they must be the same when the seat is taken.
async fn keep_safe(work: &mut Work<'_>, live: &str) -> Result<Vec<TableCount>> {
    let since = work.server.kept_row_counts(live, &work.cancel).await?;
    replace::keep_safe(work).await?;
    Ok(since)
}

/// Restores the source once more.
///
/// # Errors
/// Others are connected, the source is not there any more, or a step failed.
pub(super) async fn resume(work: &mut Work<'_>, over: Overwrite) -> Result<()> {
    work.report.safety = Some(over.safety.display().to_string());
    match over.standing {
        Over::Overwritten => {
            work.report.target = Some(over.live.clone());
            finish(work, &over).await
        }
        Over::Ready | Over::Overwriting | Over::Defective | Over::Undoing => {
            refuse_others_if_open(&work.server, &over.live).await?;
            let source = over.source.clone();
            restore_over(work, over, &source, Over::Overwriting, None).await
        }
    }
}

/// Restores the safety backup over what is there. What was entered into a database that had been overwritten to its end is saved
/// first, as at any other replacement.
///
/// # Errors
/// As [`resume`], and that safety backup cannot be made.
pub(super) async fn undo(work: &mut Work<'_>, over: Overwrite) -> Result<()> {
    refuse_others_if_open(&work.server, &over.live).await?;
    let since = match over.standing {
        Over::Overwritten => Some(keep_safe(work, &over.live).await?),
        // What is there is the rest of a restore.
        Over::Ready | Over::Overwriting | Over::Defective | Over::Undoing => None,
    };
    let source = Source::File { path: over.safety.clone() };
    restore_over(work, over, &source, Over::Undoing, since).await
}

/// The overwriting of this database that is recorded.
pub(super) fn pending(work: &Work<'_>) -> Option<Overwrite> {
    // The configuration may name another database since.
    work.shop.records.read().overwrite.filter(|over| over.live == work.report.database)
}

/// What the next start names: an overwriting that was cut short.
pub(super) fn unfinished(book: &Book) -> Option<Problem> {
    let over = book.overwrite.as_ref()?;
    match over.standing {
        Over::Overwriting | Over::Defective | Over::Undoing => Some(wrong::unfinished(over)),
        Over::Ready | Over::Overwritten => None,
    }
}

/// Opens the database of an overwriting that was cut short, and forgets one that had not begun.
///
/// # Errors
/// The server does not answer, or refuses: to be called again.
pub(super) async fn settle(shop: &Workshop, server: &Server) -> Result<()> {
    let Some(over) = shop.records.read().overwrite else { return Ok(()) };
    exchange::open(server, &over.live).await?;
    if over.standing == Over::Ready {
        tracing::warn!(live = over.live, "an overwriting ended before it began; the database is as it was");
        change(shop, |book| book.set_overwrite(None)).await?;
    }
    Ok(())
}

/// Refuses unless the live database is there, open and empty of others, and the login may do what is to be done.
///
/// # Errors
/// What of that is not so.
pub(super) async fn must_be_free(server: &Server, live: &str) -> Result<()> {
    let rights = server.restore_rights(live).await?;
    server.require_create(rights)?;
    match server.database_identity(live).await? {
        None => return Err(wrong::nothing_there(live)),
        Some(found) if !found.online => return Err(problems::not_online(live)),
        Some(_) => {}
    }
    server.require_exchange(rights, live)?;
    refuse_others(server, live).await
}

/// Refuses where both have room, which is the better way; and where not even this one has.
///
/// # Errors
/// Either; the backup folder does not answer.
pub(super) async fn refuse_room(
    shop: &Workshop,
    server: &Server,
    dump_bytes: u64,
    files: &[BackupFile],
    own: &[OwnFile],
    paths: &InstancePaths,
) -> Result<()> {
    let live = shop.world.database()?.as_str().to_owned();
    let staged = dump_bytes.saturating_add(shop.world.config.backup.reserve_bytes);
    let moves = plan::moves_over(files, &live, own, paths);
    let mut grown = plan::growth_by_folder(files, &moves, own);
    let whole = plan::bytes_by_folder(files, paths);
    let mut whole: Vec<_> = whole.into_iter().map(|(folder, bytes)| (folder.to_owned(), bytes)).collect();
    let is_local = server.config().is_local();
    if !is_local {
        grown.clear();
        whole.clear();
    }
    let (local, newest) = (Arc::clone(&shop.world.local), Name::zip(Set::Newest, shop.world.archive()));
    let own_bytes = own.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
    blocking(move || {
        room::check(&*local, staged, &grown)?;
        // The safety backup will be about as large as the newest one.
        let safety = local.stat(&newest)?.map_or(own_bytes, |newest| newest.bytes);
        let is_seen = is_local && room::is_seen(&whole);
        match room::check(&*local, staged.saturating_add(safety), &whole) {
            Ok(()) if is_seen => Err(wrong::room_for_both(&live)),
            Ok(()) => Ok(()),
            Err(problem) if problem.code == Code::SpaceForeseen => Ok(()),
            Err(problem) => Err(problem),
        }
    })
    .await
}

async fn refuse_others_if_open(server: &Server, live: &str) -> Result<()> {
    match server.database_identity(live).await? {
        Some(found) if found.online => refuse_others(server, live).await,
        Some(_) | None => Ok(()),
    }
}

/// Refuses where somebody has come, worked and gone `since` the safety backup was begun.
async fn refuse_changed(work: &Work<'_>, live: &str, since: &[TableCount]) -> Result<()> {
    let now = work.server.kept_row_counts(live, &work.cancel).await?;
    let changed = now.iter().filter(|count| !since.contains(count));
    let gone = since.iter().filter(|count| now.iter().all(|other| other.table != count.table));
    let named: Vec<_> = changed.chain(gone).map(|count| count.table.as_str()).collect();
    if named.is_empty() { Ok(()) } else { Err(wrong::changed_meanwhile(live, &named)) }
}

/// Restores `source` over the database, wholly checked before anything is touched; `doing` is recorded before the RESTORE is sent.
async fn restore_over(
    work: &mut Work<'_>,
    over: Overwrite,
    source: &Source,
    doing: Over,
    since: Option<Vec<TableCount>>,
) -> Result<()> {
    let prepared = beside::examine(work, source).await?;
    work.enter(Stage::Extracting);
    let world = work.shop.world.clone();
    let staging = blocking(move || Staging::reserve(&world)).await?;
    let (shape, facts, paths) = (prepared.shape.clone(), prepared.facts, prepared.paths);
    let extracted = beside::extract_to(work, prepared.opened, &shape, &staging).await?;
    let request = arrange(work, &over, &extracted, &facts, &paths, &staging).await?;
    if let Some(since) = since {
        refuse_changed(work, &over.live, &since).await?;
    }
    work.stop_if_cancelled()?;
    // Stopping it from here on would leave the shop without a database.
    work.cancel = CancellationToken::new();
    work.report.target = Some(over.live.clone());
    work.report.statements.extend(statements_of(&request));
    let sent = send(work, &over, &request, doing).await;
    beside::drop_staging(staging).await;
    sent?;
    let finished = finish(work, &over).await;
    if finished.as_ref().is_err_and(|problem| problem.code == Code::RestoreDamaged) {
        note(work, &over, Over::Defective).await?;
    }
    finished?;
    beside::compare(work, shape.manifest.as_ref(), beside::Stay::Kept)?;
    match doing {
        Over::Undoing => change(work.shop, |book| book.set_overwrite(None)).await,
        Over::Ready | Over::Overwriting | Over::Defective | Over::Overwritten => {
            note(work, &over, Over::Overwritten).await
        }
    }
}

/// Judges the dump, also by VERIFYONLY, since nothing is proved beside; and arranges where its files go.
async fn arrange(
    work: &mut Work<'_>,
    over: &Overwrite,
    extracted: &Extracted,
    facts: &ServerFacts,
    paths: &InstancePaths,
    staging: &Staging,
) -> Result<RestoreRequest> {
    let device = &staging.seen_by_server;
    let checksum = beside::accept(work, extracted, facts, device).await?;
    if checksum {
        work.server.verify_only(device, &work.cancel).await?;
    }
    let files = work.server.file_list_only(device, &work.cancel).await?;
    Ok(RestoreRequest {
        moves: plan::moves_over(&files, &over.live, &over.files, paths),
        database: over.live.clone(),
        device_path: device.clone(),
        checksum,
        replace: true,
    })
}

/// The statements of an overwriting, for whoever wants to see them.
pub(super) fn statements_of(request: &RestoreRequest) -> Vec<String> {
    let text = |wanted| statements::change(&request.database, wanted).ok();
    let change = |wanted| text(wanted).map(|statement| statement.to_string());
    let check = statements::check_database(&request.database).ok().map(|statement| statement.to_string());
    let all = [change(Change::SingleUser), Some(request.text_over()), change(Change::MultiUser), check];
    all.into_iter().flatten().collect()
}

/// Takes the seat and sends the RESTORE. The record tells before that it goes on, and afterwards what came of it.
async fn send(work: &mut Work<'_>, over: &Overwrite, request: &RestoreRequest, doing: Over) -> Result<()> {
    if pending(work).is_none() {
        note(work, over, over.standing).await?;
    }
    work.enter(Stage::Restoring);
    let mut tries = 0;
    let ended = loop {
        tries += 1;
        let ended = try_once(work, over, request, doing).await;
        match &ended {
            Err(broken) if broken.answered && broken.problem.code == Code::DatabaseBusy && tries < TRIES => {
                exchange::open(&work.server, &over.live).await?;
            }
            Ok(()) | Err(_) => break ended,
        }
    };
    let after = work.server.database_identity(&over.live).await;
    match ended {
        Ok(()) => settle(work.shop, &work.server).await,
        // The server refused, and the database is open: it was not touched.
        Err(Broken { problem, answered: true })
            if after.is_ok_and(|now| now.is_some_and(|now| now.online)) =>
        {
            note(work, over, over.standing).await?;
            settle(work.shop, &work.server).await?;
            work.report.target = None;
            Err(problem)
        }
        Err(Broken { problem, .. }) => {
            tracing::error!(%problem, live = over.live, "an overwriting broke off");
            work.warn(wrong::unfinished(&Overwrite { standing: doing, ..over.clone() }));
            Err(problem)
        }
    }
}

async fn try_once(
    work: &mut Work<'_>,
    over: &Overwrite,
    request: &RestoreRequest,
    doing: Over,
) -> std::result::Result<(), Broken> {
    let before = |problem| Broken { problem, answered: true };
    let told = work.told_by_server(Stage::Restoring);
    let is_open =
        work.server.database_identity(&over.live).await.map_err(before)?.is_some_and(|now| now.online);
    if is_open {
        let seat = exchange::seat(&work.server, &over.live).await.map_err(before)?;
        note(work, over, doing).await.map_err(before)?;
        seat.overwrite(request, &told).await
    } else {
        note(work, over, doing).await.map_err(before)?;
        work.server.overwrite_closed(request, &told).await
    }
}

async fn note(work: &Work<'_>, over: &Overwrite, standing: Over) -> Result<()> {
    let over = Overwrite { standing, ..over.clone() };
    change(work.shop, move |book| book.set_overwrite(Some(over))).await
}

/// Proves the database that was restored, and makes it as the old one was.
async fn finish(work: &mut Work<'_>, over: &Overwrite) -> Result<()> {
    match beside::prove(work, &over.live).await {
        Err(problem) if problem.code == Code::RestoreDamaged => {
            return Err(wrong::defects(&over.live, work.report.defects.len()));
        }
        proved => proved?,
    }
    let Some(then) = &over.carried else { return Ok(()) };
    let now = work.server.carried(&over.live).await?;
    let is_now = |wanted: &Change<'_>| now.as_ref().is_some_and(|now| now.changes().contains(wanted));
    for wanted in then.changes().into_iter().filter(|wanted| !is_now(wanted)) {
        if let Err(problem) = work.server.change(&over.live, wanted).await {
            work.warn(problem);
        }
    }
    let joined = work.server.join_orphaned_users(&over.live).await?;
    if !joined.is_empty() {
        tracing::info!(count = joined.len(), "users were joined to their logins");
    }
    if now.and_then(|now| now.owner) == then.owner {
        return Ok(());
    }
    replace::carry_owner(work, &over.live, Some(then)).await
}
