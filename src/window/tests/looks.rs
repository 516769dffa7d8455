//! What has to be seen, looked for in the pixels.

use super::contrast::contrast;
use super::made_up;
use super::sight::Sight;
use crate::agent::history::tests::{at, problem};
use crate::control::protocol::{CheckedView, Place};
use crate::problem::Code;
use crate::window::clerk::News;
use crate::words::Language;
use i_slint_backend_testing::{ElementHandle, ElementQuery};
use slint::Rgb8Pixel;

const SCALE: u32 = 200;

/// What was drawn.
struct Drawn {
    width: usize,
    pixels: Vec<Rgb8Pixel>,
}

impl Drawn {
    fn of(sight: &Sight) -> Self {
        let (size, pixels) = sight.draw();
        Self { width: size.width as usize, pixels }
    }

    /// The pixels of `element` that are further than `inset` from its edges.
    fn inside(&self, element: &ElementHandle, inset: f32) -> Vec<[u8; 3]> {
        let factor = SCALE as f32 / 100.0;
        let (place, size) = (element.absolute_position(), element.size());
        let scaled = |from: f32, to: f32| (from * factor).ceil() as usize..(to * factor).floor() as usize;
        let columns = scaled(place.x + inset, place.x + size.width - inset);
        let rows = scaled(place.y + inset, place.y + size.height - inset);
        rows.flat_map(|y| columns.clone().map(move |x| y * self.width + x))
            .filter_map(|at| self.pixels.get(at))
            .map(|pixel| [pixel.r, pixel.g, pixel.b])
            .collect()
    }
}

/// The first element whose label begins so.
fn called(sight: &Sight, label: &'static str) -> ElementHandle {
    let is_it =
        move |element: &ElementHandle| element.accessible_label().is_some_and(|its| its.starts_with(label));
    let found = ElementQuery::from_root(&sight.window).match_descendants().match_predicate(is_it);
    found.find_first().unwrap_or_else(|| panic!("there is no «{label}…»"))
}

#[test]
fn the_signs_stay_where_there_is_no_room_for_the_ages() {
    let sight = Sight::open(Language::Portuguese);
    let mut slots = made_up::slots();
    let damaged = CheckedView { at: at(11), problem: Some(problem(Code::SlotDamaged)) };
    for slot in slots.iter_mut().filter(|slot| slot.set == "11h" && slot.place == Place::Server) {
        slot.checked = Some(damaged.clone());
    }
    sight.status(made_up::pending()).learn(News::Slots(slots, None));
    sight.size(546, 900, SCALE);
    let drawn = Drawn::of(&sight);
    // In the inks of a warning, of a failure, and of what is told beside.
    for (label, ink) in [
        ("10h, Servidor", [0x8a, 0x4f, 0x00]),
        ("11h, Servidor", [0xab, 0x23, 0x1a]),
        ("14h, Terminal", [0x4f, 0x5b, 0x68]),
    ] {
        let inside = drawn.inside(&called(&sight, label), 2.0);
        assert!(
            inside.iter().any(|pixel| pixel.iter().zip(ink).all(|(its, ink)| its.abs_diff(ink) < 24)),
            "{label}"
        );
    }
}

#[test]
fn what_can_be_pressed_has_the_stronger_edge() {
    let sight = Sight::open(Language::Portuguese);
    sight.status(made_up::well()).size(820, 760, SCALE);
    let drawn = Drawn::of(&sight);
    // How much the middle of its left edge stands out from the card.
    let edge = |label| {
        let button = called(&sight, label);
        let (place, size) = (button.absolute_position(), button.size());
        let (x, y) = ((place.x + 0.5) * 2.0, (place.y + size.height / 2.0) * 2.0);
        let pixel = drawn.pixels[y as usize * drawn.width + x as usize];
        contrast([pixel.r, pixel.g, pixel.b], [0xff; 3])
    };
    let (on, off) = (edge("Backup Manual"), edge("Atualizar IP"));
    assert!(on >= 3.0, "what can be pressed: {on:.2}");
    assert!(off < 1.5, "what cannot: {off:.2}");
}
