//! The drives with a letter.

use super::super::Drive;
use super::files::space;
use super::handles::succeeded;
use super::wide::{narrow, wide};
use std::fs::OpenOptions;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::PathBuf;
use std::ptr::null_mut;
use windows_sys::Win32::Storage::FileSystem::{
    BusType1394, BusTypeMmc, BusTypeSd, BusTypeUsb, FILE_SHARE_READ, FILE_SHARE_WRITE, GetDriveTypeW,
    GetLogicalDrives, GetVolumeInformationW, STORAGE_BUS_TYPE,
};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::{
    IOCTL_STORAGE_QUERY_PROPERTY, PropertyStandardQuery, STORAGE_DEVICE_DESCRIPTOR, STORAGE_PROPERTY_QUERY,
    StorageDeviceProperty,
};
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
    let removable = kind == DRIVE_REMOVABLE || kind == DRIVE_FIXED && is_plugged_in(letter);
    Some(Drive { removable, name: label(&text), space: Some(space), path })
}

/// Whether it is joined by a cable or in a slot that people use: Windows calls the usual hard disk of USB fixed.
fn is_plugged_in(letter: u8) -> bool {
    match bus(letter) {
        Ok(bus) => [BusTypeUsb, BusType1394, BusTypeSd, BusTypeMmc].contains(&bus),
        Err(error) => {
            // A volume over several disks, say, has no device of its own to be asked.
            tracing::debug!(drive = %char::from(letter), %error, "how the drive is joined is not known");
            false
        }
    }
}

/// How the volume's device is joined to the machine.
fn bus(letter: u8) -> io::Result<STORAGE_BUS_TYPE> {
    // Asking wants no access to what is stored there, and so no rights.
    let device = OpenOptions::new()
        .access_mode(0)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
        .open(format!(r"\\.\{}:", char::from(letter)))?;
    let query = STORAGE_PROPERTY_QUERY {
        PropertyId: StorageDeviceProperty,
        QueryType: PropertyStandardQuery,
        ..STORAGE_PROPERTY_QUERY::default()
    };
    let mut told = STORAGE_DEVICE_DESCRIPTOR::default();
    let mut length = 0;
    #[expect(unsafe_code, reason = "devices have no safe binding")]
    // SAFETY: the handle is open; both structures are ours and as long as told; names that do not fit are left out.
    let done = unsafe {
        DeviceIoControl(
            device.as_raw_handle(),
            IOCTL_STORAGE_QUERY_PROPERTY,
            (&raw const query).cast(),
            size_of_val(&query) as u32,
            (&raw mut told).cast(),
            size_of_val(&told) as u32,
            &raw mut length,
            null_mut(),
        )
    };
    succeeded(done)?;
    if (length as usize) < std::mem::offset_of!(STORAGE_DEVICE_DESCRIPTOR, RawPropertiesLength) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(told.BusType)
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
