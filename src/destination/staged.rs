//! A file of a [`Folder`](super::Folder) under construction.

use super::{Kind, Name, ReadAlong, ReadBack, Settle, Staged, identity, outside, problems};
use crate::durable::{self, Ledger};
use crate::platform::{self, Medium, Settler};
use crate::problem::{Problem, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A recorded file under its partial name; removed when dropped unpublished.
#[derive(Debug)]
pub struct StagedFile {
    place: StagedPlace,
    partial: PathBuf,
    target: PathBuf,
    /// `None` once it is published or discarded.
    file: Option<File>,
    state: State,
    foreign: bool,
}

/// How far the content is from its medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Something was written since the last sync.
    Dirty,
    /// All of it is there.
    Sealed,
    /// A sync failed. The system has dropped what it could not write, and the next sync would say that all is well.
    Broken,
}

/// Whose folder it is: it decides the words of its problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A destination of this kind.
    Destination(Kind),
    /// A person chose it for one file.
    Nobody,
}

/// What a staged file must know of its folder.
#[derive(Clone, Debug)]
pub struct StagedPlace {
    pub owner: Owner,
    pub shown: String,
    pub root: PathBuf,
    pub ledger: Arc<Ledger>,
}

impl StagedPlace {
    /// An error of the folder as a problem. That a single file is gone does not mean that the folder is.
    pub fn explain(&self, error: &io::Error) -> Problem {
        let Owner::Destination(kind) = self.owner else { return outside::explain(&self.shown, error) };
        if error.kind() == io::ErrorKind::NotFound && self.root.join(identity::FILE).is_file() {
            tracing::warn!(?kind, destination = self.shown, %error, "a file of the destination is gone");
            return problems::failed(kind, &self.shown, error);
        }
        problems::explain(kind, &self.shown, error)
    }

    /// Records the partial name of `name` and clears it; the folders on the way are there then.
    pub fn prepare(&self, name: &Name) -> io::Result<PathBuf> {
        self.make_folders(name)?;
        let partial = self.root.join(name.partial());
        self.ledger.record(&partial);
        durable::remove_durably(&partial)?;
        Ok(partial)
    }

    /// Removes a file under construction and forgets it. Below a mount point whose disk went away there is nothing to remove,
    /// and its name stays recorded until the disk is back.
    pub fn clear(&self, partial: &Path) -> io::Result<()> {
        if durable::remove_durably(partial)? || self.root.join(identity::FILE).exists() {
            self.ledger.forget(partial);
        }
        Ok(())
    }

    fn make_folders(&self, name: &Name) -> io::Result<()> {
        let relative = name.relative();
        let mut folder = self.root.clone();
        for part in relative.parent().into_iter().flat_map(Path::components) {
            let parent = folder.clone();
            folder.push(part);
            if !folder.is_dir() {
                platform::make_folder_inside(&folder)?;
                platform::sync_folder(&parent)?;
            }
        }
        Ok(())
    }
}

impl StagedFile {
    /// Begins the file that will take `name`.
    pub fn begin(place: StagedPlace, name: &Name) -> io::Result<Self> {
        let partial = place.prepare(name)?;
        let mut options = OpenOptions::new();
        let opened = platform::private(options.read(true).write(true).create_new(true)).open(&partial);
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                let _ = place.clear(&partial);
                return Err(error);
            }
        };
        let target = name.below(&place.root);
        Ok(Self { place, partial, target, file: Some(file), state: State::Dirty, foreign: false })
    }

    /// Takes over what another program wrote under the partial name of `name`.
    pub fn adopt(place: StagedPlace, name: &Name) -> io::Result<Self> {
        let partial = place.root.join(name.partial());
        place.ledger.record(&partial);
        let file = platform::open_shared(&partial)?;
        if let Err(error) = platform::take_from_everybody(&partial) {
            tracing::debug!(path = %partial.display(), %error, "the dump keeps the rights that SQL Server gave it");
        }
        let target = name.below(&place.root);
        Ok(Self { place, partial, target, file: Some(file), state: State::Dirty, foreign: true })
    }

    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.state {
            State::Sealed => return Ok(()),
            State::Broken => return Err(io::Error::other("an earlier sync failed")),
            State::Dirty => {}
        }
        let synced = if self.foreign {
            platform::sync_foreign_file(&self.partial)
        } else {
            self.file().and_then(|file| file.sync_all())
        };
        self.state = if synced.is_ok() { State::Sealed } else { State::Broken };
        synced
    }

    fn take_name(&mut self) -> io::Result<()> {
        self.sync()?;
        // Windows does not rename over or away from what is open.
        self.file = None;
        if let Err(error) = platform::rename_over(&self.partial, &self.target) {
            let _ = self.remove();
            return Err(error);
        }
        self.place.ledger.forget(&self.partial);
        durable::sync_parent(&self.target)
    }

    fn remove(&mut self) -> io::Result<()> {
        self.file = None;
        self.place.clear(&self.partial)
    }
}

impl Read for StagedFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file()?.read(into)
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.state == State::Sealed {
            self.state = State::Dirty;
        }
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Seek for StagedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}

impl Staged for StagedFile {
    fn path(&self) -> &Path {
        &self.partial
    }

    fn seal(&mut self) -> Result<()> {
        self.sync().map_err(|error| self.place.explain(&error))
    }

    fn read_back(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        self.sync()
            .and_then(|()| platform::read_back(&self.partial, sink))
            .map_err(|error| self.place.explain(&error))
    }

    fn read_along(&self) -> Option<Box<dyn ReadAlong>> {
        Some(Box::new(StagedAlong { place: self.place.clone(), partial: self.partial.clone(), medium: None }))
    }

    fn settler(&self) -> Result<Option<Box<dyn Settle>>> {
        let Some(file) = self.file.as_ref().filter(|_| !self.foreign) else { return Ok(None) };
        let settler = Settler::beside(file, &self.partial).map_err(|error| self.place.explain(&error))?;
        Ok(Some(Box::new(StagedSettler { place: self.place.clone(), settler })))
    }

    fn publish(mut self: Box<Self>) -> Result<()> {
        self.take_name().map_err(|error| self.place.explain(&error))
    }

    fn discard(mut self: Box<Self>) -> Result<()> {
        self.remove().map_err(|error| self.place.explain(&error))
    }

    fn leave(mut self: Box<Self>) {
        self.file = None;
    }
}

/// Reads a staged file by its partial name while it grows.
#[derive(Debug)]
struct StagedAlong {
    place: StagedPlace,
    partial: PathBuf,
    /// Open since the first reading: on a link each opening costs several ways there and back.
    medium: Option<Medium>,
}

impl StagedAlong {
    fn medium(&mut self) -> io::Result<&Medium> {
        match &mut self.medium {
            Some(medium) => Ok(medium),
            none => Ok(none.insert(Medium::open(&self.partial)?)),
        }
    }
}

impl ReadAlong for StagedAlong {
    fn read_back(&mut self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        let read = self.medium().and_then(|medium| medium.read(range, sink));
        read.map_err(|error| self.place.explain(&error))
    }
}

/// Settles a staged file while it grows.
#[derive(Debug)]
struct StagedSettler {
    place: StagedPlace,
    settler: Settler,
}

impl Settle for StagedSettler {
    fn settle(&mut self) -> Result<()> {
        self.settler.settle().map_err(|error| self.place.explain(&error))
    }

    fn costs_nothing(&self) -> bool {
        self.settler.costs_nothing()
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if self.file.is_some()
            && let Err(error) = self.remove()
        {
            tracing::warn!(path = %self.partial.display(), %error, "left for the next scrub");
        }
    }
}
