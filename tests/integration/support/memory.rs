//! A destination in memory, with the promises of the port.

use dmbackup::destination::{
    Destination, FileId, Identity, Kind, Linked, LockGuard, Mark, Name, Place, ReadBack, ReadSeek, Space,
    Staged, Stat, VolumeId, explain,
};
use dmbackup::problem::{Code, Problem, Result};
use dmbackup::slot::{ArchiveName, Set};
use dmbackup::words::Words;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Counts contents, so that second names of one are told from copies.
static NUMBER: AtomicU64 = AtomicU64::new(1);

#[derive(Clone, Debug)]
struct Content {
    number: u64,
    bytes: Arc<Vec<u8>>,
}

impl Content {
    fn new(bytes: Vec<u8>) -> Self {
        Self { number: NUMBER.fetch_add(1, Ordering::Relaxed), bytes: Arc::new(bytes) }
    }
}

#[derive(Debug, Default)]
struct Files {
    names: BTreeMap<PathBuf, Content>,
    recorded: BTreeSet<PathBuf>,
    mark: Option<Vec<u8>>,
    missing: bool,
}

/// Files in memory; clones are the same destination.
#[derive(Clone, Debug)]
pub struct Memory {
    kind: Kind,
    files: Arc<Mutex<Files>>,
    locked: Arc<AtomicBool>,
}

struct Unlock(Arc<AtomicBool>);

impl Drop for Unlock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Memory {
    /// An empty destination that nobody has claimed.
    pub fn new(kind: Kind) -> Self {
        Self { kind, files: Arc::default(), locked: Arc::default() }
    }

    /// What another program writes, by its path below the destination.
    pub fn write_foreign(&self, relative: &Path, bytes: &[u8]) {
        self.files().names.insert(relative.to_owned(), Content::new(bytes.to_vec()));
    }

    /// The content of its identity file, from outside.
    pub fn write_mark(&self, bytes: Option<&[u8]>) {
        self.files().mark = bytes.map(<[u8]>::to_vec);
    }

    /// It goes away, or comes back.
    pub fn set_missing(&self, missing: bool) {
        self.files().missing = missing;
    }

    /// Every name, those under construction too.
    pub fn raw(&self) -> Vec<PathBuf> {
        self.files().names.keys().cloned().collect()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap()
    }

    fn there(&self) -> Result<MutexGuard<'_, Files>> {
        let files = self.files();
        if files.missing {
            drop(files);
            return Err(self.explain(&io::Error::from_raw_os_error(2)));
        }
        Ok(files)
    }

    fn ours(&self) -> Result<MutexGuard<'_, Files>> {
        match self.mark()? {
            Mark::Of(_) => self.there(),
            Mark::Absent | Mark::Offered | Mark::Unreadable => Err(self.unmarked()),
        }
    }

    fn unmarked(&self) -> Problem {
        let code = match self.kind {
            Kind::Server => Code::FolderIdentity,
            Kind::Terminal => Code::TerminalIdentity,
        };
        Problem::new(code, Words::same("identity"), Words::same(""))
    }

    fn no_file(&self) -> Problem {
        self.explain(&io::ErrorKind::InvalidInput.into())
    }

    fn stat_at(files: &Files, path: &Path) -> Option<Stat> {
        files.names.get(path).map(|content| Stat {
            bytes: content.bytes.len() as u64,
            modified: chrono::DateTime::UNIX_EPOCH,
            same_as: Some(FileId { volume: VolumeId(0), index: content.number.into() }),
        })
    }
}

impl Destination for Memory {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn shown(&self) -> String {
        "memory".to_owned()
    }

    fn path_of(&self, name: &Name) -> PathBuf {
        name.relative()
    }

    fn mark(&self) -> Result<Mark> {
        Ok(self.there()?.mark.as_deref().map_or(Mark::Absent, Mark::read))
    }

    fn check(&self, id: &Identity) -> Result<()> {
        match self.mark()? {
            Mark::Of(found) if found.agent == id.agent => Ok(()),
            Mark::Of(_) | Mark::Absent | Mark::Offered | Mark::Unreadable => Err(self.unmarked()),
        }
    }

    fn caveats(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn claim(&self, id: &Identity) -> Result<Vec<PathBuf>> {
        match self.mark()? {
            Mark::Of(found) if found.agent == id.agent => return Ok(Vec::new()),
            Mark::Of(_) | Mark::Unreadable => return Err(self.unmarked()),
            Mark::Absent | Mark::Offered => {}
        }
        let mut files = self.there()?;
        let ours =
            |path: &PathBuf| path.to_string_lossy().contains("MCDados.") && !path.starts_with("anterior");
        let foreign: Vec<_> = files.names.keys().filter(|path| ours(path)).cloned().collect();
        let mut moved = Vec::new();
        for path in foreign {
            let Some(content) = files.names.remove(&path) else { continue };
            let mut aside = Path::new("anterior").join(&path);
            let mut number = 1;
            while files.names.contains_key(&aside) {
                number += 1;
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
                aside.set_file_name(format!("{stem} ({number}).{extension}"));
            }
            files.names.insert(aside.clone(), content);
            moved.push(aside);
        }
        files.mark = Some(id.written());
        Ok(moved)
    }

    fn lock(&self) -> Result<LockGuard> {
        if self.locked.swap(true, Ordering::SeqCst) {
            return Err(Problem::new(Code::FolderLocked, Words::same("locked"), Words::same("")));
        }
        Ok(LockGuard::holding(Unlock(Arc::clone(&self.locked))))
    }

    fn scrub(&self) -> Result<Vec<PathBuf>> {
        let mut files = self.ours()?;
        let recorded = std::mem::take(&mut files.recorded);
        Ok(recorded.into_iter().filter(|path| files.names.remove(path).is_some()).collect())
    }

    fn stage(&self, name: &Name) -> Result<Box<dyn Staged>> {
        let path = self.expect(name)?;
        self.files().names.insert(path.clone(), Content::new(Vec::new()));
        Ok(Box::new(StagedBytes::new(self.clone(), name, path, Vec::new())))
    }

    fn expect(&self, name: &Name) -> Result<PathBuf> {
        let partial = name.partial();
        let mut files = self.ours()?;
        files.names.remove(&partial);
        files.recorded.insert(partial.clone());
        Ok(partial)
    }

    fn adopt(&self, name: &Name) -> Result<Box<dyn Staged>> {
        let partial = name.partial();
        let found = self.there()?.names.get(&partial).cloned();
        let content = found.ok_or_else(|| self.no_file())?;
        Ok(Box::new(StagedBytes::new(self.clone(), name, partial, content.bytes.to_vec())))
    }

    fn abandon(&self, name: &Name) -> Result<()> {
        let mut files = self.there()?;
        files.names.remove(&name.partial());
        files.recorded.remove(&name.partial());
        Ok(())
    }

    fn open(&self, name: &Name) -> Result<Option<Box<dyn ReadSeek>>> {
        let found = self.there()?.names.get(&name.relative()).cloned();
        Ok(found.map(|content| Box::new(Cursor::new(content.bytes.to_vec())) as Box<dyn ReadSeek>))
    }

    fn stat(&self, name: &Name) -> Result<Option<Stat>> {
        Ok(Self::stat_at(&*self.there()?, &name.relative()))
    }

    fn sets(&self, archive: &ArchiveName) -> Result<Vec<(Set, Stat)>> {
        let files = self.there()?;
        let stat = |set| Some((set, Self::stat_at(&files, &Name::zip(set, archive).relative())?));
        Ok(Set::all().filter_map(stat).collect())
    }

    fn extras(&self) -> Result<Vec<(Name, Stat)>> {
        let files = self.there()?;
        let names = files.names.keys().rev().filter(|path| path.starts_with("extra"));
        let names = names.filter_map(|path| Name::extra_file(path.file_name()?.to_str()?));
        Ok(names
            .filter_map(|name| Self::stat_at(&files, &name.relative()).map(|stat| (name, stat)))
            .collect())
    }

    fn link(&self, from: &Name, to: &Name) -> Result<Linked> {
        let mut files = self.ours()?;
        let Some(content) = files.names.get(&from.relative()).cloned() else {
            drop(files);
            return Err(self.no_file());
        };
        if files.names.get(&to.relative()).is_some_and(|old| old.number == content.number) {
            return Ok(Linked::AlreadySame);
        }
        files.names.remove(&to.partial());
        files.names.insert(to.relative(), content);
        Ok(Linked::Hard)
    }

    fn has_hard_links(&self) -> Option<bool> {
        Some(true)
    }

    fn remove(&self, name: &Name) -> Result<()> {
        self.ours()?.names.remove(&name.relative());
        Ok(())
    }

    fn space(&self) -> Result<Space> {
        drop(self.there()?);
        Ok(Space { free_bytes: 1 << 40, total_bytes: 1 << 41 })
    }

    fn volume(&self) -> Result<VolumeId> {
        drop(self.there()?);
        Ok(VolumeId(0))
    }

    fn place(&self) -> Result<Place> {
        drop(self.there()?);
        Ok(Place::ThisMachine)
    }

    fn explain(&self, error: &io::Error) -> Problem {
        explain(self.kind, "memory", error)
    }
}

struct StagedBytes {
    memory: Memory,
    target: PathBuf,
    partial: PathBuf,
    bytes: Cursor<Vec<u8>>,
    over: bool,
}

impl StagedBytes {
    fn new(memory: Memory, name: &Name, partial: PathBuf, bytes: Vec<u8>) -> Self {
        Self { memory, target: name.relative(), partial, bytes: Cursor::new(bytes), over: false }
    }

    fn end(&mut self) -> MutexGuard<'_, Files> {
        self.over = true;
        let mut files = self.memory.files();
        files.names.remove(&self.partial);
        files.recorded.remove(&self.partial);
        files
    }
}

impl Read for StagedBytes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(into)
    }
}

impl Write for StagedBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for StagedBytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

impl Staged for StagedBytes {
    fn path(&self) -> &Path {
        &self.partial
    }

    fn seal(&mut self) -> Result<()> {
        self.memory.there().map(|_| ())
    }

    fn read_back(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        drop(self.memory.there()?);
        sink(self.bytes.get_ref());
        Ok(ReadBack { bytes: self.bytes.get_ref().len() as u64, from_medium: true })
    }

    fn publish(mut self: Box<Self>) -> Result<()> {
        drop(self.memory.there()?);
        let content = Content::new(std::mem::take(self.bytes.get_mut()));
        let target = self.target.clone();
        self.end().names.insert(target, content);
        Ok(())
    }

    fn discard(mut self: Box<Self>) -> Result<()> {
        drop(self.end());
        Ok(())
    }

    fn leave(mut self: Box<Self>) {
        self.over = true;
    }
}

impl Drop for StagedBytes {
    fn drop(&mut self) {
        if !self.over {
            drop(self.end());
        }
    }
}
