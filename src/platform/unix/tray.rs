//! The tray icon by the StatusNotifierItem protocol over D-Bus: no toolkit is linked for it, and the tray may come and go.

use super::super::screen::{Bitmap, MenuEntry, TrayEvent, TrayListener, TrayLook};
use ksni::blocking::{Handle, TrayMethods};
use ksni::menu::StandardItem;
use ksni::{Icon, MenuItem, OfflineReason, ToolTip};
use std::io;

/// A tray icon.
pub struct Tray {
    handle: Handle<Item>,
}

impl Tray {
    pub fn open(look: TrayLook, listener: TrayListener) -> io::Result<Self> {
        let icons = look.icons.iter().map(argb).collect();
        let item = Item { look, icons, listener };
        let handle = item.assume_sni_available(true).spawn().map_err(io::Error::other)?;
        Ok(Self { handle })
    }

    pub fn show(&self, look: TrayLook) {
        let updated = self.handle.update(|item| {
            if item.look.icons != look.icons {
                item.icons = look.icons.iter().map(argb).collect();
            }
            item.look = look;
        });
        if updated.is_none() {
            tracing::debug!("the tray's service has ended");
        }
    }
}

impl std::fmt::Debug for Tray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tray").finish_non_exhaustive()
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        self.handle.shutdown().wait();
    }
}

struct Item {
    look: TrayLook,
    icons: Vec<Icon>,
    listener: TrayListener,
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "dmbackup".to_owned()
    }

    fn title(&self) -> String {
        self.look.title.clone()
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        self.icons.clone()
    }

    fn tool_tip(&self) -> ToolTip {
        // Trays take a tooltip's text for markup.
        let escaped = self.look.tooltip.replace('&', "&amp;").replace('<', "&lt;");
        ToolTip { title: self.look.title.clone(), description: escaped, ..ToolTip::default() }
    }

    fn activate(&mut self, _: i32, _: i32) {
        (self.listener)(TrayEvent::Activated);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.look.menu.iter().map(line).collect()
    }

    fn watcher_online(&self) {
        (self.listener)(TrayEvent::Shown(true));
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        tracing::debug!(?reason, "no tray shows the icon");
        (self.listener)(TrayEvent::Shown(false));
        true
    }
}

fn line(entry: &MenuEntry) -> MenuItem<Item> {
    // An underscore would make a key of the letter behind it.
    let plain = |label: &str| label.replace('_', "__");
    match entry {
        MenuEntry::Separator => MenuItem::Separator,
        MenuEntry::Note(text) => {
            StandardItem { label: plain(text), enabled: false, ..StandardItem::default() }.into()
        }
        MenuEntry::Choice { id, label, enabled } => {
            let id = *id;
            StandardItem {
                label: plain(label),
                enabled: *enabled,
                activate: Box::new(move |item: &mut Item| (item.listener)(TrayEvent::Chosen(id))),
                ..StandardItem::default()
            }
            .into()
        }
    }
}

fn argb(bitmap: &Bitmap) -> Icon {
    let (pixels, _) = bitmap.rgba.as_chunks::<4>();
    let data = pixels.iter().flat_map(|[red, green, blue, alpha]| [*alpha, *red, *green, *blue]).collect();
    let side = i32::try_from(bitmap.size).unwrap_or_default();
    Icon { width: side, height: side, data }
}
