//! Tests of the schedule: what crontabs mean, both changes of daylight saving time, clocks that were set.

use super::crontab::Fields;
use super::*;
use chrono::{NaiveDate, TimeZone, Timelike};
use proptest::prelude::*;

/// A zone that changed its clocks: an hour skipped at 2018-11-04 00:00, an hour repeated from 2018-02-17 23:00.
fn shop() -> Zone {
    Zone::of(chrono_tz::America::Sao_Paulo)
}

fn utc(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap().and_utc()
}

/// The `count` next due times after a time of the wall in UTC, as the wall shows them.
fn walls(schedule: &str, after: &str, zone: &Zone, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(schedule).unwrap();
    let next = |at: &DateTime<Utc>| schedule.next_after(*at, zone);
    let times = std::iter::successors(next(&utc(after)), next).take(count);
    times.map(|time| zone.local(time).format("%a %d %H:%M %:z").to_string()).collect()
}

/// The weekdays (0 = Sunday … 6) on which `field` is due.
fn weekdays(field: &str) -> Vec<u32> {
    let fields: Fields = crontab::parse(&format!("0 0 * * {field}")).unwrap();
    let sunday = NaiveDate::from_ymd_opt(2024, 9, 1).unwrap();
    (0..7).filter(|day| fields.fits(sunday + TimeDelta::days(i64::from(*day)))).collect()
}

#[test]
fn weekdays_count_as_in_every_crontab() {
    assert_eq!(weekdays("0"), [0]);
    assert_eq!(weekdays("7"), [0]);
    assert_eq!(weekdays("1-5"), [1, 2, 3, 4, 5]);
    assert_eq!(weekdays("6,7"), [0, 6]);
    assert_eq!(weekdays("5-7"), [0, 5, 6]);
    assert_eq!(weekdays("0-7"), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(weekdays("1-7"), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(weekdays("*"), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(weekdays("*/2"), [0, 2, 4, 6]);
    assert_eq!(weekdays("1-5/2"), [1, 3, 5]);
}

#[test]
fn weekdays_have_english_and_portuguese_names() {
    for (english, portuguese) in [
        ("mon-fri", "seg-sex"),
        ("SUN", "Dom"),
        ("tue,thu", "ter,qui"),
        ("wednesday", "quarta-feira"),
        ("Tuesday-Thursday", "terça-feira-Quinta-Feira"),
        ("tue", "TERÇA"),
        ("sat", "sáb"),
        ("sat", "sab"),
        ("sat-sun", "sábado-domingo"),
        ("monday-friday/2", "segunda-sexta/2"),
    ] {
        assert_eq!(weekdays(english), weekdays(portuguese), "{english} {portuguese}");
    }
    assert_eq!(weekdays("mon"), [1]);
    assert_eq!(weekdays("sat"), [6]);
}

#[test]
fn ranges_wrap() {
    assert_eq!(weekdays("fri-mon"), [0, 1, 5, 6]);
    assert_eq!(weekdays("7-1"), [0, 1]);
    assert_eq!(weekdays("sat-0"), [0, 6]);
    let zone = Zone::of(Utc);
    assert_eq!(
        walls("0 22-1 * * *", "2024-09-01 12:00:00", &zone, 5),
        [
            "Sun 01 22:00 +00:00",
            "Sun 01 23:00 +00:00",
            "Mon 02 00:00 +00:00",
            "Mon 02 01:00 +00:00",
            "Mon 02 22:00 +00:00"
        ]
    );
    assert_eq!(
        walls("50-10/10 9 * * *", "2024-09-01 12:00:00", &zone, 3).join(" "),
        "Mon 02 09:00 +00:00 Mon 02 09:10 +00:00 Mon 02 09:50 +00:00"
    );
}

#[test]
fn either_day_is_enough_where_both_are_given() {
    let zone = Zone::of(Utc);
    let either = walls("0 8 13 * fri", "2024-09-01 00:00:00", &zone, 6);
    let days: Vec<_> = either.iter().map(|wall| &wall[..6]).collect();
    assert_eq!(days, ["Fri 06", "Fri 13", "Fri 20", "Fri 27", "Fri 04", "Fri 11"]);
    let either = walls("0 8 1,15 * seg", "2024-09-01 09:00:00", &zone, 5);
    let days: Vec<_> = either.iter().map(|wall| &wall[..6]).collect();
    assert_eq!(days, ["Mon 02", "Mon 09", "Sun 15", "Mon 16", "Mon 23"]);
    let both = walls("0 8 */10 * mon", "2024-09-01 00:00:00", &zone, 2);
    assert_eq!(
        both,
        ["Mon 21 08:00 +00:00", "Mon 11 08:00 +00:00"],
        "a field that begins with * restricts nothing"
    );
}

#[test]
fn the_default_is_every_hour_and_the_words_are_known() {
    let zone = Zone::of(Utc);
    for every_hour in ["0 * * * *", "@hourly", " @Hourly ", "0\t*  * * *"] {
        assert_eq!(
            walls(every_hour, "2024-02-28 22:59:59", &zone, 2),
            ["Wed 28 23:00 +00:00", "Thu 29 00:00 +00:00"]
        );
    }
    assert_eq!(walls("@monthly", "2024-12-31 23:59:59", &zone, 1), ["Wed 01 00:00 +00:00"]);
    assert_eq!(walls("0 12 29 fev *", "2024-03-01 00:00:00", &zone, 1), ["Tue 29 12:00 +00:00"]);
}

#[test]
fn what_is_no_schedule_is_refused_with_the_part_that_is_wrong() {
    for (text, found) in [
        ("", ""),
        ("0 * * *", "0 * * *"),
        ("0 0 * * * *", "0 0 * * * *"),
        ("@reboot", "@reboot"),
        ("60 * * * *", "60"),
        ("0 24 * * *", "24"),
        ("0 * 0 * *", "0"),
        ("0 * * 13 *", "13"),
        ("0 * * * 8", "8"),
        ("0 * * * funday", "funday"),
        ("0 * * * 5L", "5L"),
        ("0 * ? * *", "?"),
        ("*/0 * * * *", "*/0"),
        ("*/61 * * * *", "*/61"),
        ("5/15 * * * *", "5/15"),
        ("0, * * * *", "0,"),
        ("1--3 * * * *", "1--3"),
        ("1-2-3 * * * *", "1-2-3"),
        ("001 * * * *", "001"),
        ("-1 * * * *", "-1"),
        ("0 0 31 feb *", "0 0 31 feb *"),
        ("0 0 31 4,6,9,11 *", "0 0 31 4,6,9,11 *"),
    ] {
        let refused = Schedule::parse(text).unwrap_err();
        assert_eq!(refused.found, found, "{text}");
        assert!(!refused.expected.pt.is_empty() && refused.expected.pt != refused.expected.en);
    }
    insta::assert_snapshot!(Schedule::parse("0 25 * * *").unwrap_err().expected.pt, @"no campo «hora»: números de 0 a 23, com *, listas 0,30, faixas 8-18 e passos */15");
}

#[test]
fn a_skipped_hour_has_nothing_due() {
    // 2018-11-03 23:00 -03:00 is 02:00 UTC on the 4th; the next hour of the wall is 01:00 -02:00.
    assert_eq!(
        walls("0 * * * *", "2018-11-04 01:00:00", &shop(), 3),
        ["Sat 03 23:00 -03:00", "Sun 04 01:00 -02:00", "Sun 04 02:00 -02:00"]
    );
    assert_eq!(
        walls("30 0 * * *", "2018-11-03 12:00:00", &shop(), 1),
        ["Mon 05 00:30 -02:00"],
        "once a day, in the skipped hour"
    );
}

#[test]
fn a_repeated_hour_is_due_twice() {
    assert_eq!(
        walls("0 * * * *", "2018-02-18 00:30:00", &shop(), 3),
        ["Sat 17 23:00 -02:00", "Sat 17 23:00 -03:00", "Sun 18 00:00 -03:00"]
    );
    assert_eq!(
        walls("0,45 23 * * *", "2018-02-18 00:30:00", &shop(), 5),
        [
            "Sat 17 23:00 -02:00",
            "Sat 17 23:45 -02:00",
            "Sat 17 23:00 -03:00",
            "Sat 17 23:45 -03:00",
            "Sun 18 23:00 -03:00"
        ],
        "in the order of the instants, not of the wall"
    );
}

fn hourly(last: Option<&str>, now: &str) -> Due {
    Schedule::parse("0 * * * *").unwrap().due(last.map(utc), utc(now), &shop())
}

#[test]
fn the_first_backup_is_due_at_once() {
    assert_eq!(hourly(None, "2024-01-01 12:34:56"), Due::Now { trigger: Trigger::First });
}

#[test]
fn after_a_run_the_next_hour_is_due_and_not_before() {
    let last = Some("2024-01-01 12:00:03");
    assert_eq!(hourly(last, "2024-01-01 12:00:04"), Due::At(utc("2024-01-01 13:00:00")));
    assert_eq!(hourly(last, "2024-01-01 12:59:59"), Due::At(utc("2024-01-01 13:00:00")));
    assert_eq!(hourly(last, "2024-01-01 13:00:00"), Due::Now { trigger: Trigger::Schedule });
    assert_eq!(hourly(last, "2024-01-01 13:01:30"), Due::Now { trigger: Trigger::Schedule });
    assert_eq!(
        hourly(Some("2024-01-01 13:00:00"), "2024-01-01 13:00:00"),
        Due::At(utc("2024-01-01 14:00:00"))
    );
}

#[test]
fn missed_hours_become_one_catch_up() {
    let last = Some("2024-01-01 12:00:03");
    let late = "2024-01-04 07:31:00";
    assert_eq!(hourly(last, late), Due::Now { trigger: Trigger::CatchUp });
    assert_eq!(
        hourly(Some(late), "2024-01-04 07:31:01"),
        Due::At(utc("2024-01-04 08:00:00")),
        "one, not sixty-seven"
    );
    assert_eq!(
        hourly(last, "2024-01-04 08:00:10"),
        Due::Now { trigger: Trigger::Schedule },
        "the hour itself makes up too"
    );
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_backups() {
    let future = Some("2024-01-02 12:00:03");
    assert_eq!(hourly(future, "2024-01-01 12:10:00"), Due::Now { trigger: Trigger::CatchUp });
    assert_eq!(
        hourly(Some("2024-01-01 12:10:00"), "2024-01-01 12:10:30"),
        Due::At(utc("2024-01-01 13:00:00"))
    );
}

#[test]
fn a_correction_of_seconds_makes_no_run_of_its_own() {
    assert_eq!(
        hourly(Some("2024-01-01 12:00:01"), "2024-01-01 11:59:58"),
        Due::At(utc("2024-01-01 12:00:00"))
    );
    assert_eq!(
        hourly(Some("2024-01-01 12:03:01"), "2024-01-01 11:59:58"),
        Due::At(utc("2024-01-01 12:00:00"))
    );
}

#[test]
fn a_clock_a_year_ahead_makes_one_catch_up_and_none_when_it_comes_back_beyond_one() {
    assert_eq!(
        hourly(Some("2024-01-01 12:00:03"), "2025-01-01 12:30:00"),
        Due::Now { trigger: Trigger::CatchUp }
    );
    assert_eq!(
        hourly(Some("2025-01-01 12:30:00"), "2025-01-01 12:31:00"),
        Due::At(utc("2025-01-01 13:00:00"))
    );
    assert_eq!(
        hourly(Some("2025-01-01 12:30:00"), "2024-01-01 12:32:00"),
        Due::Now { trigger: Trigger::CatchUp }
    );
    assert_eq!(
        hourly(Some("2024-01-01 12:32:00"), "2024-01-01 12:33:00"),
        Due::At(utc("2024-01-01 13:00:00"))
    );
}

#[test]
fn clocks_beyond_the_calendar_are_survived() {
    let schedule = Schedule::parse("0 * * * *").unwrap();
    for now in [DateTime::<Utc>::MAX_UTC, utc("2101-06-01 00:00:00")] {
        assert_eq!(schedule.due(Some(now), now, &shop()), Due::Never);
        assert_eq!(schedule.due(None, now, &shop()), Due::Now { trigger: Trigger::First });
    }
    let epoch = utc("1970-01-01 03:00:00");
    assert_eq!(
        schedule.due(Some(utc("1969-01-01 00:00:00")), utc("1969-01-01 00:00:01"), &shop()),
        Due::At(epoch)
    );
    let never_set = Some(DateTime::<Utc>::MIN_UTC);
    assert_eq!(
        schedule.due(never_set, utc("2024-01-01 00:30:00"), &shop()),
        Due::Now { trigger: Trigger::CatchUp }
    );
}

#[test]
fn the_longest_gap_is_that_of_the_wall() {
    let hours = |text: &str| Schedule::parse(text).unwrap().longest_gap().num_minutes() as f64 / 60.0;
    assert_eq!(hours("0 * * * *"), 1.0);
    assert_eq!(hours("*/15 * * * *"), 0.25);
    assert_eq!(hours("0 8-18 * * *"), 14.0);
    assert_eq!(hours("0 8-18 * * seg-sex"), 62.0);
    assert_eq!(hours("30 12 * * *"), 24.0);
    assert_eq!(hours("@weekly"), 168.0);
}

/// Whether the wall's minute fits a field, told apart from the code under test: values only, no names.
fn fits(field: &str, value: u32) -> bool {
    field.split(',').any(|item| {
        let (range, step) =
            item.split_once('/').map_or((item, 1), |(range, step)| (range, step.parse().unwrap()));
        let (from, to): (u32, u32) = match range.split_once('-') {
            Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
            None if range == "*" => (0, 59),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        // Days begin with 1, so a step over all of them does.
        let origin = if range == "*" && step > 1 { None } else { Some(from) };
        (from..=to).contains(&value) && origin.is_none_or(|origin| (value - origin).is_multiple_of(step))
    })
}

fn field(range: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = String> {
    let value = range.clone();
    let pair = (range.clone(), range).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    let item = prop_oneof![
        value.prop_map(|value| value.to_string()),
        pair.clone(),
        (pair, 1u32..5).prop_map(|(pair, step)| format!("{pair}/{step}"))
    ];
    prop_oneof![Just("*".to_owned()), proptest::collection::vec(item, 1..4).prop_map(|items| items.join(","))]
}

proptest! {
    #[test]
    fn the_next_time_is_the_first_minute_of_the_wall_that_fits(
        minute in field(0..=59), hour in field(0..=23), weekday in field(0..=6),
        // Around both changes of 2018 and on an ordinary day.
        start in prop_oneof![Just("2018-02-17 20:00:00"), Just("2018-11-03 22:00:00"), Just("2018-06-28 00:00:00")],
        offset in 0i64..600,
    ) {
        let schedule = Schedule::parse(&format!("{minute} {hour} * * {weekday}")).unwrap();
        let zone = shop();
        let after = utc(start) + TimeDelta::minutes(offset);
        let horizon = 60 * 30;
        let expected = (1..horizon).map(|minutes| after + TimeDelta::minutes(minutes)).find(|at| {
            let wall = zone.local(*at);
            fits(&minute, wall.minute()) && fits(&hour, wall.hour()) && fits(&weekday, wall.weekday().num_days_from_sunday())
        });
        let found = schedule.next_after(after, &zone).filter(|at| *at - after < TimeDelta::minutes(horizon));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in "[ -~çáéã@*/,-]{0,30}|([0-9*,/-]{1,6} ){4}[0-9a-z*,/-]{1,6}") {
        if let Ok(schedule) = Schedule::parse(&text) {
            let next = schedule.next_after(utc("2024-01-01 00:00:00"), &shop());
            prop_assert!(next.is_some(), "what can never be due is refused");
            prop_assert_eq!(Schedule::parse(&schedule.to_string()).unwrap(), schedule);
        }
    }

    #[test]
    fn every_set_of_fields_has_a_translation(
        minute in field(0..=59), hour in field(0..=23), day in field(1..=28), month in field(1..=12), weekday in field(0..=7),
    ) {
        let text = format!("{minute} {hour} {day} {month} {weekday}");
        prop_assert!(Schedule::parse(&text).is_ok(), "{}", text);
    }

    #[test]
    fn whatever_the_clock_does_a_backup_stays_due_within_the_longest_gap(last in 0i64..4_000_000_000, now in 0i64..4_000_000_000) {
        let at = |secs| Utc.timestamp_opt(secs, 0).unwrap();
        let schedule = Schedule::parse("0 8-18 * * 1-5").unwrap();
        match schedule.due(Some(at(last)), at(now), &shop()) {
            Due::Now { .. } => {}
            Due::At(next) => {
                prop_assert!(next > at(now));
                prop_assert!(next - at(now) <= schedule.longest_gap() + TimeDelta::hours(1));
            }
            Due::Never => prop_assert!(false, "the calendar goes on"),
        }
    }
}
