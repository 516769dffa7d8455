//! One small value kept as a JSON file in the state folder: good to know, and nothing fails where it is lost.

use crate::durable::{read_bounded, write_atomically};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;

/// Longest file that is read, in bytes.
const LONGEST: u64 = 16 << 10;

/// Where a `T` is kept.
#[derive(Debug)]
pub struct Kept<T> {
    path: PathBuf,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self::at(self.path.clone())
    }
}

impl<T> Kept<T> {
    /// In the file `path`.
    pub fn at(path: PathBuf) -> Self {
        Self { path, value: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> Kept<T> {
    /// What was kept last; `None` where nothing was, or where it cannot be read any more, which the log tells. Blocks on its disk.
    pub fn load(&self) -> Option<T> {
        let read = || -> io::Result<Option<T>> {
            let bytes = read_bounded(&self.path, LONGEST)?;
            Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
        };
        read().unwrap_or_else(|cause| {
            tracing::warn!(path = %self.path.display(), %cause, "what was kept cannot be read any more");
            None
        })
    }

    /// Keeps `value` instead of what was kept before; where that fails, the log tells. Blocks on its disk.
    pub fn store(&self, value: &T) {
        let written = serde_json::to_vec(value)
            .map_err(io::Error::from)
            .and_then(|bytes| write_atomically(&self.path, &bytes));
        if let Err(cause) = written {
            tracing::warn!(path = %self.path.display(), %cause, "not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;

    #[test]
    fn what_is_kept_is_read_again_and_what_is_damaged_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.json");
        let kept = Kept::<u32>::at(path.clone());
        assert_eq!(kept.load(), None);
        kept.store(&7);
        assert_eq!(kept.clone().load(), Some(7));
        for damage in ["{".to_owned(), " ".repeat(20 << 10)] {
            std::fs::write(&path, damage).unwrap();
            assert_eq!(kept.load(), None);
        }
        kept.store(&8);
        assert_eq!(kept.load(), Some(8));
    }
}
