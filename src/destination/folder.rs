//! A folder as a destination: on a local disk, a share, a mounted disk.

use super::claim::claim_folder;
use super::staged::{Owner, StagedFile, StagedPlace};
use super::{
    Destination, Identity, Kind, Linked, LockGuard, Mark, Name, Place, ReadSeek, Space, Staged, Stat,
    VolumeId, problems,
};
use crate::durable::{self, Ledger, LockFile};
use crate::platform;
use crate::problem::{Problem, Result};
use crate::slot::{ArchiveName, Set, extra};
use chrono::DateTime;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// The lock file's name.
const LOCK: &str = ".dmbackup-lock";

/// A folder that holds backups.
#[derive(Debug)]
pub struct Folder {
    kind: Kind,
    root: PathBuf,
    archive: ArchiveName,
    ledger: Arc<Ledger>,
    hard_links: AtomicU8,
    /// Whom the last [`check`](Destination::check) found it to belong to.
    owner: Mutex<Option<Uuid>>,
    calls: Calls,
}

/// What not every file system can do: a test has one that cannot.
#[derive(Clone, Copy, Debug)]
struct Calls {
    hard_link: fn(&Path, &Path) -> io::Result<()>,
    copy: fn(&Path, &Path) -> io::Result<u64>,
}

impl Calls {
    const OF_THE_SYSTEM: Self =
        Self { hard_link: |from, to| fs::hard_link(from, to), copy: |from, to| fs::copy(from, to) };
}

/// What is known of the file system's second names.
const UNKNOWN: u8 = 0;
const HAS_THEM: u8 = 1;
const HAS_NONE: u8 = 2;

impl Folder {
    /// The folder `root`, which need not exist yet. `archive` tells which files a first claim moves aside.
    pub fn new(kind: Kind, root: impl Into<PathBuf>, archive: ArchiveName, ledger: Arc<Ledger>) -> Self {
        Self {
            kind,
            root: root.into(),
            archive,
            ledger,
            hard_links: AtomicU8::new(UNKNOWN),
            owner: Mutex::new(None),
            calls: Calls::OF_THE_SYSTEM,
        }
    }

    fn place_of_staged(&self) -> StagedPlace {
        StagedPlace {
            owner: Owner::Destination(self.kind),
            shown: self.shown(),
            root: self.root.clone(),
            ledger: Arc::clone(&self.ledger),
        }
    }

    fn explained<T>(&self, result: io::Result<T>) -> Result<T> {
        result.map_err(|error| self.explain(&error))
    }

    /// The folder itself must answer, so that an unmounted disk is not taken for one without files.
    fn is_there(&self) -> Result<()> {
        let data = self.explained(fs::metadata(&self.root))?;
        if data.is_dir() { Ok(()) } else { Err(problems::missing(self.kind, &self.shown())) }
    }

    /// Before each write: it still carries the identity that was checked. A share may go away at any time, and the folder
    /// below its mount point is nobody's.
    fn is_ours(&self) -> Result<()> {
        let owner = *self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        match self.mark()? {
            Mark::Of(found) if owner.is_none_or(|owner| owner == found.agent) => Ok(()),
            Mark::Of(found) => Err(problems::of_another(self.kind, &self.shown(), Some(&found.shop))),
            Mark::Unreadable => Err(problems::of_another(self.kind, &self.shown(), None)),
            Mark::Absent | Mark::Offered => Err(problems::unmarked(self.kind, &self.shown())),
        }
    }

    /// A second name by a hard link beside and a rename over. `None`: the file system has none.
    fn link_hard(&self, from: &Path, to: &Name) -> io::Result<Option<()>> {
        let place = self.place_of_staged();
        let spare = place.prepare(to)?;
        let target = to.below(&self.root);
        let linked =
            (self.calls.hard_link)(from, &spare).and_then(|()| platform::rename_over(&spare, &target));
        // Between two names of one file a rename does nothing: the spare would stay.
        let removed = place.clear(&spare);
        match linked {
            Ok(()) => removed.and_then(|()| durable::sync_parent(&target)).map(Some),
            Err(error) if platform::has_no_hard_links(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A copy by the system, which a share makes on its own machine, compared by reading both back.
    fn copy(&self, from: &Path, to: &Name) -> Result<()> {
        let place = self.place_of_staged();
        let copied = place.prepare(to).and_then(|partial| (self.calls.copy)(from, &partial));
        if let Err(error) = copied {
            let _ = self.abandon(to);
            return Err(self.explain(&error));
        }
        let mut staged: Box<dyn Staged> = Box::new(self.explained(StagedFile::adopt(place, to))?);
        staged.seal()?;
        let mut original = Sha256::new();
        self.explained(platform::read_back(from, &mut |piece| original.update(piece)))?;
        let mut copy = Sha256::new();
        staged.read_back(&mut |piece| copy.update(piece))?;
        if original.finalize() != copy.finalize() {
            let shown = to.below(&self.root).display().to_string();
            staged.discard()?;
            return Err(problems::copy_differs(self.kind, &shown));
        }
        staged.publish()
    }
}

impl Destination for Folder {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn shown(&self) -> String {
        self.root.display().to_string()
    }

    fn path_of(&self, name: &Name) -> PathBuf {
        name.below(&self.root)
    }

    fn mark(&self) -> Result<Mark> {
        self.is_there()?;
        self.explained(Mark::of_folder(&self.root))
    }

    fn check(&self, id: &Identity) -> Result<()> {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.agent);
        self.is_ours()?;
        self.explained(platform::can_write_folder(&self.root))
    }

    fn caveats(&self) -> Vec<Problem> {
        let open = platform::readable_by_everybody(&self.root).unwrap_or(false);
        open.then(|| problems::open_to_everybody(&self.shown())).into_iter().collect()
    }

    fn claim(&self, id: &Identity) -> Result<Vec<PathBuf>> {
        claim_folder(self.kind, &self.root, &self.archive, id)
    }

    fn lock(&self) -> Result<LockGuard> {
        match LockFile::take(&self.root.join(LOCK)) {
            Ok(Some(held)) => Ok(LockGuard::holding(held)),
            Ok(None) => Err(problems::locked(&self.shown())),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!(folder = %self.root.display(), %error, "this file system has no locks");
                Ok(LockGuard::holding(()))
            }
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn scrub(&self) -> Result<Vec<PathBuf>> {
        self.is_ours()?;
        self.explained(self.ledger.scrub(&self.root))
    }

    fn stage(&self, name: &Name) -> Result<Box<dyn Staged>> {
        self.is_ours()?;
        let staged = self.explained(StagedFile::begin(self.place_of_staged(), name))?;
        Ok(Box::new(staged))
    }

    fn expect(&self, name: &Name) -> Result<PathBuf> {
        self.is_ours()?;
        self.explained(self.place_of_staged().prepare(name))
    }

    fn adopt(&self, name: &Name) -> Result<Box<dyn Staged>> {
        let partial = self.root.join(name.partial());
        match StagedFile::adopt(self.place_of_staged(), name) {
            Ok(staged) => Ok(Box::new(staged)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_there().is_ok() => {
                Err(problems::no_such_file(self.kind, &partial.display().to_string()))
            }
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn abandon(&self, name: &Name) -> Result<()> {
        let partial = self.root.join(name.partial());
        self.explained(self.place_of_staged().clear(&partial))
    }

    fn open(&self, name: &Name) -> Result<Option<Box<dyn ReadSeek>>> {
        match platform::open_shared(&name.below(&self.root)) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.is_there().map(|()| None),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn stat(&self, name: &Name) -> Result<Option<Stat>> {
        match stat_of(&name.below(&self.root)) {
            Ok(Some(stat)) => Ok(Some(stat)),
            Ok(None) => self.is_there().map(|()| None),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn sets(&self, archive: &ArchiveName) -> Result<Vec<(Set, Stat)>> {
        self.is_there()?;
        let mut found = Vec::new();
        for set in Set::all() {
            let stat = self.explained(stat_of(&Name::zip(set, archive).below(&self.root)))?;
            found.extend(stat.map(|stat| (set, stat)));
        }
        Ok(found)
    }

    fn extras(&self) -> Result<Vec<(Name, Stat)>> {
        self.is_there()?;
        self.explained(extras_below(&self.root))
    }

    fn link(&self, from: &Name, to: &Name) -> Result<Linked> {
        self.is_ours()?;
        let (source, target) = (from.below(&self.root), to.below(&self.root));
        let Some(original) = self.stat(from)? else {
            return Err(problems::no_such_file(self.kind, &source.display().to_string()));
        };
        let present = self.explained(stat_of(&target))?.and_then(|stat| stat.same_as);
        if present.is_some() && present == original.same_as {
            return Ok(Linked::AlreadySame);
        }
        let linked = self.explained(self.link_hard(&source, to))?;
        self.hard_links.store(if linked.is_some() { HAS_THEM } else { HAS_NONE }, Ordering::Relaxed);
        match linked {
            Some(()) => Ok(Linked::Hard),
            None => self.copy(&source, to).map(|()| Linked::Copied),
        }
    }

    fn has_hard_links(&self) -> Option<bool> {
        match self.hard_links.load(Ordering::Relaxed) {
            HAS_THEM => Some(true),
            HAS_NONE => Some(false),
            _ => None,
        }
    }

    fn remove(&self, name: &Name) -> Result<()> {
        self.is_ours()?;
        match durable::remove_durably(&name.below(&self.root)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => self.explained(removed).map(|_| ()),
        }
    }

    fn space(&self) -> Result<Space> {
        self.explained(platform::space(&self.root))
    }

    fn volume(&self) -> Result<VolumeId> {
        self.explained(platform::volume_id(&self.root))
    }

    fn place(&self) -> Result<Place> {
        self.explained(platform::place(&self.root))
    }

    fn explain(&self, error: &io::Error) -> Problem {
        self.place_of_staged().explain(error)
    }
}

fn extras_below(root: &Path) -> io::Result<Vec<(Name, Stat)>> {
    let entries = match fs::read_dir(root.join(extra::FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let file = entry?.file_name();
        let Some(name) = file.to_str().and_then(Name::extra_file) else { continue };
        found.extend(stat_of(&name.below(root))?.map(|stat| (name, stat)));
    }
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    Ok(found)
}

fn stat_of(path: &Path) -> io::Result<Option<Stat>> {
    let data = match fs::symlink_metadata(path) {
        Ok(data) if data.is_file() => data,
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let same_as = platform::file_id(path)?;
    Ok(Some(Stat { bytes: data.len(), modified: DateTime::from(data.modified()?), same_as }))
}

#[cfg(test)]
mod tests;
