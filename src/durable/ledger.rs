//! The names under construction, recorded durably before they are made: what a start may remove, and nothing else.

use super::{PARTIAL, read_bounded, remove_durably, write_atomically};
use crate::platform;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The ledger's file below the state folder: a line a change, `+"path"` before a name is made, `-"path"` after it is gone.
const FILE: &str = "under-construction.log";

/// Longest ledger that is read; what we write stays far below.
const LONGEST_BYTES: u64 = 4 << 20;

/// Beyond this length the file is written anew with what still stands.
const COMPACT_BYTES: u64 = 64 << 10;

/// The record of names under construction of one agent.
///
/// Where the state folder's disk is full or cannot be written the ledger goes on in memory: a backup matters more than the
/// removal of a leftover, which the next one of the same name replaces anyway.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    standing: BTreeSet<PathBuf>,
    file: Option<File>,
    length_bytes: u64,
}

impl Ledger {
    /// The ledger in the state folder `state`, with what an earlier process left there.
    pub fn open(state: &Path) -> Self {
        let path = state.join(FILE);
        let standing = match read_bounded(&path, LONGEST_BYTES) {
            Ok(found) => replay(&found.unwrap_or_default()),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "the ledger of unfinished files cannot be read");
                BTreeSet::new()
            }
        };
        let ledger = Self { path, inner: Mutex::new(Inner { standing, ..Inner::default() }) };
        ledger.compact(&mut ledger.lock());
        ledger
    }

    /// Records `path`, durably, before it is made.
    pub fn record(&self, path: &Path) {
        let mut inner = self.lock();
        if inner.standing.insert(path.to_owned()) {
            self.append(&mut inner, '+', path, true);
        }
    }

    /// Forgets `path` after it was renamed or removed. Need not be durable: at worst a start looks for it in vain.
    pub fn forget(&self, path: &Path) {
        let mut inner = self.lock();
        if inner.standing.remove(path) {
            self.append(&mut inner, '-', path, false);
        }
        if inner.length_bytes > COMPACT_BYTES {
            self.compact(&mut inner);
        }
    }

    /// What is recorded now.
    pub fn recorded(&self) -> Vec<PathBuf> {
        self.lock().standing.iter().cloned().collect()
    }

    /// Removes what is recorded below `root`, and returns it. What is not there any more is forgotten silently.
    ///
    /// # Errors
    /// The first file that could not be removed; it and those after it stay recorded.
    pub fn scrub(&self, root: &Path) -> io::Result<Vec<PathBuf>> {
        let mut removed = Vec::new();
        for path in self.recorded().into_iter().filter(|path| path.starts_with(root)) {
            // A folder that went with its file needs no syncing.
            let there = path.parent().is_some_and(Path::is_dir);
            if there && remove_durably(&path)? {
                removed.push(path.clone());
            }
            self.forget(&path);
        }
        Ok(removed)
    }

    fn append(&self, inner: &mut Inner, sign: char, path: &Path, durably: bool) {
        let Some(line) = line(sign, path) else {
            tracing::error!(path = %path.display(), "a name that is not text cannot be recorded");
            return;
        };
        let written = self.open_file(inner).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            if durably { file.sync_data() } else { Ok(()) }
        });
        match written {
            Ok(()) => inner.length_bytes += line.len() as u64,
            Err(error) => {
                tracing::error!(%error, path = %self.path.display(), "the ledger of unfinished files cannot be written");
                // Whatever half a line stands there now: the next write begins a new file.
                inner.file = None;
            }
        }
    }

    fn open_file<'a>(&self, inner: &'a mut Inner) -> io::Result<&'a File> {
        let file = match inner.file.take() {
            Some(file) => file,
            None => {
                write_atomically(&self.path, whole(&inner.standing).as_bytes())?;
                inner.length_bytes = 0;
                platform::private(OpenOptions::new().append(true)).open(&self.path)?
            }
        };
        Ok(inner.file.insert(file))
    }

    fn compact(&self, inner: &mut Inner) {
        inner.file = None;
        if let Err(error) = self.open_file(inner) {
            tracing::error!(%error, path = %self.path.display(), "the ledger of unfinished files cannot be written");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics under this lock; if it did, the set is whole all the same.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(sign: char, path: &Path) -> Option<String> {
    Some(format!("{sign}{}\n", serde_json::to_string(path.to_str()?).ok()?))
}

fn whole(standing: &BTreeSet<PathBuf>) -> String {
    standing.iter().filter_map(|path| line('+', path)).collect()
}

/// What stands after all lines. One that a crash cut short, or garbage, is nobody's name.
fn replay(bytes: &[u8]) -> BTreeSet<PathBuf> {
    let mut standing = BTreeSet::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some((sign, rest)) = line.strip_suffix(b"\n").and_then(<[u8]>::split_first) else { continue };
        let Ok(path) = serde_json::from_slice::<String>(rest).map(PathBuf::from) else { continue };
        // Only a name of a file under construction may ever be removed.
        let partial = path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.starts_with('.') && name.ends_with(PARTIAL)
        });
        match sign {
            b'+' if partial && path.is_absolute() => standing.insert(path),
            b'-' => standing.remove(&path),
            _ => false,
        };
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    /// A full path, as the system has them.
    fn full(name: &str) -> PathBuf {
        Path::new(if cfg!(windows) { r"C:\b" } else { "/b" }).join(name)
    }

    #[test]
    fn what_was_begun_and_not_finished_is_known_to_the_next_process() {
        let state = tempfile::tempdir().unwrap();
        let [done, left] = [".MCDados.zip.partial", "09h/.MCDados.zip.partial"].map(full);
        let ledger = Ledger::open(state.path());
        ledger.record(&done);
        ledger.record(&left);
        ledger.forget(&done);
        drop(ledger);
        assert_eq!(Ledger::open(state.path()).recorded(), [left]);
    }

    #[test]
    fn a_scrub_removes_what_is_recorded_below_its_root_and_nothing_else() {
        let state = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        let [recorded, unknown] = [".a.partial", ".b.partial"].map(|name| root.path().join(name));
        fs::write(&recorded, "x").unwrap();
        fs::write(&unknown, "x").unwrap();
        let ledger = Ledger::open(state.path());
        let elsewhere = PathBuf::from("/elsewhere/.c.partial");
        for path in [&recorded, &elsewhere, &root.path().join("gone/.d.partial")] {
            ledger.record(path);
        }
        assert_eq!(ledger.scrub(root.path()).unwrap(), [recorded.as_path()]);
        assert!(!recorded.exists() && unknown.exists());
        assert_eq!(ledger.recorded(), [elsewhere]);
    }

    #[test]
    fn a_ledger_that_grows_is_written_anew_with_what_stands() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path());
        let standing = full(".standing.partial");
        ledger.record(&standing);
        let long = full(&format!(".{}.partial", "n".repeat(4000)));
        for _ in 0..20 {
            ledger.record(&long);
            ledger.forget(&long);
        }
        assert!(fs::metadata(state.path().join(FILE)).unwrap().len() < 2 * COMPACT_BYTES);
        assert_eq!(Ledger::open(state.path()).recorded(), [standing]);
    }

    #[test]
    fn without_a_state_folder_it_goes_on_in_memory() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&state.path().join("missing"));
        let path = full(".x.partial");
        ledger.record(&path);
        assert_eq!(ledger.recorded(), std::slice::from_ref(&path));
        fs::create_dir(state.path().join("missing")).unwrap();
        ledger.record(&full(".y.partial"));
        let kept = Ledger::open(&state.path().join("missing")).recorded();
        assert!(kept.contains(&path), "once it can be written it holds everything that stands");
    }

    proptest! {
        /// Whatever a crash, a bad disk or a person made of the file: only names of files under construction come out.
        #[test]
        fn garbage_names_nothing_that_is_not_partial(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0_usize..80) {
            let mut file = b"+\"/b/.MCDados.zip.partial\"\n+\"/b/MCDados.zip\"\n+\"relative/.x.partial\"\n".to_vec();
            file.truncate(file.len().saturating_sub(cut));
            file.extend_from_slice(&bytes);
            for path in replay(&file) {
                prop_assert!(path.is_absolute());
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                prop_assert!(name.starts_with('.') && name.ends_with(".partial"));
            }
        }
    }
}
