//! The restore test: the newest backup is restored beside under a name of its own, checked by the server, its rows compared with
//! what the backup says of them, and removed. From the terminal's copy where there is one, since that is what is left when the
//! server's disk is not.

use super::beside::{self, Stay};
use super::outcome::{Place, Source};
use super::problems;
use super::work::{Work, blocking, until_given_up};
use crate::backup::World;
use crate::destination::Name;
use crate::problem::{Code, Problem, Result};
use crate::slot::Set;
use crate::words;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A terminal that has not answered after this long is not there, and the server's copy is taken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tests the newest backup.
///
/// # Errors
/// What speaks against the backup, or what kept it from being tested; nothing of it stays.
pub(super) async fn test(work: &mut Work<'_>) -> Result<()> {
    let source = choose(&work.shop.world, &work.cancel).await?;
    let database = beside::make(work, &source, Stay::Passing).await?;
    beside::discard(work, &database, Stay::Passing).await;
    Ok(())
}

/// The newest backup at the terminal; on the server where the terminal has none, or is away.
///
/// # Errors
/// There is none, or a folder does not answer.
pub(super) async fn choose(world: &World, cancel: &CancellationToken) -> Result<Source> {
    let name = Name::zip(Set::Newest, world.archive());
    let of = |place| Source::Set { set: Set::Newest, place };
    if let Some(terminal) = world.terminal.clone() {
        let (identity, name) = (world.identity.clone(), name.clone());
        let asked = until_given_up(
            cancel,
            blocking(move || {
                terminal.check(&identity)?;
                Ok(terminal.stat(&name)?.is_some())
            }),
        );
        match timeout(PATIENCE, asked).await {
            Ok(Ok(true)) => return Ok(of(Place::Terminal)),
            Ok(Ok(false)) => {}
            Ok(Err(problem)) if problem.code == Code::RunCancelled => return Err(problem),
            Ok(Err(problem)) => tracing::info!(%problem, "the server's copy is tested"),
            Err(_) => tracing::info!("the terminal does not answer; the server's copy is tested"),
        }
    }
    let (local, shown) = (Arc::clone(&world.local), world.local.path_of(&name));
    let there = until_given_up(cancel, blocking(move || Ok(local.stat(&name)?.is_some()))).await?;
    if there { Ok(of(Place::Server)) } else { Err(nothing_to_test(&shown.display().to_string())) }
}

fn nothing_to_test(shown: &str) -> Problem {
    Problem::new(
        Code::BackupNone,
        words!("Não há backup para testar em «{shown}».", "There is no backup to test at “{shown}”."),
        words!(
            "Faça um backup com «Realizar Backup» e peça o teste de novo.",
            "Make a backup and ask for the test again."
        ),
    )
}

/// The test was stopped, or gave way.
pub(super) fn stopped() -> Problem {
    Problem { sentence: stopped_words(), ..problems::cancelled() }
}

fn stopped_words() -> words::Words {
    words!(
        "O teste de restauração parou, a pedido ou para dar lugar a um backup; ele é retomado depois.",
        "The restore test stopped, on request or to give way to a backup; it is taken up again later."
    )
}
