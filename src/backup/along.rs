//! Writing a copy and reading it back along the way: what is written is settled every now and then, and what is settled is read
//! back from its medium, all by other threads while the writing goes on. On a link the reading has the other direction to
//! itself, so that a copy is proved soon after its last byte was sent.

use super::busy::Busy;
use super::grains::{GRAIN_BYTES, Grains, Reading};
use super::readers::{Readers, Told};
use crate::destination::{Destination, Staged};
use crate::problem::{Problem, Result};
use std::io::{self, Seek, SeekFrom, Write};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes after which what was written to a disk is settled and read back.
const SETTLE_BYTES: u64 = 8 * GRAIN_BYTES;
/// A fast disk does not get its content in smaller portions than it takes in this time.
const SETTLE_EVERY: Duration = Duration::from_millis(500);
/// How many grains are read at once from a disk of this machine, which answers at once; each holds a MiB.
const READERS_OF_DISK: usize = 2;
/// How many from a share. What is on its way back must be as much as is sent in the time of an answer, which waits behind what is
/// queued both ways: five fill 100 Mbit/s for 0.4 s.
const READERS_OF_SHARE: usize = 5;
/// How many grains are on their way to a share without an answer, at most. More than are on their way back: else the writer would
/// wait for its answers behind them. Not many more: else what is read back would wait behind them.
const SETTLERS_OF_SHARE: usize = 8;

/// A copy that is written and read back at once.
pub struct Along<'a> {
    staged: &'a mut dyn Staged,
    told: Told,
    readers: Option<Readers>,
    /// Settling costs the medium nothing: each grain is handed over for itself.
    by_grains: bool,
    position: u64,
    /// Everything before it was handed to the readers.
    handed: u64,
    end: u64,
    /// Written once more after it was handed over.
    again: bool,
    settled_at: Instant,
    busy: Busy,
    failure: Option<Problem>,
}

/// A copy as it was read back.
#[derive(Debug)]
pub struct Proved {
    /// Its content.
    pub grains: Grains,
    /// Whether all of it came from the medium, not from a cache.
    pub from_medium: bool,
    /// Bytes that the destination took per second of the time in which it was waited for.
    pub bytes_per_sec: Option<u64>,
}

impl<'a> Along<'a> {
    /// Begins to write to the empty `staged`; `told` hears of each piece that was read back, with its length.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn begin(staged: &'a mut dyn Staged, told: Told) -> Result<Self> {
        let busy = Busy::default();
        let first = staged.settler()?;
        let by_grains = first.as_ref().is_some_and(|settler| settler.costs_nothing());
        let (reading, settling) =
            if by_grains { (READERS_OF_SHARE, SETTLERS_OF_SHARE) } else { (READERS_OF_DISK, 1) };
        let handles: Vec<_> =
            std::iter::repeat_with(|| staged.read_along()).take(reading).flatten().collect();
        let mut settlers: Vec<_> = first.into_iter().collect();
        for _ in 1..settling {
            settlers.extend(staged.settler()?);
        }
        let can_read_along = !handles.is_empty() && !settlers.is_empty();
        let readers = can_read_along.then(|| Readers::start(handles, settlers, &told, &busy)).transpose()?;
        Ok(Self {
            staged,
            told,
            readers,
            by_grains,
            position: 0,
            handed: 0,
            end: 0,
            again: false,
            settled_at: Instant::now(),
            busy,
            failure: None,
        })
    }

    /// An error of writing, as the problem that it is.
    pub fn explain(self, error: &io::Error, destination: &dyn Destination) -> Problem {
        self.failure.unwrap_or_else(|| destination.explain(error))
    }

    /// Seals the rest, and waits until all of it was read back.
    ///
    /// # Errors
    /// Those of sealing and reading back.
    pub fn finish(mut self) -> Result<Proved> {
        // Before the seal: what failed to settle is lost, and a later call of the system may say that all is well.
        self.readers.as_mut().map_or(Ok(()), Readers::end_settling)?;
        self.busy.during(|| self.staged.seal())?;
        let bytes_per_sec = rate(self.end, self.busy.total());
        let Some(mut readers) = self.readers.take() else {
            let mut reading = Reading::from(0);
            let told = self.told;
            let read = self.staged.read_back(&mut |piece| {
                reading.feed(piece);
                told(piece.len() as u64);
            })?;
            return Ok(Proved { grains: reading.finish(), from_medium: read.from_medium, bytes_per_sec });
        };
        readers.hand(self.handed..self.end);
        if self.again {
            // Of the zip only the first header is written again; what comes after it in its grain is read once more with it.
            readers.hand(0..self.handed.min(GRAIN_BYTES));
        }
        let (grains, from_medium) = readers.end()?;
        Ok(Proved { grains, from_medium, bytes_per_sec })
    }

    /// Hands over every whole grain, where it is time for that.
    fn hand_over(&mut self) -> Result<()> {
        let whole = self.end / GRAIN_BYTES * GRAIN_BYTES;
        let ahead = whole - self.handed.min(whole);
        let Some(readers) = self.readers.as_mut() else { return Ok(()) };
        let due = if self.by_grains {
            ahead > 0
        } else {
            ahead >= SETTLE_BYTES && self.settled_at.elapsed() >= SETTLE_EVERY && !readers.is_settling()
        };
        if !due {
            return Ok(());
        }
        readers.settle(self.handed..whole)?;
        self.settled_at = Instant::now();
        self.handed = whole;
        Ok(())
    }
}

/// Bytes per second; `None` where nothing was waited for.
pub fn rate(bytes: u64, busy: Duration) -> Option<u64> {
    let nanos = busy.as_nanos();
    let per_sec = (u128::from(bytes) * 1_000_000_000).checked_div(nanos)?;
    (bytes > 0).then(|| u64::try_from(per_sec).unwrap_or(u64::MAX))
}

impl Write for Along<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.busy.during(|| self.staged.write(bytes))?;
        if self.position < self.handed {
            if self.position + count as u64 > GRAIN_BYTES {
                return Err(io::Error::other("a copy is written again beyond its first grain"));
            }
            self.again = true;
        }
        self.position += count as u64;
        self.end = self.end.max(self.position);
        match self.hand_over() {
            Ok(()) => Ok(count),
            Err(problem) => {
                self.failure = Some(problem);
                Err(io::Error::other("settling"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.staged.flush()
    }
}

impl Seek for Along<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.staged.seek(to)?;
        Ok(self.position)
    }
}

#[cfg(test)]
#[path = "along_tests.rs"]
mod tests;
