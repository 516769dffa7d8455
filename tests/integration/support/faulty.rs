//! A wrapper around any destination that fails on demand.

use dmbackup::destination::{
    Destination, Identity, Kind, Linked, LockGuard, Mark, Name, Place, ReadAlong, ReadBack, ReadSeek, Settle,
    Space, Staged, Stat, VolumeId,
};
use dmbackup::problem::{Problem, Result};
use dmbackup::slot::{ArchiveName, Set};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Mark,
    Check,
    Claim,
    Scrub,
    Stage,
    /// A write, once this many bytes of the file were written.
    Write(u64),
    Seal,
    ReadBack,
    Publish,
    Expect,
    Adopt,
    Open,
    Stat,
    Link,
    Remove,
    Space,
    /// Every operation: the destination is gone.
    Everywhere,
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails with this error and changes nothing.
    Error(io::ErrorKind),
    /// As a share or disk that went away.
    Gone,
    /// Reading back gives a byte that was not written, and says nothing.
    FlippedBit,
    /// A write takes as long as a medium of so many bytes per millisecond would.
    Slow(u64),
    /// So many bytes are said to be free.
    Free(u64),
    /// Nothing is answered until [`Faulty::answer`]; then it is done.
    Hang,
}

impl Fault {
    fn error(self) -> Option<io::Error> {
        match self {
            Self::Error(kind) => Some(kind.into()),
            // «Transport endpoint is not connected».
            Self::Gone => Some(io::Error::from_raw_os_error(107)),
            Self::FlippedBit | Self::Slow(_) | Self::Free(_) | Self::Hang => None,
        }
    }
}

#[derive(Debug, Default)]
struct Armed {
    faults: Vec<(At, Fault, u32)>,
    struck: u32,
    /// How many calls hang.
    hanging: u32,
    answers: bool,
    /// How many files under construction were let go of.
    left: u32,
    discarded: u32,
}

/// A destination with faults; clones share them.
#[derive(Clone, Debug)]
pub struct Faulty {
    inner: Arc<dyn Destination>,
    armed: Arc<(Mutex<Armed>, Condvar)>,
}

impl Faulty {
    /// Wraps `inner`, without faults yet.
    pub fn new(inner: Arc<dyn Destination>) -> Self {
        Self { inner, armed: Arc::default() }
    }

    /// Strikes `at` that point the next `times` times.
    pub fn arm(&self, at: At, fault: Fault, times: u32) {
        self.lock().faults.push((at, fault, times));
    }

    fn lock(&self) -> MutexGuard<'_, Armed> {
        self.armed.0.lock().unwrap()
    }

    /// Lets all that hangs go on, and nothing hang any more.
    pub fn answer(&self) {
        self.lock().answers = true;
        self.armed.1.notify_all();
    }

    /// How many files under construction were let go of where they were, and how many discarded.
    pub fn put_away(&self) -> (u32, u32) {
        let armed = self.lock();
        (armed.left, armed.discarded)
    }

    /// How many calls hang now.
    pub fn hanging(&self) -> u32 {
        self.lock().hanging
    }

    /// Takes all faults away, and tells how often one struck.
    pub fn disarm(&self) -> u32 {
        let mut armed = self.lock();
        armed.faults.clear();
        std::mem::take(&mut armed.struck)
    }

    fn strike(&self, hits: impl Fn(At) -> bool) -> Option<Fault> {
        let mut armed = self.lock();
        let position = armed
            .faults
            .iter()
            .position(|(at, _, times)| *times > 0 && (hits(*at) || *at == At::Everywhere))?;
        armed.faults[position].2 -= 1;
        armed.struck += 1;
        let fault = armed.faults[position].1;
        if fault == Fault::Hang {
            armed.hanging += 1;
            let mut armed = self.armed.1.wait_while(armed, |armed| !armed.answers).unwrap();
            armed.hanging -= 1;
        }
        Some(fault)
    }

    fn strikes(&self, point: At) -> Result<()> {
        match self.strike(|at| at == point).and_then(Fault::error) {
            Some(error) => Err(self.inner.explain(&error)),
            None => Ok(()),
        }
    }

    fn wrap(&self, inner: Box<dyn Staged>) -> Box<dyn Staged> {
        Box::new(FaultyFile { inner, faulty: self.clone(), written_bytes: 0 })
    }
}

impl Destination for Faulty {
    fn kind(&self) -> Kind {
        self.inner.kind()
    }

    fn shown(&self) -> String {
        self.inner.shown()
    }

    fn path_of(&self, name: &Name) -> PathBuf {
        self.inner.path_of(name)
    }

    fn mark(&self) -> Result<Mark> {
        self.strikes(At::Mark)?;
        self.inner.mark()
    }

    fn check(&self, id: &Identity) -> Result<()> {
        self.strikes(At::Check)?;
        self.inner.check(id)
    }

    fn caveats(&self) -> Vec<Problem> {
        self.inner.caveats()
    }

    fn claim(&self, id: &Identity) -> Result<Vec<PathBuf>> {
        self.strikes(At::Claim)?;
        self.inner.claim(id)
    }

    fn lock(&self) -> Result<LockGuard> {
        self.inner.lock()
    }

    fn scrub(&self) -> Result<Vec<PathBuf>> {
        self.strikes(At::Scrub)?;
        self.inner.scrub()
    }

    fn stage(&self, name: &Name) -> Result<Box<dyn Staged>> {
        self.strikes(At::Stage)?;
        self.inner.stage(name).map(|staged| self.wrap(staged))
    }

    fn expect(&self, name: &Name) -> Result<PathBuf> {
        self.strikes(At::Expect)?;
        self.inner.expect(name)
    }

    fn adopt(&self, name: &Name) -> Result<Box<dyn Staged>> {
        self.strikes(At::Adopt)?;
        self.inner.adopt(name).map(|staged| self.wrap(staged))
    }

    fn abandon(&self, name: &Name) -> Result<()> {
        self.inner.abandon(name)
    }

    fn open(&self, name: &Name) -> Result<Option<Box<dyn ReadSeek>>> {
        self.strikes(At::Open)?;
        self.inner.open(name)
    }

    fn stat(&self, name: &Name) -> Result<Option<Stat>> {
        self.strikes(At::Stat)?;
        self.inner.stat(name)
    }

    fn sets(&self, archive: &ArchiveName) -> Result<Vec<(Set, Stat)>> {
        self.strikes(At::Stat)?;
        self.inner.sets(archive)
    }

    fn extras(&self) -> Result<Vec<(Name, Stat)>> {
        self.strikes(At::Stat)?;
        self.inner.extras()
    }

    fn link(&self, from: &Name, to: &Name) -> Result<Linked> {
        self.strikes(At::Link)?;
        self.inner.link(from, to)
    }

    fn has_hard_links(&self) -> Option<bool> {
        self.inner.has_hard_links()
    }

    fn remove(&self, name: &Name) -> Result<()> {
        self.strikes(At::Remove)?;
        self.inner.remove(name)
    }

    fn space(&self) -> Result<Space> {
        let struck = self.strike(|at| at == At::Space);
        if let Some(error) = struck.and_then(Fault::error) {
            return Err(self.inner.explain(&error));
        }
        let told = self.inner.space()?;
        Ok(match struck {
            Some(Fault::Free(free_bytes)) => Space { free_bytes, ..told },
            Some(_) | None => told,
        })
    }

    fn volume(&self) -> Result<VolumeId> {
        self.strikes(At::Space)?;
        self.inner.volume()
    }

    fn place(&self) -> Result<Place> {
        self.strikes(At::Space)?;
        self.inner.place()
    }

    fn explain(&self, error: &io::Error) -> Problem {
        self.inner.explain(error)
    }
}

struct FaultyFile {
    inner: Box<dyn Staged>,
    faulty: Faulty,
    written_bytes: u64,
}

impl Read for FaultyFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into)
    }
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.written_bytes;
        let struck = self.faulty.strike(|at| matches!(at, At::Write(after) if written >= after));
        if let Some(error) = struck.and_then(Fault::error) {
            return Err(error);
        }
        let count = self.inner.write(bytes)?;
        if let Some(Fault::Slow(bytes_per_milli)) = struck {
            std::thread::sleep(Duration::from_millis(count as u64 / bytes_per_milli));
        }
        self.written_bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Seek for FaultyFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl Staged for FaultyFile {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn seal(&mut self) -> Result<()> {
        self.faulty.strikes(At::Seal)?;
        self.inner.seal()
    }

    fn read_back(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        let struck = self.faulty.strike(|at| at == At::ReadBack);
        if let Some(error) = struck.and_then(Fault::error) {
            return Err(self.faulty.explain(&error));
        }
        self.inner.read_back(&mut flipping(struck, sink))
    }

    fn read_along(&self) -> Option<Box<dyn ReadAlong>> {
        let inner = self.inner.read_along()?;
        Some(Box::new(FaultyAlong { inner, faulty: self.faulty.clone() }))
    }

    fn settler(&self) -> Result<Option<Box<dyn Settle>>> {
        let inner = self.inner.settler()?;
        Ok(inner
            .map(|inner| Box::new(FaultySettler { inner, faulty: self.faulty.clone() }) as Box<dyn Settle>))
    }

    fn publish(self: Box<Self>) -> Result<()> {
        self.faulty.strikes(At::Publish)?;
        self.inner.publish()
    }

    fn discard(self: Box<Self>) -> Result<()> {
        let discarded = self.inner.discard();
        self.faulty.lock().discarded += 1;
        discarded
    }

    fn leave(self: Box<Self>) {
        self.inner.leave();
        self.faulty.lock().left += 1;
    }
}

/// Hands on what is read; the first piece with a flipped bit, where that struck.
fn flipping(struck: Option<Fault>, sink: &mut dyn FnMut(&[u8])) -> impl FnMut(&[u8]) {
    let mut flip = struck == Some(Fault::FlippedBit);
    move |piece| {
        if std::mem::take(&mut flip) && !piece.is_empty() {
            let mut bad = piece.to_vec();
            let middle = bad.len() / 2;
            bad[middle] ^= 0x10;
            sink(&bad);
        } else {
            sink(piece);
        }
    }
}

struct FaultyAlong {
    inner: Box<dyn ReadAlong>,
    faulty: Faulty,
}

impl ReadAlong for FaultyAlong {
    fn read_back(&mut self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        let struck = self.faulty.strike(|at| at == At::ReadBack);
        if let Some(error) = struck.and_then(Fault::error) {
            return Err(self.faulty.explain(&error));
        }
        self.inner.read_back(range, &mut flipping(struck, sink))
    }
}

struct FaultySettler {
    inner: Box<dyn Settle>,
    faulty: Faulty,
}

impl Settle for FaultySettler {
    fn settle(&mut self) -> Result<()> {
        self.faulty.strikes(At::Seal)?;
        self.inner.settle()
    }

    fn costs_nothing(&self) -> bool {
        self.inner.costs_nothing()
    }
}
