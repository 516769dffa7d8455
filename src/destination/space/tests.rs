//! Tests of the planning of space: what yields, and what never does.

use super::*;
use crate::slot::YIELDS_AFTER;
use chrono::TimeDelta;
use proptest::prelude::*;
use std::collections::BTreeSet;

const GIB: u64 = 1 << 30;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// A day's 24 backups of 1 GiB, the newest an hour old, and its dump of 4 GiB.
fn full_day() -> Present {
    let hours = Hour::ALL.into_iter().enumerate().map(|(at, hour)| HeldHour {
        hour,
        sequence: 100 + at as u64,
        begun: now() - TimeDelta::hours(24 - at as i64),
        bytes: GIB,
        pending: false,
        shared: at == 23,
    });
    Present {
        dump: Some(OldDump { bytes: 4 * GIB, zip_verified: true }),
        hours: hours.collect(),
        other_sets_bytes: 6 * GIB,
    }
}

const NEED: Need = Need { dump_bytes: 4 * GIB, zip_bytes: GIB, reserve_bytes: GIB };

#[test]
fn nothing_yields_while_there_is_room() {
    let plan = plan(&NEED, 6 * GIB, &full_day(), now(), 6);
    assert_eq!(plan, Plan { fits: true, releases: vec![], missing_bytes: 0, hours_that_fit: 24 });
}

#[test]
fn the_old_dump_yields_before_any_hour_and_the_oldest_hour_before_the_next() {
    let first = plan(&NEED, 2 * GIB, &full_day(), now(), 6);
    assert_eq!(first.releases, [Release::Dump { bytes: 4 * GIB }]);
    let more = plan(&NEED, GIB, &full_day(), now(), 6);
    let oldest = |at: usize| Release::Hour { hour: Hour::ALL[at], bytes: GIB };
    assert_eq!(more.releases, [Release::Dump { bytes: 4 * GIB }, oldest(0)]);
    let dump_less = Present { dump: None, ..full_day() };
    let hours = plan(&NEED, 3 * GIB, &dump_less, now(), 6);
    assert_eq!(hours.releases, [oldest(0), oldest(1), oldest(2)]);
}

#[test]
fn an_unverified_zip_keeps_its_dump() {
    let present = Present { dump: Some(OldDump { bytes: 4 * GIB, zip_verified: false }), ..full_day() };
    let plan = plan(&NEED, 5 * GIB, &present, now(), 6);
    assert_eq!(plan.releases, [Release::Hour { hour: Hour::ALL[0], bytes: GIB }]);
}

#[test]
fn what_does_not_fit_even_so_costs_nothing() {
    let need = Need { dump_bytes: 40 * GIB, ..NEED };
    let plan = plan(&need, GIB, &full_day(), now(), 6);
    // The dump and the twelve hours that are older than twelve hours would have yielded.
    assert_eq!(
        plan,
        Plan { fits: false, releases: vec![], missing_bytes: (42 - 1 - 4 - 12) * GIB, hours_that_fit: 0 }
    );
}

#[test]
fn a_clock_that_was_set_back_makes_nothing_yield_but_the_dump() {
    let plan = plan(&NEED, 2 * GIB - 1, &full_day(), now() - TimeDelta::days(2), 6);
    assert!(!plan.fits);
    assert_eq!(plan.missing_bytes, 1);
}

fn held_hours() -> impl Strategy<Value = Vec<HeldHour>> {
    let one = (0_u8..24, 1_u64..1000, -30_i64..400, 0..4 * GIB, any::<bool>(), any::<bool>());
    prop::collection::vec(one, 0..30).prop_map(|all| {
        let mut seen = BTreeSet::new();
        all.into_iter()
            .filter(|(hour, sequence, ..)| seen.insert((Some(*hour), 0)) && seen.insert((None, *sequence)))
            .map(|(hour, sequence, age, bytes, pending, shared)| HeldHour {
                hour: Hour::new(hour).unwrap(),
                sequence,
                begun: now() - TimeDelta::hours(age),
                bytes,
                pending,
                shared,
            })
            .collect()
    })
}

fn present() -> impl Strategy<Value = Present> {
    let dump = prop::option::of((0..9 * GIB, any::<bool>()));
    (dump, held_hours(), 0..9 * GIB).prop_map(|(dump, hours, other_sets_bytes)| Present {
        dump: dump.map(|(bytes, zip_verified)| OldDump { bytes, zip_verified }),
        hours,
        other_sets_bytes,
    })
}

fn need() -> impl Strategy<Value = Need> {
    (0..20 * GIB, 0..5 * GIB, 0..3 * GIB).prop_map(|(dump_bytes, zip_bytes, reserve_bytes)| Need {
        dump_bytes,
        zip_bytes,
        reserve_bytes,
    })
}

fn released_hours<'a>(plan: &Plan, present: &'a Present) -> Vec<&'a HeldHour> {
    plan.releases
        .iter()
        .filter_map(|release| match release {
            Release::Dump { .. } => None,
            Release::Hour { hour, .. } => present.hours.iter().find(|held| held.hour == *hour),
        })
        .collect()
}

proptest! {
    #[test]
    fn only_what_may_go_ever_yields(need in need(), free in 0..20 * GIB, present in present(), floor in 0_u8..30) {
        let plan = plan(&need, free, &present, now(), floor);
        let newest = present.hours.iter().map(|held| held.sequence).max();
        let released = released_hours(&plan, &present);
        for held in &released {
            prop_assert!(Some(held.sequence) != newest, "the newest");
            prop_assert!(!held.pending, "still to be copied");
            prop_assert!(!held.shared, "a weekday's or the newest's file");
            prop_assert!(now() - held.begun > YIELDS_AFTER, "younger than twelve hours");
        }
        let left = present.hours.len() - released.len();
        prop_assert!(left >= present.hours.len().min(usize::from(floor)), "below the floor");
        prop_assert!(released.is_sorted_by_key(|held| held.sequence), "the oldest first");
        let dump_at = plan.releases.iter().position(|release| matches!(release, Release::Dump { .. }));
        prop_assert!(dump_at.is_none_or(|at| at == 0 && present.dump.unwrap().zip_verified));
        prop_assert!(released.is_empty() || dump_at.is_some() || present.dump.is_none_or(|dump| !dump.zip_verified));
    }

    #[test]
    fn what_yields_is_enough_and_not_more(need in need(), free in 0..20 * GIB, present in present(), floor in 0_u8..30) {
        let plan = plan(&need, free, &present, now(), floor);
        let freed: u64 = plan.releases.iter().map(Release::bytes).sum();
        if plan.fits {
            prop_assert!(free + freed >= need.total_bytes());
            prop_assert_eq!(plan.missing_bytes, 0);
            if let Some(last) = plan.releases.last() {
                prop_assert!(free + freed - last.bytes() < need.total_bytes(), "one release too many");
            }
        } else {
            prop_assert!(plan.releases.is_empty(), "given up for nothing");
            prop_assert!(plan.missing_bytes > 0);
        }
    }

    #[test]
    fn more_room_never_costs_more(need in need(), free in 0..20 * GIB, more in 0..9 * GIB, present in present()) {
        let tight = plan(&need, free, &present, now(), 6);
        let roomy = plan(&need, free + more, &present, now(), 6);
        prop_assert!(!tight.fits || roomy.fits);
        prop_assert!(!tight.fits || roomy.releases.len() <= tight.releases.len());
        prop_assert!(roomy.hours_that_fit >= tight.hours_that_fit);
        prop_assert!(roomy.hours_that_fit <= 24);
    }

    #[test]
    fn no_figure_overflows(dump in any::<u64>(), zip in any::<u64>(), reserve in any::<u64>(), free in any::<u64>()) {
        let need = Need { dump_bytes: dump, zip_bytes: zip, reserve_bytes: reserve };
        let told = plan(&need, free, &full_day(), now(), 6);
        prop_assert!(told.hours_that_fit <= 24);
    }
}
