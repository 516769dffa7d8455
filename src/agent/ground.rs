//! What runs, copies and cycles stand on: the destinations that a configuration names, entered and locked, and the server; and
//! the recovery from whatever the last process left behind, before the first run.

use super::home::Home;
use super::patience::blocking;
use crate::archive::read_manifest;
use crate::backup::World;
use crate::clock::Clock;
use crate::config::{Config, Terminal};
use crate::destination::{
    Apart, Asker, Destination, Folder, Identity, Kind, LockGuard, Name, apart, enter, scrub_outside,
};
use crate::journal::{CheckedFile, EventKind, Side};
use crate::problem::{Code, Exit, Result};
use crate::restore::{self, Workshop};
use crate::slot::ArchiveName;
use crate::sqlserver::Server;
use crate::update::{Lookout, Publisher};
use crate::words;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};

/// The ground of one agent, from start to end.
#[derive(Debug)]
pub struct Ground {
    home: Arc<Home>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// Held by whoever writes at the terminal: what is under construction there is somebody's meanwhile.
    terminal_turn: Arc<Mutex<()>>,
    local_asker: Asker,
    terminal_asker: Arc<Asker>,
    sequence_floor: OnceLock<u64>,
    head_office_turn: Mutex<()>,
    lookout: Arc<Lookout>,
}

#[derive(Debug, Default)]
struct Held {
    standing: Option<Arc<Standing>>,
    /// Statements that the last process left running have ended, and what it left half-made here is gone.
    recovered: bool,
}

/// The leave to write at the terminal, for as long as it is kept.
#[derive(Debug)]
pub struct TerminalTurn {
    _turn: OwnedMutexGuard<()>,
}

/// What a configuration stands on, for as long as somebody works with it.
pub struct Standing {
    /// Everything that a run works with.
    pub world: World,
    folder: PathBuf,
    lock: Arc<LockGuard>,
    apart: OnceLock<Apart>,
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Standing {
    /// How far the terminal is from the server's disk; `None` where there is none, or while it does not answer. Blocks.
    pub fn apart(&self) -> Option<Apart> {
        let terminal = self.world.terminal.as_ref()?;
        if let Some(known) = self.apart.get() {
            return Some(*known);
        }
        let found = apart(&*self.world.local, &**terminal)
            .inspect_err(|problem| tracing::debug!(%problem, "where the terminal is, is not told"))
            .ok()?;
        Some(*self.apart.get_or_init(|| found))
    }
}

impl Standing {
    /// The path of a file that was checked, for people.
    pub fn shown(&self, file: &CheckedFile) -> String {
        let destination = match file.side {
            Side::Server => Some(&self.world.local),
            Side::Terminal => self.world.terminal.as_ref(),
        };
        let path = destination.zip(Name::new(&file.file).ok()).map(|(there, name)| there.path_of(&name));
        path.map_or_else(|| file.file.clone(), |path| path.display().to_string())
    }
}

impl Ground {
    /// The ground of the agent that has entered `home`, and believes `publisher` about newer versions.
    pub fn new(home: Arc<Home>, clock: Arc<dyn Clock>, publisher: Publisher) -> Self {
        Self {
            lookout: Arc::new(Lookout::new(publisher, &home.path, Arc::clone(&clock))),
            home,
            clock,
            held: Mutex::default(),
            terminal_turn: Arc::default(),
            local_asker: Asker::default(),
            terminal_asker: Arc::default(),
            sequence_floor: OnceLock::new(),
            head_office_turn: Mutex::default(),
        }
    }

    /// The state folder.
    pub fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// Who looks for newer versions.
    pub fn lookout(&self) -> &Arc<Lookout> {
        &self.lookout
    }

    /// The turn of whoever tells the head office something.
    pub async fn head_office_turn(&self) -> MutexGuard<'_, ()> {
        self.head_office_turn.lock().await
    }

    /// The shop's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Whoever asks the backup folder, one at a time.
    pub fn local_asker(&self) -> &Asker {
        &self.local_asker
    }

    /// Whoever asks the terminal, one at a time.
    pub fn terminal_asker(&self) -> &Asker {
        &self.terminal_asker
    }

    /// What `config` stands on: the backup folder is entered, made ours at its first configuration, and locked.
    ///
    /// # Errors
    /// The problem of the backup folder. A terminal that is not there is none: the run goes on without it.
    pub async fn stand(&self, config: &Arc<Config>) -> Result<Arc<Standing>> {
        let mut held = self.held.lock().await;
        self.stand_in(&mut held, config).await
    }

    /// The same, once nothing of the last process is left here: its statements have ended, its unfinished files are gone.
    ///
    /// # Errors
    /// As [`stand`](Self::stand); and that the server cannot be asked about its statements.
    pub async fn ready(&self, config: &Arc<Config>) -> Result<Arc<Standing>> {
        let mut held = self.held.lock().await;
        let standing = self.stand_in(&mut held, config).await?;
        if !held.recovered {
            self.recover(&standing).await?;
            held.recovered = true;
        }
        Ok(standing)
    }

    /// The same for a job that writes at the terminal: nobody else does while it keeps its turn. Where the terminal answers, it
    /// is entered, and what earlier copies left half-made there is gone.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub async fn ready_to_write(&self, config: &Arc<Config>) -> Result<(Arc<Standing>, TerminalTurn)> {
        let turn = TerminalTurn { _turn: Arc::clone(&self.terminal_turn).lock_owned().await };
        let standing = self.ready(config).await?;
        self.enter_terminal(&standing, &turn).await;
        Ok((standing, turn))
    }

    /// Ends what a restore of this process left in the middle when the server did not answer any more.
    ///
    /// # Errors
    /// As [`stand`](Self::stand), and as [`restore::recover`].
    pub async fn end_left(&self, config: &Arc<Config>) -> Result<()> {
        if !restore::has_left(&self.home.restores) {
            return Ok(());
        }
        let standing = {
            let mut held = self.held.lock().await;
            let standing = self.stand_in(&mut held, config).await?;
            // What the last process left is ended by whoever is ready first.
            if !held.recovered {
                return Ok(());
            }
            standing
        };
        restore::end_left(&self.workshop_of(&standing)).await
    }

    /// Removes what broken-off copies left half-made at the terminal, unless somebody writes there now.
    pub async fn clean_terminal(&self, standing: &Standing) {
        let Terminal::Folder { path, .. } = &standing.world.config.terminal else { return };
        if self.home.ledger.recorded().iter().any(|left| left.starts_with(path))
            && let Ok(turn) = Arc::clone(&self.terminal_turn).try_lock_owned()
        {
            self.enter_terminal(standing, &TerminalTurn { _turn: turn }).await;
        }
    }

    /// What a restore under `config` works with, and its turn at the terminal, where it may have to copy a safety backup.
    ///
    /// # Errors
    /// As [`ready`](Self::ready).
    pub async fn workshop(&self, config: &Arc<Config>) -> Result<(Workshop, TerminalTurn)> {
        let (standing, turn) = self.ready_to_write(config).await?;
        Ok((self.workshop_of(&standing), turn))
    }

    /// The same while nothing is to be made: the server need not answer.
    ///
    /// # Errors
    /// As [`stand`](Self::stand).
    pub async fn workshop_to_look(&self, config: &Arc<Config>) -> Result<Workshop> {
        let standing = self.stand(config).await?;
        Ok(self.workshop_of(&standing))
    }

    fn workshop_of(&self, standing: &Standing) -> Workshop {
        Workshop {
            world: standing.world.clone(),
            records: Arc::clone(&self.home.restores),
            sequence_floor: self.sequence_floor.get().copied().unwrap_or_default(),
        }
    }

    /// The number of the next backup.
    pub fn next_sequence(&self) -> u64 {
        self.home.journal.next_sequence(self.sequence_floor.get().copied().unwrap_or_default())
    }

    async fn stand_in(&self, held: &mut Held, config: &Arc<Config>) -> Result<Arc<Standing>> {
        if let Some(standing) = held.standing.as_ref().filter(|it| Arc::ptr_eq(&it.world.config, config)) {
            return Ok(Arc::clone(standing));
        }
        let world = self.world(config);
        let lock = match &held.standing {
            // Runs of the old configuration may still work there; the folder stays ours.
            Some(standing) if standing.folder == config.backup.folder => Arc::clone(&standing.lock),
            Some(_) | None => self.take(&world).await?,
        };
        let standing =
            Arc::new(Standing { world, folder: config.backup.folder.clone(), lock, apart: OnceLock::new() });
        held.standing = Some(Arc::clone(&standing));
        Ok(standing)
    }

    fn world(&self, config: &Arc<Config>) -> World {
        let agent = self.home.agent;
        let short: String = agent.simple().to_string().chars().take(8).collect();
        let folder = |kind, path: &PathBuf| -> Arc<dyn Destination> {
            Arc::new(Folder::new(kind, path, config.archive_name.clone(), Arc::clone(&self.home.ledger)))
        };
        World {
            server: Server::new(&config.server, &format!("DMBackup {short}")),
            local: folder(Kind::Server, &config.backup.folder),
            terminal: match &config.terminal {
                Terminal::LocalOnly => None,
                Terminal::Folder { path, .. } => Some(folder(Kind::Terminal, path)),
            },
            journal: self.home.journal.clone(),
            identity: Identity { shop: format!("{} ({})", config.shop.trade_name, config.shop.store), agent },
            terminal_asker: Arc::clone(&self.terminal_asker),
            clock: Arc::clone(&self.clock),
            ledger: Arc::clone(&self.home.ledger),
            config: Arc::clone(config),
        }
    }

    /// Enters the backup folder and locks it.
    async fn take(&self, world: &World) -> Result<Arc<LockGuard>> {
        let (local, identity, home) =
            (Arc::clone(&world.local), world.identity.clone(), Arc::clone(&self.home));
        let archive = world.config.archive_name.clone();
        let (lock, highest) = self
            .local_asker
            .ask(&*world.local, move || {
                claim(&*local, &identity, &home)?;
                let lock = local.lock()?;
                // What the journal does not know, or cannot tell, stands in the backups themselves.
                let is_known = home.journal.sequence().is_ok_and(|last| last > 0);
                let highest = if is_known { 0 } else { highest_sequence(&*local, &archive) };
                Ok((Arc::new(lock), highest))
            })
            .await?;
        self.sequence_floor.get_or_init(|| highest);
        Ok(lock)
    }

    async fn recover(&self, standing: &Standing) -> Result<()> {
        let world = &standing.world;
        match world.server.end_own_statements().await {
            Ok(0) => {}
            Ok(count) => {
                tracing::warn!(count, "statements of the last process were still running and have ended")
            }
            // A server that does not answer, or whose statement does not end, may still be writing; one that answers, but does
            // not let us look, will not.
            Err(problem) if problem.exit() == Exit::Server || problem.code == Code::DatabaseBusy => {
                return Err(problem);
            }
            Err(problem) => tracing::warn!(%problem, "our statements in the server cannot be looked for"),
        }
        match restore::recover(&self.workshop_of(standing)).await {
            // An administrator's login has begun what ours may not end: that keeps no backup from being made.
            Err(problem) if problem.exit() == Exit::Access => {
                tracing::error!(%problem, "what a restore left in the middle waits for a login that may end it");
            }
            recovered => recovered?,
        }
        let (local, home) = (Arc::clone(&world.local), Arc::clone(&self.home));
        let removed = blocking(move || {
            let mut removed = local.scrub()?;
            removed.extend(scrub_outside(&home.ledger));
            Ok(removed)
        })
        .await?;
        self.note_scrubbed(&removed);
        Ok(())
    }

    async fn enter_terminal(&self, standing: &Standing, _turn: &TerminalTurn) {
        let Some(terminal) = standing.world.terminal.clone() else { return };
        let (identity, home) = (standing.world.identity.clone(), Arc::clone(&self.home));
        let asked = Arc::clone(&terminal);
        let scrubbed = self.terminal_asker.ask(&*terminal, move || {
            claim(&*asked, &identity, &home)?;
            asked.scrub()
        });
        match scrubbed.await {
            Ok(removed) => self.note_scrubbed(&removed),
            Err(problem) => tracing::debug!(%problem, "the terminal is cleaned up when it is back"),
        }
    }

    fn note_scrubbed(&self, removed: &[PathBuf]) {
        if removed.is_empty() {
            return;
        }
        let names: Vec<_> = removed.iter().map(|path| path.display().to_string()).collect();
        let names = names.join(", ");
        let text = words!("removido, ficou pela metade: {names}", "removed, was left half-made: {names}");
        if let Err(problem) = self.home.journal.event(EventKind::Scrubbed, &text) {
            tracing::warn!(%problem, "the clean-up is not journalled");
        }
    }
}

/// Enters a destination; at its first configuration it is made ours, and what lay there is moved aside and told.
pub fn claim(destination: &dyn Destination, identity: &Identity, home: &Home) -> Result<()> {
    let moved = enter(destination, identity, &home.claims)?;
    if !moved.is_empty() {
        let count = moved.len();
        let shown = destination.shown();
        tracing::warn!(count, folder = shown, "files of another program were moved to «anterior»");
        let text = words!(
            "{shown}: {count} arquivos de outro programa foram movidos para «anterior»",
            "{shown}: {count} files of another program were moved to “anterior”"
        );
        if let Err(problem) = home.journal.event(EventKind::Claimed, &text) {
            tracing::warn!(%problem, "the first configuration of a folder is not journalled");
        }
    }
    Ok(())
}

/// The highest number among the backups that stand there: the order goes on even where the journal was lost.
fn highest_sequence(destination: &dyn Destination, archive: &ArchiveName) -> u64 {
    let sets = destination.sets(archive).unwrap_or_default();
    let sets = sets.into_iter().map(|(set, _)| Name::zip(set, archive));
    let extras = destination.extras().unwrap_or_default().into_iter().map(|(name, _)| name);
    let numbers = sets.chain(extras).filter_map(|name| {
        let mut file = destination.open(&name).ok()??;
        read_manifest(&mut *file).ok()?.map(|manifest| manifest.sequence)
    });
    numbers.max().unwrap_or_default()
}
