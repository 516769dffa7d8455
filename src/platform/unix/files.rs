//! Volumes, syncing, and reading past the page cache.

use super::super::medium::{self, ALIGNMENT};
use super::super::{FileId, ReadBack, Space, VolumeId};
use super::mounts;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::fd::IntoRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

pub fn volume_id(path: &Path) -> io::Result<VolumeId> {
    Ok(VolumeId(fs::metadata(path)?.dev()))
}

pub fn file_id(path: &Path) -> io::Result<Option<FileId>> {
    let data = fs::symlink_metadata(path)?;
    Ok((data.ino() != 0).then(|| FileId { volume: VolumeId(data.dev()), index: data.ino().into() }))
}

pub fn space(path: &Path) -> io::Result<Space> {
    let told = rustix::fs::statvfs(path)?;
    let size = if told.f_frsize == 0 { told.f_bsize } else { told.f_frsize };
    let bytes = |blocks: u64| blocks.saturating_mul(size);
    Ok(Space { free_bytes: bytes(told.f_bavail), total_bytes: bytes(told.f_blocks) })
}

#[cfg(target_os = "linux")]
pub fn largest_file_bytes(path: &Path) -> io::Result<Option<u64>> {
    let kind = rustix::fs::statfs(path)?.f_type;
    Ok(u64::try_from(kind).ok().and_then(largest_of_kind))
}

/// The largest file of a file system with this number of Linux'.
#[cfg(target_os = "linux")]
fn largest_of_kind(kind: u64) -> Option<u64> {
    /// FAT, whose sizes are 32 bits wide; exFAT has another number.
    const MSDOS: u64 = 0x4d44;
    (kind == MSDOS).then_some(u32::MAX.into())
}

#[cfg(not(target_os = "linux"))]
pub fn largest_file_bytes(path: &Path) -> io::Result<Option<u64>> {
    fs::metadata(path).map(|_| None)
}

pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // File systems without the flag: shares, FUSE.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if fs::symlink_metadata(to).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        renamed => Ok(renamed?),
    }
}

pub fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

pub fn has_no_locks(error: &io::Error) -> bool {
    let none = [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| none.contains(&errno))
}

pub fn has_no_hard_links(error: &io::Error) -> bool {
    if error.kind() == io::ErrorKind::Unsupported {
        return true;
    }
    // PERM: vfat, exFAT. MLINK: the file has as many as it can have.
    let none = [Errno::PERM, Errno::NOTSUP, Errno::NOSYS, Errno::MLINK, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| none.contains(&errno))
}

pub fn is_gone(error: &io::Error) -> bool {
    let gone = [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::NODEV,
        Errno::NXIO,
        Errno::STALE,
        Errno::NOTCONN,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::NETDOWN,
        Errno::NETUNREACH,
        Errno::TIMEDOUT,
        Errno::CONNREFUSED,
        Errno::CONNRESET,
        Errno::CONNABORTED,
        Errno::SHUTDOWN,
    ];
    Errno::from_io_error(error).is_some_and(|errno| gone.contains(&errno))
}

pub fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        // The file system has no such call for folders.
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::INVAL | Errno::NOTSUP)) => Ok(()),
        synced => synced,
    }
}

pub fn sync_foreign_file(path: &Path) -> io::Result<()> {
    // Linux syncs a file through a handle that may only read.
    File::open(path)?.sync_all()
}

pub fn open_shared(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// See [`platform::Settler`](crate::platform::Settler).
#[derive(Debug)]
pub struct Settler {
    file: File,
    on_share: bool,
}

impl Settler {
    pub fn beside(file: &File, path: &Path) -> io::Result<Self> {
        Ok(Self { file: file.try_clone()?, on_share: mounts::is_share(path)? })
    }

    pub fn costs_nothing(&self) -> bool {
        self.on_share
    }

    pub fn settle(&self) -> io::Result<()> {
        if !self.on_share {
            return self.file.sync_data();
        }
        // Each closing sends what is queued and waits for the answers, as close(2) of NFS, CIFS and FUSE promises. A sync would
        // do more: FUSE holds up the writer meanwhile.
        loop {
            match closed(self.file.try_clone()?) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                settled => return settled,
            }
        }
    }
}

/// Closes a file and tells what that told, where dropping it tells nothing.
fn closed(file: File) -> io::Result<()> {
    #[expect(unsafe_code, reason = "closing with its result has no safe binding")]
    // SAFETY: the descriptor was ours alone, and is no more after this, whatever is returned.
    match unsafe { libc::close(file.into_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// See [`platform::Medium`](crate::platform::Medium).
#[derive(Debug)]
pub struct Medium {
    file: File,
    /// Reads of it bypass the cache.
    direct: bool,
}

impl Medium {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(match open_direct(path)? {
            Some(file) => Self { file, direct: true },
            None => Self { file: File::open(path)?, direct: false },
        })
    }

    pub fn read(&self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> io::Result<ReadBack> {
        let from_medium = self.direct || drop_cache(&self.file, &range);
        let bytes = medium::read_aligned(range, |buffer, at| self.file.read_at(buffer, at), sink)?;
        Ok(ReadBack { bytes, from_medium })
    }
}

/// The file opened past the cache; `None` where its file system cannot. Some only say so at the first read.
#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags};
    let file = match rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECT, Mode::empty())
    {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::INVAL | Errno::NOTSUP) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let mut memory = [0_u8; 2 * ALIGNMENT];
    let start = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    match file.read_at(&mut memory[start..start + ALIGNMENT], 0) {
        Ok(_) => Ok(Some(file)),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Drops a synced range of a file from the page cache, and tells whether it is really gone from there: the kernel keeps pages
/// that somebody else uses, and says nothing.
#[cfg(target_os = "linux")]
fn drop_cache(file: &File, range: &Range<u64>) -> bool {
    use rustix::fs::{Advice, fadvise};
    use rustix::io::{ReadWriteFlags, preadv2};
    /// Places of the file that are looked at before anything is read.
    const PROBES: u64 = 64;
    let length = range.end.saturating_sub(range.start);
    // Nothing is to be read ahead into the ranges that others read, who would take it for what the cache had kept.
    let advised = fadvise(file, 0, None, Advice::Random)
        .and_then(|()| fadvise(file, range.start, NonZeroU64::new(length), Advice::DontNeed));
    if advised.is_err() {
        return false;
    }
    (0..PROBES.min(length)).all(|probe| {
        let offset = range.start + length / PROBES.min(length) * probe;
        let mut byte = [0_u8; 1];
        // A read that may not wait succeeds from the cache only.
        let read = preadv2(file, &mut [io::IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT);
        read == Err(Errno::AGAIN)
    })
}

#[cfg(not(target_os = "linux"))]
fn drop_cache(_: &File, _: &Range<u64>) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder where the programs are built: /tmp may lie in memory.
    fn on_a_disk() -> tempfile::TempDir {
        tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap()
    }

    #[test]
    fn what_is_read_back_is_what_was_written_whatever_its_length() {
        let folder = on_a_disk();
        let path = folder.path().join("file");
        for length in [0, 1, 4095, 4096, 4097, 1 << 20, (1 << 20) + 5, 3_000_001] {
            let content: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
            fs::write(&path, &content).unwrap();
            File::open(&path).unwrap().sync_all().unwrap();
            let mut got = Vec::new();
            let whole = 0..u64::from(length);
            let medium = Medium::open(&path).unwrap();
            let told = medium.read(whole, &mut |piece| got.extend_from_slice(piece)).unwrap();
            assert!(got == content, "{length}");
            assert_eq!(told.bytes, u64::from(length));
        }
    }

    #[test]
    fn what_the_cache_still_holds_is_not_called_the_medium() {
        let folder = on_a_disk();
        let path = folder.path().join("file");
        fs::write(&path, vec![7; 1 << 20]).unwrap();
        let file = File::open(&path).unwrap();
        // Not synced: the kernel cannot drop what is not on the disk yet.
        assert!(!drop_cache(&file, &(0..1 << 20)));
    }

    #[test]
    fn no_file_of_ours_reaches_the_end_of_a_file_here() {
        assert_eq!(largest_file_bytes(on_a_disk().path()).unwrap(), None);
        assert!(largest_file_bytes(Path::new("/no such folder")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_fat_ends_at_4_gib_a_file() {
        assert_eq!(largest_of_kind(0x4d44), Some(u64::from(u32::MAX)), "MSDOS_SUPER_MAGIC");
        // exFAT, NTFS (kernel and FUSE), ext4, XFS, tmpfs, CIFS, SMB2.
        for kind in [
            0x2011_bab0,
            0x7366_746e,
            0x6573_5546,
            0xef53,
            0x5846_5342,
            0x0102_1994,
            0xff53_4d42,
            0xfe53_4d42,
        ] {
            assert_eq!(largest_of_kind(kind), None, "{kind:#x}");
        }
    }

    #[test]
    fn two_names_of_one_file_are_told_from_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, other] = ["1", "2", "3"].map(|name| folder.path().join(name));
        fs::write(&one, "x").unwrap();
        fs::write(&other, "x").unwrap();
        fs::hard_link(&one, &two).unwrap();
        assert_eq!(file_id(&one).unwrap(), file_id(&two).unwrap());
        assert_ne!(file_id(&one).unwrap(), file_id(&other).unwrap());
        let taken = rename_new(&one, &other).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        rename_new(&one, &folder.path().join("4")).unwrap();
        sync_folder(folder.path()).unwrap();
    }
}
