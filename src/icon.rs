//! The icon: what it says of the agent, and how it is drawn, from one description in any size. Its five states differ by
//! shape, not by colour alone, and its colours stand out from light and from dark bars.

use crate::agent::status::{Activity, Status};
use crate::backup::outcome::Outcome;
use crate::cycle::catalogue::Severity;
use crate::platform::Bitmap;
use tiny_skia::{FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

/// What the icon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icon {
    /// All is well: a disc with a tick.
    Well,
    /// A backup or a copy is being made, or kept ones are read again: a ring around an arrow.
    Working,
    /// Somebody should look: a triangle with an exclamation mark.
    Warning,
    /// Protection is lost: an octagon with a cross.
    Failed,
    /// Nobody knows, since no agent answers: an empty square with a bar.
    Unreachable,
}

impl Icon {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Well, Self::Working, Self::Warning, Self::Failed, Self::Unreachable];

    /// What it says of an agent that answers.
    pub fn of(status: &Status) -> Self {
        match status.activity {
            Activity::Running | Activity::Copying | Activity::Verifying | Activity::Restoring => {
                Self::Working
            }
            Activity::Starting | Activity::Checking | Activity::Waiting | Activity::Stopping => {
                Self::of_health(status)
            }
        }
    }

    /// The same, whatever the agent is doing: whether the data are safe.
    pub fn of_health(status: &Status) -> Self {
        let local_only = status.subject.as_ref().is_some_and(|subject| subject.terminal.is_none());
        // The last run may have failed a moment ago, before a check told so.
        let failed = match status.last.as_ref().and_then(|last| last.outcome) {
            Some(Outcome::Failed | Outcome::Interrupted) => true,
            Some(Outcome::Success | Outcome::Warning | Outcome::Cancelled) | None => false,
        };
        match status.health {
            Some(Severity::Alert) => Self::Failed,
            Some(Severity::Warning) => Self::Warning,
            Some(Severity::Notice) | None if failed && status.retry_at.is_none() => Self::Failed,
            Some(Severity::Notice) | None if failed || local_only || !status.pending.is_empty() => {
                Self::Warning
            }
            Some(Severity::Notice) | None => Self::Well,
        }
    }

    /// Its colour: red, green, blue.
    pub const fn colour(self) -> [u8; 3] {
        match self {
            Self::Well => [0x1f, 0x93, 0x45],
            Self::Working => [0x2b, 0x7c, 0xd9],
            Self::Warning => [0xc2, 0x72, 0x00],
            Self::Failed => [0xdb, 0x35, 0x2b],
            Self::Unreachable => [0x76, 0x7e, 0x88],
        }
    }
}

/// Sizes that trays ask for at 100 to 400 %, in pixels.
pub const SIZES: [u32; 8] = [16, 20, 22, 24, 32, 40, 48, 64];

/// The icon in every size, the smallest first.
pub fn bitmaps(icon: Icon) -> Vec<Bitmap> {
    SIZES.iter().map(|size| draw(icon, *size)).collect()
}

/// The icon with this many pixels on each side.
pub fn draw(icon: Icon, size: u32) -> Bitmap {
    let Some(mut canvas) = Pixmap::new(size, size) else { return Bitmap { size: 0, rgba: Vec::new() } };
    for part in parts(icon).into_iter().flatten() {
        part.draw(icon, &mut canvas);
    }
    let rgba = canvas
        .pixels()
        .iter()
        .flat_map(|pixel| {
            let colour = pixel.demultiply();
            [colour.red(), colour.green(), colour.blue(), colour.alpha()]
        })
        .collect();
    Bitmap { size, rgba }
}

/// The description lies on a grid of this many units, on whose lines the edges lie: at 16 pixels a unit is a pixel.
const GRID: f32 = 16.0;

enum Ink {
    Own,
    White,
}

enum Part {
    Fill(Ink, Option<Path>),
    /// A line of this width in units.
    Line(Ink, f32, Option<Path>),
}

impl Part {
    fn draw(&self, icon: Icon, canvas: &mut Pixmap) {
        let scale = canvas.width() as f32 / GRID;
        let at = Transform::from_scale(scale, scale);
        let (Self::Fill(ink, path) | Self::Line(ink, _, path)) = self;
        let Some(path) = path else { return };
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        let [red, green, blue] = match ink {
            Ink::Own => icon.colour(),
            Ink::White => [0xff; 3],
        };
        paint.set_color_rgba8(red, green, blue, 0xff);
        match self {
            Self::Fill(..) => canvas.fill_path(path, &paint, FillRule::Winding, at, None),
            Self::Line(_, width, _) => {
                let stroke = Stroke {
                    width: *width,
                    line_cap: LineCap::Round,
                    line_join: LineJoin::Round,
                    ..Stroke::default()
                };
                canvas.stroke_path(path, &paint, &stroke, at, None);
            }
        }
    }
}

fn parts(icon: Icon) -> [Option<Part>; 3] {
    match icon {
        Icon::Well => [
            Some(Part::Fill(Ink::Own, circle(7.5))),
            Some(Part::Line(Ink::White, 2.0, line(&[(4.5, 8.5), (7.0, 11.0), (11.5, 5.5)]))),
            None,
        ],
        Icon::Working => [
            Some(Part::Line(Ink::Own, 2.0, circle(6.5))),
            Some(Part::Line(Ink::Own, 2.0, line(&[(8.0, 4.5), (8.0, 11.0)]))),
            Some(Part::Line(Ink::Own, 2.0, line(&[(5.5, 8.5), (8.0, 11.0), (10.5, 8.5)]))),
        ],
        Icon::Warning => [
            Some(Part::Fill(Ink::Own, rounded_triangle())),
            Some(Part::Line(Ink::White, 2.0, line(&[(8.0, 5.5), (8.0, 9.0)]))),
            Some(Part::Line(Ink::White, 2.0, line(&[(8.0, 12.2), (8.0, 12.21)]))),
        ],
        Icon::Failed => [
            Some(Part::Fill(
                Ink::Own,
                shape(&[
                    (5.0, 0.5),
                    (11.0, 0.5),
                    (15.5, 5.0),
                    (15.5, 11.0),
                    (11.0, 15.5),
                    (5.0, 15.5),
                    (0.5, 11.0),
                    (0.5, 5.0),
                ]),
            )),
            Some(Part::Line(Ink::White, 2.0, line(&[(5.25, 5.25), (10.75, 10.75)]))),
            Some(Part::Line(Ink::White, 2.0, line(&[(10.75, 5.25), (5.25, 10.75)]))),
        ],
        Icon::Unreachable => [
            Some(Part::Line(Ink::Own, 2.0, shape(&[(1.5, 1.5), (14.5, 1.5), (14.5, 14.5), (1.5, 14.5)]))),
            Some(Part::Line(Ink::Own, 2.0, line(&[(5.0, 8.0), (11.0, 8.0)]))),
            None,
        ],
    }
}

fn circle(radius: f32) -> Option<Path> {
    PathBuilder::from_circle(GRID / 2.0, GRID / 2.0, radius)
}

fn points(points: &[(f32, f32)]) -> PathBuilder {
    let mut path = PathBuilder::new();
    for (at, (x, y)) in points.iter().enumerate() {
        if at == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
    }
    path
}

fn line(at: &[(f32, f32)]) -> Option<Path> {
    points(at).finish()
}

fn shape(at: &[(f32, f32)]) -> Option<Path> {
    let mut path = points(at);
    path.close();
    path.finish()
}

fn rounded_triangle() -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(6.7, 1.4);
    path.quad_to(8.0, -0.4, 9.3, 1.4);
    path.line_to(15.6, 12.8);
    path.quad_to(16.4, 15.0, 14.2, 15.0);
    path.line_to(1.8, 15.0);
    path.quad_to(-0.4, 15.0, 0.4, 12.8);
    path.close();
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance([red, green, blue]: [u8; 3]) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Which pixels are mostly covered.
    fn outline(icon: Icon, size: u32) -> Vec<bool> {
        draw(icon, size).rgba.chunks(4).map(|pixel| pixel[3] > 127).collect()
    }

    #[test]
    fn every_state_stands_out_from_light_and_dark_bars_and_its_sign_from_it() {
        for icon in Icon::ALL {
            for bar in [[0xff, 0xff, 0xff], [0x20, 0x20, 0x20]] {
                let contrast = contrast(icon.colour(), bar);
                assert!(contrast >= 3.0, "{icon:?} on {bar:?}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn the_states_differ_by_shape_in_every_size() {
        // What a person sees who tells no colours apart: light, dark and nothing.
        let seen = |icon, size| -> Vec<u8> {
            let tone = |pixel: &[u8]| match pixel {
                [_, _, _, 0..=127] => 0,
                [red, green, blue, _] if luminance([*red, *green, *blue]) > 0.5 => 2,
                _ => 1,
            };
            draw(icon, size).rgba.chunks(4).map(tone).collect()
        };
        for size in SIZES {
            for (at, one) in Icon::ALL.into_iter().enumerate() {
                for other in Icon::ALL.into_iter().skip(at + 1) {
                    let (a, b) = (seen(one, size), seen(other, size));
                    let different = a.iter().zip(&b).filter(|(a, b)| a != b).count();
                    assert!(
                        different * 10 >= a.len(),
                        "{one:?} and {other:?} at {size}: {different} of {}",
                        a.len()
                    );
                }
            }
        }
    }

    #[test]
    fn the_icon_fills_its_square_and_stays_inside() {
        for icon in Icon::ALL {
            for size in SIZES {
                let covered = outline(icon, size);
                let side = usize::try_from(size).unwrap();
                let rows: Vec<_> =
                    (0..side).filter(|row| covered[row * side..][..side].contains(&true)).collect();
                assert!(rows.len() * 10 >= side * 8, "{icon:?} at {size} has {} rows", rows.len());
                assert_eq!(covered.len(), side * side);
            }
        }
    }

    #[test]
    fn a_size_that_is_no_size_draws_nothing() {
        assert_eq!(draw(Icon::Well, 0).rgba.len(), 0);
    }
}
