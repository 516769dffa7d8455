//! The way back of a program that a person closed: it starts again after a while, once, however often it is closed meanwhile.

use crate::platform;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// The session's file that names whoever waits to come back.
const WAITING: &str = "return";

/// Waits for `after`; whether this process is then to come back: whoever closed the program later has put that off.
pub fn wait(after: Duration, state: &Path) -> bool {
    wait_at(place(state), || std::thread::sleep(after))
}

/// Whoever waits to come back is not to any more.
pub fn call_off(state: &Path) {
    if let Err(error) = place(state).and_then(|place| name(&place, "")) {
        tracing::warn!(%error, "a program that was closed before may still come back");
    }
}

fn place(state: &Path) -> io::Result<PathBuf> {
    platform::session_file(state, WAITING)
}

fn name(place: &Path, who: &str) -> io::Result<()> {
    fs::write(place, who)
}

/// One too many is better than none: what cannot be written or read holds up nobody.
fn wait_at(place: io::Result<PathBuf>, sleep: impl FnOnce()) -> bool {
    let own = Uuid::new_v4().to_string();
    let named = place.and_then(|place| name(&place, &own).map(|()| place));
    sleep();
    match named.and_then(fs::read_to_string) {
        Ok(newest) => newest == own,
        Err(error) => {
            tracing::warn!(%error, "it is not told whether another one waits to come back");
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_one_that_was_closed_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let place = || Ok(folder.path().join("return"));
        let remove = || fs::remove_file(place().unwrap()).unwrap();
        let table: [(&str, bool, &dyn Fn()); 4] = [
            ("nothing happens", true, &|| ()),
            ("closed once more", false, &|| assert!(wait_at(place(), || ()))),
            ("closed for good", false, &|| name(&place().unwrap(), "").unwrap()),
            ("the session's folder was cleaned", true, &remove),
        ];
        for (meanwhile, comes, happens) in table {
            assert_eq!(wait_at(place(), happens), comes, "{meanwhile}");
        }
        assert!(wait_at(Err(io::ErrorKind::PermissionDenied.into()), || ()));
    }
}
