//! How hard the next zip is compressed: by the speed of its destinations, as the last runs measured it. The slowest counts,
//! since it is what the run waits for.

use super::outcome::{CopyReport, RunReport};
use super::prepare::Prepared;
use super::run::Run;
use crate::archive::Level;

/// Runs that are looked at. The median of the speeds counts: one backup beside a busy network decides nothing.
const RUNS: u32 = 9;
/// All hours of the rotation.
const ALL_HOURS: u8 = 24;

/// Chooses the level for this run, and tells it.
pub(super) fn choose(run: &mut Run<'_>, prepared: &Prepared) -> Level {
    // Without a journal there is nothing measured.
    let last = run.world.journal.runs(RUNS, None).unwrap_or_default();
    // Of a disk that a person has just plugged in nothing is known.
    let speed = slowest(&last).filter(|_| run.target.name().is_some());
    let level = level(speed, prepared.hours_that_fit);
    tracing::info!(run = %run.order.id, level = level.get(), bytes_per_sec = speed, "level of compression");
    run.report.level = Some(level.get());
    level
}

/// The speed of the slower destination, in bytes per second; `None` as long as nothing was measured.
fn slowest(last: &[RunReport]) -> Option<u64> {
    let server = median(last.iter().filter_map(|run| speed(run.server.as_ref())));
    let terminal = median(last.iter().filter_map(|run| speed(run.terminal.as_ref())));
    server.into_iter().chain(terminal).min()
}

fn speed(copy: Option<&CopyReport>) -> Option<u64> {
    copy.and_then(|copy| copy.bytes_per_sec)
}

/// The one in the middle; of an even number, the slower.
fn median(speeds: impl Iterator<Item = u64>) -> Option<u64> {
    let mut speeds: Vec<_> = speeds.collect();
    speeds.sort_unstable();
    speeds.get(speeds.len().saturating_sub(1) / 2).copied()
}

/// A zip that is larger than that of `zip -6` costs time on a slow destination and hours of the rotation on a full one: only
/// where neither is the case, a lighter level makes the run shorter.
fn level(bytes_per_sec: Option<u64>, hours_that_fit: u8) -> Level {
    let level = bytes_per_sec.map_or_else(Level::default, Level::for_speed);
    if hours_that_fit < ALL_HOURS { level.max(Level::default()) } else { level }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::history::tests::run;
    use crate::backup::outcome::Outcome;

    const MB: u64 = 1_000_000;

    fn ran(server: Option<u64>, terminal: Option<u64>) -> RunReport {
        let copy = |bytes_per_sec| CopyReport {
            path: String::new(),
            done: true,
            from_medium: None,
            links_pending: false,
            bytes_per_sec,
        };
        RunReport {
            server: Some(copy(server)),
            terminal: terminal.map(|speed| copy(Some(speed))),
            ..run(9, Outcome::Success, &[])
        }
    }

    #[test]
    fn before_anything_is_measured_the_zip_is_smaller_than_zips() {
        assert_eq!(slowest(&[]), None);
        assert_eq!(slowest(&[ran(None, None)]), None);
        assert_eq!(level(None, ALL_HOURS), Level::default());
    }

    #[test]
    fn the_slowest_destination_decides_whichever_it_is() {
        assert_eq!(slowest(&[ran(Some(900 * MB), Some(11 * MB))]), Some(11 * MB));
        assert_eq!(slowest(&[ran(Some(30 * MB), Some(110 * MB))]), Some(30 * MB));
        assert_eq!(slowest(&[ran(Some(30 * MB), None)]), Some(30 * MB), "a shop without a terminal");
    }

    #[test]
    fn one_slow_or_fast_run_among_many_decides_nothing() {
        let mut runs = vec![ran(Some(900 * MB), Some(110 * MB)); 4];
        runs.insert(0, ran(Some(900 * MB), Some(MB)));
        runs.insert(0, ran(Some(900 * MB), Some(10_000 * MB)));
        assert_eq!(slowest(&runs), Some(110 * MB));
    }

    #[test]
    fn a_full_or_slow_destination_never_gets_a_larger_zip_than_zips() {
        for speed in [0, 1, MB, 12 * MB, 50 * MB, 100 * MB, 900 * MB, u64::MAX] {
            for hours in [0, 6, 23, 24, u8::MAX] {
                let level = level(Some(speed), hours);
                let lighter = level < Level::default();
                assert_eq!(lighter, hours >= ALL_HOURS && speed >= 62_500_000, "{speed} {hours}: {level:?}");
            }
        }
    }

    #[test]
    fn a_slow_link_gets_the_smaller_zip() {
        assert!(level(Some(11 * MB), 0) > Level::default());
        assert!(level(Some(11 * MB), ALL_HOURS) > Level::default());
    }
}
