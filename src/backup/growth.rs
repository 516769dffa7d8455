//! A file that grows while another task copies it: the packer writes through [`Tracked`], the follower waits on [`Growth`].
//! Ranges that the packer rewrites behind its end (the repairs of a zip's header) are remembered, and are the follower's
//! to send again. The backlog between the two lies in the page cache, not in the heap.

use crate::destination::Staged;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How the growing came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything is written; what was rewritten is known.
    Finished,
    /// The file is given up; the copy is not wanted.
    Abandoned,
}

#[derive(Debug, Default)]
struct State {
    written_bytes: u64,
    rewritten: Vec<Range<u64>>,
    end: Option<End>,
}

/// What the follower may see of a growing file.
#[derive(Debug, Default)]
pub struct Growth {
    state: Mutex<State>,
    changed: Condvar,
}

/// What there is to do for a follower that has the first bytes already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grown {
    /// The file now reaches to this offset.
    To(u64),
    /// Complete: nothing more comes, and these ranges changed after they were first written.
    Finished(Vec<Range<u64>>),
    /// Given up.
    Abandoned,
}

impl Growth {
    /// Waits until there is more than `have_bytes`, or an end.
    pub fn wait_beyond(&self, have_bytes: u64) -> Grown {
        let mut state = self.lock();
        loop {
            match state.end {
                Some(End::Abandoned) => return Grown::Abandoned,
                _ if state.written_bytes > have_bytes => return Grown::To(state.written_bytes),
                Some(End::Finished) => return Grown::Finished(state.rewritten.clone()),
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Ends the growing; the first end holds.
    pub fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.changed.notify_all();
    }

    fn wrote(&self, range: Range<u64>) {
        let mut state = self.lock();
        if range.start < state.written_bytes {
            let rewritten = range.start..range.end.min(state.written_bytes);
            state.rewritten.push(rewritten);
        }
        state.written_bytes = state.written_bytes.max(range.end);
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A staged file whose growth is told.
pub struct Tracked<'a> {
    file: &'a mut dyn Staged,
    growth: &'a Growth,
    position: u64,
    failure: Option<io::Error>,
    busy: Duration,
}

impl<'a> Tracked<'a> {
    /// Tells `growth` what is written to `file` from its beginning on.
    pub fn new(file: &'a mut dyn Staged, growth: &'a Growth) -> Self {
        Self { file, growth, position: 0, failure: None, busy: Duration::ZERO }
    }

    /// The error that ended the writing, where one did.
    pub fn failure(self) -> Option<io::Error> {
        self.failure
    }

    /// The time for which the file was waited for.
    pub fn busy(&self) -> Duration {
        self.busy
    }
}

impl Write for Tracked<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let begun = Instant::now();
        let written = self.file.write(bytes).inspect_err(|error| self.failure = Some(twin(error)));
        self.busy += begun.elapsed();
        let count = written?;
        let from = self.position;
        self.position += count as u64;
        self.growth.wrote(from..self.position);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The same error once more.
fn twin(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

impl Seek for Tracked<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}

/// Copies a growing file until it ends, the rewritten ranges once more. Returns the bytes copied, or `None` where the file
/// was given up.
///
/// # Errors
/// The first error of reading or writing, with the side that failed.
pub fn follow(
    growth: &Growth,
    source: &mut (impl Read + Seek + ?Sized),
    target: &mut (impl Write + Seek + ?Sized),
    copied: &mut dyn FnMut(u64),
) -> Result<Option<u64>, FollowError> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut have = 0;
    loop {
        match growth.wait_beyond(have) {
            Grown::To(end) => {
                copy_range(have..end, source, target, &mut buffer, copied)?;
                have = end;
            }
            Grown::Finished(rewritten) => {
                for range in rewritten {
                    copy_range(range, source, target, &mut buffer, &mut |_| ())?;
                }
                target.seek(SeekFrom::End(0)).map_err(FollowError::Target)?;
                return Ok(Some(have));
            }
            Grown::Abandoned => return Ok(None),
        }
    }
}

/// The side at which a copy failed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The growing file could not be read.
    #[error("reading the file to copy: {0}")]
    Source(io::Error),
    /// The copy could not be written.
    #[error("writing the copy: {0}")]
    Target(io::Error),
}

/// Piece in which a copy is made: large enough for a network share, small enough for the memory budget.
const COPY_BYTES: usize = 256 << 10;

fn copy_range(
    range: Range<u64>,
    source: &mut (impl Read + Seek + ?Sized),
    target: &mut (impl Write + Seek + ?Sized),
    buffer: &mut [u8],
    copied: &mut dyn FnMut(u64),
) -> Result<(), FollowError> {
    source.seek(SeekFrom::Start(range.start)).map_err(FollowError::Source)?;
    target.seek(SeekFrom::Start(range.start)).map_err(FollowError::Target)?;
    let mut at = range.start;
    while at < range.end {
        let wanted = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(buffer.len());
        let piece = &mut buffer[..wanted];
        source.read_exact(piece).map_err(FollowError::Source)?;
        target.write_all(piece).map_err(FollowError::Target)?;
        at += wanted as u64;
        copied(at);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A file in memory that two threads hold, as two handles of one file would.
    #[derive(Clone, Default)]
    struct Shared(std::sync::Arc<Mutex<Vec<u8>>>);

    struct Handle {
        file: Shared,
        at: u64,
    }

    impl Read for Handle {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let bytes = self.file.0.lock().unwrap();
            let from = (self.at as usize).min(bytes.len());
            let count = into.len().min(bytes.len() - from);
            into[..count].copy_from_slice(&bytes[from..from + count]);
            self.at += count as u64;
            Ok(count)
        }
    }

    impl Seek for Handle {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            if let SeekFrom::Start(at) = to {
                self.at = at;
            }
            Ok(self.at)
        }
    }

    fn append(file: &Shared, growth: &Growth, bytes: &[u8]) {
        let mut content = file.0.lock().unwrap();
        let from = content.len() as u64;
        content.extend_from_slice(bytes);
        let to = content.len() as u64;
        drop(content);
        growth.wrote(from..to);
    }

    #[test]
    fn the_copy_of_a_growing_file_ends_equal_to_it_rewritten_ranges_included() {
        let file = Shared::default();
        let growth = Growth::default();
        let copied = AtomicU64::new(0);
        let copy = std::thread::scope(|scope| {
            let follower = scope.spawn(|| {
                let mut source = Handle { file: file.clone(), at: 0 };
                let mut target = Cursor::new(Vec::new());
                let told = &mut |bytes| copied.store(bytes, Ordering::Relaxed);
                let count = follow(&growth, &mut source, &mut target, told).unwrap();
                assert_eq!(count, Some(5_000_000));
                target.into_inner()
            });
            for piece in 0..50_u8 {
                append(&file, &growth, &vec![piece; 100_000]);
            }
            file.0.lock().unwrap()[30..40].fill(0xEE);
            growth.wrote(30..40);
            growth.end(End::Finished);
            follower.join().unwrap()
        });
        assert!(copy == *file.0.lock().unwrap());
        assert_eq!(copied.load(Ordering::Relaxed), 5_000_000);
    }

    #[test]
    fn an_abandoned_file_ends_its_follower_at_once() {
        let growth = Growth::default();
        growth.end(End::Abandoned);
        growth.end(End::Finished);
        let mut source = Cursor::new(Vec::<u8>::new());
        let mut target = Cursor::new(Vec::new());
        assert_eq!(follow(&growth, &mut source, &mut target, &mut |_| ()).unwrap(), None);
    }

    #[test]
    fn a_target_that_fails_is_told_from_a_source_that_fails() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        impl Seek for Full {
            fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
                Ok(0)
            }
        }
        let growth = Growth::default();
        growth.wrote(0..10);
        let mut whole = Cursor::new(vec![1; 10]);
        let failed = follow(&growth, &mut whole, &mut Full, &mut |_| ());
        assert!(matches!(failed, Err(FollowError::Target(_))));
        let mut short = Cursor::new(vec![1; 9]);
        let failed = follow(&growth, &mut short, &mut Cursor::new(Vec::new()), &mut |_| ());
        assert!(matches!(failed, Err(FollowError::Source(_))));
    }
}
