//! Memory that a program which waits has no use for.

use std::io;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, SetProcessWorkingSetSize};

/// Hands back the pages that this process does not touch at the moment; they come back when they are needed. How many they
/// are, Windows does not tell.
pub fn hand_back_memory() -> io::Result<usize> {
    #[expect(unsafe_code, reason = "a call of Windows")]
    // SAFETY: the pseudo handle of this process is always valid; the two largest numbers mean «as few as possible now».
    super::handles::succeeded(unsafe {
        SetProcessWorkingSetSize(GetCurrentProcess(), usize::MAX, usize::MAX)
    })?;
    Ok(0)
}

/// The threads share the process's heap anyway.
pub fn share_one_heap() {}
