//! Access control lists of files and folders.

use super::handles::{LocalMemory, succeeded};
use super::wide::wide;
use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, GetAce, INHERIT_ONLY_ACE, IsWellKnownSid,
    PSID, SECURITY_ATTRIBUTES, WELL_KNOWN_SID_TYPE, WinAuthenticatedUserSid, WinBuiltinGuestsSid,
    WinBuiltinUsersSid, WinInteractiveSid, WinNetworkSid, WinWorldSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateDirectoryW, DELETE, FILE_ADD_FILE, FILE_ADD_SUBDIRECTORY, FILE_APPEND_DATA, FILE_DELETE_CHILD,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_READ_DATA, FILE_WRITE_DATA, WRITE_DAC, WRITE_OWNER,
};

/// Full control for LocalSystem, administrators and the owner; nothing inherited; passed on to what is made inside.
const PRIVATE: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";

/// The groups that every user is in.
const EVERYBODY: [WELL_KNOWN_SID_TYPE; 6] = [
    WinWorldSid,
    WinBuiltinUsersSid,
    WinAuthenticatedUserSid,
    WinInteractiveSid,
    WinNetworkSid,
    WinBuiltinGuestsSid,
];

/// The bits of an access mask that let somebody change a file: generic write and all, and the specific ones.
const WRITES: u32 =
    0x4000_0000 | 0x1000_0000 | FILE_WRITE_DATA | FILE_APPEND_DATA | WRITE_DAC | WRITE_OWNER | DELETE;

/// The same for a folder: who may take away what lies in it may replace it. New files beside it do no harm.
const REPLACES: u32 = 0x1000_0000 | WRITE_DAC | WRITE_OWNER | FILE_DELETE_CHILD;

/// The bits that let somebody read: generic read and all, and the specific one.
const READS: u32 = 0x8000_0000 | 0x1000_0000 | FILE_READ_DATA;

/// `ACCESS_ALLOWED_ACE_TYPE`.
const ALLOWS: u8 = 0;

pub fn make_private_folder(path: &Path) -> io::Result<()> {
    let (text, path_text) = (wide(PRIVATE), wide(path));
    let mut descriptor = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "security descriptors have no safe binding")]
    // SAFETY: the text ends with a zero; the descriptor is ours to free.
    succeeded(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            std::ptr::null_mut(),
        )
    })?;
    let descriptor = LocalMemory(descriptor);
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: 0,
    };
    #[expect(unsafe_code, reason = "security descriptors have no safe binding")]
    // SAFETY: the path ends with a zero, and the attributes point to a living descriptor.
    let made = succeeded(unsafe { CreateDirectoryW(path_text.as_ptr(), &raw const attributes) });
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

pub fn make_folder_inside(path: &Path) -> io::Result<()> {
    // It inherits the list of its parent.
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    // The folder passes its list on.
    options
}

pub fn take_from_everybody(_: &Path) -> io::Result<()> {
    // A file that SQL Server makes inherits the folder's list.
    Ok(())
}

/// A file inherits the rights of its folder, to which setup lets the service account of SQL Server in.
pub fn share_like_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub fn readable_by_everybody(path: &Path) -> io::Result<bool> {
    everybody_may(path, READS)
}

pub fn writable_by_ordinary_users(path: &Path) -> io::Result<bool> {
    if everybody_may(path, WRITES)? {
        return Ok(true);
    }
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or(Ok(false), |folder| everybody_may(folder, REPLACES))
}

pub fn is_kept_secret(path: &Path) -> io::Result<bool> {
    Ok(!everybody_may(path, READS)?)
}

pub fn can_write_folder(path: &Path) -> io::Result<()> {
    // Windows checks the rights when the folder is opened for them; nothing is made.
    let mut options = OpenOptions::new();
    options.access_mode(FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    options.open(path).map(drop::<File>)
}

/// Whether the access control list of `path` gives one of `rights` to a group that every user is in.
fn everybody_may(path: &Path, rights: u32) -> io::Result<bool> {
    let name = wide(path);
    let mut list: *mut ACL = std::ptr::null_mut();
    let mut descriptor: *mut c_void = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "access control lists have no safe binding")]
    // SAFETY: the name ends with a zero; what is not asked for is null; the descriptor, which holds the list, is ours to
    // free.
    let code = unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            &raw mut list,
            std::ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let _descriptor = LocalMemory(descriptor);
    if list.is_null() {
        // No list at all: everything is allowed to everybody.
        return Ok(true);
    }
    #[expect(unsafe_code, reason = "access control lists have no safe binding")]
    // SAFETY: the list is valid while its descriptor lives, which is until the end of this function.
    let count = unsafe { (*list).AceCount };
    Ok((0..u32::from(count)).any(|index| entry_gives(list, index, rights)))
}

fn entry_gives(list: *const ACL, index: u32, rights: u32) -> bool {
    let mut entry: *mut c_void = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "access control lists have no safe binding")]
    // SAFETY: the caller's list is valid; an entry that is found lies in it and begins with an `ACE_HEADER`, and one of
    // the type that allows is an `ACCESS_ALLOWED_ACE`, whose SID begins at `SidStart`.
    unsafe {
        if GetAce(list, index, &raw mut entry) == 0 {
            return false;
        }
        let header = &*entry.cast::<ACE_HEADER>();
        if header.AceType != ALLOWS || u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0 {
            return false;
        }
        let allowed = entry.cast::<ACCESS_ALLOWED_ACE>();
        let sid: PSID = (&raw mut (*allowed).SidStart).cast();
        (*allowed).Mask & rights != 0 && EVERYBODY.iter().any(|kind| IsWellKnownSid(sid, *kind) != 0)
    }
}
