//! What happens at the bar beside the clock, over time: double clicks, and a bar that has no place for icons. Pure.

use std::time::Duration;
use tokio::time::Instant;

/// Clicks that follow each other this closely are one.
const ONE_CLICK: Duration = Duration::from_millis(700);

/// A desktop that begins with the session may have its tray a moment later.
const TRAY_MAY_COME: Duration = Duration::from_secs(30);

/// What happened at the bar lately.
#[derive(Debug, Default)]
pub struct Bar {
    clicked: Option<Instant>,
    /// Since when no tray shows the icon.
    without_tray: Option<Instant>,
    told: bool,
}

impl Bar {
    /// The icon was clicked; whether by a click of its own, and not by the second of a double click.
    pub fn click(&mut self, now: Instant) -> bool {
        let before = self.clicked.replace(now);
        before.is_none_or(|before| now.duration_since(before) >= ONE_CLICK)
    }

    /// A tray shows the icon, or none does.
    pub fn shown(&mut self, is_shown: bool, now: Instant) {
        self.without_tray = if is_shown { None } else { self.without_tray.or(Some(now)) };
    }

    /// When people are to be told that there is no tray; `None` where there is one, and once they were told.
    pub fn due(&self) -> Option<Instant> {
        self.without_tray.filter(|_| !self.told).map(|since| since + TRAY_MAY_COME)
    }

    /// People were told that there is no tray.
    pub fn tell(&mut self) {
        self.told = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_double_click_is_one_click() {
        let begun = Instant::now();
        let mut bar = Bar::default();
        let clicks = [(0, true), (200, false), (400, false), (1_100, true), (9_000, true)];
        for (millis, counts) in clicks {
            assert_eq!(bar.click(begun + Duration::from_millis(millis)), counts, "after {millis} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_desktop_without_a_tray_is_told_once_and_one_whose_tray_comes_late_is_not() {
        let now = Instant::now();
        let mut bar = Bar::default();
        assert_eq!(bar.due(), None);
        bar.shown(false, now);
        bar.shown(false, now + Duration::from_secs(5));
        assert_eq!(bar.due(), Some(now + TRAY_MAY_COME));
        bar.shown(true, now + Duration::from_secs(6));
        assert_eq!(bar.due(), None);
        bar.shown(false, now + Duration::from_secs(60));
        assert!(bar.due().is_some());
        bar.tell();
        bar.shown(true, now + Duration::from_secs(100));
        bar.shown(false, now + Duration::from_secs(200));
        assert_eq!(bar.due(), None, "once is enough");
    }
}
