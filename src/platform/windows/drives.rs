//! The drives with a letter.

use super::super::Drive;
use super::files::space;
use super::wide::{narrow, wide};
use std::path::PathBuf;
use std::ptr::null_mut;
use windows_sys::Win32::Storage::FileSystem::{GetDriveTypeW, GetLogicalDrives, GetVolumeInformationW};
use windows_sys::Win32::System::WindowsProgramming::{DRIVE_FIXED, DRIVE_REMOTE, DRIVE_REMOVABLE};

pub fn drives() -> Vec<Drive> {
    #[expect(unsafe_code, reason = "drives have no safe binding")]
    // SAFETY: takes nothing.
    let letters = unsafe { GetLogicalDrives() };
    (b'A'..=b'Z').filter(|letter| letters >> (letter - b'A') & 1 == 1).filter_map(drive).collect()
}

fn drive(letter: u8) -> Option<Drive> {
    let root = format!("{}:\\", char::from(letter));
    let text = wide(&root);
    #[expect(unsafe_code, reason = "drives have no safe binding")]
    // SAFETY: the text ends with zero and outlives the call.
    let kind = unsafe { GetDriveTypeW(text.as_ptr()) };
    if ![DRIVE_FIXED, DRIVE_REMOTE, DRIVE_REMOVABLE].contains(&kind) {
        return None;
    }
    let path = PathBuf::from(root);
    // A reader without a card has a letter and no room.
    let space = space(&path).ok()?;
    Some(Drive { removable: kind == DRIVE_REMOVABLE, name: label(&text), space: Some(space), path })
}

fn label(root: &[u16]) -> String {
    let mut name = [0; 261];
    let size = u32::try_from(name.len()).unwrap_or_default();
    let (serial, longest, flags, kind) = (null_mut(), null_mut(), null_mut(), null_mut());
    #[expect(unsafe_code, reason = "drives have no safe binding")]
    // SAFETY: the text ends with zero; `name` is writable and as long as told; the rest is not wanted.
    let told = unsafe {
        GetVolumeInformationW(root.as_ptr(), name.as_mut_ptr(), size, serial, longest, flags, kind, 0)
    };
    if told == 0 { String::new() } else { narrow(&name) }
}
