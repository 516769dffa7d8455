//! Tests of the slots: the manual's own examples, and the rules of yielding under any history.

use super::*;
use chrono::TimeZone;
use proptest::prelude::*;

fn at(day: u32, hour: u32, minute: u32) -> DateTime<FixedOffset> {
    let zone = FixedOffset::west_opt(3 * 3600).unwrap();
    zone.with_ymd_and_hms(2022, 6, day, hour, minute, 0).unwrap()
}

#[test]
fn the_same_hour_replaces_whatever_the_minutes_and_the_day() {
    let manual = replaced_by(at(29, 9, 30))[0];
    assert_eq!(manual.path(&ArchiveName::default()), "09h/MCDados.zip");
    assert_eq!(replaced_by(at(29, 9, 40))[0], manual, "DM27");
    assert_eq!(replaced_by(at(30, 9, 0))[0], manual, "DM28");
    assert_ne!(replaced_by(at(29, 10, 0))[0], manual);
}

#[test]
fn a_new_backup_takes_its_hour_then_the_newest_then_its_weekday() {
    let paths = replaced_by(at(29, 0, 5)).map(|set| set.path(&ArchiveName::default()));
    assert_eq!(paths, ["00h/MCDados.zip", "MCDados.zip", "Quarta/MCDados.zip"]);
    assert_eq!(replaced_by(at(28, 23, 59))[2], Set::Day(Day::Terca), "the day of the wall, not of Greenwich");
}

#[test]
fn hours_are_read_as_people_write_them() {
    for text in ["9", "09", "9h", "09h", "09H"] {
        assert_eq!(text.parse::<Hour>(), Ok(Hour(9)), "{text}");
    }
    for text in ["", "h", "24", "-1", "+9", "009", "9 h", "9hh", "²"] {
        assert_eq!(text.parse::<Hour>(), Err(NotASlot::Hour), "{text}");
    }
}

#[test]
fn sets_have_names_of_their_own_that_read_back() {
    let names: std::collections::HashSet<_> = Set::all().map(|set| set.to_string().to_lowercase()).collect();
    assert_eq!(names.len(), 32);
    for set in Set::all() {
        assert_eq!(set.to_string().parse::<Set>(), Ok(set));
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<Set>(&json).unwrap(), set);
    }
    assert_eq!(serde_json::to_string(&Hour(9)).unwrap(), "9");
    assert!(serde_json::from_str::<Hour>("24").is_err());
    assert_eq!("DOMINGO".parse::<Set>(), Ok(Set::Day(Day::Domingo)));
}

#[test]
fn names_that_some_system_does_not_take_are_refused() {
    use NotAFileName::*;
    let refused = [
        ("", Empty),
        ("a/b", Character('/')),
        ("a\\b", Character('\\')),
        ("c:", Character(':')),
        ("a\0", Character('\0')),
        ("a\u{7f}", Character('\u{7f}')),
        ("x*", Character('*')),
        (".", Edge),
        ("..", Edge),
        (".oculto", Edge),
        ("fim.", Edge),
        ("fim ", Edge),
        ("nul", Device),
        ("NUL.2024", Device),
        ("Nul .a", Device),
        ("com1", Device),
        ("LPT³", Device),
        ("conout$", Device),
        ("09h", Taken),
        ("9", Taken),
        ("segunda", Taken),
        ("Newest", Taken),
        ("Resgate", Taken),
    ];
    for (name, why) in refused {
        assert_eq!(ArchiveName::new(name), Err(why), "{name:?}");
    }
    assert_eq!(ArchiveName::new(&"á".repeat(51)), Err(TooLong));
    for name in ["MCDados", "Loja 12", "farmácia", "a.b", "com10", "COM", "console", "24", "comé"] {
        assert_eq!(ArchiveName::new(name).unwrap().zip(), format!("{name}.zip"));
    }
}

fn slot(hour: u8, sequence: u64, hours_old: i64) -> SlotAge {
    let begun = Utc.timestamp_opt(1_700_000_000 - hours_old * 3600, 0).unwrap();
    SlotAge { hour: Hour(hour), sequence, begun, pending: false }
}

fn now() -> DateTime<Utc> {
    Utc.timestamp_opt(1_700_000_000, 0).unwrap()
}

#[test]
fn the_oldest_hours_yield_first_and_the_last_half_day_never() {
    let mut slots: Vec<_> =
        (0..24u8).map(|age| slot(23 - age, 100 - u64::from(age), i64::from(age))).collect();
    let order = yield_order(&slots, now(), 6);
    assert_eq!(order, (0..11).map(Hour).collect::<Vec<_>>(), "23 h old first, 13 h old last");
    slots[23].pending = true;
    assert_eq!(yield_order(&slots, now(), 6)[0], Hour(1), "the oldest is still to be copied");
    assert_eq!(yield_order(&slots, now(), 20).len(), 4);
    assert!(yield_order(&slots, now(), 24).is_empty());
}

#[test]
fn a_clock_that_jumped_makes_nothing_yield_that_is_newest() {
    let slots = [slot(8, 1, 48), slot(9, 2, 47), slot(10, 3, 46)];
    let in_a_year = now() + TimeDelta::days(365);
    assert_eq!(yield_order(&slots, in_a_year, 0), [Hour(8), Hour(9)], "the newest by sequence stays");
    let a_year_ago = now() - TimeDelta::days(365);
    assert!(yield_order(&slots, a_year_ago, 0).is_empty(), "backups from the future are not old");
}

proptest! {
    #[test]
    fn yielding_never_breaks_its_promises(
        slots in proptest::collection::vec((0u64..40, -30i64..100, any::<bool>()), 0..24),
        floor in 0u8..30,
    ) {
        let slots: Vec<_> = slots.iter().zip(Hour::ALL)
            .map(|(&(sequence, age, pending), hour)| SlotAge { pending, ..slot(hour.number(), sequence, age) })
            .collect();
        let order = yield_order(&slots, now(), floor);
        let left = slots.len() - order.len();
        prop_assert!(order.is_empty() || left >= usize::from(floor));
        let of = |hour: &Hour| slots.iter().find(|slot| slot.hour == *hour).unwrap();
        prop_assert!(order.iter().map(|hour| of(hour).sequence).is_sorted());
        for hour in &order {
            let slot = of(hour);
            prop_assert!(!slot.pending);
            prop_assert!(now() - slot.begun > YIELDS_AFTER);
            prop_assert!(slots.iter().any(|other| other.sequence > slot.sequence), "never the newest");
        }
        let mut unique = order.clone();
        unique.sort();
        unique.dedup();
        prop_assert_eq!(unique.len(), order.len());
    }

    #[test]
    fn every_instant_has_an_hour_and_a_day_of_its_own_wall(secs in -2_000_000_000i64..4_000_000_000, offset in -12i32..=14) {
        let zone = FixedOffset::east_opt(offset * 3600).unwrap();
        let begun = Utc.timestamp_opt(secs, 0).unwrap().with_timezone(&zone);
        let [hour, newest, day] = replaced_by(begun);
        prop_assert_eq!(hour.to_string(), begun.format("%Hh").to_string());
        prop_assert_eq!(newest, Set::Newest);
        let Set::Day(day) = day else { panic!("a weekday is replaced") };
        let english = begun.format("%A").to_string();
        prop_assert_eq!(day.words().en, english);
    }

    #[test]
    fn an_accepted_name_stays_one_component_of_a_path(name in "\\PC{0,12}|[ -~]{0,8}") {
        if let Ok(accepted) = ArchiveName::new(&name) {
            let path = std::path::PathBuf::from(accepted.zip());
            prop_assert_eq!(path.components().count(), 1);
            prop_assert!(!accepted.as_str().ends_with('.'));
            let json = serde_json::to_string(&accepted).unwrap();
            prop_assert_eq!(serde_json::from_str::<ArchiveName>(&json).unwrap(), accepted);
        }
    }
}
