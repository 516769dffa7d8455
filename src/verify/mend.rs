//! Mending: a damaged file is replaced by its twin of the other side, once that one has been read and proved whole.

use super::file::{FileCheck, check_file};
use super::places::Standing;
use super::work::Sides;
use crate::backup::links::{self, Linking};
use crate::backup::outcome::{Outcome, RunReport};
use crate::backup::transfer;
use crate::destination::{Destination, Kind};
use crate::problem::{Code, Problem, Result};
use crate::slot::{Day, Set};
use crate::words;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Runs of the journal among which the latest of a place is looked for.
const REMEMBERED_RUNS: u32 = 500;

/// Replaces `damaged`, which stands at `at`, by its twin.
///
/// # Errors
/// Why it stays: there is no other side or it does not answer, it has no whole file of the same backup, or copying failed.
pub(super) fn mend(
    sides: &Sides,
    at: &dyn Destination,
    damaged: &Standing,
    found: &FileCheck,
    cancel: &CancellationToken,
) -> Result<()> {
    let Some(other) = sides.other_than(at.kind()) else { return Err(no_twin(None)) };
    other.check(&sides.identity)?;
    let runs = sides.journal.runs(REMEMBERED_RUNS, None).unwrap_or_default();
    for (set, name) in &damaged.names {
        let Some(twin) = check_file(other, &sides.identity, name, &|_| (), cancel)? else { continue };
        if !may_replace(found, &twin, *set, &runs) {
            continue;
        }
        let Some(copy) = transfer(other, at, name, &mut |_, _| (), cancel)? else { continue };
        if twin.sha256 != Some(copy.sha256) {
            // It was replaced by a run, or changed, between the reading and the copying.
            copy.staged.discard()?;
            return Err(no_twin(Some(&other.shown())));
        }
        if cancel.is_cancelled() {
            // Whoever stopped us may write here by now.
            copy.staged.discard()?;
            return Err(stopped());
        }
        copy.staged.publish()?;
        let to = damaged.names.iter().map(|(_, own)| own.clone()).filter(|own| own != name).collect();
        return links::make(at, &Linking { from: name.clone(), to }).map_or(Ok(()), Err);
    }
    Err(no_twin(Some(&other.shown())))
}

/// Whether `twin` is a whole file of the backup that `damaged` was (pure). Where the damaged file cannot say which one it was, the
/// twin must be of the last good run for that place: an older one would hide that the newer is lost. An extra copy's name is that of
/// one backup only.
fn may_replace(damaged: &FileCheck, twin: &FileCheck, set: Option<Set>, runs: &[RunReport]) -> bool {
    let Some(whole) = twin.manifest.as_ref().filter(|_| twin.problem.is_none()) else { return false };
    match &damaged.manifest {
        Some(manifest) => (manifest.run, manifest.sequence) == (whole.run, whole.sequence),
        None => set.is_none_or(|set| latest_for(set, runs) == Some(whole.run)),
    }
}

/// The last run that made a backup for `set`, going by the journal's runs, newest first.
fn latest_for(set: Set, runs: &[RunReport]) -> Option<Uuid> {
    let made = |run: &&RunReport| {
        run.purpose.is_rotation() && matches!(run.outcome, Some(Outcome::Success | Outcome::Warning))
    };
    let is_for = |run: &&RunReport| match set {
        Set::Newest => true,
        Set::Hour(hour) => run.hour == hour.number(),
        Set::Day(day) => Day::of(run.started_at) == day,
    };
    runs.iter().filter(made).find(is_for).map(|run| run.id)
}

fn stopped() -> Problem {
    Problem::new(
        Code::RunCancelled,
        words!("A conferência foi interrompida a pedido.", "The check was stopped on request."),
        words!("Nenhum backup foi alterado.", "No backup was touched."),
    )
}

fn no_twin(other: Option<&str>) -> Problem {
    let hint = words!(
        "O arquivo danificado fica onde está. Faça um backup agora: ele substitui o dessa hora.",
        "The damaged file stays where it is. Make a backup now: it replaces that of its hour."
    );
    let sentence = match other {
        Some(shown) => words!(
            "O outro lado ({shown}) não tem um arquivo inteiro do mesmo backup.",
            "The other side ({shown}) has no whole file of the same backup."
        ),
        None => words!(
            "Não há uma segunda cópia: o backup está configurado só nesta máquina.",
            "There is no second copy: the backup is configured for this machine only."
        ),
    };
    Problem::new(Code::SlotDamaged, sentence, hint)
}

impl Sides {
    fn other_than(&self, kind: Kind) -> Option<&dyn Destination> {
        match kind {
            Kind::Server => self.terminal.as_deref(),
            Kind::Terminal => Some(&*self.server),
        }
    }
}
