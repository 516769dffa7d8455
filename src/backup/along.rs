//! Writing a copy and reading it back along the way: what is written is sealed every now and then, and what is sealed is read
//! back from its medium by other threads while the writing goes on. On a link the reading has the other direction to
//! itself, so that a copy is proved soon after its last byte was sent.

use super::grains::{GRAIN_BYTES, Grains, Reading};
use super::readers::{READERS, Readers, Told};
use crate::destination::{Destination, Staged};
use crate::problem::{Problem, Result};
use std::io::{self, Seek, SeekFrom, Write};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes after which what was written is sealed and read back. On a link of 100 Mbit/s, what is left to be read back once
/// everything is written takes two thirds of a second.
const SEAL_BYTES: u64 = 8 * GRAIN_BYTES;
/// A fast disk is not sealed more often than this: each time it must wait.
const SEAL_EVERY: Duration = Duration::from_millis(500);
/// After a seal that took long the next one comes later: on a link its answer waits behind all that is read back, and nothing is
/// written meanwhile. So at most a ninth of the time is spent on sealing.
const PAUSE_OF_SEAL: u32 = 8;

/// A copy that is written and read back at once.
pub struct Along<'a> {
    staged: &'a mut dyn Staged,
    told: Told,
    readers: Option<Readers>,
    position: u64,
    /// Everything before it was handed to the readers.
    handed: u64,
    end: u64,
    /// Written once more after it was handed over.
    again: bool,
    sealed_at: Instant,
    /// The least time from then until the next seal.
    pause: Duration,
    busy: Duration,
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
        let handles: Vec<_> =
            std::iter::repeat_with(|| staged.read_along()).take(READERS).flatten().collect();
        let readers = if handles.is_empty() { None } else { Some(Readers::start(handles, &told)?) };
        Ok(Self {
            staged,
            told,
            readers,
            position: 0,
            handed: 0,
            end: 0,
            again: false,
            sealed_at: Instant::now(),
            pause: SEAL_EVERY,
            busy: Duration::ZERO,
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
        self.seal()?;
        let bytes_per_sec = rate(self.end, self.busy);
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

    fn seal(&mut self) -> Result<()> {
        let begun = Instant::now();
        let sealed = self.staged.seal();
        self.sealed_at = Instant::now();
        let took = self.sealed_at - begun;
        self.pause = SEAL_EVERY.max(took * PAUSE_OF_SEAL);
        self.busy += took;
        sealed
    }

    /// Hands over every whole grain, where it is time for that.
    fn hand_over(&mut self) -> io::Result<()> {
        let whole = self.end / GRAIN_BYTES * GRAIN_BYTES;
        let due = whole - self.handed.min(whole) >= SEAL_BYTES && self.sealed_at.elapsed() >= self.pause;
        if !due || self.readers.is_none() {
            return Ok(());
        }
        if let Err(problem) = self.seal() {
            self.failure = Some(problem);
            return Err(io::Error::other("sealing"));
        }
        if let Some(readers) = &mut self.readers {
            readers.hand(self.handed..whole);
        }
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
        let begun = Instant::now();
        let written = self.staged.write(bytes);
        self.busy += begun.elapsed();
        let count = written?;
        if self.position < self.handed {
            if self.position + count as u64 > GRAIN_BYTES {
                return Err(io::Error::other("a copy is written again beyond its first grain"));
            }
            self.again = true;
        }
        self.position += count as u64;
        self.end = self.end.max(self.position);
        self.hand_over()?;
        Ok(count)
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
