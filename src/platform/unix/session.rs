//! Who sits at the machine, and how the system asks a program to end.

use super::super::Peer;
use std::fs;
use std::io;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// Where systemd's login manager keeps what its own library reads: one file a session.
const SESSIONS: &str = "/run/systemd/sessions";

pub fn sits_here(peer: &Peer) -> bool {
    peer.elevated || peer.ourselves || sits_in_a_session(Path::new(SESSIONS), &peer.id)
}

pub fn may_replace(peer: &Peer) -> bool {
    peer.elevated || peer.ourselves && is_headless(Path::new(SESSIONS))
}

/// Whether nobody has a session at a seat of this machine.
fn is_headless(sessions: &Path) -> bool {
    let Ok(entries) = fs::read_dir(sessions) else { return true };
    let mut texts = entries.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok());
    !texts.any(|session| {
        let value = |key: &str| {
            session.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
        };
        !value("SEAT").is_empty() && value("CLASS").starts_with("user")
    })
}

/// Whether `uid` has a session that is in the foreground of a seat of this machine: not one over the network, and none of a
/// login screen. Without systemd nobody has.
fn sits_in_a_session(sessions: &Path, uid: &str) -> bool {
    let Ok(entries) = fs::read_dir(sessions) else { return false };
    entries
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .any(|session| is_seated(&session, uid))
}

fn is_seated(session: &str, uid: &str) -> bool {
    let value = |key: &str| {
        session.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
    };
    value("UID") == uid
        && value("ACTIVE") == "1"
        && value("REMOTE") != "1"
        && !value("SEAT").is_empty()
        && value("CLASS").starts_with("user")
}

pub async fn end_asked_for() -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let hang_up = async {
        if ignores_hang_up() {
            return std::future::pending().await;
        }
        signal(SignalKind::hangup())?.recv().await.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    };
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        end = hang_up => end,
    }
}

/// Whether whoever started us wants us to outlive the terminal (`nohup`): to listen for the signal would undo that.
fn ignores_hang_up() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, libc::SIGHUP))
}

fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEATED: &str = "# This is private data. Do not parse.\nUID=1000\nUSER=ana\nACTIVE=1\nSTATE=active\n\
                          REMOTE=0\nTYPE=x11\nCLASS=user\nSEAT=seat0\nVTNR=2\n";

    #[test]
    fn only_the_foreground_of_a_seat_sits_at_the_machine() {
        assert!(is_seated(SEATED, "1000"));
        assert!(!is_seated(SEATED, "100"));
        for (from, to) in [
            ("ACTIVE=1", "ACTIVE=0"),
            ("REMOTE=0", "REMOTE=1"),
            ("SEAT=seat0\n", ""),
            ("CLASS=user", "CLASS=greeter"),
        ] {
            assert!(!is_seated(&SEATED.replace(from, to), "1000"), "{to}");
        }
    }

    #[test]
    fn nohup_is_respected() {
        assert!(ignores("Name:\tx\nSigIgn:\t0000000000001001\n", libc::SIGHUP));
        assert!(!ignores("Name:\tx\nSigIgn:\t0000000000001000\n", libc::SIGHUP));
        assert!(!ignores("", libc::SIGHUP));
    }

    #[test]
    fn a_machine_without_a_login_manager_has_nobody_at_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!sits_in_a_session(&folder.path().join("missing"), "1000"));
        fs::write(folder.path().join("c1"), SEATED).unwrap();
        assert!(is_headless(&folder.path().join("missing")));
        assert!(!is_headless(folder.path()), "somebody sits there");
        assert!(sits_in_a_session(folder.path(), "1000"));
        assert!(!sits_in_a_session(folder.path(), "1001"));
    }
}
