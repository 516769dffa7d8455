//! The exchange by name: the live database steps aside as `x_antes_<date>`, the restored one takes its name; and the way back.
//!
//! The record says that an exchange goes on before anything is renamed, and [`settle`] reads from the names that there are how far
//! it came: whoever dies in the middle leaves a live database under its own name and open, as soon as somebody settles.

use super::outcome::Stage;
use super::problems;
use super::record::{Book, Exchange, Made, Standing};
use super::work::{Work, Workshop, blocking};
use crate::problem::{Code, Problem, Result};
use crate::sqlserver::{Occupant, Seat, Server, statements::Change};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The minute's cycle looks into the database for a moment; so often, and so long each time, its end is awaited.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(250);

/// A connection may drop while an exchange is settled, too: so often, and so long apart, it is tried at once.
const SETTLES: u32 = 3;
const BETWEEN_SETTLES: Duration = Duration::from_millis(500);

/// Refuses while others are in `database`, and says who. Our own minute's look is not counted.
///
/// # Errors
/// [`Code::DatabaseBusy`], naming them; the server does not tell.
pub(super) async fn refuse_others(server: &Server, database: &str) -> Result<()> {
    let others = others(server, database).await?;
    if others.is_empty() { Ok(()) } else { Err(problems::occupied(database, &others)) }
}

async fn others(server: &Server, database: &str) -> Result<Vec<Occupant>> {
    let mut others = server.others(database).await?;
    others.retain(|other| other.program != server.program());
    Ok(others)
}

/// The one seat in `database`. Nobody is thrown out for it.
pub(super) async fn seat(server: &Server, database: &str) -> Result<Seat> {
    let mut tries = 0;
    loop {
        tries += 1;
        match server.take_seat(database).await {
            Err(problem) if problem.code == Code::DatabaseBusy => {
                refuse_others(server, database).await?;
                if tries == TRIES {
                    return Err(problem);
                }
                sleep(BETWEEN).await;
            }
            taken => return taken,
        }
    }
}

/// Gives the restored database the live one's name. The exchange is recorded, ready.
///
/// # Errors
/// Somebody is in one of them, or the server refuses: all is settled as it was, or as far as the server answers.
pub(super) async fn exchange(work: &mut Work<'_>, exchange: &Exchange) -> Result<()> {
    work.enter(Stage::Exchanging);
    let Exchange { live, restored, kept, .. } = exchange;
    let there = work.server.database_identity(live).await?;
    note(work, Standing::Exchanging).await?;
    let done = match there {
        Some(_) => swap(&work.server, live, kept, restored).await,
        // There is none to step aside: it was lost, and this is why somebody restores.
        None => work.server.change(restored, Change::Name(live)).await,
    };
    settle_after(work, done, Standing::Exchanged).await
}

/// Gives the live database's name back to the one that stepped aside.
///
/// # Errors
/// As [`exchange`].
pub(super) async fn exchange_back(work: &mut Work<'_>, exchange: &Exchange) -> Result<()> {
    work.enter(Stage::Exchanging);
    note(work, Standing::Exchanging).await?;
    let Exchange { live, restored, kept, .. } = exchange;
    let done = swap(&work.server, live, restored, kept).await;
    settle_after(work, done, Standing::Ready).await
}

/// `live` becomes `aside`, and `next` becomes `live`. From the seat in the one that steps aside, so that nobody gets in between.
async fn swap(server: &Server, live: &str, aside: &str, next: &str) -> Result<()> {
    let mut seat = seat(server, live).await?;
    if let Err(problem) = seat.change(live, Change::Name(aside)).await {
        leave(seat, live).await;
        return Err(problem);
    }
    if let Err(problem) = seat.change(next, Change::Name(live)).await {
        match seat.change(aside, Change::Name(live)).await {
            Ok(()) => leave(seat, live).await,
            Err(second) => {
                tracing::error!(problem = %second, live, "the live database did not get its name back yet")
            }
        }
        return Err(problem);
    }
    leave(seat, aside).await;
    Ok(())
}

/// A database that could not be opened is opened by whoever settles.
async fn leave(seat: Seat, database: &str) {
    if let Err(problem) = seat.leave(database).await {
        tracing::warn!(%problem, database, "it is not open yet");
    }
}

/// Settles at the end, however it went. What failed is only a warning where it came to `wanted` all the same, as when the answer
/// was lost. Where it cannot be settled, that is told too: it is tried again later.
async fn settle_after(work: &mut Work<'_>, done: Result<()>, wanted: Standing) -> Result<()> {
    let mut settled = settle(work.shop, &work.server).await;
    for _ in 1..SETTLES {
        if settled.is_ok() {
            break;
        }
        sleep(BETWEEN_SETTLES).await;
        settled = settle(work.shop, &work.server).await;
    }
    let Some(exchange) = work.shop.records.read().exchange else { return done };
    match (done, settled) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(problem), Ok(())) if exchange.standing == wanted => {
            work.warn(problem);
            Ok(())
        }
        (Err(problem), Ok(())) => Err(problem),
        (Ok(()), Err(cause)) => {
            work.warn(cause);
            Err(problems::unsettled_exchange(&exchange))
        }
        (Err(problem), Err(_)) => {
            work.warn(problems::unsettled_exchange(&exchange));
            Err(problem)
        }
    }
}

async fn note(work: &Work<'_>, standing: Standing) -> Result<()> {
    change(work.shop, move |book| {
        if let Some(exchange) = &mut book.exchange {
            exchange.standing = standing;
        }
    })
    .await
}

/// Changes the record of restores.
///
/// # Errors
/// It cannot be written.
pub(super) async fn change(shop: &Workshop, change: impl FnOnce(&mut Book) + Send + 'static) -> Result<()> {
    let records = Arc::clone(&shop.records);
    blocking(move || records.change(change)).await
}

/// Brings an exchange that was cut short to one of its ends: the live database bears its name and is open, and so is the other
/// one. Which end, the names say. Nothing is done where none goes on.
///
/// # Errors
/// The server does not answer, or refuses: to be called again.
pub(super) async fn settle(shop: &Workshop, server: &Server) -> Result<()> {
    let Some(exchange) = shop.records.read().exchange else { return Ok(()) };
    if exchange.standing != Standing::Exchanging {
        return Ok(());
    }
    let Exchange { live, restored, kept, .. } = &exchange;
    if server.database_identity(live).await?.is_none() && server.database_identity(kept).await?.is_some() {
        // The old one steps back in: nobody may find the shop without a database.
        open(server, kept).await?;
        server.change(kept, Change::Name(live)).await?;
        tracing::warn!(live, "an exchange of databases was cut short; the old one bears its name again");
    }
    for database in [live, restored, kept] {
        open(server, database).await?;
    }
    let standing = match server.database_identity(kept).await? {
        Some(_) => Standing::Exchanged,
        None if server.database_identity(restored).await?.is_none() => Standing::Exchanged,
        None => Standing::Ready,
    };
    let identity = match standing {
        Standing::Ready => server.database_identity(restored).await?,
        Standing::Exchanged | Standing::Exchanging => server.database_identity(kept).await?,
    };
    let made =
        identity.map(|identity| Made { restore: exchange.restore, database: restored.clone(), identity });
    change(shop, move |book| {
        let Some(exchange) = &mut book.exchange else { return };
        exchange.standing = standing;
        exchange.kept_identity = identity.filter(|_| standing == Standing::Exchanged);
        book.made.retain(|made| made.database != exchange.restored);
        if standing == Standing::Ready {
            // Renamed back: it is ours to remove still.
            book.made.extend(made);
        }
    })
    .await
}

/// Opens a database that lets in only one session. One that is being restored cannot be opened, and has nobody in it.
pub(super) async fn open(server: &Server, database: &str) -> Result<()> {
    match server.database_identity(database).await? {
        Some(found) if found.single_user && found.online => server.let_everybody_in(database).await,
        Some(_) | None => Ok(()),
    }
}

/// What the next start names: an exchange that was cut short before it was done.
pub(super) fn unfinished(book: &Book) -> Option<Problem> {
    let exchange = book.exchange.as_ref()?;
    match exchange.standing {
        Standing::Ready => Some(problems::unfinished_exchange(exchange)),
        Standing::Exchanging => Some(problems::unsettled_exchange(exchange)),
        Standing::Exchanged => None,
    }
}
