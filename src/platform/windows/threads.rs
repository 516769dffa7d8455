//! How much a thread wants for itself.

use windows_sys::Win32::System::Threading::{
    GetCurrentThread, SetThreadPriority, THREAD_MODE_BACKGROUND_BEGIN,
};

pub fn stand_back() {
    #[expect(unsafe_code, reason = "priorities have no safe binding")]
    // SAFETY: the pseudo handle of the calling thread is always valid and need not be closed.
    let done = unsafe { SetThreadPriority(GetCurrentThread(), THREAD_MODE_BACKGROUND_BEGIN) };
    if done == 0 {
        tracing::debug!(error = %std::io::Error::last_os_error(), "the thread keeps its priority");
    }
}
