//! Handles of processes and their tokens, closed when dropped; memory of the local heap, freed when dropped.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use windows_sys::Win32::Foundation::{HANDLE, LocalFree};

/// Takes a handle that a function returned through a pointer, once it is known to have succeeded.
pub fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    #[expect(unsafe_code, reason = "taking over a handle")]
    // SAFETY: the handle is valid, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// What a function that returns `BOOL` says.
pub fn succeeded(returned: i32) -> io::Result<()> {
    if returned == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Memory that Windows allocated for us with `LocalAlloc`.
#[derive(Debug)]
pub struct LocalMemory(pub *mut c_void);

impl Drop for LocalMemory {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "memory of Windows' own heap")]
        // SAFETY: the pointer came from a function that says to free it so, and nothing refers to it any more.
        unsafe {
            LocalFree(self.0);
        }
    }
}
