//! When the next backup is due: five-field crontab as people know it, catch-up, and the two nights a year on which the clock
//! is changed. Pure: who asks tells the time and the zone.
//!
//! The `cron` crate finds the dates. It wants a field for the seconds, counts weekdays from 1 = Sunday, and demands that the
//! day of the month *and* the weekday fit, where crontab takes either; its submodule translates. It is asked about the clock on
//! the wall, and [`Zone`] tells at which instants the wall shows that time: never in a skipped hour, twice in a repeated one.

mod crontab;

use crate::backup::outcome::Trigger;
use crate::clock::Zone;
use crate::words::Words;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};
use std::fmt;
use std::str::FromStr;

/// A run that begins up to this long after its time is on time, and not a catch-up: two cycles.
pub const ON_TIME: TimeDelta = TimeDelta::minutes(2);

/// A last run that lies this little in the future is due to a time service that corrected the clock, not to a clock that was
/// set: it counts as having begun now.
pub const CORRECTION: TimeDelta = TimeDelta::minutes(5);

/// The greatest step by which a zone's clocks are known to have been changed in the days of SQL Server, rounded up.
const LARGEST_CHANGE: TimeDelta = TimeDelta::hours(4);

/// The `cron` crate's calendar goes from 1970 to this year.
const LAST_YEAR: i32 = 2100;

/// When backups are due, in the shop's local time.
#[derive(Clone)]
pub struct Schedule {
    source: String,
    /// One, or two where day of the month and weekday are both given: either will do.
    dates: Vec<cron::Schedule>,
    longest_gap: TimeDelta,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotASchedule {
    /// The part of the text that cannot be read, or all of it.
    pub found: String,
    /// What should stand there.
    pub expected: Words,
}

/// What the schedule says at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A backup is due now.
    Now {
        /// Why.
        trigger: Trigger,
    },
    /// The next one is due then.
    At(DateTime<Utc>),
    /// Nothing is due any more: the calendar of the `cron` crate ends in 2100.
    Never,
}

/// What a schedule looks like, in words that fit after «expected:».
pub fn expected() -> Words {
    crontab::five_fields()
}

impl Schedule {
    /// Reads five fields (minute, hour, day of the month, month, weekday) or a word such as `@daily`.
    ///
    /// Minutes, hours and days are numbers, ranges, lists and steps (`*/15`, `8-18/2`, `0,30`); ranges wrap (`22-5`,
    /// `fri-mon`). Months and weekdays also have names, English and Portuguese. Sunday is 0 and 7. Where both the day of the
    /// month and the weekday are restricted (their fields do not begin with `*`), a day that fits either is taken, as in
    /// every crontab.
    pub fn parse(text: &str) -> Result<Self, NotASchedule> {
        let fields = crontab::parse(text)?;
        let longest_gap = fields.longest_gap().ok_or_else(|| NotASchedule {
            found: text.trim().to_owned(),
            expected: crate::words!(
                "um horário que exista: nenhum dia do calendário atende a este",
                "a time that exists: no day of the calendar fits this one"
            ),
        })?;
        let dates = fields.translated().iter().map(|text| cron::Schedule::from_str(text)).collect();
        match dates {
            Ok(dates) => Ok(Self { source: text.trim().to_owned(), dates, longest_gap }),
            // Every set of fields has a translation that the crate reads (a property test holds it).
            Err(error) => {
                tracing::error!(%error, schedule = text, "the translated schedule was not read");
                Err(NotASchedule { found: text.trim().to_owned(), expected: crontab::five_fields() })
            }
        }
    }

    /// The first instant after `after` at which a backup is due; `None` after 2100, where the `cron` crate's calendar ends.
    pub fn next_after(&self, after: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        self.dates.iter().filter_map(|dates| next_of(dates, after, zone)).min()
    }

    /// Whether a backup is due at `now`. `last_begun` is when the last run began, the one with the highest sequence number
    /// and whatever came of it; `None` before the first.
    ///
    /// However many times were missed, one run makes up for all of them. A last run in the future belongs to a clock that was
    /// set: it is ignored, a backup is due at once, and from then on the times follow the new clock.
    pub fn due(&self, last_begun: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: &Zone) -> Due {
        let Some(last) = last_begun else { return Due::Now { trigger: Trigger::First } };
        if last.signed_duration_since(now) > CORRECTION {
            return Due::Now { trigger: Trigger::CatchUp };
        }
        match self.next_after(last.min(now), zone) {
            None => Due::Never,
            Some(next) if next > now => Due::At(next),
            Some(_) => {
                let recently = now.checked_sub_signed(ON_TIME).and_then(|since| self.next_after(since, zone));
                let on_time = recently.is_some_and(|time| time <= now);
                Due::Now { trigger: if on_time { Trigger::Schedule } else { Trigger::CatchUp } }
            }
        }
    }

    /// The longest time that passes by the clock on the wall between one backup and the next: 62 hours for working hours from
    /// Monday to Friday.
    pub fn longest_gap(&self) -> TimeDelta {
        self.longest_gap
    }
}

/// The first instant after `after` that one schedule of the `cron` crate names.
fn next_of(dates: &cron::Schedule, after: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
    // A later time on the wall is an earlier instant only within one change of the clock: the search begins that long before
    // `after`, and ends that long after its first find.
    let after = after.max(DateTime::UNIX_EPOCH);
    if after.year() > LAST_YEAR {
        return None;
    }
    let wall = zone.local(after).naive_local();
    let start = (wall - LARGEST_CHANGE).and_utc();
    let mut first: Option<(NaiveDateTime, DateTime<Utc>)> = None;
    for wall in dates.after(&start).map(|date| date.naive_utc()) {
        if first.is_some_and(|(found, _)| wall > found + LARGEST_CHANGE) {
            break;
        }
        let Some(instant) = zone.instants(wall).into_iter().find(|instant| *instant > after) else {
            continue;
        };
        first = match first {
            Some((found, earliest)) => Some((found, earliest.min(instant))),
            None => Some((wall, instant)),
        };
    }
    first.map(|(_, instant)| instant)
}

/// The text from which it was read.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({:?})", self.source)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Schedule {}

#[cfg(test)]
mod tests;
