//! Reading back along the way, in pieces of several grains: whatever way a copy is written, what is proved is what stands there.

use super::*;
use crate::destination::{ReadAlong, ReadBack, Settle};
use crate::problem::Code;
use crate::words;
use proptest::prelude::*;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A medium in memory, and everything that was done with it.
#[derive(Clone, Default)]
struct Medium(Arc<(Mutex<Kept>, Condvar)>);

#[derive(Default)]
struct Kept {
    content: Vec<u8>,
    /// What the medium has once it was settled or sealed.
    settled: Vec<u8>,
    settles: usize,
    seals: usize,
    /// The ranges that were read back along the way.
    ranges: Vec<Range<u64>>,
    /// The medium turns this byte over.
    rotten: Option<usize>,
    settling_fails: bool,
    /// Settling costs it nothing.
    is_share: bool,
    /// Settling gets no answer for now.
    is_silent: bool,
    sealing_fails: bool,
    reading_fails: bool,
}

impl Medium {
    fn kept<T>(&self, what: impl FnOnce(&mut Kept) -> T) -> T {
        let (kept, changed) = &*self.0;
        let told = what(&mut kept.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
        told
    }

    /// Waits until another thread has brought it so far.
    fn until(&self, done: impl Fn(&Kept) -> bool) {
        let (kept, changed) = &*self.0;
        let patience = Duration::from_secs(60);
        let waited = changed.wait_timeout_while(kept.lock().unwrap(), patience, |kept| !done(kept)).unwrap();
        assert!(!waited.1.timed_out(), "another thread never did it");
    }

    fn read(&self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        let (from, to) = (range.start as usize, range.end as usize);
        let piece = self.kept(|kept| {
            if kept.reading_fails {
                return Err(failed("reading"));
            }
            let mut piece = kept.settled.get(from..to).ok_or_else(|| failed("not there"))?.to_vec();
            if let Some(at) = kept.rotten.filter(|at| (from..to).contains(at)) {
                piece[at - from] ^= 1;
            }
            Ok(piece)
        })?;
        piece.chunks(999_983).for_each(sink);
        Ok(ReadBack { bytes: range.end - range.start, from_medium: true })
    }
}

fn failed(what: &str) -> Problem {
    Problem::new(Code::TerminalIo, words!("{what}", "{what}"), words!("", ""))
}

/// A file under construction on it.
struct Draft {
    medium: Medium,
    position: u64,
    /// Whether a second handle may read along.
    along: bool,
    /// Whether a second handle may settle.
    settles: bool,
}

impl Draft {
    fn on(medium: &Medium) -> Self {
        Self { medium: medium.clone(), position: 0, along: true, settles: true }
    }
}

impl Read for Draft {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = self.position as usize;
        self.medium.kept(|kept| {
            let end = at + bytes.len();
            if kept.content.len() < end {
                kept.content.resize(end, 0);
            }
            kept.content[at..end].copy_from_slice(bytes);
        });
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Draft {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.position = at;
        Ok(at)
    }
}

impl Staged for Draft {
    fn path(&self) -> &Path {
        Path::new("draft")
    }

    fn seal(&mut self) -> Result<()> {
        self.medium.kept(|kept| {
            if kept.sealing_fails {
                return Err(failed("sealing"));
            }
            kept.seals += 1;
            kept.settled = kept.content.clone();
            Ok(())
        })
    }

    fn read_back(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        let whole = self.medium.kept(|kept| kept.settled.len() as u64);
        self.medium.read(0..whole, sink)?;
        Ok(ReadBack { bytes: whole, from_medium: false })
    }

    fn read_along(&self) -> Option<Box<dyn ReadAlong>> {
        self.along.then(|| Box::new(Beside(self.medium.clone())) as Box<dyn ReadAlong>)
    }

    fn settler(&self) -> Result<Option<Box<dyn Settle>>> {
        Ok(self.settles.then(|| Box::new(Beside(self.medium.clone())) as Box<dyn Settle>))
    }

    fn publish(self: Box<Self>) -> Result<()> {
        Err(failed("not wanted here"))
    }

    fn discard(self: Box<Self>) -> Result<()> {
        Err(failed("not wanted here"))
    }

    fn leave(self: Box<Self>) {}
}

struct Beside(Medium);

impl ReadAlong for Beside {
    fn read_back(&mut self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        self.0.kept(|kept| kept.ranges.push(range.clone()));
        self.0.read(range, sink)
    }
}

impl Settle for Beside {
    fn settle(&mut self) -> Result<()> {
        self.0.kept(|kept| kept.settles += 1);
        self.0.until(|kept| !kept.is_silent);
        self.0.kept(|kept| {
            if kept.settling_fails {
                return Err(failed("settling"));
            }
            kept.settled = kept.content.clone();
            Ok(())
        })
    }

    fn costs_nothing(&self) -> bool {
        self.0.kept(|kept| kept.is_share)
    }
}

/// Runs with a clock that only moves when it is told to.
fn in_still_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(work)
}

/// Content in which no two grains are alike.
fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[1] ^ (at >> 20) as u8)
        .collect()
}

fn grains_of(content: &[u8]) -> Grains {
    let mut reading = Reading::from(0);
    reading.feed(content);
    reading.finish()
}

fn silent() -> Arc<dyn Fn(u64) + Send + Sync> {
    Arc::new(|_| ())
}

const MIB: usize = 1 << 20;

#[test]
fn what_is_sealed_is_read_back_while_more_is_written_and_a_rewritten_header_once_more() {
    in_still_time(async {
        let (medium, content) = (Medium::default(), content(13 * MIB + 7));
        let mut draft = Draft::on(&medium);
        let told = Arc::new(Mutex::new(0));
        let heard = Arc::clone(&told);
        let mut along =
            Along::begin(&mut draft, Arc::new(move |count| *heard.lock().unwrap() += count)).unwrap();
        along.write_all(&content[..9 * MIB]).unwrap();
        assert_eq!(medium.kept(|kept| kept.settles), 0, "a fast disk does not get it in small portions");
        tokio::time::advance(SETTLE_EVERY).await;
        along.write_all(&content[9 * MIB..10 * MIB]).unwrap();
        medium.until(|kept| kept.settles == 1 && kept.ranges.len() == 10);
        assert_eq!(medium.kept(|kept| kept.seals), 0, "nothing is sealed before the end");
        along.write_all(&content[10 * MIB..]).unwrap();
        along.seek(SeekFrom::Start(0)).unwrap();
        let header: Vec<u8> = content[..64].iter().map(|byte| !byte).collect();
        along.write_all(&header).unwrap();
        let proved = along.finish().unwrap();
        let (ranges, final_content) = medium.kept(|kept| (kept.ranges.clone(), kept.content.clone()));
        let (grain, end) = (GRAIN_BYTES, content.len() as u64);
        let mut ranges = ranges;
        ranges.sort_unstable_by_key(|range| range.start);
        assert_eq!(
            ranges,
            std::iter::once(0..grain)
                .chain((0..end).step_by(MIB).map(|start| start..(start + grain).min(end)))
                .collect::<Vec<_>>(),
            "grain by grain, in whatever order, and the rewritten one twice"
        );
        assert_eq!(*told.lock().unwrap(), end + grain, "each byte is told, those that were read twice too");
        assert_eq!(proved.grains, grains_of(&final_content));
        assert_ne!(proved.grains, grains_of(&content), "the old header is not what stands there");
        assert!(proved.from_medium);
    });
}

#[test]
fn a_byte_that_the_medium_turned_over_is_in_the_sums_wherever_it_lies() {
    for rotten in [0, 5 * MIB, 8 * MIB - 1, 8 * MIB, 13 * MIB + 6] {
        in_still_time(async {
            let (medium, content) = (Medium::default(), content(13 * MIB + 7));
            medium.kept(|kept| kept.rotten = Some(rotten));
            let mut draft = Draft::on(&medium);
            let mut along = Along::begin(&mut draft, silent()).unwrap();
            along.write_all(&content[..9 * MIB]).unwrap();
            tokio::time::advance(SETTLE_EVERY).await;
            along.write_all(&content[9 * MIB..]).unwrap();
            assert_ne!(along.finish().unwrap().grains, grains_of(&content), "at {rotten}");
        });
    }
}

#[test]
fn nothing_but_the_first_grain_may_be_written_again_once_it_was_handed_over() {
    in_still_time(async {
        let (medium, content) = (Medium::default(), content(9 * MIB));
        let mut draft = Draft::on(&medium);
        let mut along = Along::begin(&mut draft, silent()).unwrap();
        tokio::time::advance(SETTLE_EVERY).await;
        along.write_all(&content).unwrap();
        along.seek(SeekFrom::Start(GRAIN_BYTES)).unwrap();
        assert!(along.write_all(b"x").is_err());
    });
}

/// What a writer hears of a medium that `fails`, and whether it was sealed.
fn told_of(fails: impl FnOnce(&mut Kept)) -> (bool, String) {
    in_still_time(async {
        let medium = Medium::default();
        medium.kept(fails);
        let mut draft = Draft::on(&medium);
        let mut along = Along::begin(&mut draft, silent()).unwrap();
        tokio::time::advance(SETTLE_EVERY).await;
        let written = along.write_all(&content(9 * MIB));
        // Where settling fails at once, the writer hears of it in the same call.
        let problem = match written {
            Ok(()) => along.finish().unwrap_err(),
            Err(_) => along.failure.take().unwrap(),
        };
        (medium.kept(|kept| kept.seals > 0), problem.sentence.en)
    })
}

#[test]
fn failures_of_settling_sealing_and_reading_are_told_as_they_are() {
    assert_eq!(
        told_of(|kept| kept.settling_fails = true),
        (false, "settling".to_owned()),
        "nothing is sealed over it"
    );
    assert_eq!(told_of(|kept| kept.sealing_fails = true), (false, "sealing".to_owned()));
    assert_eq!(told_of(|kept| kept.reading_fails = true), (true, "reading".to_owned()));
}

#[test]
fn a_copy_that_does_not_settle_is_not_written_on_and_its_writer_does_not_wait() {
    for is_share in [false, true] {
        in_still_time(async {
            let medium = Medium::default();
            medium.kept(|kept| (kept.settling_fails, kept.is_share) = (true, is_share));
            let mut draft = Draft::on(&medium);
            let mut along = Along::begin(&mut draft, silent()).unwrap();
            let piece = content(9 * MIB);
            let mut pieces = 0;
            while along.write_all(&piece).is_ok() {
                tokio::time::advance(SETTLE_EVERY).await;
                pieces += 1;
                assert!(pieces < 50, "it never heard of it");
            }
            assert_eq!(along.failure.take().map(|problem| problem.sentence.en), Some("settling".to_owned()));
        });
    }
}

#[test]
fn where_nobody_reads_along_or_settles_all_of_it_is_read_at_the_end() {
    for (along, settles) in [(false, true), (true, false)] {
        in_still_time(async {
            let (medium, content) = (Medium::default(), content(9 * MIB + 3));
            let mut draft = Draft { along, settles, ..Draft::on(&medium) };
            let mut along = Along::begin(&mut draft, silent()).unwrap();
            tokio::time::advance(SETTLE_EVERY).await;
            along.write_all(&content).unwrap();
            let proved = along.finish().unwrap();
            assert_eq!((proved.grains, proved.from_medium), (grains_of(&content), false));
            assert!(medium.kept(|kept| (kept.seals, kept.settles, kept.ranges.is_empty())) == (1, 0, true));
        });
    }
}

#[test]
fn on_a_share_each_grain_is_settled_for_itself_and_the_writer_waits_where_no_answer_comes() {
    in_still_time(async {
        let (medium, content) = (Medium::default(), content(30 * MIB));
        medium.kept(|kept| (kept.is_share, kept.is_silent) = (true, true));
        let mut draft = Draft::on(&medium);
        let mut along = Along::begin(&mut draft, silent()).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| content.chunks(MIB).try_for_each(|piece| along.write_all(piece)));
            medium.until(|kept| kept.settles == SETTLERS_OF_SHARE);
            let written = medium.kept(|kept| kept.content.len());
            assert!(written <= (SETTLERS_OF_SHARE + 1) * MIB, "{written}");
            assert!(!writer.is_finished());
            medium.kept(|kept| kept.is_silent = false);
            writer.join().unwrap().unwrap();
        });
        assert_eq!(along.finish().unwrap().grains, grains_of(&content));
        assert_eq!(medium.kept(|kept| (kept.settles, kept.seals)), (30, 1));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn however_a_copy_is_written_what_is_proved_is_what_stands_there(
        pieces in proptest::collection::vec((1usize..5 * MIB, any::<bool>()), 0..6),
        header in proptest::option::of(1usize..100_000),
    ) {
        in_still_time(async {
            let medium = Medium::default();
            let mut draft = Draft::on(&medium);
            let mut along = Along::begin(&mut draft, silent()).unwrap();
            let whole = content(pieces.iter().map(|(length, _)| length).sum());
            let mut at = 0;
            for (length, passes) in pieces {
                along.write_all(&whole[at..at + length]).unwrap();
                at += length;
                if passes {
                    tokio::time::advance(SETTLE_EVERY).await;
                }
            }
            if let Some(header) = header.filter(|header| *header <= whole.len()) {
                along.seek(SeekFrom::Start(0)).unwrap();
                along.write_all(&vec![0xa5; header]).unwrap();
            }
            let proved = along.finish().unwrap();
            assert_eq!(proved.grains, grains_of(&medium.kept(|kept| kept.content.clone())));
        });
    }
}
