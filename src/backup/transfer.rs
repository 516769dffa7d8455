//! One finished file from one destination to another: written beside, made durable, read back from the medium, compared. What
//! is copied takes its name only by the caller's word.

use super::run::cancelled;
use crate::archive::Sha256Sum;
use crate::destination::{Destination, Kind, Name, Staged};
use crate::problem::{Code, Problem, Result};
use crate::words;
use sha2::{Digest, Sha256};
use std::io::Read;
use tokio_util::sync::CancellationToken;

/// Bytes on their way at once.
const PIECE_BYTES: usize = 1 << 20;

/// A copy that stands whole under its partial name.
pub struct Transferred {
    /// The copy; discarded unless it is published.
    pub staged: Box<dyn Staged>,
    /// SHA-256 of what was read, which is what was read back.
    pub sha256: Sha256Sum,
}

/// Copies `name` from one destination to the other, under its partial name; `None` where the source has no such file.
/// `told` hears of the bytes that were written, and of how many there are.
///
/// # Errors
/// Those of either side; [`Code::TerminalIo`] or [`Code::BackupReadBack`] where other bytes are read back than were written;
/// [`Code::RunCancelled`] soon after `cancel`. Nothing is left then but what the next scrub removes.
pub fn transfer(
    from: &dyn Destination,
    to: &dyn Destination,
    name: &Name,
    told: &mut dyn FnMut(u64, Option<u64>),
    cancel: &CancellationToken,
) -> Result<Option<Transferred>> {
    let Some(mut source) = from.open(name)? else { return Ok(None) };
    let total = from.stat(name)?.map(|stat| stat.bytes);
    let mut staged = to.stage(name)?;
    let mut told = |done| told(done, total);
    match carry(from, to, &mut *source, &mut *staged, &mut told, cancel) {
        Ok(sha256) => Ok(Some(Transferred { staged, sha256 })),
        Err(problem) => {
            if let Err(left) = staged.discard() {
                tracing::warn!(problem = %left, "an unfinished copy stays until the next clean-up");
            }
            Err(problem)
        }
    }
}

fn carry(
    from: &dyn Destination,
    to: &dyn Destination,
    source: &mut dyn Read,
    staged: &mut dyn Staged,
    told: &mut dyn FnMut(u64),
    cancel: &CancellationToken,
) -> Result<Sha256Sum> {
    let mut written = Sha256::new();
    let mut buffer = vec![0; PIECE_BYTES];
    let mut done_bytes = 0;
    loop {
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        let count = source.read(&mut buffer).map_err(|error| from.explain(&error))?;
        if count == 0 {
            break;
        }
        written.update(&buffer[..count]);
        staged.write_all(&buffer[..count]).map_err(|error| to.explain(&error))?;
        done_bytes += count as u64;
        told(done_bytes);
    }
    staged.seal()?;
    let mut read_back = Sha256::new();
    staged.read_back(&mut |bytes| read_back.update(bytes))?;
    let written = Sha256Sum(written.finalize().into());
    if written == Sha256Sum(read_back.finalize().into()) { Ok(written) } else { Err(differs(to)) }
}

fn differs(to: &dyn Destination) -> Problem {
    let shown = to.shown();
    match to.kind() {
        Kind::Terminal => Problem::new(
            Code::TerminalIo,
            words!(
                "A cópia lida de volta do terminal de backup ({shown}) não é o que foi gravado.",
                "The copy read back from the terminal de backup ({shown}) is not what was written.",
            ),
            words!(
                "O disco ou a rede desse computador está falhando; a cópia será tentada de novo.",
                "That machine's disk or network is failing; the copy will be tried again.",
            ),
        ),
        Kind::Server => Problem::new(
            Code::BackupReadBack,
            words!(
                "A cópia lida de volta da pasta de backup ({shown}) não é o que foi gravado.",
                "The copy read back from the backup folder ({shown}) is not what was written.",
            ),
            words!(
                "O disco do servidor está falhando: mande verificá-lo (chkdsk).",
                "The server's disk is failing: have it checked (chkdsk).",
            ),
        ),
    }
}
