//! Time as a dependency: the only place that asks the system for the time of day and for the time zone's rules. Lengths of
//! time are measured with `tokio::time::Instant`, which tests can pause. [`JumpWatch`] notices a machine that slept and
//! a clock that was set.

use chrono::{DateTime, FixedOffset, Local, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// Tells the time of day and the shop's time zone.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now, as the machine's clock has it. May jump in either direction.
    fn now(&self) -> DateTime<Utc>;

    /// The rules of the shop's time zone.
    fn zone(&self) -> Zone;

    /// Now, as the clock on the wall shows it.
    fn local_now(&self) -> DateTime<FixedOffset> {
        self.zone().local(self.now())
    }
}

/// The machine's own clock and time zone.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may ask")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn zone(&self) -> Zone {
        Zone::of(Local)
    }
}

trait Rules: Send + Sync {
    fn offset_at(&self, at: NaiveDateTime) -> FixedOffset;
    fn instants(&self, wall: NaiveDateTime) -> Vec<DateTime<Utc>>;
}

impl<Z: TimeZone + Send + Sync> Rules for Z {
    fn offset_at(&self, at: NaiveDateTime) -> FixedOffset {
        self.offset_from_utc_datetime(&at).fix()
    }

    fn instants(&self, wall: NaiveDateTime) -> Vec<DateTime<Utc>> {
        let found = self.from_local_datetime(&wall);
        let mut instants: Vec<_> =
            found.clone().earliest().into_iter().chain(found.latest()).map(|at| at.to_utc()).collect();
        instants.sort_unstable();
        instants.dedup();
        instants
    }
}

/// The rules of a time zone, whichever library they come from.
#[derive(Clone)]
pub struct Zone(Arc<dyn Rules>);

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Zone")
    }
}

impl Zone {
    /// The zone with the rules of `zone`.
    pub fn of<Z: TimeZone + Send + Sync + 'static>(zone: Z) -> Self {
        Self(Arc::new(zone))
    }

    /// The instant as a clock on the wall shows it in this zone.
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        at.with_timezone(&self.0.offset_at(at.naive_utc()))
    }

    /// The instants at which a clock on the wall shows `wall`, in order: one as a rule, none in the hour that a change of
    /// daylight saving time skips, two in the hour that it repeats.
    pub fn instants(&self, wall: NaiveDateTime) -> Vec<DateTime<Utc>> {
        self.0.instants(wall)
    }
}

/// What happened to the time of day between two looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It went on as the monotonic clock did.
    Steady,
    /// It is ahead of the monotonic clock by this much: the machine slept, or its clock was set forward.
    Forward(TimeDelta),
    /// It is behind by this much (given as a positive length): the clock was set back.
    Back(TimeDelta),
}

/// Compares the time of day with the monotonic clock from look to look.
#[derive(Clone, Debug)]
pub struct JumpWatch {
    wall: DateTime<Utc>,
    steady: Instant,
}

impl JumpWatch {
    /// Differences up to this many seconds are the ordinary corrections of a time service.
    pub const TOLERANCE_SECS: i64 = 5;

    /// Starts to watch at `wall`, now.
    pub fn start(wall: DateTime<Utc>) -> Self {
        Self { wall, steady: Instant::now() }
    }

    /// What happened since the last look, with the time of day now.
    pub fn look(&mut self, wall: DateTime<Utc>) -> Passage {
        let steady = Instant::now();
        let expected = TimeDelta::from_std(steady - self.steady).unwrap_or(TimeDelta::MAX);
        let ahead = (wall - self.wall).checked_sub(&expected).unwrap_or(TimeDelta::MIN);
        *self = Self { wall, steady };
        let tolerance = TimeDelta::seconds(Self::TOLERANCE_SECS);
        if ahead > tolerance {
            Passage::Forward(ahead)
        } else if ahead < -tolerance {
            Passage::Back(-ahead)
        } else {
            Passage::Steady
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn wall(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        let month = if day > 10 { 2 } else { 11 };
        NaiveDate::from_ymd_opt(2018, month, day).unwrap().and_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn a_skipped_hour_has_no_instant_and_a_repeated_one_has_two() {
        let zone = Zone::of(chrono_tz::America::Sao_Paulo);
        assert_eq!(zone.instants(wall(4, 0, 30)).len(), 0, "skipped on 2018-11-04");
        assert_eq!(zone.instants(wall(4, 1, 30)).len(), 1);
        let twice = zone.instants(wall(17, 23, 30));
        assert_eq!(twice.len(), 2, "repeated on 2018-02-17");
        assert_eq!(twice[1] - twice[0], TimeDelta::hours(1));
        assert!(twice.iter().all(|at| zone.local(*at).naive_local() == wall(17, 23, 30)));
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_and_a_clock_that_is_set_are_told_from_the_passing_of_time() {
        let start = Utc.timestamp_opt(1_530_000_000, 0).unwrap();
        let mut watch = JumpWatch::start(start);
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        assert_eq!(watch.look(start + TimeDelta::seconds(61)), Passage::Steady);
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        assert_eq!(
            watch.look(start + TimeDelta::seconds(7_321)),
            Passage::Forward(TimeDelta::seconds(7_200))
        );
        assert_eq!(watch.look(start), Passage::Back(TimeDelta::seconds(7_321)));
    }
}
