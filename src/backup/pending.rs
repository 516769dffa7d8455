//! Copies that the terminal does not have yet: remembered by the journal while it is away, found by comparing both sides when
//! it is back, made up newest first, without a new dump.

use super::contents::{self, Held};
use super::links::{self, Linking};
use super::outcome::{Phase, Progress};
use super::run::{Monitor, Run, World, blocking, cancelled};
use super::transfer::transfer;
use crate::archive::{self, Depth, Sha256Sum};
use crate::destination::{Destination, Name, ReadSeek, Stat};
use crate::journal::{EventKind, PendingCopy};
use crate::problem::{Code, Problem, Result};
use crate::slot::{ArchiveName, Set};
use crate::words;
use crate::words::Words;
use std::io;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How a file that the terminal lacks gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Its bytes are copied.
    Copy,
    /// The terminal has the same backup under this name already: a link is enough.
    LinkFrom(Set),
}

/// One file that the terminal lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its place in the rotation.
    pub set: Set,
    /// Its place among the backups.
    pub sequence: u64,
    /// How it gets there.
    pub way: Way,
}

/// What the terminal lacks (pure): every file whose backup is newer on the server, newest first; hours before the names that
/// are links to them.
pub fn missing(server: &[Held], terminal: &[Held]) -> Vec<Missing> {
    let there = |set: Set| terminal.iter().find(|held| held.set == set).map_or(0, Held::sequence);
    let mut wanted: Vec<&Held> = server.iter().filter(|held| held.sequence() > there(held.set)).collect();
    wanted.sort_by_key(|held| (std::cmp::Reverse(held.sequence()), rank(held.set)));
    let mut arrived: Vec<(u64, Set)> = terminal.iter().map(|held| (held.sequence(), held.set)).collect();
    let mut missing = Vec::new();
    for held in wanted {
        let sequence = held.sequence();
        // A file that itself is about to be replaced is no source of a link.
        let source = arrived.iter().find(|(have, _)| *have == sequence).map(|(_, set)| *set);
        let way = source.map_or(Way::Copy, Way::LinkFrom);
        arrived.retain(|(_, set)| *set != held.set);
        arrived.push((sequence, held.set));
        missing.push(Missing { set: held.set, sequence, way });
    }
    missing
}

const fn rank(set: Set) -> u8 {
    match set {
        Set::Hour(_) => 0,
        Set::Newest => 1,
        Set::Day(_) => 2,
    }
}

/// The hours that are pending and whose file on the server does not say any more what it is (pure): comparing both sides
/// cannot miss them.
fn unreadable(server: &[Held], pending: &[PendingCopy]) -> Vec<Set> {
    let is_pending = |set: Set| pending.iter().any(|copy| !copy.extra && is_hour(set, copy.hour));
    let lost = server.iter().filter(|held| held.manifest.is_none() && is_pending(held.set));
    lost.map(|held| held.set).collect()
}

/// The hours that are pending and whose backup stands under no name on either side (pure): whoever removed it from the server
/// took the only copy. A file there that does not say what it is may be it.
fn lost(server: &[Held], terminal: &[Held], pending: &[PendingCopy]) -> Vec<PendingCopy> {
    let stands = |copy: &PendingCopy| {
        let is_it = |held: &Held| held.sequence() == copy.sequence;
        server.iter().any(|held| is_hour(held.set, copy.hour) || is_it(held)) || terminal.iter().any(is_it)
    };
    pending.iter().filter(|copy| !copy.extra && !stands(copy)).copied().collect()
}

/// The extra copies that the terminal lacks (pure), in the order of `server`. Each has a name of its own for ever, so that
/// names are all that is compared.
fn missing_extras(server: Vec<(Name, Stat)>, terminal: &[(Name, Stat)]) -> Vec<Name> {
    let lacks = |name: &Name| !terminal.iter().any(|(other, _)| other == name);
    server.into_iter().map(|(name, _)| name).filter(lacks).collect()
}

/// Remembers that the terminal lacks the backup of `run`.
pub(super) fn note(run: &mut Run<'_>) {
    change(run, true);
}

/// Remembers that the terminal has the backup of `run`, or all of it but links.
pub(super) fn done(run: &mut Run<'_>, links_pending: bool) {
    change(run, links_pending);
}

fn change(run: &mut Run<'_>, lacks: bool) {
    let (hour, sequence) = (run.report.hour, run.order.sequence);
    let extra = !run.report.purpose.is_rotation();
    let journal = &run.world.journal;
    let changed = journal.pending().and_then(|mut pending| {
        // An hour's new backup takes the old one's place; extra copies stay side by side.
        pending.retain(|other| other.extra || extra || other.hour != hour);
        pending.extend(lacks.then_some(PendingCopy { hour, sequence, extra }));
        journal.set_pending(&pending)
    });
    if let Err(problem) = changed {
        run.warn(problem);
    }
}

/// What came of making up the copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeUp {
    /// Files that the terminal has now.
    pub copied: Vec<Set>,
    /// Files that it still lacks.
    pub left: Vec<Set>,
    /// The places among the backups of the files that it still lacks: such a backup stays pending, even where its hour has
    /// arrived.
    pub incomplete: Vec<u64>,
    /// Extra copies that it has now.
    pub extras: Vec<Name>,
    /// Pending copies that nobody can make any more: their files are on neither side.
    pub lost: Vec<PendingCopy>,
    /// What stopped it, or kept a single file from being copied.
    pub problem: Option<Problem>,
}

impl MadeUp {
    /// Notes a problem; what stops everything outweighs a damaged file.
    fn note(&mut self, problem: Problem) {
        if self.is_stopped() {
            return;
        }
        if self.problem.is_none() || problem.code != Code::ArchiveDamaged {
            self.problem = Some(problem);
        }
    }

    /// Whether something happened that would stop every other file as well: a single damaged file does not.
    fn is_stopped(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code != Code::ArchiveDamaged)
    }
}

/// Copies to the terminal what it lacks, newest first, each file only once every byte of it was tested. Stops at the first
/// problem that is more than a single damaged file; what is left stays pending.
pub async fn copy_pending(world: &World, monitor: Arc<dyn Monitor>, cancel: CancellationToken) -> MadeUp {
    let Some(terminal) = world.terminal.clone() else { return MadeUp::default() };
    let work = Work {
        local: Arc::clone(&world.local),
        terminal,
        archive: world.archive().clone(),
        identity: world.identity.clone(),
        monitor,
        cancel,
    };
    let journal = world.journal.clone();
    // Without the journal the folders still tell what is missing.
    let pending = journal.pending().unwrap_or_default();
    let made_up = blocking(move || Ok(work.all(&pending))).await;
    let mut made_up =
        made_up.unwrap_or_else(|problem| MadeUp { problem: Some(problem), ..MadeUp::default() });
    if let Err(problem) = remember(&journal, &made_up) {
        made_up.problem.get_or_insert(problem);
    }
    if let Some(text) = told(world, &made_up)
        && let Err(problem) = journal.event(EventKind::CopiedLater, &text)
    {
        tracing::warn!(%problem, "what was copied to the terminal later is not in the journal");
    }
    for copy in &made_up.lost {
        if let Err(problem) = journal.event(EventKind::CopyLost, &told_of_lost(world, *copy)) {
            tracing::warn!(%problem, "a copy that can never be made is not in the journal");
        }
    }
    made_up
}

/// Which files the terminal got, for the journal; `None` where it got none.
fn told(world: &World, made_up: &MadeUp) -> Option<Words> {
    let terminal = world.terminal.as_ref()?.shown();
    let sets = made_up.copied.iter().map(|set| Name::zip(*set, world.archive()).to_string());
    let files: Vec<_> = sets.chain(made_up.extras.iter().map(Name::to_string)).collect();
    let files = files.join(", ");
    (!files.is_empty()).then(|| {
        words!(
            "copiado mais tarde para o terminal de backup ({terminal}): {files}",
            "copied to the terminal de backup ({terminal}) later: {files}",
        )
    })
}

fn told_of_lost(world: &World, copy: PendingCopy) -> Words {
    let slot = format!("{:02}h", copy.hour);
    let server = world.local.shown();
    words!(
        "o backup {slot} foi retirado da pasta de backup ({server}) antes de ser copiado para o terminal; não há mais o que copiar",
        "the backup {slot} was removed from the backup folder ({server}) before it was copied to the terminal; there is nothing left to copy",
    )
}

/// Both sides were compared: where nothing stopped it, nothing is pending any more.
fn remember(journal: &crate::journal::Journal, made_up: &MadeUp) -> Result<()> {
    if made_up.problem.is_none() {
        return journal.set_pending(&[]);
    }
    let mut pending = journal.pending()?;
    let arrived = |hour| made_up.copied.iter().any(|set| is_hour(*set, hour));
    pending.retain(|copy| copy.extra || made_up.incomplete.contains(&copy.sequence) || !arrived(copy.hour));
    pending.retain(|copy| !made_up.lost.contains(copy));
    journal.set_pending(&pending)
}

fn is_hour(set: Set, hour: u8) -> bool {
    matches!(set, Set::Hour(slot) if slot.number() == hour)
}

struct Work {
    local: Arc<dyn Destination>,
    terminal: Arc<dyn Destination>,
    archive: ArchiveName,
    identity: crate::destination::Identity,
    monitor: Arc<dyn Monitor>,
    cancel: CancellationToken,
}

impl Work {
    fn all(&self, pending: &[PendingCopy]) -> MadeUp {
        let found = self.terminal.check(&self.identity).and_then(|()| {
            let server = contents::read(&*self.local, &self.archive)?;
            let terminal = contents::read(&*self.terminal, &self.archive)?;
            let extras = missing_extras(self.local.extras()?, &self.terminal.extras()?);
            let lost = lost(&server, &terminal, pending);
            Ok((missing(&server, &terminal), extras, unreadable(&server, pending), lost))
        });
        let (missing, extras, unreadable, lost) = match found {
            Ok(found) => found,
            Err(problem) => return MadeUp { problem: Some(problem), ..MadeUp::default() },
        };
        let mut made_up = MadeUp { lost, ..MadeUp::default() };
        for set in unreadable {
            let name = Name::zip(set, &self.archive);
            made_up.note(damaged_since(
                &self.local.path_of(&name).display().to_string(),
                &self.terminal.shown(),
            ));
            made_up.left.push(set);
        }
        for file in &missing {
            let made = self.unless_stopped(&made_up, || self.one(file, &made_up));
            if let Some(Ok(())) = made {
                made_up.copied.push(file.set);
                continue;
            }
            made_up.left.push(file.set);
            made_up.incomplete.push(file.sequence);
            if let Some(Err(problem)) = made {
                made_up.note(problem);
            }
        }
        for name in extras {
            match self.unless_stopped(&made_up, || self.copy(&name)) {
                Some(Ok(())) => made_up.extras.push(name),
                Some(Err(problem)) => made_up.note(problem),
                None => {}
            }
        }
        made_up
    }

    /// Does `work`, unless something has stopped an earlier file that would stop this one as well.
    fn unless_stopped(&self, made_up: &MadeUp, work: impl FnOnce() -> Result<()>) -> Option<Result<()>> {
        if made_up.is_stopped() {
            return None;
        }
        Some(if self.cancel.is_cancelled() { Err(cancelled()) } else { work() })
    }

    fn one(&self, file: &Missing, made_up: &MadeUp) -> Result<()> {
        let name = Name::zip(file.set, &self.archive);
        match file.way {
            Way::LinkFrom(from) if self.is_sound_there(from, made_up)? => {
                let linking = Linking { from: Name::zip(from, &self.archive), to: vec![name] };
                links::make(&*self.terminal, &linking).map_or(Ok(()), Err)
            }
            Way::LinkFrom(_) | Way::Copy => self.copy(&name),
        }
    }

    /// Whether the terminal's `set` may lend its file to another name: it was made in this round, or every byte of it is what
    /// its manifest says.
    fn is_sound_there(&self, set: Set, made_up: &MadeUp) -> Result<bool> {
        if made_up.copied.contains(&set) {
            return Ok(true);
        }
        if made_up.left.contains(&set) {
            return Ok(false);
        }
        let Some(mut file) = self.terminal.open(&Name::zip(set, &self.archive))? else { return Ok(false) };
        match self.tested(&mut *file) {
            Ok(tested) => Ok(tested.is_some()),
            Err(problem) if problem.code == Code::ArchiveDamaged => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// The sum of a whole file of ours; `None` for one that is not what its manifest says.
    fn tested(&self, file: &mut dyn ReadSeek) -> Result<Option<Sha256Sum>> {
        let report = archive::test(file, Depth::Content, &mut |_, _| (), &self.cancel)?;
        Ok(report.sha256.filter(|_| report.confirmed()))
    }

    /// The sum of the server's file, every byte of which is what its manifest says: it was so when it was made, and the disk
    /// has had it since.
    fn proved(&self, source: &mut dyn ReadSeek, name: &Name) -> Result<Sha256Sum> {
        let shown = || self.local.path_of(name).display().to_string();
        match self.tested(source) {
            Ok(Some(sum)) => Ok(sum),
            Ok(None) => Err(damaged_since(&shown(), &self.terminal.shown())),
            Err(problem) if problem.code == Code::ArchiveDamaged => {
                Err(damaged_since(&shown(), &self.terminal.shown()))
            }
            Err(problem) => Err(problem),
        }
    }

    fn copy(&self, name: &Name) -> Result<()> {
        // It was there when both sides were compared: the next comparison tells whether it is gone.
        let vanished = || self.local.explain(&io::ErrorKind::NotFound.into());
        let mut source = self.local.open(name)?.ok_or_else(vanished)?;
        let sum = self.proved(&mut *source, name)?;
        drop(source);
        let mut told = |done_bytes, total_bytes| {
            self.monitor.progress(Progress {
                phase: Phase::Packing,
                done_bytes,
                total_bytes,
                percent: None,
                copied_bytes: done_bytes,
                left_secs: None,
            });
        };
        match transfer(&*self.local, &*self.terminal, name, &mut told, &self.cancel)? {
            // A copying that hung and was given up must not come late.
            Some(copy) if self.cancel.is_cancelled() => copy.staged.discard().and(Err(cancelled())),
            Some(copy) if copy.sha256 != sum => {
                let shown = self.local.path_of(name).display().to_string();
                copy.staged.discard().and(Err(damaged_since(&shown, &self.terminal.shown())))
            }
            Some(copy) => copy.staged.publish(),
            None => Err(vanished()),
        }
    }
}

fn damaged_since(file: &str, terminal: &str) -> Problem {
    tracing::error!(file, "a backup on the server was damaged after it was made");
    Problem::new(
        Code::ArchiveDamaged,
        words!(
            "O backup {file}, conferido quando foi feito, está danificado no disco do servidor ou não pode ser lido: não foi copiado para o terminal de backup ({terminal}).",
            "The backup {file}, confirmed when it was made, is damaged on the server's disk or cannot be read: it was not copied to the terminal de backup ({terminal}).",
        ),
        words!(
            "O que o terminal tem nesse lugar ficou como estava. Verifique o disco do servidor (chkdsk) e faça um novo backup.",
            "What the terminal has in its place stays as it is. Check the server's disk (chkdsk) and make a new backup.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Manifest;
    use crate::slot::{Day, Hour};
    use chrono::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn held(set: Set, sequence: u64) -> Held {
        let manifest = Manifest {
            format: 1,
            program: String::new(),
            run: Uuid::nil(),
            sequence,
            hour: None,
            reason: None,
            begun: DateTime::UNIX_EPOCH.fixed_offset(),
            finished: DateTime::UNIX_EPOCH.fixed_offset(),
            shop: String::new(),
            agent: Uuid::nil(),
            server: String::new(),
            database: String::new(),
            company: None,
            rows: Vec::new(),
            parts: Vec::new(),
        };
        let stat = Stat { bytes: 1, modified: DateTime::UNIX_EPOCH, same_as: None };
        Held { set, stat, manifest: Some(manifest) }
    }

    fn hour(number: u8) -> Set {
        Set::Hour(Hour::new(number).unwrap())
    }

    #[test]
    fn what_is_missing_comes_newest_first_and_is_copied_once() {
        let server = [
            held(hour(9), 10),
            held(hour(10), 11),
            held(hour(11), 12),
            held(Set::Newest, 12),
            held(Set::Day(Day::Segunda), 12),
        ];
        let terminal = [held(hour(9), 10), held(hour(11), 3), held(Set::Newest, 10)];
        let missing: Vec<_> = missing(&server, &terminal).iter().map(|file| (file.set, file.way)).collect();
        assert_eq!(
            missing,
            [
                (hour(11), Way::Copy),
                (Set::Newest, Way::LinkFrom(hour(11))),
                (Set::Day(Day::Segunda), Way::LinkFrom(hour(11))),
                (hour(10), Way::Copy),
            ]
        );
    }

    #[test]
    fn a_weekday_whose_hour_was_replaced_is_copied_for_itself() {
        let server = [held(hour(9), 30), held(Set::Newest, 30), held(Set::Day(Day::Domingo), 5)];
        let terminal = [held(hour(9), 5), held(Set::Newest, 5)];
        let found = missing(&server, &terminal);
        assert_eq!(found.last().map(|file| (file.set, file.way)), Some((Set::Day(Day::Domingo), Way::Copy)));
    }

    #[test]
    fn only_what_stands_under_no_name_on_either_side_is_lost() {
        let copy = |hour, sequence| PendingCopy { hour, sequence, extra: false };
        let of_day = held(Set::Day(Day::Segunda), 11);
        let silent = Held { manifest: None, ..held(hour(12), 0) };
        let server = [held(hour(9), 10), of_day, silent];
        let terminal = [held(Set::Newest, 14)];
        let extra = PendingCopy { extra: true, ..copy(15, 99) };
        let pending = [copy(9, 10), copy(10, 11), copy(12, 13), copy(14, 14), copy(15, 15), extra];
        assert_eq!(lost(&server, &terminal, &pending), [copy(15, 15)]);
    }

    fn any_side() -> impl Strategy<Value = Vec<Held>> {
        prop::collection::vec((0..32_usize, 1..20_u64), 0..32).prop_map(|files| {
            let mut side: Vec<Held> = Vec::new();
            for (place, sequence) in files {
                let set = Set::all().nth(place).unwrap();
                side.retain(|held| held.set != set);
                side.push(held(set, sequence));
            }
            side
        })
    }

    proptest! {
        #[test]
        fn carrying_out_what_is_missing_leaves_nothing_missing(server in any_side(), terminal in any_side()) {
            let mut after = terminal.clone();
            for file in missing(&server, &terminal) {
                if let Way::LinkFrom(from) = file.way {
                    let source = after.iter().find(|held| held.set == from).map(Held::sequence);
                    prop_assert_eq!(source, Some(file.sequence), "a link needs its source at that moment");
                }
                after.retain(|held| held.set != file.set);
                after.push(held(file.set, file.sequence));
            }
            prop_assert!(missing(&server, &after).is_empty());
            for old in &terminal {
                let now = after.iter().find(|held| held.set == old.set).map(Held::sequence);
                prop_assert!(now >= Some(old.sequence()), "nothing newer is replaced by something older");
            }
        }
    }
}
