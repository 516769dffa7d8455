//! The window without a mouse: every place can be reached, and where the focus is can be seen.

use super::buttons::Shown;
use super::sight::Sight;
use super::{made_up, restoring};
use crate::control::link::Link;
use crate::platform::{Drive, Space};
use crate::restore::outcome::Item;
use crate::window::clerk::News;
use crate::window::ui::Page;
use crate::words::Language;
use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery};
use slint::platform::Key;
use slint::{Rgb8Pixel, SharedString};
use std::path::PathBuf;
use std::sync::Arc;

const PT: Language = Language::Portuguese;
/// The names of the pages are the first stops.
const PAGES: usize = 6;
/// `Theme.focus` in light.
const FOCUS: Rgb8Pixel = Rgb8Pixel { r: 0x0f, g: 0x5f, b: 0xb8 };

fn keys(shown: &Shown, key: Key, times: usize) {
    (0..times).for_each(|_| shown.type_keys(&SharedString::from(key)));
}

#[test]
fn the_keyboard_reaches_every_backup_that_can_be_restored_however_many_there_are() {
    let shown = Shown::open(PT, made_up::well());
    shown.window.invoke_open(Page::Restore);
    let many = restoring::many(62);
    let titles: Vec<_> = restoring::titles(&many).collect();
    shown.learn(News::Sources(Ok((many, None))));
    keys(&shown, Key::Tab, PAGES + 1);
    for (key, chosen) in [
        (Key::DownArrow, 0),
        (Key::DownArrow, 1),
        (Key::PageDown, 6),
        (Key::End, 61),
        (Key::DownArrow, 61),
        (Key::UpArrow, 60),
        (Key::PageUp, 55),
        (Key::Home, 0),
        (Key::End, 61),
    ] {
        keys(&shown, key, 1);
        assert_eq!(shown.window.get_file(), chosen);
        let row = shown.one(&titles[usize::try_from(chosen).unwrap()]);
        assert_eq!(row.accessible_checked(), Some(true));
        let list = shown.one("Backups que podem ser restaurados");
        let below = row.absolute_position().y - list.absolute_position().y;
        let room = list.size().height - row.size().height;
        assert!((-0.5..room + 0.5).contains(&below), "{key:?}: {below} is in sight within {room}");
    }
    // Over the button below the list to the two ways.
    keys(&shown, Key::Tab, 3);
    shown.type_keys(" ");
    assert_eq!(shown.one("No lugar do banco da loja").accessible_checked(), Some(true));
}

#[test]
fn a_backup_that_is_chosen_by_pointer_is_where_the_keyboard_goes_on() {
    let shown = Shown::open(PT, made_up::well());
    shown.window.invoke_open(Page::Restore);
    let many = restoring::many(30);
    let titles: Vec<_> = restoring::titles(&many).collect();
    shown.learn(News::Sources(Ok((many, None))));
    shown.press(&titles[2]);
    keys(&shown, Key::DownArrow, 20);
    assert_eq!(shown.window.get_file(), 22);
}

#[test]
fn long_details_of_a_run_are_read_by_keyboard() {
    let sight = Sight::open(PT);
    sight.status(made_up::well()).page(Page::Journal).learn(News::Journal(Ok(made_up::runs())));
    sight.size(560, 310, 100);
    sight.draw();
    for _ in 0..PAGES + 2 {
        sight.key(Key::Tab);
    }
    sight.key(Key::DownArrow).draw();
    sight.key(Key::Tab).draw();
    let tops = || {
        let texts = ElementQuery::from_root(&sight.window).match_inherits("TextInput");
        texts.find_all().iter().map(|text| text.absolute_position().y).collect::<Vec<_>>()
    };
    let (before, seen) = (tops(), sight.draw().1);
    for _ in 0..4 {
        sight.key(Key::PageDown).draw();
    }
    let after = tops();
    // Every line is another one, not only the mark of how far it is.
    let changed = sight.draw().1.iter().zip(&seen).filter(|(now, before)| now != before).count();
    assert!(changed > 500, "{changed} pixels");
    assert!(after.iter().zip(&before).any(|(after, before)| after < before), "{before:?} {after:?}");
}

/// Where the ring of the focus is, in pixels: left, top, right, bottom; `None` where no whole ring is to be seen.
fn ring(sight: &Sight) -> Option<[usize; 4]> {
    let (size, pixels) = sight.draw();
    let width = size.width as usize;
    let at = |x: usize, y: usize| pixels.get(y * width + x) == Some(&FOCUS);
    let mut found = [usize::MAX, usize::MAX, 0, 0];
    for (place, _) in pixels.iter().enumerate().filter(|(_, pixel)| **pixel == FOCUS) {
        let (x, y) = (place % width, place / width);
        found = [found[0].min(x), found[1].min(y), found[2].max(x), found[3].max(y)];
    }
    let [left, top, right, bottom] = found;
    if left > right {
        return None;
    }
    let (middle, half) = (usize::midpoint(left, right), usize::midpoint(top, bottom));
    let is_whole = at(middle, top) && at(middle, bottom) && at(left, half) && at(right, half);
    is_whole.then_some(found)
}

/// What the tabulator is to stop at: everything that can be pressed, typed into or scrolled.
fn stops(sight: &Sight) -> Vec<ElementHandle> {
    let roles = [
        AccessibleRole::Button,
        AccessibleRole::Tab,
        AccessibleRole::Checkbox,
        AccessibleRole::RadioButton,
        AccessibleRole::Combobox,
        AccessibleRole::TextInput,
        AccessibleRole::List,
    ];
    let is_stop = move |element: &ElementHandle| {
        let is_off = element.accessible_role() == Some(AccessibleRole::Button)
            && element.accessible_enabled() == Some(false);
        element.accessible_role().is_some_and(|role| roles.contains(&role)) && !is_off
    };
    ElementQuery::from_root(&sight.window).match_predicate(is_stop).find_all()
}

fn walk(name: &str, sight: &Sight) {
    sight.size(560, 1_600, 100);
    sight.draw();
    let expected: Vec<_> =
        stops(sight).iter().map(|stop| stop.accessible_label().unwrap_or_default()).collect();
    assert!(expected.iter().all(|label| !label.is_empty()), "{name}: every stop has a name: {expected:?}");
    sight.size(560, 310, 100);
    let begun = (0..300).any(|_| ring(sight.key(Key::Tab)).is_some_and(is_first));
    assert!(begun, "{name}: the first stop");
    for (key, way) in [(Key::Tab, "on"), (Key::Backtab, "back")] {
        assert_eq!(
            round(name, way, sight, key, 2 * expected.len()),
            expected.len(),
            "{name}, {way}: {expected:?}"
        );
    }
}

/// How many stops there are from the first one to where it comes again, by `key`.
fn round(name: &str, way: &str, sight: &Sight, key: Key, most: usize) -> usize {
    for seen in 1..=most {
        let Some(now) = ring(sight.key(key)) else {
            sight.take_one("walk-lost");
            panic!("{name}: no focus is seen {seen} stops {way}");
        };
        if is_first(now) {
            return seen;
        }
    }
    panic!("{name}, {way}: round and round");
}

/// Whether the ring is around the first page's name: it stands where nothing else does, however a page is scrolled.
fn is_first([left, top, ..]: [usize; 4]) -> bool {
    left < 20 && top < 20
}

#[test]
fn the_tabulator_reaches_everything_and_the_focus_is_seen_everywhere() {
    let sight = Sight::open(PT);
    sight.status(made_up::working());
    walk("home", &sight);
    sight.page(Page::Journal).learn(News::Journal(Ok(made_up::runs())));
    walk("journal", &sight);
    sight.window.set_run(0);
    walk("journal, a run chosen", &sight);
    sight.page(Page::Config);
    walk("config", &sight);
    let drive = |path: &str, removable| Drive {
        path: PathBuf::from(path),
        name: String::new(),
        removable,
        space: Some(Space { free_bytes: 1 << 30, total_bytes: 2 << 30 }),
    };
    sight.page(Page::Manual).learn(News::Drives(vec![drive(r"C:\", false), drive(r"E:\", true)]));
    sight.window.invoke_folder_chosen(r"E:\".into());
    walk("manual", &sight);
    sight.status(made_up::well()).page(Page::Restore);
    sight.learn(News::Sources(Ok((restoring::many(30), None))));
    sight.learn(News::Restores(vec![restoring::beside()]));
    sight.window.invoke_file_chosen(1);
    walk("restore", &sight);
    sight.status(restoring::standing(&Item::ALL[..2]));
    walk("restore, a replacement stands", &sight);
    sight.page(Page::About);
    walk("about", &sight);
    sight.page(Page::Close).learn(News::Link(Link::Reached(Arc::new(made_up::well()))));
    walk("close", &sight);
}
