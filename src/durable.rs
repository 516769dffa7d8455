//! Files that appear complete or not at all: written beside, synced, renamed, the folder synced. And the lock files that
//! keep two agents apart, and the [`Ledger`] of what is under construction.

mod ledger;

pub use ledger::Ledger;

use crate::platform;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// What ends the name of every file under construction.
pub const PARTIAL: &str = ".partial";

/// What a backup is read from, wherever it lies.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// The name beside `path` under which it is made: `09h/MCDados.zip` → `09h/.MCDados.zip.partial`.
pub fn partial_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(PARTIAL);
    path.with_file_name(name)
}

/// Writes a small file whole: whoever reads `path`, at whatever instant and after whatever crash, finds its old content or
/// `bytes`. Readable by its owner and administrators only.
///
/// # Errors
/// Those of writing, syncing and renaming; the old content stands then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial_of(path);
    let written = write_synced(&partial, bytes).and_then(|()| platform::rename_over(&partial, path));
    if let Err(error) = written {
        // The first error is the one that counts.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    sync_parent(path)
}

/// Writes a new small file whole; one that is there already is left as it is.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], and those of [`write_atomically`].
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial_of(path);
    let written = write_synced(&partial, bytes).and_then(|()| platform::rename_new(&partial, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    sync_parent(path)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = platform::private(options.write(true).create(true).truncate(true)).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the name `path` durable: syncs the folder that holds it.
///
/// # Errors
/// Those of [`platform::sync_folder`].
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => platform::sync_folder(folder),
        Some(_) | None => platform::sync_folder(Path::new(".")),
    }
}

/// Removes a file, durably. One that is not there is no error.
///
/// # Errors
/// Those of removing and syncing.
pub fn remove_durably(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a file of at most `limit_bytes`; `None` where there is none.
///
/// # Errors
/// Those of reading; [`io::ErrorKind::FileTooLarge`] for a longer one.
pub fn read_bounded(path: &Path, limit_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, limit_bytes + 1), &mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(bytes))
}

/// A lock file that this process holds. The system lets go of it when the process ends, however it ends; the file itself
/// stays and means nothing.
#[derive(Debug)]
pub struct LockFile {
    _held: File,
}

impl LockFile {
    /// Takes the lock at `path`; `None` while somebody else holds it.
    ///
    /// # Errors
    /// Those of making the file; [`io::ErrorKind::Unsupported`] where the file system has no locks.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        let file = platform::private(options.write(true).create(true).truncate(false)).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _held: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if platform::has_no_locks(&error) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, error))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_is_replaced_whole_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(platform::is_kept_secret(&path).unwrap());
        let taken = write_new(&path, b"other").unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(remove_durably(&path).unwrap());
        assert!(!remove_durably(&path).unwrap());
    }

    #[test]
    fn a_failed_replacement_leaves_the_old_file_and_no_partial() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("by a folder")).unwrap();
        write_atomically(&path, b"new").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_lock_is_exclusive_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = LockFile::take(&path).unwrap().unwrap();
        assert!(LockFile::take(&path).unwrap().is_none());
        drop(held);
        assert!(LockFile::take(&path).unwrap().is_some());
    }

    #[test]
    fn reading_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(read_bounded(&path, 3).unwrap(), None);
        fs::write(&path, "abc").unwrap();
        assert_eq!(read_bounded(&path, 3).unwrap().unwrap(), b"abc");
        assert_eq!(read_bounded(&path, 2).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(partial_of(Path::new("09h/MCDados.zip")), Path::new("09h/.MCDados.zip.partial"));
    }
}
