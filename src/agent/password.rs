//! The password with which the program is closed (DM4): the day's date as `ddmmaaaa`. It guards against slips and is no secret.
//! Pure.

use crate::clock::Zone;
use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
use std::time::Duration;
use tokio::time::Instant;

/// Past midnight the old day's password holds for this long: somebody may be typing.
const GRACE: TimeDelta = TimeDelta::seconds(60);

/// Wrong passwords in a row before the next one has to wait.
const FREE_GUESSES: u32 = 5;

/// How long it then waits, after each further wrong one.
const WAIT: Duration = Duration::from_secs(30);

/// After this long without a guess the earlier ones are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// Whether `typed` is the password at `now`. Blanks around it do not count.
pub fn is_right(typed: &str, now: DateTime<FixedOffset>, zone: &Zone) -> bool {
    let just_before = zone.local(now.to_utc() - GRACE);
    let typed = typed.trim();
    [now, just_before].into_iter().any(|at| of(at.date_naive()) == typed)
}

fn of(day: NaiveDate) -> String {
    day.format("%d%m%Y").to_string()
}

/// The wrong passwords of the last while.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guesses {
    wrong: u32,
    last: Option<Instant>,
}

impl Guesses {
    /// How long the next password still has to wait; `None` where it need not.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        if self.wrong < FREE_GUESSES {
            return None;
        }
        let over = self.last? + WAIT;
        (now < over).then(|| over - now)
    }

    /// A wrong one was typed.
    pub fn note_wrong(&mut self, now: Instant) {
        if self.last.is_some_and(|last| now.duration_since(last) >= FORGOTTEN_AFTER) {
            self.wrong = 0;
        }
        self.wrong = self.wrong.saturating_add(1);
        self.last = Some(now);
    }

    /// The right one was typed.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use chrono_tz::America;

    fn right(typed: &str, at: &str, zone: &Zone) -> bool {
        let at = DateTime::parse_from_rfc3339(at).unwrap();
        is_right(typed, zone.local(at.with_timezone(&Utc)), zone)
    }

    #[test]
    fn the_password_is_the_date_of_the_shops_own_day() {
        let zone = Zone::of(America::Sao_Paulo);
        assert!(right("28062022", "2022-06-28T09:30:00-03:00", &zone), "the manual's example");
        assert!(right(" 28062022\r\n", "2022-06-28T23:59:59-03:00", &zone));
        for wrong in
            ["27062022", "29062022", "28/06/2022", "2862022", "20220628", "06282022", "", "28062022x"]
        {
            assert!(!right(wrong, "2022-06-28T09:30:00-03:00", &zone), "{wrong}");
        }
        // In London it is the 29th already.
        assert!(right("28062022", "2022-06-29T01:30:00+00:00", &zone));
        assert!(right("29062022", "2022-06-29T01:30:00+00:00", &Zone::of(Utc)));
        assert!(
            right("29062022", "2022-06-29T04:30:00+00:00", &Zone::of(America::Manaus)),
            "half past midnight"
        );
    }

    #[test]
    fn yesterdays_holds_for_a_minute_past_midnight() {
        let zone = Zone::of(America::Sao_Paulo);
        assert!(right("28062022", "2022-06-29T00:00:00-03:00", &zone));
        assert!(right("28062022", "2022-06-29T00:00:59-03:00", &zone));
        assert!(!right("28062022", "2022-06-29T00:01:00-03:00", &zone));
        assert!(right("29062022", "2022-06-29T00:00:00-03:00", &zone));
        assert!(!right("29062022", "2022-06-28T23:59:59-03:00", &zone), "tomorrow's never");
    }

    #[test]
    fn the_minute_counts_from_the_days_own_beginning_where_midnight_is_skipped() {
        // On 4 November 2018 the day began at one o'clock in São Paulo.
        let zone = Zone::of(America::Sao_Paulo);
        assert!(right("03112018", "2018-11-04T01:00:59-02:00", &zone));
        assert!(!right("03112018", "2018-11-04T01:01:00-02:00", &zone));
        // On 18 February 2018 midnight came twice: the clock went back to 23:00 of the 17th.
        assert!(right("17022018", "2018-02-17T23:30:00-03:00", &zone));
        assert!(!right("18022018", "2018-02-17T23:30:00-03:00", &zone));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_guesses_has_to_wait() {
        let mut guesses = Guesses::default();
        for _ in 0..5 {
            assert_eq!(guesses.wait(Instant::now()), None);
            guesses.note_wrong(Instant::now());
        }
        assert_eq!(guesses.wait(Instant::now()), Some(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(guesses.wait(Instant::now()), None);
        guesses.note_wrong(Instant::now());
        assert!(guesses.wait(Instant::now()).is_some(), "each further one costs the same");
        tokio::time::advance(Duration::from_secs(600)).await;
        guesses.note_wrong(Instant::now());
        assert_eq!(guesses.wait(Instant::now()), None, "an old slip is forgotten");
        guesses.forget();
        assert_eq!(guesses.wait(Instant::now()), None);
    }
}
