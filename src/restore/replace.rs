//! Replace: in the place of the live database, on a person's word. First a safety backup of what is there, then the restore beside
//! with its proof, then the exchange by name; the old database stays until the checklist is ticked.

use super::beside::Stay;
use super::exchange::{self, change, refuse_others};
use super::outcome::{Item, Replacement, RestoreProgress, Source, Stage};
use super::record::{Book, Exchange, Standing};
use super::work::{Monitor, Work};
use super::{beside, overwrite, plan, problems};
use crate::backup::outcome::{Outcome, Phase, Progress, Trigger};
use crate::backup::{self, Aim, Order};
use crate::problem::{Problem, Result};
use crate::slot::Reason;
use crate::sqlserver::{Carried, Server, statements::Change};
use std::sync::Arc;
use uuid::Uuid;

/// Why the safety backup is made, as its file name and manifest tell.
const REASON: &str = "antes da restauração";

/// Puts what `source` holds in the place of the live database.
///
/// # Errors
/// It is not confirmed, others are connected, a right is lacking, or a step failed: the live database is as it was then.
pub(super) async fn replace(work: &mut Work<'_>, source: &Source, confirm: &str) -> Result<()> {
    let live = work.report.database.clone();
    confirmed(&live, confirm)?;
    if work.shop.records.read().is_taken() {
        return Err(problems::exchange_pending());
    }
    let rights = work.server.restore_rights(&live).await?;
    let there = work.server.database_identity(&live).await?;
    work.server.require_create(rights)?;
    let carried = match there {
        Some(found) if !found.online => return Err(problems::not_online(&live)),
        Some(_) => {
            work.server.require_exchange(rights, &live)?;
            refuse_others(&work.server, &live).await?;
            let carried = work.server.carried(&live).await?;
            beside::foretell(work, source).await?;
            keep_safe(work).await?;
            carried
        }
        None => None,
    };
    let restored = beside::make(work, source, Stay::Kept).await?;
    match prepare(work, &live, &restored, carried).await {
        Ok(ready) => finish(work, &ready).await,
        Err(problem) => {
            // No record leads to it: nobody could go on with it.
            beside::discard(work, &restored, Stay::Kept).await;
            Err(problem)
        }
    }
}

/// Goes on with an exchange that was cut short before it was done.
///
/// # Errors
/// There is none, it is not confirmed, or as [`replace`].
pub(super) async fn resume(work: &mut Work<'_>, confirm: &str) -> Result<()> {
    confirmed(&work.report.database, confirm)?;
    if let Some(over) = overwrite::pending(work) {
        return Box::pin(overwrite::resume(work, over)).await;
    }
    let exchange = pending(work)?;
    work.report.target = Some(exchange.live.clone());
    match exchange.standing {
        Standing::Exchanged => carry_owner(work, &exchange.live, exchange.carried.as_ref()).await,
        Standing::Ready | Standing::Exchanging => {
            if work.server.database_identity(&exchange.live).await?.is_some() {
                refuse_others(&work.server, &exchange.live).await?;
            }
            finish(work, &exchange).await
        }
    }
}

/// Gives the old database its name back; the restored one stays beside, with what was written to it since. Of an exchange that had
/// not been done only the record is ended.
///
/// # Errors
/// There is none, it is not confirmed, others are connected, or the server refuses.
pub(super) async fn undo(work: &mut Work<'_>, confirm: &str) -> Result<()> {
    confirmed(&work.report.database, confirm)?;
    if let Some(over) = overwrite::pending(work) {
        return Box::pin(overwrite::undo(work, over)).await;
    }
    let exchange = pending(work)?;
    if exchange.standing == Standing::Exchanged {
        if work.server.database_identity(&exchange.kept).await?.is_none() {
            return Err(problems::nothing_kept(&exchange.kept));
        }
        refuse_others(&work.server, &exchange.live).await?;
        exchange::exchange_back(work, &exchange).await?;
    }
    work.report.target = Some(exchange.restored.clone());
    change(work.shop, |book| book.set_exchange(None)).await
}

/// Ticks `items` of the checklist; who did stands in the journal.
///
/// # Errors
/// No replacement stands, or the record cannot be written.
pub(super) async fn tick(work: &mut Work<'_>, items: &[Item]) -> Result<()> {
    let standing = standing(work)?;
    (work.report.kept, work.report.safety) = (standing.kept, standing.safety);
    let items = items.to_vec();
    change(work.shop, move |book| book.tick(&items)).await
}

/// The checklist is ticked: the shop works with the restored database, and the old one goes.
///
/// # Errors
/// There is none, it is not confirmed, something is not ticked, somebody is in the old database, or it is not the one that stepped aside.
pub(super) async fn release(work: &mut Work<'_>, confirm: &str) -> Result<()> {
    confirmed(&work.report.database, confirm)?;
    let Replacement { missing, safety, .. } = standing(work)?;
    if !missing.is_empty() {
        return Err(problems::not_ticked(&missing));
    }
    if overwrite::pending(work).is_some() {
        // There is nothing to remove; the safety backup stays.
        work.report.safety = safety;
        return change(work.shop, |book| book.set_overwrite(None)).await;
    }
    let exchange = pending(work)?;
    work.enter(Stage::Removing);
    work.report.target = Some(exchange.kept.clone());
    match (work.server.database_identity(&exchange.kept).await?, exchange.kept_identity) {
        (None, _) => {}
        (Some(now), Some(then)) if now.is_the_same_as(&then) => {
            work.server.drop_database(&exchange.kept).await?;
        }
        (Some(_), _) => return Err(problems::not_ours(&exchange.kept)),
    }
    change(work.shop, |book| book.set_exchange(None)).await
}

/// Holds that the live database's name was typed.
///
/// # Errors
/// [`Code::Usage`](crate::problem::Code::Usage): it was not.
pub(super) fn confirmed(live: &str, confirm: &str) -> Result<()> {
    if live == confirm { Ok(()) } else { Err(problems::not_confirmed(live)) }
}

/// The replacement that waits for its checklist.
fn standing(work: &Work<'_>) -> Result<Replacement> {
    if overwrite::pending(work).is_none() {
        pending(work)?;
    }
    let book = work.shop.records.read();
    match book.standing() {
        Some(standing) => Ok(standing),
        None => Err(unfinished(&book).unwrap_or_else(problems::no_exchange)),
    }
}

/// What the next start names: a replacement that was cut short before it was done.
pub(super) fn unfinished(book: &Book) -> Option<Problem> {
    exchange::unfinished(book).or_else(|| overwrite::unfinished(book))
}

fn pending(work: &Work<'_>) -> Result<Exchange> {
    let exchange = work.shop.records.read().exchange.ok_or_else(problems::no_exchange)?;
    // The configuration may name another database since.
    if exchange.live == work.report.database { Ok(exchange) } else { Err(problems::no_exchange()) }
}

/// Makes and verifies a backup of the live database, outside the rotation.
///
/// # Errors
/// It cannot be made.
pub(super) async fn keep_safe(work: &mut Work<'_>) -> Result<()> {
    work.enter(Stage::Safeguarding);
    let world = &work.shop.world;
    let order = Order {
        id: Uuid::new_v4(),
        sequence: world.journal.next_sequence(work.shop.sequence_floor),
        trigger: Trigger::Request,
        attempt: 1,
        begun: world.clock.local_now(),
        accept_shrunk: true,
        aim: Aim::Extra(Reason::new(REASON).map_err(Problem::internal)?),
    };
    let told = Arc::new(Safeguarding(work.monitor()));
    let report = backup::run(order, world, told, work.cancel.clone()).await;
    let file = report.server.filter(|copy| copy.done).map(|copy| copy.path);
    match report.outcome {
        Some(Outcome::Success | Outcome::Warning) if file.is_some() => {
            work.report.safety = file;
            Ok(())
        }
        Some(Outcome::Cancelled) => Err(problems::cancelled()),
        Some(Outcome::Success | Outcome::Warning | Outcome::Failed | Outcome::Interrupted) | None => {
            let cause = report.problems.into_iter().next();
            Err(cause.unwrap_or_else(|| Problem::internal("a safety backup that failed without a reason")))
        }
    }
}

/// Tells the figures of the safety backup as those of the restore.
struct Safeguarding(Arc<dyn Monitor>);

impl backup::Monitor for Safeguarding {
    fn phase(&self, _: Phase) {}

    fn progress(&self, progress: Progress) {
        self.0.progress(RestoreProgress {
            stage: Stage::Safeguarding,
            done_bytes: progress.done_bytes,
            total_bytes: progress.total_bytes,
            percent: progress.percent,
            left_secs: progress.left_secs,
        });
    }
}

/// Makes the restored database as the live one is, and records that all is ready.
async fn prepare(
    work: &mut Work<'_>,
    live: &str,
    restored: &str,
    carried: Option<Carried>,
) -> Result<Exchange> {
    if let Some(carried) = &carried {
        for wanted in carried.changes() {
            work.server.change(restored, wanted).await?;
        }
    }
    let joined = work.server.join_orphaned_users(restored).await?;
    if !joined.is_empty() {
        tracing::info!(count = joined.len(), "users were joined to their logins");
    }
    let kept = free_name(&work.server, live, work).await?;
    let exchange = Exchange {
        restore: work.order.id,
        live: live.to_owned(),
        restored: restored.to_owned(),
        kept,
        carried,
        standing: Standing::Ready,
        kept_identity: None,
    };
    let noted = exchange.clone();
    change(work.shop, move |book| book.set_exchange(Some(noted))).await?;
    Ok(exchange)
}

async fn free_name(server: &Server, live: &str, work: &Work<'_>) -> Result<String> {
    for name in plan::kept_names(live, work.order.begun) {
        if server.database_identity(&name).await?.is_none() {
            return Ok(name);
        }
    }
    Err(Problem::internal("no name is free for the old database"))
}

/// The exchange itself, and what must wait for its end.
async fn finish(work: &mut Work<'_>, ready: &Exchange) -> Result<()> {
    work.stop_if_cancelled()?;
    work.report.statements.extend(statements(ready));
    exchange::exchange(work, ready).await?;
    work.report.target = Some(ready.live.clone());
    let settled = work.shop.records.read().exchange;
    work.report.kept = settled.filter(|it| it.kept_identity.is_some()).map(|it| it.kept);
    carry_owner(work, &ready.live, ready.carried.as_ref()).await
}

/// The statements of an exchange, for whoever wants to see them.
pub(super) fn statements(exchange: &Exchange) -> Vec<String> {
    let Exchange { live, restored, kept, carried, .. } = exchange;
    let owner = carried.as_ref().and_then(|carried| carried.owner.as_deref());
    let settings = carried.iter().flat_map(Carried::changes).map(|wanted| (restored, wanted));
    let swap = [
        (live, Change::SingleUser),
        (live, Change::Name(kept)),
        (restored, Change::Name(live)),
        (kept, Change::MultiUser),
    ];
    let owner = owner.map(|owner| (live, Change::Owner(owner)));
    let all = settings.chain(swap).chain(owner);
    all.filter_map(|(database, wanted)| crate::sqlserver::statements::change(database, wanted).ok())
        .map(|statement| statement.to_string())
        .collect()
}

/// The owner comes last: whoever is not the owner any more may not change the database.
///
/// # Errors
/// None: what cannot be done is a warning.
pub(super) async fn carry_owner(work: &mut Work<'_>, live: &str, carried: Option<&Carried>) -> Result<()> {
    if let Some(owner) = carried.and_then(|carried| carried.owner.as_deref())
        && let Err(problem) = work.server.change(live, Change::Owner(owner)).await
    {
        tracing::warn!(%problem, owner, "the restored database keeps its owner");
        work.warn(problems::owner_not_carried(live, owner));
    }
    Ok(())
}
