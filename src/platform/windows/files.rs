//! Volumes, syncing, and reading past the cache.

use super::super::medium;
use super::super::{FileId, ReadBack, Space, VolumeId};
use super::handles::succeeded;
use super::wide::wide;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::time::Duration;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_BAD_NET_NAME, ERROR_BAD_NETPATH, ERROR_CALL_NOT_IMPLEMENTED,
    ERROR_DEV_NOT_EXIST, ERROR_FILE_NOT_FOUND, ERROR_HOST_UNREACHABLE, ERROR_INVALID_FUNCTION,
    ERROR_INVALID_PARAMETER, ERROR_LOCK_VIOLATION, ERROR_NETNAME_DELETED, ERROR_NETWORK_UNREACHABLE,
    ERROR_NO_NET_OR_BAD_PATH, ERROR_NOT_READY, ERROR_NOT_SUPPORTED, ERROR_PATH_NOT_FOUND, ERROR_REM_NOT_LIST,
    ERROR_SEM_TIMEOUT, ERROR_SHARING_VIOLATION, ERROR_TOO_MANY_LINKS, ERROR_UNEXP_NET_ERR, GENERIC_WRITE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_NO_BUFFERING,
    FILE_FLAG_SEQUENTIAL_SCAN, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, GetDiskFreeSpaceExW,
    GetFileInformationByHandle, GetVolumeInformationByHandleW, MOVEFILE_WRITE_THROUGH, MoveFileExW,
};

const SHARE_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

pub fn volume_id(path: &Path) -> io::Result<VolumeId> {
    Ok(VolumeId(information(path)?.dwVolumeSerialNumber.into()))
}

pub fn file_id(path: &Path) -> io::Result<Option<FileId>> {
    let told = information(path)?;
    let index = u128::from(told.nFileIndexHigh) << 32 | u128::from(told.nFileIndexLow);
    let volume = VolumeId(told.dwVolumeSerialNumber.into());
    Ok((index != 0).then_some(FileId { volume, index }))
}

fn information(path: &Path) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    // No access but to the attributes; folders open with backup semantics only.
    let mut options = OpenOptions::new();
    options.access_mode(0).share_mode(SHARE_ALL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let file = options.open(path)?;
    let mut told = BY_HANDLE_FILE_INFORMATION::default();
    #[expect(unsafe_code, reason = "std keeps these fields to itself")]
    // SAFETY: the handle is open, `told` is writable.
    succeeded(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut told) })?;
    Ok(told)
}

pub fn space(path: &Path) -> io::Result<Space> {
    let name = wide(path);
    let (mut free_bytes, mut total_bytes) = (0, 0);
    #[expect(unsafe_code, reason = "free space has no safe binding")]
    // SAFETY: the name ends with a zero; the numbers are writable.
    succeeded(unsafe {
        GetDiskFreeSpaceExW(name.as_ptr(), &raw mut free_bytes, &raw mut total_bytes, std::ptr::null_mut())
    })?;
    Ok(Space { free_bytes, total_bytes })
}

pub fn largest_file_bytes(path: &Path) -> io::Result<Option<u64>> {
    let mut options = OpenOptions::new();
    options.access_mode(0).share_mode(SHARE_ALL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let file = options.open(path)?;
    let mut name = [0_u16; 32];
    let length = u32::try_from(name.len()).unwrap_or_default();
    let none = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "the name of a file system has no safe binding")]
    // SAFETY: the handle is open, `name` is writable and as long as is said; what is not wanted is null.
    succeeded(unsafe {
        GetVolumeInformationByHandleW(
            file.as_raw_handle(),
            none,
            0,
            none.cast(),
            none.cast(),
            none.cast(),
            name.as_mut_ptr(),
            length,
        )
    })?;
    let end = name.iter().position(|unit| *unit == 0).unwrap_or(name.len());
    let is_fat =
        ["FAT", "FAT12", "FAT16", "FAT32"].contains(&String::from_utf16_lossy(&name[..end]).as_str());
    Ok(is_fat.then_some(u32::MAX.into()))
}

pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from), wide(to));
    #[expect(unsafe_code, reason = "std renames over what is there")]
    // SAFETY: both names end with a zero.
    succeeded(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) })
}

pub fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    /// Virus scanners and indexers open what was just written, and let go within a second.
    const TRIES: u32 = 20;
    const WAIT: Duration = Duration::from_millis(100);
    for _ in 1..TRIES {
        match fs::rename(from, to) {
            Err(error) if is_one_of(&error, &[ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION]) => {
                std::thread::sleep(WAIT);
            }
            renamed => return renamed,
        }
    }
    fs::rename(from, to)
}

pub fn has_no_locks(error: &io::Error) -> bool {
    is_one_of(error, &[ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED, ERROR_CALL_NOT_IMPLEMENTED])
}

pub fn has_no_hard_links(error: &io::Error) -> bool {
    let none = [
        ERROR_INVALID_FUNCTION,
        ERROR_NOT_SUPPORTED,
        ERROR_CALL_NOT_IMPLEMENTED,
        ERROR_INVALID_PARAMETER,
        ERROR_TOO_MANY_LINKS,
    ];
    error.kind() == io::ErrorKind::Unsupported || is_one_of(error, &none)
}

pub fn is_gone(error: &io::Error) -> bool {
    let gone = [
        ERROR_FILE_NOT_FOUND,
        ERROR_PATH_NOT_FOUND,
        ERROR_BAD_NETPATH,
        ERROR_BAD_NET_NAME,
        ERROR_NETNAME_DELETED,
        ERROR_DEV_NOT_EXIST,
        ERROR_REM_NOT_LIST,
        ERROR_UNEXP_NET_ERR,
        ERROR_NOT_READY,
        ERROR_SEM_TIMEOUT,
        ERROR_NO_NET_OR_BAD_PATH,
        ERROR_NETWORK_UNREACHABLE,
        ERROR_HOST_UNREACHABLE,
    ];
    is_one_of(error, &gone)
}

fn is_one_of(error: &io::Error, codes: &[u32]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.contains(&code.cast_unsigned()))
}

pub fn sync_folder(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.access_mode(GENERIC_WRITE).share_mode(SHARE_ALL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    match options.open(path).and_then(|folder| folder.sync_all()) {
        // NTFS logs its names by itself; not every file system lets a folder be flushed.
        Err(error) if is_one_of(&error, &CANNOT_FLUSH) => Ok(()),
        synced => synced,
    }
}

pub fn sync_foreign_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).share_mode(SHARE_ALL);
    match options.open(path).and_then(|file| file.sync_all()) {
        // SQL Server writes past the cache anyway, and a file of its own may not be ours to open for writing.
        Err(error) if is_one_of(&error, &CANNOT_FLUSH) => Ok(()),
        synced => synced,
    }
}

const CANNOT_FLUSH: [u32; 4] =
    [ERROR_ACCESS_DENIED, ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED, ERROR_INVALID_PARAMETER];

pub fn open_shared(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).share_mode(SHARE_ALL).open(path)
}

/// See [`platform::Settler`](crate::platform::Settler).
#[derive(Debug)]
pub struct Settler(File);

impl Settler {
    pub fn beside(file: &File, _: &Path) -> io::Result<Self> {
        file.try_clone().map(Self)
    }

    pub fn settle(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    /// The machine that has a share syncs its disk for this, too.
    #[expect(clippy::unused_self, reason = "other systems know it of the file")]
    pub const fn costs_nothing(&self) -> bool {
        false
    }
}

/// See [`platform::Medium`](crate::platform::Medium).
#[derive(Debug)]
pub struct Medium {
    file: File,
    from_medium: bool,
}

impl Medium {
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).share_mode(SHARE_ALL);
        let past_cache =
            options.clone().custom_flags(FILE_FLAG_NO_BUFFERING | FILE_FLAG_SEQUENTIAL_SCAN).open(path);
        match past_cache {
            Ok(file) => Ok(Self { file, from_medium: true }),
            Err(error) if is_one_of(&error, &CANNOT_FLUSH[1..]) => {
                Ok(Self { file: options.open(path)?, from_medium: false })
            }
            Err(error) => Err(error),
        }
    }

    pub fn read(&self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> io::Result<ReadBack> {
        let bytes = medium::read_aligned(range, |buffer, at| self.file.seek_read(buffer, at), sink)?;
        Ok(ReadBack { bytes, from_medium: self.from_medium })
    }
}
