//! A file that the input is written into, for what is read from files.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// In memory where the system has such a place: the disk would be what is measured.
const MEMORY: &str = "/dev/shm";

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Writes `data` into a file called `name`, the same for each call of this thread.
pub fn file(name: &str, data: &[u8]) -> PathBuf {
    let path = FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| {
            let made = if Path::new(MEMORY).is_dir() { TempDir::new_in(MEMORY) } else { TempDir::new() };
            made.expect("a folder for the input")
        });
        folder.path().join(name)
    });
    fs::write(&path, data).expect("the input is written");
    path
}
