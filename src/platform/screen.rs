//! What a tray icon is to the program: a plain value that is shown, and what people do with it. Each system draws it as its
//! tray does.

/// A square picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap {
    /// Width and height in pixels.
    pub size: u32,
    /// Red, green, blue and alpha of each pixel, row by row; the colours are not multiplied by alpha.
    pub rgba: Vec<u8>,
}

impl std::fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bitmap({0}×{0})", self.size)
    }
}

/// A line of the icon's menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MenuEntry {
    /// Something to read: shown grey.
    Note(String),
    /// Something to choose.
    Choice {
        /// Names it in [`TrayEvent::Chosen`].
        id: u8,
        /// What it is called; shown as it stands, whatever letters the system takes for keys.
        label: String,
        /// Whether it can be chosen now.
        enabled: bool,
    },
    /// A line between groups.
    Separator,
}

/// Everything that is seen of the tray icon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrayLook {
    /// The program's name.
    pub title: String,
    /// Shown while the pointer rests on the icon; a few short lines.
    pub tooltip: String,
    /// The icon in several sizes, the smallest first.
    pub icons: Vec<Bitmap>,
    /// The menu of the right button.
    pub menu: Vec<MenuEntry>,
}

impl TrayLook {
    /// The picture for a tray whose icons have this many pixels on each side: the smallest that need not be enlarged.
    pub fn icon_for(&self, pixels: u32) -> Option<&Bitmap> {
        self.icons.iter().find(|bitmap| bitmap.size >= pixels).or(self.icons.last())
    }
}

/// What happens to the tray icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrayEvent {
    /// It was clicked or double-clicked.
    Activated,
    /// A line of its menu was chosen.
    Chosen(u8),
    /// There is a tray that shows the icon, or there is none (any more); told whenever that changes, and where there is none at
    /// the start.
    Shown(bool),
    /// The person logs off, or the machine is shut down: the program ends in moments.
    SessionEnds,
}

/// Who hears what happens; called on a thread of the tray's own.
#[cfg(feature = "tray")]
pub type TrayListener = Box<dyn Fn(TrayEvent) + Send + Sync>;

/// A tray icon. It vanishes when this is dropped.
#[cfg(feature = "tray")]
#[derive(Debug)]
pub struct Tray(super::system::Tray);

#[cfg(feature = "tray")]
impl Tray {
    /// Shows an icon. On a desktop without a tray it waits for one to appear, and says so by [`TrayEvent::Shown`].
    ///
    /// # Errors
    /// The desktop cannot be reached at all.
    pub fn open(look: TrayLook, listener: TrayListener) -> std::io::Result<Self> {
        super::system::Tray::open(look, listener).map(Self)
    }

    /// Shows another look.
    pub fn show(&self, look: TrayLook) {
        self.0.show(look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tray_gets_the_smallest_picture_that_need_not_be_enlarged() {
        let icons = [16, 20, 32].map(|size| Bitmap { size, rgba: Vec::new() }).to_vec();
        let look = TrayLook { icons, ..TrayLook::default() };
        let size = |pixels| look.icon_for(pixels).map(|bitmap| bitmap.size);
        assert_eq!([0, 16, 17, 20, 24, 32, 90].map(size), [16, 16, 20, 20, 32, 32, 32].map(Some));
        assert_eq!(TrayLook::default().icon_for(16), None);
    }
}
