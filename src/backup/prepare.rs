//! Before anything is made: the server's health, whose folders these are, and whether the next backup fits. What must yield
//! for it yields here, in the order of the design, and is journalled.

use super::contents::{self, Held};
use super::run::Run;
use super::{manual, rescue, room};
use crate::config::Terminal;
use crate::destination::{self, Apart, Destination};
use crate::problem::{Code, Exit, Problem, Result};
use crate::sqlserver::{Health, ServerFacts};
use crate::words::{self, Language};
use std::sync::Arc;

/// What the phases after this one need to know.
pub(super) struct Prepared {
    /// The server as it names itself.
    pub server: String,
    /// The terminal, where it can take a copy now.
    pub terminal: Option<Arc<dyn Destination>>,
    /// How many hours' backups fit in the long run, where they fit least: 24 are all of them.
    pub hours_that_fit: u8,
    /// Foreseen size of the dump in bytes.
    pub dump_bytes: u64,
    /// Foreseen size of the zip in bytes.
    pub zip_bytes: u64,
    /// Size in bytes of the dump that the next one is compared with.
    pub usual_dump_bytes: Option<u64>,
    /// The server compresses by default, which must be turned off.
    pub no_compression: bool,
    /// The server's dumps cannot be read by anybody else.
    pub opaque_is_normal: bool,
}

/// Looks at everything that the run needs.
///
/// # Errors
/// What makes a backup impossible: server, rights, database, folder, space. Where the server reports damage, a rescue dump
/// was tried.
pub(super) async fn prepare(run: &mut Run<'_>) -> Result<Prepared> {
    let world = run.world;
    let local = Arc::clone(&world.local);
    check(run, &local).await?;
    let health = tokio::select! {
        health = world.server.health(world.database()?) => health?,
        () = run.cancel.cancelled() => return Err(super::run::cancelled()),
    };
    let held = held(run, &local).await?;
    let usual_dump_bytes = contents::usual_dump_bytes(&held);
    let mut prepared = Prepared {
        server: named(&health.facts),
        terminal: None,
        hours_that_fit: 0,
        // Without the right to ask, the next dump is foreseen by the last one.
        dump_bytes: health
            .database
            .as_ref()
            .and_then(|facts| facts.used_bytes)
            .or(usual_dump_bytes)
            .unwrap_or(0),
        zip_bytes: 0,
        usual_dump_bytes,
        no_compression: health.facts.compression_default,
        opaque_is_normal: health.database.as_ref().is_some_and(|facts| facts.encrypted),
    };
    stop_for(run, &prepared, &health).await?;
    prepared.zip_bytes = room::foreseen_zip_bytes(prepared.dump_bytes, &held);
    manual::foresee(run, prepared.zip_bytes).await?;
    prepared.hours_that_fit = room::make(run, &local, prepared.dump_bytes, &held).await?;
    if run.target.name().is_some()
        && let Some((terminal, hours_that_fit)) = terminal(run, prepared.dump_bytes).await?
    {
        prepared.hours_that_fit = prepared.hours_that_fit.min(hours_that_fit);
        prepared.terminal = Some(terminal);
    }
    Ok(prepared)
}

/// Ends the run for what makes a good backup impossible; what is merely to be mended is the cycle's to tell.
async fn stop_for(run: &mut Run<'_>, prepared: &Prepared, health: &Health) -> Result<()> {
    let Some(fatal) = health.problems.iter().find(|problem| is_fatal(problem)) else { return Ok(()) };
    if fatal.code == Code::DatabaseDamaged {
        rescue::rescue(run, prepared).await;
    }
    Err(fatal.clone())
}

fn is_fatal(problem: &Problem) -> bool {
    match problem.exit() {
        Exit::Server | Exit::Access | Exit::Database | Exit::Damaged | Exit::Folder | Exit::Space => true,
        Exit::Success
        | Exit::Internal
        | Exit::Usage
        | Exit::Configuration
        | Exit::Warning
        | Exit::Cancelled
        | Exit::NoAgent
        | Exit::Refused
        | Exit::AlreadyRunning => false,
    }
}

fn named(facts: &ServerFacts) -> String {
    match &facts.instance {
        Some(instance) => format!(r"{}\{instance}", facts.machine),
        None => facts.machine.clone(),
    }
}

async fn held(run: &Run<'_>, destination: &Arc<dyn Destination>) -> Result<Vec<Held>> {
    let archive = run.world.archive().clone();
    run.ask(destination, move |it| contents::read(it, &archive)).await
}

async fn check(run: &Run<'_>, destination: &Arc<dyn Destination>) -> Result<()> {
    let identity = run.world.identity.clone();
    run.ask(destination, move |it| it.check(&identity)).await
}

/// The terminal, where it can take a copy now; why it cannot makes the run a Warning.
///
/// # Errors
/// Somebody stopped the run.
async fn terminal(run: &mut Run<'_>, dump_bytes: u64) -> Result<Option<(Arc<dyn Destination>, u8)>> {
    let Some(terminal) = run.world.terminal.clone() else { return Ok(None) };
    let reached = reach(run, &terminal, dump_bytes).await;
    run.stop_if_cancelled()?;
    Ok(match reached {
        Ok(hours_that_fit) => Some((terminal, hours_that_fit)),
        Err(problem) => {
            run.warn(problem);
            None
        }
    })
}

async fn reach(run: &mut Run<'_>, terminal: &Arc<dyn Destination>, dump_bytes: u64) -> Result<u8> {
    check(run, terminal).await?;
    let local = Arc::clone(&run.world.local);
    let apart = run.ask(terminal, move |it| destination::apart(&*local, it)).await?;
    if let Some(problem) = too_near(run, apart, &terminal.shown()) {
        run.warn(problem);
    }
    let held = held(run, terminal).await?;
    room::make(run, terminal, dump_bytes, &held).await
}

/// A terminal on the server's own disk or machine saves nothing when that machine is lost: it counts as local.
fn too_near(run: &Run<'_>, apart: Apart, shown: &str) -> Option<Problem> {
    let accepted = match &run.world.config.terminal {
        Terminal::LocalOnly => true,
        Terminal::Folder { allow_same_volume, .. } => *allow_same_volume,
    };
    let (pt, en) = match apart {
        Apart::OtherMachine => return None,
        Apart::SameMachine => ("no mesmo computador", "on the same machine"),
        Apart::SameVolume => ("no mesmo disco", "on the same disk"),
    };
    (!accepted).then(|| {
        Problem::new(
            Code::TerminalSameVolume,
            crate::words!(
                "O terminal de backup ({shown}) está {pt} que o servidor: se ele se perder, perdem-se os dois.",
                "The terminal de backup ({shown}) is {en} as the server: if that is lost, both are.",
            ),
            crate::words!(
                "Escolha uma pasta de outro computador em terminal.folder.",
                "Choose a folder of another machine in terminal.folder.",
            ),
        )
    })
}

impl Prepared {
    /// Notes a database that shrank by more than half: its backup fills the hour, and no weekday until a person confirms.
    pub fn compare_size(&self, run: &mut Run<'_>, dump_bytes: u64) {
        let Some(usual) = self.usual_dump_bytes.filter(|usual| dump_bytes < usual / 2) else { return };
        let (before, now) = (usual, dump_bytes);
        let (pt_before, pt_now) =
            (words::bytes(before, Language::Portuguese), words::bytes(now, Language::Portuguese));
        let (en_before, en_now) =
            (words::bytes(before, Language::English), words::bytes(now, Language::English));
        run.warn(Problem::new(
            Code::DatabaseShrank,
            crate::words!(
                "O banco de dados encolheu mais da metade: o backup tinha {pt_before} e agora tem {pt_now}.",
                "The database shrank by more than half: the backup had {en_before} and now has {en_now}.",
            ),
            crate::words!(
                "Se dados foram apagados sem querer, restaure um backup anterior; se está certo, confirme com «dmbackupctl backup --accept-shrunk». Até lá os backups dos dias da semana ficam como estão.",
                "If data were deleted by mistake, restore an earlier backup; if it is right, confirm with “dmbackupctl backup --accept-shrunk”. Until then the weekdays' backups stay as they are.",
            ),
        ));
    }
}
