//! What Slint's compiler makes of the pages.

use crate::icon::{self, Icon};
use crate::platform::Bitmap;
use slint::{Image, Rgba8Pixel, SharedPixelBuffer};

#[expect(clippy::todo, clippy::unwrap_used, reason = "the compiler's own")]
mod compiled {
    slint::include_modules!();
}

pub use compiled::*;

impl From<Icon> for Mood {
    fn from(icon: Icon) -> Self {
        match icon {
            Icon::Well => Self::Well,
            Icon::Working => Self::Working,
            Icon::Warning => Self::Warning,
            Icon::Failed => Self::Failed,
            Icon::Unreachable => Self::Unreachable,
        }
    }
}

/// Draws the five states once, large enough for every scale.
pub fn draw_icons(window: &MainWindow) {
    use slint::ComponentHandle;
    let theme = window.global::<Theme>();
    theme.set_well(image(Icon::Well));
    theme.set_working(image(Icon::Working));
    theme.set_warning(image(Icon::Warning));
    theme.set_failed(image(Icon::Failed));
    theme.set_unreachable(image(Icon::Unreachable));
}

fn image(icon: Icon) -> Image {
    const SIDE: u32 = 160;
    let Bitmap { size, rgba } = icon::draw(icon, SIDE);
    Image::from_rgba8(SharedPixelBuffer::<Rgba8Pixel>::clone_from_slice(&rgba, size, size))
}
