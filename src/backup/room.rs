//! Room for the next backup: foreseen from what stands at a destination, and made by what the plan lets yield, each release
//! journalled. Nothing yields for a backup that cannot be made.

use super::contents::Held;
use super::run::{Run, blocking};
use crate::destination::space::{self, HeldHour, Need, OldDump, Plan, Present, Release};
use crate::destination::{Destination, Kind, Name};
use crate::journal::EventKind;
use crate::problem::{Code, Problem, Result};
use crate::slot::{Hour, Set};
use crate::words::{self, Language, Words};
use chrono::Utc;
use std::sync::Arc;

/// The zip of a first backup, as a share of the dump: what retail databases come to at the worst.
const UNKNOWN_RATIO: u64 = 2;

/// Foresees the room at `destination` and lets yield what has to. Returns how many hours' backups fit there in the long run.
///
/// # Errors
/// [`Code::SpaceForeseen`], or [`Code::TerminalFull`] at the terminal, where it does not fit even so; those of asking and
/// removing.
pub(super) async fn make(
    run: &mut Run<'_>,
    destination: &Arc<dyn Destination>,
    dump_bytes: u64,
    held: &[Held],
) -> Result<u8> {
    let need = need(run, destination.kind(), dump_bytes, held);
    let bak = Name::bak(run.world.archive());
    let (space, dump) = run.ask(destination, move |it| Ok((it.space()?, it.stat(&bak)?))).await?;
    let dump = dump.map(|stat| OldDump { bytes: stat.bytes, zip_verified: newest_is_ours(held) });
    let present = present(run, destination.kind(), dump, held);
    // No hour yields for a backup that takes no place in the rotation.
    let floor = if run.target.name().is_none() { Hour::COUNT } else { run.world.config.backup.slots_floor };
    let plan = space::plan(&need, space.free_bytes, &present, run.order.begun.with_timezone(&Utc), floor);
    if !plan.fits {
        return Err(does_not_fit(&**destination, &plan));
    }
    for release in &plan.releases {
        yield_room(run, destination, *release).await?;
    }
    Ok(plan.hours_that_fit)
}

fn need(run: &Run<'_>, kind: Kind, dump_bytes: u64, held: &[Held]) -> Need {
    let zip_bytes = foreseen_zip_bytes(dump_bytes, held);
    let backup = &run.world.config.backup;
    match kind {
        // The zip of a manual backup stands elsewhere.
        Kind::Server if run.target.name().is_none() => {
            Need { dump_bytes, zip_bytes: 0, reserve_bytes: backup.reserve_bytes }
        }
        Kind::Server => Need { dump_bytes, zip_bytes, reserve_bytes: backup.reserve_bytes },
        Kind::Terminal => Need { dump_bytes: 0, zip_bytes, reserve_bytes: 0 },
    }
}

/// The zip's size by the ratio of the newest backup, a tenth more for what has come since.
pub(super) fn foreseen_zip_bytes(dump_bytes: u64, held: &[Held]) -> u64 {
    let newest = held.iter().max_by_key(|held| held.sequence());
    let known = newest.and_then(|held| Some((held.stat.bytes, held.manifest.as_ref()?.dump_bytes())));
    match known {
        Some((zip, dump)) if dump > 0 => {
            let foreseen = u128::from(dump_bytes) * u128::from(zip) / u128::from(dump);
            let foreseen = u64::try_from(foreseen).unwrap_or(u64::MAX);
            foreseen.saturating_add(foreseen / 10)
        }
        Some(_) | None => dump_bytes / UNKNOWN_RATIO,
    }
}

/// Whether a verified zip stands that the old dump was packed into: every zip under a good name was verified before it took
/// it, so that any newest of ours will do.
fn newest_is_ours(held: &[Held]) -> bool {
    held.iter().any(|held| held.set == Set::Newest && held.manifest.is_some())
}

fn present(run: &Run<'_>, kind: Kind, dump: Option<OldDump>, held: &[Held]) -> Present {
    let pending = match kind {
        Kind::Server => run.world.journal.pending(),
        Kind::Terminal => Ok(Vec::new()),
    };
    if let Err(problem) = &pending {
        tracing::warn!(%problem, "no hour yields: which ones the terminal lacks is not known");
    }
    let lacks = |hour: Hour| match &pending {
        Ok(pending) => pending.iter().any(|copy| !copy.extra && copy.hour == hour.number()),
        Err(_) => true,
    };
    let mut present = Present { dump, ..Present::default() };
    for file in held {
        let shared = file.stat.same_as.is_some()
            && held.iter().any(|other| other.set != file.set && other.stat.same_as == file.stat.same_as);
        match file.set {
            Set::Hour(hour) => {
                let begun =
                    file.manifest.as_ref().map_or(file.stat.modified, |manifest| manifest.begun.to_utc());
                present.hours.push(HeldHour {
                    hour,
                    sequence: file.sequence(),
                    begun,
                    bytes: file.stat.bytes,
                    pending: lacks(hour),
                    shared,
                });
            }
            Set::Newest | Set::Day(_) if !shared => present.other_sets_bytes += file.stat.bytes,
            Set::Newest | Set::Day(_) => {}
        }
    }
    present
}

async fn yield_room(run: &mut Run<'_>, destination: &Arc<dyn Destination>, release: Release) -> Result<()> {
    let name = match release {
        Release::Dump { .. } => Name::bak(run.world.archive()),
        Release::Hour { hour, .. } => Name::zip(Set::Hour(hour), run.world.archive()),
    };
    let shown = destination.path_of(&name).display().to_string();
    let bytes = release.bytes();
    tracing::warn!(file = %shown, bytes, "yields its room to the next backup");
    // Kept before it is done: what is gone must not be gone in silence.
    let kept = run.world.journal.event(EventKind::Released, &released(&shown, bytes));
    if let Err(problem) = kept {
        run.warn(problem);
    }
    match destination.kind() {
        // Nobody stops what is journalled already.
        Kind::Server => {
            let place = Arc::clone(destination);
            blocking(move || place.remove(&name)).await
        }
        Kind::Terminal => run.ask(destination, move |it| it.remove(&name)).await,
    }
}

fn released(shown: &str, bytes: u64) -> Words {
    let pt = words::bytes(bytes, Language::Portuguese);
    let en = words::bytes(bytes, Language::English);
    crate::words!(
        "{shown} ({pt}) foi removido para dar lugar ao próximo backup.",
        "{shown} ({en}) was removed to make room for the next backup.",
    )
}

fn does_not_fit(destination: &dyn Destination, plan: &Plan) -> Problem {
    let shown = destination.shown();
    let pt = words::bytes(plan.missing_bytes, Language::Portuguese);
    let en = words::bytes(plan.missing_bytes, Language::English);
    match destination.kind() {
        Kind::Server => Problem::new(
            Code::SpaceForeseen,
            crate::words!(
                "O próximo backup não cabe no disco da pasta de backup ({shown}): faltam {pt}.",
                "The next backup does not fit on the disk of the backup folder ({shown}): {en} are missing.",
            ),
            crate::words!(
                "Libere espaço nesse disco hoje, ou escolha outra pasta; nenhum backup antigo foi apagado.",
                "Free space on that disk today, or choose another folder; no old backup was deleted.",
            ),
        ),
        Kind::Terminal => Problem::new(
            Code::TerminalFull,
            crate::words!(
                "O backup não cabe no disco do terminal de backup ({shown}): faltam {pt}.",
                "The backup does not fit on the disk of the terminal de backup ({shown}): {en} are missing.",
            ),
            crate::words!(
                "Libere espaço nesse computador; a cópia pendente será feita sozinha depois disso.",
                "Free space on that machine; the pending copy is made by itself after that.",
            ),
        ),
    }
}
