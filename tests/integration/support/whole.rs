//! What stands in a shop's folders: every good name must hold a whole file.

use dmbackup::archive::{self, Content};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio_util::sync::CancellationToken;

/// What made a file the one that it is; links of one file share it.
type Inode = (u64, u64, u64, SystemTime);

/// Looks at files and remembers those that it has read to the end.
#[derive(Default)]
pub struct Inspector {
    known: HashMap<Inode, Option<u64>>,
}

impl Inspector {
    /// The sequence of each zip below `roots`. Fails on anything that is not whole, and on a zip of another database than
    /// `database`.
    pub fn sequences(&mut self, roots: &[PathBuf], database: &str) -> BTreeMap<PathBuf, u64> {
        let mut stands = BTreeMap::new();
        for path in roots.iter().flat_map(|root| files_below(root)) {
            if is_partial(&path) || path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.') {
                continue;
            }
            if let Some(sequence) = self.whole(&path, database) {
                stands.insert(path, sequence);
            }
        }
        stands
    }

    /// The sequence of a zip, `None` for a dump.
    fn whole(&mut self, path: &Path, database: &str) -> Option<u64> {
        let metadata = fs::metadata(path).unwrap();
        let inode = (metadata.dev(), metadata.ino(), metadata.len(), metadata.modified().unwrap());
        *self.known.entry(inode).or_insert_with(|| inspect(path, database))
    }
}

/// The sequence of each zip below `roots`, all of which are whole and of the stand-in's usual database.
pub fn sequences(roots: &[PathBuf]) -> BTreeMap<PathBuf, u64> {
    Inspector::default().sequences(roots, super::sqlserver::DATABASE)
}

fn inspect(path: &Path, database: &str) -> Option<u64> {
    let inspection = archive::inspect(path, &|_| (), &CancellationToken::new())
        .unwrap_or_else(|problem| panic!("{}: {problem:?}", path.display()));
    assert_eq!(inspection.problem(), None, "{}", path.display());
    match &inspection.content {
        Content::Zip { report, .. } => {
            assert!(inspection.confirmed(), "{}: a manifest's hash stands behind it", path.display());
            assert!(path.ends_with("MCDados.zip"), "{}", path.display());
            let manifest = report.manifest.as_ref().unwrap();
            assert_eq!(manifest.database, database);
            Some(manifest.sequence)
        }
        Content::Dump(_) => {
            assert!(path.ends_with("MCDados.bak"), "{}", path.display());
            None
        }
    }
}

/// All files below `folder`.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}

/// Whether a file is under construction.
pub fn is_partial(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "partial")
}
