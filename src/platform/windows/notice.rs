//! Notices of the desktop: Windows' toasts.

use notify_rust::{Notification, Timeout};
use std::io;

pub fn show_notice(title: &str, text: &str, is_urgent: bool) -> io::Result<()> {
    let stays = if is_urgent { Timeout::Never } else { Timeout::Default };
    let mut notice = Notification::new();
    notice.appname("DMBackup").summary(title).body(text).timeout(stays);
    notice.show().map(drop).map_err(io::Error::other)
}
