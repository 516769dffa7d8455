//! Who sits at the machine, and how the system asks a program to end.

use super::super::Peer;
use std::io;
use tokio::signal::windows;
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;

pub fn sits_here(peer: &Peer) -> bool {
    peer.elevated || peer.ourselves || peer.process.and_then(session_of).is_some_and(is_a_persons)
}

/// A service has no screen, and nobody but an administrator becomes its account; the tray's user has one, where an administrator
/// can be asked for.
pub fn may_replace(peer: &Peer) -> bool {
    let service = session_of(std::process::id()).is_some_and(|session| !is_a_persons(session));
    peer.elevated || peer.ourselves && service
}

/// The session that a process belongs to.
pub fn session_of(process: u32) -> Option<u32> {
    let mut session = 0;
    #[expect(unsafe_code, reason = "sessions have no safe binding")]
    // SAFETY: `session` is writable.
    let told = unsafe { ProcessIdToSessionId(process, &raw mut session) };
    (told != 0).then_some(session)
}

/// Services live in session 0. The pipe lets only interactive users in, so any other session is a person's: at the screen,
/// or by remote desktop, which is how shops are looked after.
const fn is_a_persons(session: u32) -> bool {
    session != 0
}

pub async fn end_asked_for() -> io::Result<()> {
    let (mut interrupt, mut close) = (windows::ctrl_c()?, windows::ctrl_close()?);
    let (mut break_key, mut shutdown) = (windows::ctrl_break()?, windows::ctrl_shutdown()?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = close.recv() => {}
        _ = break_key.recv() => {}
        _ = shutdown.recv() => {}
    }
    Ok(())
}
