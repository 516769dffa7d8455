//! Notices of the desktop: Windows' toasts.

use super::wide::wide;
use notify_rust::{Notification, Timeout};
use std::io;
use windows_sys::Win32::System::Registry::{HKEY_CURRENT_USER, REG_SZ, RegSetKeyValueW};

/// What Windows knows this program by.
const APP: &str = "DMBackup";

pub fn show_notice(title: &str, text: &str, is_urgent: bool) -> io::Result<()> {
    let stays = if is_urgent { Timeout::Never } else { Timeout::Default };
    let mut notice = Notification::new();
    notice.appname(APP).summary(title).body(text).timeout(stays);
    let own = register().and_then(|()| {
        let mut own = notice.clone();
        own.app_id(APP);
        own.show().map(drop).map_err(io::Error::other)
    });
    // Without a name of its own, a toast is headed as one of PowerShell's: better than none.
    own.or_else(|error| {
        tracing::debug!(%error, "a notice is not shown under the program's own name");
        notice.show().map(drop).map_err(io::Error::other)
    })
}

/// Has the user's Windows know by which name people call this program: it stands above each toast.
fn register() -> io::Result<()> {
    let key = wide(r"Software\Classes\AppUserModelId\DMBackup");
    let (value, name) = (wide("DisplayName"), wide(APP));
    let bytes = u32::try_from(size_of_val(name.as_slice())).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "the registry has no safe binding")]
    // SAFETY: the key and the value's name end with a zero; `bytes` is the size of `name`. All outlive the call.
    let code = unsafe {
        RegSetKeyValueW(HKEY_CURRENT_USER, key.as_ptr(), value.as_ptr(), REG_SZ, name.as_ptr().cast(), bytes)
    };
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}
