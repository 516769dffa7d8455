//! Notices of the desktop, by the freedesktop interface over D-Bus.

use notify_rust::{Notification, Urgency};
use std::io;

pub fn show_notice(title: &str, text: &str, is_urgent: bool) -> io::Result<()> {
    // Most desktops take the text for markup.
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let urgency = if is_urgent { Urgency::Critical } else { Urgency::Normal };
    let mut notice = Notification::new();
    notice.appname("DMBackup").summary(title).body(&escaped).icon("drive-harddisk").urgency(urgency);
    notice.show().map(drop).map_err(io::Error::other)
}
