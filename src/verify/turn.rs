//! Whose turn it is to be read (pure). Each place of the rotation, on each side, is read at least once a week, whatever file
//! stands in it by then.

use super::places::Standing;
use crate::journal::{CheckedFile, Side};
use chrono::{DateTime, FixedOffset, TimeDelta};

/// A place is read again after this long: a day less than a week, so that a shop that is closed on Sunday keeps the promise.
pub const READ_EVERY: TimeDelta = TimeDelta::days(6);

/// A damaged file that could not be mended is looked at again after this long: the other side may be back.
const MEND_AGAIN_AFTER: TimeDelta = TimeDelta::days(1);

/// What is known of the reading of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// None of its names was ever read.
    Never,
    /// Its name that was not read for the longest.
    At(DateTime<FixedOffset>),
}

/// The file of `side` that is due, the most overdue first, with how long it was not read; `None` where none is.
pub(super) fn due<'a>(
    side: Side,
    files: &'a [Standing],
    checked: &[CheckedFile],
    now: DateTime<FixedOffset>,
) -> Option<(&'a Standing, TimeDelta)> {
    let waiting = files.iter().filter_map(|file| {
        let waited = match last(side, file, checked, now) {
            Last::Never => TimeDelta::MAX,
            Last::At(at) => now.signed_duration_since(at),
        };
        let again = if is_damaged(side, file, checked) { MEND_AGAIN_AFTER } else { READ_EVERY };
        (waited >= again).then_some((file, waited))
    });
    // Of those that were never read, the newest: it is the one that would be restored.
    waiting.max_by_key(|(file, waited)| (*waited, file.stat.modified))
}

fn last(side: Side, file: &Standing, checked: &[CheckedFile], now: DateTime<FixedOffset>) -> Last {
    let read = file.names.iter().map(|(_, name)| {
        let name = name.to_string();
        let row = checked.iter().find(|row| row.side == side && row.file == name);
        // One in the future belongs to a clock that was set.
        row.map(|row| row.at).filter(|at| *at <= now)
    });
    let read: Option<Vec<_>> = read.collect();
    read.and_then(|read| read.into_iter().min()).map_or(Last::Never, Last::At)
}

/// Whether the file that stands there now was read, and found whole, at `since` or later.
pub(super) fn is_read_since(
    side: Side,
    file: &Standing,
    checked: &[CheckedFile],
    since: DateTime<FixedOffset>,
) -> bool {
    let name = file.name().to_string();
    checked.iter().any(|row| {
        row.side == side
            && row.file == name
            && row.is_of(file.stat.bytes, file.stat.modified)
            && row.problem.is_none()
            && row.at >= since
    })
}

/// Whether the file that stands there now was found damaged.
pub(super) fn is_damaged(side: Side, file: &Standing, checked: &[CheckedFile]) -> bool {
    file.names.iter().any(|(_, name)| {
        let name = name.to_string();
        checked.iter().any(|row| {
            row.side == side
                && row.file == name
                && row.is_of(file.stat.bytes, file.stat.modified)
                && row.problem.is_some()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::{Name, Stat};
    use crate::problem::{Code, Problem};
    use crate::slot::{ArchiveName, Hour, Set};
    use crate::words::Words;
    use proptest::prelude::*;

    fn at(hours: i64) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339("2026-11-02T12:00:00-03:00").unwrap() + TimeDelta::hours(hours)
    }

    fn file(hour: usize, modified: i64) -> Standing {
        let set = Set::Hour(Hour::ALL[hour]);
        let stat = Stat { bytes: 7, modified: at(modified).to_utc(), same_as: None };
        Standing { names: vec![(Some(set), Name::zip(set, &ArchiveName::default()))], stat }
    }

    fn row(file: &Standing, when: i64, problem: Option<Problem>) -> CheckedFile {
        CheckedFile {
            side: Side::Server,
            file: file.name().to_string(),
            at: at(when),
            bytes: file.stat.bytes,
            modified: file.stat.modified,
            problem,
        }
    }

    fn turn(files: &[Standing], checked: &[CheckedFile], now: i64) -> Option<String> {
        due(Side::Server, files, checked, at(now)).map(|(file, _)| file.name().to_string())
    }

    #[test]
    fn what_was_never_read_comes_first_and_of_that_the_newest() {
        let files = [file(8, 0), file(9, 1), file(10, 2)];
        let checked = [row(&files[0], -24 * 30, None)];
        assert_eq!(turn(&files, &checked, 3).as_deref(), Some("10h/MCDados.zip"));
    }

    #[test]
    fn a_place_waits_six_days_even_though_its_file_is_another_each_day() {
        let old = file(9, 0);
        let files = [file(9, 24)];
        let checked = [row(&old, 1, None)];
        assert_eq!(turn(&files, &checked, 6 * 24), None);
        assert_eq!(turn(&files, &checked, 6 * 24 + 1).as_deref(), Some("09h/MCDados.zip"));
    }

    #[test]
    fn a_damaged_file_is_tried_again_the_next_day_and_what_replaced_it_is_not() {
        let damaged = file(9, 0);
        let problem = Problem::new(Code::ArchiveDamaged, Words::same("x"), Words::same("y"));
        let checked = [row(&damaged, 1, Some(problem))];
        assert!(is_damaged(Side::Server, &damaged, &checked));
        assert_eq!(turn(&[damaged], &checked, 25).as_deref(), Some("09h/MCDados.zip"));
        let replaced = file(9, 24);
        assert!(!is_damaged(Side::Server, &replaced, &checked));
        assert_eq!(turn(&[replaced], &checked, 25), None);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_wait_for_ever() {
        let files = [file(9, 0)];
        let checked = [row(&files[0], 24 * 365, None)];
        assert_eq!(turn(&files, &checked, 1).as_deref(), Some("09h/MCDados.zip"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn with_one_reading_a_cycle_every_place_is_read_each_week(first in 0..24_usize, minutes in 10..60_i64) {
            let files: Vec<_> = (0..24).map(|hour| file(hour, 0)).collect();
            let mut checked: Vec<CheckedFile> = vec![row(&files[first], -1, None)];
            let mut now = at(0);
            for _ in 0..(8 * 24 * 60 / minutes) {
                if let Some((file, _)) = due(Side::Server, &files, &checked, now) {
                    checked.retain(|row| row.file != file.name().to_string());
                    checked.push(CheckedFile { at: now, ..row(file, 0, None) });
                }
                now += TimeDelta::minutes(minutes);
            }
            prop_assert_eq!(checked.len(), 24);
            prop_assert!(checked.iter().all(|row| now - row.at <= TimeDelta::days(7)));
        }
    }
}
